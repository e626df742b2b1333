package arrowipc

import (
	"encoding/binary"
	"math"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// append copies rows [from, from+n) of v.
func (c *column) append(v *batch.Vector, from, n int) error {
	if n == 0 {
		return nil
	}
	if c.layout == layNull {
		c.n += n
		return nil
	}
	if v.Enc == batch.Dict && c.layout == layText {
		return c.appendDictText(v, from, n)
	}
	if v.Enc == batch.Const && c.layout == layText && !v.ConstNull() {
		return c.appendConstText(v, n)
	}
	if v.Enc != batch.Flat {
		v, from = c.flatten(v, from, n), 0
	}
	c.appendValidity(v.Validity(), from, n)
	switch c.layout {
	case layBool:
		c.appendBools(batch.Values[bool](v)[from : from+n])
	case layWiden:
		c.appendWide(batch.Values[int64](v)[from : from+n])
	case layInterval:
		if err := c.appendIntervals(v, from, n); err != nil {
			return err
		}
	case layText:
		if err := c.appendText(v, batch.Values[batch.View](v)[from:from+n], from); err != nil {
			return err
		}
	case layList, layMap:
		if err := c.appendLists(v, from, n); err != nil {
			return err
		}
	case layStruct:
		for i, k := range c.children {
			if err := k.append(v.Children[i], from, n); err != nil {
				return err
			}
		}
	default:
		c.data = append(c.data, slots(v, from, n)...)
	}
	c.n += n
	c.clearNulls(n)
	return nil
}

// flatten materialises constant rows and dictionaries that have no kernel here.
func (c *column) flatten(v *batch.Vector, from, n int) *batch.Vector {
	if c.flat == nil || !c.flat.Type.Equal(v.Type) {
		c.flat = batch.New(v.Type, n)
	}
	c.flat.Reset(0)
	c.flat.AppendRange(v, from, n)
	return c.flat
}

// slots is the memory of v's slots.
func slots(v *batch.Vector, from, n int) []byte {
	switch v.Phys().Width() {
	case 1:
		return bytesOf(batch.Values[uint8](v)[from : from+n])
	case 2:
		return bytesOf(batch.Values[int16](v)[from : from+n])
	case 4:
		return bytesOf(batch.Values[int32](v)[from : from+n])
	case 8:
		return bytesOf(batch.Values[int64](v)[from : from+n])
	}
	return bytesOf(batch.Values[batch.Int128](v)[from : from+n])
}

// appendValidity adds n rows' bits; nil means all present.
func (c *column) appendValidity(m []uint64, from, n int) {
	if m == nil && c.valid == nil {
		return
	}
	if c.valid == nil {
		c.valid = fillBits(growBits(c.spare[:0], 0, c.n), 0, c.n)
	}
	c.valid = growBits(c.valid, c.n, n)
	if m == nil {
		fillBits(c.valid, c.n, n)
		return
	}
	copyBits(c.valid, c.n, m, from, n)
}

// clearNulls zeroes the slots of null rows among the last n: they hold whatever
// the memory held before, which is nobody's business outside.
func (c *column) clearNulls(n int) {
	w := c.width
	if c.layout == layWiden || c.layout == layInterval {
		w = 16
	}
	if c.valid == nil || c.layout != layCopy && w != 16 || c.layout > layInterval {
		return
	}
	for i := c.n - n; i < c.n; i++ {
		word := c.valid[i>>6]
		if i&63 == 0 && word == ^uint64(0) {
			i += 63
			continue
		}
		if word>>(uint(i)&63)&1 == 0 {
			clear(c.data[i*w : (i+1)*w])
		}
	}
}

func (c *column) appendBools(vs []bool) {
	c.bits = growBits(c.bits, c.n, len(vs))
	for i, b := range vs {
		if b {
			j := uint(c.n + i)
			c.bits[j>>6] |= 1 << (j & 63)
		}
	}
}

func (c *column) appendWide(vs []int64) {
	at := len(c.data)
	c.data = grow(c.data, 16*len(vs))
	out := c.data[at:]
	for i, x := range vs {
		binary.LittleEndian.PutUint64(out[16*i:], uint64(x))
		binary.LittleEndian.PutUint64(out[16*i+8:], uint64(x>>63))
	}
}

func (c *column) appendIntervals(v *batch.Vector, from, n int) error {
	const most = math.MaxInt64 / 1000
	for i, x := range batch.Values[batch.Interval](v)[from : from+n] {
		if x.Micros > most || x.Micros < -most {
			if v.Valid(from + i) {
				return errs.Cond(errs.Arithmetic, "DATETIME_OVERFLOW", "22008", "An interval's time part does not fit the wire format's nanoseconds.",
					"operation", "encode an interval")
			}
			x = batch.Interval{}
		}
		c.data = binary.LittleEndian.AppendUint32(c.data, uint32(x.Months))
		c.data = binary.LittleEndian.AppendUint32(c.data, uint32(x.Days))
		c.data = binary.LittleEndian.AppendUint64(c.data, uint64(x.Micros*1000))
	}
	return nil
}

func (c *column) appendLists(v *batch.Vector, from, n int) error {
	offs := v.Offsets[from : from+n+1]
	lo, hi := offs[0], offs[n]
	base := int64(c.children[0].n) - int64(lo)
	if base+int64(hi) > math.MaxInt32 {
		return tooLarge("list elements")
	}
	for _, o := range offs[1:] {
		c.offs32 = append(c.offs32, int32(base+int64(o)))
	}
	for i, k := range c.children {
		if err := k.append(v.Children[i], int(lo), int(hi-lo)); err != nil {
			return err
		}
	}
	return nil
}

// appendText adds the values of flat views; from is their first row in v.
func (c *column) appendText(v *batch.Vector, views []batch.View, from int) error {
	m := v.Validity()
	if m == nil {
		return c.putViews(v.Bufs, views)
	}
	kept := make([]batch.View, len(views))
	for i := range views {
		if j := uint(from + i); m[j>>6]>>(j&63)&1 != 0 {
			kept[i] = views[i]
		}
	}
	return c.putViews(v.Bufs, kept)
}

// appendDictText looks the rows' views up first: 16 bytes a row, no bytes of text.
func (c *column) appendDictText(v *batch.Vector, from, n int) error {
	c.appendValidity(v.Validity(), from, n)
	var dict []batch.View
	if v.Dict.Len() > 0 {
		dict = batch.Values[batch.View](v.Dict)
	}
	views := make([]batch.View, n)
	m := v.Validity()
	for i, code := range v.Codes[from : from+n] {
		if j := uint(from + i); m == nil || m[j>>6]>>(j&63)&1 != 0 {
			views[i] = dict[code]
		}
	}
	err := c.putViews(v.Dict.Bufs, views)
	c.n += n
	return err
}

// appendConstText writes one value n times without materialising it first.
func (c *column) appendConstText(v *batch.Vector, n int) error {
	c.appendValidity(nil, 0, n)
	views := make([]batch.View, n)
	for i := range views {
		views[i] = batch.Values[batch.View](v)[0]
	}
	err := c.putViews(v.Bufs, views)
	c.n += n
	return err
}

// putViews appends values and their end offsets.
func (c *column) putViews(bufs [][]byte, views []batch.View) error {
	total := 0
	for i := range views {
		total += views[i].Len()
	}
	at := len(c.data)
	if !c.large && at+total > math.MaxInt32 {
		return tooLarge("bytes of text")
	}
	// Short values are stored as 12 bytes and overwritten by the next one.
	c.data = grow(c.data, total+batch.InlineLen)
	out := c.data
	for i := range views {
		x := &views[i]
		if n := x.Len(); n <= batch.InlineLen {
			binary.LittleEndian.PutUint64(out[at:], x.A>>32|x.B<<32)
			binary.LittleEndian.PutUint32(out[at+8:], uint32(x.B>>32))
			at += n
		} else {
			at += copy(out[at:], x.Bytes(bufs))
		}
		if c.large {
			c.offs64 = append(c.offs64, int64(at))
		} else {
			c.offs32 = append(c.offs32, int32(at))
		}
	}
	c.data = out[:at]
	return nil
}
