package function

import (
	"math"
	"math/big"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// roundMode is a way to round.
type roundMode uint8

const (
	roundHalfUp   roundMode = iota // away from zero
	roundHalfEven                  // bround
	roundUp                        // ceil
	roundDown                      // floor
)

// roundScale is the constant scale of a call, 0 if it is not given.
func roundScale(args []plan.Expr) (int, bool) {
	if len(args) < 2 {
		return 0, true
	}
	if v, ok := ConstValue(args[1]); ok && v == nil {
		return 0, true
	}
	s, ok := constLong(args[1])
	return int(s), ok
}

// roundType is the result of rounding a decimal to scale s.
func roundType(t types.Type, s int) types.Type {
	whole := int(t.Precision) - int(t.Scale) + 1
	if s < 0 {
		p := max(whole, -s+1)
		return types.Decimal(min(p, types.MaxPrecision), 0)
	}
	kept := min(int(t.Scale), s)
	return types.Decimal(min(whole+kept, types.MaxPrecision), kept)
}

// roundRule types round and bround(number[, scale]).
func roundRule(name string) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		ts, err := CoerceArgs(env, args, WantNumeric, WantInt)
		if err != nil {
			return Typing{}, err
		}
		s, ok := roundScale(args)
		if !ok {
			return Typing{}, NonFoldable(args, 1, "scale", "INT")
		}
		out := ts[0]
		if out.Kind == types.KindDecimal {
			out = roundType(out, s)
		}
		return Typing{Args: ts, Result: out, Nullable: true}, nil
	}
}

// newRound rounds in the argument's type.
func newRound(mode roundMode) maker {
	return func(_ *Env, call *plan.Call) (Kernel, error) {
		s, _ := roundScale(call.Args)
		t := call.Args[0].Type()
		null := len(call.Args) > 1 && isNullConst(call.Args[1])
		return rowKernel(func(c *cells) error {
			if null || c.null(0) {
				c.setNull()
				return nil
			}
			switch t.Kind {
			case types.KindDouble:
				c.setReal(roundDouble(c.real(0), s, mode))
			case types.KindFloat:
				c.out.f32[c.i] = roundFloat(c.args[0].f32[c.i&c.args[0].mask], s, mode)
			case types.KindDecimal:
				return roundDecimal(c, s, mode, call)
			default:
				return roundInteger(c, s, mode, call)
			}
			return nil
		}), nil
	}
}

func isNullConst(e plan.Expr) bool {
	v, ok := ConstValue(e)
	return ok && v == nil
}

// roundDouble rounds on the shortest decimal text, as Spark's BigDecimal does.
func roundDouble(x float64, s int, mode roundMode) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) || x == 0 || s > maxRoundScale {
		return x
	}
	q, ok := bigRound(x, 64, s, mode)
	if !ok {
		return x
	}
	return q
}

// maxRoundScale is more digits than a double has.
const maxRoundScale = 330

func roundFloat(x float32, s int, mode roundMode) float32 {
	if x != x || math.IsInf(float64(x), 0) || s > maxRoundScale {
		return x
	}
	q, ok := bigRound(float64(x), 32, s, mode)
	if !ok {
		return x
	}
	return float32(q)
}

// roundDecimal rounds an unscaled value of the argument's scale to the result's.
func roundDecimal(c *cells, s int, mode roundMode, call *plan.Call) error {
	from, to := int(call.Args[0].Type().Scale), int(call.Typ.Scale)
	x := c.decimal(0)
	if s >= 0 {
		s = min(s, from)
	}
	drop := from - s
	if drop <= 0 {
		c.setDecimal(x)
		return nil
	}
	if drop > decimal.MaxDigits {
		x = batch.Int128{}
	} else {
		x = roundedQuotient(x, decimal.Pow10(drop), mode)
	}
	if s < 0 && -s <= decimal.MaxDigits {
		var ok bool
		if x, ok = x.Mul(decimal.Pow10(-s)); !ok {
			return decimalOverflow(call.Typ)()
		}
	}
	_ = to
	if !x.Fits(int(call.Typ.Precision)) {
		if call.Ansi {
			return decimalOverflow(call.Typ)()
		}
		c.setNull()
		return nil
	}
	c.setDecimal(x)
	return nil
}

// roundedQuotient is x/d rounded, d > 0.
func roundedQuotient(x, d batch.Int128, mode roundMode) batch.Int128 {
	q, r := x.QuoRem(d)
	if r.Sign() == 0 {
		return q
	}
	var away bool
	switch mode {
	case roundUp:
		away = x.Sign() > 0
	case roundDown:
		away = x.Sign() < 0
	default:
		twice := r.Abs().Cmp(d.Sub(r.Abs()))
		away = twice > 0 || twice == 0 && (mode == roundHalfUp || q.Lo&1 == 1)
	}
	if away {
		return q.Add(decimal.FromInt64(int64(x.Sign())))
	}
	return q
}

// roundInteger rounds to tens, hundreds, ... for negative scales.
func roundInteger(c *cells, s int, mode roundMode, call *plan.Call) error {
	x := integerAt(c.vector(0), c.slot(0))
	if s < 0 {
		if -s > types.MaxLongPrecision+1 {
			x = 0
		} else {
			ten := decimal.Pow10(-s)
			z, _ := roundedQuotient(decimal.FromInt64(x), ten, mode).Mul(ten)
			w := uint(8 * c.vector(0).Phys().Width())
			if z.Int64()<<(64-w)>>(64-w) != z.Int64() || !z.IsInt64() {
				if call.Ansi {
					return Overflow("The result of rounding is out of range", "")
				}
			}
			x = z.Int64()
		}
	}
	switch c.vector(0).Phys() {
	case types.PhysInt8:
		c.out.i8[c.i] = int8(x)
	case types.PhysInt16:
		c.out.i16[c.i] = int16(x)
	case types.PhysInt32:
		c.out.i32[c.i] = int32(x)
	default:
		c.out.i64[c.i] = x
	}
	return nil
}

// ceilRule types ceil and floor(number[, scale]).
func ceilRule(env *Env, args []plan.Expr) (Typing, error) {
	if len(args) == 2 {
		return scaledCeilRule(env, args)
	}
	ts, err := CoerceArgs(env, args, OneOf(Exactly(types.Long), WantDecimal, WantDouble))
	if err != nil {
		return Typing{}, err
	}
	switch t := args[0].Type(); {
	case t.Kind == types.KindDecimal:
		out := types.Decimal(min(int(t.Precision)-int(t.Scale)+1, types.MaxPrecision), 0)
		if t.Scale == 0 {
			out = types.Decimal(int(t.Precision), 0)
		}
		return Typing{Args: ts, Result: out, Nullable: true}, nil
	case t.IsIntegral():
		return Typing{Args: []types.Type{types.Long}, Result: types.Long, Nullable: args[0].Nullable()}, nil
	}
	return Typing{Args: []types.Type{types.Double}, Result: types.Long, Nullable: true}, nil
}

// scaledCeilRule works on decimals, whatever the number is.
func scaledCeilRule(env *Env, args []plan.Expr) (Typing, error) {
	ts, err := CoerceArgs(env, args, WantNumeric, WantInt)
	if err != nil {
		return Typing{}, err
	}
	s, ok := roundScale(args)
	if !ok || isNullConst(args[1]) || !args[1].Type().IsIntegral() {
		return Typing{}, nonFoldableArgument("ceil", "scale", "INT")
	}
	ts[0] = DecimalFor(ts[0])
	return Typing{Args: ts, Result: roundType(ts[0], s), Nullable: true}, nil
}

// newCeil makes ceil (roundUp) and floor (roundDown).
func newCeil(mode roundMode) maker {
	return func(_ *Env, call *plan.Call) (Kernel, error) {
		s, _ := roundScale(call.Args)
		cut := math.Ceil
		if mode == roundDown {
			cut = math.Floor
		}
		switch call.Args[0].Type().Kind {
		case types.KindDecimal:
			return rowKernel(func(c *cells) error { return roundDecimal(c, s, mode, call) }), nil
		case types.KindDouble:
			return rowKernel(func(c *cells) error { c.setLong(javaLong(cut(c.real(0)))); return nil }), nil
		default:
		}
		return rowKernel(func(c *cells) error { c.setLong(c.long(0)); return nil }), nil
	}
}

// javaLong is Java's (long) of a double: NaN is 0, the rest saturates.
func javaLong(x float64) int64 {
	switch {
	case math.IsNaN(x):
		return 0
	case x >= math.MaxInt64:
		return math.MaxInt64
	case x <= math.MinInt64:
		return math.MinInt64
	}
	return int64(x)
}

// bigRound rounds x, of 32 or 64 bits, on its shortest decimal digits.
func bigRound(x float64, bits, s int, mode roundMode) (float64, bool) {
	digits, exp, neg := shortest(x, bits)
	drop := -exp - s // digits below the scale
	if drop <= 0 {
		return x, true
	}
	d := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(drop)), nil)
	q, r := new(big.Int).QuoRem(digits, d, new(big.Int))
	twice := new(big.Int).Lsh(r, 1).Cmp(d)
	if twice > 0 || twice == 0 && (mode == roundHalfUp || q.Bit(0) == 1) {
		q.Add(q, big.NewInt(1))
	}
	return parseScaled(q, -s, neg)
}
