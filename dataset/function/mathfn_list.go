package function

import (
	"math"
	"strconv"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

const mathGroup = "math_funcs"

// realMath are the functions of doubles.
func realMath() []*Entry {
	one := MayNull(Fixed(types.Double, WantDouble))
	two := Fixed(types.Double, WantDouble, WantDouble)
	f1 := func(name string, f func(float64) float64, usage, arg, result string) fnSpec {
		return fnSpec{name, 1, 1, one, mathKernel(f), doc{usage, "SELECT " + name + "(" + arg + ")", result}, fnMore{}}
	}
	logs := func(name string, f func(float64) float64, limit float64, usage, arg, result string) fnSpec {
		return fnSpec{name, 1, 1, one, logKernel(f, limit), doc{usage, "SELECT " + name + "(" + arg + ")", result}, fnMore{}}
	}
	return fnEntries(
		mathGroup,
		f1("sqrt", math.Sqrt, "Square root.", "4", "2.0"), f1("cbrt", math.Cbrt, "Cube root.", "27.0", "3.0"), f1("exp", math.Exp, "e to a power.", "0", "1.0"),
		f1("expm1", math.Expm1, "exp(expr) - 1, exact near 0.", "0", "0.0"),
		f1("sin", math.Sin, "Sine.", "0", "0.0"), f1("cos", math.Cos, "Cosine.", "0", "1.0"), f1("tan", math.Tan, "Tangent.", "0", "0.0"),
		f1("cot", cot, "Cotangent.", "1", "0.6420926159343308"), f1("csc", csc, "Cosecant.", "1", "1.1883951057781212"), f1("sec", sec, "Secant.", "0", "1.0"),
		f1("asin", math.Asin, "Inverse sine.", "0", "0.0"), f1("acos", math.Acos, "Inverse cosine.", "1", "0.0"), f1("atan", math.Atan, "Inverse tangent.", "0", "0.0"),
		f1("sinh", math.Sinh, "Hyperbolic sine.", "0", "0.0"), f1("cosh", math.Cosh, "Hyperbolic cosine.", "0", "1.0"), f1("tanh", math.Tanh, "Hyperbolic tangent.", "0", "0.0"),
		f1("asinh", javaAsinh, "Inverse hyperbolic sine.", "0", "0.0"), f1("acosh", math.Acosh, "Inverse hyperbolic cosine.", "1", "0.0"), f1("atanh", math.Atanh, "Inverse hyperbolic tangent.", "0", "0.0"),
		f1("degrees", degrees, "Radians in degrees.", "3.141592653589793", "180.0"), f1("radians", radians, "Degrees in radians.", "180", "3.141592653589793"),
		f1("rint", math.RoundToEven, "The nearest whole number, the even one of two.", "12.3456", "12.0"),
		logs("ln", math.Log, 0, "Natural logarithm, null for what has none.", "1", "0.0"), logs("log2", math.Log2, 0, "Logarithm of base 2.", "2", "1.0"),
		logs("log10", math.Log10, 0, "Logarithm of base 10.", "10", "1.0"), logs("log1p", math.Log1p, -1, "ln(1 + expr), exact near 0.", "0", "0.0"),
		fnSpec{"log", 1, 2, MayNull(Fixed(types.Double, WantDouble)), rows(logBase), doc{"Logarithm of a base, or natural.", "SELECT log(10, 100)", "2.0"}, fnMore{}},
		fnSpec{"power", 2, 2, two, math2Kernel(javaPow), doc{"The first argument to the power of the second.", "SELECT power(2, 3)", "8.0"}, named("pow")},
		fnSpec{"atan2", 2, 2, two, math2Kernel(math.Atan2), doc{"Angle of a point given as y and x.", "SELECT atan2(0, 0)", "0.0"}, fnMore{}},
		fnSpec{"hypot", 2, 2, two, math2Kernel(math.Hypot), doc{"Length of the hypotenuse.", "SELECT hypot(3, 4)", "5.0"}, fnMore{}},
		fnSpec{"sign", 1, 1, signRule, newSign, doc{"-1, 0 or 1 by the sign.", "SELECT sign(40)", "1.0"}, named("signum")},
		fnSpec{"e", 0, 0, NeverNull(Fixed(types.Double)), constKernel(func(*Env) any { return math.E }), doc{"Euler's number.", "SELECT e()", "2.718281828459045"}, fnMore{}},
		fnSpec{"pi", 0, 0, NeverNull(Fixed(types.Double)), constKernel(func(*Env) any { return math.Pi }), doc{"Pi.", "SELECT pi()", "3.141592653589793"}, fnMore{}},
	)
}

// signRule takes numbers and intervals; the sign is a double.
func signRule(env *Env, args []plan.Expr) (Typing, error) {
	t, err := MayNull(Fixed(types.Double, wantDoubleOrInterval))(env, args)
	return t, err
}

func newSign(_ *Env, call *plan.Call) (Kernel, error) {
	switch call.Args[0].Type().Kind {
	case types.KindYearMonthInterval:
		return rowKernel(func(c *cells) error { c.setReal(signum(float64(c.int(0)))); return nil }), nil
	case types.KindDayTimeInterval:
		return rowKernel(func(c *cells) error { c.setReal(signum(float64(c.long(0)))); return nil }), nil
	default:
	}
	return mathKernel(signum)(nil, call)
}

// numberMath are roundings and functions of whole numbers and text.
func numberMath() []*Entry {
	random := func(name string, draw func(*xorShift) float64, usage, result string, aliases ...string) fnSpec {
		return fnSpec{name, 0, 1, NeverNull(Fixed(types.Double, WantLong)), randKernel(draw), doc{usage, "SELECT " + name + "(0)", result}, fnMore{aliases: aliases, volatile: true, nulls: true}}
	}
	wantReal := OneOf(WantDouble, wantAnsiInterval)
	return fnEntries(
		mathGroup,
		fnSpec{"round", 1, 2, roundRule("round"), newRound(roundHalfUp), doc{"Rounds to a scale, halves away from zero.", "SELECT round(2.5, 0)", "3"}, withNulls()},
		fnSpec{"bround", 1, 2, roundRule("bround"), newRound(roundHalfEven), doc{"Rounds to a scale, halves to the even digit.", "SELECT bround(25, -1)", "20"}, withNulls()},
		fnSpec{"ceil", 1, 2, ceilRule, newCeil(roundUp), doc{"The least number of the scale that is not smaller.", "SELECT ceil(-0.1)", "0"}, named("ceiling")},
		fnSpec{"floor", 1, 2, ceilRule, newCeil(roundDown), doc{"The greatest number of the scale that is not greater.", "SELECT floor(-0.1)", "-1"}, fnMore{}},
		fnSpec{"factorial", 1, 1, MayNull(Fixed(types.Long, WantInt)), rows(factorial), doc{"Factorial of 0 to 20.", "SELECT factorial(5)", "120"}, fnMore{}},
		fnSpec{"hex", 1, 1, textRule(OneOf(WantLong, WantBinary, WantString)), newHex, doc{"Hexadecimal digits of a number or of bytes.", "SELECT hex('Spark SQL')", "537061726B2053514C"}, fnMore{}},
		fnSpec{"bin", 1, 1, textRule(WantLong), rows(func(c *cells) error { c.setText(strconv.FormatUint(uint64(c.long(0)), 2)); return nil }), doc{"Binary digits of a number.", "SELECT bin(13)", "1101"}, fnMore{}},
		fnSpec{"conv", 3, 3, MayNull(textRule(WantString, WantInt, WantInt)), func(_ *Env, call *plan.Call) (Kernel, error) { return rowKernel(convBase(call.Ansi)), nil }, doc{"Digits of one base in another.", "SELECT conv('100', 2, 10)", "4"}, fnMore{}},
		fnSpec{"width_bucket", 4, 4, MayNull(Fixed(types.Long, wantReal, wantReal, wantReal, WantLong)), rows(widthBucket), doc{"Number of the bucket of a value among equal ones.", "SELECT width_bucket(5.3, 0.2, 10.6, 5)", "3"}, fnMore{}},
		random("rand", (*xorShift).uniform, "Random numbers from 0 to 1, by an optional seed.", "0.7604953758285915", "random"),
		random("randn", (*xorShift).normal, "Normally distributed random numbers, by an optional seed.", "1.6034991609278433"),
	)
}

// newHex is hex of a number, string or binary.
func newHex(_ *Env, call *plan.Call) (Kernel, error) {
	if call.Args[0].Type().IsIntegral() {
		return rowKernel(func(c *cells) error { c.setText(hexNumber(c.long(0))); return nil }), nil
	}
	return textKernel(hexUpper)(nil, call)
}
