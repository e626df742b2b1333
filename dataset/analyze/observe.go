package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// metrics resolves df.observe's aggregates.
func (r *run) metrics(ctx context.Context, n *plan.CollectMetrics, sc *scope) (plan.Node, error) {
	child, err := r.node(ctx, n.Child, sc)
	if err != nil {
		return nil, err
	}
	list, err := r.selectList(ctx, n.List, r.envOf(sc, child))
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if err := checkMetric(e, false); err != nil {
			return nil, err
		}
	}
	return &plan.CollectMetrics{Name: n.Name, List: list, Child: child}, nil
}

// checkMetric refuses what cannot be computed while rows pass.
func checkMetric(e plan.Expr, inside bool) error {
	switch x := e.(type) {
	case *plan.Agg:
		switch {
		case inside:
			return badMetric("NESTED_AGGREGATES_UNSUPPORTED", "an aggregate function inside another", e)
		case x.Distinct:
			return badMetric("AGGREGATE_EXPRESSION_WITH_DISTINCT_UNSUPPORTED", "an aggregate function of distinct values", e)
		case x.Filter != nil:
			return badMetric("AGGREGATE_EXPRESSION_WITH_FILTER_UNSUPPORTED", "an aggregate function with a filter", e)
		}
		inside = true
	case *plan.Window:
		return badMetric("WINDOW_EXPRESSIONS_UNSUPPORTED", "a window function", e)
	case *plan.Column:
		if !inside {
			return badMetric("NON_AGGREGATE_FUNC_ARG_IS_ATTRIBUTE", "a column outside of an aggregate function", e)
		}
	}
	for _, c := range e.Children() {
		if err := checkMetric(c, inside); err != nil {
			return err
		}
	}
	return nil
}

func badMetric(class, what string, e plan.Expr) error {
	return errs.Cond(errs.Analysis, "INVALID_OBSERVED_METRICS."+class, "42K0E",
		"An observed metric is "+what+": "+toSQL(e)+".", "expr", toSQL(e))
}

// lowerMetrics splits metrics into the functions that see the rows and what is
// made of their values at the end.
func (r *run) lowerMetrics(ctx context.Context, n *plan.CollectMetrics) (plan.Node, error) {
	split, err := r.lowerAggregate(ctx, &plan.Aggregate{List: n.List, Child: n.Child}, nil)
	if err != nil {
		return nil, err
	}
	result, core := detach(split)
	if core == nil {
		return nil, errs.E(errs.NotSupported, "analyze.observe", errs.Unsupported("this form of observed metrics"))
	}
	return &plan.CollectMetrics{Name: n.Name, List: core.List, Child: core.Child, Result: result}, nil
}

// detach separates projections from the aggregation below them, whose columns
// a relation then stands for.
func detach(n plan.Node) (plan.Node, *plan.Aggregate) {
	switch x := n.(type) {
	case *plan.Aggregate:
		return &plan.Local{Columns: x.Output()}, x
	case *plan.Project:
		child, core := detach(x.Child)
		return &plan.Project{List: x.List, Child: child}, core
	}
	return n, nil
}
