package exec

import (
	"math/bits"
	"sync/atomic"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// runtimeFilters are one fragment's filters from join build sides to scans, by
// number. A filter is set once, before any scan below the join's probe side
// runs; a scan that runs earlier sees none.
type runtimeFilters map[int64]*keyFilter

func (r runtimeFilters) get(id int64) *keyFilter {
	f := r[id]
	if f == nil {
		f = &keyFilter{}
		r[id] = f
	}
	return f
}

// publication is a runtime filter that a join's build side fills in.
type publication struct {
	filter *keyFilter
	key    int
}

// keyFilter tests membership in a join key's values.
type keyFilter struct{ set atomic.Pointer[keySet] }

// keySet is the values: nothing at all, a range of integers, and a Bloom
// filter or, of integers that are not too far apart, a bit for each of the range.
type keySet struct {
	empty  bool
	ranged bool
	lo, hi int64
	exact  []uint64 // by value - lo
	bloom  []uint64
	phys   types.Phys
	typ    types.Type
}

// bloomLimit is the largest build side that gets a Bloom filter; beyond it the
// filter leaves the cache and costs what the probe would.
const bloomLimit = 4 << 20

// A bit for each value of the range is the cheapest test; it may take up to four
// times the Bloom filter's room, and up to exactFree values it stays in a core's
// second level cache. exactMost bounds what lies outside of the join's budget: 32 MiB.
const (
	exactLoad = 64
	exactFree = 1 << 23
	exactMost = 1 << 28
)

// set publishes the keys of a finished table.
func (p publication) set(t *joinTable) {
	c := &t.spec.lay.cols[p.key]
	s := &keySet{empty: t.rows == 0, phys: c.phys, typ: c.typ}
	if t.spec.nullSafe[p.key] || c.nested {
		return
	}
	s.lo, s.hi, s.ranged = t.keySpan(p.key)
	switch {
	case s.ranged && uint64(s.hi)-uint64(s.lo) < uint64(min(max(exactFree, exactLoad*t.rows), exactMost)):
		s.exact = t.bitsOf(p.key, s.lo, s.hi)
	case t.rows <= bloomLimit && (c.width == 1 || c.phys == types.PhysView):
		s.bloom = t.bloomOf(p.key)
	}
	p.filter.set.Store(s)
}

// bitsOf marks key k's values, all in [lo, hi].
func (t *joinTable) bitsOf(k int, lo, hi int64) []uint64 {
	out := make([]uint64, (uint64(hi)-uint64(lo))/64+1)
	w, at := t.spec.lay.words, t.spec.lay.cols[k].at
	word, bit := t.spec.lay.nullAt(k)
	for _, ch := range t.chunks {
		for i := 0; i < len(ch.keys); i += w {
			if ch.keys[i+word]&bit == 0 {
				x := ch.keys[i+at] - uint64(lo)
				out[x>>6] |= 1 << (x & 63)
			}
		}
	}
	return out
}

// bloomOf makes a filter of 16 bits for each row, three of them set, in one word.
func (t *joinTable) bloomOf(k int) []uint64 {
	size := 64
	for int64(size) < t.rows/4 {
		size *= 2
	}
	out := make([]uint64, size)
	w, at := t.spec.lay.words, t.spec.lay.cols[k].at
	for _, ch := range t.chunks {
		for i := 0; i < len(ch.keys); i += w {
			h := keyHash(t.spec.lay.cols[k].phys, ch.keys[i+at:], ch.bufs)
			out[bloomWord(h, size)] |= bloomBits(h)
		}
	}
	return out
}

func keyHash(p types.Phys, words []uint64, bufs [][]byte) uint64 {
	if p == types.PhysView {
		x := batch.View{A: words[0], B: words[1]}
		return batch.HashView(&x, bufs)
	}
	return batch.Hash64(words[0])
}

func bloomWord(h uint64, size int) uint64 { return h >> 32 & uint64(size-1) }

func bloomBits(h uint64) uint64 { return 1<<(h&63) | 1<<(h>>6&63) | 1<<(h>>12&63) }

// scanFilter is a keyFilter on one column of a scan; it is format.Dynamic.
type scanFilter struct {
	of     *keyFilter
	column int
}

// Current is the filter, nil as long as the build side is not finished.
func (f *scanFilter) Current() *format.Filter {
	s := f.of.set.Load()
	if s == nil {
		return nil
	}
	out := &format.Filter{Column: f.column, RejectsNull: true, New: func() (format.Select, error) { return s.tester().sel, nil }}
	if s.ranged {
		out.Min, out.Max = boxInt(s.typ, s.lo), boxInt(s.typ, s.hi)
	}
	if s.exact != nil {
		out.Mark = s.mark
	}
	return out
}

// boxInt boxes an integer as t's values are.
func boxInt(t types.Type, x int64) any {
	v := batch.New(t, 1)
	v.Reset(1)
	switch t.Phys() {
	case types.PhysBool:
		batch.Values[bool](v)[0] = x != 0
	case types.PhysInt8:
		batch.Values[int8](v)[0] = int8(x)
	case types.PhysInt16:
		batch.Values[int16](v)[0] = int16(x)
	case types.PhysInt32:
		batch.Values[int32](v)[0] = int32(x)
	default:
		batch.Values[int64](v)[0] = x
	}
	return v.Get(0)
}

// keyTester is one reader's use of a keySet. It gives up when nearly all rows
// pass: the join will drop the rest.
type keyTester struct {
	*keySet
	seen, passed int
	idle         bool
	codes        []int32 // of a dictionary: passing codes
	ok           []bool
}

func (s *keySet) tester() *keyTester { return &keyTester{keySet: s} }

// A tester is dropped when after testAfter rows more than testRate of them passed.
const (
	testAfter = 1 << 16
	testRate  = 0.8
)

func (k *keyTester) sel(v *batch.Vector, sel []int32) ([]int32, error) {
	if k.idle {
		return sel, nil
	}
	if k.empty {
		return sel[:0], nil
	}
	k.seen += len(sel)
	sel = dropNulls(v, sel)
	switch v.Enc {
	case batch.Dict:
		sel = k.selDict(v, sel)
	case batch.Const:
		if len(sel) > 0 && len(k.selFlat(v, []int32{0})) == 0 {
			sel = sel[:0]
		}
	default:
		sel = k.selFlat(v, sel)
	}
	k.passed += len(sel)
	k.idle = k.seen > testAfter && float64(k.passed) > testRate*float64(k.seen)
	return sel, nil
}

func dropNulls(v *batch.Vector, sel []int32) []int32 {
	if !v.HasNulls() {
		return sel
	}
	out := sel[:0]
	for _, i := range sel {
		if v.Valid(int(i)) {
			out = append(out, i)
		}
	}
	return out
}

// selDict tests each dictionary entry once.
func (k *keyTester) selDict(v *batch.Vector, sel []int32) []int32 {
	n := v.Dict.Len()
	k.codes = k.codes[:0]
	for i := range n {
		k.codes = append(k.codes, int32(i))
	}
	k.ok = append(k.ok[:0], make([]bool, n)...)
	for _, c := range k.selFlat(v.Dict, k.codes) {
		k.ok[c] = true
	}
	out := sel[:0]
	for _, i := range sel {
		if k.ok[v.Codes[i]] {
			out = append(out, i)
		}
	}
	return out
}

func (k *keyTester) selFlat(v *batch.Vector, sel []int32) []int32 {
	switch k.phys {
	case types.PhysBool, types.PhysInt8:
		return selInts(k.keySet, batch.Values[int8](v), sel)
	case types.PhysInt16:
		return selInts(k.keySet, batch.Values[int16](v), sel)
	case types.PhysInt32:
		return selInts(k.keySet, batch.Values[int32](v), sel)
	case types.PhysInt64:
		return selInts(k.keySet, batch.Values[int64](v), sel)
	default:
	}
	if k.bloom == nil {
		return sel
	}
	out := sel[:0]
	for _, i := range sel {
		if k.mayHold(k.hashAt(v, int(i))) {
			out = append(out, i)
		}
	}
	return out
}

func (k *keyTester) hashAt(v *batch.Vector, i int) uint64 {
	switch k.phys {
	case types.PhysFloat32:
		return batch.Hash64(uint64(batch.FloatBits32(batch.Values[float32](v)[i])))
	case types.PhysFloat64:
		return batch.Hash64(batch.FloatBits64(batch.Values[float64](v)[i]))
	default:
	}
	return batch.HashView(&batch.Values[batch.View](v)[i], v.Bufs)
}

func (s *keySet) mayHold(h uint64) bool {
	b := bloomBits(h)
	return s.bloom[bloomWord(h, len(s.bloom))]&b == b
}

func selInts[T int8 | int16 | int32 | int64](s *keySet, vals []T, sel []int32) []int32 {
	lo, span := uint64(s.lo), uint64(s.hi)-uint64(s.lo)
	k := 0
	switch {
	case s.exact != nil:
		for _, i := range sel {
			at := uint64(int64(vals[i])) - lo
			sel[k] = i
			if at <= span {
				k += int(s.exact[at>>6] >> (at & 63) & 1)
			}
		}
	case s.bloom != nil:
		shift := uint(32)
		mask := uint64(len(s.bloom) - 1)
		for _, i := range sel {
			x := uint64(int64(vals[i]))
			h := batch.Hash64(x)
			b := bloomBits(h)
			sel[k] = i
			if x-lo <= span && s.bloom[h>>shift&mask]&b == b {
				k++
			}
		}
	default:
		for _, i := range sel {
			sel[k] = i
			_, out := bits.Sub64(span, uint64(int64(vals[i]))-lo, 0)
			k += 1 - int(out)
		}
	}
	return sel[:k]
}

// mark is format.Filter's Mark of an exact set.
func (s *keySet) mark(v *batch.Vector, pass []uint8) {
	switch s.phys {
	case types.PhysBool, types.PhysInt8:
		markInts(s, batch.Values[int8](v), pass)
	case types.PhysInt16:
		markInts(s, batch.Values[int16](v), pass)
	case types.PhysInt32:
		markInts(s, batch.Values[int32](v), pass)
	default:
		markInts(s, batch.Values[int64](v), pass)
	}
}

func markInts[T int8 | int16 | int32 | int64](s *keySet, vals []T, pass []uint8) {
	lo, span := uint64(s.lo), uint64(s.hi)-uint64(s.lo)
	pass = pass[:len(vals)]
	for i, x := range vals {
		if at := uint64(int64(x)) - lo; at <= span {
			pass[i] += uint8(s.exact[at>>6] >> (at & 63) & 1)
		}
	}
}
