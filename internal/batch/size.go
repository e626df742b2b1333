package batch

import "github.com/spurwheel/spurwheel/internal/types"

// Size is how many bytes rows [from, from+n) take when they are copied. Bytes
// cannot tell: rows may share one long value, or show little of a large buffer.
func (b *Batch) Size(from, n int) int64 {
	var size int64
	for _, c := range b.Cols {
		size += c.Size(from, n)
	}
	return size
}

// Fit is how many of the rows [from, from+n) to copy at a time so that a copy
// takes at most limit bytes: at least one, since a row is not cut.
func (b *Batch) Fit(from, n int, limit int64) int {
	for n > 1 {
		size := b.Size(from, n)
		if size <= limit {
			return n
		}
		n = max(1, min(n-1, int(float64(n)*float64(max(limit, 0))/float64(size))))
	}
	return n
}

// GatherSize is how many bytes the rows idx take when they are copied.
func (b *Batch) GatherSize(idx []int32) int64 {
	var size int64
	for _, c := range b.Cols {
		size += c.gatherSize(idx)
	}
	return size
}

func (v *Vector) gatherSize(idx []int32) int64 {
	switch {
	case len(v.Children) > 0 && v.Enc != Const, v.Enc == Dict && v.Phys() == types.PhysView:
		var size int64
		for _, i := range idx {
			size += v.Size(int(i), 1)
		}
		return size
	case v.Enc == Const:
		return v.Size(0, len(idx))
	case v.Phys() == types.PhysView:
		size := int64(len(idx) * v.Phys().Width())
		views := slotsOf[View](v)
		for _, i := range idx {
			if k := views[i].Len(); k > InlineLen && (v.valid == nil || v.Valid(int(i))) {
				size += int64(k)
			}
		}
		return size
	default:
		return int64(len(idx) * v.Phys().Width())
	}
}

// Size is how many bytes rows [from, from+n) take when they are copied.
func (v *Vector) Size(from, n int) int64 {
	switch v.Enc {
	case Const:
		if v.ConstNull() {
			return int64(n)
		}
		return int64(n) * v.flatSize(0, 1)
	case Dict:
		return v.dictSize(from, n)
	default:
		return v.flatSize(from, n)
	}
}

func (v *Vector) flatSize(from, n int) int64 {
	size := int64(n * v.Phys().Width())
	switch v.Phys() {
	case types.PhysView:
		views := slotsOf[View](v)[from : from+n]
		for i := range views { // of null rows the slots are arbitrary
			if k := views[i].Len(); k > InlineLen && (v.valid == nil || v.Enc == Const || v.Valid(from+i)) {
				size += int64(k)
			}
		}
	case types.PhysArray, types.PhysMap:
		size += int64(4 * n)
		lo, hi := int(v.Offsets[from]), int(v.Offsets[from+n])
		for _, c := range v.Children {
			size += c.Size(lo, hi-lo)
		}
	case types.PhysStruct:
		for _, c := range v.Children {
			size += c.Size(from, n)
		}
	default:
	}
	return size
}

func (v *Vector) dictSize(from, n int) int64 {
	size := int64(n * v.Phys().Width())
	if v.Phys() == types.PhysView {
		if v.Dict.Len() == 0 {
			return size
		}
		dict := Values[View](v.Dict)
		for i, code := range v.Codes[from : from+n] {
			if k := dict[code].Len(); k > InlineLen && v.Valid(from+i) {
				size += int64(k)
			}
		}
		return size
	}
	if len(v.Children) == 0 && len(v.Dict.Children) == 0 {
		return size
	}
	for i, code := range v.Codes[from : from+n] {
		if v.Valid(from + i) {
			size += v.Dict.Size(int(code), 1)
		}
	}
	return size
}

// Own is the bytes of v's content that v itself holds: not what it shows of others.
func (v *Vector) Own() int64 {
	n := int64(v.n * v.Phys().Width())
	if v.tail > 0 {
		for _, b := range v.Bufs {
			n += int64(len(b))
		}
	}
	for _, c := range v.Children {
		n += c.Own()
	}
	return n
}
