package dispatch

import (
	"time"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// hold keeps recovered jobs from being launched before their workers had time
// to say what they hold: it would be done twice.
type hold struct {
	on      bool
	missing map[string]bool
	till    time.Duration
}

func (c *Core) expect(ev Expect) {
	missing := map[string]bool{}
	for _, id := range ev.Workers {
		if c.workers[id] == nil {
			missing[id] = true
		}
	}
	c.hold = hold{on: true, missing: missing, till: c.at + ev.For}
}

// held tells whether nothing of a job may start yet.
func (c *Core) held(j *job) bool { return j.recovered && c.hold.on }

// endHold lets recovered jobs go on once all workers are there or their time is
// over. Recorded outputs that no worker has shown are lost then.
func (c *Core) endHold() {
	if !c.hold.on || len(c.hold.missing) > 0 && c.at < c.hold.till {
		return
	}
	c.hold = hold{}
	for _, j := range append([]*job{}, c.live...) {
		if j.recovered {
			c.endClaims(j)
			c.markDirty(j)
		}
	}
}

// endClaims gives up recorded outputs that are not there. Those of a result
// that is done count until a reader misses them.
func (c *Core) endClaims(j *job) {
	for _, s := range j.order {
		for i := range s.parts {
			p := &s.parts[i]
			if !p.claimed || s == j.last && j.done || j.gone {
				continue
			}
			p.claimed = false
			c.lose(j, p.output)
		}
	}
}

// restore takes over what the record knows of a job's finished stages.
func (c *Core) restore(j *job, ev Submit) {
	done := map[int]Finished{}
	for _, f := range ev.Done {
		done[f.Stage] = f
	}
	for _, s := range j.order {
		f, ok := done[s.ID]
		s.generation = f.Generation // also of one that is made again: no number comes twice
		if ok && j.believes(s, f) {
			c.claim(j, s, f)
		}
	}
	c.markDirty(j)
}

// believes tells whether a recorded stage can be taken over: whole, and made of
// what the record says of the stages before it. Rows of a volatile stage that
// was made again since do not fit.
func (j *job) believes(s *stage, f Finished) bool {
	if len(f.Outputs) != len(s.parts) {
		return false
	}
	for i, o := range f.Outputs {
		if o.Task.Partition != i || o.Task.Stage != s.ID {
			return false
		}
	}
	for _, in := range s.Inputs {
		if t := j.stages[in]; t.Volatile && (!t.reported || f.Inputs[in] != t.generation) {
			return false
		}
	}
	return true
}

func (c *Core) claim(j *job, s *stage, f Finished) {
	for i, o := range f.Outputs {
		p := &s.parts[i]
		o.Task.Job = j.ID
		p.output, p.run = o, run{attempt: o.Task.Attempt}
		p.next = max(p.next, o.Task.Attempt+1)
		c.set(j, s, i, finished)
		p.claimed = true
		if w := c.worker(o.Worker, o.Epoch); w != nil { // said so before the job was known
			p.claimed, p.run.w = false, w
		}
	}
	s.reported = true
	if s == j.last {
		j.done = true
		c.emit(JobDone{Job: j.ID, Outputs: s.outputs()})
	}
}

// lostOf is the error of an output that is gone.
func lostOf(o Output) error {
	return errs.Errorf(errs.Lost, "dispatch", "output of %s on %s is gone", o.Task, o.Worker)
}
