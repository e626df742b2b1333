package driver

import (
	"context"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// StageSpec is a stage with what its tasks run.
type StageSpec struct {
	dispatch.Stage
	Fragment []byte
	Threads  int
	Memory   int64
	Splits   [][]*pb.SplitRange // by task; nil: every task reads all its scans
	// Step, for stages of shape Rounds, advances shared state after a round and
	// tells whether another follows. It must not block.
	Step func(round int, outputs []dispatch.Output) bool
}

// JobSpec is a job as submitted.
type JobSpec struct {
	ID, Session, User string
	Operation         string // the client's command that the job belongs to
	Description       string // for people; without secrets
	Weight            int
	Stages            []StageSpec
	Storage           map[string]string // goes to the tasks, not into the record: it may hold secrets
}

// maxRecorded bounds what the record takes of one job: it is sent to every
// scheduler. A larger one, of rows that the client sent with its query, begins
// anew under the next leader.
const maxRecorded = 8 << 20

// job is what the core needs to know.
func (s JobSpec) job() dispatch.Job {
	j := dispatch.Job{ID: s.ID, User: s.User, Weight: s.Weight}
	for _, st := range s.Stages {
		j.Stages = append(j.Stages, st.Stage)
	}
	return j
}

// Submit records and starts a job. The handle must be closed. A job of the same
// name that is not closed, also one of an earlier leader, is gone on with
// instead, as it was recorded, with the storage settings given now.
func (d *Driver) Submit(ctx context.Context, spec JobSpec) (*Handle, error) {
	mine, h, err := d.claim(ctx, spec)
	if err != nil || h != nil {
		return h, err
	}
	defer d.unclaim(spec.ID, mine)
	b, err := EncodeSpec(spec)
	if err != nil {
		return nil, err
	}
	if len(b) > maxRecorded {
		b = nil
	}
	if err := d.cfg.Log.Append(ctx, record.SubmitJob{Job: spec.ID, Session: spec.Session, Stages: len(spec.Stages), Operation: spec.Operation, Spec: b}); err != nil {
		return nil, err
	}
	h = newHandle(d, spec)
	d.mu.Lock()
	stopped := d.mu.stopped
	if stopped == nil {
		d.mu.jobs[spec.ID] = h
	}
	d.mu.Unlock()
	if stopped != nil {
		return nil, stopped
	}
	d.Report(dispatch.Submit{Job: spec.job(), Base: d.anew[spec.ID]})
	return h, nil
}

// claim finds the job if it is known already; else the name is this caller's
// until unclaim, and others who submit it wait.
func (d *Driver) claim(ctx context.Context, spec JobSpec) (mine chan struct{}, h *Handle, err error) {
	for {
		d.mu.Lock()
		h, other := d.mu.jobs[spec.ID], d.mu.pending[spec.ID]
		if h == nil && other == nil {
			mine = make(chan struct{})
			d.mu.pending[spec.ID] = mine
		}
		d.mu.Unlock()
		switch {
		case h != nil:
			h.claim(spec)
			d.Report(dispatch.Claim{Job: spec.ID})
			return nil, h, nil
		case mine != nil:
			return mine, nil, nil
		}
		select {
		case <-other:
		case <-ctx.Done():
			return nil, nil, errs.E(errs.Canceled, "driver.Submit", context.Cause(ctx))
		}
	}
}

func (d *Driver) unclaim(job string, mine chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.mu.pending, job)
	close(mine)
}
