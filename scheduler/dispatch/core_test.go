package dispatch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/placement"
)

// table is a core with a clock that a test moves.
type table struct {
	t    *testing.T
	core *dispatch.Core
	now  time.Time
}

func newTable(t *testing.T, cfg dispatch.Config) *table {
	t.Helper()
	cfg.Policy = placement.FairLocal{}
	return &table{t, dispatch.NewCore(cfg), time.Unix(0, 0)}
}

func (b *table) step(events ...dispatch.Event) []dispatch.Action {
	return b.core.StepAll(b.now, events)
}

// pass lets time pass, with a tick every second.
func (b *table) pass(d time.Duration) (out []dispatch.Action) {
	for ; d > 0; d -= time.Second {
		b.now = b.now.Add(min(d, time.Second))
		out = append(out, b.step(dispatch.Tick{})...)
	}
	return out
}

func up(worker string, slots int) dispatch.WorkerUp {
	return dispatch.WorkerUp{Worker: worker, Epoch: 1, Slots: slots}
}

func job(id string, stages ...dispatch.Stage) dispatch.Submit {
	for i := range stages {
		stages[i].ID = i
		if i > 0 {
			stages[i].Inputs = []int{i - 1}
		}
	}
	return dispatch.Submit{Job: dispatch.Job{ID: id, User: "u", Stages: stages}}
}

func launches(actions []dispatch.Action) (out []dispatch.Launch) {
	for _, a := range actions {
		if l, ok := a.(dispatch.Launch); ok {
			out = append(out, l)
		}
	}
	return out
}

// only is the one action of a kind.
func only[A dispatch.Action](t *testing.T, actions []dispatch.Action) (a A) {
	t.Helper()
	n := 0
	for _, x := range actions {
		if y, ok := x.(A); ok {
			a, n = y, n+1
		}
	}
	require.Equal(t, 1, n, "%T in %v", a, actions)
	return a
}

func none[A dispatch.Action](t *testing.T, actions []dispatch.Action) {
	t.Helper()
	for _, x := range actions {
		_, ok := x.(A)
		require.False(t, ok, "%T%+v", x, x)
	}
}

func doneOf(l dispatch.Launch) dispatch.Done {
	return dispatch.Done{Task: l.Task, Worker: l.Worker, Epoch: l.Epoch}
}

func TestJobsWaitToBeAdmitted(t *testing.T) {
	b := newTable(t, dispatch.Config{MaxLive: 1, MaxQueued: 1})
	l := launches(b.step(up("a", 4), job("x", dispatch.Stage{Tasks: 1})))
	require.Len(t, l, 1)
	require.Empty(t, b.step(job("y", dispatch.Stage{Tasks: 1})))
	refused := only[dispatch.JobFailed](t, b.step(job("z", dispatch.Stage{Tasks: 1})))
	require.True(t, errs.Is(refused.Err, errs.Exhausted), "%v", refused.Err)
	require.Empty(t, launches(b.step(doneOf(l[0]))), "a result that is read counts")
	require.Equal(t, "y", launches(b.step(dispatch.Close{Job: "x"}))[0].Task.Job)
	b.step(job("z", dispatch.Stage{Tasks: 1}))
	only[dispatch.JobFailed](t, b.step(dispatch.Cancel{Job: "z"}))
	only[dispatch.JobFailed](t, b.step(dispatch.Close{Job: "y"}))
	require.False(t, b.core.Busy())
}

func TestTasksOfLiveJobsAreBounded(t *testing.T) {
	b := newTable(t, dispatch.Config{MaxTasks: 10})
	require.Len(t, launches(b.step(up("a", 100), job("large", dispatch.Stage{Tasks: 50}))), 50, "alone it may")
	require.Empty(t, b.step(job("small", dispatch.Stage{Tasks: 1})))
	require.Len(t, launches(b.step(dispatch.Cancel{Job: "large"})), 1)
}

func TestNoWorkersIsAnErrorAfterAWhile(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	b.step(up("a", 1))
	b.pass(time.Hour)
	b.step(job("x", dispatch.Stage{Tasks: 1}))
	b.step(dispatch.WorkerDown{Worker: "a", Epoch: 1})
	none[dispatch.JobFailed](t, b.pass(27*time.Second))
	b.now = b.now.Add(time.Hour) // a clock that jumps takes no patience away
	none[dispatch.JobFailed](t, b.step(dispatch.Drain{Worker: "a"}))
	b.now = b.now.Add(-2 * time.Hour) // nor gives any
	none[dispatch.JobFailed](t, b.step(dispatch.Tick{}))
	failed := only[dispatch.JobFailed](t, b.pass(2*time.Second))
	require.True(t, errs.Is(failed.Err, errs.Unavailable))
	require.ErrorContains(t, failed.Err, "no workers")
}

func TestUsersHaveWeightsAndLimits(t *testing.T) {
	b := newTable(t, dispatch.Config{Users: map[string]dispatch.Share{"v": {Weight: 3}, "w": {MaxRunning: 2}}})
	for _, user := range []string{"u", "v", "w"} {
		j := job(user, dispatch.Stage{Tasks: 100})
		j.Job.User = user
		b.step(j)
	}
	count := map[string]int{}
	for _, l := range launches(b.step(up("a", 22))) {
		count[l.Task.Job]++
	}
	require.Equal(t, map[string]int{"u": 5, "v": 15, "w": 2}, count)
}

func TestASlowTaskGetsOneCopy(t *testing.T) {
	for _, first := range []int{0, 1} {
		b := newTable(t, dispatch.Config{})
		l := launches(b.step(up("a", 4), up("b", 4), job("x", dispatch.Stage{Tasks: 4, Speculate: true}, dispatch.Stage{Tasks: 1})))
		b.pass(time.Second)
		require.Empty(t, b.step(doneOf(l[0]), doneOf(l[1])))
		require.Empty(t, b.pass(10*time.Second), "half are done: nobody is late yet")
		b.step(doneOf(l[2]))
		slow := l[3]
		second := launches(b.pass(20 * time.Second))
		require.Len(t, second, 1, "one copy")
		require.Equal(t, slow.Task.Partition, second[0].Task.Partition)
		require.NotEqual(t, slow.Worker, second[0].Worker)
		both := []dispatch.Launch{slow, second[0]}
		out := b.step(doneOf(both[first]))
		require.Equal(t, both[1-first].Task, only[dispatch.Abort](t, out).Task)
		next := launches(out)
		require.Len(t, next, 1)
		require.Equal(t, both[first].Task, next[0].Inputs[0][slow.Task.Partition].Task)
		require.Empty(t, b.step(doneOf(both[1-first])), "the other's word counts no more")
	}
}

func TestACopyGoesOnAlone(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	l := launches(b.step(up("a", 2), up("b", 2), job("x", dispatch.Stage{Tasks: 4, Speculate: true})))
	b.pass(time.Second)
	slow := l[3]
	b.step(doneOf(l[0]), doneOf(l[1]), doneOf(l[2]))
	second := launches(b.pass(10 * time.Second))
	require.Len(t, second, 1)
	none[dispatch.Launch](t, b.step(dispatch.Failed{Task: slow.Task, Worker: slow.Worker, Epoch: 1, Err: errs.Errorf(errs.Unavailable, "t", "shaky")}))
	only[dispatch.JobDone](t, b.step(doneOf(second[0])))
}

func TestOnlyStagesThatAllowItAreCopied(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	l := launches(b.step(up("a", 4), up("b", 4), job("x", dispatch.Stage{Tasks: 4}), job("y", dispatch.Stage{Tasks: 4, Speculate: true, Volatile: true})))
	b.pass(time.Second)
	for _, x := range l {
		if x.Task.Partition > 0 {
			b.step(doneOf(x))
		}
	}
	require.Empty(t, launches(b.pass(time.Minute)))
}

func TestADrainingWorkerServesUntilNothingNeedsIt(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	l := launches(b.step(up("a", 1), job("x", dispatch.Stage{Tasks: 1}, dispatch.Stage{Tasks: 1})))
	out := b.step(dispatch.Drain{Worker: "a"}, up("b", 1))
	none[dispatch.Drained](t, out)
	out = b.step(doneOf(l[0]))
	none[dispatch.Drained](t, out)
	l = launches(out)
	require.Equal(t, "b", l[0].Worker)
	out = b.step(doneOf(l[0]))
	require.Equal(t, "a", only[dispatch.Drained](t, out).Worker, "what it holds is read")
	out = b.step(dispatch.Drain{Worker: "b"})
	none[dispatch.Drained](t, out)
	only[dispatch.Drained](t, b.step(dispatch.Close{Job: "x"}))
	require.Empty(t, b.pass(time.Second), "it is said once")
}

// recovered is a job of two stages of which the first was recorded.
func recovered(stages ...dispatch.Stage) dispatch.Submit {
	j := job("x", stages...)
	j.Recovered, j.Base = true, 100
	f := dispatch.Finished{Stage: 0, Generation: 1}
	for p := range stages[0].Tasks {
		f.Outputs = append(f.Outputs, output(0, p, 0, []string{"a", "b"}[p%2]))
	}
	j.Done = []dispatch.Finished{f}
	return j
}

func output(stage, p, attempt int, worker string) dispatch.Output {
	return dispatch.Output{Task: dispatch.Task{Job: "x", Stage: stage, Partition: p, Attempt: attempt}, Worker: worker, Epoch: 1}
}

func TestRecoveredJobsWaitForTheirWorkers(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	a, other := up("a", 4), up("b", 4)
	a.Held, other.Held = []dispatch.Output{output(0, 0, 0, "a")}, []dispatch.Output{output(0, 1, 0, "b")}
	require.Empty(t, b.step(dispatch.Expect{Workers: []string{"a", "b"}, For: 5 * time.Second}, recovered(dispatch.Stage{Tasks: 2}, dispatch.Stage{Tasks: 1})))
	require.Empty(t, b.step(a))
	require.Len(t, launches(b.step(job("new", dispatch.Stage{Tasks: 1}))), 1, "new jobs do not wait")
	l := launches(b.step(other))
	require.Len(t, l, 1)
	require.Equal(t, dispatch.Task{Job: "x", Stage: 1, Attempt: 100}, l[0].Task)
}

// A job that could not be recorded is planned anew by the next leader: what
// workers hold or run of the first plan does not count.
func TestAJobThatBeginsAnewTakesNothingOver(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	anew := job("x", dispatch.Stage{Tasks: 2}, dispatch.Stage{Tasks: 1, ID: 1, Inputs: []int{0}})
	anew.Base = 100
	b.step(anew)
	a := up("a", 4)
	a.Held = []dispatch.Output{output(0, 0, 0, "a")}
	a.Running = []dispatch.Task{output(0, 1, 0, "a").Task}
	out := b.step(a)
	require.Equal(t, a.Running[0], only[dispatch.Abort](t, out).Task)
	l := launches(out)
	require.Len(t, l, 2)
	require.Equal(t, 100, l[0].Task.Attempt)
}

func TestOnlyWhatIsGoneIsRunAgain(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	a := up("a", 4)
	a.Held = []dispatch.Output{output(0, 0, 0, "a")}
	b.step(dispatch.Expect{Workers: []string{"a", "b"}, For: 5 * time.Second}, recovered(dispatch.Stage{Tasks: 2}, dispatch.Stage{Tasks: 1}), a)
	require.Empty(t, launches(b.pass(4*time.Second)))
	l := launches(b.pass(2 * time.Second))
	require.Len(t, l, 1)
	require.Equal(t, dispatch.Task{Job: "x", Partition: 1, Attempt: 100}, l[0].Task)
	require.Equal(t, 1, launches(b.step(doneOf(l[0])))[0].Task.Stage)
}

func TestAnExpectedWorkerThatIsGoneIsNotWaitedFor(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	b.step(dispatch.Expect{Workers: []string{"a", "b"}, For: time.Hour}, recovered(dispatch.Stage{Tasks: 2}), up("a", 1))
	b.step(job("y", dispatch.Stage{Tasks: 1}))
	require.True(t, b.core.Busy())
	j := recovered(dispatch.Stage{Tasks: 2}, dispatch.Stage{Tasks: 1})
	j.Job.ID = "z"
	require.Empty(t, launches(b.step(j)))
	require.NotEmpty(t, launches(b.step(dispatch.WorkerDown{Worker: "b", Epoch: 1, Reason: "gone for good"}, up("c", 4))))
}

func TestRunningTasksAreAdopted(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	a := up("a", 2)
	a.Held = []dispatch.Output{output(0, 0, 0, "a"), {Task: dispatch.Task{Job: "gone"}}}
	a.Running = []dispatch.Task{{Job: "x", Stage: 1, Attempt: 3}, {Job: "x", Stage: 1, Partition: 9}, {Job: "other"}}
	b.step(dispatch.Expect{Workers: []string{"a"}, For: time.Second}, recovered(dispatch.Stage{Tasks: 1}, dispatch.Stage{Tasks: 2}))
	out := b.step(a)
	require.Len(t, launches(out), 1, "one slot is taken")
	require.Equal(t, 1, launches(out)[0].Task.Partition)
	var aborted []string
	var unknown []string
	for _, x := range out {
		switch x := x.(type) {
		case dispatch.Abort:
			aborted = append(aborted, x.Task.String())
		case dispatch.Unknown:
			unknown = append(unknown, x.Job)
		}
	}
	require.Equal(t, []string{"x/1.9.0", "other/0.0.0"}, aborted)
	require.Equal(t, []string{"gone", "other"}, unknown)
	b.step(dispatch.Done{Task: a.Running[0], Worker: "a", Epoch: 1})
	only[dispatch.JobDone](t, b.step(doneOf(launches(out)[0])))
}

func TestAWorkerThatRegistersAgainIsComparedWith(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	l := launches(b.step(up("a", 3), job("x", dispatch.Stage{Tasks: 3}, dispatch.Stage{Tasks: 1})))
	again := up("a", 3)
	again.Running = []dispatch.Task{l[0].Task, {Job: "x", Stage: 0, Partition: 2, Attempt: 7}}
	again.Held = []dispatch.Output{{Task: l[1].Task, Worker: "a", Epoch: 1}}
	out := b.step(again)
	more := launches(out)
	require.Len(t, more, 1, "the launch that got lost")
	require.Equal(t, 2, more[0].Task.Partition)
	b.step(doneOf(l[0]))
	require.Len(t, launches(b.step(doneOf(more[0]))), 1, "the report that got lost was in what it holds")
}

func TestAnUnclaimedJobWaits(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	j := job("x", dispatch.Stage{Tasks: 1})
	j.Recovered, j.Unclaimed = true, true
	require.Empty(t, b.step(up("a", 1), j))
	require.Len(t, launches(b.step(dispatch.Claim{Job: "x"})), 1)
}

func TestConsumersOfAVolatileStageWaitForTheRecord(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	l := launches(b.step(up("a", 2), job("x", dispatch.Stage{Tasks: 1, Volatile: true}, dispatch.Stage{Tasks: 2})))
	out := b.step(doneOf(l[0]))
	done := only[dispatch.StageDone](t, out)
	require.Empty(t, launches(out))
	require.Empty(t, b.step(dispatch.Recorded{Job: "x", Stage: 0, Generation: done.Generation - 1}))
	l = launches(b.step(dispatch.Recorded{Job: "x", Stage: 0, Generation: done.Generation}))
	require.Len(t, l, 2)
	b.step(doneOf(l[0]))
	out = b.step(dispatch.Failed{Task: l[1].Task, Worker: "a", Epoch: 1, Lost: done.Outputs, Err: errs.Errorf(errs.Lost, "t", "gone")})
	require.Equal(t, 0, launches(out)[0].Task.Stage)
	again := only[dispatch.StageDone](t, b.step(doneOf(launches(out)[0])))
	require.Equal(t, done.Generation+1, again.Generation)
	require.Len(t, launches(b.step(dispatch.Recorded{Job: "x", Stage: 0, Generation: again.Generation})), 2, "both, for what the first read is of another run")
}

func TestLaunchesOfAStageShareTheirInputs(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	l := launches(b.step(up("a", 50), job("x", dispatch.Stage{Tasks: 3}, dispatch.Stage{Tasks: 50})))
	b.step(doneOf(l[0]), doneOf(l[1]))
	l = launches(b.step(doneOf(l[2])))
	require.Len(t, l, 50)
	for _, x := range l {
		require.Equal(t, l[0].Template, x.Template)
		require.Same(t, &l[0].Inputs[0][0], &x.Inputs[0][0])
	}
}

func TestTasksGoWhereTheirInputIs(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	prefer := make([][]string, 100)
	for i := range prefer {
		prefer[i] = []string{fmt.Sprint("w", i%4)}
	}
	events := []dispatch.Event{job("x", dispatch.Stage{Tasks: 100, Prefer: prefer})}
	for i := range 4 {
		events = append(events, up(fmt.Sprint("w", i), 2))
	}
	running := launches(b.step(events...))
	for n := range 90 { // the last ones take what slots there are
		require.Equal(t, prefer[running[0].Task.Partition][0], running[0].Worker, n)
		running = append(running[1:], launches(b.step(doneOf(running[0])))...)
	}
}

func TestATaskIsOfferedOnce(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	prefer := [][]string{{"a", "b"}, {"b", "a"}}
	l := launches(b.step(up("a", 4), up("b", 4), job("x", dispatch.Stage{Tasks: 2, Prefer: prefer})))
	require.Len(t, l, 2)
	require.NotEqual(t, l[0].Task, l[1].Task)
}
