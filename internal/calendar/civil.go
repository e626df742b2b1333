// Package calendar is the arithmetic of dates, times of day, time zones and
// intervals on plain integers, and their text as Spark reads and prints it. It
// knows nothing of types or vectors.
package calendar

// Units of time in microseconds.
const (
	Milli  = int64(1000)
	Second = 1000 * Milli
	Minute = 60 * Second
	Hour   = 60 * Minute
	Day    = 24 * Hour
)

// Civil is a date of the proleptic Gregorian calendar.
type Civil struct{ Year, Month, Day int }

// Days counts the days from 1970-01-01 to a date whose month is 1 to 12; the
// day may be anything.
func Days(year, month, day int) int {
	y := year
	if month <= 2 {
		y--
	}
	era := floorDiv(y, 400)
	yoe := y - era*400
	doy := (153*((month+9)%12)+2)/5 + day - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}

// Date is the civil date of a day count.
func Date(days int) Civil {
	z := days + 719468
	era := floorDiv(z, 146097)
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	c := Civil{Year: yoe + era*400, Month: mp + 3, Day: doy - (153*mp+2)/5 + 1}
	if mp >= 10 {
		c.Month = mp - 9
	}
	if c.Month <= 2 {
		c.Year++
	}
	return c
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// FloorDiv is a/b rounded down, for b > 0.
func FloorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// FloorMod is a - b*FloorDiv(a, b).
func FloorMod(a, b int64) int64 {
	r := a % b
	if r < 0 {
		r += b
	}
	return r
}

// Leap tells whether a year has 366 days.
func Leap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// MonthDays is the length of a month.
func MonthDays(year, month int) int {
	switch month {
	case 2:
		if Leap(year) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// Valid tells whether a date exists.
func Valid(year, month, day int) bool {
	return month >= 1 && month <= 12 && day >= 1 && day <= MonthDays(year, month)
}

// AddMonths moves a date by months; a day beyond the month's end becomes its last.
func AddMonths(days, months int) int {
	c := Date(days)
	m := c.Year*12 + c.Month - 1 + months
	y := floorDiv(m, 12)
	mo := m - y*12 + 1
	return Days(y, mo, min(c.Day, MonthDays(y, mo)))
}

// YearDay is the day of the year from 1.
func YearDay(days int) int {
	c := Date(days)
	return days - Days(c.Year, 1, 1) + 1
}

// Weekday is the day of the week, 0 = Monday.
func Weekday(days int) int { return int(FloorMod(int64(days)+3, 7)) }

// ISOWeek is the year and week number of ISO 8601.
func ISOWeek(days int) (year, week int) {
	thursday := days - Weekday(days) + 3
	return Date(thursday).Year, (YearDay(thursday)-1)/7 + 1
}

// Split cuts microseconds since the epoch (of a local time) into a day and the
// microseconds of it.
func Split(micros int64) (days int, rest int64) {
	d := FloorDiv(micros, Day)
	return int(d), micros - d*Day
}
