package function

import (
	"math"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// sumIntervals is + and - of two intervals of one kind.
func sumIntervals(op arith, t types.Type, m mode) Kernel {
	switch t.Kind {
	case types.KindYearMonthInterval:
		return sumUnits[int32](op, m)
	case types.KindDayTimeInterval:
		return sumUnits[int64](op, m)
	default:
	}
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		a, b, dst := SlotsOf[batch.Interval](args[0]), SlotsOf[batch.Interval](args[1]), batch.Values[batch.Interval](out)
		for i := range n {
			if !out.Valid(i) {
				continue
			}
			z, ok := sumCalendar(op, a.At(i), b.At(i))
			if !ok && m == modeAnsi {
				return IntervalOverflow(arithTry[op])
			}
			if !ok && m == modeTry {
				out.SetNull(i)
			}
			dst[i] = z
		}
		return nil
	}
}

func sumCalendar(op arith, x, y batch.Interval) (batch.Interval, bool) {
	bad := overflows(op, x.Months, y.Months) || overflows(op, x.Days, y.Days) || overflows(op, x.Micros, y.Micros)
	if op == opSub {
		y = batch.Interval{Months: -y.Months, Days: -y.Days, Micros: -y.Micros}
	}
	return batch.Interval{Months: x.Months + y.Months, Days: x.Days + y.Days, Micros: x.Micros + y.Micros}, !bad
}

// sumUnits adds months or microseconds; an overflow is an error in every mode but try.
func sumUnits[T int32 | int64](op arith, m mode) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		dst := batch.Values[T](out)[:n]
		if !intLoop(op, args[0], args[1], dst) {
			return nil
		}
		a, b := SlotsOf[T](args[0]), SlotsOf[T](args[1])
		for i := range n {
			if !out.Valid(i) || !overflows(op, a.At(i), b.At(i)) {
				continue
			}
			if m != modeTry {
				return IntervalOverflow(arithTry[op])
			}
			out.SetNull(i)
		}
		return nil
	}
}

// divideIntervals is interval div interval.
func divideIntervals(t types.Type, m mode) Kernel {
	if t.Kind == types.KindYearMonthInterval {
		return divideUnits[int32](m)
	}
	return divideUnits[int64](m)
}

func divideUnits[T int32 | int64](m mode) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		a, b, dst := SlotsOf[T](args[0]), SlotsOf[T](args[1]), batch.Values[int64](out)
		for i := range n {
			switch {
			case !out.Valid(i):
			case b.At(i) != 0:
				dst[i] = int64(a.At(i)) / int64(b.At(i))
			case m == modeTry:
				out.SetNull(i)
			default:
				return IntervalDivideByZero()
			}
		}
		return nil
	}
}

// scaleInterval is interval * number and interval / number, rounded half up.
func scaleInterval(op arith, t, num types.Type, m mode) Kernel {
	if t.Kind == types.KindCalendarInterval {
		return scaleCalendar(op, m)
	}
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		for i := range n {
			if !out.Valid(i) {
				continue
			}
			units := unitsAt(args[0], i)
			z, ok, zero := scaleUnits(op, units, args[1], i, num)
			if t.Kind == types.KindYearMonthInterval {
				ok = ok && int64(int32(z)) == z
			}
			switch {
			case zero && m != modeTry:
				return IntervalDivideByZero()
			case (zero || !ok) && m == modeTry:
				out.SetNull(i)
			case !ok:
				return scaleOverflow(op)
			case t.Kind == types.KindYearMonthInterval:
				batch.Values[int32](out)[i] = int32(z)
			default:
				batch.Values[int64](out)[i] = z
			}
		}
		return nil
	}
}

func scaleOverflow(op arith) error { return IntervalOverflow(arithTry[op]) }

// unitsAt is an interval's months or microseconds.
func unitsAt(v *batch.Vector, i int) int64 {
	if v.Phys() == types.PhysInt32 {
		return int64(batch.Values[int32](v)[i&rowMask(v)])
	}
	return batch.Values[int64](v)[i&rowMask(v)]
}

// scaleUnits multiplies or divides units by the number in row i of v.
func scaleUnits(op arith, units int64, v *batch.Vector, i int, num types.Type) (z int64, ok, zero bool) {
	i &= rowMask(v)
	switch num.Kind {
	case types.KindDouble:
		x := batch.Values[float64](v)[i]
		if op == opDiv && x == 0 {
			return 0, false, true
		}
		f := float64(units) * x
		if op == opDiv {
			f = float64(units) / x
		}
		f = math.Round(f)
		return int64(f), f >= -0x1p63 && f < 0x1p63, false
	case types.KindDecimal:
		var w wideSlots
		return scaleExact(op, units, w.load(v).At(i), int(num.Scale))
	default:
	}
	return scaleExact(op, units, decimal.FromInt64(batch.Values[int64](v)[i]), 0)
}

func scaleExact(op arith, units int64, x batch.Int128, scale int) (z int64, ok, zero bool) {
	u, p := decimal.FromInt64(units), decimal.Pow10(scale)
	var w batch.Int128
	if op == opMul {
		w, ok = decimal.MulDiv(u, x, p)
	} else {
		if x == (batch.Int128{}) {
			return 0, false, true
		}
		w, ok = decimal.MulDiv(u, p, x)
	}
	return w.Int64(), ok && w.IsInt64(), false
}

func scaleCalendar(op arith, m mode) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		a, b, dst := SlotsOf[batch.Interval](args[0]), SlotsOf[float64](args[1]), batch.Values[batch.Interval](out)
		for i := range n {
			if !out.Valid(i) {
				continue
			}
			x := b.At(i)
			if op == opDiv && x == 0 {
				if m == modeAnsi {
					return IntervalDivideByZero()
				}
				out.SetNull(i)
				continue
			}
			z, ok := calendarTimes(a.At(i), x, op == opDiv)
			if !ok && m == modeAnsi {
				return scaleOverflow(op)
			}
			if !ok {
				out.SetNull(i)
			}
			dst[i] = z
		}
		return nil
	}
}

// calendarTimes scales each part and hands fractions down: months to days of
// 31 to a month, days to microseconds.
func calendarTimes(v batch.Interval, x float64, div bool) (batch.Interval, bool) {
	f := func(u float64) float64 {
		if div {
			return u / x
		}
		return u * x
	}
	months := f(float64(v.Months))
	wholeMonths := math.Trunc(months)
	days := f(float64(v.Days)) + 31*(months-wholeMonths)
	wholeDays := math.Trunc(days)
	micros := math.Round(f(float64(v.Micros)) + float64(calendar.Day)*(days-wholeDays))
	ok := math.Abs(wholeMonths) < 1<<31 && math.Abs(wholeDays) < 1<<31 && math.Abs(micros) < 1<<63
	return batch.Interval{Months: int32(wholeMonths), Days: int32(wholeDays), Micros: int64(micros)}, ok
}
