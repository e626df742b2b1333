package calendar

import (
	"math"
	"strconv"
)

// Fields of ANSI intervals, as in their types.
const (
	Years, Months                    = 0, 1
	DayField, HourField, MinuteField = 0, 1, 2
	SecondField                      = 3
)

var (
	yearMonthNames = [...]string{"YEAR", "MONTH"}
	dayTimeNames   = [...]string{"DAY", "HOUR", "MINUTE", "SECOND"}
)

// AppendInterval appends a calendar interval as "1 years 2 months 3 days 4.5 seconds".
func AppendInterval(b []byte, months, days int32, micros int64) []byte {
	at := len(b)
	b = appendUnit(b, at, int64(months/12), "years")
	b = appendUnit(b, at, int64(months%12), "months")
	b = appendUnit(b, at, int64(days), "days")
	b = appendUnit(b, at, micros/Hour, "hours")
	b = appendUnit(b, at, micros%Hour/Minute, "minutes")
	if rest := micros % Minute; rest != 0 {
		if len(b) > at {
			b = append(b, ' ')
		}
		if rest < 0 {
			b, rest = append(b, '-'), -rest
		}
		b = strconv.AppendInt(b, rest/Second, 10)
		b = append(appendFraction(b, rest%Second, 6), " seconds"...)
	}
	if len(b) == at {
		b = append(b, "0 seconds"...)
	}
	return b
}

func appendUnit(b []byte, at int, v int64, unit string) []byte {
	if v == 0 {
		return b
	}
	if len(b) > at {
		b = append(b, ' ')
	}
	b = append(strconv.AppendInt(b, v, 10), ' ')
	return append(b, unit...)
}

// AppendYearMonth appends a year-month interval's value: "1-2", "-3".
func AppendYearMonth(b []byte, months int32, start, end int) []byte {
	v := int64(months)
	if v < 0 {
		b, v = append(b, '-'), -v
	}
	switch {
	case start == Months:
		return strconv.AppendInt(b, v, 10)
	case end == Years:
		return strconv.AppendInt(b, v/12, 10)
	}
	b = append(strconv.AppendInt(b, v/12, 10), '-')
	return strconv.AppendInt(b, v%12, 10)
}

// AppendYearMonthSQL appends "INTERVAL '1-2' YEAR TO MONTH".
func AppendYearMonthSQL(b []byte, months int32, start, end int) []byte {
	b = append(b, "INTERVAL '"...)
	b = AppendYearMonth(b, months, start, end)
	return appendFields(b, yearMonthNames[:], start, end)
}

// AppendDayTimeSQL appends "INTERVAL '1 02:03:04.5' DAY TO SECOND".
func AppendDayTimeSQL(b []byte, micros int64, start, end int) []byte {
	b = append(b, "INTERVAL '"...)
	b = AppendDayTime(b, micros, start, end)
	return appendFields(b, dayTimeNames[:], start, end)
}

func appendFields(b []byte, names []string, start, end int) []byte {
	b = append(append(b, "' "...), names[start]...)
	if end != start {
		b = append(append(b, " TO "...), names[end]...)
	}
	return b
}

// AppendDayTime appends a day-time interval's value: "1 02:03:04.5". Days are
// as long as they are, other fields have at least two digits.
func AppendDayTime(b []byte, micros int64, start, end int) []byte {
	u := uint64(micros)
	if micros < 0 {
		b = append(b, '-')
		u = -u // also right for the smallest number
	}
	units := [...]uint64{uint64(Day), uint64(Hour), uint64(Minute), uint64(Second)}
	for f := start; f <= end; f++ {
		v := u / units[f]
		u -= v * units[f]
		width := 2
		if f == DayField {
			width = 1
		}
		if f > start && f == HourField {
			b = append(b, ' ')
		} else if f > start {
			b = append(b, ':')
		}
		b = appendPadded(b, int64(min(v, math.MaxInt64)), width)
		if f == SecondField {
			b = appendFraction(b, int64(u), 6)
		}
	}
	return b
}
