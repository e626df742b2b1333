package function

import (
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/types"
)

// fromTime casts dates, timestamps, times and intervals to all but text and decimals.
func (c *caster) fromTime() Kernel {
	switch c.from.Kind {
	case types.KindDate:
		return c.fromDate()
	case types.KindTimestamp, types.KindTimestampNTZ:
		return c.fromTimestamp()
	case types.KindTime:
		return c.fromTimeOfDay()
	case types.KindYearMonthInterval, types.KindDayTimeInterval:
		return c.fromInterval()
	default:
	}
	return nil
}

func (c *caster) fromDate() Kernel {
	switch c.to.Kind {
	case types.KindTimestamp:
		return c.days(true)
	case types.KindTimestampNTZ:
		return c.days(false)
	default:
	}
	return allNull // legacy mode: a date is no number
}

func (c *caster) days(zoned bool) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src, dst := batch.Values[int32](args[0])[:n], batch.Values[int64](out)[:n]
		for i := range dst {
			dst[i] = int64(src[i]) * calendar.Day
			if zoned && out.Valid(i) {
				dst[i] = c.zone.UTC(dst[i])
			}
		}
		return nil
	}
}

func (c *caster) fromTimestamp() Kernel {
	local := c.from.Kind == types.KindTimestamp
	switch c.to.Kind {
	case types.KindDate:
		return c.timestampToDate(local)
	case types.KindTime:
		return c.timestampToTime(local)
	case types.KindTimestamp, types.KindTimestampNTZ:
		return c.shiftZone
	case types.KindBool:
		return toBool[int64]
	case types.KindByte:
		return timestampToInt[int8](c)
	case types.KindShort:
		return timestampToInt[int16](c)
	case types.KindInt:
		return timestampToInt[int32](c)
	case types.KindLong:
		return timestampToInt[int64](c)
	case types.KindFloat:
		return microsToFloat[float32]
	case types.KindDouble:
		return microsToFloat[float64]
	default:
	}
	return nil
}

func (c *caster) timestampToDate(local bool) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src, dst := batch.Values[int64](args[0])[:n], batch.Values[int32](out)[:n]
		for i := range dst {
			v := src[i]
			if local && out.Valid(i) {
				v = c.zone.Local(v)
			}
			d, _ := calendar.Split(v)
			dst[i] = int32(d)
		}
		return nil
	}
}

func (c *caster) timestampToTime(local bool) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src, dst := batch.Values[int64](args[0])[:n], batch.Values[int64](out)[:n]
		for i := range dst {
			v := src[i]
			if local && out.Valid(i) {
				v = c.zone.Local(v)
			}
			_, rest := calendar.Split(v)
			dst[i] = cutTime(rest*1000, int(c.to.Precision))
		}
		return nil
	}
}

// cutTime drops digits of a second's fraction beyond a precision.
func cutTime(nanos int64, digits int) int64 {
	unit := int64(1e9)
	for range digits {
		unit /= 10
	}
	return nanos - nanos%max(unit, 1)
}

// shiftZone casts between timestamps with and without zone.
func (c *caster) shiftZone(args []*batch.Vector, n int, out *batch.Vector) error {
	src, dst := batch.Values[int64](args[0])[:n], batch.Values[int64](out)[:n]
	for i := range dst {
		switch {
		case !out.Valid(i):
		case c.to.Kind == types.KindTimestamp:
			dst[i] = c.zone.UTC(src[i])
		default:
			dst[i] = c.zone.Local(src[i])
		}
	}
	return nil
}

func timestampToInt[D integer](c *caster) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src, dst := batch.Values[int64](args[0])[:n], batch.Values[D](out)[:n]
		for i := range dst {
			s := calendar.FloorDiv(src[i], calendar.Second)
			dst[i] = D(s)
			if c.wraps() || int64(dst[i]) == s || !out.Valid(i) {
				continue
			}
			if err := c.tooLarge(out, i, args[0].Get(i)); err != nil {
				return err
			}
		}
		return nil
	}
}

func microsToFloat[D float](args []*batch.Vector, n int, out *batch.Vector) error {
	src, dst := batch.Values[int64](args[0])[:n], batch.Values[D](out)[:n]
	for i := range dst {
		dst[i] = D(float64(src[i]) / 1e6)
	}
	return nil
}

func (c *caster) fromTimeOfDay() Kernel {
	switch c.to.Kind {
	case types.KindTime:
		return func(args []*batch.Vector, n int, out *batch.Vector) error {
			src, dst := batch.Values[int64](args[0])[:n], batch.Values[int64](out)[:n]
			for i := range dst {
				dst[i] = cutTime(src[i], int(c.to.Precision))
			}
			return nil
		}
	case types.KindByte:
		return unitsToInt[int8](c, 1e9)
	case types.KindShort:
		return unitsToInt[int16](c, 1e9)
	case types.KindInt:
		return unitsToInt[int32](c, 1e9)
	case types.KindLong:
		return unitsToInt[int64](c, 1e9)
	default:
	}
	return nil
}

func (c *caster) fromInterval() Kernel {
	unit, _ := unitOf(c.from)
	switch c.to.Kind {
	case types.KindYearMonthInterval, types.KindDayTimeInterval:
		return c.cutInterval
	case types.KindByte:
		return unitsToInt[int8](c, unit)
	case types.KindShort:
		return unitsToInt[int16](c, unit)
	case types.KindInt:
		return unitsToInt[int32](c, unit)
	case types.KindLong:
		return unitsToInt[int64](c, unit)
	default:
	}
	return nil
}

// cutInterval drops the part below the target's last field.
func (c *caster) cutInterval(args []*batch.Vector, n int, out *batch.Vector) error {
	unit, scale := unitOf(c.to)
	if scale > 0 {
		unit = 1
	}
	for i := range n {
		v := unitsAt(args[0], i)
		v -= v % unit
		if c.to.Kind == types.KindYearMonthInterval {
			batch.Values[int32](out)[i] = int32(v)
		} else {
			batch.Values[int64](out)[i] = v
		}
	}
	return nil
}

// unitsToInt is an interval or time in whole units.
func unitsToInt[D integer](c *caster, unit int64) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		dst := batch.Values[D](out)[:n]
		for i := range dst {
			if !out.Valid(i) {
				continue
			}
			v := unitsAt(args[0], i) / unit
			dst[i] = D(v)
			if int64(dst[i]) == v {
				continue
			}
			if err := c.tooLarge(out, i, args[0].Get(i)); err != nil {
				return err
			}
		}
		return nil
	}
}
