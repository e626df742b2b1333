package arrowipc

import (
	"encoding/binary"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// table reads one flatbuffer table without trusting it: a slot that points
// outside the buffer marks the whole buffer as broken and reads as absent.
type table struct {
	buf  *fbuf
	pos  int
	vt   int // of its vtable
	size int // of the vtable
}

// fbuf is a flatbuffer and whether something in it was out of bounds.
type fbuf struct {
	data   []byte
	broken bool
	reads  int
}

// maxReads bounds the work that shared or cyclic offsets can cause.
const maxReads = 1 << 20

func rootTable(data []byte) (table, *fbuf) {
	f := &fbuf{data: data}
	return f.table(f.indirect(0)), f
}

func (f *fbuf) err() error {
	if f.broken {
		return corrupt("the metadata points outside of itself")
	}
	return nil
}

// has tells whether n bytes at pos are inside.
func (f *fbuf) has(pos, n int) bool {
	f.reads++
	if pos < 0 || n < 0 || pos > len(f.data)-n || f.reads > maxReads {
		f.broken = true
		return false
	}
	return true
}

func (f *fbuf) u32(pos int) uint32 {
	if !f.has(pos, 4) {
		return 0
	}
	return binary.LittleEndian.Uint32(f.data[pos:])
}

func (f *fbuf) u16(pos int) uint16 {
	if !f.has(pos, 2) {
		return 0
	}
	return binary.LittleEndian.Uint16(f.data[pos:])
}

// indirect follows the offset at pos.
func (f *fbuf) indirect(pos int) int {
	o := f.u32(pos)
	if o == 0 || uint64(o) > uint64(len(f.data)) {
		f.broken = true
		return -1
	}
	return pos + int(o)
}

func (f *fbuf) table(pos int) table {
	if pos < 0 || !f.has(pos, 4) {
		f.broken = true
		return table{buf: f, pos: -1}
	}
	vt := pos - int(int32(f.u32(pos)))
	size := 0
	if vt >= 0 && f.has(vt, 4) {
		size = int(f.u16(vt))
	}
	if size < 4 || !f.has(vt, size) {
		f.broken = true
		return table{buf: f, pos: -1}
	}
	return table{buf: f, pos: pos, vt: vt, size: size}
}

// field is the position of a slot's value, -1 if absent.
func (t table) field(slot int) int {
	at := 4 + 2*slot
	if t.pos < 0 || at+2 > t.size {
		return -1
	}
	o := int(t.buf.u16(t.vt + at))
	if o == 0 {
		return -1
	}
	return t.pos + o
}

func (t table) byte(slot int) byte {
	p := t.field(slot)
	if p < 0 || !t.buf.has(p, 1) {
		return 0
	}
	return t.buf.data[p]
}

func (t table) bool(slot int) bool { return t.byte(slot) != 0 }

// unit is the enum in the first slot of a type's table.
func (t table) unit(absent int) int {
	p := t.field(0)
	if p < 0 {
		return absent
	}
	return int(int16(t.buf.u16(p)))
}

func (t table) int(slot int, absent int) int {
	p := t.field(slot)
	if p < 0 {
		return absent
	}
	return int(int32(t.buf.u32(p)))
}

func (t table) long(slot int) int64 {
	p := t.field(slot)
	if p < 0 || !t.buf.has(p, 8) {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(t.buf.data[p:]))
}

// table is the table that a slot points to.
func (t table) table(slot int) (table, bool) {
	p := t.field(slot)
	if p < 0 {
		return table{buf: t.buf, pos: -1}, false
	}
	sub := t.buf.table(t.buf.indirect(p))
	return sub, sub.pos >= 0
}

func (t table) string(slot int) string {
	pos, n := t.vector(slot, 1)
	if n == 0 {
		return ""
	}
	return string(t.buf.data[pos : pos+n])
}

// vector is the position and length of a vector of width-byte elements.
func (t table) vector(slot, width int) (pos, n int) {
	p := t.field(slot)
	if p < 0 {
		return 0, 0
	}
	p = t.buf.indirect(p)
	if p < 0 {
		return 0, 0
	}
	n = int(t.buf.u32(p))
	if n > len(t.buf.data)/width || !t.buf.has(p+4, n*width) {
		t.buf.broken = true
		return 0, 0
	}
	return p + 4, n
}

// tables are the elements of a vector of tables.
func (t table) tables(slot int) []table {
	pos, n := t.vector(slot, 4)
	out := make([]table, 0, n)
	for i := range n {
		out = append(out, t.buf.table(t.buf.indirect(pos+4*i)))
	}
	return out
}

func corrupt(format string, args ...any) error {
	return errs.Errorf(errs.Invalid, "arrowipc.Decode", "not a valid Arrow stream: "+format, args...)
}

func unsupported(what string) error {
	return errs.E(errs.NotSupported, "arrowipc.Decode", errs.Unsupported("Arrow data of type "+what))
}
