package parquet

import (
	"encoding/binary"

	"github.com/spurwheel/spurwheel/internal/batch"
)

// takePlainBytes walks n length-prefixed values. Decimals and other values
// stored as bytes go through a scratch of views.
func (l *leafReader) takePlainBytes(s *sink, at, n int, sel []int32, base int32, all bool) error {
	v := &l.vals
	m := n
	if !all {
		m = len(sel)
	}
	var out []batch.View
	if l.conv.op == opView {
		out = batch.Values[batch.View](s.vec)[at : at+m]
	} else {
		out = castSlice[batch.View](l.bytes(m*16), m)
	}
	index := l.bufIndex(v.buf)
	var err error
	if all {
		v.at, err = plainViews(out, v.buf, v.at, index)
	} else {
		v.at, err = plainViewsOf(out, v.buf, v.at, index, n, sel, base)
	}
	if err != nil || l.conv.op == opView {
		return err
	}
	return l.conv.fromViews(s.vec, at, out, &l.views.list)
}

// plainViews makes views of len(out) values from buf[at:].
func plainViews(out []batch.View, buf []byte, at, index int) (int, error) {
	for i := range out {
		if at+4 > len(buf) {
			return at, errValuesShort
		}
		n := int(binary.LittleEndian.Uint32(buf[at:]))
		at += 4
		if n > len(buf)-at {
			return at, errValuesShort
		}
		out[i] = viewAt(buf, at, n, index)
		at += n
	}
	return at, nil
}

// viewAt is batch.MakeView without a copy loop: short values are loaded by
// words and masked.
func viewAt(buf []byte, at, n, index int) batch.View {
	if n > batch.InlineLen {
		return batch.View{A: uint64(n) | uint64(binary.LittleEndian.Uint32(buf[at:]))<<32, B: uint64(uint32(index)) | uint64(at)<<32}
	}
	if at+16 > len(buf) {
		return batch.MakeView(buf[at:at+n], 0, 0)
	}
	lo, hi := binary.LittleEndian.Uint64(buf[at:]), binary.LittleEndian.Uint64(buf[at+4:])
	a, b := lo&^(^uint64(0)<<(uint(min(n, 4))*8)), uint64(0)
	if n > 4 {
		b = hi &^ (^uint64(0) << (uint(n-4) * 8))
	}
	return batch.View{A: uint64(n) | a<<32, B: b}
}

func plainViewsOf(out []batch.View, buf []byte, at, index, n int, sel []int32, base int32) (int, error) {
	k := 0
	for i := range n {
		if at+4 > len(buf) {
			return at, errValuesShort
		}
		size := int(binary.LittleEndian.Uint32(buf[at:]))
		at += 4
		if size > len(buf)-at {
			return at, errValuesShort
		}
		if k < len(sel) && int(sel[k]-base) == i {
			out[k] = viewAt(buf, at, size, index)
			k++
		}
		at += size
	}
	return at, nil
}

// takeViews copies views that were decoded with the page.
func (l *leafReader) takeViews(s *sink, at, n int, sel []int32, base int32, all bool) error {
	v := &l.vals
	src := v.arr[v.at : v.at+n]
	m := n
	if !all {
		m = len(sel)
	}
	var out []batch.View
	if l.conv.op == opView {
		out = batch.Values[batch.View](s.vec)[at : at+m]
	} else {
		out = castSlice[batch.View](l.bytes(m*16), m)
	}
	if all {
		copy(out, src)
	} else {
		for i, x := range sel {
			out[i] = src[x-base]
		}
	}
	rebase(out, l.bufIndex(v.buf))
	if l.conv.op == opView {
		return nil
	}
	return l.conv.fromViews(s.vec, at, out, &l.views.list)
}

// setDeltaLengths decodes DELTA_LENGTH_BYTE_ARRAY, or with prefixes
// DELTA_BYTE_ARRAY, whole: their values cannot be found one by one.
func (l *leafReader) setDeltaLengths(b []byte, prefixed bool) error {
	if l.conv.phys != pByteArray && l.conv.phys != pFixed {
		return damaged("a byte array encoding on values of another type")
	}
	n, err := deltaCount(b, int(l.head.values))
	if err != nil {
		return err
	}
	var prefixes []int64
	if prefixed {
		if prefixes, b, err = l.deltaInts(b, n); err != nil {
			return err
		}
	}
	lengths, b, err := l.deltaInts(b, n)
	if err != nil {
		return err
	}
	block, err := l.own(n * 16)
	if err != nil {
		return err
	}
	v := &l.vals
	v.kind, v.n, v.arr, v.buf = viewValues, n, castSlice[batch.View](block, n), b
	if prefixed {
		err = l.joinPrefixes(b, prefixes, lengths)
	} else {
		err = cutLengths(v.arr, b, lengths)
	}
	if err == nil && l.conv.phys == pFixed {
		err = l.checkFixed()
	}
	return err
}

func (l *leafReader) checkFixed() error {
	for i := range l.vals.arr {
		if l.vals.arr[i].Len() != l.conv.width {
			return damaged("a value of fixed length %d is %d bytes long", l.conv.width, l.vals.arr[i].Len())
		}
	}
	return nil
}

func cutLengths(out []batch.View, b []byte, lengths []int64) error {
	at := 0
	for i, n := range lengths {
		if n < 0 || n > int64(len(b)-at) {
			return errValuesShort
		}
		out[i] = viewAt(b, at, int(n), 0)
		at += int(n)
	}
	return nil
}

// joinPrefixes builds each value of a prefix of the one before and a suffix.
func (l *leafReader) joinPrefixes(b []byte, prefixes, lengths []int64) error {
	total, last := int64(0), int64(0)
	for i, n := range lengths {
		p := prefixes[i]
		if p < 0 || n < 0 || p > last || n > int64(len(b)) {
			return errDeltaBad
		}
		last = p + n
		if total += last; total > maxPageBytes {
			return damaged("a page's strings add up to more than %d bytes", maxPageBytes)
		}
	}
	out, err := l.own(int(total))
	if err != nil {
		return err
	}
	at, prev := 0, 0
	for i, n := range lengths {
		if int(n) > len(b) {
			return errValuesShort
		}
		size := int(prefixes[i] + n)
		copy(out[at:], out[prev:prev+int(prefixes[i])])
		copy(out[at+int(prefixes[i]):], b[:n])
		b = b[n:]
		l.vals.arr[i] = viewAt(out, at, size, 0)
		prev, at = at, at+size
	}
	l.vals.buf = out
	return nil
}
