package exec

import (
	"math"
	"math/bits"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// sortKey is one key of an ordering over a relation.
type sortKey struct {
	col        int // column of the relation
	desc       bool
	nullsFirst bool
}

// sortCode packs one key's values into codes of the same order: the values
// mapped to unsigned numbers, less the smallest, turned round for descending
// keys, with one code more for nulls. exact means equal codes are equal values.
type sortCode struct {
	key    sortKey
	lo, hi uint64 // of the mapped values that occur
	nulls  bool
	small  bool // 128-bit values that all fit 64 bits
	text   textShape
	bits   int
	exact  bool
}

// planCode looks at all values of the key.
func planCode(key sortKey, col *batch.Chunked, scratch *[]uint64) sortCode {
	c := sortCode{key: key, lo: math.MaxUint64, exact: true, small: true}
	if col.Type.Phys() == types.PhysView {
		c.text = shapeOf(col)
	}
	if col.Type.Phys() == types.PhysInt128 {
		for _, p := range col.Parts {
			for i, x := range batch.Values[batch.Int128](p) {
				c.small = c.small && (x.IsInt64() || !p.Valid(i))
			}
		}
	}
	for _, p := range col.Parts {
		m, exact := c.mapped(p, scratch)
		c.exact = c.exact && exact
		if !p.HasNulls() {
			for _, x := range m {
				c.lo, c.hi = min(c.lo, x), max(c.hi, x)
			}
			continue
		}
		for i, x := range m {
			if p.Valid(i) {
				c.lo, c.hi = min(c.lo, x), max(c.hi, x)
			} else {
				c.nulls = true
			}
		}
	}
	if c.lo > c.hi {
		c.lo, c.hi = 0, 0
	}
	span := c.hi - c.lo
	if c.nulls && span == math.MaxUint64 { // no code is left for nulls: they share one
		span, c.exact = span-1, false
	}
	if c.nulls {
		span++
	}
	c.bits = bits.Len64(span)
	return c
}

// mapped maps a part's values to unsigned numbers of the same order, and tells
// whether equal numbers are equal values. Slots under nulls give anything.
func (c *sortCode) mapped(v *batch.Vector, scratch *[]uint64) ([]uint64, bool) {
	n := v.Len()
	if cap(*scratch) < n {
		*scratch = make([]uint64, max(n, batch.Rows))
	}
	out := (*scratch)[:n]
	switch v.Phys() {
	case types.PhysBool, types.PhysInt8:
		mapInts(out, batch.Values[int8](v))
	case types.PhysInt16:
		mapInts(out, batch.Values[int16](v))
	case types.PhysInt32:
		mapInts(out, batch.Values[int32](v))
	case types.PhysInt64:
		mapInts(out, batch.Values[int64](v))
	case types.PhysFloat32:
		for i, x := range batch.Values[float32](v) {
			out[i] = orderedBits(batch.FloatBits64(float64(x)))
		}
	case types.PhysFloat64:
		for i, x := range batch.Values[float64](v) {
			out[i] = orderedBits(batch.FloatBits64(x))
		}
	case types.PhysInt128:
		for i, x := range batch.Values[batch.Int128](v) {
			if c.small {
				out[i] = x.Lo ^ 1<<63
			} else {
				out[i] = uint64(x.Hi) ^ 1<<63
			}
		}
		return out, c.small
	case types.PhysView:
		c.text.mapViews(out, v)
		return out, c.text.exact()
	default:
		clear(out)
		return out, v.Phys() == types.PhysNull
	}
	return out, true
}

func mapInts[T int8 | int16 | int32 | int64](out []uint64, s []T) {
	for i, x := range s {
		out[i] = uint64(int64(x)) ^ 1<<63
	}
}

// orderedBits turns a float's bits into a number that sorts like the float.
func orderedBits(b uint64) uint64 { return b ^ (uint64(int64(b)>>63) | 1<<63) }

// textShape is what a column's strings have in common: their first skip bytes,
// and lengths between min and max beyond those.
type textShape struct{ skip, min, max int }

// shapeOf looks at all strings that are present.
func shapeOf(col *batch.Chunked) textShape {
	s := textShape{skip: math.MaxInt32, min: math.MaxInt32}
	var first []byte
	for _, p := range col.Parts {
		views := batch.Values[batch.View](p)
		for i := range views {
			if !p.Valid(i) {
				continue
			}
			b := views[i].Bytes(p.Bufs)
			if first == nil {
				first, s.skip = append([]byte{}, b...), len(b)
			}
			s.skip = min(s.skip, commonPrefix(first[:s.skip], b))
			s.min, s.max = min(s.min, len(b)), max(s.max, len(b))
		}
	}
	if first == nil {
		return textShape{}
	}
	return textShape{skip: s.skip, min: s.min - s.skip, max: s.max - s.skip}
}

func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// exact tells whether the mapped numbers hold whole strings: eight bytes, or
// seven and the length where lengths differ.
func (s textShape) exact() bool { return s.max <= 7 || s.max == 8 && s.min == 8 }

// mapViews takes bytes after the common ones, and the length if it varies.
func (s textShape) mapViews(out []uint64, v *batch.Vector) {
	views := batch.Values[batch.View](v)
	take := min(s.max, 8)
	if s.min != s.max && take > 7 {
		take = 7
	}
	for i := range views {
		if !v.Valid(i) {
			out[i] = 0
			continue
		}
		b := views[i].Bytes(v.Bufs)[s.skip:]
		x := uint64(0)
		for k := range take {
			x <<= 8
			if k < len(b) {
				x |= uint64(b[k])
			}
		}
		if s.min != s.max {
			x = x<<8 | uint64(min(len(b), 8))
		}
		out[i] = x
	}
}

// code turns a mapped value into its code. Codes that do not fit c.bits cannot
// occur for values the plan has seen.
func (c *sortCode) code(m uint64, null bool) uint64 {
	shift := uint64(0)
	if c.nulls {
		if null {
			if c.key.nullsFirst {
				return 0
			}
			return uint64(1)<<uint(c.bits-1)<<1 - 1
		}
		if c.key.nullsFirst {
			shift = 1
		}
	}
	x := m - c.lo
	if c.key.desc {
		x = c.hi - m
	}
	if s := x + shift; s >= x {
		return s
	}
	return math.MaxUint64
}

// sortEntry is a row to sort: the packed codes of its first keys and its
// position. more is the codes of the next keys where they fit: fetching them
// when prefixes tie would be a cache miss for each row.
type sortEntry struct {
	prefix uint64
	row    int32
	more   uint32
}

// packing is how many keys' codes make up the prefix.
type packing struct {
	codes []sortCode
	width []int // bits taken of each
	exact int   // so many first keys are decided by equal prefixes
}

// planPacking takes keys as long as bits last.
func planPacking(keys []sortKey, rel *relation) packing {
	var p packing
	var scratch []uint64
	left := 64
	for _, k := range keys {
		c := planCode(k, rel.cols[k.col], &scratch)
		w := min(c.bits, left)
		p.codes, p.width = append(p.codes, c), append(p.width, w)
		left -= w
		if w < c.bits || !c.exact {
			return p
		}
		p.exact++
		if left == 0 && p.exact < len(keys) {
			return p
		}
	}
	return p
}

// bits is the length of the prefix.
func (p *packing) bits() int {
	n := 0
	for _, w := range p.width {
		n += w
	}
	return n
}

// entries fills the prefixes of one part.
func (p *packing) entries(rel *relation, part int, out []sortEntry, scratch *[]uint64) {
	for k := range p.codes {
		c := &p.codes[k]
		if p.width[k] == 0 {
			continue
		}
		v := rel.cols[c.key.col].Parts[part]
		m, _ := c.mapped(v, scratch)
		drop, keep := uint(c.bits-p.width[k]), uint(p.width[k])
		nulls := v.HasNulls()
		for i := range out {
			code := c.code(m[i], nulls && !v.Valid(i))
			out[i].prefix = out[i].prefix<<keep | code>>drop
		}
	}
}

// prefix is entries for one row.
func (p *packing) prefix(rel *relation, row int32) uint64 {
	x := uint64(0)
	for k := range p.codes {
		c := &p.codes[k]
		if p.width[k] == 0 {
			continue
		}
		v, i := rel.cols[c.key.col].Parts[row>>batch.ChunkShift], int(row&(batch.ChunkRows-1))
		x = x<<uint(p.width[k]) | c.code(c.mappedAt(v, i), !v.Valid(i))>>uint(c.bits-p.width[k])
	}
	return x
}

// mappedAt is mapped for one row.
func (c *sortCode) mappedAt(v *batch.Vector, i int) uint64 {
	switch v.Phys() {
	case types.PhysInt32:
		return uint64(int64(batch.Values[int32](v)[i])) ^ 1<<63
	case types.PhysInt64:
		return uint64(batch.Values[int64](v)[i]) ^ 1<<63
	case types.PhysFloat64:
		return orderedBits(batch.FloatBits64(batch.Values[float64](v)[i]))
	default:
	}
	var one batch.Vector
	one.Slice(v, i, 1)
	var out [1]uint64
	scratch := out[:]
	m, _ := c.mapped(&one, &scratch)
	return m[0]
}
