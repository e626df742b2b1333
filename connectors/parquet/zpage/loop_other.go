//go:build !amd64

package zpage

// Fast tells whether this machine has the loop that makes the package worth
// its while; Decode works without it.
func Fast() bool { return false }

type loop struct{}

func (d *Decoder) fast(*highBits, *states, *int, int) (done bool, err error) { return false, nil }
