package function

import (
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/internal/calendar"
)

// parsed is what a text says under a pattern; -1 is unsaid.
type parsed struct {
	year, month, day, yearDay int
	hour, hour12, half        int
	minute, second            int
	nanos                     int64
	weekday, quarter          int
	era                       int // 0 BC, 1 AD
	zone                      *time.Location
	hasYear                   bool
}

func unsaid() parsed {
	return parsed{month: -1, day: -1, yearDay: -1, hour: -1, hour12: -1, half: -1, minute: -1, second: -1, nanos: -1, weekday: -1, quarter: -1, era: -1}
}

// parse reads all of s; false if it does not fit.
func (p *timePattern) parse(s string) (parsed, bool) {
	out := unsaid()
	rest, ok := p.parseItems(s, 0, len(p.items), &out)
	return out, ok && rest == ""
}

// parseItems reads items [from, to). Optional parts that do not fit are skipped.
func (p *timePattern) parseItems(s string, from, to int, out *parsed) (string, bool) {
	for i := from; i < to; i++ {
		it := &p.items[i]
		switch it.letter {
		case 0:
			if !strings.HasPrefix(s, it.lit) {
				return s, false
			}
			s = s[len(it.lit):]
		case '[':
			trial := *out
			if rest, ok := p.parseItems(s, i+1, it.end, &trial); ok {
				s, *out = rest, trial
			}
			i = it.end
		case ']':
		default:
			rest, ok := it.parse(s, out)
			if !ok {
				return s, false
			}
			s = rest
		}
	}
	return s, true
}

// digitRun is the number of leading digits, at most limit.
func digitRun(s string, limit int) int {
	n := 0
	for n < len(s) && n < limit && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// maxNumber is the most digits a field of open width has.
const maxNumber = 9

// number reads between least and most digits, leaving what adjacent fields need.
func (it *patItem) number(s string, least, most int) (v int, rest string, ok bool) {
	n := digitRun(s, most+it.narrow)
	if it.narrow > 0 {
		n = min(max(n-it.narrow, least), most)
	} else {
		n = min(n, most)
	}
	if n < least || n == 0 || n > len(s) || digitRun(s, n) < n {
		return 0, s, false
	}
	for _, c := range s[:n] {
		v = v*10 + int(c-'0')
	}
	return v, s[n:], true
}

func (it *patItem) parse(s string, out *parsed) (string, bool) {
	switch it.letter {
	case 'y':
		return it.parseYear(s, out)
	case 'G':
		return it.parseEra(s, out)
	case 'M', 'L':
		if it.n >= 3 {
			return parseName(s, monthNames[:], it.n, 1, &out.month)
		}
		return it.two(s, 2, &out.month)
	case 'E':
		return parseName(s, dayNames[:], it.n, 0, &out.weekday)
	case 'd':
		return it.two(s, 2, &out.day)
	case 'D':
		v, rest, ok := it.number(s, it.n, 3)
		out.yearDay = v
		return rest, ok
	case 'Q', 'q':
		return it.parseQuarter(s, out)
	case 'F':
		v := 0
		return it.two(s, 1, &v)
	case 'H':
		return it.two(s, 2, &out.hour)
	case 'k':
		rest, ok := it.two(s, 2, &out.hour)
		if out.hour == 24 {
			out.hour = 0
		}
		return rest, ok
	case 'h', 'K':
		rest, ok := it.two(s, 2, &out.hour12)
		if it.letter == 'h' && ok && (out.hour12 < 1 || out.hour12 > 12) || it.letter == 'K' && out.hour12 > 11 {
			return s, false
		}
		out.hour12 %= 12
		return rest, ok
	case 'a':
		return parseHalf(s, out)
	case 'm':
		return it.two(s, 2, &out.minute)
	case 's':
		return it.two(s, 2, &out.second)
	case 'S':
		return it.parseFraction(s, out)
	}
	return it.parseZone(s, out)
}

// two reads a number of most digits at most: one letter takes any number of them, more exactly theirs.
func (it *patItem) two(s string, most int, to *int) (string, bool) {
	least := it.n
	if it.n > 1 {
		most = it.n
	}
	v, rest, ok := it.number(s, least, most)
	*to = v
	return rest, ok
}

func (it *patItem) parseYear(s string, out *parsed) (string, bool) {
	out.hasYear = true
	if it.n == 2 {
		v, rest, ok := it.number(s, 2, 2)
		out.year = 2000 + v
		return rest, ok
	}
	sign, t := 1, s
	if strings.HasPrefix(t, "-") {
		sign, t = -1, t[1:]
	} else if strings.HasPrefix(t, "+") && it.n >= 4 {
		t = t[1:]
	}
	most := maxNumber
	if it.n >= 4 && t == s && it.narrow == 0 {
		most = it.n // more digits need a sign
	}
	v, rest, ok := it.number(t, it.n, most)
	out.year = sign * v
	return rest, ok
}

func (it *patItem) parseEra(s string, out *parsed) (string, bool) {
	for era, names := range [2][2]string{{"BC", "Before Christ"}, {"AD", "Anno Domini"}} {
		name := names[0]
		if it.n == 4 {
			name = names[1]
		}
		if len(s) >= len(name) && strings.EqualFold(s[:len(name)], name) {
			out.era = era
			return s[len(name):], true
		}
	}
	return s, false
}

// parseName reads a name, short for three letters, in any case.
func parseName(s string, names []string, n, base int, to *int) (string, bool) {
	for i, name := range names {
		if n < 4 {
			name = name[:3]
		}
		if len(s) >= len(name) && strings.EqualFold(s[:len(name)], name) {
			*to = i + base
			return s[len(name):], true
		}
	}
	return s, false
}

func (it *patItem) parseQuarter(s string, out *parsed) (string, bool) {
	if it.n == 3 {
		if !strings.HasPrefix(s, "Q") {
			return s, false
		}
		s = s[1:]
	}
	one := patItem{n: min(it.n, 2)}
	if it.n >= 3 {
		one.n = 1
	}
	v, rest, ok := one.number(s, one.n, one.n)
	out.quarter = v
	return rest, ok && v >= 1 && v <= 4
}

func parseHalf(s string, out *parsed) (string, bool) {
	if len(s) < 2 {
		return s, false
	}
	switch strings.ToUpper(s[:2]) {
	case "AM":
		out.half = 0
	case "PM":
		out.half = 1
	default:
		return s, false
	}
	return s[2:], true
}

// parseFraction reads up to n digits of a second's fraction.
func (it *patItem) parseFraction(s string, out *parsed) (string, bool) {
	n := digitRun(s, it.n)
	if n == 0 {
		return s, false
	}
	v := int64(0)
	for k := range maxNumber {
		v *= 10
		if k < n {
			v += int64(s[k] - '0')
		}
	}
	out.nanos = v
	return s[n:], true
}

// parseZone reads an offset or a zone's name.
func (it *patItem) parseZone(s string, out *parsed) (string, bool) {
	end := 0
	for end < len(s) && (isLetter(s[end]) || s[end] >= '0' && s[end] <= '9' || strings.IndexByte("+-:/_", s[end]) >= 0) {
		end++
	}
	text := s[:end]
	if text == "" || it.letter != 'V' && it.letter != 'z' && it.letter != 'O' && text != "Z" && text[0] != '+' && text[0] != '-' {
		return s, false
	}
	loc, err := LoadZone(text)
	out.zone = loc
	return s[end:], err == nil
}

// date resolves the day; months, days and years that are unsaid are those of 1970-01-01.
func (p *parsed) date() (int, bool) {
	year := 1970
	if p.hasYear {
		year = p.year
		if p.era == 0 {
			year = 1 - year
		}
		if p.era >= 0 && p.year < 1 {
			return 0, false
		}
	}
	if p.yearDay >= 0 {
		length := 365
		if calendar.Leap(year) {
			length++
		}
		days := calendar.Days(year, 1, 1) + p.yearDay - 1
		d := calendar.Date(days)
		agrees := (p.month < 0 || p.month == d.Month) && (p.day < 0 || p.day == d.Day)
		return days, p.yearDay >= 1 && p.yearDay <= length && agrees
	}
	month, day := p.month, p.day
	if month < 0 {
		month = 1
		if p.quarter > 0 {
			month = 3*p.quarter - 2
		}
	}
	if day < 0 {
		day = 1
	}
	if !calendar.Valid(year, month, day) {
		return 0, false
	}
	days := calendar.Days(year, month, day)
	return days, p.weekday < 0 || p.weekday == calendar.Weekday(days)
}

// micros resolves the time of day.
func (p *parsed) micros() (int64, bool) {
	hour := max(p.hour, 0)
	if p.hour < 0 && p.hour12 >= 0 {
		hour = p.hour12 + 12*max(p.half, 0)
	}
	minute, second := max(p.minute, 0), max(p.second, 0)
	if hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	return int64(hour)*calendar.Hour + int64(minute)*calendar.Minute + int64(second)*calendar.Second + max(p.nanos, 0)/1000, true
}

// local is the wall clock.
func (p *parsed) local() (int64, bool) {
	days, ok := p.date()
	micros, ok2 := p.micros()
	return int64(days)*calendar.Day + micros, ok && ok2
}

// instant is the moment, in zone if the text names none.
func (p *parsed) instant(z *calendar.Zone) (int64, bool) {
	local, ok := p.local()
	if p.zone != nil {
		z = calendar.NewZone(p.zone)
	}
	return z.UTC(local), ok
}
