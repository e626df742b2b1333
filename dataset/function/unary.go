package function

import (
	"math"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

type unaryOp uint8

const (
	unaryNegate unaryOp = iota
	unaryAbs
	unaryNot
	unarySame
)

var wantNumberOrInterval = OneOf(WantNumeric, WantInterval)

func unaries() []*Entry {
	entry := func(name string, op unaryOp, usage string) *Entry {
		return &Entry{
			Name: name, Group: "math_funcs", Since: "1.0.0", Usage: usage, NullIn: true, MinArgs: 1, MaxArgs: 1, Type: Same(0, wantNumberOrInterval),
			Kernel: func(_ *Env, c *plan.Call) (Kernel, error) { return unaryKernel(op, c.Typ, callMode(c, false)) },
		}
	}
	negative := entry("negative", unaryNegate, "negative(expr): expr with the opposite sign.")
	negative.Aliases = []string{"unary -"} // the operator, whose column is named otherwise
	return []*Entry{
		negative,
		entry("positive", unarySame, "positive(expr): expr itself."),
		entry("abs", unaryAbs, "abs(expr): expr without its sign."),
	}
}

func unaryKernel(op unaryOp, t types.Type, m mode) (Kernel, error) {
	if t.Kind == types.KindYearMonthInterval || t.Kind == types.KindDayTimeInterval {
		m = modeAnsi
	}
	switch t.Phys() {
	case types.PhysInt8:
		return unaryInts[int8](op, t, m), nil
	case types.PhysInt16:
		return unaryInts[int16](op, t, m), nil
	case types.PhysInt32:
		return unaryInts[int32](op, t, m), nil
	case types.PhysInt64:
		return unaryInts[int64](op, t, m), nil
	case types.PhysFloat32:
		return unaryFloats[float32](op), nil
	case types.PhysFloat64:
		return unaryFloats[float64](op), nil
	case types.PhysInt128:
		return unaryWide(op), nil
	case types.PhysInterval:
		return unaryCalendar(op, m), nil
	default:
	}
	return nil, errs.Errorf(errs.Internal, "function.Unary", "unary operator on %s", t)
}

// unaryInts negates or takes the absolute value; the smallest number has no opposite.
func unaryInts[T integer](op unaryOp, t types.Type, m mode) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src, dst := SlotsOf[T](args[0]), batch.Values[T](out)[:n]
		var bad T
		for i := range dst {
			x := src.At(i)
			switch op {
			case unaryNot:
				dst[i] = ^x
				continue
			case unarySame:
				dst[i] = x
				continue
			case unaryAbs:
				if x >= 0 {
					dst[i] = x
					continue
				}
			default:
			}
			dst[i] = -x
			bad |= x & -x // negative only for the smallest number
		}
		if bad >= 0 || m != modeAnsi || t.Kind == types.KindDecimal {
			return nil
		}
		for i, x := range dst {
			if out.Valid(i) && x < 0 && src.At(i) == x && op != unaryNot && op != unarySame {
				return noOpposite(t)
			}
		}
		return nil
	}
}

func noOpposite(t types.Type) error {
	switch {
	case t.IsInterval():
		return IntervalOverflow("")
	case t.Kind == types.KindInt:
		return Overflow("integer overflow", "")
	case t.Kind == types.KindLong:
		return Overflow("long overflow", "")
	}
	return Overflow(t.SQL()+" overflow", "")
}

func unaryFloats[T float](op unaryOp) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src, dst := SlotsOf[T](args[0]), batch.Values[T](out)[:n]
		switch op {
		case unaryNegate:
			for i := range dst {
				dst[i] = -src.At(i)
			}
		case unaryAbs:
			for i := range dst {
				dst[i] = T(math.Abs(float64(src.At(i))))
			}
		default:
			for i := range dst {
				dst[i] = src.At(i)
			}
		}
		return nil
	}
}

func unaryWide(op unaryOp) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src, dst := SlotsOf[decimal.Int128](args[0]), batch.Values[decimal.Int128](out)[:n]
		for i := range dst {
			x := src.At(i)
			if op == unaryNegate || op == unaryAbs && x.Hi < 0 {
				x = x.Neg()
			}
			dst[i] = x
		}
		return nil
	}
}

func unaryCalendar(op unaryOp, m mode) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src, dst := SlotsOf[batch.Interval](args[0]), batch.Values[batch.Interval](out)[:n]
		for i := range dst {
			dst[i] = src.At(i)
			if op != unaryNegate || !out.Valid(i) {
				continue
			}
			z, ok := sumCalendar(opSub, batch.Interval{}, dst[i])
			if !ok && m == modeAnsi {
				return IntervalOverflow("")
			}
			dst[i] = z
		}
		return nil
	}
}
