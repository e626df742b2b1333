// Package fleet is the leader's end of the workers' streams: who is there, what
// was sent to whom, and for how long silence is patience. It turns orders of the
// scheduler into batched frames and what workers say into events. It does not
// know which task should run where, nor what a task does.
package fleet

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
)

// Sink hears what workers report and what becomes of them. Report may block:
// the stream that brought the event is read no further until it returns, which
// is not held against its worker.
type Sink interface {
	Report(dispatch.Event)
}

// Observer hears of every report that counts, before the Sink does, for
// counters of operators and the like. It must not block.
type Observer interface {
	TaskDone(worker string, d *pb.TaskDone)
	TaskFailed(worker string, f *pb.TaskFailed)
}

// Config puts a fleet together. Term, Sink and Clock are needed.
type Config struct {
	Leader string // this scheduler's name
	Term   uint64 // of its leadership
	// Protocol is what this scheduler speaks; workers speak that, one less or one
	// more, or are refused. 0 asks nobody.
	Protocol int32
	Sink     Sink
	Clock    clock.Clock
	Terms    Terms // zero: StandardTerms
	// Live tells whether a job is in the record; what workers hold of others is
	// discarded. Nil: all are. It is called by many goroutines.
	Live     func(job string) bool
	Observer Observer     // may be nil
	Log      *slog.Logger // may be nil
}

// Limits. A worker beyond them is refused or dismissed, with the limit's name.
const (
	MaxWorkers = 4096
	MaxQueued  = 65_536 // messages that wait for one worker
	maxGone    = 4096   // lost workers that are remembered, so that their epochs stay over
)

// Fleet is the workers of one leadership. It is safe for concurrent use and
// implements driver.Executor.
type Fleet struct {
	cfg     Config
	log     *slog.Logger
	counts  counts
	streams sync.WaitGroup // readers of streams

	mu struct {
		sync.Mutex
		closed   bool
		sessions map[*session]struct{}
		workers  map[string]*worker
		stores   map[string]*worker // by address of the outputs
		awaited  int
		gone     map[string]loss
		order    []string // names in gone, oldest first
		watch    watch
	}
	settled chan struct{} // closed when nobody is awaited any more
}

// New makes a fleet without workers.
func New(cfg Config) *Fleet {
	if cfg.Terms == (Terms{}) {
		cfg.Terms = StandardTerms()
	}
	f := &Fleet{cfg: cfg, log: cfg.Log, settled: make(chan struct{})}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	f.mu.sessions, f.mu.workers = map[*session]struct{}{}, map[string]*worker{}
	f.mu.stores, f.mu.gone = map[string]*worker{}, map[string]loss{}
	return f
}

// Member is a worker that an earlier leader knew.
type Member struct {
	Name  string
	Epoch int64
}

// Expect gives workers of the record the time of a lease to register; one that
// does not is lost. It is called once, also with nobody, before streams come.
func (f *Fleet) Expect(members []Member) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range members {
		w := newWorker(f, m.Name, m.Epoch, &pb.Register{Name: m.Name})
		w.awaited = true
		f.mu.workers[m.Name] = w
	}
	f.mu.awaited = len(members)
	if f.mu.awaited == 0 {
		close(f.settled)
	}
}

// Settled is closed when every expected worker has registered or is lost.
func (f *Fleet) Settled() <-chan struct{} { return f.settled }

// arrivedLocked notes that a worker of the record is awaited no more.
func (f *Fleet) arrivedLocked(w *worker) {
	if !w.awaited {
		return
	}
	w.awaited = false
	if f.mu.awaited--; f.mu.awaited == 0 {
		close(f.settled)
	}
}

// Run looks after the leases until ctx ends, then ends all streams: their
// workers look for the next leader. It returns when no stream is read any more.
func (f *Fleet) Run(ctx context.Context) error {
	for {
		if err := clock.Sleep(ctx, f.cfg.Clock, f.cfg.Terms.Check); err != nil {
			f.close()
			return nil //nolint:nilerr // it was asked to end
		}
		f.check()
	}
}

// over tells that Run has ended.
func (f *Fleet) over() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.closed
}

func (f *Fleet) close() {
	f.mu.Lock()
	f.mu.closed = true
	open := slices.Collect(maps.Keys(f.mu.sessions))
	f.mu.Unlock()
	for _, s := range open {
		s.stop(notLeader("", ""))
	}
	f.streams.Wait()
}

// check gives up workers whose time is over. Time that this goroutine itself
// missed is added to all leases.
func (f *Fleet) check() {
	now := f.cfg.Clock.Now()
	var over []*worker
	f.mu.Lock()
	late := f.mu.watch.late(now, f.cfg.Terms.Check)
	for _, w := range f.mu.workers {
		if w.overdue(now, late) {
			over = append(over, w)
		}
	}
	f.mu.Unlock()
	if late > 0 {
		f.counts.extended.Add(1)
	}
	for _, w := range over {
		f.lose(w, w.verdict())
	}
}

// loss is a worker that is gone.
type loss struct {
	epoch  int64
	reason string
	host   string
}

// lose ends an epoch, once.
func (f *Fleet) lose(w *worker, reason string) {
	f.mu.Lock()
	if f.mu.workers[w.name] != w {
		f.mu.Unlock()
		return
	}
	delete(f.mu.workers, w.name)
	f.buryLocked(w, reason)
	f.mu.Unlock()
	f.mourn(w, reason)
}

// buryLocked remembers the epoch as over.
func (f *Fleet) buryLocked(w *worker, reason string) {
	f.arrivedLocked(w)
	if f.mu.stores[w.info.GetShuffle()] == w {
		delete(f.mu.stores, w.info.GetShuffle())
	}
	if _, known := f.mu.gone[w.name]; !known {
		f.mu.order = append(f.mu.order, w.name)
	}
	f.mu.gone[w.name] = loss{w.epoch, reason, w.info.GetHost()}
	if len(f.mu.order) > maxGone {
		delete(f.mu.gone, f.mu.order[0])
		f.mu.order = f.mu.order[1:]
	}
}

// mourn tells everybody: the worker, if it can still hear, and the scheduler.
func (f *Fleet) mourn(w *worker, reason string) {
	f.counts.lost(reason)
	f.log.Warn("worker lost", slog.String("worker", w.name), slog.Int64("epoch", w.epoch), slog.String("reason", reason))
	w.end(reason).stop(&dismissal{reason, w.epoch})
	f.cfg.Sink.Report(dispatch.WorkerDown{Worker: w.name, Epoch: w.epoch, Reason: reason, Crashed: reason == Killed})
}

// find is the worker of this very epoch, nil if it is gone.
func (f *Fleet) find(name string, epoch int64) *worker {
	f.mu.Lock()
	defer f.mu.Unlock()
	if w := f.mu.workers[name]; w != nil && w.epoch == epoch {
		return w
	}
	return nil
}

// Launch queues a task for its worker. A worker that is gone is no news: the
// scheduler hears of the loss, and with it of the task.
func (f *Fleet) Launch(name string, epoch int64, task *pb.Task) {
	if w := f.find(name, epoch); w != nil {
		w.launch(task)
	}
}

// Cancel queues the end of a task.
func (f *Fleet) Cancel(name string, epoch int64, id *pb.TaskID) {
	if w := f.find(name, epoch); w != nil {
		w.cancel(id)
	}
}

// Discard lets the workers that hold something of a job drop it.
func (f *Fleet) Discard(job string) {
	for _, w := range f.all() {
		w.discard(job)
	}
}

// Drain stops new tasks on a worker and tells it; false: there is none of the name.
func (f *Fleet) Drain(name string) bool {
	f.mu.Lock()
	w := f.mu.workers[name]
	f.mu.Unlock()
	if w == nil {
		return false
	}
	if w.drain(true) {
		f.cfg.Sink.Report(dispatch.Drain{Worker: name})
	}
	return true
}

// Release tells a drained worker that nothing needs it and that it may end.
func (f *Fleet) Release(name string, epoch int64) {
	if w := f.find(name, epoch); w != nil {
		w.release()
	}
}

// Suspect passes on that gossip holds a worker dead, or alive again. It is a
// hint: the worker is asked at once and has a second to answer.
func (f *Fleet) Suspect(name string, dead bool) {
	f.mu.Lock()
	w := f.mu.workers[name]
	f.mu.Unlock()
	if w != nil {
		w.suspect(f.cfg.Clock.Now(), dead)
	}
}

func (f *Fleet) all() []*worker {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]*worker, 0, len(f.mu.workers))
	for _, w := range f.mu.workers {
		out = append(out, w)
	}
	return out
}
