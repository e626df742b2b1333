package exec

import (
	"context"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/spurwheel/spurwheel/internal/batch"
)

// sampleStep keeps a random fraction. It stands over a gather: which rows are
// kept depends on the seed and the rows' order alone. Without replacement it
// draws Spark's numbers for a single partition.
func sampleStep(lower, upper float64, replace bool, seed int64) step {
	return func(in Stream) (Stream, error) {
		return &sample{in: in, lower: lower, upper: upper, replace: replace, rng: newXorShift(seed)}, nil
	}
}

type sample struct {
	in           Stream
	lower, upper float64
	replace      bool
	rng          xorShift
	sel          []int32
	out          *batch.Batch
}

func (s *sample) Next(ctx context.Context) (*batch.Batch, error) {
	for {
		b, err := s.in.Next(ctx)
		if err != nil {
			return nil, err
		}
		s.sel = s.sel[:0]
		for i := range int32(b.N) {
			for range s.copies() {
				s.sel = append(s.sel, i)
			}
		}
		if len(s.sel) == 0 {
			continue
		}
		if s.out == nil {
			s.out = emptyLike(b)
		}
		gatherBatch(s.out, b, s.sel)
		return s.out, nil
	}
}

// copies draws how often a row is taken.
func (s *sample) copies() int {
	if !s.replace {
		x := s.rng.float()
		if x >= s.lower && x < s.upper {
			return 1
		}
		return 0
	}
	return s.rng.poisson(s.upper - s.lower)
}

func (s *sample) Close() error { return s.in.Close() }

// xorShift is the generator that Spark samples with: Marsaglia's xorshift,
// with shifts 21, 35 and 4, over a seed scrambled by MurmurHash3.
type xorShift uint64

func newXorShift(seed int64) xorShift {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(seed))
	low := murmur3(b[:], 0x3c074a61)
	return xorShift(uint64(murmur3(b[:], low))<<32 | uint64(low))
}

func (x *xorShift) next(n uint) uint64 {
	v := uint64(*x)
	v ^= v << 21
	v ^= v >> 35
	v ^= v << 4
	*x = xorShift(v)
	return v & (1<<n - 1)
}

// float draws from [0, 1).
func (x *xorShift) float() float64 {
	hi := x.next(26)
	return float64(hi<<27+x.next(27)) / (1 << 53)
}

// poisson draws a Poisson number by multiplying uniforms, in steps of a mean
// small enough for exp not to vanish.
func (x *xorShift) poisson(mean float64) int {
	n := 0
	for mean > 0 {
		m := min(mean, 500)
		mean -= m
		for p := x.float(); p > math.Exp(-m); p *= x.float() {
			n++
		}
	}
	return n
}

// murmur3 is MurmurHash3's 32-bit hash of whole words.
func murmur3(b []byte, h uint32) uint32 {
	n := uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := binary.LittleEndian.Uint32(b) * 0xcc9e2d51
		h ^= bits.RotateLeft32(k, 15) * 0x1b873593
		h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
	}
	h ^= n
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}
