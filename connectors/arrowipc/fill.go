package arrowipc

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// fillColumn makes v the rows [from, from+n) of a column; dictionaries stay.
func (a *array) fillColumn(v *batch.Vector, from, n int) error {
	if a.dict != nil && a.dict.Len() > 0 && !a.dict.HasNulls() {
		v.Reset(n)
		v.SetDict(a.codes[from:from+n], a.dict)
		v.SetValidity(a.words(from, n))
		return nil
	}
	return a.fill(v, from, n)
}

// fill makes v the rows [from, from+n), flat.
func (a *array) fill(v *batch.Vector, from, n int) error {
	v.Reset(n)
	switch {
	case a.dict != nil:
		a.fillGathered(v, from, n)
		return nil
	case a.f.tag == tagNull:
		return nil
	}
	v.SetValidity(a.words(from, n))
	switch a.f.tag {
	case tagBool:
		out := batch.Values[bool](v)
		for i := range out {
			j := from + i
			out[i] = a.data[j>>3]>>(uint(j)&7)&1 != 0
		}
		return nil
	case tagUtf8, tagBinary, tagLargeUtf8, tagLargeBinary:
		return a.fillText(v, from, n)
	case tagUtf8View, tagBinaryView:
		return a.fillViews(v, from)
	case tagFixedSizeBinary:
		return a.fillFixedBinary(v, from)
	case tagList, tagLargeList, tagFixedSizeList, tagMap:
		return a.fillLists(v, from, n)
	case tagStruct:
		for i, c := range a.children {
			if err := c.fill(v.Children[i], from, n); err != nil {
				return err
			}
		}
		return nil
	default:
		return a.fillFixed(v, from, n)
	}
}

// words is the validity of rows [from, from+n) as a bitmap of words, nil if all are present.
func (a *array) words(from, n int) []uint64 {
	if a.valid == nil {
		return nil
	}
	out := make([]uint64, max((n+63)>>6, 1))
	if from&7 == 0 {
		bytes := bytesOf(out)
		copy(bytes, a.valid[from>>3:min(from>>3+bitBytes(n), len(a.valid))])
		return out
	}
	for i := range n {
		if a.present(from + i) {
			out[i>>6] |= 1 << (uint(i) & 63)
		}
	}
	return out
}

// fillGathered looks dictionary codes up. Views share the dictionary's bytes: a
// long value that occurs often must not be copied for each row.
func (a *array) fillGathered(v *batch.Vector, from, n int) {
	idx := make([]int32, n)
	for i := range idx {
		idx[i] = a.codes[from+i]
		if !a.present(from+i) || a.dict.Len() == 0 || !a.dict.Valid(int(idx[i])) {
			idx[i] = -1
		}
	}
	if v.Phys() != types.PhysView {
		v.Reset(0)
		v.AppendGather(a.dict, idx)
		return
	}
	v.Bufs = append(v.Bufs[:0:0], a.dict.Bufs...)
	out := batch.Values[batch.View](v)
	var dict []batch.View
	if a.dict.Len() > 0 {
		dict = batch.Values[batch.View](a.dict)
	}
	for i, x := range idx {
		if x < 0 {
			out[i] = batch.View{}
			v.SetNull(i)
			continue
		}
		out[i] = dict[x]
	}
}

func (a *array) fillText(v *batch.Vector, from, n int) error {
	if len(a.data) > math.MaxUint32 {
		return unsupported("text of more than 4 GiB in one batch")
	}
	v.Bufs = append(v.Bufs[:0:0], a.data)
	out, offs := batch.Values[batch.View](v), a.offs[from:from+n+1]
	text := a.isText()
	for i := range out {
		if !a.present(from + i) {
			out[i] = batch.View{}
			continue
		}
		s := a.data[offs[i]:offs[i+1]]
		if text && !utf8.Valid(s) {
			return corrupt("a string that is not UTF-8 in column %q", a.f.name)
		}
		out[i] = batch.MakeView(s, 0, int(offs[i]))
	}
	return nil
}

func (a *array) fillViews(v *batch.Vector, from int) error {
	v.Bufs = append(v.Bufs[:0:0], a.heaps...)
	out := batch.Values[batch.View](v)
	text := a.isText()
	for i := range out {
		if !a.present(from + i) {
			out[i] = batch.View{}
			continue
		}
		raw := a.data[16*(from+i):][:16]
		n, buf, off := int(int32(binary.LittleEndian.Uint32(raw))), 0, 0
		if n < 0 {
			return corrupt("a view of negative length")
		}
		s := raw[4:]
		if n <= batch.InlineLen {
			s = s[:n]
		} else {
			buf, off = int(int32(binary.LittleEndian.Uint32(raw[8:]))), int(int32(binary.LittleEndian.Uint32(raw[12:])))
			if buf < 0 || buf >= len(a.heaps) || off < 0 || off > len(a.heaps[buf])-n {
				return corrupt("a view outside of its buffers")
			}
			s = a.heaps[buf][off : off+n]
		}
		if text && !utf8.Valid(s) {
			return corrupt("a string that is not UTF-8 in column %q", a.f.name)
		}
		out[i] = batch.MakeView(s, buf, off)
	}
	return nil
}

func (a *array) fillFixedBinary(v *batch.Vector, from int) error {
	if len(a.data) > math.MaxUint32 {
		return unsupported("binaries of more than 4 GiB in one batch")
	}
	v.Bufs = append(v.Bufs[:0:0], a.data)
	out, w := batch.Values[batch.View](v), a.f.width
	for i := range out {
		off := (from + i) * w
		out[i] = batch.MakeView(a.data[off:off+w], 0, off)
	}
	return nil
}

func (a *array) fillLists(v *batch.Vector, from, n int) error {
	bound := func(i int) int64 { return a.offs[i] }
	if a.f.tag == tagFixedSizeList {
		bound = func(i int) int64 { return int64(i) * int64(a.f.width) }
	}
	lo, hi := bound(from), bound(from+n)
	if hi-lo > math.MaxInt32 {
		return unsupported("lists of more than 2^31 elements in one batch")
	}
	for i := from + 1; i <= from+n; i++ {
		v.Offsets = append(v.Offsets, int32(bound(i)-lo))
	}
	members := a.children
	if a.f.tag == tagMap {
		members = a.children[0].children
	}
	for i, c := range members {
		if err := c.fill(v.Children[i], int(lo), int(hi-lo)); err != nil {
			return err
		}
	}
	if a.f.tag == tagMap && v.Children[0].NullCount() > 0 {
		return corrupt("a map with a null key in column %q", a.f.name)
	}
	return nil
}
