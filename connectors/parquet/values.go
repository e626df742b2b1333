package parquet

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"github.com/spurwheel/spurwheel/internal/batch"
)

type valueKind uint8

const (
	codeValues  valueKind = iota // dictionary codes
	fixedValues                  // w bytes each, one after another
	plainBytes                   // length and bytes, one after another
	viewValues                   // views of buf, decoded when the page was read
)

// values is the value part of a page.
type values struct {
	kind valueKind
	buf  []byte
	w    int
	at   int // of the next value: index, or byte offset for plainBytes
	n    int // of fixed values and views
	arr  []batch.View
	own  [][]byte // pooled blocks that buf and arr may lie in
}

var errValuesShort = &damage{"a page holds fewer values than it claims"}

// setValues prepares the value part b of the current page; present is the
// number of values, -1 if not known yet.
func (l *leafReader) setValues(b []byte, present int) error {
	v := &l.vals
	v.at, v.buf, v.w = 0, b, l.conv.width
	n := present
	if n < 0 {
		n = int(l.head.values)
	}
	switch enc := l.head.encoding; enc {
	case encPlainDict, encRLEDict:
		return l.setCodes(b, present)
	case encPlain:
		return l.setPlain(b, present)
	case encRLE:
		return l.setRLEBooleans(b, n)
	case encDelta:
		return l.setDeltas(b)
	case encDeltaLength:
		return l.setDeltaLengths(b, false)
	case encDeltaBytes:
		return l.setDeltaLengths(b, true)
	case encByteStream:
		return l.setSplit(b)
	default:
		return &lacking{fmt.Sprintf("page encoding %d", enc)}
	}
}

func (l *leafReader) setCodes(b []byte, present int) error {
	l.vals.kind = codeValues
	if !l.hasDict {
		return damaged("a page refers to a dictionary that is not there")
	}
	if len(b) == 0 {
		if present > 0 {
			return errValuesShort
		}
		return l.codes.reset(nil, 1)
	}
	return l.codes.reset(b[1:], uint(b[0]))
}

func (l *leafReader) setPlain(b []byte, present int) error {
	v := &l.vals
	switch l.conv.phys {
	case pByteArray:
		v.kind = plainBytes
		return nil
	case pBoolean:
		n := min(len(b)*8, int(l.head.values))
		if n < present {
			return errValuesShort
		}
		out, err := l.own(n)
		if err != nil {
			return err
		}
		for i := range out {
			out[i] = b[i>>3] >> (i & 7) & 1
		}
		v.buf = out
	}
	v.kind, v.n = fixedValues, len(v.buf)/v.w
	return nil
}

// own is a pooled block that goes with the page.
func (l *leafReader) own(n int) ([]byte, error) {
	b, err := l.r.alloc(n)
	if err == nil {
		l.vals.own = append(l.vals.own, b)
	}
	return b, err
}

// setRLEBooleans decodes as many booleans as there are, at most n.
func (l *leafReader) setRLEBooleans(b []byte, n int) error {
	if l.conv.phys != pBoolean {
		return damaged("encoding RLE on values that are not booleans")
	}
	if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
		return errValuesShort
	}
	out, err := l.own(n)
	if err != nil {
		return err
	}
	var h hybrid
	if err := h.reset(b[4:4+binary.LittleEndian.Uint32(b)], 1); err != nil {
		return err
	}
	codes, k := l.ints(batch.Rows), 0
	for k < n {
		step := min(n-k, batch.Rows)
		if h.left == 0 {
			if err := h.nextRun(); err != nil {
				break // nulls: fewer values than level entries
			}
		}
		step = min(step, h.left)
		if err := h.next(codes[:step]); err != nil {
			return err
		}
		for i, c := range codes[:step] {
			out[k+i] = uint8(c)
		}
		k += step
	}
	l.vals.kind, l.vals.buf, l.vals.n = fixedValues, out, k
	return nil
}

func (l *leafReader) setDeltas(b []byte) error {
	w := l.conv.width
	if l.conv.phys != pInt32 && l.conv.phys != pInt64 {
		return damaged("encoding DELTA_BINARY_PACKED on values that are not integers")
	}
	n, err := deltaCount(b, int(l.head.values))
	if err != nil {
		return err
	}
	wide, _, err := l.deltaInts(b, n)
	if err != nil {
		return err
	}
	out, err := l.own(n * w)
	if err != nil {
		return err
	}
	for i, x := range wide {
		if w == 4 {
			binary.LittleEndian.PutUint32(out[i*4:], uint32(x))
		} else {
			binary.LittleEndian.PutUint64(out[i*8:], uint64(x))
		}
	}
	l.vals.kind, l.vals.buf, l.vals.n = fixedValues, out, n
	return nil
}

// deltaCount reads the number of values from a delta header.
func deltaCount(b []byte, most int) (int, error) {
	r := varints{b}
	r.uvarint()
	r.uvarint()
	n := r.uvarint()
	if r.b == nil {
		return 0, errDeltaShort
	}
	if n > uint64(most) {
		return 0, errDeltaBad
	}
	return int(n), nil
}

// deltaInts decodes n integers into a pooled block of the page.
func (l *leafReader) deltaInts(b []byte, n int) (out []int64, rest []byte, err error) {
	block, err := l.own(n * 8)
	if err != nil {
		return nil, nil, err
	}
	out = castSlice[int64](block, n)
	rest, err = deltas(b, out)
	return out, rest, err
}

func (l *leafReader) setSplit(b []byte) error {
	w := l.conv.width
	if w == 0 || len(b)%w != 0 || l.conv.phys == pBoolean {
		return damaged("data in encoding BYTE_STREAM_SPLIT have a wrong length")
	}
	out, err := l.own(len(b))
	if err != nil {
		return err
	}
	unsplit(out, b, len(b)/w, w)
	l.vals.kind, l.vals.buf, l.vals.n = fixedValues, out, len(b)/w
	return nil
}

// skip passes over n values.
func (v *values) skip(l *leafReader, n int) error {
	switch v.kind {
	case codeValues:
		return l.codes.skip(n)
	case plainBytes:
		at := v.at
		for range n {
			if at+4 > len(v.buf) {
				return errValuesShort
			}
			at += 4 + int(binary.LittleEndian.Uint32(v.buf[at:]))
		}
		if at > len(v.buf) {
			return errValuesShort
		}
		v.at = at
		return nil
	default:
	}
	if n > v.n-v.at {
		return errValuesShort
	}
	v.at += n
	return nil
}

// take decodes the next n values and appends them to s: all of them, or those
// at the positions sel-base.
func (l *leafReader) take(s *sink, n int, sel []int32, base int32, all bool) error {
	v := &l.vals
	if v.kind == codeValues {
		return l.takeCodes(s, n, sel, base, all)
	}
	m := n
	if !all {
		m = len(sel)
	}
	at, _ := s.room(l, m, nil)
	switch v.kind {
	case plainBytes:
		return l.takePlainBytes(s, at, n, sel, base, all)
	case viewValues:
		if n > v.n-v.at {
			return errValuesShort
		}
		err := l.takeViews(s, at, n, sel, base, all)
		v.at += n
		return err
	default:
	}
	if n > v.n-v.at {
		return errValuesShort
	}
	src := v.buf[v.at*v.w : (v.at+n)*v.w]
	v.at += n
	return l.conv.fixed(l, s.vec, at, src, v.w, sel, base, all)
}

func (l *leafReader) takeCodes(s *sink, n int, sel []int32, base int32, all bool) error {
	if all && s.likeDict && (s.n == 0 || s.dict == l.dict) && l.dict.Len() > 0 {
		at, _ := s.room(l, n, l.dict)
		return l.decodeCodes(s.codes[at : at+n])
	}
	codes := l.ints(n)
	if err := l.decodeCodes(codes); err != nil {
		return err
	}
	if !all {
		for i, x := range sel {
			codes[i] = codes[x-base]
		}
		codes = codes[:len(sel)]
	}
	at, asDict := s.room(l, len(codes), l.dict)
	if asDict {
		copy(s.codes[at:], codes)
		return nil
	}
	gatherSlots(l, s.vec, at, l.dict, codes)
	return nil
}

// decodeCodes fills codes and checks each against the dictionary's size.
func (l *leafReader) decodeCodes(codes []int32) error {
	if err := l.codes.next(codes); err != nil {
		return err
	}
	n := int32(min(l.dict.Len(), math.MaxInt32)) - 1
	if h := &l.codes; h.width < 31 && int32(1)<<h.width-1 <= n {
		return nil // no code of this width can be too large
	}
	if !codesIn(codes, n) {
		return damaged("a code refers to an entry beyond the %d of the dictionary", l.dict.Len())
	}
	return nil
}

// codesIn tells whether all codes are between 0 and most. Two at a time: a half
// that is negative, or above most, leaves a sign in its half of the difference;
// a borrow comes only from a half that has one.
func codesIn(codes []int32, most int32) bool {
	const signs = 1<<63 | 1<<31
	pair := uint64(uint32(most)) * (1<<32 | 1)
	pairs := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(codes))), len(codes)/2)
	var bad uint64
	for len(pairs) >= 4 {
		p := pairs[:4:4]
		bad |= p[0] | (pair - p[0]) | p[1] | (pair - p[1]) | p[2] | (pair - p[2]) | p[3] | (pair - p[3])
		pairs = pairs[4:]
	}
	for _, x := range pairs {
		bad |= x | (pair - x)
	}
	if len(codes)&1 != 0 {
		c := codes[len(codes)-1]
		bad |= uint64(uint32(c | (most - c)))
	}
	return bad&signs == 0
}
