package eval

import (
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Selection kernels: value op constant, generic over the value type. Each loop
// stores first and advances by the outcome, which needs no branch.

type integer interface{ int8 | int16 | int32 | int64 }

// selectKernel picks the loop for an operator, a type and a constant; nil if
// there is none.
func selectKernel(op string, t types.Type, v any) selector {
	switch x := v.(type) {
	case int8:
		return integerSelector(op, x)
	case int16:
		return integerSelector(op, x)
	case int32:
		return integerSelector(op, x)
	case int64:
		return integerSelector(op, x)
	case float32:
		return floatSelector(op, x)
	case float64:
		return floatSelector(op, x)
	case string:
		if t.Kind == types.KindString {
			return stringSelector(op, x)
		}
	}
	return nil
}

func integerSelector[T integer](op string, x T) selector {
	lo, hi := x, x
	bottom, top := limits[T]()
	switch op {
	case "!=":
		return func(v *batch.Vector, n int, sel, out []int32) []int32 {
			return unequal(batch.Values[T](v)[:n], x, sel, out)
		}
	case "<":
		if x == bottom {
			return nothing
		}
		lo, hi = bottom, x-1
	case "<=":
		lo = bottom
	case ">":
		if x == top {
			return nothing
		}
		lo, hi = x+1, top
	case ">=":
		hi = top
	}
	return func(v *batch.Vector, n int, sel, out []int32) []int32 {
		return between(batch.Values[T](v)[:n], lo, hi, sel, out)
	}
}

func nothing(_ *batch.Vector, _ int, _, out []int32) []int32 { return out[:0] }

// limits are the least and greatest value of T.
func limits[T integer]() (bottom, top T) {
	top = 1
	for top<<1 > 0 {
		top = top<<1 | 1
	}
	return -top - 1, top
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// between keeps lo <= value <= hi: every comparison of integers but != is one.
func between[T integer](vals []T, lo, hi T, sel, out []int32) []int32 {
	k := 0
	if sel == nil {
		out = out[:len(vals)+1]
		for i, v := range vals {
			out[k] = int32(i)
			k += b2i(v >= lo) & b2i(v <= hi)
		}
		return out[:k]
	}
	for _, r := range sel {
		v := vals[r]
		out[k] = r
		k += b2i(v >= lo) & b2i(v <= hi)
	}
	return out[:k]
}

func unequal[T integer](vals []T, x T, sel, out []int32) []int32 {
	k := 0
	if sel == nil {
		for i, v := range vals {
			out[k] = int32(i)
			k += b2i(v != x)
		}
		return out[:k]
	}
	for _, r := range sel {
		out[k] = r
		k += b2i(vals[r] != x)
	}
	return out[:k]
}

// stringSelector compares views; equality is two words for short constants.
func stringSelector(op, x string) selector {
	held := batch.NewConst(types.String, x, 1)
	c := batch.Values[batch.View](held)[0]
	if (op == "=" || op == "!=") && len(x) <= batch.InlineLen {
		want := op == "="
		return func(v *batch.Vector, n int, sel, out []int32) []int32 {
			return equalShort(batch.Values[batch.View](v)[:n], c, want, sel, out)
		}
	}
	lt, eq, gt := outcomes(op)
	return func(v *batch.Vector, n int, sel, out []int32) []int32 {
		return orderStrings(v, n, held, [3]int{lt, eq, gt}, sel, out)
	}
}

// outcomes tells for less, equal and greater whether op holds.
func outcomes(op string) (lt, eq, gt int) {
	switch op {
	case "=":
		return 0, 1, 0
	case "!=":
		return 1, 0, 1
	case "<":
		return 1, 0, 0
	case "<=":
		return 1, 1, 0
	case ">":
		return 0, 0, 1
	}
	return 0, 1, 1
}

func equalShort(vals []batch.View, c batch.View, want bool, sel, out []int32) []int32 {
	k := 0
	if sel == nil {
		for i := range vals {
			out[k] = int32(i)
			k += b2i(((vals[i].A^c.A)|(vals[i].B^c.B) == 0) == want)
		}
		return out[:k]
	}
	for _, r := range sel {
		out[k] = r
		k += b2i(((vals[r].A^c.A)|(vals[r].B^c.B) == 0) == want)
	}
	return out[:k]
}

// orderStrings keeps the rows whose order against the constant passes: pass
// has an entry for less, equal, greater.
func orderStrings(v *batch.Vector, n int, held *batch.Vector, pass [3]int, sel, out []int32) []int32 {
	vals, c := batch.Values[batch.View](v), &batch.Values[batch.View](held)[0]
	k := 0
	if sel == nil {
		for i := range n {
			out[k] = int32(i)
			k += pass[1+batch.CompareViews(&vals[i], v.Bufs, c, held.Bufs)]
		}
		return out[:k]
	}
	for _, r := range sel {
		out[k] = r
		k += pass[1+batch.CompareViews(&vals[r], v.Bufs, c, held.Bufs)]
	}
	return out[:k]
}
