package dispatch

import (
	"slices"
	"time"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// worker is one epoch of a worker.
type worker struct {
	id       string
	epoch    int64
	slots    int // free
	gpus     int
	running  int
	draining bool
	drained  bool // and it was said
	faults   int  // failures in a row
	restTill time.Duration
	openAt   int // place in Core.open plus one, 0: not there
	shown    int // number of the scheduling turn that lists it
}

// probation is how long a worker with faultsToRest failures in a row gets no
// preferred treatment.
const (
	faultsToRest = 3
	probation    = 30 * time.Second
)

// reopen lists a worker among those that take tasks, or not.
func (c *Core) reopen(w *worker) {
	takes := w.slots > 0 && !w.draining && c.workers[w.id] == w
	switch {
	case takes && w.openAt == 0:
		c.open = append(c.open, w)
		w.openAt = len(c.open)
	case !takes && w.openAt > 0:
		last := c.open[len(c.open)-1]
		c.open[w.openAt-1], last.openAt = last, w.openAt
		c.open = c.open[:len(c.open)-1]
		w.openAt = 0
	}
}

func (c *Core) workerUp(ev WorkerUp) {
	w := c.workers[ev.Worker]
	switch {
	case w != nil && w.epoch > ev.Epoch:
		return // older than what is known
	case w != nil && w.epoch == ev.Epoch:
		c.reconcile(w, ev)
		return
	case w != nil:
		c.workerDown(w, "restarted", false)
	}
	w = &worker{id: ev.Worker, epoch: ev.Epoch, slots: ev.Slots, gpus: ev.GPUs}
	c.workers[w.id] = w
	c.order = append(c.order, w)
	c.reopen(w)
	c.adoptAll(w, ev)
	delete(c.hold.missing, w.id)
}

// adoptAll takes over what a worker has, finished outputs first.
func (c *Core) adoptAll(w *worker, ev WorkerUp) {
	unknown := map[string]bool{}
	note := func(job string) {
		if c.jobs[job] == nil && !unknown[job] {
			unknown[job] = true
			c.emit(Unknown{Job: job, Worker: w.id, Epoch: w.epoch})
		}
	}
	for _, o := range ev.Held {
		note(o.Task.Job)
		c.adopt(w, o)
	}
	for _, t := range ev.Running {
		note(t.Job)
		c.adoptRunning(w, t)
	}
}

// adoptable tells whether what earlier leaders launched of a stage may count
// beside what the record says: not where attempts belong together, nor where one
// gives other rows than the next.
func (s *stage) adoptable() bool { return s.Shape == Independent && !s.Volatile }

// foreign tells an attempt of an earlier leader from those of a job that was
// planned anew since: the plan may be another one.
func (j *job) foreign(t Task) bool { return !j.recovered && t.Attempt < j.base }

// adopt takes over an output that a worker finished under an earlier leader. One
// that nobody misses is kept in mind in case the other is lost; it stays where it
// is until its job is closed.
func (c *Core) adopt(w *worker, o Output) {
	s, j := c.stage(o.Task.Job, o.Task.Stage)
	if s == nil || o.Task.Partition < 0 || o.Task.Partition >= len(s.parts) || j.foreign(o.Task) {
		return
	}
	p := &s.parts[o.Task.Partition]
	o.Worker, o.Epoch, o.Task.Round = w.id, w.epoch, s.round
	switch {
	case p.claimed && p.output.Task.same(o.Task) && p.output.Worker == w.id && p.output.Epoch == w.epoch:
		p.claimed = false
		p.run.w = w
		p.output.Detail = o.Detail
	case s.adoptable() && p.state == finished:
		p.spare = append(p.spare, o)
	case s.adoptable():
		c.finishAs(j, s, w, o)
	}
}

// finishAs makes an output that a worker holds the partition's. Attempts that
// run are not needed then.
func (c *Core) finishAs(j *job, s *stage, w *worker, o Output) {
	p := &s.parts[o.Task.Partition]
	c.abort(j, s, o.Task.Partition)
	p.next = max(p.next, o.Task.Attempt+1)
	p.run, p.output = run{attempt: o.Task.Attempt, w: w, since: c.at}, o
	c.set(j, s, o.Task.Partition, finished)
	c.advance(j, s)
}

// adoptRunning takes over a task that a worker runs; one that is not wanted is
// aborted.
func (c *Core) adoptRunning(w *worker, t Task) {
	if c.gave(w, t) {
		return
	}
	s, j := c.stage(t.Job, t.Stage)
	if s == nil {
		c.emit(Abort{Task: t, Worker: w.id, Epoch: w.epoch})
		return
	}
	if t.Partition < 0 || t.Partition >= len(s.parts) || j.foreign(t) || !s.adoptable() || w.slots <= 0 || w.gpus < s.GPUs {
		c.emit(Abort{Task: t, Worker: w.id, Epoch: w.epoch})
		return
	}
	p := &s.parts[t.Partition]
	if p.state != waiting && p.state != ready {
		c.emit(Abort{Task: t, Worker: w.id, Epoch: w.epoch})
		return
	}
	p.next = max(p.next, t.Attempt+1)
	p.run = run{attempt: t.Attempt, w: w, since: c.at}
	c.set(j, s, t.Partition, running)
	c.take(j, s, w)
}

// reconcile compares what a worker that registers again says with what the core
// believes: launches and reports may have been lost with the old stream.
func (c *Core) reconcile(w *worker, ev WorkerUp) {
	has := map[Task]bool{}
	for _, t := range ev.Running {
		t.Round = 0
		has[t] = true
	}
	held := map[Task]Output{}
	for _, o := range ev.Held {
		o.Task.Round = 0
		held[o.Task] = o
	}
	for _, j := range slices.Clone(c.live) {
		for _, s := range j.order {
			for i := range s.parts {
				if !j.gone {
					c.reconcilePart(w, j, s, i, has, held)
				}
			}
		}
	}
	for _, t := range ev.Running { // what is left is not known to run
		if !c.runs(w, t) && !c.gave(w, t) {
			c.emit(Abort{Task: t, Worker: w.id, Epoch: w.epoch})
		}
	}
}

func (c *Core) runs(w *worker, t Task) bool {
	p, _, _, _ := c.current(t, w.id, w.epoch)
	return p != nil
}

// gave tells whether a worker's attempt is the one that finished a partition: it
// is still named as running while its report is on the way.
func (c *Core) gave(w *worker, t Task) bool {
	s, _ := c.stage(t.Job, t.Stage)
	if s == nil || t.Partition < 0 || t.Partition >= len(s.parts) {
		return false
	}
	p := &s.parts[t.Partition]
	return p.state == finished && p.run.w == w && p.run.attempt == t.Attempt
}

func (c *Core) reconcilePart(w *worker, j *job, s *stage, i int, has map[Task]bool, held map[Task]Output) {
	p := &s.parts[i]
	name := func(r run) Task { return Task{Job: j.ID, Stage: s.ID, Partition: i, Attempt: r.attempt} }
	for _, r := range []run{p.run, p.copy} {
		if r.w != w {
			continue
		}
		o, holds := held[name(r)]
		switch {
		case p.state == running && holds: // its report is on the way
			c.taskDone(Done{Task: o.Task, Worker: w.id, Epoch: w.epoch, Detail: o.Detail})
		case p.state == running && has[name(r)]:
		case p.state == running: // was never started there; if it is on its way, it is not wanted
			c.emit(Abort{Task: name(r), Worker: w.id, Epoch: w.epoch})
			c.free(j, s, r)
			c.retry(j, s, i, r == p.copy, true, errs.Errorf(errs.Lost, "dispatch", "worker %s does not know the task", w.id))
		case p.state == finished && !holds:
			c.lose(j, p.output)
		}
	}
}

// workerDown loses a worker's tasks and outputs. The outputs of jobs that are
// done count as there until a reader misses them.
func (c *Core) workerDown(w *worker, reason string, crashed bool) {
	delete(c.workers, w.id)
	if w.draining && !w.drained {
		c.drains--
	}
	c.order = slices.DeleteFunc(c.order, func(x *worker) bool { return x == w })
	c.reopen(w)
	cause := errs.Errorf(errs.Lost, "dispatch", "worker %s: %s", w.id, reason)
	for _, j := range slices.Clone(c.live) {
		for _, s := range j.order {
			for i := range s.parts {
				if !j.gone {
					c.partDown(w, j, s, i, cause, crashed)
				}
			}
		}
	}
}

func (c *Core) partDown(w *worker, j *job, s *stage, i int, cause error, crashed bool) {
	p := &s.parts[i]
	if crashed && p.state == running && (p.run.w == w || p.copy.w == w) && !slices.Contains(p.crashes, w.id) {
		p.crashes = append(p.crashes, w.id)
	}
	switch {
	case p.state == running && p.run.w == w:
		c.free(j, s, p.run)
		c.retry(j, s, i, false, true, cause)
	case p.state == running && p.copy.w == w:
		c.free(j, s, p.copy)
		c.retry(j, s, i, true, true, cause)
	case p.state == finished && p.run.w == w && (s != j.last || !j.done):
		c.lose(j, p.output)
	}
}

// checkWorkers ends jobs that wait for workers in vain.
func (c *Core) checkWorkers() {
	if len(c.live) == 0 || slices.ContainsFunc(c.order, func(w *worker) bool { return !w.draining }) {
		c.lonely = c.at
		return
	}
	if c.at-c.lonely < noWorkers {
		return
	}
	for _, j := range slices.Clone(c.live) {
		if j.last.done < len(j.last.parts) && !c.held(j) {
			c.fail(j, errs.Errorf(errs.Unavailable, "dispatch", "no workers: job %s has waited for one for %s", j.ID, noWorkers))
		}
	}
}

// reportDrained says which draining workers nothing needs any more.
func (c *Core) reportDrained() {
	if c.drains == 0 {
		return
	}
	for _, w := range c.order {
		if w.draining && !w.drained && w.running == 0 && !c.needs(w) {
			w.drained = true
			c.drains--
			c.emit(Drained{Worker: w.id, Epoch: w.epoch})
		}
	}
}

// needs tells whether somebody may still read an output that a worker holds:
// a reader of the result, or a stage that is not complete.
func (c *Core) needs(w *worker) bool {
	for _, j := range c.live {
		for _, s := range j.order {
			read := s == j.last || slices.ContainsFunc(s.consumers, func(t *stage) bool { return t.done < len(t.parts) || !t.reported })
			if read && slices.ContainsFunc(s.parts, func(p partition) bool { return p.state == finished && p.run.w == w }) {
				return true
			}
		}
	}
	return false
}
