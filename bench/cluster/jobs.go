package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
)

// The jobs: a few tasks, many that read them, a few that read those.
const (
	sources   = 64
	wideStage = 1
	wideTasks = 20_000
	sinks     = 4
	jobTasks  = sources + wideTasks + sinks
	// queued is how many tasks wait, at least, where delays count.
	queued = 10_000
	// clients submit jobs, one after the other, each.
	clients = 2
	// fragmentBytes is about what a small stage's plan takes.
	fragmentBytes = 256
)

// spec is a job that does nothing.
type spec driver.JobSpec

func graph(id string) spec {
	fragment := make([]byte, fragmentBytes)
	return spec{ID: id, Session: sessionID, Stages: []driver.StageSpec{
		{Stage: dispatch.Stage{ID: 0, Tasks: sources}, Fragment: fragment},
		{Stage: dispatch.Stage{ID: wideStage, Tasks: wideTasks, Inputs: []int{0}}, Fragment: fragment},
		{Stage: dispatch.Stage{ID: 2, Tasks: sinks, Inputs: []int{wideStage}}, Fragment: fragment},
	}}
}

// job is what the scheduler's core needs to know.
func (s spec) job() dispatch.Job {
	j := dispatch.Job{ID: s.ID}
	for _, st := range s.Stages {
		j.Stages = append(j.Stages, st.Stage)
	}
	return j
}

// jobWithin bounds one job.
const jobWithin = 30 * time.Second

// runJob runs one to its end and takes care that it is complete.
func runJob(ctx context.Context, d *driver.Driver, id string) error {
	ctx, cancel := context.WithTimeout(ctx, jobWithin)
	defer cancel()
	h, err := d.Submit(ctx, driver.JobSpec(graph(id)))
	if err != nil {
		return err
	}
	select {
	case <-h.Ended():
	case <-ctx.Done():
		return fmt.Errorf("job %s does not end: %w", id, context.Cause(ctx))
	}
	outputs, err := h.Result()
	if err != nil {
		return err
	}
	if len(outputs) != sinks {
		return fmt.Errorf("job %s has %d outputs, %d were asked for", id, len(outputs), sinks)
	}
	return h.Close(ctx)
}

// submit runs jobs of several clients until the time is over, at least one each,
// and gives how many.
func submit(ctx context.Context, d *driver.Driver, name string, clients int, length time.Duration) (jobs int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	over := time.Now().Add(length)
	var done atomic.Int64
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for i := 0; ctx.Err() == nil && (i == 0 || time.Now().Before(over)); i++ {
				if err := runJob(ctx, d, fmt.Sprintf("%s-%d-%026d", name, c, i)); err != nil {
					cancel(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	return done.Load(), context.Cause(ctx)
}
