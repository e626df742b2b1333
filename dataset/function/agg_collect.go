package function

import (
	"slices"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// collectAgg is collect_list and collect_set: the values that are not null, in
// order of arrival. Sets drop duplicates whenever the arena has doubled, so that
// memory follows the number of distinct values.
type collectAgg struct {
	bag    bag
	set    bool
	nextAt int // rows at which duplicates are dropped again
	table  rowTable
	aggScratch
}

// firstDedup is the number of rows below which dropping duplicates early saves nothing.
const firstDedup = 16 << 10

func newCollect(elem types.Type, set bool) *collectAgg {
	return &collectAgg{bag: newBag(elem), set: set, nextAt: firstDedup}
}

func (a *collectAgg) Grow(n int) { a.bag.grow(n) }

func (a *collectAgg) Update(groups []int32, args []*batch.Vector, n int) error {
	v := a.flat(0, args[0])
	a.bag.add(a.groups(groups, n), v, a.present(n, v))
	a.maybeDedup()
	return nil
}

func (a *collectAgg) maybeDedup() {
	if a.set && len(a.bag.group) >= a.nextAt {
		a.dedup()
		a.nextAt = max(firstDedup, 2*len(a.bag.group))
	}
}

func (a *collectAgg) Merge(groups []int32, state []*batch.Vector, n int) error {
	a.bag.addLists(a.groups(groups, n), a.flat(0, state[0]), n)
	a.maybeDedup()
	return nil
}

// dedup drops all but the first of equal values of a group.
func (a *collectAgg) dedup() {
	a.bag.index()
	first := make([]int32, 0, len(a.bag.group))
	for g := range a.bag.n {
		first = a.table.distinct(a.bag.vec, a.bag.of(g), first)
	}
	if len(first) < len(a.bag.group) {
		slices.Sort(first)
		a.bag.keep(first)
	}
}

func (a *collectAgg) State(from, to int, out []*batch.Vector) error {
	return a.Result(from, to, out[0])
}

func (a *collectAgg) Result(from, to int, out *batch.Vector) error {
	if a.set {
		a.dedup()
	}
	a.bag.appendLists(out, from, to)
	return nil
}

func (a *collectAgg) Bytes() int64 { return a.bag.bytes() }

func (a *collectAgg) Reset() {
	a.bag.reset()
	a.nextAt = firstDedup
}

// rowTable finds equal values among rows of a vector: open addressing over
// row numbers, reused from call to call.
type rowTable struct {
	slots []int32 // row+1, 0 free
}

// distinct appends to out the rows whose value has no earlier equal among rows.
func (t *rowTable) distinct(v *batch.Vector, rows, out []int32) []int32 {
	t.reset(len(rows))
	for _, r := range rows {
		if t.insert(v, r) < 0 {
			out = append(out, r)
		}
	}
	return out
}

// reset empties the table and makes room for n rows.
func (t *rowTable) reset(n int) {
	size := 8
	for size < 2*n {
		size *= 2
	}
	if cap(t.slots) < size {
		t.slots = make([]int32, size)
		return
	}
	t.slots = t.slots[:size]
	clear(t.slots)
}

// insert adds row r of v; it returns the equal row that was there, or -1.
func (t *rowTable) insert(v *batch.Vector, r int32) int32 {
	mask := uint64(len(t.slots) - 1)
	for at := hashRow(v, int(r), 0) & mask; ; at = (at + 1) & mask {
		s := t.slots[at]
		if s == 0 {
			t.slots[at] = r + 1
			return -1
		}
		if equalRows(v, int(s-1), v, int(r)) {
			return s - 1
		}
	}
}

// find returns the row of the table's vector v that equals row i of w, or -1.
func (t *rowTable) find(v, w *batch.Vector, i int32) int32 {
	mask := uint64(len(t.slots) - 1)
	for at := hashRow(w, int(i), 0) & mask; ; at = (at + 1) & mask {
		s := t.slots[at]
		if s == 0 {
			return -1
		}
		if equalRows(v, int(s-1), w, int(i)) {
			return s - 1
		}
	}
}
