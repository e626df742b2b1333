package dispatch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// current finds the attempt that a report is about, nil if the report is stale.
// copied tells that it is the speculative one.
func (c *Core) current(t Task, workerID string, epoch int64) (p *partition, s *stage, j *job, copied bool) {
	s, j = c.stage(t.Job, t.Stage)
	if s == nil || t.Partition < 0 || t.Partition >= len(s.parts) {
		return nil, nil, nil, false
	}
	p = &s.parts[t.Partition]
	is := func(r run) bool {
		return r.w != nil && r.attempt == t.Attempt && r.w.id == workerID && r.w.epoch == epoch
	}
	switch {
	case p.state != running:
	case is(p.run):
		return p, s, j, false
	case is(p.copy):
		return p, s, j, true
	}
	return nil, nil, nil, false
}

// free gives an attempt's slot back.
func (c *Core) free(j *job, s *stage, r run) {
	j.active--
	j.user.running--
	r.w.running--
	r.w.slots++
	r.w.gpus += s.GPUs
	c.reopen(r.w)
}

// take books a slot for an attempt.
func (c *Core) take(j *job, s *stage, w *worker) {
	j.active++
	j.user.running++
	w.running++
	w.slots--
	w.gpus -= s.GPUs
	c.reopen(w)
}

func (c *Core) taskDone(ev Done) {
	p, s, j, copied := c.current(ev.Task, ev.Worker, ev.Epoch)
	if p == nil {
		return
	}
	won, lost := p.run, p.copy
	if copied {
		won, lost = lost, won
	}
	c.free(j, s, won)
	if lost.w != nil {
		c.cancel(j, s, ev.Task.Partition, lost)
	}
	won.w.faults = 0
	if s.Speculate {
		s.times.add(c.at - won.since)
	}
	p.run, p.copy = won, run{}
	p.output = Output(ev)
	c.set(j, s, ev.Task.Partition, finished)
	c.advance(j, s)
}

// taskFailed retries, recomputes or ends the job, as the error's kind says.
func (c *Core) taskFailed(ev Failed) {
	p, s, j, copied := c.current(ev.Task, ev.Worker, ev.Epoch)
	if p == nil {
		return
	}
	bad := p.run
	if copied {
		bad = p.copy
	}
	c.free(j, s, bad)
	gone := len(ev.Lost) > 0 || errs.Is(ev.Err, errs.Lost)
	if !gone && !errs.KindOf(ev.Err).Retryable() {
		c.dropRun(p, copied)
		if p.run.w == nil {
			c.set(j, s, ev.Task.Partition, waiting)
		}
		c.fail(j, ev.Err)
		return
	}
	if !gone {
		c.blame(p, bad.w)
	}
	c.retry(j, s, ev.Task.Partition, copied, gone, ev.Err)
	for _, o := range ev.Lost {
		c.lose(j, o)
	}
}

// blame counts a failure of a task against itself and its worker.
func (c *Core) blame(p *partition, w *worker) {
	w.faults++
	if w.faults >= faultsToRest {
		w.restTill = c.at + probation
	}
	p.failures++
	if !slices.Contains(p.avoid, w.id) {
		p.avoid = append(p.avoid, w.id)
	}
}

// dropRun forgets one attempt of a partition; the other one, if any, goes on as
// the only one.
func (c *Core) dropRun(p *partition, copied bool) {
	if !copied {
		p.run = p.copy
	}
	p.copy = run{}
}

// retry goes on after an attempt is gone whose slot is already free: with the
// other one, or with another attempt.
func (c *Core) retry(j *job, s *stage, i int, copied, gone bool, cause error) {
	p := &s.parts[i]
	t := Task{j.ID, s.ID, i, p.run.attempt, s.round}
	c.dropRun(p, copied)
	if p.run.w == nil {
		c.again(j, s, i)
	}
	if gone {
		p.losses++
	}
	switch {
	case p.failures >= MaxAttempts:
		c.fail(j, tooMany(t, p.failures, cause))
	case p.losses > MaxLost:
		c.fail(j, tooMany(t, p.losses, cause))
	case len(p.crashes) >= MaxCrashes:
		c.fail(j, errs.E(errs.Lost, "dispatch", fmt.Errorf("workers %s died while they ran partition %d of stage %d of job %s, last: %w",
			strings.Join(p.crashes, ", "), i, s.ID, j.ID, cause)))
	}
}

// again plans another attempt of a partition that does not run. settle decides
// when it is due.
func (c *Core) again(j *job, s *stage, i int) {
	p := &s.parts[i]
	c.set(j, s, i, waiting)
	p.run, p.copy = run{}, run{}
	s.between = false
	c.markDirty(j)
}

// lose marks a finished output as gone; another one that is held takes its place,
// or it is made again. That is not its task's own fault and
// counts against a larger limit.
func (c *Core) lose(j *job, o Output) {
	s := j.stages[o.Task.Stage]
	if j.gone || s == nil || o.Task.Partition < 0 || o.Task.Partition >= len(s.parts) {
		return
	}
	p := &s.parts[o.Task.Partition]
	if p.state != finished || !p.output.Task.same(o.Task) || p.output.Worker != o.Worker || p.output.Epoch != o.Epoch {
		return
	}
	spare := p.spare
	c.again(j, s, o.Task.Partition)
	p.losses++
	if c.useSpare(j, s, spare) {
		return
	}
	if p.losses > MaxLost {
		c.fail(j, tooMany(o.Task, p.losses, lostOf(o)))
	}
}

// useSpare takes the first of other outputs whose worker is there.
func (c *Core) useSpare(j *job, s *stage, spare []Output) bool {
	for i, o := range spare {
		if w := c.worker(o.Worker, o.Epoch); w != nil {
			c.finishAs(j, s, w, o)
			s.parts[o.Task.Partition].spare = spare[i+1:]
			return true
		}
	}
	return false
}

// cancel tells a worker to stop an attempt.
func (c *Core) cancel(j *job, s *stage, i int, r run) {
	c.emit(Abort{Task: Task{j.ID, s.ID, i, r.attempt, s.round}, Worker: r.w.id, Epoch: r.w.epoch})
	c.free(j, s, r)
}

// abort stops what runs of a partition, if anything does.
func (c *Core) abort(j *job, s *stage, i int) {
	p := &s.parts[i]
	if p.state != running {
		return
	}
	c.cancel(j, s, i, p.run)
	if p.copy.w != nil {
		c.cancel(j, s, i, p.copy)
	}
	c.again(j, s, i)
}
