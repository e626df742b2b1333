// Package session is a client's side of the scheduler: its settings, views,
// cached data and executions, and the road of a query from unresolved plan to
// submitted job. It knows nothing of client protocols, operators or workers.
package session

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/spurwheel/spurwheel/cache"
	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
	"github.com/spurwheel/spurwheel/scheduler/jobs"
)

// MaxSessions bounds open sessions: each costs a few tens of kilobytes.
const MaxSessions = 10_000

// Config is what sessions work with.
type Config struct {
	Registry *function.Registry
	Formats  map[string]format.Format
	// Stores gives storage under a session's own settings, or the server's for none.
	Stores    func(own map[string]string) vfs.FS
	Warehouse string // folder of managed tables
	Blobs     string // folder of sessions' artifacts, on local disk
	ZoneID    string // default session time zone
	Version   string // what spark.version says
	Conf      map[string]string
	Defaults  map[string]string // what SET shows of keys that nobody set
	Clock     clock.Clock
	Jobs      Jobs
	Rows      *cache.Rows // of persisted plans
	Threads   int
}

// Jobs runs physical plans. Implementations are safe for concurrent use.
type Jobs interface {
	// Start submits a job. Its rows come from the stream as they are made; the
	// stream must be closed. ctx covers the whole job.
	Start(ctx context.Context, job jobs.Job) (jobs.Stream, error)
}

// Manager holds the open sessions. It is safe for concurrent use.
type Manager struct {
	cfg    Config
	shared *catalog.Shared

	mu struct {
		sync.Mutex
		sessions map[Key]*Session
	}
}

// Key names a session.
type Key struct{ User, ID string }

// NewManager makes a manager without sessions.
func NewManager(cfg Config) *Manager {
	m := &Manager{cfg: cfg, shared: catalog.NewShared()}
	m.mu.sessions = map[Key]*Session{}
	return m
}

func (m *Manager) catalogConfig(s *Session) catalog.Config {
	return catalog.Config{
		FS: s.fs, Formats: m.cfg.Formats, Registry: m.cfg.Registry, Warehouse: m.cfg.Warehouse, Shared: m.shared,
		ParseSchema: parser{}.Schema,
		Env: func() *function.Env {
			env, err := s.env(m.now())
			if err != nil { // settings are checked when set
				return &function.Env{ZoneID: "UTC", Zone: time.UTC, Now: m.now()}
			}
			return env
		},
	}
}

// Open gives the session of a key, made if it is new.
func (m *Manager) Open(_ context.Context, key Key) (*Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.mu.sessions[key]; s != nil {
		return s, nil
	}
	if len(m.mu.sessions) >= MaxSessions {
		return nil, errs.Errorf(errs.Exhausted, "session.Open", "%d sessions are open, the limit: stop some", MaxSessions)
	}
	s := m.newSession(key, newConf(m.cfg.Conf), nil)
	m.mu.sessions[key] = s
	return s, nil
}

// Clone makes a session with a copy of another's conf, views and catalog state.
func (m *Manager) Clone(_ context.Context, from, to Key) (*Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	src := m.mu.sessions[from]
	if src == nil {
		return nil, errs.Errorf(errs.NotFound, "session.Clone", "session %s is not open", from.ID)
	}
	if m.mu.sessions[to] != nil {
		return nil, errs.Errorf(errs.Exists, "session.Clone", "session %s is open already", to.ID)
	}
	s := m.newSession(to, src.conf.clone(), src.catalog)
	s.vars = src.vars.clone()
	m.mu.sessions[to] = s
	return s, nil
}

// Close forgets a session and frees what it holds.
func (m *Manager) Close(_ context.Context, key Key) error {
	m.mu.Lock()
	s := m.mu.sessions[key]
	delete(m.mu.sessions, key)
	m.mu.Unlock()
	if s == nil {
		return nil
	}
	return s.close()
}

// CloseAll closes every session.
func (m *Manager) CloseAll() error {
	m.mu.Lock()
	all := m.mu.sessions
	m.mu.sessions = map[Key]*Session{}
	m.mu.Unlock()
	var first error
	for _, s := range all {
		if err := s.close(); first == nil {
			first = err
		}
	}
	return first
}

// Len counts open sessions.
func (m *Manager) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.mu.sessions)
}

// newSession makes a session with a copy of cat's state, or a fresh catalog.
func (m *Manager) newSession(key Key, conf *Conf, cat *catalog.Catalog) *Session {
	s := &Session{
		m: m, id: key.ID, user: key.User, serverID: uuid.NewString(), conf: conf, catalog: cat,
		blobs: newBlobs(m.cfg.Blobs, key), nextID: newCounter(), vars: newVariables(), started: m.cfg.Clock.Now(),
	}
	s.fs = &sessionFS{conf: conf, stores: m.cfg.Stores}
	s.storage = newStorage(m.cfg.Rows, s.serverID)
	if cat != nil {
		cfg := m.catalogConfig(s)
		s.catalog = cat.Clone(cfg.FS, cfg.Env)
	} else {
		s.catalog = catalog.New(m.catalogConfig(s))
	}
	return s
}

func (m *Manager) now() time.Time { return m.cfg.Clock.Now() }
