package physical

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// CollectMetrics passes Child's rows and aggregates them on the way (df.observe).
// Each task reports its partial states by ID; Results makes the metrics of them.
type CollectMetrics struct {
	Rows
	ID    int64 // unique within a plan
	Aggs  []*plan.Agg
	Child Node
	// What serves the one who planned it, and does not travel.
	Name   string
	states types.Schema
	values []plan.Expr // Result's input, over the functions' values
	result Node        // over a Values without rows
}

// Children returns the one whose rows are observed.
func (n *CollectMetrics) Children() []Node { return []Node{n.Child} }

// WithChildren returns the node over another child.
func (n *CollectMetrics) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}

// Schema is the child's.
func (n *CollectMetrics) Schema() types.Schema { return n.Child.Schema() }

func (n *CollectMetrics) String() string {
	es := make([]plan.Expr, len(n.Aggs))
	for i, a := range n.Aggs {
		es[i] = a
	}
	return "CollectMetrics " + exprs(es)
}

// Observations lists the observations of a plan that Planner made.
func Observations(root Node) []*CollectMetrics {
	var out []*CollectMetrics
	seen := map[int64]bool{}
	walk(root, func(n Node) {
		if m, ok := n.(*CollectMetrics); ok && !seen[m.ID] { // shared subtrees are met several times
			seen[m.ID] = true
			out = append(out, m)
		}
	})
	return out
}

// States are the types of the row of partial states that a task reports.
func (n *CollectMetrics) States() []types.Type { return n.states.Types() }

// Results is the query of one row that makes the metrics of the tasks' states.
func (n *CollectMetrics) Results(states []*batch.Batch) Node {
	in := &Values{Rows: Rows{int64(len(states))}, Out: n.states, Data: states}
	merged := &Aggregate{Rows: Rows{1}, Mode: AggFinal, Aggs: n.Aggs, Out: aggSchema(nil, n.Aggs), Child: in}
	values := &Project{Rows: Rows{1}, Exprs: n.values, Out: leafSchema(n.result), Child: merged}
	return overValues(n.result, values)
}

func leafSchema(n Node) types.Schema {
	for {
		cs := n.Children()
		if len(cs) == 0 {
			return n.Schema()
		}
		n = cs[0]
	}
}

// overValues puts n's chain of operators over another leaf.
func overValues(n, leaf Node) Node {
	cs := n.Children()
	if len(cs) == 0 {
		return leaf
	}
	return n.WithChildren([]Node{overValues(cs[0], leaf)})
}

// asksQuery tells whether expressions of n, or of what is below a Result, hold
// a query: the tasks cannot answer it.
func asksQuery(n plan.Node) bool {
	found := false
	for _, e := range n.Exprs() {
		plan.WalkExpr(e, func(x plan.Expr) bool {
			_, sub := x.(*plan.Subquery)
			found = found || sub
			return !found
		})
	}
	if p, ok := n.(*plan.Project); ok {
		found = found || asksQuery(p.Child)
	}
	return found
}

// observe plans df.observe: what each task computes, and what is made of it.
// Metrics that hold a query are left to whoever asks for them.
func (p *Planner) observe(ctx context.Context, n *plan.CollectMetrics) (Node, error) {
	child, err := p.node(ctx, n.Child)
	if err != nil || n.Result == nil || asksQuery(n) || asksQuery(n.Result) {
		return child, err
	}
	p.filters++
	out := &CollectMetrics{Rows: p.rows(n), ID: p.filters, Name: n.Name, Child: child}
	g := newGrouping(&plan.Aggregate{List: n.List})
	for _, a := range g.aggs {
		b, err := Bind(a, n.Child.Output())
		if err != nil {
			return nil, err
		}
		out.Aggs = append(out.Aggs, b.(*plan.Agg))
	}
	for _, e := range n.List {
		v, err := g.rewrite(e)
		if err != nil {
			return nil, err
		}
		out.values = append(out.values, v)
	}
	if out.states, err = p.partialSchema(nil, out.Aggs); err != nil {
		return nil, err
	}
	out.result, err = p.node(ctx, n.Result)
	return out, err
}
