package batch

import (
	"math"
	"math/bits"

	"github.com/zeebo/xxh3"

	"github.com/spurwheel/spurwheel/internal/types"
)

// Multipliers of the folded product: odd, with about half of the bits set.
const (
	mixA = 0x9E3779B97F4A7C15
	mixB = 0xE7037ED1A0B428DB
	// nullHash stands for a null in a row's hash.
	nullHash = 0xD6E8FEB86659FD93
)

// Hash64 mixes one word: the folded 128-bit product. It is unseeded; who needs
// an independent hash mixes twice.
func Hash64(x uint64) uint64 {
	h, l := bits.Mul64(x^mixA, mixB)
	return h ^ l
}

// Hash2 mixes two words, of which neither alone can cancel the other.
func Hash2(a, b uint64) uint64 {
	h, l := bits.Mul64(a^mixA, b^mixB)
	return Hash64(h ^ l ^ a)
}

// HashView hashes a string value. Inline and long values never have equal
// bytes, so they may use different functions.
func HashView(x *View, bufs [][]byte) uint64 {
	if x.Len() <= InlineLen {
		return Hash2(x.A, x.B)
	}
	return xxh3.Hash(x.Bytes(bufs))
}

// FloatBits64 is x's bits with -0.0 as 0.0 and all NaNs as one.
func FloatBits64(x float64) uint64 {
	if x == 0 {
		return 0
	}
	if x != x {
		return 0x7ff8000000000000
	}
	return math.Float64bits(x)
}

// FloatBits32 is FloatBits64 of a float.
func FloatBits32(x float32) uint32 {
	if x == 0 {
		return 0
	}
	if x != x {
		return 0x7fc00000
	}
	return math.Float32bits(x)
}

// HashRows sets out[i] to the hash of row i of the key columns: equal rows
// (nulls equal, -0.0 = 0.0, NaN = NaN) hash alike wherever they are computed.
func HashRows(cols []*Vector, out []uint64) {
	clear(out)
	for _, c := range cols {
		c.hashInto(out)
	}
}

// hashInto folds the column's values into the running hashes.
func (v *Vector) hashInto(out []uint64) {
	switch v.Enc {
	case Const:
		h := v.hashOne(0)
		for i := range out {
			out[i] = Hash64(out[i]*mixB ^ h)
		}
		return
	case Dict:
		hs := make([]uint64, v.Dict.n)
		v.Dict.hashes(hs)
		v.foldCodes(hs, out)
		return
	default:
	}
	hs := make([]uint64, v.n)
	v.hashes(hs)
	for i, h := range hs {
		if v.valid != nil && !v.Valid(i) {
			h = nullHash
		}
		out[i] = Hash64(out[i]*mixB ^ h)
	}
}

func (v *Vector) foldCodes(hs, out []uint64) {
	for i, c := range v.Codes {
		h := uint64(nullHash)
		if v.valid == nil || v.Valid(i) {
			h = hs[c]
		}
		out[i] = Hash64(out[i]*mixB ^ h)
	}
}

// hashes sets out[i] to the hash of slot i of a flat vector, whatever its validity.
func (v *Vector) hashes(out []uint64) {
	switch v.Phys() {
	case types.PhysBool, types.PhysInt8:
		hashInts(slotsOf[int8](v), out)
	case types.PhysInt16:
		hashInts(slotsOf[int16](v), out)
	case types.PhysInt32:
		hashInts(slotsOf[int32](v), out)
	case types.PhysInt64:
		hashInts(slotsOf[int64](v), out)
	case types.PhysFloat32:
		for i, x := range slotsOf[float32](v)[:len(out)] {
			out[i] = Hash64(uint64(FloatBits32(x)))
		}
	case types.PhysFloat64:
		for i, x := range slotsOf[float64](v)[:len(out)] {
			out[i] = Hash64(FloatBits64(x))
		}
	case types.PhysInt128, types.PhysInterval:
		for i, x := range slotsOf[Int128](v)[:len(out)] {
			out[i] = Hash2(x.Lo, uint64(x.Hi))
		}
	default:
		for i := range out {
			out[i] = v.hashOne(i)
		}
	}
}

func hashInts[T int8 | int16 | int32 | int64](s []T, out []uint64) {
	if len(out) == 0 {
		return
	}
	for i, x := range s[:len(out)] {
		out[i] = Hash64(uint64(int64(x)))
	}
}

// hashOne hashes row i, nulls too.
func (v *Vector) hashOne(i int) uint64 {
	if !v.Valid(i) {
		return nullHash
	}
	switch v.Enc {
	case Const:
		i = 0
	case Dict:
		return v.Dict.hashOne(int(v.Codes[i]))
	default:
	}
	switch v.Phys() {
	case types.PhysView:
		return HashView(&slotsOf[View](v)[i], v.Bufs)
	case types.PhysArray, types.PhysMap:
		h := uint64(v.Offsets[i+1] - v.Offsets[i])
		for j := v.Offsets[i]; j < v.Offsets[i+1]; j++ {
			for _, c := range v.Children {
				h = Hash64(h*mixB ^ c.hashOne(int(j)))
			}
		}
		return h
	case types.PhysStruct:
		h := uint64(len(v.Children))
		for _, c := range v.Children {
			h = Hash64(h*mixB ^ c.hashOne(i))
		}
		return h
	default:
	}
	one := *v
	if w := v.Phys().Width(); w > 0 {
		one.data = v.data[i*w:]
	}
	var h [1]uint64
	one.hashes(h[:])
	return h[0]
}
