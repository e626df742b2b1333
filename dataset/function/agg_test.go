package function

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

var testEnv = &Env{Ansi: true, ZoneID: "UTC"}

func aggRegistry() *Registry {
	return New(basicAggs(), logicAggs(), statAggs(), collectAggs(), extraAggs())
}

// aggOf types a call over columns of the given types, with constants where an argument is a literal.
func aggOf(t testing.TB, name string, order int, args ...plan.Expr) (*Entry, *plan.Agg) {
	e := aggRegistry().Lookup(name)
	require.NotNil(t, e, name)
	a := &plan.Agg{Name: name, Args: args[:len(args)-order], Ansi: true}
	for _, o := range args[len(args)-order:] {
		a.Order = append(a.Order, plan.SortOrder{Child: o})
	}
	typing, err := e.Type(testEnv, args)
	require.NoError(t, err, name)
	for i, to := range typing.Args {
		if to.Equal(args[i].Type()) {
			continue
		}
		require.Less(t, i, len(a.Args), "order keys are not cast here")
		a.Args[i] = &plan.Cast{Child: args[i], To: to, Implicit: true}
	}
	a.Typ, a.Null = typing.Result, typing.Nullable
	return e, a
}

func col(t types.Type) plan.Expr { return &plan.Bound{Typ: t, Null: true} }

// runAgg feeds rows to accumulators of parts random parts and merges them through their states.
func runAgg(t testing.TB, e *Entry, a *plan.Agg, groups []int32, ngroups int, cols []*batch.Vector, parts int, r *rand.Rand) []any {
	n := cols[0].Len()
	final, err := e.Accumulator(testEnv, a)
	require.NoError(t, err)
	final.Grow(ngroups)
	if parts == 1 {
		require.NoError(t, final.Update(groups, cols, n))
	}
	cuts := []int{0, n}
	for range parts - 1 {
		cuts = append(cuts, r.IntN(n+1))
	}
	slices.Sort(cuts)
	for p := 0; parts > 1 && p+1 < len(cuts); p++ {
		mergePart(t, e, a, final, groups, ngroups, cols, cuts[p], cuts[p+1])
	}
	require.Positive(t, final.Bytes()+1)
	out := batch.New(a.Typ, 0)
	require.NoError(t, final.Result(0, ngroups, out))
	require.Equal(t, ngroups, out.Len())
	res := make([]any, ngroups)
	for i := range res {
		res[i] = out.Get(i)
	}
	return res
}

func mergePart(t testing.TB, e *Entry, a *plan.Agg, final Accumulator, groups []int32, ngroups int, cols []*batch.Vector, lo, hi int) {
	acc, err := e.Accumulator(testEnv, a)
	require.NoError(t, err)
	acc.Grow(ngroups)
	part := make([]*batch.Vector, len(cols))
	for i, c := range cols {
		part[i] = batch.New(c.Type, 0)
		part[i].AppendRange(c, lo, hi-lo)
	}
	g := groups
	if g != nil {
		g = groups[lo:hi]
	}
	require.NoError(t, acc.Update(g, part, hi-lo))
	var state []*batch.Vector
	for _, st := range e.StateTypes(a) {
		state = append(state, batch.New(st, 0))
	}
	require.NoError(t, acc.State(0, ngroups, state))
	ids := make([]int32, ngroups)
	for i := range ids {
		ids[i] = int32(i)
		for k, s := range state {
			require.Equal(t, ngroups, s.Len(), "state column %d", k)
		}
	}
	require.NoError(t, final.Merge(ids, state, ngroups))
}

func randomColumn(t types.Type, n int, r *rand.Rand, nulls bool) *batch.Vector {
	v := batch.New(t, n)
	for range n {
		if nulls && r.IntN(5) == 0 {
			v.AppendNulls(1)
			continue
		}
		v.Append(randomValue(t, r))
	}
	return v
}

func randomValue(t types.Type, r *rand.Rand) any {
	k := r.IntN(200) - 100
	switch t.Phys() {
	case types.PhysBool:
		return k%2 == 0
	case types.PhysInt8:
		return int8(k)
	case types.PhysInt16:
		return int16(k)
	case types.PhysInt32:
		return int32(k)
	case types.PhysInt64:
		return int64(k) * 100
	case types.PhysFloat32:
		return float32(k) / 4
	case types.PhysFloat64:
		return float64(k) / 4
	case types.PhysInt128:
		return batch.Int128{Lo: uint64(k), Hi: int64(k) >> 63}
	case types.PhysView:
		return fmt.Sprintf("value of row %d", k)
	case types.PhysArray:
		return []any{randomValue(*t.Elem, r), nil, randomValue(*t.Elem, r)}
	case types.PhysStruct:
		out := []any{}
		for _, f := range t.Fields {
			out = append(out, randomValue(f.Type, r))
		}
		return out
	default:
	}
	panic(t.String())
}

// requireClose compares results, floats to eleven digits.
func requireClose(t testing.TB, want, got []any, msg string) {
	require.Len(t, got, len(want))
	for i := range want {
		w, ok := want[i].(float64)
		g, ok2 := got[i].(float64)
		if ok && ok2 && !math.IsNaN(w) {
			require.InDelta(t, w, g, 1e-9*(1+math.Abs(w)), msg)
			continue
		}
		require.Equal(t, fmt.Sprint(want[i]), fmt.Sprint(got[i]), msg)
	}
}

type aggCase struct {
	name  string
	order int
	args  []plan.Expr
}

func aggCases() []aggCase {
	nested := types.Array(types.Int, true)
	half := plan.Lit(types.Double, 0.5)
	var out []aggCase
	for _, t := range []types.Type{types.Bool, types.Byte, types.Short, types.Int, types.Long, types.Float, types.Double, types.String, types.Date, types.Decimal(10, 2), types.Decimal(30, 2), nested} {
		for _, n := range []string{"min", "max", "first", "last", "any_value", "collect_list", "collect_set", "mode", "count", "approx_count_distinct"} {
			out = append(out, aggCase{n, 0, []plan.Expr{col(t)}})
		}
		out = append(out, aggCase{"max_by", 0, []plan.Expr{col(types.String), col(t)}}, aggCase{"min_by", 0, []plan.Expr{col(nested), col(t)}})
	}
	for _, t := range []types.Type{types.Byte, types.Short, types.Int, types.Long, types.Float, types.Double, types.Decimal(5, 2), types.Decimal(12, 2), types.Decimal(30, 2), types.YearMonth, types.DayTime} {
		for _, n := range []string{"sum", "avg", "try_sum", "try_avg"} {
			out = append(out, aggCase{n, 0, []plan.Expr{col(t)}})
		}
		out = append(out, aggCase{"percentile_approx", 0, []plan.Expr{col(t), half}})
	}
	for _, n := range []string{"stddev", "stddev_pop", "variance", "var_pop", "skewness", "kurtosis", "median"} {
		out = append(out, aggCase{n, 0, []plan.Expr{col(types.Double)}})
	}
	for _, n := range []string{"covar_pop", "covar_samp", "corr", "regr_count", "regr_avgx", "regr_avgy", "regr_r2", "regr_sxx", "regr_syy", "regr_sxy", "regr_slope", "regr_intercept"} {
		out = append(out, aggCase{n, 0, []plan.Expr{col(types.Double), col(types.Double)}})
	}
	for _, n := range []string{"bit_and", "bit_or", "bit_xor"} {
		out = append(out, aggCase{n, 0, []plan.Expr{col(types.Int)}})
	}
	return append(out,
		aggCase{"bool_and", 0, []plan.Expr{col(types.Bool)}}, aggCase{"bool_or", 0, []plan.Expr{col(types.Bool)}},
		aggCase{"count_if", 0, []plan.Expr{col(types.Bool)}}, aggCase{"listagg", 0, []plan.Expr{col(types.String), plan.LitString("-")}},
		aggCase{"listagg", 1, []plan.Expr{col(types.String), plan.LitString("-"), col(types.String)}},
		aggCase{"percentile", 0, []plan.Expr{col(types.Double), half, col(types.Long)}},
		aggCase{"percentile_cont", 1, []plan.Expr{half, col(types.Double)}}, aggCase{"percentile_disc", 1, []plan.Expr{half, col(types.Double)}},
		aggCase{"histogram_numeric", 0, []plan.Expr{col(types.Double), plan.LitInt(2000)}},
		aggCase{"bitmap_construct_agg", 0, []plan.Expr{col(types.Long)}}, aggCase{"bitmap_or_agg", 0, []plan.Expr{col(types.Binary)}}, aggCase{"bitmap_and_agg", 0, []plan.Expr{col(types.Binary)}},
	)
}

func TestAggregateMergeEqualsWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range aggCases() {
		e := aggRegistry().Lookup(c.name)
		require.NotNil(t, e, c.name)
		e, a := aggOf(t, c.name, c.order, slices.Clone(c.args)...)
		for _, nulls := range []bool{false, true} {
			for _, ngroups := range []int{1, 7} {
				const n = 300
				var cols []*batch.Vector
				for _, in := range AggInputs(a) {
					cols = append(cols, inputColumn(in, n, r, nulls))
				}
				var groups []int32
				if ngroups > 1 {
					groups = make([]int32, n)
					for i := range groups {
						groups[i] = int32(r.IntN(ngroups))
					}
				}
				whole := runAgg(t, e, a, groups, ngroups, cols, 1, r)
				for _, parts := range []int{2, 5} {
					msg := fmt.Sprintf("%s(%v) nulls=%v groups=%d parts=%d", c.name, AggInputs(a)[0].Type(), nulls, ngroups, parts)
					requireClose(t, whole, runAgg(t, e, a, groups, ngroups, cols, parts, r), msg)
				}
			}
		}
	}
}

func inputColumn(in plan.Expr, n int, r *rand.Rand, nulls bool) *batch.Vector {
	if v, ok := ConstValue(in); ok {
		return batch.NewConst(in.Type(), v, n)
	}
	v := randomColumn(in.Type(), n, r, nulls)
	if in.Type().Kind == types.KindLong { // frequencies
		for i, x := range batch.Values[int64](v) {
			batch.Values[int64](v)[i] = abs64(x)
		}
	}
	return v
}

func TestAggregateResults(t *testing.T) {
	i := func(xs ...any) *batch.Vector { return batch.Of(types.Int, xs...) }
	d := func(xs ...any) *batch.Vector { return batch.Of(types.Double, xs...) }
	s := func(xs ...any) *batch.Vector { return batch.Of(types.String, xs...) }
	dec := types.Decimal(4, 1)
	cases := []struct {
		name string
		lits []plan.Expr
		cols []*batch.Vector
		want any
	}{
		{"count", nil, []*batch.Vector{i(nil, int32(5), int32(20))}, int64(2)},
		{"sum", nil, []*batch.Vector{i(nil, int32(5), int32(20))}, int64(25)},
		{"sum", nil, []*batch.Vector{i(nil)}, nil},
		{"avg", nil, []*batch.Vector{i(int32(1), int32(2), nil)}, 1.5},
		{"avg", nil, []*batch.Vector{batch.Of(dec, int64(10), int64(10), int64(11))}, int64(103333)},
		{"avg", nil, []*batch.Vector{batch.Of(dec, int64(-10), int64(-10), int64(-11))}, int64(-103333)},
		{"max", nil, []*batch.Vector{d(1.0, math.NaN(), math.Inf(1))}, math.NaN()},
		{"min", nil, []*batch.Vector{d(1.0, math.NaN(), math.Inf(-1))}, math.Inf(-1)},
		{"max", nil, []*batch.Vector{s("a", "a longer string than inline", "a longer string than inlinf", nil)}, "a longer string than inlinf"},
		{"skewness", nil, []*batch.Vector{d(-10.0, -20.0, 100.0, 1000.0)}, 1.1135657469022011},
		{"kurtosis", nil, []*batch.Vector{d(-10.0, -20.0, 100.0, 1000.0)}, -0.7014368047529609},
		{"stddev", nil, []*batch.Vector{d(1.0)}, nil},
		{"regr_r2", nil, []*batch.Vector{d(1.0, 2.0, 2.0, 2.0), d(2.0, nil, 3.0, 4.0)}, 0.7500000000000001},
		{"regr_sxy", nil, []*batch.Vector{d(1.0, 2.0, 2.0, 2.0), d(2.0, 2.0, 3.0, 4.0)}, 0.7499999999999998},
		{"regr_syy", nil, []*batch.Vector{d(1.0, 2.0, 2.0, 2.0), d(2.0, nil, 3.0, 4.0)}, 0.6666666666666667},
		{"median", nil, []*batch.Vector{d(0.0, 10.0)}, 5.0},
		{"mode", nil, []*batch.Vector{i(int32(0), int32(10), int32(10))}, int32(10)},
		{"max_by", nil, []*batch.Vector{s("a", "b", "c"), i(int32(10), int32(50), int32(20))}, "b"},
		{"first", []plan.Expr{plan.LitBool(true)}, []*batch.Vector{i(nil, int32(5), int32(20))}, int32(5)},
		{"first", nil, []*batch.Vector{i(nil, int32(5), int32(20))}, nil},
		{"last", []plan.Expr{plan.LitBool(true)}, []*batch.Vector{i(int32(10), int32(5), nil)}, int32(5)},
		{"last", nil, []*batch.Vector{i(int32(10), int32(5), nil)}, nil},
		{"bit_xor", nil, []*batch.Vector{i(int32(3), int32(5))}, int32(6)},
		{"collect_set", nil, []*batch.Vector{i(int32(1), int32(2), int32(1))}, []any{int32(1), int32(2)}},
		{"approx_count_distinct", nil, []*batch.Vector{i(int32(1), int32(1), int32(2), int32(2), int32(3))}, int64(3)},
		{"percentile_approx", []plan.Expr{plan.Lit(types.Decimal(1, 1), int64(5))}, []*batch.Vector{i(int32(0), int32(1), int32(2), int32(10))}, int32(1)},
		{"listagg", nil, []*batch.Vector{s("a", nil, "b")}, "ab"},
		{"listagg", nil, []*batch.Vector{s(nil, nil)}, nil},
	}
	for _, c := range cases {
		var args []plan.Expr
		for _, v := range c.cols {
			args = append(args, col(v.Type))
		}
		e, a := aggOf(t, c.name, 0, append(args, c.lits...)...)
		cols := slices.Clone(c.cols)
		for k, in := range a.Args[:len(c.cols)] {
			cols[k] = castForTest(cols[k], in.Type())
		}
		for _, l := range c.lits {
			cols = append(cols, batch.NewConst(l.Type(), l.(*plan.Literal).Value, cols[0].Len()))
		}
		requireClose(t, []any{c.want}, runAgg(t, e, a, nil, 1, cols, 1, nil), c.name)
	}
}

// castForTest does the one implicit cast these tables need.
func castForTest(v *batch.Vector, to types.Type) *batch.Vector {
	if v.Type.Equal(to) {
		return v
	}
	out := batch.New(to, 0)
	for i := range v.Len() {
		if x, ok := realOf(v.Get(i), v.Type); ok {
			out.Append(x)
		} else {
			out.AppendNulls(1)
		}
	}
	return out
}

func TestSumOverflow(t *testing.T) {
	big := batch.Of(types.Long, int64(math.MaxInt64), int64(1))
	for _, groups := range [][]int32{nil, {0, 0}} {
		e, a := aggOf(t, "sum", 0, col(types.Long))
		acc, err := e.Accumulator(testEnv, a)
		require.NoError(t, err)
		acc.Grow(1)
		require.ErrorContains(t, acc.Update(groups, []*batch.Vector{big}, 2), "ARITHMETIC_OVERFLOW")

		a.Ansi = false
		require.Equal(t, []any{int64(math.MinInt64)}, runAgg(t, e, a, groups, 1, []*batch.Vector{big}, 1, nil))

		e, a = aggOf(t, "try_sum", 0, col(types.Long))
		require.Equal(t, []any{nil}, runAgg(t, e, a, groups, 1, []*batch.Vector{big}, 1, nil))
	}
}

func TestDecimalSumOverflow(t *testing.T) {
	dt := types.Decimal(38, 0)
	huge := decimal.Pow10(38).Sub(batch.Int128{Lo: 1})
	cols := []*batch.Vector{batch.Of(dt, huge, huge)}
	e, a := aggOf(t, "sum", 0, col(dt))
	acc, _ := e.Accumulator(testEnv, a)
	acc.Grow(1)
	require.ErrorContains(t, acc.Update(nil, cols, 2), "NUMERIC_VALUE_OUT_OF_RANGE")
	a.Ansi = false
	require.Equal(t, []any{nil}, runAgg(t, e, a, nil, 1, cols, 1, nil))
}

func TestDistinctEstimate(t *testing.T) {
	for _, n := range []int{0, 1, 100, 1000, 100_000} {
		v := batch.New(types.Long, n)
		v.Reset(n)
		for i := range n {
			batch.Values[int64](v)[i] = int64(i) * 7919
		}
		e, a := aggOf(t, "approx_count_distinct", 0, col(types.Long))
		got := runAgg(t, e, a, nil, 1, []*batch.Vector{v}, 1, nil)[0].(int64)
		require.InDelta(t, n, got, 0.12*float64(n), "of %d", n)
	}
}
