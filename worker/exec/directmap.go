package exec

import (
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// directMap finds the groups of a batch by position when every key comes from
// a small domain: dictionary codes, booleans or small integer ranges, known
// only at run time. It is a cache before the hash table: cells are filled from
// the table's answers and forgotten when a domain moves.
type directMap struct {
	dims  []directDim
	cells []int32 // group, -1 unknown
	pos   []int32 // scratch: the batch's cells
	off   bool    // a domain turned out large: do not try again
	moved bool    // a domain changed and the cells were not laid out anew
}

// directDim is one key's domain. Position size-1 stands for null.
type directDim struct {
	size   int
	stride int32
	base   int64         // integers: value of position 0
	dict   *batch.Vector // dictionaries: copy of the entries
}

// maxCells bounds the map: 64 KiB, beside the accumulators in the cache.
const maxCells = 1 << 14

// maxDirectKeys bounds the keys; more rarely stay small together.
const maxDirectKeys = 6

// lookup sets groups and reports success. On failure the caller asks the hash
// table and may learn from its answer.
func (m *directMap) lookup(cols []*batch.Vector, n int, groups []int32) (hit, usable bool) {
	if m.off || len(cols) > maxDirectKeys || !m.fit(cols, n) {
		return false, false
	}
	if cap(m.pos) < n {
		m.pos = make([]int32, max(n, batch.Rows))
	}
	m.pos = m.pos[:n]
	clear(m.pos)
	for k, v := range cols {
		m.addPositions(&m.dims[k], v)
	}
	missing := int32(0)
	cells := m.cells
	for i, p := range m.pos {
		g := cells[p]
		groups[i] = g
		missing |= g
	}
	return missing >= 0, true
}

// learn fills the cells of the batch last looked up.
func (m *directMap) learn(groups []int32) {
	for i, p := range m.pos {
		m.cells[p] = groups[i]
	}
}

// fit makes the domains cover the batch; false if they are not small.
func (m *directMap) fit(cols []*batch.Vector, n int) bool {
	if m.dims == nil {
		m.dims = make([]directDim, len(cols))
	}
	for k, v := range cols {
		ok, changed := m.dims[k].cover(v, n)
		m.moved = m.moved || changed
		if !ok {
			m.off = m.off || v.Enc != batch.Const && v.Phys() != types.PhysView
			return false
		}
	}
	if !m.moved {
		return true
	}
	stride := 1
	for k := range m.dims {
		m.dims[k].stride = int32(stride)
		stride *= m.dims[k].size
		if stride > maxCells {
			m.off = true
			return false
		}
	}
	m.moved = false
	m.cells = m.cells[:0]
	for range stride {
		m.cells = append(m.cells, -1)
	}
	return true
}

// cover makes the domain hold v's values.
func (d *directDim) cover(v *batch.Vector, n int) (ok, changed bool) {
	if v.Enc == batch.Dict {
		return d.coverDict(v.Dict)
	}
	if v.Enc != batch.Flat || n == 0 {
		return false, false
	}
	var lo, hi int64
	switch v.Phys() {
	case types.PhysBool:
		lo, hi = 0, 1
	case types.PhysInt8:
		lo, hi = span(slots[int8](v, n))
	case types.PhysInt16:
		lo, hi = span(slots[int16](v, n))
	case types.PhysInt32:
		lo, hi = span(slots[int32](v, n))
	case types.PhysInt64:
		lo, hi = span(slots[int64](v, n))
	default:
		return false, false
	}
	return d.coverSpan(lo, hi)
}

func (d *directDim) coverSpan(lo, hi int64) (ok, changed bool) {
	if d.dict == nil && d.size > 0 {
		end := d.base + int64(d.size) - 2
		if lo >= d.base && hi <= end {
			return true, false
		}
		lo, hi = min(lo, d.base), max(hi, end)
	}
	if uint64(hi)-uint64(lo) > maxCells {
		return false, false
	}
	d.base, d.size, d.dict = lo, int(hi-lo)+2, nil
	return true, true
}

// coverDict compares entries, not pointers: a reader may reuse its dictionary.
func (d *directDim) coverDict(dict *batch.Vector) (ok, changed bool) {
	n := dict.Len()
	if n > maxCells {
		return false, false
	}
	if d.dict != nil && sameEntries(d.dict, dict) {
		return true, false
	}
	d.dict, d.size = batch.New(dict.Type, n), n+1
	d.dict.Reset(0)
	d.dict.AppendRange(dict, 0, n)
	return true, true
}

func sameEntries(a, b *batch.Vector) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if batch.CompareAt(a, i, b, i) != 0 {
			return false
		}
	}
	return true
}

func span[T int8 | int16 | int32 | int64](s []T) (lo, hi int64) {
	l, h := s[0], s[0]
	for _, x := range s {
		l, h = min(l, x), max(h, x)
	}
	return int64(l), int64(h)
}

// addPositions adds a key's share to the positions.
func (m *directMap) addPositions(d *directDim, v *batch.Vector) {
	n := len(m.pos)
	switch {
	case v.Enc == batch.Dict:
		addSpan(m.pos, v.Codes[:n], 0, d.stride)
	case v.Phys() == types.PhysBool, v.Phys() == types.PhysInt8:
		addSpan(m.pos, slots[int8](v, n), d.base, d.stride)
	case v.Phys() == types.PhysInt16:
		addSpan(m.pos, slots[int16](v, n), d.base, d.stride)
	case v.Phys() == types.PhysInt32:
		addSpan(m.pos, slots[int32](v, n), d.base, d.stride)
	default:
		addSpan(m.pos, slots[int64](v, n), d.base, d.stride)
	}
	if !v.HasNulls() {
		return
	}
	for i := range n {
		if !v.Valid(i) {
			m.pos[i] += (int32(d.size-1) - d.code(v, i)) * d.stride
		}
	}
}

// code is the position that addSpan gave row i.
func (d *directDim) code(v *batch.Vector, i int) int32 {
	if v.Enc == batch.Dict {
		return v.Codes[i]
	}
	var at [1]int32
	switch v.Phys() {
	case types.PhysBool, types.PhysInt8:
		addSpan(at[:], slots[int8](v, i+1)[i:], d.base, 1)
	case types.PhysInt16:
		addSpan(at[:], slots[int16](v, i+1)[i:], d.base, 1)
	case types.PhysInt32:
		addSpan(at[:], slots[int32](v, i+1)[i:], d.base, 1)
	default:
		addSpan(at[:], slots[int64](v, i+1)[i:], d.base, 1)
	}
	return at[0]
}

func addSpan[T int8 | int16 | int32 | int64](pos []int32, s []T, base int64, stride int32) {
	s = s[:len(pos)]
	for i, x := range s {
		pos[i] += int32(int64(x)-base) * stride
	}
}
