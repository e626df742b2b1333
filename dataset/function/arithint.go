package function

import (
	"fmt"
	"math"
	"math/bits"
	"unsafe"

	"github.com/spurwheel/spurwheel/internal/batch"
)

type integer interface{ int8 | int16 | int32 | int64 }

// intArith is integer arithmetic. Loops for + - * collect a sign bit that tells
// of an overflow somewhere; only then are rows looked at one by one.
func intArith[T integer](op arith, m mode) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		dst := batch.Values[T](out)[:n]
		if op >= opDiv {
			return intDivide(op, m, SlotsOf[T](args[0]), SlotsOf[T](args[1]), dst, out)
		}
		bad := intLoop(op, args[0], args[1], dst)
		if !bad || m == modeLegacy {
			return nil
		}
		return intOverflows(op, m, SlotsOf[T](args[0]), SlotsOf[T](args[1]), n, out)
	}
}

func intLoop[T integer](op arith, av, bv *batch.Vector, dst []T) (overflow bool) {
	a, b := batch.Values[T](av), batch.Values[T](bv)
	ac, bc := av.Enc == batch.Const && len(dst) != 1, bv.Enc == batch.Const && len(dst) != 1
	switch {
	case ac && bc:
		overflow = intLoopVV(op, a[:1], b[:1], dst[:1])
		for i := range dst {
			dst[i] = dst[0]
		}
		return overflow
	case bc:
		return intLoopVC(op, a[:len(dst)], b[0], dst)
	case ac && op == opSub:
		return subCV(a[0], b[:len(dst)], dst)
	case ac:
		return intLoopVC(op, b[:len(dst)], a[0], dst)
	}
	return intLoopVV(op, a[:len(dst)], b[:len(dst)], dst)
}

func intLoopVV[T integer](op arith, a, b, dst []T) bool {
	var bad T
	a, b = a[:len(dst)], b[:len(dst)]
	switch op {
	case opAdd:
		for i := range dst {
			s := a[i] + b[i]
			bad |= (a[i] ^ s) & (b[i] ^ s)
			dst[i] = s
		}
	case opSub:
		for i := range dst {
			s := a[i] - b[i]
			bad |= (a[i] ^ b[i]) & (a[i] ^ s)
			dst[i] = s
		}
	default:
		return mulVV(a, b, dst)
	}
	return bad < 0
}

func intLoopVC[T integer](op arith, a []T, x T, dst []T) bool {
	var bad T
	a = a[:len(dst)]
	switch op {
	case opAdd:
		for i := range dst {
			s := a[i] + x
			bad |= (a[i] ^ s) & (x ^ s)
			dst[i] = s
		}
	case opSub:
		for i := range dst {
			s := a[i] - x
			bad |= (a[i] ^ x) & (a[i] ^ s)
			dst[i] = s
		}
	default:
		return mulVC(a, x, dst)
	}
	return bad < 0
}

func subCV[T integer](x T, b, dst []T) bool {
	var bad T
	b = b[:len(dst)]
	for i := range dst {
		s := x - b[i]
		bad |= (x ^ b[i]) & (x ^ s)
		dst[i] = s
	}
	return bad < 0
}

// mulVV multiplies in 64 bits; 64-bit products have their high half compared
// with the sign of the low one.
func mulVV[T integer](a, b, dst []T) bool {
	a, b = a[:len(dst)], b[:len(dst)]
	var bad int64
	if unsafe.Sizeof(*new(T)) < 8 {
		for i := range dst {
			p := int64(a[i]) * int64(b[i])
			dst[i] = T(p)
			bad |= p ^ int64(T(p))
		}
		return bad != 0
	}
	for i := range dst {
		x, y := int64(a[i]), int64(b[i])
		z := x * y
		dst[i] = T(z)
		bad |= mulHigh(x, y) ^ z>>63
	}
	return bad != 0
}

func mulVC[T integer](a []T, c T, dst []T) bool {
	a = a[:len(dst)]
	var bad int64
	y := int64(c)
	if unsafe.Sizeof(*new(T)) < 8 {
		for i := range dst {
			p := int64(a[i]) * y
			dst[i] = T(p)
			bad |= p ^ int64(T(p))
		}
		return bad != 0
	}
	// Against a constant, overflow is a range of the other side: one unsigned
	// comparison instead of a second multiplication.
	lo, hi := factorRange(y)
	width := uint64(hi) - uint64(lo)
	var out uint64
	for i := range dst {
		x := int64(a[i])
		dst[i] = T(x * y)
		if uint64(x)-uint64(lo) > width {
			out = 1
		}
	}
	return out != 0
}

// factorRange is the range of numbers whose product with y fits 64 bits.
func factorRange(y int64) (lo, hi int64) {
	switch {
	case y == 0:
		return math.MinInt64, math.MaxInt64
	case y == -1:
		return -math.MaxInt64, math.MaxInt64
	case y < 0:
		return math.MaxInt64 / y, math.MinInt64 / y
	}
	return math.MinInt64 / y, math.MaxInt64 / y
}

// mulHigh is the high half of a signed product.
func mulHigh(x, y int64) int64 {
	hi, _ := bits.Mul64(uint64(x), uint64(y))
	return int64(hi) - (x >> 63 & y) - (y >> 63 & x)
}

// intOverflows finds the rows that overflowed: an error, or null.
func intOverflows[T integer](op arith, m mode, a, b Slots[T], n int, out *batch.Vector) error {
	for i := range n {
		if !out.Valid(i) || !overflows(op, a.At(i), b.At(i)) {
			continue
		}
		if m == modeAnsi {
			return intOverflow(op, a.At(i), b.At(i))
		}
		out.SetNull(i)
	}
	return nil
}

func overflows[T integer](op arith, a, b T) bool {
	switch op {
	case opAdd:
		s := a + b
		return (a^s)&(b^s) < 0
	case opSub:
		s := a - b
		return (a^b)&(a^s) < 0
	default:
	}
	z := int64(a) * int64(b)
	return mulHigh(int64(a), int64(b)) != z>>63 || int64(T(z)) != z
}

func intOverflow[T integer](op arith, a, b T) error {
	switch any(a).(type) {
	case int8:
		return smallOverflow(fmt.Sprint(a, "Y"), arithSymbols[op], fmt.Sprint(b, "Y"), arithTry[op])
	case int16:
		return smallOverflow(fmt.Sprint(a, "S"), arithSymbols[op], fmt.Sprint(b, "S"), arithTry[op])
	case int32:
		return Overflow("integer overflow", arithTry[op])
	}
	return Overflow("long overflow", arithTry[op])
}

// intDivide is div, % and pmod. A divisor of 0 is an error or null.
func intDivide[T integer](op arith, m mode, a, b Slots[T], dst []T, out *batch.Vector) error {
	for i := range dst {
		x, y := a.At(i), b.At(i)
		if y == 0 {
			if !out.Valid(i) {
				continue
			}
			if m == modeAnsi {
				return zeroDivisor(op)
			}
			out.SetNull(i)
			continue
		}
		switch op {
		case opIDiv:
			if m != modeLegacy && y == -1 && x == -x && x != 0 && out.Valid(i) {
				if m == modeAnsi {
					return Overflow("long overflow", arithTry[op])
				}
				out.SetNull(i)
			}
			dst[i] = x / y
		case opMod:
			dst[i] = x % y
		default:
			dst[i] = pmod(x, y)
		}
	}
	return nil
}

func pmod[T integer](x, y T) T {
	r := x % y
	if r < 0 {
		return (r + y) % y
	}
	return r
}

func zeroDivisor(op arith) error {
	if op == opMod || op == opPmod {
		return RemainderByZero()
	}
	return DivideByZero()
}
