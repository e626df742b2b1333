package function

import (
	"math"
	"strconv"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// put writes an unscaled value of the target's scale, or treats it as too large.
func (c *caster) put(out *batch.Vector, i int, z batch.Int128, ok bool, src *batch.Vector) error {
	if ok && z.Fits(int(c.to.Precision)) {
		storeDecimal(out, i, z)
		return nil
	}
	return c.tooLarge(out, i, src.Get(i))
}

// toDecimal casts numbers, booleans, timestamps and intervals to decimals.
func (c *caster) toDecimal() Kernel {
	scale := int(c.to.Scale)
	switch {
	case c.from.IsFractional():
		return c.floatToDecimal
	case c.from.Kind == types.KindTimestamp:
		return c.scaledToDecimal(6)
	case c.from.Kind == types.KindTime:
		return c.scaledToDecimal(9)
	case c.from.IsInterval():
		return c.intervalToDecimal()
	case c.from.IsIntegral() && plan.SafeCast(c.from, c.to) && c.to.Phys() == types.PhysInt64:
		return func(args []*batch.Vector, n int, out *batch.Vector) error {
			dst, f := batch.Values[int64](out)[:n], decimal.Pow10Long(scale)
			for i := range dst {
				dst[i] = longAt(args[0], i) * f
			}
			return nil
		}
	}
	return c.scaledToDecimal(0)
}

// scaledToDecimal reads integers as multiples of 10^-scale.
func (c *caster) scaledToDecimal(scale int) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		for i := range n {
			if !out.Valid(i) {
				continue
			}
			z, ok := decimal.FromInt64(longAt(args[0], i)).Rescale(scale, int(c.to.Scale))
			if err := c.put(out, i, z, ok, args[0]); err != nil {
				return err
			}
		}
		return nil
	}
}

func (c *caster) floatToDecimal(args []*batch.Vector, n int, out *batch.Vector) error {
	single := args[0].Phys() == types.PhysFloat32
	for i := range n {
		if !out.Valid(i) {
			continue
		}
		var z batch.Int128
		var ok bool
		var x float64
		if single {
			x = float64(batch.Values[float32](args[0])[i])
			z, ok = decimal.FromFloat(batch.Values[float32](args[0])[i], int(c.to.Scale))
		} else {
			x = batch.Values[float64](args[0])[i]
			z, ok = decimal.FromDouble(x, int(c.to.Scale))
		}
		if math.IsNaN(x) || math.IsInf(x, 0) {
			out.SetNull(i) // in every mode
			continue
		}
		if err := c.put(out, i, z, ok, args[0]); err != nil {
			return err
		}
	}
	return nil
}

// fromDecimal casts decimals to all but text.
func (c *caster) fromDecimal() Kernel {
	switch c.to.Kind {
	case types.KindDecimal:
		return c.decimalToDecimal()
	case types.KindBool:
		return func(args []*batch.Vector, n int, out *batch.Vector) error {
			var w wideSlots
			src, dst := w.load(args[0]), batch.Values[bool](out)[:n]
			for i := range dst {
				dst[i] = src.At(i) != batch.Int128{}
			}
			return nil
		}
	case types.KindByte:
		return decimalToInt[int8](c)
	case types.KindShort:
		return decimalToInt[int16](c)
	case types.KindInt:
		return decimalToInt[int32](c)
	case types.KindLong:
		return decimalToInt[int64](c)
	case types.KindFloat:
		return decimalToFloat[float32](c)
	case types.KindDouble:
		return decimalToFloat[float64](c)
	case types.KindTimestamp:
		return c.decimalToTimestamp
	case types.KindYearMonthInterval, types.KindDayTimeInterval:
		return c.decimalToInterval()
	default:
	}
	return nil
}

func (c *caster) decimalToDecimal() Kernel {
	from, to := int(c.from.Scale), int(c.to.Scale)
	if holds(c.to, c.from) && c.to.Phys() == types.PhysInt64 {
		f := decimal.Pow10Long(to - from)
		return func(args []*batch.Vector, n int, out *batch.Vector) error {
			src, dst := batch.Values[int64](args[0])[:n], batch.Values[int64](out)[:n]
			for i := range dst {
				dst[i] = src[i] * f
			}
			return nil
		}
	}
	var w wideSlots
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src := w.load(args[0])
		for i := range n {
			if !out.Valid(i) {
				continue
			}
			z, ok := src.At(i).Rescale(from, to)
			if err := c.put(out, i, z, ok, args[0]); err != nil {
				return err
			}
		}
		return nil
	}
}

// decimalToInt truncates; legacy mode takes the low bits of what does not fit.
func decimalToInt[D integer](c *caster) Kernel {
	var w wideSlots
	p := decimal.Pow10(int(c.from.Scale))
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src, dst := w.load(args[0]), batch.Values[D](out)[:n]
		for i := range dst {
			if !out.Valid(i) {
				continue
			}
			q, _ := src.At(i).QuoRem(p)
			dst[i] = D(q.Int64())
			if c.wraps() || q.IsInt64() && int64(dst[i]) == q.Int64() {
				continue
			}
			if err := c.tooLarge(out, i, args[0].Get(i)); err != nil {
				return err
			}
		}
		return nil
	}
}

func decimalToFloat[D float](c *caster) Kernel {
	var w wideSlots
	scale := int(c.from.Scale)
	var z D
	_, double := any(z).(float64)
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src, dst := w.load(args[0]), batch.Values[D](out)[:n]
		var buf []byte
		for i := range dst {
			if double {
				dst[i] = D(decimal.ToDouble(src.At(i), scale))
				continue
			}
			buf = decimal.AppendPlain(buf[:0], src.At(i), scale)
			f, _ := strconv.ParseFloat(string(buf), 32)
			dst[i] = D(f)
		}
		return nil
	}
}

func (c *caster) decimalToTimestamp(args []*batch.Vector, n int, out *batch.Vector) error {
	var w wideSlots
	src, dst := w.load(args[0]), batch.Values[int64](out)
	scale := int(c.from.Scale)
	for i := range n {
		if !out.Valid(i) {
			continue
		}
		x, ok := src.At(i), true
		if scale <= 6 {
			x, ok = x.Rescale(scale, 6)
		} else {
			x, _ = x.QuoRem(decimal.Pow10(scale - 6))
		}
		if !ok || !x.IsInt64() {
			if err := c.tooLarge(out, i, args[0].Get(i)); err != nil {
				return err
			}
			continue
		}
		dst[i] = x.Int64()
	}
	return nil
}

// unitOf is an interval type's last field in its units, and a scale for seconds.
func unitOf(t types.Type) (unit int64, scale int) {
	if t.Kind == types.KindYearMonthInterval {
		if t.Scale == types.FieldYear {
			return 12, 0
		}
		return 1, 0
	}
	switch t.Scale {
	case types.FieldDay:
		return calendar.Day, 0
	case types.FieldHour:
		return calendar.Hour, 0
	case types.FieldMinute:
		return calendar.Minute, 0
	}
	return calendar.Second, 6
}

func (c *caster) intervalToDecimal() Kernel {
	unit, scale := unitOf(c.from)
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		for i := range n {
			if !out.Valid(i) {
				continue
			}
			v := unitsAt(args[0], i)
			if scale == 0 {
				v /= unit
			}
			z, ok := decimal.FromInt64(v).Rescale(scale, int(c.to.Scale))
			if err := c.put(out, i, z, ok, args[0]); err != nil {
				return err
			}
		}
		return nil
	}
}

func (c *caster) decimalToInterval() Kernel {
	unit, _ := unitOf(c.to)
	var w wideSlots
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src := w.load(args[0])
		for i := range n {
			if !out.Valid(i) {
				continue
			}
			z, ok := decimal.MulDiv(src.At(i), decimal.FromInt64(unit), decimal.Pow10(int(c.from.Scale)))
			if c.putUnits(out, i, z, ok) {
				continue
			}
			if err := c.tooLarge(out, i, args[0].Get(i)); err != nil {
				return err
			}
		}
		return nil
	}
}

// putUnits writes an interval's months or microseconds if they fit.
func (c *caster) putUnits(out *batch.Vector, i int, z batch.Int128, ok bool) bool {
	v := z.Int64()
	switch {
	case !ok || !z.IsInt64():
		return false
	case c.to.Kind == types.KindDayTimeInterval:
		batch.Values[int64](out)[i] = v
	case v < math.MinInt32 || v > math.MaxInt32:
		return false
	default:
		batch.Values[int32](out)[i] = int32(v)
	}
	return true
}

func intToInterval[S integer](c *caster) Kernel {
	unit, _ := unitOf(c.to)
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src := batch.Values[S](args[0])
		for i := range n {
			if !out.Valid(i) || c.putUnits(out, i, decimal.MulLong(int64(src[i]), unit), true) {
				continue
			}
			if err := c.tooLarge(out, i, args[0].Get(i)); err != nil {
				return err
			}
		}
		return nil
	}
}
