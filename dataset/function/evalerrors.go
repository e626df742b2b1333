package function

import (
	"fmt"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Errors of rows, as Spark's ANSI mode raises them. The caller of the kernel
// adds the place in the user's text.

const ansiConf = "\"spark.sql.ansi.enabled\""

// alternative says which function gives null instead.
func alternative(fn string) string {
	if fn == "" {
		return ""
	}
	return " Use '" + fn + "' to get null instead."
}

// Overflow is ARITHMETIC_OVERFLOW; what names the type ("integer overflow"),
// fn the function that gives null instead, if there is one.
func Overflow(what, fn string) error {
	return errs.Cond(errs.Arithmetic, "ARITHMETIC_OVERFLOW", "22003", what+"."+alternative(fn)+" Set "+ansiConf+" to \"false\" to allow it.",
		"message", what, "alternative", alternative(fn), "config", ansiConf)
}

// DivideByZero is the error of division.
func DivideByZero() error {
	return errs.Cond(errs.Arithmetic, "DIVIDE_BY_ZERO", "22012", "A division by zero. Use `try_divide` to get null instead, or set "+ansiConf+" to \"false\".",
		"config", ansiConf)
}

// RemainderByZero is the error of %.
func RemainderByZero() error {
	return errs.Cond(errs.Arithmetic, "REMAINDER_BY_ZERO", "22012", "A remainder by zero. Use `try_mod` to get null instead, or set "+ansiConf+" to \"false\".",
		"config", ansiConf)
}

// IntervalDivideByZero is the error of interval / 0.
func IntervalDivideByZero() error {
	return errs.Cond(errs.Arithmetic, "INTERVAL_DIVIDED_BY_ZERO", "22012", "An interval was divided by zero. Use `try_divide` to get null instead.")
}

// IntervalOverflow is the error of interval arithmetic beyond its range.
func IntervalOverflow(fn string) error {
	sub := "WITHOUT_SUGGESTION"
	kv := []string{}
	if fn != "" {
		sub, kv = "WITH_SUGGESTION", []string{"functionName", types.Quote(fn)}
	}
	return errs.Cond(errs.Arithmetic, "INTERVAL_ARITHMETIC_OVERFLOW."+sub, "22015", "An interval is out of range."+alternative(fn), kv...)
}

// smallOverflow is the error of tinyint and smallint arithmetic.
func smallOverflow(a, symbol, b, fn string) error {
	return errs.Cond(errs.Arithmetic, "BINARY_ARITHMETIC_OVERFLOW", "22003", a+" "+symbol+" "+b+" is out of range."+alternative(fn),
		"value1", a, "symbol", symbol, "value2", b, "functionName", types.Quote(fn))
}

// DecimalOverflow is the error of a decimal that does not fit its type.
func DecimalOverflow(value string, t types.Type) error {
	return errs.Cond(errs.Arithmetic, "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "22003",
		fmt.Sprintf("%s does not fit DECIMAL(%d,%d). Set %s to \"false\" to get null instead.", value, t.Precision, t.Scale, ansiConf),
		"value", value, "precision", fmt.Sprint(t.Precision), "scale", fmt.Sprint(t.Scale), "config", ansiConf)
}

// DatetimeOverflow is the error of date and timestamp arithmetic out of range.
func DatetimeOverflow(op string) error {
	return errs.Cond(errs.Arithmetic, "DATETIME_OVERFLOW", "22008", "A date or timestamp is out of range: "+op+".", "operation", op)
}

func dateWithTime() error {
	return errs.Cond(errs.IllegalArg, "_LEGACY_ERROR_TEMP_2000", "22023", "Hours, minutes, seconds and parts of seconds cannot be added to a date.")
}

// IntervalFormat is the error of text that is no interval of the type.
func IntervalFormat(text string, t types.Type) error {
	return errs.Cond(errs.IllegalArg, "INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING_WITH_NOTICE", "22006",
		fmt.Sprintf("'%s' does not read as %s.", text, t.SQL()), "input", text, "typeName", t.String(), "intervalStr", t.SQL(), "supportedFormat", "", "notice", "")
}
