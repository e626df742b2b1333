package function

import (
	"math"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/types"
)

// fromNumber casts integers, floats and booleans to all but text and decimals.
func (c *caster) fromNumber() Kernel {
	switch c.from.Kind {
	case types.KindBool:
		return castInts[int8](c)
	case types.KindByte:
		return castInts[int8](c)
	case types.KindShort:
		return castInts[int16](c)
	case types.KindInt:
		return castInts[int32](c)
	case types.KindLong:
		return castInts[int64](c)
	case types.KindFloat:
		return castFloats[float32](c)
	case types.KindDouble:
		return castFloats[float64](c)
	default:
	}
	return nil
}

func castInts[S integer](c *caster) Kernel {
	switch c.to.Kind {
	case types.KindBool:
		return toBool[S]
	case types.KindByte:
		return intToInt[S, int8](c)
	case types.KindShort:
		return intToInt[S, int16](c)
	case types.KindInt:
		return intToInt[S, int32](c)
	case types.KindLong:
		return intToInt[S, int64](c)
	case types.KindFloat:
		return toFloat[S, float32]
	case types.KindDouble:
		return toFloat[S, float64]
	case types.KindTimestamp:
		return secondsToTimestamp[S](c.from.Kind == types.KindBool)
	case types.KindYearMonthInterval, types.KindDayTimeInterval:
		return intToInterval[S](c)
	default:
	}
	return nil
}

func castFloats[S float](c *caster) Kernel {
	switch c.to.Kind {
	case types.KindBool:
		return toBool[S]
	case types.KindByte:
		return floatToInt[S, int8](c)
	case types.KindShort:
		return floatToInt[S, int16](c)
	case types.KindInt:
		return floatToInt[S, int32](c)
	case types.KindLong:
		return floatToInt[S, int64](c)
	case types.KindFloat:
		return toFloat[S, float32]
	case types.KindDouble:
		return toFloat[S, float64]
	case types.KindTimestamp:
		return floatToTimestamp[S](c)
	default:
	}
	return nil
}

func toBool[S integer | float](args []*batch.Vector, n int, out *batch.Vector) error {
	src, dst := batch.Values[S](args[0])[:n], batch.Values[bool](out)[:n]
	for i := range dst {
		dst[i] = src[i] != 0
	}
	return nil
}

func toFloat[S integer | float, D float](args []*batch.Vector, n int, out *batch.Vector) error {
	src, dst := batch.Values[S](args[0])[:n], batch.Values[D](out)[:n]
	for i := range dst {
		dst[i] = D(src[i])
	}
	return nil
}

// intToInt converts and collects whether some value changed; only then are
// rows looked at one by one.
func intToInt[S, D integer](c *caster) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src, dst := batch.Values[S](args[0])[:n], batch.Values[D](out)[:n]
		var bad int64
		for i := range dst {
			d := D(src[i])
			dst[i] = d
			bad |= int64(d) ^ int64(src[i])
		}
		if bad == 0 || c.wraps() {
			return nil
		}
		for i, d := range dst {
			if out.Valid(i) && int64(d) != int64(src[i]) {
				if err := c.tooLarge(out, i, args[0].Get(i)); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// floatToInt truncates. Out of range, legacy mode takes the nearest value of
// int or bigint, of which narrower types take the low bits.
func floatToInt[S float, D integer](c *caster) Kernel {
	bottom, top := intLimits[D]()
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src, dst := batch.Values[S](args[0])[:n], batch.Values[D](out)[:n]
		for i := range dst {
			x := float64(src[i])
			if math.Floor(x) <= top && math.Ceil(x) >= bottom {
				dst[i] = saturate[D](x) // 2^63 counts as the greatest bigint
				continue
			}
			if c.wraps() {
				dst[i] = saturate[D](x)
				continue
			}
			if !out.Valid(i) {
				continue
			}
			if err := c.tooLarge(out, i, args[0].Get(i)); err != nil {
				return err
			}
		}
		return nil
	}
}

func intLimits[D integer]() (bottom, top float64) {
	var z D
	switch any(z).(type) {
	case int8:
		return math.MinInt8, math.MaxInt8
	case int16:
		return math.MinInt16, math.MaxInt16
	case int32:
		return math.MinInt32, math.MaxInt32
	}
	return math.MinInt64, math.MaxInt64
}

func saturate[D integer](x float64) D {
	var z D
	_, wide := any(z).(int64)
	switch {
	case x != x:
		return 0
	case wide && x >= 0x1p63:
		lim := int64(math.MaxInt64)
		return D(lim)
	case wide && x < -0x1p63:
		lim := int64(math.MinInt64)
		return D(lim)
	case wide:
		return D(int64(x))
	}
	return D(int32(math.Max(math.MinInt32, math.Min(math.MaxInt32, math.Trunc(x)))))
}

// secondsToTimestamp reads integers as seconds, and true as one microsecond.
func secondsToTimestamp[S integer](boolean bool) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src, dst := batch.Values[S](args[0])[:n], batch.Values[int64](out)[:n]
		for i := range dst {
			s := int64(src[i])
			switch {
			case boolean:
				dst[i] = s
			case s > math.MaxInt64/calendar.Second:
				dst[i] = math.MaxInt64
			case s < math.MinInt64/calendar.Second:
				dst[i] = math.MinInt64
			default:
				dst[i] = s * calendar.Second
			}
		}
		return nil
	}
}

func floatToTimestamp[S float](c *caster) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src, dst := batch.Values[S](args[0])[:n], batch.Values[int64](out)[:n]
		for i := range dst {
			x := float64(src[i])
			if !math.IsNaN(x) && !math.IsInf(x, 0) && (!c.strict() || math.Abs(x*1e6) < 0x1p63) {
				dst[i] = saturate[int64](x * 1e6)
				continue
			}
			if !out.Valid(i) {
				continue
			}
			if err := c.tooLarge(out, i, args[0].Get(i)); err != nil {
				return err
			}
		}
		return nil
	}
}
