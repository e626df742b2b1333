// Package agent is the worker's end of its stream to the schedulers' leader: it
// finds who leads, registers with what the worker holds, takes orders and brings
// reports, and keeps both over broken streams and changes of leader. It does not
// know how tasks run or where outputs lie.
package agent

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"

	"google.golang.org/grpc"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/clock"
)

// Tasks runs tasks. Its methods return soon, and what becomes of a task arrives
// by TaskDone or TaskFailed, once, also for a task that was canceled.
type Tasks interface {
	Launch(*pb.Task)
	Cancel(*pb.TaskID)
	// Discard drops what a job left, tasks and outputs.
	Discard(job string)
}

// Inventory lists the outputs that are stored here. What it gives is not changed.
type Inventory interface {
	Held() []*pb.Output
}

// Conn is a connection to a scheduler.
type Conn interface {
	grpc.ClientConnInterface
	io.Closer
}

// Config is what a worker says of itself, and how it reaches schedulers.
type Config struct {
	Name, Shuffle, Host, Version string
	Slots, GPUs, CPUs            int
	Memory                       int64
	Protocol                     int32 // that this worker speaks
	// Schedulers are the inner addresses to begin with; hints may name others.
	Schedulers []string
	// Dial makes a connection that need not be up yet.
	Dial      func(address string) (Conn, error)
	Inventory Inventory // nil: nothing is stored
	// Load gives runnable threads by core and booked bytes. It must not block.
	// Nil: unknown.
	Load  func() (load float64, memory int64)
	Clock clock.Clock
	Log   *slog.Logger // may be nil
}

// maxUnacked bounds reports without an answer. A leader gives a worker no more
// tasks than slots, so only a fault gets here; the worker then begins afresh.
const maxUnacked = 1 << 16

// Agent is safe for concurrent use. It implements the runner's Reporter.
type Agent struct {
	cfg      Config
	log      *slog.Logger
	drained  chan struct{}
	released chan struct{}
	freed    sync.Once

	mu struct {
		sync.Mutex
		epoch    int64
		term     uint64           // the highest that was seen
		tasks    map[key]bool     // of this epoch, unacknowledged; true: ended
		running  int              // of tasks, those that have not ended
		dropping map[key]struct{} // of earlier epochs, not ended yet
		reports  []report         // unacknowledged, oldest first
		base     uint64           // number of the last that was acknowledged
		sent     uint64           // number of the last that was sent on this stream
		session  *session         // nil: there is none
		draining bool
		idle     bool // drained is closed
		full     bool

		streams, dismissals uint64
	}
}

// New makes an agent; Run makes it work.
func New(cfg Config) *Agent {
	a := &Agent{cfg: cfg, log: cfg.Log, drained: make(chan struct{}), released: make(chan struct{})}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.mu.epoch = cfg.Clock.Now().UnixMicro()
	a.mu.tasks, a.mu.dropping = map[key]bool{}, map[key]struct{}{}
	return a
}

// Run serves the leader, whoever that is, until ctx ends; then it says goodbye.
// Tasks and outputs outlive streams. A dismissal drops the tasks.
func (a *Agent) Run(ctx context.Context, tasks Tasks) error {
	r := newRoute(a.cfg.Schedulers)
	for ctx.Err() == nil {
		address := r.next()
		began := a.cfg.Clock.Now()
		welcomed, err := a.serve(ctx, address, tasks)
		if ctx.Err() != nil {
			return nil
		}
		a.log.Log(ctx, r.level(welcomed), "stream ended", slog.String("scheduler", address), slog.Any("cause", err))
		if welcomed {
			r.worked(a.cfg.Clock.Now().Sub(began))
		}
		hint, told := leaderHint(err)
		switch d := (*dismissed)(nil); {
		case errors.As(err, &d):
			a.beginAfresh(tasks, d.epoch)
			r.again()
		case told:
			r.told(hint)
		case welcomed && !errors.Is(err, errSilent):
			r.again()
		default:
			r.failed()
		}
		if err := clock.Sleep(ctx, a.cfg.Clock, r.delay(rand.Float64())); err != nil {
			return nil //nolint:nilerr // it was asked to end
		}
	}
	return nil
}

// beginAfresh ends the epoch: its tasks are dropped, their reports are nobody's.
// The new epoch is above `over`, whatever the clocks say.
func (a *Agent) beginAfresh(tasks Tasks, over int64) {
	var left []*pb.TaskID
	a.mu.Lock()
	for k, ended := range a.mu.tasks {
		if !ended {
			a.mu.dropping[k] = struct{}{}
			left = append(left, k.id())
		}
	}
	clear(a.mu.tasks)
	a.mu.running, a.mu.reports, a.mu.base, a.mu.sent, a.mu.full = 0, nil, 0, 0, false
	a.mu.dismissals++
	a.mu.epoch = max(a.mu.epoch+1, over+1, a.cfg.Clock.Now().UnixMicro())
	a.mu.Unlock()
	for _, id := range left {
		tasks.Cancel(id)
	}
}

// Drain asks the leader for no more tasks.
func (a *Agent) Drain() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mu.draining = true
	a.restLocked()
	a.mu.session.kick()
}

// Drained is closed once the worker takes no more tasks and has none.
func (a *Agent) Drained() <-chan struct{} { return a.drained }

// Released is closed once the leader says that nothing needs this worker, which
// was drained.
func (a *Agent) Released() <-chan struct{} { return a.released }

// restLocked notes that there is nothing more to do.
func (a *Agent) restLocked() {
	if a.mu.draining && a.mu.running == 0 && !a.mu.idle {
		a.mu.idle = true
		close(a.drained)
	}
}
