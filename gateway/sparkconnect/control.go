package sparkconnect

import (
	"context"

	"github.com/google/uuid"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
)

// Interrupt cancels operations; their streams end with OPERATION_CANCELED.
func (s *Server) Interrupt(ctx context.Context, req *pb.InterruptRequest) (*pb.InterruptResponse, error) {
	sess, err := s.sessions.acquire(ctx, req, true)
	if err != nil {
		return nil, err
	}
	var match func(*operation) bool
	switch req.GetInterruptType() {
	case pb.InterruptRequest_INTERRUPT_TYPE_ALL:
		match = func(*operation) bool { return true }
	case pb.InterruptRequest_INTERRUPT_TYPE_TAG:
		match = func(o *operation) bool { return o.hasTag(req.GetOperationTag()) }
	case pb.InterruptRequest_INTERRUPT_TYPE_OPERATION_ID:
		match = func(o *operation) bool { return o.id == req.GetOperationId() }
	default:
		return nil, invalidPlan("an interrupt of unknown kind")
	}
	resp := &pb.InterruptResponse{SessionId: sess.key.SessionID, ServerSideSessionId: sess.serverID()}
	for _, o := range sess.selected(match) {
		if o.running() {
			o.abandon(cancelled(o.id))
			resp.InterruptedIds = append(resp.InterruptedIds, o.id)
		}
	}
	return resp, nil
}

// ReleaseSession ends a session. Unless the client wants to come back, later
// calls in it fail.
func (s *Server) ReleaseSession(ctx context.Context, req *pb.ReleaseSessionRequest) (*pb.ReleaseSessionResponse, error) {
	key, err := s.sessions.keyOf(ctx, req)
	if err != nil {
		return nil, err
	}
	resp := &pb.ReleaseSessionResponse{SessionId: key.SessionID}
	sess, err := s.sessions.get(ctx, key, false)
	if err != nil { // unknown, or closed before: as good as released
		return resp, nil //nolint:nilerr // see above
	}
	resp.ServerSideSessionId = sess.serverID()
	return resp, s.sessions.close(ctx, sess, !req.GetAllowReconnect())
}

// CloneSession makes a session with a copy of this one's conf, views and catalog state.
func (s *Server) CloneSession(ctx context.Context, req *pb.CloneSessionRequest) (*pb.CloneSessionResponse, error) {
	from, err := s.sessions.acquire(ctx, req, false)
	if err != nil {
		return nil, err
	}
	id := req.GetNewSessionId()
	if id == "" {
		id = uuid.NewString()
	}
	if _, err := uuid.Parse(id); err != nil {
		return nil, handle("CLONE_TARGET_SESSION_ID_FORMAT", id, "The handle "+id+" of the new session is not a UUID.")
	}
	to := SessionKey{UserID: from.key.UserID, SessionID: id}
	clone, err := s.sessions.clone(ctx, from, to)
	if err != nil {
		return nil, err
	}
	return &pb.CloneSessionResponse{
		SessionId: from.key.SessionID, ServerSideSessionId: from.serverID(), NewSessionId: id, NewServerSideSessionId: clone.serverID(),
	}, nil
}

// clone enters and makes a session as a copy of another.
func (s *sessions) clone(ctx context.Context, from *session, key SessionKey) (*session, error) {
	s.mu.Lock()
	_, gone := s.mu.closed[key]
	_, there := s.mu.live[key]
	if gone || there {
		s.mu.Unlock()
		return nil, handle("CLONE_TARGET_SESSION_EXISTS", key.SessionID, "There is, or was, a session "+key.SessionID+" already.")
	}
	if len(s.mu.live) >= maxSessions {
		s.mu.Unlock()
		return nil, tooMany("sessions")
	}
	sess := s.add(key)
	s.mu.Unlock()
	sess.engine, sess.err = s.srv.engine.CloneSession(context.WithoutCancel(ctx), from.key, key)
	s.made(sess)
	return sess, sess.err
}

// GetStatus tells how operations are doing: those named, or all.
func (s *Server) GetStatus(ctx context.Context, req *pb.GetStatusRequest) (*pb.GetStatusResponse, error) {
	sess, err := s.sessions.acquire(ctx, req, false)
	if err != nil {
		return nil, err
	}
	resp := &pb.GetStatusResponse{SessionId: sess.key.SessionID, ServerSideSessionId: sess.serverID()}
	if req.GetOperationStatus() == nil {
		return resp, nil
	}
	ids := req.GetOperationStatus().GetOperationIds()
	if len(ids) == 0 {
		ids = sess.operationIDs()
	}
	for _, id := range ids {
		resp.OperationStatuses = append(resp.OperationStatuses, &pb.GetStatusResponse_OperationStatus{OperationId: id, State: sess.operationState(id)})
	}
	return resp, nil
}

func (s *session) operationIDs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(append([]string{}, s.mu.order...), sortedKeys(s.mu.operations)...)
}

func (s *session) operationState(id string) opState {
	if o, ok := s.operation(id); ok {
		return o.state()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if state, ok := s.mu.finished[id]; ok {
		return state
	}
	return stateUnknown
}
