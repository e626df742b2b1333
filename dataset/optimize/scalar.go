package optimize

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// scalar joins a scalar subquery to child: one row or none for each row of
// child, an error at run time for more.
func (d decorrelate) scalar(ctx context.Context, child plan.Node, sub *plan.Subquery) (plan.Node, plan.Expr, error) {
	inner, err := d.Apply(ctx, sub.Plan)
	if err != nil {
		return nil, nil, err
	}
	inner = d.fresh(child, inner)
	value := inner.Output()[0]
	if !anyCorrelated(inner) {
		return &plan.Join{Type: plan.JoinSingle, Left: child, Right: inner}, value.WithNullable(true), nil
	}
	empty := d.folded(onEmpty(inner))
	up := &pullUp{decorrelate: d}
	right, err := up.node(inner)
	if err != nil {
		return nil, nil, err
	}
	conds := make([]plan.Expr, len(up.preds))
	for i, p := range up.preds {
		conds[i] = inward(p)
	}
	j := &plan.Join{Type: plan.JoinSingle, Left: child, Right: right, Cond: plan.And(conds...)}
	if empty != nil {
		j.Type = plan.JoinLeft // groups are unique by the correlation keys
	}
	if empty == nil || isNullLiteral(empty) {
		return j, value.WithNullable(true), nil
	}
	// The count bug: no inner row means count 0, not null. A flag tells an absent
	// group from a null result.
	flag := &plan.Alias{Child: plan.LitBool(true), Name: "present", ID: d.NextID()}
	list := []plan.Expr{flag}
	for _, c := range right.Output() {
		list = append(list, c)
	}
	j.Right = &plan.Project{List: list, Child: right}
	return j, &plan.Case{
		Whens: []plan.When{{Cond: isNull(flag.Column().WithNullable(true)), Then: empty}},
		Else:  value.WithNullable(true),
	}, nil
}

// folded simplifies an expression that substitution made.
func (c Config) folded(e plan.Expr) plan.Expr {
	if e == nil {
		return nil
	}
	rule := simplify(c).(exprRule)
	out, err := plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) { return rule.expr(context.Background(), x) })
	if err != nil {
		return e
	}
	return out
}

func isNullLiteral(e plan.Expr) bool {
	l, ok := e.(*plan.Literal)
	return ok && l.Value == nil
}

// onEmpty is the value of a subquery's first column when no inner row matches,
// if its plan is projections and filters over a global aggregate; else nil.
func onEmpty(n plan.Node) plan.Expr {
	switch n := n.(type) {
	case *plan.SubqueryAlias:
		return onEmpty(n.Child)
	case *plan.Project:
		vals := emptyValues(n.Child)
		if vals == nil {
			return nil
		}
		return substituteAll(n.List[0], vals)
	case *plan.Aggregate:
		vals := emptyValues(n)
		if vals == nil {
			return nil
		}
		return vals[n.Output()[0].ID]
	}
	return nil
}

// emptyValues gives the value of each output column of a global aggregate over no rows.
func emptyValues(n plan.Node) map[plan.ID]plan.Expr {
	switch n := n.(type) {
	case *plan.SubqueryAlias:
		return emptyValues(n.Child)
	case *plan.Project:
		vals := emptyValues(n.Child)
		if vals == nil {
			return nil
		}
		out := map[plan.ID]plan.Expr{}
		for _, e := range n.List {
			out[idOf(e)] = substituteAll(e, vals)
		}
		return out
	case *plan.Aggregate:
		if len(n.GroupBy) > 0 {
			return nil
		}
		out := map[plan.ID]plan.Expr{}
		for _, e := range n.List {
			v, _ := plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) {
				if a, ok := x.(*plan.Agg); ok {
					return emptyAgg(a), nil
				}
				return x, nil
			})
			if a, ok := v.(*plan.Alias); ok {
				v = a.Child
			}
			out[idOf(e)] = v
		}
		return out
	}
	return nil
}

func emptyAgg(a *plan.Agg) plan.Expr {
	switch a.Name {
	case "count", "count_if", "regr_count", "approx_count_distinct":
		return plan.Lit(types.Long, int64(0))
	}
	return plan.LitNull(a.Typ)
}

func idOf(e plan.Expr) plan.ID {
	switch e := e.(type) {
	case *plan.Alias:
		return e.ID
	case *plan.Column:
		return e.ID
	}
	return 0
}

// substituteAll replaces columns by expressions; aliases at the top fall away.
func substituteAll(e plan.Expr, by map[plan.ID]plan.Expr) plan.Expr {
	if a, ok := e.(*plan.Alias); ok {
		e = a.Child
	}
	out, _ := plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) {
		if c, ok := x.(*plan.Column); ok {
			if v, ok := by[c.ID]; ok {
				return v, nil
			}
		}
		return x, nil
	})
	return out
}
