package analyze

import (
	"context"
	"slices"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Lateral joins become plain ones (Neumann and Kemper 2015): the right side is
// computed once for each distinct combination of the outer columns it uses,
// the domain, which is joined into it where it is needed and carried upwards;
// at the top the domain's columns join with the left side's.

// lateral makes a lowered lateral join a plain one.
func (r *run) lateral(ctx context.Context, j *plan.Join) (plan.Node, error) {
	if err := r.deterministicLateral(j); err != nil {
		return nil, err
	}
	outer := distinctColumns(outerColumns(j.Right))
	c := *j
	c.Lateral = false
	if len(outer) == 0 {
		return &c, nil
	}
	if n := r.rowwise(&c); n != nil {
		return n, nil
	}
	if j.Type != plan.JoinInner && j.Type != plan.JoinCross && j.Type != plan.JoinLeft {
		return nil, errs.Unsupported("LATERAL with this kind of join")
	}
	d := r.newDomain(j.Left)
	d.outer = outer
	right, cols, err := d.push(ctx, j.Right)
	if err != nil {
		return nil, err
	}
	var conds []plan.Expr
	for i, o := range outer {
		eq, err := r.expr(ctx, plan.Fn("<=>", o, cols[i]), r.rewriteEnv(false))
		if err != nil {
			return nil, err
		}
		conds = append(conds, eq)
	}
	out := j.Output()
	if c.Type == plan.JoinCross {
		c.Type = plan.JoinInner
	}
	c.Left, c.Right = d.itself(j.Left), right
	c.Cond = plan.And(append(conds, j.Cond)...)
	return &plan.Project{List: columnList(out), Child: &c}, nil
}

func distinctColumns(cols []*plan.Column) []*plan.Column {
	var out []*plan.Column
	for _, c := range cols {
		if !containsID(out, c.ID) {
			out = append(out, c)
		}
	}
	return out
}

// rowwise handles right sides that make their rows of one left row alone:
// projections, filters and generators over a single row. The left side takes
// that row's place. It is nil for other right sides.
func (r *run) rowwise(j *plan.Join) plan.Node {
	if j.Type != plan.JoinInner && j.Type != plan.JoinCross {
		return nil
	}
	right := r.over(j.Right, j.Left)
	if right == nil {
		return nil
	}
	n := plan.Node(&plan.Project{List: columnList(j.Output()), Child: right})
	if j.Cond != nil {
		n = &plan.Filter{Cond: j.Cond, Child: n}
	}
	return n
}

// over is n with left in the place of its single row; nil if it has none.
func (r *run) over(n, left plan.Node) plan.Node {
	switch x := n.(type) {
	case *plan.OneRow:
		return left
	case *plan.Project:
		if c := r.over(x.Child, left); c != nil && !anyAggregate(x.List) {
			return &plan.Project{List: append(columnList(left.Output()), inward(x.List)...), Child: c}
		}
	case *plan.Filter:
		if c := r.over(x.Child, left); c != nil {
			return &plan.Filter{Cond: inward([]plan.Expr{x.Cond})[0], Child: c}
		}
	case *plan.Generate:
		if c := r.over(x.Child, left); c != nil {
			g := *x
			g.Gen, g.Child = inward([]plan.Expr{x.Gen})[0], c
			return &g
		}
	}
	return nil
}

// inward replaces outer references by the columns themselves.
func inward(es []plan.Expr) []plan.Expr {
	return replaceOuter(es, func(c *plan.Column) *plan.Column { return c })
}

func replaceOuter(es []plan.Expr, by func(*plan.Column) *plan.Column) []plan.Expr {
	out := make([]plan.Expr, len(es))
	for i, e := range es {
		out[i], _ = plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) {
			if o, ok := x.(*plan.OuterRef); ok {
				if c := by(o.Column); c != nil {
					return c, nil
				}
			}
			return x, nil
		})
	}
	return out
}

// domain is the distinct combinations of the outer columns of a lateral join.
type domain struct {
	*run
	outer  []*plan.Column
	left   []*plan.Column // the left side's columns, as the rest of the plan knows them
	shared plan.Node      // the left side under other identities
	id     int64
	// correlated: the left side refers to an enclosing query.
	correlated bool
}

// relation is a fresh occurrence of the domain.
func (d *domain) relation() (plan.Node, []*plan.Column) {
	s, have := d.occurrence()
	var cols []*plan.Column
	for _, o := range d.outer {
		for i, c := range d.left {
			if c.ID == o.ID {
				cols = append(cols, have[i])
				break
			}
		}
	}
	list := make([]plan.Expr, len(cols))
	out := make([]*plan.Column, len(cols))
	for i, c := range cols {
		a := d.alias(c, c.Name)
		list[i], out[i] = a, a.Column()
	}
	return &plan.Distinct{Child: &plan.Project{List: list, Child: s}}, out
}

// occurrence is the left side under other identities. A left side that is
// correlated itself is copied: the optimiser takes each copy out of its query.
func (d *domain) occurrence() (plan.Node, []*plan.Column) {
	if d.correlated {
		n := d.renewed(d.shared)
		return n, n.Output()
	}
	s := &plan.Shared{ID: d.id, Child: d.shared}
	for _, c := range d.shared.Output() {
		s.Columns = append(s.Columns, d.freshColumn(c))
	}
	return s, s.Columns
}

// itself is the left side as the rest of the plan knows it.
func (d *domain) itself(left plan.Node) plan.Node {
	if d.correlated {
		return left
	}
	return &plan.Shared{ID: d.id, Columns: d.left, Child: d.shared}
}

// newDomain shares a relation, to be read once as it is and once for the domain.
func (r *run) newDomain(left plan.Node) *domain {
	shared := r.renewed(left) // may take numbers of shared plans itself
	r.nshare++
	return &domain{run: r, left: left.Output(), shared: shared, id: r.nshare, correlated: len(freeColumns(left)) > 0}
}

// by maps outer columns to the domain's columns.
func (d *domain) by(cols []*plan.Column) func(*plan.Column) *plan.Column {
	return func(c *plan.Column) *plan.Column {
		for i, o := range d.outer {
			if o.ID == c.ID {
				return cols[i]
			}
		}
		return nil
	}
}

// same compares two occurrences of the domain.
func (d *domain) same(ctx context.Context, a, b []*plan.Column) (plan.Expr, error) {
	var conds []plan.Expr
	for i := range a {
		e, err := d.expr(ctx, plan.Fn("<=>", a[i], b[i]), d.rewriteEnv(false))
		if err != nil {
			return nil, err
		}
		conds = append(conds, e)
	}
	return plan.And(conds...), nil
}

// push computes n for every row of the domain: the result has n's columns and
// the domain's, which are returned.
func (d *domain) push(ctx context.Context, n plan.Node) (plan.Node, []*plan.Column, error) {
	if len(outerColumns(n)) == 0 {
		rel, cols := d.relation()
		return &plan.Join{Type: plan.JoinCross, Left: n, Right: rel}, cols, nil
	}
	switch x := n.(type) {
	case *plan.Join:
		return d.join(ctx, x)
	case *plan.Union:
		return d.union(ctx, x)
	case *plan.SetOp:
		return d.setOp(ctx, x)
	case *plan.Limit, *plan.OffsetRows:
		return d.limit(ctx, n)
	}
	cs := n.Children()
	if len(cs) != 1 {
		return nil, nil, errs.Unsupported("this form of a correlated subquery: " + n.String())
	}
	child, cols, err := d.push(ctx, cs[0])
	if err != nil {
		return nil, nil, err
	}
	return d.unary(ctx, n, child, cols)
}

func (d *domain) unary(ctx context.Context, n, child plan.Node, cols []*plan.Column) (plan.Node, []*plan.Column, error) {
	es := replaceOuter(n.Exprs(), d.by(cols))
	switch x := n.(type) {
	case *plan.Project:
		return &plan.Project{List: append(es, columnList(cols)...), Child: child}, cols, nil
	case *plan.Filter, *plan.Generate, *plan.Distinct, *plan.Sort, *plan.Hint, *plan.Repartition, *plan.Sample:
		return n.WithChildren([]plan.Node{child}).WithExprs(es), cols, nil
	case *plan.WindowNode:
		w := n.WithChildren([]plan.Node{child}).WithExprs(es).(*plan.WindowNode)
		return windowPer(w, columnList(cols)), cols, nil
	case *plan.Expand:
		e := n.WithChildren([]plan.Node{child}).WithExprs(es).(*plan.Expand)
		e.Columns = append(slices.Clip(e.Columns), cols...)
		for i := range e.Projections {
			e.Projections[i] = append(slices.Clip(e.Projections[i]), columnList(cols)...)
		}
		return e, cols, nil
	case *plan.Aggregate:
		return d.aggregate(ctx, x.WithExprs(es).(*plan.Aggregate), child, cols)
	}
	return nil, nil, errs.Unsupported("this form of a correlated subquery: " + n.String())
}

// windowPer partitions window functions by further keys.
func windowPer(w *plan.WindowNode, keys []plan.Expr) *plan.WindowNode {
	w.Partition = append(slices.Clip(w.Partition), keys...)
	list := make([]plan.Expr, len(w.List))
	for i, e := range w.List {
		a := *e.(*plan.Alias)
		f := *a.Child.(*plan.Window)
		f.Partition = w.Partition
		a.Child = &f
		list[i] = &a
	}
	w.List = list
	return w
}

// aggregate groups by the domain, too. Without keys of its own it has a row
// for every row of the domain, also where there is nothing to aggregate.
func (d *domain) aggregate(ctx context.Context, a *plan.Aggregate, child plan.Node, cols []*plan.Column) (plan.Node, []*plan.Column, error) {
	c := *a
	c.Child = child
	c.GroupBy = append(append([]plan.Expr{}, a.GroupBy...), columnList(cols)...)
	c.List = append(append([]plan.Expr{}, a.List...), columnList(cols)...)
	if len(a.GroupBy) > 0 {
		return &c, cols, nil
	}
	rel, all := d.relation()
	cond, err := d.same(ctx, all, cols)
	if err != nil {
		return nil, nil, err
	}
	var list []plan.Expr
	for i, e := range a.List {
		al := e.(*plan.Alias)
		inner := d.alias(al.Child, al.Name)
		c.List[i] = inner
		col := inner.Column()
		v := plan.Expr(col.WithNullable(true))
		if def := emptyResult(al.Child); def != nil {
			if v, err = d.expr(ctx, plan.Fn("coalesce", v, def), d.rewriteEnv(false)); err != nil {
				return nil, nil, err
			}
		}
		list = append(list, &plan.Alias{Child: v, Name: al.Name, ID: al.ID, Qualifier: al.Qualifier, Metadata: al.Metadata})
	}
	j := &plan.Join{Type: plan.JoinLeft, Left: rel, Right: &c, Cond: cond}
	return &plan.Project{List: append(list, columnList(all)...), Child: j}, all, nil
}

// emptyResult is what an aggregate function makes of no rows, nil for null.
func emptyResult(e plan.Expr) plan.Expr {
	f, ok := e.(*plan.Agg)
	if !ok || f.Null {
		return nil
	}
	switch f.Typ.Kind {
	case types.KindLong:
		return plan.LitLong(0)
	case types.KindArray:
		return plan.Lit(f.Typ, []any{})
	default:
	}
	return nil
}

// deterministicLateral refuses volatile functions: how often the right side is
// computed is not defined.
func (r *run) deterministicLateral(j *plan.Join) error {
	var sub, message string
	switch {
	case j.Cond != nil && r.volatile(j.Cond):
		sub, message = "LATERAL_JOIN_CONDITION_NON_DETERMINISTIC", "The condition of a lateral join must be deterministic: "+toSQL(j.Cond)+"."
	case r.volatilePlan(j.Right) && !singleRow(j.Left):
		sub, message = "NON_DETERMINISTIC_LATERAL_SUBQUERIES", "A lateral subquery of several rows must be deterministic."
	default:
		return nil
	}
	return errs.Cond(errs.Analysis, "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY."+sub, "0A000", message)
}

func (r *run) volatile(e plan.Expr) bool {
	found := false
	plan.WalkExpr(e, func(x plan.Expr) bool {
		if c, ok := x.(*plan.Call); ok {
			ent := r.Registry.Lookup(c.Name)
			found = found || ent != nil && ent.Volatile
		}
		return !found
	})
	return found
}

func (r *run) volatilePlan(n plan.Node) bool {
	found := false
	plan.Walk(n, func(x plan.Node) bool {
		for _, e := range x.Exprs() {
			found = found || r.volatile(e)
		}
		return !found
	})
	return found
}

// singleRow tells whether n surely has at most one row.
func singleRow(n plan.Node) bool {
	switch x := n.(type) {
	case *plan.OneRow:
		return true
	case *plan.Local:
		rows := 0
		for _, b := range x.Data {
			rows += b.N
		}
		return rows <= 1
	case *plan.Project:
		return singleRow(x.Child)
	case *plan.Aggregate:
		return len(x.GroupBy) == 0
	}
	return false
}
