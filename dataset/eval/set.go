package eval

import (
	"math"
	"math/bits"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// set is a constant IN list as an open hash table, at most half full. Numbers
// are kept as 64-bit keys under which equal values are equal, strings as views.
type set struct {
	keys  []uint64
	views []batch.View
	held  *batch.Vector // owns the strings' bytes
	few   []batch.View  // at most fewViews short strings: compared one by one
	used  []bool
	mask  uint64
	null  bool // the list has a null
}

// newSet builds the table, nil if the list is not constant or of another kind of type.
func newSet(t types.Type, list []plan.Expr) *set {
	p := t.Phys()
	if p == types.PhysInt128 || p == types.PhysInterval || p.Width() == 0 {
		return nil
	}
	s := &set{held: batch.New(t, len(list))}
	s.held.Reset(0)
	for _, x := range list {
		l, ok := x.(*plan.Literal)
		if !ok {
			return nil
		}
		if l.Value == nil {
			s.null = true
			continue
		}
		s.held.Append(l.Value)
	}
	s.fill()
	return s
}

func (s *set) fill() {
	n := s.held.Len()
	size := 2
	for size < 2*n {
		size *= 2
	}
	s.mask, s.used = uint64(size-1), make([]bool, size)
	if s.held.Phys() == types.PhysView {
		s.views = make([]batch.View, size)
		src := batch.Values[batch.View](s.held)
		if s.few = short(src); s.few != nil {
			return
		}
		for i := range n {
			h := hashView(&src[i], s.held.Bufs)
			for s.used[h&s.mask] {
				h++
			}
			s.used[h&s.mask], s.views[h&s.mask] = true, src[i]
		}
		return
	}
	s.keys = make([]uint64, size)
	keys := keysOf(s.held, n, nil)
	for _, k := range keys {
		h := mix(k)
		for s.used[h&s.mask] {
			h++
		}
		s.used[h&s.mask], s.keys[h&s.mask] = true, k
	}
}

// short is vals if they are few and all inline, else nil.
func short(vals []batch.View) []batch.View {
	if len(vals) > fewViews {
		return nil
	}
	for i := range vals {
		if vals[i].Len() > batch.InlineLen {
			return nil
		}
	}
	return vals
}

// mix spreads a key over the table.
func mix(x uint64) uint64 {
	h, l := bits.Mul64(x^0x9E3779B97F4A7C15, 0xE7037ED1A0B428DB)
	return h ^ l
}

func hashView(v *batch.View, bufs [][]byte) uint64 {
	if v.Len() <= batch.InlineLen {
		return mix(v.A ^ bits.RotateLeft64(v.B, 17))
	}
	h := v.A
	for _, c := range v.Bytes(bufs) {
		h = (h ^ uint64(c)) * 0x100000001B3
	}
	return mix(h)
}

// probe writes whether each row is in the set. Rows not found are null if the
// list has a null.
func (s *set) probe(v *batch.Vector, n int, out *batch.Vector) {
	dst := batch.Values[bool](out)
	if v.Enc == batch.Const {
		one := *v
		one.SetConst(1)
		n, v = 1, &one
		defer func() {
			for i := range dst {
				dst[i] = dst[0]
			}
			if s.null && !dst[0] {
				out.SetAllNull()
			}
		}()
	}
	if s.held.Phys() == types.PhysView {
		s.probeViews(v, n, dst)
	} else {
		s.probeKeys(keysOf(v, n, nil), dst)
	}
	if s.null {
		for i := range n {
			if !dst[i] {
				out.SetNull(i)
			}
		}
	}
}

func (s *set) probeKeys(keys []uint64, dst []bool) {
	for i, k := range keys {
		h := mix(k)
		for s.used[h&s.mask] && s.keys[h&s.mask] != k {
			h++
		}
		dst[i] = s.used[h&s.mask]
	}
}

// fewViews: up to so many two-word comparisons cost less than a hash.
const fewViews = 6

func (s *set) probeFew(src []batch.View, dst []bool) {
	for i := range src {
		x, hit := src[i], false
		for _, c := range s.few {
			hit = hit || (x.A^c.A)|(x.B^c.B) == 0
		}
		dst[i] = hit
	}
}

func (s *set) probeViews(v *batch.Vector, n int, dst []bool) {
	src := batch.Values[batch.View](v)
	if s.few != nil {
		s.probeFew(src[:n], dst)
		return
	}
	for i := range n {
		if !v.Valid(i) {
			dst[i] = false
			continue
		}
		h := hashView(&src[i], v.Bufs)
		for s.used[h&s.mask] && !batch.EqualViews(&s.views[h&s.mask], s.held.Bufs, &src[i], v.Bufs) {
			h++
		}
		dst[i] = s.used[h&s.mask]
	}
}

// keysOf maps fixed-width values to keys: integers as they are, floats with
// one zero and one NaN.
func keysOf(v *batch.Vector, n int, keys []uint64) []uint64 {
	switch v.Phys() {
	case types.PhysBool, types.PhysInt8:
		return widen(batch.Values[int8](v)[:n], keys)
	case types.PhysInt16:
		return widen(batch.Values[int16](v)[:n], keys)
	case types.PhysInt32:
		return widen(batch.Values[int32](v)[:n], keys)
	case types.PhysInt64:
		return widen(batch.Values[int64](v)[:n], keys)
	case types.PhysFloat32:
		for _, x := range batch.Values[float32](v)[:n] {
			keys = append(keys, floatKey(float64(x)))
		}
	case types.PhysFloat64:
		for _, x := range batch.Values[float64](v)[:n] {
			keys = append(keys, floatKey(x))
		}
	default:
	}
	return keys
}

func widen[T int8 | int16 | int32 | int64](src []T, keys []uint64) []uint64 {
	for _, x := range src {
		keys = append(keys, uint64(x))
	}
	return keys
}

func floatKey(x float64) uint64 {
	switch {
	case x == 0:
		return 0
	case math.IsNaN(x):
		return math.Float64bits(math.NaN())
	}
	return math.Float64bits(x)
}
