package shuffle

import (
	"errors"
	"fmt"
	"time"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Reason says why an output could not be read.
type Reason uint8

// Values travel on the wire and are never renumbered.
const (
	reasonNone     Reason = iota
	ReasonCut             // the worker does not answer, or the connection breaks each time
	ReasonGone            // the worker answers and has no such output
	ReasonChecksum        // the bytes are damaged, or not those asked for
	ReasonDisk            // the worker's disk does not give the bytes back
)

func (r Reason) String() string {
	switch r {
	case ReasonCut:
		return "cut"
	case ReasonGone:
		return "gone"
	case ReasonChecksum:
		return "checksum"
	case ReasonDisk:
		return "disk"
	default:
		return "unknown"
	}
}

// LostError says which output could not be read and why, so that just its task
// runs again.
type LostError struct {
	Stage  int32
	Output *pb.Output
	Reason Reason
	Err    error
}

func (e *LostError) Error() string {
	id := e.Output.GetTask()
	return fmt.Sprintf("output of task %d/%d, attempt %d, on worker %s is lost (%s): %v",
		id.GetStage(), id.GetPartition(), id.GetAttempt(), e.Output.GetWorker(), e.Reason, e.Err)
}

func (e *LostError) Unwrap() error { return e.Err }

// fault is a failure whose reason was told by who saw it.
type fault struct {
	reason  Reason
	stalled bool // the peer is there and gives no bytes
	err     error
}

func (e *fault) Error() string { return e.err.Error() }
func (e *fault) Unwrap() error { return e.err }

// stalled tells whether the failure is that of a peer that gives no answer.
func stalled(err error) bool {
	f, ok := errors.AsType[*fault](err)
	return ok && f.stalled
}

// reasonOf is why rows did not come; none if the failure is no loss.
func reasonOf(err error) Reason {
	if f, ok := errors.AsType[*fault](err); ok && f.reason != reasonNone {
		return f.reason
	}
	switch errs.KindOf(err) {
	case errs.Lost:
		return ReasonGone
	case errs.Corrupt:
		return ReasonChecksum
	case errs.Unavailable:
		return ReasonCut
	default:
		return reasonNone
	}
}

// How often the same block is asked for again before its output counts as lost.
// A lost output costs a task; a reader that waits holds up a stage.
const (
	maxCuts   = 4 // waits of 50, 100, 200 and 400 ms: a worker's listener that is busy, a short cut
	maxFlips  = 1 // damage on the way is gone the second time, damage at rest is not
	firstWait = 50 * time.Millisecond
)

// retries counts failures since the last block that came whole.
type retries struct{ cuts, flips int }

// again decides what follows a failure: another try after a wait, or none. A
// peer that has stalled was waited for already: it gets one more try.
func (r *retries) again(why Reason, stalled bool) (wait time.Duration, ok bool) {
	switch why {
	case ReasonCut:
		if r.cuts++; stalled {
			r.cuts += maxCuts / 2
		}
		return firstWait << (r.cuts - 1), r.cuts <= maxCuts
	case ReasonChecksum:
		r.flips++
		return 0, r.flips <= maxFlips
	default:
		return 0, false
	}
}
