package function

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// arith is an arithmetic operator of two numbers.
type arith uint8

const (
	opAdd arith = iota
	opSub
	opMul
	opDiv  // /
	opIDiv // div
	opMod  // %
	opPmod
)

var (
	arithSymbols = [...]string{"+", "-", "*", "/", "div", "%", "pmod"}
	arithTry     = [...]string{"try_add", "try_subtract", "try_multiply", "try_divide", "try_divide", "try_mod", "try_mod"}
)

// mode is what happens where a result does not exist.
type mode uint8

const (
	modeLegacy mode = iota // integers wrap; null for decimals and division by zero
	modeAnsi               // an error
	modeTry                // null
)

func callMode(call *plan.Call, try bool) mode {
	switch {
	case try:
		return modeTry
	case call.Ansi:
		return modeAnsi
	}
	return modeLegacy
}

func arithmetic() []*Entry {
	return []*Entry{
		arithEntry("+", opAdd, false, "expr1 + expr2: their sum."),
		arithEntry("-", opSub, false, "expr1 - expr2: their difference."),
		arithEntry("*", opMul, false, "expr1 * expr2: their product."),
		arithEntry("/", opDiv, false, "expr1 / expr2: their quotient as a fraction."),
		arithEntry("div", opIDiv, false, "expr1 div expr2: the whole part of their quotient."),
		arithEntry("%", opMod, false, "expr1 % expr2: the remainder of their division.", "mod"),
		arithEntry("pmod", opPmod, false, "pmod(expr1, expr2): the remainder, never negative for a positive divisor."),
		arithEntry("try_add", opAdd, true, "try_add(expr1, expr2): their sum, null on overflow."),
		arithEntry("try_subtract", opSub, true, "try_subtract(expr1, expr2): their difference, null on overflow."),
		arithEntry("try_multiply", opMul, true, "try_multiply(expr1, expr2): their product, null on overflow."),
		arithEntry("try_divide", opDiv, true, "try_divide(dividend, divisor): their quotient, null for a divisor of 0."),
		arithEntry("try_mod", opMod, true, "try_mod(dividend, divisor): the remainder, null for a divisor of 0."),
	}
}

func arithEntry(name string, op arith, try bool, usage string, aliases ...string) *Entry {
	return &Entry{
		Name: name, Aliases: aliases, Group: "math_funcs", Since: "1.0.0", Usage: usage, NullIn: true, MinArgs: 2, MaxArgs: 2,
		Type: arithType(op, try),
		Kernel: func(env *Env, call *plan.Call) (Kernel, error) {
			return arithKernel(env, op, call, callMode(call, try))
		},
	}
}

// arithType is the typing rule of a binary operator.
func arithType(op arith, try bool) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		if t, ok, err := temporalType(op, args); ok || err != nil {
			t.Nullable = t.Nullable || try
			return t, err
		}
		ts, result, err := arithTypes(op, env, args)
		if err != nil {
			return Typing{}, err
		}
		null := nullableAfter(args, ts) || try || op >= opDiv || !env.Ansi && result.Kind == types.KindDecimal
		return Typing{Args: ts, Result: result, Nullable: null}, nil
	}
}

// arithTypes brings two sides together and gives the result's type.
func arithTypes(op arith, env *Env, args []plan.Expr) ([]types.Type, types.Type, error) {
	a, b := args[0].Type(), args[1].Type()
	if a.Kind == types.KindNull && b.Kind == types.KindNull {
		a, b = types.Double, types.Double
	}
	a, b = promoteSides(env.Ansi, a, b)
	if a.Kind == types.KindNull {
		a = b
	}
	if b.Kind == types.KindNull {
		b = a
	}
	if !a.IsNumeric() || !b.IsNumeric() {
		null := args[0].Type().Kind == types.KindNull || args[1].Type().Kind == types.KindNull
		if !a.Equal(b) || null {
			return nil, a, DiffTypes(args[0].Type(), args[1].Type())
		}
		return nil, a, WrongOpType(arithWants(op), a)
	}
	if a.Kind == types.KindDecimal || b.Kind == types.KindDecimal {
		if !a.IsFractional() && !b.IsFractional() {
			da, db := decimalSide(a, args[0], b), decimalSide(b, args[1], a)
			return []types.Type{da, db}, decimalResult(op, da, db), nil
		}
		a, b = types.Double, types.Double
	}
	t, _ := tightestNumeric(env.Ansi, a, b)
	switch {
	case op == opDiv:
		t = types.Double
	case op == opIDiv && t.IsIntegral():
		t = types.Long
	case op == opIDiv:
		return nil, t, WrongOpType(arithWants(op), t)
	}
	return []types.Type{t, t}, t, nil
}

// promoteSides turns a string next to a number into a number.
func promoteSides(ansi bool, a, b types.Type) (types.Type, types.Type) {
	as, bs := a.Kind == types.KindString, b.Kind == types.KindString
	switch {
	case !as && !bs:
		return a, b
	case ansi && as && bs:
		return a, b
	case ansi:
		if t, ok := promoteString(true, a, b); ok {
			return t, t
		}
		return a, b
	}
	if as {
		a = types.Double
	}
	if bs {
		b = types.Double
	}
	return a, b
}

func arithWants(op arith) string {
	switch op {
	case opAdd, opSub:
		return "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL\")"
	case opDiv:
		return "(\"DOUBLE\" or \"DECIMAL\")"
	case opIDiv:
		return "(\"BIGINT\" or \"DECIMAL\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\")"
	default:
	}
	return "NUMERIC"
}

// decimalSide is the decimal that an operand becomes next to a decimal. A
// literal integer takes just its digits.
func decimalSide(t types.Type, e plan.Expr, other types.Type) types.Type {
	if t.Kind == types.KindDecimal {
		return t
	}
	if l, ok := e.(*plan.Literal); ok && l.Value != nil && other.Kind == types.KindDecimal {
		if digits := integerDigits(l.Value); digits > 0 {
			return types.Decimal(digits, 0)
		}
	}
	return DecimalFor(t)
}

// decimalNext is e's type, or for a literal integer next to a decimal the
// decimal of its digits.
func decimalNext(e, other plan.Expr) types.Type {
	if t := e.Type(); !t.IsIntegral() || other.Type().Kind != types.KindDecimal {
		return t
	}
	if l, ok := e.(*plan.Literal); !ok || l.Value == nil {
		return e.Type()
	}
	return decimalSide(e.Type(), e, other.Type())
}

func integerDigits(v any) int {
	var x int64
	switch v := v.(type) {
	case int8:
		x = int64(v)
	case int16:
		x = int64(v)
	case int32:
		x = int64(v)
	case int64:
		x = v
	default:
		return 0
	}
	n := 1
	for ; x > 9 || x < -9; x /= 10 {
		n++
	}
	return n
}

// decimalResult is Spark's type of a decimal operation.
func decimalResult(op arith, a, b types.Type) types.Type {
	p1, s1, p2, s2 := int(a.Precision), int(a.Scale), int(b.Precision), int(b.Scale)
	scale := max(s1, s2)
	switch op {
	case opAdd, opSub:
		return AdjustDecimal(max(p1-s1, p2-s2)+scale+1, scale)
	case opMul:
		return AdjustDecimal(p1+p2+1, s1+s2)
	case opDiv:
		scale = max(types.MinAdjustedScale, s1+p2+1)
		return AdjustDecimal(p1-s1+s2+scale, scale)
	case opIDiv:
		return types.Long
	default:
	}
	return AdjustDecimal(max(min(p1-s1, p2-s2)+scale, 1), scale)
}

// arithKernel picks the loop for resolved argument types.
func arithKernel(env *Env, op arith, call *plan.Call, m mode) (Kernel, error) {
	a, b := call.Args[0].Type(), call.Args[1].Type()
	if k := temporalKernel(env, op, a, b, call.Typ, m); k != nil {
		return k, nil
	}
	switch a.Kind {
	case types.KindByte:
		return intArith[int8](op, m), nil
	case types.KindShort:
		return intArith[int16](op, m), nil
	case types.KindInt:
		return intArith[int32](op, m), nil
	case types.KindLong:
		return intArith[int64](op, m), nil
	case types.KindFloat:
		return floatArith[float32](op, m), nil
	case types.KindDouble:
		return floatArith[float64](op, m), nil
	case types.KindDecimal:
		return decimalArith(op, a, b, call.Typ, m), nil
	case types.KindNull:
		return func([]*batch.Vector, int, *batch.Vector) error { return nil }, nil
	default:
	}
	return nil, errs.Errorf(errs.Internal, "function.Arithmetic", "%s %s %s", a, arithSymbols[op], b)
}
