package eval

import (
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
)

// Fold replaces the constant parts of e by literals. A part that fails stays
// as it is: it may be in a branch that is never taken.
func Fold(env *function.Env, reg *function.Registry, e plan.Expr) (plan.Expr, error) {
	return plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) {
		if !foldable(reg, x) {
			return x, nil
		}
		l, err := foldOne(env, reg, x)
		if err != nil || l == nil {
			return x, nil
		}
		return l, nil
	})
}

// foldable tells whether x is a deterministic operation on literals.
func foldable(reg *function.Registry, x plan.Expr) bool {
	switch x := x.(type) {
	case *plan.Call:
		if e := reg.Lookup(x.Name); e == nil || e.Volatile || e.Kernel == nil && !e.Builtin {
			return false
		}
	case *plan.Cast, *plan.Case, *plan.In, *plan.GetField:
	default:
		return false
	}
	for _, c := range x.Children() {
		if _, ok := c.(*plan.Literal); !ok {
			return false
		}
	}
	return true
}

// foldOne evaluates x over one row without columns; nil if x may not be folded.
func foldOne(env *function.Env, reg *function.Registry, x plan.Expr) (*plan.Literal, error) {
	if volatile(reg, x) {
		return nil, nil
	}
	p, err := Compile(env, reg, x)
	if err != nil {
		return nil, err
	}
	v, err := p.Eval(&batch.Batch{N: 1})
	if err != nil {
		return nil, err
	}
	return &plan.Literal{Value: v.Get(0), Typ: x.Type()}, nil
}

func volatile(reg *function.Registry, x plan.Expr) bool {
	found := false
	plan.WalkExpr(x, func(e plan.Expr) bool {
		if c, ok := e.(*plan.Call); ok {
			if f := reg.Lookup(c.Name); f == nil || f.Volatile {
				found = true
			}
		}
		return !found
	})
	return found
}
