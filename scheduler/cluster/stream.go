package cluster

import (
	"context"
	"crypto/tls"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Network is how bytes travel. Its methods may be called from any goroutine.
type Network interface {
	Listen(ctx context.Context, address string) (net.Listener, error)
	Dial(ctx context.Context, address string) (net.Conn, error)
}

type tcp struct{}

// Listen on a TCP port.
func (tcp) Listen(ctx context.Context, address string) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
}

// Dial a TCP port.
func (tcp) Dial(ctx context.Context, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", address)
}

// The first byte of a connection says what it is for.
const (
	forRaft = 'r'
	forCall = 'c'
)

const (
	maxConns      = 256             // open at a time, of all peers together
	greetingDelay = 5 * time.Second // for the handshake and the first byte
)

// stream shares one port between raft and calls. It is raft's StreamLayer.
//
// Raft's connections are refused until the gate is opened: a scheduler without
// a log must not vote before it is settled that it never voted before.
type stream struct {
	cfg      *Config
	listener net.Listener
	address  string // advertised
	call     func(ctx context.Context, conn net.Conn)
	raftc    chan net.Conn
	closed   chan struct{}
	ended    chan struct{} // says that a connection of raft has ended; one word for many
	wg       sync.WaitGroup
	lent     sync.WaitGroup // connections that raft has accepted and not closed

	mu struct {
		sync.Mutex
		open  bool // for raft
		over  bool
		conns map[*tracked]struct{}
	}
}

var _ raft.StreamLayer = (*stream)(nil)

func newStream(ctx context.Context, cfg *Config) (*stream, error) {
	l, err := cfg.Testing.Network.Listen(ctx, cfg.Address)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "cluster.Listen", err)
	}
	s := &stream{cfg: cfg, listener: l, address: cfg.Advertise, raftc: make(chan net.Conn), closed: make(chan struct{}), ended: make(chan struct{}, 1)}
	s.mu.conns = map[*tracked]struct{}{}
	if s.address == "" {
		s.address = l.Addr().String()
	}
	return s, nil
}

// serve accepts connections until Close.
func (s *stream) serve(ctx context.Context) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			select {
			case <-s.closed:
				return
			case <-time.After(50 * time.Millisecond): // out of descriptors, say
				continue
			}
		}
		if t := s.track(conn); t != nil {
			s.wg.Go(func() { s.greet(ctx, t) })
		}
	}
}

// greet finds out what a connection is for.
func (s *stream) greet(ctx context.Context, t *tracked) {
	var conn net.Conn = t
	_ = conn.SetDeadline(time.Now().Add(greetingDelay))
	if s.cfg.TLS != nil {
		conn = tls.Server(conn, s.cfg.TLS.Server)
	}
	var first [1]byte
	if _, err := io.ReadFull(conn, first[:]); err != nil {
		_ = conn.Close()
		return
	}
	switch {
	case first[0] == forCall:
		s.call(ctx, conn)
		_ = conn.Close()
	case first[0] == forRaft && s.isOpen():
		_ = conn.SetDeadline(time.Time{})
		t.lend()
		select {
		case s.raftc <- conn:
		case <-s.closed:
			_ = conn.Close()
		}
	default:
		_ = conn.Close()
	}
}

func (s *stream) openGate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.open = true
}

func (s *stream) isOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.open
}

// track remembers a connection until it is closed, so that Close leaves none;
// nil where there are too many.
func (s *stream) track(conn net.Conn) *tracked {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.over || len(s.mu.conns) >= maxConns {
		_ = conn.Close()
		return nil
	}
	t := &tracked{Conn: conn, of: s}
	s.mu.conns[t] = struct{}{}
	return t
}

type tracked struct {
	net.Conn
	of    *stream
	lent  bool
	close sync.Once
}

// lend gives a connection to raft, which closes it when its goroutine ends;
// raft's own Close does not wait for that.
func (t *tracked) lend() {
	t.lent = true
	t.of.lent.Add(1)
}

// Close closes and forgets.
func (t *tracked) Close() error {
	t.close.Do(func() {
		t.of.mu.Lock()
		delete(t.of.mu.conns, t)
		t.of.mu.Unlock()
		if t.lent {
			t.of.lent.Done()
			select {
			case t.of.ended <- struct{}{}:
			default:
			}
		}
	})
	return t.Conn.Close()
}

// Accept waits for the next connection of raft.
func (s *stream) Accept() (net.Conn, error) {
	select {
	case conn := <-s.raftc:
		return conn, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

// Addr is what raft names us by.
func (s *stream) Addr() net.Addr { return named(s.address) }

type named string

// Network is tcp.
func (named) Network() string { return "tcp" }

// String is the address.
func (n named) String() string { return string(n) }

// Dial is raft's.
func (s *stream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return s.dial(ctx, string(address), forRaft)
}

// dial connects and says what for.
func (s *stream) dial(ctx context.Context, address string, purpose byte) (net.Conn, error) {
	raw, err := s.cfg.Testing.Network.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	t := s.track(raw)
	if t == nil {
		return nil, net.ErrClosed
	}
	var conn net.Conn = t
	if s.cfg.TLS != nil {
		conn = tls.Client(conn, clientTLS(s.cfg.TLS.Client, address))
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if _, err := conn.Write([]byte{purpose}); err != nil { // the handshake too
		_ = conn.Close()
		return nil, err
	}
	return conn, conn.SetDeadline(time.Time{})
}

func clientTLS(c *tls.Config, address string) *tls.Config {
	if c.ServerName != "" {
		return c
	}
	c = c.Clone()
	c.ServerName, _, _ = net.SplitHostPort(address)
	return c
}

// Close ends all connections. It may be called more than once; raft does too.
func (s *stream) Close() error {
	s.mu.Lock()
	over := s.mu.over
	s.mu.over = true
	conns := slices.Collect(maps.Keys(s.mu.conns))
	s.mu.Unlock()
	if over {
		return nil
	}
	close(s.closed)
	err := s.listener.Close()
	for _, c := range conns {
		_ = c.Conn.Close() // who holds it closes the rest
	}
	return err
}
