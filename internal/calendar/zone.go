package calendar

import (
	"fmt"
	"math"
	"strings"
	"time"
	_ "time/tzdata" // machines without a zone database
)

// Zone converts between UTC and the local time of one time zone. It remembers
// the last rule found and serves one goroutine.
type Zone struct {
	loc    *time.Location
	lo, hi int64 // seconds for which off holds
	off    int64
}

// NewZone makes a converter; nil is UTC.
func NewZone(loc *time.Location) *Zone {
	if loc == nil {
		loc = time.UTC
	}
	return &Zone{loc: loc, lo: 1, hi: 0}
}

// Offset is the seconds to add to UTC at a UTC second.
func (z *Zone) Offset(sec int64) int64 {
	if sec >= z.lo && sec < z.hi {
		return z.off
	}
	t := time.Unix(sec, 0).In(z.loc)
	_, off := t.Zone()
	start, end := t.ZoneBounds()
	z.off, z.lo, z.hi = int64(off), math.MinInt64, math.MaxInt64
	if !start.IsZero() {
		z.lo = start.Unix()
	}
	if !end.IsZero() {
		z.hi = end.Unix()
	}
	return z.off
}

// Local is the wall clock of an instant, both in microseconds.
func (z *Zone) Local(utc int64) int64 { return utc + z.Offset(FloorDiv(utc, Second))*Second }

// UTC is the instant of a wall clock. In an overlap it is the earlier one; in
// a gap the clock is put forward by the gap's length.
func (z *Zone) UTC(local int64) int64 {
	sec := FloorDiv(local, Second)
	before, after := z.Offset(sec-86400), z.Offset(sec+86400)
	if z.Offset(sec-before) == before || before == after {
		return local - before*Second
	}
	if z.Offset(sec-after) == after {
		return local - after*Second
	}
	return local - before*Second
}

// shortIDs are the zone abbreviations that Java's and Spark's parser knows.
var shortIDs = map[string]string{
	"ACT": "Australia/Darwin", "AET": "Australia/Sydney", "AGT": "America/Argentina/Buenos_Aires", "ART": "Africa/Cairo",
	"AST": "America/Anchorage", "BET": "America/Sao_Paulo", "BST": "Asia/Dhaka", "CAT": "Africa/Harare", "CNT": "America/St_Johns",
	"CST": "America/Chicago", "CTT": "Asia/Shanghai", "EAT": "Africa/Addis_Ababa", "IET": "America/Indiana/Indianapolis",
	"IST": "Asia/Kolkata", "JST": "Asia/Tokyo", "MIT": "Pacific/Apia", "NET": "Asia/Yerevan", "NST": "Pacific/Auckland",
	"PLT": "Asia/Karachi", "PNT": "America/Phoenix", "PRT": "America/Puerto_Rico", "PST": "America/Los_Angeles", "SST": "Pacific/Guadalcanal",
	"ECT": "Europe/Paris", //nolint:misspell // one of Java's abbreviations
	"VST": "Asia/Ho_Chi_Minh", "EST": "-05:00", "MST": "-07:00", "HST": "-10:00",
}

// ParseZone finds a zone by region name, abbreviation or offset ("UTC",
// "Europe/Berlin", "PST", "+01:00", "GMT+8", "Z").
func ParseZone(id string) (*time.Location, error) {
	name := strings.TrimSpace(id)
	if s, ok := shortIDs[name]; ok {
		name = s
	}
	switch name {
	case "Z", "UTC", "GMT", "UT", "Etc/UTC":
		return time.UTC, nil
	case "", "Local":
		return nil, fmt.Errorf("no time zone %q", id)
	}
	rest := name
	for _, p := range [...]string{"UTC", "GMT", "UT"} {
		if r, ok := strings.CutPrefix(name, p); ok && r != "" && (r[0] == '+' || r[0] == '-') {
			rest = r
			break
		}
	}
	if rest[0] == '+' || rest[0] == '-' {
		if off, ok := parseOffset(rest); ok {
			return time.FixedZone(name, off), nil
		}
		return nil, fmt.Errorf("no time zone %q", id)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("no time zone %q", id)
	}
	return loc, nil
}

// maxOffset is Java's limit of 18 hours.
const maxOffset = 18 * 3600

// parseOffset reads +h, +hh, +h:mm, +hh:mm, +hhmm, +hh:mm:ss and +hhmmss.
func parseOffset(s string) (int, bool) {
	sign := 1
	if s[0] == '-' {
		sign = -1
	}
	body := s[1:]
	var parts []string
	switch {
	case strings.Contains(body, ":"):
		parts = strings.Split(body, ":")
	case len(body) <= 2:
		parts = []string{body}
	case len(body) == 4:
		parts = []string{body[:2], body[2:]}
	case len(body) == 6:
		parts = []string{body[:2], body[2:4], body[4:]}
	}
	if len(parts) == 0 || len(parts) > 3 {
		return 0, false
	}
	total, unit := 0, 3600
	for i, p := range parts {
		v, ok := smallNumber(p)
		if !ok || len(p) > 2 || i > 0 && v > 59 || i > 1 && len(p) != 2 {
			return 0, false
		}
		total += v * unit
		unit /= 60
	}
	return sign * total, total <= maxOffset
}

func smallNumber(s string) (int, bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	v := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		v = v*10 + int(s[i]-'0')
	}
	return v, true
}
