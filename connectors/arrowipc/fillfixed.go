package arrowipc

import (
	"encoding/binary"
	"math"
	"math/big"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// fillFixed converts values of fixed width.
func (a *array) fillFixed(v *batch.Vector, from, n int) error {
	w := a.f.bits / 8
	src := a.data[from*w : (from+n)*w]
	switch a.f.tag {
	case tagInt:
		if a.f.signed {
			copy(slots(v, 0, n), src)
		} else {
			widen(v, src, a.f.bits)
		}
	case tagFloat:
		if a.f.bits != 16 {
			copy(slots(v, 0, n), src)
			return nil
		}
		for i, out := 0, batch.Values[float32](v); i < n; i++ {
			out[i] = half(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case tagDecimal:
		return a.fillDecimals(v, src)
	case tagInterval:
		return a.fillIntervals(v, src)
	case tagDate:
		if a.f.unit == unitDay {
			copy(slots(v, 0, n), src)
			return nil
		}
		return a.fillDates(v, src)
	default:
		mul, div := a.f.scale()
		return a.fillScaled(v, src, mul, div)
	}
	return nil
}

// widen stores unsigned integers in the next wider type.
func widen(v *batch.Vector, src []byte, bits int) {
	switch bits {
	case 8:
		for i, out := 0, batch.Values[int16](v); i < len(out); i++ {
			out[i] = int16(src[i])
		}
	case 16:
		for i, out := 0, batch.Values[int32](v); i < len(out); i++ {
			out[i] = int32(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case 32:
		for i, out := 0, batch.Values[int64](v); i < len(out); i++ {
			out[i] = int64(binary.LittleEndian.Uint32(src[4*i:]))
		}
	default:
		for i, out := 0, batch.Values[batch.Int128](v); i < len(out); i++ {
			out[i] = batch.Int128{Lo: binary.LittleEndian.Uint64(src[8*i:])}
		}
	}
}

// half widens an IEEE 754 half-precision number.
func half(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&1023
	switch {
	case exp == 31:
		return math.Float32frombits(sign | 0xFF<<23 | frac<<13)
	case exp != 0:
		return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
	}
	f := float32(frac) / (1 << 24) // subnormal
	if sign != 0 {
		return -f
	}
	return f
}

// scale is what a time's unit is multiplied by, then divided by: nanoseconds
// for TIME, microseconds for the rest.
func (f *field) scale() (mul, div int64) {
	per := [...]int64{unitSecond: 1, unitMilli: 1e3, unitMicro: 1e6, unitNano: 1e9}[f.unit]
	want := int64(1e6)
	if f.tag == tagTime {
		want = 1e9
	}
	if want >= per {
		return want / per, 1
	}
	return 1, per / want
}

func (a *array) overflow() error {
	return errs.Errorf(errs.Invalid, "arrowipc.Decode", "a value of column %q is out of the range of %s", a.f.name, a.f.typ)
}

func (a *array) fillScaled(v *batch.Vector, src []byte, mul, div int64) error {
	limit := math.MaxInt64 / mul
	out := batch.Values[int64](v)
	for i := range out {
		var x int64
		if a.f.bits == 32 {
			x = int64(int32(binary.LittleEndian.Uint32(src[4*i:])))
		} else {
			x = int64(binary.LittleEndian.Uint64(src[8*i:]))
		}
		if mul > 1 && (x > limit || x < -limit) {
			if v.Valid(i) {
				return a.overflow()
			}
			x = 0
		}
		out[i] = floorDiv(x*mul, div)
	}
	return nil
}

func floorDiv(x, y int64) int64 {
	q := x / y
	if x%y < 0 {
		q--
	}
	return q
}

func (a *array) fillDates(v *batch.Vector, src []byte) error {
	out := batch.Values[int32](v)
	for i := range out {
		x := floorDiv(int64(binary.LittleEndian.Uint64(src[8*i:])), 86_400_000)
		if x != int64(int32(x)) {
			if v.Valid(i) {
				return a.overflow()
			}
			x = 0
		}
		out[i] = int32(x)
	}
	return nil
}

func (a *array) fillIntervals(v *batch.Vector, src []byte) error {
	if a.f.unit == intervalYearMonth {
		copy(slots(v, 0, v.Len()), src)
		return nil
	}
	out := batch.Values[batch.Interval](v)
	for i := range out {
		if a.f.unit == intervalDayTime {
			days, ms := int32(binary.LittleEndian.Uint32(src[8*i:])), int32(binary.LittleEndian.Uint32(src[8*i+4:]))
			out[i] = batch.Interval{Days: days, Micros: int64(ms) * 1000}
			continue
		}
		p := src[16*i:]
		out[i] = batch.Interval{
			Months: int32(binary.LittleEndian.Uint32(p)), Days: int32(binary.LittleEndian.Uint32(p[4:])),
			Micros: int64(binary.LittleEndian.Uint64(p[8:])) / 1000,
		}
	}
	return nil
}

// fillDecimals stores unscaled values in the layout of the precision and
// refuses those with more digits: kernels rely on the bound.
func (a *array) fillDecimals(v *batch.Vector, src []byte) error {
	limit := powerOfTen(int(a.f.typ.Precision))
	w := a.f.bits / 8
	for i := range v.Len() {
		var x batch.Int128
		if v.Valid(i) {
			var ok bool
			if x, ok = readDecimal(src[w*i : w*i+w]); !ok || x.Cmp(limit) >= 0 || x.Cmp(limit.Neg()) <= 0 {
				return a.overflow()
			}
		}
		if v.Phys() == types.PhysInt64 {
			batch.Values[int64](v)[i] = x.Int64()
		} else {
			batch.Values[batch.Int128](v)[i] = x
		}
	}
	return nil
}

func powerOfTen(n int) batch.Int128 {
	b := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	lo := new(big.Int).And(b, new(big.Int).SetUint64(math.MaxUint64))
	return batch.Int128{Lo: lo.Uint64(), Hi: b.Rsh(b, 64).Int64()}
}

// readDecimal reads a two's complement number of 4, 8, 16 or 32 bytes.
func readDecimal(p []byte) (batch.Int128, bool) {
	switch len(p) {
	case 4:
		x := int64(int32(binary.LittleEndian.Uint32(p)))
		return batch.Int128{Lo: uint64(x), Hi: x >> 63}, true
	case 8:
		x := int64(binary.LittleEndian.Uint64(p))
		return batch.Int128{Lo: uint64(x), Hi: x >> 63}, true
	}
	x := batch.Int128{Lo: binary.LittleEndian.Uint64(p), Hi: int64(binary.LittleEndian.Uint64(p[8:]))}
	if len(p) == 16 {
		return x, true
	}
	sign := uint64(x.Hi >> 63)
	return x, binary.LittleEndian.Uint64(p[16:]) == sign && binary.LittleEndian.Uint64(p[24:]) == sign
}
