package function

import (
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// datePart is a number read off a date.
type datePart uint8

const (
	partYear datePart = iota
	partQuarter
	partMonth
	partWeek
	partDay
	partDayOfWeek
	partWeekday
	partDayOfYear
	partYearOfWeek
	partISODay
)

func (p datePart) of(days int) int {
	switch p {
	case partYear:
		return calendar.Date(days).Year
	case partQuarter:
		return (calendar.Date(days).Month + 2) / 3
	case partMonth:
		return calendar.Date(days).Month
	case partWeek:
		_, w := calendar.ISOWeek(days)
		return w
	case partDay:
		return calendar.Date(days).Day
	case partDayOfWeek:
		return (calendar.Weekday(days)+1)%7 + 1
	case partWeekday:
		return calendar.Weekday(days)
	case partDayOfYear:
		return calendar.YearDay(days)
	case partISODay:
		return calendar.Weekday(days) + 1
	default:
	}
	y, _ := calendar.ISOWeek(days)
	return y
}

// dateParts makes the kernel of a function of one date. Consecutive equal
// dates are computed once: dates of a table come in runs.
func dateParts(p datePart) maker {
	return func(*Env, *plan.Call) (Kernel, error) {
		return func(args []*batch.Vector, n int, out *batch.Vector) error {
			in, dst := SlotsOf[int32](args[0]), batch.Values[int32](out)
			last, val := int32(0), int32(p.of(0))
			for i := range n {
				if d := in.At(i); d != last {
					last, val = d, int32(p.of(int(d)))
				}
				dst[i] = val
			}
			return nil
		}, nil
	}
}

// clockPart is a number read off a time of day.
type clockPart uint8

const (
	partHour clockPart = iota
	partMinute
	partSecond
	partMicros // seconds with their fraction, in microseconds
)

// of reads microseconds of a day.
func (p clockPart) of(micros int64) int64 {
	switch p {
	case partHour:
		return micros / calendar.Hour
	case partMinute:
		return micros / calendar.Minute % 60
	case partSecond:
		return micros / calendar.Second % 60
	default:
	}
	return micros % calendar.Minute
}

// clockParts makes the kernel of a function of a timestamp or time.
func clockParts(p clockPart) maker {
	return func(env *Env, call *plan.Call) (Kernel, error) {
		t := call.Args[0].Type()
		z := zoneOf(env, t)
		return rowKernel(func(c *cells) error {
			var micros int64
			if t.Kind == types.KindTime {
				micros = c.long(0) / 1000
			} else {
				_, micros = calendar.Split(z.Local(c.long(0)))
			}
			if p == partMicros {
				c.setLong(p.of(micros))
			} else {
				c.setInt(int(p.of(micros)))
			}
			return nil
		}), nil
	}
}

// field is a unit that date_part and extract know.
type field struct {
	date   datePart
	clock  clockPart
	isTime bool
	months bool // of an interval: the unit is of months
	unit   int64
	result types.Type // of an interval
}

// secondsType is the type of seconds with their fraction.
var secondsType = types.Decimal(8, 6)

// fieldOf finds a field by any of its names.
func fieldOf(name string) (field, bool) {
	switch strings.ToUpper(name) {
	case "YEAR", "Y", "YEARS", "YR", "YRS":
		return field{date: partYear, months: true, unit: 12, result: types.Int}, true
	case "YEAROFWEEK":
		return field{date: partYearOfWeek}, true
	case "QUARTER", "QTR":
		return field{date: partQuarter}, true
	case "MONTH", "MON", "MONS", "MONTHS":
		return field{date: partMonth, months: true, unit: 1, result: types.Byte}, true
	case "WEEK", "W", "WEEKS":
		return field{date: partWeek}, true
	case "DAY", "D", "DAYS":
		return field{date: partDay, unit: calendar.Day, result: types.Int}, true
	case "DAYOFWEEK", "DOW":
		return field{date: partDayOfWeek}, true
	case "DAYOFWEEK_ISO", "DOW_ISO":
		return field{date: partISODay}, true
	case "DOY":
		return field{date: partDayOfYear}, true
	case "HOUR", "H", "HOURS", "HR", "HRS":
		return field{isTime: true, clock: partHour, unit: calendar.Hour, result: types.Byte}, true
	case "MINUTE", "M", "MIN", "MINS", "MINUTES":
		return field{isTime: true, clock: partMinute, unit: calendar.Minute, result: types.Byte}, true
	case "SECOND", "S", "SEC", "SECONDS", "SECS":
		return field{isTime: true, clock: partMicros, unit: calendar.Second, result: secondsType}, true
	}
	return field{}, false
}

func errExtractField(name string, t types.Type) error {
	return errs.Cond(errs.Analysis, "INVALID_EXTRACT_FIELD", "42601", "There is no field "+name+" in "+t.SQL()+".",
		"field", types.Quote(name), "expr", quoted(t.SQL()))
}

// partRule types date_part(field, source).
func partRule(env *Env, args []plan.Expr) (Typing, error) {
	name, null, ok := constText(args[0])
	if !ok {
		return Typing{}, nonFoldableArgument("date_part", "field", "STRING")
	}
	t := args[1].Type()
	if null {
		return Typing{Args: []types.Type{types.String, t}, Result: types.Double, Nullable: true}, nil
	}
	f, ok := fieldOf(string(name))
	if !ok {
		return Typing{}, errExtractField(string(name), t)
	}
	out := types.Int
	if f.isTime && f.clock == partMicros {
		out = secondsType
	}
	switch {
	case isIntervalOrCalendar(t):
		if !f.inInterval(t) {
			return Typing{}, errExtractField(string(name), t)
		}
		out = f.result
	case t.Kind == types.KindTime && f.isTime:
	case f.isTime && !isTimestamp(t):
		t = types.Timestamp
	case !f.isTime && t.Kind != types.KindDate:
		t = types.Date
	}
	if ok := t.Equal(args[1].Type()) || ImplicitCast(env.Ansi, args[1].Type(), t); !ok {
		return Typing{}, errExtractField(string(name), args[1].Type())
	}
	ts := []types.Type{types.String, t}
	return Typing{Args: ts, Result: out, Nullable: nullableAfter(args, ts) || t.Kind == types.KindTime}, nil
}

// inInterval tells whether an interval of type t has the field.
func (f field) inInterval(t types.Type) bool {
	if f.unit == 0 {
		return false
	}
	switch t.Kind {
	case types.KindYearMonthInterval:
		return f.months
	case types.KindDayTimeInterval:
		return !f.months
	default:
	}
	return true
}

// newPart is date_part and extract.
func newPart(env *Env, call *plan.Call) (Kernel, error) {
	name, null, _ := constText(call.Args[0])
	f, _ := fieldOf(string(name))
	t := call.Args[1].Type()
	if null {
		return func(_ []*batch.Vector, _ int, out *batch.Vector) error { out.SetAllNull(); return nil }, nil
	}
	if isIntervalOrCalendar(t) {
		return intervalPart(f), nil
	}
	inner := *call
	inner.Args = call.Args[1:]
	m := dateParts(f.date)
	if f.isTime {
		m = clockParts(f.clock)
	}
	k, err := m(env, &inner)
	return func(args []*batch.Vector, n int, out *batch.Vector) error { return k(args[1:], n, out) }, err
}

// intervalPart reads a field of an interval; its sign is the interval's.
func intervalPart(f field) Kernel {
	return rowKernel(func(c *cells) error {
		var months, days, micros int64
		switch v := c.vector(1); v.Type.Kind {
		case types.KindYearMonthInterval:
			months = int64(c.int(1))
		case types.KindDayTimeInterval:
			micros = c.long(1)
			days, micros = micros/calendar.Day, micros%calendar.Day
		default:
			x := c.span(1)
			months, days, micros = int64(x.Months), int64(x.Days), x.Micros
		}
		switch {
		case f.months && f.unit == 12:
			c.setInt(int(months / 12))
		case f.months:
			c.setByte(int8(months % 12))
		case f.unit == calendar.Day:
			c.setInt(int(days))
		case f.unit == calendar.Second:
			c.setLong(micros % calendar.Minute)
		case f.unit == calendar.Minute:
			c.setByte(int8(micros / calendar.Minute % 60))
		default:
			c.setByte(int8(micros / calendar.Hour))
		}
		return nil
	})
}
