package analyze

import "github.com/spurwheel/spurwheel/dataset/plan"

// renewed copies a resolved plan under new identities, so that it can occur
// beside another copy of itself. Columns of enclosing queries stay what they are.
func (r *run) renewed(n plan.Node) plan.Node {
	w := &renewer{run: r, ids: map[plan.ID]plan.ID{}, shares: map[int64]int64{}}
	for _, c := range freeColumns(n) {
		w.ids[c.ID] = c.ID
	}
	return w.node(n)
}

// freeColumns lists the outer references of a plan and of the subqueries in it
// that none of its own operators answers.
func freeColumns(n plan.Node) []*plan.Column {
	var refs []*plan.Column
	own := map[plan.ID]bool{}
	walkAll(n, func(x plan.Node) {
		for _, e := range x.Exprs() {
			plan.WalkExpr(e, func(y plan.Expr) bool {
				if o, ok := y.(*plan.OuterRef); ok {
					refs = append(refs, o.Column)
				}
				return true
			})
		}
	})
	if len(refs) == 0 {
		return nil
	}
	walkAll(n, func(x plan.Node) {
		for _, c := range x.Output() {
			own[c.ID] = true
		}
	})
	var free []*plan.Column
	for _, c := range refs {
		if !own[c.ID] && !containsID(free, c.ID) {
			free = append(free, c)
		}
	}
	return free
}

// walkAll visits the operators of a plan and of its subqueries.
func walkAll(n plan.Node, visit func(plan.Node)) {
	plan.Walk(n, func(x plan.Node) bool {
		visit(x)
		for _, e := range x.Exprs() {
			plan.WalkExpr(e, func(y plan.Expr) bool {
				if s, ok := y.(*plan.Subquery); ok {
					walkAll(s.Plan, visit)
				}
				return true
			})
		}
		return true
	})
}

type renewer struct {
	*run
	ids    map[plan.ID]plan.ID
	shares map[int64]int64
	done   map[int64]plan.Node
}

func (w *renewer) id(old plan.ID) plan.ID {
	if id, ok := w.ids[old]; ok {
		return id
	}
	id := w.NextID()
	w.ids[old] = id
	return id
}

func (w *renewer) column(c *plan.Column) *plan.Column {
	if c == nil {
		return nil
	}
	d := *c
	d.ID = w.id(c.ID)
	return &d
}

func (w *renewer) columns(cs []*plan.Column) []*plan.Column {
	out := make([]*plan.Column, len(cs))
	for i, c := range cs {
		out[i] = w.column(c)
	}
	return out
}

func (w *renewer) node(n plan.Node) plan.Node {
	if s, ok := n.(*plan.Shared); ok {
		return w.share(s)
	}
	if cs := n.Children(); len(cs) > 0 {
		out := make([]plan.Node, len(cs))
		for i, c := range cs {
			out[i] = w.node(c)
		}
		n = n.WithChildren(out)
	}
	n, _ = plan.TransformExprs(n, w.expr)
	switch x := n.(type) {
	case *plan.Scan:
		return &plan.Scan{Source: x.Source, Columns: w.columns(x.Columns), Filters: x.Filters}
	case *plan.Local:
		return &plan.Local{Columns: w.columns(x.Columns), Data: x.Data}
	case *plan.Recursive:
		c := *x
		c.Columns = w.columns(x.Columns)
		return &c
	case *plan.RecursiveRef:
		return &plan.RecursiveRef{ID: x.ID, Columns: w.columns(x.Columns)}
	case *plan.Range:
		c := *x
		c.Column = w.column(x.Column)
		return &c
	case *plan.Union:
		return &plan.Union{Inputs: x.Inputs, Columns: w.columns(x.Columns)}
	case *plan.Expand:
		return &plan.Expand{Projections: x.Projections, Columns: w.columns(x.Columns), Child: x.Child}
	case *plan.Generate:
		c := *x
		c.Columns = w.columns(x.Columns)
		return &c
	case *plan.Join:
		c := *x
		c.Mark = w.column(x.Mark)
		return &c
	}
	return n
}

// share copies a shared subtree once.
func (w *renewer) share(s *plan.Shared) plan.Node {
	id, ok := w.shares[s.ID]
	if !ok {
		w.nshare++
		id = w.nshare
		w.shares[s.ID] = id
		if w.done == nil {
			w.done = map[int64]plan.Node{}
		}
		w.done[id] = w.node(s.Child)
	}
	return &plan.Shared{ID: id, Columns: w.columns(s.Columns), Child: w.done[id]}
}

func (w *renewer) expr(e plan.Expr) (plan.Expr, error) {
	switch x := e.(type) {
	case *plan.Column:
		return w.column(x), nil
	case *plan.OuterRef:
		return &plan.OuterRef{Column: w.column(x.Column)}, nil
	case *plan.Alias:
		c := *x
		c.ID = w.id(x.ID)
		return &c, nil
	case *plan.Subquery:
		c := *x
		c.Plan = w.node(x.Plan)
		return &c, nil
	}
	return e, nil
}
