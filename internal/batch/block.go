package batch

import (
	"encoding/binary"
	"hash/crc32"
	"unsafe"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// A block is a batch as bytes, for spill files, shuffle and local relations:
// a 24-byte header (magic, crc32c of the rest, length, rows, columns) and the
// columns, every section padded to 8 bytes so that a decoder can use the bytes
// where they lie. Integers are little-endian.

const (
	blockMagic  = 0x4b4c4253 // "SBLK"
	blockHeader = 24
)

// castagnoli is crc32c, which the processor computes at memory speed.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	flagValid = 1 << iota // a validity bitmap follows
	flagConst
	flagDict
	physShift = 8 // the layout class, to refuse columns of another type
)

// AppendBlock appends b as a block to dst, which should start at a multiple of
// 8 bytes of whatever holds it.
func AppendBlock(dst []byte, b *Batch) ([]byte, error) {
	start := len(dst)
	dst = append(dst, make([]byte, blockHeader)...)
	for _, c := range b.Cols {
		dst = appendColumn(dst, c, start)
	}
	body := dst[start+blockHeader:]
	if uint64(len(body)) > 1<<32-1 {
		return nil, errs.Errorf(errs.Exhausted, "batch.AppendBlock", "a block of %d bytes is over 4 GiB: use smaller batches", len(body))
	}
	h := dst[start:]
	binary.LittleEndian.PutUint32(h, blockMagic)
	binary.LittleEndian.PutUint32(h[8:], uint32(len(body)))
	binary.LittleEndian.PutUint32(h[12:], uint32(b.N))
	binary.LittleEndian.PutUint32(h[16:], uint32(len(b.Cols)))
	binary.LittleEndian.PutUint32(h[4:], crc32.Checksum(dst[start+8:], castagnoli))
	return dst, nil
}

func appendColumn(dst []byte, v *Vector, start int) []byte {
	n, flags := v.n, uint32(0)
	valid := v.valid
	switch v.Enc {
	case Const:
		n, flags = 1, flagConst
		if v.ConstNull() {
			valid = []uint64{0}
		} else {
			valid = nil
		}
	case Dict:
		flags = flagDict
	default:
	}
	if valid != nil {
		flags |= flagValid
	}
	dst = binary.LittleEndian.AppendUint32(dst, flags|uint32(v.Phys())<<physShift)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(v.n))
	if valid != nil {
		dst = appendSlots(dst, valid[:max(words(n), 1)], start)
	}
	if v.Enc == Dict {
		dst = appendSlots(dst, v.Codes[:n], start)
		return appendColumn(dst, v.Dict, start)
	}
	return appendData(dst, v, n, start)
}

func appendData(dst []byte, v *Vector, n, start int) []byte {
	switch p := v.Phys(); p {
	case types.PhysNull:
	case types.PhysView:
		dst = appendViews(dst, v, n, start)
	case types.PhysArray, types.PhysMap:
		dst = appendLists(dst, v, n, start)
	case types.PhysStruct:
		for _, c := range v.Children {
			one := *c
			if one.Enc == Flat {
				one.n = n
			}
			dst = appendColumn(dst, &one, start)
		}
	default:
		dst = pad(append(dst, v.data[:n*p.Width()]...), start)
	}
	return dst
}

func appendSlots[T any](dst []byte, s []T, start int) []byte {
	if len(s) > 0 {
		dst = append(dst, unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(s[0])))...)
	}
	return pad(dst, start)
}

func pad(dst []byte, start int) []byte {
	for (len(dst)-start)&7 != 0 {
		dst = append(dst, 0)
	}
	return dst
}

// appendViews writes a byte count, views whose offsets count from the start of
// the bytes, and the bytes of long values.
func appendViews(dst []byte, v *Vector, n, start int) []byte {
	at := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, 0)
	vs := slotsOf[View](v)
	first := len(dst)
	dst = append(dst, make([]byte, 16*n)...)
	base := len(dst)
	for i := range n {
		x := View{}
		if v.valid == nil || v.Valid(i) {
			x = vs[i]
			if x.Len() > InlineLen {
				s := x.Bytes(v.Bufs)
				x = MakeView(s, 0, len(dst)-base)
				dst = append(dst, s...)
			}
		}
		binary.LittleEndian.PutUint64(dst[first+16*i:], x.A)
		binary.LittleEndian.PutUint64(dst[first+16*i+8:], x.B)
	}
	binary.LittleEndian.PutUint64(dst[at:], uint64(len(dst)-base))
	return pad(dst, start)
}

func appendLists(dst []byte, v *Vector, n, start int) []byte {
	offs := make([]int32, n+1)
	var lo, hi int32
	if len(v.Offsets) > n {
		lo, hi = v.Offsets[0], v.Offsets[n]
		for i := range offs {
			offs[i] = v.Offsets[i] - lo
		}
	}
	dst = appendSlots(dst, offs, start)
	for _, c := range v.Children {
		var s Vector
		s.Slice(c, int(lo), int(hi-lo))
		dst = appendColumn(dst, &s, start)
	}
	return dst
}

// BlockLen reads the whole length of the block that starts at b, 0 if b is
// shorter than a header or does not start a block.
func BlockLen(b []byte) int {
	if len(b) < blockHeader || binary.LittleEndian.Uint32(b) != blockMagic {
		return 0
	}
	return blockHeader + int(binary.LittleEndian.Uint32(b[8:]))
}

// DecodeBlock reads a block of columns of the given types. Where b is aligned
// the batch refers to b's bytes, which must not change. Damage is errs.Corrupt.
func DecodeBlock(ts []types.Type, b []byte) (*Batch, error) {
	if n := BlockLen(b); n == 0 || n != len(b) {
		return nil, errs.Errorf(errs.Corrupt, "batch.DecodeBlock", "no block of %d bytes", len(b))
	}
	if sum := binary.LittleEndian.Uint32(b[4:]); sum != crc32.Checksum(b[8:], castagnoli) {
		return nil, errs.Errorf(errs.Corrupt, "batch.DecodeBlock", "checksum mismatch in a block of %d bytes", len(b))
	}
	if uintptr(unsafe.Pointer(unsafe.SliceData(b)))&7 != 0 {
		b = append(alignedBytes(len(b))[:0], b...)
	}
	rows, cols := int(binary.LittleEndian.Uint32(b[12:])), int(binary.LittleEndian.Uint32(b[16:]))
	if cols != len(ts) {
		return nil, errs.Errorf(errs.Corrupt, "batch.DecodeBlock", "%d columns where %d are expected", cols, len(ts))
	}
	r := &blockReader{b: b[blockHeader:], whole: b}
	out := &Batch{N: rows, Cols: make([]*Vector, cols)}
	for i, t := range ts {
		out.Cols[i] = r.column(t, rows, 0)
	}
	if r.bad {
		return nil, errs.Errorf(errs.Corrupt, "batch.DecodeBlock", "sections of a block do not fit its %d bytes", len(b))
	}
	return out, nil
}

// blockReader cuts sections off a block; bad is set at the first that does not fit.
type blockReader struct {
	b, whole []byte
	bad      bool
}

func (r *blockReader) take(n int) []byte {
	padded := (n + 7) &^ 7
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[min(padded, len(r.b)):]
	return out
}

func takeSlots[T any](r *blockReader, n int) []T {
	var z T
	if n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	b := r.take(n * int(unsafe.Sizeof(z)))
	if len(b) == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), n)
}

func (r *blockReader) column(t types.Type, want, depth int) *Vector {
	v := &Vector{Type: t}
	h := r.take(8)
	if r.bad || depth > types.MaxTypeDepth {
		r.bad = true
		return v
	}
	flags, n := binary.LittleEndian.Uint32(h), int(binary.LittleEndian.Uint32(h[4:]))
	if want >= 0 && n != want || flags>>physShift != uint32(t.Phys()) {
		r.bad = true
		return v
	}
	slots := n
	v.n = n
	if flags&flagConst != 0 {
		slots, v.Enc = 1, Const
	}
	if flags&flagValid != 0 {
		v.valid = takeSlots[uint64](r, max(words(slots), 1))
	}
	if flags&flagDict != 0 {
		r.dict(v, t, n, depth)
		return v
	}
	r.data(v, t, slots, depth)
	return v
}

func (r *blockReader) dict(v *Vector, t types.Type, n, depth int) {
	v.Enc, v.Codes = Dict, takeSlots[int32](r, n)
	v.Dict = r.column(t, -1, depth+1)
	if v.Dict.Enc != Flat {
		r.bad = true
	}
	for _, c := range v.Codes {
		if c < 0 || int(c) >= v.Dict.n {
			r.bad = true
			return
		}
	}
}

func (r *blockReader) data(v *Vector, t types.Type, n, depth int) {
	switch p := t.Phys(); p {
	case types.PhysNull:
	case types.PhysView:
		r.views(v, n)
	case types.PhysArray, types.PhysMap:
		r.lists(v, t, n, depth)
	case types.PhysStruct:
		for _, c := range memberTypes(t) {
			v.Children = append(v.Children, r.column(c, n, depth+1))
		}
	default:
		v.data = r.take(n * p.Width())
	}
}

func (r *blockReader) views(v *Vector, n int) {
	h := r.take(8)
	if r.bad {
		return
	}
	size := binary.LittleEndian.Uint64(h)
	v.data = r.take(n * 16)
	if size > uint64(len(r.b)) {
		r.bad = true
		return
	}
	v.Bufs = [][]byte{r.take(int(size))}
	if r.bad {
		return
	}
	for _, x := range slotsOf[View](v) {
		if x.Len() > InlineLen && (x.Buf() != 0 || uint64(x.Off())+uint64(x.Len()) > size) {
			r.bad = true
			return
		}
	}
}

func (r *blockReader) lists(v *Vector, t types.Type, n, depth int) {
	v.Offsets = takeSlots[int32](r, n+1)
	if r.bad || v.Offsets[0] != 0 {
		r.bad = true
		return
	}
	for i := range n {
		if v.Offsets[i] > v.Offsets[i+1] {
			r.bad = true
			return
		}
	}
	for _, c := range memberTypes(t) {
		v.Children = append(v.Children, r.column(c, int(v.Offsets[n]), depth+1))
	}
}
