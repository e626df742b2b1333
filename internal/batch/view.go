package batch

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"unsafe"
)

// InlineLen is the longest value a view holds in itself.
const InlineLen = 12

// View is a string or binary value in 16 bytes, Arrow's binary-view layout:
// length (4 bytes), then up to 12 bytes inline, zero padded; or the first four
// bytes, the buffer's index and the offset in it.
type View struct{ A, B uint64 }

// Len is the value's length in bytes.
func (x *View) Len() int { return int(uint32(x.A)) }

// Buf and Off locate the bytes of a value longer than InlineLen.
func (x *View) Buf() int { return int(uint32(x.B)) }
func (x *View) Off() int { return int(x.B >> 32) }

// MakeView makes the view of s, which lies at off in buffer buf if it is long.
func MakeView(s []byte, buf, off int) View {
	if len(s) <= InlineLen {
		return inlineView(s)
	}
	return View{A: uint64(uint32(len(s))) | uint64(binary.LittleEndian.Uint32(s))<<32, B: uint64(uint32(buf)) | uint64(off)<<32}
}

func inlineView(s []byte) View {
	var w [16]byte
	binary.LittleEndian.PutUint32(w[:], uint32(len(s)))
	copy(w[4:], s)
	return View{binary.LittleEndian.Uint64(w[:]), binary.LittleEndian.Uint64(w[8:])}
}

// Bytes is the value; for inline views it points into *x.
func (x *View) Bytes(bufs [][]byte) []byte {
	n := x.Len()
	if n <= InlineLen {
		return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(x), 4)), n)
	}
	off := x.Off()
	return bufs[x.Buf()][off : off+n : off+n]
}

// Str is the bytes of row i of a string or binary vector of any encoding.
// The slice is valid as long as the vector. Null rows give arbitrary bytes
// (of valid memory only if the slot was written: test Valid first).
func (v *Vector) Str(i int) []byte {
	switch v.Enc {
	case Const:
		i = 0
	case Dict:
		return v.Dict.Str(int(v.Codes[i]))
	default:
	}
	return Values[View](v)[i].Bytes(v.Bufs)
}

// ownBuf is the smallest buffer that long values are appended to.
const ownBuf = 16 << 10

// SetStr writes row i, copying s.
func (v *Vector) SetStr(i int, s []byte) {
	Values[View](v)[i] = v.Intern(s)
}

// SetString is SetStr of a Go string.
func (v *Vector) SetString(i int, s string) {
	v.SetStr(i, unsafe.Slice(unsafe.StringData(s), len(s)))
}

// Intern copies s into v's own buffers if it is long and returns its view.
func (v *Vector) Intern(s []byte) View {
	if len(s) <= InlineLen {
		return inlineView(s)
	}
	b := v.Room(len(s))
	off := len(*b)
	*b = append(*b, s...)
	return MakeView(s, v.tail-1, off)
}

// Room returns the own buffer with room for n more bytes; append to it and
// make views with TailView. Buffers never move once written.
func (v *Vector) Room(n int) *[]byte {
	if v.tail == 0 || len(v.Bufs[v.tail-1])+n > cap(v.Bufs[v.tail-1]) {
		size := ownBuf
		if v.tail > 0 {
			size = min(2*cap(v.Bufs[v.tail-1]), 8<<20)
		}
		v.Bufs = append(slices.Clip(v.Bufs), make([]byte, 0, max(size, n)))
		v.tail = len(v.Bufs)
	}
	return &v.Bufs[v.tail-1]
}

// Share makes v, a string or binary vector that was just reset, refer to src's
// buffers, so that views of src and SubViews of them may be written to v's
// slots. v is valid as long as src.
func (v *Vector) Share(src *Vector) { v.Bufs, v.tail = slices.Clip(src.Bufs), 0 }

// SubView is the view of bytes [lo, hi) of x, in the same buffers.
func (x *View) SubView(bufs [][]byte, lo, hi int) View {
	return MakeView(x.Bytes(bufs)[lo:hi], x.Buf(), x.Off()+lo)
}

// TailView is the view of the n bytes appended last to the own buffer
// (which Room returned). Short values are copied inline.
func (v *Vector) TailView(n int) View {
	b := v.Bufs[v.tail-1]
	return MakeView(b[len(b)-n:], v.tail-1, len(b)-n)
}

// EqualViews compares two values.
func EqualViews(a *View, abufs [][]byte, b *View, bbufs [][]byte) bool {
	if a.A != b.A {
		return false
	}
	if a.Len() <= InlineLen {
		return a.B == b.B
	}
	return bytes.Equal(a.Bytes(abufs), b.Bytes(bbufs))
}

// CompareViews orders two values by bytes.
func CompareViews(a *View, abufs [][]byte, b *View, bbufs [][]byte) int {
	pa, pb := bits.ReverseBytes32(uint32(a.A>>32)), bits.ReverseBytes32(uint32(b.A>>32))
	if pa != pb {
		if pa < pb {
			return -1
		}
		return 1
	}
	return bytes.Compare(a.Bytes(abufs), b.Bytes(bbufs))
}

// ShareBufs makes views of v refer to bufs, which v borrows: for kernels that
// write views taken over from elsewhere.
func (v *Vector) ShareBufs(bufs [][]byte) { v.Bufs, v.tail = slices.Clip(bufs), 0 }
