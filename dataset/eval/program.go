package eval

import (
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Program is a compiled expression. It owns scratch memory and serves one
// goroutine: compile once per thread.
type Program struct {
	root node
	typ  types.Type
	in   input
	flat *batch.Vector
	// calls are those whose results have no fixed width.
	calls []*callNode
}

// Compile makes e runnable. Its plan.Bound columns are positions in the batch.
func Compile(env *function.Env, reg *function.Registry, e plan.Expr) (*Program, error) {
	c := &compiler{env: env, reg: reg, slots: map[plan.ID]int{}}
	root, err := c.compile(e)
	if err != nil {
		return nil, err
	}
	p := &Program{root: root, typ: e.Type(), calls: c.calls}
	p.in.vars = make([]*batch.Vector, len(c.slots))
	return p, nil
}

// Type is the type of the result.
func (p *Program) Type() types.Type { return p.typ }

// Eval computes the expression over b. The result, of any encoding, is
// borrowed until the next Eval, and no longer than b is valid.
func (p *Program) Eval(b *batch.Batch) (*batch.Vector, error) {
	p.in.cols, p.in.n, p.in.seq = b.Cols, b.N, b.Seq
	return p.root.eval(&p.in)
}

// EvalFlat is Eval with a flat result.
func (p *Program) EvalFlat(b *batch.Batch) (*batch.Vector, error) {
	v, err := p.Eval(b)
	if err != nil || v.Enc == batch.Flat {
		return v, err
	}
	if p.flat == nil {
		p.flat = batch.New(p.typ, 0)
	}
	return v.Flatten(p.flat), nil
}

// node is one compiled expression. eval's result has in.n rows and is borrowed
// until the node's next eval.
type node interface {
	eval(in *input) (*batch.Vector, error)
}

// input is what an expression sees: columns, and the lambda variables in scope.
type input struct {
	cols []*batch.Vector
	vars []*batch.Vector
	n    int
	seq  int64
}

// columnNode is a column of the batch.
type columnNode int

func (c columnNode) eval(in *input) (*batch.Vector, error) { return in.cols[c], nil }

// varNode is a lambda's variable.
type varNode int

func (v varNode) eval(in *input) (*batch.Vector, error) { return in.vars[v], nil }

// constNode is a literal.
type constNode struct{ v *batch.Vector }

func (c constNode) eval(in *input) (*batch.Vector, error) {
	c.v.SetConst(in.n)
	return c.v, nil
}

// fieldNode is a struct's member.
type fieldNode struct {
	child  node
	index  int
	flat   *batch.Vector
	member batch.Vector
	bits   []uint64
}

func (f *fieldNode) eval(in *input) (*batch.Vector, error) {
	v, err := f.child.eval(in)
	if err != nil {
		return nil, err
	}
	if v.ConstNull() {
		f.member = *batch.NewConst(f.flat.Type.Fields[f.index].Type, nil, in.n)
		return &f.member, nil
	}
	if v.Enc != batch.Flat {
		v = v.Flatten(f.flat)
	}
	child := v.Children[f.index]
	outer, inner := v.Validity(), child.Validity()
	if outer == nil || inner == nil {
		if outer == nil {
			outer = inner
		}
		f.member.AliasMasked(child, outer)
		return &f.member, nil
	}
	f.bits = f.bits[:0]
	for i := range (in.n + 63) >> 6 {
		f.bits = append(f.bits, outer[i]&inner[i])
	}
	f.member.AliasMasked(child, f.bits)
	return &f.member, nil
}

// relabelNode shows values under another type of the same layout.
type relabelNode struct {
	child node
	typ   types.Type
	out   batch.Vector
	dict  batch.Vector
}

func (r *relabelNode) eval(in *input) (*batch.Vector, error) {
	v, err := r.child.eval(in)
	if err != nil {
		return nil, err
	}
	r.out.Alias(v)
	r.out.Type = r.typ
	if v.Enc == batch.Dict {
		r.dict.Alias(v.Dict)
		r.dict.Type = r.typ
		r.out.Dict = &r.dict
	}
	return &r.out, nil
}
