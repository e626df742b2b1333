package jobs_test

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
	"github.com/spurwheel/spurwheel/scheduler/jobs"
)

// observed reports a task done that has observed something.
func (w *world) observed(task *pb.Task, id int64, state string) {
	w.driver.Report(dispatch.Done{Task: driver.TaskOf(task.GetId()), Worker: "w", Epoch: 1, Detail: &pb.Output{
		Task: task.GetId(), Worker: "w", Observed: []*pb.Observation{{Id: id, State: []byte(state)}},
	}})
}

// readAll reads a stream in the background; the test is its worker.
func readAll(t *testing.T, s jobs.Stream) func() {
	over := make(chan error, 1)
	go func() {
		_, err := read(context.Background(), s)
		over <- err
	}()
	return func() { require.NoError(t, receive(t, over)) }
}

func TestOnlyTheChosenAttemptObserves(t *testing.T) {
	w := newWorld(t, 1, &rows{err: lost()}, &rows{ids: []int64{7}, err: io.EOF})
	s := w.start(t.Context(), t, rangeOf())
	end := readAll(t, s)
	first := receive(t, w.launched)
	receive(t, w.opened)
	w.failed(first, lost())
	again := receive(t, w.launched)
	w.observed(first, 1, "of an attempt that was given up")
	w.observed(again, 1, "of the one that was read")
	end()
	require.Equal(t, []jobs.Observation{{ID: 1, State: []byte("of the one that was read")}}, s.Observed())
	require.NoError(t, s.Close())
}

func TestEveryTaskOfAStageObserves(t *testing.T) {
	w := newWorld(t, 2, &rows{err: io.EOF})
	s := w.start(t.Context(), t, counted())
	end := readAll(t, s)
	a, b := receive(t, w.launched), receive(t, w.launched)
	require.NotEqual(t, a.GetId().GetPartition(), b.GetId().GetPartition())
	w.observed(a, 1, "a")
	w.observed(b, 1, "b")
	final := receive(t, w.launched)
	for _, in := range final.GetInputs() {
		for _, o := range in.GetOutputs() {
			require.Empty(t, o.GetObserved(), "states are not for other tasks")
		}
	}
	w.observed(final, 2, "c")
	end()
	require.ElementsMatch(t, []jobs.Observation{{ID: 1, State: []byte("a")}, {ID: 1, State: []byte("b")}, {ID: 2, State: []byte("c")}}, s.Observed())
	require.NoError(t, s.Close())
}

func TestASubtreeThatSeveralStagesComputeObservesOnce(t *testing.T) {
	shared := &physical.Shared{ID: 1, Child: counted().(*physical.Sort).Child}
	w := newWorld(t, 2, &rows{err: io.EOF})
	s := w.start(t.Context(), t, &physical.Union{Inputs: []physical.Node{shared, shared}, Out: schema})
	end := readAll(t, s)
	stages := map[int32]bool{}
	for len(stages) < 3 {
		task := receive(t, w.launched)
		stages[task.GetId().GetStage()] = true
		if len(stages) == 3 {
			w.done(task)
			break
		}
		w.observed(task, 1, "state")
	}
	end()
	require.Len(t, s.Observed(), 2, "both tasks of one stage")
	require.NoError(t, s.Close())
}
