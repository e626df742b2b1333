package exec

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// countTo is numbers from each of the anchor's up to most-1.
func countTo(anchor int64, most int64) *physical.Recursive {
	out := types.NewSchema(types.F("n", types.Long))
	ref := &physical.RecursiveRef{ID: 3, Out: out}
	n := &plan.Bound{Typ: types.Long}
	next := call("+", types.Long, n, plan.LitLong(1))
	step := &physical.Project{
		Exprs: []plan.Expr{next}, Out: out,
		Child: &physical.Filter{Cond: call("<", types.Bool, n, plan.LitLong(most-1)), Child: ref},
	}
	return &physical.Recursive{
		ID: 3, MaxLevel: -1, MaxRows: -1, Limit: -1, Out: out, Step: step,
		Anchor: &physical.Range{End: anchor, Step: 1, Out: out},
	}
}

// Rounds follow each other in order, also from disk and on several threads;
// memory and files do not grow with their number.
func TestRecursionRunsToItsEnd(t *testing.T) {
	for _, s := range append(shapes, shape{threads: 2, rows: 100, input: 100, spill: 1}) {
		got := collect(t, countTo(100, 300), testDeps(t, s))
		require.Len(t, got, 100+100*200+99*100/2, s)
		require.Equal(t, int64(299), got[len(got)-1][0], s)
		for i := range 100 {
			require.Less(t, got[i][0], int64(100))
		}
	}
}

func TestRecursionIsBounded(t *testing.T) {
	for _, tc := range []struct {
		change func(n *physical.Recursive)
		class  string
		rows   int
	}{
		{func(n *physical.Recursive) { n.MaxLevel = 9 }, "RECURSION_LEVEL_LIMIT_EXCEEDED", 0},
		{func(n *physical.Recursive) { n.MaxLevel = 10 }, "", 10},
		{func(n *physical.Recursive) { n.MaxRows = 10 }, "RECURSION_ROW_LIMIT_EXCEEDED", 0},
		{func(n *physical.Recursive) { n.MaxRows = 11 }, "", 10},
		{func(n *physical.Recursive) { n.MaxRows, n.Limit = 3, 7 }, "", 7},
		{func(n *physical.Recursive) { n.MaxLevel, n.Limit = 0, 1 }, "", 1},
	} {
		n := countTo(1, 10)
		tc.change(n)
		d := testDeps(t, shapes[0])
		got, err := collectErr(n, d)
		require.Zero(t, d.Budget.Used())
		if tc.class == "" {
			require.NoError(t, err)
			require.Len(t, got, tc.rows)
			continue
		}
		var c *errs.Condition
		require.ErrorAs(t, err, &c)
		require.Equal(t, tc.class, c.Class)
	}
}
