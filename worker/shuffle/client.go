package shuffle

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Client is Peers over connections. It is safe for concurrent use.
type Client struct {
	dial  func(ctx context.Context, worker string) (net.Conn, error)
	stall time.Duration
	mu    struct {
		sync.Mutex
		closed bool
		idle   map[string][]*link
	}
}

// link is a connection and what was read of it ahead.
type link struct {
	net.Conn
	r *bufio.Reader
}

// maxIdle is how many connections to a worker are kept for the next request.
const maxIdle = 4

// readAhead is enough for headers and small blocks; a payload that is larger
// goes from the socket to where it stays.
const readAhead = 16 << 10

// NewClient makes a client; dial connects to a worker's Serve (see Dialer).
func NewClient(dial func(ctx context.Context, worker string) (net.Conn, error)) *Client {
	c := &Client{dial: dial, stall: stall}
	c.mu.idle = map[string][]*link{}
	return c
}

// Open implements Peers. A kept connection may have died: then a fresh one is
// tried, unless what it met is a peer that gives no answer.
func (c *Client) Open(ctx context.Context, worker string, id *pb.TaskID, partition, from int) (Blocks, error) {
	q := &request{kind: askPart, part: partition, from: from, task: id}
	if l := c.take(worker); l != nil {
		b, err := c.request(ctx, l, worker, q)
		if err == nil || !errs.Is(err, errs.Unavailable) || stalled(err) || ctx.Err() != nil {
			return b, err
		}
	}
	conn, err := c.dial(ctx, worker)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, ofDial(err)
	}
	return c.request(ctx, &link{conn, bufio.NewReaderSize(conn, readAhead)}, worker, q)
}

// ofDial gives an error of a foreign dialer a kind. Its time-out is not that of
// the caller's context, so what it wraps is left behind.
func ofDial(err error) error {
	if k := errs.KindOf(err); k != errs.Other && k != errs.Deadline {
		return err
	}
	return errs.E(errs.Unavailable, "shuffle.Open", errors.New(err.Error()))
}

func (c *Client) take(worker string) *link {
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
func (c *Client) put(worker string, l *link) error {
	c.mu.Lock()
	keep := !c.mu.closed && len(c.mu.idle[worker]) < maxIdle
	if keep {
		c.mu.idle[worker] = append(c.mu.idle[worker], l)
	}
	c.mu.Unlock()
	if keep {
		return nil
	}
	return l.Close()
}

// Close hangs up kept connections.
func (c *Client) Close() error {
	c.mu.Lock()
	c.mu.closed = true
	idle := c.mu.idle
	c.mu.idle = map[string][]*link{}
	c.mu.Unlock()
	var err error
	for _, l := range idle {
		for _, conn := range l {
			err = errors.Join(err, conn.Close())
		}
	}
	return err
}

// request sends a request and reads the first header, so that a dead connection
// and a missing output show at once.
func (c *Client) request(ctx context.Context, l *link, worker string, q *request) (Blocks, error) {
	b := &remoteBlocks{of: c, worker: worker, link: l, stall: c.stall}
	msg, err := q.encode()
	if err == nil {
		err = b.ask(ctx, msg)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// remoteBlocks is a partition from a peer.
type remoteBlocks struct {
	of     *Client
	worker string
	link   *link
	stall  time.Duration
	first  *header // read, its payload not
	head   [headerLen]byte
	ended  bool
}

func (b *remoteBlocks) ask(ctx context.Context, msg []byte) error {
	if err := b.link.SetDeadline(time.Now().Add(b.stall)); err != nil {
		return cut(err)
	}
	if _, err := b.link.Write(msg); err != nil {
		return cut(err)
	}
	h, err := b.header(ctx)
	if err != nil {
		return err
	}
	if h.kind == kindFailed {
		return b.refused(ctx, h)
	}
	b.first = h
	return nil
}

// cut is the error of a connection.
func cut(err error) error {
	if atEnd(err) { // of the connection, not of the rows
		err = io.ErrUnexpectedEOF
	}
	return &fault{reason: ReasonCut, stalled: errors.Is(err, os.ErrDeadlineExceeded), err: errs.E(errs.Unavailable, "shuffle.Read", errors.New(err.Error()))}
}

func (b *remoteBlocks) Next(ctx context.Context, room *Buffer) ([]byte, error) {
	if b.ended {
		return nil, io.EOF
	}
	h := b.first
	if b.first = nil; h == nil {
		var err error
		if h, err = b.header(ctx); err != nil {
			return nil, err
		}
	}
	switch h.kind {
	case kindBlock:
		data, err := room.Grow(headerLen + int(h.stored))
		if err != nil {
			return nil, err
		}
		copy(data, b.head[:])
		return data, b.fill(ctx, data[headerLen:])
	case kindEnd:
		b.ended = true
		return nil, io.EOF
	case kindFailed:
		return nil, b.refused(ctx, h)
	}
	return nil, errs.Errorf(errs.Corrupt, "shuffle.Read", "a header of kind %d", h.kind)
}

func (b *remoteBlocks) header(ctx context.Context) (*header, error) {
	if err := b.fill(ctx, b.head[:]); err != nil {
		return nil, err
	}
	h, err := parseHeader(b.head[:])
	return &h, err
}

func (b *remoteBlocks) refused(ctx context.Context, h *header) error {
	if h.stored > maxFailure {
		return errTooLarge
	}
	text := make([]byte, h.stored)
	if err := b.fill(ctx, text); err != nil {
		return err
	}
	b.ended = true
	return h.failure(text)
}

// fill reads into all of data. Each piece has to come within the stall time;
// ctx ends a wait by ending the connection.
func (b *remoteBlocks) fill(ctx context.Context, data []byte) error {
	if b.link.r.Buffered() >= len(data) {
		_, err := io.ReadFull(b.link.r, data)
		return err
	}
	l := b.link // the call may come late, after Close
	stop := context.AfterFunc(ctx, func() { _ = l.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for len(data) > 0 {
		if err := l.SetReadDeadline(time.Now().Add(b.stall)); err != nil {
			return cut(err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n, err := io.ReadFull(l.r, data[:min(len(data), maxPiece)])
		if data = data[n:]; err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return cut(err)
		}
	}
	return nil
}

// maxPiece is what has to come within the stall time.
const maxPiece = 8 << 20

// Close keeps the connection if the answer was read to its end.
func (b *remoteBlocks) Close() error {
	if b.link == nil {
		return nil
	}
	l := b.link
	b.link = nil
	if b.ended {
		return b.of.put(b.worker, l)
	}
	return l.Close()
}
