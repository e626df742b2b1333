package analyze

import (
	"context"
	"strconv"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// df.describe and df.summary: one aggregate over all rows, whose columns
// become a row for each statistic.

var (
	describeStats = []string{"count", "mean", "stddev", "min", "max"}
	summaryStats  = []string{"count", "mean", "stddev", "min", "25%", "50%", "75%", "max"}
)

const summaryColumn = "summary"

func (r *run) describe(ctx context.Context, n *plan.Describe, child plan.Node) (plan.Node, error) {
	cols, err := r.selected(child.Output(), n.Columns)
	if err != nil {
		return nil, err
	}
	return r.statistics(ctx, describeStats, cols, child)
}

func (r *run) summary(ctx context.Context, stats []string, child plan.Node) (plan.Node, error) {
	if len(stats) == 0 {
		stats = summaryStats
	}
	return r.statistics(ctx, stats, child.Output(), child)
}

// statistics computes stats of the columns that are numbers or strings.
func (r *run) statistics(ctx context.Context, stats []string, all []*plan.Column, child plan.Node) (plan.Node, error) {
	var cols []*plan.Column
	for _, c := range all {
		if c.Typ.IsNumeric() || c.Typ.Kind == types.KindString {
			cols = append(cols, c)
		}
	}
	agg := &plan.Aggregate{Child: child}
	x := &plan.Expand{Columns: []*plan.Column{{Name: summaryColumn, ID: r.NextID(), Typ: types.String, Null: true}}}
	for _, c := range cols {
		x.Columns = append(x.Columns, &plan.Column{Name: c.Name, ID: r.NextID(), Typ: types.String, Null: true})
	}
	for _, s := range stats {
		row := []plan.Expr{plan.LitString(s)}
		for _, c := range cols {
			e, err := r.statistic(ctx, s, c)
			if err != nil {
				return nil, err
			}
			a := r.alias(&plan.Cast{Child: e, To: types.String, Mode: r.castMode(), Implicit: true}, s+"("+c.Name+")")
			agg.List = append(agg.List, a)
			row = append(row, a.Column())
		}
		x.Projections = append(x.Projections, row)
	}
	if x.Child = agg; len(agg.List) == 0 {
		x.Child = &plan.OneRow{}
	}
	return x, nil
}

// percentileAccuracy is Spark's default relative accuracy of percentiles.
const percentileAccuracy = 10000

func (r *run) statistic(ctx context.Context, name string, c *plan.Column) (plan.Expr, error) {
	number := plan.Expr(c)
	if c.Typ.Kind == types.KindString {
		number = &plan.Cast{Child: c, To: types.Double, Mode: plan.CastTry}
	}
	var f plan.Expr
	switch strings.ToLower(name) {
	case "count":
		f = plan.Fn("count", c)
	case "count_distinct":
		f = &plan.Func{Name: []string{"count"}, Args: []plan.Expr{c}, Distinct: true}
	case "approx_count_distinct":
		f = plan.Fn("approx_count_distinct", c)
	case "mean":
		f = plan.Fn("avg", number)
	case "stddev":
		f = plan.Fn("stddev_samp", number)
	case "min":
		f = plan.Fn("min", c)
	case "max":
		f = plan.Fn("max", c)
	default:
		p, err := percentage(name)
		if err != nil {
			return nil, err
		}
		var to plan.Expr = c // numbers keep their type
		if !c.Typ.IsNumeric() {
			to = &plan.Cast{Child: c, To: types.Double, Mode: plan.CastTry}
		}
		f = plan.Fn("percentile_approx", to, plan.Lit(types.Double, p), plan.LitInt(percentileAccuracy))
	}
	return r.expr(ctx, f, r.rewriteEnv(false))
}

func percentage(name string) (float64, error) {
	text, ok := strings.CutSuffix(name, "%")
	p, err := strconv.ParseFloat(text, 64)
	if !ok || err != nil || p < 0 || p > 100 {
		return 0, errs.Cond(errs.IllegalArg, "_LEGACY_ERROR_TEMP_2114", "", "There is no statistic "+name+".", "stats", name)
	}
	return p / 100, nil
}
