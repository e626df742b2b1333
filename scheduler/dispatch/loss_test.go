package dispatch_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/scheduler/dispatch"
)

func TestAnOlderEpochIsNotBelieved(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	b.step(dispatch.WorkerUp{Worker: "a", Epoch: 2, Slots: 1})
	old := up("a", 5)
	require.Empty(t, b.step(old))
	l := launches(b.step(job("x", dispatch.Stage{Tasks: 3})))
	require.Len(t, l, 1)
	require.EqualValues(t, 2, l[0].Epoch)
}

func TestAResultCountsUntilAReaderMissesIt(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	l := launches(b.step(up("a", 1), up("b", 1), job("x", dispatch.Stage{Tasks: 1}, dispatch.Stage{Tasks: 1})))
	l = launches(b.step(doneOf(l[0])))
	done := only[dispatch.JobDone](t, b.step(doneOf(l[0])))
	require.Empty(t, b.step(dispatch.WorkerDown{Worker: l[0].Worker, Epoch: 1, Reason: "killed"}), "it may have been read")
	require.False(t, b.core.Busy())
	l = launches(b.step(dispatch.OutputLost{Output: done.Outputs[0]}))
	require.Len(t, l, 1)
	require.True(t, b.core.Busy())
	if l[0].Task.Stage == 0 { // its input went with the same worker
		l = launches(b.step(doneOf(l[0])))
	}
	again := only[dispatch.JobDone](t, b.step(doneOf(l[0])))
	require.NotEqual(t, done.Outputs, again.Outputs)
	require.Empty(t, b.step(dispatch.OutputLost{Output: done.Outputs[0]}), "that one is replaced")
	require.Empty(t, b.step(dispatch.Cancel{Job: "x"}), "what is done cannot be canceled")
}

func TestAnOutputThatAWorkerDoesNotNameIsLost(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	l := launches(b.step(up("a", 2), job("x", dispatch.Stage{Tasks: 2}, dispatch.Stage{Tasks: 1})))
	b.step(doneOf(l[0]))
	again := up("a", 2)
	again.Running = []dispatch.Task{l[1].Task}
	l2 := launches(b.step(again))
	require.Len(t, l2, 1)
	require.Equal(t, l[0].Task.Partition, l2[0].Task.Partition)
	require.Greater(t, l2[0].Task.Attempt, l[0].Task.Attempt)
}

func TestACopyMayDie(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	l := launches(b.step(up("a", 4), job("x", dispatch.Stage{Tasks: 4, Speculate: true})))
	b.pass(time.Second)
	b.step(doneOf(l[0]), doneOf(l[1]), doneOf(l[2]), up("b", 2))
	second := launches(b.pass(10 * time.Second))
	require.Len(t, second, 1)
	require.Empty(t, b.step(dispatch.WorkerDown{Worker: second[0].Worker, Epoch: 1}))
	require.Empty(t, b.step(doneOf(second[0])), "the dead say nothing")
	third := launches(b.step(dispatch.WorkerUp{Worker: "b", Epoch: 2, Slots: 2}, dispatch.Tick{}))
	require.Len(t, third, 1, "its place is free for another copy")
	require.EqualValues(t, 2, third[0].Epoch)
}

func TestAGangIsNotAdoptedInPart(t *testing.T) {
	for _, shape := range []dispatch.Shape{dispatch.Gang, dispatch.Rounds} {
		b := newTable(t, dispatch.Config{})
		a := up("a", 4)
		a.Held = []dispatch.Output{output(0, 0, 0, "a"), output(1, 0, 0, "a")}
		a.Running = []dispatch.Task{{Job: "x", Stage: 1, Partition: 1}}
		out := b.step(dispatch.Expect{Workers: []string{"a"}, For: time.Second}, recovered(dispatch.Stage{Tasks: 1}, dispatch.Stage{Tasks: 3, Shape: shape}), a)
		only[dispatch.Abort](t, out)
		require.Len(t, launches(out), 3)
	}
}

func TestARecordedResultIsNotMadeAgain(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	out := b.step(dispatch.Expect{Workers: []string{"a"}, For: time.Second}, recovered(dispatch.Stage{Tasks: 1}))
	done := only[dispatch.JobDone](t, out)
	require.Empty(t, launches(b.pass(3*time.Second)))
	require.Empty(t, launches(b.step(up("b", 1))))
	l := launches(b.step(dispatch.OutputLost{Output: done.Outputs[0]}))
	require.Equal(t, dispatch.Task{Job: "x", Attempt: 100}, l[0].Task)
}

func TestAnotherHeldOutputTakesTheLostOnesPlace(t *testing.T) {
	b := newTable(t, dispatch.Config{})
	a, c := up("a", 1), up("c", 1)
	a.Held = []dispatch.Output{output(0, 0, 0, "a")}
	c.Held = []dispatch.Output{output(0, 0, 7, "c")}
	b.step(dispatch.Expect{Workers: []string{"a", "c"}, For: time.Second}, recovered(dispatch.Stage{Tasks: 1}, dispatch.Stage{Tasks: 1}), c)
	l := launches(b.step(a))
	require.Equal(t, "a", l[0].Inputs[0][0].Worker, "the recorded one counts")
	out := b.step(dispatch.WorkerDown{Worker: "a", Epoch: 1})
	if l[0].Worker == "c" {
		out = b.step(dispatch.Failed{Task: l[0].Task, Worker: "c", Epoch: 1, Lost: l[0].Inputs[0]})
	}
	l = launches(out)
	require.Len(t, l, 1)
	require.Equal(t, 1, l[0].Task.Stage)
	require.Equal(t, 7, l[0].Inputs[0][0].Task.Attempt)
}

func TestATaskThatKillsItsWorkersIsStopped(t *testing.T) {
	for _, crashed := range []bool{true, false} {
		b := newTable(t, dispatch.Config{})
		b.step(up("a", 1), up("b", 1), up("c", 1), up("d", 1))
		out := b.step(job("x", dispatch.Stage{Tasks: 1}))
		for range dispatch.MaxCrashes {
			none[dispatch.JobFailed](t, out)
			l := launches(out)
			require.Len(t, l, 1)
			out = b.step(dispatch.WorkerDown{Worker: l[0].Worker, Epoch: 1, Reason: "killed", Crashed: crashed})
		}
		if !crashed {
			require.Len(t, launches(out), 1, "a worker that was cut off is not the task's doing")
			continue
		}
		failed := only[dispatch.JobFailed](t, out)
		require.ErrorContains(t, failed.Err, "died while they ran partition 0 of stage 0 of job x")
	}
}
