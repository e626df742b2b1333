package exec

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// builder turns physical nodes into pipes, and the blocking operators among
// them into pipelines that run before.
type builder struct {
	deps    *Deps
	comp    compiler
	before  []*pipeline // in an order in which they can run
	runtime runtimeFilters
	needs   needs
	shared  map[int64]*collectSink
	rounds  map[int64]*collectSink // the rows that came last, of the recursive queries around
	held    []*account
	writes  []*writeSink
	watched []*observer
	// counters of all operators, and of the one being built
	counters []*counter
	cur      *counter
}

// Build makes a fragment's root runnable. Nothing runs before the reader's
// first Next; Close stops everything and waits.
func Build(root physical.Node, deps Deps) (*Run, error) {
	b := &builder{deps: withDefaults(deps), runtime: runtimeFilters{}, shared: map[int64]*collectSink{}}
	b.comp = b.deps.compiler()
	b.needs = neededColumns(root)
	p, err := b.node(root)
	if err != nil {
		return nil, err
	}
	return &Run{schema: root.Schema(), b: b, out: p}, nil
}

// Run is a fragment at work; it is a batch.Reader.
type Run struct {
	schema types.Schema
	b      *builder
	out    *pipe
	stream Stream
	failed error
}

// Schema describes the rows.
func (r *Run) Schema() types.Schema { return r.schema }

// Next runs the blocking parts, then delivers batch after batch, in the
// source's or the sort's order.
func (r *Run) Next(ctx context.Context) (*batch.Batch, error) {
	if r.failed != nil {
		return nil, r.failed
	}
	b, err := r.next(ctx)
	if err != nil && !atEnd(err) && errors.Is(err, io.EOF) { // callers may take any EOF in the chain for the end
		err = errs.Errorf(errs.KindOf(err), "exec.Run", "%v", err)
	}
	if err != nil {
		r.failed = err
	}
	return b, err
}

func (r *Run) next(ctx context.Context) (*batch.Batch, error) {
	if r.stream == nil {
		if err := r.prepare(ctx); err != nil {
			return nil, err
		}
		s, err := (&gather{in: r.out, threads: r.b.deps.Threads}).Stream()
		if err != nil {
			return nil, err
		}
		r.stream = s
	}
	for {
		b, err := r.stream.Next(ctx)
		if err != nil || b.N > 0 {
			return b, err
		}
	}
}

func (r *Run) prepare(ctx context.Context) error {
	for _, p := range r.b.before {
		if err := p.run(ctx, r.b.deps.Threads); err != nil {
			return err
		}
	}
	r.b.before = nil
	return nil
}

// Close stops what runs and gives the memory back.
func (r *Run) Close() error {
	if r.failed == nil {
		r.failed = errs.E(errs.Canceled, "exec.Run", errors.New("closed"))
	}
	var err error
	if r.stream != nil {
		err = r.stream.Close()
		r.stream = nil
	}
	for _, w := range r.b.writes {
		err = errors.Join(err, w.abort(context.Background()))
	}
	r.b.writes = nil
	for _, a := range r.b.held {
		a.close()
	}
	r.b.held = nil
	for _, c := range r.b.counters {
		err = errors.Join(err, c.spill.close())
	}
	return err
}

func (b *builder) account() *account {
	a := newAccount(b.deps.Budget, b.deps.ForceSpill)
	b.held = append(b.held, a)
	return a
}

// blocking adds a pipeline that must end before what is built after it.
func (b *builder) blocking(p *pipe, s Sink) {
	b.before = append(b.before, &pipeline{in: p, sink: s, count: b.cur})
}

// node builds a node's pipe.
func (b *builder) node(n physical.Node) (*pipe, error) {
	return b.counted(n, func() (*pipe, error) { return b.operator(n) })
}

func (b *builder) operator(n physical.Node) (*pipe, error) {
	switch n := n.(type) {
	case *physical.Scan:
		return b.scan(n)
	case *physical.Values:
		return &pipe{source: &valuesSource{batches: n.Data, rows: b.deps.BatchRows}}, nil
	case *physical.Range:
		return &pipe{source: newRange(n.Start, n.End, n.Step, b.deps.BatchRows)}, nil
	case *physical.StageInput:
		return b.stageInput(n)
	case *physical.Filter:
		return b.transform(n.Child, filterStep(b.comp, n.Cond))
	case *physical.Project:
		return b.transform(n.Child, projectStep(b.comp, n.Exprs))
	case *physical.Expand:
		return b.transform(n.Child, expandStep(b.comp, n.Projections))
	case *physical.Aggregate:
		return b.aggregate(n)
	case *physical.HashJoin:
		return b.hashJoin(n, b.needs[n])
	case *physical.Sort:
		return b.sort(n)
	case *physical.Limit:
		return b.limit(n)
	case *physical.Union:
		return b.union(n)
	case *physical.Shared:
		return b.sharedNode(n)
	case *physical.CacheRead:
		return b.cacheRead(n)
	}
	return b.rare(n)
}

func (b *builder) transform(child physical.Node, s step) (*pipe, error) {
	p, err := b.node(child)
	if err != nil {
		return nil, err
	}
	return p.then(s), nil
}

func (b *builder) scan(n *physical.Scan) (*pipe, error) {
	src, rest := newScan(n, b.deps, b.runtime, &b.cur.bytes)
	p := &pipe{source: src}
	if rest != nil {
		p = p.then(filterStep(b.comp, rest))
	}
	return p, nil
}

func (b *builder) aggregate(n *physical.Aggregate) (*pipe, error) {
	in, err := b.node(n.Child)
	if err != nil {
		return nil, err
	}
	sink, err := newAggSink(n, b.deps.Registry, b.deps.Env, b.comp, b.account(), b.cur.spill)
	if err != nil {
		return nil, err
	}
	b.blocking(in, sink)
	return &pipe{source: &aggSource{sink: sink, out: n.Out.Types(), rows: b.deps.BatchRows}}, nil
}

func (b *builder) hashJoin(n *physical.HashJoin, need columnSet) (*pipe, error) {
	j := &joinSpec{
		kind: n.Type, buildLeft: n.BuildLeft, nullSafe: n.NullSafe, residual: n.Residual, comp: b.comp,
		build: n.Right.Schema().Types(), probe: n.Left.Schema().Types(), buildKeys: n.RightKeys, probeKeys: n.LeftKeys,
		threads: b.deps.Threads, rows: b.deps.BatchRows, held: b.account(), spill: b.cur.spill,
	}
	build, probe := n.Right, n.Left
	if n.BuildLeft {
		j.build, j.probe, j.buildKeys, j.probeKeys, build, probe = j.probe, j.build, j.probeKeys, j.buildKeys, n.Left, n.Right
	}
	j.setNeeds(need, n.Left.Schema().Len())
	if err := j.complete(); err != nil {
		return nil, err
	}
	for _, r := range n.Publish {
		j.publish = append(j.publish, publication{filter: b.runtime.get(r.ID), key: r.Column})
	}
	in, err := b.node(build)
	if err != nil {
		return nil, err
	}
	sink := &joinBuild{spec: j}
	b.blocking(in, sink)
	out, err := b.node(probe)
	if err != nil {
		return nil, err
	}
	return out.then(joinProbeStep(sink, new(atomic.Int32))), nil
}

// complete derives what the two operators share.
func (j *joinSpec) complete() error {
	if j.buildLeft && (j.kind == plan.JoinNullAnti || j.kind == plan.JoinSingle) {
		return errs.Errorf(errs.Internal, "exec.Build", "join type %d cannot build its left side", j.kind)
	}
	for len(j.nullSafe) < len(j.buildKeys) {
		j.nullSafe = append(j.nullSafe, false)
	}
	for _, safe := range j.nullSafe {
		j.rejectNull = j.rejectNull || !safe
	}
	j.lay = newKeyLayout(exprTypes(j.buildKeys))
	return nil
}

func (b *builder) sort(n *physical.Sort) (*pipe, error) {
	in, err := b.node(n.Child)
	if err != nil {
		return nil, err
	}
	sink := &sortSink{ord: newOrdering(n.Schema().Types(), n.Keys), keep: -1, comp: b.comp, threads: b.deps.Threads, held: b.account(), spill: b.cur.spill}
	if n.Limit >= 0 {
		sink.keep = n.Limit + n.Offset
	}
	b.blocking(in, sink)
	return &pipe{source: &sortSource{sink: sink, out: n.Schema().Types(), rows: b.deps.BatchRows, offset: n.Offset}, ordered: true}, nil
}

// limit stands over a gather, so that the first rows of the input's order pass.
func (b *builder) limit(n *physical.Limit) (*pipe, error) {
	in, err := b.node(n.Child)
	if err != nil {
		return nil, err
	}
	p := &pipe{source: &gather{in: in, threads: b.deps.Threads}, ordered: in.ordered}
	if n.Tail {
		return p.then(tailStep(n.N)), nil
	}
	return p.then(limitStep(n.N, n.Offset)), nil
}

func (b *builder) union(n *physical.Union) (*pipe, error) {
	u := &unionSource{}
	if err := b.unionInputs(n, u); err != nil {
		return nil, err
	}
	return &pipe{source: u}, nil
}

// unionInputs flattens unions of unions, whose morsel numbers would collide.
func (b *builder) unionInputs(n *physical.Union, u *unionSource) error {
	for _, c := range n.Inputs {
		if inner, ok := c.(*physical.Union); ok {
			if err := b.unionInputs(inner, u); err != nil {
				return err
			}
			continue
		}
		p, err := b.node(c)
		if err != nil {
			return err
		}
		u.inputs = append(u.inputs, p)
	}
	return nil
}

func (b *builder) sharedNode(n *physical.Shared) (*pipe, error) {
	sink := b.shared[n.ID]
	if sink == nil {
		in, err := b.node(n.Child)
		if err != nil {
			return nil, err
		}
		sink = &collectSink{types: n.Schema().Types(), held: b.account(), spill: b.cur.spill}
		b.blocking(in, sink)
		b.shared[n.ID] = sink
	}
	return &pipe{source: &collectedSource{of: sink, rows: b.deps.BatchRows}}, nil
}

func (b *builder) stageInput(n *physical.StageInput) (*pipe, error) {
	if b.deps.Inputs == nil {
		return nil, errs.Errorf(errs.Internal, "exec.Build", "stage %d has no inputs", n.Stage)
	}
	return &pipe{source: &inputSource{inputs: b.deps.Inputs, stage: n.Stage, all: n.Broadcast, schema: n.Out}}, nil
}

// rare builds the operators that few queries have.
func (b *builder) rare(n physical.Node) (*pipe, error) {
	switch n := n.(type) {
	case *physical.NestedLoop:
		return b.nestedLoop(n)
	case *physical.Window:
		return b.window(n)
	case *physical.Generate:
		return b.transform(n.Child, generateStep(b.deps, n.Gen, n.Outer, n.Out.Types(), b.deps.BatchRows, b.needs[n]))
	case *physical.Sample:
		in, err := b.node(n.Child)
		if err != nil {
			return nil, err
		}
		p := &pipe{source: &gather{in: in, threads: b.deps.Threads}, ordered: in.ordered}
		return p.then(sampleStep(n.Lower, n.Upper, n.WithReplacement, n.Seed)), nil
	case *physical.CollectMetrics:
		return b.observe(n)
	case *physical.Write:
		return b.write(n)
	case *physical.CacheRead:
		return b.cacheRead(n)
	case *physical.Recursive:
		return b.recursive(n)
	case *physical.RecursiveRef:
		return b.recursiveRef(n)
	}
	return nil, errs.E(errs.NotSupported, "exec.Build", errs.Unsupported("the operator "+n.String()))
}

// nestedLoop is a hash join without keys: every pair is a candidate.
func (b *builder) nestedLoop(n *physical.NestedLoop) (*pipe, error) {
	h := &physical.HashJoin{Type: n.Type, Left: n.Left, Right: n.Right, Residual: n.Cond, Out: n.Out}
	if n.Type == plan.JoinNullAnti && n.Cond != nil { // a condition that is unknown counts as a match
		unknown := &plan.Call{Name: "isnull", Args: []plan.Expr{n.Cond}, Typ: types.Bool}
		h.Type, h.Residual = plan.JoinAnti, &plan.Call{Name: "or", Args: []plan.Expr{n.Cond, unknown}, Typ: types.Bool, Null: true}
	}
	return b.hashJoin(h, b.needs[n])
}

func (b *builder) write(n *physical.Write) (*pipe, error) {
	in, err := b.node(n.Child)
	if err != nil {
		return nil, err
	}
	sink, err := newWriteSink(n, b.deps)
	if err != nil {
		return nil, err
	}
	b.blocking(in, sink)
	b.writes = append(b.writes, sink)
	return &pipe{source: &lazySource{of: func() Source { return &valuesSource{batches: sink.result(), rows: b.deps.BatchRows} }}}, nil
}
