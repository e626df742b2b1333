package function

import (
	"math"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/decimal"
)

// avgDouble is the mean of numbers that are not decimals, in double precision.
type avgDouble[T int8 | int16 | int32 | int64 | float32 | float64] struct {
	sums   []float64
	counts []int64
	aggScratch
}

func (a *avgDouble[T]) Grow(n int) { a.sums, a.counts = grown(a.sums, n), grown(a.counts, n) }

func (a *avgDouble[T]) Update(groups []int32, args []*batch.Vector, n int) error {
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
		a.sums[0] = s
		a.counts[0] += int64(n)
	default:
		sums, counts := a.sums, a.counts
		groups = groups[:len(vals)]
		for i, x := range vals {
			sums[groups[i]] += float64(x)
			counts[groups[i]]++
		}
	}
	return nil
}

func (a *avgDouble[T]) addValid(groups []int32, vals []T, valid []uint64) {
	sums, counts := a.sums, a.counts
	groups = groups[:len(vals)]
	for i, x := range vals {
		if valid[i>>6]>>(uint(i)&63)&1 != 0 {
			sums[groups[i]] += float64(x)
			counts[groups[i]]++
		}
	}
}

func (a *avgDouble[T]) Merge(groups []int32, state []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	sums, counts := batch.Values[float64](a.flat(0, state[0])), batch.Values[int64](a.flat(1, state[1]))
	for i := range n {
		a.sums[groups[i]] += sums[i]
		a.counts[groups[i]] += counts[i]
	}
	return nil
}

func (a *avgDouble[T]) State(from, to int, out []*batch.Vector) error {
	appendSlots(out[0], a.sums[from:to])
	appendSlots(out[1], a.counts[from:to])
	return nil
}

func (a *avgDouble[T]) Result(from, to int, out *batch.Vector) error {
	at := out.Len()
	out.SetLen(at + to - from)
	vals := batch.Values[float64](out)[at:]
	for i := range vals {
		if c := a.counts[from+i]; c > 0 {
			vals[i] = a.sums[from+i] / float64(c)
		} else {
			out.SetNull(at + i)
		}
	}
	return nil
}

func (a *avgDouble[T]) Bytes() int64 { return int64(cap(a.sums)+cap(a.counts)) * 8 }
func (a *avgDouble[T]) Reset()       { a.sums, a.counts = a.sums[:0], a.counts[:0] }

// avgDecimal is the mean of decimals, with as many more digits of scale as the
// result type has over the argument's.
type avgDecimal struct {
	sum       *sumWide
	count     countAgg
	extra     int // digits of scale gained
	precision int // of the result
}

func (a *avgDecimal) Grow(n int) {
	a.sum.Grow(n)
	a.count.Grow(n)
}

func (a *avgDecimal) Update(groups []int32, args []*batch.Vector, n int) error {
	if err := a.count.Update(groups, args, n); err != nil {
		return err
	}
	return a.sum.Update(groups, args, n)
}

// Merge reads the sum's two columns and the count.
func (a *avgDecimal) Merge(groups []int32, state []*batch.Vector, n int) error {
	if err := a.count.Merge(groups, state[2:], n); err != nil {
		return err
	}
	return a.sum.Merge(groups, state[:2], n)
}

func (a *avgDecimal) State(from, to int, out []*batch.Vector) error {
	if err := a.sum.State(from, to, out[:2]); err != nil {
		return err
	}
	return a.count.State(from, to, out[2:])
}

func (a *avgDecimal) Result(from, to int, out *batch.Vector) error {
	for g := from; g < to; g++ {
		c := a.count.counts[g]
		if c == 0 {
			out.AppendNulls(1)
			continue
		}
		s := a.sum.sum(g)
		ok := !a.sum.lost[g] && s.Fits(a.sum.precision)
		if ok {
			s, ok = meanHalfUp(s, a.extra, c)
		}
		switch {
		case ok && s.Fits(a.precision):
			appendDecimal(out, s)
		case a.sum.mode == overflowFails:
			return a.sum.fail()
		default:
			out.AppendNulls(1)
		}
	}
	return nil
}

func (a *avgDecimal) Bytes() int64 { return a.sum.Bytes() + a.count.Bytes() }

func (a *avgDecimal) Reset() {
	a.sum.Reset()
	a.count.Reset()
}

// avgInterval is the mean of ANSI intervals.
type avgInterval[T int32 | int64] struct {
	sum   sumLong[T]
	count countAgg
}

func (a *avgInterval[T]) Grow(n int) {
	a.sum.Grow(n)
	a.count.Grow(n)
}

func (a *avgInterval[T]) Update(groups []int32, args []*batch.Vector, n int) error {
	if err := a.count.Update(groups, args, n); err != nil {
		return err
	}
	return a.sum.Update(groups, args, n)
}

// Merge reads the sum's two columns and the count.
func (a *avgInterval[T]) Merge(groups []int32, state []*batch.Vector, n int) error {
	if err := a.count.Merge(groups, state[2:], n); err != nil {
		return err
	}
	return a.sum.Merge(groups, state[:2], n)
}

func (a *avgInterval[T]) State(from, to int, out []*batch.Vector) error {
	if err := a.sum.State(from, to, out[:2]); err != nil {
		return err
	}
	return a.count.State(from, to, out[2:])
}

func (a *avgInterval[T]) Result(from, to int, out *batch.Vector) error {
	for g := from; g < to; g++ {
		c := a.count.counts[g]
		if c == 0 {
			out.AppendNulls(1)
			continue
		}
		if a.sum.lost != nil && a.sum.lost[g] || a.sum.limit > 0 && abs64(a.sum.sums[g]) > a.sum.limit {
			if a.sum.mode == overflowFails {
				return a.sum.fail()
			}
			out.AppendNulls(1)
			continue
		}
		q, _ := meanHalfUp(decimal.FromInt64(a.sum.sums[g]), 0, c)
		appendLong(out, q.Int64())
	}
	return nil
}

func (a *avgInterval[T]) Bytes() int64 { return a.sum.Bytes() + a.count.Bytes() }

func (a *avgInterval[T]) Reset() {
	a.sum.Reset()
	a.count.Reset()
}

// sumMonths adds year-month intervals, whose sums are 32 bits wide.
type sumMonths struct{ sumLong[int32] }

// monthsLimit is the largest magnitude of a year-month interval.
const monthsLimit = math.MaxInt32

func (a *sumMonths) Result(from, to int, out *batch.Vector) error {
	for g := from; g < to; g++ {
		over := a.lost != nil && a.lost[g] || abs64(a.sums[g]) > monthsLimit
		switch {
		case !a.seen[g]:
			out.AppendNulls(1)
		case !over:
			appendSlots(out, []int32{int32(a.sums[g])})
		case a.mode == overflowFails:
			return a.fail()
		default:
			out.AppendNulls(1)
		}
	}
	return nil
}

// appendLong appends x in the width of out's type, which is 32 or 64 bits.
func appendLong(out *batch.Vector, x int64) {
	if out.Phys().Width() == 4 {
		appendSlots(out, []int32{int32(x)})
		return
	}
	appendSlots(out, []int64{x})
}
