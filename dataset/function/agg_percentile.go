package function

import (
	"math"
	"slices"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// percentileAgg is percentile, median, percentile_cont and percentile_disc: it
// keeps every value, because the answer is exact.
type percentileAgg struct {
	at       []float64 // the percentages asked for
	array    bool      // the result is an array
	discrete bool      // a value that occurs, instead of interpolation
	reverse  bool      // ORDER BY ... DESC
	weighted bool      // argument freq is each value's frequency
	value0   int       // the argument that holds the values
	freq     int
	bag      bag // of doubles, or of (value, frequency)
	pairs    *batch.Vector
	vals     *batch.Vector
	sorted   []weighted
	aggScratch
}

// weighted is a value, as a sortable key, and how often it occurs.
type weighted struct{ key, weight int64 }

// weightedType is the element type of weighted states.
var weightedType = types.Struct(types.F("value", types.Double), types.F("weight", types.Long))

func newPercentile(at []float64, array, weighted bool) *percentileAgg {
	a := &percentileAgg{at: at, array: array, weighted: weighted, vals: batch.New(types.Double, 0)}
	a.bag = newBag(types.Double)
	if weighted {
		a.bag = newBag(weightedType)
		a.pairs = batch.New(weightedType, 0)
	}
	return a
}

func (a *percentileAgg) Grow(n int) { a.bag.grow(n) }

// Update takes doubles or intervals.
func (a *percentileAgg) Update(groups []int32, args []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	val := args[a.value0]
	v := a.doubles(a.flat(0, val), n)
	if !a.weighted {
		a.bag.add(groups, v, a.present(n, val))
		return nil
	}
	rows, w := a.present(n, val, args[a.freq]), a.flat(1, args[a.freq])
	keep := rows[:0]
	for _, r := range rows {
		c := batch.Values[int64](w)[r]
		if c < 0 {
			return errNegativeFrequency(c)
		}
		if c > 0 {
			keep = append(keep, r)
		}
	}
	a.pairs.SetLen(n)
	a.pairs.Children[0], a.pairs.Children[1] = v, w
	a.bag.add(groups, a.pairs, keep)
	return nil
}

// doubles widens intervals.
func (a *percentileAgg) doubles(v *batch.Vector, n int) *batch.Vector {
	if v.Phys() == types.PhysFloat64 {
		return v
	}
	a.vals.Reset(n)
	out := batch.Values[float64](a.vals)
	if v.Phys() == types.PhysInt32 {
		for i, x := range batch.Values[int32](v)[:n] {
			out[i] = float64(x)
		}
		return a.vals
	}
	for i, x := range batch.Values[int64](v)[:n] {
		out[i] = float64(x)
	}
	return a.vals
}

func (a *percentileAgg) Merge(groups []int32, state []*batch.Vector, n int) error {
	a.bag.addLists(a.groups(groups, n), a.flat(0, state[0]), n)
	return nil
}

func (a *percentileAgg) State(from, to int, out []*batch.Vector) error {
	a.bag.appendLists(out[0], from, to)
	return nil
}

func (a *percentileAgg) Result(from, to int, out *batch.Vector) error {
	for g := from; g < to; g++ {
		rows := a.bag.of(g)
		if len(rows) == 0 {
			out.AppendNulls(1)
			continue
		}
		total := a.sort(rows)
		into := out
		if a.array {
			into = out.Children[0]
		}
		for _, p := range a.at {
			appendReal(into, a.value(p, total))
		}
		if a.array {
			closeList(out)
		}
	}
	return nil
}

// sort fills sorted with the values of rows, weights accumulated, and returns the total weight.
func (a *percentileAgg) sort(rows []int32) int64 {
	a.sorted = a.sorted[:0]
	v, w := a.bag.vec, []int64(nil)
	if a.weighted {
		w = batch.Values[int64](v.Children[1])
		v = v.Children[0]
	}
	vals := batch.Values[float64](v)
	for _, r := range rows {
		x := weighted{key64(vals[r]), 1}
		if w != nil {
			x.weight = w[r]
		}
		a.sorted = append(a.sorted, x)
	}
	slices.SortFunc(a.sorted, func(x, y weighted) int { return compareOrdered(x.key, y.key) })
	if a.reverse {
		slices.Reverse(a.sorted)
	}
	var total int64
	for i := range a.sorted {
		total += a.sorted[i].weight
		a.sorted[i].weight = total
	}
	return total
}

// at0 is the value at position i of the sorted values, each repeated by its frequency.
func (a *percentileAgg) at0(i int64) float64 {
	k, _ := slices.BinarySearchFunc(a.sorted, i, func(x weighted, i int64) int {
		if x.weight <= i {
			return -1
		}
		return 1
	})
	return unkey64(a.sorted[k].key)
}

func (a *percentileAgg) value(p float64, total int64) float64 {
	if a.discrete {
		return a.at0(max(int64(math.Ceil(p*float64(total)))-1, 0))
	}
	pos := p * float64(total-1)
	lo, hi := math.Floor(pos), math.Ceil(pos)
	x := a.at0(int64(lo))
	if lo == hi {
		return x
	}
	y := a.at0(int64(hi))
	if x == y {
		return x
	}
	return (hi-pos)*x + (pos-lo)*y
}

// appendReal appends x in out's type: double, or an interval cut to whole units.
func appendReal(out *batch.Vector, x float64) {
	if out.Phys() == types.PhysFloat64 {
		appendSlots(out, []float64{x})
		return
	}
	appendLong(out, int64(x))
}

func (a *percentileAgg) Bytes() int64 { return a.bag.bytes() + int64(cap(a.sorted))*16 }
func (a *percentileAgg) Reset()       { a.bag.reset() }

// rankAgg is percentile_approx. It keeps every value: exact answers are within
// any accuracy asked for, and memory is accounted like that of percentile.
type rankAgg struct {
	at    []float64
	array bool
	bag   bag
	keys  []int64
	aggScratch
}

func newRank(t types.Type, at []float64, array bool) *rankAgg {
	return &rankAgg{at: at, array: array, bag: newBag(t)}
}

func (a *rankAgg) Grow(n int) { a.bag.grow(n) }

func (a *rankAgg) Update(groups []int32, args []*batch.Vector, n int) error {
	v := a.flat(0, args[0])
	a.bag.add(a.groups(groups, n), v, a.present(n, v))
	return nil
}

func (a *rankAgg) Merge(groups []int32, state []*batch.Vector, n int) error {
	a.bag.addLists(a.groups(groups, n), a.flat(0, state[0]), n)
	return nil
}

func (a *rankAgg) State(from, to int, out []*batch.Vector) error {
	a.bag.appendLists(out[0], from, to)
	return nil
}

func (a *rankAgg) Result(from, to int, out *batch.Vector) error {
	for g := from; g < to; g++ {
		rows := a.bag.of(g)
		if len(rows) == 0 {
			out.AppendNulls(1)
			continue
		}
		rows = a.sortRows(rows)
		into := out
		if a.array {
			into = out.Children[0]
		}
		for _, p := range a.at {
			k := max(int(math.Ceil(p*float64(len(rows))))-1, 0)
			into.AppendRange(a.bag.vec, int(rows[k]), 1)
		}
		if a.array {
			closeList(out)
		}
	}
	return nil
}

// sortRows orders rows by value, in place.
func (a *rankAgg) sortRows(rows []int32) []int32 {
	v := a.bag.vec
	if v.Phys() == types.PhysInt128 {
		slices.SortFunc(rows, func(x, y int32) int { return compareRows(v, int(x), v, int(y)) })
		return rows
	}
	a.keys = sortKeys(v, a.keys)
	slices.SortFunc(rows, func(x, y int32) int { return compareOrdered(a.keys[x], a.keys[y]) })
	return rows
}

// sortKeys maps a fixed-width vector's values to integers of the same order.
func sortKeys(v *batch.Vector, keys []int64) []int64 {
	keys = grown(keys[:0], v.Len())
	switch v.Phys() {
	case types.PhysInt8:
		for i, x := range batch.Values[int8](v) {
			keys[i] = int64(x)
		}
	case types.PhysInt16:
		for i, x := range batch.Values[int16](v) {
			keys[i] = int64(x)
		}
	case types.PhysInt32:
		for i, x := range batch.Values[int32](v) {
			keys[i] = int64(x)
		}
	case types.PhysInt64:
		copy(keys, batch.Values[int64](v))
	case types.PhysFloat32:
		for i, x := range batch.Values[float32](v) {
			keys[i] = key64(float64(x))
		}
	case types.PhysFloat64:
		for i, x := range batch.Values[float64](v) {
			keys[i] = key64(x)
		}
	default:
	}
	return keys
}

func (a *rankAgg) Bytes() int64 { return a.bag.bytes() + int64(cap(a.keys))*8 }
func (a *rankAgg) Reset()       { a.bag.reset() }
