package runner_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/worker/runner"
	"github.com/spurwheel/spurwheel/worker/shuffle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ear is a Reporter that keeps what it hears.
type ear struct {
	done   chan *pb.TaskDone
	failed chan error
}

func (e ear) TaskDone(d *pb.TaskDone)                { e.done <- d }
func (e ear) TaskFailed(_ *pb.TaskFailed, err error) { e.failed <- err }

func start(t *testing.T) (*runner.Runner, ear, *mem.Budget) {
	t.Helper()
	e := ear{make(chan *pb.TaskDone, 10), make(chan error, 10)}
	budget := mem.NewBudget("test", 1<<30)
	store := shuffle.New(shuffle.Config{Worker: "w", Dir: t.TempDir(), Budget: budget})
	r := runner.New(runner.Config{Worker: "w", Registry: function.Standard(), Budget: budget, SpillDir: t.TempDir(), Threads: 2, Stages: store, Reporter: e})
	t.Cleanup(func() {
		require.NoError(t, r.Close())
		require.NoError(t, store.Close())
	})
	return r, e, budget
}

var schema = types.NewSchema(types.Field{Name: "id", Type: types.Long})

func task(t *testing.T, root physical.Node, out physical.Exchange) *pb.Task {
	t.Helper()
	frag, err := physical.Encode(&physical.Fragment{Root: root, Env: physical.Env{ZoneID: "UTC"}, Output: out})
	require.NoError(t, err)
	return &pb.Task{Id: &pb.TaskID{Job: "j", Attempt: 1}, Fragment: frag}
}

func rangeTo(n int64) physical.Node { return &physical.Range{End: n, Step: 1, Out: schema} }

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

func TestResultIsComputedAsItIsRead(t *testing.T) {
	r, e, budget := start(t)
	msg := task(t, rangeTo(100_000), physical.Exchange{})
	r.Launch(msg)
	in, err := r.Open(t.Context(), msg.GetId(), schema)
	require.NoError(t, err)
	rows := 0
	for {
		b, err := in.Next(t.Context())
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		rows += b.N
	}
	require.Equal(t, 100_000, rows)
	receive(t, e.done)
	require.NoError(t, in.Close())
	require.Zero(t, budget.Used())
}

func TestReadersThatComeFirstWait(t *testing.T) {
	r, e, _ := start(t)
	msg := task(t, rangeTo(5), physical.Exchange{})
	got := make(chan error, 1)
	go func() {
		in, err := r.Open(t.Context(), msg.GetId(), schema)
		if err == nil {
			_, err = in.Next(t.Context())
			_ = in.Close()
		}
		got <- err
	}()
	r.Launch(msg)
	require.NoError(t, receive(t, got))
	require.True(t, errs.Is(receive(t, e.failed), errs.Canceled), "a reader that leaves early abandons the task")
}

func TestTasksThatCannotStartFailTheirReaders(t *testing.T) {
	r, e, _ := start(t)
	for _, msg := range []*pb.Task{
		task(t, &physical.Write{Format: "orc", Path: "/nowhere", Child: rangeTo(1)}, physical.Exchange{}),
		{Id: &pb.TaskID{Job: "k"}, Fragment: []byte("no fragment")},
	} {
		r.Launch(msg)
		_, err := r.Open(t.Context(), msg.GetId(), schema)
		require.Error(t, err)
		require.Equal(t, err, receive(t, e.failed))
		r.Discard(msg.GetId().GetJob())
	}
}

func TestCancelEndsAResultTask(t *testing.T) {
	r, e, budget := start(t)
	sorted := &physical.Sort{Keys: []physical.SortKey{{Expr: &plan.Bound{Typ: types.Long}}}, Limit: -1, Global: true, Child: rangeTo(1 << 40)}
	msg := task(t, sorted, physical.Exchange{})
	r.Launch(msg)
	in, err := r.Open(t.Context(), msg.GetId(), schema)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	stop := context.AfterFunc(ctx, func() { r.Cancel(msg.GetId()) })
	defer stop()
	got := make(chan error, 1)
	go func() {
		_, err := in.Next(t.Context())
		got <- err
	}()
	cancel()
	require.True(t, errs.Is(receive(t, got), errs.Canceled))
	require.True(t, errs.Is(receive(t, e.failed), errs.Canceled))
	require.NoError(t, in.Close())
	require.Zero(t, budget.Used())
}

func TestStageOutputsAreStoredByPartition(t *testing.T) {
	r, e, _ := start(t)
	key := []plan.Expr{&plan.Bound{Typ: types.Long}}
	r.Launch(task(t, rangeTo(1000), physical.Exchange{Kind: physical.ExchangeHash, Keys: key, Parts: 4}))
	out := receive(t, e.done).GetOutput()
	require.Len(t, out.GetRows(), 4)
	var sum int64
	for _, n := range out.GetRows() {
		require.Positive(t, n)
		sum += n
	}
	require.Equal(t, int64(1000), sum)
}
