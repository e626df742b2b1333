package scalar

import (
	"strconv"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Writer renders atomic values as Spark's text sources do.
type Writer struct {
	Times *Temporal
}

// Append writes row i of the flat vector v, which is present and neither
// string nor nested.
func (w *Writer) Append(b []byte, v *batch.Vector, i int) []byte {
	switch t := v.Type; t.Kind {
	case types.KindBool:
		return strconv.AppendBool(b, batch.Values[bool](v)[i])
	case types.KindByte:
		return strconv.AppendInt(b, int64(batch.Values[int8](v)[i]), 10)
	case types.KindShort:
		return strconv.AppendInt(b, int64(batch.Values[int16](v)[i]), 10)
	case types.KindInt:
		return strconv.AppendInt(b, int64(batch.Values[int32](v)[i]), 10)
	case types.KindLong:
		return strconv.AppendInt(b, batch.Values[int64](v)[i], 10)
	case types.KindFloat:
		return decimal.AppendFloat(b, batch.Values[float32](v)[i])
	case types.KindDouble:
		return decimal.AppendDouble(b, batch.Values[float64](v)[i])
	case types.KindDecimal:
		if v.Phys() == types.PhysInt64 {
			return decimal.AppendPlain(b, decimal.FromInt64(batch.Values[int64](v)[i]), int(t.Scale))
		}
		return decimal.AppendPlain(b, batch.Values[batch.Int128](v)[i], int(t.Scale))
	case types.KindDate:
		return w.Times.AppendDate(b, batch.Values[int32](v)[i])
	case types.KindTimestamp:
		return w.Times.AppendTimestamp(b, batch.Values[int64](v)[i])
	case types.KindTimestampNTZ:
		return w.Times.AppendNTZ(b, batch.Values[int64](v)[i])
	case types.KindTime:
		return calendar.AppendNanos(b, batch.Values[int64](v)[i])
	case types.KindYearMonthInterval:
		return calendar.AppendYearMonth(b, batch.Values[int32](v)[i], int(t.Precision), int(t.Scale))
	case types.KindDayTimeInterval:
		return calendar.AppendDayTime(b, batch.Values[int64](v)[i], int(t.Precision), int(t.Scale))
	case types.KindCalendarInterval:
		x := batch.Values[batch.Interval](v)[i]
		return calendar.AppendInterval(b, x.Months, x.Days, x.Micros)
	default:
	}
	return b
}
