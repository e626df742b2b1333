package json

import (
	"encoding/base64"
	"math"
	"unicode/utf8"

	"github.com/spurwheel/spurwheel/connectors/format/scalar"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Buffers that string views of a batch refer to.
const (
	blockBuf = iota
	sideBuf
)

// names finds a field by key: keys of records come in the same order, so the
// field after the last one found is tried first.
type names struct {
	fields []types.Field
	last   int
}

func (n *names) find(key []byte) int {
	if len(n.fields) == 0 {
		return -1
	}
	if next := n.last + 1; next < len(n.fields) && n.fields[next].Name == string(key) {
		n.last = next
		return next
	}
	for i := range n.fields {
		if n.fields[i].Name == string(key) {
			n.last = i
			return i
		}
	}
	return -1
}

// split finds the members' tokens of each object; -1 where there is none.
// A key that comes twice counts as it comes last.
func (r *reader) split(objects []int32, fields []types.Field) [][]int32 {
	cols := make([][]int32, len(fields))
	all := make([]int32, len(fields)*len(objects))
	for i := range all {
		all[i] = -1
	}
	for k := range cols {
		cols[k] = all[k*len(objects) : (k+1)*len(objects)]
	}
	find := names{fields: fields, last: -1}
	for row, o := range objects {
		if o < 0 {
			continue
		}
		find.last = -1
		for i := o + 1; i < r.tape.toks[o].next; {
			value := r.tape.toks[i].next
			if k := find.find(r.key(i)); k >= 0 {
				cols[k][row] = value
			}
			i = r.tape.toks[value].next
		}
	}
	return cols
}

func (r *reader) raw(t *token) []byte { return r.tape.b[t.off:t.end] }

func (r *reader) key(i int32) []byte {
	t := &r.tape.toks[i]
	if !t.esc {
		return r.raw(t)
	}
	return unescape(nil, r.raw(t))
}

// fail makes value i of a column call null and its record bad. What failed is
// remembered for the arrays and maps around: a value that does not fit makes
// all of them null, up to the member of a struct that holds them.
func (r *reader) fail(v *batch.Vector, at, i int, row int32) {
	v.SetNull(at + i)
	r.bad[row] = true
	r.failed = append(r.failed, int32(i))
}

// column appends the values of tokens toks to v, where rows are the records
// they belong to.
func (r *reader) column(v *batch.Vector, toks, rows []int32) {
	switch v.Phys() {
	case types.PhysArray:
		r.arrays(v, toks, rows)
		return
	case types.PhysMap:
		r.maps(v, toks, rows)
		return
	case types.PhysStruct:
		r.structs(v, toks, rows)
		return
	default:
	}
	at := v.Len()
	v.SetLen(at + len(toks))
	switch v.Type.Kind {
	case types.KindByte:
		ints(r, v, batch.Values[int8](v), 8, at, toks, rows)
	case types.KindShort:
		ints(r, v, batch.Values[int16](v), 16, at, toks, rows)
	case types.KindInt:
		ints(r, v, batch.Values[int32](v), 32, at, toks, rows)
	case types.KindLong:
		ints(r, v, batch.Values[int64](v), 64, at, toks, rows)
	case types.KindString:
		r.strings(v, at, toks)
	default:
		for i, x := range toks {
			if x < 0 || r.tape.toks[x].kind == nullToken {
				zero(v, at+i)
				v.SetNull(at + i)
			} else if !r.other(v, at+i, &r.tape.toks[x]) {
				zero(v, at+i)
				r.fail(v, at, i, rows[i])
			}
		}
	}
}

// zero clears the slot of a null: other code may look at it.
func zero(v *batch.Vector, i int) {
	switch v.Phys().Width() {
	case 1:
		batch.Values[uint8](v)[i] = 0
	case 4:
		batch.Values[int32](v)[i] = 0
	case 8:
		batch.Values[int64](v)[i] = 0
	case 16:
		batch.Values[batch.View](v)[i] = batch.View{}
	}
}

func ints[T int8 | int16 | int32 | int64](r *reader, v *batch.Vector, out []T, bits uint, at int, toks, rows []int32) {
	for i, x := range toks {
		out[at+i] = 0
		if x < 0 {
			v.SetNull(at + i)
			continue
		}
		t := &r.tape.toks[x]
		if t.kind == nullToken {
			v.SetNull(at + i)
			continue
		}
		n, ok := int64(0), false
		if t.kind == intToken {
			n, ok = scalar.Int(r.raw(t), bits)
		}
		if !ok {
			r.fail(v, at, i, rows[i])
			continue
		}
		out[at+i] = T(n)
	}
}

// strings takes any value: what is no string is its text in the file.
func (r *reader) strings(v *batch.Vector, at int, toks []int32) {
	out := batch.Values[batch.View](v)
	for i, x := range toks {
		if x < 0 || r.tape.toks[x].kind == nullToken {
			out[at+i] = batch.View{}
			v.SetNull(at + i)
			continue
		}
		out[at+i] = r.text(x)
	}
}

func (r *reader) text(x int32) batch.View {
	t := &r.tape.toks[x]
	if t.kind == stringToken && t.esc {
		from := len(r.side)
		r.side = unescape(r.side, r.raw(t))
		return batch.MakeView(r.side[from:], sideBuf, from)
	}
	return batch.MakeView(r.raw(t), blockBuf, int(t.off))
}

// other writes row i of the remaining atomic types.
func (r *reader) other(v *batch.Vector, i int, t *token) bool {
	switch v.Type.Kind {
	case types.KindBool:
		batch.Values[bool](v)[i] = t.kind == trueToken
		return t.kind == trueToken || t.kind == falseToken
	case types.KindFloat, types.KindDouble:
		return r.float(v, i, t)
	case types.KindDecimal:
		return r.decimal(v, i, t)
	case types.KindTimestamp:
		if t.kind == intToken { // seconds, as Spark understands numbers
			x, ok := scalar.Int(r.raw(t), 64)
			batch.Values[int64](v)[i] = x * calendar.Second
			return ok && x <= math.MaxInt64/calendar.Second && x >= math.MinInt64/calendar.Second
		}
	default:
	}
	if t.kind != stringToken {
		return false
	}
	b := r.raw(t)
	if t.esc {
		b = unescape(nil, b)
	}
	return r.fromString(v, i, b)
}

func (r *reader) fromString(v *batch.Vector, i int, b []byte) (ok bool) {
	p, s := int(v.Type.Precision), int(v.Type.Scale)
	switch v.Type.Kind {
	case types.KindDate:
		batch.Values[int32](v)[i], ok = r.times.Date(b)
	case types.KindTimestamp:
		batch.Values[int64](v)[i], ok = r.times.Timestamp(b)
	case types.KindTimestampNTZ:
		batch.Values[int64](v)[i], ok = r.times.NTZ(b)
	case types.KindTime:
		batch.Values[int64](v)[i], ok = calendar.ParseTime(b)
	case types.KindYearMonthInterval:
		batch.Values[int32](v)[i], ok = calendar.ParseYearMonth(scalar.Text(b), p, s)
	case types.KindDayTimeInterval:
		batch.Values[int64](v)[i], ok = calendar.ParseDayTime(scalar.Text(b), p, s)
	case types.KindBinary:
		from := len(r.side)
		r.side, ok = appendBase64(r.side, b)
		batch.Values[batch.View](v)[i] = batch.MakeView(r.side[from:], sideBuf, from)
	default:
	}
	return ok
}

func appendBase64(dst, b []byte) ([]byte, bool) {
	out, err := base64.StdEncoding.AppendDecode(dst, b)
	if err != nil {
		return dst, false
	}
	return out, true
}

func (r *reader) float(v *batch.Vector, i int, t *token) bool {
	x, ok := 0.0, false
	switch t.kind {
	case intToken, floatToken:
		x, ok = scalar.Double(r.raw(t))
	case nameToken:
		x, ok = special(r.raw(t))
	case stringToken:
		if r.opt.nonNumeric {
			x, ok = special(r.raw(t))
		}
	default:
	}
	if v.Type.Kind == types.KindFloat {
		if t.kind == floatToken || t.kind == intToken {
			batch.Values[float32](v)[i], ok = scalar.Float(r.raw(t))
			return ok
		}
		batch.Values[float32](v)[i] = float32(x)
		return ok
	}
	batch.Values[float64](v)[i] = x
	return ok
}

func special(b []byte) (float64, bool) {
	switch string(b) {
	case "NaN":
		return math.NaN(), true
	case "Infinity", "+Infinity", "INF", "+INF":
		return math.Inf(1), true
	case "-Infinity", "-INF":
		return math.Inf(-1), true
	}
	return 0, false
}

func (r *reader) decimal(v *batch.Vector, i int, t *token) bool {
	if t.kind != intToken && t.kind != floatToken && t.kind != stringToken {
		return false
	}
	x, ok := scalar.Decimal(r.raw(t), v.Type)
	if v.Phys() == types.PhysInt128 {
		batch.Values[batch.Int128](v)[i] = x
	} else {
		batch.Values[int64](v)[i] = x.Int64()
	}
	return ok
}

func (r *reader) arrays(v *batch.Vector, toks, rows []int32) {
	var m members
	r.lists(v, toks, rows, arrayToken, func(x, i, row int32) int {
		n := 0
		for k := x + 1; k < r.tape.toks[x].next; k = r.tape.toks[k].next {
			m.add(k, i, row)
			n++
		}
		return n
	})
	r.members(v, v.Children[0], m.values, &m, len(toks))
}

// maps takes objects: keys as values of the key type.
func (r *reader) maps(v *batch.Vector, toks, rows []int32) {
	var m members
	r.lists(v, toks, rows, objectToken, func(x, i, row int32) int {
		n := 0
		for k := x + 1; k < r.tape.toks[x].next; {
			value := r.tape.toks[k].next
			m.keys = append(m.keys, k)
			m.add(value, i, row)
			k = r.tape.toks[value].next
			n++
		}
		return n
	})
	r.members(v, v.Children[0], m.keys, &m, len(toks))
	r.members(v, v.Children[1], m.values, &m, len(toks))
}

// members are the elements of a column of arrays or maps: their tokens, which
// of the column's values they belong to, and which record.
type members struct{ keys, values, owners, rows []int32 }

func (m *members) add(tok, owner, row int32) {
	m.values, m.owners, m.rows = append(m.values, tok), append(m.owners, owner), append(m.rows, row)
}

// members converts child values; those that fail take their owners with them.
func (r *reader) members(v, child *batch.Vector, toks []int32, m *members, n int) {
	outer := r.failed
	r.failed = nil
	r.column(child, toks, m.rows)
	at := v.Len() - n
	for _, k := range r.failed {
		if o := m.owners[k]; v.Valid(at + int(o)) {
			v.SetNull(at + int(o))
			outer = append(outer, o)
		}
	}
	r.failed = outer
}

// lists appends the offsets of array and map rows; collect takes the members
// of one value and tells how many there are.
func (r *reader) lists(v *batch.Vector, toks, rows []int32, kind tokenKind, collect func(x, i, row int32) int) {
	at := v.Len()
	end := int32(v.Children[0].Len())
	v.SetLen(at + len(toks))
	if len(v.Offsets) == 0 {
		v.Offsets = append(v.Offsets, end)
	}
	v.Offsets = v.Offsets[:at+1]
	for i, x := range toks {
		switch {
		case x < 0 || r.tape.toks[x].kind == nullToken:
			v.SetNull(at + i)
		case r.tape.toks[x].kind != kind:
			r.fail(v, at, i, rows[i])
		default:
			end += int32(collect(x, int32(i), rows[i]))
		}
		v.Offsets = append(v.Offsets, end)
	}
}

func (r *reader) structs(v *batch.Vector, toks, rows []int32) {
	at := v.Len()
	v.SetLen(at + len(toks))
	objects := make([]int32, len(toks))
	for i, x := range toks {
		objects[i] = -1
		switch {
		case x < 0 || r.tape.toks[x].kind == nullToken:
			v.SetNull(at + i)
		case r.tape.toks[x].kind != objectToken:
			r.fail(v, at, i, rows[i])
		default:
			objects[i] = x
		}
	}
	outer := r.failed // members that fail are null by themselves
	for k, values := range r.split(objects, v.Type.Fields) {
		r.column(v.Children[k], values, rows)
	}
	r.failed = outer
}

// unescape appends the characters that a string's escapes stand for.
func unescape(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			c := hex4(s[i+1:])
			i += 4
			if c >= 0xd800 && c < 0xdc00 && i+6 < len(s) && s[i+1] == '\\' && s[i+2] == 'u' {
				if low := hex4(s[i+3:]); low >= 0xdc00 && low < 0xe000 {
					c = 0x10000 + (c-0xd800)<<10 + low - 0xdc00
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, c)
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}

func hex4(s []byte) rune {
	x := rune(0)
	for _, c := range s[:4] {
		x = x<<4 | rune(hexValue(c))
	}
	return x
}
