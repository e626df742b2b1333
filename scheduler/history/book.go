// Package history keeps what people want to know of jobs: how far they are,
// what was lost and why, and an event log of each. It hears of everything from
// those who do it; it decides nothing, and no answer depends on it.
package history

import (
	"slices"
	"sync"
	"time"

	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
)

// KeptJobs bounds the ended jobs whose counters and logs are kept.
const KeptJobs = 200

// State is where a job stands.
type State string

// The states of a job.
const (
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
)

// Stage counts one stage's attempts.
type Stage struct {
	ID, Tasks, Done, Running int
	Lost                     int // attempts whose worker, input or output was lost
	Failed                   int // attempts that failed by their own doing
}

// Job is a job as people see it.
type Job struct {
	ID, User       string
	Description    string
	State          State
	Started, Ended time.Time
	Err            string
	Stages         []Stage
}

// Config is what a book works with.
type Config struct {
	Dir   string // folder of event logs; empty: no logs
	Clock clock.Clock
}

// Book is the history. It is safe for concurrent use.
type Book struct {
	cfg  Config
	line []byte // of the lock's holder, to build a line in
	mu   struct {
		sync.Mutex
		jobs  map[string]*entry
		ended []string // oldest first
	}
}

type entry struct {
	Job
	runs map[dispatch.Task]string // attempts that run, with their workers
	log  *log
}

// New makes an empty book.
func New(cfg Config) *Book {
	b := &Book{cfg: cfg}
	b.mu.jobs = map[string]*entry{}
	return b
}

// Submitted opens a job's entry; of a job that is known nothing changes.
func (b *Book) Submitted(job dispatch.Job, description string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.jobs[job.ID] != nil {
		return
	}
	e := &entry{
		Job:  Job{ID: job.ID, User: job.User, Description: description, State: Running, Started: b.cfg.Clock.Now()},
		runs: map[dispatch.Task]string{}, log: newLog(b.cfg.Dir, job.ID),
	}
	for _, s := range job.Stages {
		e.Stages = append(e.Stages, Stage{ID: s.ID, Tasks: s.Tasks})
	}
	b.mu.jobs[job.ID] = e
	b.note(e, EventSubmitted, "%d stages, user %s", len(job.Stages), job.User)
}

// Launched notes that an attempt was given to a worker.
func (b *Book) Launched(t dispatch.Task, worker string) {
	b.on(t, func(e *entry, s *Stage) {
		e.runs[t] = worker
		s.Running++
		b.noteTask(e, EventLaunched, t, worker)
	})
}

// Reported notes what a worker or the membership said.
func (b *Book) Reported(ev dispatch.Event) {
	switch ev := ev.(type) {
	case dispatch.Done:
		b.over(ev.Task, ev.Worker, func(e *entry, s *Stage) {
			s.Done = min(s.Done+1, s.Tasks)
			b.noteTask(e, EventFinished, ev.Task, ev.Worker)
		})
	case dispatch.Failed:
		b.failed(ev)
	case dispatch.WorkerDown:
		b.workerDown(ev)
	}
}

func (b *Book) failed(ev dispatch.Failed) {
	b.over(ev.Task, ev.Worker, func(e *entry, s *Stage) {
		if len(ev.Lost) > 0 || errs.Is(ev.Err, errs.Lost) {
			s.Lost++
			b.note(e, EventLost, "%s on %s: %v", ev.Task, ev.Worker, ev.Err)
			return
		}
		s.Failed++
		b.note(e, EventFailed, "%s on %s: %v", ev.Task, ev.Worker, ev.Err)
	})
}

// over ends an attempt that runs; reports of others are stale.
func (b *Book) over(t dispatch.Task, worker string, f func(*entry, *Stage)) {
	b.on(t, func(e *entry, s *Stage) {
		if e.runs[t] != worker {
			return
		}
		delete(e.runs, t)
		s.Running--
		f(e, s)
	})
}

func (b *Book) on(t dispatch.Task, f func(*entry, *Stage)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.mu.jobs[t.Job]
	if e == nil || e.State != Running {
		return
	}
	if i := slices.IndexFunc(e.Stages, func(s Stage) bool { return s.ID == t.Stage }); i >= 0 {
		f(e, &e.Stages[i])
	}
}

func (b *Book) workerDown(ev dispatch.WorkerDown) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.mu.jobs {
		if e.State != Running {
			continue
		}
		lost := 0
		for t, w := range e.runs {
			if w != ev.Worker {
				continue
			}
			delete(e.runs, t)
			lost++
			if i := slices.IndexFunc(e.Stages, func(s Stage) bool { return s.ID == t.Stage }); i >= 0 {
				e.Stages[i].Running--
				e.Stages[i].Lost++
			}
		}
		b.note(e, EventLost, "worker %s: %s; it ran %d tasks of this job", ev.Worker, ev.Reason, lost)
	}
}

// Ended closes a job's entry; err says why it failed.
func (b *Book) Ended(job string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.mu.jobs[job]
	if e == nil || e.State != Running {
		return
	}
	e.State, e.Ended = Succeeded, b.cfg.Clock.Now()
	if err != nil {
		e.State, e.Err = Failed, err.Error()
	}
	for i := range e.Stages {
		if e.Stages[i].Running = 0; err == nil {
			e.Stages[i].Done = e.Stages[i].Tasks
		}
	}
	clear(e.runs)
	b.note(e, EventEnded, "%s %s", e.State, e.Err)
	e.log.end()
	b.mu.ended = append(b.mu.ended, job)
	if len(b.mu.ended) > KeptJobs {
		b.mu.jobs[b.mu.ended[0]].log.remove()
		delete(b.mu.jobs, b.mu.ended[0])
		b.mu.ended = b.mu.ended[1:]
	}
}

// Jobs lists jobs: those that run, then those that ended, the latest first.
func (b *Book) Jobs() []Job {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Job, 0, len(b.mu.jobs))
	for _, e := range b.mu.jobs {
		out = append(out, e.copy())
	}
	slices.SortFunc(out, func(x, y Job) int {
		if (x.State == Running) != (y.State == Running) {
			if x.State == Running {
				return -1
			}
			return 1
		}
		return y.Started.Compare(x.Started)
	})
	return out
}

// Running counts the attempts that run, by worker.
func (b *Book) Running() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]int{}
	for _, e := range b.mu.jobs {
		for _, w := range e.runs {
			out[w]++
		}
	}
	return out
}

// Job gives one job.
func (b *Book) Job(id string) (Job, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.mu.jobs[id]; e != nil {
		return e.copy(), nil
	}
	return Job{}, errs.Errorf(errs.NotFound, "", "no job %s is known here", id)
}

func (e *entry) copy() Job {
	j := e.Job
	j.Stages = slices.Clone(e.Stages)
	return j
}
