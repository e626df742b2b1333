package scalar

import (
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Temporal reads and writes dates and timestamps by a source's options. It
// serves one goroutine.
type Temporal struct {
	date, stamp, ntz *Pattern // nil: Spark's lenient default
	zone             *calendar.Zone
	zoneID           string
	now              time.Time
	outDate          *Pattern
	months           [monthSlots]month
	outStamp, outNTZ *Pattern
}

// monthSlots covers twenty years of months that do not evict each other.
const monthSlots = 256

// month is what dates of one month have in common.
type month struct {
	key         int // year*12+month-1
	start, days int // of its first day; how many it has, 0: slot is empty
}

// Patterns written when no option says otherwise.
const (
	defaultDate  = "yyyy-MM-dd"
	defaultStamp = "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]"
	defaultNTZ   = "yyyy-MM-dd'T'HH:mm:ss[.SSS]"
)

// NewTemporal takes dateformat, timestampformat, timestampntzformat and
// timezone from opt; zoneID is the session's. now dates times of day.
func NewTemporal(opt map[string]string, zoneID string, now time.Time) (*Temporal, error) {
	if z := opt["timezone"]; z != "" {
		zoneID = z
	}
	if zoneID == "" {
		zoneID = "UTC"
	}
	loc, err := calendar.ParseZone(zoneID)
	if err != nil {
		return nil, errs.E(errs.Invalid, "scalar.Temporal", errs.Cond(errs.DateTime, "INVALID_TIMEZONE", "22009", "The time zone "+zoneID+" is not known.", "timeZone", zoneID))
	}
	t := &Temporal{zone: calendar.NewZone(loc), zoneID: zoneID, now: now}
	for _, p := range []struct {
		key, fallback string
		in, out       **Pattern
	}{
		{"dateformat", defaultDate, &t.date, &t.outDate},
		{"timestampformat", defaultStamp, &t.stamp, &t.outStamp},
		{"timestampntzformat", defaultNTZ, &t.ntz, &t.outNTZ},
	} {
		text := opt[p.key]
		if text != "" {
			if *p.in, err = NewPattern(text); err != nil {
				return nil, err
			}
			*p.out = *p.in
			continue
		}
		if *p.out, err = NewPattern(p.fallback); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// HasDate and HasTimestamp tell whether options give a pattern.
func (t *Temporal) HasDate() bool      { return t.date != nil }
func (t *Temporal) HasTimestamp() bool { return t.stamp != nil }

// Date reads a date.
func (t *Temporal) Date(b []byte) (int32, bool) {
	if t.date != nil {
		return t.date.Date(b)
	}
	if d, ok := t.plainDate(b); ok {
		return d, true
	}
	d, ok := calendar.ParseDate(b)
	return int32(d), ok
}

// plainDate reads yyyy-MM-dd; months found are remembered.
func (t *Temporal) plainDate(b []byte) (int32, bool) {
	if len(b) != 10 || b[4] != '-' || b[7] != '-' {
		return 0, false
	}
	y, ok1 := twoDigits(b[0], b[1])
	z, ok2 := twoDigits(b[2], b[3])
	m, ok3 := twoDigits(b[5], b[6])
	d, ok4 := twoDigits(b[8], b[9])
	if !ok1 || !ok2 || !ok3 || !ok4 || m < 1 || m > 12 {
		return 0, false
	}
	y = y*100 + z
	key := y*12 + m - 1
	c := &t.months[key%monthSlots]
	if c.key != key || c.days == 0 {
		*c = month{key, calendar.Days(y, m, 1), calendar.MonthDays(y, m)}
	}
	return int32(c.start + d - 1), d >= 1 && d <= c.days
}

func twoDigits(a, b byte) (int, bool) {
	a, b = a-'0', b-'0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}

// Timestamp reads an instant.
func (t *Temporal) Timestamp(b []byte) (int64, bool) {
	if t.stamp == nil {
		return calendar.ParseTimestamp(b, t.zone, t.now)
	}
	local, loc, zoned, ok := t.stamp.Local(b)
	if !ok {
		return 0, false
	}
	if zoned {
		return calendar.NewZone(loc).UTC(local), true
	}
	return t.zone.UTC(local), true
}

// NTZ reads a wall clock. A zone in the text is refused, so that inference
// takes such text for an instant.
func (t *Temporal) NTZ(b []byte) (int64, bool) {
	if t.ntz == nil {
		return calendar.ParseTimestampNTZ(b, false)
	}
	local, _, zoned, ok := t.ntz.Local(b)
	return local, ok && !zoned
}

// AppendDate writes a date.
func (t *Temporal) AppendDate(b []byte, days int32) []byte {
	return t.outDate.Append(b, int64(days)*calendar.Day, 0, "")
}

// AppendTimestamp writes an instant in the zone of the options.
func (t *Temporal) AppendTimestamp(b []byte, utc int64) []byte {
	off := t.zone.Offset(calendar.FloorDiv(utc, calendar.Second))
	return t.outStamp.Append(b, utc+off*calendar.Second, off, t.zoneID)
}

// AppendNTZ writes a wall clock.
func (t *Temporal) AppendNTZ(b []byte, local int64) []byte { return t.outNTZ.Append(b, local, 0, "") }

// Looks tells cheaply whether text may be a date or time: it starts with a
// digit or sign and has a separator.
func Looks(b []byte) bool {
	if len(b) < 4 || b[0] > '9' {
		return false
	}
	return strings.ContainsAny(Text(b), "-:/")
}
