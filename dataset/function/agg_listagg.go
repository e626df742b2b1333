package function

import (
	"slices"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// listAgg joins strings or binaries by a delimiter, in order of arrival or of
// the WITHIN GROUP keys, which follow the value in the state's elements.
type listAgg struct {
	delim []byte
	order []plan.SortOrder
	args  int // before the keys
	bag   bag
	elem  *batch.Vector
	buf   []byte
	aggScratch
}

// listElem is the type of a kept element: the value and the keys.
func listElem(value types.Type, order []plan.SortOrder) types.Type {
	fields := []types.Field{types.F("value", value)}
	for _, o := range order {
		fields = append(fields, types.F("key", o.Child.Type()))
	}
	return types.Struct(fields...)
}

func newListAgg(value types.Type, args int, delim []byte, order []plan.SortOrder) *listAgg {
	t := listElem(value, order)
	return &listAgg{delim: delim, order: order, args: args, bag: newBag(t), elem: batch.New(t, 0)}
}

func (a *listAgg) Grow(n int) { a.bag.grow(n) }

func (a *listAgg) Update(groups []int32, args []*batch.Vector, n int) error {
	a.elem.SetLen(n)
	a.elem.Children[0] = a.flat(0, args[0])
	for k := range a.order {
		a.elem.Children[k+1] = a.flat(k+1, args[a.args+k])
	}
	a.bag.add(a.groups(groups, n), a.elem, a.present(n, args[0]))
	return nil
}

func (a *listAgg) Merge(groups []int32, state []*batch.Vector, n int) error {
	a.bag.addLists(a.groups(groups, n), a.flat(0, state[0]), n)
	return nil
}

func (a *listAgg) State(from, to int, out []*batch.Vector) error {
	a.bag.appendLists(out[0], from, to)
	return nil
}

func (a *listAgg) Result(from, to int, out *batch.Vector) error {
	for g := from; g < to; g++ {
		rows := a.bag.of(g)
		if len(rows) == 0 {
			out.AppendNulls(1)
			continue
		}
		if len(a.order) > 0 {
			slices.SortStableFunc(rows, a.compare)
		}
		vals := a.bag.vec.Children[0]
		a.buf = a.buf[:0]
		for i, r := range rows {
			if i > 0 {
				a.buf = append(a.buf, a.delim...)
			}
			a.buf = append(a.buf, vals.Str(int(r))...)
		}
		at := out.Len()
		out.SetLen(at + 1)
		out.SetStr(at, a.buf)
	}
	return nil
}

func (a *listAgg) compare(x, y int32) int {
	for k, o := range a.order {
		v := a.bag.vec.Children[k+1]
		if c := compareBy(v, int(x), int(y), o); c != 0 {
			return c
		}
	}
	return 0
}

// compareBy compares two rows under a sort order.
func compareBy(v *batch.Vector, i, j int, o plan.SortOrder) int {
	iv, jv := v.Valid(i), v.Valid(j)
	if !iv || !jv {
		c := compareBools(iv, jv) // nulls first
		if !o.NullsAreFirst() {
			c = -c
		}
		return c
	}
	c := compareRows(v, i, v, j)
	if o.Desc {
		c = -c
	}
	return c
}

func (a *listAgg) Bytes() int64 { return a.bag.bytes() + int64(cap(a.buf)) }
func (a *listAgg) Reset()       { a.bag.reset() }
