package function

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Errors of typing rules. The name of the whole call is not known here: the
// analyser adds it by WithCall.

const mismatchState = "42K09"

func mismatch(sub, message string, kv ...string) error {
	return errs.Cond(errs.Analysis, "DATATYPE_MISMATCH."+sub, mismatchState, message, kv...)
}

// WithCall completes a typing rule's error with the call's text.
func WithCall(err error, sql string) error {
	c, ok := errors.AsType[*errs.Condition](err)
	if !ok || !strings.HasPrefix(c.Class, "DATATYPE_MISMATCH.") || c.Params["sqlExpr"] != "" {
		return err
	}
	d := *c
	d.Params = map[string]string{"sqlExpr": quoted(sql)}
	maps.Copy(d.Params, c.Params)
	d.Message = "Cannot resolve " + quoted(sql) + " because of its types: " + c.Message
	return &d
}

func quoted(s string) string { return "\"" + s + "\"" }

var ordinals = [...]string{"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"}

// Ordinal names the i-th parameter, from 0, as Spark's messages do.
func Ordinal(i int) string {
	if i < len(ordinals) {
		return ordinals[i]
	}
	return strconv.Itoa(i+1) + "th"
}

// UnexpectedType is the error for the argument at i, which wants what want says.
func UnexpectedType(args []plan.Expr, i int, want string) error {
	sql, got := quoted(plan.SQLName(args[i])), quoted(args[i].Type().SQL())
	return mismatch("UNEXPECTED_INPUT_TYPE",
		fmt.Sprintf("the %s parameter has to be of type %s, but %s is of type %s.", Ordinal(i), quoted(want), sql, got),
		"paramIndex", Ordinal(i), "requiredType", quoted(want), "inputSql", sql, "inputType", got)
}

// DiffTypes is the error of a binary operator whose sides do not go together.
func DiffTypes(a, b types.Type) error {
	return mismatch("BINARY_OP_DIFF_TYPES",
		fmt.Sprintf("left and right are of incompatible types (%s and %s).", quoted(a.SQL()), quoted(b.SQL())),
		"left", quoted(a.SQL()), "right", quoted(b.SQL()))
}

// WrongOpType is the error of a binary operator that does not take the type of its sides.
func WrongOpType(want string, got types.Type) error {
	return mismatch("BINARY_OP_WRONG_TYPE",
		fmt.Sprintf("the operator takes %s, not %s.", quoted(want), quoted(got.SQL())),
		"inputType", quoted(want), "actualDataType", quoted(got.SQL()))
}

// DataDiffTypes is the error of a function whose arguments must share a type.
func DataDiffTypes(name string, ts []types.Type) error {
	parts := make([]string, len(ts))
	for i, t := range ts {
		parts[i] = quoted(t.SQL())
	}
	list := "(" + strings.Join(parts, " or ") + ")"
	return mismatch("DATA_DIFF_TYPES", "the arguments of "+types.Quote(name)+" must be of one type, but are "+list+".",
		"functionName", types.Quote(name), "dataType", list)
}

// NonFoldable is the error of an argument that must be a constant.
func NonFoldable(args []plan.Expr, i int, name, typ string) error {
	return mismatch("NON_FOLDABLE_INPUT", fmt.Sprintf("the %s argument must be a constant %s, but is %s.", types.Quote(name), typ, quoted(plan.SQLName(args[i]))),
		"inputName", types.Quote(name), "inputType", quoted(typ), "inputExpr", quoted(plan.SQLName(args[i])))
}

// UnexpectedNull is the error of an argument that must not be null.
func UnexpectedNull(name string) error {
	return mismatch("UNEXPECTED_NULL", "the argument "+types.Quote(name)+" must not be null.", "exprName", types.Quote(name))
}

// OutOfRange is the error of a constant argument outside its domain.
func OutOfRange(name, rng, got string) error {
	return mismatch("VALUE_OUT_OF_RANGE", fmt.Sprintf("the argument %s must be in %s, but is %s.", types.Quote(name), rng, got),
		"exprName", types.Quote(name), "valueRange", rng, "currentValue", got)
}

// InvalidArg is the error of a constant argument that is none of the allowed ones.
func InvalidArg(name, required, got string) error {
	return mismatch("INVALID_ARG_VALUE", fmt.Sprintf("the argument %s must be %s, but is %s.", types.Quote(name), required, got),
		"inputName", types.Quote(name), "requireType", required, "validValues", required, "inputValue", got)
}

// NotOrdered is the error of a function over a type that has no order.
func NotOrdered(name string, t types.Type) error {
	return mismatch("INVALID_ORDERING_TYPE", types.Quote(name)+" needs a type with an order, not "+quoted(t.SQL())+".",
		"functionName", types.Quote(name), "dataType", quoted(t.SQL()))
}

// WrongArgs is the error of a call with got arguments where expected ("2", "[1, 2]") are due.
func WrongArgs(name, expected string, got int) error {
	return errs.Cond(errs.Analysis, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605",
		fmt.Sprintf("%s takes %s arguments, not %d.", types.Quote(name), expected, got),
		"functionName", types.Quote(name), "expectedNum", expected, "actualNum", strconv.Itoa(got))
}

// CheckArity tests a call against the entry's number of arguments.
func (e *Entry) CheckArity(n int) error {
	if n >= e.MinArgs && (e.MaxArgs < 0 || n <= e.MaxArgs) {
		return nil
	}
	want := "> " + strconv.Itoa(e.MinArgs-1)
	switch {
	case e.MaxArgs == e.MinArgs:
		want = strconv.Itoa(e.MinArgs)
	case e.MaxArgs >= 0:
		parts := []string{}
		for i := e.MinArgs; i <= e.MaxArgs; i++ {
			parts = append(parts, strconv.Itoa(i))
		}
		want = "[" + strings.Join(parts, ", ") + "]"
	}
	return WrongArgs(e.Name, want, n)
}
