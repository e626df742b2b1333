package shuffle

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/mem"
)

// selfSigned is a certificate that both ends take for that of a worker.
func selfSigned(t *testing.T) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"worker"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	require.NoError(t, err)
	cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS13,
		RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, ServerName: "worker",
	}
}

// open starts a store behind the doors of e.
func open(t *testing.T, e Endpoint, epoch uint64, cfg Config) (*Store, Address) {
	t.Helper()
	l, err := Listen(t.Context(), e, epoch)
	require.NoError(t, err)
	cfg.Worker, cfg.Epoch = l.Address().String(), epoch
	s := New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.ServeAll(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
		require.NoError(t, s.Close())
	})
	return s, l.Address()
}

func reading(t *testing.T, d *Dialer) *Store {
	client := NewClient(d.Dial)
	s := New(Config{Worker: "near", Peers: client, Clock: hurried{}})
	t.Cleanup(func() {
		require.NoError(t, client.Close())
		require.NoError(t, s.Close())
	})
	return s
}

func TestEveryWayBetweenWorkers(t *testing.T) {
	secure := selfSigned(t)
	for name, c := range map[string]struct {
		door Endpoint
		dial Dialer
	}{
		"unix":     {Endpoint{TCP: "127.0.0.1:0", Unix: filepath.Join(t.TempDir(), "w", "s.sock")}, Dialer{}},
		"tcp":      {Endpoint{TCP: "127.0.0.1:0"}, Dialer{}},
		"tcp only": {Endpoint{TCP: "127.0.0.1:0", Unix: filepath.Join(t.TempDir(), "s.sock")}, Dialer{NoUnix: true}},
		"tls":      {Endpoint{TCP: "127.0.0.1:0", Host: "localhost", TLS: secure}, Dialer{TLS: secure}},
	} {
		for _, limit := range []int64{0, 1} { // memory and file
			far, _ := open(t, c.door, 77, Config{Dir: t.TempDir(), Budget: mem.NewBudget("far", limit)})
			near := reading(t, &c.dial)
			o := stored(t, far, &pb.TaskID{Job: "j"}, 5, 9000)
			for range 2 { // the second over a connection that was kept
				right, err := same(t.Context(), near, o)
				require.NoError(t, err, name)
				require.True(t, right, name)
			}
			far.Discard("j")
			_, err := same(t.Context(), near, o)
			requireLost(t, err, ReasonGone)
		}
	}
}

func TestAPeerWithoutCertificateIsNotServed(t *testing.T) {
	secure := selfSigned(t)
	far, at := open(t, Endpoint{TCP: "127.0.0.1:0", TLS: secure}, 5, Config{})
	o := stored(t, far, &pb.TaskID{Job: "j"}, 1, 10)
	bare := &tls.Config{RootCAs: secure.RootCAs, ServerName: "worker", MinVersion: tls.VersionTLS13}
	for _, d := range []*Dialer{{TLS: bare}, {}} {
		_, err := same(t.Context(), reading(t, d), o)
		requireLost(t, err, ReasonCut)
	}
	require.Equal(t, "tcp:"+at.TCP+"|epoch:5", o.Worker)
}

// A socket of the same path on another host is another worker's: TCP is taken
// then. A worker started anew under the address has nothing of what was asked for.
func TestAnotherWorkerAnswers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	_, _ = open(t, Endpoint{Unix: path}, 1, Config{})
	far, at := open(t, Endpoint{TCP: "127.0.0.1:0"}, 2, Config{})
	near := reading(t, &Dialer{})
	o := stored(t, far, &pb.TaskID{Job: "j"}, 2, 10)
	o.Worker = Address{Unix: path, TCP: at.TCP, Epoch: 2}.String()
	right, err := same(t.Context(), near, o)
	require.NoError(t, err)
	require.True(t, right)

	for _, worker := range []Address{{Unix: path, Epoch: 2}, {TCP: at.TCP, Epoch: 3}, {Epoch: 9}} {
		o.Worker = worker.String()
		_, err = same(t.Context(), near, o)
		requireLost(t, err, ReasonGone)
	}
}

func TestAWorkerThatIsGoneIsCutOff(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	near := reading(t, &Dialer{})
	_, err = same(t.Context(), near, &pb.Output{Task: &pb.TaskID{Job: "j"}, Worker: Address{TCP: l.Addr().String(), Epoch: 4}.String(), Rows: []int64{0, 1}})
	requireLost(t, err, ReasonCut)
}
