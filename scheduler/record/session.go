package record

import (
	"cmp"
	"maps"
	"slices"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Session is a client's session as the record has it.
type Session struct {
	ID, User, Client, Server string

	gen    *generation
	opened uint64
	bytes  int64
	values map[string]value
}

type value struct {
	put   uint64
	bytes []byte
}

// Value is one named value of a session.
type Value struct {
	Key   string
	Value []byte // do not change it
}

// clientKey is what a client calls its session. Names of different users never meet.
type clientKey struct{ user, client string }

// Values are the session's values in the order of their last put.
func (s *Session) Values() []Value {
	keys := slices.SortedFunc(maps.Keys(s.values), func(a, b string) int {
		return cmp.Compare(s.values[a].put, s.values[b].put)
	})
	out := make([]Value, len(keys))
	for i, k := range keys {
		out[i] = Value{k, s.values[k].bytes}
	}
	return out
}

// Value is one value by its key.
func (s *Session) Value(key string) ([]byte, bool) {
	v, ok := s.values[key]
	return v.bytes, ok
}

// Session returns an open session, nil if there is none. It holds until the
// next Apply; do not change it.
func (s *State) Session(id string) *Session { return s.sessions[id] }

// SessionOf returns the session that a user's client opened under its name, or nil.
func (s *State) SessionOf(user, client string) *Session {
	return s.sessions[s.byKey[clientKey{user, client}]]
}

// Sessions are the open sessions in the order of their opening. They hold
// until the next Apply; do not change them.
func (s *State) Sessions() []*Session {
	return slices.SortedFunc(maps.Values(s.sessions), func(a, b *Session) int { return cmp.Compare(a.opened, b.opened) })
}

func (s *State) openSession(e OpenSession) error {
	if s.sessions[e.Session] != nil {
		return nil
	}
	key := clientKey{e.User, e.Client}
	if other, ok := s.byKey[key]; ok && e.Client != "" {
		return errs.Errorf(errs.Exists, "record.OpenSession", "the client's session %s is open as %s", e.Client, other)
	}
	if len(s.sessions) >= MaxSessions {
		return errs.Errorf(errs.Exhausted, "record.OpenSession", "%d sessions are open, the limit", MaxSessions)
	}
	s.sessions[e.Session] = &Session{
		ID: e.Session, User: e.User, Client: e.Client, Server: e.Server,
		gen: s.gen, opened: s.next(), values: map[string]value{},
	}
	if e.Client != "" {
		s.byKey[key] = e.Session
	}
	return nil
}

func (s *State) closeSession(id string) {
	session := s.sessions[id]
	if session == nil {
		return
	}
	s.bytes -= session.bytes
	delete(s.sessions, id)
	if session.Client != "" {
		delete(s.byKey, clientKey{session.User, session.Client})
	}
}

// ownSession is a session that s may write to.
func (s *State) ownSession(op, id string) (*Session, error) {
	session := s.sessions[id]
	if session == nil {
		return nil, errs.Errorf(errs.NotFound, op, "session %s is not open", id)
	}
	if session.gen != s.gen {
		own := *session
		own.gen, own.values = s.gen, maps.Clone(session.values)
		session = &own
		s.sessions[id] = session
	}
	return session, nil
}

func (s *State) put(e SessionPut) error {
	const op = "record.SessionPut"
	session, err := s.ownSession(op, e.Session)
	if err != nil {
		return err
	}
	n := int64(len(e.Key) + len(e.Value))
	if old, ok := session.values[e.Key]; ok {
		n -= int64(len(e.Key) + len(old.bytes))
	}
	if n > 0 && session.bytes+n > MaxSessionBytes {
		return errs.Errorf(errs.Exhausted, op, "session %s holds %d bytes, %d more are past the limit of %d", e.Session, session.bytes, n, int64(MaxSessionBytes))
	}
	if err := s.grow(op, n); err != nil {
		return err
	}
	session.bytes += n
	session.values[e.Key] = value{s.next(), e.Value}
	return nil
}

func (s *State) remove(e SessionDelete) error {
	session, err := s.ownSession("record.SessionDelete", e.Session)
	if err != nil {
		return err
	}
	if old, ok := session.values[e.Key]; ok {
		n := int64(len(e.Key) + len(old.bytes))
		session.bytes -= n
		s.bytes -= n
		delete(session.values, e.Key)
	}
	return nil
}
