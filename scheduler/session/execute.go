package session

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/analyze"
	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/optimize"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/scheduler/jobs"
)

// Request is one operation of a client.
type Request struct {
	OperationID string
	Plan        plan.Node
	// Source is a command as its client sent it, which Translate understands;
	// for sessions that are Lasting.
	Source []byte
	// Description is the query in short, for people; without secrets.
	Description string
}

// Execute runs a query or command. ctx covers the execution until the result
// is closed. A command has taken effect when Execute returns.
func (s *Session) Execute(ctx context.Context, req Request) (*Result, error) {
	if req.OperationID == "" {
		req.OperationID = jobName() // files are named after it
	}
	q, err := s.newQuery(req.OperationID)
	if err != nil {
		return nil, err
	}
	q.source, q.description = req.Source, req.Description
	res, err := q.execute(ctx, req)
	if err != nil {
		return nil, err
	}
	if err := q.observing(ctx, req.Plan, res); err != nil {
		return nil, errors.Join(err, res.Close())
	}
	return res, nil
}

func (q *query) execute(ctx context.Context, req Request) (*Result, error) {
	n := root(req.Plan)
	if c, ok := n.(plan.Command); ok {
		return q.command(ctx, c)
	}
	if show, ok := n.(*plan.ShowString); ok {
		return q.show(ctx, show)
	}
	return q.query(ctx, req.Plan)
}

// root looks through marks that do not change what a plan is.
func root(n plan.Node) plan.Node {
	for {
		switch x := n.(type) {
		case *plan.Tagged:
			n = x.Child
		case *plan.WithRelations:
			if c, ok := root(x.Child).(plan.Command); ok {
				return c
			}
			return n
		default:
			return n
		}
	}
}

// query analyses, optimises, plans and starts a query.
func (q *query) query(ctx context.Context, n plan.Node) (*Result, error) {
	resolved, err := q.analyzer.Analyze(ctx, n)
	if err != nil {
		return nil, err
	}
	return q.run(ctx, resolved)
}

// run starts a resolved plan.
func (q *query) run(ctx context.Context, resolved plan.Node) (*Result, error) {
	node, err := q.physical(ctx, resolved)
	if err != nil {
		return nil, err
	}
	stream, err := q.start(ctx, node)
	if err != nil {
		return nil, err
	}
	return &Result{Reader: stream, progress: stream.Progress, operators: stream.Operators}, nil
}

// physical optimises a resolved plan and chooses algorithms. The columns come
// out under the resolved plan's names.
func (q *query) physical(ctx context.Context, resolved plan.Node) (physical.Node, error) {
	cached, err := q.useCached(ctx, resolved)
	if err != nil {
		return nil, err
	}
	return q.optimizedPhysical(ctx, cached, plan.SchemaOf(resolved))
}

// optimizedPhysical plans n, which may read kept rows under other names than
// those of schema, which come out.
func (q *query) optimizedPhysical(ctx context.Context, n plan.Node, schema types.Schema) (physical.Node, error) {
	optimized, err := q.optimize(ctx, n)
	if err != nil {
		return nil, err
	}
	p := &physical.Planner{Registry: q.s.m.cfg.Registry, Estimate: optimize.NewEstimator(ctx), JobID: q.id}
	node, err := p.Plan(ctx, optimized)
	if err != nil {
		return nil, err
	}
	if _, ok := n.(plan.Command); ok {
		return node, nil
	}
	return physical.Rename(node, schema), nil
}

func (q *query) optimize(ctx context.Context, n plan.Node) (plan.Node, error) {
	o := optimize.New(optimize.Config{Registry: q.s.m.cfg.Registry, Env: q.env, NextID: q.s.nextID})
	return o.Optimize(ctx, n)
}

// start submits a physical plan as a job. A query may need several jobs.
func (q *query) start(ctx context.Context, node physical.Node) (jobs.Stream, error) {
	s := q.s
	if q.id == "" {
		q.id = jobName()
	}
	id := q.id
	if q.jobs++; q.jobs > 1 {
		id = fmt.Sprintf("%s-%d", q.id, q.jobs)
	}
	out, err := s.m.cfg.Jobs.Start(ctx, jobs.Job{ID: id, Operation: q.id, Session: s.serverID, User: s.user, Description: q.description, Plan: node, Env: wireEnv(q.env), Threads: s.m.cfg.Threads, Storage: s.conf.storage()})
	if seen := physical.Observations(node); err == nil && len(seen) > 0 {
		out = &observedStream{Stream: out, query: q, nodes: seen}
	}
	return out, err
}

// rows runs a resolved plan for the analyser, which needs to know data.
func (q *query) rows(ctx context.Context, n plan.Node, limit int) ([][]any, error) {
	r, err := q.run(ctx, n)
	if err != nil {
		return nil, err
	}
	rows, err := collect(ctx, r, limit)
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	return rows, err
}

// show runs df.show(): the first rows as one string.
func (q *query) show(ctx context.Context, n *plan.ShowString) (*Result, error) {
	limited := &plan.Limit{N: plan.LitInt(int32(min(max(n.Rows, 0), 1<<30) + 1)), Child: n.Child}
	resolved, err := q.analyzer.Analyze(ctx, limited)
	if err != nil {
		return nil, err
	}
	rows, err := q.rows(ctx, resolved, n.Rows+1)
	if err != nil {
		return nil, err
	}
	text, err := analyze.ShowString(plan.SchemaOf(resolved), rows, analyze.ShowOptions{
		Rows: n.Rows, Truncate: n.Truncate, Vertical: n.Vertical, HTML: n.HTML, Env: q.env,
	})
	if err != nil {
		return nil, err
	}
	return rowsResult(plan.SchemaOf(showSchema(n)), [][]any{{text}}), nil
}

// showSchema is the one-column relation that df.show() is to a client.
func showSchema(n *plan.ShowString) plan.Node {
	name := "show_string"
	if n.HTML {
		name = "html_string"
	}
	return &plan.Local{Columns: []*plan.Column{{Name: name, ID: 1, Typ: types.String}}}
}

// Explain prints what would be done for a query.
func (s *Session) Explain(ctx context.Context, n plan.Node, mode string) (string, error) {
	q, err := s.newQuery("")
	if err != nil {
		return "", err
	}
	return q.explain(ctx, n, mode)
}

func (q *query) explain(ctx context.Context, n plan.Node, mode string) (string, error) {
	if c, ok := root(n).(plan.Command); ok {
		return "== Physical Plan ==\nExecute " + c.String() + "\n", nil
	}
	resolved, err := q.analyzer.Analyze(ctx, n)
	if err != nil {
		return "", err
	}
	optimized, err := q.optimize(ctx, resolved)
	if err != nil {
		return "", err
	}
	p := &physical.Planner{Registry: q.s.m.cfg.Registry, Estimate: optimize.NewEstimator(ctx), JobID: q.id}
	node, err := p.Plan(ctx, optimized)
	if err != nil {
		return "", err
	}
	tree := "== Physical Plan ==\n" + physical.Tree(node)
	switch strings.ToLower(mode) {
	case "", "simple", "formatted":
		return tree, nil
	case "extended":
		return "== Parsed Logical Plan ==\n" + plan.Tree(n) + "\n== Analyzed Logical Plan ==\n" + headline(resolved) + plan.Tree(resolved) +
			"\n== Optimized Logical Plan ==\n" + plan.Tree(optimized) + "\n" + tree, nil
	case "cost":
		top, below, _ := strings.Cut(plan.Tree(optimized), "\n")
		return fmt.Sprintf("== Optimized Logical Plan ==\n%s, Statistics(rowCount=%d)\n%s\n%s", top, p.Estimate.Rows(optimized), below, tree), nil
	case "codegen":
		return "Found 0 WholeStageCodegen subtrees: operators are compiled ahead of time.\n" + tree, nil
	}
	return "", errs.Cond(errs.IllegalArg, "INVALID_PARAMETER_VALUE.EXPLAIN_MODE", "22023",
		"The explain mode '"+mode+"' is not one of simple, extended, codegen, cost, formatted.", "mode", mode)
}

func headline(n plan.Node) string {
	parts := make([]string, 0, len(n.Output()))
	for _, c := range n.Output() {
		parts = append(parts, c.Name+": "+c.Typ.String())
	}
	return strings.Join(parts, ", ") + "\n"
}

// fileURI names a file as Spark does: local paths have a scheme too.
func fileURI(path string) string {
	if strings.HasPrefix(path, "/") {
		return "file://" + path
	}
	return path
}

// InputFiles lists the files that a query would read.
func (s *Session) InputFiles(ctx context.Context, n plan.Node) ([]string, error) {
	resolved, err := s.Analyze(ctx, n)
	if err != nil {
		return nil, err
	}
	var out []string
	seen := map[string]bool{}
	plan.Walk(resolved, func(x plan.Node) bool {
		scan, ok := x.(*plan.Scan)
		if !ok {
			return true
		}
		if t, ok := scan.Source.(catalog.Table); ok {
			for _, f := range t.Files() {
				if !seen[f] {
					seen[f] = true
					out = append(out, fileURI(f))
				}
			}
		}
		return true
	})
	return out, nil
}
