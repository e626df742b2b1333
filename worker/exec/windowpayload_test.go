package exec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
)

// The columns that no function looks at go round by disk and meet their rows again.
func TestWindowRejoinsWhatItDoesNotLookAt(t *testing.T) {
	tt := windowTable(3000)
	want := texts(windowReference(tt, false, func(part [][]any, i int) []any {
		first := i
		for first > 0 && part[first-1][1] == part[i][1] {
			first--
		}
		return []any{int32(first + 1)}
	}), true)
	for _, s := range tight {
		s.spill = min(s.spill, 30<<10)
		n := windowNode(tt, s, false, true, []types.Type{types.Int}, physical.WindowFunc{Func: &plan.Call{Name: "rank", Typ: types.Int}})
		require.Equal(t, want, texts(spilling(t, n, s), true), s.String())
	}
}

// wideWindow numbers the rows of one partition, each with a long text.
func wideWindow(rows int, of plan.Expr) *physical.Window {
	tt := testTable{schema: types.NewSchema(types.F("id", types.Int), types.F("text", types.String))}
	for i := range rows {
		tt.rows = append(tt.rows, []any{int32((i * 7919) % rows), fmt.Sprintf("%08d%s", (i*7919)%rows, strings.Repeat("w", 2000))})
	}
	return &physical.Window{
		Order: []physical.SortKey{{Expr: col(tt, 0)}}, Child: tt.values(shape{input: 500}),
		Funcs: []physical.WindowFunc{{Func: &plan.Call{Name: "lag", Args: []plan.Expr{of}, Typ: of.Type(), Null: true}}},
		Out:   types.NewSchema(append(tt.schema.Fields, types.F("w", of.Type()))...),
	}
}

func TestAWindowPartitionOfWideRowsStaysInItsBudget(t *testing.T) {
	const rows, limit = 20_000, 16 << 20 // 40 MB of text
	d := testDeps(t, shape{threads: 2, spill: 1})
	d.ForceSpill, d.Budget = 0, mem.NewBudget("test", limit)
	out := collect(t, wideWindow(rows, &plan.Bound{Typ: types.Int, Name: "id"}), d)
	require.Len(t, out, rows)
	for i, r := range out {
		require.Equal(t, int32(i), r[0])
		require.Equal(t, fmt.Sprintf("%08d", i), r[1].(string)[:8])
		if i > 0 {
			require.Equal(t, int32(i-1), r[2])
		}
	}
	require.Less(t, d.Budget.Peak(), int64(limit*5/4))
}

func TestAWindowPartitionThatCannotFitSaysSo(t *testing.T) {
	d := testDeps(t, shape{threads: 2, spill: 1})
	d.ForceSpill, d.Budget = 0, mem.NewBudget("test", 16<<20)
	_, err := collectErr(wideWindow(20_000, &plan.Bound{Index: 1, Typ: types.String, Name: "text"}), d)
	require.True(t, errs.Is(err, errs.Exhausted), "%v", err)
	require.ErrorContains(t, err, "window: a partition")
	require.ErrorContains(t, err, "--memory")
}

// In memory, blocks show the texts that the sort holds: they are not booked again.
func TestAWindowInMemoryBooksItsRowsOnce(t *testing.T) {
	d := testDeps(t, shape{threads: 4})
	d.Budget = mem.NewBudget("test", 1<<30)
	require.Len(t, collect(t, wideWindow(5_000, &plan.Bound{Typ: types.Int, Name: "id"}), d), 5_000)
	require.Less(t, d.Budget.Peak(), int64(5_000*2_000*3/2))
}
