package function

import (
	"math"
	"math/bits"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// compareRows orders value i of a and value j of b, flat vectors of one type.
// Nulls come first; NaN is greater than any number and equal to itself; zeros
// are equal. For single comparisons: whoever compares whole columns dispatches
// once per batch instead.
func compareRows(a *batch.Vector, i int, b *batch.Vector, j int) int {
	av, bv := a.Valid(i), b.Valid(j)
	if !av || !bv {
		return compareBools(av, bv)
	}
	switch a.Phys() {
	case types.PhysBool, types.PhysInt8:
		return compareOrdered(batch.Values[int8](a)[i], batch.Values[int8](b)[j])
	case types.PhysInt16:
		return compareOrdered(batch.Values[int16](a)[i], batch.Values[int16](b)[j])
	case types.PhysInt32:
		return compareOrdered(batch.Values[int32](a)[i], batch.Values[int32](b)[j])
	case types.PhysInt64:
		return compareOrdered(batch.Values[int64](a)[i], batch.Values[int64](b)[j])
	case types.PhysFloat32:
		return compareOrdered(key32(batch.Values[float32](a)[i]), key32(batch.Values[float32](b)[j]))
	case types.PhysFloat64:
		return compareOrdered(key64(batch.Values[float64](a)[i]), key64(batch.Values[float64](b)[j]))
	case types.PhysInt128:
		return batch.Values[batch.Int128](a)[i].Cmp(batch.Values[batch.Int128](b)[j])
	case types.PhysView:
		return batch.CompareViews(&batch.Values[batch.View](a)[i], a.Bufs, &batch.Values[batch.View](b)[j], b.Bufs)
	case types.PhysInterval:
		return compareIntervals(batch.Values[batch.Interval](a)[i], batch.Values[batch.Interval](b)[j])
	default:
	}
	return compareNested(a, i, b, j)
}

func compareNested(a *batch.Vector, i int, b *batch.Vector, j int) int {
	switch a.Phys() {
	case types.PhysArray, types.PhysMap:
		n, m := a.Offsets[i+1]-a.Offsets[i], b.Offsets[j+1]-b.Offsets[j]
		for k := range min(n, m) {
			for c := range a.Children {
				if d := compareRows(a.Children[c], int(a.Offsets[i]+k), b.Children[c], int(b.Offsets[j]+k)); d != 0 {
					return d
				}
			}
		}
		return compareOrdered(n, m)
	case types.PhysStruct:
		for c := range a.Children {
			if d := compareRows(a.Children[c], i, b.Children[c], j); d != 0 {
				return d
			}
		}
	default:
	}
	return 0
}

func compareIntervals(x, y batch.Interval) int {
	if d := compareOrdered(x.Months, y.Months); d != 0 {
		return d
	}
	if d := compareOrdered(x.Days, y.Days); d != 0 {
		return d
	}
	return compareOrdered(x.Micros, y.Micros)
}

func compareOrdered[T int8 | int16 | int32 | int64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareBools orders absent before present.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// key64 maps doubles to integers of the same order: zeros are one value, NaN
// is one value and the greatest.
func key64(x float64) int64 {
	if x != x {
		return math.MaxInt64
	}
	if x == 0 {
		return 0
	}
	b := int64(math.Float64bits(x))
	return b ^ int64(uint64(b>>63)>>1)
}

// unkey64 is the double of a key.
func unkey64(k int64) float64 {
	if k == math.MaxInt64 {
		return math.NaN()
	}
	return math.Float64frombits(uint64(k ^ int64(uint64(k>>63)>>1)))
}

// key32 is key64 for floats.
func key32(x float32) int32 {
	if x != x {
		return math.MaxInt32
	}
	if x == 0 {
		return 0
	}
	b := int32(math.Float32bits(x))
	return b ^ int32(uint32(b>>31)>>1)
}

// equalRows is compareRows(...) == 0.
func equalRows(a *batch.Vector, i int, b *batch.Vector, j int) bool {
	return compareRows(a, i, b, j) == 0
}

// hashRow is a hash of value i of flat vector v under which equal values (as
// compareRows has it) are equal. It is for tables in memory and never stored.
func hashRow(v *batch.Vector, i int, seed uint64) uint64 {
	if !v.Valid(i) {
		return mix64(seed + 1)
	}
	switch v.Phys() {
	case types.PhysBool, types.PhysInt8:
		return mix64(seed ^ uint64(batch.Values[uint8](v)[i]))
	case types.PhysInt16:
		return mix64(seed ^ uint64(batch.Values[int16](v)[i]))
	case types.PhysInt32:
		return mix64(seed ^ uint64(batch.Values[int32](v)[i]))
	case types.PhysInt64:
		return mix64(seed ^ uint64(batch.Values[int64](v)[i]))
	case types.PhysFloat32:
		return mix64(seed ^ uint64(key32(batch.Values[float32](v)[i])))
	case types.PhysFloat64:
		return mix64(seed ^ uint64(key64(batch.Values[float64](v)[i])))
	case types.PhysInt128:
		x := batch.Values[batch.Int128](v)[i]
		return mix64(mix64(seed^x.Lo) ^ uint64(x.Hi))
	case types.PhysInterval:
		x := batch.Values[batch.Interval](v)[i]
		return mix64(mix64(seed^uint64(x.Micros)) ^ uint64(x.Months)<<32 ^ uint64(uint32(x.Days)))
	case types.PhysView:
		return hashBytes(v.Str(i), seed)
	default:
	}
	return hashNested(v, i, seed)
}

func hashNested(v *batch.Vector, i int, seed uint64) uint64 {
	switch v.Phys() {
	case types.PhysArray, types.PhysMap:
		seed = mix64(seed ^ uint64(v.Offsets[i+1]-v.Offsets[i]))
		for k := v.Offsets[i]; k < v.Offsets[i+1]; k++ {
			for _, c := range v.Children {
				seed = hashRow(c, int(k), seed)
			}
		}
	case types.PhysStruct:
		for _, c := range v.Children {
			seed = hashRow(c, i, seed)
		}
	default:
	}
	return seed
}

func hashBytes(s []byte, seed uint64) uint64 {
	h := seed ^ uint64(len(s))
	for len(s) >= 8 {
		h = mix64(h ^ (uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56))
		s = s[8:]
	}
	var t uint64
	for k, c := range s {
		t |= uint64(c) << (8 * k)
	}
	return mix64(h ^ t)
}

// mix64 spreads x over 64 bits by one wide multiplication.
func mix64(x uint64) uint64 {
	hi, lo := bits.Mul64(x^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return hi ^ lo
}
