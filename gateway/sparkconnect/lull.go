package sparkconnect

import (
	"runtime"
	"sync"
	"time"
)

// Messages to a slow client are garbage of megabytes beside a heap that hardly
// grows: the collector would let them pile up until the heap has doubled, floor
// included, which is more than all the client may cost. While the client reads
// there is time for a collection of its own, one to three milliseconds of one
// core; lullEvery keeps many slow clients from asking for one after another.
const (
	slowPush  = 500 * time.Millisecond
	lullEvery = 3 * time.Second
)

// lull collects garbage when a client is slow.
type lull struct {
	mu struct {
		sync.Mutex
		last time.Time
	}
}

// waited is told how long an execution waited for its client.
func (l *lull) waited(d time.Duration, now time.Time) {
	if d >= slowPush && l.due(now) {
		runtime.GC()
	}
}

func (l *lull) due(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.mu.last) < lullEvery {
		return false
	}
	l.mu.last = now
	return true
}
