package analyze

import (
	"context"
	"slices"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// project resolves a select list. One with aggregate functions is an aggregate
// of all rows.
func (r *run) project(ctx context.Context, n *plan.Project, sc *scope) (plan.Node, error) {
	child, err := r.node(ctx, n.Child, sc)
	if err != nil {
		return nil, err
	}
	out, err := r.projectOver(ctx, n.List, child, sc)
	if a, ok := out.(*plan.Aggregate); ok && n.Pipe != "" {
		for _, e := range a.List {
			if hasAggregate(e) {
				return nil, errs.Cond(errs.Analysis, "PIPE_OPERATOR_CONTAINS_AGGREGATE_FUNCTION", "0A000",
					"The aggregate function in "+toSQL(e)+" cannot stand in |> "+n.Pipe+": use |> AGGREGATE.", "expr", toSQL(e), "clause", n.Pipe)
			}
		}
	}
	return out, err
}

func (r *run) projectOver(ctx context.Context, in []plan.Expr, child plan.Node, sc *scope) (plan.Node, error) {
	v := r.envOf(sc, child)
	list, err := r.selectList(ctx, in, v)
	if err != nil {
		return nil, err
	}
	if anyAggregate(list) {
		return r.withGenerator(&plan.Aggregate{List: list, Child: v.inputs[0]})
	}
	return r.withGenerator(&plan.Project{List: list, Child: v.inputs[0]})
}

// selectList resolves items to columns and aliases. An item sees the aliases
// of the items before it where the input has no column of the name.
func (r *run) selectList(ctx context.Context, in []plan.Expr, v *env) ([]plan.Expr, error) {
	var out []plan.Expr
	for _, e := range in {
		items, err := r.expandStars([]plan.Expr{e}, v)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			named, err := r.named(ctx, item, v)
			if err != nil {
				return nil, err
			}
			if a, ok := named.(*plan.Alias); ok {
				v.lateral = append(v.lateral, a)
			}
			out = append(out, named)
		}
	}
	return out, nil
}

// named resolves an item of a list and names it.
func (r *run) named(ctx context.Context, e plan.Expr, v *env) (plan.Expr, error) {
	if t, ok := e.(*plan.Text); ok {
		p, err := r.Parser.Expr(t.SQL)
		if err != nil {
			return nil, err
		}
		e = p
	}
	a, ok := e.(*plan.Alias)
	if !ok {
		x, err := r.expr(ctx, e, v)
		if err != nil {
			return nil, err
		}
		return r.autoNamed(e, x), nil
	}
	if a.ID != 0 && a.Child.Resolved() {
		return a, nil
	}
	x, err := r.expr(ctx, a.Child, v)
	if err != nil {
		return nil, err
	}
	return &plan.Alias{Child: x, Name: a.Name, Names: a.Names, ID: r.NextID(), Metadata: a.Metadata}, nil
}

// autoNamed gives a resolved item the name Spark makes for it.
func (r *run) autoNamed(written, e plan.Expr) plan.Expr {
	switch x := e.(type) {
	case *plan.Column:
		return x
	case *plan.Alias:
		return x
	case *plan.OuterRef:
		return r.alias(e, x.Column.Name)
	}
	return r.alias(e, r.autoName(written, e))
}

func (r *run) autoName(written, e plan.Expr) string {
	if c, ok := e.(*plan.Cast); ok { // a column that is cast keeps its name
		if col, ok := c.Child.(*plan.Column); ok {
			return col.Name
		}
	}
	switch w := written.(type) {
	case *plan.Attr: // a field is called as itself, without the path
		return fieldName(w, e)
	case *plan.Extract:
		if g, ok := e.(*plan.GetField); ok {
			if l, lit := w.Key.(*plan.Literal); lit && l.Typ.Kind == types.KindString {
				return plan.SQLNameIn(g, r.Env.Zone)
			}
		}
	}
	return plan.SQLNameIn(e, r.Env.Zone)
}

func fieldName(a *plan.Attr, e plan.Expr) string {
	if g, ok := e.(*plan.GetField); ok {
		return g.Name
	}
	return a.Parts[len(a.Parts)-1]
}

// filter resolves WHERE, or HAVING.
func (r *run) filter(ctx context.Context, n *plan.Filter, sc *scope) (plan.Node, error) {
	child, err := r.node(ctx, n.Child, sc)
	if err != nil {
		return nil, err
	}
	if n.Having {
		if agg, rebuild := r.aggregateBelow(child); agg != nil {
			return r.having(ctx, n, agg, rebuild, sc)
		}
	}
	v := r.envOf(sc, child)
	_, v.deep = child.(*plan.Tagged) // df.select(...).filter(...); in SQL, WHERE is below SELECT
	cond, err := r.expr(ctx, n.Cond, v)
	if err != nil {
		return nil, err
	}
	if hasWindow(cond) {
		return nil, errs.Cond(errs.Analysis, "_LEGACY_ERROR_TEMP_1034", "", "WHERE cannot have window functions.", "clauseName", "WHERE")
	}
	if r.isGenerator(cond) {
		return nil, generatorError("OUTSIDE_SELECT", "A row-making function can stand in a select list only, not in WHERE: "+toSQL(cond)+".", "plan", "Filter")
	}
	if hasAggregate(cond) || r.hasGenerator(cond) {
		return nil, errs.Cond(errs.Analysis, "INVALID_WHERE_CONDITION", "42903",
			"The condition "+toSQL(cond)+" has an aggregate, window or row-making function, which WHERE cannot have.",
			"condition", toSQL(cond), "expressionList", toSQL(cond))
	}
	if cond, err = r.predicate(cond); err != nil {
		return nil, err
	}
	return r.trimmed(v, &plan.Filter{Cond: cond, Child: v.inputs[0]}), nil
}

// predicate makes a filter's condition boolean.
func (r *run) predicate(cond plan.Expr) (plan.Expr, error) {
	switch cond.Type().Kind {
	case types.KindBool:
		return cond, nil
	case types.KindNull:
		return r.castTo(cond, types.Bool), nil
	default:
	}
	return nil, errs.Cond(errs.Analysis, "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN", "42K09",
		"The condition "+toSQL(cond)+" is of type "+toSQLType(cond.Type())+", not boolean.",
		"sqlExpr", toSQL(cond), "filter", toSQL(cond), "type", toSQLType(cond.Type()))
}

// distinct removes duplicates; maps and variants cannot be compared.
func (r *run) distinct(ctx context.Context, n *plan.Distinct, sc *scope) (plan.Node, error) {
	child, err := r.node(ctx, n.Child, sc)
	if err != nil {
		return nil, err
	}
	if err := comparableColumns(child.Output()); err != nil {
		return nil, err
	}
	return &plan.Distinct{Child: child}, nil
}

func comparableColumns(cols []*plan.Column) error {
	for _, c := range cols {
		if !isComparable(c.Typ) {
			return errs.Cond(errs.Analysis, "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE", "0A000",
				"Values of type "+toSQLType(c.Typ)+" (column "+types.Quote(c.Name)+") cannot be compared, which this operation needs.",
				"colName", types.Quote(c.Name), "dataType", toSQLType(c.Typ))
		}
	}
	return nil
}

func hasAggregate(e plan.Expr) bool {
	found := false
	walkOutsideWindows(e, func(x plan.Expr) {
		if _, ok := x.(*plan.Agg); ok {
			found = true
		}
	})
	return found
}

// walkOutsideWindows visits e but for the functions that windows apply.
func walkOutsideWindows(e plan.Expr, f func(plan.Expr)) {
	f(e)
	for i, c := range e.Children() {
		if _, win := e.(*plan.Window); win && i == 0 {
			for _, a := range c.Children() {
				walkOutsideWindows(a, f)
			}
			continue
		}
		walkOutsideWindows(c, f)
	}
}

func anyAggregate(list []plan.Expr) bool {
	return slices.ContainsFunc(list, hasAggregate)
}

func (r *run) isGenerator(e plan.Expr) bool {
	c, ok := e.(*plan.Call)
	if !ok {
		return false
	}
	ent := r.Registry.Lookup(c.Name)
	return ent != nil && ent.Kind == function.Generator
}

func (r *run) hasGenerator(e plan.Expr) bool {
	found := false
	plan.WalkExpr(e, func(x plan.Expr) bool {
		found = found || r.isGenerator(x)
		return !found
	})
	return found
}

func hasWindow(e plan.Expr) bool {
	found := false
	plan.WalkExpr(e, func(x plan.Expr) bool {
		if _, ok := x.(*plan.Window); ok {
			found = true
		}
		return !found
	})
	return found
}
