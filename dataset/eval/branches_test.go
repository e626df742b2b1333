package eval_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/eval"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// divide is 10 / col, which fails where col is 0.
func divide(t testing.TB, i int) plan.Expr {
	return mustResolve(t, ansi(), "div", plan.LitLong(10), col(i, types.Long))
}

func TestUntakenBranchesDoNotFail(t *testing.T) {
	b := &batch.Batch{N: 4, Cols: []*batch.Vector{batch.Of(types.Long, int64(0), int64(5), nil, int64(2))}}
	zero := mustResolve(t, ansi(), "=", col(0, types.Long), plan.LitLong(0))
	positive := mustResolve(t, ansi(), ">", divide(t, 0), plan.LitLong(2))
	notZero := mustResolve(t, ansi(), "!=", col(0, types.Long), plan.LitLong(0))
	cases := []struct {
		name string
		e    plan.Expr
		want []any
	}{
		{"case", &plan.Case{Whens: []plan.When{{Cond: zero, Then: plan.LitLong(-1)}}, Else: divide(t, 0)}, []any{int64(-1), int64(2), nil, int64(5)}},
		{"case without else", &plan.Case{Whens: []plan.When{{Cond: notZero, Then: divide(t, 0)}}}, []any{nil, int64(2), nil, int64(5)}},
		{"and", mustResolve(t, ansi(), "and", notZero, positive), []any{false, false, nil, true}},
		{"or", mustResolve(t, ansi(), "or", zero, positive), []any{true, false, nil, true}},
		{"coalesce", mustResolve(t, ansi(), "coalesce", &plan.Case{Whens: []plan.When{{Cond: zero, Then: plan.LitLong(7)}}}, divide(t, 0)), []any{int64(7), int64(2), nil, int64(5)}},
	}
	for _, c := range cases {
		got, err := run(ansi(), c.e, b)
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, got, c.name)
	}
	_, err := run(ansi(), divide(t, 0), b)
	require.Equal(t, "DIVIDE_BY_ZERO", class(err))
}

func TestFilterGuardsLaterConjuncts(t *testing.T) {
	notZero := mustResolve(t, ansi(), "!=", col(0, types.Long), plan.LitLong(0))
	cond := plan.And(notZero, mustResolve(t, ansi(), ">", divide(t, 0), plan.LitLong(2)))
	f, err := eval.CompileFilter(ansi(), registry, cond)
	require.NoError(t, err)
	sel, err := f.Select(&batch.Batch{N: 5, Cols: []*batch.Vector{batch.Of(types.Long, int64(0), int64(5), nil, int64(2), int64(3))}}, nil)
	require.NoError(t, err)
	require.Equal(t, []int32{3, 4}, sel)
}

func TestThreeValuedLogic(t *testing.T) {
	vals := []any{true, false, nil}
	var as, bs, and, or []any
	for _, a := range vals {
		for _, b := range vals {
			as, bs = append(as, a), append(bs, b)
			switch {
			case a == false || b == false:
				and = append(and, false)
			case a == nil || b == nil:
				and = append(and, nil)
			default:
				and = append(and, true)
			}
			switch {
			case a == true || b == true:
				or = append(or, true)
			case a == nil || b == nil:
				or = append(or, nil)
			default:
				or = append(or, false)
			}
		}
	}
	in := &batch.Batch{N: 9, Cols: []*batch.Vector{batch.Of(types.Bool, as...), batch.Of(types.Bool, bs...)}}
	// The right side once as a plain column, once as something that may fail.
	risky := &plan.Cast{Child: &plan.Cast{Child: col(1, types.Bool), To: types.String, Mode: plan.CastAnsi}, To: types.Bool, Mode: plan.CastAnsi}
	for _, right := range []plan.Expr{col(1, types.Bool), risky} {
		got, err := run(ansi(), mustResolve(t, ansi(), "and", col(0, types.Bool), right), in)
		require.NoError(t, err)
		require.Equal(t, and, got)
		got, err = run(ansi(), mustResolve(t, ansi(), "or", col(0, types.Bool), right), in)
		require.NoError(t, err)
		require.Equal(t, or, got)
	}
}

// TestBranchesOfEveryType puts results together from several branches.
func TestBranchesOfEveryType(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 0))
	for _, p := range pools() {
		conds := []any{}
		for range 70 {
			conds = append(conds, []any{true, false, nil}[r.IntN(3)])
		}
		for _, enc := range []batch.Encoding{batch.Flat, batch.Const, batch.Dict} {
			in := &batch.Batch{N: 70, Cols: []*batch.Vector{
				batch.Of(types.Bool, conds...), encoded(r, p.t, p.xs, 70, enc), encoded(r, p.t, p.xs, 70, batch.Dict),
			}}
			e := &plan.Case{Whens: []plan.When{{Cond: col(0, types.Bool), Then: col(1, p.t)}}, Else: col(2, p.t)}
			got, err := run(ansi(), e, in)
			require.NoError(t, err)
			want := make([]any, 70)
			for i := range want {
				want[i] = in.Cols[2].Get(i)
				if conds[i] == true {
					want[i] = in.Cols[1].Get(i)
				}
			}
			same(t, want, got, p.t.String())

			got, err = run(ansi(), mustResolve(t, ansi(), "coalesce", col(1, p.t), col(2, p.t)), in)
			require.NoError(t, err)
			for i := range want {
				if want[i] = in.Cols[1].Get(i); want[i] == nil {
					want[i] = in.Cols[2].Get(i)
				}
			}
			same(t, want, got, "coalesce "+p.t.String())
		}
	}
}

func TestInFewStrings(t *testing.T) {
	in := &batch.Batch{N: 5, Cols: []*batch.Vector{batch.Of(types.String, "b", "AIR", nil, "MAIL", "a string that is longer than twelve")}}
	e := &plan.In{Child: col(0, types.String), List: []plan.Expr{plan.LitString("AIR"), plan.LitString("MAIL")}}
	got, err := run(ansi(), e, in)
	require.NoError(t, err)
	require.Equal(t, []any{false, true, nil, true, false}, got)
}

// TestIn compares both ways of membership with the definition.
func TestIn(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 0))
	for _, p := range pools() {
		for _, withNull := range []bool{false, true} {
			var list, columns []plan.Expr
			in := &batch.Batch{N: 40, Cols: []*batch.Vector{encoded(r, p.t, p.xs, 40, []batch.Encoding{batch.Flat, batch.Const, batch.Dict}[r.IntN(3)])}}
			var vals []any
			for _, x := range p.xs[:len(p.xs)-1] {
				if x != nil || withNull {
					vals = append(vals, x)
					list = append(list, &plan.Literal{Value: x, Typ: p.t})
					columns = append(columns, col(len(in.Cols), p.t))
					in.Cols = append(in.Cols, batch.NewConst(p.t, x, 40))
				}
			}
			want := make([]any, 40)
			for i := range want {
				want[i] = member(in.Cols[0].Get(i), vals)
			}
			for _, l := range [][]plan.Expr{list, columns} {
				got, err := run(ansi(), &plan.In{Child: col(0, p.t), List: l}, in)
				require.NoError(t, err)
				require.Equal(t, want, got, "%s in %v", p.t, vals)
			}
		}
	}
}

func member(x any, list []any) any {
	null := x == nil
	for _, y := range list {
		switch {
		case y == nil:
			null = true
		case x != nil && sameValue(x, y):
			return true
		}
	}
	if null {
		return nil
	}
	return false
}

func sameValue(x, y any) bool {
	if a, ok := x.(float64); ok {
		b := y.(float64)
		return a == b || a != a && b != b
	}
	if a, ok := x.(float32); ok {
		b := y.(float32)
		return a == b || a != a && b != b
	}
	return assertEqual(x, y)
}

func assertEqual(x, y any) bool {
	var probe failed
	require.Equal(&probe, x, y)
	return !bool(probe)
}

// failed notes a failed requirement instead of failing the test.
type failed bool

func (f *failed) Errorf(string, ...any) { *f = true }
func (f *failed) FailNow()              { *f = true }

// double is a higher-order function that maps an array's elements by a lambda.
func double() *function.Entry {
	return &function.Entry{
		Name: "apply", NullIn: true, MinArgs: 2, MaxArgs: 2,
		HigherOrder: func(_ *function.Env, _ *plan.Call, ls []function.LambdaKernel) (function.Kernel, error) {
			return func(args []*batch.Vector, n int, out *batch.Vector) error {
				src := args[0].Flatten(batch.New(args[0].Type, 0))
				out.Reset(0)
				for i := range n {
					out.AppendRange(src, i, 1)
				}
				var rows []int32
				for i := range n {
					for range src.Offsets[i+1] - src.Offsets[i] {
						rows = append(rows, int32(i))
					}
				}
				res, err := ls[1]([]*batch.Vector{src.Children[0]}, rows, len(rows))
				if err != nil {
					return err
				}
				out.Children[0].Reset(0)
				out.Children[0].AppendRange(res, 0, len(rows))
				return nil
			}, nil
		},
	}
}

func TestLambdaCapturesColumnsAndOuterVariables(t *testing.T) {
	reg := function.New(function.Standard().Entries()[:0], []*function.Entry{double()}, plusOnly())
	arr := types.Array(types.Int, true)
	outer := types.Array(arr, true)
	x := &plan.LambdaVar{Name: "x", ID: 1, Typ: arr, Null: true}
	y := &plan.LambdaVar{Name: "y", ID: 2, Typ: types.Int, Null: true}
	sum := &plan.Call{Name: "+", Args: []plan.Expr{y, col(1, types.Int)}, Typ: types.Int, Null: true, Ansi: true}
	inner := &plan.Call{Name: "apply", Args: []plan.Expr{x, &plan.Lambda{Params: []*plan.LambdaVar{y}, Body: sum}}, Typ: arr, Null: true}
	e := &plan.Call{Name: "apply", Args: []plan.Expr{col(0, outer), &plan.Lambda{Params: []*plan.LambdaVar{x}, Body: inner}}, Typ: outer, Null: true}
	p, err := eval.Compile(ansi(), reg, e)
	require.NoError(t, err)
	in := &batch.Batch{N: 3, Cols: []*batch.Vector{
		batch.Of(outer, []any{[]any{int32(1), int32(2)}, []any{}}, []any{}, []any{[]any{int32(3)}, []any{nil, int32(4)}}),
		batch.Of(types.Int, int32(10), int32(20), int32(30)),
	}}
	v, err := p.Eval(in)
	require.NoError(t, err)
	require.Equal(t, []any{[]any{[]any{int32(11), int32(12)}, []any{}}, []any{}, []any{[]any{int32(33)}, []any{nil, int32(34)}}}, boxes(v))
}

func plusOnly() []*function.Entry { return []*function.Entry{registry.Lookup("+")} }

func TestFold(t *testing.T) {
	e := mustResolve(t, ansi(), "+", mustResolve(t, ansi(), "*", plan.LitInt(2), plan.LitInt(3)), col(0, types.Int))
	got, err := eval.Fold(ansi(), registry, e)
	require.NoError(t, err)
	require.Equal(t, plan.LitInt(6), got.(*plan.Call).Args[0])
	fails := mustResolve(t, ansi(), "div", plan.LitLong(1), plan.LitLong(0))
	kept, err := eval.Fold(ansi(), registry, fails)
	require.NoError(t, err)
	require.Equal(t, fails, kept, "an error must wait until the value is needed")
}
