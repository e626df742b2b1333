// Package skew decides which builds work together: those whose protocols are
// neighbours, so that a cluster is upgraded one process at a time. It knows
// nothing of what the protocols say.
package skew

import "github.com/spurwheel/spurwheel/internal/errs"

// most is how far the protocols of two processes may lie apart.
const most = 1

// Check refuses a peer whose protocol is not ours nor a neighbour of it. 0 is of
// before there was a number, or of somebody who does not mind.
func Check(peer string, theirs, ours int32) error {
	if theirs == 0 || ours == 0 || theirs-ours <= most && ours-theirs <= most {
		return nil
	}
	return errs.Errorf(errs.NotSupported, "version", "%s speaks protocol %d, this process %d: only neighbours work together, upgrade one release at a time",
		peer, theirs, ours)
}
