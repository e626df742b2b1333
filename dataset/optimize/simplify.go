package optimize

import (
	"context"
	"slices"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// rewrite is a local rewriting of one expression whose children are already
// rewritten. The same expression back means no change.
type rewrite func(plan.Expr) plan.Expr

// exprRule applies rewrites to every expression of a plan, bottom-up.
type exprRule struct {
	name     string
	rewrites []rewrite
}

// simplify is all rewrites of expressions in one pass: what one finds often
// lets another one work.
func simplify(cfg Config) Rule {
	return exprRule{"Simplify", []rewrite{cfg.removeCast, cfg.foldConstant, cfg.foldNull, simplifyBoolean, simplifyCase, cfg.unwrapCast, simplifyIn, cfg.simplifyLike, factor, gatherIn}}
}

func (r exprRule) Name() string { return r.name }

func (r exprRule) Apply(ctx context.Context, n plan.Node) (plan.Node, error) {
	return plan.TransformUp(n, func(n plan.Node) (plan.Node, error) {
		return plan.TransformExprs(n, func(e plan.Expr) (plan.Expr, error) { return r.expr(ctx, e) })
	})
}

func (r exprRule) expr(ctx context.Context, e plan.Expr) (plan.Expr, error) {
	switch x := e.(type) {
	case *plan.Column, *plan.Literal, plan.SortOrder:
		return e, nil
	case *plan.Subquery:
		inner, err := r.Apply(ctx, x.Plan)
		if err != nil || inner == x.Plan {
			return e, err
		}
		c := *x
		c.Plan = inner
		return &c, nil
	}
	for _, f := range r.rewrites {
		e = f(e)
	}
	return e, nil
}

// call recognises a scalar call by one of some names.
func call(e plan.Expr, names ...string) (*plan.Call, bool) {
	c, ok := e.(*plan.Call)
	if !ok || !slices.Contains(names, c.Name) {
		return nil, false
	}
	return c, true
}

// literalBool reads a literal of true, false or null.
func literalBool(e plan.Expr) (v, null, ok bool) {
	l, ok := e.(*plan.Literal)
	if !ok {
		return false, false, false
	}
	if l.Value == nil {
		return false, true, true
	}
	v, ok = l.Value.(bool)
	return v, false, ok
}
