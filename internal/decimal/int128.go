// Package decimal is 128-bit integer arithmetic for decimals of up to 38
// digits: unscaled values, rescaling, parsing and printing. It knows nothing
// of types or vectors.
package decimal

import "math/bits"

// Int128 is a signed 128-bit integer in two's complement.
type Int128 struct {
	Lo uint64
	Hi int64
}

// FromInt64 widens x.
func FromInt64(x int64) Int128 { return Int128{Lo: uint64(x), Hi: x >> 63} }

// IsInt64 tells whether x fits an int64.
func (x Int128) IsInt64() bool { return x.Hi == int64(x.Lo)>>63 }

// Int64 is the low half as a signed number: x itself if IsInt64.
func (x Int128) Int64() int64 { return int64(x.Lo) }

// Neg is -x.
func (x Int128) Neg() Int128 {
	lo, borrow := bits.Sub64(0, x.Lo, 0)
	hi, _ := bits.Sub64(0, uint64(x.Hi), borrow)
	return Int128{lo, int64(hi)}
}

// Add is x+y modulo 2^128.
func (x Int128) Add(y Int128) Int128 {
	lo, carry := bits.Add64(x.Lo, y.Lo, 0)
	hi, _ := bits.Add64(uint64(x.Hi), uint64(y.Hi), carry)
	return Int128{lo, int64(hi)}
}

// Sub is x-y modulo 2^128.
func (x Int128) Sub(y Int128) Int128 { return x.Add(y.Neg()) }

// Cmp is -1, 0 or 1.
func (x Int128) Cmp(y Int128) int {
	switch {
	case x.Hi < y.Hi:
		return -1
	case x.Hi > y.Hi:
		return 1
	case x.Lo < y.Lo:
		return -1
	case x.Lo > y.Lo:
		return 1
	}
	return 0
}

// Sign is -1, 0 or 1.
func (x Int128) Sign() int {
	switch {
	case x.Hi < 0:
		return -1
	case x.Hi == 0 && x.Lo == 0:
		return 0
	}
	return 1
}
