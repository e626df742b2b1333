package history_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/history"
)

func twoStages(id string) dispatch.Job {
	return dispatch.Job{ID: id, User: "ada", Stages: []dispatch.Stage{{ID: 0, Tasks: 2}, {ID: 1, Tasks: 1, Inputs: []int{0}}}}
}

func task(job string, stage, partition, attempt int) dispatch.Task {
	return dispatch.Task{Job: job, Stage: stage, Partition: partition, Attempt: attempt}
}

func TestCountsAndEvents(t *testing.T) {
	b := history.New(history.Config{Dir: filepath.Join(t.TempDir(), "made", "for the first log"), Clock: clock.Real{}})
	b.Submitted(twoStages("j"), "select 1")
	b.Launched(task("j", 0, 0, 0), "a")
	b.Launched(task("j", 0, 1, 0), "b")
	b.Reported(dispatch.Done{Task: task("j", 0, 0, 0), Worker: "a"})
	b.Reported(dispatch.Done{Task: task("j", 0, 0, 0), Worker: "a"}) // a second time
	b.Reported(dispatch.WorkerDown{Worker: "b", Reason: "killed"})
	b.Reported(dispatch.Done{Task: task("j", 0, 1, 0), Worker: "b"}) // late
	b.Launched(task("j", 0, 1, 1), "a")
	b.Reported(dispatch.Failed{Task: task("j", 0, 1, 1), Worker: "a", Err: errs.Errorf(errs.Unavailable, "x", "no disk")})
	b.Launched(task("j", 0, 1, 2), "a")

	j, err := b.Job("j")
	require.NoError(t, err)
	require.Equal(t, history.Running, j.State)
	require.Equal(t, []history.Stage{{ID: 0, Tasks: 2, Done: 1, Running: 1, Lost: 1, Failed: 1}, {ID: 1, Tasks: 1}}, j.Stages)

	b.Ended("j", nil)
	j, err = b.Job("j")
	require.NoError(t, err)
	require.Equal(t, history.Succeeded, j.State)
	require.Zero(t, j.Stages[0].Running)
	var kinds []history.EventKind
	require.NoError(t, b.Events(t.Context(), "j", true, func(e history.Event) error {
		kinds = append(kinds, e.Kind)
		return nil
	}))
	require.Equal(t, []history.EventKind{"submitted", "launched", "launched", "finished", "lost", "launched", "failed", "launched", "ended"}, kinds)
}

func TestFollowersSeeTheEnd(t *testing.T) {
	b := history.New(history.Config{Dir: t.TempDir(), Clock: clock.Real{}})
	b.Submitted(twoStages("j"), "")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	seen := make(chan history.Event, 10)
	over := make(chan error, 1)
	go func() {
		over <- b.Events(ctx, "j", true, func(e history.Event) error { seen <- e; return nil })
	}()
	require.Equal(t, history.EventSubmitted, (<-seen).Kind)
	b.Ended("j", errors.New("out of luck"))
	last := <-seen
	require.Equal(t, history.EventEnded, last.Kind)
	require.Contains(t, last.Text, "out of luck")
	require.NoError(t, <-over)
}

func TestOldJobsGo(t *testing.T) {
	b := history.New(history.Config{Dir: t.TempDir(), Clock: clock.Real{}})
	for i := range history.KeptJobs + 5 {
		id := fmt.Sprintf("job %d", i)
		b.Submitted(twoStages(id), "")
		b.Ended(id, nil)
	}
	require.Len(t, b.Jobs(), history.KeptJobs)
	_, err := b.Job("job 0")
	require.True(t, errs.Is(err, errs.NotFound))
	require.Error(t, b.Events(t.Context(), "job 0", false, nil))
}

// Ids come from clients: they must not name other files.
func TestIDsAreNoPaths(t *testing.T) {
	dir := t.TempDir()
	b := history.New(history.Config{Dir: dir, Clock: clock.Real{}})
	b.Submitted(twoStages("../../evil"), "")
	b.Ended("../../evil", nil)
	require.FileExists(t, dir+"/______evil.log")
}
