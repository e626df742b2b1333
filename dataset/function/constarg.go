package function

import (
	"math"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Arguments that must be constants: percentages, delimiters, patterns, formats.

// nonFoldableArgument is the error of a parameter that must be a constant, in
// functions that the builder of the expression checks.
func nonFoldableArgument(fn, param, typ string) error {
	return errs.Cond(errs.Analysis, "NON_FOLDABLE_ARGUMENT", "42K08", "The parameter "+param+" of "+fn+" has to be a constant "+typ+".",
		"funcName", types.Quote(fn), "paramName", types.Quote(param), "paramType", quoted(typ))
}

// constBool is the value of a boolean constant, false if it is anything else.
func constBool(e plan.Expr) bool {
	v, _ := ConstValue(e)
	b, _ := v.(bool)
	return b
}

// constText is the value of a constant string or binary; ok is false if e is
// no constant, and the value nil if it is null.
func constText(e plan.Expr) (s []byte, null, ok bool) {
	v, ok := ConstValue(e)
	switch x := v.(type) {
	case string:
		return []byte(x), false, ok
	case []byte:
		return x, false, ok
	}
	return nil, true, ok && v == nil
}

// constString is constText of arguments that default to def when null or absent.
func constString(args []plan.Expr, i int, def string) (string, bool) {
	if i >= len(args) {
		return def, true
	}
	s, null, ok := constText(args[i])
	if null {
		return def, ok
	}
	return string(s), ok
}

// constLong is the value of an integral constant.
func constLong(e plan.Expr) (int64, bool) {
	x, ok := constReal(e)
	return int64(x), ok && x == math.Trunc(x)
}

// constReal is the value of a numeric constant, perhaps negated or cast.
func constReal(e plan.Expr) (float64, bool) {
	switch e := e.(type) {
	case *plan.Cast:
		if e.To.IsNumeric() {
			return constReal(e.Child)
		}
	case *plan.Alias:
		return constReal(e.Child)
	case *plan.Call:
		if e.Name == "negative" && len(e.Args) == 1 {
			x, ok := constReal(e.Args[0])
			return -x, ok
		}
	case *plan.Literal:
		return realOf(e.Value, e.Typ)
	}
	return 0, false
}

// realOf is a boxed number as a double.
func realOf(v any, t types.Type) (float64, bool) {
	scale := math.Pow10(int(t.Scale))
	if t.Kind != types.KindDecimal {
		scale = 1
	}
	switch x := v.(type) {
	case int8:
		return float64(x), true
	case int16:
		return float64(x), true
	case int32:
		return float64(x), true
	case int64:
		return float64(x) / scale, true
	case float32:
		return float64(x), true
	case float64:
		return x, true
	case batch.Int128:
		return decimal.ToDouble(x, int(t.Scale)), true
	}
	return 0, false
}

// constReals is the value of a numeric constant or of an array of them.
func constReals(e plan.Expr) (vals []float64, array, ok bool) {
	switch x := e.(type) {
	case *plan.Cast:
		if x.To.Kind == types.KindArray {
			return constReals(x.Child)
		}
	case *plan.Call:
		if x.Name == "array" {
			for _, a := range x.Args {
				v, ok := constReal(a)
				if !ok {
					return nil, true, false
				}
				vals = append(vals, v)
			}
			return vals, true, true
		}
	case *plan.Literal:
		if list, isList := x.Value.([]any); isList {
			for _, b := range list {
				v, ok := realOf(b, *x.Typ.Elem)
				if !ok {
					return nil, true, false
				}
				vals = append(vals, v)
			}
			return vals, true, true
		}
	}
	v, ok := constReal(e)
	return []float64{v}, false, ok
}
