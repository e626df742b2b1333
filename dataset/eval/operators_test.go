package eval_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

func lit(t types.Type, v any) plan.Expr { return plan.Lit(t, v) }

func dec(p, s int, unscaled int64) plan.Expr {
	t := types.Decimal(p, s)
	if t.Phys() == types.PhysInt64 {
		return lit(t, unscaled)
	}
	return lit(t, decimal.FromInt64(unscaled))
}

// failure is an expected error class.
type failure string

func long(x int64) plan.Expr { return plan.LitLong(x) }

func micros(d, h, m, s int64) int64 { return ((d*24+h)*60+m)*60e6 + s*1e6 }

func TestOperators(t *testing.T) {
	ts, date := types.Timestamp, types.Date
	day := types.Type{Kind: types.KindDayTimeInterval}
	ym := types.YearMonth
	cases := []struct {
		name   string
		args   []plan.Expr
		typ    types.Type
		ansi   any
		legacy any
	}{
		{"+", []plan.Expr{plan.LitInt(1), long(2)}, types.Long, int64(3), int64(3)},
		{"+", []plan.Expr{lit(types.Byte, int8(127)), lit(types.Byte, int8(1))}, types.Byte, failure("BINARY_ARITHMETIC_OVERFLOW"), int8(-128)},
		{"+", []plan.Expr{plan.LitInt(math.MaxInt32), plan.LitInt(1)}, types.Int, failure("ARITHMETIC_OVERFLOW"), int32(math.MinInt32)},
		{"*", []plan.Expr{long(math.MinInt64), long(-1)}, types.Long, failure("ARITHMETIC_OVERFLOW"), int64(math.MinInt64)},
		{"try_multiply", []plan.Expr{long(math.MinInt64), long(-1)}, types.Long, nil, nil},
		{"try_add", []plan.Expr{plan.LitInt(math.MaxInt32), plan.LitInt(1)}, types.Int, nil, nil},
		{"-", []plan.Expr{plan.LitString("3"), plan.LitInt(1)}, types.Long, int64(2), 2.0},
		{"/", []plan.Expr{plan.LitInt(1), plan.LitInt(2)}, types.Double, 0.5, 0.5},
		{"/", []plan.Expr{plan.LitInt(1), plan.LitInt(0)}, types.Double, failure("DIVIDE_BY_ZERO"), nil},
		{"div", []plan.Expr{plan.LitInt(-7), plan.LitInt(2)}, types.Long, int64(-3), int64(-3)},
		{"div", []plan.Expr{long(math.MinInt64), long(-1)}, types.Long, failure("ARITHMETIC_OVERFLOW"), int64(math.MinInt64)},
		{"%", []plan.Expr{plan.LitInt(-7), plan.LitInt(3)}, types.Int, int32(-1), int32(-1)},
		{"%", []plan.Expr{plan.LitInt(7), plan.LitInt(0)}, types.Int, failure("REMAINDER_BY_ZERO"), nil},
		{"pmod", []plan.Expr{plan.LitInt(-7), plan.LitInt(3)}, types.Int, int32(2), int32(2)},
		{"+", []plan.Expr{dec(3, 1, 15), dec(3, 2, 225)}, types.Decimal(5, 2), int64(375), int64(375)},
		{"*", []plan.Expr{dec(3, 1, 15), dec(3, 2, 225)}, types.Decimal(7, 3), int64(3375), int64(3375)},
		{"/", []plan.Expr{dec(3, 1, 10), dec(2, 1, 30)}, types.Decimal(9, 6), int64(333333), int64(333333)},
		{"%", []plan.Expr{dec(3, 1, -75), dec(2, 1, 20)}, types.Decimal(2, 1), int64(-15), int64(-15)},
		{"+", []plan.Expr{lit(types.Decimal(38, 0), decimal.Pow10(38).Sub(decimal.FromInt64(1))), dec(1, 0, 1)}, types.Decimal(38, 0), failure("NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION"), nil},
		{"*", []plan.Expr{dec(38, 10, 12345), dec(38, 10, 20000000000)}, types.Decimal(38, 6), decimal.FromInt64(2), decimal.FromInt64(2)},
		{"+", []plan.Expr{dec(2, 1, 15), plan.LitInt(1)}, types.Decimal(3, 1), int64(25), int64(25)},
		{"negative", []plan.Expr{plan.LitInt(math.MinInt32)}, types.Int, failure("ARITHMETIC_OVERFLOW"), int32(math.MinInt32)},
		{"abs", []plan.Expr{lit(types.Double, -1.5)}, types.Double, 1.5, 1.5},
		{"=", []plan.Expr{lit(types.Double, math.NaN()), lit(types.Double, math.NaN())}, types.Bool, true, true},
		{">", []plan.Expr{lit(types.Double, math.NaN()), lit(types.Double, math.Inf(1))}, types.Bool, true, true},
		{"<", []plan.Expr{plan.LitString("10"), plan.LitInt(9)}, types.Bool, false, false},
		{"<=>", []plan.Expr{plan.LitNull(types.Int), plan.LitNull(types.Int)}, types.Bool, true, true},
		{"shiftrightunsigned", []plan.Expr{plan.LitInt(-1), plan.LitInt(28)}, types.Int, int32(15), int32(15)},
		{"greatest", []plan.Expr{plan.LitInt(3), plan.LitNull(types.Int), long(9)}, types.Long, int64(9), int64(9)},
		{"+", []plan.Expr{lit(date, int32(0)), plan.LitInt(3)}, date, int32(3), int32(3)},
		{"-", []plan.Expr{lit(date, int32(10)), lit(date, int32(3))}, day, micros(7, 0, 0, 0), micros(7, 0, 0, 0)},
		{"+", []plan.Expr{lit(date, int32(30)), lit(ym, int32(1))}, date, int32(58), int32(58)}, // 31 January -> 28 February
		{"-", []plan.Expr{lit(ts, int64(5)), lit(ts, int64(7))}, types.DayTime, int64(-2), int64(-2)},
		{"+", []plan.Expr{lit(types.DayTime, micros(0, 1, 0, 0)), lit(ts, int64(0))}, ts, micros(0, 1, 0, 0), micros(0, 1, 0, 0)},
		{"*", []plan.Expr{plan.LitInt(2), lit(ym, int32(7))}, ym, int32(14), int32(14)},
		{"/", []plan.Expr{lit(ym, int32(7)), plan.LitInt(2)}, ym, int32(4), int32(4)},
		{"/", []plan.Expr{lit(ym, int32(7)), plan.LitInt(0)}, ym, failure("INTERVAL_DIVIDED_BY_ZERO"), failure("INTERVAL_DIVIDED_BY_ZERO")},
	}
	for _, c := range cases {
		for _, env := range []*function.Env{ansi(), legacy()} {
			want := c.ansi
			if !env.Ansi {
				want = c.legacy
			}
			e, err := resolve(env, c.name, c.args...)
			require.NoError(t, err, "%s %v", c.name, c.args)
			if env.Ansi {
				require.Equal(t, c.typ.String(), e.Type().String(), "%s %v", c.name, c.args)
			}
			got, err := run(env, e, &batch.Batch{N: 2})
			if f, ok := want.(failure); ok {
				require.Equal(t, string(f), class(err), "%s %v", c.name, c.args)
				continue
			}
			require.NoError(t, err, "%s %v", c.name, c.args)
			same(t, []any{want, want}, got, c.name)
		}
	}
}

func TestTypingErrors(t *testing.T) {
	cases := []struct {
		name string
		args []plan.Expr
		want string
	}{
		{"+", []plan.Expr{plan.LitInt(1), plan.LitBool(true)}, "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES"},
		{"+", []plan.Expr{plan.LitBool(true), plan.LitBool(true)}, "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE"},
		{"=", []plan.Expr{plan.LitInt(1), plan.LitBool(true)}, "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES"},
		{"and", []plan.Expr{plan.LitInt(1), plan.LitBool(true)}, "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES"},
		{"&", []plan.Expr{lit(types.Double, 1.0), plan.LitInt(1)}, "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE"},
		{"not", []plan.Expr{plan.LitInt(1)}, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"},
		{"+", []plan.Expr{plan.LitInt(1), lit(types.DayTime, int64(1))}, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"},
		{"greatest", []plan.Expr{plan.LitInt(1), plan.LitBool(true)}, "DATATYPE_MISMATCH.DATA_DIFF_TYPES"},
	}
	for _, c := range cases {
		_, err := resolve(ansi(), c.name, c.args...)
		require.Equal(t, c.want, class(err), "%s %v", c.name, c.args)
	}
}
