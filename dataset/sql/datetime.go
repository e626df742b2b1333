package sql

import (
	"strconv"
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

const (
	microsPerSecond = 1_000_000
	microsPerMinute = 60 * microsPerSecond
	microsPerHour   = 60 * microsPerMinute
	microsPerDay    = 24 * microsPerHour
	nanosPerMicro   = 1000
)

// dateLiteral reads a DATE. The words that mean a day relative to today stay
// calls, since a text may be parsed long before it runs.
func (p *parser) dateLiteral(start int, value string) plan.Expr {
	text := strings.TrimSpace(value)
	today := &plan.Func{Name: []string{"current_date"}, At: p.from(start)}
	switch strings.ToLower(text) {
	case "epoch":
		return p.lit(start, types.Date, int32(0))
	case "now", "today":
		return today
	case "tomorrow":
		return &plan.Func{Name: []string{"date_add"}, Args: []plan.Expr{today, plan.LitInt(1)}, At: p.from(start)}
	case "yesterday":
		return &plan.Func{Name: []string{"date_sub"}, Args: []plan.Expr{today, plan.LitInt(1)}, At: p.from(start)}
	}
	if c, ok := parseCivil(text); ok {
		if days, ok := c.days(); ok {
			return p.lit(start, types.Date, int32(days))
		}
	}
	return p.invalidTyped(start, "DATE", value)
}

// timestampLiteral reads a TIMESTAMP with or without zone.
func (p *parser) timestampLiteral(start int, name, value string, ntz bool) plan.Expr {
	text := strings.TrimSpace(value)
	switch strings.ToLower(text) {
	case "epoch":
		return p.lit(start, types.Timestamp, int64(0))
	case "now":
		return &plan.Func{Name: []string{"current_timestamp"}, At: p.from(start)}
	case "today", "tomorrow", "yesterday":
		d := p.dateLiteral(start, value)
		return &plan.Cast{Child: d, To: types.Timestamp, Mode: plan.CastSession, At: p.from(start)}
	}
	c, ok := parseCivil(text)
	if timeOnly(text) { // a time of today
		return p.castText(start, value)
	}
	if !ok || c.junk {
		return p.invalidTyped(start, name, value)
	}
	local, ok := c.micros()
	switch {
	case !ok:
		return p.invalidTyped(start, name, value)
	case ntz && (c.zone == "" || name == "TIMESTAMP_NTZ"):
		return p.lit(start, types.TimestampNTZ, local)
	case c.zone != "":
		loc, ok := parseZone(c.zone)
		if !ok {
			return p.invalidTyped(start, name, value)
		}
		return p.lit(start, types.Timestamp, toUTC(local, loc))
	case p.opt.Zone != nil:
		return p.lit(start, types.Timestamp, toUTC(local, p.opt.Zone))
	}
	return p.castText(start, value)
}

// castText leaves a text to be read when it runs.
func (p *parser) castText(start int, value string) plan.Expr {
	return &plan.Cast{Child: p.lit(start, types.String, value), To: types.Timestamp, Mode: plan.CastAnsi, At: p.from(start)}
}

// timeOnly tells whether text is a time of day without a date, maybe after a T.
func timeOnly(text string) bool {
	var c civil
	text = strings.TrimPrefix(text, "T")
	c.clock(text)
	return c.hasTime && !c.junk && strings.Contains(text, ":")
}

// civil is a date and time of day as written.
type civil struct {
	year, month, day  int
	hour, minute, sec int
	micro             int
	hasTime           bool
	zone              string
	junk              bool // text after a date that is no time: dates ignore it
}

func (c *civil) days() (int64, bool) {
	t := time.Date(c.year, time.Month(c.month), c.day, 0, 0, 0, 0, time.UTC)
	if t.Day() != c.day || int(t.Month()) != c.month {
		return 0, false
	}
	s := t.Unix()
	d := (s - mod(s, 86400)) / 86400
	return d, int64(int32(d)) == d
}

func (c *civil) micros() (int64, bool) {
	d, ok := c.days()
	const lastDay = 106751991 // of int64 microseconds
	if !ok || d > lastDay-1 || d < -lastDay+1 || c.hour > 23 || c.minute > 59 || c.sec > 59 {
		return 0, false
	}
	return d*microsPerDay + int64(c.hour)*microsPerHour + int64(c.minute)*microsPerMinute + int64(c.sec)*microsPerSecond + int64(c.micro), true
}

func mod(a, b int64) int64 { return (a%b + b) % b }

// parseCivil reads [+-]y{4,7}[-m[m][-d[d][( |T)h[h]:m[m]:s[s][.f]][zone]]].
func parseCivil(s string) (civil, bool) {
	c := civil{month: 1, day: 1}
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	var ok bool
	if c.year, s, ok = takeInt(s, 4, 7); !ok {
		return c, false
	}
	if negative {
		c.year = -c.year
	}
	for _, part := range []*int{&c.month, &c.day} {
		if s == "" {
			return c, true
		}
		if s[0] != '-' {
			return c, false
		}
		if *part, s, ok = takeInt(s[1:], 1, 2); !ok {
			return c, false
		}
	}
	if s == "" {
		return c, true
	}
	if s[0] != ' ' && s[0] != 'T' {
		return c, false
	}
	c.clock(strings.TrimLeft(s[1:], " "))
	return c, true
}

// clock reads the time of day and zone; what does not read is junk.
func (c *civil) clock(s string) {
	var ok bool
	if s == "" {
		return
	}
	c.junk = true
	if c.hour, s, ok = takeInt(s, 1, 2); !ok {
		return
	}
	c.hasTime = true
	for _, part := range []*int{&c.minute, &c.sec} {
		if !strings.HasPrefix(s, ":") {
			break
		}
		if *part, s, ok = takeInt(s[1:], 1, 2); !ok {
			return
		}
	}
	if strings.HasPrefix(s, ".") {
		n := 1
		for n < len(s) && isDigit(s[n]) {
			n++
		}
		c.micro, s = fraction(s[1:n], 6), s[n:]
	}
	c.zone = strings.TrimSpace(s)
	c.junk = false
}

// fraction is the first n digits of a fraction, padded with zeros.
func fraction(digits string, n int) int {
	if len(digits) > n {
		digits = digits[:n]
	}
	v, _ := strconv.Atoi("0" + digits)
	for i := len(digits); i < n; i++ {
		v *= 10
	}
	return v
}

// takeInt cuts a number of lo to hi digits off s.
func takeInt(s string, lo, hi int) (int, string, bool) {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	if n < lo || n > hi {
		return 0, s, false
	}
	v, err := strconv.Atoi(s[:n])
	return v, s[n:], err == nil
}

// parseZone reads Z, an offset such as +02:00, a prefixed one such as UTC+2, or a region.
func parseZone(s string) (*time.Location, bool) {
	if s == "Z" || s == "z" {
		return time.UTC, true
	}
	for _, prefix := range []string{"UTC", "GMT", "UT"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok {
			if rest == "" {
				return time.UTC, true
			}
			s = rest
			break
		}
	}
	if s == "" {
		return nil, false
	}
	if s[0] == '+' || s[0] == '-' {
		return parseOffset(s)
	}
	if strings.EqualFold(s, "local") {
		return nil, false
	}
	loc, err := time.LoadLocation(s)
	return loc, err == nil
}

// parseOffset reads +h, +hh, +hhmm, +hh:mm and +hh:mm:ss, up to 18 hours.
func parseOffset(s string) (*time.Location, bool) {
	parts := strings.Split(s[1:], ":")
	switch digits := parts[0]; {
	case len(parts) > 1:
	case len(digits) == 4:
		parts = []string{digits[:2], digits[2:]}
	case len(digits) == 6:
		parts = []string{digits[:2], digits[2:4], digits[4:]}
	}
	total, unit := 0, 3600
	for i, part := range parts {
		v, rest, ok := takeInt(part, 1, 2)
		if !ok || rest != "" || i > 2 || i > 0 && v > 59 {
			return nil, false
		}
		total += v * unit
		unit /= 60
	}
	if total > 18*3600 {
		return nil, false
	}
	if s[0] == '-' {
		total = -total
	}
	return time.FixedZone("", total), true
}

// toUTC is the instant of a local time: in a gap the clock is read as before
// it, in an overlap the earlier instant counts.
func toUTC(local int64, loc *time.Location) int64 {
	sec := (local - mod(local, microsPerSecond)) / microsPerSecond
	offset := func(unix int64) int64 {
		_, o := time.Unix(unix, 0).In(loc).Zone()
		return int64(o)
	}
	before, after := offset(sec-86400), offset(sec+86400)
	o := before
	if offset(sec-before) != before && offset(sec-after) == after {
		o = after
	}
	return local - o*microsPerSecond
}

// parseTime reads h[h]:m[m][:s[s][.f]] with an optional AM or PM, as nanoseconds.
func parseTime(s string) (int64, bool) {
	var c civil
	upper := strings.ToUpper(s)
	half := ""
	for _, h := range []string{"AM", "PM"} {
		if rest, ok := strings.CutSuffix(upper, h); ok {
			upper, half = strings.TrimSpace(rest), h
		}
	}
	c.clock(upper)
	if c.junk || !c.hasTime || c.zone != "" || !strings.Contains(upper, ":") || c.minute > 59 || c.sec > 59 {
		return 0, false
	}
	switch {
	case half != "" && (c.hour < 1 || c.hour > 12), c.hour > 23:
		return 0, false
	case half == "AM" && c.hour == 12:
		c.hour = 0
	case half == "PM" && c.hour < 12:
		c.hour += 12
	}
	micros := int64(c.hour)*microsPerHour + int64(c.minute)*microsPerMinute + int64(c.sec)*microsPerSecond + int64(c.micro)
	return micros * nanosPerMicro, true
}
