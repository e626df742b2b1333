package exec

import (
	"context"
	"io"
	"sync"

	"github.com/spurwheel/spurwheel/internal/batch"
)

// gatherDepth is how many batches a thread may be ahead of the reader: enough
// to ride over one slow read, small against an operator's own memory.
const gatherDepth = 4

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
// free takes batches back for reuse.
type feed struct {
	out  chan *batch.Batch
	free chan *batch.Batch
	err  error // why it ended; read after out is closed
	head *batch.Batch
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
		s.feeds = append(s.feeds, &feed{out: make(chan *batch.Batch, gatherDepth), free: make(chan *batch.Batch, gatherDepth+2)})
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
		if b.N == 0 {
			continue
		}
		select {
		case f.out <- f.copy(b):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *feed) copy(b *batch.Batch) *batch.Batch {
	var c *batch.Batch
	select {
	case c = <-f.free:
		c.Reset(0)
	default:
		c = emptyLike(b)
	}
	c.AppendCopy(b, 0, b.N)
	c.Seq = b.Seq
	return c
}

// advance gives the last delivered batch back and waits for its thread's next.
func (s *gatherStream) advance(ctx context.Context) error {
	f := s.last
	s.last = nil
	select {
	case f.free <- f.head:
	default:
	}
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
