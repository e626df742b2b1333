package arrowipc

import (
	"encoding/binary"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// array is a column of a record batch whose buffers have been checked: all that
// fill reads is inside them.
type array struct {
	f        *field
	n        int
	valid    []byte // bitmap, nil if all are present
	data     []byte
	offs     []int64  // n+1, monotone, inside data or the child
	heaps    [][]byte // of views
	children []*array
	codes    []int32 // of a dictionary
	dict     *batch.Vector
}

// bodyReader hands out a record batch's nodes and buffers in Arrow's order.
type bodyReader struct {
	d        *decoder
	length   int
	nodes    []nodeInfo
	buffers  []extent
	variadic []int
	body     []byte
	codec    int // -1: not compressed
}

func (d *decoder) reader(t table, body []byte) (*bodyReader, error) {
	r := &bodyReader{d: d, body: body, codec: -1}
	if c, ok := t.table(slotBatchCompression); ok {
		if r.codec = int(c.byte(0)); r.codec > codecZstd || c.byte(1) != 0 {
			return nil, unsupported("an unknown compression")
		}
	}
	n := t.long(slotBatchLength)
	if n < 0 || n > maxRows {
		return nil, corrupt("a batch of %d rows", n)
	}
	r.length = int(n)
	for _, p := range pairs(t, slotBatchNodes) {
		if p[0] < 0 || p[0] > maxRows || p[1] < 0 || p[1] > p[0] {
			return nil, corrupt("a column of %d rows with %d nulls", p[0], p[1])
		}
		r.nodes = append(r.nodes, nodeInfo{int(p[0]), int(p[1])})
	}
	for _, p := range pairs(t, slotBatchBuffers) {
		if p[0] < 0 || p[1] < 0 || p[0] > int64(len(body)) || p[1] > int64(len(body))-p[0] {
			return nil, corrupt("a buffer outside of its message")
		}
		r.buffers = append(r.buffers, extent{int(p[0]), int(p[1])})
	}
	pos, k := t.vector(slotBatchVariadic, 8)
	for i := range k {
		c := int64(binary.LittleEndian.Uint64(t.buf.data[pos+8*i:]))
		if c < 0 || c > int64(len(r.buffers)) {
			return nil, corrupt("a column with %d data buffers", c)
		}
		r.variadic = append(r.variadic, int(c))
	}
	return r, t.buf.err()
}

// pairs reads a vector of structs of two 64-bit integers.
func pairs(t table, slot int) [][2]int64 {
	pos, n := t.vector(slot, 16)
	out := make([][2]int64, n)
	for i := range out {
		p := t.buf.data[pos+16*i:]
		out[i] = [2]int64{int64(binary.LittleEndian.Uint64(p)), int64(binary.LittleEndian.Uint64(p[8:]))}
	}
	return out
}

// end checks that everything was used and the rows are as many as announced.
func (r *bodyReader) end(n int) error {
	if len(r.nodes) > 0 || len(r.buffers) > 0 || n != r.length {
		return corrupt("a batch that does not match its schema")
	}
	return nil
}

func (r *bodyReader) node() (nodeInfo, error) {
	if len(r.nodes) == 0 {
		return nodeInfo{}, corrupt("a batch with too few columns")
	}
	n := r.nodes[0]
	r.nodes = r.nodes[1:]
	return n, nil
}

// buffer takes the next buffer, decompressed, of at least need bytes.
func (r *bodyReader) buffer(need int64) ([]byte, error) {
	if len(r.buffers) == 0 {
		return nil, corrupt("a batch with too few buffers")
	}
	e := r.buffers[0]
	r.buffers = r.buffers[1:]
	b := r.body[e.offset : e.offset+e.length]
	if r.codec >= 0 && len(b) > 0 {
		var err error
		if b, err = r.d.decompress(r.codec, b); err != nil {
			return nil, err
		}
	}
	if int64(len(b)) < need {
		return nil, corrupt("a buffer of %d bytes where %d are needed", len(b), need)
	}
	return b, nil
}

// array reads the next column and its children.
func (r *bodyReader) array(f *field, depth int) (*array, error) {
	node, err := r.node()
	if err != nil {
		return nil, err
	}
	a := &array{f: f, n: node.length}
	width := f.typ.Phys().Width()
	if f.tag == tagFixedSizeList {
		width = 4 // of the offsets that it gets here; the others bring theirs
	}
	if err := r.d.charge(costOfVector + int64(a.n)*int64(width)); err != nil {
		return nil, err
	}
	if f.dict == nil && f.tag == tagNull {
		return a, nil
	}
	if a.valid, err = r.buffer(0); err != nil {
		return nil, err
	}
	switch {
	case len(a.valid) == 0 && node.nulls == 0:
		a.valid = nil
	case len(a.valid) < bitBytes(a.n):
		return nil, corrupt("a validity bitmap of %d bytes for %d rows", len(a.valid), a.n)
	}
	if f.dict != nil {
		return a, r.codes(a)
	}
	return a, r.values(a, depth)
}

// values reads what follows the validity bitmap.
func (r *bodyReader) values(a *array, depth int) (err error) {
	f := a.f
	switch f.tag {
	case tagBool:
		a.data, err = r.buffer(int64(bitBytes(a.n)))
	case tagUtf8, tagBinary:
		return r.text(a, 4)
	case tagLargeUtf8, tagLargeBinary:
		return r.text(a, 8)
	case tagUtf8View, tagBinaryView:
		return r.views(a)
	case tagList, tagMap:
		return r.lists(a, 4, depth)
	case tagLargeList:
		return r.lists(a, 8, depth)
	case tagFixedSizeList:
		return r.children(a, int64(a.n)*int64(f.width), depth)
	case tagStruct:
		return r.children(a, int64(a.n), depth)
	case tagFixedSizeBinary:
		a.data, err = r.buffer(int64(a.n) * int64(f.width))
	default:
		a.data, err = r.buffer(int64(a.n) * int64(f.bits/8))
	}
	return err
}

func (r *bodyReader) children(a *array, rows int64, depth int) error {
	for _, f := range a.f.children {
		c, err := r.array(f, depth+1)
		if err != nil {
			return err
		}
		if int64(c.n) < rows {
			return corrupt("%d values where %d are needed", c.n, rows)
		}
		a.children = append(a.children, c)
	}
	return nil
}

// offsets reads n+1 offsets of width bytes and checks that they ascend.
func (r *bodyReader) offsets(n, width int) ([]int64, error) {
	b, err := r.buffer(0)
	if err != nil {
		return nil, err
	}
	if n == 0 && len(b) == 0 {
		return []int64{0}, nil
	}
	if len(b)/width < n+1 {
		return nil, corrupt("%d bytes of offsets for %d rows", len(b), n)
	}
	if err := r.d.charge(8 * int64(n+1)); err != nil {
		return nil, err
	}
	out := make([]int64, n+1)
	last := int64(0)
	for i := range out {
		var x int64
		if width == 4 {
			x = int64(int32(binary.LittleEndian.Uint32(b[4*i:])))
		} else {
			x = int64(binary.LittleEndian.Uint64(b[8*i:]))
		}
		if x < last {
			return nil, corrupt("offsets that descend")
		}
		out[i], last = x, x
	}
	return out, nil
}

func (r *bodyReader) text(a *array, width int) (err error) {
	if a.offs, err = r.offsets(a.n, width); err != nil {
		return err
	}
	a.data, err = r.buffer(a.offs[a.n])
	return err
}

func (r *bodyReader) lists(a *array, width, depth int) (err error) {
	if a.offs, err = r.offsets(a.n, width); err != nil {
		return err
	}
	return r.children(a, a.offs[a.n], depth)
}

func (r *bodyReader) views(a *array) (err error) {
	if a.data, err = r.buffer(16 * int64(a.n)); err != nil {
		return err
	}
	if len(r.variadic) == 0 {
		return corrupt("views without a number of data buffers")
	}
	k := r.variadic[0]
	r.variadic = r.variadic[1:]
	for range k {
		h, err := r.buffer(0)
		if err != nil {
			return err
		}
		a.heaps = append(a.heaps, h)
	}
	return nil
}

// codes reads dictionary indices and checks them against the dictionary.
func (r *bodyReader) codes(a *array) error {
	f := a.f
	b, err := r.buffer(int64(a.n) * int64(f.idxBits/8))
	if err != nil {
		return err
	}
	if a.dict = r.d.dicts[*f.dict]; a.dict == nil {
		a.dict = batch.New(f.typ, 0) // all rows must be null
	}
	if err := r.d.charge(4 * int64(a.n)); err != nil {
		return err
	}
	a.codes = make([]int32, a.n)
	for i := range a.codes {
		if !a.present(i) {
			continue
		}
		x := f.index(b, i)
		if x >= uint64(a.dict.Len()) {
			return corrupt("the dictionary index %d of %d values", int64(x), a.dict.Len())
		}
		a.codes[i] = int32(x)
	}
	return nil
}

// index reads an index; a negative one comes out larger than any dictionary.
func (f *field) index(b []byte, i int) uint64 {
	var x uint64
	switch f.idxBits {
	case 8:
		x = uint64(b[i])
	case 16:
		x = uint64(binary.LittleEndian.Uint16(b[2*i:]))
	case 32:
		x = uint64(binary.LittleEndian.Uint32(b[4*i:]))
	default:
		x = binary.LittleEndian.Uint64(b[8*i:])
	}
	if shift := uint(64 - f.idxBits); f.idxSign {
		return uint64(int64(x<<shift) >> shift)
	}
	return x
}

func (a *array) present(i int) bool { return a.valid == nil || a.valid[i>>3]>>(uint(i)&7)&1 != 0 }

// isText tells whether the values are strings, which must be UTF-8.
func (a *array) isText() bool { return a.f.typ.Kind == types.KindString }
