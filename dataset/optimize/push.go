package optimize

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// pushFilters moves each conjunct as far down as it keeps its meaning, turns
// outer joins into inner ones where a filter rejects their nulls, and makes
// join conditions of filters over cross joins.
type pushFilters struct{ Config }

func (pushFilters) Name() string { return "PushFilters" }

func (p pushFilters) Apply(_ context.Context, n plan.Node) (plan.Node, error) {
	return p.push(n, nil), nil
}

// filtered puts conjuncts on top of n.
func filtered(n plan.Node, preds []plan.Expr) plan.Node {
	preds = unique(preds)
	if cond := plan.And(preds...); cond != nil {
		return &plan.Filter{Cond: cond, Child: n}
	}
	return n
}

func unique(es []plan.Expr) []plan.Expr {
	seen := map[string]bool{}
	var out []plan.Expr
	for _, e := range es {
		if k := plan.Key(e); !seen[k] {
			seen[k] = true
			out = append(out, e)
		}
	}
	return out
}

// volatile tells whether evaluating e elsewhere or more often changes the result.
func (c Config) volatile(e plan.Expr) bool {
	found := false
	plan.WalkExpr(e, func(x plan.Expr) bool {
		if call, ok := x.(*plan.Call); ok {
			if f := c.Registry.Lookup(call.Name); f != nil && f.Volatile {
				found = true
			}
		}
		return !found
	})
	return found
}

// splitVolatile separates conjuncts that must stay where they are.
func (p pushFilters) splitVolatile(preds []plan.Expr) (movable, fixed []plan.Expr) {
	for _, e := range preds {
		if p.volatile(e) {
			fixed = append(fixed, e)
		} else {
			movable = append(movable, e)
		}
	}
	return movable, fixed
}

// push returns n with preds, which refer to n's output, applied.
func (p pushFilters) push(n plan.Node, preds []plan.Expr) plan.Node {
	switch n := n.(type) {
	case *plan.Filter:
		movable, fixed := p.splitVolatile(plan.SplitAnd(n.Cond))
		if len(fixed) == 0 {
			return p.push(n.Child, append(append([]plan.Expr{}, preds...), movable...))
		}
		return filtered(filtered(p.push(n.Child, movable), fixed), preds)
	case *plan.Project:
		return p.project(n, preds)
	case *plan.Join:
		return p.join(n, preds)
	case *plan.Aggregate:
		return p.aggregate(n, preds)
	case *plan.Union:
		return p.union(n, preds)
	case *plan.WindowNode:
		return p.window(n, preds)
	case *plan.Generate:
		return p.below(n, preds, n.Child.Output())
	case *plan.Sort, *plan.Distinct, *plan.Repartition, *plan.SubqueryAlias, *plan.Hint, *plan.Tagged:
		return n.WithChildren([]plan.Node{p.push(n.Children()[0], preds)})
	case *plan.SetOp:
		return p.setOp(n, preds)
	}
	return filtered(p.children(n), preds)
}

// children pushes within each subtree on its own.
func (p pushFilters) children(n plan.Node) plan.Node {
	cs := n.Children()
	if len(cs) == 0 {
		return n
	}
	out := make([]plan.Node, len(cs))
	for i, c := range cs {
		out[i] = p.push(c, nil)
	}
	return n.WithChildren(out)
}

// below pushes those conjuncts that use only cols into n's one child.
func (p pushFilters) below(n plan.Node, preds []plan.Expr, cols []*plan.Column) plan.Node {
	var down, stay []plan.Expr
	for _, e := range preds {
		if within(e, cols) {
			down = append(down, e)
		} else {
			stay = append(stay, e)
		}
	}
	return filtered(n.WithChildren([]plan.Node{p.push(n.Children()[0], down)}), stay)
}

// within tells whether e uses no columns but cols.
func within(e plan.Expr, cols []*plan.Column) bool {
	refs := plan.References(e)
	for _, c := range cols {
		delete(refs, c.ID)
	}
	return len(refs) == 0
}

func (p pushFilters) project(n *plan.Project, preds []plan.Expr) plan.Node {
	by := map[plan.ID]plan.Expr{}
	fixed := map[plan.ID]bool{}
	for _, e := range n.List {
		if a, ok := e.(*plan.Alias); ok {
			by[a.ID] = a.Child
			fixed[a.ID] = p.volatile(a.Child)
		}
	}
	var down, stay []plan.Expr
	for _, e := range preds {
		movable := true
		for id := range plan.References(e) {
			movable = movable && !fixed[id]
		}
		if movable {
			down = append(down, substituteAll(e, by))
		} else {
			stay = append(stay, e)
		}
	}
	return filtered(n.WithChildren([]plan.Node{p.push(n.Child, down)}), stay)
}

// aggregate pushes conjuncts over grouping columns; a global aggregate gives a
// row even of no rows, so nothing passes it.
func (p pushFilters) aggregate(n *plan.Aggregate, preds []plan.Expr) plan.Node {
	groups := map[string]bool{}
	for _, g := range n.GroupBy {
		groups[plan.Key(g)] = true
	}
	by := map[plan.ID]plan.Expr{}
	for _, e := range n.List {
		if groups[plan.Key(e)] {
			if a, ok := e.(*plan.Alias); ok {
				by[a.ID] = a.Child
			} else if c, ok := e.(*plan.Column); ok {
				by[c.ID] = c
			}
		}
	}
	var down, stay []plan.Expr
	for _, e := range preds {
		refs, ok := plan.References(e), len(n.GroupBy) > 0
		for id := range refs {
			_, grouped := by[id]
			ok = ok && grouped
		}
		if ok && len(refs) > 0 {
			down = append(down, substituteAll(e, by))
			continue
		}
		stay = append(stay, e)
		if c, ok := call(e, "or"); ok && len(n.GroupBy) > 0 {
			for _, part := range sidePart(splitOr(c), grouped(n.Output(), by)) {
				down = append(down, substituteAll(part, by))
			}
		}
	}
	return filtered(n.WithChildren([]plan.Node{p.push(n.Child, down)}), stay)
}

// grouped are the columns that by knows.
func grouped(cols []*plan.Column, by map[plan.ID]plan.Expr) []*plan.Column {
	var out []*plan.Column
	for _, c := range cols {
		if _, ok := by[c.ID]; ok {
			out = append(out, c)
		}
	}
	return out
}

func (p pushFilters) union(n *plan.Union, preds []plan.Expr) plan.Node {
	out := make([]plan.Node, len(n.Inputs))
	for i, in := range n.Inputs {
		by := map[plan.ID]plan.Expr{}
		for k, c := range in.Output() {
			by[n.Columns[k].ID] = c
		}
		down := make([]plan.Expr, len(preds))
		for k, e := range preds {
			down[k] = substituteAll(e, by)
		}
		out[i] = p.push(in, down)
	}
	return n.WithChildren(out)
}

// setOp pushes to both sides of an intersection and the left of a difference.
func (p pushFilters) setOp(n *plan.SetOp, preds []plan.Expr) plan.Node {
	by := map[plan.ID]plan.Expr{}
	for k, c := range n.Right.Output() {
		by[n.Left.Output()[k].ID] = c
	}
	right := make([]plan.Expr, len(preds))
	for k, e := range preds {
		right[k] = substituteAll(e, by)
	}
	return n.WithChildren([]plan.Node{p.push(n.Left, preds), p.push(n.Right, right)})
}

// window pushes conjuncts over columns that all windows partition by.
func (p pushFilters) window(n *plan.WindowNode, preds []plan.Expr) plan.Node {
	var keys []*plan.Column
	for _, e := range n.Partition {
		if c, ok := e.(*plan.Column); ok {
			keys = append(keys, c)
		}
	}
	var down, stay []plan.Expr
	for _, e := range preds {
		if len(plan.References(e)) > 0 && within(e, keys) {
			down = append(down, e)
		} else {
			stay = append(stay, e)
		}
	}
	return filtered(n.WithChildren([]plan.Node{p.push(n.Child, down)}), stay)
}
