package function

import (
	"math"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

func logic() []*Entry {
	return []*Entry{
		{
			Name: "and", Group: "predicate_funcs", Since: "1.0.0", Usage: "expr1 and expr2: true if both are.",
			Builtin: true, MinArgs: 2, MaxArgs: 2, Type: boolPair,
		},
		{
			Name: "or", Group: "predicate_funcs", Since: "1.0.0", Usage: "expr1 or expr2: true if one is.",
			Builtin: true, MinArgs: 2, MaxArgs: 2, Type: boolPair,
		},
		{
			Name: "not", Aliases: []string{"!"}, Group: "predicate_funcs", Since: "1.0.0", Usage: "not expr: the opposite.",
			NullIn: true, MinArgs: 1, MaxArgs: 1, Type: Fixed(types.Bool, WantBool),
			Kernel: func(*Env, *plan.Call) (Kernel, error) { return notKernel, nil },
		},
		{
			Name: "isnull", Group: "predicate_funcs", Since: "1.0.0", Usage: "isnull(expr): whether expr is null.",
			DictArgs: true, MinArgs: 1, MaxArgs: 1, Type: NeverNull(Fixed(types.Bool)),
			Kernel: func(*Env, *plan.Call) (Kernel, error) { return nullTest(false), nil },
		},
		{
			Name: "isnotnull", Group: "predicate_funcs", Since: "1.0.0", Usage: "isnotnull(expr): whether expr is not null.",
			DictArgs: true, MinArgs: 1, MaxArgs: 1, Type: NeverNull(Fixed(types.Bool)),
			Kernel: func(*Env, *plan.Call) (Kernel, error) { return nullTest(true), nil },
		},
		{
			Name: "isnan", Group: "predicate_funcs", Since: "1.5.0", Usage: "isnan(expr): whether expr is not a number.",
			MinArgs: 1, MaxArgs: 1, Type: NeverNull(Fixed(types.Bool, OneOf(WantDouble, Exactly(types.Float)))),
			Kernel: func(_ *Env, c *plan.Call) (Kernel, error) { return nanTest(c.Args[0].Type()), nil },
		},
	}
}

// boolPair types AND and OR, whose sides must be boolean (or null, or in ANSI
// mode text).
func boolPair(env *Env, args []plan.Expr) (Typing, error) {
	a, b := args[0].Type(), args[1].Type()
	for _, t := range [...]types.Type{a, b} {
		if WantBool.Accepts(t) || t.Kind == types.KindNull || t.Kind == types.KindString && env.Ansi {
			continue
		}
		if !a.Equal(b) && a.Kind != types.KindNull && b.Kind != types.KindNull {
			return Typing{}, DiffTypes(a, b)
		}
		return Typing{}, WrongOpType("BOOLEAN", t)
	}
	ts := []types.Type{types.Bool, types.Bool}
	return Typing{Args: ts, Result: types.Bool, Nullable: nullableAfter(args, ts)}, nil
}

func notKernel(args []*batch.Vector, n int, out *batch.Vector) error {
	src, dst := batch.Values[uint8](args[0]), batch.Values[uint8](out)[:n]
	if args[0].Enc == batch.Const {
		for i := range dst {
			dst[i] = src[0] ^ 1
		}
		return nil
	}
	src = src[:len(dst)]
	for i := range dst {
		dst[i] = src[i] ^ 1
	}
	return nil
}

// nullTest writes want where the argument has a value.
func nullTest(want bool) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		dst, v := batch.Values[bool](out)[:n], args[0]
		if !v.HasNulls() {
			fillBool(dst, want)
			return nil
		}
		if m := v.Validity(); m != nil && v.Enc != batch.Const {
			for i := range dst {
				dst[i] = m[i>>6]>>(uint(i)&63)&1 != 0 == want
			}
			return nil
		}
		fillBool(dst, !v.ConstNull() == want)
		return nil
	}
}

func nanTest(t types.Type) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		dst, v := batch.Values[bool](out)[:n], args[0]
		if t.Kind == types.KindNull || v.ConstNull() {
			fillBool(dst, false)
			return nil
		}
		if t.Kind == types.KindFloat {
			a := SlotsOf[float32](v)
			for i := range dst {
				dst[i] = v.Valid(i) && math.IsNaN(float64(a.At(i)))
			}
			return nil
		}
		a := SlotsOf[float64](v)
		for i := range dst {
			dst[i] = v.Valid(i) && math.IsNaN(a.At(i))
		}
		return nil
	}
}
