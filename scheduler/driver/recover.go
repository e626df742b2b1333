package driver

import (
	"time"

	"github.com/spurwheel/spurwheel/scheduler/dispatch"
)

// RecordedJob is a live job as the record has it: SubmitJob.Spec and, by stage,
// the last StageDone.Outputs. A job without a spec was too large to be recorded:
// it begins anew when it is submitted again.
type RecordedJob struct {
	ID   string
	Spec []byte
	Done map[int][]byte
}

// Recovery is what a fresh leader knows of what earlier ones began.
type Recovery struct {
	Jobs []RecordedJob // in the order of their submission
	// Workers may hold outputs and run tasks: nothing of the jobs is launched
	// until all of them have registered, or Wait is over.
	Workers []string
	Wait    time.Duration
	// Term is this leader's: new attempts of the jobs have numbers that no
	// earlier leader has used.
	Term uint64
}

// Attempts of a recovered job begin at its leader's term times attemptsPerTerm,
// so that a worker which was cut off and still runs an attempt of an earlier
// leader shares its number with no other. Terms wrap where the wire's 32 bits end.
const (
	attemptsPerTerm = 1 << 16
	maxTerm         = 1 << 14
)

// Recover takes over recorded jobs. It must be called before Run, once. A job
// that cannot be read fails, for whoever submits it again. The handles are given
// to those who Submit the jobs again; Unclaimed has the others.
func (d *Driver) Recover(r Recovery) {
	d.first = append(d.first, dispatch.Expect{Workers: r.Workers, For: r.Wait})
	for _, rec := range r.Jobs {
		if len(rec.Spec) == 0 {
			d.anew[rec.ID] = base(r.Term)
			continue
		}
		ev, h, err := d.recoverJob(rec, base(r.Term))
		if err != nil {
			h = newHandle(d, JobSpec{ID: rec.ID})
			h.finish(nil, err)
		} else {
			d.first = append(d.first, ev)
		}
		h.recovered = true
		d.mu.Lock()
		d.mu.jobs[rec.ID] = h
		d.mu.Unlock()
	}
}

func base(term uint64) int { return int(term%maxTerm) * attemptsPerTerm }

func (d *Driver) recoverJob(rec RecordedJob, first int) (ev dispatch.Submit, h *Handle, err error) {
	spec, unclaimed, err := DecodeSpec(rec.Spec)
	if err != nil {
		return ev, nil, err
	}
	spec.ID = rec.ID
	ev = dispatch.Submit{Job: spec.job(), Recovered: true, Base: first, Unclaimed: unclaimed}
	h = newHandle(d, spec)
	for stage, b := range rec.Done {
		f, err := DecodeStage(stage, b)
		if err != nil {
			return ev, nil, err
		}
		ev.Done = append(ev.Done, f)
		h.stageDone(dispatch.StageDone{Stage: stage, Outputs: f.Outputs})
	}
	return ev, h, nil
}

// Unclaimed are the recovered jobs that nobody has submitted again so far.
func (d *Driver) Unclaimed() []*Handle {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []*Handle
	for _, h := range d.mu.jobs {
		if h.isUnclaimed() {
			out = append(out, h)
		}
	}
	return out
}
