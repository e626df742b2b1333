package calendar

import (
	"math"
	"strings"
)

// intervalUnits are the units of interval text, in months, days or microseconds.
var intervalUnits = map[string]struct {
	months, days int64
	micros       int64
}{
	"year": {months: 12}, "month": {months: 1}, "week": {days: 7}, "day": {days: 1}, "hour": {micros: Hour}, "minute": {micros: Minute},
	"second": {micros: Second}, "millisecond": {micros: Milli}, "microsecond": {micros: 1},
}

// ParseInterval reads "[interval] 1 year -2 days 3.5 seconds": numbers and
// units in turn; only seconds may have a fraction. ok false tells of malformed
// text or a value out of range.
func ParseInterval(text string) (months, days int32, micros int64, ok bool) {
	s := strings.ToLower(string(Trim([]byte(text))))
	if r, found := strings.CutPrefix(s, "interval"); found {
		if r == "" || r[0] > ' ' {
			return 0, 0, 0, false
		}
		s = r
	}
	var m, d int64
	seen := false
	for s = blanks(s); s != ""; s = blanks(s) {
		whole, frac, neg, isFrac, rest, ok := intervalNumber(s)
		if !ok {
			return 0, 0, 0, false
		}
		rest = blanks(rest)
		n := 0
		for n < len(rest) && rest[n] >= 'a' && rest[n] <= 'z' {
			n++
		}
		unit, known := intervalUnits[strings.TrimSuffix(rest[:n], "s")]
		if !known || isFrac && unit.micros != Second || n < len(rest) && rest[n] > ' ' {
			return 0, 0, 0, false
		}
		if neg {
			whole, frac = -whole, -frac
		}
		var ok1, ok2, ok3 bool
		m, ok1 = signedMulAdd(whole, unit.months, m)
		d, ok2 = signedMulAdd(whole, unit.days, d)
		micros, ok3 = signedMulAdd(whole, unit.micros, micros)
		sum := micros + frac
		ok3 = ok3 && (micros^sum)&(frac^sum) >= 0
		micros = sum
		if !ok1 || !ok2 || !ok3 || int64(int32(m)) != m || int64(int32(d)) != d {
			return 0, 0, 0, false
		}
		seen, s = true, rest[n:]
	}
	return int32(m), int32(d), micros, seen
}

func blanks(s string) string {
	for s != "" && s[0] <= ' ' {
		s = s[1:]
	}
	return s
}

// intervalNumber reads a sign, blanks, digits and a fraction in microseconds.
func intervalNumber(s string) (whole, micros int64, neg, isFrac bool, rest string, ok bool) {
	if s[0] == '-' || s[0] == '+' {
		neg = s[0] == '-'
		s = blanks(s[1:])
	}
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		if whole > (math.MaxInt64-9)/10 {
			return 0, 0, false, false, "", false
		}
		whole = whole*10 + int64(s[n]-'0')
		n++
	}
	digits := n
	if n < len(s) && s[n] == '.' {
		isFrac = true
		n++
		scale := int64(100_000)
		for ; n < len(s) && s[n] >= '0' && s[n] <= '9'; n++ {
			micros += int64(s[n]-'0') * scale
			scale /= 10
			digits++
		}
	}
	return whole, micros, neg, isFrac, s[n:], digits > 0
}

// signedMulAdd is a*b+c; ok false if it does not fit.
func signedMulAdd(a, b, c int64) (int64, bool) {
	if b == 0 {
		return c, true
	}
	p := a * b
	if p/b != a {
		return 0, false
	}
	s := p + c
	return s, (p^s)&(c^s) >= 0
}

// unwrap takes "INTERVAL '...' FIELD TO FIELD" off a value; the fields must be
// the wanted ones. Text without it is the value itself.
func unwrap(text string, names []string, start, end int) (string, bool) {
	s := string(Trim([]byte(text)))
	neg := false
	up := strings.ToUpper(s)
	if !strings.HasPrefix(up, "INTERVAL") {
		return s, true
	}
	s = blanks(s[len("INTERVAL"):])
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = blanks(s[1:])
	}
	if len(s) < 2 || s[0] != '\'' {
		return "", false
	}
	q := strings.IndexByte(s[1:], '\'')
	if q < 0 {
		return "", false
	}
	want := names[start]
	if start != end {
		want += " TO " + names[end]
	}
	if strings.Join(strings.Fields(strings.ToUpper(s[q+2:])), " ") != want {
		return "", false
	}
	v := string(Trim([]byte(s[1 : q+1])))
	if !neg {
		return v, true
	}
	if r, found := strings.CutPrefix(v, "-"); found {
		return r, true
	}
	return "-" + strings.TrimPrefix(v, "+"), true
}

// signOf cuts a sign off.
func signOf(s string) (string, bool) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[1:], s[0] == '-'
	}
	return s, false
}

// ParseYearMonth reads "1-2", "3" or "INTERVAL '1-2' YEAR TO MONTH" for an
// interval of the fields start to end.
func ParseYearMonth(text string, start, end int) (int32, bool) {
	s, ok := unwrap(text, yearMonthNames[:], start, end)
	if !ok {
		return 0, false
	}
	s, neg := signOf(s)
	var total int64
	switch {
	case start != end:
		y, m, found := strings.Cut(s, "-")
		yv, ok1 := number(y)
		mv, ok2 := number(m)
		if !found || !ok1 || !ok2 || mv > 11 {
			return 0, false
		}
		total = yv*12 + mv
	default:
		v, ok := number(s)
		if !ok {
			return 0, false
		}
		total = v
		if start == Years {
			total *= 12
		}
	}
	if neg {
		total = -total
	}
	return int32(total), int64(int32(total)) == total
}

// number reads up to ten digits.
func number(s string) (int64, bool) {
	if s == "" || len(s) > 10 {
		return 0, false
	}
	return longNumber(s)
}

func longNumber(s string) (int64, bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	var v int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		v = v*10 + int64(s[i]-'0')
	}
	return v, true
}

// ParseDayTime reads "1 02:03:04.5" or "INTERVAL '...' DAY TO SECOND" for an
// interval of the fields start to end.
func ParseDayTime(text string, start, end int) (int64, bool) {
	s, ok := unwrap(text, dayTimeNames[:], start, end)
	if !ok {
		return 0, false
	}
	s, neg := signOf(s)
	var total int64
	units := [...]int64{Day, Hour, Minute, Second}
	limits := [...]int64{0, 23, 59, 59}
	for f := start; f <= end; f++ {
		part := s
		if f < end {
			sep := ":"
			if f == DayField {
				sep = " "
			}
			var found bool
			if part, s, found = strings.Cut(s, sep); !found {
				return 0, false
			}
			s = blanks(s)
		}
		frac := int64(0)
		if f == SecondField {
			var ok bool
			if part, frac, ok = secondFraction(part); !ok {
				return 0, false
			}
		}
		v, ok := longNumber(part)
		if !ok || f > start && (v > limits[f] || len(part) > 2) {
			return 0, false
		}
		if neg {
			v, frac = -v, -frac
		}
		if total, ok = signedMulAdd(v, units[f], total+frac); !ok {
			return 0, false
		}
	}
	return total, true
}

// secondFraction cuts up to nine digits of a fraction off, in microseconds.
func secondFraction(s string) (whole string, micros int64, ok bool) {
	whole, f, found := strings.Cut(s, ".")
	if !found {
		return whole, 0, true
	}
	if f == "" || len(f) > 9 {
		return "", 0, false
	}
	v, ok := longNumber((f + "000000000")[:9])
	return whole, v / 1000, ok
}
