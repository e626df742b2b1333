package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// maxPivotValues bounds the values found by a query, as Spark's default.
const maxPivotValues = 10000

// pivot makes values of a column columns: grouped by the keys and the pivot
// column first, then each group's rows are spread over the columns. So a
// combination without rows is null, also for counts.
func (r *run) pivot(ctx context.Context, n *plan.Pivot, sc *scope) (plan.Node, error) {
	child, err := r.node(ctx, n.Child, sc)
	if err != nil {
		return nil, err
	}
	v := r.envOf(sc, child)
	p := &pivoting{run: r, child: child}
	if err := p.resolve(ctx, n, v); err != nil {
		return nil, err
	}
	if p.values, p.names, err = p.pivotValues(ctx, n, v); err != nil {
		return nil, err
	}
	return p.build(ctx)
}

type pivoting struct {
	*run
	child  plan.Node
	keys   []plan.Expr // named
	column plan.Expr
	aggs   []plan.Expr // named
	values []plan.Expr
	names  []string
}

func (p *pivoting) resolve(ctx context.Context, n *plan.Pivot, v *env) error {
	cols, err := p.exprs(ctx, n.Column, v)
	if err != nil {
		return err
	}
	if p.column = cols[0]; len(cols) > 1 {
		if p.column, err = p.expr(ctx, &plan.Func{Name: []string{structName}, Args: n.Column}, v); err != nil {
			return err
		}
	}
	if !isComparable(p.column.Type()) {
		return errs.Cond(errs.Analysis, "INCOMPARABLE_PIVOT_COLUMN", "42818",
			"The pivot column "+toSQL(p.column)+" cannot be compared.", "columnName", types.Quote(plan.SQLName(p.column)))
	}
	for _, e := range n.Aggs {
		a, err := p.named(ctx, e, v)
		if err != nil {
			return err
		}
		if !hasAggregate(a) {
			return errs.Cond(errs.Analysis, "_LEGACY_ERROR_TEMP_1006", "", "Aggregate functions are due in a pivot, but "+plan.SQLName(bare(a))+" is none.", "sql", plan.SQLName(bare(a)))
		}
		p.aggs = append(p.aggs, a)
	}
	if n.Implicit {
		p.keys = p.unused(cols, v)
		return nil
	}
	keys, err := p.exprs(ctx, n.GroupBy, v)
	if err != nil {
		return err
	}
	p.keys = p.keyItems(n.GroupBy, keys)
	return nil
}

// unused lists the columns that neither the pivot column nor the functions use.
func (p *pivoting) unused(cols []plan.Expr, v *env) []plan.Expr {
	used := plan.References(append(cols, p.aggs...)...)
	var out []plan.Expr
	for _, c := range v.cols {
		if used[c.ID] == nil {
			out = append(out, c)
		}
	}
	return out
}

// pivotValues are the values that become columns, and the columns' names.
func (p *pivoting) pivotValues(ctx context.Context, n *plan.Pivot, v *env) ([]plan.Expr, []string, error) {
	var values []plan.Expr
	var names []string
	if n.Values == nil {
		rows, err := p.distinctValues(ctx, []plan.Expr{p.column}, p.child, maxPivotValues)
		if err != nil {
			return nil, nil, err
		}
		for _, row := range rows {
			values, names = append(values, row[0]), append(names, p.valueName(row[0]))
		}
		return values, names, nil
	}
	for _, e := range n.Values {
		x, err := p.expr(ctx, bare(e), v)
		if err != nil {
			return nil, nil, err
		}
		l := p.folded(x)
		if l == nil {
			return nil, nil, errs.Cond(errs.Analysis, "NON_LITERAL_PIVOT_VALUES", "42K08",
				"The pivot value "+toSQL(x)+" must be a constant.", "expression", toSQL(x))
		}
		t := p.column.Type()
		if !canCast(p.Env.Ansi, l.Typ, t) {
			return nil, nil, errs.Cond(errs.Analysis, "PIVOT_VALUE_DATA_TYPE_MISMATCH", "42K09",
				"The pivot value "+plan.SQLName(x)+" is of type "+toSQLType(l.Typ)+", the pivot column of "+toSQLType(t)+".",
				"value", plan.SQLName(x), "valueType", l.Typ.String(), "pivotType", t.String())
		}
		name := p.valueName(l)
		if a, ok := e.(*plan.Alias); ok {
			name = a.Name
		}
		values, names = append(values, p.castTo(l, t)), append(names, name)
	}
	return values, names, nil
}

func (p *pivoting) valueName(l *plan.Literal) string {
	if l.Value == nil {
		return "null"
	}
	return CellText(l.Typ, l.Value, p.Env.Zone)
}

func (p *pivoting) build(ctx context.Context) (plan.Node, error) {
	pv := p.alias(p.column, "__pivot")
	inner := &plan.Aggregate{Child: p.child, List: append([]plan.Expr{}, p.keys...)}
	for _, k := range p.keys {
		inner.GroupBy = append(inner.GroupBy, bare(k))
	}
	inner.GroupBy = append(inner.GroupBy, p.column)
	inner.List = append(append(inner.List, pv), p.aggs...)
	outer := &plan.Aggregate{Child: inner}
	for _, c := range plan.ListOutput(p.keys) {
		outer.GroupBy = append(outer.GroupBy, c)
		outer.List = append(outer.List, c)
	}
	yes := true
	for i, value := range p.values {
		for j, c := range plan.ListOutput(p.aggs) {
			is := &plan.Case{Whens: []plan.When{{Cond: plan.Fn("<=>", pv.Column(), value), Then: c}}}
			e, err := p.expr(ctx, &plan.Func{Name: []string{"first"}, Args: []plan.Expr{is}, IgnoreNulls: &yes}, p.rewriteEnv(false))
			if err != nil {
				return nil, err
			}
			name := p.names[i]
			if len(p.aggs) > 1 {
				name += "_" + plan.ListOutput(p.aggs)[j].Name
			}
			outer.List = append(outer.List, p.alias(e, name))
		}
	}
	return outer, nil
}
