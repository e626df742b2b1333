package parquet

import (
	"encoding/binary"
	"errors"
	"math"
)

// Wire types of Thrift's compact protocol.
const (
	tTrue   = 1
	tFalse  = 2
	tByte   = 3
	tI16    = 4
	tI32    = 5
	tI64    = 6
	tDouble = 7
	tBinary = 8
	tList   = 9
	tSet    = 10
	tMap    = 11
	tStruct = 12
	tUUID   = 13
)

// maxThriftDepth bounds structs in structs; Parquet's own messages need 6.
const maxThriftDepth = 32

var (
	errThriftShort = errors.New("metadata ends too early")
	errThriftBad   = errors.New("metadata is malformed")
)

// decoder reads the compact protocol. The first error stays; after it all
// reads give zeros, so that callers test once at the end.
type decoder struct {
	b     []byte
	i     int
	depth int
	err   error
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.i = len(d.b)
}

func (d *decoder) byte() byte {
	if d.i >= len(d.b) {
		d.fail(errThriftShort)
		return 0
	}
	d.i++
	return d.b[d.i-1]
}

func (d *decoder) uvarint() uint64 {
	x, n := binary.Uvarint(d.b[d.i:])
	switch {
	case n == 0:
		d.fail(errThriftShort)
		return 0
	case n < 0:
		d.fail(errThriftBad)
		return 0
	}
	d.i += n
	return x
}

func (d *decoder) varint() int64 {
	x := d.uvarint()
	return int64(x>>1) ^ -int64(x&1)
}

// each reads a struct: f is called for each field and reads its value, or
// returns false to have it skipped.
func (d *decoder) each(f func(id int, typ byte) bool) {
	if d.depth++; d.depth > maxThriftDepth {
		d.fail(errThriftBad)
		return
	}
	id := int64(0)
	for d.err == nil {
		h := d.byte()
		if h == 0 {
			break
		}
		if delta := h >> 4; delta != 0 {
			id += int64(delta)
		} else {
			id = d.varint()
		}
		if id < math.MinInt16 || id > math.MaxInt16 {
			d.fail(errThriftBad)
		}
		if d.err == nil && !f(int(id), h&15) {
			d.skip(h & 15)
		}
	}
	d.depth--
}

// list reads a list's header and calls f for each element. n is at most the
// number of bytes left, which bounds what callers allocate.
func (d *decoder) list(typ byte, start func(n int), f func(elem byte)) bool {
	if typ != tList && typ != tSet {
		return false
	}
	n, elem := d.listHeader()
	if start != nil {
		start(n)
	}
	for ; n > 0 && d.err == nil; n-- {
		f(elem)
	}
	return true
}

func (d *decoder) listHeader() (n int, elem byte) {
	h := d.byte()
	size := uint64(h >> 4)
	if size == 15 {
		size = d.uvarint()
	}
	if size > uint64(len(d.b)-d.i) {
		d.fail(errThriftBad)
		return 0, 0
	}
	return int(size), h & 15
}

func (d *decoder) int(typ byte, to *int64) bool {
	switch typ {
	case tByte:
		*to = int64(int8(d.byte()))
	case tI16, tI32, tI64:
		*to = d.varint()
	default:
		return false
	}
	return true
}

func (d *decoder) int32(typ byte, to *int32) bool {
	var x int64
	if !d.int(typ, &x) {
		return false
	}
	if x < math.MinInt32 || x > math.MaxInt32 {
		d.fail(errThriftBad)
		return true
	}
	*to = int32(x)
	return true
}

func (d *decoder) bool(typ byte, to *bool) bool {
	*to = typ == tTrue
	return typ == tTrue || typ == tFalse
}

// bytes views the value in the message.
func (d *decoder) bytes(typ byte, to *[]byte) bool {
	if typ != tBinary {
		return false
	}
	n := d.uvarint()
	if n > uint64(len(d.b)-d.i) {
		d.fail(errThriftShort)
		return true
	}
	*to = d.b[d.i : d.i+int(n) : d.i+int(n)]
	d.i += int(n)
	return true
}

func (d *decoder) string(typ byte, to *string) bool {
	var b []byte
	if !d.bytes(typ, &b) {
		return false
	}
	*to = string(b)
	return true
}

func (d *decoder) skip(typ byte) {
	var b []byte
	switch typ {
	case tTrue, tFalse:
	case tByte:
		d.byte()
	case tI16, tI32, tI64:
		d.uvarint()
	case tDouble:
		d.advance(8)
	case tUUID:
		d.advance(16)
	case tBinary:
		d.bytes(typ, &b)
	case tList, tSet:
		d.nest(func() { d.list(typ, nil, d.skipElem) })
	case tMap:
		d.nest(d.skipMap)
	case tStruct:
		d.each(func(int, byte) bool { return false })
	default:
		d.fail(errThriftBad)
	}
}

func (d *decoder) nest(f func()) {
	if d.depth++; d.depth > maxThriftDepth {
		d.fail(errThriftBad)
		return
	}
	f()
	d.depth--
}

// skipElem skips a list element: booleans take a byte there.
func (d *decoder) skipElem(typ byte) {
	if typ == tTrue || typ == tFalse {
		d.byte()
		return
	}
	d.skip(typ)
}

func (d *decoder) skipMap() {
	n := d.uvarint()
	if n == 0 {
		return
	}
	if n > uint64(len(d.b)-d.i) {
		d.fail(errThriftBad)
		return
	}
	kv := d.byte()
	for ; n > 0 && d.err == nil; n-- {
		d.skipElem(kv >> 4)
		d.skipElem(kv & 15)
	}
}

func (d *decoder) advance(n int) {
	if n > len(d.b)-d.i {
		d.fail(errThriftShort)
		return
	}
	d.i += n
}

// encoder writes the compact protocol.
type encoder struct {
	b    []byte
	last []int // field ids of the open structs
	id   int
}

func (e *encoder) begin() {
	e.last = append(e.last, e.id)
	e.id = 0
}

func (e *encoder) end() {
	e.b = append(e.b, 0)
	e.id = e.last[len(e.last)-1]
	e.last = e.last[:len(e.last)-1]
}

func (e *encoder) field(id int, typ byte) {
	if d := id - e.id; d > 0 && d < 16 {
		e.b = append(e.b, byte(d)<<4|typ)
	} else {
		e.b = append(e.b, typ)
		e.zigzag(int64(id))
	}
	e.id = id
}

func (e *encoder) zigzag(x int64) { e.b = binary.AppendUvarint(e.b, uint64(x)<<1^uint64(x>>63)) }

func (e *encoder) i32(id int, x int) {
	e.field(id, tI32)
	e.zigzag(int64(x))
}

func (e *encoder) i64(id int, x int64) {
	e.field(id, tI64)
	e.zigzag(x)
}

func (e *encoder) i8(id int, x int8) {
	e.field(id, tByte)
	e.b = append(e.b, byte(x))
}

func (e *encoder) boolean(id int, x bool) {
	if x {
		e.field(id, tTrue)
	} else {
		e.field(id, tFalse)
	}
}

func (e *encoder) binary(id int, x []byte) {
	e.field(id, tBinary)
	e.bytes(x)
}

func (e *encoder) bytes(x []byte) {
	e.b = binary.AppendUvarint(e.b, uint64(len(x)))
	e.b = append(e.b, x...)
}

func (e *encoder) string(id int, x string) { e.binary(id, []byte(x)) }

func (e *encoder) list(id int, elem byte, n int) {
	e.field(id, tList)
	if n < 15 {
		e.b = append(e.b, byte(n)<<4|elem)
		return
	}
	e.b = append(e.b, 0xf0|elem)
	e.b = binary.AppendUvarint(e.b, uint64(n))
}

// structs writes a struct field whose members f writes.
func (e *encoder) structure(id int, f func()) {
	e.field(id, tStruct)
	e.begin()
	f()
	e.end()
}

// element writes a struct that is a list's element.
func (e *encoder) element(f func()) {
	e.begin()
	f()
	e.end()
}
