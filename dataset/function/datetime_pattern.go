package function

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// timePattern is a compiled datetime pattern in the language of Java's
// DateTimeFormatter, as far as Spark allows it.
type timePattern struct {
	items []patItem
}

// patItem is a run of one letter, a literal, or a bracket of an optional part.
type patItem struct {
	letter byte // 0: literal; '[': optional part up to items[end]; ']': its end
	n      int  // letters in the run
	lit    string
	end    int
	narrow int // digits that adjacent fields after this one need
}

// patternLetters says how many of a letter may stand in a row.
var patternLetters = map[byte]int{
	'G': 4, 'y': 6, 'M': 4, 'L': 4, 'd': 2, 'D': 3, 'E': 4, 'F': 1, 'Q': 4, 'q': 4, 'a': 1, 'h': 2, 'K': 2, 'k': 2, 'H': 2, 'm': 2, 's': 2,
	'S': 9, 'V': 2, 'z': 4, 'O': 4, 'X': 5, 'x': 5, 'Z': 5,
}

// compilePattern reads a pattern.
func compilePattern(src string) (*timePattern, error) {
	p := &timePattern{}
	var open []int
	for i := 0; i < len(src); {
		switch c := src[i]; {
		case c == '\'':
			lit, n, ok := quotedLiteral(src[i:])
			if !ok {
				return nil, errPattern(src)
			}
			p.literal(lit)
			i += n
		case c == '[':
			open = append(open, len(p.items))
			p.items = append(p.items, patItem{letter: '['})
			i++
		case c == ']':
			if len(open) == 0 {
				return nil, errPattern(src)
			}
			p.items[open[len(open)-1]].end = len(p.items)
			open = open[:len(open)-1]
			p.items = append(p.items, patItem{letter: ']'})
			i++
		case isLetter(c):
			n := 1
			for i+n < len(src) && src[i+n] == c {
				n++
			}
			if err := checkLetters(c, n, src); err != nil {
				return nil, err
			}
			p.items = append(p.items, patItem{letter: c, n: n})
			i += n
		case c == '#' || c == '{' || c == '}':
			return nil, errPattern(src)
		default:
			_, n := utf8.DecodeRuneInString(src[i:])
			p.literal(src[i : i+n])
			i += n
		}
	}
	if len(open) > 0 {
		return nil, errPattern(src)
	}
	p.reserve()
	return p, nil
}

func checkLetters(c byte, n int, src string) error {
	most, known := patternLetters[c]
	switch {
	case strings.IndexByte("YWwu", c) >= 0:
		return errPattern(src)
	case c == 'e' || c == 'c':
		return errs.Cond(errs.IllegalArg, "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_WEEK_BASED_PATTERN", "42K0B",
			"The letter '"+string(c)+"' stands for weeks, which patterns do not support; use EXTRACT.", "c", string(c))
	case !known && strings.IndexByte("ABnNp", c) < 0:
		return badPattern("WITH_SUGGESTION", src, "the letter '"+string(c)+"' means nothing.", "docroot", "")
	case !known:
		return badPattern("ILLEGAL_CHARACTER", src, "the letter '"+string(c)+"' means nothing.", "c", string(c))
	case n > most && (c == 'Q' || c == 'q'):
		return badPattern("LENGTH", src, "it has too many letters in a row.")
	case n > most && (c == 'X' || c == 'x') || c == 'V' && n != 2 || c == 'O' && n != 1 && n != 4:
		return badPattern("WITH_SUGGESTION", src, "see the documentation of patterns.", "docroot", "")
	case n > most:
		return errPattern(src)
	}
	return nil
}

func badPattern(sub, src, message string, kv ...string) error {
	return errs.Cond(errs.Runtime, "INVALID_DATETIME_PATTERN."+sub, "22007", "The pattern '"+src+"' is invalid: "+message, append(kv, "pattern", "'"+src+"'")...)
}

func errPattern(src string) error {
	return errs.Cond(errs.Upgrade, "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", "42K0B",
		"The pattern '"+src+"' is not recognised.", "pattern", "'"+src+"'", "config", "\"spark.sql.legacy.timeParserPolicy\"", "docroot", "")
}

// quotedLiteral reads 'text' with ” for a quote; n is its length in the pattern.
func quotedLiteral(s string) (lit string, n int, ok bool) {
	if strings.HasPrefix(s, "''") {
		return "'", 2, true
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
		return b.String(), i + 1, true
	}
	return "", 0, false
}

func (p *timePattern) literal(s string) {
	if k := len(p.items); k > 0 && p.items[k-1].letter == 0 {
		p.items[k-1].lit += s
		return
	}
	p.items = append(p.items, patItem{lit: s})
}

// reserve tells each number of open width how many digits the fixed-width
// numbers right behind it need ("yyyyMMdd").
func (p *timePattern) reserve() {
	for i := range p.items {
		if !p.items[i].open() {
			continue
		}
		for j := i + 1; j < len(p.items) && p.items[j].fixed(); j++ {
			p.items[i].narrow += p.items[j].n
		}
	}
}

// open tells whether the item is a number of any width.
func (it *patItem) open() bool {
	return it.letter == 'y' && it.n != 2 || it.n == 1 && strings.IndexByte("MLdDhKkHms", it.letter) >= 0
}

// fixed tells whether the item is a number of exactly n digits.
func (it *patItem) fixed() bool {
	return it.n == 2 && strings.IndexByte("yMLdhKkHms", it.letter) >= 0 || it.letter == 'S' || it.letter == 'D' && it.n > 1
}

var monthNames = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}

// clock is a moment to format.
type clock struct {
	days   int
	micros int64 // of the day
	utc    int64 // seconds, for zone names
	loc    *time.Location
	offset int // seconds east of UTC
}

// clockAt is the wall clock of an instant.
func clockAt(utc int64, z *calendar.Zone, loc *time.Location) clock {
	days, micros := calendar.Split(z.Local(utc))
	sec := calendar.FloorDiv(utc, calendar.Second)
	return clock{days: days, micros: micros, utc: sec, loc: loc, offset: int(z.Offset(sec))}
}

// append formats t.
func (p *timePattern) append(b []byte, t *clock) []byte {
	d := calendar.Date(t.days)
	for i := range p.items {
		b = p.items[i].append(b, t, d)
	}
	return b
}

func (it *patItem) append(b []byte, t *clock, d calendar.Civil) []byte {
	switch it.letter {
	case 0:
		return append(b, it.lit...)
	case '[', ']':
		return b
	case 'y':
		return appendYear(b, d.Year, it.n)
	case 'G':
		return append(b, eraName(d.Year, it.n)...)
	case 'M', 'L':
		return appendName(b, d.Month, it.n, monthNames[d.Month-1])
	case 'Q', 'q':
		return appendQuarter(b, (d.Month+2)/3, it.n)
	case 'd':
		return appendInt(b, d.Day, it.n)
	case 'D':
		return appendInt(b, calendar.YearDay(t.days), it.n)
	case 'F':
		return appendInt(b, (d.Day-1)%7+1, it.n)
	case 'E':
		name := dayNames[calendar.Weekday(t.days)]
		if it.n < 4 {
			name = name[:3]
		}
		return append(b, name...)
	case 'S':
		return append(b, fraction(t.micros%calendar.Second, it.n)...)
	}
	return it.appendClock(b, t)
}

// appendClock formats times of day and zones.
func (it *patItem) appendClock(b []byte, t *clock) []byte {
	hour := int(t.micros / calendar.Hour)
	switch it.letter {
	case 'H':
		return appendInt(b, hour, it.n)
	case 'k':
		return appendInt(b, (hour+23)%24+1, it.n)
	case 'K':
		return appendInt(b, hour%12, it.n)
	case 'h':
		return appendInt(b, (hour+11)%12+1, it.n)
	case 'a':
		if hour < 12 {
			return append(b, "AM"...)
		}
		return append(b, "PM"...)
	case 'm':
		return appendInt(b, int(t.micros/calendar.Minute%60), it.n)
	case 's':
		return appendInt(b, int(t.micros/calendar.Second%60), it.n)
	case 'V':
		return append(b, zoneID(t.loc)...)
	case 'z':
		return append(b, zoneName(t, it.n)...)
	}
	return append(b, offsetText(t.offset, it.letter, it.n)...)
}

func appendInt(b []byte, v, width int) []byte {
	var buf [20]byte
	k := len(buf)
	neg := v < 0
	if neg {
		v = -v
	}
	for v > 0 || k == len(buf) {
		k--
		buf[k] = byte('0' + v%10)
		v /= 10
	}
	if neg {
		b = append(b, '-')
	}
	for pad := width - (len(buf) - k); pad > 0; pad-- {
		b = append(b, '0')
	}
	return append(b, buf[k:]...)
}

// appendYear: two letters are the last two digits; four and more show a sign beyond their width.
func appendYear(b []byte, year, n int) []byte {
	if year <= 0 {
		year = 1 - year
	}
	switch {
	case n == 2:
		return appendInt(b, int(calendar.FloorMod(int64(year), 100)), 2)
	case n >= 4 && year > 9999:
		return appendInt(append(b, '+'), year, n)
	}
	return appendInt(b, year, n)
}

func eraName(year, n int) string {
	switch {
	case n == 4 && year <= 0:
		return "Before Christ"
	case n == 4:
		return "Anno Domini"
	case year <= 0:
		return "BC"
	}
	return "AD"
}

func appendName(b []byte, v, n int, name string) []byte {
	switch n {
	case 3:
		return append(b, name[:3]...)
	case 4:
		return append(b, name...)
	}
	return appendInt(b, v, n)
}

var ordinalQuarters = [...]string{"1st", "2nd", "3rd", "4th"}

func appendQuarter(b []byte, q, n int) []byte {
	switch n {
	case 3:
		return appendInt(append(b, 'Q'), q, 1)
	case 4:
		return append(append(b, ordinalQuarters[q-1]...), " quarter"...)
	}
	return appendInt(b, q, n)
}

// fraction is the first n digits of a second's fraction.
func fraction(micros int64, n int) []byte {
	b := append(appendInt(nil, int(micros), 6), "000"...)
	return b[:n]
}

func zoneID(loc *time.Location) string {
	if loc == nil || loc == time.UTC {
		return "UTC"
	}
	return loc.String()
}

func zoneName(t *clock, n int) string {
	if t.loc == nil {
		return "UTC"
	}
	name, _ := time.Unix(t.utc, 0).In(t.loc).Zone()
	if name == "LMT" { // before zones had names, Java uses today's
		name, _ = time.Unix(standardTime, 0).In(t.loc).Zone()
	}
	if n == 4 {
		if long, ok := longZones[name]; ok {
			return long
		}
	}
	return name
}

// standardTime is a moment of northern winter, for the names of zones.
const standardTime = 946684800

// longZones are the long names of the abbreviations that zone data has.
var longZones = map[string]string{
	"UTC": "Coordinated Universal Time", "PST": "Pacific Standard Time", "PDT": "Pacific Daylight Time", "EST": "Eastern Standard Time", "EDT": "Eastern Daylight Time",
	"CST": "Central Standard Time", "CDT": "Central Daylight Time", "MST": "Mountain Standard Time", "MDT": "Mountain Daylight Time",
	"CET": "Central European Standard Time", "CEST": "Central European Summer Time", "GMT": "Greenwich Mean Time", "BST": "British Summer Time", "JST": "Japan Standard Time",
}

// offsetText formats an offset by the letters X, x, Z and O.
func offsetText(secs int, letter byte, n int) string {
	switch {
	case letter == 'O' || letter == 'Z' && n == 4:
		return gmtText(secs, n)
	case secs == 0 && (letter == 'X' || letter == 'Z' && n == 5):
		return "Z"
	case letter == 'Z' && n < 4:
		n = 2
	case letter == 'Z':
		n = 5
	}
	b := []byte{'+'}
	if secs < 0 {
		b[0], secs = '-', -secs
	}
	colon := n == 3 || n == 5
	b = appendInt(b, secs/3600, 2)
	if n == 1 && secs/60%60 == 0 {
		return string(b)
	}
	if colon {
		b = append(b, ':')
	}
	b = appendInt(b, secs/60%60, 2)
	if n >= 4 && secs%60 != 0 {
		if colon {
			b = append(b, ':')
		}
		b = appendInt(b, secs%60, 2)
	}
	return string(b)
}

func gmtText(secs, n int) string {
	if secs == 0 {
		return "GMT"
	}
	b := []byte("GMT+")
	if secs < 0 {
		b[3], secs = '-', -secs
	}
	width := 2
	if n == 1 {
		width = 1
	}
	b = appendInt(b, secs/3600, width)
	if n == 4 || secs%3600 != 0 {
		b = appendInt(append(b, ':'), secs/60%60, 2)
	}
	if secs%60 != 0 {
		b = appendInt(append(b, ':'), secs%60, 2)
	}
	return string(b)
}
