package session

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Translate makes a plan of a command's source again, as the session would
// read it: its settings, artifacts and rules.
type Translate func(ctx context.Context, s *Session, source []byte) (plan.Node, error)

// Problem is a part of a session that could not be restored, such as a view of
// files that are gone. What is over it fails as if it had never been; it stays
// in the journal.
type Problem struct {
	Key   Key
	Value string
	Err   error
}

// Restore opens the sessions that a journal has, with all they had. It runs no
// queries. Sessions that are open already stay as they are. A manager with a
// journal needs it before anything else, also without sessions.
func (m *Manager) Restore(ctx context.Context, saved []SavedSession, translate Translate) ([]Problem, error) {
	if m.globals == nil {
		return nil, errs.Errorf(errs.Internal, "session.Restore", "the manager has no journal")
	}
	if err := m.cfg.Journal.Open(ctx, Opened{Session: globalSession}); err != nil {
		return nil, err
	}
	r := &restorer{m: m, translate: translate, owners: map[string]*Session{}}
	var opened []*Session
	for _, o := range saved {
		if o.Session == globalSession {
			r.values(ctx, nil, o)
		} else if m.find(o.Key) == nil {
			s := m.newSession(o.Key, o.Session, newConf(m.cfg.Conf), nil)
			r.owners[o.Session] = s
			r.values(ctx, s, o)
			opened = append(opened, s)
		}
	}
	r.views(ctx, nil, m.globals)
	for _, s := range opened {
		r.views(ctx, s, s.durable)
		r.commits(ctx, s)
		m.mu.Lock()
		m.mu.sessions[Key{s.user, s.id}] = s
		m.mu.Unlock()
	}
	return r.problems, ctx.Err()
}

// restorer is one Restore.
type restorer struct {
	m         *Manager
	translate Translate
	owners    map[string]*Session // by server id
	problems  []Problem
}

func (r *restorer) problem(key Key, value string, err error) {
	if err != nil {
		r.problems = append(r.problems, Problem{key, value, err})
	}
}

// values brings back what a session's values say; views wait for all of them.
func (r *restorer) values(ctx context.Context, s *Session, saved SavedSession) {
	for _, v := range saved.Values {
		plain := v.Value
		var err error
		if r.m.cfg.Sealer != nil {
			plain, err = r.m.cfg.Sealer.Open(v.Value)
		}
		if err == nil {
			err = r.value(ctx, s, Value{v.Key, plain})
		}
		r.problem(saved.Key, v.Key, err)
	}
}

func (r *restorer) value(ctx context.Context, s *Session, v Value) error {
	kind, name, _ := strings.Cut(v.Key, "/")
	d := r.m.globals
	if s != nil {
		d = s.durable
	}
	switch kind + "/" {
	case keyView:
		var steps []step
		if err := json.Unmarshal(v.Value, &steps); err != nil || len(steps) == 0 {
			return errs.Errorf(errs.Corrupt, "session.Restore", "a view cannot be read: %v", err)
		}
		d.mu.views[name] = steps // not shared yet, here and below
	case keyConf:
		s.conf.mu.values[name] = string(v.Value)
	case keyDatabase + "/":
		return s.catalog.SetCurrentDatabase(ctx, string(v.Value))
	case keyVariable:
		return s.restoreVariable(name, v.Value)
	case keyBlob:
		return s.blobs.restore(ctx, name, v.Value)
	case keyEffect:
		e := &effect{}
		if err := json.Unmarshal(v.Value, e); err != nil {
			return errs.E(errs.Corrupt, "session.Restore", err)
		}
		d.mu.effects[name] = e
	default:
		d.mu.kept = append(d.mu.kept, v)
	}
	return nil
}

func (s *Session) restoreVariable(name string, value []byte) error {
	var saved varSaved
	if err := json.Unmarshal(value, &saved); err != nil {
		return errs.E(errs.Corrupt, "session.Restore", err)
	}
	v, err := saved.variable(s.parseOptions())
	if err != nil {
		return err
	}
	s.durable.mu.vars[name] = saved
	return s.vars.put([]string{name}, []variable{v}, true)
}

// views makes the temporary views of a session again, or the global ones.
func (r *restorer) views(ctx context.Context, s *Session, d *durable) {
	made := map[string]*catalog.View{} // by step
	for name, steps := range d.mu.views {
		v, err := r.view(ctx, s, steps, made)
		switch {
		case err != nil:
		case s == nil:
			err = catalog.New(catalog.Config{Shared: r.m.shared}).CreateGlobalTempView(name, v, true)
		default:
			err = s.catalog.CreateTempView(name, v, true)
		}
		key := Key{ID: globalSession}
		if s != nil {
			key = Key{s.user, s.id}
		}
		r.problem(key, keyView+name, err)
	}
}

// view analyses the steps of a view, each over those that it was made over.
func (r *restorer) view(ctx context.Context, s *Session, steps []step, made map[string]*catalog.View) (*catalog.View, error) {
	byID := map[string]step{}
	for _, st := range steps {
		byID[st.ID] = st
		if made[st.ID] != nil {
			continue
		}
		v, err := r.step(ctx, s, st, func(cat *catalog.Catalog) error {
			var err error
			for _, id := range st.Uses {
				use, v := byID[id], made[id]
				if v == nil {
					return errs.Errorf(errs.Corrupt, "session.Restore", "a view lacks what it is over")
				}
				create := cat.CreateTempView
				if use.Global {
					create = cat.CreateGlobalTempView
				}
				err = errors.Join(err, create(use.Name, v, true))
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		made[st.ID] = v
	}
	return made[steps[len(steps)-1].ID], nil
}

// step analyses one view in a session of its own, under the settings of then.
func (r *restorer) step(ctx context.Context, s *Session, st step, below func(*catalog.Catalog) error) (*catalog.View, error) {
	if owner := r.owners[st.Session]; s == nil && owner != nil {
		s = owner
	}
	scratch := r.m.scratch(s, st)
	if err := scratch.catalog.SetCurrentDatabase(ctx, st.Database); err != nil {
		return nil, err
	}
	for name, saved := range st.Vars {
		v, err := saved.variable(scratch.parseOptions())
		if err == nil {
			err = scratch.vars.put([]string{name}, []variable{v}, true)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := below(scratch.catalog); err != nil {
		return nil, err
	}
	n, err := r.translate(ctx, scratch, st.Source)
	if err != nil {
		return nil, err
	}
	q, err := scratch.newQuery(st.ID)
	if err != nil {
		return nil, err
	}
	switch c := root(n).(type) {
	case *plan.CreateView:
		return q.view(ctx, c)
	case *plan.CacheTable:
		return q.view(ctx, &plan.CreateView{Name: c.Name, Temp: true, Child: c.Child})
	}
	return nil, errs.Errorf(errs.Corrupt, "session.Restore", "what made the view %s is no view", st.Name)
}

// scratch is a session that lives for one analysis.
func (m *Manager) scratch(owner *Session, st step) *Session {
	s := &Session{m: m, conf: newConf(m.cfg.Conf), vars: newVariables(), nextID: newCounter(), started: m.now()}
	maps.Copy(s.conf.mu.values, st.Conf)
	s.blobs = &Blobs{dir: m.cfg.Blobs} // has nothing
	if owner != nil {
		s.id, s.user, s.serverID, s.nextID, s.blobs = owner.id, owner.user, owner.serverID, owner.nextID, owner.blobs
		maps.Copy(s.conf.mu.values, owner.conf.storage())
	}
	s.fs = &sessionFS{conf: s.conf, stores: m.cfg.Stores}
	s.storage = newStorage(m.cfg.Rows, s.serverID)
	cfg := m.catalogConfig(s)
	cfg.Shared = catalog.NewShared()
	s.catalog = catalog.New(cfg)
	return s
}

// commits ends the writes that nobody will run again, and forgets what other
// such operations had done.
func (r *restorer) commits(ctx context.Context, s *Session) {
	for op, e := range s.durable.mu.effects {
		if s.durable.keeps(op) {
			continue
		}
		err := s.durable.dropEffect(ctx, op)
		if e.Manifest != nil && !e.Done {
			err = s.finishFor(ctx, op, e)
		}
		r.problem(Key{s.user, s.id}, keyEffect+op, err)
	}
}

// finishFor ends the write of an operation.
func (s *Session) finishFor(ctx context.Context, op string, e *effect) error {
	q, err := s.newQuery(op)
	if err != nil {
		return err
	}
	q.effect, q.again = e, true
	if e.Refused != "" {
		return q.drop(ctx, e)
	}
	return q.finish(ctx, *e.Manifest)
}
