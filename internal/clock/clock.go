// Package clock is time as a value that tests can hold: what leases, retries and time-outs read and wait for.
// It does not know what anybody waits for.
package clock

import (
	"context"
	"time"
)

// Clock tells the time and wakes others. Its methods may be called from any goroutine.
type Clock interface {
	Now() time.Time

	// NewTimer sends the time on the timer's C once d has passed. After Stop or Reset no stale time is received.
	NewTimer(d time.Duration) Timer

	// AfterFunc calls f once d has passed. The real clock calls it in a goroutine of its own; Manual calls it inside
	// Advance, so that a test knows when it has returned.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is one pending wake-up.
type Timer interface {
	// C is nil for a timer made by AfterFunc.
	C() <-chan time.Time
	// Stop tells whether it kept the timer from firing.
	Stop() bool
	// Reset starts the timer anew and tells whether it was pending.
	Reset(d time.Duration) bool
}

// Real is the machine's clock.
type Real struct{}

// Now is time.Now, with its monotonic reading.
func (Real) Now() time.Time { return time.Now() }

// NewTimer is time.NewTimer.
func (Real) NewTimer(d time.Duration) Timer { return realTimer{time.NewTimer(d)} }

// AfterFunc is time.AfterFunc.
func (Real) AfterFunc(d time.Duration, f func()) Timer { return realTimer{time.AfterFunc(d, f)} }

type realTimer struct{ *time.Timer }

func (t realTimer) C() <-chan time.Time { return t.Timer.C }

// Sleep waits until d has passed on c, or returns ctx's error if that comes first.
func Sleep(ctx context.Context, c Clock, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	timer := c.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
