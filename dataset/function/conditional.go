package function

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

func conditionals() []*Entry {
	rewrite := func(name string, lo, hi int, usage string, f func(a []plan.Expr) plan.Expr, aliases ...string) *Entry {
		return &Entry{
			Name: name, Aliases: aliases, Group: "conditional_funcs", Since: "1.0.0", Usage: usage, MinArgs: lo, MaxArgs: hi,
			Rewrite: func(_ *Env, args []plan.Expr) (plan.Expr, error) { return f(args), nil },
		}
	}
	return []*Entry{
		{
			Name: "coalesce", Group: "conditional_funcs", Since: "1.0.0", Usage: "coalesce(expr, ...): the first value that is not null.",
			Builtin: true, MinArgs: 1, MaxArgs: -1, Type: coalesceType,
		},
		rewrite("nvl", 2, 2, "nvl(expr1, expr2): expr1, or expr2 if that is null.", func(a []plan.Expr) plan.Expr { return plan.Fn("coalesce", a...) }, "ifnull"),
		rewrite("nanvl", 2, 2, "nanvl(expr1, expr2): expr1, or expr2 if that is not a number.", func(a []plan.Expr) plan.Expr {
			return ifExpr(plan.Fn("isnan", asFloat(a[0])), asFloat(a[1]), asFloat(a[0]))
		}),
		rewrite("nvl2", 3, 3, "nvl2(expr1, expr2, expr3): expr2 if expr1 is not null, else expr3.", func(a []plan.Expr) plan.Expr {
			return ifExpr(plan.Fn("isnotnull", a[0]), a[1], a[2])
		}),
		rewrite("if", 3, 3, "if(cond, expr1, expr2): expr1 if cond is true, else expr2.", func(a []plan.Expr) plan.Expr { return ifExpr(a[0], a[1], a[2]) }),
		rewrite("when", 2, -1, "CASE WHEN cond THEN expr ... ELSE expr END.", caseOf),
		rewrite("nullif", 2, 2, "nullif(expr1, expr2): null if both are equal, else expr1.", func(a []plan.Expr) plan.Expr {
			return ifExpr(plan.Fn("=", a[0], a[1]), plan.LitNull(types.Null), a[0])
		}),
		rewrite("nullifzero", 1, 1, "nullifzero(expr): null if expr is 0, else expr.", func(a []plan.Expr) plan.Expr {
			return ifExpr(plan.Fn("=", a[0], plan.LitInt(0)), plan.LitNull(types.Null), a[0])
		}),
		rewrite("zeroifnull", 1, 1, "zeroifnull(expr): 0 if expr is null, else expr.", func(a []plan.Expr) plan.Expr {
			return plan.Fn("coalesce", a[0], plan.LitInt(0))
		}),
		rewrite("between", 3, 3, "expr BETWEEN lower AND upper.", func(a []plan.Expr) plan.Expr {
			return plan.Fn("and", plan.Fn(">=", a[0], a[1]), plan.Fn("<=", a[0], a[2]))
		}),
		rewrite("in", 1, -1, "expr IN (list).", func(a []plan.Expr) plan.Expr { return &plan.In{Child: a[0], List: a[1:]} }),
		extreme("greatest", cmpGt), extreme("least", cmpLt),
	}
}

// asFloat is e as a floating-point number.
func asFloat(e plan.Expr) plan.Expr {
	if k := e.Type().Kind; k == types.KindFloat || k == types.KindDouble {
		return e
	}
	return &plan.Cast{Child: e, To: types.Double, Mode: plan.CastSession, Implicit: true}
}

func ifExpr(cond, then, otherwise plan.Expr) plan.Expr {
	return &plan.Case{Whens: []plan.When{{Cond: cond, Then: then}}, Else: otherwise, FromIf: true}
}

// caseOf reads conditions and values in turn, and a last value for ELSE.
func caseOf(a []plan.Expr) plan.Expr {
	c := &plan.Case{}
	for len(a) >= 2 {
		c.Whens = append(c.Whens, plan.When{Cond: a[0], Then: a[1]})
		a = a[2:]
	}
	if len(a) == 1 {
		c.Else = a[0]
	}
	return c
}

func coalesceType(env *Env, args []plan.Expr) (Typing, error) {
	t, err := SameTypeArgs("coalesce", nil)(env, args)
	null := err == nil
	for i, a := range args {
		null = null && (a.Nullable() || mayNull(a.Type(), t.Args[i]))
	}
	t.Nullable = null
	return t, err
}

// extreme is greatest or least: nulls are skipped.
func extreme(name string, op cmp) *Entry {
	return &Entry{
		Name: name, Group: "math_funcs", Since: "1.5.0", Usage: name + "(expr, ...): the " + name + " value that is not null.",
		MinArgs: 2, MaxArgs: -1, Type: extremeType(name),
		Kernel: func(_ *Env, call *plan.Call) (Kernel, error) { return extremeKernel(op, call.Typ), nil },
	}
}

func extremeType(name string) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		t := types.Null
		for _, a := range args {
			var ok bool
			if t, ok = CommonNoString(env.Ansi, t, a.Type()); !ok {
				if t, ok = CommonTypeOf(true, TypesOf(args)); !ok || !env.Ansi {
					return Typing{}, DataDiffTypes(name, TypesOf(args))
				}
				break
			}
		}
		if !t.IsOrderable() {
			return Typing{}, NotOrdered(name, t)
		}
		out := Typing{Result: t, Nullable: true}
		for _, a := range args {
			out.Args = append(out.Args, t)
			out.Nullable = out.Nullable && (a.Nullable() || mayNull(a.Type(), t))
		}
		return out, nil
	}
}

// extremeKernel keeps, for each row, the number of the best argument so far,
// then takes the values from there.
func extremeKernel(op cmp, t types.Type) Kernel {
	var best []int32
	var rows []int32
	acc := batch.New(t, 0)
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		best = best[:0]
		for range n {
			best = append(best, -1)
		}
		flat := make([]*batch.Vector, len(args))
		for k, a := range args {
			flat[k] = asFlat(a)
			pickBest(op, args, flat, k, best)
		}
		acc.Reset(0)
		rows = rows[:0]
		for i, k := range best {
			if k < 0 {
				rows = append(rows, -1)
				continue
			}
			rows = append(rows, int32(acc.Len()))
			acc.AppendRange(flat[k], i&rowMask(args[k]), 1)
		}
		out.Reset(0)
		out.AppendGather(acc, rows)
		return nil
	}
}

func pickBest(op cmp, args, flat []*batch.Vector, k int, best []int32) {
	if args[k].ConstNull() {
		return
	}
	m := rowMask(args[k])
	for i := range best {
		if !args[k].Valid(i) {
			continue
		}
		b := best[i]
		if b < 0 || op.passes(compareRows(flat[k], i&m, flat[b], i&rowMask(args[b]))) {
			best[i] = int32(k)
		}
	}
}
