package calendar

import (
	"strings"
	"time"
)

// Trim cuts blanks and control characters off both ends, as casts from text do.
func Trim(s []byte) []byte {
	for len(s) > 0 && (s[0] <= ' ' || s[0] == 0x7F) {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] <= ' ' || s[len(s)-1] == 0x7F) {
		s = s[:len(s)-1]
	}
	return s
}

// Limits of dates in text: seven digits of a year keep the days in 32 bits.
const (
	maxDateYearDigits      = 7
	maxTimestampYearDigits = 6
)

// ParseDate reads "[+-]yyyy", "yyyy-m", "yyyy-m-d" and the last followed by a
// blank or T and anything.
func ParseDate(s []byte) (days int, ok bool) {
	s = Trim(s)
	if len(s) == 0 {
		return 0, false
	}
	sign, j := 1, 0
	if s[0] == '-' || s[0] == '+' {
		if s[0] == '-' {
			sign = -1
		}
		j = 1
	}
	parts, i, cur, digits := [3]int{1, 1, 1}, 0, 0, 0
	for ; j < len(s) && s[j] != ' ' && s[j] != 'T'; j++ {
		c := s[j]
		switch {
		case c == '-' && i < 2:
			if !dateDigits(i, digits) {
				return 0, false
			}
			parts[i], cur, digits = cur, 0, 0
			i++
		case c < '0' || c > '9' || digits >= 9:
			return 0, false
		default:
			cur = cur*10 + int(c-'0')
			digits++
		}
	}
	if !dateDigits(i, digits) || i < 2 && j < len(s) {
		return 0, false
	}
	parts[i] = cur
	if !Valid(sign*parts[0], parts[1], parts[2]) {
		return 0, false
	}
	return Days(sign*parts[0], parts[1], parts[2]), true
}

func dateDigits(part, digits int) bool {
	if part == 0 {
		return digits >= 4 && digits <= maxDateYearDigits
	}
	return digits > 0 && digits <= 2
}

// Stamp is a parsed timestamp text.
type Stamp struct {
	Year, Month, Day     int
	Hour, Minute, Second int
	Micros               int // of the second
	TimeOnly             bool
	Zone                 *time.Location // nil: none given
}

// stampScan is the state of reading a Stamp: parts are year, month, day, hour,
// minute, second, fraction.
type stampScan struct {
	parts       [7]int
	at          int // part being read
	cur, digits int
	fraction    int // digits of the fraction read
}

func (s *stampScan) next() bool {
	if !stampDigits(s.at, s.digits) {
		return false
	}
	s.parts[s.at] = s.cur
	s.cur, s.digits = 0, 0
	s.at++
	return true
}

func stampDigits(part, digits int) bool {
	switch part {
	case 0:
		return digits >= 4 && digits <= maxTimestampYearDigits
	case 6:
		return true
	}
	return digits > 0 && digits <= 2
}

// digit adds a digit; beyond six of a fraction they are dropped.
func (s *stampScan) digit(c byte) {
	if s.at != 6 || s.digits < 6 {
		if s.digits < 9 {
			s.cur = s.cur*10 + int(c-'0')
		}
		if s.at == 6 {
			s.fraction++
		}
	}
	s.digits++
}

// ParseStamp reads "[+-]yyyy", "yyyy-m", "yyyy-m-d", "yyyy-m-d h:m:s.ffffff
// zone" with T or a blank before the time, and a time alone ("T12:00", "12:00").
// The values are in range.
func ParseStamp(text []byte) (Stamp, bool) {
	s := Trim(text)
	var out Stamp
	if len(s) == 0 {
		return out, false
	}
	scan, sign, j := stampScan{parts: [7]int{1, 1, 1}}, 1, 0
	signed := s[0] == '-' || s[0] == '+'
	if signed {
		if s[0] == '-' {
			sign = -1
		}
		j = 1
	}
	zone := ""
	for ; j < len(s) && zone == ""; j++ {
		c := s[j]
		if c >= '0' && c <= '9' {
			scan.digit(c)
			continue
		}
		var ok bool
		switch {
		case j == 0 && c == 'T':
			out.TimeOnly, scan.at, ok = true, 3, true
		case scan.at == 0 && c == ':' && !signed:
			out.TimeOnly, scan.at = true, 3
			ok = scan.next()
		case scan.at < 2:
			ok = c == '-' && scan.next()
		case scan.at == 2:
			ok = (c == ' ' || c == 'T') && scan.next()
		case scan.at < 5:
			ok = c == ':' && scan.next()
		case scan.at == 5 && c == '.':
			ok = scan.next()
		default:
			zone, ok = string(s[j:]), true
		}
		if !ok {
			return out, false
		}
	}
	if !stampDigits(scan.at, scan.digits) {
		return out, false
	}
	scan.parts[scan.at] = scan.cur
	return out, out.fill(&scan, sign) && out.setZone(zone)
}

func (o *Stamp) fill(s *stampScan, sign int) bool {
	for ; s.fraction < 6; s.fraction++ {
		s.parts[6] *= 10
	}
	o.Year, o.Month, o.Day = sign*s.parts[0], s.parts[1], s.parts[2]
	o.Hour, o.Minute, o.Second, o.Micros = s.parts[3], s.parts[4], s.parts[5], s.parts[6]
	return Valid(o.Year, o.Month, o.Day) && o.Hour < 24 && o.Minute < 60 && o.Second < 60
}

func (o *Stamp) setZone(text string) bool {
	if text == "" {
		return true
	}
	loc, err := ParseZone(strings.TrimSpace(text))
	o.Zone = loc
	return err == nil
}

// TimeMicros is the time of day.
func (o *Stamp) TimeMicros() int64 {
	return int64(o.Hour)*Hour + int64(o.Minute)*Minute + int64(o.Second)*Second + int64(o.Micros)
}

// Local is the wall clock in microseconds; ok false if it does not fit.
func (o *Stamp) Local() (int64, bool) {
	return mulAdd(int64(Days(o.Year, o.Month, o.Day)), Day, o.TimeMicros())
}

// ParseTimestamp reads an instant: text without a zone is in zone, a time
// alone is on the day of now.
func ParseTimestamp(text []byte, zone *Zone, now time.Time) (int64, bool) {
	s, ok := ParseStamp(text)
	if !ok {
		return 0, false
	}
	if s.Zone != nil {
		zone = NewZone(s.Zone)
	}
	if s.TimeOnly {
		day, _ := Split(zone.Local(now.UnixMicro()))
		c := Date(day)
		s.Year, s.Month, s.Day = c.Year, c.Month, c.Day
	}
	local, ok := s.Local()
	if !ok {
		return 0, false
	}
	return zone.UTC(local), true
}

// ParseTimestampNTZ reads a wall clock. A zone is ignored if allowed, else
// makes the text invalid.
func ParseTimestampNTZ(text []byte, allowZone bool) (int64, bool) {
	s, ok := ParseStamp(text)
	if !ok || s.TimeOnly || s.Zone != nil && !allowZone {
		return 0, false
	}
	return s.Local()
}

// ParseTime reads a time of day in nanoseconds.
func ParseTime(text []byte) (int64, bool) {
	s, ok := ParseStamp(text)
	if !ok || !s.TimeOnly || s.Zone != nil {
		return 0, false
	}
	return s.TimeMicros() * 1000, true
}
