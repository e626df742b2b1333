package driver

import (
	"context"
	"hash/fnv"
	"sync"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// lanes is how many entries of different jobs are on their way to the log at
// once: an append takes milliseconds, most of them waiting, and the log puts
// entries that come together into one write.
const lanes = 8

// maxPending bounds the entries that wait in one lane. A log so far behind is
// taken for one that does not answer.
const maxPending = 1 << 14

// appender writes to the log beside the core, which must not wait for it.
// Entries of one job keep their order.
type appender struct {
	log   Log
	lanes [lanes]lane
	// failed is told what the log refused; true ends all appending.
	failed func(job string, err error) bool
}

// pending is a step of a job: an entry, if there is one, and what happens once
// it is durable.
type pending struct {
	job   string
	entry func() (record.Entry, error) // nil, or gives nil: nothing to write
	then  func()
}

type lane struct {
	mu struct {
		sync.Mutex
		items []pending
	}
	wake chan struct{}
}

func newAppender(log Log, failed func(string, error) bool) *appender {
	a := &appender{log: log, failed: failed}
	for i := range a.lanes {
		a.lanes[i].wake = make(chan struct{}, 1)
	}
	return a
}

// add queues a step; it never waits.
func (a *appender) add(p pending) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(p.job))
	l := &a.lanes[h.Sum32()%lanes]
	l.mu.Lock()
	full := len(l.mu.items) >= maxPending
	if !full {
		l.mu.items = append(l.mu.items, p)
	}
	l.mu.Unlock()
	if full {
		a.failed(p.job, errs.Errorf(errs.Unavailable, "driver", "%d entries wait for the log", maxPending))
		return
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run serves all lanes until ctx ends.
func (a *appender) run(ctx context.Context) {
	var wg sync.WaitGroup
	for i := range a.lanes {
		wg.Go(func() { a.serve(ctx, &a.lanes[i]) })
	}
	wg.Wait()
}

func (a *appender) serve(ctx context.Context, l *lane) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		}
		l.mu.Lock()
		items := l.mu.items
		l.mu.items = nil
		l.mu.Unlock()
		for _, p := range items {
			if !a.write(ctx, p) {
				return
			}
		}
	}
}

// write does one step; false ends the lane.
func (a *appender) write(ctx context.Context, p pending) bool {
	if ctx.Err() != nil {
		return false
	}
	if p.entry != nil {
		e, err := p.entry()
		if err == nil && e != nil {
			err = a.log.Append(ctx, e)
		}
		if err != nil {
			return ctx.Err() == nil && !a.failed(p.job, err)
		}
	}
	if p.then != nil {
		p.then()
	}
	return true
}
