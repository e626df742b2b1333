package function

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/types"
)

const datetimeGroup = "datetime_funcs"

// wantClock is what hour, minute and second take.
var wantClock = OneOf(WantAnyTime, Family("TIME", types.Time, kindIs(types.KindTime)))

// clockRule types hour, minute and second; of times they may be null, as in Spark.
func clockRule(env *Env, args []plan.Expr) (Typing, error) {
	t, err := Fixed(types.Int, wantClock)(env, args)
	t.Nullable = t.Nullable || args[0].Type().Kind == types.KindTime
	return t, err
}

// partTimes are the functions that read parts of dates and times.
func partTimes() []*Entry {
	date := Fixed(types.Int, WantDate)
	part := func(name string, p datePart, usage, example, result string, aliases ...string) fnSpec {
		return fnSpec{name, 1, 1, date, dateParts(p), doc{usage, example, result}, named(aliases...)}
	}
	name := func(f func(days int) string) maker {
		return rows(func(c *cells) error { c.setText(f(c.int(0))); return nil })
	}
	return fnEntries(
		datetimeGroup,
		part("year", partYear, "The year of a date.", "SELECT year('2016-07-30')", "2016"),
		part("quarter", partQuarter, "The quarter of a date, from 1.", "SELECT quarter('2016-08-31')", "3"),
		part("month", partMonth, "The month of a date, from 1.", "SELECT month('2016-07-30')", "7"),
		part("weekofyear", partWeek, "The ISO week of a date.", "SELECT weekofyear('2008-02-20')", "8"),
		part("day", partDay, "The day of the month.", "SELECT day('2009-07-30')", "30", "dayofmonth"),
		part("dayofweek", partDayOfWeek, "The day of the week, 1 for Sunday.", "SELECT dayofweek('2009-07-30')", "5"),
		part("weekday", partWeekday, "The day of the week, 0 for Monday.", "SELECT weekday('2009-07-30')", "3"),
		part("dayofyear", partDayOfYear, "The day of the year, from 1.", "SELECT dayofyear('2016-04-09')", "100"),
		fnSpec{"dayname", 1, 1, textRule(WantDate), name(func(d int) string { return dayNames[calendar.Weekday(d)][:3] }), doc{"Short name of the day of the week.", "SELECT dayname(DATE('2008-02-20'))", "Wed"}, fnMore{}},
		fnSpec{"monthname", 1, 1, textRule(WantDate), name(func(d int) string { return monthNames[calendar.Date(d).Month-1][:3] }), doc{"Short name of the month.", "SELECT monthname('2008-02-20')", "Feb"}, fnMore{}},
		fnSpec{"hour", 1, 1, clockRule, clockParts(partHour), doc{"The hour of a timestamp or time.", "SELECT hour('2018-02-14 12:58:59')", "12"}, fnMore{}},
		fnSpec{"minute", 1, 1, clockRule, clockParts(partMinute), doc{"The minute of a timestamp or time.", "SELECT minute('2018-02-14 12:58:59')", "58"}, fnMore{}},
		fnSpec{"second", 1, 1, clockRule, clockParts(partSecond), doc{"The second of a timestamp or time.", "SELECT second('2018-02-14 12:58:59')", "59"}, fnMore{}},
		fnSpec{"date_part", 2, 2, partRule, newPart, doc{"A field of a date, timestamp or interval, by name.", "SELECT date_part('YEAR', TIMESTAMP '2019-08-12 01:00:00.123456')", "2019"}, named("datepart", "extract")},
	)
}

// arithTimes are the functions that move and cut dates and times.
func arithTimes() []*Entry {
	days := Fixed(types.Date, WantDate, OneOf(WantInt, Exactly(types.Short), Exactly(types.Byte)))
	truncRule := MayNull(Fixed(types.Timestamp, WantString, WantTimestamp))
	stamp := func(result types.Type, wants ...Want) Rule { return Fixed(result, wants...) }
	wantTime := Exactly(types.Time)
	return append(fnEntries(
		datetimeGroup,
		fnSpec{"date_add", 2, 2, intDays(days), addDays(1), doc{"The date some days later.", "SELECT date_add('2016-07-30', 1)", "2016-07-31"}, fnMore{}},
		fnSpec{"date_sub", 2, 2, intDays(days), addDays(-1), doc{"The date some days earlier.", "SELECT date_sub('2016-07-30', 1)", "2016-07-29"}, fnMore{}},
		fnSpec{"date_diff", 2, 2, Fixed(types.Int, WantDate), dateDiff, doc{"Days from the second date to the first.", "SELECT date_diff('2009-07-31', '2009-07-30')", "1"}, fnMore{}},
		fnSpec{"add_months", 2, 2, Fixed(types.Date, WantDate, WantInt), rows(addMonths), doc{"The date some months later, at most the month's last day.", "SELECT add_months('2016-08-31', 1)", "2016-09-30"}, fnMore{}},
		fnSpec{"months_between", 2, 3, Fixed(types.Double, WantTimestamp, WantTimestamp, WantBool), monthsBetween, doc{"Months from the second timestamp to the first, rounded to 8 digits unless told otherwise.", "SELECT months_between('1997-02-28 10:30:00', '1996-10-30')", "3.94959677"}, fnMore{}},
		fnSpec{"last_day", 1, 1, Fixed(types.Date, WantDate), rows(lastDay), doc{"The last day of the date's month.", "SELECT last_day('2009-01-12')", "2009-01-31"}, fnMore{}},
		fnSpec{"next_day", 2, 2, MayNull(Fixed(types.Date, WantDate, WantString)), nextDay, doc{"The first date after a date that is a given day of the week.", "SELECT next_day('2015-01-14', 'TU')", "2015-01-20"}, fnMore{}},
		fnSpec{"trunc", 2, 2, MayNull(Fixed(types.Date, WantDate, WantString)), rows(truncDate), doc{"The date cut to a unit: week, month, quarter or year.", "SELECT trunc('2009-02-12', 'MM')", "2009-02-01"}, fnMore{}},
		fnSpec{"date_trunc", 2, 2, truncRule, truncTimestamp, doc{"The timestamp cut to a unit.", "SELECT date_trunc('HOUR', '2015-03-05T09:32:05.359')", "2015-03-05 09:00:00"}, fnMore{}},
		fnSpec{"time_trunc", 2, 2, MayNull(Same(1, WantString, wantTime)), rows(timeTrunc), doc{"The time cut to a unit.", "SELECT time_trunc('HOUR', TIME'09:32:05.359')", "09:00:00"}, fnMore{}},
		fnSpec{"time_diff", 3, 3, MayNull(Fixed(types.Long, WantString, wantTime, wantTime)), rows(timeDiffUnits), doc{"Whole units between two times.", "SELECT time_diff('HOUR', TIME'20:30:29', TIME'21:30:28')", "0"}, fnMore{}},
		fnSpec{"timestampadd", 3, 3, Derived(func(ts []types.Type) types.Type { return ts[2] }, WantString, WantLong, WantAnyTime), timestampAdd, doc{"The timestamp some units later.", "SELECT timestampadd(HOUR, 8, timestamp_ntz'2022-02-20 03:30:00')", "2022-02-20 11:30:00"}, fnMore{}},
		fnSpec{"timestampdiff", 3, 3, stamp(types.Long, WantString, WantTimestamp, WantTimestamp), timestampDiff, doc{"Whole units from the first timestamp to the second.", "SELECT timestampdiff(HOUR, timestamp_ntz'2022-02-11 20:30:00', timestamp_ntz'2022-02-12 04:30:00')", "8"}, fnMore{}},
	), byArity("dateadd", "date_add", "timestampadd", "Date or timestamp arithmetic by the number of arguments: see date_add and timestampadd."),
		byArity("datediff", "date_diff", "timestampdiff", "Difference by the number of arguments: see date_diff and timestampdiff."))
}

// intDays makes the days of date_add int: the kernel has one width.
func intDays(r Rule) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		t, err := r(env, args)
		if err == nil {
			t.Args[1] = types.Int
		}
		return t, err
	}
}

// byArity is a name for one function with two arguments and another with three.
func byArity(name, two, three, usage string) *Entry {
	return rewriteSpec(datetimeGroup, name, 2, 3, func(_ *Env, args []plan.Expr) (plan.Expr, error) {
		if len(args) == 3 {
			return plan.Fn(three, args...), nil
		}
		return plan.Fn(two, args...), nil
	}, doc{usage, "SELECT datediff('2009-07-31', '2009-07-30')", "1"})
}

// textTimes are the functions between times and text.
func textTimes() []*Entry {
	cast := func(to types.Type, mode plan.CastMode, withPattern string, then types.Type) func(*Env, []plan.Expr) (plan.Expr, error) {
		return func(_ *Env, args []plan.Expr) (plan.Expr, error) {
			if len(args) == 1 {
				return &plan.Cast{Child: args[0], To: to, Mode: mode}, nil
			}
			var x plan.Expr = plan.Fn(withPattern, args...)
			if !then.Equal(types.Null) {
				x = &plan.Cast{Child: x, To: then, Mode: plan.CastSession}
			}
			return x, nil
		}
	}
	none := types.Null
	re := func(name string, f func(*Env, []plan.Expr) (plan.Expr, error), d doc) *Entry {
		return rewriteSpec(datetimeGroup, name, 1, 2, f, d)
	}
	list := fnEntries(
		datetimeGroup,
		fnSpec{"get_timestamp", 2, 2, momentRule(types.Timestamp, false), parseMoment(false, false, 1), doc{"to_timestamp with a pattern.", "SELECT get_timestamp('2016-12-31', 'yyyy-MM-dd')", "2016-12-31 00:00:00"}, fnMore{}},
		fnSpec{"try_get_timestamp", 2, 2, momentRule(types.Timestamp, true), parseMoment(false, true, 1), doc{"try_to_timestamp with a pattern.", "SELECT try_get_timestamp('foo', 'yyyy-MM-dd')", "NULL"}, fnMore{}},
		fnSpec{"get_timestamp_ntz", 2, 2, momentRule(types.TimestampNTZ, false), parseMoment(true, false, 1), doc{"to_timestamp_ntz with a pattern.", "SELECT get_timestamp_ntz('2016-12-31', 'yyyy-MM-dd')", "2016-12-31 00:00:00"}, fnMore{}},
		fnSpec{"to_unix_timestamp", 1, 2, momentRule(types.Long, false), parseMoment(false, false, calendar.Second), doc{"Seconds since 1970 of a text or timestamp.", "SELECT to_unix_timestamp('2016-04-08', 'yyyy-MM-dd')", "1460098800"}, fnMore{}},
		fnSpec{"from_unixtime", 1, 2, MayNull(textRule(WantLong, WantString)), newFromUnixtime, doc{"Text of seconds since 1970.", "SELECT from_unixtime(0, 'yyyy-MM-dd HH:mm:ss')", "1969-12-31 16:00:00"}, fnMore{}},
		fnSpec{"date_format", 2, 2, textRule(WantTimestamp, WantString), newDateFormat, doc{"Text of a timestamp by a pattern.", "SELECT date_format('2016-04-08', 'y')", "2016"}, fnMore{}},
		fnSpec{"from_utc_timestamp", 2, 2, Fixed(types.Timestamp, WantTimestamp, WantString), shiftZone(true), doc{"The wall clock of a UTC time in a zone.", "SELECT from_utc_timestamp('2016-08-31', 'Asia/Seoul')", "2016-08-31 09:00:00"}, fnMore{}},
		fnSpec{"to_utc_timestamp", 2, 2, Fixed(types.Timestamp, WantTimestamp, WantString), shiftZone(false), doc{"The UTC time of a wall clock in a zone.", "SELECT to_utc_timestamp('2016-08-31', 'Asia/Seoul')", "2016-08-30 15:00:00"}, fnMore{}},
		fnSpec{"convert_timezone", 2, 3, convertRule, convertZone, doc{"A wall clock of one zone in another.", "SELECT convert_timezone('Europe/Brussels', 'America/Los_Angeles', timestamp_ntz'2021-12-06 00:00:00')", "2021-12-05 15:00:00"}, fnMore{}},
		fnSpec{"to_time", 1, 2, MayNull(Fixed(types.Time, WantString)), newToTime(false), doc{"Time of a text, by a pattern if there is one.", "SELECT to_time('00:12:00')", "00:12:00"}, fnMore{}},
		fnSpec{"try_to_time", 1, 2, MayNull(Fixed(types.Time, WantString)), newToTime(true), doc{"Like to_time, null for what is none.", "SELECT try_to_time('foo', 'HH:mm:ss')", "NULL"}, fnMore{}},
	)
	stampDoc := func(name string) doc {
		return doc{"Timestamp of a text, by a pattern if there is one.", "SELECT " + name + "('2016-12-31 00:12:00')", "2016-12-31 00:12:00"}
	}
	return append(
		list,
		re("to_timestamp", cast(types.Timestamp, plan.CastSession, "get_timestamp", none), stampDoc("to_timestamp")),
		re("to_timestamp_ltz", cast(types.Timestamp, plan.CastSession, "get_timestamp", none), stampDoc("to_timestamp_ltz")),
		re("to_timestamp_ntz", cast(types.TimestampNTZ, plan.CastSession, "get_timestamp_ntz", none), stampDoc("to_timestamp_ntz")),
		re("try_to_timestamp", cast(types.Timestamp, plan.CastTry, "try_get_timestamp", none), stampDoc("try_to_timestamp")),
		re("to_date", cast(types.Date, plan.CastSession, "get_timestamp", types.Date), doc{"Date of a text, by a pattern if there is one.", "SELECT to_date('2009-07-30 04:17:52')", "2009-07-30"}),
		re("try_to_date", cast(types.Date, plan.CastTry, "try_get_timestamp", types.Date), doc{"Like to_date, null for what is none.", "SELECT try_to_date('foo', 'yyyy-MM-dd')", "NULL"}),
		rewriteSpec(datetimeGroup, "unix_timestamp", 0, 2, func(_ *Env, args []plan.Expr) (plan.Expr, error) {
			if len(args) == 0 {
				args = []plan.Expr{plan.Fn("current_timestamp")}
			}
			return plan.Fn("to_unix_timestamp", args...), nil
		}, doc{"Seconds since 1970, now if there is no argument.", "SELECT unix_timestamp('2016-04-08', 'yyyy-MM-dd')", "1460098800"}),
	)
}

// convertRule types convert_timezone([from,] to, wall clock).
func convertRule(env *Env, args []plan.Expr) (Typing, error) {
	wants := []Want{WantString, WantString, Exactly(types.TimestampNTZ)}
	return Fixed(types.TimestampNTZ, wants[3-len(args):]...)(env, args)
}

// nowTimes are the functions of the query's start.
func nowTimes() []*Entry {
	now := func(name string, t types.Type, f func(env *Env) any, usage string, aliases ...string) fnSpec {
		return fnSpec{name, 0, 0, NeverNull(Fixed(t)), constKernel(f), doc{usage, "SELECT " + name + "()", ""}, named(aliases...)}
	}
	local := func(env *Env) int64 { return calendar.NewZone(env.Zone).Local(env.Now.UnixMicro()) }
	return fnEntries(
		datetimeGroup,
		now("current_timestamp", types.Timestamp, func(env *Env) any { return env.Now.UnixMicro() }, "When the query started.", "now"),
		now("localtimestamp", types.TimestampNTZ, func(env *Env) any { return local(env) }, "The wall clock when the query started."),
		now("current_date", types.Date, func(env *Env) any { d, _ := calendar.Split(local(env)); return int32(d) }, "The date when the query started.", "curdate"),
		now("current_timezone", types.String, func(env *Env) any { return env.ZoneID }, "The session's time zone."),
		fnSpec{
			"current_time", 0, 1, NeverNull(Fixed(types.Time, WantInt)),
			constKernel(func(env *Env) any { _, m := calendar.Split(local(env)); return m * 1000 }),
			doc{"The time of day when the query started.", "SELECT current_time()", ""},
			fnMore{},
		},
	)
}

// makeTimes are the functions that make times of numbers.
func makeTimes() []*Entry {
	seconds := Exactly(types.Decimal(18, 6))
	stampDoc := func(name string) doc {
		return doc{"Timestamp of year, month, day, hour, minute, second and perhaps zone, or of date, time and perhaps zone.", "SELECT " + name + "(2014, 12, 28, 6, 30, 45.887)", "2014-12-28 06:30:45.887"}
	}
	nullNoAnsi := func(r Rule) Rule {
		return func(env *Env, args []plan.Expr) (Typing, error) {
			t, err := r(env, args)
			t.Nullable = t.Nullable || !env.Ansi
			return t, err
		}
	}
	spans := Fixed(types.CalendarInterval, WantInt, WantInt, WantInt, WantInt, WantInt, WantInt, seconds)
	unit := func(name string, u int64, usage, example, result string) fnSpec {
		return fnSpec{name, 1, 1, Fixed(types.Timestamp, WantIntegral), timesUnit(u), doc{usage, example, result}, fnMore{}}
	}
	per := func(name string, u int64, usage, example, result string) fnSpec {
		return fnSpec{name, 1, 1, Fixed(types.Long, WantTimestamp), perUnit(u), doc{usage, example, result}, fnMore{}}
	}
	days := func(from, to types.Type) (Rule, maker) {
		return Fixed(to, Exactly(from)), rows(func(c *cells) error { c.setInt(c.int(0)); return nil })
	}
	toDays, toDaysK := days(types.Date, types.Int)
	toDate, toDateK := days(types.Int, types.Date)
	secondsWant := OneOf(WantIntegral, WantNumeric)
	return fnEntries(
		datetimeGroup,
		fnSpec{"make_date", 3, 3, nullNoAnsi(Fixed(types.Date, WantInt)), makeDate, doc{"Date of year, month and day.", "SELECT make_date(2013, 7, 15)", "2013-07-15"}, fnMore{}},
		fnSpec{"make_timestamp", 1, 7, stampRule(types.Timestamp, false), makeStamp("make_timestamp", false, false), stampDoc("make_timestamp"), fnMore{}},
		fnSpec{"make_timestamp_ltz", 1, 7, stampRule(types.Timestamp, false), makeStamp("make_timestamp_ltz", false, false), stampDoc("make_timestamp_ltz"), fnMore{}},
		fnSpec{"make_timestamp_ntz", 1, 6, stampRule(types.TimestampNTZ, false), makeStamp("make_timestamp_ntz", true, false), stampDoc("make_timestamp_ntz"), fnMore{}},
		fnSpec{"try_make_timestamp", 1, 7, stampRule(types.Timestamp, true), makeStamp("make_timestamp", false, true), stampDoc("try_make_timestamp"), fnMore{}},
		fnSpec{"try_make_timestamp_ltz", 1, 7, stampRule(types.Timestamp, true), makeStamp("make_timestamp_ltz", false, true), stampDoc("try_make_timestamp_ltz"), fnMore{}},
		fnSpec{"try_make_timestamp_ntz", 1, 6, stampRule(types.TimestampNTZ, true), makeStamp("make_timestamp_ntz", true, true), stampDoc("try_make_timestamp_ntz"), fnMore{}},
		fnSpec{"make_time", 3, 3, MayNull(Fixed(types.Time, WantInt, WantInt, Exactly(secondsArg))), rows(makeTime), doc{"Time of hour, minute and second.", "SELECT make_time(6, 30, 45.887)", "06:30:45.887"}, fnMore{}},
		fnSpec{"make_interval", 0, 7, nullNoAnsi(spans), makeInterval(false), doc{"Interval of years, months, weeks, days, hours, minutes and seconds.", "SELECT make_interval(100, 11, 1, 1, 12, 30, 01.001001)", "100 years 11 months 8 days 12 hours 30 minutes 1.001001 seconds"}, fnMore{}},
		fnSpec{"try_make_interval", 0, 7, MayNull(spans), makeInterval(true), doc{"Like make_interval, null on overflow.", "SELECT try_make_interval(2147483647)", "NULL"}, fnMore{}},
		fnSpec{"make_dt_interval", 0, 4, Fixed(types.DayTime, WantInt, WantInt, WantInt, seconds), rows(makeDayTime), doc{"Interval of days, hours, minutes and seconds.", "SELECT make_dt_interval(1, 12, 30, 01.001001)", "INTERVAL '1 12:30:01.001001' DAY TO SECOND"}, fnMore{}},
		fnSpec{"make_ym_interval", 0, 2, Fixed(types.YearMonth, WantInt), rows(makeYearMonth), doc{"Interval of years and months.", "SELECT make_ym_interval(1, 2)", "INTERVAL '1-2' YEAR TO MONTH"}, fnMore{}},
		fnSpec{"timestamp_seconds", 1, 1, Fixed(types.Timestamp, secondsWant), timesUnit(calendar.Second), doc{"Timestamp of seconds since 1970.", "SELECT timestamp_seconds(1230219000)", "2008-12-25 07:30:00"}, fnMore{}},
		unit("timestamp_millis", 1000, "Timestamp of milliseconds since 1970.", "SELECT timestamp_millis(1230219000123)", "2008-12-25 07:30:00.123"),
		unit("timestamp_micros", 1, "Timestamp of microseconds since 1970.", "SELECT timestamp_micros(1230219000123123)", "2008-12-25 07:30:00.123123"),
		per("unix_seconds", calendar.Second, "Seconds since 1970.", "SELECT unix_seconds(TIMESTAMP('1970-01-01 00:00:01Z'))", "1"),
		per("unix_millis", 1000, "Milliseconds since 1970.", "SELECT unix_millis(TIMESTAMP('1970-01-01 00:00:01Z'))", "1000"),
		per("unix_micros", 1, "Microseconds since 1970.", "SELECT unix_micros(TIMESTAMP('1970-01-01 00:00:01Z'))", "1000000"),
		fnSpec{"unix_date", 1, 1, toDays, toDaysK, doc{"Days since 1970.", "SELECT unix_date(DATE('1970-01-02'))", "1"}, fnMore{}},
		fnSpec{"date_from_unix_date", 1, 1, toDate, toDateK, doc{"Date of days since 1970.", "SELECT date_from_unix_date(1)", "1970-01-02"}, fnMore{}},
	)
}
