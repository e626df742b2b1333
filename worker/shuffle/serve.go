package shuffle

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// maxConns bounds the connections of a listener; more wait to be accepted, and
// a reader that waits too long takes the worker for cut off. So it is well above
// what a cluster's threads open, and what lies idle is hung up.
const (
	maxConns = 4096
	maxRest  = 30 * time.Second // between two requests
)

// What a connection holds of blocks on their way, beside the kernel's buffers:
// blocks in memory go by reference, those of a file in pieces.
const (
	sendAtOnce = 256 << 10
	sendBlocks = 64 // and at most so many in one call
	sendPiece  = 64 << 10
)

// unixBuffer is what the kernel holds of a Unix socket's bytes: a block, so that
// the two ends take turns less often. 10 % more bytes a CPU second than with
// the default.
const unixBuffer = 1 << 20

// ServeAll is Serve on all doors of l.
func (s *Store) ServeAll(ctx context.Context, l *Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	all := make([]error, len(l.list))
	var wg sync.WaitGroup
	for i, one := range l.list {
		wg.Go(func() {
			defer cancel() // one door that fails closes the others
			all[i] = s.Serve(ctx, one)
		})
	}
	wg.Wait()
	return errors.Join(all...)
}

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

// serveConn answers requests until the peer hangs up.
func (s *Store) serveConn(ctx context.Context, c net.Conn) error {
	r := bufio.NewReaderSize(c, requestLen+maxRequest)
	if u, ok := c.(*net.UnixConn); ok {
		_ = u.SetWriteBuffer(unixBuffer) // slower without, that is all
	}
	w := &sender{conn: c}
	for {
		if err := c.SetReadDeadline(time.Now().Add(maxRest)); err != nil {
			return err
		}
		q, err := readRequest(r)
		if atEnd(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.answer(ctx, w, q); err != nil {
			return err
		}
	}
}

func (s *Store) answer(ctx context.Context, w *sender, q *request) error {
	switch q.kind {
	case askHello:
		return w.head(&header{kind: kindHello, identity: identity{epoch: s.cfg.Epoch}})
	case askPart:
		return s.sendPart(ctx, w, q)
	}
	return errNoRequest
}

// sendPart sends one partition.
func (s *Store) sendPart(ctx context.Context, w *sender, q *request) error {
	who := identityOf(q.task, q.part, s.cfg.Epoch)
	bs, err := s.local(q.task, q.part, q.from)
	if err != nil {
		return w.bytes(failureFrame(who, err))
	}
	defer bs.Close()
	defer w.closeFile()
	if broken := bs.out.broken.Load(); broken != nil {
		return w.bytes(failureFrame(who, *broken))
	}
	for b, ok := bs.pop(); ok; b, ok = bs.pop() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if b.mem != nil {
			err = w.bytes(b.mem)
		} else {
			err = w.fromFile(bs.out, b)
		}
		if err != nil {
			return err
		}
	}
	return w.end(&header{identity: who, kind: kindEnd, seq: uint32(len(bs.out.parts[q.part].blocks))})
}

// sender writes to one connection. Blocks in memory are gathered, so that small
// ones share a system call, and never copied.
type sender struct {
	conn   net.Conn
	queue  net.Buffers
	queued int
	file   *os.File // the output's file, with a position of its own
	piece  []byte
}

// bytes queues b, which must not change until it is sent.
func (w *sender) bytes(b []byte) error {
	w.queue, w.queued = append(w.queue, b), w.queued+len(b)
	if w.queued < sendAtOnce && len(w.queue) < sendBlocks && !isFailure(b) {
		return nil
	}
	return w.flush()
}

// isFailure tells frames after which nothing comes.
func isFailure(b []byte) bool { return b[7] == kindFailed }

func (w *sender) end(h *header) error {
	b := make([]byte, headerLen)
	h.put(b)
	w.queue, w.queued = append(w.queue, b), w.queued+len(b)
	return w.flush()
}

func (w *sender) head(h *header) error { return w.end(h) }

func (w *sender) flush() error {
	if w.queued == 0 {
		return nil
	}
	if err := w.conn.SetWriteDeadline(time.Now().Add(maxPause)); err != nil {
		return err
	}
	all := w.queue
	_, err := all.WriteTo(w.conn)
	clear(w.queue)
	w.queue, w.queued = w.queue[:0], 0
	return err
}

// fromFile sends a block of the spill file: from the page cache to the socket
// inside the kernel where that works, else in pieces.
func (w *sender) fromFile(o *output, b block) error {
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.conn.SetWriteDeadline(time.Now().Add(maxPause)); err != nil {
		return err
	}
	sent, err := w.inKernel(o, b)
	if sent > 0 || err == nil {
		return whole(sent, b.size, err)
	}
	if w.piece == nil {
		w.piece = make([]byte, sendPiece)
	}
	for at := 0; at < b.size; {
		p := w.piece[:min(len(w.piece), b.size-at)]
		if err := o.load(block{off: b.off + int64(at)}, p); err != nil {
			return w.diskFailed(o, at, err)
		}
		if _, err := w.conn.Write(p); err != nil {
			return err
		}
		at += len(p)
	}
	return nil
}

var errNotInKernel = errors.New("not from this file to this connection")

func (w *sender) inKernel(o *output, b block) (int64, error) {
	tcp, ok := w.conn.(*net.TCPConn)
	if !ok || !w.reopen(o) {
		return 0, errNotInKernel
	}
	if _, err := w.file.Seek(b.off, io.SeekStart); err != nil {
		return 0, err
	}
	return tcp.ReadFrom(io.LimitReader(w.file, int64(b.size)))
}

// diskFailed tells the peer, at once if nothing of the block is on its way;
// else the connection ends, and the peer learns it when it asks again.
func (w *sender) diskFailed(o *output, sent int, err error) error {
	o.broken.Store(&err)
	if sent > 0 {
		return err
	}
	return errors.Join(w.bytes(failureFrame(o.task, err)), err)
}

// whole makes a short copy an error: what the peer got is no block, so the
// connection has to end.
func whole(n int64, size int, err error) error {
	if err == nil && n != int64(size) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// reopen gives w a descriptor of the spill file with a position of its own: the
// kernel sends from the position, and other readers move that of the file.
func (w *sender) reopen(o *output) bool {
	if w.file != nil {
		return true
	}
	f, ok := o.file().(*os.File)
	if !ok {
		return false
	}
	own, err := os.Open("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
	if err != nil {
		return false
	}
	w.file = own
	return true
}

func (w *sender) closeFile() {
	if w.file != nil {
		_ = w.file.Close() // it was only read
		w.file = nil
	}
}
