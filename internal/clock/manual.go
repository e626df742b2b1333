package clock

import (
	"context"
	"sync"
	"time"
)

// Manual is a clock that stands still until Advance moves it. Equal calls give equal histories: timers fire in the order of
// their times, those of one instant in the order they were started.
type Manual struct {
	mu struct {
		sync.Mutex
		now     time.Time
		started uint64                // timers ever started, the order among equals
		pending map[*manualTimer]bool // few in any test, so a scan for the earliest does
		changed chan struct{}         // closed and replaced when pending grows
	}
}

var (
	_ Clock = Real{}
	_ Clock = (*Manual)(nil)
)

// NewManual starts at the given time.
func NewManual(now time.Time) *Manual {
	m := &Manual{}
	m.mu.now = now
	m.mu.pending = map[*manualTimer]bool{}
	m.mu.changed = make(chan struct{})
	return m
}

// Now is the time that Advance has reached.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.now
}

// NewTimer fires at once when d is not positive, as time.NewTimer does.
func (m *Manual) NewTimer(d time.Duration) Timer {
	t := &manualTimer{clock: m, c: make(chan time.Time, 1)}
	t.Reset(d)
	return t
}

// AfterFunc calls f inside the Advance that reaches its time, or inside AfterFunc itself when d is not positive.
func (m *Manual) AfterFunc(d time.Duration, f func()) Timer {
	t := &manualTimer{clock: m, f: f}
	t.Reset(d)
	return t
}

// Advance moves the clock by d and fires what falls due on the way, each at its own time. Functions it calls may start
// further timers; those that fall due on the way fire too.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	target := m.mu.now.Add(d)
	for {
		t := m.earliestLocked()
		if t == nil || t.when.After(target) {
			break
		}
		if t.when.After(m.mu.now) {
			m.mu.now = t.when
		}
		m.fireLocked(t)
	}
	if target.After(m.mu.now) {
		m.mu.now = target
	}
	m.mu.Unlock()
}

// Pending counts the timers that wait.
func (m *Manual) Pending() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.mu.pending)
}

// Await returns once at least n timers wait: the code under test has reached its wait, and Advance will find it there.
func (m *Manual) Await(ctx context.Context, n int) error {
	for {
		m.mu.Lock()
		reached, changed := len(m.mu.pending) >= n, m.mu.changed
		m.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *Manual) earliestLocked() *manualTimer {
	var first *manualTimer
	for t := range m.mu.pending {
		if first == nil || t.when.Before(first.when) || t.when.Equal(first.when) && t.order < first.order {
			first = t
		}
	}
	return first
}

// fireLocked gives the lock away while it calls the timer's function, which may use the clock.
func (m *Manual) fireLocked(t *manualTimer) {
	delete(m.mu.pending, t)
	if t.f == nil {
		t.c <- m.mu.now // never blocks: one place, emptied by Stop and Reset
		return
	}
	m.mu.Unlock()
	defer m.mu.Lock()
	t.f()
}

type manualTimer struct {
	clock *Manual
	c     chan time.Time // of NewTimer
	f     func()         // of AfterFunc
	when  time.Time      // under clock.mu, as is order
	order uint64
}

func (t *manualTimer) C() <-chan time.Time { return t.c }

func (t *manualTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	return t.stopLocked()
}

func (t *manualTimer) stopLocked() bool {
	pending := t.clock.mu.pending[t]
	delete(t.clock.mu.pending, t)
	select {
	case <-t.c: // nil for AfterFunc: never ready
	default:
	}
	return pending
}

func (t *manualTimer) Reset(d time.Duration) bool {
	m := t.clock
	m.mu.Lock()
	defer m.mu.Unlock()
	pending := t.stopLocked()
	m.mu.started++
	t.when, t.order = m.mu.now.Add(d), m.mu.started
	if d <= 0 {
		m.fireLocked(t)
		return pending
	}
	m.mu.pending[t] = true
	close(m.mu.changed)
	m.mu.changed = make(chan struct{})
	return pending
}
