package function

import (
	"math/bits"
	"slices"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// sumWide adds decimals in 128 bits.
type sumWide struct {
	lo, hi    []uint64
	seen      []bool
	lost      []bool // beyond what 38 digits hold
	precision int    // of the sum
	wide      bool   // the argument is Int128
	small     bool   // a whole batch of the argument's type can be added in 64 bits
	mode      overflowMode
	fail      func() error
	longs     []int64 // scratch
	aggScratch
}

func newSumWide(precision, argPrecision int, wide bool, mode overflowMode, fail func() error) *sumWide {
	const smallDigits = 15 // 10^15 times the rows of a batch is less than 2^63
	return &sumWide{precision: precision, wide: wide, small: argPrecision <= smallDigits, mode: mode, fail: fail}
}

func (a *sumWide) Grow(n int) {
	a.lo, a.hi, a.seen, a.lost = grown(a.lo, n), grown(a.hi, n), grown(a.seen, n), grown(a.lost, n)
}

func (a *sumWide) Update(groups []int32, args []*batch.Vector, n int) error {
	v := a.flat(0, args[0])
	if v.ConstNull() {
		return nil
	}
	switch {
	case a.wide:
		return a.addWide(a.groups(groups, n), v, n)
	case groups == nil && a.small && n <= batch.Rows:
		a.addPartial(batch.Values[int64](v)[:n], v)
	case v.Validity() == nil && a.small && n <= batch.Rows && len(a.lo) <= fewGroups:
		a.addLanes(groups[:n], batch.Values[int64](v)[:n])
	case v.Validity() == nil:
		a.addLongs(a.groups(groups, n), batch.Values[int64](v)[:n])
	default:
		a.addLongsValid(a.groups(groups, n), batch.Values[int64](v)[:n], v.Validity())
	}
	return nil
}

// addPartial adds a batch to group 0 through one 64-bit partial sum.
func (a *sumWide) addPartial(vals []int64, v *batch.Vector) {
	var s int64
	rows := len(vals)
	if valid := v.Validity(); valid == nil {
		for _, x := range vals {
			s += x
		}
	} else {
		for i, x := range vals {
			s += x & -int64(valid[i>>6]>>(uint(i)&63)&1)
		}
		rows = batch.CountBits(valid, rows)
	}
	a.add(0, decimal.FromInt64(s))
	a.seen[0] = a.seen[0] || rows > 0
}

func (a *sumWide) addLongs(groups []int32, vals []int64) {
	lo, hi, seen := a.lo, a.hi, a.seen
	groups = groups[:len(vals)]
	for i, x := range vals {
		g := groups[i]
		l, carry := bits.Add64(lo[g], uint64(x), 0)
		lo[g] = l
		hi[g] += uint64(x>>63) + carry
		seen[g] = true
	}
}

func (a *sumWide) addLongsValid(groups []int32, vals []int64, valid []uint64) {
	lo, hi, seen := a.lo, a.hi, a.seen
	groups = groups[:len(vals)]
	for i, x := range vals {
		if valid[i>>6]>>(uint(i)&63)&1 == 0 {
			continue
		}
		g := groups[i]
		l, carry := bits.Add64(lo[g], uint64(x), 0)
		lo[g] = l
		hi[g] += uint64(x>>63) + carry
		seen[g] = true
	}
}

// addLanes adds a batch whose values are small to few groups.
func (a *sumWide) addLanes(groups []int32, vals []int64) {
	var part lanes
	part.add(groups, vals)
	for g := range a.lo {
		if x := part.of(g); x != 0 {
			a.add(int32(g), decimal.FromInt64(x))
		}
	}
	if slices.Contains(a.seen, false) {
		for _, g := range groups {
			a.seen[g] = true
		}
	}
}

// addWide adds 128-bit values: those of few groups in 64 bits if that is exact.
func (a *sumWide) addWide(groups []int32, v *batch.Vector, n int) error {
	vals, valid := batch.Values[batch.Int128](v)[:n], v.Validity()
	if valid == nil && len(a.lo) <= fewGroups && n <= batch.Rows {
		a.longs = slices.Grow(a.longs[:0], n)[:n]
		if _, small := longsOf(a.longs, vals); small {
			a.addLanes(groups[:n], a.longs)
			return nil
		}
	}
	for i, x := range vals {
		if valid != nil && !bit(valid, i) {
			continue
		}
		g := groups[i]
		a.add(g, x)
		a.seen[g] = true
		if a.mode == overflowFails && a.lost[g] {
			return a.fail()
		}
	}
	return nil
}

// add adds x and notes a sum of more than 38 digits before it can wrap.
func (a *sumWide) add(g int32, x batch.Int128) {
	s := a.sum(int(g)).Add(x)
	a.lo[g], a.hi[g] = s.Lo, uint64(s.Hi)
	const nearly = 1 << 62 // below the high half of 10^38
	if uint64(s.Hi^s.Hi>>63) >= nearly && !s.Fits(decimal.MaxDigits) {
		a.lost[g] = true
	}
}

func (a *sumWide) sum(g int) batch.Int128 { return batch.Int128{Lo: a.lo[g], Hi: int64(a.hi[g])} }

// Merge reads (sum, seen): a null sum of a group with rows has overflowed.
func (a *sumWide) Merge(groups []int32, state []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	v := a.flat(0, state[0])
	seen, vals := batch.Values[bool](a.flat(1, state[1])), batch.Values[batch.Int128](v)
	for i := range n {
		g := groups[i]
		a.seen[g] = a.seen[g] || seen[i]
		if v.Valid(i) {
			a.add(g, vals[i])
		} else if seen[i] {
			a.lost[g] = true
		}
		if a.lost[g] && a.mode == overflowFails {
			return a.fail()
		}
	}
	return nil
}

func (a *sumWide) State(from, to int, out []*batch.Vector) error {
	for g := from; g < to; g++ {
		at := appendSlots(out[0], []batch.Int128{a.sum(g)})
		if a.lost[g] || !a.seen[g] {
			out[0].SetNull(at)
		}
	}
	appendSlots(out[1], a.seen[from:to])
	return nil
}

func (a *sumWide) Result(from, to int, out *batch.Vector) error {
	for g := from; g < to; g++ {
		if !a.seen[g] {
			out.AppendNulls(1)
			continue
		}
		s := a.sum(g)
		if a.lost[g] || !s.Fits(a.precision) {
			if a.mode == overflowFails {
				return a.fail()
			}
			out.AppendNulls(1)
			continue
		}
		appendDecimal(out, s)
	}
	return nil
}

func (a *sumWide) Bytes() int64 {
	return int64(cap(a.lo)+cap(a.hi))*8 + int64(cap(a.seen)+cap(a.lost))
}

func (a *sumWide) Reset() {
	a.lo, a.hi, a.seen, a.lost = a.lo[:0], a.hi[:0], a.seen[:0], a.lost[:0]
}

// appendDecimal appends an unscaled value in the width of out's type.
func appendDecimal(out *batch.Vector, x batch.Int128) {
	if int(out.Type.Precision) <= types.MaxLongPrecision {
		appendSlots(out, []int64{x.Int64()})
		return
	}
	appendSlots(out, []batch.Int128{x})
}

// meanHalfUp is x·10^k / n rounded half away from zero.
func meanHalfUp(x batch.Int128, k int, n int64) (batch.Int128, bool) {
	return decimal.MulDiv(x, decimal.Pow10(k), decimal.FromInt64(n))
}

func abs64(x int64) int64 {
	if x < 0 {
		return -x
	}
	return x
}
