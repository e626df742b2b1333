package csv

import (
	"bytes"

	"github.com/spurwheel/spurwheel/connectors/format/scalar"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// refine widens the type so far by one more value: integer, long, decimal,
// double, date, timestamp, boolean, string, in this order.
func (in *inference) refine(t types.Type, v []byte) types.Type {
	switch t.Kind {
	case types.KindString:
		return t
	case types.KindNull:
		return in.classify(v, types.KindInt)
	default:
	}
	return merge(t, in.classify(v, t.Kind))
}

// classify finds the first type from the kind from on that v reads as.
func (in *inference) classify(v []byte, from types.Kind) types.Type {
	switch from {
	case types.KindInt:
		if _, ok := scalar.Int(v, 32); ok {
			return types.Int
		}
		fallthrough
	case types.KindLong:
		if _, ok := scalar.Int(v, 64); ok {
			return types.Long
		}
		fallthrough
	case types.KindDecimal:
		if t, ok := integralDecimal(v, from == types.KindDecimal); ok {
			return t
		}
		fallthrough
	case types.KindDouble:
		if in.isDouble(v) {
			return types.Double
		}
		fallthrough
	case types.KindDate:
		if in.opt.preferDate && in.isDate(v) {
			return types.Date
		}
		fallthrough
	case types.KindTimestampNTZ, types.KindTimestamp:
		if t, ok := in.timestamp(v, from); ok {
			return t
		}
		fallthrough
	case types.KindBool:
		if _, ok := scalar.Bool(v); ok {
			return types.Bool
		}
	default:
	}
	return types.String
}

// integralDecimal takes whole numbers too long for a long, or short ones too
// in a column that is decimal already.
func integralDecimal(v []byte, short bool) (types.Type, bool) {
	d := bytes.TrimLeft(v, "+-")
	if len(d) == 0 || len(d) > types.MaxPrecision || len(v)-len(d) > 1 {
		return types.Type{}, false
	}
	for _, c := range d {
		if c < '0' || c > '9' {
			return types.Type{}, false
		}
	}
	x, valid, fits := decimal.Parse(scalar.Text(v), 0)
	return types.Decimal(len(d), 0), valid && fits && (short || !x.IsInt64())
}

func (in *inference) isDouble(v []byte) bool {
	if _, ok := scalar.Double(v); ok {
		return true
	}
	s := scalar.Text(v)
	return s == in.opt.nan || s == in.opt.posInf || s == in.opt.negInf
}

// isDate is strict about the default form, so that years and numbers stay what they are.
func (in *inference) isDate(v []byte) bool {
	if !in.times.HasDate() && (len(v) != 10 || v[4] != '-' || v[7] != '-') {
		return false
	}
	_, ok := in.times.Date(v)
	return ok
}

func (in *inference) timestamp(v []byte, from types.Kind) (types.Type, bool) {
	if !in.times.HasTimestamp() && !scalar.Looks(v) {
		return types.Type{}, false
	}
	if in.opt.ntz && from != types.KindTimestamp {
		if _, ok := in.times.NTZ(v); ok {
			return types.TimestampNTZ, true
		}
	}
	_, ok := in.times.Timestamp(v)
	return types.Timestamp, ok
}

// merge is the type that holds values of both.
func merge(a, b types.Type) types.Type {
	switch {
	case a.Equal(b):
		return a
	case a.Kind > b.Kind:
		a, b = b, a
	}
	switch {
	case a.Kind == types.KindDecimal && b.Kind == types.KindDecimal:
		return types.Decimal(int(max(a.Precision, b.Precision)), 0)
	case a.IsIntegral() && b.IsIntegral():
		return b
	case a.IsIntegral() && b.Kind == types.KindDecimal:
		return types.Decimal(int(max(b.Precision, 20)), 0)
	case a.IsNumeric() && b.IsNumeric():
		return types.Double
	case a.Kind == types.KindDate && (b.Kind == types.KindTimestamp || b.Kind == types.KindTimestampNTZ):
		return b
	case a.Kind == types.KindTimestamp && b.Kind == types.KindTimestampNTZ:
		return a
	}
	return types.String
}
