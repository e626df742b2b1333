package parquet

import (
	"slices"

	"github.com/spurwheel/spurwheel/internal/batch"
)

// sink collects decoded rows of one column: codes as long as all of them come
// from one dictionary and the taker likes that, flat slots otherwise.
type sink struct {
	vec      *batch.Vector
	n        int
	codes    []int32
	dict     *batch.Vector // not nil: rows are in codes
	likeDict bool
}

func newSink(like *conv, likeDict bool) *sink {
	return &sink{vec: batch.New(like.to, 0), likeDict: likeDict}
}

func (s *sink) begin() {
	s.vec.Reset(0)
	s.n, s.dict = 0, nil
}

// room appends n rows, valid, and returns the first's position. asDict asks
// for codes; the answer tells whether codes are what to write.
func (s *sink) room(l *leafReader, n int, dict *batch.Vector) (at int, asDict bool) {
	at = s.n
	s.n += n
	s.vec.SetLen(s.n)
	if s.n == n && dict != nil && s.likeDict && dict.Len() > 0 {
		s.dict = dict
	}
	if s.dict == nil {
		return at, false
	}
	if s.dict == dict {
		if cap(s.codes) < s.n {
			c := make([]int32, at, max(s.n, batch.Rows))
			copy(c, s.codes)
			s.codes = c
		}
		s.codes = s.codes[:s.n]
		return at, true
	}
	s.flatten(l, at)
	return at, false
}

// flatten turns the first n rows from codes into slots.
func (s *sink) flatten(l *leafReader, n int) {
	d := s.dict
	s.dict = nil
	gatherSlots(l, s.vec, 0, d, s.codes[:n])
}

// spread moves the n values behind at, stored densely, to the rows of the
// bitmap m (bits from first on) that are set, and makes the others null.
func (s *sink) spread(at, rows int, m []uint64, first, values int) {
	if s.dict != nil {
		spreadSlots(s.codes[at:at+rows], m, first, values)
	} else {
		s.spreadFlat(at, rows, m, first, values)
	}
	for i := range rows {
		if !bitSet(m, first+i) {
			s.vec.SetNull(at + i)
		}
	}
}

func (s *sink) spreadFlat(at, rows int, m []uint64, first, values int) {
	switch s.vec.Phys().Width() {
	case 1:
		spreadSlots(batch.Values[uint8](s.vec)[at:at+rows], m, first, values)
	case 2:
		spreadSlots(batch.Values[int16](s.vec)[at:at+rows], m, first, values)
	case 4:
		spreadSlots(batch.Values[int32](s.vec)[at:at+rows], m, first, values)
	case 8:
		spreadSlots(batch.Values[int64](s.vec)[at:at+rows], m, first, values)
	case 16:
		spreadSlots(batch.Values[batch.View](s.vec)[at:at+rows], m, first, values)
	}
}

// spreadSlots works from the end, so that no value is overwritten before it
// moved. Null rows get zeros: views of them must not point anywhere.
func spreadSlots[T any](dst []T, m []uint64, first, values int) {
	var zero T
	k := values - 1
	for i := len(dst) - 1; i >= 0; i-- {
		if bitSet(m, first+i) {
			dst[i] = dst[k]
			k--
		} else {
			dst[i] = zero
		}
	}
}

// take appends rows idx of other, which belongs to the same column and batch.
func (s *sink) take(l *leafReader, other *sink, idx []int32) {
	at, asDict := s.room(l, len(idx), other.dict)
	switch {
	case asDict:
		for i, x := range idx {
			s.codes[at+i] = other.codes[x]
		}
	case other.dict != nil:
		codes := l.ints(len(idx))
		for i, x := range idx {
			codes[i] = other.codes[x]
		}
		gatherSlots(l, s.vec, at, other.dict, codes)
	default:
		copySlots(s.vec, at, other.vec, idx)
	}
	if v := other.vec.Validity(); v != nil {
		for i, x := range idx {
			if !bitSet(v, int(x)) {
				s.vec.SetNull(at + i)
			}
		}
	}
}

// vector is what was collected, borrowed until begin.
func (s *sink) vector(l *leafReader) *batch.Vector {
	if s.dict != nil {
		s.vec.SetDict(s.codes[:s.n], s.dict)
	} else if len(l.views.list) > 0 {
		s.vec.Bufs = slices.Clip(l.views.list)
	}
	return s.vec
}

// gatherSlots writes dict's values of codes (all in range) to dst from at on.
func gatherSlots(l *leafReader, dst *batch.Vector, at int, dict *batch.Vector, codes []int32) {
	switch dst.Phys().Width() {
	case 1:
		lookup(batch.Values[uint8](dst)[at:], batch.Values[uint8](dict), codes)
	case 2:
		lookup(batch.Values[int16](dst)[at:], batch.Values[int16](dict), codes)
	case 4:
		lookup(batch.Values[int32](dst)[at:], batch.Values[int32](dict), codes)
	case 8:
		lookup(batch.Values[int64](dst)[at:], batch.Values[int64](dict), codes)
	case 16:
		out := batch.Values[batch.View](dst)[at:]
		lookup(out, batch.Values[batch.View](dict), codes)
		if len(dict.Bufs) > 0 {
			rebase(out[:len(codes)], l.dictBase())
		}
	}
}

// lookup is bounded by construction: codes were checked when they were decoded.
func lookup[T any](dst, dict []T, codes []int32) {
	dst = dst[:len(codes)]
	if len(dict) == 0 {
		clear(dst)
		return
	}
	for i, c := range codes {
		dst[i] = dict[c]
	}
}

// copySlots writes rows idx of src to dst from at on; both share their buffers.
func copySlots(dst *batch.Vector, at int, src *batch.Vector, idx []int32) {
	switch dst.Phys().Width() {
	case 1:
		lookup(batch.Values[uint8](dst)[at:], batch.Values[uint8](src), idx)
	case 2:
		lookup(batch.Values[int16](dst)[at:], batch.Values[int16](src), idx)
	case 4:
		lookup(batch.Values[int32](dst)[at:], batch.Values[int32](src), idx)
	case 8:
		lookup(batch.Values[int64](dst)[at:], batch.Values[int64](src), idx)
	case 16:
		lookup(batch.Values[batch.View](dst)[at:], batch.Values[batch.View](src), idx)
	}
}

// rebase moves long views to buffers that start at index base.
func rebase(vs []batch.View, base int) {
	if base == 0 {
		return
	}
	for i := range vs {
		if vs[i].Len() > batch.InlineLen {
			vs[i].B += uint64(base)
		}
	}
}

// dictBase is the index of the dictionary's buffers among the batch's.
func (l *leafReader) dictBase() int {
	if l.views.dictBase < 0 {
		l.views.dictBase = len(l.views.list)
		l.views.list = append(l.views.list, l.dict.Bufs...)
	}
	return l.views.dictBase
}

// bufIndex is the index of b, the current page's bytes, among the batch's.
func (l *leafReader) bufIndex(b []byte) int {
	if l.pageBase < 0 {
		l.pageBase = len(l.views.list)
		l.views.list = append(l.views.list, b)
	}
	return l.pageBase
}
