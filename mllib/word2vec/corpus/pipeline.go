package corpus

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// queued is how many blocks wait for each worker and how many of its results wait: enough that nobody idles while a block of
// another worker takes longer.
const queued = 2

// maxWorkers bounds workers, and with them the blocks in memory.
const maxWorkers = 256

// each cuts the source into blocks and gives block k to worker k modulo workers, so that the same corpus is split in the same
// way each time; done takes the blocks in their order, from one goroutine.
func (s *Source) each(ctx context.Context, workers int, work func(ctx context.Context, worker int, b *block) error, done func(*block) error) error {
	g, ctx := errgroup.WithContext(ctx)
	in, out := make([]chan *block, workers), make([]chan *block, workers)
	free := make(chan *block, workers*(2*queued+2)+2)
	for range cap(free) {
		free <- &block{}
	}
	for w := range workers {
		in[w], out[w] = make(chan *block, queued), make(chan *block, queued)
		g.Go(func() error {
			defer close(out[w])
			for b := range in[w] {
				if err := work(ctx, w, b); err != nil {
					return err
				}
				if err := send(ctx, out[w], b); err != nil {
					return err
				}
			}
			return nil
		})
	}
	g.Go(func() error { return s.feed(ctx, in, free) })
	g.Go(func() error { return collect(ctx, out, free, done) })
	return g.Wait()
}

func send(ctx context.Context, to chan<- *block, b *block) error {
	select {
	case to <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// feed reads the source and deals blocks out.
func (s *Source) feed(ctx context.Context, in []chan *block, free chan *block) error {
	defer func() {
		for _, c := range in {
			close(c)
		}
	}()
	k := 0
	return s.read(ctx, <-free, func(ctx context.Context, b *block) (*block, error) {
		if err := send(ctx, in[k%len(in)], b); err != nil {
			return b, err
		}
		k++
		select {
		case b = <-free:
			b.data = b.data[:0]
			return b, nil
		case <-ctx.Done():
			return &block{}, ctx.Err()
		}
	})
}

// collect takes the workers' results in the order of the blocks. A worker that failed closes its channel early; its error is
// the group's.
func collect(ctx context.Context, out []chan *block, free chan<- *block, done func(*block) error) error {
	for k := 0; ; k++ {
		select {
		case b, ok := <-out[k%len(out)]:
			if !ok {
				return nil
			}
			if err := done(b); err != nil {
				return err
			}
			free <- b // as many places as blocks
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func workersOf(threads int) int {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return min(threads, maxWorkers)
}

// Count counts the words of the source on several threads. Counters hold limit bytes together.
func (s *Source) Count(ctx context.Context, threads int, limit int64) (*vocab.Counter, error) {
	workers := workersOf(threads)
	counters := make([]*vocab.Counter, workers)
	for w := range counters {
		counters[w] = vocab.NewCounter(limit / int64(workers))
	}
	err := s.each(ctx, workers, func(ctx context.Context, w int, b *block) error {
		count := counters[w].Text
		if b.list {
			count = counters[w].List
		}
		if f := count(b.data); f != nil {
			return s.fault(ctx, b, f)
		}
		return nil
	}, func(*block) error { return nil })
	if err != nil {
		return nil, err
	}
	for w := 1; w < workers; w++ {
		counters[0].Merge(counters[w])
	}
	return counters[0], nil
}
