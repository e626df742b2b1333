package dispatch

import (
	"slices"
	"time"

	"github.com/spurwheel/spurwheel/scheduler/placement"
)

// Core is the state machine. It is not safe for concurrent use: one driver
// goroutine owns it.
type Core struct {
	cfg     Config
	workers map[string]*worker // the current epoch of each
	order   []*worker          // in order of arrival
	open    []*worker          // that take tasks now
	jobs    map[string]*job    // until they are closed or failed
	live    []*job             // that run or may run again, in order of submission
	queue   []*job             // that wait to be admitted
	tasks   int                // of live jobs
	ready   int                // partitions that could start now
	dirty   []*job             // of which something was lost: to be settled
	users   map[string]*user
	hold    hold
	last    time.Time     // of the last event
	at      time.Duration // the core's own clock: never goes back, never jumps
	drains  int           // workers that drain and have not been reported drained
	ticked  bool
	lonely  time.Duration // when it was last known that a worker takes tasks
	out     []Action
	scratch scratch
}

// user counts what runs for somebody.
type user struct {
	jobs    int
	running int
	offered int
}

// job is a submitted job. A finished one is kept until it is closed: lost
// outputs of its last stage can be made again.
type job struct {
	Job
	stages    map[int]*stage
	order     []*stage
	last      *stage
	user      *user
	done      bool // the last stage was complete at least once
	gone      bool // failed or closed
	dirty     bool
	recovered bool
	unclaimed bool
	base      int // first number of new attempts
	ready     int // partitions that could start now
	active    int // running attempts
}

// New makes an empty core with default limits.
func New(policy placement.Policy) *Core { return NewCore(Config{Policy: policy}) }

// NewCore makes an empty core.
func NewCore(cfg Config) *Core {
	return &Core{cfg: cfg.filled(), workers: map[string]*worker{}, jobs: map[string]*job{}, users: map[string]*user{}}
}

// Step handles one event at the given time and returns what to do. Events
// about unknown or stale attempts, workers and jobs change nothing.
func (c *Core) Step(now time.Time, ev Event) []Action {
	c.begin(now)
	c.handle(ev)
	return c.end()
}

// StepAll handles events that came together, in order, and decides once for all
// of them what starts.
func (c *Core) StepAll(now time.Time, events []Event) []Action {
	c.begin(now)
	for _, ev := range events {
		c.handle(ev)
	}
	return c.end()
}

func (c *Core) begin(now time.Time) {
	if !c.last.IsZero() {
		c.at += min(max(now.Sub(c.last), 0), maxElapsed)
	}
	c.last, c.out = now, nil
}

func (c *Core) end() []Action {
	c.endHold()
	c.admit()
	c.settleAll()
	c.checkWorkers()
	c.schedule()
	if c.ticked {
		c.ticked = false
		c.speculate()
	}
	c.reportDrained()
	return c.out
}

func (c *Core) handle(ev Event) {
	switch ev := ev.(type) {
	case Done:
		c.taskDone(ev)
	case Failed:
		c.taskFailed(ev)
	case WorkerUp:
		c.workerUp(ev)
	case WorkerDown:
		delete(c.hold.missing, ev.Worker) // it is not waited for
		if w := c.worker(ev.Worker, ev.Epoch); w != nil {
			c.workerDown(w, ev.Reason, ev.Crashed)
		}
	case Drain:
		if w := c.workers[ev.Worker]; w != nil && !w.draining {
			w.draining = true
			c.drains++
			c.reopen(w)
		}
	case Expect:
		c.expect(ev)
	case NextRound:
		c.nextRound(ev)
	case EndRounds:
		c.endRounds(ev)
	case Tick:
		c.ticked = true // what follows is decided at the end, when all is known
	default:
		c.handleJob(ev)
	}
}

// handleJob handles events about jobs as a whole.
func (c *Core) handleJob(ev Event) {
	switch ev := ev.(type) {
	case Submit:
		c.submit(ev)
	case Cancel:
		if j := c.jobs[ev.Job]; j != nil && !j.done {
			c.fail(j, ev.Err)
		}
	case Claim:
		if j := c.jobs[ev.Job]; j != nil {
			j.unclaimed = false
		}
	case Recorded:
		c.recorded(ev)
	case OutputLost:
		if j := c.jobs[ev.Output.Task.Job]; j != nil {
			c.lose(j, ev.Output)
		}
	case Close:
		if j := c.jobs[ev.Job]; j != nil {
			c.close(j)
		}
	}
}

// Busy tells whether time matters to the core: some job is not over.
func (c *Core) Busy() bool {
	return c.hold.on || len(c.queue) > 0 || slices.ContainsFunc(c.live, func(j *job) bool { return !j.done || j.last.done < len(j.last.parts) })
}

func (c *Core) emit(a Action) { c.out = append(c.out, a) }

func (c *Core) worker(id string, epoch int64) *worker {
	if w := c.workers[id]; w != nil && w.epoch == epoch {
		return w
	}
	return nil
}

func (c *Core) stage(jobID string, id int) (*stage, *job) {
	j := c.jobs[jobID]
	if j == nil {
		return nil, nil
	}
	return j.stages[id], j
}

func (c *Core) user(name string) *user {
	u := c.users[name]
	if u == nil {
		u = &user{}
		c.users[name] = u
	}
	return u
}
