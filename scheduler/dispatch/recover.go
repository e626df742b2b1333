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
		c.retryLost(j, s, ev.Task.Partition, ev.Err)
		for _, o := range ev.Lost {
			if !j.ended {
				c.lose(j, o)
			}
		}
		c.restartGang(j, s)
		return
	}
	if !errs.KindOf(ev.Err).Retryable() {
		p.state = finished // not running any more; the job ends
		c.fail(j, ev.Err)
		return
	}
	p.worker.faults++
	if p.worker.faults >= faultsToRest {
		p.worker.restTill = c.now.Add(probation)
	}
	p.failures++
	if p.failures >= MaxAttempts {
		p.state = finished
		c.fail(j, tooMany(ev.Task, p.failures, ev.Err))
		return
	}
	p.avoid = append(p.avoid, ev.Worker)
	c.again(s, p)
	c.restartGang(j, s)
}

// again queues another attempt.
func (c *Core) again(s *stage, p *partition) {
	p.attempt++
	p.state = waiting
}

// retryLost queues a task again whose worker or input is gone. That is not the
// task's fault and counts against a larger limit.
func (c *Core) retryLost(j *job, s *stage, i int, cause error) {
	p := &s.parts[i]
	p.losses++
	if p.losses > MaxLost {
		p.state = finished
		c.fail(j, tooMany(Task{j.ID, s.ID, i, p.attempt, s.round}, p.losses, cause))
		return
	}
	c.again(s, p)
	c.wake(j, s)
}

// restartGang aborts the rest of a gang or round when one member is gone.
func (c *Core) restartGang(j *job, s *stage) {
	if j.ended {
		return
	}
	if s.Shape == Gang {
		for i := range s.parts {
			switch p := &s.parts[i]; p.state {
			case running:
				c.abort(j, s, i)
				p.state = waiting
			case finished:
				s.done--
				c.again(s, p)
			}
		}
	}
	c.wake(j, s)
}

// lose marks a finished output as gone and queues its producer again.
func (c *Core) lose(j *job, o Output) {
	s := j.stages[o.Task.Stage]
	if s == nil || o.Task.Partition < 0 || o.Task.Partition >= len(s.parts) {
		return
	}
	p := &s.parts[o.Task.Partition]
	if p.state != finished || p.output.Task != o.Task || p.output.Worker != o.Worker || p.output.Epoch != o.Epoch {
		return
	}
	s.done--
	if s.Shape == Rounds && s.between {
		s.between = false
	}
	c.retryLost(j, s, o.Task.Partition, errs.Errorf(errs.Lost, "dispatch", "output of %s on %s is gone", o.Task, o.Worker))
	if j.ended {
		return
	}
	c.holdConsumers(j, s)
}

// holdConsumers makes partitions that have not started wait again; consumers of
// a volatile stage that ran or run are done over, since they mixed old rows.
func (c *Core) holdConsumers(j *job, s *stage) {
	for _, t := range j.order {
		if !slices.Contains(t.Inputs, s.ID) {
			continue
		}
		for i := range t.parts {
			p := &t.parts[i]
			switch {
			case p.state == ready:
				p.state = waiting
			case p.state == running && s.Volatile:
				c.abort(j, t, i)
				p.state = waiting
			case p.state == finished && s.Volatile && t.done < len(t.parts):
				t.done--
				c.again(t, p)
				c.holdConsumers(j, t)
			}
		}
	}
}

// workerDown loses a worker's tasks and those of its outputs that are still needed.
func (c *Core) workerDown(w *worker, reason string) {
	c.workers = slices.DeleteFunc(c.workers, func(x *worker) bool { return x == w })
	cause := errs.Errorf(errs.Lost, "dispatch", "worker %s: %s", w.id, reason)
	for _, j := range slices.Clone(c.jobs) {
		for _, s := range j.order {
			lost := false
			for i := range s.parts {
				p := &s.parts[i]
				if j.ended || p.worker != w {
					continue
				}
				switch p.state {
				case running:
					j.active--
					c.retryLost(j, s, i, cause)
					lost = true
				case finished:
					if c.needed(j, s) {
						c.lose(j, p.output)
					}
				}
			}
			if lost {
				c.restartGang(j, s)
			}
		}
	}
}

// needed tells whether some consumer of s has yet to read its outputs.
func (c *Core) needed(j *job, s *stage) bool {
	if s == j.last || !s.reported {
		return true
	}
	for _, t := range j.order {
		if slices.Contains(t.Inputs, s.ID) && (t.done < len(t.parts) || t.between || c.needed(j, t) && t.lostSome()) {
			return true
		}
	}
	return false
}

// lostSome tells whether a stage has partitions to run again.
func (s *stage) lostSome() bool { return s.done < len(s.parts) }
