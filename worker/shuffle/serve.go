package shuffle

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// maxConns bounds the requests that are served at once; more wait to be accepted.
const maxConns = 256

// Serve answers peers on l until ctx ends, then closes l, hangs up and waits.
// The listener decides who may connect (mutual TLS between hosts).
func (s *Store) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, maxConns)
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			cancel()
			return errs.E(errs.Unavailable, "shuffle.Serve", err)
		}
		wg.Go(func() {
			defer func() { <-slots }()
			hangUp := context.AfterFunc(ctx, func() { _ = c.Close() })
			defer hangUp()
			_ = s.serveConn(ctx, c) // the peer sees the connection end and retries
			_ = c.Close()
		})
	}
}

// Client is Peers over connections. It is safe for concurrent use.
type Client struct {
	dial func(ctx context.Context, worker string) (net.Conn, error)
	mu   struct {
		sync.Mutex
		closed bool
		idle   map[string][]net.Conn
	}
}

// maxIdle is how many connections to a worker are kept for the next request.
const maxIdle = 4

// NewClient makes a client; dial connects to a worker's Serve.
func NewClient(dial func(ctx context.Context, worker string) (net.Conn, error)) *Client {
	c := &Client{dial: dial}
	c.mu.idle = map[string][]net.Conn{}
	return c
}

// Open implements Peers. A kept connection may have died: then a fresh one is tried.
func (c *Client) Open(ctx context.Context, worker string, id *pb.TaskID, partition int) (Blocks, error) {
	if conn := c.take(worker); conn != nil {
		if b, err := c.request(ctx, conn, worker, id, partition); err == nil {
			return b, nil
		}
	}
	conn, err := c.dial(ctx, worker)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "shuffle.Open", err)
	}
	return c.request(ctx, conn, worker, id, partition)
}

func (c *Client) take(worker string) net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.mu.idle[worker]
	if len(l) == 0 {
		return nil
	}
	c.mu.idle[worker] = l[:len(l)-1]
	return l[len(l)-1]
}

// put keeps a connection whose last answer was read to its end.
func (c *Client) put(worker string, conn net.Conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.closed || len(c.mu.idle[worker]) >= maxIdle {
		return conn.Close()
	}
	c.mu.idle[worker] = append(c.mu.idle[worker], conn)
	return nil
}

// Close hangs up kept connections.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.closed = true
	var err error
	for _, l := range c.mu.idle {
		for _, conn := range l {
			err = errors.Join(err, conn.Close())
		}
	}
	c.mu.idle = map[string][]net.Conn{}
	return err
}

// request sends a request and reads the first frame, so that a dead connection
// and a missing output show at once.
func (c *Client) request(ctx context.Context, conn net.Conn, worker string, id *pb.TaskID, partition int) (Blocks, error) {
	b := &remoteBlocks{of: c, worker: worker, conn: conn, r: bufio.NewReaderSize(conn, 256<<10)}
	if err := conn.SetDeadline(time.Now().Add(stall)); err != nil {
		return nil, errors.Join(errs.E(errs.Unavailable, "shuffle.Open", err), conn.Close())
	}
	if err := writeRequest(bufio.NewWriter(conn), id, partition); err != nil {
		return nil, errors.Join(errs.E(errs.Unavailable, "shuffle.Open", err), conn.Close())
	}
	var err error
	if b.first, err = b.read(ctx); atEnd(err) {
		b.ended = true
	} else if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return b, nil
}

// remoteBlocks is a partition from a peer.
type remoteBlocks struct {
	of     *Client
	worker string
	conn   net.Conn
	r      *bufio.Reader
	first  []byte
	ended  bool
}

func (b *remoteBlocks) Next(ctx context.Context) ([]byte, error) {
	if f := b.first; f != nil {
		b.first = nil
		return f, nil
	}
	if b.ended {
		return nil, io.EOF
	}
	data, err := b.read(ctx)
	b.ended = atEnd(err)
	return data, err
}

// read takes a frame; ctx ends a wait by ending the connection.
func (b *remoteBlocks) read(ctx context.Context) ([]byte, error) {
	if err := b.conn.SetReadDeadline(time.Now().Add(stall)); err != nil {
		return nil, errs.E(errs.Unavailable, "shuffle.Read", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = b.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	kind, data, err := readFrame(b.r)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if errors.Is(err, io.EOF) { // of the connection, not of the rows
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, errs.E(errs.Unavailable, "shuffle.Read", err)
	}
	switch kind {
	case frameRaw, framePacked:
		return unpack(data, kind == framePacked)
	case frameEnd:
		return nil, io.EOF
	case frameFailed:
		if len(data) > 0 {
			return nil, errs.E(errs.Kind(data[0]), "shuffle.Read", errors.New(string(data[1:])))
		}
	}
	return nil, errs.Errorf(errs.Corrupt, "shuffle.Read", "frame of kind %d", kind)
}

// Close keeps the connection if the answer was read to its end.
func (b *remoteBlocks) Close() error {
	if b.conn == nil {
		return nil
	}
	conn := b.conn
	b.conn = nil
	if b.ended {
		return b.of.put(b.worker, conn)
	}
	return conn.Close()
}
