package exec

import (
	"context"
	"io"

	"github.com/spurwheel/spurwheel/internal/batch"
)

// windowReader cuts sorted rows from disk into blocks of whole partitions.
type windowReader struct {
	plan *windowPlan
	in   Stream
	rows int
	pend *batch.Batch // rows read; the first border rows are complete partitions
	rest *batch.Batch
	edge int
	done bool
}

// next reads until at least rows rows of whole partitions are there.
func (r *windowReader) next(ctx context.Context, blk *windowBlock) error {
	for !r.done && r.edge < r.rows {
		b, err := r.in.Next(ctx)
		if atEnd(err) {
			r.done, r.edge = true, r.pend.N
			break
		}
		if err != nil {
			return err
		}
		from := r.pend.N
		r.pend.AppendCopy(b, 0, b.N)
		r.findEdge(from)
	}
	if r.edge == 0 {
		return io.EOF
	}
	for i, v := range blk.cols {
		v.Reset(0)
		v.AppendRange(r.pend.Cols[i], 0, r.edge)
	}
	r.rest.Reset(0)
	r.rest.AppendCopy(r.pend, r.edge, r.pend.N-r.edge)
	n := r.edge
	r.pend, r.rest, r.edge = r.rest, r.pend, 0
	r.findEdge(1)
	blk.mark(r.plan, n)
	return nil
}

// findEdge moves the edge to the last partition border at or after row from.
func (r *windowReader) findEdge(from int) {
	if r.done {
		r.edge = r.pend.N
		return
	}
	b := windowBlock{cols: r.pend.Cols}
	for i := r.pend.N - 1; i >= max(from, 1); i-- {
		if !b.same(r.plan.part, int32(i)) {
			r.edge = i
			return
		}
	}
}
