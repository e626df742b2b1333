package function

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// The hashes of Spark's hash() and xxhash64(): each column's value is hashed
// with the hash so far as seed, nulls leave it unchanged.

// hashSeed starts both.
const hashSeed = 42

// hasher folds one value into a hash of 32 or 64 bits.
type hasher[H uint32 | uint64] struct {
	word  func(x uint32, h H) H
	long  func(x uint64, h H) H
	bytes func(s []byte, h H) H
}

var murmur = hasher[uint32]{word: murmurInt, long: murmurLong, bytes: murmurBytes}

func murmurMix(h, k uint32) uint32 {
	k *= 0xcc9e2d51
	k = bits.RotateLeft32(k, 15)
	k *= 0x1b873593
	h ^= k
	h = bits.RotateLeft32(h, 13)
	return h*5 + 0xe6546b64
}

func murmurEnd(h, length uint32) uint32 {
	h ^= length
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}

func murmurInt(x, h uint32) uint32 { return murmurEnd(murmurMix(h, x), 4) }

func murmurLong(x uint64, h uint32) uint32 {
	return murmurEnd(murmurMix(murmurMix(h, uint32(x)), uint32(x>>32)), 8)
}

// murmurBytes mixes each trailing byte as a word of its own, sign extended: as
// Spark does, unlike the published algorithm.
func murmurBytes(s []byte, h uint32) uint32 {
	n := uint32(len(s))
	for len(s) >= 4 {
		h = murmurMix(h, binary.LittleEndian.Uint32(s))
		s = s[4:]
	}
	for _, c := range s {
		h = murmurMix(h, uint32(int32(int8(c))))
	}
	return murmurEnd(h, n)
}

var xx = hasher[uint64]{word: xxInt, long: xxLong, bytes: xxBytes}

// Primes of XXH64.
const (
	xxP1 = 0x9E3779B185EBCA87
	xxP2 = 0xC2B2AE3D27D4EB4F
	xxP3 = 0x165667B19E3779F9
	xxP4 = 0x85EBCA77C2B2AE63
	xxP5 = 0x27D4EB2F165667C5
)

func xxEnd(h uint64) uint64 {
	h ^= h >> 33
	h *= xxP2
	h ^= h >> 29
	h *= xxP3
	return h ^ h>>32
}

func xxWord(h uint64, x uint32) uint64 {
	h ^= uint64(x) * xxP1
	return bits.RotateLeft64(h, 23)*xxP2 + xxP3
}

func xxRound(acc, x uint64) uint64 {
	acc += x * xxP2
	return bits.RotateLeft64(acc, 31) * xxP1
}

func xxStep(h, x uint64) uint64 {
	h ^= xxRound(0, x)
	return bits.RotateLeft64(h, 27)*xxP1 + xxP4
}

func xxInt(x uint32, seed uint64) uint64 { return xxEnd(xxWord(seed+xxP5+4, x)) }

func xxLong(x, seed uint64) uint64 { return xxEnd(xxStep(seed+xxP5+8, x)) }

func xxBytes(s []byte, seed uint64) uint64 {
	n := uint64(len(s))
	h := seed + xxP5
	if n >= 32 {
		h = xxStripes(&s, seed)
	}
	h += n
	for len(s) >= 8 {
		h = xxStep(h, binary.LittleEndian.Uint64(s))
		s = s[8:]
	}
	if len(s) >= 4 {
		h = xxWord(h, binary.LittleEndian.Uint32(s))
		s = s[4:]
	}
	for _, c := range s {
		h ^= uint64(c) * xxP5
		h = bits.RotateLeft64(h, 11) * xxP1
	}
	return xxEnd(h)
}

// xxStripes consumes whole blocks of 32 bytes.
func xxStripes(p *[]byte, seed uint64) uint64 {
	s := *p
	const p1, p2 = uint64(xxP1), uint64(xxP2)
	v1, v2, v3, v4 := seed+p1, seed+p2, seed, seed
	v1 += p2
	v4 -= p1
	for len(s) >= 32 {
		v1 = xxRound(v1, binary.LittleEndian.Uint64(s))
		v2 = xxRound(v2, binary.LittleEndian.Uint64(s[8:]))
		v3 = xxRound(v3, binary.LittleEndian.Uint64(s[16:]))
		v4 = xxRound(v4, binary.LittleEndian.Uint64(s[24:]))
		s = s[32:]
	}
	*p = s
	h := bits.RotateLeft64(v1, 1) + bits.RotateLeft64(v2, 7) + bits.RotateLeft64(v3, 12) + bits.RotateLeft64(v4, 18)
	for _, v := range [...]uint64{v1, v2, v3, v4} {
		h = (h^xxRound(0, v))*xxP1 + xxP4
	}
	return h
}

// column folds column v into h, row by row.
func (f *hasher[H]) column(h []H, v *batch.Vector) {
	switch v.Phys() {
	case types.PhysNull:
	case types.PhysInt32:
		s, nulls := SlotsOf[int32](v), v.HasNulls()
		for i := range h {
			if !nulls || v.Valid(i) {
				h[i] = f.word(uint32(s.At(i)), h[i])
			}
		}
	case types.PhysInt64:
		s, nulls := SlotsOf[int64](v), v.HasNulls()
		for i := range h {
			if !nulls || v.Valid(i) {
				h[i] = f.long(uint64(s.At(i)), h[i])
			}
		}
	case types.PhysView:
		s, nulls := StrsOf(v), v.HasNulls()
		for i := range h {
			if !nulls || v.Valid(i) {
				h[i] = f.bytes(s.At(i), h[i])
			}
		}
	default:
		for i := range h {
			at := i
			if v.Enc == batch.Const {
				at = 0
			}
			h[i] = f.value(v, at, h[i])
		}
	}
}

// value folds slot i of v.
func (f *hasher[H]) value(v *batch.Vector, i int, h H) H {
	if !v.Valid(i) {
		return h
	}
	switch v.Phys() {
	case types.PhysBool, types.PhysInt8:
		return f.word(uint32(int32(batch.Values[int8](v)[i])), h)
	case types.PhysInt16:
		return f.word(uint32(int32(batch.Values[int16](v)[i])), h)
	case types.PhysInt32:
		return f.word(uint32(batch.Values[int32](v)[i]), h)
	case types.PhysInt64:
		return f.long(uint64(batch.Values[int64](v)[i]), h)
	case types.PhysFloat32:
		return f.word(floatBits(batch.Values[float32](v)[i]), h)
	case types.PhysFloat64:
		return f.long(doubleBits(batch.Values[float64](v)[i]), h)
	case types.PhysInt128:
		return f.bytes(bigEndian(batch.Values[batch.Int128](v)[i]), h)
	case types.PhysInterval:
		x := batch.Values[batch.Interval](v)[i]
		return f.word(uint32(x.Months), f.word(uint32(x.Days), f.long(uint64(x.Micros), h)))
	case types.PhysView:
		return f.bytes(v.Str(i), h)
	default:
	}
	return f.nested(v, i, h)
}

func (f *hasher[H]) nested(v *batch.Vector, i int, h H) H {
	if v.Phys() == types.PhysStruct {
		for _, c := range v.Children {
			h = f.value(c, i, h)
		}
		return h
	}
	for k := v.Offsets[i]; k < v.Offsets[i+1]; k++ {
		for _, c := range v.Children {
			h = f.value(c, int(k), h)
		}
	}
	return h
}

// floatBits is Java's floatToIntBits with one zero.
func floatBits(x float32) uint32 {
	switch {
	case x == 0:
		return 0
	case x != x:
		return 0x7fc00000
	}
	return math.Float32bits(x)
}

// doubleBits is Java's doubleToLongBits with one zero.
func doubleBits(x float64) uint64 {
	switch {
	case x == 0:
		return 0
	case x != x:
		return 0x7ff8000000000000
	}
	return math.Float64bits(x)
}

// bigEndian is x in the fewest bytes of two's complement, greatest first.
func bigEndian(x batch.Int128) []byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(x.Hi))
	binary.BigEndian.PutUint64(b[8:], x.Lo)
	k := 0
	for k < 15 && (b[k] == 0 && b[k+1] < 0x80 || b[k] == 0xff && b[k+1] >= 0x80) {
		k++
	}
	return b[k:]
}
