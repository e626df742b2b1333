package exec

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
)

// projectStep computes columns.
func projectStep(c compiler, es []plan.Expr) step {
	return func(in Stream) (Stream, error) {
		evs, err := compileExprs(c, es)
		if err != nil {
			return nil, err
		}
		p := &project{in: in, evs: evs, out: batch.Batch{Cols: make([]*batch.Vector, len(es))}}
		p.pace.watch(evs)
		return p, nil
	}
}

type project struct {
	in   Stream
	evs  []evaluator
	pace pacer
	out  batch.Batch
}

func (p *project) Next(ctx context.Context) (*batch.Batch, error) {
	b, err := p.pace.next(ctx, p.in)
	if err != nil {
		return nil, err
	}
	if err := evalAll(p.evs, b, p.out.Cols); err != nil {
		return nil, err
	}
	p.pace.learn(b.N)
	p.out.N, p.out.Seq = b.N, b.Seq
	return &p.out, nil
}

func (p *project) Close() error { return p.in.Close() }

// expandStep emits each batch once for each projection.
func expandStep(c compiler, projections [][]plan.Expr) step {
	return func(in Stream) (Stream, error) {
		e := &expand{in: in}
		for _, es := range projections {
			evs, err := compileExprs(c, es)
			if err != nil {
				return nil, err
			}
			e.evs = append(e.evs, evs)
			e.pace.watch(evs)
		}
		return e, nil
	}
}

type expand struct {
	in   Stream
	evs  [][]evaluator
	pace pacer
	at   int // next projection of cur
	cur  *batch.Batch
	out  batch.Batch
}

func (e *expand) Next(ctx context.Context) (*batch.Batch, error) {
	if e.cur == nil || e.at == len(e.evs) {
		b, err := e.pace.next(ctx, e.in)
		if err != nil {
			return nil, err
		}
		e.cur, e.at = b, 0
	}
	evs := e.evs[e.at]
	e.at++
	e.out.Cols = append(e.out.Cols[:0], make([]*batch.Vector, len(evs))...)
	if err := evalAll(evs, e.cur, e.out.Cols); err != nil {
		return nil, err
	}
	e.pace.learn(e.cur.N)
	e.out.N, e.out.Seq = e.cur.N, e.cur.Seq
	return &e.out, nil
}

func (e *expand) Close() error { return e.in.Close() }
