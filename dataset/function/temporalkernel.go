package function

import (
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/types"
)

// temporalKernel picks the loop of an operator with a date, time or interval
// side; nil if it has none.
func temporalKernel(env *Env, op arith, a, b, out types.Type, m mode) Kernel {
	if !isTemporal(a) && !isTemporal(b) {
		return nil
	}
	if op == opAdd && isIntervalOrCalendar(a) && !isIntervalOrCalendar(b) || op == opAdd && b.Kind == types.KindDate || op == opMul && isIntervalOrCalendar(b) {
		return swapped(temporalKernel(env, op, b, a, out, m))
	}
	sign := int64(1)
	if op == opSub {
		sign = -1
	}
	switch {
	case op == opMul || op == opDiv:
		return scaleInterval(op, a, b, m)
	case op == opIDiv:
		return divideIntervals(a, m)
	case isIntervalOrCalendar(a):
		return sumIntervals(op, a, m)
	case a.Kind == types.KindTime && b.Kind == types.KindTime:
		return timeDifference
	case a.Kind == types.KindTime:
		return timePlus(sign, m)
	case isTimestamp(a) && a.Kind == b.Kind:
		return timestampDifference(env, a)
	case a.Kind == types.KindDate && b.Kind == types.KindDate:
		return dateDifference
	case a.Kind == types.KindDate && b.Kind == types.KindInt:
		return dateShift(sign)
	case a.Kind == types.KindDate:
		return datePlus(env, b, sign, m)
	}
	if out.Kind == types.KindString {
		return printed(env, timestampPlus(env, a, b, sign, m))
	}
	return timestampPlus(env, a, b, sign, m)
}

// printed shows a kernel's timestamps as text: text plus an interval stays text.
func printed(env *Env, k Kernel) Kernel {
	tmp := batch.New(types.Timestamp, 0)
	p := &printer{zone: calendar.NewZone(env.Zone)}
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		tmp.Reset(n)
		tmp.AndValidity(out.Validity())
		if err := k(args, n, tmp); err != nil {
			return err
		}
		out.AndValidity(tmp.Validity())
		var b []byte
		for i := range n {
			if out.Valid(i) {
				b = p.value(b[:0], types.Timestamp, tmp, i)
				out.SetStr(i, b)
			}
		}
		return nil
	}
}

func swapped(k Kernel) Kernel {
	if k == nil {
		return nil
	}
	var pair [2]*batch.Vector
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		pair[0], pair[1] = args[1], args[0]
		return k(pair[:], n, out)
	}
}

// zoneOf is the zone in which a timestamp type's calendar is read.
func zoneOf(env *Env, t types.Type) *calendar.Zone {
	if t.Kind == types.KindTimestamp {
		return calendar.NewZone(env.Zone)
	}
	return calendar.NewZone(nil)
}

func timestampDifference(env *Env, t types.Type) Kernel {
	z := zoneOf(env, t)
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		a, b, dst := SlotsOf[int64](args[0]), SlotsOf[int64](args[1]), batch.Values[int64](out)
		for i := range n {
			if out.Valid(i) {
				dst[i] = z.Local(a.At(i)) - z.Local(b.At(i))
			}
		}
		return nil
	}
}

func dateDifference(args []*batch.Vector, n int, out *batch.Vector) error {
	a, b, dst := SlotsOf[int32](args[0]), SlotsOf[int32](args[1]), batch.Values[int64](out)
	for i := range n {
		dst[i] = (int64(a.At(i)) - int64(b.At(i))) * calendar.Day
	}
	return nil
}

func dateShift(sign int64) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		a, b, dst := SlotsOf[int32](args[0]), SlotsOf[int32](args[1]), batch.Values[int32](out)
		s := int32(sign)
		for i := range n {
			dst[i] = a.At(i) + s*b.At(i)
		}
		return nil
	}
}

func timeDifference(args []*batch.Vector, n int, out *batch.Vector) error {
	a, b, dst := SlotsOf[int64](args[0]), SlotsOf[int64](args[1]), batch.Values[int64](out)
	for i := range n {
		dst[i] = (a.At(i) - b.At(i)) / 1000
	}
	return nil
}

// timePlus moves a time of day within its day.
func timePlus(sign int64, m mode) Kernel {
	const day = calendar.Day * 1000
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		a, b, dst := SlotsOf[int64](args[0]), SlotsOf[int64](args[1]), batch.Values[int64](out)
		for i := range n {
			if !out.Valid(i) {
				continue
			}
			t, ok := calendar.MulAdd(sign*b.At(i), 1000, a.At(i))
			if ok && t >= 0 && t < day {
				dst[i] = t
			} else if m == modeTry {
				out.SetNull(i)
			} else {
				return DatetimeOverflow("add an interval to a time")
			}
		}
		return nil
	}
}

// steps reads an interval vector of any kind as months, days and microseconds.
type steps struct {
	kind   types.Kind
	months Slots[int32]
	micros Slots[int64]
	all    Slots[batch.Interval]
}

func stepsOf(v *batch.Vector) steps {
	s := steps{kind: v.Type.Kind}
	switch s.kind {
	case types.KindYearMonthInterval:
		s.months = SlotsOf[int32](v)
	case types.KindDayTimeInterval:
		s.micros = SlotsOf[int64](v)
	default:
		s.all = SlotsOf[batch.Interval](v)
	}
	return s
}

// at is row i with a sign. A day-time interval's days are calendar days.
func (s *steps) at(i int, sign int64) (months, days int, micros int64) {
	switch s.kind {
	case types.KindYearMonthInterval:
		return int(sign) * int(s.months.At(i)), 0, 0
	case types.KindDayTimeInterval:
		v := s.micros.At(i)
		return 0, int(sign * (v / calendar.Day)), sign * (v % calendar.Day)
	default:
	}
	x := s.all.At(i)
	return int(sign) * int(x.Months), int(sign) * int(x.Days), sign * x.Micros
}

func timestampPlus(env *Env, t, _ types.Type, sign int64, m mode) Kernel {
	z := zoneOf(env, t)
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		a, b, dst := SlotsOf[int64](args[0]), stepsOf(args[1]), batch.Values[int64](out)
		for i := range n {
			if !out.Valid(i) {
				continue
			}
			months, days, micros := b.at(i, sign)
			sum, ok := z.Add(a.At(i), months, days, micros)
			if !ok && m != modeTry {
				return DatetimeOverflow("add an interval to a timestamp")
			}
			if !ok {
				out.SetNull(i)
			}
			dst[i] = sum
		}
		return nil
	}
}

// datePlus moves dates by whole days and months. Calendar intervals may carry
// a time, which ANSI mode refuses.
func datePlus(env *Env, _ types.Type, sign int64, m mode) Kernel {
	z := calendar.NewZone(env.Zone)
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		a, b, dst := SlotsOf[int32](args[0]), stepsOf(args[1]), batch.Values[int32](out)
		for i := range n {
			if !out.Valid(i) {
				continue
			}
			months, days, micros := b.at(i, sign)
			d := int(a.At(i))
			switch {
			case micros == 0:
				d = calendar.AddMonths(d, months) + days
			case m == modeLegacy:
				ts, _ := z.Add(z.UTC(int64(d)*calendar.Day), months, days, micros)
				d, _ = calendar.Split(z.Local(ts))
			case m == modeTry:
				out.SetNull(i)
			default:
				return dateWithTime()
			}
			dst[i] = int32(d)
		}
		return nil
	}
}
