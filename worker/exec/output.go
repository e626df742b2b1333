package exec

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/internal/batch"
)

// RunTo runs a fragment to its end and hands its rows to out, spread over
// partitions as the exchange says. Range exchanges need bounds that only a
// sample of all tasks gives: their rows go by round robin here, and the
// planner does not ask for them. What goes to a single partition keeps its order.
func (r *Run) RunTo(ctx context.Context, ex *physical.Exchange, out Output) error {
	if ex.Kind == physical.ExchangeSingle {
		return r.inOrder(ctx, out)
	}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	return (&pipeline{in: r.out, sink: &exchangeSink{ex: ex, out: out, comp: r.b.comp}}).run(ctx, r.b.deps.Threads)
}

func (r *Run) inOrder(ctx context.Context, out Output) error {
	for {
		b, err := r.Next(ctx)
		if atEnd(err) {
			return nil
		}
		if err == nil {
			err = out.Write(ctx, 0, b)
		}
		if err != nil {
			return err
		}
	}
}

// exchangeSink spreads rows over partitions.
type exchangeSink struct {
	ex   *physical.Exchange
	out  Output
	comp compiler
}

func (s *exchangeSink) Local() (Local, error) {
	evs, err := compileExprs(s.comp, s.ex.Keys)
	if err != nil {
		return nil, err
	}
	return &exchangeLocal{sink: s, evs: evs, cols: make([]*batch.Vector, len(evs)), parts: max(1, s.ex.Parts)}, nil
}

func (s *exchangeSink) Finalize(context.Context) error { return nil }

type exchangeLocal struct {
	sink   *exchangeSink
	evs    []evaluator
	cols   []*batch.Vector
	parts  int
	next   int32 // round robin
	hashes []uint64
	number []int32
	split  splitter
	some   *batch.Batch
}

// shuffleSeed makes the partition of a key independent of the bits that hash
// tables use: else each reducer would see a slice of the hash space.
const shuffleSeed = 0xA0761D6478BD642F

func (l *exchangeLocal) Consume(ctx context.Context, b *batch.Batch) error {
	if l.parts == 1 || l.sink.ex.Kind == physical.ExchangeSingle || l.sink.ex.Kind == physical.ExchangeBroadcast {
		return l.sink.out.Write(ctx, 0, b)
	}
	if err := l.assign(b); err != nil {
		return err
	}
	l.split.split(l.number, l.parts)
	if l.some == nil {
		l.some = emptyLike(b)
	}
	for p := range l.parts {
		idx := l.split.of(p)
		if len(idx) == 0 {
			continue
		}
		gatherBatch(l.some, b, idx)
		if err := l.sink.out.Write(ctx, p, l.some); err != nil {
			return err
		}
	}
	return nil
}

// assign numbers the rows' partitions.
func (l *exchangeLocal) assign(b *batch.Batch) error {
	if cap(l.number) < b.N {
		l.number, l.hashes = make([]int32, max(b.N, batch.Rows)), make([]uint64, max(b.N, batch.Rows))
	}
	l.number, l.hashes = l.number[:b.N], l.hashes[:b.N]
	if l.sink.ex.Kind != physical.ExchangeHash {
		for i := range l.number {
			l.number[i] = l.next
			l.next = (l.next + 1) % int32(l.parts)
		}
		return nil
	}
	if err := evalAll(l.evs, b, l.cols); err != nil {
		return err
	}
	batch.HashRows(l.cols, l.hashes)
	for i, h := range l.hashes {
		l.number[i] = int32(batch.Hash64(h^shuffleSeed) >> 32 * uint64(l.parts) >> 32)
	}
	return nil
}

func (l *exchangeLocal) Combine(context.Context) error { return nil }
