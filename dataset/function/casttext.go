package function

import (
	"strconv"
	"time"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// printer writes values as casts to STRING show them. It serves one goroutine.
type printer struct {
	zone  *calendar.Zone
	plain bool // decimals without exponents
}

func (c *caster) toText() Kernel {
	p := &printer{zone: c.zone, plain: c.m != plan.CastLegacy}
	from := c.from
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src := asFlat(args[0])
		var b []byte
		for i := range n {
			if !out.Valid(i) {
				continue
			}
			b = p.value(b[:0], from, src, i)
			out.SetStr(i, b)
		}
		return nil
	}
}

// value appends row i of the flat vector v, which is not null.
func (p *printer) value(b []byte, t types.Type, v *batch.Vector, i int) []byte {
	switch t.Kind {
	case types.KindBool:
		return strconv.AppendBool(b, batch.Values[bool](v)[i])
	case types.KindByte, types.KindShort, types.KindInt, types.KindLong:
		return strconv.AppendInt(b, longAt(v, i), 10)
	case types.KindFloat:
		return decimal.AppendFloat(b, batch.Values[float32](v)[i])
	case types.KindDouble:
		return decimal.AppendDouble(b, batch.Values[float64](v)[i])
	case types.KindDecimal:
		return p.decimal(b, t, v, i)
	case types.KindString, types.KindBinary:
		return append(b, v.Str(i)...)
	case types.KindArray:
		return p.list(b, *t.Elem, v, i)
	case types.KindMap:
		return p.entries(b, t, v, i)
	case types.KindStruct:
		return p.members(b, t, v, i)
	case types.KindUDT:
		return p.value(b, *t.Elem, v, i)
	default:
	}
	return p.temporal(b, t, v, i)
}

func (p *printer) decimal(b []byte, t types.Type, v *batch.Vector, i int) []byte {
	var x batch.Int128
	if t.Phys() == types.PhysInt64 {
		x = decimal.FromInt64(batch.Values[int64](v)[i])
	} else {
		x = batch.Values[batch.Int128](v)[i]
	}
	if p.plain {
		return decimal.AppendPlain(b, x, int(t.Scale))
	}
	return decimal.AppendJava(b, x, int(t.Scale))
}

func (p *printer) temporal(b []byte, t types.Type, v *batch.Vector, i int) []byte {
	switch t.Kind {
	case types.KindDate:
		return calendar.AppendDate(b, int(batch.Values[int32](v)[i]))
	case types.KindTimestamp:
		return calendar.AppendTimestamp(b, p.zone.Local(batch.Values[int64](v)[i]))
	case types.KindTimestampNTZ:
		return calendar.AppendTimestamp(b, batch.Values[int64](v)[i])
	case types.KindTime:
		return calendar.AppendNanos(b, batch.Values[int64](v)[i])
	case types.KindYearMonthInterval:
		return calendar.AppendYearMonthSQL(b, batch.Values[int32](v)[i], int(t.Precision), int(t.Scale))
	case types.KindDayTimeInterval:
		return calendar.AppendDayTimeSQL(b, batch.Values[int64](v)[i], int(t.Precision), int(t.Scale))
	case types.KindCalendarInterval:
		x := batch.Values[batch.Interval](v)[i]
		return calendar.AppendInterval(b, x.Months, x.Days, x.Micros)
	default:
	}
	return b
}

// member appends a nested value, or "null".
func (p *printer) member(b []byte, t types.Type, v *batch.Vector, i int) []byte {
	if !v.Valid(i) {
		return append(b, "null"...)
	}
	if v.Enc != batch.Flat {
		v = v.Flatten(batch.New(v.Type, 0))
	}
	return p.value(b, t, v, i)
}

func (p *printer) list(b []byte, elem types.Type, v *batch.Vector, i int) []byte {
	b = append(b, '[')
	for j := v.Offsets[i]; j < v.Offsets[i+1]; j++ {
		if j > v.Offsets[i] {
			b = append(b, ", "...)
		}
		b = p.member(b, elem, v.Children[0], int(j))
	}
	return append(b, ']')
}

func (p *printer) entries(b []byte, t types.Type, v *batch.Vector, i int) []byte {
	b = append(b, '{')
	for j := v.Offsets[i]; j < v.Offsets[i+1]; j++ {
		if j > v.Offsets[i] {
			b = append(b, ", "...)
		}
		b = append(p.member(b, *t.Key, v.Children[0], int(j)), " -> "...)
		b = p.member(b, *t.Elem, v.Children[1], int(j))
	}
	return append(b, '}')
}

func (p *printer) members(b []byte, t types.Type, v *batch.Vector, i int) []byte {
	b = append(b, '{')
	for k, f := range t.Fields {
		if k > 0 {
			b = append(b, ", "...)
		}
		b = p.member(b, f.Type, v.Children[k], i)
	}
	return append(b, '}')
}

// FormatValue is a boxed value as a cast to STRING shows it; null is "NULL".
func FormatValue(t types.Type, v any, env *Env) string {
	if v == nil {
		return "NULL"
	}
	var zone *time.Location
	if env != nil {
		zone = env.Zone
	}
	p := printer{zone: calendar.NewZone(zone), plain: env == nil || env.Ansi}
	return string(p.value(nil, t, batch.Of(t, v), 0))
}

// toBinary is an integer's bytes, most significant first.
func (c *caster) toBinary() Kernel {
	width := c.from.Phys().Width()
	if !c.from.IsIntegral() {
		return nil
	}
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		var b [8]byte
		for i := range n {
			if !out.Valid(i) {
				continue
			}
			v := longAt(args[0], i)
			for k := range width {
				b[width-1-k] = byte(v >> (8 * k))
			}
			out.SetStr(i, b[:width])
		}
		return nil
	}
}
