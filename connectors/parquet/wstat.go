package parquet

import (
	"bytes"
	"encoding/binary"
	"math"
)

// stat collects the bounds of one chunk's values.
type stat struct {
	leaf       *leafWriter
	any        bool
	lost       bool // a value was too long, or bounds make no sense
	minKey     uint64
	maxKey     uint64
	minVal     []byte
	maxVal     []byte
	minF, maxF float64
}

func (s *stat) reset() {
	*s = stat{leaf: s.leaf, minVal: s.minVal[:0], maxVal: s.maxVal[:0]}
}

// key takes a value of up to 8 bytes as stored.
func (s *stat) key(k uint64) {
	switch s.leaf.phys {
	case pFloat:
		s.float(float64(math.Float32frombits(uint32(k))))
		return
	case pDouble:
		s.float(math.Float64frombits(k))
		return
	case pInt32:
		k = uint64(int64(int32(k)))
	}
	if !s.any {
		s.any, s.minKey, s.maxKey = true, k, k
		return
	}
	if int64(k) < int64(s.minKey) {
		s.minKey = k
	}
	if int64(k) > int64(s.maxKey) {
		s.maxKey = k
	}
}

// float leaves NaN out, as the format demands.
func (s *stat) float(f float64) {
	if math.IsNaN(f) {
		return
	}
	if !s.any {
		s.any, s.minF, s.maxF = true, f, f
		return
	}
	s.minF, s.maxF = min(s.minF, f), max(s.maxF, f)
}

func (s *stat) bytes(b []byte) {
	if s.lost {
		return
	}
	if s.leaf.phys == pByteArray && len(b) > statBytes {
		s.lost = true
		return
	}
	if !s.any || s.less(b, s.minVal) {
		s.minVal = append(s.minVal[:0], b...)
	}
	if !s.any || s.less(s.maxVal, b) {
		s.maxVal = append(s.maxVal[:0], b...)
	}
	s.any = true
}

// less orders bytes, or big-endian signed numbers of one length.
func (s *stat) less(a, b []byte) bool {
	if s.leaf.phys == pFixed && (a[0]^b[0])&0x80 != 0 {
		return a[0]&0x80 != 0
	}
	return bytes.Compare(a, b) < 0
}

// encoded is minimum and maximum as stored; nil if not known.
func (s *stat) encoded() (lo, hi []byte) {
	if !s.any || s.lost {
		return nil, nil
	}
	switch s.leaf.phys {
	case pBoolean:
		return []byte{byte(s.minKey)}, []byte{byte(s.maxKey)}
	case pInt32:
		return binary.LittleEndian.AppendUint32(nil, uint32(s.minKey)), binary.LittleEndian.AppendUint32(nil, uint32(s.maxKey))
	case pInt64:
		return binary.LittleEndian.AppendUint64(nil, s.minKey), binary.LittleEndian.AppendUint64(nil, s.maxKey)
	case pFloat, pDouble:
		return s.floats()
	}
	return append([]byte{}, s.minVal...), append([]byte{}, s.maxVal...) // an empty string is a bound, nil is none
}

// floats writes zero bounds as -0 and +0, since the two are one value.
func (s *stat) floats() (lo, hi []byte) {
	a, b := s.minF, s.maxF
	if a == 0 {
		a = math.Copysign(0, -1)
	}
	if b == 0 {
		b = 0
	}
	if s.leaf.phys == pFloat {
		return binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(a))), binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(b)))
	}
	return binary.LittleEndian.AppendUint64(nil, math.Float64bits(a)), binary.LittleEndian.AppendUint64(nil, math.Float64bits(b))
}

// write puts the statistics of a chunk into its metadata.
func (s *stat) write(e *encoder, id int, nulls int64) {
	lo, hi := s.encoded()
	signed := s.leaf.phys != pByteArray && s.leaf.phys != pFixed
	e.structure(id, func() {
		if lo != nil && signed {
			e.binary(1, hi) // the deprecated fields, for old readers
			e.binary(2, lo)
		}
		e.i64(3, nulls)
		// Codes only: each value is an entry.
		if l := s.leaf; l.dictPage && !l.plainOut {
			e.i64(4, int64(l.dict.n))
		}
		if lo == nil {
			return
		}
		e.binary(5, hi)
		e.binary(6, lo)
		e.boolean(7, true)
		e.boolean(8, true)
	})
}
