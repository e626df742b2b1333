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
	"github.com/spurwheel/spurwheel/scheduler/record"
	"github.com/spurwheel/spurwheel/worker/exec"
	"github.com/spurwheel/spurwheel/worker/runner"
)

// embedded is the worker in this process. Messages are encoded and decoded as
// between processes; batches go by reference.
type embedded struct{ runner *runner.Runner }

// Launch hands a task to the runner.
func (e *embedded) Launch(_ string, _ int64, task *pb.Task) {
	wire, err := proto.Marshal(task)
	if err == nil {
		task = &pb.Task{}
		err = proto.Unmarshal(wire, task)
	}
	if err != nil { // the runner reports the broken task
		task.Fragment = nil
	}
	e.runner.Launch(task)
}

// Cancel stops a task.
func (e *embedded) Cancel(_ string, _ int64, id *pb.TaskID) { e.runner.Cancel(id) }

// Discard drops what a job left.
func (e *embedded) Discard(job string) { e.runner.Discard(job) }

// reporter brings a runner's reports to the scheduler.
type reporter struct{ driver *driver.Driver }

// TaskDone reports success.
func (r reporter) TaskDone(d *pb.TaskDone) {
	r.driver.Report(dispatch.Done{Task: driver.TaskOf(d.GetId()), Worker: localWorker, Epoch: 1, Detail: d.GetOutput()})
}

// TaskFailed reports failure, as the wire would carry it.
func (r reporter) TaskFailed(f *pb.TaskFailed, _ error) {
	r.driver.Report(dispatch.Failed{
		Task: driver.TaskOf(f.GetId()), Worker: localWorker, Epoch: 1, Err: runner.DecodeFailure(f.GetFailure()),
	})
}

// results reads final tasks of the embedded worker.
type results struct{ runner *runner.Runner }

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
