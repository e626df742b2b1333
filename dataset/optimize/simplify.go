package optimize

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// simplify rewrites expressions: boolean algebra and what is common to all
// branches of a disjunction.
type simplify struct{ Config }

func (simplify) Name() string { return "Simplify" }

func (s simplify) Apply(_ context.Context, n plan.Node) (plan.Node, error) {
	return plan.TransformUp(n, func(n plan.Node) (plan.Node, error) {
		return plan.TransformExprs(n, func(e plan.Expr) (plan.Expr, error) { return s.expr(e) })
	})
}

func (s simplify) expr(e plan.Expr) (plan.Expr, error) {
	if sub, ok := e.(*plan.Subquery); ok {
		inner, err := s.Apply(context.Background(), sub.Plan)
		if err != nil {
			return nil, err
		}
		if inner == sub.Plan {
			return e, nil
		}
		c := *sub
		c.Plan = inner
		return &c, nil
	}
	if c, ok := e.(*plan.Call); ok && c.Name == "or" {
		return factor(c), nil
	}
	return e, nil
}

// splitOr lists the disjuncts of a condition.
func splitOr(e plan.Expr) []plan.Expr {
	if c, ok := e.(*plan.Call); ok && c.Name == "or" {
		return append(splitOr(c.Args[0]), splitOr(c.Args[1])...)
	}
	return []plan.Expr{e}
}

// factor takes out what all branches share: (a and b) or (a and c) is a and (b or c).
func factor(or *plan.Call) plan.Expr {
	branches := splitOr(or)
	shared := map[string]bool{}
	for i, b := range branches {
		keys := map[string]bool{}
		for _, c := range plan.SplitAnd(b) {
			if k := plan.Key(c); i == 0 || shared[k] {
				keys[k] = true
			}
		}
		shared = keys
	}
	if len(shared) == 0 {
		return or
	}
	var common []plan.Expr
	var rest plan.Expr
	always := false
	for i, b := range branches {
		var left []plan.Expr
		for _, c := range plan.SplitAnd(b) {
			switch {
			case !shared[plan.Key(c)]:
				left = append(left, c)
			case i == 0:
				common = append(common, c)
			}
		}
		r := plan.And(left...)
		switch {
		case r == nil:
			always = true
		case rest == nil:
			rest = r
		default:
			rest = &plan.Call{Name: "or", Args: []plan.Expr{rest, r}, Typ: or.Typ, Null: or.Null}
		}
	}
	if always {
		return plan.And(common...)
	}
	return plan.And(append(common, rest)...)
}
