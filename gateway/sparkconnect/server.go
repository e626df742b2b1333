package sparkconnect

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Options are what a Server is made of. Only Engine is needed.
type Options struct {
	Engine Engine
	// Auth says who calls. Nil: the user is whom the client names, which is right
	// only on loopback.
	Auth Authenticator
	// SparkVersion is what spark.version answers; "" is DefaultSparkVersion.
	SparkVersion string
	// ZoneID is the time zone of sessions that set none; "" is UTC.
	ZoneID string
	Limits Limits
	Clock  clock.Clock
	Log    *slog.Logger
	// Secure are options of the listener, such as credentials.
	Secure []grpc.ServerOption
	// Lasting: sessions outlive this server. It answers Unavailable until
	// Restore, and Close leaves the engine's sessions as they are.
	Lasting bool
}

// DefaultSparkVersion is the version whose behaviour sessions follow.
const DefaultSparkVersion = "4.1.4"

// Server is the Spark Connect service over an engine.
type Server struct {
	pb.UnimplementedSparkConnectServiceServer
	engine   Engine
	auth     Authenticator
	version  string
	limits   Limits
	clock    clock.Clock
	log      *slog.Logger
	defaults map[string]setting
	sessions *sessions
	grpc     *grpc.Server
	running  sync.WaitGroup // executions and the janitor
	stop     chan struct{}
	stopOnce sync.Once
	lull     lull
	// lasting is Options.Lasting; restoring holds calls off until Restore.
	lasting   bool
	restoring atomic.Bool
}

// Keepalive: clients from 4.3 ping every 60 s, also when idle, which gRPC's
// default policy answers by closing the connection. Our own pings find clients
// that vanished.
const (
	minClientPing = 5 * time.Second
	serverPing    = 2 * time.Minute
	serverPingOut = 20 * time.Second
)

// New makes a server; Close ends it.
func New(opt Options) *Server {
	set(&opt.SparkVersion, DefaultSparkVersion)
	if opt.Clock == nil {
		opt.Clock = clock.Real{}
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		engine: opt.Engine, auth: opt.Auth, version: opt.SparkVersion, limits: opt.Limits.withDefaults(),
		clock: opt.Clock, log: opt.Log, defaults: confDefaults(), stop: make(chan struct{}),
	}
	s.lasting = opt.Lasting
	s.restoring.Store(opt.Lasting)
	if opt.ZoneID != "" {
		s.defaults[keyTimeZone] = setting{value: opt.ZoneID}
	}
	s.sessions = newSessions(s)
	s.grpc = grpc.NewServer(append([]grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxSendMsgSize(maxMessage),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.WaitForHandlers(true),
		grpc.ForceServerCodecV2(newCodec()),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minClientPing, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: serverPing, Timeout: serverPingOut}),
		grpc.ChainUnaryInterceptor(s.unary),
		grpc.ChainStreamInterceptor(s.streamed),
	}, opt.Secure...)...)
	pb.RegisterSparkConnectServiceServer(s.grpc, s)
	s.running.Add(1)
	go s.janitor()
	return s
}

// Serve accepts connections until Close.
func (s *Server) Serve(ln net.Listener) error {
	err := s.grpc.Serve(ln)
	if errors.Is(err, grpc.ErrServerStopped) {
		return nil
	}
	return errs.E(errs.Unavailable, "sparkconnect.Serve", err)
}

// ErrLeaving says that another server must be asked: calls whose error wraps it
// end with Unavailable, and clients, or a relay, go on there. Engines of lasting
// sessions give it when they lead no more.
var ErrLeaving = errs.Errorf(errs.Unavailable, "sparkconnect", "the server leads no more")

var errRestoring = errs.Errorf(errs.Unavailable, "sparkconnect", "sessions are being restored")

var errStopping = errs.Errorf(errs.Unavailable, "sparkconnect.Close", "the server is stopping")

// Close refuses new calls, cancels what runs, waits for it, and closes the
// engine's sessions unless they are lasting. It is idempotent.
func (s *Server) Close(ctx context.Context) error {
	s.stopOnce.Do(func() { close(s.stop) })
	var err error
	for _, sess := range s.sessions.all() {
		for _, o := range sess.selected(func(*operation) bool { return true }) {
			if s.lasting {
				o.leave()
			}
			o.abandon(errStopping)
		}
	}
	s.grpc.Stop()
	for _, sess := range s.sessions.all() {
		if s.lasting {
			err = errors.Join(err, sess.end(ctx))
			continue
		}
		err = errors.Join(err, s.sessions.close(ctx, sess, false))
	}
	s.running.Wait()
	return err
}

// sweepEvery is how often the janitor looks.
const sweepEvery = time.Minute

// janitor ends what nobody asks for any more.
func (s *Server) janitor() {
	defer s.running.Done()
	for {
		t := s.clock.NewTimer(sweepEvery)
		select {
		case <-t.C():
			s.sweep()
		case <-s.stop:
			t.Stop()
			return
		}
	}
}

// sweep cancels abandoned operations and closes idle sessions.
func (s *Server) sweep() {
	now := s.clock.Now()
	for _, sess := range s.sessions.all() {
		for _, o := range sess.selected(func(o *operation) bool { return o.abandoned(now, s.limits.Abandoned) }) {
			o.abandon(operationMissing(o.id))
			sess.dropOperation(o)
		}
		if sess.idle(now, s.limits.SessionIdle) {
			ctx, cancel := context.WithTimeout(context.Background(), sweepEvery)
			if err := s.sessions.close(ctx, sess, true); err != nil {
				s.log.Warn("closing an idle session failed", slog.String("session", sess.key.SessionID), slog.Any("error", err))
			}
			cancel()
		}
	}
}
