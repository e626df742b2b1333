package calendar

import "math/bits"

// Add moves an instant by months, then days of the local calendar, then
// microseconds; ok false if the result is out of range.
func (z *Zone) Add(utc int64, months, days int, micros int64) (int64, bool) {
	if months != 0 || days != 0 {
		off := z.Offset(FloorDiv(utc, Second))
		d, rest := Split(utc + off*Second)
		if months != 0 {
			d = AddMonths(d, months)
		}
		local, ok := mulAdd(int64(d)+int64(days), Day, rest)
		if !ok {
			return 0, false
		}
		utc = z.keep(local, off)
	}
	sum := utc + micros
	return sum, (utc^sum)&(micros^sum) >= 0
}

// keep is UTC of a wall clock that prefers an offset where two are right.
func (z *Zone) keep(local, off int64) int64 {
	if t := local - off*Second; z.Offset(FloorDiv(t, Second)) == off {
		return t
	}
	return z.UTC(local)
}

// mulAdd is a*b+c for c >= 0; ok false if it does not fit.
func mulAdd(a, b, c int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	h := int64(hi) - (a >> 63 & b) - (b >> 63 & a)
	p := int64(lo)
	sum := p + c
	return sum, h == p>>63 && (p^sum)&(c^sum) >= 0
}

// MulAdd is a*b+c; ok false if it does not fit.
func MulAdd(a, b, c int64) (int64, bool) { return mulAdd(a, b, c) }
