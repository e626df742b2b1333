package catalog

import (
	"strconv"
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// boxed reads a folder's value as type t; false if it is none.
func boxed(s string, t types.Type, zone *time.Location) (any, bool) {
	switch t.Kind {
	case types.KindString:
		return s, true
	case types.KindBinary:
		return []byte(s), true
	case types.KindBool:
		b, err := strconv.ParseBool(strings.ToLower(s))
		return b, err == nil
	case types.KindByte:
		return parsedInt(s, 8, func(x int64) any { return int8(x) })
	case types.KindShort:
		return parsedInt(s, 16, func(x int64) any { return int16(x) })
	case types.KindInt:
		return parsedInt(s, 32, func(x int64) any { return int32(x) })
	case types.KindLong:
		return parsedInt(s, 64, func(x int64) any { return x })
	case types.KindFloat:
		f, err := strconv.ParseFloat(s, 32)
		return float32(f), err == nil
	case types.KindDouble:
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil
	case types.KindDecimal:
		return boxedDecimal(s, t)
	default:
	}
	return boxedTime(s, t, zone)
}

func parsedInt(s string, bits int, box func(int64) any) (any, bool) {
	x, err := strconv.ParseInt(s, 10, bits)
	return box(x), err == nil
}

const microsPerDay = 24 * 60 * 60 * 1_000_000

func boxedTime(s string, t types.Type, zone *time.Location) (any, bool) {
	if t.Kind == types.KindTimestampNTZ {
		zone = time.UTC
	}
	micros, ok := parseTimestamp(s, zone)
	if d, err := time.ParseInLocation(time.DateOnly, s, zoneOr(zone)); !ok && err == nil {
		micros, ok = d.UnixMicro(), true
	}
	switch t.Kind {
	case types.KindDate:
		d, err := time.Parse(time.DateOnly, s)
		return int32(d.UnixMicro() / microsPerDay), err == nil
	case types.KindTimestamp, types.KindTimestampNTZ:
		return micros, ok
	default:
	}
	return nil, false
}

func zoneOr(z *time.Location) *time.Location {
	if z == nil {
		return time.UTC
	}
	return z
}

// boxedDecimal reads a number that fits the type.
func boxedDecimal(s string, t types.Type) (any, bool) {
	x, valid, fits := decimal.Parse(s, int(t.Scale))
	if !valid || !fits || !x.Fits(int(t.Precision)) {
		return nil, false
	}
	if t.Phys() == types.PhysInt64 {
		return x.Int64(), true
	}
	return x, true
}
