package decimal

import (
	"math"
	"math/bits"
)

// MaxDigits is the most digits a decimal has.
const MaxDigits = 38

// pow10 are the powers of ten that 128 bits hold.
var pow10 = powers()

func powers() [MaxDigits + 1]Int128 {
	var out [MaxDigits + 1]Int128
	x := FromInt64(1)
	for i := range out {
		out[i] = x
		x = x.mulSmall(10)
	}
	return out
}

// Pow10 is 10^n for n of 0 to 38.
func Pow10(n int) Int128 { return pow10[n] }

// Pow10Long is 10^n for n of 0 to 18.
func Pow10Long(n int) int64 { return int64(pow10[n].Lo) }

// Fits tells whether x has at most digits digits.
func (x Int128) Fits(digits int) bool {
	a := x.Abs()
	return a.Hi >= 0 && a.Cmp(pow10[digits]) < 0
}

// Abs is |x|; of the smallest number it is itself.
func (x Int128) Abs() Int128 {
	if x.Hi < 0 {
		return x.Neg()
	}
	return x
}

func (x Int128) mulSmall(y uint64) Int128 {
	hi, lo := bits.Mul64(x.Lo, y)
	return Int128{lo, int64(hi + uint64(x.Hi)*y)}
}

// Mul is x*y; ok tells that it fits 128 bits.
func (x Int128) Mul(y Int128) (z Int128, ok bool) {
	if x.IsInt64() && y.IsInt64() {
		return mul64(x.Int64(), y.Int64()), true
	}
	w := wideMul(x.Abs(), y.Abs())
	if w[2]|w[3] != 0 || int64(w[1]) < 0 {
		return Int128{}, false
	}
	z = Int128{w[0], int64(w[1])}
	if (x.Hi < 0) != (y.Hi < 0) {
		z = z.Neg()
	}
	return z, true
}

// mul64 is the exact product of two 64-bit numbers.
func mul64(x, y int64) Int128 {
	hi, lo := bits.Mul64(uint64(x), uint64(y))
	return Int128{lo, int64(hi) - (x >> 63 & y) - (y >> 63 & x)}
}

// MulLong is the exact product of two 64-bit numbers.
func MulLong(x, y int64) Int128 { return mul64(x, y) }

// wide is an unsigned 256-bit number, low word first.
type wide [4]uint64

func wideMul(x, y Int128) wide {
	h0, l0 := bits.Mul64(x.Lo, y.Lo)
	h1, l1 := bits.Mul64(x.Lo, uint64(y.Hi))
	h2, l2 := bits.Mul64(uint64(x.Hi), y.Lo)
	h3, l3 := bits.Mul64(uint64(x.Hi), uint64(y.Hi))
	var w wide
	var c, d uint64
	w[0] = l0
	w[1], c = bits.Add64(h0, l1, 0)
	w[2], c = bits.Add64(h1, l3, c)
	w[3], _ = bits.Add64(h3, 0, c)
	w[1], d = bits.Add64(w[1], l2, 0)
	w[2], d = bits.Add64(w[2], h2, d)
	w[3] += d
	return w
}

// divWide divides w by the non-negative y; q is w[:2] of the quotient, and ok
// tells that nothing is above it.
func divWide(w wide, y Int128) (q [4]uint64, rem Int128) {
	if y.Hi == 0 {
		var r uint64
		for i := 3; i >= 0; i-- {
			q[i], r = bits.Div64(r, w[i], y.Lo)
		}
		return q, Int128{Lo: r}
	}
	var r Int128 // y < 2^127, so r<<1 never overflows 128 bits unsigned
	for i := 255; i >= 0; i-- {
		r = Int128{r.Lo << 1, r.Hi<<1 | int64(r.Lo>>63)}
		r.Lo |= w[i>>6] >> (uint(i) & 63) & 1
		if uint64(r.Hi) > uint64(y.Hi) || r.Hi == y.Hi && r.Lo >= y.Lo {
			r = r.Sub(y)
			q[i>>6] |= 1 << (uint(i) & 63)
		}
	}
	return q, r
}

// QuoRem is the quotient truncated towards zero and the remainder with x's sign. y is not 0.
func (x Int128) QuoRem(y Int128) (q, r Int128) {
	if x.IsInt64() && y.IsInt64() && (x.Lo != 1<<63 || y.Lo != math.MaxUint64) {
		return FromInt64(x.Int64() / y.Int64()), FromInt64(x.Int64() % y.Int64())
	}
	a := x.Abs()
	w, r := divWide(wide{a.Lo, uint64(a.Hi)}, y.Abs())
	q = Int128{w[0], int64(w[1])}
	if (x.Hi < 0) != (y.Hi < 0) {
		q = q.Neg()
	}
	if x.Hi < 0 {
		r = r.Neg()
	}
	return q, r
}

// MulDiv is x*y/z rounded half away from zero, exact in between; ok tells that
// it fits 128 bits. z is not 0.
func MulDiv(x, y, z Int128) (out Int128, ok bool) {
	d := z.Abs()
	q, r := divWide(wideMul(x.Abs(), y.Abs()), d)
	if q[2]|q[3] != 0 || int64(q[1]) < 0 {
		return Int128{}, false
	}
	out = Int128{q[0], int64(q[1])}
	if twiceAtLeast(r, d) {
		out = out.Add(FromInt64(1))
	}
	if (x.Hi < 0) != (y.Hi < 0) != (z.Hi < 0) {
		out = out.Neg()
	}
	return out, true
}

// twiceAtLeast tells whether 2r >= d for 0 <= r < d < 2^127.
func twiceAtLeast(r, d Int128) bool { return r.Cmp(d.Sub(r)) >= 0 }

// Rescale turns an unscaled value of scale from into one of scale to, rounding
// half away from zero; ok tells that it fits 38 digits.
func (x Int128) Rescale(from, to int) (Int128, bool) {
	switch {
	case to == from:
		return x, true
	case to > from:
		if to-from > MaxDigits {
			return Int128{}, x == Int128{}
		}
		z, ok := x.Mul(pow10[to-from])
		return z, ok && z.Fits(MaxDigits)
	case from-to > MaxDigits:
		return Int128{}, true
	}
	return x.divRound(pow10[from-to]), true
}

func (x Int128) divRound(d Int128) Int128 {
	q, r := x.QuoRem(d)
	if !twiceAtLeast(r.Abs(), d) {
		return q
	}
	if x.Hi < 0 {
		return q.Sub(FromInt64(1))
	}
	return q.Add(FromInt64(1))
}

// RescaleLong is Rescale where both sides fit 18 digits; ok tells that the
// result fits int64.
func RescaleLong(x int64, from, to int) (int64, bool) {
	if to >= from {
		if to-from > 18 {
			return 0, x == 0
		}
		z := mul64(x, Pow10Long(to-from))
		return z.Int64(), z.IsInt64()
	}
	if from-to > 18 {
		return 0, true
	}
	d := Pow10Long(from - to)
	q, r := x/d, x%d
	if r < 0 && -r >= d+r {
		q--
	} else if r >= d-r && r > 0 {
		q++
	}
	return q, true
}

// Float64 is x as the nearest double, near enough for every use but exact text.
func (x Int128) Float64() float64 {
	if x.Hi < 0 {
		n := x.Neg()
		return -(float64(uint64(n.Hi))*0x1p64 + float64(n.Lo))
	}
	return float64(uint64(x.Hi))*0x1p64 + float64(x.Lo)
}
