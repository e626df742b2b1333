package dispatch

import (
	"slices"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// taskFailed retries, recomputes or ends the job, as the error's kind says.
func (c *Core) taskFailed(ev Failed) {
	p, s, j := c.current(ev.Task, ev.Worker, ev.Epoch)
	if p == nil {
		return
	}
	c.release(j, s, p)
	if len(ev.Lost) > 0 || errs.Is(ev.Err, errs.Lost) {
		c.againLost(j, s, ev.Task.Partition, ev.Err)
		for _, o := range ev.Lost {
			c.lose(j, o)
		}
		return
	}
	if !errs.KindOf(ev.Err).Retryable() {
		p.state = waiting
		c.fail(j, ev.Err)
		return
	}
	p.worker.faults++
	if p.worker.faults >= faultsToRest {
		p.worker.restTill = c.now.Add(probation)
	}
	p.failures++
	p.avoid = append(p.avoid, ev.Worker)
	c.again(j, s, p)
	if p.failures >= MaxAttempts {
		c.fail(j, tooMany(ev.Task, p.failures, ev.Err))
	}
}

// again plans another attempt of a partition that does not run. settle decides
// when it is due.
func (c *Core) again(j *job, s *stage, p *partition) {
	if p.state == finished {
		s.done--
	}
	p.attempt++
	p.state = waiting
	s.between = false
	j.dirty = true
}

// againLost plans another attempt of a task whose worker, input or output is
// gone. That is not its own fault and counts against a larger limit.
func (c *Core) againLost(j *job, s *stage, i int, cause error) {
	p := &s.parts[i]
	p.losses++
	c.again(j, s, p)
	if p.losses > MaxLost {
		c.fail(j, tooMany(Task{j.ID, s.ID, i, p.attempt, s.round}, p.losses, cause))
	}
}

// lose marks a finished output as gone.
func (c *Core) lose(j *job, o Output) {
	s := j.stages[o.Task.Stage]
	if j.ended || s == nil || o.Task.Partition < 0 || o.Task.Partition >= len(s.parts) {
		return
	}
	p := &s.parts[o.Task.Partition]
	if p.state != finished || p.output.Task != o.Task || p.output.Worker != o.Worker || p.output.Epoch != o.Epoch {
		return
	}
	c.againLost(j, s, o.Task.Partition, errs.Errorf(errs.Lost, "dispatch", "output of %s on %s is gone", o.Task, o.Worker))
	if s.Volatile && !j.ended {
		c.redoConsumers(j, s)
	}
}

// redoConsumers starts unfinished consumers of a volatile stage afresh: what
// they have read does not fit what the stage will give next. A consumer that is
// complete keeps its rows, which all come from the same run.
func (c *Core) redoConsumers(j *job, s *stage) {
	for _, t := range j.order {
		if !slices.Contains(t.Inputs, s.ID) || t.done == len(t.parts) {
			continue
		}
		for i := range t.parts {
			switch p := &t.parts[i]; p.state {
			case running:
				c.abort(j, t, i)
			case finished:
				c.again(j, t, p)
			default: // has read nothing yet
			}
		}
		c.redoConsumers(j, t)
	}
}

// workerDown loses a worker's tasks and outputs.
func (c *Core) workerDown(w *worker, reason string) {
	c.workers = slices.DeleteFunc(c.workers, func(x *worker) bool { return x == w })
	cause := errs.Errorf(errs.Lost, "dispatch", "worker %s: %s", w.id, reason)
	for _, j := range slices.Clone(c.jobs) {
		for _, s := range j.order {
			for i := range s.parts {
				p := &s.parts[i]
				if j.ended || p.worker != w {
					continue
				}
				switch p.state {
				case running:
					j.active--
					c.againLost(j, s, i, cause)
				case finished:
					c.lose(j, p.output)
				default: // is on no worker
				}
			}
		}
	}
}

// settle finds out, after losses, what of a job must run: from the result
// backwards, a stage is needed if it is incomplete and what needs it is needed.
// Lost outputs that nobody will read are not computed again.
func (c *Core) settle(j *job) {
	j.dirty = false
	needed := map[int]bool{}
	for _, s := range slices.Backward(j.order) {

		need := s == j.last
		for _, t := range j.order {
			need = need || needed[t.ID] && slices.Contains(t.Inputs, s.ID)
		}
		if need && s.done < len(s.parts) {
			needed[s.ID] = true
		}
	}
	for _, s := range j.order {
		if needed[s.ID] && s.Shape == Gang {
			c.regang(j, s)
		}
		due := needed[s.ID] && c.complete(j, s.Inputs)
		for i := range s.parts {
			switch p := &s.parts[i]; {
			case p.state == waiting && due:
				p.state = ready
			case p.state == ready && !due:
				p.state = waiting
			}
		}
	}
}

// complete tells whether all these stages have all their outputs.
func (c *Core) complete(j *job, stages []int) bool {
	for _, id := range stages {
		if s := j.stages[id]; s.done < len(s.parts) || s.between || !s.reported {
			return false
		}
	}
	return true
}

// regang starts a gang afresh of which some member is gone.
func (c *Core) regang(j *job, s *stage) {
	broken := slices.ContainsFunc(s.parts, func(p partition) bool { return p.state == waiting && p.attempt > 0 })
	if !broken {
		return
	}
	for i := range s.parts {
		switch p := &s.parts[i]; p.state {
		case running:
			c.abort(j, s, i)
		case finished:
			c.again(j, s, p)
		default: // starts with the others
		}
	}
	j.dirty = false
}
