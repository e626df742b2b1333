// Package record is the scheduler's durable knowledge as a pure state machine:
// sessions with their values, jobs, finished stages with their outputs, chosen
// attempts of writers, the workers and schedulers there are. Entries reach it
// through a log that a cluster replicates; it does no I/O, reads no clock and
// never sees a task that is merely running.
package record

import (
	"maps"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Limits of the record.
const (
	MaxJobs         = 10_000   // live jobs
	MaxSessions     = 10_000   // live sessions
	MaxCommitted    = 100_000  // partitions committed in one entry
	MaxWorkers      = 10_000   // workers, twice what one leader is meant to lead
	MaxMembers      = 32       // schedulers, those of the recent past too
	MaxClients      = 10_000   // clients whose last answer is kept; the longest silent goes
	MaxEntry        = 16 << 20 // bytes of one encoded entry: a job's spec is the largest
	MaxName         = 1 << 10  // bytes of a name or an address
	MaxReason       = 16 << 10 // bytes of a reason or an answer
	MaxSessionBytes = 64 << 20 // keys and values of one session
	MaxBytes        = 1 << 30  // values of all sessions, plans and outputs of all jobs
)

// State is the record. It is not safe for concurrent use.
//
// Clones share what neither has changed since: a session or a job belongs to
// the state whose generation it bears, any other state copies it before it
// writes to it.
type State struct {
	gen      *generation
	count    uint64 // gives sessions, jobs, values, workers and answers their order
	bytes    int64
	sessions map[string]*Session
	byKey    map[clientKey]string // a client's session, by the name it was opened with
	jobs     map[string]*Job
	workers  map[string]Worker
	members  map[string]Member
	answers  map[string]answer // by client
}

// generation is a mark of ownership; its size keeps two marks from being one.
type generation struct{ _ byte }

// New makes an empty record.
func New() *State {
	return &State{
		gen:      &generation{},
		sessions: map[string]*Session{}, byKey: map[clientKey]string{}, jobs: map[string]*Job{},
		workers: map[string]Worker{}, members: map[string]Member{}, answers: map[string]answer{},
	}
}

// Clone is the record as it is now, whatever is applied to s later. It copies
// names and pointers only, so that taking it holds up nobody.
func (s *State) Clone() *State {
	s.gen = &generation{} // what s had for its own is shared from now on
	c := *s
	c.gen = &generation{}
	c.sessions, c.byKey, c.jobs = maps.Clone(s.sessions), maps.Clone(s.byKey), maps.Clone(s.jobs)
	c.workers, c.members, c.answers = maps.Clone(s.workers), maps.Clone(s.members), maps.Clone(s.answers)
	return &c
}

// Live counts sessions and jobs.
func (s *State) Live() (sessions, jobs int) { return len(s.sessions), len(s.jobs) }

// Bytes counts the values of sessions and what jobs carry.
func (s *State) Bytes() int64 { return s.bytes }

// next is a number later than all before.
func (s *State) next() uint64 {
	s.count++
	return s.count
}

// Apply makes one change. Entries that repeat what is known change nothing and
// succeed, since a client may send them again after a leader's death. A refused
// entry changes nothing.
func (s *State) Apply(e Entry) error {
	switch e := e.(type) {
	case Request:
		return s.request(e)
	case OpenSession:
		return s.openSession(e)
	case CloseSession:
		s.closeSession(e.Session)
		return nil
	case SessionPut:
		return s.put(e)
	case SessionDelete:
		return s.remove(e)
	case answered:
		s.remember(e.client, answer{e.sequence, s.next(), e.result})
		return nil
	}
	return s.applyJob(e)
}

func (s *State) applyJob(e Entry) error {
	switch e := e.(type) {
	case SubmitJob:
		return s.submit(e)
	case StageDone:
		return s.stageDone(e)
	case Choose:
		return s.choose(e)
	case Commit:
		return s.commit(e)
	case EndJob:
		return s.end(e)
	}
	return s.applyProcess(e)
}

func (s *State) applyProcess(e Entry) error {
	switch e := e.(type) {
	case WorkerJoined:
		return s.workerJoined(e)
	case WorkerGone:
		if w, ok := s.workers[e.Name]; ok && w.Epoch <= e.Epoch {
			delete(s.workers, e.Name)
		}
		return nil
	case MemberUp:
		return s.memberUp(e)
	case MemberGone:
		delete(s.members, e.ID)
		return nil
	}
	return errs.Errorf(errs.Internal, "record.Apply", "entry %T", e)
}

// grow books bytes, against the limit of all.
func (s *State) grow(op string, n int64) error {
	if n > 0 && s.bytes+n > MaxBytes {
		return errs.Errorf(errs.Exhausted, op, "the record holds %d bytes, %d more are past the limit of %d", s.bytes, n, int64(MaxBytes))
	}
	s.bytes += n
	return nil
}
