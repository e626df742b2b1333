package function

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/types"
)

func laEnv(t *testing.T) *Env {
	loc, err := time.LoadLocation("America/Los_Angeles")
	require.NoError(t, err)
	return &Env{Ansi: true, ZoneID: "America/Los_Angeles", Zone: loc, Now: time.Unix(1700000000, 0)}
}

func day(s string) *plan.Literal {
	d, err := time.Parse("2006-01-02", s)
	if err != nil {
		panic(err)
	}
	return plan.Lit(types.Date, int32(d.Unix()/86400))
}

func ntz(s string) *plan.Literal {
	d, err := time.Parse("2006-01-02 15:04:05.999999", s)
	if err != nil {
		panic(err)
	}
	return plan.Lit(types.TimestampNTZ, d.UnixMicro())
}

func utc(s string) *plan.Literal { return plan.Lit(types.Timestamp, ntz(s).Value) }

func TestDatetimes(t *testing.T) {
	reg := Standard()
	la := laEnv(t)
	ts := utc("2019-08-12 08:00:00.123456") // 01:00 in Los Angeles
	days := func(s string) any { return day(s).Value }
	us := func(s string) any { return ntz(s).Value }
	checkCases(t, reg, la, []fnCase{
		{"year", []any{day("2016-07-30")}, 2016},
		{"quarter", []any{day("2016-08-31")}, 3},
		{"weekofyear", []any{day("2008-02-20")}, 8},
		{"dayofweek", []any{day("2009-07-30")}, 5},
		{"weekday", []any{day("2009-07-30")}, 3},
		{"dayofyear", []any{day("2016-04-09")}, 100},
		{"dayname", []any{day("2008-02-20")}, "Wed"},
		{"monthname", []any{day("2008-02-20")}, "Feb"},
		{"year", []any{day("-0001-01-01"[1:])}, 1},
		{"hour", []any{ts}, 1},
		{"hour", []any{ntz("2019-08-12 05:06:07")}, 5},
		{"second", []any{ts}, 0},
		{"date_part", []any{"SECONDS", ts}, int64(123456)},
		{"date_part", []any{"week", day("2019-08-12")}, 33},
		{"date_part", []any{"MONTH", plan.Lit(types.YearMonth, int32(23))}, int8(11)},
		{"date_part", []any{"MINUTE", plan.Lit(types.DayTime, int64(7200000000+3600000000*24))}, int8(0)},
		{"date_part", []any{"nope", ts}, errClass("INVALID_EXTRACT_FIELD")},
		{"date_part", []any{"day", plan.Lit(types.YearMonth, int32(1))}, errClass("INVALID_EXTRACT_FIELD")},
		{"date_add", []any{day("2016-07-30"), 1}, days("2016-07-31")},
		{"date_sub", []any{day("2016-07-30"), 30}, days("2016-06-30")},
		{"datediff", []any{day("2009-07-31"), day("2009-07-30")}, 1},
		{"add_months", []any{day("2016-08-31"), 1}, days("2016-09-30")},
		{"add_months", []any{day("2016-01-31"), -2}, days("2015-11-30")},
		{"last_day", []any{day("2012-02-01")}, days("2012-02-29")},
		{"months_between", []any{utc("1997-02-28 10:30:00"), utc("1996-10-30 00:00:00")}, 3.94959677},
		{"months_between", []any{utc("1997-02-28 18:30:00"), utc("1996-10-30 08:00:00"), false}, 3.9495967741935485},
		{"next_day", []any{day("2015-01-14"), "TU"}, days("2015-01-20")},
		{"next_day", []any{day("2015-01-14"), "we"}, days("2015-01-21")},
		{"next_day", []any{day("2015-01-14"), "xx"}, errClass("ILLEGAL_DAY_OF_WEEK")},
		{"trunc", []any{day("2019-08-04"), "week"}, days("2019-07-29")},
		{"trunc", []any{day("2019-08-04"), "quarter"}, days("2019-07-01")},
		{"trunc", []any{day("2009-02-12"), "DAY"}, nil},
		{"date_trunc", []any{"YEAR", utc("2015-03-05 17:32:05.359")}, us("2015-01-01 08:00:00")},
		{"date_trunc", []any{"HOUR", utc("2015-03-05 17:32:05.359")}, us("2015-03-05 17:00:00")},
		{"date_trunc", []any{"MILLISECOND", utc("2015-03-05 09:32:05.123456")}, us("2015-03-05 09:32:05.123")},
		{"date_trunc", []any{"century", ts}, nil},
		{"timestampadd", []any{"HOUR", int64(8), ntz("2022-02-20 03:30:00")}, us("2022-02-20 11:30:00")},
		{"timestampadd", []any{"MONTH", int64(-1), ntz("2022-03-31 00:00:00")}, us("2022-02-28 00:00:00")},
		{"timestampdiff", []any{"MONTH", utc("2022-02-11 20:30:00"), utc("2022-01-12 04:30:00")}, int64(0)},
		{"timestampdiff", []any{"HOUR", utc("2022-02-11 20:30:00"), utc("2022-02-12 04:30:00")}, int64(8)},
	})
}

func TestDatetimeTexts(t *testing.T) {
	reg := Standard()
	la := laEnv(t)
	ts := utc("2019-08-12 08:00:00.123456")
	us := func(s string) any { return ntz(s).Value }
	checkCases(t, reg, la, []fnCase{
		{"date_format", []any{utc("2018-11-17 21:33:33.333"), "yyyy-MM-dd'T'HH:mm:ss.SSSXXX EEE MMM a"}, "2018-11-17T13:33:33.333-08:00 Sat Nov PM"},
		{"date_format", []any{utc("2018-11-17 21:33:33.333"), "G y yy Q QQQ QQQQ M L D d E EEEE F h K k z VV O xx Z"}, "AD 2018 18 4 Q4 4th quarter 11 11 321 17 Sat Saturday 3 1 1 13 PST America/Los_Angeles GMT-8 -0800 -0800"},
		{"date_format", []any{ts, "YYYY"}, errClass("DATETIME_PATTERN_RECOGNITION")},
		{"date_format", []any{ts, "qqqqq"}, errClass("INVALID_DATETIME_PATTERN.LENGTH")},
		{"date_format", []any{ts, "A"}, errClass("ILLEGAL_CHARACTER")},
		{"date_format", []any{ts, "ddd"}, errClass("DATETIME_PATTERN_RECOGNITION")},
		{"to_timestamp", []any{"2016-12-31", "yyyy-MM-dd"}, us("2016-12-31 08:00:00")},
		{"to_timestamp", []any{"20161231 235958", "yyyyMMdd HHmmss"}, us("2017-01-01 07:59:58")},
		{"to_timestamp", []any{"31/Dec/16 11:59 PM", "dd/MMM/yy hh:mm a"}, us("2017-01-01 07:59:00")},
		{"to_timestamp", []any{"2016-12-31T00:00:00.5+02:00", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"}, us("2016-12-30 22:00:00.5")},
		{"to_timestamp", []any{"2016-02-30", "yyyy-MM-dd"}, errClass("CANNOT_PARSE_TIMESTAMP")},
		{"to_timestamp", []any{"2016-2-3", "yyyy-MM-dd"}, errClass("CANNOT_PARSE_TIMESTAMP")},
		{"to_timestamp", []any{"2016-2-3", "y-M-d"}, us("2016-02-03 08:00:00")},
		{"try_to_timestamp", []any{"foo", "yyyy-MM-dd"}, nil},
		{"to_timestamp", []any{"2016 12", "yyyy MM[ dd]"}, us("2016-12-01 08:00:00")},
		{"to_timestamp", []any{"2016-366", "yyyy-DDD"}, us("2016-12-31 08:00:00")},
		{"to_unix_timestamp", []any{"2016-04-08", "yyyy-MM-dd"}, int64(1460098800)},
		{"unix_timestamp", []any{utc("1970-01-01 00:00:01.5")}, int64(1)},
		{"from_unixtime", []any{int64(0)}, "1969-12-31 16:00:00"},
		{"from_utc_timestamp", []any{utc("2016-08-31 00:00:00"), "Asia/Seoul"}, us("2016-08-31 09:00:00")},
		{"to_utc_timestamp", []any{utc("2016-08-31 00:00:00"), "Asia/Seoul"}, us("2016-08-30 15:00:00")},
		{"convert_timezone", []any{"Europe/Brussels", "America/Los_Angeles", ntz("2021-12-06 00:00:00")}, us("2021-12-05 15:00:00")},
		{"to_time", []any{"00:12:00"}, int64(720000000000)},
		{"to_time", []any{"12.30", "HH.mm"}, int64(45000000000000)},
		{"try_to_time", []any{"foo", "HH:mm:ss"}, nil},
	})
}

func TestMadeDatetimes(t *testing.T) {
	reg := Standard()
	la := laEnv(t)
	days := func(s string) any { return day(s).Value }
	us := func(s string) any { return ntz(s).Value }
	checkCases(t, reg, la, []fnCase{
		{"current_timestamp", nil, int64(1700000000000000)},
		{"current_date", nil, days("2023-11-14")},
		{"current_timezone", nil, "America/Los_Angeles"},
		{"make_date", []any{2013, 7, 15}, days("2013-07-15")},
		{"make_date", []any{2013, 2, 30}, errClass("DATETIME_FIELD_OUT_OF_BOUNDS")},
		{"make_timestamp", []any{2014, 12, 28, 6, 30, dec(5, 3, 45887)}, us("2014-12-28 14:30:45.887")},
		{"make_timestamp", []any{2014, 12, 28, 6, 30, dec(5, 3, 45887), "CET"}, us("2014-12-28 05:30:45.887")},
		{"make_timestamp_ntz", []any{2019, 6, 30, 23, 59, 60}, us("2019-07-01 00:00:00")},
		{"try_make_timestamp", []any{2024, 13, 22, 15, 30, 0}, nil},
		{"make_timestamp", []any{day("2014-12-28")}, us("2014-12-28 08:00:00")},
		{"make_dt_interval", []any{1, 12, 30, dec(8, 6, 1001001)}, int64(131401001001)},
		{"make_ym_interval", []any{1, 2}, 14},
		{"make_ym_interval", []any{178956970, 8}, errClass("INTERVAL_ARITHMETIC_OVERFLOW")},
		{"timestamp_seconds", []any{1230219000}, int64(1230219000000000)},
		{"timestamp_seconds", []any{dec(4, 2, 150)}, int64(1500000)},
		{"timestamp_seconds", []any{-1.5}, int64(-1500000)},
		{"unix_seconds", []any{utc("1969-12-31 23:59:59.5")}, int64(-1)},
		{"unix_date", []any{day("1970-01-02")}, 1},
		{"date_from_unix_date", []any{1}, days("1970-01-02")},
		{"timestamp_millis", []any{int64(1)}, int64(1000)},
	})
}

// FuzzDatePattern: what a pattern formats it reads back, and no pattern or text panics.
func FuzzDatePattern(f *testing.F) {
	for _, p := range []string{"yyyy-MM-dd HH:mm:ss", "dd MMM yyyy", "yyyy-MM-dd'T'HH:mm[:ss]", "yyyyMMdd", "EEE, d MMMM y h:m a", "''''", "[[", "VV"} {
		f.Add(p, "2020-01-31 10:11:12", int64(1580465472000000))
	}
	z := calendar.NewZone(time.UTC)
	f.Fuzz(func(t *testing.T, pattern, text string, micros int64) {
		p, err := compilePattern(pattern)
		if err != nil || len(pattern) > 100 || micros < -1e17 || micros > 1e17 {
			return
		}
		p.parse(text)
		c := clockAt(micros, z, time.UTC)
		_, _ = p.parse(string(p.append(nil, &c)))
	})
}

func TestPatternRoundTrip(t *testing.T) {
	z := calendar.NewZone(time.UTC)
	for _, pattern := range []string{"yyyy-MM-dd HH:mm:ss.SSSSSS", "yyyyMMddHHmmssSSSSSS", "EEEE d MMMM y h:m:s.SSSSSS a", "D/yyyy k:mm:ss.SSSSSSXXX", "yyyy-MM-dd'T'HH:mm:ss.SSSSSS[VV]"} {
		p, err := compilePattern(pattern)
		require.NoError(t, err)
		for micros := int64(-3e15); micros < 3e15; micros += 271828182845904 {
			c := clockAt(micros, z, time.UTC)
			text := string(p.append(nil, &c))
			out, ok := p.parse(text)
			require.True(t, ok, "%s: %s", pattern, text)
			got, ok := out.instant(z)
			require.True(t, ok)
			require.Equal(t, micros, got, "%s: %s", pattern, text)
		}
	}
}
