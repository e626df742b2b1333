package session

import (
	"context"
	"io"
	"slices"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/jobs"
)

// maxObserved bounds the observations of one query: the client keeps all their
// metrics, and each may cost a job.
const maxObserved = 100

// observedStream passes a job's rows on and takes its observations at their end.
type observedStream struct {
	jobs.Stream
	query *query
	nodes []*physical.CollectMetrics
	taken bool
}

func (s *observedStream) Next(ctx context.Context) (*batch.Batch, error) {
	b, err := s.Stream.Next(ctx)
	if err != io.EOF || s.taken {
		return b, err
	}
	s.taken = true
	if err := s.query.take(ctx, s.nodes, s.Observed()); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

// take makes metrics of what a job's tasks have observed. A name that has been
// observed keeps its metrics.
func (q *query) take(ctx context.Context, nodes []*physical.CollectMetrics, seen []jobs.Observation) error {
	for _, n := range nodes {
		if q.hasObserved(n.Name) || len(q.observed) >= maxObserved {
			continue
		}
		var states []*batch.Batch
		for _, o := range seen {
			if o.ID != n.ID {
				continue
			}
			b, err := batch.DecodeBlock(n.States(), o.State)
			if err != nil {
				return errs.E(errs.Internal, "session.take", err)
			}
			states = append(states, b)
		}
		if len(states) == 0 { // it did not run
			continue
		}
		if err := q.conclude(ctx, n.Name, n.Results(states)); err != nil {
			return err
		}
	}
	return nil
}

func (q *query) hasObserved(name string) bool {
	return slices.ContainsFunc(q.observed, func(o Observed) bool { return o.Name == name })
}

// conclude keeps the one row of a query as an observation's metrics.
func (q *query) conclude(ctx context.Context, name string, node physical.Node) error {
	stream, err := q.start(ctx, node)
	if err != nil {
		return err
	}
	rows, err := collect(ctx, stream, 1)
	if cerr := stream.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	o := Observed{Name: name, Schema: node.Schema(), Row: make([]any, node.Schema().Len())}
	if len(rows) == 1 {
		o.Row = rows[0]
	}
	q.observed = append(q.observed, o)
	return nil
}

// observing lets a result bring the metrics of df.observe in n: those of a
// command are complete, those of a query at the end of its rows.
func (q *query) observing(ctx context.Context, n plan.Node, res *Result) error {
	res.query = q
	var nodes []*plan.CollectMetrics
	plan.Walk(n, func(x plan.Node) bool {
		if m, ok := x.(*plan.CollectMetrics); ok && len(nodes) < maxObserved {
			nodes = append(nodes, m)
		}
		return x != nil
	})
	switch {
	case len(nodes) == 0:
		return nil
	case res.progress == nil:
		return q.catchUp(ctx, nodes)
	}
	res.Reader = &lastObserved{Reader: res.Reader, query: q, nodes: nodes}
	return nil
}

// lastObserved catches up with what was not observed when the rows have ended.
type lastObserved struct {
	batch.Reader
	query *query
	nodes []*plan.CollectMetrics
}

func (r *lastObserved) Next(ctx context.Context) (*batch.Batch, error) {
	b, err := r.Reader.Next(ctx)
	if err != io.EOF {
		return b, err
	}
	if err := r.query.catchUp(ctx, r.nodes); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

// catchUp computes, each by a query of its own, metrics of rows that did not
// pass: they come from a cache, nothing that needs them is left of the plan, or
// a metric holds a query.
func (q *query) catchUp(ctx context.Context, nodes []*plan.CollectMetrics) error {
	for _, m := range nodes {
		if q.jobs == 0 || q.hasObserved(m.Name) { // a command that ran nothing observes nothing
			continue
		}
		resolved, err := q.analyzer.Analyze(ctx, &plan.Project{List: m.List, Child: m.Child})
		if err != nil {
			return err
		}
		node, err := q.physical(ctx, resolved)
		if err != nil {
			return err
		}
		if err := q.conclude(ctx, m.Name, node); err != nil {
			return err
		}
	}
	return nil
}
