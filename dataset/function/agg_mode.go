package function

import (
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// modeAgg is mode: the most frequent value; of several the least, or the
// greatest if descending. Rows are distinct values with counts, merged whenever
// the arena has doubled.
type modeAgg struct {
	desc   bool
	bag    bag
	counts []int64 // of the bag's rows
	nextAt int
	table  rowTable
	aggScratch
}

func newMode(t types.Type, desc bool) *modeAgg {
	return &modeAgg{desc: desc, bag: newBag(t), nextAt: firstDedup}
}

// modeState is the state's type for values of type t.
func modeState(t types.Type) types.Type {
	return types.Array(types.Struct(types.F("value", t), types.F("count", types.Long)), false)
}

func (a *modeAgg) Grow(n int) { a.bag.grow(n) }

func (a *modeAgg) Update(groups []int32, args []*batch.Vector, n int) error {
	v := a.flat(0, args[0])
	rows := a.present(n, v)
	a.bag.add(a.groups(groups, n), v, rows)
	for range rows {
		a.counts = append(a.counts, 1)
	}
	a.maybeDedup()
	return nil
}

func (a *modeAgg) maybeDedup() {
	if len(a.bag.group) >= a.nextAt {
		a.dedup()
		a.nextAt = max(firstDedup, 2*len(a.bag.group))
	}
}

// dedup merges equal values of a group into one row with the sum of their counts.
func (a *modeAgg) dedup() {
	b := &a.bag
	b.index()
	keep := make([]bool, len(b.group))
	for g := range b.n {
		rows := b.of(g)
		a.table.reset(len(rows))
		for _, r := range rows {
			if first := a.table.insert(b.vec, r); first >= 0 {
				a.counts[first] += a.counts[r]
			} else {
				keep[r] = true
			}
		}
	}
	first, n := make([]int32, 0, len(b.group)), 0
	for r, k := range keep {
		if k {
			first = append(first, int32(r))
			a.counts[n] = a.counts[r]
			n++
		}
	}
	a.counts = a.counts[:n]
	b.keep(first)
}

// Merge reads an array of (value, count).
func (a *modeAgg) Merge(groups []int32, state []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	s := a.flat(0, state[0])
	vals, counts := s.Children[0].Children[0], batch.Values[int64](s.Children[0].Children[1])
	for i := range n {
		for j := s.Offsets[i]; j < s.Offsets[i+1]; j++ {
			a.bag.vec.AppendRange(vals, int(j), 1)
			a.bag.group = append(a.bag.group, groups[i])
			a.counts = append(a.counts, counts[j])
		}
	}
	a.bag.fresh = false
	a.maybeDedup()
	return nil
}

func (a *modeAgg) State(from, to int, out []*batch.Vector) error {
	a.dedup()
	pair := out[0].Children[0]
	for g := from; g < to; g++ {
		for _, r := range a.bag.of(g) {
			at := pair.Len()
			pair.Children[0].AppendRange(a.bag.vec, int(r), 1)
			appendSlots(pair.Children[1], a.counts[r:r+1])
			pair.SetLen(at + 1)
		}
		closeList(out[0])
	}
	return nil
}

func (a *modeAgg) Result(from, to int, out *batch.Vector) error {
	a.dedup()
	for g := from; g < to; g++ {
		best := int32(-1)
		for _, r := range a.bag.of(g) {
			if best < 0 || a.better(r, best) {
				best = r
			}
		}
		if best < 0 {
			out.AppendNulls(1)
			continue
		}
		out.AppendRange(a.bag.vec, int(best), 1)
	}
	return nil
}

func (a *modeAgg) better(r, best int32) bool {
	if a.counts[r] != a.counts[best] {
		return a.counts[r] > a.counts[best]
	}
	c := compareRows(a.bag.vec, int(r), a.bag.vec, int(best))
	return c < 0 != a.desc
}

func (a *modeAgg) Bytes() int64 { return a.bag.bytes() + int64(cap(a.counts))*8 }

func (a *modeAgg) Reset() {
	a.bag.reset()
	a.counts, a.nextAt = a.counts[:0], firstDedup
}
