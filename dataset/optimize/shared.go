package optimize

import (
	"context"
	"fmt"
	"slices"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// definition is a subtree that occurs several times and is computed once.
type definition struct {
	id   int64
	plan plan.Node
	kept []int // positions of the columns that some occurrence uses
}

// occurrence stands for a Shared node while rules run: they optimise each
// definition once, on its own, and not at every place.
type occurrence struct {
	def     *definition
	columns []*plan.Column
}

func (o *occurrence) Children() []plan.Node              { return nil }
func (o *occurrence) WithChildren([]plan.Node) plan.Node { return o }
func (o *occurrence) Exprs() []plan.Expr                 { return nil }
func (o *occurrence) WithExprs([]plan.Expr) plan.Node    { return o }
func (o *occurrence) Output() []*plan.Column             { return o.columns }
func (o *occurrence) String() string                     { return fmt.Sprintf("Shared %d %v", o.def.id, o.columns) }

// sharing optimises a plan with its definitions.
type sharing struct {
	Config
	rules []Rule
	byID  map[int64]*definition
	order []*definition // those inside others first
}

func (s *sharing) run(ctx context.Context, n plan.Node) (plan.Node, error) {
	n, err := s.extract(n)
	if err != nil {
		return nil, err
	}
	for _, d := range s.order {
		if d.plan, err = apply(ctx, s.rules, d.plan); err != nil {
			return nil, err
		}
	}
	if n, err = apply(ctx, s.rules, n); err != nil || len(s.order) == 0 {
		return n, err
	}
	for i, d := range slices.Backward(s.order) { // all that use it are settled
		users := []*plan.Node{&n}
		for _, later := range s.order[i+1:] {
			users = append(users, &later.plan)
		}
		if err := s.narrow(ctx, d, users); err != nil {
			return nil, err
		}
	}
	return s.restore(n)
}

func apply(ctx context.Context, rules []Rule, n plan.Node) (plan.Node, error) {
	for _, r := range rules {
		m, err := r.Apply(ctx, n)
		if err != nil {
			return nil, err
		}
		n = m
	}
	return n, nil
}

// extract replaces Shared nodes by occurrences, in subqueries too.
func (s *sharing) extract(n plan.Node) (plan.Node, error) {
	if x, ok := n.(*plan.Shared); ok {
		d := s.byID[x.ID]
		if d == nil {
			d = &definition{id: x.ID}
			s.byID[x.ID] = d
			child, err := s.extract(x.Child)
			if err != nil {
				return nil, err
			}
			d.plan = child
			s.order = append(s.order, d)
		}
		return &occurrence{def: d, columns: x.Columns}, nil
	}
	cs := n.Children()
	out := make([]plan.Node, len(cs))
	changed := false
	for i, c := range cs {
		var err error
		if out[i], err = s.extract(c); err != nil {
			return nil, err
		}
		changed = changed || out[i] != c
	}
	if changed {
		n = n.WithChildren(out)
	}
	return plan.TransformExprs(n, func(e plan.Expr) (plan.Expr, error) {
		sub, ok := e.(*plan.Subquery)
		if !ok {
			return e, nil
		}
		inner, err := s.extract(sub.Plan)
		if err != nil || inner == sub.Plan {
			return e, err
		}
		c := *sub
		c.Plan = inner
		return &c, nil
	})
}

// narrow restricts a definition to the columns that are used and, if all
// occurrences filter, to the rows that one of them wants.
func (s *sharing) narrow(ctx context.Context, d *definition, users []*plan.Node) error {
	want := make([]bool, len(d.plan.Output()))
	var branches []plan.Expr
	all := true
	for _, u := range users {
		*u = usedColumns(s.Config, *u, d, want)
		plan.Walk(*u, func(x plan.Node) bool {
			if f, ok := x.(*plan.Filter); ok {
				if o, ok := f.Child.(*occurrence); ok && o.def == d && !s.volatile(f.Cond) {
					branches = append(branches, o.inside(f.Cond))
					return false
				}
			}
			if o, ok := x.(*occurrence); ok && o.def == d {
				all = false
			}
			return true
		})
	}
	d.keep(want)
	n := d.plan
	if all && len(branches) > 0 {
		n = filtered(n, plan.SplitAnd(s.folded(or(unique(branches)...))))
	}
	if len(d.kept) < len(want) {
		cols := make([]*plan.Column, len(d.kept))
		for i, k := range d.kept {
			cols[i] = d.plan.Output()[k]
		}
		n = projectTo(n, cols)
	}
	if n == d.plan {
		return nil
	}
	var err error
	d.plan, err = apply(ctx, s.rules, n)
	return err
}

// inside expresses a condition over an occurrence by the definition's columns.
func (o *occurrence) inside(e plan.Expr) plan.Expr {
	by := map[plan.ID]plan.Expr{}
	for i, c := range o.def.plan.Output() {
		by[o.columns[i].ID] = c
	}
	return substituteAll(e, by)
}

// keep notes the wanted positions, one at least.
func (d *definition) keep(want []bool) {
	for i, w := range want {
		if w {
			d.kept = append(d.kept, i)
		}
	}
	if len(d.kept) == 0 && len(want) > 0 {
		d.kept = []int{0}
	}
}

// usedColumns marks the positions of d that n uses when pruned, and gives the
// pruned plan: another one might use more.
func usedColumns(cfg Config, n plan.Node, d *definition, want []bool) plan.Node {
	p := pruneColumns{Config: cfg, seen: func(o *occurrence, ids idSet) {
		if o.def != d {
			return
		}
		for i, c := range o.columns {
			want[i] = want[i] || ids[c.ID]
		}
	}}
	return p.all(&plan.Limit{N: plan.LitInt(0), Child: n}).Children()[0]
}

// restore puts the definitions back. One that is left with a single occurrence
// is put in its place.
func (s *sharing) restore(n plan.Node) (plan.Node, error) {
	uses := map[*definition]int{}
	count := func(n plan.Node) {
		plan.Walk(n, func(x plan.Node) bool {
			if o, ok := x.(*occurrence); ok {
				uses[o.def]++
			}
			return true
		})
	}
	count(n)
	for _, d := range slices.Backward(s.order) {
		if uses[d] > 0 {
			count(d.plan)
		}
	}
	put := func(x plan.Node) (plan.Node, error) {
		o, ok := x.(*occurrence)
		if !ok {
			return x, nil
		}
		cols := make([]*plan.Column, len(o.def.kept))
		for i, k := range o.def.kept {
			cols[i] = o.columns[k]
		}
		if uses[o.def] == 1 {
			return renamedTo(o.def.plan, cols), nil
		}
		return &plan.Shared{ID: o.def.id, Columns: cols, Child: o.def.plan}, nil
	}
	for _, d := range s.order {
		var err error
		if d.plan, err = plan.TransformUp(d.plan, put); err != nil {
			return nil, err
		}
	}
	return plan.TransformUp(n, put)
}
