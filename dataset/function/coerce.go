package function

import (
	"strings"

	"github.com/spurwheel/spurwheel/internal/types"
)

// Type coercion between two operands, as Spark does it in its ANSI and its
// legacy mode.

// minIntegerDigits are the decimal digits that hold any value of a type.
const (
	byteDigits  = 3
	shortDigits = 5
	intDigits   = 10
	longDigits  = 20
)

// CommonType is the narrowest type that both a and b convert to, strings
// included: Spark's findWiderTypeForTwo.
func CommonType(ansi bool, a, b types.Type) (types.Type, bool) {
	if t, ok := tightest(ansi, a, b); ok {
		return t, true
	}
	if t, ok := widerDecimal(a, b); ok {
		return t, true
	}
	if t, ok := promoteString(ansi, a, b); ok {
		return t, true
	}
	return commonNested(a, b, func(x, y types.Type) (types.Type, bool) { return CommonType(ansi, x, y) })
}

// CommonNoString is CommonType without turning anything into or out of a string.
func CommonNoString(ansi bool, a, b types.Type) (types.Type, bool) {
	if t, ok := tightest(ansi, a, b); ok {
		return t, true
	}
	if t, ok := widerDecimal(a, b); ok {
		return t, true
	}
	return commonNested(a, b, func(x, y types.Type) (types.Type, bool) { return CommonNoString(ansi, x, y) })
}

// CommonTypeOf folds CommonType over several types; none gives VOID. Legacy
// mode takes strings first, so that one string makes all of them strings.
func CommonTypeOf(ansi bool, ts []types.Type) (types.Type, bool) {
	ordered := ts
	if !ansi {
		ordered = stringsFirst(ts)
	}
	out := types.Null
	for _, t := range ordered {
		var ok bool
		if out, ok = CommonType(ansi, out, t); !ok {
			return types.Null, false
		}
	}
	return out, true
}

func stringsFirst(ts []types.Type) []types.Type {
	out := make([]types.Type, 0, len(ts))
	for _, want := range [...]bool{true, false} {
		for _, t := range ts {
			if hasString(t) == want {
				out = append(out, t)
			}
		}
	}
	return out
}

func hasString(t types.Type) bool {
	return t.Kind == types.KindString || t.Kind == types.KindArray && hasString(*t.Elem)
}

// tightest is findTightestCommonType: no loss of information, no strings.
func tightest(ansi bool, a, b types.Type) (types.Type, bool) {
	switch {
	case a.Same(b):
		return a, true
	case a.Kind == types.KindNull:
		return b, true
	case b.Kind == types.KindNull:
		return a, true
	case a.Kind == types.KindString && b.Kind == types.KindString:
		return types.String, true
	case a.IsNumeric() && b.IsNumeric():
		return tightestNumeric(ansi, a, b)
	case isDatetime(a) && isDatetime(b):
		return widerDatetime(a, b), true
	case a.Kind == b.Kind && (a.IsInterval() || a.Kind == types.KindTime):
		return widerFields(a, b), true
	}
	return commonNested(a, b, func(x, y types.Type) (types.Type, bool) { return tightest(ansi, x, y) })
}

func tightestNumeric(ansi bool, a, b types.Type) (types.Type, bool) {
	da, db := a.Kind == types.KindDecimal, b.Kind == types.KindDecimal
	switch {
	case da && db:
		if holds(a, b) {
			return a, true
		}
		return b, holds(b, a)
	case da:
		return a, b.IsIntegral() && holds(a, DecimalFor(b))
	case db:
		return b, a.IsIntegral() && holds(b, DecimalFor(a))
	}
	wide := a
	if b.Kind > a.Kind {
		wide = b
	}
	if ansi && wide.Kind == types.KindFloat && a.Kind != b.Kind {
		return types.Double, true // a float cannot hold every integer
	}
	return wide, true
}

// holds tells whether decimal a represents every value of decimal b.
func holds(a, b types.Type) bool {
	return a.Scale >= b.Scale && int(a.Precision)-int(a.Scale) >= int(b.Precision)-int(b.Scale)
}

func isDatetime(t types.Type) bool {
	return t.Kind == types.KindDate || t.Kind == types.KindTimestamp || t.Kind == types.KindTimestampNTZ
}

func widerDatetime(a, b types.Type) types.Type {
	if a.Kind == types.KindTimestamp || b.Kind == types.KindTimestamp {
		return types.Timestamp
	}
	if a.Kind == types.KindTimestampNTZ || b.Kind == types.KindTimestampNTZ {
		return types.TimestampNTZ
	}
	return types.Date
}

// widerFields joins the field ranges of two intervals, or the digits of two times.
func widerFields(a, b types.Type) types.Type {
	if a.Kind == types.KindTime {
		a.Precision = max(a.Precision, b.Precision)
		return a
	}
	a.Precision, a.Scale = min(a.Precision, b.Precision), max(a.Scale, b.Scale)
	return a
}

// DecimalFor is the decimal that holds every value of numeric type t.
func DecimalFor(t types.Type) types.Type {
	switch t.Kind {
	case types.KindByte:
		return types.Decimal(byteDigits, 0)
	case types.KindShort:
		return types.Decimal(shortDigits, 0)
	case types.KindInt:
		return types.Decimal(intDigits, 0)
	case types.KindLong:
		return types.Decimal(longDigits, 0)
	case types.KindFloat:
		return types.Decimal(14, 7)
	case types.KindDouble:
		return types.Decimal(30, 15)
	case types.KindDecimal:
		return t
	default:
	}
	return types.Decimal(types.MaxPrecision, types.DefaultScale)
}

func widerDecimal(a, b types.Type) (types.Type, bool) {
	if !a.IsNumeric() || !b.IsNumeric() || a.Kind != types.KindDecimal && b.Kind != types.KindDecimal {
		return types.Null, false
	}
	if a.IsFractional() || b.IsFractional() {
		return types.Double, true
	}
	return WiderDecimal(DecimalFor(a), DecimalFor(b)), true
}

// WiderDecimal holds the integral digits and the fraction of both, giving up
// fraction digits beyond 38 in all.
func WiderDecimal(a, b types.Type) types.Type {
	scale := max(int(a.Scale), int(b.Scale))
	whole := max(int(a.Precision)-int(a.Scale), int(b.Precision)-int(b.Scale))
	p := whole + scale
	if p > types.MaxPrecision {
		return types.Decimal(types.MaxPrecision, max(0, scale-(p-types.MaxPrecision)))
	}
	return types.Decimal(p, scale)
}

// AdjustDecimal is the type of a decimal result that wants precision p and
// scale s: beyond 38 digits the fraction shrinks, to no less than six digits.
func AdjustDecimal(p, s int) types.Type {
	if p <= types.MaxPrecision {
		return types.Decimal(p, s)
	}
	whole := p - s
	return types.Decimal(types.MaxPrecision, max(types.MaxPrecision-whole, min(s, types.MinAdjustedScale)))
}

// promoteString decides between a string and another atomic type.
func promoteString(ansi bool, a, b types.Type) (types.Type, bool) {
	if b.Kind == types.KindString {
		a, b = b, a
	}
	if a.Kind != types.KindString || b.Kind == types.KindString || !b.IsAtomic() {
		return types.Null, false
	}
	if !ansi {
		ok := b.Kind != types.KindBinary && b.Kind != types.KindBool && b.Kind != types.KindCalendarInterval
		return types.String, ok
	}
	switch {
	case b.IsIntegral():
		return types.Long, true
	case b.IsNumeric():
		return types.Double, true
	case b.IsInterval() || b.Kind == types.KindCalendarInterval:
		return types.Null, false
	}
	return b, true
}

// ComparisonType is the type in which a and b are compared. Legacy mode
// compares a string with a number as a number.
func ComparisonType(ansi bool, a, b types.Type) (types.Type, bool) {
	if ansi || a.Kind != types.KindString && b.Kind != types.KindString {
		return CommonType(ansi, a, b)
	}
	if b.Kind == types.KindString {
		b = a // the side that is no string, if one is not
	}
	switch {
	case b.Kind == types.KindString || b.Kind == types.KindNull:
		return types.String, true
	case b.Kind == types.KindDecimal:
		return types.Double, true
	case b.IsInterval() || b.Kind == types.KindCalendarInterval:
		return types.Null, false
	}
	return b, b.IsAtomic()
}

// commonNested joins arrays, maps and structs member by member.
func commonNested(a, b types.Type, f func(x, y types.Type) (types.Type, bool)) (types.Type, bool) {
	if a.Kind != b.Kind {
		return types.Null, false
	}
	switch a.Kind {
	case types.KindArray:
		e, ok := f(*a.Elem, *b.Elem)
		return types.Array(e, a.Nullable || b.Nullable || mayNull(*a.Elem, e) || mayNull(*b.Elem, e)), ok
	case types.KindMap:
		k, ok := f(*a.Key, *b.Key)
		if !ok || mayNull(*a.Key, k) || mayNull(*b.Key, k) {
			return types.Null, false
		}
		v, ok := f(*a.Elem, *b.Elem)
		return types.Map(k, v, a.Nullable || b.Nullable || mayNull(*a.Elem, v) || mayNull(*b.Elem, v)), ok
	case types.KindStruct:
		return commonStruct(a, b, f)
	default:
	}
	return types.Null, false
}

func commonStruct(a, b types.Type, f func(x, y types.Type) (types.Type, bool)) (types.Type, bool) {
	if len(a.Fields) != len(b.Fields) {
		return types.Null, false
	}
	fields := make([]types.Field, len(a.Fields))
	for i, x := range a.Fields {
		y := b.Fields[i]
		t, ok := f(x.Type, y.Type)
		if !ok || !strings.EqualFold(x.Name, y.Name) {
			return types.Null, false
		}
		null := x.Nullable || y.Nullable || mayNull(x.Type, t) || mayNull(y.Type, t)
		fields[i] = types.Field{Name: x.Name, Type: t, Nullable: null}
	}
	return types.Struct(fields...), true
}
