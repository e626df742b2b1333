package calendar

import "strconv"

// AppendDate appends a day count as "2020-01-31"; years beyond four digits
// have a sign.
func AppendDate(b []byte, days int) []byte {
	c := Date(days)
	y := c.Year
	switch {
	case y > 9999:
		b = append(b, '+')
	case y < 0:
		b, y = append(b, '-'), -y
	}
	b = appendPadded(b, int64(y), 4)
	b = append(b, '-')
	b = appendPadded(b, int64(c.Month), 2)
	b = append(b, '-')
	return appendPadded(b, int64(c.Day), 2)
}

// AppendTime appends microseconds of a day as "01:02:03.456", without a
// fraction's trailing zeros.
func AppendTime(b []byte, micros int64) []byte {
	b = appendPadded(b, micros/Hour, 2)
	b = append(b, ':')
	b = appendPadded(b, micros/Minute%60, 2)
	b = append(b, ':')
	b = appendPadded(b, micros/Second%60, 2)
	return appendFraction(b, micros%Second, 6)
}

// AppendTimestamp appends local microseconds as "2020-01-31 01:02:03.456".
func AppendTimestamp(b []byte, local int64) []byte {
	d, rest := Split(local)
	b = AppendDate(b, d)
	b = append(b, ' ')
	return AppendTime(b, rest)
}

// AppendNanos appends nanoseconds of a day as "01:02:03.456".
func AppendNanos(b []byte, nanos int64) []byte {
	b = AppendTime(b, nanos/1e9*Second)
	return appendFraction(b, nanos%1e9, 9)
}

func appendPadded(b []byte, v int64, width int) []byte {
	n := 1
	for p := int64(10); n < width && v >= p; p *= 10 {
		n++
	}
	for ; n < width; n++ {
		b = append(b, '0')
	}
	return strconv.AppendInt(b, v, 10)
}

// appendFraction appends v/10^digits as ".5", or nothing for 0.
func appendFraction(b []byte, v int64, digits int) []byte {
	if v == 0 {
		return b
	}
	for v%10 == 0 {
		v /= 10
		digits--
	}
	b = append(b, '.')
	return appendPadded(b, v, digits)
}
