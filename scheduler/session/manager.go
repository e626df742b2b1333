// Package session is a client's side of the scheduler: its settings, views,
// cached data and executions, and the road of a query from unresolved plan to
// submitted job. It knows nothing of client protocols, operators or workers.
package session

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/spurwheel/spurwheel/cache"
	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/mux"
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
	// Journal makes sessions outlive this process; nil: they end with it.
	Journal Journal
	// Sealer hides what goes into the journal; nil hides nothing.
	Sealer Sealer
	// SharedBlobs is a folder of storage that all schedulers reach, for artifacts
	// too large for the journal; "" refuses those.
	SharedBlobs string
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
	// globals is where global temporary views are kept, nil without journal.
	globals *durable

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
	m.globals = newDurable(cfg.Journal, cfg.Sealer, globalSession)
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
func (m *Manager) Open(ctx context.Context, key Key) (*Session, error) {
	if s := m.find(key); s != nil {
		return s, nil
	}
	return m.enter(ctx, m.newSession(key, uuid.NewString(), newConf(m.cfg.Conf), nil))
}

func (m *Manager) find(key Key) *Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.sessions[key]
}

// enter opens a new session, in the journal first. Where another one of the key
// was faster, that one is given.
func (m *Manager) enter(ctx context.Context, s *Session) (*Session, error) {
	key := Key{s.user, s.id}
	if m.Len() >= MaxSessions {
		return nil, errs.Errorf(errs.Exhausted, "session.Open", "%d sessions are open, the limit: stop some", MaxSessions)
	}
	if s.durable != nil {
		err := m.cfg.Journal.Open(ctx, Opened{Session: s.serverID, Key: key})
		if other := m.find(key); other != nil && errs.Is(err, errs.Exists) {
			return other, nil
		}
		if err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if other := m.mu.sessions[key]; other != nil {
		return other, nil
	}
	m.mu.sessions[key] = s
	return s, nil
}

// Clone makes a session with a copy of another's conf, views and catalog state.
func (m *Manager) Clone(ctx context.Context, from, to Key) (*Session, error) {
	src := m.find(from)
	if src == nil {
		return nil, errs.Errorf(errs.NotFound, "session.Clone", "session %s is not open", from.ID)
	}
	if m.find(to) != nil {
		return nil, errs.Errorf(errs.Exists, "session.Clone", "session %s is open already", to.ID)
	}
	s := m.newSession(to, uuid.NewString(), src.conf.clone(), src.catalog)
	s.vars = src.vars.clone()
	entered, err := m.enter(ctx, s)
	if err != nil {
		return nil, err
	}
	if entered != s {
		return nil, errs.Errorf(errs.Exists, "session.Clone", "session %s is open already", to.ID)
	}
	if err := s.copyDurable(ctx, src); err != nil {
		return nil, errors.Join(err, m.Close(ctx, to))
	}
	return s, nil
}

// Close forgets a session and frees what it holds.
func (m *Manager) Close(ctx context.Context, key Key) error {
	m.mu.Lock()
	s := m.mu.sessions[key]
	delete(m.mu.sessions, key)
	m.mu.Unlock()
	if s == nil {
		return nil
	}
	var err error
	if s.durable != nil {
		err = errors.Join(m.cfg.Journal.Close(ctx, s.serverID), s.blobs.shared.clear(ctx))
	}
	return errors.Join(err, s.close())
}

// CloseAll frees what every session holds. Journals keep theirs.
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
func (m *Manager) newSession(key Key, serverID string, conf *Conf, cat *catalog.Catalog) *Session {
	s := &Session{
		m: m, id: key.ID, user: key.User, serverID: serverID, conf: conf, catalog: cat,
		blobs: newBlobs(m.cfg.Blobs, key), nextID: newCounter(), vars: newVariables(), started: m.cfg.Clock.Now(),
		durable: newDurable(m.cfg.Journal, m.cfg.Sealer, serverID),
	}
	s.conf.durable, s.blobs.durable = s.durable, s.durable
	if m.cfg.SharedBlobs != "" {
		s.blobs.shared = sharedBlobs{m.cfg.Stores(nil), mux.Join(m.cfg.SharedBlobs, serverID)}
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
