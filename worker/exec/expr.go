package exec

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// evaluator computes an expression over a batch. The vector is borrowed until
// the next call. One instance serves one goroutine.
type evaluator interface {
	Eval(b *batch.Batch) (*batch.Vector, error)
}

// selector keeps the positions of sel (ascending; nil means all rows of b) for
// which a condition is true; the result is borrowed until the next call.
type selector interface {
	Select(b *batch.Batch, sel []int32) ([]int32, error)
}

// compiler makes instances of expressions. Safe for concurrent use.
type compiler interface {
	Expr(e plan.Expr) (evaluator, error)
	Cond(e plan.Expr) (selector, error)
}

// column is the evaluator of a plain column: no copy, any encoding.
type column int

func (c column) Eval(b *batch.Batch) (*batch.Vector, error) { return b.Cols[c], nil }

// compileExpr compiles e; columns do not need the compiler.
func compileExpr(c compiler, e plan.Expr) (evaluator, error) {
	if b, ok := e.(*plan.Bound); ok {
		return column(b.Index), nil
	}
	if a, ok := e.(*plan.Alias); ok {
		return compileExpr(c, a.Child)
	}
	return c.Expr(e)
}

func compileExprs(c compiler, es []plan.Expr) ([]evaluator, error) {
	out := make([]evaluator, len(es))
	for i, e := range es {
		ev, err := compileExpr(c, e)
		if err != nil {
			return nil, err
		}
		out[i] = ev
	}
	return out, nil
}

// evalAll evaluates into cols[i].
func evalAll(evs []evaluator, b *batch.Batch, cols []*batch.Vector) error {
	for i, ev := range evs {
		v, err := ev.Eval(b)
		if err != nil {
			return err
		}
		if v.Len() != b.N {
			return errs.Errorf(errs.Internal, "exec.Eval", "expression %d gave %d rows for %d", i, v.Len(), b.N)
		}
		cols[i] = v
	}
	return nil
}

func exprTypes(es []plan.Expr) []types.Type {
	out := make([]types.Type, len(es))
	for i, e := range es {
		out[i] = e.Type()
	}
	return out
}

// flats holds scratch for flattening columns.
type flats []*batch.Vector

// of returns v flat or constant, flattening dictionaries into scratch i.
func (f *flats) of(i int, v *batch.Vector) *batch.Vector {
	if v.Enc != batch.Dict {
		return v
	}
	return f.flat(i, v)
}

// flat returns v flat.
func (f *flats) flat(i int, v *batch.Vector) *batch.Vector {
	if v.Enc == batch.Flat {
		return v
	}
	for len(*f) <= i {
		*f = append(*f, nil)
	}
	if (*f)[i] == nil || !(*f)[i].Type.Equal(v.Type) {
		(*f)[i] = batch.New(v.Type, 0)
	}
	return v.Flatten((*f)[i])
}
