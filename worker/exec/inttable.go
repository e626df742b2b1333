package exec

import (
	"runtime"
	"sync/atomic"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// intTable is the hash table of a join on one integer key that is not dense:
// slots hold the key beside the row, so that a probe costs one cache miss
// instead of two.
type intTable struct {
	slots []intSlot
	mask  uint64
}

// intSlot is a key and its first row+1: 0 empty, -1 being written.
type intSlot struct {
	key uint64
	row int64
}

// newIntTable makes room for rows at a load of at most two thirds.
func newIntTable(rows int64) *intTable {
	size := int64(64)
	for 2*size < 3*rows {
		size *= 2
	}
	return &intTable{slots: make([]intSlot, size), mask: uint64(size - 1)}
}

// insert adds a row; safe among threads. If the key has rows already, the new
// one goes before them, with next pointing on.
func (t *intTable) insert(key uint64, row int32, next []int32) (chained bool) {
	at := batch.Hash64(key) >> slotShift & t.mask
	for {
		s := &t.slots[at]
		switch head := atomic.LoadInt64(&s.row); {
		case head == 0:
			if atomic.CompareAndSwapInt64(&s.row, 0, -1) {
				s.key = key
				atomic.StoreInt64(&s.row, int64(row)+1)
				return false
			}
		case head < 0: // another thread is about to store the key
			runtime.Gosched()
		case s.key != key:
			at = (at + 1) & t.mask
		default:
			next[row] = int32(head)
			if atomic.CompareAndSwapInt64(&s.row, head, int64(row)+1) {
				return true
			}
		}
	}
}

// intProbe is scratch of a probe.
type intProbe struct {
	at   []uint64
	keys []uint64
	rows []int64
}

// findInts looks keys up: first the slots of all, whose cache misses overlap.
func findInts[T int8 | int16 | int32 | int64](t *intTable, p *intProbe, vals []T, heads []int32) {
	n := len(vals)
	if cap(p.at) < n {
		p.at, p.keys, p.rows = make([]uint64, max(n, batch.Rows)), make([]uint64, max(n, batch.Rows)), make([]int64, max(n, batch.Rows))
	}
	at, keys, rows := p.at[:n], p.keys[:n], p.rows[:n]
	for i, x := range vals {
		at[i] = batch.Hash64(uint64(int64(x))) >> slotShift & t.mask
	}
	for i, a := range at {
		s := &t.slots[a]
		keys[i], rows[i] = s.key, s.row
	}
	heads = heads[:n]
	for i, x := range vals {
		k := uint64(int64(x))
		r := rows[i]
		if r != 0 && keys[i] != k {
			r = t.walk(at[i], k)
		}
		heads[i] = int32(r) - 1
	}
}

// walk goes on from a slot of another key.
func (t *intTable) walk(at, key uint64) int64 {
	for {
		at = (at + 1) & t.mask
		if s := &t.slots[at]; s.row == 0 || s.key == key {
			return s.row
		}
	}
}

// isInt tells whether the layout is one integer key.
func (l *keyLayout) isInt() bool {
	if len(l.cols) != 1 {
		return false
	}
	switch l.cols[0].phys {
	case types.PhysBool, types.PhysInt8, types.PhysInt16, types.PhysInt32, types.PhysInt64:
		return true
	default:
	}
	return false
}
