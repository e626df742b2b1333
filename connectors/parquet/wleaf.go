package parquet

import (
	"encoding/binary"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Bounds of what a column holds before it is written.
const (
	pageValues = 32 << 10 // small pages let readers skip by page statistics
	pageBytes  = 1 << 20
	dictBytes  = 1 << 20 // as parquet-mr: a larger dictionary gains little
	dictValues = 1 << 16
	statBytes  = 256 // longer bounds are left out
)

// leafWriter encodes one primitive column of the current row group.
type leafWriter struct {
	w     *writer
	typ   types.Type
	phys  int
	width int // bytes of a value; 0: they vary
	path  []string

	maxDef, maxRep int
	def, rep       []uint8 // of the page being filled
	idx            []int32 // scratch: rows whose values come next
	keys           []uint64

	dict   *dictionary
	asDict bool    // the page being filled holds codes
	codes  []int32 // of the page
	plain  []byte  // values of the page
	bits   int     // booleans in plain

	out      []byte // finished pages of the row group
	dictPage bool   // out has pages of codes
	plainOut bool   // out has pages of values
	values   int64
	nulls    int64
	raw      int64 // bytes before compression
	stat     stat  // of the page
	total    stat  // of finished pages
	scratch  []byte
	pages    []pageMeta
	rows     int64    // in finished pages
	seen     []uint64 // scratch: dictionary entries met in the page

	nullsBefore int64   // the page
	memo        []int32 // scratch: code+1 by entry of the batch's dictionary
}

func newLeafWriter(w *writer, t types.Type, def, rep int) (*leafWriter, bool) {
	l := &leafWriter{w: w, typ: t, maxDef: def, maxRep: rep}
	switch t.Kind {
	case types.KindBool:
		l.phys = pBoolean
	case types.KindByte, types.KindShort, types.KindInt, types.KindDate, types.KindYearMonthInterval:
		l.phys, l.width = pInt32, 4
	case types.KindLong, types.KindTimestamp, types.KindTimestampNTZ, types.KindDayTimeInterval, types.KindTime:
		l.phys, l.width = pInt64, 8
	case types.KindFloat:
		l.phys, l.width = pFloat, 4
	case types.KindDouble:
		l.phys, l.width = pDouble, 8
	case types.KindString, types.KindBinary:
		l.phys = pByteArray
	case types.KindDecimal:
		switch p := int(t.Precision); {
		case p <= 9:
			l.phys, l.width = pInt32, 4
		case p <= types.MaxLongPrecision:
			l.phys, l.width = pInt64, 8
		default:
			l.phys, l.width = pFixed, decimalBytes(p)
		}
	default:
		return nil, false
	}
	l.stat.leaf, l.total.leaf = l, l
	l.reset()
	return l, true
}

// decimalBytes is the least number of bytes for p digits and a sign.
func decimalBytes(p int) int {
	limit, n := pow10(p), 1
	for half := (batch.Int128{Lo: 128}); half.Cmp(limit) < 0 && n < 16; n++ {
		half = mul128(half, batch.Int128{Lo: 256})
		if half.Sign() <= 0 {
			return n + 1
		}
	}
	return n
}

// reset starts a row group.
func (l *leafWriter) reset() {
	l.out, l.dictPage, l.plainOut, l.values, l.nulls, l.raw = l.out[:0], false, false, 0, 0, 0
	l.stat.reset()
	l.total.reset()
	l.pages, l.rows, l.nullsBefore = nil, 0, 0
	l.asDict = l.phys != pBoolean
	if l.dict == nil && l.asDict {
		l.dict = newDictionary(l.width == 0 || l.width > 8)
	} else if l.asDict {
		l.dict.reset()
	}
}

// add appends values of v's rows idx, all present.
func (l *leafWriter) add(v *batch.Vector, idx []int32) {
	if len(idx) == 0 {
		return
	}
	switch l.phys {
	case pBoolean:
		l.addBools(batch.Values[uint8](v), idx)
	case pByteArray:
		l.addViews(v, idx)
	case pFixed:
		l.addFixed(batch.Values[batch.Int128](v), idx)
	default:
		l.addKeys(l.slots(v, idx))
	}
}

func (l *leafWriter) addBools(vals []uint8, idx []int32) {
	for _, x := range idx {
		if l.bits&7 == 0 {
			l.plain = append(l.plain, 0)
		}
		b := vals[x] & 1
		l.plain[len(l.plain)-1] |= b << (l.bits & 7)
		l.bits++
		l.stat.key(uint64(b))
	}
}

// slots reads values of up to 8 bytes as stored: low bytes of a word.
func (l *leafWriter) slots(v *batch.Vector, idx []int32) []uint64 {
	if cap(l.keys) < len(idx) {
		l.keys = make([]uint64, len(idx))
	}
	out := l.keys[:len(idx)]
	switch v.Phys() {
	case types.PhysInt8:
		words32(out, batch.Values[int8](v), idx)
	case types.PhysInt16:
		words32(out, batch.Values[int16](v), idx)
	case types.PhysInt32:
		words32(out, batch.Values[int32](v), idx)
	case types.PhysFloat32:
		words32(out, castSlice[int32](slotBytes(v, 0, v.Len()), v.Len()), idx)
	default:
		s := castSlice[int64](slotBytes(v, 0, v.Len()), v.Len())
		for i, x := range idx {
			out[i] = uint64(s[x])
		}
		if l.typ.Kind == types.KindTime {
			for i := range out {
				out[i] /= 1000 // stored in microseconds
			}
		}
	}
	return out
}

func words32[T int8 | int16 | int32](out []uint64, vals []T, idx []int32) {
	for i, x := range idx {
		out[i] = uint64(uint32(int32(vals[x])))
	}
}

func (l *leafWriter) addKeys(keys []uint64) {
	for i, k := range keys {
		if !l.asDict {
			l.plainKeys(keys[i:])
			return
		}
		code, fresh := l.dict.key(k)
		l.codes = append(l.codes, code)
		if fresh {
			l.limitDict()
		}
	}
}

func (l *leafWriter) plainKeys(keys []uint64) {
	if l.width == 4 {
		for _, k := range keys {
			l.plain = binary.LittleEndian.AppendUint32(l.plain, uint32(k))
			l.stat.key(k)
		}
		return
	}
	for _, k := range keys {
		l.plain = binary.LittleEndian.AppendUint64(l.plain, k)
		l.stat.key(k)
	}
}

func (l *leafWriter) addFixed(vals []batch.Int128, idx []int32) {
	var b [16]byte
	for _, x := range idx {
		binary.BigEndian.PutUint64(b[:], uint64(vals[x].Hi))
		binary.BigEndian.PutUint64(b[8:], vals[x].Lo)
		l.addBytes(b[16-l.width:])
	}
}

// addViews adds strings; those of one dictionary are looked up once each.
func (l *leafWriter) addViews(v *batch.Vector, idx []int32) {
	if v.Enc != batch.Dict {
		views := batch.Values[batch.View](v)
		for _, x := range idx {
			l.addBytes(views[x].Bytes(v.Bufs))
		}
		return
	}
	views := batch.Values[batch.View](v.Dict)
	if len(views) > 2*len(idx) {
		for _, x := range idx {
			l.addBytes(views[v.Codes[x]].Bytes(v.Dict.Bufs))
		}
		return
	}
	// The giver may reuse the vector for its next batch: the memo is for this one.
	l.memo = append(l.memo[:0], make([]int32, len(views))...)
	for _, x := range idx {
		c := v.Codes[x]
		if m := l.memo[c]; m > 0 && l.asDict {
			l.codes = append(l.codes, m-1)
			continue
		}
		l.addBytes(views[c].Bytes(v.Dict.Bufs))
		if l.asDict {
			l.memo[c] = l.codes[len(l.codes)-1] + 1
		}
	}
}

func (l *leafWriter) addBytes(b []byte) {
	if l.asDict {
		code, fresh := l.dict.bytes(b)
		l.codes = append(l.codes, code)
		if fresh {
			l.limitDict()
		}
		return
	}
	l.stat.bytes(b)
	l.plainValue(b)
}

func (l *leafWriter) plainValue(b []byte) {
	if l.width == 0 {
		l.plain = binary.LittleEndian.AppendUint32(l.plain, uint32(len(b)))
	}
	l.plain = append(l.plain, b...)
}

// limitDict gives the dictionary up when it is too large: the page being
// filled becomes plain, pages of codes before it stay.
func (l *leafWriter) limitDict() {
	if l.dict.n <= dictValues && l.dict.size(l.width) <= dictBytes {
		return
	}
	l.toPlain()
}

func (l *leafWriter) toPlain() {
	l.asDict = false
	l.statCodes()
	for _, c := range l.codes {
		if l.width > 0 && l.width <= 8 {
			if k := l.dict.keys[c]; l.width == 4 {
				l.plain = binary.LittleEndian.AppendUint32(l.plain, uint32(k))
			} else {
				l.plain = binary.LittleEndian.AppendUint64(l.plain, k)
			}
			continue
		}
		l.plainValue(l.dict.value(c))
	}
	l.codes = l.codes[:0]
}

// full tells whether the page being filled is large enough.
func (l *leafWriter) full() bool {
	return len(l.def) >= pageValues || len(l.plain) >= pageBytes || len(l.codes) >= pageValues || l.bits >= pageValues
}
