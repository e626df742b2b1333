package auth

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Foreign is what becomes of a request whose user context names another user
// than the token does.
type Foreign uint8

// Either way nobody acts for another. Clients fill the field by themselves
// (PySpark takes the name of the local account), so Replace is the default.
const (
	Replace Foreign = iota
	Refuse
)

// Unary lets calls through whose caller is known.
func Unary(c Checker, f Foreign) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		p, err := c.Check(ctx)
		if err != nil {
			return nil, refused(err)
		}
		if err := own(req, p, f); err != nil {
			return nil, err
		}
		return next(admitted(ctx, p), req)
	}
}

// Stream is Unary for streams: each message is looked at.
func Stream(c Checker, f Foreign) grpc.StreamServerInterceptor {
	return func(srv any, in grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		p, err := c.Check(in.Context())
		if err != nil {
			return refused(err)
		}
		return next(srv, &checked{in, admitted(in.Context(), p), p, f})
	}
}

// checked is a stream whose caller is known.
type checked struct {
	grpc.ServerStream
	ctx     context.Context //nolint:containedctx // gRPC's way to pass it on
	who     Principal
	foreign Foreign
}

// Context implements grpc.ServerStream.
func (s *checked) Context() context.Context { return s.ctx }

// RecvMsg implements grpc.ServerStream.
func (s *checked) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return own(m, s.who, s.foreign)
}

// own makes the user of a request's user_context the caller. Requests without
// such a field are left alone; which messages have one is not known here.
func own(req any, p Principal, f Foreign) error {
	m, ok := req.(proto.Message)
	if !ok {
		return nil
	}
	r := m.ProtoReflect()
	at := r.Descriptor().Fields().ByName("user_context")
	if at == nil || at.Kind() != protoreflect.MessageKind || at.IsList() {
		return nil
	}
	user := at.Message().Fields().ByName("user_id")
	if user == nil || user.Kind() != protoreflect.StringKind || user.IsList() {
		return nil
	}
	said := r.Get(at).Message().Get(user).String()
	if said == p.Name {
		return nil
	}
	if said != "" && f == Refuse {
		return status.Errorf(codes.PermissionDenied, "the request is of user %q, the token of another", said)
	}
	r.Mutable(at).Message().Set(user, protoreflect.ValueOfString(p.Name))
	return nil
}
