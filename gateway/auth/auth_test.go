package auth_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	connect "github.com/spurwheel/spurwheel/api/spark/connect"
	_ "github.com/spurwheel/spurwheel/api/spurwheel/v1" // its services are walked
	"github.com/spurwheel/spurwheel/gateway/auth"
	"github.com/spurwheel/spurwheel/gateway/auth/authtest"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/pki"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Now()

// tokens is a file with a token of ada, who is a user, and what was written.
func tokens(t *testing.T, c clock.Clock) (list *auth.Tokens, path, secret string) {
	t.Helper()
	secret, line, err := auth.NewToken("ada", auth.User)
	require.NoError(t, err)
	require.NotContains(t, line, secret)
	path = filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(path, []byte("# notes\n\n"+line), 0o600))
	list, err = auth.OpenTokens(path, c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return list, path, secret
}

// everyService is a server that offers all services of our and Spark's
// messages, behind the interceptors. It counts the calls that reach a method,
// and notes who made the last one and for which user.
type everyService struct {
	server  *grpc.Server
	reached atomic.Int32
	who     atomic.Pointer[auth.Principal]
	user    atomic.Pointer[string]
}

func newEveryService(c auth.Checker, f auth.Foreign, opts ...grpc.ServerOption) *everyService {
	e := &everyService{}
	e.server = grpc.NewServer(append(opts, grpc.UnaryInterceptor(auth.Unary(c, f)), grpc.StreamInterceptor(auth.Stream(c, f)))...)
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			if s := file.Services().Get(i); !strings.HasPrefix(string(s.FullName()), "google.") {
				e.server.RegisterService(e.describe(s), nil)
			}
		}
		return true
	})
	return e
}

func (e *everyService) describe(s protoreflect.ServiceDescriptor) *grpc.ServiceDesc {
	d := &grpc.ServiceDesc{ServiceName: string(s.FullName())}
	for i := range s.Methods().Len() {
		m := s.Methods().Get(i)
		if m.IsStreamingClient() || m.IsStreamingServer() {
			d.Streams = append(d.Streams, grpc.StreamDesc{
				StreamName: string(m.Name()), ServerStreams: m.IsStreamingServer(), ClientStreams: m.IsStreamingClient(),
				Handler: func(_ any, in grpc.ServerStream) error {
					e.reached.Add(1)
					req := dynamicpb.NewMessage(m.Input())
					if err := in.RecvMsg(req); err != nil {
						return err
					}
					e.note(in.Context(), req)
					return nil
				},
			})
			continue
		}
		d.Methods = append(d.Methods, grpc.MethodDesc{MethodName: string(m.Name()), Handler: e.unary(m)})
	}
	return d
}

func (e *everyService) unary(m protoreflect.MethodDescriptor) grpc.MethodHandler {
	return func(_ any, ctx context.Context, decode func(any) error, through grpc.UnaryServerInterceptor) (any, error) {
		req := dynamicpb.NewMessage(m.Input())
		if err := decode(req); err != nil {
			return nil, err
		}
		return through(ctx, req, &grpc.UnaryServerInfo{}, func(ctx context.Context, req any) (any, error) {
			e.reached.Add(1)
			e.note(ctx, req.(proto.Message))
			return dynamicpb.NewMessage(m.Output()), nil
		})
	}
}

func (e *everyService) note(ctx context.Context, req proto.Message) {
	p, _ := auth.From(ctx)
	e.who.Store(&p)
	raw, _ := proto.Marshal(req)
	var q connect.ConfigRequest // user_context has the same number in all of Spark's requests
	if proto.Unmarshal(raw, &q) == nil {
		user := q.GetUserContext().GetUserId()
		e.user.Store(&user)
	}
}

// dial serves e and connects to it.
func (e *everyService) dial(t *testing.T, creds credentials.TransportCredentials, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	l := bufconn.Listen(1 << 20)
	served := make(chan error, 1)
	go func() { served <- e.server.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:///x", append(opts, grpc.WithTransportCredentials(creds),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))...)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		e.server.Stop()
		require.NoError(t, <-served)
	})
	return conn
}

func withToken(ctx context.Context, header ...string) context.Context {
	return metadata.NewOutgoingContext(ctx, metadata.MD{"authorization": header})
}

func TestNoMethodAnswersWithoutAToken(t *testing.T) {
	list, _, secret := tokens(t, clock.Real{})
	e := newEveryService(list, auth.Replace)
	conn := e.dial(t, insecure.NewCredentials())
	for _, headers := range [][]string{
		nil,
		{""},
		{"Bearer "},
		{"Bearer"},
		{"Bearer wrong"},
		{secret},
		{"Basic " + secret},
		{"Bearer " + secret + "x"},
		{"Bearer " + strings.ToUpper(secret)},
		{"Bearer wrong", "Bearer " + secret},
		{"Bearer " + secret, "Bearer wrong"},
		{"Bearer " + strings.Repeat("x", 5000)},
	} {
		answers := authtest.Walk(withToken(t.Context(), headers...), conn, e.server.GetServiceInfo())
		require.Greater(t, len(answers), 12, "Spark's methods and ours")
		for _, m := range answers {
			require.Equal(t, codes.Unauthenticated, status.Code(m.Err), "%s with %q: %v", m.Name, headers, m.Err)
		}
	}
	require.Zero(t, e.reached.Load())
	answers := authtest.Walk(withToken(t.Context(), "Bearer "+secret), conn, e.server.GetServiceInfo())
	for _, m := range answers {
		require.NoError(t, m.Err, m.Name)
	}
	require.EqualValues(t, len(answers), e.reached.Load())
	require.Equal(t, auth.Principal{Name: "ada", Role: auth.User}, *e.who.Load())
}

// Who acts is whose token it is; what the request says is replaced or refused.
func TestTheUserIsTheTokens(t *testing.T) {
	for _, f := range []auth.Foreign{auth.Replace, auth.Refuse} {
		list, _, secret := tokens(t, clock.Real{})
		e := newEveryService(list, f)
		client := connect.NewSparkConnectServiceClient(e.dial(t, insecure.NewCredentials()))
		for said, refused := range map[string]bool{"": false, "ada": false, "root": f == auth.Refuse} {
			user := &connect.UserContext{UserId: said}
			ctx := withToken(t.Context(), "bearer "+secret)
			_, err := client.Config(ctx, &connect.ConfigRequest{UserContext: user})
			stream, streamErr := client.ExecutePlan(ctx, &connect.ExecutePlanRequest{UserContext: user})
			require.NoError(t, streamErr)
			_, streamErr = stream.Recv()
			if refused {
				require.Equal(t, codes.PermissionDenied, status.Code(err))
				require.Equal(t, codes.PermissionDenied, status.Code(streamErr))
				continue
			}
			require.NoError(t, err)
			require.Equal(t, "ada", *e.user.Load(), "said %q", said)
		}
		_, err := client.Config(withToken(t.Context(), "Bearer "+secret), &connect.ConfigRequest{})
		require.NoError(t, err)
		require.Equal(t, "ada", *e.user.Load())
	}
}

func TestTokensComeAndGoWithoutARestart(t *testing.T) {
	c := clock.NewManual(start)
	list, path, secret := tokens(t, c)
	_, err := list.Lookup(secret)
	require.NoError(t, err)
	second, line, err := auth.NewToken("bob", auth.Admin)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(line), 0o600))
	_, err = list.Lookup(secret)
	require.NoError(t, err, "looked at once a second")
	c.Advance(2 * time.Second)
	_, err = list.Lookup(secret)
	require.True(t, errs.Is(err, errs.Permission))
	who, err := list.Lookup(second)
	require.NoError(t, err)
	require.Equal(t, auth.Principal{Name: "bob", Role: auth.Admin}, who)
	require.NoError(t, os.WriteFile(path, []byte("half a li"), 0o600))
	c.Advance(2 * time.Second)
	_, err = list.Lookup(second)
	require.NoError(t, err, "a file that cannot be read changes nothing")
	_, err = list.Lookup("")
	require.Error(t, err)
}

func TestFilesOfTokensThatAreRefused(t *testing.T) {
	hash := "sha256:" + strings.Repeat("ab", 32)
	for text, ok := range map[string]bool{
		"": true, "ada user " + hash: true, "ada user " + hash + "\nbob admin " + hash: true,
		"ada root " + hash: false, "ada user": false, "ada user sha256:ab": false, "ada user md5:" + strings.Repeat("ab", 32): false, "a/b user " + hash: false,
	} {
		path := filepath.Join(t.TempDir(), "tokens")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := auth.OpenTokens(path, clock.Real{}, slog.New(slog.DiscardHandler))
		require.Equal(t, ok, err == nil, "%q: %v", text, err)
		require.True(t, ok || errs.Is(err, errs.Invalid))
	}
	_, err := auth.OpenTokens(filepath.Join(t.TempDir(), "none"), clock.Real{}, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "spurwheel tls token")
	_, _, err = auth.NewToken("a b", auth.User)
	require.True(t, errs.Is(err, errs.Invalid))
	_, _, err = auth.NewToken("ada", "root")
	require.True(t, errs.Is(err, errs.Invalid))
}

func FuzzTokens(f *testing.F) {
	f.Add("# x\nada user sha256:" + strings.Repeat("ab", 32))
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "tokens")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		list, err := auth.OpenTokens(path, clock.Real{}, slog.New(slog.DiscardHandler))
		if err == nil {
			_, err = list.Lookup(text)
			require.Error(t, err, "the file itself is no token")
		}
	})
}

// A scheduler believes a gateway who calls, and nobody else.
func TestOnlyGatewaysSpeakForOthers(t *testing.T) {
	ca, err := pki.NewCA("prod", start)
	require.NoError(t, err)
	open := func(roles ...pki.Role) *pki.Source {
		p, err := ca.Issue(pki.Request{Name: "n", Roles: roles}, start)
		require.NoError(t, err)
		dir := t.TempDir()
		require.NoError(t, p.Save(dir))
		s, err := pki.Open(dir, clock.Real{}, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		return s
	}
	scheduler := open(pki.Scheduler)
	for role, ok := range map[pki.Role]bool{pki.Gateway: true, pki.Worker: false} {
		e := newEveryService(auth.Relayed{}, auth.Refuse, grpc.Creds(scheduler.ServerCredentials(pki.Gateway, pki.Worker)))
		conn := e.dial(t, open(role).ClientCredentials(pki.Scheduler))
		for said, believed := range map[auth.Principal]bool{{Name: "ada", Role: auth.Viewer}: ok, {Name: "ada", Role: "root"}: false, {Role: auth.User}: false} {
			_, err := connect.NewSparkConnectServiceClient(conn).Config(auth.Forward(t.Context(), said), &connect.ConfigRequest{})
			require.Equal(t, believed, err == nil, "%s says %+v: %v", role, said, err)
			if believed {
				require.Equal(t, said, *e.who.Load())
			}
		}
		_, err := connect.NewSparkConnectServiceClient(conn).Config(t.Context(), &connect.ConfigRequest{})
		require.Equal(t, codes.Unauthenticated, status.Code(err))
	}
	e := newEveryService(auth.Relayed{}, auth.Refuse)
	_, err = connect.NewSparkConnectServiceClient(e.dial(t, insecure.NewCredentials())).Config(auth.Forward(t.Context(), auth.Principal{Name: "ada", Role: auth.User}), &connect.ConfigRequest{})
	require.Equal(t, codes.Unauthenticated, status.Code(err), "without TLS nobody is a gateway")
}

// A gateway hands headers on. What a client claims to be in them must not come
// through, and neither must its token. Handlers of unknown services, which is
// what relays are, are behind the interceptors too.
func TestClaimsOfClientsEndAtTheGateway(t *testing.T) {
	list, _, secret := tokens(t, clock.Real{})
	var seen metadata.MD
	e := &everyService{server: grpc.NewServer(
		grpc.StreamInterceptor(auth.Stream(list, auth.Replace)), grpc.UnaryInterceptor(auth.Unary(list, auth.Replace)),
		grpc.UnknownServiceHandler(func(_ any, in grpc.ServerStream) error {
			seen, _ = metadata.FromIncomingContext(in.Context())
			return status.Error(codes.NotFound, "reached")
		}))}
	conn := connect.NewSparkConnectServiceClient(e.dial(t, insecure.NewCredentials()))
	claim := metadata.Pairs("x-spurwheel-principal", "root", "x-spurwheel-principal-role", "admin", "x-other", "stays")
	_, err := conn.Config(metadata.NewOutgoingContext(t.Context(), claim), &connect.ConfigRequest{})
	require.Equal(t, codes.Unauthenticated, status.Code(err))
	claim.Set("authorization", "Bearer "+secret)
	_, err = conn.Config(metadata.NewOutgoingContext(t.Context(), claim), &connect.ConfigRequest{})
	require.Equal(t, codes.NotFound, status.Code(err))
	require.Equal(t, []string{"ada"}, seen.Get("x-spurwheel-principal"))
	require.Equal(t, []string{"user"}, seen.Get("x-spurwheel-principal-role"))
	require.Empty(t, seen.Get("authorization"))
	require.Equal(t, []string{"stays"}, seen.Get("x-other"))
}
