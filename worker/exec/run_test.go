package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

func call(name string, ty types.Type, args ...plan.Expr) *plan.Call {
	return &plan.Call{Name: name, Args: args, Typ: ty, Null: true}
}

func TestFilterProjectExpandEqualReference(t *testing.T) {
	tt := randomTable(61, 9000, 100)
	for _, most := range []int64{-1, 3, 60, 1000} { // none, few, most, all that are not null
		var want [][]any
		for _, r := range tt.rows {
			if r[0] != nil && int64(r[0].(int32)) <= most {
				want = append(want, []any{r[2], r[0]})
			}
		}
		check(t, true, want, func(s shape) physical.Node {
			f := &physical.Filter{Cond: call("<=", types.Bool, col(tt, 0), plan.LitInt(int32(most))), Child: tt.values(s)}
			return &physical.Project{Exprs: []plan.Expr{col(tt, 2), col(tt, 0)}, Out: types.NewSchema(tt.schema.Fields[2], tt.schema.Fields[0]), Child: f}
		})
	}
	var want [][]any
	for _, r := range tt.rows {
		want = append(want, []any{r[0], int64(0)}, []any{nil, int64(1)})
	}
	check(t, false, want, func(s shape) physical.Node {
		return &physical.Expand{
			Projections: [][]plan.Expr{{col(tt, 0), plan.LitLong(0)}, {plan.LitNull(types.Int), plan.LitLong(1)}},
			Out:         types.NewSchema(tt.schema.Fields[0], types.F("g", types.Long)), Child: tt.values(s),
		}
	})
}

func TestNestedLoopEqualsReference(t *testing.T) {
	l, r := randomTable(1, 60, 40), randomTable(2, 50, 40)
	match := func(a, b []any) bool { return a[0] != nil && b[0] != nil && a[0].(int32) < b[0].(int32) }
	for _, kind := range append([]plan.JoinType{plan.JoinCross}, joinKinds...) {
		cond, m := plan.Expr(call("<", types.Bool, col(l, 0), at(r, l.schema.Len(), 0))), match
		want := joinReference(kind, l, r, m)
		if kind == plan.JoinCross {
			cond = nil
			want = joinReference(plan.JoinInner, l, r, func(_, _ []any) bool { return true })
		}
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			check(t, false, want, func(s shape) physical.Node {
				return &physical.NestedLoop{Type: kind, Left: l.values(s), Right: r.values(s), Cond: cond, Out: joinOut(kind, l, r)}
			})
		})
	}
}

// A shared subtree is computed once and read at each place.
func TestSharedIsComputedOnce(t *testing.T) {
	tt := randomTable(3, 2000, 50)
	for _, s := range append(shapes, shape{threads: 2, rows: 100, input: 100, spill: 1}) {
		sh := &physical.Shared{ID: 7, Child: tt.values(s)}
		d := testDeps(t, s)
		r, err := Build(&physical.Union{Inputs: []physical.Node{sh, &physical.Shared{ID: 7, Child: sh.Child}}, Out: tt.schema}, d)
		require.NoError(t, err)
		got, err := readAll(r)
		require.NoError(t, err)
		require.Equal(t, texts(append(append([][]any(nil), tt.rows...), tt.rows...), true), texts(got, true))
		var read int64
		for _, o := range r.Operators() {
			if o.Name == "LocalTableScan" {
				read += o.RowsOut
			}
		}
		require.EqualValues(t, len(tt.rows), read)
	}
}

// plans with everything that starts goroutines or holds memory.
func busyPlan(s shape) physical.Node {
	l, r := randomTable(1, 20_000, 3000), randomTable(2, 20_000, 3000)
	j := &physical.HashJoin{Left: l.values(s), Right: r.values(s), LeftKeys: []plan.Expr{col(l, 0)}, RightKeys: []plan.Expr{col(r, 0)}, Out: joinOut(plan.JoinInner, l, r)}
	return &physical.Limit{N: 50_000, Child: j}
}

func TestClosingEarlyStopsEverything(t *testing.T) {
	for _, s := range append(shapes[:4:4], shape{threads: 2, rows: 500, input: 1000, spill: 1}) {
		for _, batches := range []int{0, 1, 3} {
			d := testDeps(t, s)
			r, err := Build(busyPlan(s), d)
			require.NoError(t, err)
			for range batches {
				_, err := r.Next(context.Background())
				require.NoError(t, err)
			}
			require.NoError(t, r.Close())
			require.NoError(t, r.Close())
			require.Zero(t, d.Budget.Used())
			_, err = r.Next(context.Background())
			require.True(t, errs.Is(err, errs.Canceled))
		}
	}
}

func TestCancelingStops(t *testing.T) {
	s := shape{threads: 2, rows: 100, input: 1000}
	d := testDeps(t, s)
	r, err := Build(&physical.Range{End: 1 << 60, Step: 1, Out: types.NewSchema(types.F("id", types.Long))}, d)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	_, err = r.Next(ctx)
	require.NoError(t, err)
	cancel()
	for err == nil {
		_, err = r.Next(ctx)
	}
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, r.Close())

	// inside a blocking operator that would run for ever
	agg := &physical.Aggregate{
		Child: &physical.Range{End: 1 << 60, Step: 1}, Aggs: []*plan.Agg{{Name: "count", Args: []plan.Expr{plan.LitInt(1)}, Typ: types.Long}},
		Out: types.NewSchema(types.F("n", types.Long)),
	}
	r, err = Build(agg, testDeps(t, s))
	require.NoError(t, err)
	ctx, cancel = context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := r.Next(ctx)
		done <- err
	}()
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.NoError(t, r.Close())
}

// failing is a condition that fails or panics at a value.
type failing struct{ how any }

func (f failing) Expr(plan.Expr) (evaluator, error) { return nil, errors.New("unused") }
func (f failing) Cond(plan.Expr) (selector, error)  { return f, nil }
func (f failing) Select(b *batch.Batch, _ []int32) ([]int32, error) {
	if b.Seq < 2 {
		return []int32{0}, nil
	}
	if err, ok := f.how.(error); ok {
		return nil, err
	}
	panic(f.how)
}

func TestFirstErrorWinsAndPanicsAreInternal(t *testing.T) {
	tt := randomTable(4, 5000, 10)
	boom := errors.New("boom")
	for _, s := range shapes[1:] {
		s.input = 100
		for _, how := range []any{boom, "bug"} {
			d := testDeps(t, s)
			d.testCompiler = failing{how}
			_, err := collectErr(&physical.Filter{Cond: plan.LitBool(true), Child: tt.values(s)}, d)
			if _, is := how.(error); is {
				require.ErrorIs(t, err, boom)
			} else {
				require.True(t, errs.Is(err, errs.Internal), "%v", err)
				require.ErrorContains(t, err, "failing.Select")
			}
			require.Zero(t, d.Budget.Used())
		}
	}
}

func TestSampleDependsOnSeedAlone(t *testing.T) {
	tt := randomTable(5, 10_000, 1<<30)
	counts := map[bool]int{}
	for _, replace := range []bool{false, true} {
		var want []string
		for _, s := range shapes {
			n := &physical.Sample{Upper: 0.3, WithReplacement: replace, Seed: 42, Child: tt.values(s)}
			got := texts(collect(t, n, testDeps(t, s)), false)
			if want == nil {
				want = got
			}
			require.Equal(t, want, got)
		}
		counts[replace] = len(want)
	}
	require.InDelta(t, 3000, counts[false], 200)
	require.InDelta(t, 3000, counts[true], 250)
}

func TestOperatorsAreCounted(t *testing.T) {
	tt := randomTable(5, 5000, 100)
	s := shapes[0]
	n := &physical.Aggregate{Keys: []plan.Expr{col(tt, 0)}, Child: &physical.Limit{N: 1000, Child: tt.values(s)}, Out: types.NewSchema(tt.schema.Fields[0])}
	r, err := Build(n, testDeps(t, s))
	require.NoError(t, err)
	_, err = readAll(r)
	require.NoError(t, err)
	ops := r.Operators()
	require.Len(t, ops, 3)
	require.Equal(t, []string{"HashAggregate", "Limit", "LocalTableScan"}, []string{ops[0].Name, ops[1].Name, ops[2].Name})
	require.Equal(t, []int{0, 1, 2}, []int{ops[0].Parent, ops[1].Parent, ops[2].Parent})
	require.EqualValues(t, 1000, ops[0].RowsIn)
	require.EqualValues(t, 101, ops[0].RowsOut)
	require.Positive(t, ops[0].Nanos)
	_, err = r.Next(context.Background())
	require.Equal(t, io.EOF, err)
}
