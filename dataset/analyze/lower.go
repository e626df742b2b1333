package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Lowering ends an analysis: rewritten functions become what they stand for,
// lists are split into aggregates, windows and projections, names of
// relations go, and named queries that are used once are no longer shared.

func (r *run) finish(ctx context.Context, n plan.Node) (plan.Node, error) {
	n, err := r.lower(ctx, n)
	if err != nil {
		return nil, err
	}
	if n, err = r.untangle(ctx, n); err != nil {
		return nil, err
	}
	return unshared(n), nil
}

func (r *run) lower(ctx context.Context, n plan.Node) (plan.Node, error) {
	switch x := n.(type) {
	case *plan.Tagged:
		return r.lower(ctx, x.Child)
	case *plan.SubqueryAlias:
		return r.lower(ctx, x.Child)
	case *plan.Aggregate:
		return r.lowerAggregate(ctx, x, nil)
	case *plan.Filter:
		if agg := havingOf(x); agg != nil {
			return r.lowerAggregate(ctx, agg, havingConds(x))
		}
	case *plan.Shared:
		return r.lowerShared(ctx, x)
	case *plan.CollectMetrics:
		return r.lowerMetrics(ctx, x)
	}
	n, err := r.lowerChildren(ctx, n)
	if err != nil {
		return nil, err
	}
	if p, ok := n.(*plan.Project); ok {
		return r.lowerProject(ctx, p)
	}
	if n, err = r.lowerExprs(ctx, n); err != nil {
		return nil, err
	}
	if j, ok := n.(*plan.Join); ok && j.Lateral {
		return r.lateral(ctx, j)
	}
	return n, nil
}

func (r *run) lowerChildren(ctx context.Context, n plan.Node) (plan.Node, error) {
	cs := n.Children()
	if len(cs) == 0 || cs[0] == nil {
		return n, nil
	}
	out := make([]plan.Node, len(cs))
	for i, c := range cs {
		var err error
		if out[i], err = r.lower(ctx, c); err != nil {
			return nil, err
		}
	}
	return n.WithChildren(out), nil
}

// lowerShared lowers the common subtree of several occurrences once.
func (r *run) lowerShared(ctx context.Context, s *plan.Shared) (plan.Node, error) {
	c := r.shared[s.ID]
	if c == nil {
		var err error
		if c, err = r.lower(ctx, s.Child); err != nil {
			return nil, err
		}
		r.shared[s.ID] = c
	}
	return &plan.Shared{ID: s.ID, Columns: s.Columns, Child: c}, nil
}

func (r *run) lowerProject(ctx context.Context, p *plan.Project) (plan.Node, error) {
	list, err := r.lowerList(ctx, p.List)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if hasAggregate(e) {
			return nil, errs.Cond(errs.Analysis, "UNSUPPORTED_EXPR_FOR_OPERATOR", "42K0E",
				"The aggregate function in "+toSQL(e)+" cannot stand here.", "invalidExprSqls", toSQL(e))
		}
	}
	return r.projectChain(list, p.Child)
}

func (r *run) lowerExprs(ctx context.Context, n plan.Node) (plan.Node, error) {
	es := n.Exprs()
	if len(es) == 0 {
		return n, nil
	}
	out := make([]plan.Expr, len(es))
	for i, e := range es {
		var err error
		if out[i], err = r.lowerExpr(ctx, e); err != nil {
			return nil, err
		}
	}
	return n.WithExprs(out), nil
}

func (r *run) lowerList(ctx context.Context, list []plan.Expr) ([]plan.Expr, error) {
	out := make([]plan.Expr, len(list))
	for i, e := range list {
		var err error
		if out[i], err = r.lowerExpr(ctx, e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// lowerExpr replaces rewritten functions and lowers subqueries, bottom-up.
func (r *run) lowerExpr(ctx context.Context, e plan.Expr) (plan.Expr, error) {
	return plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) {
		switch x := x.(type) {
		case *plan.Subquery:
			n, err := r.lower(ctx, x.Plan)
			if err != nil {
				return nil, err
			}
			if n, err = r.untangle(ctx, n); err != nil {
				return nil, err
			}
			c := *x
			c.Plan = n
			return &c, nil
		case *plan.Call:
			return r.lowerCall(ctx, x)
		case *plan.Agg:
			return r.lowerAgg(ctx, x)
		}
		return x, nil
	})
}

func (r *run) lowerCall(ctx context.Context, c *plan.Call) (plan.Expr, error) {
	if c.Name == structName && r.Registry.Lookup(structName) == nil {
		args := make([]plan.Expr, 0, 2*len(c.Args))
		for i, a := range c.Args {
			args = append(args, plan.LitString(c.Typ.Fields[i].Name), bare(a))
		}
		return &plan.Call{Name: "named_struct", Args: args, Typ: c.Typ, Text: structName}, nil
	}
	if isGroupingCall(c) {
		return nil, at(groupingOutside(c), c.At)
	}
	ent := r.Registry.Lookup(c.Name)
	if ent == nil || ent.Rewrite == nil || ent.Kind == function.Aggregate {
		return c, nil
	}
	return r.rewriteOf(ctx, ent, c.Args, ent.Kind == function.Window)
}

// rewriteOf is the lowered rewrite of a call.
func (r *run) rewriteOf(ctx context.Context, ent *function.Entry, args []plan.Expr, win bool) (plan.Expr, error) {
	e, err := ent.Rewrite(r.Env, args)
	if err != nil {
		return nil, err
	}
	if e, err = r.expr(ctx, e, r.rewriteEnv(win)); err != nil {
		return nil, err
	}
	if c, ok := e.(*plan.Call); ok && c.Name == ent.Name {
		return e, nil
	}
	return r.lowerExpr(ctx, e)
}

// lowerAgg replaces an aggregate function that stands for another expression;
// DISTINCT and FILTER go to the aggregate functions in it.
func (r *run) lowerAgg(ctx context.Context, a *plan.Agg) (plan.Expr, error) {
	ent := r.Registry.Lookup(a.Name)
	if ent == nil || ent.Rewrite == nil {
		return a, nil
	}
	e, err := r.rewriteOf(ctx, ent, a.Args, false)
	if err != nil {
		return nil, err
	}
	return plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) {
		b, ok := x.(*plan.Agg)
		if !ok {
			return x, nil
		}
		c := *b
		c.Distinct = c.Distinct || a.Distinct
		c.IgnoreNulls = c.IgnoreNulls || a.IgnoreNulls
		if a.Filter != nil {
			c.Filter = plan.And(c.Filter, a.Filter)
		}
		if len(a.Order) > 0 {
			c.Order = a.Order
		}
		return &c, nil
	})
}

// unshared inlines named queries that occur once.
func unshared(n plan.Node) plan.Node {
	uses := map[int64]int{}
	countUses(n, uses)
	for _, k := range uses {
		if k == 1 {
			return inlined(n, uses, map[int64]plan.Node{})
		}
	}
	return n
}

func countUses(n plan.Node, uses map[int64]int) {
	plan.Walk(n, func(x plan.Node) bool {
		for _, e := range x.Exprs() {
			plan.WalkExpr(e, func(y plan.Expr) bool {
				if s, ok := y.(*plan.Subquery); ok {
					countUses(s.Plan, uses)
				}
				return true
			})
		}
		s, ok := x.(*plan.Shared)
		if ok {
			uses[s.ID]++
		}
		return !ok || uses[s.ID] == 1
	})
}

func inlined(n plan.Node, uses map[int64]int, done map[int64]plan.Node) plan.Node {
	if s, ok := n.(*plan.Shared); ok {
		c := done[s.ID]
		if c == nil {
			c = inlined(s.Child, uses, done)
			done[s.ID] = c
		}
		if uses[s.ID] > 1 {
			return &plan.Shared{ID: s.ID, Columns: s.Columns, Child: c}
		}
		out := c.Output()
		list := make([]plan.Expr, len(out))
		for i, o := range out {
			list[i] = &plan.Alias{Child: o, Name: o.Name, ID: s.Columns[i].ID}
		}
		return &plan.Project{List: list, Child: c}
	}
	if cs := n.Children(); len(cs) > 0 && cs[0] != nil {
		out := make([]plan.Node, len(cs))
		for i, c := range cs {
			out[i] = inlined(c, uses, done)
		}
		n = n.WithChildren(out)
	}
	n, _ = plan.TransformExprs(n, func(e plan.Expr) (plan.Expr, error) {
		if s, ok := e.(*plan.Subquery); ok {
			c := *s
			c.Plan = inlined(s.Plan, uses, done)
			return &c, nil
		}
		return e, nil
	})
	return n
}
