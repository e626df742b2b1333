package optimize

import (
	"slices"

	"github.com/spurwheel/spurwheel/dataset/eval"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
)

// foldConstant computes a deterministic operation on literals. One that fails
// stays: it may stand in a branch that is never taken.
func (c Config) foldConstant(e plan.Expr) plan.Expr {
	switch e.(type) {
	case *plan.Call, *plan.Cast, *plan.Case, *plan.In, *plan.GetField:
	default:
		return e
	}
	for _, x := range e.Children() {
		if _, ok := x.(*plan.Literal); !ok {
			return e
		}
	}
	out, err := eval.Fold(c.Env, c.Registry, e)
	if err != nil {
		return e
	}
	return out
}

// foldNull makes a literal of a strict function of a null literal.
func (c Config) foldNull(e plan.Expr) plan.Expr {
	call, ok := e.(*plan.Call)
	if !ok {
		return e
	}
	f := c.Registry.Lookup(call.Name)
	if f == nil || f.Kind != function.Scalar || !f.NullIn || f.Volatile {
		return e
	}
	if slices.ContainsFunc(call.Args, isNullLiteral) {
		return plan.LitNull(call.Typ)
	}
	return e
}

// removeCast drops a cast to the type that its child has.
func (c Config) removeCast(e plan.Expr) plan.Expr {
	if x, ok := e.(*plan.Cast); ok && x.To.Equal(x.Child.Type()) {
		return x.Child
	}
	return e
}
