package function

import (
	"github.com/spurwheel/spurwheel/internal/batch"
)

// countAgg counts the rows in which no argument is null.
type countAgg struct {
	counts []int64
	aggScratch
}

func (a *countAgg) Grow(n int) { a.counts = grown(a.counts, n) }

func (a *countAgg) Update(groups []int32, args []*batch.Vector, n int) error {
	nulls := 0
	var one *batch.Vector
	for _, v := range args {
		if v.HasNulls() {
			nulls++
			one = v
		}
	}
	switch {
	case nulls == 0 && groups == nil:
		a.counts[0] += int64(n)
	case nulls == 0 && len(a.counts) <= fewGroups:
		a.countLanes(groups[:n])
	case nulls == 0:
		counts := a.counts
		for _, g := range groups[:n] {
			counts[g]++
		}
	case nulls == 1 && one.Enc == batch.Flat && one.Validity() != nil:
		a.countValid(groups, one.Validity(), n)
	default:
		groups = a.groups(groups, n)
		for _, r := range a.present(n, args...) {
			a.counts[groups[r]]++
		}
	}
	return nil
}

func (a *countAgg) countLanes(groups []int32) {
	var part lanes
	part.count(groups)
	for g := range a.counts {
		a.counts[g] += part.of(g)
	}
}

func (a *countAgg) countValid(groups []int32, valid []uint64, n int) {
	if groups == nil {
		a.counts[0] += int64(batch.CountBits(valid, n))
		return
	}
	counts := a.counts
	for i, g := range groups[:n] {
		counts[g] += int64(valid[i>>6] >> (uint(i) & 63) & 1)
	}
}

func (a *countAgg) Merge(groups []int32, state []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	for i, c := range batch.Values[int64](a.flat(0, state[0])) {
		a.counts[groups[i]] += c
	}
	return nil
}

func (a *countAgg) State(from, to int, out []*batch.Vector) error {
	appendSlots(out[0], a.counts[from:to])
	return nil
}

func (a *countAgg) Result(from, to int, out *batch.Vector) error {
	appendSlots(out, a.counts[from:to])
	return nil
}

func (a *countAgg) Bytes() int64 { return int64(cap(a.counts)) * 8 }
func (a *countAgg) Reset()       { a.counts = a.counts[:0] }

// countIfAgg counts the rows in which its boolean argument is true.
type countIfAgg struct{ countAgg }

func (a *countIfAgg) Update(groups []int32, args []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	v := a.flat(0, args[0])
	yes, nulls := batch.Values[bool](v), v.HasNulls()
	for i, g := range groups[:n] {
		if yes[i] && (!nulls || v.Valid(i)) {
			a.counts[g]++
		}
	}
	return nil
}
