package eval_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/eval"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

func asCondition(err error, c **errs.Condition) bool { return errors.As(err, c) }

// pools are values of each type, edges included.
func pools() []struct {
	t  types.Type
	xs []any
} {
	long := "a string that is longer than twelve bytes"
	return []struct {
		t  types.Type
		xs []any
	}{
		{types.Bool, []any{true, false, nil}},
		{types.Byte, []any{int8(0), int8(1), int8(-1), int8(7), nil, int8(127), int8(-128)}},
		{types.Short, []any{int16(0), int16(3), int16(-5), nil, int16(32767), int16(-32768)}},
		{types.Int, []any{int32(0), int32(1), int32(-9), int32(1000), nil, int32(math.MaxInt32), int32(math.MinInt32)}},
		{types.Long, []any{int64(0), int64(2), int64(-77), int64(1 << 40), nil, int64(math.MaxInt64), int64(math.MinInt64)}},
		{types.Float, []any{float32(0), float32(1.5), float32(-2), nil, float32(math.NaN()), float32(math.Inf(1))}},
		{types.Double, []any{0.0, 1.5, -2.25, nil, math.NaN(), math.Inf(-1), 1e300}},
		{types.Decimal(5, 2), []any{int64(0), int64(100), int64(-99999), nil, int64(12345)}},
		{types.Decimal(18, 4), []any{int64(0), int64(10000), int64(-999999999999999999), nil, int64(314159)}},
		{types.Decimal(30, 10), []any{decimal.FromInt64(0), decimal.FromInt64(12345678901234), nil, decimal.Pow10(29).Neg()}},
		{types.String, []any{"", "a", "abc", nil, long, "abd", "a string that is longer than twelve bytez"}},
		{types.Binary, []any{[]byte{}, []byte("a"), nil, []byte(long)}},
		{types.Date, []any{int32(0), int32(19000), int32(-400), nil}},
		{types.Timestamp, []any{int64(0), int64(1_700_000_000_000_000), int64(-1), nil}},
		{types.Array(types.Int, true), []any{[]any{}, []any{int32(1), nil}, nil, []any{int32(1), int32(2)}}},
		{types.Struct(types.F("x", types.Int), types.F("y", types.String)), []any{[]any{int32(1), "a"}, []any{nil, long}, nil, []any{int32(1), "b"}}},
	}
}

// encoded is a vector of n random values of a pool in one of three encodings.
func encoded(r *rand.Rand, t types.Type, xs []any, n int, enc batch.Encoding) *batch.Vector {
	switch enc {
	case batch.Const:
		return batch.NewConst(t, xs[r.IntN(len(xs))], n)
	case batch.Dict:
		var entries []any
		for _, x := range xs {
			if x != nil {
				entries = append(entries, x)
			}
		}
		codes := make([]int32, n)
		for i := range codes {
			codes[i] = int32(r.IntN(len(entries)))
		}
		v := batch.New(t, 0)
		v.Reset(n)
		v.SetDict(codes, batch.Of(t, entries...))
		for i := range n {
			if r.IntN(5) == 0 {
				v.SetNull(i)
			}
		}
		return v
	default:
	}
	v := batch.New(t, n)
	v.Reset(0)
	for range n {
		v.Append(xs[r.IntN(len(xs))])
	}
	return v
}

// rowByRow is the reference: each row alone, flat, through a fresh batch.
func rowByRow(t *testing.T, p *eval.Program, b *batch.Batch) ([]any, error) {
	t.Helper()
	out := []any{}
	for i := range b.N {
		one := &batch.Batch{N: 1}
		for _, c := range b.Cols {
			one.Cols = append(one.Cols, batch.Of(c.Type, c.Get(i)))
		}
		v, err := p.EvalFlat(one)
		if err != nil {
			return nil, err
		}
		out = append(out, v.Get(0))
	}
	return out, nil
}

// same compares boxed rows; NaN equals itself.
func same(t *testing.T, want, got []any, msg string) {
	t.Helper()
	require.Equal(t, fmt.Sprintf("%#v", want), fmt.Sprintf("%#v", got), msg)
}

var binaryNames = []string{
	"+", "-", "*", "/", "div", "%", "pmod", "try_add", "try_subtract", "try_multiply", "try_divide", "try_mod",
	"=", "!=", "<", "<=", ">", ">=", "<=>", "and", "or", "&", "|", "^", "shiftleft", "coalesce", "greatest", "least",
}

// TestEncodingsAgree runs every operator over every pair of pools in every
// mixture of encodings and sizes: results must be those of single rows, and
// fail exactly if some row fails.
func TestEncodingsAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	encs := []batch.Encoding{batch.Flat, batch.Const, batch.Dict}
	tried := 0
	for _, env := range []*function.Env{ansi(), legacy()} {
		for _, name := range binaryNames {
			for _, a := range pools() {
				for _, b := range pools() {
					e, err := resolve(env, name, col(0, a.t), col(1, b.t))
					if err != nil {
						continue
					}
					p, err := eval.Compile(env, registry, e)
					require.NoError(t, err, "%s %s %s", a.t, name, b.t)
					n := []int{0, 1, 2, 63, 65}[r.IntN(5)]
					in := &batch.Batch{N: n, Cols: []*batch.Vector{
						encoded(r, a.t, a.xs, n, encs[r.IntN(3)]), encoded(r, b.t, b.xs, n, encs[r.IntN(3)]),
					}}
					want, werr := rowByRow(t, p, in)
					v, err := p.Eval(in)
					require.Equal(t, class(werr) == "", class(err) == "", "%s %s %s: %v, %v", a.t, name, b.t, werr, err)
					tried++
					if err == nil {
						same(t, want, boxes(v), fmt.Sprintf("%s %s %s", a.t, name, b.t))
					}
				}
			}
		}
	}
	require.Greater(t, tried, 1000)
}

func TestCastEncodingsAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 0))
	encs := []batch.Encoding{batch.Flat, batch.Const, batch.Dict}
	for _, m := range []plan.CastMode{plan.CastLegacy, plan.CastAnsi, plan.CastTry} {
		for _, a := range pools() {
			for _, b := range pools() {
				if !function.CanCast(a.t, b.t, m != plan.CastLegacy) {
					continue
				}
				env := ansi()
				p, err := eval.Compile(env, registry, &plan.Cast{Child: col(0, a.t), To: b.t, Mode: m})
				require.NoError(t, err, "%s to %s", a.t, b.t)
				for _, n := range []int{0, 1, 3, 66} {
					in := &batch.Batch{N: n, Cols: []*batch.Vector{encoded(r, a.t, a.xs, n, encs[r.IntN(3)])}}
					want, werr := rowByRow(t, p, in)
					v, err := p.Eval(in)
					require.Equal(t, class(werr) == "", class(err) == "", "%s to %s: %v, %v", a.t, b.t, werr, err)
					if err == nil {
						same(t, want, boxes(v), fmt.Sprintf("%s to %s mode %d", a.t, b.t, m))
					}
				}
			}
		}
	}
}

// TestFilterAgrees compares selection with evaluation, with and without a
// selection to start from.
func TestFilterAgrees(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 0))
	encs := []batch.Encoding{batch.Flat, batch.Const, batch.Dict}
	for _, name := range []string{"=", "!=", "<", "<=", ">", ">="} {
		for _, a := range pools() {
			for _, x := range a.xs {
				for _, flip := range []bool{false, true} {
					lit := plan.Expr(&plan.Literal{Value: x, Typ: a.t})
					args := []plan.Expr{col(0, a.t), lit}
					if flip {
						args[0], args[1] = args[1], args[0]
					}
					cond := mustResolve(t, ansi(), name, args...)
					both := plan.And(cond, mustResolve(t, ansi(), "isnotnull", col(0, a.t)))
					f, err := eval.CompileFilter(ansi(), registry, both)
					require.NoError(t, err)
					n := []int{0, 1, 64, 130}[r.IntN(4)]
					in := &batch.Batch{N: n, Cols: []*batch.Vector{encoded(r, a.t, a.xs, n, encs[r.IntN(3)])}}
					want, err := run(ansi(), both, in)
					require.NoError(t, err)
					for _, sel := range [][]int32{nil, some(r, n)} {
						got, err := f.Select(in, sel)
						require.NoError(t, err)
						require.Equal(t, trues(want, sel), append([]int32{}, got...), "%s %s %v", a.t, name, x)
					}
				}
			}
		}
	}
}

func TestNullFilters(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 0))
	for _, a := range pools() {
		for _, enc := range []batch.Encoding{batch.Flat, batch.Const, batch.Dict} {
			in := &batch.Batch{N: 100, Cols: []*batch.Vector{encoded(r, a.t, a.xs, 100, enc)}}
			for _, name := range []string{"isnull", "isnotnull"} {
				cond := mustResolve(t, ansi(), name, col(0, a.t))
				want, err := run(ansi(), cond, in)
				require.NoError(t, err)
				f, err := eval.CompileFilter(ansi(), registry, cond)
				require.NoError(t, err)
				for _, sel := range [][]int32{nil, some(r, 100)} {
					got, err := f.Select(in, sel)
					require.NoError(t, err)
					require.Equal(t, trues(want, sel), append([]int32{}, got...), "%s %s", name, a.t)
				}
			}
		}
	}
}

func some(r *rand.Rand, n int) []int32 {
	out := []int32{}
	for i := range n {
		if r.IntN(3) > 0 {
			out = append(out, int32(i))
		}
	}
	return out
}

func trues(vals []any, sel []int32) []int32 {
	out := []int32{}
	if sel == nil {
		for i, v := range vals {
			if v == true {
				out = append(out, int32(i))
			}
		}
		return out
	}
	for _, r := range sel {
		if vals[r] == true {
			out = append(out, r)
		}
	}
	return out
}
