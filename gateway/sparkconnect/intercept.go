package sparkconnect

import (
	"context"
	"crypto/subtle"
	"log/slog"
	"runtime/debug"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/spurwheel/spurwheel/internal/errs"
)

type principalKey struct{}

// principalOf is who makes the call.
func principalOf(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}

// unary authenticates a call, catches its bugs and gives errors their status.
func (s *Server) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
	defer func() { s.caught(recover(), &err) }()
	if s.restoring.Load() {
		return nil, statusOf(errRestoring, "")
	}
	if ctx, err = s.identify(ctx); err != nil {
		return nil, err
	}
	resp, err = next(ctx, req)
	return resp, statusOf(err, "")
}

// streamed does the same for streams.
func (s *Server) streamed(srv any, in grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer func() { s.caught(recover(), &err) }()
	if s.restoring.Load() {
		return statusOf(errRestoring, "")
	}
	ctx, err := s.identify(in.Context())
	if err != nil {
		return err
	}
	return statusOf(next(srv, &identified{in, ctx}), "")
}

// identified is a stream whose context knows the principal.
type identified struct {
	grpc.ServerStream
	ctx context.Context //nolint:containedctx // gRPC's way to pass it on
}

// Context implements grpc.ServerStream.
func (s *identified) Context() context.Context { return s.ctx }

// caught turns a panic into the call's error; there is one recover in a call.
func (s *Server) caught(p any, err *error) {
	if p != nil {
		s.log.Error("call panicked", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		*err = statusOf(bug(p), "")
	}
}

func (s *Server) identify(ctx context.Context) (context.Context, error) {
	if s.auth == nil {
		return ctx, nil
	}
	header, from := "", ""
	if md, ok := metadata.FromIncomingContext(ctx); ok && len(md.Get("authorization")) > 0 {
		header = md.Get("authorization")[0]
	}
	if p, ok := peer.FromContext(ctx); ok {
		from = p.Addr.String()
	}
	who, err := s.auth.Authenticate(ctx, header, from)
	if err != nil {
		return ctx, status.Error(codes.Unauthenticated, err.Error())
	}
	return context.WithValue(ctx, principalKey{}, who), nil
}

// Token is an Authenticator of one shared secret, sent as "Bearer SECRET". Who
// knows it is whom he says he is.
type Token string

// Authenticate implements Authenticator.
func (t Token) Authenticate(_ context.Context, authorization, _ string) (Principal, error) {
	secret, ok := strings.CutPrefix(authorization, "Bearer ")
	if !ok || subtle.ConstantTimeCompare([]byte(secret), []byte(t)) != 1 {
		return Principal{}, errs.Errorf(errs.Permission, "sparkconnect.Token", "the token is missing or wrong")
	}
	return Principal{}, nil
}
