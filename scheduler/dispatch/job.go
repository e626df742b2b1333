package dispatch

import (
	"slices"

	"github.com/spurwheel/spurwheel/internal/errs"
)

func (c *Core) submit(ev Submit) {
	if c.jobs[ev.Job.ID] != nil || len(ev.Job.Stages) == 0 {
		return
	}
	j := &job{Job: ev.Job, stages: map[int]*stage{}, recovered: ev.Recovered, unclaimed: ev.Unclaimed, base: ev.Base}
	for _, st := range ev.Job.Stages {
		s := newStage(st)
		for _, in := range st.Inputs { // rows made of unstable rows are unstable
			s.Volatile = s.Volatile || j.stages[in].Volatile
			j.stages[in].consumers = append(j.stages[in].consumers, s)
		}
		j.stages[st.ID] = s
		j.order = append(j.order, s)
		j.last = s
	}
	for _, s := range j.order {
		for i := range s.parts {
			s.parts[i].next = j.base
		}
	}
	j.user = c.user(j.User)
	j.user.jobs++
	c.jobs[j.ID] = j
	if ev.Recovered { // was admitted once
		c.begins(j)
		c.restore(j, ev)
		return
	}
	if len(c.queue) >= c.cfg.MaxQueued {
		c.fail(j, errs.Errorf(errs.Exhausted, "dispatch", "%d jobs wait to run, the limit", len(c.queue)))
		return
	}
	c.queue = append(c.queue, j)
	c.admit()
}

// admit lets jobs that wait begin, in order, as far as the limits allow. A job
// that is larger than the limit runs alone.
func (c *Core) admit() {
	n := 0
	for _, j := range c.queue {
		if len(c.live) > 0 && (len(c.live) >= c.cfg.MaxLive || c.tasks+j.tasks() > c.cfg.MaxTasks) {
			break
		}
		n++
		c.begins(j)
		c.start(j)
	}
	c.queue = slices.Delete(c.queue, 0, n)
}

func (j *job) tasks() int {
	n := 0
	for _, s := range j.order {
		n += s.Tasks
	}
	return n
}

func (c *Core) begins(j *job) {
	if len(c.live) == 0 {
		c.lonely = c.at // patience with workers counts from the first job on
	}
	c.live = append(c.live, j)
	c.tasks += j.tasks()
}

func (c *Core) start(j *job) {
	for _, s := range j.order {
		c.wake(j, s)
		if s.Tasks == 0 && !s.reported && !j.gone {
			c.stageDone(j, s)
		}
	}
}

// wake makes a stage's waiting partitions ready once all its inputs are complete.
func (c *Core) wake(j *job, s *stage) {
	if s.done == len(s.parts) || !j.complete(s.Inputs) {
		return
	}
	for i := range s.parts {
		if s.parts[i].state == waiting {
			c.set(j, s, i, ready)
		}
	}
}

// complete tells whether all these stages have all their outputs.
func (j *job) complete(stages []int) bool {
	for _, id := range stages {
		if !j.stages[id].complete() {
			return false
		}
	}
	return true
}

// advance reports a complete stage or round and wakes what waited for it.
func (c *Core) advance(j *job, s *stage) {
	switch {
	case s.done < len(s.parts):
	case s.Shape == Rounds && !s.reported:
		s.between = true
		c.emit(RoundDone{Job: j.ID, Stage: s.ID, Round: s.round, Outputs: s.outputs()})
	default:
		c.stageDone(j, s)
	}
}

func (c *Core) stageDone(j *job, s *stage) {
	again := s.reported
	s.reported, s.unsure = true, s.Volatile
	s.generation++
	for _, t := range s.consumers { // read other outputs from now on
		t.inputs = nil
	}
	outputs := s.outputs()
	s.chosen = outputs
	c.emit(StageDone{Job: j.ID, Stage: s.ID, Outputs: outputs, Generation: s.generation, Inputs: j.generations(s)})
	if s == j.last {
		j.done = true
		c.emit(JobDone{Job: j.ID, Outputs: outputs})
		return
	}
	c.settleOrWake(j, s, again || j.recovered)
}

// settleOrWake starts a stage's consumers: at once if nothing was ever lost, as
// far as they are needed otherwise.
func (c *Core) settleOrWake(j *job, s *stage, settle bool) {
	if settle {
		c.markDirty(j)
		return
	}
	for _, t := range s.consumers {
		c.wake(j, t)
	}
}

// generations are those of the stages that a stage reads.
func (j *job) generations(s *stage) map[int]int {
	if len(s.Inputs) == 0 {
		return nil
	}
	out := make(map[int]int, len(s.Inputs))
	for _, in := range s.Inputs {
		out[in] = j.stages[in].generation
	}
	return out
}

// recorded lets consumers read a volatile stage: were they to start before the
// choice of its attempts is durable, another leader might choose others for the
// rest of them.
func (c *Core) recorded(ev Recorded) {
	s, j := c.stage(ev.Job, ev.Stage)
	if s == nil || !s.unsure || s.generation != ev.Generation || s.done < len(s.parts) {
		return
	}
	s.unsure = false
	c.settleOrWake(j, s, true)
}

func (c *Core) endRounds(ev EndRounds) {
	if s, j := c.stage(ev.Job, ev.Stage); s != nil && s.between && s.round == ev.Round {
		s.between = false
		c.stageDone(j, s)
	}
}

func (c *Core) nextRound(ev NextRound) {
	s, j := c.stage(ev.Job, ev.Stage)
	if s == nil || !s.between || s.round != ev.Round {
		return
	}
	s.between = false
	s.round++
	for i := range s.parts {
		c.set(j, s, i, ready)
	}
}

// fail ends a job, once: running tasks are aborted and give their slots back at once,
// since what they still report is stale.
func (c *Core) fail(j *job, err error) {
	if j.gone {
		return
	}
	c.stop(j)
	if err == nil {
		err = errs.Errorf(errs.Canceled, "dispatch", "job %s was canceled", j.ID)
	}
	c.emit(JobFailed{Job: j.ID, Err: err})
}

// close forgets a job.
func (c *Core) close(j *job) {
	if j.done {
		c.stop(j)
	} else {
		c.fail(j, nil)
	}
}

// stop aborts what runs of a job and takes it out.
func (c *Core) stop(j *job) {
	j.gone = true
	for _, s := range j.order {
		for i := range s.parts {
			c.abort(j, s, i)
			if s.parts[i].state == ready {
				c.set(j, s, i, waiting)
			}
		}
	}
	delete(c.jobs, j.ID)
	same := func(x *job) bool { return x == j }
	if n := len(c.live); n > 0 {
		c.live = slices.DeleteFunc(c.live, same)
		if len(c.live) < n {
			c.tasks -= j.tasks()
		}
	}
	c.queue = slices.DeleteFunc(c.queue, same)
	if j.user.jobs--; j.user.jobs == 0 {
		delete(c.users, j.User)
	}
}
