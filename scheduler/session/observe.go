package session

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// maxObserved bounds the observations of one query; each costs a run of its input.
const maxObserved = 100

// observe computes the metrics of df.observe in a plan, each as a query of its
// own over the observed rows. Counting them as they pass would be cheaper, but
// depends on how far operators above read, and on attempts that are repeated.
func (q *query) observe(ctx context.Context, n plan.Node) ([]Observed, error) {
	var nodes []*plan.CollectMetrics
	plan.Walk(n, func(x plan.Node) bool {
		if m, ok := x.(*plan.CollectMetrics); ok && len(nodes) < maxObserved {
			nodes = append(nodes, m)
		}
		return x != nil
	})
	out := make([]Observed, 0, len(nodes))
	for _, m := range nodes {
		resolved, err := q.analyzer.Analyze(ctx, &plan.Project{List: m.List, Child: m.Child})
		if err != nil {
			return nil, err
		}
		rows, err := q.rows(ctx, resolved, 1)
		if err != nil {
			return nil, err
		}
		o := Observed{Name: m.Name, Schema: plan.SchemaOf(resolved)}
		o.Row = make([]any, len(o.Schema.Fields))
		if len(rows) == 1 {
			o.Row = rows[0]
		}
		out = append(out, o)
	}
	return out, nil
}
