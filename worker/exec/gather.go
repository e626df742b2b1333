package exec

import (
	"context"
	"io"
	"sync"

	"github.com/spurwheel/spurwheel/internal/batch"
)

// gatherDepth is how many batches a thread may be ahead of the reader: enough
// to ride over one slow read.
const gatherDepth = 4

// gatherBytes is about what all batches on the way take, whatever the rows'
// width: small against an operator's own memory. A batch is cut where it would
// take more than its part, of which minGather lets the threads of a large
// machine still hand over some thousand rows at a time.
const (
	gatherBytes = 8 << 20
	minGather   = 128 << 10
)

// gather is a Source of one stream that runs a pipe on several goroutines and
// merges their batches by Seq, so that rows come in the source's order
// whatever the number of threads. Operators that need one ordered stream
// (limit, the result) sit on it.
type gather struct {
	in      *pipe
	threads int
}

func (g *gather) Width(int) int { return 1 }

func (g *gather) Stream() (Stream, error) { return &gatherStream{g: g}, nil }

// gatherStream starts its threads at the first Next.
type gatherStream struct {
	g       *gather
	started bool
	done    bool
	single  []Stream // one thread: read directly
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	feeds   []*feed
	last    *feed
}

// feed carries one thread's copied batches; head is nil once they have ended.
// All batches come back through free, so that the thread knows what is away.
type feed struct {
	out   chan *batch.Batch
	free  chan *batch.Batch
	err   error // why it ended; read after out is closed
	head  *batch.Batch
	away  int   // batches not come back; of the thread
	limit int64 // bytes of a batch
}

func newFeed(threads int) *feed {
	return &feed{
		out: make(chan *batch.Batch, gatherDepth), free: make(chan *batch.Batch, gatherDepth),
		limit: max(gatherBytes/int64(threads)/gatherDepth, minGather),
	}
}

func (s *gatherStream) Next(ctx context.Context) (*batch.Batch, error) {
	if s.done {
		return nil, io.EOF
	}
	if !s.started {
		if err := s.start(ctx); err != nil {
			return nil, err
		}
	}
	if s.single != nil {
		return s.nextSingle(ctx)
	}
	if s.last != nil {
		if err := s.advance(ctx); err != nil {
			return nil, err
		}
	}
	return s.least()
}

func (s *gatherStream) nextSingle(ctx context.Context) (b *batch.Batch, err error) {
	err = guard(func() (e error) {
		b, e = s.single[0].Next(ctx)
		return e
	})
	return b, err
}

func (s *gatherStream) start(ctx context.Context) error {
	s.started = true
	n := s.g.in.width(s.g.threads)
	streams, err := s.g.in.open(n)
	if err != nil {
		return err
	}
	if n == 1 {
		s.single = streams
		return nil
	}
	run, cancel := context.WithCancel(ctx)
	s.cancel = cancel
	for range n {
		s.feeds = append(s.feeds, newFeed(n))
	}
	for i, f := range s.feeds {
		s.wg.Go(func() { f.pump(run, streams[i]) })
	}
	for _, f := range s.feeds {
		if err := s.fill(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// pump copies a thread's batches into the feed until the end or an error.
func (f *feed) pump(ctx context.Context, in Stream) {
	defer close(f.out)
	f.err = guard(func() error { return f.copyAll(ctx, in) })
	if err := in.Close(); f.err == nil {
		f.err = err
	}
}

func (f *feed) copyAll(ctx context.Context, in Stream) error {
	for {
		b, err := in.Next(ctx)
		if atEnd(err) {
			return nil
		}
		if err != nil {
			return err
		}
		for from := 0; from < b.N; {
			n := b.Fit(from, b.N-from, f.limit)
			if err := f.send(ctx, b, from, n); err != nil {
				return err
			}
			from += n
		}
	}
}

// send copies rows into the feed. One row that is larger than a batch should be
// is alone on the way.
func (f *feed) send(ctx context.Context, b *batch.Batch, from, n int) error {
	most := gatherDepth - 1
	if n == 1 && b.Size(from, 1) > f.limit {
		most = 0
	}
	c, err := f.room(ctx, most)
	if err != nil {
		return err
	}
	if c == nil {
		c = emptyLike(b)
	}
	c.Reset(0)
	c.AppendCopy(b, from, n)
	c.Seq = b.Seq
	f.away++
	f.out <- c // there is room: most of its capacity are away
	return nil
}

// room waits until at most so many batches are away, and gives one to be used
// again, if there is one of the usual size.
func (f *feed) room(ctx context.Context, most int) (c *batch.Batch, err error) {
	for f.away > most {
		select {
		case c = <-f.free:
			f.away--
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if c == nil {
		select {
		case c = <-f.free:
			f.away--
		default:
			return nil, nil
		}
	}
	if c.Bytes() > gatherBytes { // of a single row: those are alone on the way
		return nil, nil
	}
	return c, nil
}

// advance gives the last delivered batch back and waits for its thread's next.
func (s *gatherStream) advance(ctx context.Context) error {
	f := s.last
	s.last = nil
	f.free <- f.head // never waits: no more are away than it holds
	return s.fill(ctx, f)
}

func (s *gatherStream) fill(ctx context.Context, f *feed) error {
	select {
	case b, ok := <-f.out:
		f.head = b
		if !ok {
			return f.err
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// least delivers the head of the lowest morsel.
func (s *gatherStream) least() (*batch.Batch, error) {
	for _, f := range s.feeds {
		if f.head != nil && (s.last == nil || f.head.Seq < s.last.head.Seq) {
			s.last = f
		}
	}
	if s.last == nil {
		s.done = true
		return nil, io.EOF
	}
	return s.last.head, nil
}

// Close stops the threads and waits for them.
func (s *gatherStream) Close() error {
	s.done = true
	if s.single != nil {
		err := closeAll(s.single)
		s.single = nil
		return err
	}
	if s.cancel == nil {
		return nil
	}
	s.cancel()
	s.wg.Wait()
	s.cancel = nil
	return nil
}

// emptyLike makes a batch of b's types without rows.
func emptyLike(b *batch.Batch) *batch.Batch {
	c := &batch.Batch{Cols: make([]*batch.Vector, len(b.Cols))}
	for i, v := range b.Cols {
		c.Cols[i] = batch.New(v.Type, 0)
	}
	return c
}
