package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// cast resolves a cast the user wrote.
func (r *run) cast(ctx context.Context, e *plan.Cast, v *env) (plan.Expr, error) {
	c, err := r.expr(ctx, e.Child, v)
	if err != nil {
		return nil, err
	}
	return r.castOf(c, e)
}

func (r *run) castOf(child plan.Expr, e *plan.Cast) (plan.Expr, error) {
	out := *e
	out.Child, out.To = child, withoutLength(e.To)
	if out.Mode == plan.CastSession {
		out.Mode = r.castMode()
	}
	if !canCast(out.Mode != plan.CastLegacy, child.Type(), out.To) {
		return nil, at(badCast(&out, r.Env.Ansi), e.At)
	}
	return &out, nil
}

func badCast(e *plan.Cast, ansi bool) error {
	sub := "CAST_WITHOUT_SUGGESTION"
	kv := []string{"sqlExpr", toSQL(e), "srcType", toSQLType(e.Child.Type()), "targetType", toSQLType(e.To)}
	if f := castFunction(e.Child.Type(), e.To); ansi && f != "" {
		sub = "CAST_WITH_FUNC_SUGGESTION"
		kv = append(kv, "functionNames", f)
	} else if ansi && canCast(false, e.Child.Type(), e.To) {
		sub = "CAST_WITH_CONF_SUGGESTION"
		kv = append(kv, "config", "\"spark.sql.ansi.enabled\"", "configVal", "'false'")
	}
	return errs.Cond(errs.Analysis, "DATATYPE_MISMATCH."+sub, "42K09",
		"Cannot cast "+toSQLType(e.Child.Type())+" to "+toSQLType(e.To)+" in "+toSQL(e)+".", kv...)
}

// castFunction names the function for a conversion that no cast does.
func castFunction(from, to types.Type) string {
	switch {
	case from.IsNumeric() && to.Kind == types.KindDate:
		return "`DATE_FROM_UNIX_DATE`"
	case from.Kind == types.KindDate && to.IsNumeric():
		return "`UNIX_DATE`"
	}
	return ""
}

// withoutLength makes CHAR(n) and VARCHAR(n) plain strings: lengths are checked
// when tables are written.
func withoutLength(t types.Type) types.Type {
	switch t.Kind {
	case types.KindString:
		return types.String
	case types.KindArray:
		return types.Array(withoutLength(*t.Elem), t.Nullable)
	case types.KindMap:
		return types.Map(withoutLength(*t.Key), withoutLength(*t.Elem), t.Nullable)
	case types.KindStruct:
		fs := make([]types.Field, len(t.Fields))
		for i, f := range t.Fields {
			f.Type = withoutLength(f.Type)
			fs[i] = f
		}
		return types.Struct(fs...)
	default:
	}
	return t
}

// canCast tells whether a cast from one type to another exists: in ANSI mode
// (strict) some conversions of the legacy mode do not.
func canCast(strict bool, from, to types.Type) bool {
	switch {
	case from.Equal(to) || from.Kind == types.KindNull || to.Kind == types.KindString:
		return true
	case from.Kind == types.KindString:
		return to.IsAtomic() && to.Kind != types.KindNull
	case from.IsNested() || to.IsNested():
		return canCastNested(strict, from, to)
	case from.Kind == types.KindVariant || to.Kind == types.KindVariant:
		return true
	case from.IsNumeric() || from.Kind == types.KindBool:
		return canCastNumber(strict, from, to)
	}
	return canCastTime(strict, from, to)
}

func canCastNumber(strict bool, from, to types.Type) bool {
	switch {
	case to.IsNumeric() || to.Kind == types.KindBool:
		return true
	case to.Kind == types.KindTimestamp:
		return !strict || from.IsNumeric()
	case to.Kind == types.KindBinary:
		return from.IsIntegral() && !strict
	case to.IsInterval():
		return (from.IsIntegral() || from.Kind == types.KindDecimal) && to.Precision == uint8(to.Scale)
	}
	return to.Kind == types.KindTime && from.Kind == types.KindDecimal
}

func canCastTime(strict bool, from, to types.Type) bool {
	switch from.Kind {
	case types.KindDate:
		return to.Kind == types.KindTimestamp || to.Kind == types.KindTimestampNTZ || !strict && (to.IsNumeric() || to.Kind == types.KindBool)
	case types.KindTimestamp:
		return to.Kind == types.KindDate || to.Kind == types.KindTimestampNTZ || to.IsNumeric() || to.Kind == types.KindTime ||
			!strict && to.Kind == types.KindBool
	case types.KindTimestampNTZ:
		return to.Kind == types.KindDate || to.Kind == types.KindTimestamp || to.Kind == types.KindTime
	case types.KindTime:
		return to.Kind == types.KindTime || to.IsNumeric()
	case types.KindYearMonthInterval, types.KindDayTimeInterval:
		if to.Kind == from.Kind {
			return true
		}
		return (to.IsIntegral() || to.Kind == types.KindDecimal) && from.Precision == uint8(from.Scale)
	case types.KindUDT:
		return to.Kind == types.KindUDT && from.UDT != nil && to.UDT != nil && *from.UDT == *to.UDT
	default:
	}
	return false
}

func canCastNested(strict bool, from, to types.Type) bool {
	if from.Kind != to.Kind {
		return to.Kind == types.KindVariant || from.Kind == types.KindVariant
	}
	switch from.Kind {
	case types.KindArray:
		return canCast(strict, *from.Elem, *to.Elem) && (!from.Nullable || to.Nullable)
	case types.KindMap:
		return canCast(strict, *from.Key, *to.Key) && canCast(strict, *from.Elem, *to.Elem) && (!from.Nullable || to.Nullable)
	default:
	}
	if len(from.Fields) != len(to.Fields) {
		return false
	}
	for i, f := range from.Fields {
		t := to.Fields[i]
		if !canCast(strict, f.Type, t.Type) || f.Nullable && !t.Nullable {
			return false
		}
	}
	return true
}
