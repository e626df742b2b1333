package csv

import (
	"bytes"
	"math"

	"github.com/spurwheel/spurwheel/connectors/format/scalar"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Buffers that string views of a batch refer to.
const (
	blockBuf = iota
	sideBuf
	emptyBuf
)

// convert turns the collected fields into typed columns, a column at a time.
func (r *reader) convert() (*batch.Batch, error) {
	n := len(r.starts)
	r.out.N = n
	for k, v := range r.out.Cols {
		v.Reset(n)
		if r.columns[k] >= 0 {
			r.column(v, r.columns[k])
		}
	}
	first := -1
	for i, bad := range r.bad {
		if bad {
			first = i
			break
		}
	}
	if first >= 0 && r.opt.mode == failFast {
		return nil, r.malformed(first)
	}
	for k, v := range r.out.Cols {
		if r.columns[k] < 0 {
			r.corrupt(v)
		}
	}
	if first >= 0 && r.opt.mode == dropMalformed {
		return r.drop(), nil
	}
	return r.out, nil
}

func (r *reader) malformed(row int) error {
	record := r.quote(r.starts[row], r.ends[row])
	c := errs.Cond(errs.Spark, "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", "22023",
		"A record of "+r.src.Path()+" does not fit the schema: "+record+". The mode is FAILFAST; PERMISSIVE reads what does not fit as null.",
		"badRecord", record, "failFastMode", "FAILFAST", "path", r.src.Path())
	return errs.E(errs.Invalid, "csv.Read", c)
}

// corrupt fills the column of records that did not fit.
func (r *reader) corrupt(v *batch.Vector) {
	v.Bufs = [][]byte{r.block}
	views := batch.Values[batch.View](v)
	for i, bad := range r.bad {
		if !bad {
			views[i] = batch.View{}
			v.SetNull(i)
			continue
		}
		text := bytes.TrimRight(r.block[r.starts[i]:r.ends[i]], "\r\n")
		views[i] = batch.MakeView(text, blockBuf, r.starts[i])
	}
}

// drop leaves the bad records out.
func (r *reader) drop() *batch.Batch {
	var sel []int32
	for i, bad := range r.bad {
		if !bad {
			sel = append(sel, int32(i))
		}
	}
	if r.good.Cols == nil {
		for _, c := range r.out.Cols {
			r.good.Cols = append(r.good.Cols, batch.New(c.Type, 0))
		}
	}
	for i, c := range r.out.Cols {
		r.good.Cols[i].Gather(c, sel)
	}
	r.good.N = len(sel)
	return &r.good
}

// value is the text of a field, and whether it is null.
func (r *reader) value(row, index int) ([]byte, bool) {
	f := r.tok.fields[row*r.width+index]
	var b []byte
	switch {
	case f.flag == missingField:
		return nil, true
	case f.side:
		b = r.tok.side[f.off : f.off+f.n]
	default:
		b = r.block[f.off : f.off+f.n]
	}
	if f.n == 0 {
		if f.flag != quotedField {
			return nil, true
		}
		b = r.opt.empty
	}
	return b, string(b) == string(r.opt.null)
}

func (r *reader) column(v *batch.Vector, index int) {
	switch v.Type.Kind {
	case types.KindByte:
		ints(r, v, index, batch.Values[int8](v), 8)
	case types.KindShort:
		ints(r, v, index, batch.Values[int16](v), 16)
	case types.KindInt:
		ints(r, v, index, batch.Values[int32](v), 32)
	case types.KindLong:
		ints(r, v, index, batch.Values[int64](v), 64)
	case types.KindFloat:
		r.floats(v, index)
	case types.KindDouble:
		r.doubles(v, index)
	case types.KindDecimal:
		r.decimals(v, index)
	case types.KindBool:
		r.bools(v, index)
	case types.KindDate:
		r.dates(v, index)
	case types.KindTimestamp, types.KindTimestampNTZ, types.KindDayTimeInterval:
		r.micros(v, index)
	case types.KindYearMonthInterval:
		r.months(v, index)
	default:
		r.strings(v, index)
	}
}

// fail makes a value null and its record malformed.
func (r *reader) fail(v *batch.Vector, row int) {
	v.SetNull(row)
	r.bad[row] = true
}

func ints[T int8 | int16 | int32 | int64](r *reader, v *batch.Vector, index int, out []T, bits uint) {
	for i := range out {
		out[i] = 0
		b, null := r.value(i, index)
		if null {
			v.SetNull(i)
			continue
		}
		x, ok := scalar.Int(b, bits)
		if !ok {
			r.fail(v, i)
			continue
		}
		out[i] = T(x)
	}
}

func (r *reader) special(b []byte) (float64, bool) {
	switch s := scalar.Text(b); s {
	case r.opt.nan, "NaN":
		return math.NaN(), true
	case r.opt.posInf, "Infinity", "+Infinity":
		return math.Inf(1), true
	case r.opt.negInf, "-Infinity":
		return math.Inf(-1), true
	}
	return 0, false
}

func (r *reader) doubles(v *batch.Vector, index int) {
	out := batch.Values[float64](v)
	for i := range out {
		out[i] = 0
		b, null := r.value(i, index)
		if null {
			v.SetNull(i)
			continue
		}
		x, ok := scalar.Double(b)
		if !ok {
			x, ok = r.special(b)
		}
		if !ok {
			r.fail(v, i)
			continue
		}
		out[i] = x
	}
}

func (r *reader) floats(v *batch.Vector, index int) {
	out := batch.Values[float32](v)
	for i := range out {
		out[i] = 0
		b, null := r.value(i, index)
		if null {
			v.SetNull(i)
			continue
		}
		x, ok := scalar.Float(b)
		if !ok {
			var d float64
			d, ok = r.special(b)
			x = float32(d)
		}
		if !ok {
			r.fail(v, i)
			continue
		}
		out[i] = x
	}
}

func (r *reader) decimals(v *batch.Vector, index int) {
	wide := v.Phys() == types.PhysInt128
	for i := range v.Len() {
		b, null := r.value(i, index)
		var x batch.Int128
		ok := true
		if !null {
			x, ok = scalar.Decimal(trim(b), v.Type)
		}
		if wide {
			batch.Values[batch.Int128](v)[i] = x
		} else {
			batch.Values[int64](v)[i] = x.Int64()
		}
		if null {
			v.SetNull(i)
		} else if !ok {
			r.fail(v, i)
		}
	}
}

// trim is bytes.TrimSpace with a short way for what needs none.
func trim(b []byte) []byte {
	if n := len(b); n > 0 && b[0] > ' ' && b[n-1] > ' ' {
		return b
	}
	return bytes.TrimSpace(b)
}

func (r *reader) bools(v *batch.Vector, index int) {
	out := batch.Values[bool](v)
	for i := range out {
		out[i] = false
		b, null := r.value(i, index)
		if null {
			v.SetNull(i)
			continue
		}
		x, ok := scalar.Bool(b)
		if !ok {
			r.fail(v, i)
			continue
		}
		out[i] = x
	}
}

func (r *reader) dates(v *batch.Vector, index int) {
	out := batch.Values[int32](v)
	for i := range out {
		out[i] = 0
		b, null := r.value(i, index)
		if null {
			v.SetNull(i)
			continue
		}
		x, ok := r.times.Date(b)
		if !ok {
			r.fail(v, i)
			continue
		}
		out[i] = x
	}
}

func (r *reader) micros(v *batch.Vector, index int) {
	out := batch.Values[int64](v)
	for i := range out {
		out[i] = 0
		b, null := r.value(i, index)
		if null {
			v.SetNull(i)
			continue
		}
		var x int64
		var ok bool
		switch v.Type.Kind {
		case types.KindTimestamp:
			x, ok = r.times.Timestamp(b)
		case types.KindTimestampNTZ:
			x, ok = r.times.NTZ(b)
		default:
			x, ok = calendar.ParseDayTime(scalar.Text(b), int(v.Type.Precision), int(v.Type.Scale))
		}
		if !ok {
			r.fail(v, i)
			continue
		}
		out[i] = x
	}
}

func (r *reader) months(v *batch.Vector, index int) {
	out := batch.Values[int32](v)
	for i := range out {
		out[i] = 0
		b, null := r.value(i, index)
		if null {
			v.SetNull(i)
			continue
		}
		x, ok := calendar.ParseYearMonth(scalar.Text(b), int(v.Type.Precision), int(v.Type.Scale))
		if !ok {
			r.fail(v, i)
			continue
		}
		out[i] = x
	}
}

// strings makes views of the block: no byte is copied.
func (r *reader) strings(v *batch.Vector, index int) {
	v.Bufs = [][]byte{r.block, r.tok.side, r.opt.empty}
	out := batch.Values[batch.View](v)
	for i := range out {
		b, null := r.value(i, index)
		if null {
			out[i] = batch.View{}
			v.SetNull(i)
			continue
		}
		f := r.tok.fields[i*r.width+index]
		switch {
		case f.n == 0:
			out[i] = batch.MakeView(b, emptyBuf, 0)
		case f.side:
			out[i] = batch.MakeView(b, sideBuf, int(f.off))
		default:
			out[i] = batch.MakeView(b, blockBuf, int(f.off))
		}
	}
}
