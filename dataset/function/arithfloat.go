package function

import (
	"math"

	"github.com/spurwheel/spurwheel/internal/batch"
)

type float interface{ float32 | float64 }

// floatArith is floating-point arithmetic: only a divisor of 0 is special.
func floatArith[T float](op arith, m mode) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		dst := batch.Values[T](out)[:n]
		if op >= opDiv {
			return floatDivide(op, m, SlotsOf[T](args[0]), SlotsOf[T](args[1]), dst, out)
		}
		floatLoop(op, args[0], args[1], dst)
		return nil
	}
}

func floatLoop[T float](op arith, av, bv *batch.Vector, dst []T) {
	a, b := batch.Values[T](av), batch.Values[T](bv)
	if av.Enc == batch.Const || bv.Enc == batch.Const {
		floatMixed(op, SlotsOf[T](av), SlotsOf[T](bv), dst)
		return
	}
	a, b = a[:len(dst)], b[:len(dst)]
	switch op {
	case opAdd:
		for i := range dst {
			dst[i] = a[i] + b[i]
		}
	case opSub:
		for i := range dst {
			dst[i] = a[i] - b[i]
		}
	default:
		for i := range dst {
			dst[i] = a[i] * b[i]
		}
	}
}

func floatMixed[T float](op arith, a, b Slots[T], dst []T) {
	switch op {
	case opAdd:
		for i := range dst {
			dst[i] = a.At(i) + b.At(i)
		}
	case opSub:
		for i := range dst {
			dst[i] = a.At(i) - b.At(i)
		}
	default:
		for i := range dst {
			dst[i] = a.At(i) * b.At(i)
		}
	}
}

func floatDivide[T float](op arith, m mode, a, b Slots[T], dst []T, out *batch.Vector) error {
	zeros := 0
	if op == opDiv {
		for i := range dst {
			y := b.At(i)
			dst[i] = a.At(i) / y
			if y == 0 {
				zeros++
			}
		}
	} else {
		for i := range dst {
			y := b.At(i)
			r := T(math.Mod(float64(a.At(i)), float64(y)))
			if op == opPmod && r < 0 {
				r = T(math.Mod(float64(r+y), float64(y)))
			}
			dst[i] = r
			if y == 0 {
				zeros++
			}
		}
	}
	if zeros == 0 {
		return nil
	}
	return zeroRows(op, m, b, len(dst), out)
}

// zeroRows makes rows with a divisor of 0 null, or an error.
func zeroRows[T float](op arith, m mode, b Slots[T], n int, out *batch.Vector) error {
	for i := range n {
		if b.At(i) != 0 || !out.Valid(i) {
			continue
		}
		if m == modeAnsi {
			return zeroDivisor(op)
		}
		out.SetNull(i)
	}
	return nil
}
