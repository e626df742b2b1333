// Package driver runs the pure scheduler: one goroutine feeds events to
// dispatch.Core, writes to the record and carries actions out. It knows no
// plans, only fragments as bytes, and no transport, only an Executor.
package driver

import (
	"context"
	"sync"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// Executor is the workers as the driver sees them. Launch and Cancel only
// queue a message and never wait for the worker; what becomes of a task
// arrives by Driver.Report. A task that cannot be queued is reported failed.
type Executor interface {
	Launch(worker string, epoch int64, task *pb.Task)
	Cancel(worker string, epoch int64, id *pb.TaskID)
	// Discard lets workers drop whatever they hold of a job.
	Discard(job string)
}

// Log is the replicated record. Append returns when the entry is durable.
type Log interface {
	Append(ctx context.Context, e record.Entry) error
}

// maxQueued bounds events that wait for the core; reporters wait when it is full.
const maxQueued = 4096

// Config puts a driver together.
type Config struct {
	Core     *dispatch.Core
	Executor Executor
	Log      Log
	Clock    clock.Clock
}

// Driver is safe for concurrent use.
type Driver struct {
	cfg    Config
	events chan dispatch.Event
	done   chan struct{}

	mu struct {
		sync.Mutex
		jobs map[string]*Handle
	}
}

// New makes a driver; Run must be called for anything to happen.
func New(cfg Config) *Driver {
	d := &Driver{cfg: cfg, events: make(chan dispatch.Event, maxQueued), done: make(chan struct{})}
	d.mu.jobs = map[string]*Handle{}
	return d
}

// Run serves events until ctx ends; then all jobs fail with ctx's cause.
func (d *Driver) Run(ctx context.Context) error {
	defer close(d.done)
	for {
		select {
		case <-ctx.Done():
			d.failAll(context.Cause(ctx))
			return nil
		case ev := <-d.events:
			if t, ok := ev.(dispatch.Done); ok {
				if h := d.handle(t.Task.Job); h != nil {
					h.taskFinished(t.Task.Stage)
				}
			}
			d.follow(ctx, ev)
		}
	}
}

func (d *Driver) failAll(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, h := range d.mu.jobs {
		h.finish(nil, errs.E(errs.Canceled, "driver.Run", err))
		delete(d.mu.jobs, id)
	}
}

// Report hands an event of a worker or of membership to the core.
func (d *Driver) Report(ev dispatch.Event) {
	select {
	case d.events <- ev:
	case <-d.done:
	}
}

// StageSpec is a stage with what its tasks run.
type StageSpec struct {
	dispatch.Stage
	Fragment []byte
	Threads  int
	Memory   int64
	Splits   [][]*pb.SplitRange // by task; nil: every task reads all its scans
	// Step, for stages of shape Rounds, advances shared state after a round and
	// tells whether another follows. It must not block.
	Step func(round int, outputs []dispatch.Output) bool
}

// JobSpec is a job as submitted.
type JobSpec struct {
	ID, Session, User string
	Weight            int
	Stages            []StageSpec
	Storage           map[string]string // goes to the tasks, not into the record: it may hold secrets
}

// Submit records and starts a job. The handle must be closed.
func (d *Driver) Submit(ctx context.Context, spec JobSpec) (*Handle, error) {
	var plan []byte
	for _, s := range spec.Stages {
		plan = append(plan, s.Fragment...)
	}
	if err := d.cfg.Log.Append(ctx, record.SubmitJob{Job: spec.ID, Session: spec.Session, Stages: len(spec.Stages), Plan: plan}); err != nil {
		return nil, err
	}
	h := newHandle(d, spec)
	job := dispatch.Job{ID: spec.ID, User: spec.User, Weight: spec.Weight}
	for _, s := range spec.Stages {
		job.Stages = append(job.Stages, s.Stage)
	}
	d.mu.Lock()
	d.mu.jobs[spec.ID] = h
	d.mu.Unlock()
	d.Report(dispatch.Submit{Job: job})
	return h, nil
}

func (d *Driver) handle(job string) *Handle {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.jobs[job]
}

func (d *Driver) drop(job string) *Handle {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.mu.jobs[job]
	delete(d.mu.jobs, job)
	return h
}

func (d *Driver) act(ctx context.Context, a dispatch.Action) {
	switch a := a.(type) {
	case dispatch.Launch:
		d.launch(a)
	case dispatch.Abort:
		d.cfg.Executor.Cancel(a.Worker, a.Epoch, WireTask(a.Task))
	case dispatch.StageDone:
		if h := d.handle(a.Job); h != nil {
			h.stageDone(a)
			d.append(ctx, record.StageDone{Job: a.Job, Stage: a.Stage})
		}
	case dispatch.RoundDone:
		if h := d.handle(a.Job); h != nil {
			d.follow(ctx, h.stages[a.Stage].step(a))
		}
	case dispatch.JobDone:
		if h := d.drop(a.Job); h != nil {
			h.finish(a.Outputs, nil)
		}
	case dispatch.JobFailed:
		if h := d.drop(a.Job); h != nil {
			h.finish(nil, a.Err)
		}
	}
}

// follow feeds the core an event that comes of an action, within the same turn.
func (d *Driver) follow(ctx context.Context, ev dispatch.Event) {
	for _, a := range d.cfg.Core.Step(d.cfg.Clock.Now(), ev) {
		d.act(ctx, a)
	}
}

// append records what needs no answer; a log that refuses fails the job when
// it matters, at commit.
func (d *Driver) append(ctx context.Context, e record.Entry) {
	if err := d.cfg.Log.Append(ctx, e); err != nil && ctx.Err() == nil {
		if s, ok := e.(record.StageDone); ok {
			d.Report(dispatch.Cancel{Job: s.Job, Err: err})
		}
	}
}

// WireTask is a task's name on the wire.
func WireTask(t dispatch.Task) *pb.TaskID {
	return &pb.TaskID{Job: t.Job, Stage: int32(t.Stage), Partition: int32(t.Partition), Attempt: int32(t.Attempt)}
}

// TaskOf reads a task's name; rounds are not on the wire yet, they count in attempts.
func TaskOf(id *pb.TaskID) dispatch.Task {
	return dispatch.Task{Job: id.GetJob(), Stage: int(id.GetStage()), Partition: int(id.GetPartition()), Attempt: int(id.GetAttempt())}
}

func (d *Driver) launch(a dispatch.Launch) {
	h := d.handle(a.Task.Job)
	if h == nil {
		return
	}
	task := h.task(a)
	h.launched(a)
	d.cfg.Executor.Launch(a.Worker, a.Epoch, task)
}
