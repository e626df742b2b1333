package function

import (
	"math/bits"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

type bitwiseOp uint8

const (
	bitwiseAnd bitwiseOp = iota
	bitwiseOr
	bitwiseXor
	shiftLeft
	shiftRight
	shiftUnsigned
)

func bitwise() []*Entry {
	pair := func(name string, op bitwiseOp, usage string) *Entry {
		return &Entry{
			Name: name, Group: "bitwise_funcs", Since: "1.4.0", Usage: usage, NullIn: true, MinArgs: 2, MaxArgs: 2, Type: bitPair,
			Kernel: func(_ *Env, c *plan.Call) (Kernel, error) { return bitKernel(op, c.Typ) },
		}
	}
	shift := func(name, symbol string, op bitwiseOp) *Entry {
		return &Entry{
			Name: name, Aliases: []string{symbol}, Group: "bitwise_funcs", Since: "1.5.0", NullIn: true, MinArgs: 2, MaxArgs: 2,
			Usage: name + "(base, n): base moved by n bits.", Type: Same(0, OneOf(WantInt, WantLong), WantInt),
			Kernel: func(_ *Env, c *plan.Call) (Kernel, error) { return shiftKernel(op, c.Typ), nil },
		}
	}
	return []*Entry{
		pair("&", bitwiseAnd, "expr1 & expr2: bitwise AND."), pair("|", bitwiseOr, "expr1 | expr2: bitwise OR."), pair("^", bitwiseXor, "expr1 ^ expr2: bitwise exclusive OR."),
		shift("shiftleft", "<<", shiftLeft), shift("shiftright", ">>", shiftRight), shift("shiftrightunsigned", ">>>", shiftUnsigned),
		{
			Name: "~", Group: "bitwise_funcs", Since: "1.4.0", Usage: "~ expr: bitwise NOT.", NullIn: true, MinArgs: 1, MaxArgs: 1,
			Type:   Same(0, WantIntegral),
			Kernel: func(_ *Env, c *plan.Call) (Kernel, error) { return unaryKernel(unaryNot, c.Typ, modeLegacy) },
		},
		{
			Name: "bit_count", Group: "bitwise_funcs", Since: "3.0.0", Usage: "bit_count(expr): the number of set bits.", NullIn: true, MinArgs: 1, MaxArgs: 1,
			Type:   Fixed(types.Int, OneOf(WantIntegral, WantBool)),
			Kernel: func(_ *Env, c *plan.Call) (Kernel, error) { return bitCount(c.Args[0].Type()), nil },
		},
		{
			Name: "bit_get", Aliases: []string{"getbit"}, Group: "bitwise_funcs", Since: "3.2.0", NullIn: true, MinArgs: 2, MaxArgs: 2,
			Usage: "bit_get(expr, pos): the bit at pos, from the right.", Type: Fixed(types.Byte, WantIntegral, WantInt),
			Kernel: func(_ *Env, c *plan.Call) (Kernel, error) { return bitGet(c.Args[0].Type()), nil },
		},
	}
}

// bitPair wants integers, or text that ANSI mode reads as such.
func bitPair(env *Env, args []plan.Expr) (Typing, error) {
	a, b := promoteSides(env.Ansi, args[0].Type(), args[1].Type())
	t, ok := tightest(env.Ansi, a, b)
	if !ok {
		return Typing{}, DiffTypes(args[0].Type(), args[1].Type())
	}
	if t.Kind == types.KindNull {
		t = types.Int
	}
	if !t.IsIntegral() {
		return Typing{}, WrongOpType("INTEGRAL", t)
	}
	ts := []types.Type{t, t}
	return Typing{Args: ts, Result: t, Nullable: nullableAfter(args, ts)}, nil
}

func bitKernel(op bitwiseOp, t types.Type) (Kernel, error) {
	switch t.Kind {
	case types.KindByte:
		return bitLoop[int8](op), nil
	case types.KindShort:
		return bitLoop[int16](op), nil
	case types.KindInt:
		return bitLoop[int32](op), nil
	case types.KindLong:
		return bitLoop[int64](op), nil
	default:
	}
	return nil, errs.Errorf(errs.Internal, "function.Bitwise", "bits of %s", t)
}

func bitLoop[T integer](op bitwiseOp) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		a, b, dst := SlotsOf[T](args[0]), SlotsOf[T](args[1]), batch.Values[T](out)[:n]
		switch op {
		case bitwiseAnd:
			for i := range dst {
				dst[i] = a.At(i) & b.At(i)
			}
		case bitwiseOr:
			for i := range dst {
				dst[i] = a.At(i) | b.At(i)
			}
		default:
			for i := range dst {
				dst[i] = a.At(i) ^ b.At(i)
			}
		}
		return nil
	}
}

// shiftKernel counts modulo the width, as Java does.
func shiftKernel(op bitwiseOp, t types.Type) Kernel {
	if t.Kind == types.KindLong {
		return shiftLoop[int64, uint64](op, 63)
	}
	return shiftLoop[int32, uint32](op, 31)
}

func shiftLoop[T int32 | int64, U uint32 | uint64](op bitwiseOp, mask int32) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		a, b, dst := SlotsOf[T](args[0]), SlotsOf[int32](args[1]), batch.Values[T](out)[:n]
		switch op {
		case shiftLeft:
			for i := range dst {
				dst[i] = a.At(i) << uint(b.At(i)&mask)
			}
		case shiftRight:
			for i := range dst {
				dst[i] = a.At(i) >> uint(b.At(i)&mask)
			}
		default:
			for i := range dst {
				dst[i] = T(U(a.At(i)) >> uint(b.At(i)&mask))
			}
		}
		return nil
	}
}

// longAt reads integers of any width.
func longAt(v *batch.Vector, i int) int64 {
	i &= rowMask(v)
	switch v.Phys() {
	case types.PhysBool, types.PhysInt8:
		return int64(batch.Values[int8](v)[i])
	case types.PhysInt16:
		return int64(batch.Values[int16](v)[i])
	case types.PhysInt32:
		return int64(batch.Values[int32](v)[i])
	default:
	}
	return batch.Values[int64](v)[i]
}

func bitCount(types.Type) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		dst := batch.Values[int32](out)
		for i := range n {
			dst[i] = int32(bits.OnesCount64(uint64(longAt(args[0], i))))
		}
		return nil
	}
}

func bitGet(t types.Type) Kernel {
	width := int64(t.Phys().Width()) * 8
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		dst := batch.Values[int8](out)
		for i := range n {
			if !out.Valid(i) {
				continue
			}
			pos := longAt(args[1], i)
			if pos < 0 || pos >= width {
				return errs.Cond(errs.IllegalArg, "INVALID_PARAMETER_VALUE.BIT_POSITION_RANGE", "22023", "A bit position is outside of the value.",
					"functionName", types.Quote("bit_get"), "parameter", types.Quote("pos"))
			}
			dst[i] = int8(longAt(args[0], i) >> uint(pos) & 1)
		}
		return nil
	}
}
