package exec

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
)

// tight are ways to run with almost no memory.
var tight = []shape{
	{threads: 1, rows: 4096, input: 2000, spill: 1},
	{threads: 2, rows: 500, input: 700, spill: 600 << 10},
	{threads: 2, rows: 4096, input: 3000, spill: 2 << 20, dict: true},
}

// spilling runs a plan and checks that it did spill.
func spilling(t *testing.T, n physical.Node, s shape) [][]any {
	t.Helper()
	d := testDeps(t, s)
	r, err := Build(n, d)
	require.NoError(t, err)
	out, err := readAll(r)
	require.NoError(t, err)
	require.Positive(t, r.SpilledBytes(), "nothing was spilled")
	require.Zero(t, d.Budget.Used())
	return out
}

func TestAggregateSpills(t *testing.T) {
	for _, domain := range []int{50, 5000, 10_000_000} {
		tt := randomTable(31, 40_000, domain)
		keys := []int{0, 2}
		want := texts(aggReference(tt, keys), true)
		for _, s := range tight {
			t.Run(fmt.Sprintf("%d/%s", domain, s), func(t *testing.T) {
				if domain == 50 && s.spill > 1 {
					t.Skip("fits")
				}
				n := &physical.Aggregate{Keys: []plan.Expr{col(tt, 0), col(tt, 2)}, Aggs: testAggs(tt), Child: tt.values(s),
					Out: aggSchema([]types.Field{tt.schema.Fields[0], tt.schema.Fields[2]})}
				require.Equal(t, want, texts(spilling(t, n, s), true))
			})
		}
	}
}

// Without a folder for spill files a query fails rather than takes more memory.
func TestNoSpillFolderFails(t *testing.T) {
	tt := randomTable(31, 200_000, 10_000_000)
	s := shape{threads: 2, rows: 4096, input: 4096}
	d := testDeps(t, s)
	d.Budget = mem.NewBudget("small", 6<<20)
	n := &physical.Aggregate{Keys: []plan.Expr{col(tt, 0), col(tt, 2)}, Aggs: testAggs(tt), Child: tt.values(s),
		Out: aggSchema([]types.Field{tt.schema.Fields[0], tt.schema.Fields[2]})}
	_, err := collectErr(n, d)
	require.True(t, errs.Is(err, errs.Exhausted), "%v", err)
	require.Zero(t, d.Budget.Used())
}
