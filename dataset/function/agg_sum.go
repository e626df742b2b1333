package function

import (
	"github.com/spurwheel/spurwheel/internal/batch"
)

// overflowMode says what an integer sum that leaves its type does.
type overflowMode uint8

const (
	overflowFails overflowMode = iota // ANSI
	overflowWraps
	overflowNull
)

// sumLong adds integers in 64 bits: sums of integers, and the decimals whose
// sums have at most 18 digits.
type sumLong[T int8 | int16 | int32 | int64] struct {
	sums  []int64
	seen  []bool
	lost  []bool // group overflowed; only if mode is overflowNull
	mode  overflowMode
	limit int64        // largest magnitude of the result, 0 for the full range
	fail  func() error // the error to raise
	aggScratch
}

func (a *sumLong[T]) Grow(n int) {
	a.sums, a.seen = grown(a.sums, n), grown(a.seen, n)
	if a.mode == overflowNull {
		a.lost = grown(a.lost, n)
	}
}

func (a *sumLong[T]) Update(groups []int32, args []*batch.Vector, n int) error {
	v := a.flat(0, args[0])
	if v.ConstNull() {
		return nil
	}
	vals, valid := batch.Values[T](v)[:n], v.Validity()
	if a.mode == overflowNull {
		sumTry(a, a.groups(groups, n), vals, valid)
		return nil
	}
	var over int64
	switch {
	case groups == nil && valid == nil:
		over = a.sumAll(vals)
	case groups == nil:
		over = a.sumAllValid(vals, valid)
	case valid == nil:
		over = sumGroups(a.sums, a.seen, groups, vals)
	default:
		over = sumGroupsValid(a.sums, a.seen, groups, vals, valid)
	}
	return a.check(over)
}

// check raises the overflow that the sign bit of over stands for.
func (a *sumLong[T]) check(over int64) error {
	if over < 0 && a.mode == overflowFails {
		return a.fail()
	}
	return nil
}

func (a *sumLong[T]) sumAll(vals []T) (over int64) {
	s := a.sums[0]
	for _, x := range vals {
		y := int64(x)
		r := s + y
		over |= (s ^ r) & (y ^ r)
		s = r
	}
	a.sums[0] = s
	a.seen[0] = a.seen[0] || len(vals) > 0
	return over
}

func (a *sumLong[T]) sumAllValid(vals []T, valid []uint64) (over int64) {
	s, some := a.sums[0], false
	for i, x := range vals {
		if valid[i>>6]>>(uint(i)&63)&1 == 0 {
			continue
		}
		y := int64(x)
		r := s + y
		over |= (s ^ r) & (y ^ r)
		s, some = r, true
	}
	a.sums[0] = s
	a.seen[0] = a.seen[0] || some
	return over
}

func sumGroups[T int8 | int16 | int32 | int64](sums []int64, seen []bool, groups []int32, vals []T) (over int64) {
	groups = groups[:len(vals)]
	for i, x := range vals {
		g := groups[i]
		s, y := sums[g], int64(x)
		r := s + y
		over |= (s ^ r) & (y ^ r)
		sums[g] = r
		seen[g] = true
	}
	return over
}

func sumGroupsValid[T int8 | int16 | int32 | int64](sums []int64, seen []bool, groups []int32, vals []T, valid []uint64) (over int64) {
	groups = groups[:len(vals)]
	for i, x := range vals {
		if valid[i>>6]>>(uint(i)&63)&1 == 0 {
			continue
		}
		g := groups[i]
		s, y := sums[g], int64(x)
		r := s + y
		over |= (s ^ r) & (y ^ r)
		sums[g] = r
		seen[g] = true
	}
	return over
}

// sumTry remembers which groups overflowed.
func sumTry[T int8 | int16 | int32 | int64](a *sumLong[T], groups []int32, vals []T, valid []uint64) {
	for i, x := range vals {
		if valid != nil && !bit(valid, i) {
			continue
		}
		g := groups[i]
		s, y := a.sums[g], int64(x)
		r := s + y
		if (s^r)&(y^r) < 0 {
			a.lost[g] = true
		}
		a.sums[g] = r
		a.seen[g] = true
	}
}

// Merge reads (sum, lost): a null sum is a group without rows.
func (a *sumLong[T]) Merge(groups []int32, state []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	v, lost := a.flat(0, state[0]), batch.Values[bool](a.flat(1, state[1]))
	vals := batch.Values[int64](v)
	var over int64
	for i, y := range vals {
		g := groups[i]
		if a.lost != nil && lost[i] {
			a.lost[g], a.seen[g] = true, true
		}
		if !v.Valid(i) {
			continue
		}
		s := a.sums[g]
		r := s + y
		bad := (s ^ r) & (y ^ r)
		if a.lost != nil && bad < 0 {
			a.lost[g] = true
		}
		over |= bad
		a.sums[g], a.seen[g] = r, true
	}
	return a.check(over)
}

func (a *sumLong[T]) State(from, to int, out []*batch.Vector) error {
	appendSeen(out[0], a.sums[from:to], a.seen[from:to])
	if a.lost == nil {
		at := appendSlots(out[1], a.seen[from:to])
		clear(batch.Values[bool](out[1])[at:])
		return nil
	}
	appendSlots(out[1], a.lost[from:to])
	return nil
}

func (a *sumLong[T]) Result(from, to int, out *batch.Vector) error {
	at := out.Len()
	appendSeen(out, a.sums[from:to], a.seen[from:to])
	for g := from; g < to; g++ {
		bad := a.lost != nil && a.lost[g] || a.limit > 0 && (a.sums[g] > a.limit || a.sums[g] < -a.limit)
		if !bad || !a.seen[g] {
			continue
		}
		if a.mode == overflowFails {
			return a.fail()
		}
		out.SetNull(at + g - from)
	}
	return nil
}

func (a *sumLong[T]) Bytes() int64 { return int64(cap(a.sums))*8 + int64(cap(a.seen)+cap(a.lost)) }

func (a *sumLong[T]) Reset() { a.sums, a.seen, a.lost = a.sums[:0], a.seen[:0], a.lost[:0] }

// sumDouble adds floats and doubles.
type sumDouble[T float32 | float64] struct {
	sums []float64
	seen []bool
	aggScratch
}

func (a *sumDouble[T]) Grow(n int) { a.sums, a.seen = grown(a.sums, n), grown(a.seen, n) }

func (a *sumDouble[T]) Update(groups []int32, args []*batch.Vector, n int) error {
	v := a.flat(0, args[0])
	if v.ConstNull() {
		return nil
	}
	vals, valid := batch.Values[T](v)[:n], v.Validity()
	switch {
	case valid != nil:
		a.addValid(a.groups(groups, n), vals, valid)
	case groups == nil:
		s := a.sums[0]
		for _, x := range vals {
			s += float64(x)
		}
		a.sums[0], a.seen[0] = s, a.seen[0] || n > 0
	default:
		sums, seen := a.sums, a.seen
		groups = groups[:len(vals)]
		for i, x := range vals {
			sums[groups[i]] += float64(x)
			seen[groups[i]] = true
		}
	}
	return nil
}

func (a *sumDouble[T]) addValid(groups []int32, vals []T, valid []uint64) {
	sums, seen := a.sums, a.seen
	groups = groups[:len(vals)]
	for i, x := range vals {
		if valid[i>>6]>>(uint(i)&63)&1 != 0 {
			sums[groups[i]] += float64(x)
			seen[groups[i]] = true
		}
	}
}

func (a *sumDouble[T]) Merge(groups []int32, state []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	v := a.flat(0, state[0])
	for i, x := range batch.Values[float64](v) {
		if v.Valid(i) {
			a.sums[groups[i]] += x
			a.seen[groups[i]] = true
		}
	}
	return nil
}

func (a *sumDouble[T]) State(from, to int, out []*batch.Vector) error {
	return a.Result(from, to, out[0])
}

func (a *sumDouble[T]) Result(from, to int, out *batch.Vector) error {
	appendSeen(out, a.sums[from:to], a.seen[from:to])
	return nil
}

func (a *sumDouble[T]) Bytes() int64 { return int64(cap(a.sums))*8 + int64(cap(a.seen)) }
func (a *sumDouble[T]) Reset()       { a.sums, a.seen = a.sums[:0], a.seen[:0] }
