package arrowipc

import (
	"unsafe"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// layout is how a column's values lie in Arrow buffers.
type layout uint8

const (
	layNull     layout = iota
	layCopy            // slots are Arrow's: integers, floats, dates, timestamps, wide decimals
	layBool            // bytes to bits
	layWiden           // decimal of up to 18 digits: 64 to 128 bits
	layInterval        // micro- to nanoseconds
	layText            // offsets and bytes
	layList
	layMap
	layStruct
)

// column collects one Arrow array. Its buffers grow and are reused.
type column struct {
	layout   layout
	width    int // of a slot, layCopy
	large    bool
	n        int
	valid    []uint64 // nil while all rows are present
	spare    []uint64
	data     []byte
	bits     []uint64 // layBool
	offs32   []int32
	offs64   []int64
	children []*column
	flat     *batch.Vector // for encodings without a kernel here
}

func newColumn(t types.Type, opt Options) *column {
	for t.Kind == types.KindUDT {
		t = *t.Elem
	}
	c := &column{layout: layoutOf(t), width: t.Phys().Width(), large: opt.LargeVarTypes}
	switch c.layout {
	case layList:
		c.children = []*column{newColumn(*t.Elem, opt)}
	case layMap:
		c.children = []*column{newColumn(*t.Key, opt), newColumn(*t.Elem, opt)}
	case layStruct:
		if t.Kind == types.KindVariant {
			c.children = []*column{newColumn(types.Binary, opt), newColumn(types.Binary, opt)}
		}
		for _, f := range t.Fields {
			c.children = append(c.children, newColumn(f.Type, opt))
		}
	default: // no members
	}
	c.reset()
	return c
}

func layoutOf(t types.Type) layout {
	switch t.Phys() {
	case types.PhysNull:
		return layNull
	case types.PhysBool:
		return layBool
	case types.PhysInterval:
		return layInterval
	case types.PhysView:
		return layText
	case types.PhysArray:
		return layList
	case types.PhysMap:
		return layMap
	case types.PhysStruct:
		return layStruct
	default:
		if t.Kind == types.KindDecimal && t.Phys() == types.PhysInt64 {
			return layWiden
		}
		return layCopy
	}
}

// keptBytes is the most of a column's memory that is kept from stream to
// stream: twice what a usual one holds. A row of many megabytes is an exception.
const keptBytes = 8 << 20

func (c *column) reset() {
	if c.valid != nil {
		c.spare, c.valid = c.valid[:0], nil
	}
	if cap(c.data) > keptBytes {
		c.data = nil
	}
	c.n, c.data, c.bits = 0, c.data[:0], c.bits[:0]
	switch {
	case c.layout == layText && c.large:
		c.offs64 = append(c.offs64[:0], 0)
	case c.layout == layText || c.layout == layList || c.layout == layMap:
		c.offs32 = append(c.offs32[:0], 0)
	}
	for _, k := range c.children {
		k.reset()
	}
}

func (c *column) size() int {
	n := 8*len(c.valid) + len(c.data) + 8*len(c.bits) + 4*len(c.offs32) + 8*len(c.offs64) + bufferAlign
	for _, k := range c.children {
		n += k.size()
	}
	return n
}

// list names the column's node and buffers in Arrow's order: parents first.
func (c *column) list(w *bodyWriter) {
	switch c.layout {
	case layNull:
		w.node(c.n, c.n)
		return
	case layText:
		c.listValidity(w)
		if c.large {
			w.buffer(bytesOf(c.offs64))
		} else {
			w.buffer(bytesOf(c.offs32))
		}
		w.buffer(c.data)
	case layBool:
		c.listValidity(w)
		w.buffer(bytesOf(c.bits)[:bitBytes(c.n)])
	case layList:
		c.listValidity(w)
		w.buffer(bytesOf(c.offs32))
	case layMap:
		c.listValidity(w)
		w.buffer(bytesOf(c.offs32))
		w.node(c.children[0].n, 0) // the entries' struct
		w.buffer(nil)
	case layStruct:
		c.listValidity(w)
	default:
		c.listValidity(w)
		w.buffer(c.data)
	}
	for _, k := range c.children {
		k.list(w)
	}
}

func (c *column) listValidity(w *bodyWriter) {
	if c.valid == nil {
		w.node(c.n, 0)
		w.buffer(nil)
		return
	}
	w.node(c.n, c.n-batch.CountBits(c.valid, c.n))
	w.buffer(bytesOf(c.valid)[:bitBytes(c.n)])
}

func bitBytes(n int) int { return (n + 7) / 8 }

// bytesOf is a slice's memory. Arrow is little-endian, as are all machines this runs on.
func bytesOf[T any](s []T) []byte {
	var z T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(z)))
}
