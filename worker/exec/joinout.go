package exec

import (
	"context"
	"io"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// pairBatch gathers joined rows: left columns, then right columns.
type pairBatch struct {
	spec  *joinSpec
	probe []*batch.Vector // own vectors for gathered columns; constant nulls where nobody reads
	build []*batch.Vector
	mark  *batch.Vector
	out   batch.Batch
}

func newPairBatch(j *joinSpec) *pairBatch {
	return &pairBatch{
		spec: j, mark: batch.New(types.Bool, 0),
		probe: neededVectors(j.probe, j.needProbe), build: neededVectors(j.build, j.needBuild),
	}
}

// neededVectors makes empty vectors, and constant nulls for the others.
func neededVectors(ts []types.Type, need columnSet) []*batch.Vector {
	out := make([]*batch.Vector, len(ts))
	for i, t := range ts {
		if need.has(i) {
			out[i] = batch.New(t, 0)
		} else {
			out[i] = batch.NewConst(t, nil, 0)
		}
	}
	return out
}

// gatherSide fills the needed columns of one side.
func gatherSide(out []*batch.Vector, need columnSet, n int, gather func(i int, v *batch.Vector)) {
	for i, v := range out {
		if need.has(i) {
			gather(i, v)
		} else {
			v.SetConst(n)
		}
	}
}

// gather makes the joined rows of pairs. Probe columns are passed on as they
// are when every probe row occurs once.
func (o *pairBatch) gather(b *batch.Batch, rel *relation, ps *pairs) *batch.Batch {
	probe := b.Cols
	if !identity(ps.probe, b.N) {
		probe = o.probe
		gatherSide(probe, o.spec.needProbe, len(ps.probe), func(i int, v *batch.Vector) { v.Gather(b.Cols[i], ps.probe) })
	}
	gatherSide(o.build, o.spec.needBuild, len(ps.build), func(i int, v *batch.Vector) { v.GatherChunks(rel.cols[i], ps.build) })
	o.out.Cols = o.out.Cols[:0]
	if o.spec.buildLeft {
		o.out.Cols = append(append(o.out.Cols, o.build...), probe...)
	} else {
		o.out.Cols = append(append(o.out.Cols, probe...), o.build...)
	}
	o.out.N, o.out.Seq = len(ps.probe), b.Seq
	return &o.out
}

func identity(idx []int32, n int) bool {
	if len(idx) != n {
		return false
	}
	for i, x := range idx {
		if int(x) != i {
			return false
		}
	}
	return true
}

// some makes rows idx of the probe batch.
func (o *pairBatch) some(b *batch.Batch, idx []int32) *batch.Batch {
	gatherSide(o.probe, o.spec.needProbe, len(idx), func(i int, v *batch.Vector) { v.Gather(b.Cols[i], idx) })
	o.out.Cols = append(o.out.Cols[:0], o.probe...)
	o.out.N, o.out.Seq = len(idx), b.Seq
	return &o.out
}

// withMark makes the probe batch with a column that tells what match says.
func (o *pairBatch) withMark(b *batch.Batch, match func(i int) bool) *batch.Batch {
	o.mark.Reset(b.N)
	out := batch.Values[bool](o.mark)
	for i := range out {
		out[i] = match(i)
	}
	o.out.Cols = append(append(o.out.Cols[:0], b.Cols...), o.mark)
	o.out.N, o.out.Seq = b.N, b.Seq
	return &o.out
}

// leftover delivers build rows after the probe: those without a match (outer
// and anti joins), with one (semi), or all with a mark (existence).
type leftover struct {
	t     *joinTable
	chunk int
	row   int
	at    []int32
	build []*batch.Vector
	nulls []*batch.Vector
	mark  *batch.Vector
	out   batch.Batch
}

// leftoverSeq is above all morsel numbers.
const leftoverSeq = unionStride - 1

func newLeftover(t *joinTable) *leftover {
	l := &leftover{t: t, build: neededVectors(t.spec.build, t.spec.needBuild), mark: batch.New(types.Bool, 0)}
	for _, ty := range t.spec.probe {
		l.nulls = append(l.nulls, batch.NewConst(ty, nil, 0))
	}
	return l
}

func (l *leftover) Close() error { return nil }

func (l *leftover) Next(context.Context) (*batch.Batch, error) {
	l.at = l.at[:0]
	want := uint32(0)
	if l.t.spec.kind == plan.JoinSemi {
		want = 1
	}
	all := l.t.spec.kind == plan.JoinExistence
	for l.chunk < len(l.t.chunks) && len(l.at) < l.t.spec.rows {
		if l.row == l.t.chunks[l.chunk].b.N {
			l.chunk, l.row = l.chunk+1, 0
			continue
		}
		p := int32(l.chunk<<batch.ChunkShift | l.row)
		if all || l.t.matched[p>>5]>>(uint(p)&31)&1 == want {
			l.at = append(l.at, p)
		}
		l.row++
	}
	if len(l.at) == 0 {
		return nil, io.EOF
	}
	return l.rows(), nil
}

func (l *leftover) rows() *batch.Batch {
	gatherSide(l.build, l.t.spec.needBuild, len(l.at), func(i int, v *batch.Vector) { v.GatherChunks(l.t.rel.cols[i], l.at) })
	l.out.N, l.out.Seq = len(l.at), leftoverSeq
	l.out.Cols = append(l.out.Cols[:0], l.build...)
	switch {
	case l.t.spec.kind == plan.JoinExistence:
		l.mark.Reset(len(l.at))
		for i, p := range l.at {
			batch.Values[bool](l.mark)[i] = l.t.matched[p>>5]>>(uint(p)&31)&1 == 1
		}
		l.out.Cols = append(l.out.Cols, l.mark)
	case l.t.spec.marksBuild():
	default:
		for _, v := range l.nulls {
			v.SetConst(len(l.at))
		}
		if l.t.spec.buildLeft {
			l.out.Cols = append(l.out.Cols, l.nulls...)
		} else {
			l.out.Cols = append(append(l.out.Cols[:0], l.nulls...), l.build...)
		}
	}
	return &l.out
}
