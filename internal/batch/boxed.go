package batch

import (
	"fmt"

	"github.com/spurwheel/spurwheel/internal/types"
)

// Boxed values are for literals, tests and small results, never for hot paths.
// By type: nil; bool; int8, int16, int32, int64 (also dates, times, intervals
// and decimals up to 18 digits, unscaled); Int128; float32, float64; string;
// []byte for binary; Interval; []any for array and struct; MapValue.

// MapValue is a boxed map in entry order.
type MapValue struct{ Keys, Values []any }

// Get boxes row i.
func (v *Vector) Get(i int) any {
	if !v.Valid(i) {
		return nil
	}
	switch v.Enc {
	case Const:
		i = 0
	case Dict:
		return v.Dict.Get(int(v.Codes[i]))
	default:
	}
	switch v.Phys() {
	case types.PhysBool:
		return slotsOf[bool](v)[i]
	case types.PhysInt8:
		return slotsOf[int8](v)[i]
	case types.PhysInt16:
		return slotsOf[int16](v)[i]
	case types.PhysInt32:
		return slotsOf[int32](v)[i]
	case types.PhysInt64:
		return slotsOf[int64](v)[i]
	case types.PhysFloat32:
		return slotsOf[float32](v)[i]
	case types.PhysFloat64:
		return slotsOf[float64](v)[i]
	case types.PhysInt128:
		return slotsOf[Int128](v)[i]
	case types.PhysInterval:
		return slotsOf[Interval](v)[i]
	case types.PhysView:
		if v.Type.Kind == types.KindBinary {
			return append([]byte{}, v.Str(i)...)
		}
		return string(v.Str(i))
	default:
		return v.getNested(i)
	}
}

func (v *Vector) getNested(i int) any {
	switch v.Phys() {
	case types.PhysArray:
		return v.Children[0].boxes(v.Offsets[i], v.Offsets[i+1])
	case types.PhysMap:
		return MapValue{v.Children[0].boxes(v.Offsets[i], v.Offsets[i+1]), v.Children[1].boxes(v.Offsets[i], v.Offsets[i+1])}
	default:
		out := make([]any, len(v.Children))
		for k, c := range v.Children {
			out[k] = c.Get(i)
		}
		return out
	}
}

func (v *Vector) boxes(lo, hi int32) []any {
	out := make([]any, 0, hi-lo)
	for j := lo; j < hi; j++ {
		out = append(out, v.Get(int(j)))
	}
	return out
}

// Append appends a boxed value to a flat vector. A value of another Go type
// than the vector's layout wants is a bug and panics.
func (v *Vector) Append(x any) {
	if x == nil {
		v.AppendNulls(1)
		return
	}
	at := v.n
	v.SetLen(at + 1)
	switch v.Phys() {
	case types.PhysNull:
	case types.PhysBool:
		slotsOf[bool](v)[at] = x.(bool)
	case types.PhysInt8:
		slotsOf[int8](v)[at] = x.(int8)
	case types.PhysInt16:
		slotsOf[int16](v)[at] = x.(int16)
	case types.PhysInt32:
		slotsOf[int32](v)[at] = x.(int32)
	case types.PhysInt64:
		slotsOf[int64](v)[at] = x.(int64)
	case types.PhysFloat32:
		slotsOf[float32](v)[at] = x.(float32)
	case types.PhysFloat64:
		slotsOf[float64](v)[at] = x.(float64)
	case types.PhysInt128:
		slotsOf[Int128](v)[at] = x.(Int128)
	case types.PhysInterval:
		slotsOf[Interval](v)[at] = x.(Interval)
	case types.PhysView:
		if s, ok := x.(string); ok {
			v.SetString(at, s)
		} else {
			v.SetStr(at, x.([]byte))
		}
	default:
		v.appendNested(at, x)
	}
}

func (v *Vector) appendNested(at int, x any) {
	switch v.Phys() {
	case types.PhysArray:
		v.appendList(at, v.Children[:1], x.([]any))
	case types.PhysMap:
		m := x.(MapValue)
		v.appendList(at, v.Children, m.Keys, m.Values)
	case types.PhysStruct:
		members := x.([]any)
		if len(members) != len(v.Children) {
			panic(fmt.Sprintf("batch: %d members for %s", len(members), v.Type))
		}
		for k, c := range v.Children {
			c.Append(members[k])
		}
	default:
		panic("batch: nested value for " + v.Type.String())
	}
}

func (v *Vector) appendList(at int, children []*Vector, lists ...[]any) {
	if len(v.Offsets) == 0 {
		v.Offsets = append(v.Offsets, 0)
	}
	for k, c := range children {
		for _, e := range lists[k] {
			c.Append(e)
		}
	}
	v.Offsets = append(v.Offsets[:at+1], int32(v.Children[0].n))
}

// NewConst makes a constant vector of n rows of the boxed value x.
func NewConst(t types.Type, x any, n int) *Vector {
	v := New(t, 1)
	v.Append(x)
	v.SetConst(n)
	return v
}

// Of makes a flat vector of boxed values.
func Of(t types.Type, xs ...any) *Vector {
	v := New(t, len(xs))
	v.Reset(0)
	for _, x := range xs {
		v.Append(x)
	}
	return v
}
