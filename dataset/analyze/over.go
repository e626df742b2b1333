package analyze

import (
	"context"
	"slices"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// Expressions above an aggregate (HAVING, ORDER BY) may use aggregate functions
// and grouping expressions that its list lacks; they are added to it.

// aggregateBelow finds the aggregate whose rows n has, and how to put another
// in its place.
func (r *run) aggregateBelow(n plan.Node) (*plan.Aggregate, func(*plan.Aggregate) plan.Node) {
	switch x := n.(type) {
	case *plan.Project:
		if !r.trims[x] {
			return nil, nil
		}
	case *plan.Aggregate:
		return x, func(a *plan.Aggregate) plan.Node { return a }
	case *plan.Filter:
		if !x.Having {
			return nil, nil
		}
	case *plan.Tagged, *plan.Hint:
	default:
		return nil, nil
	}
	agg, rebuild := r.aggregateBelow(n.Children()[0])
	if agg == nil {
		return nil, nil
	}
	return agg, func(a *plan.Aggregate) plan.Node {
		child := rebuild(a)
		p, ok := n.(*plan.Project)
		if !ok {
			return n.WithChildren([]plan.Node{child})
		}
		q := &plan.Project{List: p.List, Child: child}
		for _, c := range plan.ListOutput(a.List[len(agg.List):]) { // what was added to the list passes
			q.List = append(slices.Clip(q.List), c)
		}
		r.trims[q] = true
		return q
	}
}

// aggInput lists the columns that aggregate functions above agg take.
func (r *run) aggInput(agg *plan.Aggregate) []*plan.Column {
	if x := r.expansionOf(agg); x != nil {
		return x.input
	}
	return agg.Child.Output()
}

// aggKeys lists the grouping expressions over that input.
func (r *run) aggKeys(agg *plan.Aggregate) []plan.Expr {
	if x := r.expansionOf(agg); x != nil {
		return x.keys
	}
	return agg.GroupBy
}

// having resolves a condition over an aggregate.
func (r *run) having(ctx context.Context, n *plan.Filter, agg *plan.Aggregate, rebuild func(*plan.Aggregate) plan.Node, sc *scope) (plan.Node, error) {
	v := r.envOf(sc, rebuild(agg))
	v.agg, v.having = agg, true
	cond, err := r.expr(ctx, n.Cond, v)
	if err != nil {
		return nil, err
	}
	if cond, err = r.predicate(cond); err != nil {
		return nil, err
	}
	t := &taker{run: r, agg: *agg}
	if cond, err = t.take(cond); err != nil {
		return nil, err
	}
	f := &plan.Filter{Cond: cond, Child: rebuild(&t.agg), Having: true}
	v.grown = len(t.agg.List) > len(agg.List)
	return r.trimmed(v, f), nil
}

// taker expresses expressions by an aggregate's output, adding to its list.
type taker struct {
	*run
	agg plan.Aggregate
}

func (t *taker) take(e plan.Expr) (plan.Expr, error) {
	if c, ok := e.(*plan.Column); ok && containsID(t.agg.Output(), c.ID) {
		return c, nil
	}
	x := t.expansionOf(&t.agg)
	if i := keyIndex(t.aggKeys(&t.agg), e); i >= 0 {
		if x != nil {
			return t.output(x.cols[i]), nil
		}
		return t.output(t.agg.GroupBy[i]), nil
	}
	switch c := e.(type) {
	case *plan.Agg, *plan.Window:
		return t.takeWhole(e, x)
	case *plan.Column:
		return nil, unresolvedColumn([]string{c.Name}, t.agg.Output(), nil)
	case *plan.Subquery:
		t.takeOuter(c)
	}
	if isGroupingCall(e) {
		if x == nil {
			return nil, groupingOutside(e)
		}
		return t.takeWhole(e, x)
	}
	cs := e.Children()
	if len(cs) == 0 {
		return e, nil
	}
	out := make([]plan.Expr, len(cs))
	for i, c := range cs {
		var err error
		if out[i], err = t.take(c); err != nil {
			return nil, err
		}
	}
	return e.WithChildren(out), nil
}

// takeWhole makes e an output of the aggregate.
func (t *taker) takeWhole(e plan.Expr, x *expansion) (plan.Expr, error) {
	if x != nil {
		var err error
		if e, err = t.overKeys(e, x); err != nil {
			return nil, err
		}
	}
	return t.output(e), nil
}

// output is the column of the aggregate that has e's value.
func (t *taker) output(e plan.Expr) plan.Expr {
	for _, item := range t.agg.List {
		if plan.Same(bare(item), e) {
			return plan.ListOutput([]plan.Expr{item})[0]
		}
	}
	item := e
	if _, ok := e.(*plan.Column); !ok {
		item = t.alias(e, plan.SQLName(e))
	}
	t.agg.List = append(slices.Clip(t.agg.List), item)
	return plan.ListOutput([]plan.Expr{item})[0]
}

// takeOuter makes the grouping columns that a correlated subquery refers to
// outputs of the aggregate.
func (t *taker) takeOuter(s *plan.Subquery) {
	for _, c := range outerColumns(s.Plan) {
		if !containsID(t.agg.Output(), c.ID) && keyIndex(t.agg.GroupBy, c) >= 0 {
			t.output(c)
		}
	}
}

// outerColumns lists the columns of the enclosing query that a plan refers to.
func outerColumns(n plan.Node) []*plan.Column {
	var out []*plan.Column
	plan.Walk(n, func(x plan.Node) bool {
		for _, e := range x.Exprs() {
			plan.WalkExpr(e, func(y plan.Expr) bool {
				if o, ok := y.(*plan.OuterRef); ok {
					out = append(out, o.Column)
				}
				return true
			})
		}
		return true
	})
	return out
}
