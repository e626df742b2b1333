package function

import (
	"github.com/spurwheel/spurwheel/internal/batch"
)

type ordered interface {
	int8 | uint8 | int16 | int32 | int64
}

// compareColumns runs one loop for the operator over integers. b is flat or constant.
func compareColumns[T ordered](op cmp, av, bv *batch.Vector, dst []bool) {
	a, b := batch.Values[T](av), batch.Values[T](bv)
	if bv.Enc == batch.Const && len(a) >= len(dst) {
		compareConst(op, a[:len(dst)], b[0], dst)
		return
	}
	if bv.Enc == batch.Const { // both constant
		fillBool(dst, op.passes(order(a[0], b[0])))
		return
	}
	compareSlices(op, a[:len(dst)], b[:len(dst)], dst)
}

func order[T ordered | float32 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func fillBool(dst []bool, x bool) {
	for i := range dst {
		dst[i] = x
	}
}

func compareSlices[T ordered](op cmp, a, b []T, dst []bool) {
	a, b = a[:len(dst)], b[:len(dst)]
	switch op {
	case cmpEq:
		for i := range dst {
			dst[i] = a[i] == b[i]
		}
	case cmpNe:
		for i := range dst {
			dst[i] = a[i] != b[i]
		}
	case cmpLt:
		for i := range dst {
			dst[i] = a[i] < b[i]
		}
	case cmpLe:
		for i := range dst {
			dst[i] = a[i] <= b[i]
		}
	case cmpGt:
		for i := range dst {
			dst[i] = a[i] > b[i]
		}
	case cmpGe:
		for i := range dst {
			dst[i] = a[i] >= b[i]
		}
	}
}

func compareConst[T ordered](op cmp, a []T, x T, dst []bool) {
	a = a[:len(dst)]
	switch op {
	case cmpEq:
		for i := range dst {
			dst[i] = a[i] == x
		}
	case cmpNe:
		for i := range dst {
			dst[i] = a[i] != x
		}
	case cmpLt:
		for i := range dst {
			dst[i] = a[i] < x
		}
	case cmpLe:
		for i := range dst {
			dst[i] = a[i] <= x
		}
	case cmpGt:
		for i := range dst {
			dst[i] = a[i] > x
		}
	case cmpGe:
		for i := range dst {
			dst[i] = a[i] >= x
		}
	}
}

// compareFloats has NaN equal to itself and above all numbers. Operators other
// than = and < follow from these two by negation and exchange.
func compareFloats[T float32 | float64](op cmp, av, bv *batch.Vector, dst []bool) {
	a, b := SlotsOf[T](av), SlotsOf[T](bv)
	negate := op == cmpNe || op == cmpLe || op == cmpGe
	switch op {
	case cmpEq, cmpNe:
		for i := range dst {
			x, y := a.At(i), b.At(i)
			dst[i] = x == y || x != x && y != y
		}
	case cmpLt, cmpGe:
		for i := range dst {
			x, y := a.At(i), b.At(i)
			dst[i] = x < y || y != y && x == x
		}
	default:
		for i := range dst {
			x, y := a.At(i), b.At(i)
			dst[i] = x > y || x != x && y == y
		}
	}
	if negate {
		for i := range dst {
			dst[i] = !dst[i]
		}
	}
}

func compareWide(op cmp, av, bv *batch.Vector, dst []bool) {
	a, b := SlotsOf[batch.Int128](av), SlotsOf[batch.Int128](bv)
	switch op {
	case cmpEq:
		for i := range dst {
			dst[i] = a.At(i) == b.At(i)
		}
	case cmpNe:
		for i := range dst {
			dst[i] = a.At(i) != b.At(i)
		}
	default:
		for i := range dst {
			dst[i] = op.passes(a.At(i).Cmp(b.At(i)))
		}
	}
}

// compareStrings skips null rows: their views may point anywhere.
func compareStrings(op cmp, av, bv *batch.Vector, dst []bool, out *batch.Vector) {
	a, b := StrsOf(av), StrsOf(bv)
	nulls := out.HasNulls()
	if op == cmpEq || op == cmpNe {
		want := op == cmpEq
		for i := range dst {
			if nulls && !out.Valid(i) {
				continue
			}
			dst[i] = batch.EqualViews(a.View(i), av.Bufs, b.View(i), bv.Bufs) == want
		}
		return
	}
	for i := range dst {
		if nulls && !out.Valid(i) {
			continue
		}
		dst[i] = op.passes(batch.CompareViews(a.View(i), av.Bufs, b.View(i), bv.Bufs))
	}
}

// compareAnything compares nested values and intervals row by row.
func compareAnything(op cmp, a, b *batch.Vector, dst []bool, out *batch.Vector) {
	am, bm := rowMask(a), rowMask(b)
	fa, fb := asFlat(a), asFlat(b)
	for i := range dst {
		if out.Valid(i) {
			dst[i] = op.passes(compareRows(fa, i&am, fb, i&bm))
		}
	}
}

// rowMask maps row numbers to slots: all ones, or 0 for a constant.
func rowMask(v *batch.Vector) int {
	if v.Enc == batch.Const {
		return 0
	}
	return -1
}

// asFlat shows a constant's one slot as a flat vector of one row.
func asFlat(v *batch.Vector) *batch.Vector {
	if v.Enc != batch.Const {
		return v
	}
	var f batch.Vector
	f.Alias(v)
	f.SetFlat(1)
	return &f
}
