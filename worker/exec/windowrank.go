package exec

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// instance makes a thread's instance of a function.
func (w *windowPlan) instance(d *windowDef) (windowFunc, error) {
	if d.agg != nil {
		return newWindowAgg(w, d)
	}
	switch d.name {
	case "row_number":
		return rankFunc(func(b *windowBlock, i int32) int32 { return i - b.starts[i] + 1 }), nil
	case "rank":
		return rankFunc(func(b *windowBlock, i int32) int32 { return b.peerFirst[i] - b.starts[i] + 1 }), nil
	case "dense_rank":
		return denseRank{}, nil
	case "percent_rank":
		return shareFunc(percentRank), nil
	case "cume_dist":
		return shareFunc(func(b *windowBlock, i int32) float64 {
			return float64(b.peerEnd[i]-b.starts[i]) / float64(b.ends[i]-b.starts[i])
		}), nil
	case "ntile":
		return newNtile(d)
	case "lag", "lead":
		return newShift(d)
	case "nth_value":
		return newNth(w, d)
	}
	return nil, errs.Unsupported("window function " + d.name)
}

// rankFunc gives a number for each row.
type rankFunc func(b *windowBlock, i int32) int32

func (f rankFunc) eval(b *windowBlock, out *batch.Vector) error {
	out.Reset(b.n)
	v := batch.Values[int32](out)
	for i := range v {
		v[i] = f(b, int32(i))
	}
	return nil
}

type denseRank struct{}

func (denseRank) eval(b *windowBlock, out *batch.Vector) error {
	out.Reset(b.n)
	v := batch.Values[int32](out)
	rank := int32(0)
	for i := range v {
		switch {
		case b.starts[i] == int32(i):
			rank = 1
		case b.peerFirst[i] == int32(i):
			rank++
		}
		v[i] = rank
	}
	return nil
}

// shareFunc gives a fraction for each row.
type shareFunc func(b *windowBlock, i int32) float64

func (f shareFunc) eval(b *windowBlock, out *batch.Vector) error {
	out.Reset(b.n)
	v := batch.Values[float64](out)
	for i := range v {
		v[i] = f(b, int32(i))
	}
	return nil
}

func percentRank(b *windowBlock, i int32) float64 {
	n := b.ends[i] - b.starts[i]
	if n <= 1 {
		return 0
	}
	return float64(b.peerFirst[i]-b.starts[i]) / float64(n-1)
}

// intArg is a literal argument that must be an integer.
func (d *windowDef) intArg(i int, otherwise int64) (int64, error) {
	if i >= len(d.args) {
		return otherwise, nil
	}
	if lit := d.args[i].lit; lit != nil {
		switch x := lit.Value.(type) {
		case int32:
			return int64(x), nil
		case int64:
			return x, nil
		case int16:
			return int64(x), nil
		case int8:
			return int64(x), nil
		}
	}
	return 0, errs.Unsupported(d.name + " with an offset that is not a constant")
}

func newNtile(d *windowDef) (windowFunc, error) {
	k, err := d.intArg(0, 1)
	if err != nil {
		return nil, err
	}
	if k <= 0 {
		return nil, errs.Cond(errs.Analysis, "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "42K09", "ntile needs a positive number of buckets.",
			"sqlExpr", d.call.String(), "exprName", "buckets", "valueRange", "(0, 2147483647]", "currentValue", d.args[0].lit.String())
	}
	return rankFunc(func(b *windowBlock, i int32) int32 {
		return int32(ntile(int64(b.ends[i]-b.starts[i]), k, int64(i-b.starts[i])))
	}), nil
}

// ntile deals n rows into k buckets whose sizes differ by at most one, larger first.
func ntile(n, k, row int64) int64 {
	size, larger := n/k, n%k
	if row < larger*(size+1) {
		return row/(size+1) + 1
	}
	return larger + (row-larger*(size+1))/size + 1
}

// shift is lag and lead: the value so many rows away in the partition.
type shift struct {
	d    *windowDef
	by   int64 // rows ahead; negative: before
	idx  []int32
	miss []int32
	tmp  *batch.Vector
}

func newShift(d *windowDef) (windowFunc, error) {
	by, err := d.intArg(1, 1)
	if err != nil {
		return nil, err
	}
	if d.name == "lag" {
		by = -by
	}
	return &shift{d: d, by: by, tmp: batch.New(d.typ, 0)}, nil
}

func (s *shift) eval(b *windowBlock, out *batch.Vector) error {
	in := s.d.arg(b, 0)
	s.idx, s.miss = s.idx[:0], s.miss[:0]
	for i := range int32(b.n) {
		at := s.target(b, in, i)
		if at < 0 {
			s.miss = append(s.miss, i)
		}
		s.idx = append(s.idx, at)
	}
	if len(s.d.args) < 3 || len(s.miss) == 0 || s.d.args[2].lit != nil && s.d.args[2].lit.Value == nil {
		out.Reset(0)
		out.AppendGather(in, s.idx)
		return nil
	}
	s.withDefault(b, in, out)
	return nil
}

// withDefault takes rows without a target from the default: both vectors one
// after the other, then one gather.
func (s *shift) withDefault(b *windowBlock, in, out *batch.Vector) {
	s.tmp.Reset(0)
	s.tmp.AppendRange(in, 0, b.n)
	s.tmp.AppendRange(s.d.arg(b, 2), 0, b.n)
	for _, i := range s.miss {
		s.idx[i] = int32(b.n) + i
	}
	out.Reset(0)
	out.AppendGather(s.tmp, s.idx)
}

// target is the row whose value row i gets, -1 if it lies outside.
func (s *shift) target(b *windowBlock, in *batch.Vector, i int32) int32 {
	if !s.d.nulls || s.by == 0 {
		at := int64(i) + s.by
		if at < int64(b.starts[i]) || at >= int64(b.ends[i]) {
			return -1
		}
		return int32(at)
	}
	step, left := int32(1), s.by
	if s.by < 0 {
		step, left = -1, -s.by
	}
	for at := i + step; at >= b.starts[i] && at < b.ends[i]; at += step {
		if in.Valid(int(at)) {
			if left--; left == 0 {
				return at
			}
		}
	}
	return -1
}

// arg is argument i of the block's rows, flat or constant.
func (d *windowDef) arg(b *windowBlock, i int) *batch.Vector {
	if lit := d.args[i].lit; lit != nil {
		t := lit.Typ
		if t.Kind == types.KindNull {
			t = d.typ
		}
		return batch.NewConst(t, lit.Value, b.n)
	}
	return b.cols[d.args[i].col]
}

// nth is nth_value, first and last: a row's position in its frame.
type nth struct {
	d     *windowDef
	frame *frameBounds
	n     int64 // from 1; -1: the last
	idx   []int32
}

func newNth(w *windowPlan, d *windowDef) (windowFunc, error) {
	n, err := d.intArg(1, 1)
	if err != nil {
		return nil, err
	}
	return newPosition(w, d, n)
}

func newPosition(w *windowPlan, d *windowDef, n int64) (windowFunc, error) {
	f, err := newFrameBounds(w, d.frame)
	return &nth{d: d, frame: f, n: n}, err
}

func (f *nth) eval(b *windowBlock, out *batch.Vector) error {
	if err := f.frame.load(b); err != nil {
		return err
	}
	in := f.d.arg(b, 0)
	f.idx = f.idx[:0]
	for i := range b.n {
		f.idx = append(f.idx, f.at(in, f.frame.lo[i], f.frame.hi[i]))
	}
	out.Reset(0)
	out.AppendGather(in, f.idx)
	return nil
}

// at is the position in frame [lo, hi), -1 if there is none.
func (f *nth) at(in *batch.Vector, lo, hi int32) int32 {
	if !f.d.nulls {
		switch {
		case lo >= hi:
			return -1
		case f.n < 0:
			return hi - 1
		case int64(lo)+f.n-1 < int64(hi):
			return lo + int32(f.n) - 1
		}
		return -1
	}
	if f.n < 0 {
		for i := hi - 1; i >= lo; i-- {
			if in.Valid(int(i)) {
				return i
			}
		}
		return -1
	}
	left := f.n
	for i := lo; i < hi; i++ {
		if in.Valid(int(i)) {
			if left--; left == 0 {
				return i
			}
		}
	}
	return -1
}

// positional tells whether an aggregate over a frame is just one of its rows.
func (d *windowDef) positional() (n int64, ok bool) {
	if len(d.args) != 1 || d.filter >= 0 {
		return 0, false
	}
	switch d.name {
	case "first", "first_value", "any_value":
		return 1, true
	case "last", "last_value":
		return -1, true
	}
	return 0, false
}

// offsetOf evaluates a frame's constant offset, nil for other bounds.
func (w *windowPlan) offsetOf(b plan.FrameBound) (any, types.Type, error) {
	if b.Kind != plan.Offset {
		return nil, types.Null, nil
	}
	if lit, ok := b.Value.(*plan.Literal); ok {
		return lit.Value, lit.Typ, nil
	}
	ev, err := compileExpr(w.deps.compiler(), b.Value)
	if err != nil {
		return nil, types.Null, err
	}
	v, err := ev.Eval(&batch.Batch{N: 1})
	if err != nil {
		return nil, types.Null, err
	}
	return v.Get(0), v.Type, nil
}
