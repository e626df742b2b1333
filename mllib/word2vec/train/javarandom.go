package train

import "math/bits"

// sparkRandom is Spark's XORShiftRandom, from which come its initial vectors and window sizes: Marsaglia's xorshift with the
// shifts 21, 35 and 4 under the derivations of java.util.Random. Not safe for concurrent use.
type sparkRandom uint64

// newSparkRandom spreads the seed over the state with MurmurHash3, as Spark does since 3.0.
func newSparkRandom(seed int64) sparkRandom {
	low := murmur3(uint64(seed), scalaArraySeed)
	high := murmur3(uint64(seed), low)
	return sparkRandom(uint64(high)<<32 | uint64(low))
}

func (r *sparkRandom) next(n int) int32 {
	s := uint64(*r)
	s ^= s << 21
	s ^= s >> 35
	s ^= s << 4
	*r = sparkRandom(s)
	return int32(s & (1<<n - 1))
}

// nextFloat is even in [0, 1).
func (r *sparkRandom) nextFloat() float32 { return float32(r.next(24)) / (1 << 24) }

// nextInt is even in [0, bound): java.util.Random's way of scaling powers of two and of refusing the incomplete last run of
// the others.
func (r *sparkRandom) nextInt(bound int32) int32 {
	u := r.next(31)
	if bound&(bound-1) == 0 {
		return int32(int64(bound) * int64(u) >> 31)
	}
	v := u % bound
	for u-v+bound-1 < 0 {
		u = r.next(31)
		v = u % bound
	}
	return v
}

// scalaArraySeed is what scala.util.hashing.MurmurHash3 starts the hash of an array with.
const scalaArraySeed = 0x3c074a61

// murmur3 is MurmurHash3 (32 bits) of the eight bytes of x, the highest first, read as two little-endian words.
func murmur3(x uint64, seed uint32) uint32 {
	x = bits.ReverseBytes64(x)
	h := seed
	for _, k := range []uint32{uint32(x), uint32(x >> 32)} {
		h ^= bits.RotateLeft32(k*0xcc9e2d51, 15) * 0x1b873593
		h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
	}
	h ^= 8
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}
