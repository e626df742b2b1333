package function

import (
	"math"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// addDays makes date_add and date_sub.
func addDays(sign int32) maker {
	return func(*Env, *plan.Call) (Kernel, error) {
		return func(args []*batch.Vector, n int, out *batch.Vector) error {
			d, k, dst := SlotsOf[int32](args[0]), SlotsOf[int32](args[1]), batch.Values[int32](out)
			for i := range n {
				dst[i] = d.At(i) + sign*k.At(i)
			}
			return nil
		}, nil
	}
}

func dateDiff(*Env, *plan.Call) (Kernel, error) {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		a, b, dst := SlotsOf[int32](args[0]), SlotsOf[int32](args[1]), batch.Values[int32](out)
		for i := range n {
			dst[i] = a.At(i) - b.At(i)
		}
		return nil
	}, nil
}

// monthsBetween is months_between(later, earlier[, round]): whole months where
// the days agree or both are last days, else with a fraction of 31 days.
func monthsBetween(env *Env, _ *plan.Call) (Kernel, error) {
	z := calendar.NewZone(env.Zone)
	return rowKernel(func(c *cells) error {
		d1, t1 := calendar.Split(z.Local(c.long(0)))
		d2, t2 := calendar.Split(z.Local(c.long(1)))
		a, b := calendar.Date(d1), calendar.Date(d2)
		months := float64((a.Year-b.Year)*12 + a.Month - b.Month)
		lastA, lastB := a.Day == calendar.MonthDays(a.Year, a.Month), b.Day == calendar.MonthDays(b.Year, b.Month)
		if a.Day == b.Day || lastA && lastB {
			c.setReal(months)
			return nil
		}
		secs := float64(int64(a.Day-b.Day)*86400 + t1/calendar.Second - t2/calendar.Second)
		diff := months + secs/(31*86400)
		if len(c.args) < 3 || c.bool(2) {
			diff = math.Floor(diff*1e8+0.5) / 1e8
		}
		c.setReal(diff)
		return nil
	}), nil
}

func lastDay(c *cells) error {
	d := calendar.Date(c.int(0))
	c.setInt(calendar.Days(d.Year, d.Month, calendar.MonthDays(d.Year, d.Month)))
	return nil
}

// dayNames are the days of the week from Monday.
var dayNames = [...]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

// weekdayOf reads MO, MON or MONDAY.
func weekdayOf(name string) (int, bool) {
	for i, d := range dayNames {
		if n := strings.ToLower(name); n == strings.ToLower(d) || n == strings.ToLower(d[:3]) || n == strings.ToLower(d[:2]) {
			return i, true
		}
	}
	return 0, false
}

// nextDay is the first date after a date that is a given day of the week.
func nextDay(_ *Env, call *plan.Call) (Kernel, error) {
	return rowKernel(func(c *cells) error {
		w, ok := weekdayOf(string(c.str(1)))
		if !ok {
			if call.Ansi {
				return errs.Cond(errs.IllegalArg, "ILLEGAL_DAY_OF_WEEK", "22009", "'"+string(c.str(1))+"' is no day of the week.", "string", string(c.str(1)))
			}
			c.setNull()
			return nil
		}
		d := c.int(0)
		c.setInt(d + 1 + (w-calendar.Weekday(d)+6)%7)
		return nil
	}), nil
}

func addMonths(c *cells) error {
	c.setInt(calendar.AddMonths(c.int(0), c.int(1)))
	return nil
}

// truncLevel is a unit that dates and timestamps are cut to.
type truncLevel uint8

const (
	truncNone truncLevel = iota
	truncMicro
	truncMilli
	truncSecond
	truncMinute
	truncHour
	truncDay
	truncWeek
	truncMonth
	truncQuarter
	truncYear
)

func truncLevelOf(name string) truncLevel {
	switch strings.ToUpper(name) {
	case "MICROSECOND":
		return truncMicro
	case "MILLISECOND":
		return truncMilli
	case "SECOND":
		return truncSecond
	case "MINUTE":
		return truncMinute
	case "HOUR":
		return truncHour
	case "DAY", "DD":
		return truncDay
	case "WEEK":
		return truncWeek
	case "MON", "MONTH", "MM":
		return truncMonth
	case "QUARTER":
		return truncQuarter
	case "YEAR", "YYYY", "YY":
		return truncYear
	}
	return truncNone
}

// date cuts a date to a week or longer.
func (l truncLevel) date(days int) int {
	d := calendar.Date(days)
	switch l {
	case truncWeek:
		return days - calendar.Weekday(days)
	case truncMonth:
		return days - d.Day + 1
	case truncQuarter:
		return calendar.Days(d.Year, (d.Month-1)/3*3+1, 1)
	case truncYear:
		return calendar.Days(d.Year, 1, 1)
	default:
	}
	return days
}

var truncUnits = [...]int64{truncMicro: 1, truncMilli: 1000, truncSecond: calendar.Second, truncMinute: calendar.Minute, truncHour: calendar.Hour, truncDay: calendar.Day}

// local cuts a wall clock.
func (l truncLevel) local(t int64) int64 {
	if l <= truncDay {
		return t - calendar.FloorMod(t, truncUnits[l])
	}
	days, _ := calendar.Split(t)
	return int64(l.date(days)) * calendar.Day
}

// truncDate is trunc(date, unit); units below a week give null.
func truncDate(c *cells) error {
	l := truncLevelOf(string(c.str(1)))
	if l < truncWeek {
		c.setNull()
		return nil
	}
	c.setInt(l.date(c.int(0)))
	return nil
}

// truncTimestamp is date_trunc(unit, timestamp).
func truncTimestamp(env *Env, call *plan.Call) (Kernel, error) {
	z := zoneOf(env, call.Args[1].Type())
	var last []byte
	level := truncNone
	return rowKernel(func(c *cells) error {
		if s := c.str(0); level == truncNone || string(s) != string(last) {
			last, level = append(last[:0], s...), truncLevelOf(string(s))
		}
		if level == truncNone {
			c.setNull()
			return nil
		}
		t := c.long(1)
		if level <= truncSecond {
			c.setLong(t - calendar.FloorMod(t, truncUnits[level]))
			return nil
		}
		c.setLong(z.UTC(level.local(z.Local(t))))
		return nil
	}), nil
}

// timeTrunc is time_trunc(unit, time).
func timeTrunc(c *cells) error {
	l := truncLevelOf(string(c.str(0)))
	if l == truncNone || l >= truncDay {
		return errParam("TIME_UNIT", "time_trunc", "unit", "'"+string(c.str(0))+"' is no unit of time.", "invalidValue", "'"+string(c.str(0))+"'")
	}
	c.setLong(c.long(1) - c.long(1)%(truncUnits[l]*1000))
	return nil
}

// timeDiffUnits is time_diff(unit, start, end) in whole units.
func timeDiffUnits(c *cells) error {
	l := truncLevelOf(string(c.str(0)))
	if l == truncNone || l >= truncDay {
		return errParam("TIME_UNIT", "time_diff", "unit", "'"+string(c.str(0))+"' is no unit of time.", "invalidValue", "'"+string(c.str(0))+"'")
	}
	c.setLong((c.long(2) - c.long(1)) / (truncUnits[l] * 1000))
	return nil
}

// stampUnit is a unit of timestampadd and timestampdiff.
type stampUnit struct {
	months, days int
	micros       int64
}

func stampUnitOf(name string) (stampUnit, bool) {
	switch strings.ToUpper(name) {
	case "YEAR":
		return stampUnit{months: 12}, true
	case "QUARTER":
		return stampUnit{months: 3}, true
	case "MONTH":
		return stampUnit{months: 1}, true
	case "WEEK":
		return stampUnit{days: 7}, true
	case "DAY", "DAYOFYEAR":
		return stampUnit{days: 1}, true
	case "HOUR":
		return stampUnit{micros: calendar.Hour}, true
	case "MINUTE":
		return stampUnit{micros: calendar.Minute}, true
	case "SECOND":
		return stampUnit{micros: calendar.Second}, true
	case "MILLISECOND":
		return stampUnit{micros: 1000}, true
	case "MICROSECOND":
		return stampUnit{micros: 1}, true
	}
	return stampUnit{}, false
}

func errStampUnit(fn, unit string) error {
	return errParam("DATETIME_UNIT", fn, "unit", "'"+unit+"' is no unit.", "invalidValue", "'"+unit+"'")
}

// timestampAdd is timestampadd(unit, quantity, timestamp).
func timestampAdd(env *Env, call *plan.Call) (Kernel, error) {
	z := zoneOf(env, call.Args[2].Type())
	return rowKernel(func(c *cells) error {
		u, ok := stampUnitOf(string(c.str(0)))
		if !ok {
			return errStampUnit("timestampadd", string(c.str(0)))
		}
		k := c.long(1)
		micros, fits := calendar.MulAdd(abs64(k), u.micros, 0)
		if k < 0 {
			micros = -micros
		}
		t, ok := z.Add(c.long(2), int(k)*u.months, int(k)*u.days, micros)
		if !ok || !fits {
			return DatetimeOverflow("add to a timestamp")
		}
		c.setLong(t)
		return nil
	}), nil
}

// timestampDiff is timestampdiff(unit, start, end): whole units between wall clocks.
func timestampDiff(env *Env, call *plan.Call) (Kernel, error) {
	z := zoneOf(env, call.Args[1].Type())
	return rowKernel(func(c *cells) error {
		u, ok := stampUnitOf(string(c.str(0)))
		if !ok {
			return errStampUnit("timestampdiff", string(c.str(0)))
		}
		a, b := z.Local(c.long(1)), z.Local(c.long(2))
		switch {
		case u.months > 0:
			c.setLong(wholeMonths(a, b) / int64(u.months))
		case u.days > 0:
			c.setLong((b - a) / (int64(u.days) * calendar.Day))
		default:
			c.setLong((b - a) / u.micros)
		}
		return nil
	}), nil
}

// wholeMonths counts full months from a to b, negative if b is earlier.
func wholeMonths(a, b int64) int64 {
	if b < a {
		return -wholeMonths(b, a)
	}
	da, ta := calendar.Split(a)
	db, tb := calendar.Split(b)
	x, y := calendar.Date(da), calendar.Date(db)
	m := int64((y.Year-x.Year)*12 + y.Month - x.Month)
	if y.Day < x.Day || y.Day == x.Day && tb < ta {
		m--
	}
	return m
}
