package sparkconnect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// ExecutePlan starts an operation and streams its responses. A request that
// comes again (the client lost the connection before the first response) is
// attached to the operation that it started the first time.
func (s *Server) ExecutePlan(req *pb.ExecutePlanRequest, out pb.SparkConnectService_ExecutePlanServer) error {
	sess, err := s.sessions.acquire(out.Context(), req, true)
	if err != nil {
		return err
	}
	if req.GetOperationId() == "" {
		req.OperationId = new(uuid.NewString())
	}
	if _, err := uuid.Parse(req.GetOperationId()); err != nil {
		return handle("FORMAT", req.GetOperationId(), "The operation id "+req.GetOperationId()+" is not a UUID.")
	}
	o := newOperation(sess, req, s.clock.Now(), s.limits)
	existing, err := sess.addOperation(o)
	switch {
	case err != nil:
		return err
	case existing == nil:
		s.start(o)
	case !existing.reattachable || !proto.Equal(existing.request.GetPlan(), req.GetPlan()):
		return operationExists(o.id)
	default:
		o = existing
	}
	return s.failed(sess, s.stream(o, out, responseID{}))
}

// ReattachExecute streams an operation's responses after the last one that the client has.
func (s *Server) ReattachExecute(req *pb.ReattachExecuteRequest, out pb.SparkConnectService_ReattachExecuteServer) error {
	sess, err := s.sessions.acquire(out.Context(), req, false)
	if err != nil {
		return err
	}
	o, ok := sess.operation(req.GetOperationId())
	if !ok {
		return operationMissing(req.GetOperationId())
	}
	if !o.reattachable {
		return notReattachable(o.id)
	}
	var has responseID
	if req.LastResponseId != nil {
		id, ok := parseResponseID(req.GetLastResponseId())
		if !ok || id.Operation != o.id {
			return cursorUnknown(o.id)
		}
		has = id
	}
	return s.failed(sess, s.stream(o, out, has))
}

// ReleaseExecute lets go of responses that the client has, or of the whole
// operation. Unknown ids are harmless: releases come late and out of order.
func (s *Server) ReleaseExecute(ctx context.Context, req *pb.ReleaseExecuteRequest) (*pb.ReleaseExecuteResponse, error) {
	sess, err := s.sessions.acquire(ctx, req, false)
	if c, ok := errsCondition(err); ok && (c.Class == "INVALID_HANDLE.SESSION_CLOSED" || c.Class == "INVALID_HANDLE.SESSION_NOT_FOUND") {
		return &pb.ReleaseExecuteResponse{SessionId: req.GetSessionId()}, nil
	}
	if err != nil {
		return nil, err
	}
	resp := &pb.ReleaseExecuteResponse{SessionId: sess.key.SessionID, ServerSideSessionId: sess.serverID()}
	o, ok := sess.operation(req.GetOperationId())
	if !ok {
		return resp, nil
	}
	resp.OperationId = &o.id
	switch k := req.GetRelease().(type) {
	case *pb.ReleaseExecuteRequest_ReleaseAll_:
		o.abandon(cancelled(o.id))
		sess.dropOperation(o)
	case *pb.ReleaseExecuteRequest_ReleaseUntil_:
		if id, ok := parseResponseID(k.ReleaseUntil.GetResponseId()); ok && id.Operation == o.id {
			o.release(id)
		}
	default:
		return nil, invalidPlan("a release without what to release")
	}
	return resp, nil
}

// start runs an operation in its own goroutine.
func (s *Server) start(o *operation) {
	s.running.Go(func() {
		defer o.session.ended(o)
		defer close(o.finished)
		err := s.runGuarded(o)
		switch why := context.Cause(o.ctx); {
		case err == nil:
		case why != nil && (isCancelled(err) || errors.Is(err, why)):
			err = why // what the canceller wants the client to read
		}
		refused := errors.Is(err, ErrLeaving)
		if refused {
			o.leave()
		}
		o.finish(err)
		o.cancel(nil)
		if !o.reattachable || refused { // asked again, it starts again
			o.session.dropOperation(o)
		}
	})
}

// runGuarded is the one place where a bug in an execution is caught.
func (s *Server) runGuarded(o *operation) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("execution panicked", slog.String("operation", o.id), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			err = bug(p)
		}
	}()
	if err := o.begin(o.ctx); err != nil {
		return err
	}
	x := &execution{srv: s, op: o}
	return x.run(o.ctx)
}

// bug is what a client is told of a panic.
func bug(p any) error {
	c := errs.Cond(errs.Spark, "INTERNAL_ERROR", "XX000", fmt.Sprintf("A bug in the server: %v.", p), "message", fmt.Sprint(p))
	c.Kind = errs.Internal
	return c
}

// failed gives an error its stored details and its status.
func (s *Server) failed(sess *session, err error) error {
	if err == nil || protocolError(err) {
		return statusOf(err, "")
	}
	if errors.Is(err, errClientGone) || errors.Is(err, ErrLeaving) {
		return statusOf(err, "")
	}
	return statusOf(err, sess.errors.put(err))
}
