// Package batch holds columnar data: vectors of values, batches of vectors,
// and the kernels every operator shares (gather, append, hash, compare). It
// knows nothing of expressions, plans or storage.
package batch

import (
	"fmt"
	"unsafe"

	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Rows is the usual number of rows in a batch: kernels' scratch stays in the
// L1/L2 caches and dispatch is amortised (512 to 32k measured within 5 %).
const Rows = 4096

// Encoding says how a vector stores its values.
type Encoding uint8

const (
	Flat  Encoding = iota // one slot per row
	Const                 // one slot for all rows
	Dict                  // Codes index the flat vector Dict
)

// Int128 is the unscaled value of a decimal of more than 18 digits.
type Int128 = decimal.Int128

// Interval is a calendar interval.
type Interval struct {
	Months, Days int32
	Micros       int64
}

// Value is the set of slot types.
type Value interface {
	bool | int8 | uint8 | int16 | int32 | int64 | uint64 | float32 | float64 | Int128 | Interval | View
}

// Vector is a column of n values of one type.
//
// Ownership: a vector handed to somebody is borrowed; it and everything it
// points to stay unchanged until the giver is asked for its next batch or is
// closed. Who keeps data longer copies it (Append*). Readers must not write.
//
// Validity is a bitmap, bit set = value present; nil = all present. A Const
// vector has one bit; a Dict vector has one bit per row, and its Dict none null.
type Vector struct {
	Type     types.Type
	Enc      Encoding
	n        int
	valid    []uint64 // nil, or at least words(n)
	spare    []uint64 // storage of valid when it is nil
	data     []byte   // slots, 8-byte aligned
	Bufs     [][]byte // bytes of views longer than inline, by View.Buf
	tail     int      // index+1 in Bufs of the buffer this vector may append to
	Codes    []int32  // Dict: per row; -1 never occurs (null rows carry any code < len)
	Dict     *Vector
	Offsets  []int32   // array, map: n+1 positions in the children
	Children []*Vector // array: [element]; map: [key, value]; struct: fields
}

// New makes an empty flat vector with room for capacity rows.
func New(t types.Type, capacity int) *Vector {
	v := &Vector{Type: t}
	for _, c := range memberTypes(t) {
		v.Children = append(v.Children, New(c, 0))
	}
	v.grow(capacity)
	return v
}

// memberTypes lists the types of t's child vectors.
func memberTypes(t types.Type) []types.Type {
	switch t.Kind {
	case types.KindArray:
		return []types.Type{*t.Elem}
	case types.KindMap:
		return []types.Type{*t.Key, *t.Elem}
	case types.KindStruct:
		out := make([]types.Type, len(t.Fields))
		for i, f := range t.Fields {
			out[i] = f.Type
		}
		return out
	case types.KindVariant:
		return []types.Type{types.Binary, types.Binary}
	case types.KindUDT:
		return memberTypes(*t.Elem)
	default:
		return nil
	}
}

// Len is the number of rows.
func (v *Vector) Len() int { return v.n }

// Phys is the layout class of the values.
func (v *Vector) Phys() types.Phys { return types.PhysOf(&v.Type) }

// grow makes room for n slots, keeping content.
func (v *Vector) grow(n int) {
	w := v.Phys().Width()
	if need := n * w; need > cap(v.data) {
		nd := alignedBytes(roundUp(need))
		copy(nd, v.data)
		v.data = nd
	}
	v.data = v.data[:cap(v.data)]
	if p := v.Phys(); (p == types.PhysArray || p == types.PhysMap) && cap(v.Offsets) < n+1 {
		no := make([]int32, len(v.Offsets), n+1)
		copy(no, v.Offsets)
		v.Offsets = no
	}
}

// Reset makes v a flat vector of n rows, all valid, with arbitrary slots
// (children and offsets empty), ready to be written by Values and SetNull.
// Storage is reused.
func (v *Vector) Reset(n int) {
	v.Enc, v.Dict, v.Codes = Flat, nil, nil
	if v.valid != nil {
		v.spare = v.valid
	}
	v.valid = nil
	v.n = n
	v.resetBufs()
	v.grow(n)
	switch v.Phys() {
	case types.PhysArray, types.PhysMap:
		v.Offsets = append(v.Offsets[:0], 0)
		for _, c := range v.Children {
			c.Reset(0)
		}
	case types.PhysStruct:
		for _, c := range v.Children {
			c.Reset(n)
		}
	default:
	}
}

// resetBufs forgets borrowed byte buffers and rewinds the own one.
func (v *Vector) resetBufs() {
	if v.tail > 0 {
		own := v.Bufs[v.tail-1][:0]
		v.Bufs, v.tail = append(v.Bufs[:0:cap(v.Bufs)], own), 1
		return
	}
	v.Bufs = v.Bufs[:0:0] // the backing array may be shared with the vector it came from
}

// Values is v's slots as a slice of T: n of them when flat, 1 when const.
// T's size must be the layout's width. Dict vectors have no slots: use Dict.
func Values[T Value](v *Vector) []T {
	n := v.n
	switch v.Enc {
	case Const:
		n = 1
	case Dict:
		panic("batch: Values of a dictionary vector")
	default:
	}
	var z T
	if int(unsafe.Sizeof(z)) != v.Phys().Width() {
		panic(fmt.Sprintf("batch: %T slots asked of a vector of %s", z, v.Type))
	}
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(v.data))), len(v.data)/int(unsafe.Sizeof(z)))[:n]
}

// HasNulls tells whether a validity bitmap is present (a null is likely, not sure).
func (v *Vector) HasNulls() bool { return v.valid != nil || v.Type.Kind == types.KindNull }

// Valid tells whether row i has a value.
func (v *Vector) Valid(i int) bool {
	if v.Type.Kind == types.KindNull {
		return false
	}
	if v.valid == nil {
		return true
	}
	if v.Enc == Const {
		i = 0
	}
	return v.valid[i>>6]>>(uint(i)&63)&1 != 0
}

// Validity is the bitmap, nil if all rows are valid. Do not write.
// For a Const vector it has one bit; see ConstNull.
func (v *Vector) Validity() []uint64 { return v.valid }

// ConstNull tells whether v is a constant null.
func (v *Vector) ConstNull() bool {
	return v.Type.Kind == types.KindNull || v.Enc == Const && v.valid != nil && v.valid[0]&1 == 0
}

// SetNull marks row i of a vector under construction as null.
func (v *Vector) SetNull(i int) {
	v.ensureValid()
	v.valid[i>>6] &^= 1 << (uint(i) & 63)
}

// SetValid marks row i as present again.
func (v *Vector) SetValid(i int) {
	if v.valid != nil {
		v.valid[i>>6] |= 1 << (uint(i) & 63)
	}
}

// SetValidity installs a copy of the bitmap m over n rows (nil = all valid).
func (v *Vector) SetValidity(m []uint64) {
	if m == nil {
		if v.valid != nil {
			v.spare, v.valid = v.valid, nil
		}
		return
	}
	v.ensureValid()
	copy(v.valid, m[:words(v.n)])
}

// AndValidity makes rows null where m has no bit.
func (v *Vector) AndValidity(m []uint64) {
	if m == nil {
		return
	}
	if v.valid == nil {
		v.SetValidity(m)
		return
	}
	for i := range words(v.n) {
		v.valid[i] &= m[i]
	}
}

// SetAllNull makes every row null.
func (v *Vector) SetAllNull() {
	v.ensureValid()
	clear(v.valid)
}

// ensureValid gives v a bitmap with bits set for the rows it did not cover.
func (v *Vector) ensureValid() {
	w := max(words(v.n), 1)
	if v.valid == nil {
		if cap(v.spare) < w {
			v.spare = make([]uint64, roundUp(w*8)/8)
		}
		v.valid = v.spare[:w]
		fillOnes(v.valid)
		return
	}
	if len(v.valid) < w {
		old := len(v.valid)
		if cap(v.valid) < w {
			nv := make([]uint64, roundUp(w*8)/8)
			copy(nv, v.valid)
			v.valid = nv
		}
		v.valid = v.valid[:w]
		fillOnes(v.valid[old:])
	}
}

// NullCount counts null rows.
func (v *Vector) NullCount() int {
	if v.Type.Kind == types.KindNull || v.ConstNull() {
		return v.n
	}
	if v.valid == nil || v.Enc == Const {
		return 0
	}
	return v.n - CountBits(v.valid, v.n)
}

// SetConst turns v into n repetitions of its row 0 (which must be written).
func (v *Vector) SetConst(n int) { v.Enc, v.n = Const, n }

// SetLen changes the number of rows of a vector under construction,
// growing storage as needed; new rows are valid with arbitrary slots.
func (v *Vector) SetLen(n int) {
	v.grow(n)
	v.n = n
	if v.valid != nil {
		v.ensureValid()
	}
}

// SetDict turns v into a dictionary vector. codes and dict are borrowed.
func (v *Vector) SetDict(codes []int32, dict *Vector) {
	v.Enc, v.Codes, v.Dict, v.n = Dict, codes, dict, len(codes)
	if v.valid != nil {
		v.ensureValid()
	}
}

// Alias makes v show what src holds, without copying. v's storage is kept for
// a later Reset only if v never aliased before; aliases are cheap headers.
func (v *Vector) Alias(src *Vector) { *v = *src; v.tail = 0; v.spare = nil }

func words(n int) int { return (n + 63) >> 6 }

func fillOnes(w []uint64) {
	for i := range w {
		w[i] = ^uint64(0)
	}
}

// roundUp rounds a size in bytes up so that growth is geometric.
func roundUp(n int) int {
	r := 64
	for r < n {
		r *= 2
	}
	return r
}

func alignedBytes(n int) []byte {
	w := make([]uint64, (n+7)/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w))), len(w)*8)
}

// Slot is the bytes of fixed-width slot i of a flat vector.
func (v *Vector) Slot(i int) []byte {
	w := v.Phys().Width()
	return v.data[i*w : (i+1)*w : (i+1)*w]
}
