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
	{threads: 2, rows: 500, input: 700, spill: 300 << 10},
	{threads: 2, rows: 4096, input: 3000, spill: 700 << 10, dict: true},
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
		tt := randomTable(31, 8_000, domain)
		keys := []int{0, 2}
		want := texts(aggReference(tt, keys), true)
		for _, s := range tight {
			t.Run(fmt.Sprintf("%d/%s", domain, s), func(t *testing.T) {
				if domain == 50 && s.spill > 1 {
					t.Skip("fits")
				}
				n := &physical.Aggregate{
					Keys: []plan.Expr{col(tt, 0), col(tt, 2)}, Aggs: testAggs(tt), Child: tt.values(s),
					Out: aggSchema([]types.Field{tt.schema.Fields[0], tt.schema.Fields[2]}),
				}
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
	n := &physical.Aggregate{
		Keys: []plan.Expr{col(tt, 0), col(tt, 2)}, Aggs: testAggs(tt), Child: tt.values(s),
		Out: aggSchema([]types.Field{tt.schema.Fields[0], tt.schema.Fields[2]}),
	}
	_, err := collectErr(n, d)
	require.True(t, errs.Is(err, errs.Exhausted), "%v", err)
	require.Zero(t, d.Budget.Used())
}

func TestJoinSpills(t *testing.T) {
	l, r := randomTable(41, 200, 90), randomTable(42, 300, 100)
	for _, c := range []struct {
		keys   []int
		filter bool
	}{{[]int{2}, false}, {[]int{0, 4}, true}} {
		match := func(a, b []any) bool {
			for _, k := range c.keys {
				if a[k] == nil || a[k] != b[k] {
					return false
				}
			}
			return !c.filter || a[1] != nil && b[1] != nil && a[1].(int64) < b[1].(int64)
		}
		for _, kind := range joinKinds {
			want := texts(joinReference(kind, l, r, match), true)
			for _, buildLeft := range []bool{false, true} {
				s := shape{threads: 1 + int(kind)%2, rows: 1000, input: 300, spill: 1}
				t.Run(fmt.Sprintf("%v/%d/left=%v", c.keys, kind, buildLeft), func(t *testing.T) {
					n := &physical.HashJoin{Type: kind, Left: l.values(s), Right: r.values(s), BuildLeft: buildLeft, Out: joinOut(kind, l, r)}
					for _, k := range c.keys {
						n.LeftKeys, n.RightKeys = append(n.LeftKeys, col(l, k)), append(n.RightKeys, col(r, k))
					}
					d := testDeps(t, s)
					if c.filter {
						n.Residual = plan.LitBool(true)
						d.testCompiler = testCompiler{lessThan{1, l.schema.Len() + 1}}
					}
					run, err := Build(n, d)
					require.NoError(t, err)
					got, err := readAll(run)
					require.NoError(t, err)
					require.Positive(t, run.SpilledBytes())
					require.Zero(t, d.Budget.Used())
					require.Equal(t, want, texts(got, true))
				})
			}
		}
	}
}

func TestSortSpills(t *testing.T) {
	tt := randomTable(51, 8000, 1<<30)
	for i, keys := range sortCases {
		for _, s := range tight {
			t.Run(fmt.Sprintf("%d/%s", i, s), func(t *testing.T) {
				want := sortReference(tt.rows, keys)
				got := spillingSort(t, sortNode(tt, keys, s), s)
				require.Equal(t, texts(keyColumns(want, keys), false), texts(keyColumns(got, keys), false))
				require.Equal(t, texts(want, true), texts(got, true))
				top := sortNode(tt, keys, s)
				top.Limit, top.Offset = 3000, 1000
				got = spillingSort(t, top, s)
				require.Equal(t, texts(keyColumns(want[1000:4000], keys), false), texts(keyColumns(got, keys), false))
			})
		}
	}
}

func spillingSort(t *testing.T, n physical.Node, s shape) [][]any {
	if s.spill == 1 {
		return spilling(t, n, s)
	}
	return collect(t, n, testDeps(t, s))
}

func TestWindowSpills(t *testing.T) {
	tt := windowTable(3000)
	frame := plan.Frame{Kind: plan.FrameRows, Lo: unboundedLo, Hi: current}
	want := texts(windowReference(tt, false, func(part [][]any, i int) []any { return []any{sumOf(part[:i+1])} }), true)
	for _, s := range []shape{tight[0], {threads: 2, rows: 7, input: 100, spill: 1}} {
		n := windowNode(tt, s, false, false, []types.Type{types.Long},
			physical.WindowFunc{Func: &plan.Agg{Name: "sum", Args: []plan.Expr{col(tt, 3)}, Typ: types.Long, Null: true}, Frame: frame})
		require.Equal(t, want, texts(spilling(t, n, s), true), "%s", s)
	}
}
