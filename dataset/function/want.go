package function

import (
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Want is what a parameter accepts: one type, or a family with a default type
// that null and convertible arguments become.
type Want struct {
	Name   string // as in Spark's messages: "NUMERIC", "ARRAY"
	accept func(types.Type) bool
	to     types.Type // the default; KindNull: nothing converts
	any    []Want     // OneOf
}

// Exactly accepts t and what converts to t.
func Exactly(t types.Type) Want {
	return Want{Name: t.SQL(), to: t, accept: func(x types.Type) bool {
		return x.Equal(t) || t.Kind == types.KindString && x.Kind == types.KindString
	}}
}

// Family accepts the types that accept says, and makes others def if they convert to it.
func Family(name string, def types.Type, accept func(types.Type) bool) Want {
	return Want{Name: name, to: def, accept: accept}
}

// OneOf accepts what any of ws accepts, else the first that it converts to.
func OneOf(ws ...Want) Want {
	names := make([]string, len(ws))
	for i, w := range ws {
		names[i] = w.Name
	}
	return Want{Name: strings.Join(names, "\" or \""), any: ws}
}

// The families.
var (
	WantAny       = Family("ANY", types.Null, func(types.Type) bool { return true })
	WantString    = Exactly(types.String)
	WantBinary    = Exactly(types.Binary)
	WantBool      = Exactly(types.Bool)
	WantInt       = Exactly(types.Int)
	WantLong      = Exactly(types.Long)
	WantDouble    = Exactly(types.Double)
	WantDate      = Exactly(types.Date)
	WantTimestamp = Exactly(types.Timestamp)
	WantNumeric   = Family("NUMERIC", types.Double, types.Type.IsNumeric)
	WantIntegral  = Family("INTEGRAL", types.Long, types.Type.IsIntegral)
	WantDecimal   = Family("DECIMAL", types.Decimal(types.MaxPrecision, types.DefaultScale), kindIs(types.KindDecimal))
	WantArray     = Family("ARRAY", types.Array(types.Null, true), kindIs(types.KindArray))
	WantMap       = Family("MAP", types.Map(types.Null, types.Null, true), kindIs(types.KindMap))
	WantStruct    = Family("STRUCT", types.Struct(), kindIs(types.KindStruct))
	WantAnyTime   = Family("(TIMESTAMP OR TIMESTAMP WITHOUT TIME ZONE)", types.Timestamp, isTimestamp)
	WantOrderable = Family("ORDERABLE", types.Null, types.Type.IsOrderable)
	WantInterval  = Family("INTERVAL", types.Null, func(t types.Type) bool { return t.IsInterval() || t.Kind == types.KindCalendarInterval })
	WantStrOrBin  = OneOf(WantString, WantBinary)
)

func kindIs(k types.Kind) func(types.Type) bool {
	return func(t types.Type) bool { return t.Kind == k }
}

func isTimestamp(t types.Type) bool {
	return t.Kind == types.KindTimestamp || t.Kind == types.KindTimestampNTZ
}

// Accepts tells whether t needs no conversion.
func (w Want) Accepts(t types.Type) bool {
	if w.any == nil {
		return w.accept(t)
	}
	for _, a := range w.any {
		if a.Accepts(t) {
			return true
		}
	}
	return false
}

// Coerce is the type that an argument of type t is cast to implicitly.
func (w Want) Coerce(ansi bool, t types.Type) (types.Type, bool) {
	if w.Accepts(t) {
		return t, true
	}
	for _, a := range w.any {
		if to, ok := a.Coerce(ansi, t); ok {
			return to, true
		}
	}
	if w.any != nil || w.to.Kind == types.KindNull {
		return types.Null, false
	}
	to := w.to
	if to.Kind == types.KindDecimal && t.IsNumeric() && w.Name == WantDecimal.Name {
		return DecimalFor(t), true
	}
	if ansi && w.Name == WantIntegral.Name && !t.IsIntegral() && t.IsNumeric() {
		return types.Null, false
	}
	return to, ImplicitCast(ansi, t, to)
}

// ImplicitCast tells whether an argument of type from may be cast to type to
// without the user asking for it.
func ImplicitCast(ansi bool, from, to types.Type) bool {
	switch {
	case from.Equal(to) || from.Kind == types.KindNull:
		return true
	case from.IsNumeric() && to.IsNumeric():
		return true
	case from.Kind == types.KindString:
		return implicitFromString(ansi, to)
	case to.Kind == types.KindString:
		return from.IsAtomic()
	case isDatetime(from) && isDatetime(to):
		return true
	case from.Kind == to.Kind && from.IsInterval():
		return true
	case from.Kind != to.Kind:
		return false
	case from.Kind == types.KindArray:
		return ImplicitCast(ansi, *from.Elem, *to.Elem)
	case from.Kind == types.KindMap:
		return ImplicitCast(ansi, *from.Key, *to.Key) && ImplicitCast(ansi, *from.Elem, *to.Elem)
	case from.Kind == types.KindStruct:
		return implicitStruct(ansi, from, to)
	}
	return from.Kind == types.KindTime
}

func implicitFromString(ansi bool, to types.Type) bool {
	switch to.Kind {
	case types.KindString, types.KindBinary, types.KindDate, types.KindTimestamp, types.KindTimestampNTZ:
		return true
	case types.KindBool, types.KindTime:
		return ansi
	default:
	}
	return to.IsNumeric() || ansi && to.IsInterval()
}

func implicitStruct(ansi bool, from, to types.Type) bool {
	if len(from.Fields) != len(to.Fields) {
		return false
	}
	for i := range from.Fields {
		if !ImplicitCast(ansi, from.Fields[i].Type, to.Fields[i].Type) {
			return false
		}
	}
	return true
}

// mayNull tells whether an implicit cast of a value can give null.
func mayNull(from, to types.Type) bool { return !plan.SafeCast(from, to) }
