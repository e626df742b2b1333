package sparkconnect

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
)

// session is a client's session as the gateway sees it: the engine's, and the
// operations and errors that its streams refer to.
type session struct {
	key    SessionKey
	ready  chan struct{} // closed when engine or err is set
	engine Session
	// lasting is the engine's, nil for sessions that end with this server.
	lasting Lasting
	err     error
	errors  errorStore

	mu struct {
		sync.Mutex
		operations map[string]*operation
		ending     map[*operation]struct{} // released, but not ended yet
		finished   map[string]opState      // of released operations
		order      []string                // of finished
		remotes    map[string]plan.Node
		relations  map[string]*pb.Relation // of remotes, without other remotes in them; of lasting sessions
		used       time.Time
		version    clientVersion
		closed     bool
	}
}

// serverID is the engine's id of the session.
func (s *session) serverID() string { return s.engine.ServerID() }

// called is the part that all requests share.
type called interface {
	GetSessionId() string
	GetUserContext() *pb.UserContext
}

// sessions finds, makes and forgets sessions.
type sessions struct {
	srv *Server
	mu  struct {
		sync.Mutex
		live   map[SessionKey]*session
		closed map[SessionKey]struct{}
		order  []SessionKey // of closed
	}
}

func newSessions(srv *Server) *sessions {
	s := &sessions{srv: srv}
	s.mu.live, s.mu.closed = map[SessionKey]*session{}, map[SessionKey]struct{}{}
	return s
}

// keyOf names the session that a request is about.
func (s *sessions) keyOf(ctx context.Context, req called) (SessionKey, error) {
	id := req.GetSessionId()
	if _, err := uuid.Parse(id); err != nil || len(id) != 36 {
		return SessionKey{}, badSessionID(id)
	}
	user := req.GetUserContext().GetUserId()
	if who := principalOf(ctx).Name; who != "" {
		user = who
	}
	return SessionKey{UserID: user, SessionID: id}, nil
}

// acquire is the session of a request, made if it is new and create says so.
func (s *sessions) acquire(ctx context.Context, req called, create bool) (*session, error) {
	key, err := s.keyOf(ctx, req)
	if err != nil {
		return nil, err
	}
	sess, err := s.get(ctx, key, create)
	if err != nil {
		return nil, err
	}
	if o, ok := req.(interface{ GetClientObservedServerSideSessionId() string }); ok {
		if seen := o.GetClientObservedServerSideSessionId(); seen != "" && seen != sess.serverID() {
			return nil, sessionChanged(key.SessionID)
		}
	}
	sess.mu.Lock()
	defer sess.mu.Unlock()
	sess.mu.used = s.srv.clock.Now()
	if c, ok := req.(interface{ GetClientType() string }); ok && sess.mu.version == (clientVersion{}) {
		sess.mu.version = parseClientType(c.GetClientType())
	}
	return sess, nil
}

// get finds a session and waits until the engine has made it.
func (s *sessions) get(ctx context.Context, key SessionKey, create bool) (*session, error) {
	s.mu.Lock()
	if _, gone := s.mu.closed[key]; gone {
		s.mu.Unlock()
		return nil, sessionClosed(key.SessionID)
	}
	sess, ok := s.mu.live[key]
	switch {
	case ok:
	case !create:
		s.mu.Unlock()
		return nil, sessionMissing(key.SessionID)
	case len(s.mu.live) >= maxSessions:
		s.mu.Unlock()
		return nil, tooMany("sessions")
	default:
		sess = s.add(key)
		s.mu.Unlock()
		s.make(ctx, sess)
		return sess, sess.err
	}
	s.mu.Unlock()
	select {
	case <-sess.ready:
		return sess, sess.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// add enters a session that is being made; the lock is held.
func (s *sessions) add(key SessionKey) *session {
	sess := &session{key: key, ready: make(chan struct{})}
	sess.mu.operations, sess.mu.finished = map[string]*operation{}, map[string]opState{}
	sess.mu.ending = map[*operation]struct{}{}
	sess.mu.remotes, sess.mu.relations, sess.mu.used = map[string]plan.Node{}, map[string]*pb.Relation{}, s.srv.clock.Now()
	s.mu.live[key] = sess
	return sess
}

// make asks the engine for a session. Others may wait for it, so the end of
// this call does not end the making.
func (s *sessions) make(ctx context.Context, sess *session) {
	sess.engine, sess.err = s.srv.engine.Session(context.WithoutCancel(ctx), principalOf(ctx), sess.key)
	s.made(sess)
}

// made enters what the engine said of a new session.
func (s *sessions) made(sess *session) {
	if sess.err != nil {
		s.forget(sess, false)
	}
	sess.lasting, _ = sess.engine.(Lasting)
	close(sess.ready)
}

// forget takes a session out of the table; a tombstone makes later calls fail.
func (s *sessions) forget(sess *session, tombstone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.live[sess.key] == sess {
		delete(s.mu.live, sess.key)
	}
	if !tombstone {
		return
	}
	if len(s.mu.order) >= maxTombstones {
		delete(s.mu.closed, s.mu.order[0])
		s.mu.order = s.mu.order[1:]
	}
	if _, ok := s.mu.closed[sess.key]; !ok {
		s.mu.closed[sess.key] = struct{}{}
		s.mu.order = append(s.mu.order, sess.key)
	}
}

// close ends a session: its operations are cancelled and waited for, then the
// engine frees it.
func (s *sessions) close(ctx context.Context, sess *session, tombstone bool) error {
	s.forget(sess, tombstone)
	if err := sess.end(ctx); err != nil {
		return err
	}
	return s.srv.engine.CloseSession(ctx, sess.key)
}

// end cancels a session's operations and waits for them.
func (s *session) end(ctx context.Context) error {
	s.mu.Lock()
	s.mu.closed = true
	ops := make([]*operation, 0, len(s.mu.operations)+len(s.mu.ending))
	for _, o := range s.mu.operations {
		ops = append(ops, o)
	}
	for o := range s.mu.ending {
		ops = append(ops, o)
	}
	s.mu.Unlock()
	for _, o := range ops {
		o.abandon(sessionClosed(s.key.SessionID))
	}
	for _, o := range ops {
		select {
		case <-o.finished:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// all is a snapshot of the sessions that are ready.
func (s *sessions) all() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*session, 0, len(s.mu.live))
	for _, sess := range s.mu.live {
		select {
		case <-sess.ready:
			if sess.err == nil {
				out = append(out, sess)
			}
		default:
		}
	}
	return out
}

// operation finds an operation by id.
func (s *session) operation(id string) (*operation, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.mu.operations[id]
	return o, ok
}

// selected lists operations that match.
func (s *session) selected(match func(*operation) bool) []*operation {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*operation
	for _, o := range s.mu.operations {
		if match(o) {
			out = append(out, o)
		}
	}
	return out
}

// addOperation enters an operation, unless its id is taken: then that one comes back.
func (s *session) addOperation(o *operation) (existing *operation, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		return nil, sessionClosed(s.key.SessionID)
	}
	if e, ok := s.mu.operations[o.id]; ok {
		return e, nil
	}
	if len(s.mu.operations) >= maxOperations {
		return nil, tooMany("operations in the session")
	}
	s.mu.operations[o.id] = o
	return nil, nil
}

// dropOperation forgets an operation but for how it ended.
func (s *session) dropOperation(o *operation) {
	if s.takeOperation(o) && o.ended() {
		o.forget()
	}
}

// takeOperation takes an operation out of the table; false if it was not there.
func (s *session) takeOperation(o *operation) bool {
	state := o.state()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.operations[o.id] != o {
		return false
	}
	delete(s.mu.operations, o.id)
	if !o.ended() {
		s.mu.ending[o] = struct{}{}
	}
	if len(s.mu.order) >= maxFinished {
		delete(s.mu.finished, s.mu.order[0])
		s.mu.order = s.mu.order[1:]
	}
	s.mu.finished[o.id] = state
	s.mu.order = append(s.mu.order, o.id)
	return true
}

// ended notes that the goroutine of an operation is over.
func (s *session) ended(o *operation) {
	s.mu.Lock()
	_, released := s.mu.ending[o]
	delete(s.mu.ending, o)
	s.mu.Unlock()
	if released {
		o.forget()
	}
}

// idle tells whether nothing has happened for longer than d.
func (s *session) idle(now time.Time, d time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.mu.operations) == 0 && now.Sub(s.mu.used) > d
}

// remote finds a checkpointed plan.
func (s *session) remote(id string) (plan.Node, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.mu.remotes[id]
	if !ok {
		return nil, remoteMissing(id)
	}
	return n, nil
}

func remoteMissing(id string) error {
	return invalidPlan("there is no checkpointed data frame " + id)
}

// clientVersion is the version of Spark that a client is built for.
type clientVersion struct{ major, minor int }

// parseClientType reads "_SPARK_CONNECT_PYTHON spark/4.1.4 os/linux python/3.11".
func parseClientType(s string) clientVersion {
	v := clientVersion{4, 1}
	_, rest, ok := strings.Cut(s, "spark/")
	if !ok {
		return v
	}
	parts := strings.SplitN(rest, ".", 3)
	if len(parts) < 2 {
		return v
	}
	major, minor := leadingInt(parts[0]), leadingInt(parts[1])
	if major < 3 || major > 99 {
		return v
	}
	return clientVersion{major, minor}
}

func leadingInt(s string) int {
	n := 0
	for i := 0; i < len(s) && i < 4 && s[i] >= '0' && s[i] <= '9'; i++ {
		n = 10*n + int(s[i]-'0')
	}
	return n
}
