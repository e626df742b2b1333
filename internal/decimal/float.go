package decimal

import (
	"math"
	"math/bits"
	"slices"
	"strconv"
)

func div128(hi, lo, d uint64) (uint64, uint64) { return bits.Div64(hi, lo, d) }

// AppendDouble appends x as java.lang.Double.toString does: "1.0", "1.0E10",
// "NaN", "Infinity".
func AppendDouble(b []byte, x float64) []byte { return appendFloat(b, x, 64) }

// AppendFloat appends x as java.lang.Float.toString does.
func AppendFloat(b []byte, x float32) []byte { return appendFloat(b, float64(x), 32) }

func appendFloat(b []byte, x float64, size int) []byte {
	switch {
	case math.IsNaN(x):
		return append(b, "NaN"...)
	case math.IsInf(x, 1):
		return append(b, "Infinity"...)
	case math.IsInf(x, -1):
		return append(b, "-Infinity"...)
	case x == 0:
		if math.Signbit(x) {
			return append(b, "-0.0"...)
		}
		return append(b, "0.0"...)
	}
	if a := math.Abs(x); a >= 1e-3 && a < 1e7 {
		at := len(b)
		b = strconv.AppendFloat(b, x, 'f', -1, size)
		if slices.Contains(b[at:], '.') {
			return b
		}
		return append(b, ".0"...)
	}
	var tmp [32]byte
	t := strconv.AppendFloat(tmp[:0], x, 'e', -1, size)
	e := len(t) - 1
	for t[e] != 'e' {
		e--
	}
	b = append(b, t[:e]...)
	if e <= 2 { // one digit, perhaps after a sign
		b = append(b, ".0"...)
	}
	exp, _ := strconv.Atoi(string(t[e+1:]))
	return strconv.AppendInt(append(b, 'E'), int64(exp), 10)
}

// FromDouble is x as an unscaled value of a scale, rounded half up on x's
// shortest decimal text as Spark's BigDecimal(double) conversion does.
func FromDouble(x float64, scale int) (Int128, bool) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return Int128{}, false
	}
	var tmp [32]byte
	v, _, fits := Parse(string(strconv.AppendFloat(tmp[:0], x, 'e', -1, 64)), scale)
	return v, fits
}

// ToDouble is the double nearest to x*10^-scale.
func ToDouble(x Int128, scale int) float64 {
	if x.IsInt64() && scale <= 22 {
		if v := x.Int64(); v>>53 == 0 || v>>53 == -1 {
			return float64(v) / pow10f[scale] // both exact: one rounding
		}
	}
	var tmp [64]byte
	f, _ := strconv.ParseFloat(string(AppendPlain(tmp[:0], x, scale)), 64)
	return f
}

// pow10f are the powers of ten that a double holds exactly.
var pow10f = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// FromFloat is FromDouble on the shortest text of a float.
func FromFloat(x float32, scale int) (Int128, bool) {
	if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
		return Int128{}, false
	}
	var tmp [32]byte
	v, _, fits := Parse(string(strconv.AppendFloat(tmp[:0], float64(x), 'e', -1, 32)), scale)
	return v, fits
}
