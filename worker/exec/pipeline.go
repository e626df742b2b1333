// Package exec runs fragments: it turns physical nodes into pipelines of
// vectorised operators and drives them on the task's threads, within a memory
// budget, spilling to disk where an operator must hold more. It knows nothing
// of tasks, attempts, schedulers or where other stages' rows are kept.
package exec

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Stream is one thread's share of the rows at some point of a pipeline. Next
// ends with io.EOF; a batch is borrowed until the following Next or Close.
// Batches may be empty. Not for concurrent use. Close is idempotent.
type Stream interface {
	Next(ctx context.Context) (*batch.Batch, error)
	Close() error
}

// Source is where a pipeline's rows come from. Streams share its morsels. All
// streams of a run are made before the first is read.
type Source interface {
	// Width is how many threads can find work at once, at most want. It is
	// asked when everything the source depends on has run.
	Width(want int) int
	Stream() (Stream, error)
}

// Sink takes a pipeline's rows. Local makes a thread's part; Finalize is called
// once, after every part was combined.
type Sink interface {
	Local() (Local, error)
	Finalize(ctx context.Context) error
}

// Local is a thread's part of a sink. Combine hands what it holds to the sink.
type Local interface {
	Consume(ctx context.Context, b *batch.Batch) error
	Combine(ctx context.Context) error
}

// step chains a transform over a thread's stream.
type step func(in Stream) (Stream, error)

// pipe is a source with the transforms that each thread chains over it.
type pipe struct {
	source Source
	steps  []step
	// ordered: the rows come in an order that was asked for. Delivery keeps it
	// anyway (see gather); a sink takes them on one thread.
	ordered bool
}

// then returns a pipe with one more transform.
func (p *pipe) then(s step) *pipe {
	q := *p
	q.steps = append(append([]step(nil), p.steps...), s)
	return &q
}

func (p *pipe) width(want int) int {
	return max(1, min(want, p.source.Width(want)))
}

// open makes n threads' streams, or none.
func (p *pipe) open(n int) ([]Stream, error) {
	var out []Stream
	for range n {
		s, err := p.openOne()
		if err != nil {
			return nil, errors.Join(err, closeAll(out))
		}
		out = append(out, s)
	}
	return out, nil
}

func (p *pipe) openOne() (Stream, error) {
	s, err := p.source.Stream()
	if err != nil {
		return nil, err
	}
	for _, f := range p.steps {
		t, err := f(s)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s = t
	}
	return s, nil
}

func closeAll(ss []Stream) error {
	var err error
	for _, s := range ss {
		err = errors.Join(err, s.Close())
	}
	return err
}

// pipeline is a pipe that runs into a sink to its end.
type pipeline struct {
	in    *pipe
	sink  Sink
	count *counter // of the operator that the sink belongs to; nil: not counted
}

func (p *pipeline) run(ctx context.Context, threads int) error {
	n := p.in.width(threads)
	if p.in.ordered {
		n = 1
	}
	streams, err := p.in.open(n)
	if err != nil {
		return err
	}
	locals := make([]Local, n)
	for i := range locals {
		if locals[i], err = p.sink.Local(); err != nil {
			return errors.Join(err, closeAll(streams))
		}
	}
	err = runThreads(ctx, n, func(ctx context.Context, i int) error {
		if err := drain(ctx, streams[i], locals[i], p.count); err != nil {
			return err
		}
		return p.count.timed(func() error { return locals[i].Combine(ctx) })
	})
	if cerr := closeAll(streams); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return guard(func() error { return p.count.timed(func() error { return p.sink.Finalize(ctx) }) })
}

// runThreads runs f on n goroutines (on the caller's if n is 1) and waits for
// all. The first error stops the others and is returned; panics are errors.
func runThreads(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	if n == 1 {
		return guard(func() error { return f(ctx, 0) })
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	for i := range n {
		wg.Go(func() {
			if err := guard(func() error { return f(ctx, i) }); err != nil {
				once.Do(func() { first = err })
				cancel()
			}
		})
	}
	wg.Wait()
	return first
}

// guard turns a panic into an error with its stack: a bug in one operator
// fails one query.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			if e, ok := r.(error); ok && errs.Is(e, errs.Internal) {
				err = e
				return
			}
			err = errs.Errorf(errs.Internal, "exec.Run", "panic: %v\n%s", r, debug.Stack())
		}
	}()
	return f()
}
