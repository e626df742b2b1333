package main

import (
	"context"
	"sync"

	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/cache"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
	"github.com/spurwheel/spurwheel/scheduler/history"
	"github.com/spurwheel/spurwheel/scheduler/record"
	"github.com/spurwheel/spurwheel/worker/exec"
	"github.com/spurwheel/spurwheel/worker/runner"
	"github.com/spurwheel/spurwheel/worker/shuffle"
)

// workers carries tasks to the worker in this process and to worker processes.
// Messages are encoded and decoded also for the one in this process, as between
// processes; its batches go by reference.
type workers struct {
	local    *runner.Runner
	children map[string]*child // by name; not changed once tasks run
}

// Launch hands a task to its worker.
func (w *workers) Launch(worker string, _ int64, task *pb.Task) {
	if c := w.children[worker]; c != nil {
		_ = c.pipe.send(&pb.ToWorker{Kind: &pb.ToWorker_Launch{Launch: task}}) // a dead worker is reported by its reader
		return
	}
	wire, err := proto.Marshal(task)
	if err == nil {
		task = &pb.Task{}
		err = proto.Unmarshal(wire, task)
	}
	if err != nil { // the runner reports the broken task
		task.Fragment = nil
	}
	w.local.Launch(task)
}

// Cancel stops a task.
func (w *workers) Cancel(worker string, _ int64, id *pb.TaskID) {
	if c := w.children[worker]; c != nil {
		_ = c.pipe.send(&pb.ToWorker{Kind: &pb.ToWorker_Cancel{Cancel: id}})
		return
	}
	w.local.Cancel(id)
}

// Discard drops what a job left.
func (w *workers) Discard(job string) {
	for _, c := range w.children {
		_ = c.pipe.send(&pb.ToWorker{Kind: &pb.ToWorker_Discard{Discard: job}})
	}
	w.local.Discard(job)
}

// reporter brings a worker's reports to the scheduler.
type reporter struct {
	driver    *driver.Driver
	book      *history.Book
	operators *operatorLog
	worker    string
	// byStore names the worker whose stored rows are read at an address.
	byStore func(address string) string
}

// onlyEpoch: worker names are fresh per process, so one epoch is all they have.
const onlyEpoch = 1

// TaskDone reports success.
func (r reporter) TaskDone(d *pb.TaskDone) {
	r.operators.add(d.GetId(), d.GetOperators(), true)
	r.report(dispatch.Done{Task: driver.TaskOf(d.GetId()), Worker: r.worker, Epoch: onlyEpoch, Detail: d.GetOutput()})
}

// TaskFailed reports failure, as the wire carries it.
func (r reporter) TaskFailed(f *pb.TaskFailed, _ error) {
	r.operators.add(f.GetId(), f.GetOperators(), false)
	ev := dispatch.Failed{Task: driver.TaskOf(f.GetId()), Worker: r.worker, Epoch: onlyEpoch, Err: runner.DecodeFailure(f.GetFailure())}
	for _, o := range f.GetFailure().GetLost().GetOutputs() {
		ev.Lost = append(ev.Lost, dispatch.Output{Task: driver.TaskOf(o.GetTask()), Worker: r.byStore(o.GetWorker()), Epoch: onlyEpoch})
	}
	r.report(ev)
}

// report tells the book before the scheduler, which may end the job.
func (r reporter) report(ev dispatch.Event) {
	r.book.Reported(ev)
	r.driver.Report(ev)
}

// listen reports what a worker process says until it ends.
func (r reporter) listen(c *child) {
	for {
		var m pb.FromWorker
		if err := c.pipe.receive(&m); err != nil {
			r.report(dispatch.WorkerDown{Worker: c.name, Epoch: onlyEpoch, Reason: "the process ended", Crashed: true})
			return
		}
		switch k := m.GetKind().(type) {
		case *pb.FromWorker_Done:
			r.TaskDone(k.Done)
		case *pb.FromWorker_Failed:
			r.TaskFailed(k.Failed, nil)
		}
	}
}

// results reads final tasks: the ones in this process while they run, those of
// a spread job from the stores that hold their rows.
type results struct {
	runner *runner.Runner
	stores *shuffle.Store
}

// Stored reads the rows of a finished task.
func (r results) Stored(ctx context.Context, o *pb.Output, schema types.Schema) (batch.Reader, error) {
	return r.stores.Read(ctx, o, 0, schema)
}

// Open attaches to a final task.
func (r results) Open(ctx context.Context, _ string, _ int64, id *pb.TaskID, schema types.Schema) (batch.Reader, error) {
	return r.runner.Open(ctx, id, schema)
}

// heldRows lets operators read persisted rows.
type heldRows struct{ rows *cache.Rows }

// Held finds rows by key.
func (h heldRows) Held(key string) (exec.HeldRows, error) {
	if r := h.rows.Get(key); r != nil {
		return r, nil
	}
	return nil, errs.Errorf(errs.Lost, "held rows", "persisted rows %s are gone", key)
}

// localLog is the record of a process on its own: applied at once, not kept.
type localLog struct {
	mu    sync.Mutex
	state *record.State
}

func newLocalLog() *localLog { return &localLog{state: record.New()} }

// Append applies an entry.
func (l *localLog) Append(_ context.Context, e record.Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s, ok := e.(record.SubmitJob); ok { // sessions of a process on its own live in it only
		if err := l.state.Apply(record.OpenSession{Session: s.Session}); err != nil {
			return err
		}
	}
	return l.state.Apply(e)
}
