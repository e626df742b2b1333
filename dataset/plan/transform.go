package plan

import (
	"slices"

	"github.com/spurwheel/spurwheel/internal/types"
)

// MaxDepth bounds plans and expressions from outside; Spark's protobuf limit is 1,024.
const MaxDepth = 1024

// TransformUp rebuilds n bottom-up with f applied to each node. Subtrees in
// which nothing changed are kept as they are.
func TransformUp(n Node, f func(Node) (Node, error)) (Node, error) {
	cs := n.Children()
	var changed []Node
	for i, c := range cs {
		d, err := TransformUp(c, f)
		if err != nil {
			return nil, err
		}
		if d != c {
			if changed == nil {
				changed = slices.Clone(cs)
			}
			changed[i] = d
		}
	}
	if changed != nil {
		n = n.WithChildren(changed)
	}
	return f(n)
}

// TransformDown applies f to a node, then to the children of what it returned.
func TransformDown(n Node, f func(Node) (Node, error)) (Node, error) {
	n, err := f(n)
	if err != nil {
		return nil, err
	}
	cs := n.Children()
	var changed []Node
	for i, c := range cs {
		d, err := TransformDown(c, f)
		if err != nil {
			return nil, err
		}
		if d != c {
			if changed == nil {
				changed = slices.Clone(cs)
			}
			changed[i] = d
		}
	}
	if changed != nil {
		n = n.WithChildren(changed)
	}
	return n, nil
}

// TransformExpr rebuilds e bottom-up with f applied to each expression.
func TransformExpr(e Expr, f func(Expr) (Expr, error)) (Expr, error) {
	cs := e.Children()
	var changed []Expr
	for i, c := range cs {
		d, err := TransformExpr(c, f)
		if err != nil {
			return nil, err
		}
		if !sameExpr(c, d) {
			if changed == nil {
				changed = slices.Clone(cs)
			}
			changed[i] = d
		}
	}
	if changed != nil {
		e = e.WithChildren(changed)
	}
	return f(e)
}

// sameExpr is identity; SortOrder, the one value type, is never identical.
func sameExpr(a, b Expr) bool {
	if _, ok := a.(SortOrder); ok {
		return false
	}
	if _, ok := b.(SortOrder); ok {
		return false
	}
	return a == b
}

// TransformExprs rewrites the expressions of one node.
func TransformExprs(n Node, f func(Expr) (Expr, error)) (Node, error) {
	es := n.Exprs()
	var changed []Expr
	for i, e := range es {
		d, err := TransformExpr(e, f)
		if err != nil {
			return nil, err
		}
		if !sameExpr(e, d) {
			if changed == nil {
				changed = slices.Clone(es)
			}
			changed[i] = d
		}
	}
	if changed == nil {
		return n, nil
	}
	return n.WithExprs(changed), nil
}

// Walk visits n and its descendants top-down while f returns true.
func Walk(n Node, f func(Node) bool) {
	if !f(n) {
		return
	}
	for _, c := range n.Children() {
		Walk(c, f)
	}
}

// WalkExpr visits e and its descendants top-down while f returns true.
func WalkExpr(e Expr, f func(Expr) bool) {
	if !f(e) {
		return
	}
	for _, c := range e.Children() {
		WalkExpr(c, f)
	}
}

// References is the set of column IDs that expressions use, outer references excluded.
func References(es ...Expr) map[ID]*Column {
	out := map[ID]*Column{}
	for _, e := range es {
		WalkExpr(e, func(x Expr) bool {
			if c, ok := x.(*Column); ok {
				out[c.ID] = c
			}
			return true
		})
	}
	return out
}

// SplitAnd lists the conjuncts of a resolved condition.
func SplitAnd(e Expr) []Expr {
	if c, ok := e.(*Call); ok && c.Name == "and" {
		return append(SplitAnd(c.Args[0]), SplitAnd(c.Args[1])...)
	}
	if e == nil {
		return nil
	}
	return []Expr{e}
}

// And joins conditions; nil for none.
func And(es ...Expr) Expr {
	var out Expr
	for _, e := range es {
		switch {
		case e == nil:
		case out == nil:
			out = e
		default:
			out = &Call{Name: "and", Args: []Expr{out, e}, Typ: types.Bool, Null: out.Nullable() || e.Nullable()}
		}
	}
	return out
}

// SchemaOf is a resolved node's output as a schema.
func SchemaOf(n Node) types.Schema { return SchemaOfColumns(n.Output()) }

// SchemaOfColumns is a schema of columns.
func SchemaOfColumns(cs []*Column) types.Schema {
	fs := make([]types.Field, len(cs))
	for i, c := range cs {
		fs[i] = c.Field()
	}
	return types.Schema{Fields: fs}
}
