package eval_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// castCase is a value and what it becomes in ANSI and in legacy mode.
type castCase struct {
	from         types.Type
	v            any
	to           types.Type
	ansi, legacy any
}

const (
	invalid  = failure("CAST_INVALID_INPUT")
	overflow = failure("CAST_OVERFLOW")
)

// castsFromText are casts of strings.
func castsFromText() []castCase {
	s := types.String
	return []castCase{
		{s, " 12 ", types.Int, int32(12), int32(12)},
		{s, "12.7", types.Int, invalid, int32(12)},
		{s, "300", types.Byte, invalid, nil},
		{s, "-9223372036854775808", types.Long, int64(math.MinInt64), int64(math.MinInt64)},
		{s, "9223372036854775808", types.Long, invalid, nil},
		{s, "", types.Int, invalid, nil},
		{s, "1e3", types.Double, 1000.0, 1000.0},
		{s, "1.5d", types.Double, 1.5, 1.5},
		{s, " -Infinity ", types.Double, math.Inf(-1), math.Inf(-1)},
		{s, "0x10", types.Double, invalid, nil},
		{s, "1_0", types.Double, invalid, nil},
		{s, " Yes ", types.Bool, true, true},
		{s, "maybe", types.Bool, invalid, nil},
		{s, "1.005", types.Decimal(10, 2), int64(101), int64(101)},
		{s, "1e400000000", types.Decimal(10, 2), failure("NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION"), nil},
		{s, "x", types.Decimal(10, 2), invalid, nil},
		{s, "2020-2-29", types.Date, int32(18321), int32(18321)},
		{s, "2021-2-29", types.Date, invalid, nil},
		{s, "2020-02-29T12:00", types.Date, int32(18321), int32(18321)},
		{s, "1970-01-01 00:00:01.5Z", types.Timestamp, int64(1500000), int64(1500000)},
		{s, "1970-01-01 01:00:00+01:00", types.Timestamp, int64(0), int64(0)},
		{s, "1970-01-01 25:00:00", types.Timestamp, invalid, nil},
		{s, "1970-01-01 00:00:01.1234567", types.TimestampNTZ, int64(1123456), int64(1123456)},
		{s, "1 day 2 hours", types.CalendarInterval, batch.Interval{Days: 1, Micros: 7200e6}, batch.Interval{Days: 1, Micros: 7200e6}},
		{s, "1-2", types.YearMonth, int32(14), int32(14)},
		{s, "INTERVAL -'1 02:00:00' DAY TO SECOND", types.DayTime, -micros(1, 2, 0, 0), -micros(1, 2, 0, 0)},
	}
}

// castsOfValues are all others.
func castsOfValues() []castCase {
	s := types.String
	return []castCase{
		{types.Int, int32(300), types.Byte, overflow, int8(44)},
		{types.Double, 3e9, types.Int, overflow, int32(math.MaxInt32)},
		{types.Double, math.NaN(), types.Int, overflow, int32(0)},
		{types.Double, -1.9, types.Long, int64(-1), int64(-1)},
		{types.Double, 0.1, types.Decimal(5, 2), int64(10), int64(10)},
		{types.Int, int32(1000), types.Decimal(5, 2), failure("NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION"), nil},
		{types.Decimal(5, 2), int64(-199), types.Int, int32(-1), int32(-1)},
		{types.Decimal(5, 2), int64(125), types.Decimal(5, 1), int64(13), int64(13)},
		{types.Decimal(38, 2), decimal.FromInt64(5), s, "0.05", "0.05"},
		{types.Decimal(18, 9), int64(1), s, "0.000000001", "1E-9"},
		{types.Double, 1e10, s, "1.0E10", "1.0E10"},
		{types.Double, 1234567.0, s, "1234567.0", "1234567.0"},
		{types.Double, 1e-4, s, "1.0E-4", "1.0E-4"},
		{types.Float, float32(0.1), s, "0.1", "0.1"},
		{types.Bool, true, s, "true", "true"},
		{types.Timestamp, int64(1500000), s, "1970-01-01 00:00:01.5", "1970-01-01 00:00:01.5"},
		{types.Timestamp, int64(-1), types.Long, int64(-1), int64(-1)},
		{types.Date, int32(-719529), s, "-0001-12-31", "-0001-12-31"},
		{types.Array(types.Int, true), []any{int32(1), nil}, s, "[1, null]", "[1, null]"},
		{types.Map(types.String, types.Int, true), batch.MapValue{Keys: []any{"k"}, Values: []any{int32(1)}}, s, "{k -> 1}", "{k -> 1}"},
		{types.Struct(types.F("a", types.Int), types.F("b", s)), []any{int32(1), nil}, s, "{1, null}", "{1, null}"},
		{types.Array(s, true), []any{"1", "x"}, types.Array(types.Int, true), invalid, []any{int32(1), nil}},
		{types.YearMonth, int32(14), s, "INTERVAL '1-2' YEAR TO MONTH", "INTERVAL '1-2' YEAR TO MONTH"},
		{types.DayTime, micros(1, 2, 3, 4), s, "INTERVAL '1 02:03:04' DAY TO SECOND", "INTERVAL '1 02:03:04' DAY TO SECOND"},
		{types.Int, int32(258), types.Binary, nil, []byte{0, 0, 1, 2}},
	}
}

func TestCasts(t *testing.T) {
	for _, c := range append(castsFromText(), castsOfValues()...) {
		for mode, want := range map[plan.CastMode]any{plan.CastAnsi: c.ansi, plan.CastLegacy: c.legacy, plan.CastTry: c.ansi} {
			if c.to.Kind == types.KindBinary && mode != plan.CastLegacy {
				continue
			}
			f, fails := want.(failure)
			if fails && mode == plan.CastTry {
				want, fails = nil, false
				if c.to.Kind == types.KindArray {
					want = c.legacy
				}
			}
			got, err := run(ansi(), &plan.Cast{Child: plan.Lit(c.from, c.v), To: c.to, Mode: mode}, &batch.Batch{N: 1})
			if fails {
				require.Equal(t, string(f), class(err), "%v to %s", c.v, c.to)
				continue
			}
			require.NoError(t, err, "%v to %s", c.v, c.to)
			same(t, []any{want}, got, c.from.String()+" to "+c.to.String())
		}
	}
}

// TestZones: a gap moves clocks forward, an overlap takes the earlier instant.
func TestZones(t *testing.T) {
	la, err := time.LoadLocation("America/Los_Angeles")
	require.NoError(t, err)
	env := ansi()
	env.Zone = la
	for text, want := range map[string]string{
		"2021-03-14 02:30:00": "2021-03-14T10:30:00Z", // does not exist: 03:30 in summer time
		"2021-11-07 01:30:00": "2021-11-07T08:30:00Z", // twice: the first
		"2021-07-01 00:00:00": "2021-07-01T07:00:00Z",
		"1850-01-01 00:00:00": "1850-01-01T07:52:58Z", // local mean time
	} {
		got, err := run(env, &plan.Cast{Child: plan.LitString(text), To: types.Timestamp, Mode: plan.CastAnsi}, &batch.Batch{N: 1})
		require.NoError(t, err)
		require.Equal(t, want, time.UnixMicro(got[0].(int64)).UTC().Format(time.RFC3339), text)
	}
}
