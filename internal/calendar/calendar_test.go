package calendar_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/calendar"
)

func TestDatesAgainstTime(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	for range 20000 {
		days := r.IntN(4_000_000) - 2_000_000
		want := time.Unix(int64(days)*86400, 0).UTC()
		c := calendar.Date(days)
		require.Equal(t, [3]int{want.Year(), int(want.Month()), want.Day()}, [3]int{c.Year, c.Month, c.Day})
		require.Equal(t, days, calendar.Days(c.Year, c.Month, c.Day))
		require.Equal(t, want.YearDay(), calendar.YearDay(days))
		require.Equal(t, (int(want.Weekday())+6)%7, calendar.Weekday(days))
		y, w := calendar.ISOWeek(days)
		wy, ww := want.ISOWeek()
		require.Equal(t, [2]int{wy, ww}, [2]int{y, w})
	}
	require.Equal(t, calendar.Days(2021, 2, 28), calendar.AddMonths(calendar.Days(2020, 2, 29), 12))
	require.Equal(t, calendar.Days(2019, 12, 31), calendar.AddMonths(calendar.Days(2020, 1, 31), -1))
}

func TestZonesAgainstTime(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 0))
	for _, name := range []string{"America/Los_Angeles", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "+05:30"} {
		loc, err := calendar.ParseZone(name)
		require.NoError(t, err)
		z := calendar.NewZone(loc)
		for range 5000 {
			sec := r.Int64N(4e9) - 1e9
			_, off := time.Unix(sec, 0).In(loc).Zone()
			require.Equal(t, int64(off), z.Offset(sec))
			local := z.Local(sec * calendar.Second)
			back := z.UTC(local)
			if back != sec*calendar.Second { // the other of two equal wall clocks, an hour or less before
				require.Equal(t, local, z.Local(back))
				require.Less(t, back, sec*calendar.Second)
			}
		}
	}
}

func TestParseZone(t *testing.T) {
	for id, off := range map[string]int{"Z": 0, "UTC": 0, "+01:00": 3600, "GMT+8": 8 * 3600, "-0730": -27000, "EST": -5 * 3600, "+18:00": 18 * 3600, "UTC-1:30": -5400} {
		loc, err := calendar.ParseZone(id)
		require.NoError(t, err, id)
		_, got := time.Unix(0, 0).In(loc).Zone()
		require.Equal(t, off, got, id)
	}
	for _, id := range []string{"", "+19:00", "+1:2:3:4", "Nowhere/City", "+aa", "UTC+", "+01:60", "Local"} {
		_, err := calendar.ParseZone(id)
		require.Error(t, err, id)
	}
}

func TestIntervals(t *testing.T) {
	months, days, micros, ok := calendar.ParseInterval(" interval 1 year -2 months 3 weeks + 4.5 seconds ")
	require.True(t, ok)
	require.Equal(t, []any{int32(10), int32(21), 4500000 * int64(1)}, []any{months, days, micros})
	for _, bad := range []string{"", "interval", "1", "1 lightyear", "1.5 days", "x 1 day", "99999999999 years", "1day2"} {
		_, _, _, ok := calendar.ParseInterval(bad)
		require.False(t, ok, bad)
	}
	require.Equal(t, "1 years 2 months -3 days -4.5 seconds", string(calendar.AppendInterval(nil, 14, -3, -4500000)))
	require.Equal(t, "0 seconds", string(calendar.AppendInterval(nil, 0, 0, 0)))
	require.Equal(t, "INTERVAL '-106751991 04:00:54.775808' DAY TO SECOND", string(calendar.AppendDayTimeSQL(nil, math.MinInt64, 0, 3)))
	require.Equal(t, "INTERVAL '07' SECOND", string(calendar.AppendDayTimeSQL(nil, 7_000_000, 3, 3)))
	require.Equal(t, "INTERVAL '-178956970-8' YEAR TO MONTH", string(calendar.AppendYearMonthSQL(nil, math.MinInt32, 0, 1)))
}

// FuzzTimestamp: what is read and printed is read alike.
func FuzzTimestamp(f *testing.F) {
	for _, s := range []string{"2020-02-29 12:34:56.789", "1970-1-1T1:2:3+01:00", "12:00", "-0001", "2020-01-01 00:00:00 Europe/Berlin"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		x, ok := calendar.ParseTimestampNTZ(s, true)
		if !ok {
			return
		}
		text := calendar.AppendTimestamp(nil, x)
		if text[0] == '+' {
			text = text[1:]
		}
		y, ok := calendar.ParseTimestampNTZ(text, false)
		if !ok || x != y {
			t.Fatalf("%q: %d prints as %s, which reads as %d", s, x, text, y)
		}
	})
}

func FuzzDate(f *testing.F) {
	f.Add([]byte("2020-02-29"))
	f.Add([]byte("+12345-1-2 x"))
	f.Fuzz(func(t *testing.T, s []byte) {
		x, ok := calendar.ParseDate(s)
		if !ok {
			return
		}
		if y, ok := calendar.ParseDate(calendar.AppendDate(nil, x)); !ok || x != y {
			t.Fatalf("%q: %d, then %d", s, x, y)
		}
	})
}

// FuzzInterval: the parsers of intervals return, whatever they are given.
func FuzzInterval(f *testing.F) {
	for _, s := range []string{"1 day 2.5 seconds", "interval -1 year", "INTERVAL '1-2' YEAR TO MONTH", "1 02:03:04.5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if m, d, us, ok := calendar.ParseInterval(s); ok {
			m2, d2, us2, ok2 := calendar.ParseInterval(string(calendar.AppendInterval(nil, m, d, us)))
			if !ok2 || m != m2 || d != d2 || us != us2 {
				t.Fatalf("%q: %d %d %d, then %d %d %d", s, m, d, us, m2, d2, us2)
			}
		}
		if v, ok := calendar.ParseDayTime(s, 0, 3); ok {
			if w, ok := calendar.ParseDayTime(string(calendar.AppendDayTimeSQL(nil, v, 0, 3)), 0, 3); !ok || v != w {
				t.Fatalf("%q: %d, then %d", s, v, w)
			}
		}
	})
}
