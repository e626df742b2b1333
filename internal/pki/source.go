package pki

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Source is a node's certificate and the authorities it trusts, read again when
// their files change: rotation needs no restart. It is safe for concurrent use.
type Source struct {
	node, authority string
	clock           clock.Clock
	log             *slog.Logger
	mu              struct {
		sync.Mutex
		looked time.Time
		seen   [2]stamp
		now    *material
	}
}

// stamp tells a file from its successor.
type stamp struct {
	changed time.Time
	size    int64
	mode    os.FileMode
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size(), info.Mode()}
}

// lookEvery is how long a change of the files may go unseen.
const lookEvery = time.Second

// Open reads the folder of a node.
func Open(dir string, c clock.Clock, log *slog.Logger) (*Source, error) {
	s := &Source{node: filepath.Join(dir, NodeFile), authority: filepath.Join(dir, CAFile), clock: c, log: log}
	s.mu.seen, s.mu.looked = s.stamps(), c.Now()
	m, err := readMaterial(s.node, s.authority)
	s.mu.now = m
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Source) stamps() [2]stamp { return [2]stamp{stampOf(s.node), stampOf(s.authority)} }

// Identity is the node's own.
func (s *Source) Identity() Identity { return s.current().own }

// current is the material to use now. Files that cannot be used leave the old
// in place: a node does not fall silent because of a copy that is half done.
func (s *Source) current() *material {
	s.mu.Lock()
	now, was := s.mu.now, s.mu.seen
	due := s.clock.Now().Sub(s.mu.looked) >= lookEvery
	if due {
		s.mu.looked = s.clock.Now()
	}
	s.mu.Unlock()
	if !due {
		return now
	}
	seen := s.stamps() // before reading: what changes meanwhile is seen the next time
	if seen == was {
		return now
	}
	m, err := readMaterial(s.node, s.authority)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.seen = seen
	if err != nil {
		s.log.Warn("new TLS files cannot be used, the old stay", slog.Any("error", err))
		return s.mu.now
	}
	s.mu.now = m
	return m
}

// ServerConfig is for an inner port that takes peers of the given roles alone.
func (s *Source) ServerConfig(allowed ...Role) *tls.Config {
	c := s.DoorConfig()
	c.ClientAuth = tls.RequireAnyClientCert // VerifyConnection does the rest, with the authorities of the day
	c.VerifyConnection = func(cs tls.ConnectionState) error {
		return s.check(cs.PeerCertificates, x509.ExtKeyUsageClientAuth, allowed)
	}
	return c
}

// DoorConfig is for a port whose callers prove themselves by a token inside.
func (s *Source) DoorConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &s.current().pair, nil },
	}
}

// ClientConfig is for calling a peer that has one of the roles. What counts is
// the role in its certificate, not the name it was reached by.
func (s *Source) ClientConfig(peers ...Role) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &s.current().pair, nil
		},
		InsecureSkipVerify: true, // of the name; VerifyConnection verifies chain, cluster and role
		VerifyConnection: func(cs tls.ConnectionState) error {
			return s.check(cs.PeerCertificates, x509.ExtKeyUsageServerAuth, peers)
		},
	}
}

// check verifies a peer: chain, time, cluster and role.
func (s *Source) check(chain []*x509.Certificate, usage x509.ExtKeyUsage, allowed []Role) error {
	if len(chain) == 0 {
		return errs.Errorf(errs.Permission, "pki", "the peer has shown no certificate")
	}
	m := s.current()
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: m.roots, Intermediates: between, CurrentTime: s.clock.Now(), KeyUsages: []x509.ExtKeyUsage{usage},
	})
	if err != nil {
		return errs.E(errs.Permission, "pki", err)
	}
	id, err := IdentityOf(chain[0])
	switch {
	case err != nil:
		return err
	case id.Cluster != m.own.Cluster:
		return errs.Errorf(errs.Permission, "pki", "%q is of cluster %s, this is %s", id.Name, id.Cluster, m.own.Cluster)
	case !id.Has(allowed...):
		return errs.Errorf(errs.Permission, "pki", "%q has the roles %v, wanted is one of %v", id.Name, id.Roles, allowed)
	}
	return nil
}

// ServerCredentials is ServerConfig for gRPC.
func (s *Source) ServerCredentials(allowed ...Role) credentials.TransportCredentials {
	return credentials.NewTLS(s.ServerConfig(allowed...))
}

// ClientCredentials is ClientConfig for gRPC.
func (s *Source) ClientCredentials(peers ...Role) credentials.TransportCredentials {
	return credentials.NewTLS(s.ClientConfig(peers...))
}

// PeerOf is who makes a gRPC call on a port of ServerCredentials.
func PeerOf(ctx context.Context) (Identity, bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return Identity{}, false
	}
	t, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(t.State.PeerCertificates) == 0 {
		return Identity{}, false
	}
	id, err := IdentityOf(t.State.PeerCertificates[0])
	return id, err == nil
}
