package parquet

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/bits"
	"unsafe"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// convOp is how a stored value becomes a slot.
type convOp uint8

const (
	opSame    convOp = iota // the bits are the slot
	opView                  // bytes as string or binary
	opInt8                  // int32 cut to 8 bits
	opInt16                 // int32 cut to 16 bits
	opInt64                 // int32, sign-extended, times mul
	opUint64                // int32, zero-extended, times mul
	opFloat64               // int32
	opMul64                 // int64 times mul
	opDiv64                 // int64 divided by mul, rounded down
	opMul128                // int32 or int64 to 128 bits, times wide
	opUint128               // unsigned int64 to 128 bits, times wide
	opWiden                 // float
	opHalf                  // 16-bit float
	opInt96                 // nanoseconds of a Julian day
	opDec64                 // big-endian bytes, times mul
	opDec128                // big-endian bytes, times wide
	opUUID                  // 16 bytes as text
)

const (
	uuidLen      = 16
	microsPerDay = 86400 * 1000 * 1000
	julianEpoch  = 2440588 // Julian day number of 1970-01-01
	nanosPerTick = 1000
)

// conv turns stored values of one column into slots of the wanted type.
type conv struct {
	to    types.Type
	phys  int
	width int // bytes of a stored value, 0 if they vary
	op    convOp
	mul   int64
	wide  batch.Int128
}

// views tells whether slots point into the stored bytes.
func (c *conv) views() bool { return c.op == opView }

// bindLeaf plans how n is read as want; ok is false if that is not possible.
func bindLeaf(n *node, want types.Type) (c conv, ok bool) {
	el := n.el
	c = conv{to: want, phys: int(el.typ), mul: 1, wide: batch.Int128{Lo: 1}}
	switch el.typ {
	case pBoolean:
		c.width = 1
		return c, want.Kind == types.KindBool
	case pInt32:
		c.width = 4
		return bindInt32(c, el, n.typ)
	case pInt64:
		c.width = 8
		return bindInt64(c, el, n.typ)
	case pInt96:
		c.width, c.op = 12, opInt96
		return c, want.Kind == types.KindTimestamp || want.Kind == types.KindTimestampNTZ
	case pFloat:
		c.width = 4
		if want.Kind == types.KindDouble {
			c.op = opWiden
		}
		return c, want.IsFractional()
	case pDouble:
		c.width = 8
		return c, want.Kind == types.KindDouble
	case pFixed:
		c.width = int(el.length)
	}
	return bindBytes(c, el, n.typ)
}

func bindInt32(c conv, el *schemaElement, have types.Type) (conv, bool) {
	l := &el.logical
	unsigned := l.kind == lInteger && !l.signed && l.bits == 32
	switch want := c.to; want.Kind {
	case types.KindByte, types.KindShort, types.KindInt:
		c.op = map[types.Kind]convOp{types.KindByte: opInt8, types.KindShort: opInt16, types.KindInt: opSame}[want.Kind]
		// Narrowing is only as wide as the annotation promises.
		return c, have.IsIntegral() && have.Kind <= want.Kind || have.Kind == types.KindInt && l.kind == lNone
	case types.KindDate:
		return c, have.Kind == types.KindDate
	case types.KindYearMonthInterval:
		return c, have.Kind == types.KindInt
	case types.KindLong:
		c.op = opInt64
		if unsigned {
			c.op = opUint64
		}
		return c, have.IsIntegral()
	case types.KindDouble:
		c.op = opFloat64
		return c, have.IsIntegral() && !unsigned
	case types.KindTimestampNTZ:
		c.op, c.mul = opInt64, microsPerDay
		return c, have.Kind == types.KindDate
	case types.KindTime:
		c.op, c.mul = opInt64, 1000*1000
		return c, have.Kind == types.KindTime
	case types.KindDecimal:
		c.op = opInt64
		if unsigned {
			c.op = opUint64
		}
		return scaleTo(c, have)
	default:
	}
	return c, false
}

func bindInt64(c conv, el *schemaElement, have types.Type) (conv, bool) {
	switch want := c.to; want.Kind {
	case types.KindLong:
		return c, have.Kind == types.KindLong || have.Kind == types.KindTimestamp && el.logical.unit == unitNanos
	case types.KindDayTimeInterval:
		return c, have.Kind == types.KindLong
	case types.KindTimestamp, types.KindTimestampNTZ:
		switch el.logical.unit {
		case unitMillis:
			c.op, c.mul = opMul64, 1000
		case unitNanos:
			c.op, c.mul = opDiv64, nanosPerTick
		}
		return c, have.Kind == types.KindTimestamp || have.Kind == types.KindTimestampNTZ
	case types.KindTime:
		if el.logical.unit == unitMicros {
			c.op, c.mul = opMul64, 1000
		}
		return c, have.Kind == types.KindTime
	case types.KindDecimal:
		c.op = opMul64
		if el.logical.kind == lInteger && !el.logical.signed {
			c.op = opUint128
		}
		return scaleTo(c, have)
	default:
	}
	return c, false
}

// scaleTo plans integers or decimals of type have as decimals of c.to, which
// must have room for all digits before and behind the point.
func scaleTo(c conv, have types.Type) (conv, bool) {
	p, s := digits(have)
	want := c.to
	if p == 0 || int(want.Scale) < s || int(want.Precision)-int(want.Scale) < p-s {
		return c, false
	}
	up := int(want.Scale) - s
	if want.Phys() == types.PhysInt64 {
		c.mul = pow10(up).Int64()
		switch {
		case c.op == opMul64 && c.mul == 1:
			c.op = opSame
		case c.op == opDec128:
			c.op = opDec64
		}
		return c, c.op != opUint128
	}
	c.wide = pow10(up)
	switch c.op {
	case opInt64, opMul64:
		c.op = opMul128
	case opUint64:
		c.op = opUint128
	default:
	}
	return c, true
}

// digits is precision and scale of a number type, 0 for others.
func digits(t types.Type) (p, s int) {
	switch t.Kind {
	case types.KindByte:
		return 3, 0
	case types.KindShort:
		return 5, 0
	case types.KindInt:
		return 10, 0
	case types.KindLong:
		return 20, 0
	case types.KindDecimal:
		return int(t.Precision), int(t.Scale)
	default:
	}
	return 0, 0
}

func pow10(n int) batch.Int128 {
	x := batch.Int128{Lo: 1}
	for range n {
		x = mul128(x, batch.Int128{Lo: 10})
	}
	return x
}

// mul128 is x*y modulo 2^128.
func mul128(x, y batch.Int128) batch.Int128 {
	hi, lo := bits.Mul64(x.Lo, y.Lo)
	return batch.Int128{Lo: lo, Hi: int64(hi + uint64(x.Hi)*y.Lo + x.Lo*uint64(y.Hi))}
}

func bindBytes(c conv, el *schemaElement, have types.Type) (conv, bool) {
	switch want := c.to; want.Kind {
	case types.KindString, types.KindBinary:
		c.op = opView
		if el.logical.kind == lUUID && want.Kind == types.KindString {
			c.op = opUUID
		}
		return c, have.Kind == types.KindString || have.Kind == types.KindBinary
	case types.KindFloat, types.KindDouble:
		c.op = opHalf
		return c, el.logical.kind == lFloat16 && c.width == 2 && want.Kind == types.KindFloat
	case types.KindDecimal:
		c.op = opDec128
		if have.Kind != types.KindDecimal {
			return c, false
		}
		return scaleTo(c, have)
	default:
	}
	return c, false
}

// castSlice views pointer-free, 8-byte-aligned bytes as n values of T.
func castSlice[T any](b []byte, n int) []T {
	if n == 0 {
		return nil
	}
	var z T
	_ = b[:n*int(unsafe.Sizeof(z))]
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// slotBytes views the slots of v from at on as bytes.
func slotBytes(v *batch.Vector, at, n int) []byte {
	w := v.Phys().Width()
	if n == 0 {
		return nil
	}
	var p unsafe.Pointer
	switch w {
	case 1:
		p = unsafe.Pointer(&batch.Values[uint8](v)[at])
	case 2:
		p = unsafe.Pointer(&batch.Values[int16](v)[at])
	case 4:
		p = unsafe.Pointer(&batch.Values[int32](v)[at])
	case 8:
		p = unsafe.Pointer(&batch.Values[int64](v)[at])
	default:
		p = unsafe.Pointer(&batch.Values[batch.View](v)[at])
	}
	return unsafe.Slice((*byte)(p), n*w)
}

// fixed writes stored values of width w to v from at on: all, or those at sel-base.
func (c *conv) fixed(l *leafReader, v *batch.Vector, at int, src []byte, w int, sel []int32, base int32, all bool) error {
	n := len(src) / w
	if !all {
		n = len(sel)
	}
	if c.op == opView {
		c.fixedViews(l, batch.Values[batch.View](v)[at:at+n], w, src, sel, base, all)
		return nil
	}
	var dst []byte
	if c.op == opSame {
		dst = slotBytes(v, at, n)
	} else {
		dst = l.bytes(n * w)
	}
	if all {
		copy(dst, src)
	} else {
		pick(dst, src, w, sel, base)
	}
	switch c.op {
	case opSame:
		return nil
	case opUUID:
		uuids(batch.Values[batch.View](v)[at:at+n], dst, &l.views.list)
		return nil
	default:
	}
	return c.apply(v, at, dst, n)
}

// pick copies the values of width w at positions sel-base.
func pick(dst, src []byte, w int, sel []int32, base int32) {
	switch w {
	case 4:
		for i, x := range sel {
			binary.LittleEndian.PutUint32(dst[i*4:], binary.LittleEndian.Uint32(src[int(x-base)*4:]))
		}
	case 8:
		for i, x := range sel {
			binary.LittleEndian.PutUint64(dst[i*8:], binary.LittleEndian.Uint64(src[int(x-base)*8:]))
		}
	default:
		for i, x := range sel {
			copy(dst[i*w:i*w+w], src[int(x-base)*w:])
		}
	}
}

// fixedViews makes views of fixed-length values; src is a part of the page's bytes.
func (c *conv) fixedViews(l *leafReader, out []batch.View, w int, src []byte, sel []int32, base int32, all bool) {
	off := l.vals.at*w - len(src) // take has moved on already
	index := l.bufIndex(l.vals.buf)
	for i := range out {
		k := i
		if !all {
			k = int(sel[i] - base)
		}
		out[i] = viewAt(l.vals.buf, off+k*w, w, index)
	}
}

// apply converts n packed, aligned values.
func (c *conv) apply(v *batch.Vector, at int, raw []byte, n int) error {
	switch c.op {
	case opInt8:
		cut(batch.Values[int8](v)[at:], castSlice[int32](raw, n))
	case opInt16:
		cut(batch.Values[int16](v)[at:], castSlice[int32](raw, n))
	case opInt64:
		widen(batch.Values[int64](v)[at:], castSlice[int32](raw, n), c.mul)
	case opUint64:
		widen(batch.Values[int64](v)[at:], castSlice[uint32](raw, n), c.mul)
	case opMul64:
		widen(batch.Values[int64](v)[at:], castSlice[int64](raw, n), c.mul)
	case opFloat64:
		floats(batch.Values[float64](v)[at:], castSlice[int32](raw, n))
	case opWiden:
		floats(batch.Values[float64](v)[at:], castSlice[float32](raw, n))
	case opDiv64:
		divide(batch.Values[int64](v)[at:], castSlice[int64](raw, n), c.mul)
	case opHalf:
		halves(batch.Values[float32](v)[at:], raw, n)
	case opInt96:
		int96s(batch.Values[int64](v)[at:], raw, n)
	case opMul128, opUint128:
		c.wideInts(batch.Values[batch.Int128](v)[at:], raw, n)
	case opDec64, opDec128:
		return c.decimals(v, at, raw, n)
	default:
	}
	return nil
}

func cut[D int8 | int16](dst []D, src []int32) {
	dst = dst[:len(src)]
	for i, x := range src {
		dst[i] = D(x)
	}
}

func widen[S int32 | uint32 | int64](dst []int64, src []S, mul int64) {
	dst = dst[:len(src)]
	for i, x := range src {
		dst[i] = int64(x) * mul
	}
}

func floats[S int32 | float32](dst []float64, src []S) {
	dst = dst[:len(src)]
	for i, x := range src {
		dst[i] = float64(x)
	}
}

func divide(dst, src []int64, by int64) {
	dst = dst[:len(src)]
	for i, x := range src {
		q := x / by
		if x%by < 0 {
			q--
		}
		dst[i] = q
	}
}

func halves(dst []float32, raw []byte, n int) {
	for i := range n {
		dst[i] = half(binary.LittleEndian.Uint16(raw[i*2:]))
	}
}

// half decodes an IEEE binary16 number.
func half(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, int(h>>10&31), uint32(h&1023)
	switch exp {
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	case 0:
		f := float32(frac) / (1 << 24)
		return math.Float32frombits(math.Float32bits(f) | sign)
	}
	return math.Float32frombits(sign | uint32(exp+112)<<23 | frac<<13)
}

func int96s(dst []int64, raw []byte, n int) {
	for i := range n {
		nanos := int64(binary.LittleEndian.Uint64(raw[i*12:]))
		day := int64(binary.LittleEndian.Uint32(raw[i*12+8:]))
		dst[i] = (day-julianEpoch)*microsPerDay + nanos/1000
	}
}

func (c *conv) wideInts(dst []batch.Int128, raw []byte, n int) {
	for i := range n {
		var x batch.Int128
		switch {
		case c.width == 4 && c.op == opUint128:
			x.Lo = uint64(binary.LittleEndian.Uint32(raw[i*4:]))
		case c.width == 4:
			k := int64(int32(binary.LittleEndian.Uint32(raw[i*4:])))
			x = batch.Int128{Lo: uint64(k), Hi: k >> 63}
		default:
			x.Lo = binary.LittleEndian.Uint64(raw[i*8:])
			if c.op == opMul128 {
				x.Hi = int64(x.Lo) >> 63
			}
		}
		dst[i] = mul128(x, c.wide)
	}
}

func (c *conv) decimals(v *batch.Vector, at int, raw []byte, n int) error {
	for i := range n {
		if err := c.decimal(v, at+i, raw[i*c.width:(i+1)*c.width]); err != nil {
			return err
		}
	}
	return nil
}

// decimal writes the big-endian two's complement number b to row i.
func (c *conv) decimal(v *batch.Vector, i int, b []byte) error {
	x, ok := bigEndian(b)
	if !ok {
		return damaged("a decimal of %d bytes is larger than any decimal may be", len(b))
	}
	if c.op == opDec128 {
		batch.Values[batch.Int128](v)[i] = mul128(x, c.wide)
		return nil
	}
	if !x.IsInt64() {
		return damaged("a decimal has more digits than its type %s", c.to)
	}
	batch.Values[int64](v)[i] = x.Int64() * c.mul
	return nil
}

// bigEndian reads a number of any length whose value fits 128 bits.
func bigEndian(b []byte) (batch.Int128, bool) {
	if len(b) == 0 {
		return batch.Int128{}, true
	}
	fill := byte(int8(b[0]) >> 7)
	for len(b) > 16 {
		if b[0] != fill {
			return batch.Int128{}, false
		}
		b = b[1:]
	}
	var w [16]byte
	for i := range w {
		w[i] = fill
	}
	copy(w[16-len(b):], b)
	return batch.Int128{Hi: int64(binary.BigEndian.Uint64(w[:])), Lo: binary.BigEndian.Uint64(w[8:])}, true
}

// fromViews converts values that are stored as byte arrays, or of fixed length
// in an encoding that made views of them.
func (c *conv) fromViews(v *batch.Vector, at int, vs []batch.View, bufs *[][]byte) error {
	if c.op == opDec64 || c.op == opDec128 {
		for i := range vs {
			if err := c.decimal(v, at+i, vs[i].Bytes(*bufs)); err != nil {
				return err
			}
		}
		return nil
	}
	raw := mem8(len(vs) * c.width)
	for i := range vs {
		copy(raw[i*c.width:], vs[i].Bytes(*bufs))
	}
	if c.op == opUUID {
		uuids(batch.Values[batch.View](v)[at:at+len(vs)], raw, bufs)
		return nil
	}
	return c.apply(v, at, raw, len(vs))
}

// uuids writes values as text into a buffer of their own, added to bufs.
func uuids(out []batch.View, raw []byte, bufs *[][]byte) {
	const size = 36
	text, index := make([]byte, len(out)*size), len(*bufs)
	*bufs = append(*bufs, text)
	for i := range out {
		b, k := raw[i*uuidLen:], i*size
		for j, part := range [...][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:16]} {
			if j > 0 {
				text[k] = '-'
				k++
			}
			k += hex.Encode(text[k:], part)
		}
		out[i] = viewAt(text, i*size, size, index)
	}
}

// dictionary converts the n values of a dictionary page into l.dict.
func (c *conv) dictionary(l *leafReader, b []byte, n int) error {
	if c.phys == pBoolean {
		return damaged("a dictionary of booleans")
	}
	if c.width > 0 && n > len(b)/c.width || c.width == 0 && n > len(b)/4 {
		return errValuesShort
	}
	if err := l.r.book(int64(n) * 16); err != nil {
		return err
	}
	l.dict.SetLen(n)
	switch {
	case c.op == opView:
		return c.viewDictionary(l, b, n)
	case c.width > 0:
		raw := mem8(n * c.width)
		copy(raw, b)
		switch c.op {
		case opSame:
			copy(slotBytes(l.dict, 0, n), raw)
			return nil
		case opUUID:
			uuids(batch.Values[batch.View](l.dict), raw, &l.dict.Bufs)
			return nil
		default:
		}
		return c.apply(l.dict, 0, raw, n)
	}
	out := make([]batch.View, n)
	if _, err := plainViews(out, b, 0, 0); err != nil {
		return err
	}
	return c.fromViews(l.dict, 0, out, &[][]byte{b})
}

func (c *conv) viewDictionary(l *leafReader, b []byte, n int) error {
	l.dict.Bufs = [][]byte{b}
	out := batch.Values[batch.View](l.dict)
	if c.width == 0 {
		_, err := plainViews(out, b, 0, 0)
		return err
	}
	for i := range n {
		out[i] = viewAt(b, i*c.width, c.width, 0)
	}
	return nil
}

// mem8 is fresh memory at an 8-byte boundary.
func mem8(n int) []byte {
	w := make([]uint64, (n+7)/8)
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&w[0])), len(w)*8)[:n]
}
