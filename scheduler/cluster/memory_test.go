package cluster

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// memory is a network of named nodes in one process. Between nodes that are cut
// bytes vanish: who waits for them waits until its own time-out.
type memory struct {
	delay atomic.Int64 // of every write, a time.Duration
	mu    struct {
		sync.Mutex
		listeners map[string]*memoryListener
		cut       map[[2]string]bool
		conns     map[*memoryConn]struct{}
	}
}

func newMemory() *memory {
	m := &memory{}
	m.mu.listeners, m.mu.cut, m.mu.conns = map[string]*memoryListener{}, map[[2]string]bool{}, map[*memoryConn]struct{}{}
	return m
}

// port is the network as one node has it.
type port struct {
	net  *memory
	node string
}

type memoryListener struct {
	port    port
	address string
	connc   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (p port) Listen(_ context.Context, address string) (net.Listener, error) {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	if p.net.mu.listeners[address] != nil {
		return nil, errors.New("the address is in use")
	}
	l := &memoryListener{port: p, address: address, connc: make(chan net.Conn), closed: make(chan struct{})}
	p.net.mu.listeners[address] = l
	return l, nil
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.connc:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.port.net.mu.Lock()
		defer l.port.net.mu.Unlock()
		delete(l.port.net.mu.listeners, l.address)
	})
	return nil
}

func (l *memoryListener) Addr() net.Addr { return named(l.address) }

func (p port) Dial(ctx context.Context, address string) (net.Conn, error) {
	p.net.mu.Lock()
	l := p.net.mu.listeners[address]
	cut := l != nil && p.net.mu.cut[[2]string{p.node, l.port.node}]
	p.net.mu.Unlock()
	switch {
	case l == nil:
		return nil, syscall.ECONNREFUSED
	case cut:
		<-ctx.Done()
		return nil, ctx.Err()
	}
	a, b := net.Pipe()
	here, there := p.net.wrap(a, p.node, l.port.node), p.net.wrap(b, l.port.node, p.node)
	select {
	case l.connc <- there:
		return here, nil
	case <-l.closed:
		return nil, syscall.ECONNREFUSED
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type memoryConn struct {
	net.Conn
	of       *memory
	from, to string
}

func (m *memory) wrap(c net.Conn, from, to string) *memoryConn {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := &memoryConn{c, m, from, to}
	m.mu.conns[w] = struct{}{}
	return w
}

func (c *memoryConn) Write(p []byte) (int, error) {
	c.of.mu.Lock()
	cut := c.of.mu.cut[[2]string{c.from, c.to}]
	c.of.mu.Unlock()
	if cut {
		return len(p), nil
	}
	if d := c.of.delay.Load(); d > 0 {
		time.Sleep(time.Duration(d))
	}
	return c.Conn.Write(p)
}

func (c *memoryConn) Close() error {
	c.of.mu.Lock()
	delete(c.of.mu.conns, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// isolate cuts a node off from all others, both ways.
func (m *memory) isolate(node string, others ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range others {
		if o != node {
			m.mu.cut[[2]string{node, o}], m.mu.cut[[2]string{o, node}] = true, true
		}
	}
}

// heal ends all cuts. Connections that lost bytes are reset.
func (m *memory) heal() {
	m.mu.Lock()
	var broken []*memoryConn
	for c := range m.mu.conns {
		if m.mu.cut[[2]string{c.from, c.to}] {
			broken = append(broken, c)
		}
	}
	clear(m.mu.cut)
	m.mu.Unlock()
	for _, c := range broken {
		_ = c.Close()
	}
}
