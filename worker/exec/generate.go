package exec

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// generateStep appends a generator's columns to each row that it makes rows
// of; with outer, rows it makes none of stay, with nulls. Columns that nobody
// above reads are nulls: the text that words are cut from would come with each.
func generateStep(d *Deps, call *plan.Call, outer bool, out []types.Type, rows int, need columnSet) step {
	return func(in Stream) (Stream, error) {
		e := d.Registry.Lookup(call.Name)
		if e == nil || e.Generate == nil {
			return nil, errs.Unsupported("generator " + call.Name)
		}
		maker, err := e.Generate(d.Env, call)
		if err != nil {
			return nil, err
		}
		evs, err := compileExprs(d.compiler(), call.Args)
		if err != nil {
			return nil, err
		}
		g := &generate{in: in, maker: maker, evs: evs, args: make([]*batch.Vector, len(evs)), outer: outer, rows: rows, need: need, own: batch.NewBatch(out, 0)}
		g.pace.watch(evs)
		return g, nil
	}
}

type generate struct {
	in    Stream
	maker function.RowMaker
	evs   []evaluator
	pace  pacer
	args  []*batch.Vector
	flat  flats
	outer bool
	rows  int
	need  columnSet    // of the output
	cur   *batch.Batch // input at work
	cols  []*batch.Vector
	from  []int32 // by output row: input row
	made  []int32 // by output row: generated row, -1 none; nil: the same
	at    int
	own   *batch.Batch
	out   batch.Batch
	idx   []int32
}

func (g *generate) Next(ctx context.Context) (*batch.Batch, error) {
	for g.at >= len(g.from) {
		b, err := g.pace.next(ctx, g.in)
		if err != nil {
			return nil, err
		}
		if b.N == 0 {
			continue
		}
		if err := g.make(b); err != nil {
			return nil, err
		}
	}
	n := min(g.rows, len(g.from)-g.at)
	g.deliver(g.at, g.at+n)
	g.at += n
	return &g.out, nil
}

// make runs the generator over a batch.
func (g *generate) make(b *batch.Batch) error {
	if err := evalAll(g.evs, b, g.args); err != nil {
		return err
	}
	g.pace.learn(b.N)
	for i, v := range g.args {
		g.args[i] = g.flat.of(i, v)
	}
	cols, from, err := g.maker(g.args, b.N)
	if err != nil {
		return err
	}
	g.cur, g.cols, g.from, g.made, g.at = b, cols, from, nil, 0
	if g.outer {
		g.addMissing(b.N)
	}
	return nil
}

// addMissing puts in input rows that gave no output.
func (g *generate) addMissing(n int) {
	var from, made []int32
	k := 0
	for i := range int32(n) {
		if k >= len(g.from) || g.from[k] != i {
			from, made = append(from, i), append(made, -1)
			continue
		}
		for ; k < len(g.from) && g.from[k] == i; k++ {
			from, made = append(from, i), append(made, int32(k))
		}
	}
	g.from, g.made = from, made
}

func (g *generate) deliver(lo, hi int) {
	k := len(g.own.Cols) - len(g.cols) // a child of one dummy row has a column more
	for i, v := range g.own.Cols[:k] {
		if !g.need.has(i) {
			v.Reset(1)
			v.SetNull(0)
			v.SetConst(hi - lo)
			continue
		}
		v.Gather(g.cur.Cols[i], g.from[lo:hi])
	}
	idx := g.idx[:0]
	for i := lo; i < hi; i++ {
		r := int32(i)
		if g.made != nil {
			r = g.made[i]
		}
		idx = append(idx, r)
	}
	g.idx = idx
	for i, v := range g.own.Cols[k:] {
		v.Gather(g.cols[i], idx)
	}
	g.out.Cols, g.out.N, g.out.Seq = g.own.Cols, hi-lo, g.cur.Seq
}

func (g *generate) Close() error { return g.in.Close() }
