package exec

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// windowPlan is a window operator: rows are sorted by partition and order (a
// sortSink), and blocks of whole partitions are computed by threads.
type windowPlan struct {
	deps  *Deps
	sort  *sortSink
	input int   // columns of the input
	part  []int // stored columns of the partition keys
	order []sortKey
	funcs []*windowDef
	out   []types.Type
}

// windowDef is one function with its frame and where its arguments are stored.
type windowDef struct {
	agg    *aggDef    // or
	call   *plan.Call // row_number, lag, ...
	name   string
	frame  plan.Frame
	args   []storedArg
	filter int // stored column of an aggregate's FILTER, -1 none
	typ    types.Type
	nulls  bool // IGNORE NULLS of a positional function
}

// storedArg is an argument: a stored column or a literal.
type storedArg struct {
	col int
	lit *plan.Literal
}

func (b *builder) window(n *physical.Window) (*pipe, error) {
	in, err := b.node(n.Child)
	if err != nil {
		return nil, err
	}
	w := &windowPlan{deps: b.deps, input: n.Child.Schema().Len(), out: n.Out.Types()}
	ord := newOrdering(n.Child.Schema().Types(), nil)
	for _, p := range n.Partition {
		c := ord.add(p)
		w.part = append(w.part, c)
		ord.keys = append(ord.keys, sortKey{col: c, nullsFirst: true})
	}
	for _, o := range n.Order {
		k := sortKey{col: ord.add(o.Expr), desc: o.Desc, nullsFirst: o.NullsFirst}
		w.order = append(w.order, k)
		ord.keys = append(ord.keys, k)
	}
	for _, f := range n.Funcs {
		d, err := w.define(f, ord)
		if err != nil {
			return nil, err
		}
		w.funcs = append(w.funcs, d)
	}
	w.sort = &sortSink{ord: ord, keep: -1, comp: b.comp, threads: b.deps.Threads, held: b.account(), spill: b.cur.spill}
	b.blocking(in, w.sort)
	return &pipe{source: &windowSource{plan: w, rows: b.deps.BatchRows}}, nil
}

// define finds a function and stores its arguments.
func (w *windowPlan) define(f physical.WindowFunc, ord *ordering) (*windowDef, error) {
	d := &windowDef{frame: f.Frame, filter: -1, typ: f.Func.Type()}
	var args []plan.Expr
	switch e := f.Func.(type) {
	case *plan.Agg:
		defs, err := defineAggs(w.deps.Registry, []*plan.Agg{e}, nil, nil)
		if err != nil {
			return nil, err
		}
		d.agg, d.name, args, d.nulls = defs[0], defs[0].entry.Name, defs[0].args, e.IgnoreNulls
		if e.Filter != nil {
			d.filter = ord.add(e.Filter)
		}
	case *plan.Call:
		d.call, d.name, args, d.nulls = e, e.Name, e.Args, e.Text == "ignore nulls"
	}
	for _, a := range args {
		if lit, ok := a.(*plan.Literal); ok {
			d.args = append(d.args, storedArg{lit: lit})
			continue
		}
		d.args = append(d.args, storedArg{col: ord.add(a)})
	}
	if d.frame.Kind == plan.FrameDefault {
		d.frame = plan.Frame{Kind: plan.FrameRange, Hi: plan.FrameBound{Kind: plan.CurrentRow}}
		if len(w.order) == 0 {
			d.frame = plan.Frame{Kind: plan.FrameRows, Hi: plan.FrameBound{Kind: plan.UnboundedFollowing}}
		}
	}
	return d, nil
}

// windowSource delivers the sorted rows with the functions' columns. A morsel
// is some whole partitions.
type windowSource struct {
	plan   *windowPlan
	rows   int
	bounds []int32 // of morsels, in sorted order
	next   atomic.Int64
}

// Width cuts the morsels: it is asked once the rows are sorted, before streams exist.
func (s *windowSource) Width(want int) int {
	if s.plan.sort.runs != nil {
		return 1
	}
	if s.bounds == nil {
		s.bounds = s.plan.morsels(s.rows)
	}
	return min(want, len(s.bounds)-1)
}

func (s *windowSource) Stream() (Stream, error) {
	w := s.plan
	st := &windowStream{src: s, out: batch.Batch{}}
	for _, d := range w.funcs {
		f, err := w.instance(d)
		if err != nil {
			return nil, err
		}
		st.funcs = append(st.funcs, f)
		st.results = append(st.results, batch.New(d.typ, 0))
	}
	st.blk.cols = batch.NewBatch(w.sort.ord.types(), 0).Cols
	if w.sort.runs != nil {
		in := w.sort.merge(w.sort.runs, s.rows)
		st.disk = &windowReader{plan: w, in: in, rows: s.rows, need: w.looked(), pend: batch.NewBatch(w.sort.ord.types(), 0), rest: batch.NewBatch(w.sort.ord.types(), 0), held: w.sort.held.part()}
		st.disk.load = newWindowPayload(w, st.disk.need)
	}
	st.held = w.sort.held.part()
	return st, nil
}

// morsels cuts the sorted rows at partition borders into pieces of at least
// rows rows.
func (w *windowPlan) morsels(rows int) []int32 {
	rel, order := w.sort.rel, w.sort.order
	out := []int32{0}
	last := int32(0)
	for i := 1; i < len(order); i++ {
		if i-int(last) >= rows && !w.samePartition(rel, order[i-1], order[i]) {
			last = int32(i)
			out = append(out, last)
		}
	}
	if len(order) > 0 {
		out = append(out, int32(len(order)))
	}
	return out
}

func (w *windowPlan) samePartition(rel *relation, x, y int32) bool {
	for _, c := range w.part {
		p := rel.cols[c].Parts
		if batch.CompareNullsFirst(p[x>>batch.ChunkShift], int(x&(batch.ChunkRows-1)), p[y>>batch.ChunkShift], int(y&(batch.ChunkRows-1))) != 0 {
			return false
		}
	}
	return true
}

// windowStream is one thread's work.
type windowStream struct {
	src     *windowSource
	funcs   []windowFunc
	results []*batch.Vector
	blk     windowBlock
	seq     int64
	at      int
	slices  batch.Batch
	out     batch.Batch
	disk    *windowReader // when the sort has spilled
	held    *share
}

// windowFunc computes a function over a block: out gets a row for each of the
// block's. It serves one goroutine.
type windowFunc interface {
	eval(blk *windowBlock, out *batch.Vector) error
}

func (s *windowStream) Next(ctx context.Context) (*batch.Batch, error) {
	for s.at >= s.blk.n {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.load(ctx); err != nil {
			return nil, err
		}
		if err := s.compute(); err != nil {
			return nil, err
		}
	}
	n := min(s.src.rows, s.blk.n-s.at)
	s.slices.Cols = append(append(s.slices.Cols[:0], s.blk.cols[:s.src.plan.input]...), s.results...)
	if s.disk != nil {
		return s.rejoined(n)
	}
	sliceBatch(&s.out, &s.slices, s.at, n)
	s.out.Seq = s.seq
	s.at += n
	return &s.out, nil
}

// rejoined is up to n rows of the block with the columns that waited elsewhere.
func (s *windowStream) rejoined(n int) (*batch.Batch, error) {
	load := s.disk.load
	n, err := load.next(n)
	if err != nil {
		return nil, err
	}
	for i, c := range load.cols {
		s.slices.Cols[c] = load.head.Cols[i]
	}
	s.out.Cols = s.out.Cols[:0]
	for c, v := range s.slices.Cols {
		from := s.at
		if c < s.src.plan.input && !s.disk.need[c] {
			from = load.at
		}
		shown := new(batch.Vector)
		shown.Slice(v, from, n)
		s.out.Cols = append(s.out.Cols, shown)
	}
	s.out.N, s.out.Seq = n, s.seq
	s.at += n
	load.at += n
	return &s.out, nil
}

// load takes the next block.
func (s *windowStream) load(ctx context.Context) error {
	s.at = 0
	w := s.src.plan
	if s.disk != nil {
		s.seq++
		return s.disk.next(ctx, &s.blk)
	}
	i := s.src.next.Add(1) - 1
	if i >= int64(len(s.src.bounds)-1) {
		return io.EOF
	}
	s.seq = i
	at := w.sort.order[s.src.bounds[i]:s.src.bounds[i+1]]
	w.sort.rel.gather(s.blk.cols, at)
	s.blk.mark(w, len(at))
	return nil
}

func (s *windowStream) compute() error {
	for i, f := range s.funcs {
		s.results[i].Reset(0)
		if err := f.eval(&s.blk, s.results[i]); err != nil {
			return err
		}
	}
	held := (&batch.Batch{Cols: s.results}).Bytes()
	if s.disk == nil { // there, the reader books the rows; here, texts are the sort's
		for _, v := range s.blk.cols {
			held += int64(s.blk.n * v.Phys().Width())
		}
	}
	s.held.force(held)
	return nil
}

func (s *windowStream) Close() error {
	s.held.force(0)
	if s.disk != nil {
		s.disk.held.force(0)
		s.disk.load.held.force(0)
	}
	return nil
}

// windowBlock is sorted rows of whole partitions.
type windowBlock struct {
	n         int
	cols      []*batch.Vector
	starts    []int32 // by row: first row of its partition
	ends      []int32 // by row: row after its partition
	peerFirst []int32 // by row: first row with equal order keys
	peerEnd   []int32
	parts     int
}

// mark finds the borders of partitions and peers among the n rows of cols.
func (b *windowBlock) mark(w *windowPlan, n int) {
	b.n = n
	b.starts, b.ends = b.starts[:0], b.ends[:0]
	b.peerFirst, b.peerEnd = b.peerFirst[:0], b.peerEnd[:0]
	b.parts = 0
	part, peer := int32(0), int32(0)
	for i := range int32(b.n) {
		if i == 0 || !b.same(w.part, i) {
			part, peer = i, i
			b.parts++
		} else if !b.samePeer(w.order, i) {
			peer = i
		}
		b.starts, b.peerFirst = append(b.starts, part), append(b.peerFirst, peer)
	}
	b.ends = endsOf(b.starts, b.ends)
	b.peerEnd = endsOf(b.peerFirst, b.peerEnd)
}

// endsOf turns each row's first row into the row after its run.
func endsOf(firsts, out []int32) []int32 {
	out = append(out, firsts...)
	end := int32(len(firsts))
	for i := len(firsts) - 1; i >= 0; i-- {
		out[i] = end
		if firsts[i] == int32(i) {
			end = int32(i)
		}
	}
	return out
}

func (b *windowBlock) same(cols []int, i int32) bool {
	for _, c := range cols {
		if batch.CompareNullsFirst(b.cols[c], int(i-1), b.cols[c], int(i)) != 0 {
			return false
		}
	}
	return true
}

func (b *windowBlock) samePeer(keys []sortKey, i int32) bool {
	for _, k := range keys {
		if batch.CompareNullsFirst(b.cols[k.col], int(i-1), b.cols[k.col], int(i)) != 0 {
			return false
		}
	}
	return true
}
