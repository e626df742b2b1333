package function

import (
	"slices"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// elements is what a lambda over one array or map argument is called with:
// the elements of all rows in turn, and the row of each.
type elements struct {
	idx    []int32 // places in the argument's children
	rows   []int32
	starts []int32 // starts[i] is where row i begins; n+1 of them
	params []*batch.Vector
}

// load lists the elements of argument k in rows that are not null.
func (e *elements) load(c *cells, k, n int, out *batch.Vector) {
	e.idx, e.rows, e.starts = e.idx[:0], e.rows[:0], append(e.starts[:0], 0)
	for i := range n {
		c.i = i
		if out.Valid(i) {
			lo, hi := c.list(k)
			for r := lo; r < hi; r++ {
				e.idx = append(e.idx, int32(r))
				e.rows = append(e.rows, int32(i))
			}
		}
		e.starts = append(e.starts, int32(len(e.idx)))
	}
}

// param is parameter p: elements of child, or nil for their positions from 0.
func (e *elements) param(p int, t types.Type, child *batch.Vector) *batch.Vector {
	for len(e.params) <= p {
		e.params = append(e.params, nil)
	}
	if e.params[p] == nil {
		e.params[p] = batch.New(t, 0)
	}
	v := e.params[p]
	if child != nil {
		v.Gather(child, e.idx)
		return v
	}
	v.Reset(len(e.idx))
	pos := batch.Values[int32](v)
	for i := range len(e.starts) - 1 {
		for j := e.starts[i]; j < e.starts[i+1]; j++ {
			pos[j] = j - e.starts[i]
		}
	}
	return v
}

// overElements is the kernel of functions with one lambda over argument 0: use
// gets the lambda's results for all elements.
func overElements(use func(e *elements, res, src *batch.Vector, n int, out *batch.Vector)) func(*Env, *plan.Call, []LambdaKernel) (Kernel, error) {
	return func(_ *Env, call *plan.Call, lambdas []LambdaKernel) (Kernel, error) {
		e, c, body := &elements{}, &cells{}, lambdas[1]
		isMap := call.Args[0].Type().Kind == types.KindMap
		arity := len(call.Args[1].(*plan.Lambda).Params)
		var flat *batch.Vector
		return func(args []*batch.Vector, n int, out *batch.Vector) error {
			c.load(args[:1], out)
			e.load(c, 0, n, out)
			src := args[0]
			params := []*batch.Vector{e.param(0, src.Children[0].Type, src.Children[0])}
			if arity > 1 && isMap {
				params = append(params, e.param(1, src.Children[1].Type, src.Children[1]))
			} else if arity > 1 {
				params = append(params, e.param(1, types.Int, nil))
			}
			res, err := body(params, e.rows, len(e.idx))
			if err != nil {
				return err
			}
			if flat == nil {
				flat = batch.New(res.Type, 0)
			}
			use(e, res.Flatten(flat), src, n, out)
			return nil
		}, nil
	}
}

// setOffsets gives a list the rows of e.
func (e *elements) setOffsets(out *batch.Vector) { out.Offsets = append(out.Offsets[:0], e.starts...) }

func transformUse(e *elements, res, _ *batch.Vector, _ int, out *batch.Vector) {
	out.Children[0].AppendRange(res, 0, len(e.idx))
	e.setOffsets(out)
}

// isTrue tells whether boolean row i is true.
func isTrue(v *batch.Vector, i int) bool { return v.Valid(i) && batch.Values[bool](v)[i] }

// filterUse keeps the elements (or entries) whose result is true.
func filterUse(e *elements, res, src *batch.Vector, n int, out *batch.Vector) {
	keep := e.idx[:0:0]
	for i := range n {
		for j := e.starts[i]; j < e.starts[i+1]; j++ {
			if isTrue(res, int(j)) {
				keep = append(keep, e.idx[j])
			}
		}
		out.Offsets = append(out.Offsets, int32(len(keep)))
	}
	for k, child := range out.Children {
		child.AppendGather(src.Children[k], keep)
	}
}

// anyUse makes exists (want true) and forall (want false): the result is want
// as soon as an element's is, else null if one is null.
func anyUse(want bool) func(e *elements, res, src *batch.Vector, n int, out *batch.Vector) {
	return func(e *elements, res, _ *batch.Vector, n int, out *batch.Vector) {
		dst := batch.Values[bool](out)
		for i := range n {
			found, null := false, false
			for j := int(e.starts[i]); j < int(e.starts[i+1]); j++ {
				if !res.Valid(j) {
					null = true
				} else if batch.Values[bool](res)[j] == want {
					found = true
				}
			}
			dst[i] = found == want
			if !found && null {
				out.SetNull(i)
			}
		}
	}
}

// newTransformMap makes transform_keys (side 0) and transform_values (side 1).
func newTransformMap(side int) func(*Env, *plan.Call, []LambdaKernel) (Kernel, error) {
	return func(env *Env, call *plan.Call, lambdas []LambdaKernel) (Kernel, error) {
		m := newMapMaker(env)
		var failed error
		k, err := overElements(func(e *elements, res, src *batch.Vector, n int, out *batch.Vector) {
			failed = nil
			done := int32(0)
			for i := range n {
				lo, count := e.starts[i], int(e.starts[i+1]-e.starts[i])
				at := out.Children[0].Len()
				out.Children[side].AppendRange(res, int(lo), count)
				out.Children[1-side].AppendGather(src.Children[1-side], e.idx[lo:int(lo)+count])
				if err := m.finish(out, at); err != nil && failed == nil {
					failed = err
				}
				done += int32(count)
			}
		})(env, call, lambdas)
		return func(args []*batch.Vector, n int, out *batch.Vector) error {
			if err := k(args, n, out); err != nil {
				return err
			}
			return failed
		}, err
	}
}

// newAggregate is aggregate(array, start, merge[, finish]): step j merges the
// j-th elements of all rows that have one.
func newAggregate(_ *Env, call *plan.Call, lambdas []LambdaKernel) (Kernel, error) {
	c := &cells{}
	accType := call.Args[1].Type()
	elem := *call.Args[0].Type().Elem
	pool, acc, x := batch.New(accType, 0), batch.New(accType, 0), batch.New(elem, 0)
	var at, rows, idx, from []int32
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		c.load(args[:2], out)
		pool.Reset(0)
		pool.AppendRange(args[1], 0, n)
		at = grown(at[:0], n)
		for i := range n {
			at[i] = int32(i)
		}
		for j := 0; ; j++ {
			rows, idx, from = rows[:0], idx[:0], from[:0]
			for i := range n {
				c.i = i
				if c.null(0) {
					continue
				}
				if lo, hi := c.list(0); lo+j < hi {
					rows, idx, from = append(rows, int32(i)), append(idx, int32(lo+j)), append(from, at[i])
				}
			}
			if len(rows) == 0 {
				break
			}
			acc.Gather(pool, from)
			x.Gather(args[0].Children[0], idx)
			res, err := lambdas[2]([]*batch.Vector{acc, x}, rows, len(rows))
			if err != nil {
				return err
			}
			for k, i := range rows {
				at[i] = int32(pool.Len() + k)
			}
			pool.AppendRange(res, 0, len(rows))
		}
		return finishAggregate(c, lambdas, pool, at, n, out)
	}, nil
}

// finishAggregate applies the last lambda, if there is one; null arrays give null.
func finishAggregate(c *cells, lambdas []LambdaKernel, pool *batch.Vector, at []int32, n int, out *batch.Vector) error {
	res := batch.New(pool.Type, 0)
	res.AppendGather(pool, at)
	if len(lambdas) > 3 && lambdas[3] != nil {
		rows := make([]int32, n)
		for i := range rows {
			rows[i] = int32(i)
		}
		var err error
		if res, err = lambdas[3]([]*batch.Vector{res}, rows, n); err != nil {
			return err
		}
	}
	out.Reset(0)
	out.AppendRange(res, 0, n)
	for i := range n {
		if c.i = i; c.null(0) {
			out.SetNull(i)
		}
	}
	return nil
}

// newZipWith is zip_with(a, b, lambda); the shorter array is filled with nulls.
func newZipWith(_ *Env, call *plan.Call, lambdas []LambdaKernel) (Kernel, error) {
	c := &cells{}
	p := [2]*batch.Vector{batch.New(*call.Args[0].Type().Elem, 0), batch.New(*call.Args[1].Type().Elem, 0)}
	var rows []int32
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		c.load(args[:2], out)
		rows = rows[:0]
		var idx [2][]int32
		for i := range n {
			c.i = i
			if out.Valid(i) {
				lo, hi := c.list(0)
				from, to := c.list(1)
				for j := range max(hi-lo, to-from) {
					idx[0] = append(idx[0], within(lo+j, hi))
					idx[1] = append(idx[1], within(from+j, to))
					rows = append(rows, int32(i))
				}
			}
			out.Offsets = append(out.Offsets, int32(len(rows)))
		}
		for k := range p {
			p[k].Gather(args[k].Children[0], idx[k])
		}
		res, err := lambdas[2](p[:], rows, len(rows))
		if err != nil {
			return err
		}
		out.Children[0].AppendRange(res, 0, len(rows))
		return nil
	}, nil
}

// within is r, or -1 at and beyond the end.
func within(r, end int) int32 {
	if r >= end {
		return -1
	}
	return int32(r)
}

// newMapZipWith is map_zip_with(a, b, lambda) over the keys of either map.
func newMapZipWith(_ *Env, call *plan.Call, lambdas []LambdaKernel) (Kernel, error) {
	c, t := &cells{}, &rowTable{}
	ta, tb := call.Args[0].Type(), call.Args[1].Type()
	keys := batch.New(*ta.Key, 0)
	p := [2]*batch.Vector{batch.New(*ta.Elem, 0), batch.New(*tb.Elem, 0)}
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		c.load(args[:2], out)
		keys.Reset(0)
		var rows []int32
		var idx [2][]int32
		for i := range n {
			c.i = i
			if out.Valid(i) {
				at := keys.Len()
				a, b := args[0].Children[0], args[1].Children[0]
				lo, hi := c.list(0)
				t.reset(hi - lo)
				for r := lo; r < hi; r++ {
					keys.AppendRange(a, r, 1)
					t.insert(a, int32(r))
					idx[0], idx[1], rows = append(idx[0], int32(r)), append(idx[1], -1), append(rows, int32(i))
				}
				from, to := c.list(1)
				for r := from; r < to; r++ {
					if f := t.find(a, b, int32(r)); f >= 0 {
						idx[1][at+int(f)-lo] = int32(r)
						continue
					}
					keys.AppendRange(b, r, 1)
					idx[0], idx[1], rows = append(idx[0], -1), append(idx[1], int32(r)), append(rows, int32(i))
				}
			}
			out.Offsets = append(out.Offsets, int32(len(rows)))
		}
		for k := range p {
			p[k].Gather(args[k].Children[1], idx[k])
		}
		res, err := lambdas[2]([]*batch.Vector{keys, p[0], p[1]}, rows, len(rows))
		if err != nil {
			return err
		}
		out.Children[0].AppendRange(keys, 0, len(rows))
		out.Children[1].AppendRange(res, 0, len(rows))
		return nil
	}, nil
}

// newSortBy is array_sort(array, comparator): a merge sort that asks the
// comparator pair by pair.
func newSortBy(_ *Env, call *plan.Call, lambdas []LambdaKernel) (Kernel, error) {
	elem := *call.Args[0].Type().Elem
	p := [2]*batch.Vector{batch.New(elem, 0), batch.New(elem, 0)}
	c := &cells{}
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		c.load(args[:1], out)
		child := args[0].Children[0]
		var all []int32
		for i := range n {
			c.i = i
			at := len(all)
			if out.Valid(i) {
				all = allRows(c, all)
			}
			var failed error
			slices.SortStableFunc(all[at:], func(x, y int32) int {
				if failed != nil {
					return 0
				}
				p[0].Gather(child, []int32{x})
				p[1].Gather(child, []int32{y})
				res, err := lambdas[1](p[:], []int32{int32(i)}, 1)
				if err != nil {
					failed = err
					return 0
				}
				if !res.Valid(0) {
					failed = errComparatorNull()
					return 0
				}
				v, _ := res.Get(0).(int32)
				return int(v)
			})
			if failed != nil {
				return failed
			}
			out.Offsets = append(out.Offsets, int32(len(all)))
		}
		out.Children[0].AppendGather(child, all)
		return nil
	}, nil
}
