package exec

import (
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// keyLayout says how the values of key columns become a row of words that can
// be hashed and compared without knowing types, and that the collector never
// scans. Word 0 is the upper 48 bits of the hash over one null bit for each of
// the first 16 keys; then each key takes one word, or two (128-bit values;
// strings as views whose second word, when long, locates the bytes in the
// holder's arena); then null words for keys beyond 16.
// Values are normalised: -0.0 is 0.0, NaNs are one, a null's words are zero.
type keyLayout struct {
	cols  []keyCol
	words int
	views bool // some key may be a long string
}

type keyCol struct {
	typ    types.Type
	phys   types.Phys
	at     int  // first word
	width  int  // words
	nested bool // stored as its bytes, see keybytes.go
}

// nullBits is how many keys have their null bit in word 0.
const nullBits = 16

func newKeyLayout(ts []types.Type) *keyLayout {
	l := &keyLayout{words: 1}
	for _, t := range ts {
		c := keyCol{typ: t, phys: t.Phys(), at: l.words, width: 1}
		switch c.phys {
		case types.PhysInt128, types.PhysInterval, types.PhysView:
			c.width = 2
		case types.PhysArray, types.PhysMap, types.PhysStruct:
			c.width, c.nested, c.phys = 2, true, types.PhysView
		default:
		}
		l.views = l.views || c.phys == types.PhysView
		l.words += c.width
		l.cols = append(l.cols, c)
	}
	if extra := len(ts) - nullBits; extra > 0 {
		l.words += (extra + 63) / 64
	}
	return l
}

// nullAt locates key k's null bit in a row.
func (l *keyLayout) nullAt(k int) (word int, bit uint64) {
	if k < nullBits {
		return 0, 1 << uint(k)
	}
	e := k - nullBits
	extra := (len(l.cols) - nullBits + 63) / 64
	return l.words - extra + e/64, 1 << uint(e%64)
}

// Bits of a key row's first word, and of full hashes. The lower 16 bits belong
// to nulls; slots use the bits above them, partitions the six below the salt.
const (
	hashMask      = ^uint64(0xffff)
	slotShift     = 16
	saltShift     = 48
	partitionBits = 6
	partitions    = 1 << partitionBits
)

// keyRows is key rows of a batch: n*words words, with the buffers that long
// strings of each key lie in.
type keyRows struct {
	lay  *keyLayout
	rows []uint64
	n    int
	bufs [][][]byte // by key
	long bool       // some view is long
	null bool       // some key is null
	// scratch
	hashes []uint64
	flat   flats
	nested []*batch.Vector
}

func newKeyRows(l *keyLayout) *keyRows {
	return &keyRows{lay: l, bufs: make([][][]byte, len(l.cols)), nested: make([]*batch.Vector, len(l.cols))}
}

// encode fills the rows from the batch's key columns.
func (r *keyRows) encode(cols []*batch.Vector, n int) {
	w := r.lay.words
	if cap(r.rows) < n*w {
		r.rows = make([]uint64, max(n, batch.Rows)*w)
	}
	if cap(r.hashes) < n {
		r.hashes = make([]uint64, max(n, batch.Rows))
	}
	r.rows, r.hashes, r.n = r.rows[:n*w], r.hashes[:n], n
	r.long, r.null = false, false
	if len(r.lay.cols) > nullBits {
		clear(r.rows)
	}
	clear(r.hashes)
	for k := range r.lay.cols {
		v := r.flat.flat(k, cols[k])
		if r.lay.cols[k].nested {
			v = r.nestedBytes(k, v)
		}
		r.encodeCol(k, v)
	}
	for i, h := range r.hashes {
		r.rows[i*w] = h & hashMask
	}
	for k := range r.lay.cols {
		if cols[k].HasNulls() {
			r.setNulls(k, cols[k])
		}
	}
}

// encodeCol stores one key's words and folds them into the hashes.
func (r *keyRows) encodeCol(k int, v *batch.Vector) {
	c, w, n := &r.lay.cols[k], r.lay.words, r.n
	dst := r.rows[c.at:]
	switch c.phys {
	case types.PhysNull:
		encodeNothing(dst, r.hashes, w)
	case types.PhysBool, types.PhysInt8:
		encodeInts(dst, r.hashes, slots[int8](v, n), w)
	case types.PhysInt16:
		encodeInts(dst, r.hashes, slots[int16](v, n), w)
	case types.PhysInt32:
		encodeInts(dst, r.hashes, slots[int32](v, n), w)
	case types.PhysInt64:
		encodeInts(dst, r.hashes, slots[int64](v, n), w)
	case types.PhysFloat32:
		for i, x := range slots[float32](v, n) {
			b := uint64(batch.FloatBits32(x))
			dst[i*w], r.hashes[i] = b, batch.Hash64(r.hashes[i]^b)
		}
	case types.PhysFloat64:
		for i, x := range slots[float64](v, n) {
			b := batch.FloatBits64(x)
			dst[i*w], r.hashes[i] = b, batch.Hash64(r.hashes[i]^b)
		}
	case types.PhysInt128, types.PhysInterval:
		for i, x := range slots[batch.Int128](v, n) {
			dst[i*w], dst[i*w+1] = x.Lo, uint64(x.Hi)
			r.hashes[i] = batch.Hash64(r.hashes[i] ^ batch.Hash2(x.Lo, uint64(x.Hi)))
		}
	case types.PhysView:
		r.encodeViews(k, dst, v)
	default:
	}
}

func encodeNothing(dst, hashes []uint64, w int) {
	for i := range hashes {
		dst[i*w], hashes[i] = 0, batch.Hash64(hashes[i])
	}
}

func encodeInts[T int8 | int16 | int32 | int64](dst, hashes []uint64, s []T, w int) {
	hashes = hashes[:len(s)]
	at := 0
	for i, x := range s {
		b := uint64(int64(x))
		dst[at] = b
		hashes[i] = batch.Hash64(hashes[i] ^ b)
		at += w
	}
}

func (r *keyRows) encodeViews(k int, dst []uint64, v *batch.Vector) {
	w := r.lay.words
	s := slots[batch.View](v, r.n)
	r.bufs[k] = v.Bufs
	nulls := v.HasNulls()
	for i := range s {
		x := s[i]
		if nulls && !v.Valid(i) {
			x = batch.View{}
		}
		dst[i*w], dst[i*w+1] = x.A, x.B
		r.long = r.long || x.Len() > batch.InlineLen
		r.hashes[i] = batch.Hash64(r.hashes[i] ^ batch.HashView(&x, v.Bufs))
	}
}

// setNulls marks key k's null rows: their words are zero. Their hash has been
// folded from whatever the slot held, so it is made anew.
func (r *keyRows) setNulls(k int, v *batch.Vector) {
	c, w := &r.lay.cols[k], r.lay.words
	word, bit := r.lay.nullAt(k)
	for i := range r.n {
		if v.Valid(i) {
			continue
		}
		r.null = true
		row := r.rows[i*w : i*w+w]
		clear(row[c.at : c.at+c.width])
		row[word] |= bit
		row[0] = r.rehash(row) | row[0]&^hashMask
	}
}

// rehash computes a row's hash from its words, as encode does.
func (r *keyRows) rehash(row []uint64) uint64 {
	var h uint64
	for k := range r.lay.cols {
		c := &r.lay.cols[k]
		switch {
		case c.phys == types.PhysView:
			x := batch.View{A: row[c.at], B: row[c.at+1]}
			h = batch.Hash64(h ^ batch.HashView(&x, r.bufs[k]))
		case c.width == 2:
			h = batch.Hash64(h ^ batch.Hash2(row[c.at], row[c.at+1]))
		default:
			h = batch.Hash64(h ^ row[c.at])
		}
	}
	return h & hashMask
}

// slots is v's first n slots, whatever they hold under nulls; none for a vector without data.
func slots[T batch.Value](v *batch.Vector, n int) []T { return batch.Values[T](v)[:n] }

// decodeKeys appends key k of rows [from, to) to the flat vector out. Long
// strings lie in bufs, which out borrows.
func (l *keyLayout) decodeKeys(rows []uint64, from, to, k int, bufs [][]byte, out *batch.Vector) {
	c := &l.cols[k]
	if c.nested {
		l.decodeNested(rows, from, to, k, bufs, out)
		return
	}
	out.Reset(to - from)
	src := rows[from*l.words+c.at:]
	switch c.phys {
	case types.PhysBool, types.PhysInt8:
		decodeInts(batch.Values[int8](out), src, l.words)
	case types.PhysInt16:
		decodeInts(batch.Values[int16](out), src, l.words)
	case types.PhysInt32:
		decodeInts(batch.Values[int32](out), src, l.words)
	case types.PhysFloat32:
		decodeInts(batch.Values[int32](out), src, l.words)
	case types.PhysInt64:
		decodeInts(batch.Values[int64](out), src, l.words)
	case types.PhysFloat64:
		decodeInts(batch.Values[uint64](out), src, l.words)
	case types.PhysInt128, types.PhysInterval:
		for i := range out.Len() {
			batch.Values[batch.Int128](out)[i] = batch.Int128{Lo: src[i*l.words], Hi: int64(src[i*l.words+1])}
		}
	case types.PhysView:
		out.ShareBufs(bufs)
		dst := batch.Values[batch.View](out)
		for i := range dst {
			dst[i] = batch.View{A: src[i*l.words], B: src[i*l.words+1]}
		}
	default:
	}
	l.decodeNulls(rows, from, to, k, out)
}

func decodeInts[T int8 | int16 | int32 | int64 | uint64](dst []T, src []uint64, w int) {
	at := 0
	for i := range dst {
		dst[i] = T(src[at])
		at += w
	}
}

func (l *keyLayout) decodeNulls(rows []uint64, from, to, k int, out *batch.Vector) {
	word, bit := l.nullAt(k)
	for i := from; i < to; i++ {
		if rows[i*l.words+word]&bit != 0 {
			out.SetNull(i - from)
		}
	}
}
