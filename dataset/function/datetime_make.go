package function

import (
	"math"
	"strconv"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

func errFieldRange(message, fn string) error {
	return errs.Cond(errs.DateTime, "DATETIME_FIELD_OUT_OF_BOUNDS.WITH_SUGGESTION", "22023",
		message+" Use "+fn+" to get null instead.", "rangeMessage", message, "suggestedFunc", types.Quote(fn))
}

// makeDate is make_date(year, month, day).
func makeDate(_ *Env, call *plan.Call) (Kernel, error) {
	return rowKernel(func(c *cells) error {
		y, m, d := c.int(0), c.int(1), c.int(2)
		if calendar.Valid(y, m, d) && y >= -maxDateYear && y <= maxDateYear {
			c.setInt(calendar.Days(y, m, d))
			return nil
		}
		if call.Ansi {
			return errFieldRange("There is no date "+strconv.Itoa(y)+"-"+strconv.Itoa(m)+"-"+strconv.Itoa(d)+".", "try_make_date")
		}
		c.setNull()
		return nil
	}), nil
}

// Years whose microseconds fit 64 bits, and whose days fit 32.
const (
	maxYear     = 294247
	maxDateYear = 5_800_000
)

// secondsArg is the type of seconds with a fraction in make_timestamp.
var secondsArg = types.Decimal(16, 6)

// stampOf reads year, month, day, hour, minute and second from arguments k and on.
func stampOf(c *cells, k int) (local int64, ok bool) {
	y, m, d := c.int(k), c.int(k+1), c.int(k+2)
	hour, minute, micros := c.int(k+3), c.int(k+4), c.long(k+5)
	if !calendar.Valid(y, m, d) || y < -maxYear || y > maxYear || hour < 0 || hour > 23 || minute < 0 || minute > 59 || micros < 0 {
		return 0, false
	}
	if micros > calendar.Minute || micros > 59*calendar.Second+999999 && micros != calendar.Minute {
		return 0, false // 60 is the next minute, but without a fraction
	}
	return int64(calendar.Days(y, m, d))*calendar.Day + int64(hour)*calendar.Hour + int64(minute)*calendar.Minute + micros, true
}

// makeStamp is the make_timestamp family: (y, m, d, h, min, sec[, zone]) or (date[, time[, zone]]).
func makeStamp(fn string, ntz, try bool) maker {
	return func(env *Env, call *plan.Call) (Kernel, error) {
		session := calendar.NewZone(env.Zone)
		if ntz {
			session = calendar.NewZone(nil)
		}
		parts := len(call.Args) >= 6
		zoneAt := 2
		if parts {
			zoneAt = 6
		}
		return rowKernel(func(c *cells) error {
			var local int64
			ok := true
			switch {
			case parts:
				local, ok = stampOf(c, 0)
			case len(c.args) > 1:
				local = int64(c.int(0))*calendar.Day + c.long(1)/1000
			default:
				local = int64(c.int(0)) * calendar.Day
			}
			if !ok && call.Ansi && !try {
				return errFieldRange("The fields make no timestamp.", "try_"+fn)
			}
			if !ok {
				c.setNull()
				return nil
			}
			z := session
			if len(c.args) > zoneAt {
				loc, err := LoadZone(string(c.str(zoneAt)))
				if err != nil {
					return err
				}
				z = calendar.NewZone(loc)
			}
			c.setLong(z.UTC(local))
			return nil
		}), nil
	}
}

// stampRule types the make_timestamp family.
func stampRule(result types.Type, try bool) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		wants := []Want{WantInt, WantInt, WantInt, WantInt, WantInt, Exactly(secondsArg), WantString}
		if len(args) < 6 {
			wants = []Want{WantDate, Exactly(types.Time), WantString}
		}
		t, err := Fixed(result, wants...)(env, args)
		t.Nullable = t.Nullable || try && len(args) >= 6 || !env.Ansi
		if len(args) > 3 && len(args) < 6 {
			return t, WrongArgs("make_timestamp", "[1, 2, 3, 6, 7]", len(args))
		}
		return t, err
	}
}

// makeTime is make_time(hour, minute, second).
func makeTime(c *cells) error {
	h, m, s := c.int(0), c.int(1), c.long(2)
	if h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s >= calendar.Minute {
		return errs.Cond(errs.DateTime, "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION", "22023", "The fields make no time.", "rangeMessage", "Invalid value for a time")
	}
	c.setLong((int64(h)*calendar.Hour + int64(m)*calendar.Minute + s) * 1000)
	return nil
}

// intervalSum adds products and remembers that one left its range.
type intervalSum struct{ over bool }

func (s *intervalSum) add(sum, x, unit int64) int64 {
	sign := int64(1)
	if x < 0 {
		sign, x = -1, -x
	}
	p, ok := calendar.MulAdd(x, unit, 0)
	r := sum + sign*p
	if !ok || (sum^r)&(sign*p^r) < 0 {
		s.over = true
	}
	return r
}

func (s *intervalSum) int32(x int64) int32 {
	if x != int64(int32(x)) {
		s.over = true
	}
	return int32(x)
}

// makeInterval is make_interval(years, months, weeks, days, hours, mins, secs).
func makeInterval(try bool) maker {
	return func(_ *Env, call *plan.Call) (Kernel, error) {
		return rowKernel(func(c *cells) error {
			var v [7]int64
			for k := range min(len(c.args), 6) {
				v[k] = int64(c.int(k))
			}
			if len(c.args) > 6 {
				v[6] = c.long(6)
			}
			var s intervalSum
			months := s.int32(s.add(v[1], v[0], 12))
			days := s.int32(s.add(v[3], v[2], 7))
			micros := s.add(s.add(v[6], v[4], calendar.Hour), v[5], calendar.Minute)
			if s.over && call.Ansi && !try {
				return IntervalOverflow("try_make_interval")
			}
			if s.over {
				c.setNull()
				return nil
			}
			c.setSpan(batch.Interval{Months: months, Days: days, Micros: micros})
			return nil
		}), nil
	}
}

// makeDayTime is make_dt_interval(days, hours, mins, secs).
func makeDayTime(c *cells) error {
	var s intervalSum
	sum := int64(0)
	for k, unit := range []int64{calendar.Day, calendar.Hour, calendar.Minute} {
		if k < len(c.args) {
			sum = s.add(sum, int64(c.int(k)), unit)
		}
	}
	if len(c.args) > 3 {
		sum = s.add(sum, c.long(3), 1)
	}
	c.setLong(sum)
	if s.over {
		return IntervalOverflow("")
	}
	return nil
}

// makeYearMonth is make_ym_interval(years, months).
func makeYearMonth(c *cells) error {
	var s intervalSum
	sum := int64(0)
	for k, unit := range []int64{12, 1} {
		if k < len(c.args) {
			sum = s.add(sum, int64(c.int(k)), unit)
		}
	}
	c.setInt(int(s.int32(sum)))
	if s.over {
		return IntervalOverflow("")
	}
	return nil
}

// timesUnit makes timestamp_seconds, timestamp_millis and timestamp_micros of integers.
func timesUnit(unit int64) maker {
	return rows(func(c *cells) error {
		v := c.vector(0)
		switch v.Type.Kind {
		case types.KindDouble, types.KindFloat:
			return secondsReal(c)
		case types.KindDecimal:
			x, ok := c.decimal(0).Mul(decimal.FromInt64(unit))
			q, _ := x.QuoRem(decimal.Pow10(int(v.Type.Scale)))
			if !ok || !q.IsInt64() {
				return Overflow("long overflow", "")
			}
			c.setLong(q.Int64())
			return nil
		default:
		}
		x := integerAt(v, c.slot(0))
		p, ok := calendar.MulAdd(abs64(x), unit, 0)
		if !ok {
			return Overflow("long overflow", "")
		}
		if x < 0 {
			p = -p
		}
		c.setLong(p)
		return nil
	})
}

func secondsReal(c *cells) error {
	v := c.vector(0)
	var x float64
	if v.Type.Kind == types.KindFloat {
		x = float64(batch.Values[float32](v)[c.slot(0)])
	} else {
		x = c.real(0)
	}
	if math.IsNaN(x) || math.IsInf(x, 0) {
		c.setNull()
		return nil
	}
	c.setLong(int64(x * float64(calendar.Second)))
	return nil
}

// perUnit makes unix_seconds, unix_millis and unix_micros.
func perUnit(unit int64) maker {
	return rows(func(c *cells) error {
		c.setLong(calendar.FloorDiv(c.long(0), unit))
		return nil
	})
}
