package cluster

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

func TestConfigRefuses(t *testing.T) {
	good := func() Config { return Config{ID: "a", Address: "127.0.0.1:0", Data: t.TempDir(), Expect: 1} }
	for name, change := range map[string]func(*Config){
		"no name":              func(c *Config) { c.ID = "" },
		"no folder":            func(c *Config) { c.Data = "" },
		"too many":             func(c *Config) { c.Expect = 8 },
		"alone among others":   func(c *Config) { c.Join = []string{"127.0.0.1:9"} },
		"joins nobody":         func(c *Config) { c.Expect = 0 },
		"a short secret":       func(c *Config) { c.Secret = []byte("x") },
		"all addresses":        func(c *Config) { c.Address = "0.0.0.0:1" },
		"no address":           func(c *Config) { c.Address = ":1" },
		"a public name":        func(c *Config) { c.Advertise = "host:1" },
		"a public IPv6":        func(c *Config) { c.Address = "[2001:db8::1]:1" },
		"a folder that is not": func(c *Config) { c.Data = "/dev/null/x" },
	} {
		c := good()
		change(&c)
		_, err := Start(t.Context(), c)
		require.Error(t, err, name)
		require.NotEmpty(t, errs.KindOf(err).String(), name)
		if _, ok := errors.AsType[*InsecureAddress](err); ok {
			require.True(t, errs.Is(err, errs.Permission))
		}
	}
	c := good()
	c.Address = "0.0.0.0:1"
	_, insecure := errors.AsType[*InsecureAddress](c.validate())
	require.True(t, insecure)
	c.TLS = &TLS{}
	require.NoError(t, c.validate(), "TLS makes it right")
	for _, a := range []string{"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "[::ffff:127.0.0.1]:1"} {
		require.True(t, loopback(a), a)
	}
}

// certificate is one that both ends trust.
func certificate(t *testing.T) *TLS {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "scheduler"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	root, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(root)
	own := []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}
	return &TLS{
		Server: &tls.Config{Certificates: own, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13},
		Client: &tls.Config{Certificates: own, RootCAs: roots, MinVersion: tls.VersionTLS13},
	}
}

// Real sockets with mutual TLS, in real time.
func TestAGroupOverTLS(t *testing.T) {
	cert := certificate(t)
	all := freeAddresses(t, 3)
	leaderc := make(chan *Group, 10)
	for i, a := range all {
		g, err := Start(t.Context(), Config{ID: string(rune('a' + i)), Address: a, Data: t.TempDir(), Expect: 3, Join: all, TLS: cert})
		require.NoError(t, err)
		var running sync.WaitGroup
		running.Go(func() {
			_ = g.Run(t.Context(), func(ctx context.Context, _ uint64) error {
				leaderc <- g
				<-ctx.Done()
				return nil
			})
		})
		t.Cleanup(func() { // after the test's context has ended
			running.Wait()
			require.NoError(t, g.Close())
		})
	}
	leader := <-leaderc
	require.NoError(t, leader.Append(t.Context(), record.OpenSession{Session: "s"}))
	// A stranger's certificate is refused, and so is one who speaks plainly.
	strange := Config{ID: "x", Address: "127.0.0.1:0", Data: t.TempDir(), Expect: 1, TLS: certificate(t)}
	require.NoError(t, strange.validate())
	stranger, err := newStream(t.Context(), &strange)
	require.NoError(t, err)
	defer stranger.Close()
	_, err = stranger.dial(t.Context(), all[0], forCall)
	require.Error(t, err)
	plain, err := net.Dial("tcp", all[0])
	require.NoError(t, err)
	defer plain.Close()
	require.NoError(t, writeMessage(plain, &pb.GroupCall{Kind: &pb.GroupCall_Hello_{Hello: &pb.GroupCall_Hello{}}}))
	require.NoError(t, plain.SetReadDeadline(time.Now().Add(10*time.Second)))
	answer, err := io.ReadAll(plain)
	if err == nil {
		require.Error(t, readMessage(bytes.NewReader(answer), &pb.GroupReply{}))
	}
}

func FuzzCall(f *testing.F) {
	var call bytes.Buffer
	require.NoError(f, writeMessage(&call, &pb.GroupCall{From: &pb.GroupNode{Id: "a"}, Kind: &pb.GroupCall_Pin_{Pin: &pb.GroupCall_Pin{Ids: []string{"a", "b"}}}}))
	f.Add(call.Bytes())
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &pb.GroupCall{}
		if readMessage(bytes.NewReader(data), m) != nil {
			return
		}
		var again bytes.Buffer
		require.NoError(t, writeMessage(&again, m))
		back := &pb.GroupCall{}
		require.NoError(t, readMessage(&again, back))
		require.True(t, proto.Equal(m, back))
		p := newPeers("self")
		p.heard(m.GetFrom())
		for _, known := range p.list() {
			require.NotEmpty(t, known.ID)
		}
	})
}
