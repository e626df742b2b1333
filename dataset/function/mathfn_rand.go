package function

import (
	"crypto/rand"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
)

// xorShift is Spark's generator, so that rand(seed) gives the same numbers.
type xorShift struct {
	seed  int64
	next  float64 // the second of a pair of normal numbers
	ready bool
}

// newXorShift starts the generator of a partition.
func newXorShift(seed int64) *xorShift {
	const arraySeed = 0x3c074a61
	lo, hi := bits.ReverseBytes32(uint32(uint64(seed)>>32)), bits.ReverseBytes32(uint32(seed))
	mix := func(h uint32) uint32 { return murmurEnd(murmurMix(murmurMix(h, lo), hi), 8) }
	low := mix(arraySeed)
	return &xorShift{seed: int64(uint64(mix(low))<<32 | uint64(low))}
}

func (x *xorShift) bits(n uint) int64 {
	s := x.seed
	s ^= s << 21
	s ^= int64(uint64(s) >> 35)
	s ^= s << 4
	x.seed = s
	return s & (1<<n - 1)
}

// uniform is in [0, 1).
func (x *xorShift) uniform() float64 {
	hi := x.bits(26) << 27
	return float64(hi+x.bits(27)) * 0x1p-53
}

// normal draws by the polar method, as java.util.Random does.
func (x *xorShift) normal() float64 {
	if x.ready {
		x.ready = false
		return x.next
	}
	for {
		v1, v2 := 2*x.uniform()-1, 2*x.uniform()-1
		s := v1*v1 + v2*v2
		if s >= 1 || s == 0 {
			continue
		}
		m := math.Sqrt(-2 * math.Log(s) / s)
		x.next, x.ready = v2*m, true
		return v1 * m
	}
}

// randomSeed is for calls without a seed.
func randomSeed() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return int64(binary.LittleEndian.Uint64(b[:]))
}

// randKernel makes rand and randn.
func randKernel(draw func(x *xorShift) float64) maker {
	return func(env *Env, call *plan.Call) (Kernel, error) {
		seed := randomSeed()
		if len(call.Args) > 0 {
			s, ok := constLong(call.Args[0])
			if !ok && !isNullConst(call.Args[0]) {
				return nil, NonFoldable(call.Args, 0, "seed", "BIGINT")
			}
			seed = s
		}
		x := newXorShift(seed + int64(env.Partition))
		return func(_ []*batch.Vector, n int, out *batch.Vector) error {
			dst := batch.Values[float64](out)
			for i := range n {
				dst[i] = draw(x)
			}
			return nil
		}, nil
	}
}
