package optimize

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// tidy removes operators that change nothing: names of relations, projections
// on projections, orders that are not seen, repeated DISTINCT and LIMIT; and
// takes limits below what keeps rows one by one.
type tidy struct{ Config }

func (tidy) Name() string { return "Tidy" }

func (t tidy) Apply(_ context.Context, n plan.Node) (plan.Node, error) {
	return plan.TransformUp(n, func(n plan.Node) (plan.Node, error) { return t.node(n), nil })
}

func (t tidy) node(n plan.Node) plan.Node {
	switch n := n.(type) {
	case *plan.SubqueryAlias:
		if len(n.Columns) == 0 {
			return n.Child
		}
	case *plan.Tagged:
		return n.Child
	case *plan.Project:
		return t.project(n)
	case *plan.Sort:
		if n.Global {
			return n.WithChildren([]plan.Node{unordered(n.Child)})
		}
	case *plan.Distinct:
		return t.distinct(n)
	case *plan.Aggregate:
		if orderBlind(n.List) {
			return n.WithChildren([]plan.Node{unordered(n.Child)})
		}
	case *plan.Join:
		return t.join(n)
	case *plan.SetOp:
		return n.WithChildren([]plan.Node{unordered(n.Left), unordered(n.Right)})
	case *plan.Limit:
		return t.limit(n)
	}
	return n
}

// unordered is n without the order of its rows, where a sort at its top makes it.
func unordered(n plan.Node) plan.Node {
	switch x := n.(type) {
	case *plan.Sort:
		return unordered(x.Child)
	case *plan.Project, *plan.Filter:
		c := n.Children()[0]
		if d := unordered(c); d != c {
			return n.WithChildren([]plan.Node{d})
		}
	}
	return n
}

// orderBlind tells whether no function of the list depends on the order of rows.
func orderBlind(list []plan.Expr) bool {
	blind := true
	for _, e := range list {
		plan.WalkExpr(e, func(x plan.Expr) bool {
			if a, ok := x.(*plan.Agg); ok {
				switch a.Name {
				case "count", "sum", "avg", "min", "max", "count_if", "bool_and", "bool_or":
				default:
					blind = false
				}
			}
			return blind
		})
	}
	return blind
}

func (t tidy) join(n *plan.Join) plan.Node {
	out := *n
	out.Left, out.Right = unordered(n.Left), unordered(n.Right)
	switch n.Type {
	case plan.JoinSemi, plan.JoinAnti, plan.JoinNullAnti, plan.JoinExistence:
		if d, ok := out.Right.(*plan.Distinct); ok { // one match is as good as many
			out.Right = d.Child
		}
	default: // each match makes a row
	}
	if out.Left == n.Left && out.Right == n.Right {
		return n
	}
	return &out
}

func (t tidy) distinct(n *plan.Distinct) plan.Node {
	switch c := n.Child.(type) {
	case *plan.Distinct:
		return c
	case *plan.Sort:
		return n.WithChildren([]plan.Node{unordered(c)})
	case *plan.Aggregate:
		if showsKeys(c) {
			return c
		}
	}
	return n
}

// showsKeys tells whether an aggregate's output holds all its keys, so that no
// two rows are equal.
func showsKeys(n *plan.Aggregate) bool {
	shown := map[string]bool{}
	for _, e := range n.List {
		shown[plan.Key(e)] = true
	}
	for _, g := range n.GroupBy {
		if !shown[plan.Key(g)] {
			return false
		}
	}
	return true
}

func (t tidy) limit(n *plan.Limit) plan.Node {
	rows, ok := rowCount(n.N)
	if !ok {
		return n
	}
	switch c := n.Child.(type) {
	case *plan.Limit:
		if inner, ok := rowCount(c.N); ok {
			if inner <= rows {
				return c
			}
			return &plan.Limit{N: n.N, Child: c.Child}
		}
	case *plan.Project:
		return c.WithChildren([]plan.Node{t.limit(&plan.Limit{N: n.N, Child: c.Child})})
	case *plan.Union:
		ins := make([]plan.Node, len(c.Inputs))
		for i, in := range c.Inputs {
			if _, done := in.(*plan.Limit); done {
				return n
			}
			ins[i] = t.limit(&plan.Limit{N: n.N, Child: in})
		}
		return &plan.Limit{N: n.N, Child: c.WithChildren(ins)}
	}
	return n
}

// project joins a projection with the one below, unless that would compute
// something several times or evaluate a volatile function elsewhere.
func (t tidy) project(n *plan.Project) plan.Node {
	in, ok := n.Child.(*plan.Project)
	if !ok {
		return n
	}
	by := map[plan.ID]plan.Expr{}
	for _, e := range in.List {
		if a, ok := e.(*plan.Alias); ok {
			by[a.ID] = a.Child
		}
	}
	uses := map[plan.ID]int{}
	for _, e := range n.List {
		plan.WalkExpr(e, func(x plan.Expr) bool {
			if c, ok := x.(*plan.Column); ok {
				uses[c.ID]++
			}
			return true
		})
	}
	for id, e := range by {
		if t.volatile(e) || uses[id] > 1 && !free(e) {
			return n
		}
	}
	list := make([]plan.Expr, len(n.List))
	for i, e := range n.List {
		list[i] = substituted(e, by)
	}
	return &plan.Project{List: list, Child: in.Child}
}

// free tells whether computing e again costs nothing.
func free(e plan.Expr) bool {
	switch e.(type) {
	case *plan.Column, *plan.Literal:
		return true
	}
	return false
}

// substituted replaces columns in a projection's entry, which keeps its name
// and identity.
func substituted(e plan.Expr, by map[plan.ID]plan.Expr) plan.Expr {
	switch x := e.(type) {
	case *plan.Column:
		v, ok := by[x.ID]
		if !ok {
			return e
		}
		return &plan.Alias{Child: v, Name: x.Name, ID: x.ID, Qualifier: x.Qualifier, Metadata: x.Metadata}
	case *plan.Alias:
		c := *x
		c.Child = substituteAll(x.Child, by)
		return &c
	}
	return e
}
