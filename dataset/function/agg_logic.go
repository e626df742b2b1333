package function

import (
	"github.com/spurwheel/spurwheel/internal/batch"
)

// bitOp is a bitwise aggregate.
type bitOp uint8

const (
	bitAnd bitOp = iota
	bitOr
	bitXor
)

// bitAgg folds integers bitwise.
type bitAgg[T int8 | int16 | int32 | int64] struct {
	op   bitOp
	acc  []T
	seen []bool
	aggScratch
}

func (a *bitAgg[T]) Grow(n int) { a.acc, a.seen = grown(a.acc, n), grown(a.seen, n) }

func (a *bitAgg[T]) Update(groups []int32, args []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	rows := a.present(n, args...)
	vals := batch.Values[T](a.flat(0, args[0]))
	switch a.op {
	case bitAnd:
		for _, r := range rows {
			g := groups[r]
			if !a.seen[g] {
				a.acc[g] = -1
			}
			a.acc[g], a.seen[g] = a.acc[g]&vals[r], true
		}
	case bitOr:
		for _, r := range rows {
			g := groups[r]
			a.acc[g], a.seen[g] = a.acc[g]|vals[r], true
		}
	case bitXor:
		for _, r := range rows {
			g := groups[r]
			a.acc[g], a.seen[g] = a.acc[g]^vals[r], true
		}
	}
	return nil
}

func (a *bitAgg[T]) Merge(groups []int32, state []*batch.Vector, n int) error {
	return a.Update(groups, state, n)
}

func (a *bitAgg[T]) State(from, to int, out []*batch.Vector) error { return a.Result(from, to, out[0]) }

func (a *bitAgg[T]) Result(from, to int, out *batch.Vector) error {
	appendSeen(out, a.acc[from:to], a.seen[from:to])
	return nil
}

func (a *bitAgg[T]) Bytes() int64 { return int64(cap(a.acc))*8 + int64(cap(a.seen)) }
func (a *bitAgg[T]) Reset()       { a.acc, a.seen = a.acc[:0], a.seen[:0] }
