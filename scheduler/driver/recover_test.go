package driver_test

import (
	"context"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
	"github.com/spurwheel/spurwheel/scheduler/placement"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// leader is one driver over a record that outlives it.
type leader struct {
	*driver.Driver
	*hand
	stop context.CancelFunc
	over chan error
}

func (b *book) lead(t *testing.T, log driver.Log, r driver.Recovery) *leader {
	t.Helper()
	h := &hand{launched: make(chan *pb.Task, 100), canceled: make(chan *pb.TaskID, 100), discarded: make(chan string, 100)}
	d := driver.New(driver.Config{Core: dispatch.New(placement.FairLocal{}), Executor: h, Log: log, Clock: clock.Real{}})
	if r.Jobs != nil {
		d.Recover(r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &leader{Driver: d, hand: h, stop: cancel, over: make(chan error, 1)}
	var wg sync.WaitGroup
	wg.Go(func() { l.over <- d.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return l
}

func (b *book) recovery(workers ...string) driver.Recovery {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := driver.Recovery{Workers: workers, Wait: time.Minute, Term: 2}
	for _, j := range b.state.Jobs() {
		r.Jobs = append(r.Jobs, driver.RecordedJob{ID: j.ID, Spec: j.Spec, Done: maps.Clone(j.Done)})
	}
	return r
}

func newBook(t *testing.T) *book {
	t.Helper()
	b := &book{state: record.New()}
	require.NoError(t, b.Append(t.Context(), record.OpenSession{Session: "s"}))
	return b
}

func (b *book) recorded(t *testing.T, job string, stage int) {
	t.Helper()
	require.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.state.Job(job).Done[stage] != nil
	}, 10*time.Second, time.Millisecond)
}

func held(tasks ...*pb.Task) []dispatch.Output {
	var out []dispatch.Output
	for _, t := range tasks {
		out = append(out, dispatch.Output{Task: driver.TaskOf(t.GetId()), Detail: &pb.Output{Task: t.GetId(), Worker: "w"}})
	}
	return out
}

func TestANewLeaderGoesOnWhereTheOldOneWas(t *testing.T) {
	b := newBook(t)
	spec := twoStages()
	spec.Stages[1].Tasks, spec.Storage = 2, map[string]string{"key": "CANARY"}
	old := b.lead(t, b, driver.Recovery{})
	old.Report(dispatch.WorkerUp{Worker: "w", Epoch: 1, Slots: 4})
	first, err := old.Submit(t.Context(), spec)
	require.NoError(t, err)
	x, y := receive(t, old.launched), receive(t, old.launched)
	old.Report(done(x))
	old.Report(done(y))
	u, v := receive(t, old.launched), receive(t, old.launched)
	b.recorded(t, "j", 0)
	old.stop()
	require.NoError(t, first.Close(t.Context()), "leaves the job to others")
	receive(t, first.Ended())
	require.Empty(t, old.discarded)
	require.NotContains(t, string(b.state.Job("j").Spec), "CANARY")

	l := b.lead(t, b, b.recovery("w"))
	require.Len(t, l.Unclaimed(), 1)
	l.Report(dispatch.WorkerUp{Worker: "w", Epoch: 1, Slots: 4, Held: held(x, y), Running: []dispatch.Task{driver.TaskOf(u.GetId())}})
	job, err := l.Submit(t.Context(), driver.JobSpec{ID: "j", Storage: map[string]string{"key": "new"}})
	require.NoError(t, err)
	require.Empty(t, l.Unclaimed())
	require.Equal(t, 2, job.Partitions(), "the recorded spec counts")
	again := receive(t, l.launched) // the task that the worker knows nothing of, once storage is known
	require.Equal(t, v.GetId().GetPartition(), again.GetId().GetPartition())
	require.Equal(t, "new", again.GetStorage()["key"])
	require.Greater(t, again.GetId().GetAttempt(), v.GetId().GetAttempt())
	require.Len(t, again.GetInputs()[0].GetOutputs(), 2)
	l.Report(done(u))
	l.Report(done(again))
	receive(t, job.Ended())
	require.Empty(t, l.launched)
	b.recorded(t, "j", 1)
	l.stop()

	third := b.lead(t, b, b.recovery("w"))
	job, err = third.Submit(t.Context(), driver.JobSpec{ID: "j"})
	require.NoError(t, err)
	o, err := job.Output(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, "w", o.Worker)
	receive(t, job.Ended())
	require.NoError(t, job.Close(t.Context()))
	require.Equal(t, "j", receive(t, third.discarded))
	require.Nil(t, b.state.Job("j"))
}

func TestALostOutputOfTheResultIsMadeAgain(t *testing.T) {
	b := newBook(t)
	l := b.lead(t, b, driver.Recovery{})
	l.Report(dispatch.WorkerUp{Worker: "w", Epoch: 1, Slots: 4})
	job, err := l.Submit(t.Context(), driver.JobSpec{ID: "j", Session: "s", Stages: []driver.StageSpec{{Stage: dispatch.Stage{Tasks: 1}}}})
	require.NoError(t, err)
	l.Report(done(receive(t, l.launched)))
	o, err := job.Output(t.Context(), 0)
	require.NoError(t, err)
	job.Lost(o)
	job.Lost(o) // by another reader
	l.Report(done(receive(t, l.launched)))
	o, err = job.Output(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, 1, o.Task.Attempt)
	job.Lost(o)
	task := receive(t, l.launched)
	bad := errs.Errorf(errs.Invalid, "test", "the file is another one now")
	l.Report(dispatch.Failed{Task: driver.TaskOf(task.GetId()), Worker: "w", Epoch: 1, Err: bad})
	_, err = job.Output(t.Context(), 0)
	require.ErrorIs(t, err, bad)
	require.NoError(t, job.Close(t.Context()))
	require.NoError(t, job.Close(t.Context()), "twice is once")
}

// slow is a log that takes an entry when the test says so.
type slow struct {
	*book
	gate chan error
}

func (s *slow) Append(ctx context.Context, e record.Entry) error {
	if _, ok := e.(record.StageDone); ok {
		select {
		case err := <-s.gate:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return s.book.Append(ctx, e)
}

func TestAJobEndsWhenItsResultIsDurable(t *testing.T) {
	b := newBook(t)
	log := &slow{b, make(chan error)}
	l := b.lead(t, log, driver.Recovery{})
	l.Report(dispatch.WorkerUp{Worker: "w", Epoch: 1, Slots: 4})
	job, err := l.Submit(t.Context(), twoStages())
	require.NoError(t, err)
	l.Report(done(receive(t, l.launched)))
	l.Report(done(receive(t, l.launched)))
	l.Report(done(receive(t, l.launched))) // consumers do not wait for the log
	log.gate <- nil
	b.recorded(t, "j", 0)
	select {
	case <-job.Ended():
		require.FailNow(t, "ended before its last stage was durable")
	default:
	}
	log.gate <- nil
	receive(t, job.Ended())
	b.recorded(t, "j", 1)
	require.NoError(t, job.Close(t.Context()))
}

func TestALogThatFailsEndsTheDriver(t *testing.T) {
	b := newBook(t)
	log := &slow{b, make(chan error, 2)}
	l := b.lead(t, log, driver.Recovery{})
	l.Report(dispatch.WorkerUp{Worker: "w", Epoch: 1, Slots: 4})
	job, err := l.Submit(t.Context(), twoStages())
	require.NoError(t, err)
	for range 3 {
		l.Report(done(receive(t, l.launched)))
	}
	log.gate <- errs.Errorf(errs.Unavailable, "raft", "leadership lost")
	log.gate <- nil // for what comes after it, which must not
	defer func() { require.Empty(t, b.state.Job("j").Done, "there is no gap in what is recorded") }()
	require.ErrorContains(t, receive(t, l.over), "leadership lost")
	receive(t, job.Ended())
	_, err = job.Result()
	require.True(t, errs.Is(err, errs.Unavailable), "%v", err)
	_, err = l.Submit(t.Context(), driver.JobSpec{ID: "other", Session: "s", Stages: twoStages().Stages})
	require.True(t, errs.Is(err, errs.Unavailable), "%v", err)
}

func TestAnEntryThatIsRefusedFailsItsJob(t *testing.T) {
	b := newBook(t)
	log := &slow{b, make(chan error, 1)}
	l := b.lead(t, log, driver.Recovery{})
	l.Report(dispatch.WorkerUp{Worker: "w", Epoch: 1, Slots: 4})
	job, err := l.Submit(t.Context(), twoStages())
	require.NoError(t, err)
	log.gate <- errs.Errorf(errs.Exhausted, "record", "too large")
	l.Report(done(receive(t, l.launched)))
	l.Report(done(receive(t, l.launched)))
	receive(t, job.Ended())
	_, err = job.Result()
	require.True(t, errs.Is(err, errs.Exhausted), "%v", err)
	require.NoError(t, job.Close(t.Context()))
}

func TestASubmittedJobIsFoundAgain(t *testing.T) {
	b := newBook(t)
	l := b.lead(t, b, driver.Recovery{})
	var wg sync.WaitGroup
	handles := make([]*driver.Handle, 8)
	for i := range handles {
		wg.Go(func() {
			h, err := l.Submit(context.Background(), twoStages())
			if err == nil {
				handles[i] = h
			}
		})
	}
	wg.Wait()
	for _, h := range handles {
		require.Same(t, handles[0], h)
	}
	require.NoError(t, handles[0].Close(t.Context()))
	h, err := l.Submit(t.Context(), twoStages())
	require.NoError(t, err)
	require.NotSame(t, handles[0], h, "a closed job's name is free")
	require.NoError(t, h.Close(t.Context()))
}

func TestAJobThatCannotBeReadFails(t *testing.T) {
	b := newBook(t)
	l := b.lead(t, b, driver.Recovery{Jobs: []driver.RecordedJob{{ID: "j", Spec: []byte{0xff}}}})
	h, err := l.Submit(t.Context(), twoStages())
	require.NoError(t, err)
	require.Zero(t, h.Partitions())
	_, err = h.Output(t.Context(), 0)
	require.True(t, errs.Is(err, errs.Corrupt), "%v", err)
	require.NoError(t, h.Close(t.Context()))
}

func TestRoundsWithAStepWaitForIt(t *testing.T) {
	b := newBook(t)
	rounds := func(step func(int, []dispatch.Output) bool) driver.JobSpec {
		return driver.JobSpec{ID: "j", Session: "s", Stages: []driver.StageSpec{{Stage: dispatch.Stage{Tasks: 1, Shape: dispatch.Rounds}, Step: step}}}
	}
	old := b.lead(t, b, driver.Recovery{})
	_, err := old.Submit(t.Context(), rounds(func(int, []dispatch.Output) bool { return false }))
	require.NoError(t, err)
	old.stop()
	l := b.lead(t, b, b.recovery())
	l.Report(dispatch.WorkerUp{Worker: "w", Epoch: 1, Slots: 4})
	_, err = l.Submit(t.Context(), driver.JobSpec{ID: "k", Session: "s", Stages: []driver.StageSpec{{Stage: dispatch.Stage{Tasks: 1}}}})
	require.NoError(t, err)
	require.Equal(t, "k", receive(t, l.launched).GetId().GetJob())
	require.Empty(t, l.launched, "without its step nothing of the other job starts")
	h, err := l.Submit(t.Context(), rounds(func(round int, _ []dispatch.Output) bool { return round < 1 }))
	require.NoError(t, err)
	for range 2 {
		l.Report(done(receive(t, l.launched)))
	}
	receive(t, h.Ended())
	require.NoError(t, h.Close(t.Context()))
}

func TestSpecsSurviveTheRecord(t *testing.T) {
	spec := driver.JobSpec{ID: "j", Session: "s", User: "u", Operation: "o", Weight: 3, Stages: []driver.StageSpec{
		{
			Stage:    dispatch.Stage{ID: 4, Tasks: 2, Prefer: [][]string{{"a", "b"}}, Only: []string{"c"}, Speculate: true, GPUs: 1},
			Fragment: []byte("f"), Threads: 2, Memory: 5, Splits: [][]*pb.SplitRange{{{Scan: 1, Splits: []int32{2}}}},
		},
		{Stage: dispatch.Stage{ID: 7, Tasks: 1, Inputs: []int{4}, Shape: dispatch.Gang, Volatile: true}},
	}}
	b, err := driver.EncodeSpec(spec)
	require.NoError(t, err)
	got, unclaimed, err := driver.DecodeSpec(b)
	require.NoError(t, err)
	require.False(t, unclaimed)
	require.True(t, proto.Equal(spec.Stages[0].Splits[0][0], got.Stages[0].Splits[0][0]))
	spec.Stages[0].Splits, got.Stages[0].Splits = nil, nil
	require.Equal(t, spec, got)
}

func FuzzDecode(f *testing.F) {
	spec, err := driver.EncodeSpec(twoStages())
	require.NoError(f, err)
	stage, err := driver.EncodeStage(dispatch.StageDone{Job: "j", Generation: 1, Outputs: []dispatch.Output{{Worker: "w"}}, Inputs: map[int]int{1: 1}}, false)
	require.NoError(f, err)
	f.Add(spec, stage)
	f.Fuzz(func(t *testing.T, spec, stage []byte) {
		s, unclaimed, err := driver.DecodeSpec(spec)
		if err != nil {
			require.True(t, errs.Is(err, errs.Corrupt))
			return
		}
		for _, st := range s.Stages {
			if st.Tasks > 1000 {
				return
			}
		}
		ev := dispatch.Submit{Recovered: true, Unclaimed: unclaimed}
		for _, st := range s.Stages {
			ev.Job.Stages = append(ev.Job.Stages, st.Stage)
			if done, err := driver.DecodeStage(st.ID, stage); err == nil {
				ev.Done = append(ev.Done, done)
			}
		}
		dispatch.New(placement.FairLocal{}).Step(time.Unix(0, 0), ev)
	})
}

// A stopped driver must not wait for lanes that wait for it.
func TestADriverStopsUnderLoad(t *testing.T) {
	b := newBook(t)
	l := b.lead(t, b, driver.Recovery{})
	l.Report(dispatch.WorkerUp{Worker: "w", Epoch: 1, Slots: 1})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20_000 {
				l.Report(dispatch.Tick{})
			}
		})
	}
	for i := range 50 {
		_, err := l.Submit(t.Context(), driver.JobSpec{ID: string(rune('A' + i)), Session: "s", Stages: []driver.StageSpec{{Stage: dispatch.Stage{Tasks: 0}}}})
		require.NoError(t, err)
	}
	l.stop()
	require.NoError(t, receive(t, l.over))
	wg.Wait()
}

func TestAVolatileStageIsReadOnceItIsDurable(t *testing.T) {
	b := newBook(t)
	log := &slow{b, make(chan error, 1)}
	l := b.lead(t, log, driver.Recovery{})
	l.Report(dispatch.WorkerUp{Worker: "w", Epoch: 1, Slots: 4})
	spec := twoStages()
	spec.Stages[0].Volatile = true
	job, err := l.Submit(t.Context(), spec)
	require.NoError(t, err)
	l.Report(done(receive(t, l.launched)))
	l.Report(done(receive(t, l.launched)))
	log.gate <- nil
	require.EqualValues(t, 1, receive(t, l.launched).GetId().GetStage())
	require.NoError(t, job.Close(t.Context()))
}

func TestWorkersDropOnlyWhatNobodyKnows(t *testing.T) {
	b := newBook(t)
	l := b.lead(t, b, driver.Recovery{Jobs: []driver.RecordedJob{{ID: "unreadable", Spec: []byte{0xff}}}})
	other := &pb.Task{Id: &pb.TaskID{Job: "forgotten"}}
	kept := &pb.Task{Id: &pb.TaskID{Job: "unreadable"}}
	l.Report(dispatch.WorkerUp{Worker: "w", Epoch: 1, Slots: 4, Held: held(kept, other)})
	require.Equal(t, "forgotten", receive(t, l.discarded))
	require.Empty(t, l.discarded)
}

func TestATaskThatIsRunAgainReadsWhatIsThereThen(t *testing.T) {
	b := newBook(t)
	l := b.lead(t, b, driver.Recovery{})
	l.Report(dispatch.WorkerUp{Worker: "w", Epoch: 1, Slots: 4})
	job, err := l.Submit(t.Context(), twoStages())
	require.NoError(t, err)
	x, y := receive(t, l.launched), receive(t, l.launched)
	l.Report(done(x))
	l.Report(done(y))
	u := receive(t, l.launched)
	lost := dispatch.Output{Task: driver.TaskOf(x.GetId()), Worker: "w", Epoch: 1}
	l.Report(dispatch.Failed{Task: driver.TaskOf(u.GetId()), Worker: "w", Epoch: 1, Err: errs.Errorf(errs.Lost, "t", "gone"), Lost: []dispatch.Output{lost}})
	again := receive(t, l.launched)
	require.Equal(t, x.GetId().GetPartition(), again.GetId().GetPartition())
	l.Report(done(again))
	u = receive(t, l.launched)
	got := u.GetInputs()[0].GetOutputs()[x.GetId().GetPartition()].GetTask()
	require.Equal(t, again.GetId().GetAttempt(), got.GetAttempt())
	require.NoError(t, job.Close(t.Context()))
}

// A job that is too large for the record begins anew under the next leader,
// with attempts of its own.
func TestAJobTooLargeForTheRecordBeginsAnew(t *testing.T) {
	b := newBook(t)
	a := b.lead(t, b, driver.Recovery{})
	a.Report(dispatch.WorkerUp{Worker: "w", Epoch: 1, Slots: 4})
	large := driver.JobSpec{ID: "j", Session: "s", Stages: []driver.StageSpec{{Stage: dispatch.Stage{Tasks: 1}, Fragment: make([]byte, 9<<20)}}}
	_, err := a.Submit(t.Context(), large)
	require.NoError(t, err)
	first := <-a.launched
	a.stop()
	require.NoError(t, <-a.over)

	n := b.lead(t, b, b.recovery("w"))
	n.Report(dispatch.WorkerUp{Worker: "w", Epoch: 1, Slots: 4, Held: held(first)})
	require.Empty(t, n.Unclaimed())
	h, err := n.Submit(t.Context(), large)
	require.NoError(t, err)
	second := <-n.launched
	require.Greater(t, second.GetId().GetAttempt(), first.GetId().GetAttempt())
	n.Report(dispatch.Done{Task: driver.TaskOf(second.GetId()), Worker: "w", Epoch: 1})
	<-h.Ended()
	_, err = h.Result()
	require.NoError(t, err)
	require.NoError(t, h.Close(t.Context()))
}
