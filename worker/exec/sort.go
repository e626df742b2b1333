package exec

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// ordering is how a relation stores what it is ordered by: the input's columns
// and, after them, keys that are not plain columns.
type ordering struct {
	input []types.Type
	extra []plan.Expr
	keys  []sortKey
}

func newOrdering(input []types.Type, keys []physical.SortKey) *ordering {
	o := &ordering{input: input}
	for _, k := range keys {
		o.keys = append(o.keys, sortKey{col: o.add(k.Expr), desc: k.Desc, nullsFirst: k.NullsFirst})
	}
	return o
}

// add returns the stored column of an expression.
func (o *ordering) add(e plan.Expr) int {
	if b, ok := e.(*plan.Bound); ok {
		return b.Index
	}
	o.extra = append(o.extra, e)
	return len(o.input) + len(o.extra) - 1
}

// types are the stored columns'.
func (o *ordering) types() []types.Type {
	return append(append([]types.Type(nil), o.input...), exprTypes(o.extra)...)
}

// sortSink materialises rows and sorts them. With limit >= 0 each thread keeps
// only the first rows.
type sortSink struct {
	ord     *ordering
	keep    int64 // most rows wanted in all (limit + offset), -1 all
	comp    compiler
	threads int
	held    *account
	spill   *spiller
	mu      struct {
		sync.Mutex
		chunks []*batch.Batch
		locals []*sortLocal // those with runs on disk
	}
	rel   *relation
	order []int32
	runs  []sortRun // instead of rel, when a thread has spilled
}

func (s *sortSink) Local() (Local, error) {
	evs, err := compileExprs(s.comp, s.ord.extra)
	if err != nil {
		return nil, err
	}
	l := &sortLocal{sink: s, evs: evs, held: s.held.part()}
	l.pace.watch(evs)
	l.w.types = s.ord.types()
	l.cols = make([]*batch.Vector, len(l.w.types))
	return l, nil
}

func (s *sortSink) Finalize(ctx context.Context) error {
	if err := s.collectRuns(ctx); err != nil || s.runs != nil {
		return err
	}
	s.rel = newRelation(s.ord.types(), s.mu.chunks)
	s.held.force(s.rel.rows * 36) // entries twice, positions
	var err error
	s.order, err = sortRows(ctx, s.rel, s.ord.keys, s.threads)
	s.held.shrink(s.rel.rows * 32)
	return err
}

// collectRuns brings the rest of all threads to disk if one has spilled.
func (s *sortSink) collectRuns(ctx context.Context) error {
	if len(s.mu.locals) == 0 {
		return nil
	}
	rest := &sortLocal{sink: s, held: s.held.part(), w: chunkWriter{types: s.ord.types(), full: s.mu.chunks}}
	if err := rest.toRun(ctx); err != nil {
		return err
	}
	for _, l := range append(s.mu.locals, rest) {
		s.runs = append(s.runs, l.runs...)
	}
	s.held.close() // everything lies on disk now
	return s.narrow(ctx)
}

type sortLocal struct {
	sink *sortSink
	evs  []evaluator
	pace pacer
	cols []*batch.Vector
	w    chunkWriter
	rows int64
	held *share
	top  *topFilter
	some *batch.Batch
	file *spillFile
	runs []sortRun
}

// compactRows is the least number of rows at which a thread throws those away
// that are not among the first keep.
const compactRows = 2 * batch.ChunkRows

func (l *sortLocal) Consume(ctx context.Context, b *batch.Batch) error {
	return l.pace.each(b, func(piece *batch.Batch) error { return l.consume(ctx, piece) })
}

func (l *sortLocal) consume(ctx context.Context, b *batch.Batch) error {
	k := copy(l.cols, b.Cols)
	if err := evalAll(l.evs, b, l.cols[k:]); err != nil {
		return err
	}
	n := b.N
	if l.top != nil {
		n = l.cut(b.N)
	}
	l.w.append(l.cols, n)
	l.rows += int64(n)
	if keep := l.sink.keep; keep >= 0 && l.rows >= max(compactRows, 4*keep) {
		if err := l.compact(ctx); err != nil {
			return err
		}
	}
	must, err := l.held.spills(l.w.size())
	if must {
		return l.toRun(ctx)
	}
	return err
}

// cut drops rows that come after the last row kept so far.
func (l *sortLocal) cut(n int) int {
	sel := l.top.pass(l.cols, n)
	if len(sel) == n {
		return n
	}
	if l.some == nil {
		l.some = batch.NewBatch(l.w.types, 0)
	}
	for i, v := range l.some.Cols {
		v.Gather(l.cols[i], sel)
		l.cols[i] = v
	}
	return len(sel)
}

// compact keeps the first rows of what the thread holds.
func (l *sortLocal) compact(ctx context.Context) error {
	rel := newRelation(l.w.types, l.w.take())
	order, err := sortRows(ctx, rel, l.sink.ord.keys, 1)
	if err != nil {
		return err
	}
	order = order[:min(int64(len(order)), l.sink.keep)]
	out := batch.NewBatch(l.w.types, 0)
	for from := 0; from < len(order); from += batch.ChunkRows {
		at := order[from:min(from+batch.ChunkRows, len(order))]
		rel.gather(out.Cols, at)
		l.w.append(out.Cols, len(at))
	}
	l.rows = int64(len(order))
	if len(order) > 0 {
		l.top = newTopFilter(l.sink.ord.keys, rel, order[len(order)-1])
	}
	return nil
}

func (l *sortLocal) Combine(ctx context.Context) error {
	if l.sink.keep >= 0 && l.rows > l.sink.keep {
		if err := l.compact(ctx); err != nil {
			return err
		}
	}
	s := l.sink
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.chunks = append(s.mu.chunks, l.w.take()...)
	if l.runs != nil {
		s.mu.locals = append(s.mu.locals, l)
	}
	return nil
}

// topFilter drops rows that sort after a row known not to be wanted.
type topFilter struct {
	keys []sortKey
	last []*batch.Vector // by key: one row
	sel  []int32
}

func newTopFilter(keys []sortKey, rel *relation, at int32) *topFilter {
	t := &topFilter{keys: keys}
	for _, k := range keys {
		v := batch.New(rel.types[k.col], 1)
		v.Reset(0)
		v.AppendRange(rel.cols[k.col].Parts[at>>batch.ChunkShift], int(at&(batch.ChunkRows-1)), 1)
		t.last = append(t.last, v)
	}
	return t
}

// pass lists the rows that may be wanted.
func (t *topFilter) pass(cols []*batch.Vector, n int) []int32 {
	t.sel = t.sel[:0]
	for i := range n {
		c := 0
		for k := 0; k < len(t.keys) && c == 0; k++ {
			c = compareKey(t.keys[k], cols[t.keys[k].col], i, t.last[k], 0)
		}
		if c < 0 {
			t.sel = append(t.sel, int32(i))
		}
	}
	return t.sel
}

// sortSource delivers a sorted relation. Morsels are batches, numbered in
// order, so that several threads can gather payload.
type sortSource struct {
	sink   *sortSink
	out    []types.Type
	rows   int
	offset int64
	next   atomic.Int64
}

// wanted is the positions to deliver.
func (s *sortSource) wanted() []int32 {
	o := s.sink.order
	if s.sink.keep >= 0 {
		o = o[:min(int64(len(o)), s.sink.keep)]
	}
	return o[min(int64(len(o)), s.offset):]
}

func (s *sortSource) Width(want int) int {
	if s.sink.runs != nil {
		return 1
	}
	return min(want, (len(s.wanted())+s.rows-1)/s.rows)
}

func (s *sortSource) Stream() (Stream, error) {
	if s.sink.runs != nil {
		return s.sink.spilledStream(s.out, s.rows, s.offset), nil
	}
	return &sortStream{src: s, out: batch.NewBatch(s.out, 0)}, nil
}

type sortStream struct {
	src *sortSource
	out *batch.Batch
}

func (s *sortStream) Next(context.Context) (*batch.Batch, error) {
	all := s.src.wanted()
	i := s.src.next.Add(1) - 1
	from := int(i) * s.src.rows
	if from >= len(all) {
		return nil, io.EOF
	}
	at := all[from:min(from+s.src.rows, len(all))]
	s.src.sink.rel.gather(s.out.Cols, at)
	s.out.N, s.out.Seq = len(at), i
	return s.out, nil
}

func (s *sortStream) Close() error { return nil }
