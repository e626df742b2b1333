// Package record is the scheduler's durable knowledge as a pure state machine:
// sessions, jobs, finished stages with their outputs, chosen attempts of
// writers. Entries reach it through a log that a cluster replicates; it does no
// I/O, reads no clock and never sees a task that is merely running.
package record

import (
	"maps"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Limits of the record.
const (
	MaxJobs      = 10_000  // live jobs
	MaxSessions  = 10_000  // live sessions
	MaxCommitted = 100_000 // partitions committed in one entry
)

// Status is a job's life.
type Status uint8

const (
	Running    Status = iota
	Committing        // all attempts chosen; files are being made visible
	Succeeded
	Failed
)

func (s Status) String() string {
	return [...]string{"running", "committing", "succeeded", "failed"}[s]
}

// Entry is one change of the record.
type Entry interface{ entry() }

type (
	// OpenSession and CloseSession bound a session's life. Jobs of a closed
	// session are failed by the leader before it closes.
	OpenSession struct {
		Session string
		User    string
	}
	CloseSession struct{ Session string }
	// SubmitJob records a job with its plan, so that another leader can go on.
	SubmitJob struct {
		Job     string
		Session string
		Stages  int
		Plan    []byte
	}
	// StageDone records where a finished stage's outputs lie.
	StageDone struct {
		Job     string
		Stage   int
		Outputs []byte
	}
	// Choose fixes the attempts whose files count. A partition is chosen once.
	Choose struct {
		Job      string
		Attempts map[int]int // partition -> attempt
	}
	// Commit says that all partitions are chosen and files may be made visible.
	Commit struct{ Job string }
	// EndJob ends a job; its outputs may go.
	EndJob struct {
		Job    string
		Failed bool
		Reason string
	}
)

func (OpenSession) entry()  {}
func (CloseSession) entry() {}
func (SubmitJob) entry()    {}
func (StageDone) entry()    {}
func (Choose) entry()       {}
func (Commit) entry()       {}
func (EndJob) entry()       {}

// Job is what is known of a job.
type Job struct {
	ID, Session string
	Status      Status
	Stages      int
	Plan        []byte
	Done        map[int][]byte // stage -> outputs
	Chosen      map[int]int
}

// State is the record. It is not safe for concurrent use.
type State struct {
	sessions map[string]string // id -> user
	jobs     map[string]*Job
}

// New makes an empty record.
func New() *State { return &State{sessions: map[string]string{}, jobs: map[string]*Job{}} }

// Job returns a live job, nil if there is none. Do not change it.
func (s *State) Job(id string) *Job { return s.jobs[id] }

// Live counts sessions and jobs.
func (s *State) Live() (sessions, jobs int) { return len(s.sessions), len(s.jobs) }

// Apply makes one change. Entries that repeat what is known change nothing and
// succeed, since a client may send them again after a leader's death. A refused
// entry changes nothing.
func (s *State) Apply(e Entry) error {
	switch e := e.(type) {
	case OpenSession:
		if _, ok := s.sessions[e.Session]; !ok && len(s.sessions) >= MaxSessions {
			return errs.Errorf(errs.Exhausted, "record.OpenSession", "%d sessions are open, the limit", MaxSessions)
		}
		s.sessions[e.Session] = e.User
		return nil
	case CloseSession:
		delete(s.sessions, e.Session)
		return nil
	case SubmitJob:
		return s.submit(e)
	case StageDone:
		return s.live(e.Job, func(j *Job) error {
			j.Done[e.Stage] = e.Outputs
			return nil
		})
	case Choose:
		return s.choose(e)
	case Commit:
		return s.live(e.Job, func(j *Job) error {
			j.Status = max(j.Status, Committing)
			return nil
		})
	case EndJob:
		return s.end(e)
	}
	return errs.Errorf(errs.Internal, "record.Apply", "entry %T", e)
}

func (s *State) live(id string, f func(*Job) error) error {
	j := s.jobs[id]
	if j == nil {
		return errs.Errorf(errs.NotFound, "record", "job %s is not running", id)
	}
	return f(j)
}

func (s *State) submit(e SubmitJob) error {
	if s.jobs[e.Job] != nil {
		return nil
	}
	if _, ok := s.sessions[e.Session]; !ok {
		return errs.Errorf(errs.NotFound, "record.SubmitJob", "session %s is not open", e.Session)
	}
	if len(s.jobs) >= MaxJobs {
		return errs.Errorf(errs.Exhausted, "record.SubmitJob", "%d jobs are running, the limit", MaxJobs)
	}
	s.jobs[e.Job] = &Job{ID: e.Job, Session: e.Session, Stages: e.Stages, Plan: e.Plan, Done: map[int][]byte{}, Chosen: map[int]int{}}
	return nil
}

// choose accepts the first attempt named for each partition and no other.
func (s *State) choose(e Choose) error {
	return s.live(e.Job, func(j *Job) error {
		if len(e.Attempts) > MaxCommitted {
			return errs.Errorf(errs.Exhausted, "record.Choose", "%d partitions in one entry, the limit is %d", len(e.Attempts), MaxCommitted)
		}
		for p, a := range e.Attempts {
			if old, ok := j.Chosen[p]; ok && old != a {
				return errs.Errorf(errs.Conflict, "record.Choose", "partition %d of job %s: attempt %d was chosen, not %d", p, e.Job, old, a)
			}
		}
		if j.Status >= Committing {
			return nil
		}
		maps.Copy(j.Chosen, e.Attempts)
		return nil
	})
}

// end drops a job: history keeps what people want to know of it.
func (s *State) end(e EndJob) error {
	j := s.jobs[e.Job]
	if j == nil {
		return nil
	}
	if e.Failed && j.Status == Committing {
		return errs.Errorf(errs.Conflict, "record.EndJob", "job %s is committing and can only succeed", e.Job)
	}
	delete(s.jobs, e.Job)
	return nil
}
