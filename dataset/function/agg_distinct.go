package function

import (
	"math"
	"math/bits"

	"github.com/spurwheel/spurwheel/internal/batch"
)

// distinctAgg is approx_count_distinct: HyperLogLog with Spark's hash and
// registers, so that equal inputs give equal states. Small counts are linear.
type distinctAgg struct {
	p    int     // log2 of the number of registers
	regs []uint8 // 1<<p for each group
	n    int
	hash []uint64
	aggScratch
}

// Bounds of the precision.
const (
	minDistinctBits = 4
	maxDistinctBits = 24
)

// distinctBits is the precision for a relative standard deviation.
func distinctBits(rsd float64) int {
	return int(math.Ceil(2 * math.Log2(1.106/rsd)))
}

func newDistinct(p int) *distinctAgg { return &distinctAgg{p: p} }

func (a *distinctAgg) Grow(n int) {
	a.n = max(a.n, n)
	a.regs = grown(a.regs, a.n<<a.p)
}

func (a *distinctAgg) Update(groups []int32, args []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	v := a.flat(0, args[0])
	a.hash = grown(a.hash, n)
	for i := range n {
		a.hash[i] = hashSeed
	}
	xx.column(a.hash[:n], v)
	for _, r := range a.present(n, v) {
		h := a.hash[r]
		at := int(groups[r])<<a.p + int(h>>(64-a.p))
		rank := uint8(bits.LeadingZeros64(h<<a.p|1<<(a.p-1))) + 1
		if rank > a.regs[at] {
			a.regs[at] = rank
		}
	}
	return nil
}

func (a *distinctAgg) Merge(groups []int32, state []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	v := a.flat(0, state[0])
	for i := range n {
		regs := a.regs[int(groups[i])<<a.p:]
		for k, r := range v.Str(i) {
			regs[k] = max(regs[k], r)
		}
	}
	return nil
}

func (a *distinctAgg) State(from, to int, out []*batch.Vector) error {
	for g := from; g < to; g++ {
		at := out[0].Len()
		out[0].SetLen(at + 1)
		out[0].SetStr(at, a.regs[g<<a.p:(g+1)<<a.p])
	}
	return nil
}

func (a *distinctAgg) Result(from, to int, out *batch.Vector) error {
	for g := from; g < to; g++ {
		appendSlots(out, []int64{a.estimate(a.regs[g<<a.p : (g+1)<<a.p])})
	}
	return nil
}

// linearUpTo is the largest estimate for which counting empty registers is
// the better method, by precision from 4 (Heule, Nunkesser, Hall 2013).
var linearUpTo = [...]float64{10, 20, 40, 80, 220, 400, 900, 1800, 3100, 6500, 11500, 20000, 50000, 120000, 350000}

func (a *distinctAgg) estimate(regs []uint8) int64 {
	m := float64(len(regs))
	sum, zeros := 0.0, 0.0
	for _, r := range regs {
		sum += 1 / float64(uint64(1)<<r)
		if r == 0 {
			zeros++
		}
	}
	if zeros > 0 {
		h := m * math.Log(m/zeros)
		if a.p-minDistinctBits >= len(linearUpTo) || h <= linearUpTo[a.p-minDistinctBits] {
			return int64(math.Round(h))
		}
	}
	return int64(math.Round(alphaMM(m) / sum))
}

// alphaMM is the algorithm's constant for m registers, times m squared.
func alphaMM(m float64) float64 {
	switch m {
	case 16:
		return 0.673 * m * m
	case 32:
		return 0.697 * m * m
	case 64:
		return 0.709 * m * m
	}
	return 0.7213 / (1 + 1.079/m) * m * m
}

func (a *distinctAgg) Bytes() int64 { return int64(cap(a.regs)) + int64(cap(a.hash))*8 }

func (a *distinctAgg) Reset() { a.regs, a.n = a.regs[:0], 0 }
