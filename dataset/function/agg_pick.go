package function

import (
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// pickAgg is first, last and any_value: the first or last row in order of
// arrival, or of those that are not null.
type pickAgg struct {
	last, ignoreNulls bool
	keeper            keeper
	latest            []int32 // last only: the group's latest row in this batch, -1 none
	touched           []int32
	aggScratch
}

func newPick(t types.Type, last, ignoreNulls bool) *pickAgg {
	return &pickAgg{last: last, ignoreNulls: ignoreNulls, keeper: newKeeper(t)}
}

func (a *pickAgg) Grow(n int) {
	a.keeper.grow(n)
	for a.last && len(a.latest) < n {
		a.latest = append(a.latest, -1)
	}
}

func (a *pickAgg) Update(groups []int32, args []*batch.Vector, n int) error {
	a.update(a.groups(groups, n), a.flat(0, args[0]), nil, n)
	return nil
}

// update takes the rows that count: all, those not null, those with has set.
func (a *pickAgg) update(groups []int32, v *batch.Vector, has []bool, n int) {
	if a.last {
		a.updateLast(groups, v, has, n)
	} else {
		a.updateFirst(groups, v, has, n)
	}
	a.keeper.tidy()
}

func (a *pickAgg) updateFirst(groups []int32, v *batch.Vector, has []bool, n int) {
	skip := a.ignoreNulls && v.HasNulls()
	for i := range n {
		g := groups[i]
		if a.keeper.at[g] >= 0 || has != nil && !has[i] || skip && !v.Valid(i) {
			continue
		}
		a.keeper.put(g, v, i)
	}
}

// updateLast finds each group's latest row first, so that at most one row per
// group and batch is copied.
func (a *pickAgg) updateLast(groups []int32, v *batch.Vector, has []bool, n int) {
	skip := a.ignoreNulls && v.HasNulls()
	a.touched = a.touched[:0]
	for i := range n {
		if has != nil && !has[i] || skip && !v.Valid(i) {
			continue
		}
		g := groups[i]
		if a.latest[g] < 0 {
			a.touched = append(a.touched, g)
		}
		a.latest[g] = int32(i)
	}
	for _, g := range a.touched {
		a.keeper.put(g, v, int(a.latest[g]))
		a.latest[g] = -1
	}
}

// Merge reads (value, has): has is false for a group without rows.
func (a *pickAgg) Merge(groups []int32, state []*batch.Vector, n int) error {
	has := batch.Values[bool](a.flat(1, state[1]))
	a.update(a.groups(groups, n), a.flat(0, state[0]), has, n)
	return nil
}

func (a *pickAgg) State(from, to int, out []*batch.Vector) error {
	a.keeper.appendTo(out[0], from, to)
	for _, at := range a.keeper.at[from:to] {
		appendSlots(out[1], []bool{at >= 0})
	}
	return nil
}

func (a *pickAgg) Result(from, to int, out *batch.Vector) error {
	a.keeper.appendTo(out, from, to)
	return nil
}

func (a *pickAgg) Bytes() int64 { return a.keeper.bytes() + int64(cap(a.latest))*4 }

func (a *pickAgg) Reset() {
	a.keeper.reset()
	a.latest = a.latest[:0]
}

// pickBy is max_by and min_by: the value in the row of the greatest or least key.
type pickBy struct {
	max  bool
	vals keeper
	keys keeper
	aggScratch
}

func newPickBy(val, key types.Type, greatest bool) *pickBy {
	return &pickBy{max: greatest, vals: newKeeper(val), keys: newKeeper(key)}
}

func (a *pickBy) Grow(n int) {
	a.vals.grow(n)
	a.keys.grow(n)
}

// Update takes (value, key). Of equal keys max_by keeps the last, min_by too, as Spark's do.
func (a *pickBy) Update(groups []int32, args []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	vals, keys := a.flat(0, args[0]), a.flat(1, args[1])
	for _, r := range a.present(n, keys) {
		g := groups[r]
		if at := a.keys.at[g]; at >= 0 {
			c := compareRows(keys, int(r), a.keys.vec, int(at))
			if a.max && c < 0 || !a.max && c > 0 {
				continue
			}
		}
		a.keys.put(g, keys, int(r))
		a.vals.put(g, vals, int(r))
	}
	a.keys.tidy()
	a.vals.tidy()
	return nil
}

func (a *pickBy) Merge(groups []int32, state []*batch.Vector, n int) error {
	return a.Update(groups, state, n)
}

func (a *pickBy) State(from, to int, out []*batch.Vector) error {
	a.vals.appendTo(out[0], from, to)
	a.keys.appendTo(out[1], from, to)
	return nil
}

func (a *pickBy) Result(from, to int, out *batch.Vector) error {
	a.vals.appendTo(out, from, to)
	return nil
}

func (a *pickBy) Bytes() int64 { return a.vals.bytes() + a.keys.bytes() }

func (a *pickBy) Reset() {
	a.vals.reset()
	a.keys.reset()
}
