package exec

import (
	"slices"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/internal/batch"
)

// windowAgg is an aggregate over frames. By the frames' form it computes each
// partition once, adds rows to one running state, copies short frames out as
// groups, or merges the states of a binary tree over the rows.
type windowAgg struct {
	d      *windowDef
	acc    function.Accumulator
	frame  *frameBounds
	args   []*batch.Vector // of the rows that FILTER lets through
	lo, hi []int32         // frames in those rows
	keep   []int32
	rank   []int32 // by row: how many rows before it FILTER lets through
	picked []*batch.Vector
	res    *batch.Vector
	at     []int32
	tree   stateTree
	// scratch of expand
	idx, groups []int32
	gathered    []*batch.Vector
	slices      []batch.Vector
}

func newWindowAgg(w *windowPlan, d *windowDef) (windowFunc, error) {
	if n, ok := d.positional(); ok {
		return newPosition(w, d, n)
	}
	acc, err := d.agg.entry.Accumulator(w.deps.Env, d.agg.call)
	if err != nil {
		return nil, err
	}
	f, err := newFrameBounds(w, d.frame)
	if err != nil {
		return nil, err
	}
	a := &windowAgg{d: d, acc: acc, frame: f, res: batch.New(d.typ, 0), args: make([]*batch.Vector, len(d.args)), slices: make([]batch.Vector, len(d.args))}
	a.tree.acc = acc
	for _, t := range d.agg.states {
		a.tree.nodes = append(a.tree.nodes, batch.New(t, 0))
		a.tree.some = append(a.tree.some, batch.New(t, 0))
	}
	return a, nil
}

// expandLimit is up to which mean length frames are copied out row by row: a
// tree query merges about as many states.
const expandLimit = 24

func (a *windowAgg) eval(b *windowBlock, out *batch.Vector) error {
	if err := a.frame.load(b); err != nil {
		return err
	}
	a.prepare(b)
	whole, running, total := true, true, int64(0)
	for i := range b.n {
		total += int64(a.hi[i] - a.lo[i])
		first := i == 0 || b.starts[i] == int32(i)
		whole = whole && (first || a.lo[i] == a.lo[i-1] && a.hi[i] == a.hi[i-1])
		running = running && (first || a.lo[i] == a.lo[i-1] && a.hi[i] >= a.hi[i-1])
	}
	switch {
	case whole || running:
		return a.run(b, out)
	case total <= expandLimit*int64(b.n):
		return a.expand(b, out)
	}
	return a.query(b, out)
}

// prepare takes the arguments of the rows that count and maps the frames to them.
func (a *windowAgg) prepare(b *windowBlock) {
	for i := range a.d.args {
		a.args[i] = a.d.arg(b, i)
	}
	a.lo, a.hi = a.frame.lo, a.frame.hi
	if a.d.filter < 0 {
		return
	}
	pass := b.cols[a.d.filter]
	a.keep, a.rank = a.keep[:0], append(a.rank[:0], 0)
	for i := range b.n {
		if pass.Valid(i) && batch.Values[bool](pass)[i] {
			a.keep = append(a.keep, int32(i))
		}
		a.rank = append(a.rank, int32(len(a.keep)))
	}
	for i, v := range a.args {
		for len(a.picked) <= i {
			a.picked = append(a.picked, batch.New(v.Type, 0))
		}
		a.picked[i].Reset(0)
		a.picked[i].AppendGather(v, a.keep)
		a.args[i] = a.picked[i]
	}
	for i := range b.n {
		a.lo[i], a.hi[i] = a.rank[a.lo[i]], a.rank[a.hi[i]]
	}
}

// slice shows rows [lo, hi) of the arguments.
func (a *windowAgg) slice(lo, hi int32) []*batch.Vector {
	out := a.gathered[:0]
	for i, v := range a.args {
		a.slices[i].Slice(v, int(lo), int(hi-lo))
		out = append(out, &a.slices[i])
	}
	a.gathered = out
	return out
}

// run adds rows to one state while the frame's end moves forward.
func (a *windowAgg) run(b *windowBlock, out *batch.Vector) error {
	a.res.Reset(0)
	a.at = a.at[:0]
	end := int32(0)
	for i := range int32(b.n) {
		first := b.starts[i] == i
		if first {
			a.acc.Reset()
			a.acc.Grow(1)
			end = a.lo[i]
		}
		if end < a.hi[i] {
			if err := a.acc.Update(nil, a.slice(end, a.hi[i]), int(a.hi[i]-end)); err != nil {
				return err
			}
		}
		if first || end < a.hi[i] {
			end = a.hi[i]
			if err := a.acc.Result(0, 1, a.res); err != nil {
				return err
			}
		}
		a.at = append(a.at, int32(a.res.Len()-1))
	}
	out.AppendGather(a.res, a.at)
	return nil
}

// windowStep is how many rows' frames are computed in one go.
const windowStep = 1024

// expand copies the rows of short frames out, each frame a group.
func (a *windowAgg) expand(b *windowBlock, out *batch.Vector) error {
	copies := make([]*batch.Vector, len(a.args))
	for i, v := range a.args {
		copies[i] = batch.New(v.Type, 0)
	}
	for from := 0; from < b.n; from += windowStep {
		to := min(from+windowStep, b.n)
		a.idx, a.groups = a.idx[:0], a.groups[:0]
		for i := from; i < to; i++ {
			for r := a.lo[i]; r < a.hi[i]; r++ {
				a.idx, a.groups = append(a.idx, r), append(a.groups, int32(i-from))
			}
		}
		for i, v := range copies {
			v.Gather(a.args[i], a.idx)
		}
		a.acc.Reset()
		a.acc.Grow(to - from)
		if err := a.acc.Update(a.groups, copies, len(a.idx)); err != nil {
			return err
		}
		if err := a.acc.Result(0, to-from, out); err != nil {
			return err
		}
	}
	return nil
}

// query answers each frame from the tree.
func (a *windowAgg) query(b *windowBlock, out *batch.Vector) error {
	n := b.n
	if a.d.filter >= 0 {
		n = len(a.keep)
	}
	if err := a.tree.build(a.args, n); err != nil {
		return err
	}
	for from := 0; from < b.n; from += windowStep {
		to := min(from+windowStep, b.n)
		if err := a.tree.query(a.lo[from:to], a.hi[from:to], out); err != nil {
			return err
		}
	}
	return nil
}

// stateTree holds partial states of runs of 1, 2, 4, ... rows, level after
// level in one set of columns. A frame is the merge of at most two nodes a
// level, taken from left to right, so that order-sensitive functions are right.
type stateTree struct {
	acc    function.Accumulator
	nodes  []*batch.Vector
	levels []int32 // first node of each level
	some   []*batch.Vector
	idx    []int32
	groups []int32
	right  []int32
}

func (t *stateTree) build(args []*batch.Vector, n int) error {
	for _, v := range t.nodes {
		v.Reset(0)
	}
	t.levels = append(t.levels[:0], 0)
	t.groups = t.groups[:0]
	for i := range n {
		t.groups = append(t.groups, int32(i))
	}
	t.acc.Reset()
	t.acc.Grow(n)
	if err := t.acc.Update(t.groups, args, n); err != nil {
		return err
	}
	if err := t.acc.State(0, n, t.nodes); err != nil {
		return err
	}
	for first := 0; n > 1; {
		half := (n + 1) / 2
		if err := t.level(first, n, half); err != nil {
			return err
		}
		first += n
		t.levels = append(t.levels, int32(first))
		n = half
	}
	return nil
}

// level merges pairs of the n nodes from first.
func (t *stateTree) level(first, n, half int) error {
	t.idx, t.groups = t.idx[:0], t.groups[:0]
	for i := range n {
		t.idx, t.groups = append(t.idx, int32(first+i)), append(t.groups, int32(i/2))
	}
	if err := t.merge(half); err != nil {
		return err
	}
	return t.acc.State(0, half, t.nodes)
}

// merge brings nodes idx into groups of a cleared accumulator.
func (t *stateTree) merge(n int) error {
	for i, v := range t.some {
		v.Reset(0)
		v.AppendGather(t.nodes[i], t.idx)
	}
	t.acc.Reset()
	t.acc.Grow(n)
	return t.acc.Merge(t.groups, t.some, len(t.idx))
}

func (t *stateTree) query(lo, hi []int32, out *batch.Vector) error {
	t.idx, t.groups = t.idx[:0], t.groups[:0]
	for i := range lo {
		t.cover(lo[i], hi[i])
		for len(t.groups) < len(t.idx) {
			t.groups = append(t.groups, int32(i))
		}
	}
	if err := t.merge(len(lo)); err != nil {
		return err
	}
	return t.acc.Result(0, len(lo), out)
}

// cover lists the nodes that make up [lo, hi), from left to right.
func (t *stateTree) cover(lo, hi int32) {
	t.right = t.right[:0]
	for level := 0; lo < hi; level++ {
		if lo&1 == 1 {
			t.idx = append(t.idx, t.levels[level]+lo)
			lo++
		}
		if hi&1 == 1 && lo < hi {
			hi--
			t.right = append(t.right, t.levels[level]+hi)
		}
		lo, hi = lo>>1, hi>>1
	}
	slices.Reverse(t.right)
	t.idx = append(t.idx, t.right...)
}
