package exec

import (
	"context"
	"maps"
	"strconv"
	"sync"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// recursion is a recursive query at work. Its anchor runs into it as a
// pipeline; then it builds and runs the step over the rows that came last,
// round after round. All rounds book on one account, and each thread spills
// into one file, however many rounds there are.
type recursion struct {
	node  *physical.Recursive
	up    *builder
	needs needs
	types []types.Type
	held  *account
	spill *spiller
	all   *collectSink
	last  *round
	mu    struct {
		sync.Mutex
		slots []*roundSlot // free ones
	}
}

// roundSlot is what a thread keeps from round to round.
type roundSlot struct {
	held *share
	kept int64 // bytes of earlier rounds, in memory
	file *spillFile
}

func (b *builder) recursive(n *physical.Recursive) (*pipe, error) {
	in, err := b.node(n.Anchor)
	if err != nil {
		return nil, err
	}
	ts := n.Out.Types()
	r := &recursion{node: n, up: b, needs: neededColumns(n.Step), types: ts, held: b.account(), spill: b.cur.spill, all: &collectSink{types: ts}}
	r.last = &round{of: r, rows: &collectSink{types: ts}}
	b.blocking(in, r)
	return &pipe{source: &collectedSource{of: r.all, rows: b.deps.BatchRows}}, nil
}

// recursiveRef reads the rows that came last.
func (b *builder) recursiveRef(n *physical.RecursiveRef) (*pipe, error) {
	rows := b.rounds[n.ID]
	if rows == nil {
		return nil, errs.Errorf(errs.Internal, "exec.Build", "no recursive query %d around its reference", n.ID)
	}
	return &pipe{source: &collectedSource{of: rows, rows: b.deps.BatchRows}}, nil
}

// Local takes the anchor's rows.
func (r *recursion) Local() (Local, error) { return r.last.Local() }

// Finalize runs the step until it makes no more rows.
func (r *recursion) Finalize(ctx context.Context) error {
	total := int64(0)
	for level := int64(1); ; level++ {
		rows := r.last.rows.count()
		total += rows
		r.all.mu.items = append(r.all.mu.items, r.last.rows.mu.items...)
		if rows == 0 || r.node.Limit >= 0 && total >= r.node.Limit {
			return nil
		}
		if err := r.bounded(level, total); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return errs.E(errs.Canceled, "exec.recursion", err)
		}
		next, err := r.step(ctx)
		if err != nil {
			return err
		}
		r.last = next
	}
}

func (r *recursion) bounded(level, rows int64) error {
	switch n := r.node; {
	case n.MaxRows >= 0 && n.Limit < 0 && rows >= n.MaxRows:
		limit := strconv.FormatInt(n.MaxRows, 10)
		return errs.Cond(errs.Spark, "RECURSION_ROW_LIMIT_EXCEEDED", "42836",
			"A recursive query has made "+limit+" rows, the limit, and has not ended: a LIMIT over it may go beyond.", "rowLimit", limit)
	case n.MaxLevel >= 0 && level > n.MaxLevel:
		limit := strconv.FormatInt(n.MaxLevel, 10)
		return errs.Cond(errs.Spark, "RECURSION_LEVEL_LIMIT_EXCEEDED", "42836",
			"A recursive query has not ended after "+limit+" levels: allow more by WITH RECURSIVE name(columns) MAX RECURSION LEVEL n.", "levelLimit", limit)
	}
	return nil
}

// step runs one round over the rows that came last.
func (r *recursion) step(ctx context.Context) (*round, error) {
	b := &builder{
		deps: r.up.deps, comp: r.up.comp, runtime: runtimeFilters{}, shared: map[int64]*collectSink{}, needs: r.needs,
		rounds: maps.Clone(r.up.rounds),
	}
	if b.rounds == nil {
		b.rounds = map[int64]*collectSink{}
	}
	b.rounds[r.node.ID] = r.last.rows
	in, err := b.node(r.node.Step)
	if err != nil {
		return nil, err
	}
	run := &Run{b: b, out: in}
	next := &round{of: r, rows: &collectSink{types: r.types}}
	if err = run.prepare(ctx); err == nil {
		err = (&pipeline{in: in, sink: next}).run(ctx, b.deps.Threads)
	}
	if cerr := run.Close(); err == nil {
		err = cerr
	}
	return next, err
}

func (r *recursion) slot() *roundSlot {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.mu.slots); n > 0 {
		s := r.mu.slots[n-1]
		r.mu.slots = r.mu.slots[:n-1]
		return s
	}
	return &roundSlot{held: r.held.part()}
}

func (r *recursion) free(s *roundSlot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.slots = append(r.mu.slots, s)
}

// round takes the rows of one run of the step.
type round struct {
	of   *recursion
	rows *collectSink
}

func (r *round) Local() (Local, error) {
	return &roundLocal{round: r, slot: r.of.slot(), w: chunkWriter{types: r.of.types}}, nil
}

func (r *round) Finalize(context.Context) error { return nil }

type roundLocal struct {
	*round
	slot  *roundSlot
	w     chunkWriter
	items []item
}

func (l *roundLocal) Consume(_ context.Context, b *batch.Batch) error {
	l.w.append(b.Cols, b.N)
	must, err := l.slot.held.spills(l.slot.kept + l.w.size())
	if !must {
		return err
	}
	if l.slot.file == nil {
		if l.slot.file, err = l.of.spill.create(); err != nil {
			return err
		}
	}
	for _, c := range l.w.take() {
		if err := l.slot.file.writeCut(c, func(sg segment) { l.items = append(l.items, item{block: sg}) }); err != nil {
			return err
		}
	}
	l.slot.held.force(l.slot.kept)
	return nil
}

func (l *roundLocal) Combine(context.Context) error {
	l.slot.kept += l.w.size()
	for _, c := range l.w.take() {
		l.items = append(l.items, item{chunk: c})
	}
	l.rows.mu.Lock()
	l.rows.mu.items = append(l.rows.mu.items, l.items...)
	l.rows.mu.Unlock()
	l.of.free(l.slot)
	return nil
}

// count is the rows held.
func (s *collectSink) count() (n int64) {
	for _, it := range s.mu.items {
		if it.chunk != nil {
			n += int64(it.chunk.N)
		} else {
			n += int64(it.block.rows)
		}
	}
	return n
}
