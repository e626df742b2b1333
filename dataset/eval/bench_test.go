package eval_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/eval"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

func numbers(t types.Type, n int, f func(i int) any) *batch.Vector {
	v := batch.New(t, n)
	v.Reset(0)
	for i := range n {
		v.Append(f(i))
	}
	return v
}

func benchEval(b *testing.B, e plan.Expr, in *batch.Batch) {
	p, err := eval.Compile(ansi(), registry, e)
	require.NoError(b, err)
	b.ReportAllocs()
	b.SetBytes(int64(in.N))
	for b.Loop() {
		if _, err := p.Eval(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKernels(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 0))
	n := batch.Rows
	money := types.Decimal(15, 2)
	in := &batch.Batch{N: n, Cols: []*batch.Vector{
		numbers(types.Long, n, func(int) any { return r.Int64N(1e9) }),
		numbers(types.Long, n, func(int) any { return r.Int64N(1e9) }),
		numbers(types.Double, n, func(int) any { return r.Float64() }),
		numbers(money, n, func(int) any { return r.Int64N(1e7) }),
		numbers(money, n, func(int) any { return r.Int64N(10) }),
		numbers(types.String, n, func(int) any { return []string{"AIR", "MAIL", "SHIP", "TRUCK"}[r.IntN(4)] }),
		numbers(types.Long, n, func(i int) any {
			if i%7 == 0 {
				return nil
			}
			return r.Int64N(1e9)
		}),
	}}
	l0, l1, ln := col(0, types.Long), col(1, types.Long), col(6, types.Long)
	discounted := mustResolve(b, ansi(), "*", col(3, money), mustResolve(b, ansi(), "-", plan.LitInt(1), col(4, money)))
	for name, e := range map[string]plan.Expr{
		"add":            mustResolve(b, ansi(), "+", l0, l1),
		"addNulls":       mustResolve(b, ansi(), "+", l0, ln),
		"addConst":       mustResolve(b, ansi(), "+", l0, plan.LitLong(7)),
		"multiply":       mustResolve(b, ansi(), "*", l0, plan.LitLong(7)),
		"less":           mustResolve(b, ansi(), "<", l0, l1),
		"lessConst":      mustResolve(b, ansi(), "<", l0, plan.LitLong(5e8)),
		"decimalProduct": discounted,
		"caseWhen":       &plan.Case{Whens: []plan.When{{Cond: mustResolve(b, ansi(), "<", l0, l1), Then: l0}}, Else: l1},
		"inStrings":      &plan.In{Child: col(5, types.String), List: []plan.Expr{plan.LitString("AIR"), plan.LitString("SHIP")}},
	} {
		b.Run(name, func(b *testing.B) { benchEval(b, e, in) })
	}
}

func BenchmarkFilter(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 0))
	n := batch.Rows
	date := numbers(types.Date, n, func(int) any { return int32(r.IntN(2500)) })
	dict := batch.New(types.String, 0)
	codes := make([]int32, n)
	for i := range codes {
		codes[i] = int32(r.IntN(4))
	}
	dict.Reset(n)
	dict.SetDict(codes, batch.Of(types.String, "AIR", "MAIL", "SHIP", "TRUCK"))
	in := &batch.Batch{N: n, Cols: []*batch.Vector{date, dict}}
	d := col(0, types.Date)
	period := plan.And(mustResolve(b, ansi(), ">=", d, plan.Lit(types.Date, int32(1000))), mustResolve(b, ansi(), "<", d, plan.Lit(types.Date, int32(1365))))
	for name, cond := range map[string]plan.Expr{
		"dates":      period,
		"dictionary": mustResolve(b, ansi(), "=", col(1, types.String), plan.LitString("SHIP")),
		"both":       plan.And(period, mustResolve(b, ansi(), "=", col(1, types.String), plan.LitString("SHIP"))),
	} {
		b.Run(name, func(b *testing.B) {
			f, err := eval.CompileFilter(ansi(), registry, cond)
			require.NoError(b, err)
			b.ReportAllocs()
			b.SetBytes(int64(n))
			for b.Loop() {
				if _, err := f.Select(in, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
