package exec

import (
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// observed runs a plan to its end and gives the rows it delivered and its
// observations' states.
func observed(t *testing.T, n physical.Node, d Deps) (rows int, out []Observation) {
	t.Helper()
	r, err := Build(n, d)
	require.NoError(t, err)
	for {
		b, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		rows += b.N
	}
	out, err = r.Observed()
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.Zero(t, d.Budget.Used(), "memory left in the budget")
	return rows, out
}

// concluded makes results of states, as whoever asked for them does.
func concluded(t *testing.T, tt testTable, states ...[]byte) []any {
	t.Helper()
	aggs := testAggs(tt)
	defs, err := defineAggs(testDeps(t, shapes[0]).Registry, aggs, nil, nil)
	require.NoError(t, err)
	in := &physical.Values{}
	for _, d := range defs {
		for _, s := range d.states {
			in.Out.Fields = append(in.Out.Fields, types.F("state", s))
		}
	}
	for _, s := range states {
		b, err := batch.DecodeBlock(in.Out.Types(), s)
		require.NoError(t, err)
		in.Data = append(in.Data, b)
	}
	rows := collect(t, &physical.Aggregate{Mode: physical.AggFinal, Aggs: aggs, Out: aggSchema(nil), Child: in}, testDeps(t, shapes[0]))
	require.Len(t, rows, 1)
	return rows[0]
}

func TestObservationsAreOfTheRowsThatPass(t *testing.T) {
	for _, n := range []int{0, 1, 3000} {
		tt := randomTable(7, n, 50)
		want := aggReference(tt, nil)
		for _, s := range shapes {
			below := &physical.CollectMetrics{ID: 5, Aggs: testAggs(tt), Child: tt.values(s)}
			above := &physical.CollectMetrics{ID: 6, Aggs: testAggs(tt), Child: &physical.Filter{Cond: plan.LitBool(false), Child: below}}
			rows, seen := observed(t, above, testDeps(t, s))
			require.Zero(t, rows)
			require.Len(t, seen, 2)
			byID := map[int64][]byte{}
			for _, o := range seen {
				byID[o.ID] = o.State
			}
			require.Equal(t, []any{int64(0), int64(0), nil, nil, nil}, concluded(t, tt, byID[6]))
			if n > 0 {
				require.Equal(t, want[0], concluded(t, tt, byID[5]), s.String())
				twice := concluded(t, tt, byID[5], byID[5], byID[6])
				require.Equal(t, int64(2*n), twice[0], "states of several tasks add up")
			}
		}
	}
}

// A limit ends a query while threads still read: what they add then must not be
// half in the states.
func TestALimitAboveEndsAnObservation(t *testing.T) {
	tt := randomTable(7, 5000, 50)
	s := shape{threads: 4, rows: 16, input: 50}
	for range 20 {
		n := &physical.Limit{N: 40, Child: &physical.CollectMetrics{ID: 1, Aggs: testAggs(tt), Child: tt.values(s)}}
		rows, seen := observed(t, n, testDeps(t, s))
		require.Equal(t, 40, rows)
		count := concluded(t, tt, seen[0].State)[0]
		require.GreaterOrEqual(t, count, int64(40))
		require.LessOrEqual(t, count, int64(5000))
	}
}

func TestASharedSubtreeIsObservedOnce(t *testing.T) {
	tt := randomTable(7, 500, 50)
	s := shapes[1]
	shared := &physical.Shared{ID: 1, Child: &physical.CollectMetrics{ID: 1, Aggs: testAggs(tt), Child: tt.values(s)}}
	rows, seen := observed(t, &physical.Union{Inputs: []physical.Node{shared, shared}, Out: tt.schema}, testDeps(t, s))
	require.Equal(t, 1000, rows)
	require.Len(t, seen, 1)
	require.Equal(t, int64(500), concluded(t, tt, seen[0].State)[0])
}

func TestAnErrorInAnObservationIsTheQuerys(t *testing.T) {
	tt := randomTable(7, 50, 50)
	zero := &plan.Call{Name: "div", Ansi: true, Args: []plan.Expr{col(tt, 1), plan.Lit(types.Long, int64(0))}, Typ: types.Long, Null: true}
	agg := &plan.Agg{Name: "max", Args: []plan.Expr{zero}, Typ: types.Long, Null: true}
	_, err := collectErr(&physical.CollectMetrics{ID: 1, Aggs: []*plan.Agg{agg}, Child: tt.values(shapes[0])}, testDeps(t, shapes[0]))
	require.ErrorContains(t, err, "DIVIDE_BY_ZERO")
}
