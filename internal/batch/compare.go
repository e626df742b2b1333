package batch

import (
	"cmp"

	"github.com/spurwheel/spurwheel/internal/types"
)

// CompareAt orders row i of a and row j of b, both present, as Spark sorts:
// NaN above all numbers, -0.0 equal to 0.0, strings by bytes, arrays and
// structs member by member with nulls first. The vectors have one type.
func CompareAt(a *Vector, i int, b *Vector, j int) int {
	a, i = a.plain(i)
	b, j = b.plain(j)
	switch a.Phys() {
	case types.PhysBool:
		return cmp.Compare(slotsOf[uint8](a)[i], slotsOf[uint8](b)[j])
	case types.PhysInt8:
		return cmp.Compare(slotsOf[int8](a)[i], slotsOf[int8](b)[j])
	case types.PhysInt16:
		return cmp.Compare(slotsOf[int16](a)[i], slotsOf[int16](b)[j])
	case types.PhysInt32:
		return cmp.Compare(slotsOf[int32](a)[i], slotsOf[int32](b)[j])
	case types.PhysInt64:
		return cmp.Compare(slotsOf[int64](a)[i], slotsOf[int64](b)[j])
	case types.PhysFloat32:
		return CompareFloats(slotsOf[float32](a)[i], slotsOf[float32](b)[j])
	case types.PhysFloat64:
		return CompareFloats(slotsOf[float64](a)[i], slotsOf[float64](b)[j])
	case types.PhysInt128:
		return slotsOf[Int128](a)[i].Cmp(slotsOf[Int128](b)[j])
	case types.PhysInterval:
		return compareIntervals(slotsOf[Interval](a)[i], slotsOf[Interval](b)[j])
	case types.PhysView:
		return CompareViews(&slotsOf[View](a)[i], a.Bufs, &slotsOf[View](b)[j], b.Bufs)
	case types.PhysArray, types.PhysMap:
		return compareLists(a, i, b, j)
	case types.PhysStruct:
		for k := range a.Children {
			if c := CompareNullsFirst(a.Children[k], i, b.Children[k], j); c != 0 {
				return c
			}
		}
	default:
	}
	return 0
}

// plain looks through an encoding.
func (v *Vector) plain(i int) (*Vector, int) {
	switch v.Enc {
	case Const:
		return v, 0
	case Dict:
		return v.Dict, int(v.Codes[i])
	default:
	}
	return v, i
}

// CompareNullsFirst is CompareAt for rows that may be null; nulls are equal
// and below all values.
func CompareNullsFirst(a *Vector, i int, b *Vector, j int) int {
	va, vb := a.Valid(i), b.Valid(j)
	switch {
	case va && vb:
		return CompareAt(a, i, b, j)
	case va:
		return 1
	case vb:
		return -1
	}
	return 0
}

// CompareFloats orders numbers with NaN above all and equal to itself.
func CompareFloats[T float32 | float64](x, y T) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case x == y:
		return 0
	case x != x && y != y:
		return 0
	case x != x:
		return 1
	}
	return -1
}

func compareIntervals(x, y Interval) int {
	if c := cmp.Compare(x.Months, y.Months); c != 0 {
		return c
	}
	if c := cmp.Compare(x.Days, y.Days); c != 0 {
		return c
	}
	return cmp.Compare(x.Micros, y.Micros)
}

func compareLists(a *Vector, i int, b *Vector, j int) int {
	x, y := a.Offsets[i], b.Offsets[j]
	for x < a.Offsets[i+1] && y < b.Offsets[j+1] {
		for k := range a.Children {
			if c := CompareNullsFirst(a.Children[k], int(x), b.Children[k], int(y)); c != 0 {
				return c
			}
		}
		x, y = x+1, y+1
	}
	return cmp.Compare(a.Offsets[i+1]-a.Offsets[i], b.Offsets[j+1]-b.Offsets[j])
}
