package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/spurwheel/spurwheel/gateway/auth"
	"github.com/spurwheel/spurwheel/gateway/sparkconnect"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/pki"
)

func tlsCommand(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := newTLS()
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestTLSCommandsMakeWhatNodesUse(t *testing.T) {
	ca, node := filepath.Join(t.TempDir(), "ca"), filepath.Join(t.TempDir(), "n1")
	_, err := tlsCommand(t, "init", "--dir", ca, "--cluster", "prod")
	require.NoError(t, err)
	_, err = tlsCommand(t, "init", "--dir", ca, "--cluster", "prod")
	require.True(t, errs.Is(err, errs.Invalid), "an authority is not written over: %v", err)
	key, err := pki.ReadKey(filepath.Join(ca, pki.KeyFile))
	require.NoError(t, err)
	require.Len(t, key, pki.KeySize)

	_, err = tlsCommand(t, "issue", "--dir", ca, "--out", node, "--role", "worker,gateway", "--name", "n1", "--host", "n1.example.org,10.0.0.1")
	require.NoError(t, err)
	s, err := pki.Open(node, clock.Real{}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Equal(t, pki.Identity{Cluster: "prod", Name: "n1", Roles: []pki.Role{pki.Worker, pki.Gateway}}, s.Identity())
	out, err := tlsCommand(t, "show", filepath.Join(node, pki.NodeFile), filepath.Join(node, pki.CAFile))
	require.NoError(t, err)
	require.Contains(t, out, `"n1", [worker gateway] of cluster prod, hosts [n1.example.org 10.0.0.1]`)
	require.Contains(t, out, "authority")
	require.NotContains(t, out, "PRIVATE")
	for _, args := range [][]string{
		{"issue", "--dir", ca, "--out", node, "--role", "root"},
		{"issue", "--dir", node, "--out", node, "--role", "worker"},
		{"init", "--dir", t.TempDir(), "--cluster", "No Name"},
		{"show", ca},
		{"token", "a b", "--file", filepath.Join(ca, "tokens")},
	} {
		_, err = tlsCommand(t, args...)
		require.True(t, errs.Is(err, errs.Invalid), "%v: %v", args, err)
	}
}

func TestTokensArePrintedOnceAndKeptAsHashes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tls", "tokens")
	for _, user := range []string{"ada", "bob"} {
		out, err := tlsCommand(t, "token", user, "--file", file)
		require.NoError(t, err)
		secret := strings.TrimSpace(out)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotContains(t, string(text), secret)
		list, err := auth.OpenTokens(file, clock.Real{}, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		who, err := list.Lookup(secret)
		require.NoError(t, err)
		require.Equal(t, auth.Principal{Name: user, Role: auth.User}, who)
	}
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode())
}

// nodeSecurity is that of a node with the given roles, and of users' tokens if a file is named.
func nodeSecurity(t *testing.T, ca, tokens string, roles string) *security {
	t.Helper()
	dir := t.TempDir()
	_, err := tlsCommand(t, "issue", "--dir", ca, "--out", dir, "--role", roles, "--name", roles, "--host", "localhost")
	require.NoError(t, err)
	s, err := openSecurity(dir, tokens, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return s
}

// serveMethods serves Spark Connect's methods, which answer Unimplemented or note who
// calls, and connects to them.
func serveMethods(t *testing.T, opts []grpc.ServerOption, users sparkconnect.Authenticator, creds credentials.TransportCredentials) (conn *grpc.ClientConn, who func() string) {
	t.Helper()
	var name atomic.Pointer[string]
	server := grpc.NewServer(append(opts, grpc.UnknownServiceHandler(func(_ any, in grpc.ServerStream) error {
		if users == nil {
			return status.Error(codes.Unimplemented, "reached")
		}
		p, err := users.Authenticate(in.Context(), "", "")
		name.Store(&p.Name)
		if err != nil {
			return status.Error(codes.Unauthenticated, err.Error())
		}
		return status.Error(codes.Unimplemented, "reached")
	}))...)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	conn, err = grpc.NewClient("passthrough:///"+net.JoinHostPort("localhost", port), grpc.WithTransportCredentials(creds))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		server.Stop()
		require.NoError(t, <-done)
	})
	return conn, func() string { return *name.Load() }
}

func callAny(ctx context.Context, conn *grpc.ClientConn) codes.Code {
	return status.Code(conn.Invoke(ctx, "/spark.connect.SparkConnectService/Config", &emptypb.Empty{}, &emptypb.Empty{}))
}

func TestNodesProveTheirRoles(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca")
	_, err := tlsCommand(t, "init", "--dir", ca)
	require.NoError(t, err)
	tokens := filepath.Join(ca, "tokens")
	secret, err := tlsCommand(t, "token", "ada", "--file", tokens)
	require.NoError(t, err)
	scheduler, worker := nodeSecurity(t, ca, "", "scheduler"), nodeSecurity(t, ca, "", "worker")
	gateway := nodeSecurity(t, ca, tokens, "gateway")

	// Inner port: certificates, not only TLS.
	conn, _ := serveMethods(t, scheduler.schedulerOptions(), nil, worker.toScheduler())
	require.Equal(t, codes.Unimplemented, callAny(t.Context(), conn))
	conn, _ = serveMethods(t, scheduler.schedulerOptions(), nil, credentials.NewTLS(&tls.Config{InsecureSkipVerify: true}))
	require.Equal(t, codes.Unavailable, callAny(t.Context(), conn))
	conn, _ = serveMethods(t, worker.schedulerOptions(), nil, worker.toScheduler())
	require.Equal(t, codes.Unavailable, callAny(t.Context(), conn), "a worker is no scheduler")

	// Users' port: a token.
	roots := x509.NewCertPool()
	pem, err := os.ReadFile(filepath.Join(ca, pki.CAFile))
	require.NoError(t, err)
	require.True(t, roots.AppendCertsFromPEM(pem))
	conn, _ = serveMethods(t, gateway.gatewayOptions(), nil, credentials.NewClientTLSFromCert(roots, ""))
	require.Equal(t, codes.Unauthenticated, callAny(t.Context(), conn))
	require.Equal(t, codes.Unimplemented, callAny(metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+strings.TrimSpace(secret)), conn))

	// The leader believes a gateway for whom it calls.
	said := auth.Forward(t.Context(), auth.Principal{Name: "ada", Role: auth.User})
	conn, who := serveMethods(t, scheduler.schedulerOptions(), scheduler.users(), gateway.toScheduler())
	require.Equal(t, codes.Unimplemented, callAny(said, conn))
	require.Equal(t, "ada", who())
	conn, who = serveMethods(t, scheduler.schedulerOptions(), scheduler.users(), worker.toScheduler())
	require.Equal(t, codes.Unauthenticated, callAny(said, conn))
	require.Empty(t, who())

	require.NotNil(t, scheduler.raft().Server)
	door, dial := worker.stores()
	require.NotNil(t, door)
	require.NotNil(t, dial)
}

func TestWithoutMaterialNothingIsProved(t *testing.T) {
	s, err := openSecurity("", "", nil)
	require.NoError(t, err)
	require.Nil(t, s)
	require.False(t, s.hasTLS() || s.hasTokens())
	require.Nil(t, s.schedulerOptions())
	require.Nil(t, s.gatewayOptions())
	require.Nil(t, s.toScheduler())
	require.Nil(t, s.raft())
	require.Nil(t, s.users())
	door, dial := s.stores()
	require.Nil(t, door)
	require.Nil(t, dial)
	for _, args := range [][2]string{{t.TempDir(), ""}, {"", filepath.Join(t.TempDir(), "none")}} {
		_, err = openSecurity(args[0], args[1], slog.New(slog.DiscardHandler))
		require.True(t, errs.Is(err, errs.Invalid), "%v", err)
	}
}
