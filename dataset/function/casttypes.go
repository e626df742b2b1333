package function

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// CanCast tells whether the user may cast from one type to another: Spark's
// Cast.canCast and, in ANSI and try mode, canAnsiCast.
func CanCast(from, to types.Type, ansi bool) bool {
	switch {
	case from.Equal(to) || from.Kind == types.KindNull:
		return true
	case from.Kind == types.KindVariant || to.Kind == types.KindVariant:
		return false
	case to.Kind == types.KindString:
		return true
	case from.IsNested() || to.IsNested():
		return canCastNested(from, to, ansi)
	case from.Kind == types.KindString:
		return canParse(to, ansi)
	case from.IsNumeric():
		return castNumber(from, to, ansi)
	}
	return castOther(from, to, ansi)
}

func canParse(to types.Type, _ bool) bool {
	switch to.Kind {
	case types.KindNull, types.KindUDT:
		return false
	default:
	}
	return to.IsAtomic()
}

func castNumber(from, to types.Type, ansi bool) bool {
	switch {
	case to.IsNumeric() || to.Kind == types.KindBool:
		return true
	case to.Kind == types.KindTimestamp:
		return true
	case to.Kind == types.KindBinary:
		return !ansi && from.IsIntegral()
	case to.IsInterval():
		return (from.IsIntegral() || from.Kind == types.KindDecimal) && singleField(to)
	}
	return false
}

func singleField(t types.Type) bool { return int(t.Precision) == int(t.Scale) }

func castOther(from, to types.Type, ansi bool) bool {
	switch from.Kind {
	case types.KindBool:
		return to.IsNumeric() || to.Kind == types.KindTimestamp && !ansi
	case types.KindDate:
		return isTimestamp(to) || !ansi && (to.IsNumeric() || to.Kind == types.KindBool)
	case types.KindTimestamp:
		return isDatetime(to) || to.Kind == types.KindTime || to.IsNumeric() || to.Kind == types.KindBool && !ansi
	case types.KindTimestampNTZ:
		return isDatetime(to) || to.Kind == types.KindTime
	case types.KindTime:
		return to.Kind == types.KindTime || to.IsIntegral() || to.Kind == types.KindDecimal
	case types.KindYearMonthInterval, types.KindDayTimeInterval:
		return from.Kind == to.Kind || (to.IsIntegral() || to.Kind == types.KindDecimal) && singleField(from)
	default:
	}
	return false
}

func canCastNested(from, to types.Type, ansi bool) bool {
	if from.Kind != to.Kind {
		return false
	}
	switch from.Kind {
	case types.KindArray:
		return CanCast(*from.Elem, *to.Elem, ansi) && (to.Nullable || !from.Nullable && plan.SafeCast(*from.Elem, *to.Elem))
	case types.KindMap:
		return CanCast(*from.Key, *to.Key, ansi) && plan.SafeCast(*from.Key, *to.Key) && CanCast(*from.Elem, *to.Elem, ansi) &&
			(to.Nullable || !from.Nullable && plan.SafeCast(*from.Elem, *to.Elem))
	default:
	}
	if len(from.Fields) != len(to.Fields) {
		return false
	}
	for i, f := range from.Fields {
		g := to.Fields[i]
		if !CanCast(f.Type, g.Type, ansi) || !g.Nullable && (f.Nullable || !plan.SafeCast(f.Type, g.Type)) {
			return false
		}
	}
	return true
}

// CheckCast is the error of a cast that does not exist, nil if it does.
func CheckCast(from, to types.Type, m plan.CastMode) error {
	ansi := m != plan.CastLegacy
	if CanCast(from, to, ansi) {
		return nil
	}
	src, dst := quoted(from.SQL()), quoted(to.SQL())
	msg := "a cast of " + src + " to " + dst + " does not exist"
	if m == plan.CastAnsi && CanCast(from, to, false) {
		return mismatch("CAST_WITH_CONF_SUGGESTION", msg+" while "+ansiConf+" is \"true\".",
			"srcType", src, "targetType", dst, "config", ansiConf, "configVal", "'false'")
	}
	return mismatch("CAST_WITHOUT_SUGGESTION", msg+".", "srcType", src, "targetType", dst)
}

// castInvalid is the error of a value that does not read as the type.
func castInvalid(text string, from, to types.Type) error {
	cat := errs.NumberFmt
	switch {
	case isDatetime(to) || to.Kind == types.KindTime:
		cat = errs.DateTime
	case to.Kind == types.KindBool:
		cat = errs.Runtime
	}
	return errs.Cond(cat, "CAST_INVALID_INPUT", "22018",
		"The value "+text+" of the type "+quoted(from.SQL())+" cannot be cast to "+quoted(to.SQL())+". Use `try_cast` to get null instead.",
		"expression", text, "sourceType", quoted(from.SQL()), "targetType", quoted(to.SQL()), "ansiConfig", ansiConf)
}

// castOverflow is the error of a number that does not fit the type.
func castOverflow(text string, from, to types.Type) error {
	return errs.Cond(errs.Arithmetic, "CAST_OVERFLOW", "22003",
		"The value "+text+" of the type "+quoted(from.SQL())+" does not fit "+quoted(to.SQL())+". Use `try_cast` to get null instead.",
		"value", text, "sourceType", quoted(from.SQL()), "targetType", quoted(to.SQL()), "ansiConfig", ansiConf)
}
