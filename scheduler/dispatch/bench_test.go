package dispatch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/placement"
)

// BenchmarkTasks runs no-op tasks: one report and one launch each, through a
// core of 1,000 workers with four slots and a stage of 100,000 tasks that reads
// a stage of 1,000. Batch is how many reports come together. It gives tasks/s.
func BenchmarkTasks(b *testing.B) {
	for _, batch := range []int{1, 16, 64, 512} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			benchTasks(b, batch, nil)
		})
	}
	b.Run("near/batch=64", func(b *testing.B) {
		near := make([][]string, 100_000)
		for i := range near {
			near[i] = []string{workerName(i * 7 % 1000), workerName(i * 13 % 1000)}
		}
		benchTasks(b, 64, near)
	})
}

func workerName(i int) string { return fmt.Sprintf("worker-%03d", i) }

func benchTasks(b *testing.B, batch int, near [][]string) {
	core := dispatch.New(placement.FairLocal{})
	now := time.Unix(0, 0)
	for i := range 1000 {
		core.Step(now, dispatch.WorkerUp{Worker: workerName(i), Epoch: 1, Slots: 4})
	}
	b.ReportAllocs()
	queue, spare := make([]dispatch.Launch, 0, 8192), make([]dispatch.Launch, 0, 8192)
	left, events, jobs := 0, make([]dispatch.Event, 0, batch), 0
	take := func(actions []dispatch.Action) {
		for _, a := range actions {
			switch a := a.(type) {
			case dispatch.Launch:
				queue = append(queue, a)
			case dispatch.JobDone:
				left--
			}
		}
	}
	b.ResetTimer()
	for n := 0; n < b.N; {
		if left == 0 {
			jobs++
			id := fmt.Sprint("job", jobs)
			left++
			take(core.Step(now, dispatch.Close{Job: fmt.Sprint("job", jobs-1)}))
			take(core.Step(now, dispatch.Submit{Job: dispatch.Job{ID: id, User: "u", Stages: []dispatch.Stage{
				{Tasks: 1000}, {ID: 1, Tasks: 100_000, Inputs: []int{0}, Prefer: near},
			}}}))
		}
		running := queue
		queue, spare = spare[:0], queue
		for len(running) > 0 {
			k := min(batch, len(running))
			events = events[:0]
			for _, l := range running[:k] {
				events = append(events, dispatch.Done{Task: l.Task, Worker: l.Worker, Epoch: 1})
			}
			running = running[k:]
			n += k
			now = now.Add(time.Microsecond)
			take(core.StepAll(now, events))
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
}
