package cluster

import (
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// machine is the record as raft sees it.
type machine struct {
	log    *slog.Logger
	member func(record.Member) // told of every scheduler that announces itself
	fail   func(error)         // told once that this scheduler cannot go on

	mu struct {
		sync.Mutex
		state    *record.State
		applied  uint64 // index of the last entry
		failed   error
		installs installs
	}
}

var _ raft.FSM = (*machine)(nil)

func newMachine(log *slog.Logger) *machine {
	m := &machine{log: log}
	m.mu.state = record.New()
	return m
}

// Apply applies an entry. One that cannot be read stops this scheduler: to go
// on without it would be to know something else than the others.
func (m *machine) Apply(l *raft.Log) any {
	e, err := record.Decode(l.Data)
	m.mu.Lock()
	if m.mu.failed == nil && err != nil {
		m.mu.failed = errs.E(errs.Internal, "cluster.Apply", err)
		defer m.fail(m.mu.failed)
	}
	if m.mu.failed != nil {
		defer m.mu.Unlock()
		return m.mu.failed
	}
	err = m.mu.state.Apply(e)
	m.mu.applied = l.Index
	m.mu.Unlock()
	if up, ok := e.(record.MemberUp); ok {
		m.member(record.Member(up))
	}
	if err != nil {
		return err
	}
	return nil
}

// Snapshot only captures: entries are applied while the capture is written.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mu.failed != nil {
		return nil, m.mu.failed
	}
	return capture{m.mu.state.Clone()}, nil
}

type capture struct{ state *record.State }

// Persist writes the capture.
func (c capture) Persist(sink raft.SnapshotSink) error {
	if err := c.state.Save(sink); err != nil {
		_ = sink.Cancel()
		return err
	}
	return sink.Close()
}

// Release does nothing: the capture is garbage.
func (capture) Release() {}

// Restore replaces the record: at a start, or where the leader has no entries
// any more that this scheduler lacks.
func (m *machine) Restore(in io.ReadCloser) error {
	state, err := record.Load(in)
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.mu.state = state
	often := m.mu.installs.add(time.Now())
	m.mu.Unlock()
	if often {
		m.log.Error("snapshots are installed again and again: this scheduler does not catch up; if it goes on, remove its data folder and start it again")
	}
	for _, up := range state.Members() {
		m.member(up)
	}
	return nil
}

// view reads the record as it is here. One at a time: f may take a clone, which
// marks the record.
func (m *machine) view(f func(*record.State)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m.mu.state)
}

// installed counts the snapshots read.
func (m *machine) installed() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.installs.count
}

// Installs that are more than this many within this time are a fault.
const (
	installsAlarm  = 3
	installsWithin = time.Minute
)

// installs remembers when the last snapshots were installed, and how many in all.
type installs struct {
	last  [installsAlarm]time.Time
	count uint64
}

// add tells whether there are too many of late.
func (i *installs) add(now time.Time) bool {
	oldest := i.last[i.count%installsAlarm]
	i.last[i.count%installsAlarm] = now
	i.count++
	return !oldest.IsZero() && now.Sub(oldest) < installsWithin
}
