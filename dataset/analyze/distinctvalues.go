package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// distinctValues runs a query for the distinct values of expressions over
// child, in order: operations whose columns depend on data need them.
func (r *run) distinctValues(ctx context.Context, es []plan.Expr, child plan.Node, limit int) ([][]*plan.Literal, error) {
	list := make([]plan.Expr, len(es))
	orders := make([]plan.SortOrder, len(es))
	for i, e := range es {
		a := r.alias(e, "v"+itoa(i))
		list[i] = a
		orders[i] = plan.SortOrder{Child: a.Column()}
	}
	n := &plan.Sort{Orders: orders, Global: true, Child: &plan.Distinct{Child: &plan.Project{List: list, Child: child}}}
	rows, err := r.rows(ctx, n, limit+1)
	if err != nil {
		return nil, err
	}
	if len(rows) > limit {
		return nil, errs.Cond(errs.Analysis, "_LEGACY_ERROR_TEMP_1324", "", "The pivot column has more than "+itoa(limit)+" distinct values.",
			"pivotColumn", plan.SQLName(es[0]), "maxValues", itoa(limit))
	}
	out := make([][]*plan.Literal, len(rows))
	for i, row := range rows {
		for j, v := range row {
			out[i] = append(out[i], plan.Lit(es[j].Type(), v))
		}
	}
	return out, nil
}

// rows finishes and runs a plan of this analysis.
func (r *run) rows(ctx context.Context, n plan.Node, limit int) ([][]any, error) {
	if r.Rows == nil {
		return nil, errs.Unsupported("operations whose columns depend on data, in this place")
	}
	other := newRun(r.Analyzer)
	other.hidden, other.expanded, other.nshare = r.hidden, r.expanded, r.nshare
	done, err := other.finish(ctx, other.renewed(n))
	if err != nil {
		return nil, err
	}
	return r.Rows(ctx, done, limit)
}
