package batch

import (
	"slices"
	"unsafe"

	"github.com/spurwheel/spurwheel/internal/types"
)

// AppendRange appends rows [from, from+n) of src to the flat vector v, copying
// all bytes: v owns everything it holds afterwards.
func (v *Vector) AppendRange(src *Vector, from, n int) {
	if n == 0 {
		return
	}
	switch src.Enc {
	case Const:
		v.appendConst(src, n)
		return
	case Dict:
		v.AppendGather(src.Dict, src.Codes[from:from+n])
		v.appendValidity(src, from, n)
		return
	default:
	}
	at := v.n
	v.SetLen(at + n)
	v.copyValidity(at, src, from, n)
	switch p := v.Phys(); p {
	case types.PhysNull:
	case types.PhysView:
		v.copyViews(at, src, from, n)
	case types.PhysArray, types.PhysMap:
		v.copyLists(at, src, from, n)
	case types.PhysStruct:
		for i, c := range v.Children {
			c.AppendRange(src.Children[i], from, n)
		}
	default:
		w := p.Width()
		copy(v.data[at*w:(at+n)*w], src.data[from*w:(from+n)*w])
	}
}

// appendValidity overlays src's row validity on the n rows v got last.
func (v *Vector) appendValidity(src *Vector, from, n int) { v.copyValidity(v.n-n, src, from, n) }

func (v *Vector) copyValidity(at int, src *Vector, from, n int) {
	if src.valid == nil {
		return
	}
	v.ensureValid()
	copyBits(v.valid, at, src.valid, from, n)
}

func (v *Vector) copyViews(at int, src *Vector, from, n int) {
	d, s := Values[View](v)[at:], Values[View](src)[from:from+n]
	for i := range s {
		if s[i].Len() <= InlineLen {
			d[i] = s[i]
			continue
		}
		if src.valid != nil && !src.Valid(from+i) {
			d[i] = View{}
			continue
		}
		d[i] = v.Intern(s[i].Bytes(src.Bufs))
	}
}

func (v *Vector) copyLists(at int, src *Vector, from, n int) {
	lo, hi := src.Offsets[from], src.Offsets[from+n]
	base := int32(v.Children[0].n)
	if len(v.Offsets) == 0 {
		v.Offsets = append(v.Offsets, base)
	}
	v.Offsets = v.Offsets[:at+1]
	for i := 1; i <= n; i++ {
		v.Offsets = append(v.Offsets, base+src.Offsets[from+i]-lo)
	}
	for i, c := range v.Children {
		c.AppendRange(src.Children[i], int(lo), int(hi-lo))
	}
}

func (v *Vector) appendConst(src *Vector, n int) {
	if src.ConstNull() {
		v.AppendNulls(n)
		return
	}
	one := *src
	one.Enc, one.n, one.valid = Flat, 1, nil
	idx := make([]int32, n)
	v.AppendGather(&one, idx)
}

// AppendNulls appends n null rows.
func (v *Vector) AppendNulls(n int) {
	at := v.n
	v.SetLen(at + n)
	v.ensureValid()
	for i := at; i < at+n; i++ {
		v.valid[i>>6] &^= 1 << (uint(i) & 63)
	}
	switch p := v.Phys(); p {
	case types.PhysArray, types.PhysMap:
		if len(v.Offsets) == 0 {
			v.Offsets = append(v.Offsets, 0)
		}
		v.Offsets = v.Offsets[:at+1]
		for range n {
			v.Offsets = append(v.Offsets, int32(v.Children[0].n))
		}
	case types.PhysStruct:
		for _, c := range v.Children {
			c.AppendNulls(n)
		}
	default:
		w := p.Width()
		clear(v.data[at*w : (at+n)*w])
	}
}

// AppendGather appends src's rows idx; a negative index appends a null. v owns
// all its bytes afterwards.
func (v *Vector) AppendGather(src *Vector, idx []int32) {
	if len(idx) == 0 {
		return
	}
	if src.Enc == Const || src.Enc == Dict {
		v.appendGatherEncoded(src, idx)
		return
	}
	at := v.n
	v.SetLen(at + len(idx))
	v.gatherValidity(at, src, idx)
	switch v.Phys() {
	case types.PhysNull:
	case types.PhysBool, types.PhysInt8:
		gather(slotsOf[uint8](v)[at:], slotsOf[uint8](src), idx)
	case types.PhysInt16:
		gather(slotsOf[int16](v)[at:], slotsOf[int16](src), idx)
	case types.PhysInt32, types.PhysFloat32:
		gather(slotsOf[int32](v)[at:], slotsOf[int32](src), idx)
	case types.PhysInt64, types.PhysFloat64:
		gather(slotsOf[int64](v)[at:], slotsOf[int64](src), idx)
	case types.PhysInt128, types.PhysInterval:
		gather(slotsOf[Int128](v)[at:], slotsOf[Int128](src), idx)
	case types.PhysView:
		v.gatherViews(at, src, idx)
	case types.PhysArray, types.PhysMap:
		v.gatherLists(at, src, idx)
	case types.PhysStruct:
		for i, c := range v.Children {
			c.AppendGather(src.Children[i], idx)
		}
	}
}

func (v *Vector) appendGatherEncoded(src *Vector, idx []int32) {
	at := v.n
	if src.Enc == Const {
		if src.ConstNull() {
			v.AppendNulls(len(idx))
			return
		}
		one := *src
		one.Enc, one.n, one.valid = Flat, 1, nil
		rows := make([]int32, len(idx))
		for i, x := range idx {
			rows[i] = x >> 31 // 0, or -1 for a null
		}
		v.AppendGather(&one, rows)
		return
	}
	codes := make([]int32, len(idx))
	for i, x := range idx {
		if x < 0 {
			codes[i] = -1
			continue
		}
		codes[i] = src.Codes[x]
	}
	v.AppendGather(src.Dict, codes)
	if src.valid != nil {
		v.gatherValidity(at, src, idx)
	}
}

// gather copies slots; a negative index copies slot 0 if there is one (the row is null).
func gather[T any](dst, src []T, idx []int32) {
	dst = dst[:len(idx)]
	if len(src) == 0 {
		clear(dst)
		return
	}
	for i, x := range idx {
		dst[i] = src[max(x, 0)]
	}
}

func slotsOf[T any](v *Vector) []T {
	var z T
	if len(v.data) == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(v.data))), len(v.data)/int(unsafe.Sizeof(z)))
}

// gatherValidity sets the validity of rows [at, at+len(idx)) from src's rows idx.
func (v *Vector) gatherValidity(at int, src *Vector, idx []int32) {
	if src.valid == nil {
		for i, x := range idx {
			if x < 0 {
				v.SetNull(at + i)
			}
		}
		return
	}
	v.ensureValid()
	for i, x := range idx {
		j := uint(at + i)
		if x < 0 || src.valid[x>>6]>>(uint(x)&63)&1 == 0 {
			v.valid[j>>6] &^= 1 << (j & 63)
		}
	}
}

func (v *Vector) gatherViews(at int, src *Vector, idx []int32) {
	d, s := slotsOf[View](v)[at:at+len(idx)], slotsOf[View](src)
	for i, x := range idx {
		if x < 0 || src.valid != nil && !src.Valid(int(x)) {
			d[i] = View{}
			continue
		}
		if s[x].Len() <= InlineLen {
			d[i] = s[x]
			continue
		}
		d[i] = v.Intern(s[x].Bytes(src.Bufs))
	}
}

func (v *Vector) gatherLists(at int, src *Vector, idx []int32) {
	if len(v.Offsets) == 0 {
		v.Offsets = append(v.Offsets, 0)
	}
	v.Offsets = v.Offsets[:at+1]
	var rows []int32
	end := int32(v.Children[0].n)
	for _, x := range idx {
		if x >= 0 && src.Valid(int(x)) {
			for j := src.Offsets[x]; j < src.Offsets[x+1]; j++ {
				rows = append(rows, j)
			}
			end += src.Offsets[x+1] - src.Offsets[x]
		}
		v.Offsets = append(v.Offsets, end)
	}
	for i, c := range v.Children {
		c.AppendGather(src.Children[i], rows)
	}
}

// Gather makes v the rows idx of src, sharing src's bytes: v is valid as long
// as src. Negative indices give nulls. Dictionaries stay dictionaries.
func (v *Vector) Gather(src *Vector, idx []int32) {
	switch {
	case src.Enc == Dict:
		v.Reset(len(idx))
		if cap(v.codeBuf()) < len(idx) {
			v.data = alignedBytes(roundUp(len(idx) * 4))
		}
		codes := v.codeBuf()[:len(idx)]
		for i, x := range idx {
			codes[i] = src.Codes[max(x, 0)]
		}
		v.gatherValidity(0, src, idx)
		v.Enc, v.Codes, v.Dict = Dict, codes, src.Dict
	case src.Enc == Const:
		v.Reset(0)
		v.appendGatherEncoded(src, idx)
	case v.Phys() == types.PhysView:
		v.Reset(len(idx))
		v.gatherValidity(0, src, idx)
		gather(slotsOf[View](v), slotsOf[View](src), idx)
		v.Bufs, v.tail = slices.Clip(src.Bufs), 0
	default:
		v.Reset(0)
		v.AppendGather(src, idx)
	}
}

// codeBuf views v's slot storage as dictionary codes.
func (v *Vector) codeBuf() []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(v.data))), cap(v.data)/4)
}

// Flatten returns v itself if flat, else a flat copy in into (reset first).
// The copy shares long strings with v.
func (v *Vector) Flatten(into *Vector) *Vector {
	switch v.Enc {
	case Flat:
		return v
	case Dict:
		into.Gather(v.Dict, v.Codes)
		into.copyValidity(0, v, 0, v.n)
	case Const:
		into.Reset(0)
		into.appendConst(v, v.n)
	}
	return into
}

// Slice makes v show rows [from, from+n) of src without copying.
func (v *Vector) Slice(src *Vector, from, n int) {
	*v = Vector{Type: src.Type, Enc: src.Enc, n: n, Bufs: src.Bufs, Children: src.Children, Dict: src.Dict, data: src.data, valid: src.valid}
	if src.Enc == Const {
		return
	}
	if src.valid != nil && from&63 == 0 {
		v.valid = src.valid[from>>6:]
	} else if src.valid != nil {
		v.valid = make([]uint64, max(words(n), 1))
		copyBits(v.valid, 0, src.valid, from, n)
	}
	if src.Enc == Dict {
		v.Codes = src.Codes[from : from+n]
		return
	}
	if w := v.Phys().Width(); w > 0 {
		v.data = src.data[from*w:]
	}
	switch v.Phys() {
	case types.PhysArray, types.PhysMap:
		v.Offsets = src.Offsets[from : from+n+1]
	case types.PhysStruct:
		v.Children = make([]*Vector, len(src.Children))
		for i, c := range src.Children {
			v.Children[i] = new(Vector)
			v.Children[i].Slice(c, from, n)
		}
	default:
	}
}

// Bytes estimates the memory v's rows occupy.
func (v *Vector) Bytes() int64 {
	n := int64(len(v.valid) * 8)
	switch v.Enc {
	case Dict:
		return n + int64(len(v.Codes))*4 + v.Dict.Bytes()
	case Const:
		return n + 32
	default:
	}
	n += int64(v.n*v.Phys().Width() + len(v.Offsets)*4)
	for _, b := range v.Bufs {
		n += int64(len(b))
	}
	for _, c := range v.Children {
		n += c.Bytes()
	}
	return n
}
