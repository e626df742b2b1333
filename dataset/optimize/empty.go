package optimize

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// dropEmpty removes filters that are always true, and what can have no rows.
type dropEmpty struct{ Config }

func (dropEmpty) Name() string { return "DropEmpty" }

func (d dropEmpty) Apply(_ context.Context, n plan.Node) (plan.Node, error) {
	return plan.TransformUp(n, func(n plan.Node) (plan.Node, error) { return d.node(n), nil })
}

// none is n without rows.
func none(n plan.Node) plan.Node { return &plan.Local{Columns: n.Output()} }

func isEmpty(n plan.Node) bool {
	l, ok := n.(*plan.Local)
	if !ok {
		return false
	}
	for _, b := range l.Data {
		if b.N > 0 {
			return false
		}
	}
	return true
}

func (d dropEmpty) node(n plan.Node) plan.Node {
	switch n := n.(type) {
	case *plan.Filter:
		return d.filter(n)
	case *plan.Limit:
		if v, ok := rowCount(n.N); ok && v == 0 {
			return none(n)
		}
	case *plan.Join:
		return d.join(n)
	case *plan.Union:
		return d.union(n)
	case *plan.Aggregate:
		if len(n.GroupBy) == 0 {
			return n
		}
	case *plan.Project, *plan.Sort, *plan.Distinct, *plan.WindowNode, *plan.Generate, *plan.Expand, *plan.SubqueryAlias:
	default:
		return n
	}
	if isEmpty(n.Children()[0]) {
		return none(n)
	}
	return n
}

func (d dropEmpty) filter(n *plan.Filter) plan.Node {
	if isEmpty(n.Child) {
		return n.Child
	}
	var keep []plan.Expr
	for _, c := range plan.SplitAnd(n.Cond) {
		v, _, lit := literalBool(c)
		if lit && !v {
			return none(n)
		}
		if !lit {
			keep = append(keep, c)
		}
	}
	cond := plan.And(keep...)
	if cond == nil {
		return n.Child
	}
	if len(keep) == len(plan.SplitAnd(n.Cond)) {
		return n
	}
	return &plan.Filter{Cond: cond, Child: n.Child}
}

func (d dropEmpty) join(n *plan.Join) plan.Node {
	l, r := isEmpty(n.Left), isEmpty(n.Right)
	v, _, lit := literalBool(n.Cond)
	never := lit && !v
	switch n.Type {
	case plan.JoinInner, plan.JoinCross:
		if l || r || never {
			return none(n)
		}
	case plan.JoinSemi:
		if l || r || never {
			return none(n)
		}
	case plan.JoinAnti, plan.JoinNullAnti:
		if l {
			return none(n)
		}
		if r || never && n.Type == plan.JoinAnti {
			return n.Left
		}
	case plan.JoinLeft, plan.JoinSingle, plan.JoinExistence:
		if l {
			return none(n)
		}
	case plan.JoinRight:
		if r {
			return none(n)
		}
	case plan.JoinFull:
		if l && r {
			return none(n)
		}
	}
	if lit && v {
		c := *n
		c.Cond = nil
		return &c
	}
	return n
}

func (d dropEmpty) union(n *plan.Union) plan.Node {
	var keep []plan.Node
	for _, in := range n.Inputs {
		if !isEmpty(in) {
			keep = append(keep, in)
		}
	}
	switch len(keep) {
	case len(n.Inputs):
		return n
	case 0:
		return none(n)
	case 1:
		return renamedTo(keep[0], n.Columns)
	}
	return &plan.Union{Inputs: keep, Columns: n.Columns}
}

// renamedTo gives n's columns other identities, by position.
func renamedTo(n plan.Node, cols []*plan.Column) plan.Node {
	list := make([]plan.Expr, len(cols))
	for i, c := range n.Output() {
		list[i] = &plan.Alias{Child: c, Name: cols[i].Name, ID: cols[i].ID, Qualifier: cols[i].Qualifier, Metadata: cols[i].Metadata}
	}
	return &plan.Project{List: list, Child: n}
}

// rowCount reads the literal count of a limit.
func rowCount(e plan.Expr) (int64, bool) {
	l, ok := e.(*plan.Literal)
	if !ok {
		return 0, false
	}
	switch v := l.Value.(type) {
	case int8:
		return int64(v), true
	case int16:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	}
	return 0, false
}
