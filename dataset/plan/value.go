package plan

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// LiteralSQL is a boxed value as an SQL literal: "'a'", "DATE '2020-01-01'",
// "ARRAY(1, 2)". Timestamps are shown in zone (nil is UTC).
func LiteralSQL(t types.Type, v any, zone *time.Location) string {
	if v == nil {
		return "NULL"
	}
	switch t.Kind {
	case types.KindString:
		s := strings.ReplaceAll(v.(string), "\\", "\\\\")
		return "'" + strings.ReplaceAll(s, "'", "\\'") + "'"
	case types.KindBinary:
		return "X'" + strings.ToUpper(hex.EncodeToString(v.([]byte))) + "'"
	case types.KindDate:
		return "DATE '" + ValueText(t, v, zone) + "'"
	case types.KindTimestamp:
		return "TIMESTAMP '" + ValueText(t, v, zone) + "'"
	case types.KindTimestampNTZ:
		return "TIMESTAMP_NTZ '" + ValueText(t, v, zone) + "'"
	case types.KindTime:
		return "TIME '" + ValueText(t, v, zone) + "'"
	case types.KindCalendarInterval:
		return "INTERVAL '" + ValueText(t, v, zone) + "'"
	case types.KindByte:
		return ValueText(t, v, zone) + "Y"
	case types.KindShort:
		return ValueText(t, v, zone) + "S"
	case types.KindLong:
		return ValueText(t, v, zone) + "L"
	case types.KindFloat, types.KindDouble:
		return floatSQL(t, v)
	case types.KindDecimal:
		return ValueText(t, v, zone) + "BD"
	case types.KindArray, types.KindMap, types.KindStruct:
		return nestedSQL(t, v, zone)
	default:
	}
	return ValueText(t, v, zone)
}

func floatSQL(t types.Type, v any) string {
	var x float64
	s, suffix := ValueText(t, v, nil), "D"
	if f, ok := v.(float32); ok {
		x, suffix = float64(f), "F"
	} else {
		x = v.(float64)
	}
	if math.IsNaN(x) || math.IsInf(x, 0) || suffix == "F" {
		return "CAST('" + s + "' AS " + t.SQL() + ")"
	}
	return s + suffix
}

func nestedSQL(t types.Type, v any, zone *time.Location) string {
	var parts []string
	switch t.Kind {
	case types.KindArray:
		for _, x := range v.([]any) {
			parts = append(parts, LiteralSQL(*t.Elem, x, zone))
		}
		return "ARRAY(" + strings.Join(parts, ", ") + ")"
	case types.KindMap:
		m := v.(batch.MapValue)
		for i := range m.Keys {
			parts = append(parts, LiteralSQL(*t.Key, m.Keys[i], zone), LiteralSQL(*t.Elem, m.Values[i], zone))
		}
		return "MAP(" + strings.Join(parts, ", ") + ")"
	default:
	}
	for i, x := range v.([]any) {
		parts = append(parts, "'"+t.Fields[i].Name+"'", LiteralSQL(t.Fields[i].Type, x, zone))
	}
	return "NAMED_STRUCT(" + strings.Join(parts, ", ") + ")"
}

// ValueText is an atomic value's text as Spark prints it, without quotes.
func ValueText(t types.Type, v any, zone *time.Location) string {
	var b []byte
	switch x := v.(type) {
	case nil:
		return "NULL"
	case bool:
		return strconv.FormatBool(x)
	case int8:
		return strconv.Itoa(int(x))
	case int16:
		return strconv.Itoa(int(x))
	case int32:
		return string(intText(b, t, x))
	case int64:
		return string(longText(b, t, x, zone))
	case float32:
		return string(decimal.AppendFloat(b, x))
	case float64:
		return string(decimal.AppendDouble(b, x))
	case batch.Int128:
		return string(decimal.AppendJava(b, x, int(t.Scale)))
	case batch.Interval:
		return string(calendar.AppendInterval(b, x.Months, x.Days, x.Micros))
	case string:
		return x
	case []byte:
		return string(x)
	}
	return LiteralSQL(t, v, zone)
}

func intText(b []byte, t types.Type, x int32) []byte {
	switch t.Kind {
	case types.KindDate:
		return calendar.AppendDate(b, int(x))
	case types.KindYearMonthInterval:
		return calendar.AppendYearMonthSQL(b, x, int(t.Precision), int(t.Scale))
	default:
	}
	return strconv.AppendInt(b, int64(x), 10)
}

func longText(b []byte, t types.Type, x int64, zone *time.Location) []byte {
	switch t.Kind {
	case types.KindDecimal:
		return decimal.AppendJava(b, decimal.FromInt64(x), int(t.Scale))
	case types.KindTimestamp:
		return calendar.AppendTimestamp(b, calendar.NewZone(zone).Local(x))
	case types.KindTimestampNTZ:
		return calendar.AppendTimestamp(b, x)
	case types.KindTime:
		return calendar.AppendNanos(b, x)
	case types.KindDayTimeInterval:
		return calendar.AppendDayTimeSQL(b, x, int(t.Precision), int(t.Scale))
	default:
	}
	return strconv.AppendInt(b, x, 10)
}
