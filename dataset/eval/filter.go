package eval

import (
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Filter is a compiled condition. It owns scratch memory and serves one goroutine.
type Filter struct {
	conjuncts []predicate
	in        input
	sel       []int32
	calls     []*callNode // those whose results have no fixed width
}

// predicate keeps the rows of sel (nil: all rows of in) for which a condition
// is true, writing them to out, which may share sel's array: what is read
// stays ahead of what is written.
type predicate interface {
	refine(in *input, sel, out []int32) ([]int32, error)
}

// CompileFilter makes a condition runnable. Conjuncts run in the order given:
// a later one sees only the rows that earlier ones keep.
func CompileFilter(env *function.Env, reg *function.Registry, cond plan.Expr) (*Filter, error) {
	if t := cond.Type(); t.Kind != types.KindBool && t.Kind != types.KindNull {
		return nil, errs.Errorf(errs.Internal, "eval.CompileFilter", "condition of type %s", t)
	}
	c := &compiler{env: env, reg: reg, slots: map[plan.ID]int{}}
	f := &Filter{}
	for _, e := range plan.SplitAnd(cond) {
		p, err := c.predicate(e)
		if err != nil {
			return nil, err
		}
		f.conjuncts = append(f.conjuncts, p)
	}
	f.in.vars, f.calls = make([]*batch.Vector, len(c.slots)), c.calls
	return f, nil
}

// Select lists, in ascending order, the rows of sel (nil: all rows of b) for
// which the condition is true. The result is borrowed until the next Select.
func (f *Filter) Select(b *batch.Batch, sel []int32) ([]int32, error) {
	f.in.cols, f.in.n, f.in.seq = b.Cols, b.N, b.Seq
	if cap(f.sel) < b.N+1 {
		f.sel = make([]int32, b.N+1) // one spare entry: loops store before they know
	}
	out := f.sel[:b.N+1]
	for i, p := range f.conjuncts {
		kept, err := p.refine(&f.in, sel, out)
		if err != nil {
			return nil, err
		}
		if sel = kept; len(sel) == 0 && i < len(f.conjuncts) {
			return sel, nil
		}
	}
	return sel, nil
}

func (c *compiler) predicate(e plan.Expr) (predicate, error) {
	if p := nullCheck(e); p != nil {
		return p, nil
	}
	if p, err := c.compareConst(e); p != nil || err != nil {
		return p, err
	}
	s, err := c.subset(e)
	return &general{cond: s, dense: c.safe(e), flat: batch.New(types.Bool, 0)}, err
}

// general evaluates any condition, over the selected rows or, if that cannot
// fail and few rows are gone, over all.
type general struct {
	cond  *subset
	dense bool
	flat  *batch.Vector
}

// denseShare: at or above one selected row in four, computing all rows of a cheap
// condition beats gathering its columns first.
const denseShare = 4

func (g *general) refine(in *input, sel, out []int32) ([]int32, error) {
	if sel == nil || g.dense && len(sel)*denseShare >= in.n {
		v, err := g.cond.node.eval(in)
		if err != nil {
			return nil, err
		}
		return pickTrue(boolFlat(v, g.flat), in.n, sel, out), nil
	}
	v, err := g.cond.eval(in, sel)
	if err != nil {
		return nil, err
	}
	v = boolFlat(v, g.flat)
	return compactTrue(v, sel, out), nil
}

// pickTrue lists the rows of sel (nil: all n) where v is true.
func pickTrue(v *batch.Vector, n int, sel, out []int32) []int32 {
	vals, k := batch.Values[uint8](v), 0
	valid := v.Validity()
	switch {
	case sel == nil && valid == nil:
		for i, b := range vals[:n] {
			out[k] = int32(i)
			k += int(b)
		}
	case sel == nil:
		for i, b := range vals[:n] {
			out[k] = int32(i)
			k += int(b & uint8(valid[i>>6]>>(uint(i)&63)&1))
		}
	case valid == nil:
		for _, r := range sel {
			out[k] = r
			k += int(vals[r])
		}
	default:
		for _, r := range sel {
			out[k] = r
			k += int(vals[r] & uint8(valid[r>>6]>>(uint(r)&63)&1))
		}
	}
	return out[:k]
}

// compactTrue lists sel[i] where v's row i is true.
func compactTrue(v *batch.Vector, sel, out []int32) []int32 {
	vals, k := batch.Values[bool](v), 0
	for i, r := range sel {
		if vals[i] && v.Valid(i) {
			out[k] = r
			k++
		}
	}
	return out[:k]
}
