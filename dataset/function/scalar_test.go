package function

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// fnCase is a call with literal arguments and what it gives. Arguments are Go
// values, typed by litOf, or literals.
type fnCase struct {
	name string
	args []any
	want any // an error's class, as errClass, or a value
}

type errClass string

func litOf(x any) *plan.Literal {
	switch v := x.(type) {
	case *plan.Literal:
		return v
	case nil:
		return plan.LitNull(types.Null)
	case bool:
		return plan.LitBool(v)
	case int:
		return plan.LitInt(int32(v))
	case int64:
		return plan.LitLong(v)
	case float64:
		return plan.Lit(types.Double, v)
	case string:
		return plan.LitString(v)
	case []byte:
		return plan.Lit(types.Binary, v)
	}
	panic(fmt.Sprintf("%T", x))
}

// arr makes a literal array.
func arr(t types.Type, xs ...any) *plan.Literal {
	null := false
	for _, x := range xs {
		null = null || x == nil
	}
	list := make([]any, len(xs))
	for i, x := range xs {
		list[i] = x
		if n, ok := x.(int); ok {
			list[i] = int32(n)
		}
	}
	return plan.Lit(types.Array(t, null), list)
}

// dec makes a literal decimal.
func dec(p, s int, unscaled int64) *plan.Literal { return plan.Lit(types.Decimal(p, s), unscaled) }

func utcEnv() *Env {
	return &Env{Ansi: true, ZoneID: "UTC", Zone: time.UTC, Now: time.Unix(1700000000, 0)}
}

// evalCall types and runs a call of literals over n rows in the given encoding.
func evalCall(reg *Registry, env *Env, name string, lits []*plan.Literal, enc batch.Encoding, n int) (*batch.Vector, types.Type, error) {
	e := reg.Lookup(name)
	if e == nil {
		return nil, types.Null, fmt.Errorf("no function %s", name)
	}
	args := make([]plan.Expr, len(lits))
	for i, l := range lits {
		args[i] = l
	}
	if e.Rewrite != nil {
		x, err := e.Rewrite(env, args)
		if err != nil {
			return nil, types.Null, err
		}
		return evalRewritten(reg, env, x, enc, n)
	}
	typing, err := e.Type(env, args)
	if err != nil {
		return nil, types.Null, err
	}
	call := &plan.Call{Name: e.Name, Typ: typing.Result, Null: typing.Nullable, Ansi: env.Ansi}
	vecs := make([]*batch.Vector, len(lits))
	for i, l := range lits {
		lit := castLit(l, typing.Args[i])
		call.Args = append(call.Args, lit)
		vecs[i] = batch.NewConst(lit.Typ, lit.Value, n)
		if enc == batch.Flat {
			vecs[i] = vecs[i].Flatten(batch.New(lit.Typ, 0))
		}
	}
	out, err := runKernel(env, e, call, vecs, n)
	return out, typing.Result, err
}

// evalRewritten runs a rewrite that is a call of literals again.
func evalRewritten(reg *Registry, env *Env, x plan.Expr, enc batch.Encoding, n int) (*batch.Vector, types.Type, error) {
	switch f := x.(type) {
	case *plan.Literal:
		return batch.NewConst(f.Typ, f.Value, n), f.Typ, nil
	case *plan.Func:
		var lits []*plan.Literal
		for _, a := range f.Args {
			l, ok := a.(*plan.Literal)
			if !ok {
				v, t, err := evalRewritten(reg, env, a, batch.Const, 1)
				if err != nil {
					return nil, t, err
				}
				l = plan.Lit(t, v.Get(0))
			}
			lits = append(lits, l)
		}
		return evalCall(reg, env, f.Name[0], lits, enc, n)
	case *plan.Cast:
		v, _, err := evalRewritten(reg, env, f.Child, batch.Const, 1)
		if err != nil {
			return nil, f.To, err
		}
		l := castLit(plan.Lit(f.Child.Type(), v.Get(0)), f.To)
		return batch.NewConst(l.Typ, l.Value, n), f.To, nil
	}
	return nil, types.Null, fmt.Errorf("rewrite gave %T", x)
}

func runKernel(env *Env, e *Entry, call *plan.Call, vecs []*batch.Vector, n int) (*batch.Vector, error) {
	build := e.Kernel
	if e.HigherOrder != nil {
		build = func(env *Env, call *plan.Call) (Kernel, error) {
			return e.HigherOrder(env, call, make([]LambdaKernel, len(call.Args)))
		}
	}
	k, err := build(env, call)
	if err != nil {
		return nil, err
	}
	out := batch.New(call.Typ, 0)
	out.Reset(n)
	for _, v := range vecs {
		if e.NullIn && v.ConstNull() {
			out.Reset(0)
			out.AppendNulls(n)
			return out, nil
		}
		if e.NullIn && v.Enc == batch.Flat {
			out.AndValidity(v.Validity())
		}
	}
	return out, k(vecs, n, out)
}

// castLit does the implicit casts that tables of cases need.
func castLit(l *plan.Literal, to types.Type) *plan.Literal {
	if l.Value == nil || l.Typ.Equal(to) || l.Typ.Kind == to.Kind && l.Typ.Phys() == to.Phys() && to.Kind != types.KindDecimal {
		return plan.Lit(to, l.Value)
	}
	switch v := l.Value.(type) {
	case string:
		if to.Kind == types.KindBinary {
			return plan.Lit(to, []byte(v))
		}
		if to.Kind == types.KindDate {
			d, err := time.Parse("2006-01-02", v[:10])
			if err == nil {
				return plan.Lit(to, int32(d.Unix()/86400))
			}
		}
		if to.Kind == types.KindTimestamp || to.Kind == types.KindTimestampNTZ {
			for _, f := range []string{"2006-01-02 15:04:05.999999", "2006-01-02"} {
				if d, err := time.Parse(f, v); err == nil {
					return plan.Lit(to, d.UnixMicro())
				}
			}
		}
	case []byte:
		if to.Kind == types.KindString {
			return plan.Lit(to, string(v))
		}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = castLit(plan.Lit(*l.Typ.Elem, v[i]), *to.Elem).Value
		}
		return plan.Lit(to, out)
	}
	x, ok := realOf(l.Value, l.Typ)
	if !ok {
		panic(fmt.Sprintf("test cannot cast %v of %s to %s", l.Value, l.Typ, to))
	}
	switch to.Kind {
	case types.KindInt:
		return plan.Lit(to, int32(x))
	case types.KindLong:
		return plan.Lit(to, int64(x))
	case types.KindDouble:
		return plan.Lit(to, x)
	case types.KindDecimal:
		return plan.Lit(to, int64(math.Round(x*math.Pow10(int(to.Scale)))))
	default:
	}
	panic("test cannot cast to " + to.String())
}

// checkCases runs every case as constants and as columns.
func checkCases(t *testing.T, reg *Registry, env *Env, cases []fnCase) {
	t.Helper()
	for _, c := range cases {
		lits := make([]*plan.Literal, len(c.args))
		for i, a := range c.args {
			lits[i] = litOf(a)
		}
		msg := fmt.Sprintf("%s%v", c.name, c.args)
		for _, enc := range []batch.Encoding{batch.Const, batch.Flat} {
			n := 1
			if enc == batch.Flat {
				n = 3
			}
			out, _, err := evalCall(reg, env, c.name, lits, enc, n)
			if class, isErr := c.want.(errClass); isErr {
				require.ErrorContains(t, err, string(class), msg)
				continue
			}
			require.NoError(t, err, msg)
			require.Equal(t, n, out.Len(), msg)
			for i := range n {
				requireValue(t, c.want, out.Get(i), msg)
			}
		}
	}
}

func requireValue(t *testing.T, want, got any, msg string) {
	t.Helper()
	switch w := want.(type) {
	case int:
		require.Equal(t, fmt.Sprint(w), fmt.Sprint(got), msg)
	case float64:
		g, ok := got.(float64)
		require.True(t, ok, "%s gave %v", msg, got)
		if math.IsNaN(w) {
			require.True(t, math.IsNaN(g), msg)
			return
		}
		require.InDelta(t, w, g, 1e-12*(1+math.Abs(w)), msg)
	case []any:
		g, ok := got.([]any)
		require.True(t, ok, "%s gave %v", msg, got)
		require.Len(t, g, len(w), "%s gave %v", msg, got)
		for i := range w {
			requireValue(t, w[i], g[i], msg)
		}
	default:
		require.Equal(t, want, got, msg)
	}
}

// list is an expected array.
func list(xs ...any) []any { return append([]any{}, xs...) }
