package jobs_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
	"github.com/spurwheel/spurwheel/scheduler/jobs"
	"github.com/spurwheel/spurwheel/scheduler/placement"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var schema = types.NewSchema(types.F("id", types.Long))

// world is a scheduler whose worker and readers are the test's.
type world struct {
	driver    *driver.Driver
	runner    *jobs.Runner
	launched  chan *pb.Task
	canceled  chan *pb.TaskID
	discarded chan string

	mu    sync.Mutex
	state *record.State
	open  []*rows // what readers of attempts give, in the order of attempts

	opened chan struct{} // one for each reader
}

func (w *world) Launch(_ string, _ int64, t *pb.Task)    { w.launched <- t }
func (w *world) Cancel(_ string, _ int64, id *pb.TaskID) { w.canceled <- id }
func (w *world) Discard(job string)                      { w.discarded <- job }

func (w *world) Append(_ context.Context, e record.Entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state.Apply(e)
}

func (w *world) Open(_ context.Context, _ string, _ int64, id *pb.TaskID, _ types.Schema) (batch.Reader, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.open) == 0 {
		return nil, errs.Errorf(errs.Internal, "test", "nobody expected attempt %d to be read", id.GetAttempt())
	}
	w.opened <- struct{}{}
	r := w.open[0]
	w.open = w.open[1:]
	if r == nil {
		return nil, lost()
	}
	return r, nil
}

func (w *world) Stored(ctx context.Context, o *pb.Output, s types.Schema) (batch.Reader, error) {
	return w.Open(ctx, o.GetWorker(), 1, o.GetTask(), s)
}

// rows is a reader of batches of one row that ends with err.
type rows struct {
	ids    []int64
	err    error
	closed bool
}

func (r *rows) Schema() types.Schema { return schema }
func (r *rows) Close() error         { r.closed = true; return nil }

func (r *rows) Next(context.Context) (*batch.Batch, error) {
	if len(r.ids) == 0 {
		return nil, r.err
	}
	b := &batch.Batch{N: 1, Cols: []*batch.Vector{batch.Of(types.Long, r.ids[0])}}
	r.ids = r.ids[1:]
	return b, nil
}

func newWorld(t *testing.T, workers int, open ...*rows) *world {
	t.Helper()
	w := &world{
		launched: make(chan *pb.Task, 100), canceled: make(chan *pb.TaskID, 100), discarded: make(chan string, 100),
		state: record.New(), open: open, opened: make(chan struct{}, 100),
	}
	require.NoError(t, w.Append(t.Context(), record.OpenSession{Session: "s"}))
	w.driver = driver.New(driver.Config{Core: dispatch.New(placement.FairLocal{}), Executor: w, Log: w, Clock: clock.Real{}})
	w.runner = &jobs.Runner{Driver: w.driver, Results: w, Workers: func() int { return workers }}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = w.driver.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	w.driver.Report(dispatch.WorkerUp{Worker: "w", Epoch: 1, Slots: 64})
	return w
}

func (w *world) start(ctx context.Context, t *testing.T, root physical.Node) jobs.Stream {
	t.Helper()
	s, err := w.runner.Start(ctx, jobs.Job{ID: "j", Session: "s", User: "u", Plan: root, Env: physical.Env{ZoneID: "UTC"}, Threads: 3})
	require.NoError(t, err)
	return s
}

func (w *world) done(task *pb.Task) {
	w.driver.Report(dispatch.Done{Task: driver.TaskOf(task.GetId()), Worker: "w", Epoch: 1, Detail: &pb.Output{Task: task.GetId(), Worker: "w"}})
}

func (w *world) failed(task *pb.Task, err error) {
	w.driver.Report(dispatch.Failed{Task: driver.TaskOf(task.GetId()), Worker: "w", Epoch: 1, Err: err})
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

// read gives the rows of a stream and how it ended.
func read(ctx context.Context, s jobs.Stream) (ids []int64, err error) {
	for {
		b, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			return ids, nil
		}
		if err != nil {
			return ids, err
		}
		ids = append(ids, b.Cols[0].Get(0).(int64))
	}
}

func rangeOf() physical.Node { return &physical.Range{End: 10, Step: 1, Out: schema} }

// counted takes several stages where there are several workers.
func counted() physical.Node {
	scan := &physical.Scan{Rows: physical.Rows{N: 1 << 30}, Table: "t", Columns: []int{0}, DataCols: 1, Out: schema}
	for i := range 8 {
		scan.Splits = append(scan.Splits, format.Split{
			Format: "parquet", File: vfs.FileRef{Path: "/f", Version: "v", Size: 1 << 40}, Lo: int64(i) << 36, Hi: int64(i+1) << 36, Rows: 1 << 27, Bytes: 1 << 36, Schema: schema,
		})
	}
	key := &plan.Bound{Typ: types.Long}
	return &physical.Sort{Keys: []physical.SortKey{{Expr: key}}, Limit: -1, Global: true, Child: scan}
}

func lost() error { return errs.Errorf(errs.Lost, "test", "the connection broke") }

func TestRowsAreReadWhileTheTaskRuns(t *testing.T) {
	in := &rows{ids: []int64{1, 2}, err: io.EOF}
	w := newWorld(t, 1, in)
	s := w.start(t.Context(), t, rangeOf())
	task := receive(t, w.launched)
	require.EqualValues(t, 3, task.GetThreads())
	frag, err := physical.Decode(task.GetFragment())
	require.NoError(t, err)
	require.Equal(t, "UTC", frag.Env.ZoneID)
	b, err := s.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(1), b.Cols[0].Get(0))
	require.Equal(t, []jobs.StageProgress{{Tasks: 1}}, s.Progress())
	w.done(task)
	ids, err := read(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, []int64{2}, ids)
	require.Equal(t, []jobs.StageProgress{{Tasks: 1, Done: 1}}, s.Progress())
	require.NoError(t, s.Close())
	require.True(t, in.closed)
	require.Equal(t, "j", receive(t, w.discarded))
}

func TestAnAttemptThatGaveNothingIsReplacedUnseen(t *testing.T) {
	first := &rows{err: lost()}
	w := newWorld(t, 1, first, &rows{ids: []int64{7}, err: io.EOF})
	s := w.start(t.Context(), t, rangeOf())
	task := receive(t, w.launched)
	var ids []int64
	over := make(chan error, 1)
	go func() {
		var err error
		ids, err = read(context.Background(), s)
		over <- err
	}()
	receive(t, w.opened)
	w.failed(task, lost())
	again := receive(t, w.launched)
	require.Greater(t, again.GetId().GetAttempt(), task.GetId().GetAttempt())
	w.done(again)
	require.NoError(t, receive(t, over))
	require.Equal(t, []int64{7}, ids)
	require.True(t, first.closed)
	require.NoError(t, s.Close())
}

func TestAnAttemptThatGaveRowsIsNotRepeated(t *testing.T) {
	w := newWorld(t, 1, &rows{ids: []int64{1}, err: lost()}, &rows{ids: []int64{1, 2}, err: io.EOF})
	s := w.start(t.Context(), t, rangeOf())
	receive(t, w.launched)
	ids, err := read(t.Context(), s)
	require.Equal(t, []int64{1}, ids, "a row that was given is not given twice")
	require.True(t, errs.Is(err, errs.Lost), "%v", err)
	receive(t, w.canceled)
	require.NoError(t, s.Close())
}

func TestAnErrorOfTheQueryEndsIt(t *testing.T) {
	bad := errs.Cond(errs.Arithmetic, "DIVIDE_BY_ZERO", "22012", "Division by zero.")
	w := newWorld(t, 1, &rows{err: bad}, &rows{err: io.EOF})
	s := w.start(t.Context(), t, rangeOf())
	w.failed(receive(t, w.launched), bad)
	_, err := read(t.Context(), s)
	require.ErrorContains(t, err, "DIVIDE_BY_ZERO")
	require.Empty(t, w.launched, "the same would happen again")
	require.NoError(t, s.Close())
}

func TestAttemptsAreBounded(t *testing.T) {
	for kind, want := range map[errs.Kind]int{errs.Unavailable: dispatch.MaxAttempts, errs.Lost: dispatch.MaxLost + 1} {
		broken := errs.Errorf(kind, "test", "it broke")
		var open []*rows
		for range want {
			open = append(open, &rows{err: broken})
		}
		w := newWorld(t, 1, open...)
		s := w.start(t.Context(), t, rangeOf())
		attempts, err := 0, error(nil)
		over := make(chan error, 1)
		go func() {
			_, err := read(context.Background(), s)
			over <- err
		}()
		for err == nil {
			select {
			case task := <-w.launched:
				attempts++
				w.failed(task, broken)
			case err = <-over:
			}
		}
		require.ErrorIs(t, err, broken)
		require.Equal(t, want, attempts, kind)
		require.NoError(t, s.Close())
	}
}

func TestCancelReachesTheTask(t *testing.T) {
	for name, c := range map[string]struct {
		workers int
		end     func(cancel context.CancelCauseFunc, s jobs.Stream) error
	}{
		"canceled by the client": {1, func(cancel context.CancelCauseFunc, s jobs.Stream) error {
			cancel(errors.New("enough"))
			_, err := read(context.Background(), s)
			return errors.Join(err, s.Close())
		}},
		"canceled before stored rows": {2, func(cancel context.CancelCauseFunc, s jobs.Stream) error {
			cancel(errors.New("enough"))
			_, err := read(context.Background(), s)
			return errors.Join(err, s.Close())
		}},
		"closed early": {1, func(_ context.CancelCauseFunc, s jobs.Stream) error {
			return errors.Join(s.Close(), s.Close(), errs.Errorf(errs.Canceled, "test", "enough"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.workers, &rows{err: errs.Errorf(errs.Canceled, "test", "the task was canceled")})
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			s := w.start(ctx, t, rangeOf())
			receive(t, w.launched)
			err := c.end(cancel, s)
			require.True(t, errs.Is(err, errs.Canceled), "%v", err)
			require.Equal(t, "j", receive(t, w.canceled).GetJob())
			require.Equal(t, "j", receive(t, w.discarded))
		})
	}
}

func TestAReaderThatIsLeftWaitsNoLonger(t *testing.T) {
	w := newWorld(t, 2)
	s := w.start(t.Context(), t, rangeOf())
	receive(t, w.launched)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Next(ctx)
	require.True(t, errs.Is(err, errs.Canceled), "%v", err)
	require.NoError(t, s.Close())
}

func TestRowsOfSeveralStagesAreReadWhenAllAreThere(t *testing.T) {
	w := newWorld(t, 2, &rows{ids: []int64{4}, err: io.EOF})
	s := w.start(t.Context(), t, counted())
	stages := len(s.Progress())
	require.Greater(t, stages, 1)
	var tasks int
	over := make(chan error, 1)
	var ids []int64
	go func() {
		var err error
		ids, err = read(context.Background(), s)
		over <- err
	}()
	for {
		select {
		case task := <-w.launched:
			tasks++
			w.done(task)
			continue
		case err := <-over:
			require.NoError(t, err)
		}
		break
	}
	require.Equal(t, []int64{4}, ids)
	require.GreaterOrEqual(t, tasks, stages)
	for _, p := range s.Progress() {
		require.Equal(t, p.Tasks, p.Done)
	}
	require.NoError(t, s.Close())
}

func TestASessionThatIsNotOpenStartsNothing(t *testing.T) {
	w := newWorld(t, 1)
	_, err := w.runner.Start(t.Context(), jobs.Job{ID: "j", Session: "other", Plan: rangeOf()})
	require.True(t, errs.Is(err, errs.NotFound), "%v", err)
	require.Empty(t, w.launched)
}
