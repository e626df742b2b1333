package exec

import (
	"context"
	"fmt"
	"io"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// windowReader cuts sorted rows from disk into blocks of whole partitions. A
// block has the columns that functions look at; the others wait in a queue.
type windowReader struct {
	plan *windowPlan
	in   Stream
	rows int
	need []bool // stored columns that blocks have
	load *windowPayload
	held *share
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
		if err := r.append(b); err != nil {
			return err
		}
		r.findEdge(from)
	}
	if r.edge == 0 {
		return io.EOF
	}
	r.rest.Reset(0)
	for i, v := range blk.cols {
		v.Reset(0)
		if r.need[i] {
			v.AppendRange(r.pend.Cols[i], 0, r.edge)
			r.rest.Cols[i].AppendRange(r.pend.Cols[i], r.edge, r.pend.N-r.edge)
		}
	}
	r.rest.N = r.pend.N - r.edge
	n := r.edge
	r.pend, r.rest, r.edge = r.rest, r.pend, 0
	r.findEdge(1)
	blk.mark(r.plan, n)
	return nil
}

// append adds rows to those that wait for the end of their partition.
func (r *windowReader) append(b *batch.Batch) error {
	for i, v := range r.pend.Cols {
		if r.need[i] {
			v.AppendRange(b.Cols[i], 0, b.N)
		}
	}
	r.pend.N += b.N
	if err := r.load.add(b); err != nil {
		return err
	}
	size := 2*r.pend.Bytes() + r.rest.Bytes() // they become a block
	must, err := r.held.spills(size)
	if !must {
		return err
	}
	if err := r.held.must(size); err != nil {
		return errs.E(errs.Exhausted, "exec.window", fmt.Errorf(
			"window: a partition of more than %d rows is held whole in the columns its functions look at: %w", r.pend.N-r.edge, err))
	}
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
