// Package driver runs the pure scheduler: one goroutine feeds events to
// dispatch.Core, writes to the record and carries actions out. It knows no
// plans, only fragments as bytes, and no transport, only an Executor.
package driver

import (
	"context"
	"sync"
	"time"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// Executor is the workers as the driver sees them. Launch and Cancel only
// queue a message and never wait for the worker; what becomes of a task
// arrives by Driver.Report. A task that cannot be queued is reported failed.
// Tasks of a stage share their fragment and inputs: they are not to be changed.
type Executor interface {
	Launch(worker string, epoch int64, task *pb.Task)
	Cancel(worker string, epoch int64, id *pb.TaskID)
	// Discard lets workers drop whatever they hold of a job.
	Discard(job string)
}

// Log is the replicated record. Append returns when the entry is durable. It is
// called for several jobs at once. An error that says the entry makes no sense
// (not found, exists, invalid, conflict, exhausted) fails the job; any other
// means that this process does not lead any more.
type Log interface {
	Append(ctx context.Context, e record.Entry) error
}

const (
	// maxQueued bounds events that wait for the core; reporters wait when it is full.
	maxQueued = 4096
	// maxBatch bounds the events that the core takes at once.
	maxBatch = 512
	// tick is how often the core looks at the time while jobs run.
	tick = 200 * time.Millisecond
)

// Config puts a driver together.
type Config struct {
	Core     *dispatch.Core
	Executor Executor
	Log      Log
	Clock    clock.Clock
	// Drained, if set, hears of draining workers that nothing needs any more. It
	// must not block.
	Drained func(worker string, epoch int64)
}

// Driver is safe for concurrent use.
type Driver struct {
	cfg      Config
	events   chan dispatch.Event
	done     chan struct{}
	fatal    chan error
	appender *appender
	first    []dispatch.Event // what Recover found, for Run
	anew     map[string]int   // first attempts of jobs that the record names and does not hold; not changed once Run
	next     []dispatch.Event // events that come of actions, for the same turn

	mu struct {
		sync.Mutex
		jobs    map[string]*Handle       // until they are closed
		pending map[string]chan struct{} // names that are being submitted
		stopped error
	}
}

// New makes a driver; Run must be called for anything to happen.
func New(cfg Config) *Driver {
	d := &Driver{cfg: cfg, events: make(chan dispatch.Event, maxQueued), done: make(chan struct{}), fatal: make(chan error, 1), anew: map[string]int{}}
	d.mu.jobs, d.mu.pending = map[string]*Handle{}, map[string]chan struct{}{}
	d.appender = newAppender(cfg.Log, d.refused)
	return d
}

// Run serves events until ctx ends; then all jobs fail with ctx's cause. If the
// log fails it returns that error, and jobs end with one of kind Unavailable.
func (d *Driver) Run(ctx context.Context) error {
	inner, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait() // last, since the lanes report until done is closed
	defer close(d.done)
	defer cancel()
	wg.Go(func() { d.appender.run(inner) })
	timer := d.cfg.Clock.NewTimer(tick)
	defer timer.Stop()
	d.turn(d.first)
	d.first = nil
	batch := make([]dispatch.Event, 0, maxBatch)
	idling := false
	for {
		select {
		case <-ctx.Done():
			d.failAll(context.Cause(ctx), errs.Canceled)
			return nil
		case err := <-d.fatal:
			d.failAll(err, errs.Unavailable)
			return errs.E(errs.Unavailable, "driver.Run", err)
		case <-timer.C():
			d.turn(append(batch[:0], dispatch.Tick{}))
			idling = !d.cfg.Core.Busy()
			if !idling {
				timer.Reset(tick)
			}
		case ev := <-d.events:
			if ctx.Err() != nil { // what comes of the end is not for the record
				continue
			}
			d.turn(d.more(append(batch[:0], ev)))
			if idling && d.cfg.Core.Busy() {
				idling = false
				timer.Reset(tick)
			}
		}
	}
}

// more adds what else is there already.
func (d *Driver) more(batch []dispatch.Event) []dispatch.Event {
	for len(batch) < maxBatch {
		select {
		case ev := <-d.events:
			batch = append(batch, ev)
		default:
			return batch
		}
	}
	return batch
}

// turn feeds the core and does what it says, until nothing comes of it.
func (d *Driver) turn(events []dispatch.Event) {
	for _, ev := range events {
		if t, ok := ev.(dispatch.Done); ok {
			if h := d.handle(t.Task.Job); h != nil {
				h.taskFinished(t.Task.Stage)
			}
		}
	}
	for len(events) > 0 {
		d.next = nil
		for _, a := range d.cfg.Core.StepAll(d.cfg.Clock.Now(), events) {
			d.act(a)
		}
		for _, ev := range events {
			if c, ok := ev.(dispatch.Close); ok {
				d.closed(c.Job)
			}
		}
		events = d.next
	}
}

// closed forgets a job that its handle has closed.
func (d *Driver) closed(job string) {
	d.mu.Lock()
	h := d.mu.jobs[job]
	delete(d.mu.jobs, job)
	d.mu.Unlock()
	if h == nil {
		return
	}
	h.finishUnlessOver(errs.Errorf(errs.Canceled, "driver.Close", "job %s was closed", job))
	d.cfg.Executor.Discard(job)
	close(h.closed)
}

// refused decides what becomes of an entry that the log did not take, and tells
// whether that is the end of this driver.
func (d *Driver) refused(job string, err error) bool {
	switch errs.KindOf(err) {
	case errs.NotFound, errs.Exists, errs.Invalid, errs.Conflict, errs.Exhausted:
		d.Report(dispatch.Cancel{Job: job, Err: err})
		return false
	default:
		select {
		case d.fatal <- err:
		default:
		}
		return true
	}
}

// failAll ends all handles. An error of the kind Unavailable keeps it: another
// leader goes on with the jobs.
func (d *Driver) failAll(err error, kind errs.Kind) {
	if errs.Is(err, errs.Unavailable) {
		kind = errs.Unavailable
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.stopped = errs.E(kind, "driver.Run", err)
	for _, h := range d.mu.jobs {
		h.stop(d.mu.stopped)
	}
}

// Report hands an event of a worker or of membership to the core.
func (d *Driver) Report(ev dispatch.Event) {
	select {
	case d.events <- ev:
	case <-d.done:
	}
}

func (d *Driver) handle(job string) *Handle {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.jobs[job]
}

func (d *Driver) act(a dispatch.Action) {
	switch a := a.(type) {
	case dispatch.Launch:
		if h := d.handle(a.Task.Job); h != nil {
			h.launched(a)
			d.cfg.Executor.Launch(a.Worker, a.Epoch, h.task(a))
		}
	case dispatch.Abort:
		d.cfg.Executor.Cancel(a.Worker, a.Epoch, WireTask(a.Task))
	case dispatch.Drained:
		if d.cfg.Drained != nil {
			d.cfg.Drained(a.Worker, a.Epoch)
		}
	case dispatch.Unknown:
		if d.handle(a.Job) == nil {
			d.cfg.Executor.Discard(a.Job)
		}
	default:
		d.actJob(a)
	}
}

// actJob does what concerns a job as a whole. Its end is told once everything
// about it is durable.
func (d *Driver) actJob(a dispatch.Action) {
	switch a := a.(type) {
	case dispatch.StageDone:
		if h := d.handle(a.Job); h != nil {
			h.stageDone(a)
			d.appender.add(d.stageDone(a))
		}
	case dispatch.RoundDone:
		if h := d.handle(a.Job); h != nil {
			d.next = append(d.next, h.step(a))
		}
	case dispatch.JobDone:
		if h := d.handle(a.Job); h != nil {
			d.appender.add(pending{job: a.Job, then: func() { h.finish(a.Outputs, nil) }})
		}
	case dispatch.JobFailed:
		if h := d.handle(a.Job); h != nil {
			h.finish(nil, a.Err)
		}
	}
}

// maxStage bounds a recorded stage. Of a larger one a new leader knows what the
// workers say.
const maxStage = 8 << 20

// stageDone is how a finished stage gets into the record.
func (d *Driver) stageDone(a dispatch.StageDone) pending {
	h := d.handle(a.Job)
	entry := func() (record.Entry, error) {
		outputs, err := EncodeStage(a, a.Stage == h.final)
		if err != nil || len(outputs) > maxStage && a.Stage != h.final {
			return nil, err
		}
		return record.StageDone{Job: a.Job, Stage: a.Stage, Outputs: outputs}, nil
	}
	then := func() { d.Report(dispatch.Recorded{Job: a.Job, Stage: a.Stage, Generation: a.Generation}) }
	return pending{job: a.Job, entry: entry, then: then}
}

// WireTask is a task's name on the wire.
func WireTask(t dispatch.Task) *pb.TaskID {
	return &pb.TaskID{Job: t.Job, Stage: int32(t.Stage), Partition: int32(t.Partition), Attempt: int32(t.Attempt)}
}

// TaskOf reads a task's name; rounds are not on the wire: attempts, which count
// on from round to round, tell them apart.
func TaskOf(id *pb.TaskID) dispatch.Task {
	return dispatch.Task{Job: id.GetJob(), Stage: int(id.GetStage()), Partition: int(id.GetPartition()), Attempt: int(id.GetAttempt())}
}
