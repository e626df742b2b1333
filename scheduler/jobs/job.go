// Package jobs turns a physical plan into a job of the scheduler: stages,
// encoded fragments, tasks; and gives the job's rows as one stream. It knows
// nothing of sessions, logical plans or how tasks run.
package jobs

import (
	"context"
	"slices"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
)

// Job is a physical plan to be run for a session.
type Job struct {
	ID      string
	Session string
	// Operation is the client's command that the job belongs to.
	Operation string
	User      string
	// Description is what the client asked for, for people.
	Description string
	Plan        physical.Node
	Env         physical.Env
	Threads     int
	Storage     map[string]string // the session's own settings of storage; never recorded or shown
}

// Stream is a running job's rows. Next and Close serve one goroutine; Progress
// may be called by others until Close.
type Stream interface {
	batch.Reader
	Progress() []StageProgress
	Operators() []OperatorStats // final after io.EOF
	Observed() []Observation    // valid after io.EOF
}

// Observation is what one task has of an observation: a block of one row of
// partial states. Of repeated attempts, one counts.
type Observation struct {
	ID    int64
	State []byte
}

// StageProgress is one stage's totals so far.
type StageProgress struct {
	Stage, Tasks, Done int
	InputBytes         int64
}

// OperatorStats are one operator's counters.
type OperatorStats struct {
	ID, Parent int
	Name       string
	Values     map[string]int64
}

// Results reads what final tasks produce, while they run.
type Results interface {
	// Open attaches to one partition of a final task on a worker. The reader
	// ends with io.EOF once the task has delivered all its rows, or with the
	// task's error. A task that is gone gives errs.Lost.
	Open(ctx context.Context, worker string, epoch int64, id *pb.TaskID, schema types.Schema) (batch.Reader, error)
	// Stored reads the rows of a finished final task that a worker holds. If they
	// are gone or broken, it or its reader fails with a retryable kind.
	Stored(ctx context.Context, o *pb.Output, schema types.Schema) (batch.Reader, error)
}

// Runner starts jobs on a driver. It is safe for concurrent use.
type Runner struct {
	Driver  *driver.Driver
	Results Results
	// Holder is the worker in the process that keeps persisted rows: it alone can read them.
	Holder string
	// Stored has all jobs hold their rows until they are read, also those of one
	// task: a cluster, where rows are to outlive the scheduler that reads them.
	Stored bool
	// Workers is how many workers a plan is spread over; 1 keeps it in one task.
	Workers func() int
	// ReadBytes reports how much a job has read from storage so far.
	ReadBytes func(job string) int64
	// Finished reports a job's operator counters by final task.
	Finished func(job string) []OperatorStats
}

// Start submits a job and attaches to its rows.
func (r *Runner) Start(ctx context.Context, job Job) (Stream, error) {
	spec, err := r.spec(job)
	if err != nil {
		return nil, err
	}
	h, err := r.Driver.Submit(ctx, spec)
	if err != nil {
		return nil, err
	}
	s := &stream{runner: r, handle: h, schema: job.Plan.Schema(), attempt: -1, stored: r.holds(len(spec.Stages))}
	s.stop = context.AfterFunc(ctx, func() { h.Cancel(errs.E(errs.Canceled, "jobs.Start", context.Cause(ctx))) })
	return s, nil
}

// holds tells whether a job's rows are stored before they are read.
func (r *Runner) holds(stages int) bool { return r.Stored || stages > 1 }

// spec cuts the plan into stages and encodes their fragments.
func (r *Runner) spec(job Job) (driver.JobSpec, error) {
	spec := driver.JobSpec{ID: job.ID, Session: job.Session, User: job.User, Operation: job.Operation, Description: job.Description, Weight: 1, Storage: job.Storage}
	stages := physical.Cut(job.Plan, r.Workers())
	if r.holds(len(stages)) { // the result is held until its attempt is chosen
		stages[len(stages)-1].Output = physical.Exchange{Kind: physical.ExchangeSingle, Parts: 1}
	}
	for _, st := range stages {
		frag, err := physical.Encode(&physical.Fragment{Root: st.Root, Env: job.Env, Output: st.Output})
		if err != nil {
			return spec, err
		}
		spec.Stages = append(spec.Stages, driver.StageSpec{
			Stage:    dispatch.Stage{ID: st.ID, Tasks: st.Tasks, Inputs: st.Inputs, Only: r.only(st.Root), Speculate: r.Stored && !writes(st.Root)},
			Fragment: frag, Threads: job.Threads, Splits: splits(st),
		})
	}
	return spec, nil
}

// only is the workers that can run a stage; none means all.
func (r *Runner) only(root physical.Node) []string {
	if r.Holder != "" && readsHeld(root) {
		return []string{r.Holder}
	}
	return nil
}

// readsHeld tells whether a fragment reads kept rows.
func readsHeld(n physical.Node) bool {
	_, held := n.(*physical.CacheRead)
	return held || slices.ContainsFunc(n.Children(), readsHeld)
}

// writes tells whether a fragment does more than give rows.
func writes(n physical.Node) bool {
	_, write := n.(*physical.Write)
	return write || slices.ContainsFunc(n.Children(), writes)
}

// splits deals a stage's scan splits out to its tasks.
func splits(st physical.Stage) [][]*pb.SplitRange {
	if st.Tasks <= 1 {
		return nil
	}
	out := make([][]*pb.SplitRange, st.Tasks)
	for scan, perTask := range st.Deal() {
		for t, list := range perTask {
			out[t] = append(out[t], &pb.SplitRange{Scan: int32(scan), Splits: list})
		}
	}
	return out
}
