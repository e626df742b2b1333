package function

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// defaultPattern is that of unix_timestamp and from_unixtime.
const defaultPattern = "yyyy-MM-dd HH:mm:ss"

// patternCache remembers the pattern compiled last: patterns are nearly always constants.
type patternCache struct {
	src string
	p   *timePattern
}

func (k *patternCache) get(src []byte) (*timePattern, error) {
	if k.p != nil && k.src == string(src) {
		return k.p, nil
	}
	p, err := compilePattern(string(src))
	if err == nil {
		k.src, k.p = string(src), p
	}
	return p, err
}

// patternArg is the pattern in argument i, defaultPattern if it is not given.
func (k *patternCache) patternArg(c *cells, i int) (*timePattern, error) {
	if i < len(c.args) {
		return k.get(c.str(i))
	}
	return k.get([]byte(defaultPattern))
}

// newDateFormat is date_format(timestamp, pattern).
func newDateFormat(env *Env, call *plan.Call) (Kernel, error) {
	z, cache := zoneOf(env, call.Args[0].Type()), &patternCache{}
	loc := env.Zone
	return rowKernel(func(c *cells) error {
		p, err := cache.get(c.str(1))
		if err != nil {
			return err
		}
		t := clockAt(c.long(0), z, loc)
		c.buf = p.append(c.buf[:0], &t)
		c.setStr(c.buf)
		return nil
	}), nil
}

// newFromUnixtime is from_unixtime(seconds[, pattern]).
func newFromUnixtime(env *Env, _ *plan.Call) (Kernel, error) {
	z, cache := calendar.NewZone(env.Zone), &patternCache{}
	return rowKernel(func(c *cells) error {
		p, err := cache.patternArg(c, 1)
		if err != nil {
			return err
		}
		micros, ok := calendar.MulAdd(abs64(c.long(0)), calendar.Second, 0)
		if !ok {
			return Overflow("long overflow", "")
		}
		if c.long(0) < 0 {
			micros = -micros
		}
		t := clockAt(micros, z, env.Zone)
		c.buf = p.append(c.buf[:0], &t)
		c.setStr(c.buf)
		return nil
	}), nil
}

func errCannotParse(text string) error {
	return errs.Cond(errs.DateTime, "CANNOT_PARSE_TIMESTAMP", "22007",
		"The text '"+text+"' does not fit the pattern; use try_to_timestamp to get null instead.", "func", "`try_to_timestamp`", "message", "Text '"+text+"' could not be parsed")
}

// momentReader reads argument 0, whatever its type, as an instant (or a wall
// clock, for timestamps without time zone) by the pattern in argument 1.
type momentReader struct {
	z     *calendar.Zone
	ntz   bool
	cache patternCache
}

func (r *momentReader) read(c *cells) (micros int64, ok bool, err error) {
	switch v := c.vector(0); v.Type.Kind {
	case types.KindDate:
		local := int64(c.int(0)) * calendar.Day
		if r.ntz {
			return local, true, nil
		}
		return r.z.UTC(local), true, nil
	case types.KindTimestamp:
		if r.ntz {
			return r.z.Local(c.long(0)), true, nil
		}
		return c.long(0), true, nil
	case types.KindTimestampNTZ:
		if r.ntz {
			return c.long(0), true, nil
		}
		return r.z.UTC(c.long(0)), true, nil
	default:
	}
	p, err := r.cache.patternArg(c, 1)
	if err != nil {
		return 0, false, err
	}
	out, ok := p.parse(string(c.str(0)))
	if !ok {
		return 0, false, nil
	}
	if r.ntz {
		micros, ok = out.local()
		return micros, ok && out.zone == nil, nil
	}
	micros, ok = out.instant(r.z)
	return micros, ok, nil
}

// parseMoment makes the functions that read a timestamp: unit divides its microseconds.
func parseMoment(ntz, try bool, unit int64) maker {
	return func(env *Env, call *plan.Call) (Kernel, error) {
		r := &momentReader{z: calendar.NewZone(env.Zone), ntz: ntz}
		return rowKernel(func(c *cells) error {
			micros, ok, err := r.read(c)
			switch {
			case err != nil && !try:
				return err
			case ok && err == nil:
				c.setLong(calendar.FloorDiv(micros, unit))
			case call.Ansi && !try:
				return errCannotParse(string(c.str(0)))
			default:
				c.setNull()
			}
			return nil
		}), nil
	}
}

// wantMoment is what functions that read timestamps by a pattern take.
var wantMoment = OneOf(WantString, WantDate, WantAnyTime)

// momentRule types them; text may fail to parse, so that the result may be
// null without ANSI or under try.
func momentRule(result types.Type, try bool) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		t, err := Fixed(result, wantMoment, WantString)(env, args)
		t.Nullable = t.Nullable || try || !env.Ansi
		return t, err
	}
}

// newToTime is to_time(text, pattern) and try_to_time.
func newToTime(try bool) maker {
	return func(*Env, *plan.Call) (Kernel, error) {
		cache := &patternCache{}
		return rowKernel(func(c *cells) error {
			if len(c.args) == 1 {
				return plainTime(c, try)
			}
			p, err := cache.get(c.str(1))
			if err != nil {
				return err
			}
			out, ok := p.parse(string(c.str(0)))
			micros, ok2 := out.micros()
			if ok && ok2 {
				c.setLong(micros*1000 + max(out.nanos, 0)%1000)
				return nil
			}
			return noTime(c, try)
		}), nil
	}
}

func plainTime(c *cells, try bool) error {
	nanos, ok := calendar.ParseTime(c.str(0))
	if ok {
		c.setLong(nanos)
		return nil
	}
	return noTime(c, try)
}

func noTime(c *cells, try bool) error {
	if try {
		c.setNull()
		return nil
	}
	text := string(c.str(0))
	return errs.Cond(errs.DateTime, "CANNOT_PARSE_TIME", "22010", "The text '"+text+"' is no time.", "input", "'"+text+"'", "format", "''")
}

// shiftZone makes from_utc_timestamp (sign 1) and to_utc_timestamp (-1).
func shiftZone(toLocal bool) maker {
	return func(*Env, *plan.Call) (Kernel, error) {
		var name []byte
		var z *calendar.Zone
		return rowKernel(func(c *cells) error {
			if s := c.str(1); z == nil || string(s) != string(name) {
				loc, err := LoadZone(string(s))
				if err != nil {
					return err
				}
				name, z = append(name[:0], s...), calendar.NewZone(loc)
			}
			if toLocal {
				c.setLong(z.Local(c.long(0)))
			} else {
				c.setLong(z.UTC(c.long(0)))
			}
			return nil
		}), nil
	}
}

// convertZone is convert_timezone(from, to, wall clock); two arguments leave
// from to the session.
func convertZone(env *Env, _ *plan.Call) (Kernel, error) {
	zones := map[string]*calendar.Zone{} // bounded by maxZones
	find := func(name string) (*calendar.Zone, error) {
		if z, ok := zones[name]; ok {
			return z, nil
		}
		loc, err := LoadZone(name)
		if err != nil {
			return nil, err
		}
		if len(zones) >= maxZones {
			clear(zones)
		}
		zones[name] = calendar.NewZone(loc)
		return zones[name], nil
	}
	return rowKernel(func(c *cells) error {
		last := len(c.args) - 1
		from := calendar.NewZone(env.Zone)
		var err error
		if last == 2 {
			if from, err = find(string(c.str(0))); err != nil {
				return err
			}
		}
		to, err := find(string(c.str(last - 1)))
		if err != nil {
			return err
		}
		c.setLong(to.Local(from.UTC(c.long(last))))
		return nil
	}), nil
}

// maxZones bounds the zones a kernel remembers.
const maxZones = 64

// constKernel gives one boxed value for all rows.
func constKernel(value func(env *Env) any) maker {
	return func(env *Env, _ *plan.Call) (Kernel, error) {
		x := value(env)
		return func(_ []*batch.Vector, n int, out *batch.Vector) error {
			out.Reset(0)
			out.Append(x)
			out.SetConst(n)
			return nil
		}, nil
	}
}
