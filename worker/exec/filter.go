package exec

import (
	"context"
	"io"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
)

// minBatch is the fewest rows a filter passes on while its input lasts: below
// it, dispatch costs more than copying the survivors together.
const minBatch = 1024

// minBatchBytes is the most that rows waiting for others take: beyond it, as
// rows of long texts are, copying them costs more than dispatch.
const minBatchBytes = 256 << 10

// filterStep keeps rows whose condition is true.
func filterStep(c compiler, cond plan.Expr) step {
	return func(in Stream) (Stream, error) {
		sel, err := c.Cond(cond)
		if err != nil {
			return nil, err
		}
		f := &filter{in: in, cond: sel}
		f.pace.watchOne(sel)
		return f, nil
	}
}

type filter struct {
	in   Stream
	cond selector
	pace pacer
	out  *batch.Batch // gathered from the input batch
	kept *batch.Batch // few survivors, copied, waiting for more
	size int64        // of kept
	held *batch.Batch // input batch whose survivors sel come after kept
	sel  []int32
	next *batch.Batch // input batch of another morsel that came while kept had rows
	full bool         // kept was delivered and must be cleared
	done bool         // the input ended: not every source may be asked again
}

func (f *filter) Next(ctx context.Context) (*batch.Batch, error) {
	if f.full {
		f.kept.Reset(0)
		f.full, f.size = false, 0
	}
	if b := f.held; b != nil {
		f.held = nil
		return f.gather(b, f.sel), nil
	}
	for {
		b, err := f.input(ctx)
		if atEnd(err) && f.waiting() {
			return f.flush(), nil
		}
		if err != nil {
			return nil, err
		}
		if f.waiting() && b.Seq != f.kept.Seq {
			f.next = b
			return f.flush(), nil
		}
		sel, err := f.cond.Select(b, nil)
		if err != nil {
			return nil, err
		}
		f.pace.learn(b.N)
		if out := f.take(b, sel); out != nil {
			return out, nil
		}
	}
}

func (f *filter) input(ctx context.Context) (*batch.Batch, error) {
	if b := f.next; b != nil {
		f.next = nil
		return b, nil
	}
	if f.done {
		return nil, io.EOF
	}
	b, err := f.pace.next(ctx, f.in)
	f.done = atEnd(err)
	return b, err
}

func (f *filter) waiting() bool { return f.kept != nil && f.kept.N > 0 && !f.full }

func (f *filter) flush() *batch.Batch {
	f.full = true
	return f.kept
}

// take passes the survivors on, or keeps them if they are few.
func (f *filter) take(b *batch.Batch, sel []int32) *batch.Batch {
	switch {
	case len(sel) == 0:
		return nil
	case len(sel) == b.N && !f.waiting():
		return b
	case len(sel) >= minBatch && !f.waiting():
		return f.gather(b, sel)
	}
	size := b.GatherSize(sel)
	switch {
	case f.size+size <= minBatchBytes:
	case f.waiting():
		f.held, f.sel = b, sel
		return f.flush()
	default:
		return f.gather(b, sel)
	}
	if f.kept == nil {
		f.kept = emptyLike(b)
	}
	for i, c := range f.kept.Cols {
		c.AppendGather(b.Cols[i], sel)
	}
	f.kept.N, f.kept.Seq, f.size = f.kept.N+len(sel), b.Seq, f.size+size
	if f.kept.N >= minBatch {
		return f.flush()
	}
	return nil
}

// gather passes survivors on without copying their long values.
func (f *filter) gather(b *batch.Batch, sel []int32) *batch.Batch {
	if f.out == nil {
		f.out = emptyLike(b)
	}
	gatherBatch(f.out, b, sel)
	return f.out
}

func (f *filter) Close() error { return f.in.Close() }

// gatherBatch makes out the rows idx of b; out shares b's bytes.
func gatherBatch(out, b *batch.Batch, idx []int32) {
	for i, c := range out.Cols {
		c.Gather(b.Cols[i], idx)
	}
	out.N, out.Seq = len(idx), b.Seq
}
