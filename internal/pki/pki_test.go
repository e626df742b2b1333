package pki_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/pki"
)

var start = time.Now()

func authority(t *testing.T, cluster string) *pki.CA {
	t.Helper()
	ca, err := pki.NewCA(cluster, start)
	require.NoError(t, err)
	return ca
}

// node is the folder of a node with a fresh certificate.
func node(t *testing.T, ca *pki.CA, c clock.Clock, roles ...pki.Role) (*pki.Source, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tls")
	issue(t, ca, dir, "n1", roles...)
	s, err := pki.Open(dir, c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return s, dir
}

func issue(t *testing.T, ca *pki.CA, dir, name string, roles ...pki.Role) {
	t.Helper()
	p, err := ca.Issue(pki.Request{Name: name, Roles: roles, Hosts: []string{"localhost", "127.0.0.1"}}, start)
	require.NoError(t, err)
	require.NoError(t, p.Save(dir))
}

// shake makes a connection and returns what each end has to say of it, and the
// name on the server's certificate.
func shake(t *testing.T, server, client *tls.Config) (name string, atServer, atClient error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	a, err := l.Accept()
	require.NoError(t, err)
	require.NoError(t, l.Close())
	done := make(chan error, 1)
	go func() {
		s := tls.Server(a, server)
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("x"))
		}
		done <- err
		_ = a.Close()
	}()
	c := tls.Client(b, client)
	atClient = c.Handshake()
	if atClient == nil {
		name = c.ConnectionState().PeerCertificates[0].Subject.CommonName
		_, atClient = io.ReadFull(c, make([]byte, 1)) // a server that refuses says so after the client's handshake
	}
	_ = b.Close()
	return name, <-done, atClient
}

func TestRolesDecideWhoSpeaksToWhom(t *testing.T) {
	ca, other := authority(t, "prod"), authority(t, "prod")
	now := clock.Real{}
	worker, _ := node(t, ca, now, pki.Worker)
	both, _ := node(t, ca, now, pki.Scheduler, pki.Worker)
	stranger, _ := node(t, other, now, pki.Worker)
	foreign, _ := node(t, authority(t, "test"), now, pki.Worker)
	for name, c := range map[string]struct {
		server, client *tls.Config
		ok             bool
	}{
		"worker to worker":        {worker.ServerConfig(pki.Worker), worker.ClientConfig(pki.Worker), true},
		"one of two roles":        {both.ServerConfig(pki.Worker, pki.Gateway), both.ClientConfig(pki.Scheduler), true},
		"client role not allowed": {worker.ServerConfig(pki.Scheduler), worker.ClientConfig(pki.Worker), false},
		"server role not wanted":  {worker.ServerConfig(pki.Worker), worker.ClientConfig(pki.Scheduler), false},
		"nobody allowed":          {worker.ServerConfig(), worker.ClientConfig(pki.Worker), false},
		"another authority":       {worker.ServerConfig(pki.Worker), stranger.ClientConfig(pki.Worker), false},
		"another cluster":         {worker.ServerConfig(pki.Worker), foreign.ClientConfig(pki.Worker), false},
		"no certificate":          {worker.ServerConfig(pki.Worker), &tls.Config{InsecureSkipVerify: true}, false},
		"TLS 1.2":                 {worker.DoorConfig(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}, false},
		"door without client":     {worker.DoorConfig(), &tls.Config{InsecureSkipVerify: true}, true},
	} {
		_, atServer, atClient := shake(t, c.server, c.client)
		require.Equal(t, c.ok, atServer == nil && atClient == nil, "%s: %v, %v", name, atServer, atClient)
	}
}

// Nodes that trust each other's authorities still keep their clusters apart.
func TestClustersAreKeptApart(t *testing.T) {
	prod, test := authority(t, "prod"), authority(t, "test")
	var dirs []string
	for _, ca := range []*pki.CA{prod, test} {
		_, dir := node(t, ca, clock.Real{}, pki.Worker)
		dirs = append(dirs, dir)
	}
	var trusted []byte
	for _, dir := range dirs {
		one, err := os.ReadFile(filepath.Join(dir, pki.CAFile))
		require.NoError(t, err)
		trusted = append(trusted, one...)
	}
	var ends []*pki.Source
	for _, dir := range dirs {
		require.NoError(t, os.WriteFile(filepath.Join(dir, pki.CAFile), trusted, 0o600))
		s, err := pki.Open(dir, clock.Real{}, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		ends = append(ends, s)
	}
	_, atServer, atClient := shake(t, ends[0].ServerConfig(pki.Worker), ends[1].ClientConfig(pki.Worker))
	require.ErrorContains(t, errors.Join(atServer, atClient), "is of cluster")
}

// A client that knows the authority alone checks the host name, as PySpark does.
func TestHostNamesOfADoor(t *testing.T) {
	s, dir := node(t, authority(t, "prod"), clock.Real{}, pki.Gateway)
	pool := x509.NewCertPool()
	pem, err := os.ReadFile(filepath.Join(dir, pki.CAFile))
	require.NoError(t, err)
	require.True(t, pool.AppendCertsFromPEM(pem))
	for host, ok := range map[string]bool{"localhost": true, "127.0.0.1": true, "elsewhere": false} {
		_, _, err := shake(t, s.DoorConfig(), &tls.Config{RootCAs: pool, ServerName: host})
		require.Equal(t, ok, err == nil, "%s: %v", host, err)
	}
}

func TestRotationNeedsNoRestart(t *testing.T) {
	ca, next := authority(t, "prod"), authority(t, "prod")
	c := clock.NewManual(start)
	s, dir := node(t, ca, c, pki.Worker)
	server, client := s.ServerConfig(pki.Worker), s.ClientConfig(pki.Worker)
	connect := func() (string, error) {
		name, atServer, atClient := shake(t, server, client)
		return name, errors.Join(atServer, atClient)
	}
	issue(t, ca, dir, "n2", pki.Worker)
	name, err := connect()
	require.NoError(t, err)
	require.Equal(t, "n1", name, "files are looked at once a second")
	c.Advance(2 * time.Second)
	name, err = connect()
	require.NoError(t, err)
	require.Equal(t, "n2", name)

	// A file that is half there leaves the old certificate in place.
	require.NoError(t, os.WriteFile(filepath.Join(dir, pki.NodeFile), []byte("-----BEGIN"), 0o600))
	c.Advance(2 * time.Second)
	name, err = connect()
	require.NoError(t, err)
	require.Equal(t, "n2", name)

	issue(t, next, dir, "n3", pki.Worker) // another authority, and its certificate
	c.Advance(2 * time.Second)
	name, err = connect()
	require.NoError(t, err)
	require.Equal(t, "n3", name)

	c.Advance(400 * 24 * time.Hour)
	_, err = connect()
	require.ErrorContains(t, err, "expired")
}

func TestFilesAreTheUsersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	ca := authority(t, "prod")
	require.NoError(t, ca.Save(dir))
	require.True(t, errs.Is(ca.Save(dir), errs.Invalid), "an authority is not written over")
	issue(t, ca, dir, "n", pki.Client)
	require.NoError(t, pki.NewKey(filepath.Join(dir, pki.KeyFile)))
	require.True(t, errs.Is(pki.NewKey(filepath.Join(dir, pki.KeyFile)), errs.Invalid))
	key, err := pki.ReadKey(filepath.Join(dir, pki.KeyFile))
	require.NoError(t, err)
	require.Len(t, key, pki.KeySize)
	_, err = pki.ReadKey(filepath.Join(dir, pki.CAFile))
	require.True(t, errs.Is(err, errs.Invalid))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 4)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode(), e.Name())
	}
	again, err := pki.LoadCA(dir)
	require.NoError(t, err)
	require.Equal(t, "prod", again.Cluster)
	require.NoError(t, os.Remove(filepath.Join(dir, pki.CAKey)))
	_, err = pki.LoadCA(dir)
	require.True(t, errs.Is(err, errs.Invalid))
	require.ErrorContains(t, err, "spurwheel tls init")
}

func TestRequestsThatAreRefused(t *testing.T) {
	ca := authority(t, "prod")
	for _, q := range []pki.Request{{}, {Roles: []pki.Role{pki.Worker}, Days: 10_000}, {Roles: []pki.Role{pki.Worker}, Days: -1}} {
		_, err := ca.Issue(q, start)
		require.True(t, errs.Is(err, errs.Invalid), "%+v", q)
	}
	for _, name := range []string{"", "Prod", "a/b", "-a", "a b"} {
		_, err := pki.NewCA(name, start)
		require.True(t, errs.Is(err, errs.Invalid), name)
	}
	_, err := pki.ParseRole("root")
	require.True(t, errs.Is(err, errs.Invalid))
}

func TestIdentities(t *testing.T) {
	uri := func(s string) *url.URL {
		u, err := url.Parse(s)
		require.NoError(t, err)
		return u
	}
	for text, want := range map[string][]pki.Role{
		"spiffe://c/worker": {pki.Worker}, "spiffe://c/worker/x": nil, "https://c/worker": nil, "spiffe://c/": nil, "spiffe://c/worker?x=1": nil,
	} {
		id, err := pki.IdentityOf(&x509.Certificate{URIs: []*url.URL{uri(text)}})
		require.Equal(t, want == nil, err != nil, text)
		require.Equal(t, want, id.Roles, text)
	}
	_, err := pki.IdentityOf(&x509.Certificate{URIs: []*url.URL{uri("spiffe://a/worker"), uri("spiffe://b/worker")}})
	require.True(t, errs.Is(err, errs.Permission))
	_, ok := pki.PeerOf(context.Background())
	require.False(t, ok)
}

func TestWhatMayListenWhere(t *testing.T) {
	for _, c := range []struct {
		addr                string
		tls, auth, insecure bool
		want                string // part of the error
	}{
		{addr: "127.0.0.1:1"},
		{addr: "localhost:1"},
		{addr: "[::1]:1"},
		{addr: "127.9.9.9:0"},
		{addr: "0.0.0.0:1", tls: true, auth: true},
		{addr: "10.0.0.1:1", insecure: true},
		{addr: "0.0.0.0:1", want: "without TLS and authentication"},
		{addr: ":15002", want: "without TLS and authentication"},
		{addr: "[::]:1", tls: true, want: "without authentication"},
		{addr: "10.0.0.1:1", auth: true, want: "without TLS"},
		{addr: "localhost.example.org:1", want: "spurwheel tls init"},
		{addr: "here", want: "host:port"},
		{addr: "[::ffff:10.0.0.1]:1", want: "TLS"},
	} {
		err := pki.CheckListen(c.addr, c.tls, c.auth, c.insecure)
		if c.want == "" {
			require.NoError(t, err, c.addr)
			continue
		}
		require.ErrorContains(t, err, c.want, c.addr)
		require.True(t, errs.Is(err, errs.Invalid), "exit status 2")
	}
}
