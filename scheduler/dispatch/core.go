package dispatch

import (
	"slices"
	"time"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/placement"
)

// Core is the state machine. It is not safe for concurrent use: one driver
// goroutine owns it.
type Core struct {
	policy  placement.Policy
	workers []*worker // in order of arrival
	jobs    []*job    // in order of submission
	now     time.Time
	out     []Action
}

type worker struct {
	id       string
	epoch    int64
	slots    int // free
	gpus     int
	draining bool
	faults   int       // failures in a row
	restTill time.Time // probation
}

// probation is how long a worker with faultsToRest failures in a row gets no
// preferred treatment.
const (
	faultsToRest = 3
	probation    = 30 * time.Second
)

type state uint8

const (
	waiting state = iota // inputs are not there
	ready
	running
	finished
)

type partition struct {
	state    state
	attempt  int
	failures int
	losses   int
	worker   *worker
	epoch    int64
	output   Output
	avoid    []string
}

type stage struct {
	Stage
	parts    []partition
	done     int
	reported bool
	round    int
	between  bool // a Rounds stage that waits for NextRound or EndRounds
}

type job struct {
	Job
	stages map[int]*stage
	order  []*stage
	last   *stage
	ended  bool
	dirty  bool // something was lost: settle before scheduling
	active int  // running tasks
}

// New makes an empty core.
func New(policy placement.Policy) *Core { return &Core{policy: policy} }

// Step handles one event at the given time and returns what to do. Events
// about unknown or stale attempts, workers and jobs change nothing.
func (c *Core) Step(now time.Time, ev Event) []Action {
	c.now, c.out = now, nil
	switch ev := ev.(type) {
	case WorkerUp:
		c.workerUp(ev)
	case WorkerDown:
		if w := c.worker(ev.Worker, ev.Epoch); w != nil {
			c.workerDown(w, ev.Reason)
		}
	case Drain:
		for _, w := range c.workers {
			w.draining = w.draining || w.id == ev.Worker
		}
	case Submit:
		c.submit(ev)
	case Done:
		c.taskDone(ev)
	case Failed:
		c.taskFailed(ev)
	case Cancel:
		if j := c.job(ev.Job); j != nil {
			c.fail(j, ev.Err)
		}
	case NextRound:
		c.nextRound(ev)
	case EndRounds:
		if s, j := c.stage(ev.Job, ev.Stage); s != nil && s.between && s.round == ev.Round {
			s.between = false
			c.stageDone(j, s)
		}
	case Tick:
	}
	for _, j := range c.jobs {
		if j.dirty {
			c.settle(j)
		}
	}
	c.schedule()
	return c.out
}

func (c *Core) emit(a Action) { c.out = append(c.out, a) }

func (c *Core) worker(id string, epoch int64) *worker {
	for _, w := range c.workers {
		if w.id == id && w.epoch == epoch {
			return w
		}
	}
	return nil
}

func (c *Core) job(id string) *job {
	for _, j := range c.jobs {
		if j.ID == id && !j.ended {
			return j
		}
	}
	return nil
}

func (c *Core) stage(jobID string, id int) (*stage, *job) {
	j := c.job(jobID)
	if j == nil {
		return nil, nil
	}
	return j.stages[id], j
}

func (c *Core) workerUp(ev WorkerUp) {
	for _, w := range slices.Clone(c.workers) {
		if w.id == ev.Worker && w.epoch < ev.Epoch {
			c.workerDown(w, "restarted")
		} else if w.id == ev.Worker {
			return // known, or older than what is known
		}
	}
	w := &worker{id: ev.Worker, epoch: ev.Epoch, slots: ev.Slots, gpus: ev.GPUs}
	c.workers = append(c.workers, w)
	for _, o := range ev.Held {
		c.adopt(w, o)
	}
}

// adopt takes over an output that a worker finished under an earlier leader.
func (c *Core) adopt(w *worker, o Output) {
	s, j := c.stage(o.Task.Job, o.Task.Stage)
	if s == nil || o.Task.Partition < 0 || o.Task.Partition >= len(s.parts) {
		return
	}
	p := &s.parts[o.Task.Partition]
	if p.state != waiting && p.state != ready {
		return
	}
	p.attempt = max(p.attempt, o.Task.Attempt)
	p.state, p.output, p.worker, p.epoch = finished, o, w, w.epoch
	p.output.Worker, p.output.Epoch = w.id, w.epoch
	s.done++
	c.advance(j, s)
}

func (c *Core) submit(ev Submit) {
	if c.job(ev.Job.ID) != nil || len(ev.Job.Stages) == 0 {
		return
	}
	j := &job{Job: ev.Job, stages: map[int]*stage{}}
	for _, st := range ev.Job.Stages {
		s := &stage{Stage: st, parts: make([]partition, st.Tasks)}
		for _, in := range st.Inputs { // rows made of unstable rows are unstable
			s.Volatile = s.Volatile || j.stages[in].Volatile
		}
		j.stages[st.ID] = s
		j.order = append(j.order, s)
		j.last = s
	}
	c.jobs = append(c.jobs, j)
	for _, o := range ev.Done {
		if w := c.worker(o.Worker, o.Epoch); w != nil {
			c.adopt(w, o)
		}
	}
	for _, s := range j.order {
		c.wake(j, s)
		if s.Tasks == 0 && !s.reported && !j.ended {
			c.stageDone(j, s)
		}
	}
}

// wake makes a stage's waiting partitions ready once all its inputs are complete.
func (c *Core) wake(j *job, s *stage) {
	if s.done == len(s.parts) || !c.complete(j, s.Inputs) {
		return
	}
	for i := range s.parts {
		if s.parts[i].state == waiting {
			s.parts[i].state = ready
		}
	}
}

// current finds the partition that a report is about, nil if the report is stale.
func (c *Core) current(t Task, workerID string, epoch int64) (*partition, *stage, *job) {
	s, j := c.stage(t.Job, t.Stage)
	if s == nil || t.Partition < 0 || t.Partition >= len(s.parts) || t.Round != s.round {
		return nil, nil, nil
	}
	p := &s.parts[t.Partition]
	if p.state != running || p.attempt != t.Attempt || p.worker.id != workerID || p.epoch != epoch {
		return nil, nil, nil
	}
	return p, s, j
}

func (c *Core) release(j *job, s *stage, p *partition) {
	p.worker.slots++
	p.worker.gpus += s.GPUs
	j.active--
}

func (c *Core) taskDone(ev Done) {
	p, s, j := c.current(ev.Task, ev.Worker, ev.Epoch)
	if p == nil {
		return
	}
	c.release(j, s, p)
	p.worker.faults = 0
	p.state = finished
	p.output = Output(ev)
	s.done++
	c.advance(j, s)
}

// advance reports a complete stage or round and wakes what waited for it.
func (c *Core) advance(j *job, s *stage) {
	switch {
	case s.done < len(s.parts):
	case s.reported: // once more, after a loss
		j.dirty = true
	case s.Shape == Rounds:
		s.between = true
		c.emit(RoundDone{Job: j.ID, Stage: s.ID, Round: s.round, Outputs: s.outputs()})
	default:
		c.stageDone(j, s)
	}
}

func (s *stage) outputs() []Output {
	out := make([]Output, len(s.parts))
	for i := range s.parts {
		out[i] = s.parts[i].output
	}
	return out
}

func (c *Core) stageDone(j *job, s *stage) {
	s.reported = true
	c.emit(StageDone{Job: j.ID, Stage: s.ID, Outputs: s.outputs()})
	if s == j.last {
		j.ended = true
		c.emit(JobDone{Job: j.ID, Outputs: s.outputs()})
		c.remove(j)
		return
	}
	c.wakeConsumers(j, s)
}

func (c *Core) wakeConsumers(j *job, s *stage) {
	for _, t := range j.order {
		if slices.Contains(t.Inputs, s.ID) {
			c.wake(j, t)
		}
	}
}

func (c *Core) remove(j *job) {
	c.jobs = slices.DeleteFunc(c.jobs, func(x *job) bool { return x == j })
}

func (c *Core) nextRound(ev NextRound) {
	s, _ := c.stage(ev.Job, ev.Stage)
	if s == nil || !s.between || s.round != ev.Round {
		return
	}
	s.between = false
	s.round++
	s.done = 0
	for i := range s.parts {
		s.parts[i].state = ready
		s.parts[i].attempt++
	}
}

// fail ends a job, once: running tasks are aborted and give their slots back at once,
// since what they still report is stale.
func (c *Core) fail(j *job, err error) {
	if j.ended {
		return
	}
	j.ended = true
	for _, s := range j.order {
		for i := range s.parts {
			if p := &s.parts[i]; p.state == running {
				c.abort(j, s, i)
			}
		}
	}
	if err == nil {
		err = errs.Errorf(errs.Canceled, "dispatch", "job %s was canceled", j.ID)
	}
	c.emit(JobFailed{Job: j.ID, Err: err})
	c.remove(j)
}

func (c *Core) abort(j *job, s *stage, i int) {
	p := &s.parts[i]
	c.emit(Abort{Task: Task{j.ID, s.ID, i, p.attempt, s.round}, Worker: p.worker.id, Epoch: p.epoch})
	c.release(j, s, p)
	c.again(j, s, p)
}
