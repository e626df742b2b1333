package driver_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
	"github.com/spurwheel/spurwheel/scheduler/placement"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hand is an Executor that keeps messages for the test.
type hand struct {
	launched  chan *pb.Task
	canceled  chan *pb.TaskID
	discarded chan string
}

func (h *hand) Launch(_ string, _ int64, t *pb.Task)    { h.launched <- t }
func (h *hand) Cancel(_ string, _ int64, id *pb.TaskID) { h.canceled <- id }
func (h *hand) Discard(job string)                      { h.discarded <- job }

// book is a Log that applies at once.
type book struct {
	mu    sync.Mutex
	state *record.State
}

func (b *book) Append(_ context.Context, e record.Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state.Apply(e)
}

func start(t *testing.T) (*driver.Driver, *hand) {
	t.Helper()
	h := &hand{launched: make(chan *pb.Task, 100), canceled: make(chan *pb.TaskID, 100), discarded: make(chan string, 100)}
	b := &book{state: record.New()}
	require.NoError(t, b.Append(t.Context(), record.OpenSession{Session: "s"}))
	d := driver.New(driver.Config{Core: dispatch.New(placement.FairLocal{}), Executor: h, Log: b, Clock: clock.Real{}})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { require.NoError(t, d.Run(ctx)) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	d.Report(dispatch.WorkerUp{Worker: "w", Epoch: 1, Slots: 4})
	return d, h
}

func twoStages() driver.JobSpec {
	return driver.JobSpec{ID: "j", Session: "s", Stages: []driver.StageSpec{
		{Stage: dispatch.Stage{ID: 0, Tasks: 2}, Fragment: []byte("a")},
		{Stage: dispatch.Stage{ID: 1, Tasks: 1, Inputs: []int{0}}, Fragment: []byte("b")},
	}}
}

func done(t *pb.Task) dispatch.Done {
	return dispatch.Done{Task: driver.TaskOf(t.GetId()), Worker: "w", Epoch: 1, Detail: &pb.Output{Task: t.GetId(), Worker: "w"}}
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(10 * time.Second):
		require.FailNow(t, "nothing came")
		panic("not reached")
	}
}

func TestStagesRunInOrderAndOutputsTravel(t *testing.T) {
	d, h := start(t)
	job, err := d.Submit(t.Context(), twoStages())
	require.NoError(t, err)
	for range 2 {
		task := receive(t, h.launched)
		require.Equal(t, "a", string(task.GetFragment()))
		d.Report(done(task))
	}
	last := receive(t, h.launched)
	require.Equal(t, "b", string(last.GetFragment()))
	require.Len(t, last.GetInputs()[0].GetOutputs(), 2)
	p, err := job.Place(t.Context(), 0, -1)
	require.NoError(t, err)
	require.Equal(t, "w", p.Worker)
	d.Report(done(last))
	receive(t, job.Ended())
	outputs, err := job.Result()
	require.NoError(t, err)
	require.Len(t, outputs, 1)
	require.NoError(t, job.Close(t.Context()))
	require.Equal(t, "j", receive(t, h.discarded))
}

func TestCancelReachesTasksAndEndsTheJob(t *testing.T) {
	d, h := start(t)
	job, err := d.Submit(t.Context(), twoStages())
	require.NoError(t, err)
	receive(t, h.launched)
	receive(t, h.launched)
	job.Cancel(errs.Errorf(errs.Canceled, "test", "enough"))
	receive(t, h.canceled)
	receive(t, h.canceled)
	receive(t, job.Ended())
	_, err = job.Result()
	require.True(t, errs.Is(err, errs.Canceled))
	_, err = job.Place(t.Context(), 0, -1)
	require.True(t, errs.Is(err, errs.Canceled), "who waits for a result hears of it")
	require.NoError(t, job.Close(t.Context()))
}

func TestFailureOfATaskIsTheJobs(t *testing.T) {
	d, h := start(t)
	job, err := d.Submit(t.Context(), twoStages())
	require.NoError(t, err)
	task := receive(t, h.launched)
	bad := errs.Cond(errs.Arithmetic, "DIVIDE_BY_ZERO", "22012", "Division by zero.")
	d.Report(dispatch.Failed{Task: driver.TaskOf(task.GetId()), Worker: "w", Epoch: 1, Err: bad})
	receive(t, job.Ended())
	_, err = job.Result()
	require.ErrorIs(t, err, bad)
	require.NoError(t, job.Close(t.Context()))
}
