package function

import (
	"math/rand/v2"
	"slices"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// pickRows is the kernel of functions whose result is an array of elements of
// their first argument: f appends the elements' rows.
func pickRows(f func(c *cells, rows []int32) ([]int32, error)) maker {
	return func(*Env, *plan.Call) (Kernel, error) {
		c := &cells{}
		var rows []int32
		return func(args []*batch.Vector, n int, out *batch.Vector) error {
			c.load(args, out)
			rows = rows[:0]
			for i := range n {
				c.i = i
				if out.Valid(i) {
					var err error
					if rows, err = f(c, rows); err != nil {
						return err
					}
				}
				out.Offsets = append(out.Offsets, int32(len(rows)))
			}
			out.Children[0].AppendGather(args[0].Children[0], rows)
			return nil
		}, nil
	}
}

func allRows(c *cells, rows []int32) []int32 {
	lo, hi := c.list(0)
	for r := lo; r < hi; r++ {
		rows = append(rows, int32(r))
	}
	return rows
}

func arrayReverse(c *cells, rows []int32) ([]int32, error) {
	at := len(rows)
	rows = allRows(c, rows)
	slices.Reverse(rows[at:])
	return rows, nil
}

func arrayShuffle(c *cells, rows []int32) ([]int32, error) {
	at := len(rows)
	rows = allRows(c, rows)
	rand.Shuffle(len(rows)-at, func(i, j int) { rows[at+i], rows[at+j] = rows[at+j], rows[at+i] })
	return rows, nil
}

// arraySlice is slice(array, start, length), from 1, from the end if negative.
func arraySlice(c *cells, rows []int32) ([]int32, error) {
	lo, hi := c.list(0)
	start, length := c.int(1), c.int(2)
	switch {
	case start == 0:
		return nil, errParam("START", "slice", "start", "it must not be 0.")
	case length < 0:
		return nil, errParam("LENGTH", "slice", "length", "it must not be negative.", "length", "")
	case start > 0:
		start--
	default:
		start += hi - lo
	}
	if start < 0 || start >= hi-lo {
		return rows, nil
	}
	for r := lo + start; r < min(hi, lo+start+length); r++ {
		rows = append(rows, int32(r))
	}
	return rows, nil
}

func arrayCompact(c *cells, rows []int32) ([]int32, error) {
	child := c.vector(0).Children[0]
	lo, hi := c.list(0)
	for r := lo; r < hi; r++ {
		if child.Valid(r) {
			rows = append(rows, int32(r))
		}
	}
	return rows, nil
}

// arrayRemove drops elements equal to argument 1; nulls stay.
func arrayRemove(c *cells, rows []int32) ([]int32, error) {
	child := c.vector(0).Children[0]
	lo, hi := c.list(0)
	for r := lo; r < hi; r++ {
		if !child.Valid(r) || !equalRows(child, r, c.vector(1), c.slot(1)) {
			rows = append(rows, int32(r))
		}
	}
	return rows, nil
}

// newArrayDistinct keeps the first of equal elements; nulls are equal.
func newArrayDistinct(env *Env, call *plan.Call) (Kernel, error) {
	t := &rowTable{}
	var all []int32
	return pickRows(func(c *cells, rows []int32) ([]int32, error) {
		all = allRows(c, all[:0])
		return t.distinct(c.vector(0).Children[0], all, rows), nil
	})(env, call)
}

// newSetOp makes array_except (want false) and array_intersect (want true):
// distinct elements of the first array by whether the second has them.
func newSetOp(want bool) maker {
	return func(env *Env, call *plan.Call) (Kernel, error) {
		seen, other := &rowTable{}, &rowTable{}
		return pickRows(func(c *cells, rows []int32) ([]int32, error) {
			a, b := c.vector(0).Children[0], c.vector(1).Children[0]
			lo, hi := c.list(1)
			other.reset(hi - lo)
			for r := lo; r < hi; r++ {
				other.insert(b, int32(r))
			}
			lo, hi = c.list(0)
			seen.reset(hi - lo)
			for r := int32(lo); r < int32(hi); r++ {
				if (other.find(b, a, r) >= 0) == want && seen.insert(a, r) < 0 {
					rows = append(rows, r)
				}
			}
			return rows, nil
		})(env, call)
	}
}

// newSortArray is sort_array(array[, ascending]): nulls first, last if descending.
// nullsLast is for array_sort.
func newSortArray(nullsLast bool) maker {
	return pickRows(func(c *cells, rows []int32) ([]int32, error) {
		at := len(rows)
		rows = allRows(c, rows)
		child := c.vector(0).Children[0]
		o := plan.SortOrder{Desc: len(c.args) > 1 && !c.bool(1)}
		if nullsLast {
			o.Nulls = plan.NullsLast
		}
		slices.SortStableFunc(rows[at:], func(i, j int32) int { return compareBy(child, int(i), int(j), o) })
		return rows, nil
	})
}

// concatLists is concat of arrays.
func concatLists(c *cells) error {
	for k := range c.args {
		lo, hi := c.list(k)
		c.out.vec.Children[0].AppendRange(c.vector(k).Children[0], lo, hi-lo)
	}
	return nil
}

// newArrayUnion is the distinct elements of two arrays.
func newArrayUnion(*Env, *plan.Call) (Kernel, error) {
	t := &rowTable{}
	var both *batch.Vector
	return listKernel(func(c *cells) error {
		if both == nil {
			both = batch.New(*c.out.vec.Type.Elem, 0)
		}
		both.Reset(0)
		for k := range c.args {
			lo, hi := c.list(k)
			both.AppendRange(c.vector(k).Children[0], lo, hi-lo)
		}
		t.reset(both.Len())
		for r := range both.Len() {
			if t.insert(both, int32(r)) < 0 {
				c.out.vec.Children[0].AppendRange(both, r, 1)
			}
		}
		return nil
	}), nil
}

// addElement makes array_append and array_prepend.
func addElement(front bool) maker {
	return lists(func(c *cells) error {
		if c.null(0) {
			c.setNull()
			return nil
		}
		child := c.out.vec.Children[0]
		if front {
			child.AppendRange(c.vector(1), c.i, 1)
		}
		lo, hi := c.list(0)
		child.AppendRange(c.vector(0).Children[0], lo, hi-lo)
		if !front {
			child.AppendRange(c.vector(1), c.i, 1)
		}
		return nil
	})
}

// newArrayInsert is array_insert(array, position, element); gaps are nulls. The
// legacy setting counts negative positions without the new element.
func newArrayInsert(env *Env, _ *plan.Call) (Kernel, error) {
	back := 2
	if env.Conf["spark.sql.legacy.negativeIndexInArrayInsert"] == "true" {
		back = 1
	}
	return listKernel(func(c *cells) error { return arrayInsert(c, back) }), nil
}

func arrayInsert(c *cells, back int) error {
	if c.null(0) || c.null(1) {
		c.setNull()
		return nil
	}
	lo, hi := c.list(0)
	n, pos, child, src := hi-lo, c.int(1), c.out.vec.Children[0], c.vector(0).Children[0]
	if pos == 0 {
		return errIndexOfZero()
	}
	if pos < 0 {
		if pos = n + pos + back; pos < 1 { // before the beginning
			child.AppendRange(c.vector(2), c.i, 1)
			child.AppendNulls(1 - pos)
			child.AppendRange(src, lo, n)
			return nil
		}
	}
	head := min(pos-1, n)
	child.AppendRange(src, lo, head)
	if pos-1 > n {
		child.AppendNulls(pos - 1 - n)
	}
	child.AppendRange(c.vector(2), c.i, 1)
	child.AppendRange(src, lo+head, n-head)
	return nil
}

// arrayRepeat is array_repeat(element, count).
func arrayRepeat(c *cells) error {
	if c.null(1) {
		c.setNull()
		return nil
	}
	for range max(c.int(1), 0) {
		c.out.vec.Children[0].AppendRange(c.vector(0), c.i, 1)
	}
	return nil
}

// flattenLists is flatten(array of arrays); a null inside makes the result null.
func flattenLists(c *cells) error {
	inner := c.vector(0).Children[0]
	lo, hi := c.list(0)
	for r := lo; r < hi; r++ {
		if !inner.Valid(r) {
			c.setNull()
			return nil
		}
	}
	if hi > lo {
		from, to := inner.Offsets[lo], inner.Offsets[hi]
		c.out.vec.Children[0].AppendRange(inner.Children[0], int(from), int(to-from))
	}
	return nil
}

// arrayContains is true, false, or null if only a null could be the element.
func arrayContains(c *cells) error {
	child := c.vector(0).Children[0]
	lo, hi := c.list(0)
	null := false
	for r := lo; r < hi; r++ {
		if !child.Valid(r) {
			null = true
		} else if equalRows(child, r, c.vector(1), c.slot(1)) {
			c.setBool(true)
			return nil
		}
	}
	c.setBool(false)
	if null {
		c.setNull()
	}
	return nil
}

// arrayPosition is the 1-based place of an element, 0 if it is not there.
func arrayPosition(c *cells) error {
	child := c.vector(0).Children[0]
	lo, hi := c.list(0)
	c.setLong(0)
	for r := lo; r < hi; r++ {
		if child.Valid(r) && equalRows(child, r, c.vector(1), c.slot(1)) {
			c.setLong(int64(r - lo + 1))
			break
		}
	}
	return nil
}

// arraysOverlap is null if no common element is known but one side has a null.
func newArraysOverlap(*Env, *plan.Call) (Kernel, error) {
	t := &rowTable{}
	return rowKernel(func(c *cells) error {
		a, b := c.vector(0).Children[0], c.vector(1).Children[0]
		lo, hi := c.list(0)
		from, to := c.list(1)
		null := false
		t.reset(hi - lo)
		for r := lo; r < hi; r++ {
			if a.Valid(r) {
				t.insert(a, int32(r))
			} else {
				null = true
			}
		}
		for r := from; r < to; r++ {
			if !b.Valid(r) {
				null = true
			} else if t.find(a, b, int32(r)) >= 0 {
				c.setBool(true)
				return nil
			}
		}
		c.setBool(false)
		if null && hi > lo && to > from {
			c.setNull()
		}
		return nil
	}), nil
}

// newArrayExtreme makes array_min and array_max by gathering the best rows.
func newArrayExtreme(greatest bool) maker {
	return func(*Env, *plan.Call) (Kernel, error) {
		c := &cells{}
		var idx []int32
		return func(args []*batch.Vector, n int, out *batch.Vector) error {
			c.load(args, out)
			idx = grown(idx[:0], n)
			child := args[0].Children[0]
			for i := range n {
				c.i = i
				idx[i] = -1
				if c.null(0) {
					continue
				}
				lo, hi := c.list(0)
				for r := lo; r < hi; r++ {
					if !child.Valid(r) {
						continue
					}
					if b := idx[i]; b < 0 || compareRows(child, r, child, int(b)) > 0 == greatest && !equalRows(child, r, child, int(b)) {
						idx[i] = int32(r)
					}
				}
			}
			out.Gather(child, idx)
			return nil
		}, nil
	}
}

// arrayJoin joins strings by a delimiter; nulls are left out or replaced.
func arrayJoin(c *cells) error {
	child := c.vector(0).Children[0]
	lo, hi := c.list(0)
	c.buf = c.buf[:0]
	first := true
	for r := lo; r < hi; r++ {
		var s []byte
		switch {
		case child.Valid(r):
			s = child.Str(r)
		case len(c.args) > 2:
			s = c.str(2)
		default:
			continue
		}
		if !first {
			c.buf = append(c.buf, c.str(1)...)
		}
		first = false
		c.buf = append(c.buf, s...)
	}
	c.setStr(c.buf)
	return nil
}

// newSize is size and cardinality: -1 of null in legacy mode.
func newSize(legacyNull bool) maker {
	return rows(func(c *cells) error {
		if c.null(0) {
			c.setNull()
			if legacyNull {
				c.out.vec.SetValid(c.i)
				c.setInt(-1)
			}
			return nil
		}
		lo, hi := c.list(0)
		c.setInt(hi - lo)
		return nil
	})
}

// newArraysZip is arrays_zip: structs of the elements at each position.
func newArraysZip(*Env, *plan.Call) (Kernel, error) {
	var idx [][]int32
	c := &cells{}
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		c.load(args, out)
		if len(idx) < len(args) {
			idx = make([][]int32, len(args))
		}
		total := 0
		for k := range idx {
			idx[k] = idx[k][:0]
		}
		for i := range n {
			c.i = i
			longest := 0
			for k := range args {
				if out.Valid(i) {
					lo, hi := c.list(k)
					longest = max(longest, hi-lo)
				}
			}
			for k := range args {
				lo, hi := 0, 0
				if longest > 0 {
					lo, hi = c.list(k)
				}
				for j := range longest {
					r := int32(-1)
					if lo+j < hi {
						r = int32(lo + j)
					}
					idx[k] = append(idx[k], r)
				}
			}
			total += longest
			out.Offsets = append(out.Offsets, int32(total))
		}
		s := out.Children[0]
		for k, a := range args {
			s.Children[k].AppendGather(a.Children[0], idx[k])
		}
		s.SetLen(total)
		return nil
	}, nil
}

// elemOf is the element type of an array argument.
func elemOf(t types.Type) types.Type {
	if t.Kind == types.KindArray {
		return *t.Elem
	}
	return types.Null
}
