package record

import (
	"cmp"
	"maps"
	"slices"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Worker is a worker as it joined.
type Worker struct {
	Name      string
	Epoch     int64
	Addresses []string // do not change them
	joined    uint64
}

// Member is a scheduler of the group as it last announced itself.
type Member struct{ ID, Raft, Inner, Instance string }

// Workers are the workers in the order in which they joined.
func (s *State) Workers() []Worker {
	return slices.SortedFunc(maps.Values(s.workers), func(a, b Worker) int { return cmp.Compare(a.joined, b.joined) })
}

// Worker returns a worker by name.
func (s *State) Worker(name string) (Worker, bool) {
	w, ok := s.workers[name]
	return w, ok
}

// Members are the schedulers by name.
func (s *State) Members() []Member {
	return slices.SortedFunc(maps.Values(s.members), func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
}

// Member returns a scheduler by name.
func (s *State) Member(id string) (Member, bool) {
	m, ok := s.members[id]
	return m, ok
}

func (s *State) workerJoined(e WorkerJoined) error {
	const op = "record.WorkerJoined"
	old, ok := s.workers[e.Name]
	switch {
	case ok && old.Epoch > e.Epoch:
		return errs.Errorf(errs.Conflict, op, "worker %s is here with epoch %d, %d is of its past", e.Name, old.Epoch, e.Epoch)
	case !ok && len(s.workers) >= MaxWorkers:
		return errs.Errorf(errs.Exhausted, op, "%d workers are here, the limit", MaxWorkers)
	case ok && old.Epoch == e.Epoch && slices.Equal(old.Addresses, e.Addresses):
		return nil
	}
	s.workers[e.Name] = Worker{e.Name, e.Epoch, slices.Clone(e.Addresses), s.next()}
	return nil
}

func (s *State) memberUp(e MemberUp) error {
	if _, ok := s.members[e.ID]; !ok && len(s.members) >= MaxMembers {
		return errs.Errorf(errs.Exhausted, "record.MemberUp", "%d schedulers are known, the limit", MaxMembers)
	}
	s.members[e.ID] = Member(e)
	return nil
}
