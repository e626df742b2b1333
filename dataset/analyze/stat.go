package analyze

import (
	"context"
	"math"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// df.stat: statistics over whole data frames.

func (r *run) stat(ctx context.Context, n *plan.Stat, child plan.Node, sc *scope) (plan.Node, error) {
	switch n.Name {
	case "cov":
		return r.pairStat(ctx, n, child, "covar_samp")
	case "corr":
		if n.Method != "" && n.Method != "pearson" {
			return nil, errs.Unsupported("the correlation method " + n.Method)
		}
		return r.pairStat(ctx, n, child, "corr")
	case "approxQuantile":
		return r.quantiles(ctx, n, child)
	case "sampleBy":
		return r.sampleBy(ctx, n, child, sc)
	case "crosstab":
		return r.crosstab(ctx, n, child)
	}
	return nil, errs.Unsupported("df.stat." + n.Name)
}

func (r *run) numbers(child plan.Node, names []string) ([]*plan.Column, error) {
	cols, err := r.selected(child.Output(), names)
	if err != nil {
		return nil, err
	}
	for _, c := range cols {
		if !c.Typ.IsNumeric() {
			return nil, errs.Cond(errs.IllegalArg, "_LEGACY_ERROR_TEMP_1168", "", "The column "+c.Name+" is of type "+c.Typ.String()+", but must be numeric.",
				"dataType", c.Typ.String())
		}
	}
	return cols, nil
}

// pairStat is cov and corr: one row with the figure, 0 or NaN where there is none.
func (r *run) pairStat(ctx context.Context, n *plan.Stat, child plan.Node, function string) (plan.Node, error) {
	cols, err := r.numbers(child, n.Columns)
	if err != nil {
		return nil, err
	}
	none := 0.0
	if n.Name == "corr" {
		none = math.NaN()
	}
	f := plan.Fn(function, toDouble(cols[0]), toDouble(cols[1]))
	e, err := r.expr(ctx, plan.Fn("coalesce", f, plan.Lit(types.Double, none)), r.rewriteEnv(false))
	if err != nil {
		return nil, err
	}
	return &plan.Aggregate{List: []plan.Expr{r.alias(e, n.Name)}, Child: child}, nil
}

func toDouble(c plan.Expr) plan.Expr {
	if c.Type().Kind == types.KindDouble {
		return c
	}
	return &plan.Cast{Child: c, To: types.Double, Mode: plan.CastLegacy, Implicit: true}
}

// quantiles is approxQuantile: an array of arrays, one for each column.
func (r *run) quantiles(ctx context.Context, n *plan.Stat, child plan.Node) (plan.Node, error) {
	cols, err := r.numbers(child, n.Columns)
	if err != nil {
		return nil, err
	}
	accuracy := int32(math.MaxInt32)
	if n.Error > 0 {
		accuracy = int32(min(math.MaxInt32, math.Ceil(1/n.Error)))
	}
	ps := make([]any, len(n.Probabilities))
	for i, p := range n.Probabilities {
		ps[i] = p
	}
	list := plan.Lit(types.Array(types.Double, false), ps)
	each := make([]plan.Expr, len(cols))
	for i, c := range cols {
		f := plan.Fn("percentile_approx", toDouble(c), list, plan.LitInt(accuracy))
		each[i] = plan.Fn("coalesce", f, plan.Lit(types.Array(types.Double, false), []any{}))
	}
	e, err := r.expr(ctx, plan.Fn("array", each...), r.rewriteEnv(false))
	if err != nil {
		return nil, err
	}
	return &plan.Aggregate{List: []plan.Expr{r.alias(e, "approx_quantile")}, Child: child}, nil
}

// sampleBy keeps a fraction of the rows of each value of an expression.
func (r *run) sampleBy(ctx context.Context, n *plan.Stat, child plan.Node, sc *scope) (plan.Node, error) {
	col, err := r.expr(ctx, n.Column, r.envOf(sc, child))
	if err != nil {
		return nil, err
	}
	k := &plan.Case{Else: plan.Lit(types.Double, 0.0)}
	for l, f := range n.Fractions {
		k.Whens = append(k.Whens, plan.When{Cond: plan.Fn("<=>", col, l), Then: plan.Lit(types.Double, f)})
	}
	if len(k.Whens) == 0 {
		return &plan.Filter{Cond: plan.LitBool(false), Child: child}, nil
	}
	cond, err := r.expr(ctx, plan.Fn("<", plan.Fn("rand", plan.LitLong(n.Seed)), k), r.rewriteEnv(false))
	if err != nil {
		return nil, err
	}
	return &plan.Filter{Cond: cond, Child: child}, nil
}

// maxCrosstab bounds the distinct values of a cross table's second column, as Spark.
const maxCrosstab = 10000

// crosstab counts pairs: a row for each value of the first column, a column
// for each of the second.
func (r *run) crosstab(ctx context.Context, n *plan.Stat, child plan.Node) (plan.Node, error) {
	cols, err := r.selected(child.Output(), n.Columns)
	if err != nil {
		return nil, err
	}
	name := n.Columns[0] + "_" + n.Columns[1]
	text := func(c *plan.Column) plan.Expr {
		return plan.Fn("coalesce", &plan.Cast{Child: c, To: types.String, Mode: plan.CastSession}, plan.LitString("null"))
	}
	first, err := r.expr(ctx, text(cols[0]), r.rewriteEnv(false))
	if err != nil {
		return nil, err
	}
	second, err := r.expr(ctx, text(cols[1]), r.rewriteEnv(false))
	if err != nil {
		return nil, err
	}
	values, err := r.distinctValues(ctx, []plan.Expr{second}, child, maxCrosstab)
	if err != nil {
		return nil, err
	}
	agg := &plan.Aggregate{GroupBy: []plan.Expr{first}, List: []plan.Expr{r.alias(first, name)}, Child: child}
	for _, v := range values {
		is := &plan.Case{Whens: []plan.When{{Cond: plan.Fn("==", second, v[0]), Then: plan.LitInt(1)}}}
		e, err := r.expr(ctx, plan.Fn("count", is), r.rewriteEnv(false))
		if err != nil {
			return nil, err
		}
		agg.List = append(agg.List, r.alias(e, v[0].Value.(string)))
	}
	return agg, nil
}
