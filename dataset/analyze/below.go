package analyze

import (
	"slices"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// Columns that an operator's input has somewhere below but does not output.

// search finds a name below n, in the inputs of projections.
func (r *run) search(a *plan.Attr, n plan.Node) (plan.Expr, error) {
	p, ok := n.(*plan.Project)
	if !ok {
		if c := through(n); c != nil {
			return r.search(a, c)
		}
		return nil, nil
	}
	if e, _, err := r.planHit(a, p.Child, 0); err != nil || e != nil {
		return hitExpr(e), err
	}
	if e, err := r.byName(p.Child.Output(), a.Parts); e != nil || err != nil {
		return e, err
	}
	if _, frame := p.Child.(*plan.Tagged); frame || r.trims[p] {
		return r.search(a, p.Child)
	}
	return nil, nil // a relation in FROM shows its own columns only
}

// through is the child of an operator that passes further columns of its child on.
func through(n plan.Node) plan.Node {
	switch n := n.(type) {
	case *plan.Tagged, *plan.Filter, *plan.Sort, *plan.Limit, *plan.OffsetRows, *plan.Tail, *plan.Sample,
		*plan.Repartition, *plan.Hint:
		return n.Children()[0]
	}
	return nil
}

// hiddenOf lists the hidden columns that n could output.
func (r *run) hiddenOf(n plan.Node) []*plan.Column {
	if p, ok := n.(*plan.Project); ok {
		if r.trims[p] {
			return r.hiddenOf(p.Child)
		}
		return r.hidden[p]
	}
	if c := through(n); c != nil {
		return r.hiddenOf(c)
	}
	switch n := n.(type) {
	case *plan.Join:
		if n.Type == plan.JoinSemi || n.Type == plan.JoinAnti {
			return r.hiddenOf(n.Left)
		}
		return append(slices.Clone(r.hiddenOf(n.Left)), r.hiddenOf(n.Right)...)
	}
	return nil
}

// expose makes the i-th input output the columns of e.
func (r *run) expose(v *env, i int, e plan.Expr) bool {
	n := v.inputs[i]
	for _, c := range columnsOf(e) {
		var ok bool
		if n, ok = r.exposed(n, c); !ok {
			return false
		}
	}
	if n != v.inputs[i] {
		v.inputs[i], v.grown = n, true
	}
	return true
}

// columnsOf lists the columns of e in order of appearance.
func columnsOf(e plan.Expr) []*plan.Column {
	var out []*plan.Column
	plan.WalkExpr(e, func(x plan.Expr) bool {
		if c, ok := x.(*plan.Column); ok && !containsID(out, c.ID) {
			out = append(out, c)
		}
		return true
	})
	return out
}

// exposed is n with column c in its output; false if it cannot be.
func (r *run) exposed(n plan.Node, c *plan.Column) (plan.Node, bool) {
	if containsID(n.Output(), c.ID) {
		return n, true
	}
	switch n := n.(type) {
	case *plan.Project:
		child, ok := r.exposed(n.Child, c)
		if !ok {
			return nil, false
		}
		p := &plan.Project{List: append(slices.Clone(n.List), c), Child: child}
		if h := r.hidden[n]; h != nil {
			r.hidden[p] = h
		}
		if r.trims[n] {
			r.trims[p] = true
		}
		return p, true
	case *plan.Join:
		for i, side := range n.Children() {
			if d, ok := r.exposed(side, c); ok {
				cs := n.Children()
				cs[i] = d
				return n.WithChildren(cs), true
			}
		}
		return nil, false
	}
	if child := through(n); child != nil {
		d, ok := r.exposed(child, c)
		if !ok {
			return nil, false
		}
		return n.WithChildren([]plan.Node{d}), true
	}
	return nil, false
}

// trimmed puts a projection above n that restores the columns of an input
// which grew while expressions were resolved.
func (r *run) trimmed(v *env, n plan.Node) plan.Node {
	if !v.grown {
		return n
	}
	p := &plan.Project{List: columnList(v.cols), Child: n}
	r.trims[p] = true
	return p
}

func columnList(cols []*plan.Column) []plan.Expr {
	out := make([]plan.Expr, len(cols))
	for i, c := range cols {
		out[i] = c
	}
	return out
}
