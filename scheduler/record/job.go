package record

import (
	"cmp"
	"maps"
	"slices"

	"github.com/spurwheel/spurwheel/internal/errs"
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

// Job is what is known of a job.
type Job struct {
	ID, Session string
	Operation   string
	Status      Status
	Stages      int
	Plan        []byte
	Spec        []byte
	Done        map[int][]byte // stage -> outputs
	Chosen      map[int]int

	gen       *generation
	submitted uint64
	bytes     int64
}

// Job returns a live job, nil if there is none. It holds until the next Apply;
// do not change it.
func (s *State) Job(id string) *Job { return s.jobs[id] }

// Jobs are the live jobs in the order of their submission. They hold until the
// next Apply; do not change them.
func (s *State) Jobs() []*Job {
	return slices.SortedFunc(maps.Values(s.jobs), func(a, b *Job) int { return cmp.Compare(a.submitted, b.submitted) })
}

func (s *State) submit(e SubmitJob) error {
	const op = "record.SubmitJob"
	if s.jobs[e.Job] != nil {
		return nil
	}
	if s.sessions[e.Session] == nil {
		return errs.Errorf(errs.NotFound, op, "session %s is not open", e.Session)
	}
	return s.addJob(op, e)
}

func (s *State) addJob(op string, e SubmitJob) error {
	if len(s.jobs) >= MaxJobs {
		return errs.Errorf(errs.Exhausted, op, "%d jobs are running, the limit", MaxJobs)
	}
	n := int64(len(e.Plan) + len(e.Spec))
	if err := s.grow(op, n); err != nil {
		return err
	}
	s.jobs[e.Job] = &Job{
		ID: e.Job, Session: e.Session, Operation: e.Operation, Stages: e.Stages, Plan: e.Plan, Spec: e.Spec,
		Done: map[int][]byte{}, Chosen: map[int]int{},
		gen: s.gen, submitted: s.next(), bytes: n,
	}
	return nil
}

// ownJob is a live job that s may write to.
func (s *State) ownJob(op, id string) (*Job, error) {
	j := s.jobs[id]
	if j == nil {
		return nil, errs.Errorf(errs.NotFound, op, "job %s is not running", id)
	}
	if j.gen != s.gen {
		own := *j
		own.gen, own.Done, own.Chosen = s.gen, maps.Clone(j.Done), maps.Clone(j.Chosen)
		j = &own
		s.jobs[id] = j
	}
	return j, nil
}

// stageDone keeps the last outputs of a stage: what was lost is made again.
func (s *State) stageDone(e StageDone) error {
	const op = "record.StageDone"
	j, err := s.ownJob(op, e.Job)
	if err != nil {
		return err
	}
	n := int64(len(e.Outputs) - len(j.Done[e.Stage]))
	if err := s.grow(op, n); err != nil {
		return err
	}
	j.bytes += n
	j.Done[e.Stage] = e.Outputs
	return nil
}

// choose accepts the first attempt named for each partition and no other.
func (s *State) choose(e Choose) error {
	const op = "record.Choose"
	j, err := s.ownJob(op, e.Job)
	if err != nil {
		return err
	}
	if len(e.Attempts) > MaxCommitted {
		return errs.Errorf(errs.Exhausted, op, "%d partitions in one entry, the limit is %d", len(e.Attempts), MaxCommitted)
	}
	// In order, so that every scheduler names the same partition.
	for _, p := range slices.Sorted(maps.Keys(e.Attempts)) {
		if old, ok := j.Chosen[p]; ok && old != e.Attempts[p] {
			return errs.Errorf(errs.Conflict, op, "partition %d of job %s: attempt %d was chosen, not %d", p, e.Job, old, e.Attempts[p])
		}
	}
	if j.Status < Committing {
		maps.Copy(j.Chosen, e.Attempts)
	}
	return nil
}

func (s *State) commit(e Commit) error {
	j, err := s.ownJob("record.Commit", e.Job)
	if err == nil {
		j.Status = max(j.Status, Committing)
	}
	return err
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
	s.bytes -= j.bytes
	delete(s.jobs, e.Job)
	return nil
}
