package scalar

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// maxPattern bounds the letters of one field, as Java does.
const maxPattern = 19

// Pattern is a compiled datetime pattern of Spark ("yyyy-MM-dd HH:mm:ss[.SSS]").
type Pattern struct {
	items []item
}

type item struct {
	letter   byte // 0: literal
	n        int
	text     string
	adjacent bool // digits follow directly: the field takes exactly n
	optional []item
}

// NewPattern compiles a pattern.
func NewPattern(text string) (*Pattern, error) {
	items, rest, err := compile(text, 0)
	if err == nil && rest != "" {
		err = fmt.Errorf("a bracket is closed that was not opened")
	}
	if err != nil {
		return nil, errs.E(errs.Invalid, "scalar.Pattern", errs.Cond(errs.IllegalArg, "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER", "22007",
			fmt.Sprintf("The datetime pattern %q is not valid: %v.", text, err), "pattern", text))
	}
	return &Pattern{items}, nil
}

func compile(s string, depth int) (items []item, rest string, err error) {
	for len(s) > 0 {
		c := s[0]
		switch {
		case c == '[':
			if depth > 8 {
				return nil, "", fmt.Errorf("brackets are nested too deep")
			}
			inner, after, err := compile(s[1:], depth+1)
			if err != nil {
				return nil, "", err
			}
			if after == "" {
				return nil, "", fmt.Errorf("a bracket is not closed")
			}
			items, s = append(items, item{optional: inner, letter: '['}), after[1:]
		case c == ']':
			return mark(items), s, nil
		case c == '\'':
			lit, after, ok := quoted(s)
			if !ok {
				return nil, "", fmt.Errorf("a quote is not closed")
			}
			items, s = append(items, item{text: lit}), after
		case c|32 >= 'a' && c|32 <= 'z':
			n := 1
			for n < len(s) && s[n] == c {
				n++
			}
			if !strings.ContainsRune("yuMLdDHhKkmsSaEVzOXxZG", rune(c)) || n > maxPattern {
				return nil, "", fmt.Errorf("the letters %s are not known", s[:n])
			}
			items, s = append(items, item{letter: c, n: n}), s[n:]
		default:
			items, s = append(items, item{text: s[:1]}), s[1:]
		}
	}
	return mark(items), "", nil
}

// quoted cuts 'text' off the front; two quotes are one.
func quoted(s string) (lit, rest string, ok bool) {
	if strings.HasPrefix(s, "''") {
		return "'", s[2:], true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), s[i+1:], true
	}
	return "", "", false
}

func mark(items []item) []item {
	for i := range items {
		items[i].adjacent = i+1 < len(items) && numeric(items[i+1])
	}
	return items
}

func numeric(i item) bool {
	switch i.letter {
	case 'y', 'u', 'd', 'D', 'H', 'h', 'K', 'k', 'm', 's', 'S':
		return true
	case 'M', 'L':
		return i.n < 3
	}
	return false
}

// moment is what a text told.
type moment struct {
	year, month, day, yearDay int
	hour, minute, second      int
	micros                    int
	pm, half                  bool // half: a 12-hour clock
	zone                      *time.Location
	zoned                     bool
}

func (p *Pattern) parse(s string) (moment, bool) {
	m := moment{year: 1970, month: 1, day: 1, yearDay: -1}
	rest, ok := scan(p.items, s, &m)
	if !ok || rest != "" {
		return m, false
	}
	if m.half {
		m.hour %= 12
		if m.pm {
			m.hour += 12
		}
	}
	if m.yearDay > 0 {
		c := calendar.Date(calendar.Days(m.year, 1, 1) + m.yearDay - 1)
		if c.Year != m.year {
			return m, false
		}
		m.month, m.day = c.Month, c.Day
	}
	return m, calendar.Valid(m.year, m.month, m.day) && m.hour < 24 && m.minute < 60 && m.second < 60
}

func scan(items []item, s string, m *moment) (rest string, ok bool) {
	for i := range items {
		it := &items[i]
		switch it.letter {
		case '[':
			trial := *m
			if after, ok := scan(it.optional, s, &trial); ok {
				s, *m = after, trial
			}
		case 0:
			if s, ok = strings.CutPrefix(s, it.text); !ok {
				return s, false
			}
		default:
			if s, ok = it.read(s, m); !ok {
				return s, false
			}
		}
	}
	return s, true
}

// digits reads a number of at least least and at most most digits.
func digits(s string, least, most int) (x int, rest string, ok bool) {
	n := 0
	for n < len(s) && n < most && s[n] >= '0' && s[n] <= '9' {
		x = x*10 + int(s[n]-'0')
		n++
	}
	return x, s[n:], n >= least
}

func (it *item) number(s string) (x int, rest string, ok bool) {
	switch {
	case it.adjacent || it.n == 2:
		return digits(s, it.n, it.n)
	case it.n == 1:
		return digits(s, 1, 9)
	}
	return digits(s, it.n, 9)
}

func (it *item) read(s string, m *moment) (rest string, ok bool) {
	switch it.letter {
	case 'y', 'u':
		return it.readYear(s, m)
	case 'M', 'L':
		if it.n >= 3 {
			m.month, rest, ok = name(s, months(), it.n == 3)
			m.month++
			return rest, ok
		}
		m.month, rest, ok = it.number(s)
	case 'd':
		m.day, rest, ok = it.number(s)
	case 'D':
		m.yearDay, rest, ok = digits(s, it.n, 3)
	case 'H', 'k':
		m.hour, rest, ok = it.number(s)
		if it.letter == 'k' {
			m.hour %= 24
		}
	case 'h', 'K':
		m.half = true
		m.hour, rest, ok = it.number(s)
	case 'm':
		m.minute, rest, ok = it.number(s)
	case 's':
		m.second, rest, ok = it.number(s)
	case 'S':
		return it.readFraction(s, m)
	case 'a':
		if len(s) < 2 {
			return s, false
		}
		m.pm = s[0]|32 == 'p'
		return s[2:], s[1]|32 == 'm' && (m.pm || s[0]|32 == 'a')
	case 'E':
		_, rest, ok = name(s, weekdays(), it.n <= 3)
	case 'G':
		return strings.CutPrefix(s, "AD")
	default:
		return readZone(s, m)
	}
	return rest, ok
}

func (it *item) readYear(s string, m *moment) (rest string, ok bool) {
	neg := false
	if it.n > 2 && len(s) > 0 && s[0] == '-' {
		neg, s = true, s[1:]
	}
	m.year, rest, ok = it.number(s)
	if it.n == 2 {
		m.year += 2000
	}
	if neg {
		m.year = -m.year
	}
	return rest, ok
}

func (it *item) readFraction(s string, m *moment) (rest string, ok bool) {
	x, rest, ok := digits(s, 1, it.n)
	k := len(s) - len(rest)
	for ; k < 6; k++ {
		x *= 10
	}
	for ; k > 6; k-- {
		x /= 10
	}
	m.micros = x
	return rest, ok
}

func readZone(s string, m *moment) (rest string, ok bool) {
	n := 0
	for n < len(s) && s[n] != ' ' && s[n] != ']' && s[n] != ')' {
		n++
	}
	loc, err := calendar.ParseZone(s[:n])
	m.zone, m.zoned = loc, true
	return s[n:], err == nil && n > 0
}

func months() []string {
	return []string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
}

func weekdays() []string {
	return []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
}

func name(s string, names []string, short bool) (i int, rest string, ok bool) {
	for i, n := range names {
		if short {
			n = n[:3]
		}
		if rest, ok := strings.CutPrefix(s, n); ok {
			return i, rest, true
		}
	}
	return 0, s, false
}

// Date reads days since the epoch.
func (p *Pattern) Date(b []byte) (int32, bool) {
	m, ok := p.parse(Text(b))
	return int32(calendar.Days(m.year, m.month, m.day)), ok
}

// Local reads wall-clock microseconds; zoned tells that the text names a zone,
// in which they are then.
func (p *Pattern) Local(b []byte) (local int64, zone *time.Location, zoned, ok bool) {
	m, ok := p.parse(Text(b))
	if !ok {
		return 0, nil, false, false
	}
	of := int64(m.hour)*calendar.Hour + int64(m.minute)*calendar.Minute + int64(m.second)*calendar.Second + int64(m.micros)
	local, ok = calendar.MulAdd(int64(calendar.Days(m.year, m.month, m.day)), calendar.Day, of)
	return local, m.zone, m.zoned, ok
}

// Append writes a wall clock that is offset seconds ahead of UTC.
func (p *Pattern) Append(b []byte, local, offset int64, zone string) []byte {
	days, rest := calendar.Split(local)
	return appendItems(b, p.items, shown{days: days, date: calendar.Date(days), rest: rest, offset: offset, zone: zone})
}

type shown struct {
	days   int
	date   calendar.Civil
	rest   int64
	offset int64
	zone   string
}

func appendItems(b []byte, items []item, s shown) []byte {
	for i := range items {
		switch it := &items[i]; it.letter {
		case 0:
			b = append(b, it.text...)
		case '[':
			b = appendItems(b, it.optional, s)
		default:
			b = it.append(b, s)
		}
	}
	return b
}

func (it *item) append(b []byte, s shown) []byte {
	hour := int(s.rest / calendar.Hour)
	switch it.letter {
	case 'y', 'u':
		if it.n == 2 {
			return padded(b, s.date.Year%100, 2)
		}
		return padded(b, s.date.Year, it.n)
	case 'M', 'L':
		switch {
		case it.n == 3:
			return append(b, months()[s.date.Month-1][:3]...)
		case it.n > 3:
			return append(b, months()[s.date.Month-1]...)
		}
		return padded(b, s.date.Month, it.n)
	case 'd':
		return padded(b, s.date.Day, it.n)
	case 'D':
		return padded(b, calendar.YearDay(s.days), it.n)
	case 'H':
		return padded(b, hour, it.n)
	case 'k':
		return padded(b, (hour+23)%24+1, it.n)
	case 'h':
		return padded(b, (hour+11)%12+1, it.n)
	case 'K':
		return padded(b, hour%12, it.n)
	case 'm':
		return padded(b, int(s.rest/calendar.Minute%60), it.n)
	case 's':
		return padded(b, int(s.rest/calendar.Second%60), it.n)
	case 'S':
		f := fmt.Sprintf("%06d000", s.rest%calendar.Second)
		return append(b, f[:min(it.n, 9)]...)
	case 'a':
		if hour >= 12 {
			return append(b, "PM"...)
		}
		return append(b, "AM"...)
	case 'E':
		w := weekdays()[calendar.Weekday(s.days)]
		if it.n <= 3 {
			w = w[:3]
		}
		return append(b, w...)
	case 'G':
		return append(b, "AD"...)
	case 'V', 'z':
		return append(b, s.zone...)
	}
	return it.appendOffset(b, s.offset)
}

// appendOffset writes +01:00 or +0100; X writes Z for none.
func (it *item) appendOffset(b []byte, sec int64) []byte {
	if sec == 0 && it.letter == 'X' {
		return append(b, 'Z')
	}
	sign := byte('+')
	if sec < 0 {
		sign, sec = '-', -sec
	}
	colon := it.n == 3 && it.letter != 'Z' || it.n == 5
	b = padded(append(b, sign), int(sec/3600), 2)
	if it.n == 1 && it.letter != 'Z' && sec%3600 == 0 {
		return b
	}
	if colon {
		b = append(b, ':')
	}
	return padded(b, int(sec/60%60), 2)
}

func padded(b []byte, x, n int) []byte {
	if x < 0 {
		b, x = append(b, '-'), -x
	}
	s := strconv.Itoa(x)
	for k := len(s); k < n; k++ {
		b = append(b, '0')
	}
	return append(b, s...)
}
