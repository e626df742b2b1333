package relay

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Leaders finds the scheduler that leads.
type Leaders interface {
	// Leader gives a connection to whom is believed to lead. failed is what the
	// last attempt of the call ended with, nil for the first: it may name the
	// leader. An error means that none is known now; the relay asks again. The
	// connection stays the callee's, who finds dead peers by keepalive.
	Leader(ctx context.Context, failed error) (grpc.ClientConnInterface, error)
}

// Options are what a Server is made of. Only Leaders is needed.
type Options struct {
	Leaders Leaders
	// Patience is how long a call goes on without a leader; 0 is DefaultPatience.
	Patience time.Duration
	// Secure are options of the listener, such as credentials.
	Secure []grpc.ServerOption
	Clock  clock.Clock
}

// DefaultPatience outlasts several elections; clients try again by themselves after it.
const DefaultPatience = 30 * time.Second

const (
	service = "/spark.connect.SparkConnectService/"

	maxMessage = 128 << 20 // what clients accept and send
	maxStreams = 1_000     // concurrent calls on one connection
	// Pings of clients come every 60 s, also when idle; ours find clients that vanished.
	minClientPing = 5 * time.Second
	serverPing    = 2 * time.Minute
	serverPingOut = 20 * time.Second
	// Between attempts of a call.
	firstPause = 20 * time.Millisecond
	maxPause   = 500 * time.Millisecond
)

// Server relays calls.
type Server struct {
	leaders  Leaders
	patience time.Duration
	clock    clock.Clock
	grpc     *grpc.Server
}

// New makes a server; Close ends it.
func New(opt Options) *Server {
	s := &Server{leaders: opt.Leaders, patience: opt.Patience, clock: opt.Clock}
	if s.patience == 0 {
		s.patience = DefaultPatience
	}
	if s.clock == nil {
		s.clock = clock.Real{}
	}
	s.grpc = grpc.NewServer(append([]grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxSendMsgSize(maxMessage),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.WaitForHandlers(true),
		grpc.ForceServerCodecV2(codec{}),
		grpc.UnknownServiceHandler(s.handle),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minClientPing, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: serverPing, Timeout: serverPingOut}),
	}, opt.Secure...)...)
	return s
}

// Serve accepts connections until Close.
func (s *Server) Serve(ln net.Listener) error {
	err := s.grpc.Serve(ln)
	if errors.Is(err, grpc.ErrServerStopped) {
		return nil
	}
	return errs.E(errs.Unavailable, "relay.Serve", err)
}

// Close cuts all calls and waits for them; clients go on with another relay. It
// is idempotent.
func (s *Server) Close() { s.grpc.Stop() }

// once are the calls that a second attempt might do twice. What is left is the
// client's decision.
func once(method string) bool { return method == service+"CloneSession" }

// handle serves one call, whatever its method.
func (s *Server) handle(_ any, client grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(client)
	if !strings.HasPrefix(method, service) {
		return status.Error(codes.Unimplemented, "this gateway serves Spark Connect only")
	}
	ctx := metadata.NewOutgoingContext(client.Context(), forwarded(client.Context()))
	switch method {
	case service + "ExecutePlan":
		return s.execute(ctx, client)
	case service + "ReattachExecute":
		return s.reattach(ctx, client)
	case service + "AddArtifacts":
		return s.upload(ctx, client)
	}
	return s.unary(ctx, method, client)
}

// forwarded is the headers of a call that are the client's and not the connection's.
func forwarded(ctx context.Context) metadata.MD {
	in, _ := metadata.FromIncomingContext(ctx)
	out := metadata.MD{}
	for k, v := range in {
		switch {
		case strings.HasPrefix(k, ":"), strings.HasPrefix(k, "grpc-"), k == "content-type", k == "user-agent", k == "te":
		default:
			out[k] = v
		}
	}
	return out
}

// options of every call to a leader.
func options() []grpc.CallOption {
	return []grpc.CallOption{grpc.ForceCodecV2(codec{}), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)}
}

// retry is one call's attempts.
type retry struct {
	server *Server
	until  time.Time
	pause  time.Duration
	failed error // of the last attempt
}

func (s *Server) newRetry() *retry {
	r := &retry{server: s}
	r.progress()
	return r
}

// progress says that an attempt got on: patience starts anew.
func (r *retry) progress() {
	r.until, r.pause = r.server.clock.Now().Add(r.server.patience), firstPause
}

// leader asks for the leader.
func (r *retry) leader(ctx context.Context) (grpc.ClientConnInterface, error) {
	conn, err := r.server.leaders.Leader(ctx, r.failed)
	if err != nil {
		return nil, status.Error(codes.Unavailable, "no scheduler leads: "+err.Error())
	}
	return conn, nil
}

// gone tells whether an attempt failed for want of a leader. Canceled, where
// nobody has cancelled, is a connection that its owner has given up.
func gone(err error) bool {
	return status.Code(err) == codes.Unavailable || status.Code(err) == codes.Canceled
}

// again waits before the next attempt; an error is the call's.
func (r *retry) again(ctx context.Context, err error) error {
	if !gone(err) || ctx.Err() != nil || !r.server.clock.Now().Before(r.until) {
		return err
	}
	r.failed = err
	if clock.Sleep(ctx, r.server.clock, r.pause) != nil {
		return err
	}
	r.pause = min(2*r.pause, maxPause)
	return nil
}
