package optimize

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// pullUp lifts the conjuncts that hold outer references out of a subquery's
// plan. What they need of the inner side is added to the output on the way up.
type pullUp struct {
	decorrelate
	exists bool // only the presence of rows counts
	preds  []plan.Expr
}

func correlated(es ...plan.Expr) bool {
	found := false
	for _, e := range es {
		if e == nil {
			continue
		}
		plan.WalkExpr(e, func(x plan.Expr) bool {
			_, ok := x.(*plan.OuterRef)
			found = found || ok
			return !found
		})
	}
	return found
}

// anyCorrelated tells whether a plan holds an outer reference.
func anyCorrelated(n plan.Node) bool {
	found := false
	plan.Walk(n, func(x plan.Node) bool {
		found = found || correlated(x.Exprs()...)
		return !found
	})
	return found
}

func tooCorrelated(n plan.Node) error {
	return errs.Cond(errs.Analysis, "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.CORRELATED_REFERENCE", "0A000",
		"A column of the outer query cannot be used in this part of a subquery: "+n.String()+".", "sqlExprs", n.String())
}

func (p *pullUp) node(n plan.Node) (plan.Node, error) {
	if !anyCorrelated(n) {
		return n, nil
	}
	switch n := n.(type) {
	case *plan.Filter:
		return p.filter(n)
	case *plan.Project:
		return p.project(n)
	case *plan.Aggregate:
		return p.aggregate(n)
	case *plan.Join:
		return p.join(n)
	case *plan.SubqueryAlias, *plan.Distinct, *plan.Hint, *plan.Repartition, *plan.Tagged:
		return p.through(n)
	case *plan.Sort:
		if correlated(n.Exprs()...) {
			return nil, tooCorrelated(n)
		}
		return p.through(n)
	case *plan.WindowNode:
		return p.window(n)
	case *plan.Generate:
		if !correlated(n.Gen) {
			return p.through(n)
		}
	case *plan.Union:
		return nil, tooCorrelated(n)
	}
	return nil, tooCorrelated(n)
}

func (p *pullUp) through(n plan.Node) (plan.Node, error) {
	child, err := p.node(n.Children()[0])
	if err != nil {
		return nil, err
	}
	if a, ok := n.(*plan.SubqueryAlias); ok && len(child.Output()) != len(n.Output()) {
		return p.unnamed(a, child), nil
	}
	return n.WithChildren([]plan.Node{child}), nil
}

// unnamed replaces an alias whose child grew: column names do not matter any more.
func (p *pullUp) unnamed(_ *plan.SubqueryAlias, child plan.Node) plan.Node { return child }

func (p *pullUp) filter(n *plan.Filter) (plan.Node, error) {
	child, err := p.node(n.Child)
	if err != nil {
		return nil, err
	}
	var keep []plan.Expr
	for _, c := range plan.SplitAnd(n.Cond) {
		if correlated(c) {
			p.preds = append(p.preds, c)
		} else {
			keep = append(keep, c)
		}
	}
	if cond := plan.And(keep...); cond != nil {
		return &plan.Filter{Cond: cond, Child: child}, nil
	}
	return child, nil
}

// needed lists the columns of predicates, pulled from below, that are not shown.
func needed(preds []plan.Expr, have []*plan.Column) []*plan.Column {
	shown := map[plan.ID]bool{}
	for _, c := range have {
		shown[c.ID] = true
	}
	var out []*plan.Column
	for _, e := range preds {
		plan.WalkExpr(e, func(x plan.Expr) bool {
			if c, ok := x.(*plan.Column); ok && !shown[c.ID] {
				shown[c.ID] = true
				out = append(out, c)
			}
			return true
		})
	}
	return out
}

func (p *pullUp) project(n *plan.Project) (plan.Node, error) {
	before := len(p.preds)
	child, err := p.node(n.Child)
	if err != nil {
		return nil, err
	}
	if correlated(n.List...) && !p.exists {
		return nil, tooCorrelated(n)
	}
	list := make([]plan.Expr, 0, len(n.List))
	for _, e := range n.List {
		if !correlated(e) { // EXISTS does not look at them
			list = append(list, e)
		}
	}
	for _, c := range needed(p.preds[before:], plan.ListOutput(list)) {
		list = append(list, c)
	}
	return &plan.Project{List: list, Child: child}, nil
}

// aggregate groups by the inner sides of the pulled equalities: then each group
// belongs to one value of the outer side.
func (p *pullUp) aggregate(n *plan.Aggregate) (plan.Node, error) {
	before := len(p.preds)
	child, err := p.node(n.Child)
	if err != nil {
		return nil, err
	}
	if correlated(n.Exprs()...) {
		return nil, tooCorrelated(n)
	}
	out := *n
	out.Child = child
	out.GroupBy = append([]plan.Expr{}, n.GroupBy...)
	out.List = append([]plan.Expr{}, n.List...)
	for i := before; i < len(p.preds); i++ {
		inner, ok := innerSide(p.preds[i])
		if !ok {
			return nil, tooCorrelated(n)
		}
		col, ok := inner.(*plan.Column)
		if !ok { // group by the expression and compare its column
			a := &plan.Alias{Child: inner, Name: "key", ID: p.NextID()}
			out.GroupBy, out.List = append(out.GroupBy, inner), append(out.List, a)
			p.preds[i] = replaceSide(p.preds[i], inner, a.Column())
			continue
		}
		out.GroupBy = append(out.GroupBy, col)
		if !lists(out.List, col) {
			out.List = append(out.List, col)
		}
	}
	return &out, nil
}

func lists(es []plan.Expr, c *plan.Column) bool {
	for _, e := range es {
		if x, ok := e.(*plan.Column); ok && x.ID == c.ID {
			return true
		}
	}
	return false
}

// innerSide finds the inner expression of `inner = outer`.
func innerSide(e plan.Expr) (plan.Expr, bool) {
	c, ok := e.(*plan.Call)
	if !ok || c.Name != "==" && c.Name != "=" && c.Name != "<=>" {
		return nil, false
	}
	for i, a := range c.Args {
		if !correlated(a) && correlated(c.Args[1-i]) && len(plan.References(c.Args[1-i])) == 0 {
			return a, true
		}
	}
	return nil, false
}

func replaceSide(e, old, by plan.Expr) plan.Expr {
	c := *e.(*plan.Call)
	c.Args = append([]plan.Expr{}, c.Args...)
	for i, a := range c.Args {
		if a == old {
			c.Args[i] = by
		}
	}
	return &c
}

// join lifts predicates out of the sides of a join that keep all their rows.
func (p *pullUp) join(n *plan.Join) (plan.Node, error) {
	out := *n
	leftOnly := n.Type == plan.JoinLeft || n.Type == plan.JoinSemi || n.Type == plan.JoinAnti || n.Type == plan.JoinNullAnti || n.Type == plan.JoinExistence || n.Type == plan.JoinSingle
	inner := n.Type == plan.JoinInner || n.Type == plan.JoinCross
	keepsLeft := leftOnly && !anyCorrelated(n.Right) && !correlated(n.Cond)
	keepsRight := n.Type == plan.JoinSemi && !anyCorrelated(n.Left)
	if !inner && !keepsLeft && !keepsRight {
		return nil, tooCorrelated(n)
	}
	var err error
	if out.Left, err = p.node(n.Left); err != nil {
		return nil, err
	}
	if out.Right, err = p.node(n.Right); err != nil {
		return nil, err
	}
	if n.Type == plan.JoinSemi && anyCorrelated(n.Right) {
		// a semi join whose right side's columns are needed above: rows may repeat, as EXISTS allows
		if !p.exists {
			return nil, tooCorrelated(n)
		}
		out.Type = plan.JoinInner
	}
	var keep []plan.Expr
	for _, c := range plan.SplitAnd(n.Cond) {
		if correlated(c) {
			p.preds = append(p.preds, c)
		} else {
			keep = append(keep, c)
		}
	}
	out.Cond = plan.And(keep...)
	return &out, nil
}

// window computes over the rows of one outer value: its keys partition too.
func (p *pullUp) window(n *plan.WindowNode) (plan.Node, error) {
	before := len(p.preds)
	child, err := p.node(n.Child)
	if err != nil {
		return nil, err
	}
	if correlated(n.Exprs()...) {
		return nil, tooCorrelated(n)
	}
	var keys []plan.Expr
	for _, e := range p.preds[before:] {
		inner, ok := innerSide(e)
		if !ok {
			return nil, tooCorrelated(n)
		}
		keys = append(keys, inner)
	}
	out := *n
	out.Child = child
	out.Partition = append(append([]plan.Expr{}, n.Partition...), keys...)
	out.List = make([]plan.Expr, len(n.List))
	for i, e := range n.List {
		a := *e.(*plan.Alias)
		w := *a.Child.(*plan.Window)
		w.Partition = out.Partition
		a.Child = &w
		out.List[i] = &a
	}
	return &out, nil
}
