package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// aggregate resolves grouping. Until the end the node's list keeps expressions
// over aggregate functions and grouping expressions; lowering splits them.
func (r *run) aggregate(ctx context.Context, n *plan.Aggregate, sc *scope) (plan.Node, error) {
	child, err := r.node(ctx, n.Child, sc)
	if err != nil {
		return nil, err
	}
	v := r.envOf(sc, child)
	list, err := r.selectList(ctx, n.List, v)
	if err != nil {
		return nil, err
	}
	if n.Pipe {
		for _, e := range list[len(n.GroupBy):] {
			if !hasAggregate(e) {
				return nil, errs.Cond(errs.Analysis, "PIPE_OPERATOR_AGGREGATE_EXPRESSION_CONTAINS_NO_AGGREGATE_FUNCTION", "0A000",
					toSQL(e)+" in |> AGGREGATE has no aggregate function: put it into its GROUP BY.", "expr", toSQL(e))
			}
		}
	}
	agg := &plan.Aggregate{Grouping: n.Grouping, List: list}
	keys := &groupKeys{run: r, env: v, list: list, implicit: n.ImplicitKeys}
	if n.Grouping == plan.GroupAll {
		agg.GroupBy, agg.Grouping = allKeys(list), plan.GroupPlain
		if err := coveredByKeys(list, agg.GroupBy); err != nil {
			return nil, err
		}
	} else if agg.GroupBy, err = keys.resolveAll(ctx, n.GroupBy); err != nil {
		return nil, err
	}
	for _, s := range n.Sets {
		set, err := keys.resolveAll(ctx, s)
		if err != nil {
			return nil, err
		}
		agg.Sets = append(agg.Sets, set)
	}
	if n.ImplicitKeys {
		agg.List = append(r.keyItems(n.GroupBy, agg.GroupBy), list...)
	}
	agg.Child = v.inputs[0]
	if agg.Grouping != plan.GroupPlain {
		if agg, err = r.groupingSets(agg); err != nil {
			return nil, err
		}
	}
	if err := r.checkGroupKeys(agg); err != nil {
		return nil, err
	}
	return r.withGenerator(agg)
}

// groupKeys resolves GROUP BY expressions: columns of the input, then aliases
// of the select list, or positions in it.
type groupKeys struct {
	*run
	env      *env
	list     []plan.Expr
	implicit bool
}

func (g *groupKeys) resolveAll(ctx context.Context, in []plan.Expr) ([]plan.Expr, error) {
	var out []plan.Expr
	in, err := g.expandStars(in, g.env)
	if err != nil {
		return nil, err
	}
	for _, e := range in {
		k, err := g.resolve(ctx, e)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

func (g *groupKeys) resolve(ctx context.Context, e plan.Expr) (plan.Expr, error) {
	if a, ok := e.(*plan.Alias); ok {
		e = a.Child
	}
	if l, ok := e.(*plan.Literal); ok && l.Typ.Kind == types.KindInt && l.Value != nil && !g.implicit {
		return g.byPosition(l)
	}
	var aliases []*plan.Alias
	for _, item := range g.list {
		if a, ok := item.(*plan.Alias); ok {
			aliases = append(aliases, a)
		}
	}
	v := *g.env
	ground := *v.ground
	v.ground = &ground
	v.lateral = aliases
	k, err := g.expr(ctx, e, &v)
	if err != nil {
		return nil, err
	}
	g.env.inputs, g.env.grown = v.inputs, v.grown
	m := aliasMap(aliases)
	for id := range plan.References(k) {
		if m[id] != nil && usesAnyOf(m[id], m) {
			return nil, errs.Cond(errs.Analysis, "UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS_IN_GROUP_BY", "0A000",
				"GROUP BY cannot use "+toSQL(k)+", which itself refers to another alias of the select list.")
		}
	}
	return substitute(k, m), nil
}

func usesAnyOf(e plan.Expr, m map[plan.ID]plan.Expr) bool {
	for id := range plan.References(e) {
		if m[id] != nil {
			return true
		}
	}
	return false
}

// aliasMap maps the identities of aliases to what they name.
func aliasMap(aliases []*plan.Alias) map[plan.ID]plan.Expr {
	m := make(map[plan.ID]plan.Expr, len(aliases))
	for _, a := range aliases {
		m[a.ID] = a.Child
	}
	return m
}

// substitute replaces columns by what they stand for, repeatedly, because
// aliases may use earlier ones.
func substitute(e plan.Expr, m map[plan.ID]plan.Expr) plan.Expr {
	out, _ := plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) {
		if c, ok := x.(*plan.Column); ok && m[c.ID] != nil {
			return substitute(m[c.ID], m), nil
		}
		return x, nil
	})
	return out
}

func positionOutOfRange(i, size int) error {
	return errs.Cond(errs.Analysis, "GROUP_BY_POS_OUT_OF_RANGE", "42805",
		"GROUP BY position "+itoa(i)+" is not among "+itoa(size)+" columns.", "index", itoa(i), "size", itoa(size))
}

func (g *groupKeys) byPosition(l *plan.Literal) (plan.Expr, error) {
	i := int(l.Value.(int32))
	if i < 1 || i > len(g.list) {
		return nil, at(positionOutOfRange(i, len(g.list)), l.At)
	}
	e := g.list[i-1]
	if a, ok := e.(*plan.Alias); ok {
		var aliases []*plan.Alias
		for _, item := range g.list {
			if b, ok := item.(*plan.Alias); ok {
				aliases = append(aliases, b)
			}
		}
		e = substitute(a.Child, aliasMap(aliases))
	}
	if hasAggregate(e) {
		return nil, at(errs.Cond(errs.Analysis, "GROUP_BY_POS_AGGREGATE", "42903",
			"GROUP BY position "+itoa(i)+" is "+toSQL(e)+", which has an aggregate function.", "index", itoa(i), "aggExpr", plan.SQLName(e)), l.At)
	}
	return e, nil
}

// allKeys are the items without aggregate functions: GROUP BY ALL.
func allKeys(list []plan.Expr) []plan.Expr {
	var out []plan.Expr
	var aliases []*plan.Alias
	for _, e := range list {
		if a, ok := e.(*plan.Alias); ok {
			aliases = append(aliases, a)
		}
	}
	for _, e := range list {
		e = substitute(bare(e), aliasMap(aliases))
		if !hasAggregate(e) && !hasWindow(e) {
			out = append(out, e)
		}
	}
	return out
}

// coveredByKeys tests that items with aggregate functions read nothing else but
// keys, since GROUP BY ALL does not say how to group by the rest.
func coveredByKeys(list, keys []plan.Expr) error {
	own := map[plan.ID]bool{}
	for _, e := range list {
		if a, ok := e.(*plan.Alias); ok {
			own[a.ID] = true
		}
	}
	for _, e := range list {
		if hasAggregate(e) && strayColumn(bare(e), keys, own) {
			return errs.Cond(errs.Analysis, "UNRESOLVED_ALL_IN_GROUP_BY", "42803",
				"GROUP BY ALL cannot tell by what to group: "+toSQL(bare(e))+" mixes aggregate functions with other columns. Name the columns.")
		}
	}
	return nil
}

func strayColumn(e plan.Expr, keys []plan.Expr, own map[plan.ID]bool) bool {
	if keyIndex(keys, e) >= 0 {
		return false
	}
	switch x := e.(type) {
	case *plan.Agg:
		return false
	case *plan.Column:
		return !own[x.ID]
	case *plan.Subquery:
		for _, c := range outerColumns(x.Plan) {
			if keyIndex(keys, c) < 0 {
				return true
			}
		}
	}
	for _, c := range e.Children() {
		if strayColumn(c, keys, own) {
			return true
		}
	}
	return false
}

func bare(e plan.Expr) plan.Expr {
	if a, ok := e.(*plan.Alias); ok {
		return a.Child
	}
	return e
}

// keyItems are the grouping columns that groupBy().agg() puts before the list.
func (r *run) keyItems(written, keys []plan.Expr) []plan.Expr {
	out := make([]plan.Expr, len(keys))
	for i, k := range keys {
		if i < len(written) && len(written) == len(keys) {
			if a, ok := written[i].(*plan.Alias); ok {
				out[i] = r.alias(k, a.Name)
				continue
			}
			out[i] = r.autoNamed(written[i], k)
			continue
		}
		out[i] = r.autoNamed(k, k)
	}
	return out
}

func (r *run) checkGroupKeys(agg *plan.Aggregate) error {
	for _, k := range agg.GroupBy {
		switch {
		case hasAggregate(k):
			return errs.Cond(errs.Analysis, "GROUP_BY_AGGREGATE", "42903",
				"GROUP BY cannot have aggregate functions, but has "+plan.SQLName(k)+".", "sqlExpr", plan.SQLName(k))
		case !isComparable(k.Type()):
			return errs.Cond(errs.Analysis, "GROUP_EXPRESSION_TYPE_IS_NOT_ORDERABLE", "42822",
				"GROUP BY cannot compare "+toSQL(k)+" of type "+toSQLType(k.Type())+".", "sqlExpr", toSQL(k), "dataType", toSQLType(k.Type()))
		}
	}
	return nil
}
