package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/eval"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
)

// constant is the value of a resolved expression that reads no columns; false
// if it has none that is known before the query runs, or is null.
func (r *run) constant(e plan.Expr) (any, bool) {
	l := r.folded(e)
	if l == nil || l.Value == nil {
		return nil, false
	}
	return l.Value, true
}

// folded is e as a literal, nil if it is not constant or fails.
func (r *run) folded(e plan.Expr) *plan.Literal {
	if l, ok := e.(*plan.Literal); ok {
		return l
	}
	if !function.IsFoldable(e) || r.hasGenerator(e) {
		return nil
	}
	e, err := r.lowerExpr(context.Background(), e)
	if err != nil {
		return nil
	}
	if e, err = eval.Fold(r.Env, r.Registry, e); err != nil {
		return nil
	}
	l, _ := e.(*plan.Literal)
	return l
}

// FoldableConst is the value of a resolved constant expression as a literal,
// nil if it is not constant.
func (a *Analyzer) FoldableConst(e plan.Expr) *plan.Literal { return newRun(a).folded(e) }
