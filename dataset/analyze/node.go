package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// node resolves a relational operator and what is below it.
func (r *run) node(ctx context.Context, n plan.Node, sc *scope) (plan.Node, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	defer r.leave()
	if err := ctx.Err(); err != nil {
		return nil, errs.E(errs.Canceled, "analyze.node", err)
	}
	switch n := n.(type) {
	case *plan.Table:
		return r.table(ctx, n, sc)
	case *plan.DataSource:
		return r.dataSource(ctx, n)
	case *plan.TableFunction:
		return r.tableFunction(ctx, n, sc)
	case *plan.Local:
		return r.local(n), nil
	case *plan.Range:
		return r.rangeNode(n), nil
	case *plan.Values:
		return r.values(ctx, n, sc)
	case *plan.OneRow:
		return n, nil
	case *plan.Join:
		return r.join(ctx, n, sc)
	case *plan.SetOp:
		return r.setOp(ctx, n, sc)
	case *plan.With:
		return r.with(ctx, n, sc)
	case *plan.WithRelations:
		return r.withRelations(ctx, n, sc)
	case plan.Command:
		return r.command(ctx, n, sc)
	}
	return r.unary(ctx, n, sc)
}

// unary resolves the operators over one relation that SQL has.
func (r *run) unary(ctx context.Context, n plan.Node, sc *scope) (plan.Node, error) {
	switch n.(type) {
	case *plan.Project, *plan.Filter, *plan.Aggregate:
		m, err := r.timeWindows(n)
		if err != nil {
			return nil, err
		}
		if m != n {
			return r.node(ctx, m, sc)
		}
	}
	switch n := n.(type) {
	case *plan.Project:
		return r.project(ctx, n, sc)
	case *plan.Filter:
		return r.filter(ctx, n, sc)
	case *plan.Aggregate:
		return r.aggregate(ctx, n, sc)
	case *plan.Sort:
		return r.sort(ctx, n, sc)
	case *plan.Limit:
		return r.limitNode(ctx, n, &plan.Limit{}, n.N, "limit", sc)
	case *plan.OffsetRows:
		return r.limitNode(ctx, n, &plan.OffsetRows{}, n.N, "offset", sc)
	case *plan.Tail:
		return r.limitNode(ctx, n, &plan.Tail{}, n.N, "tail", sc)
	case *plan.Generate:
		return r.generate(ctx, n, sc)
	case *plan.SubqueryAlias:
		return r.subqueryAlias(ctx, n, sc)
	case *plan.Distinct:
		return r.distinct(ctx, n, sc)
	case *plan.Tagged, *plan.Hint:
		return r.sameOver(ctx, n, sc)
	case *plan.Cached:
		return r.sameOver(ctx, n, sc)
	case *plan.Sample:
		return r.sample(ctx, n, sc)
	case *plan.Repartition:
		return r.repartition(ctx, n, sc)
	case *plan.CollectMetrics:
		return r.metrics(ctx, n, sc)
	case *plan.Pivot:
		return r.pivot(ctx, n, sc)
	case *plan.Unpivot:
		return r.unpivot(ctx, n, sc)
	}
	return r.frameNode(ctx, n, sc)
}

// sameOver resolves the child of an operator that changes nothing in it.
func (r *run) sameOver(ctx context.Context, n plan.Node, sc *scope) (plan.Node, error) {
	c, err := r.node(ctx, n.Children()[0], sc)
	if err != nil {
		return nil, err
	}
	return n.WithChildren([]plan.Node{c}), nil
}

// with brings the named queries of WITH into scope, each seeing those before it.
func (r *run) with(ctx context.Context, n *plan.With, sc *scope) (plan.Node, error) {
	in := r.withNames(n, sc)
	out, err := r.node(ctx, n.Child, in)
	if err != nil {
		return nil, err
	}
	for ; in != sc; in = in.parent { // a query that nobody reads must be right, too
		for _, c := range in.ctes {
			if c.plan == nil {
				if c.plan, err = r.definition(ctx, c); err != nil {
					return nil, err
				}
			}
		}
	}
	return out, nil
}

func (r *run) withNames(n *plan.With, sc *scope) *scope {
	for _, c := range n.CTEs {
		r.nshare++
		d := &cte{def: c, scope: sc, id: r.nshare, recursive: n.Recursive && refersTo(c.Plan, c.Name)}
		sc = &scope{parent: sc, ctes: map[string]*cte{lower(c.Name): d}}
	}
	return sc
}

// withRelations brings plans into scope that are referred to by id or alias.
func (r *run) withRelations(ctx context.Context, n *plan.WithRelations, sc *scope) (plan.Node, error) {
	in := &scope{parent: sc, refs: map[int64]plan.Node{}, named: map[string]plan.Node{}}
	for _, ref := range n.Refs {
		c := ref
		if t, ok := c.(*plan.Tagged); ok {
			in.refs[t.PlanID] = c
			c = t.Child
		}
		if s, ok := c.(*plan.SubqueryAlias); ok && len(s.Name) == 1 {
			in.named[lower(s.Name[0])] = ref
		}
	}
	return r.node(ctx, n.Child, in)
}

// occurrence is a use of a named query. Its plan is resolved once; uses share
// it and differ in the identity of their columns.
func (r *run) occurrence(ctx context.Context, c *cte, sc *scope) (plan.Node, error) {
	if c.ref != nil {
		return r.lastRows(c), nil
	}
	if c.plan == nil {
		n, err := r.definition(ctx, c)
		if err != nil {
			return nil, err
		}
		c.plan = n
	}
	if free := freeColumns(c.plan); len(free) > 0 { // the optimiser takes correlation out of each place on its own
		if sc.outerEnv() != c.scope.outerEnv() {
			return nil, errs.Cond(errs.Analysis, "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.CORRELATED_REFERENCE", "0A000",
				"A named query that refers to the enclosing query cannot be used in a subquery further in: "+toSQL(free[0])+".", "sqlExprs", toSQL(free[0]))
		}
		return &plan.SubqueryAlias{Name: []string{c.def.Name}, Child: r.renewed(c.plan)}, nil
	}
	out := c.plan.Output()
	cols := make([]*plan.Column, len(out))
	for i, o := range out {
		cols[i] = r.freshColumn(o)
	}
	s := &plan.Shared{ID: c.id, Columns: cols, Child: c.plan}
	return &plan.SubqueryAlias{Name: []string{c.def.Name}, Child: s}, nil
}

func (r *run) definition(ctx context.Context, c *cte) (plan.Node, error) {
	if c.recursive {
		return r.recursive(ctx, c)
	}
	def := c.def.Plan
	if len(c.def.Columns) > 0 {
		def = &plan.SubqueryAlias{Name: []string{c.def.Name}, Columns: c.def.Columns, Child: def}
	}
	return r.node(ctx, def, c.scope)
}

// freshColumn is a column like o with an identity of its own and no qualifier.
func (r *run) freshColumn(o *plan.Column) *plan.Column {
	return &plan.Column{Name: o.Name, ID: r.NextID(), Typ: o.Typ, Null: o.Null, Metadata: o.Metadata}
}
