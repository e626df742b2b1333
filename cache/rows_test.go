package cache_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/cache"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
)

func numbers(from, n int) *batch.Batch {
	b := batch.NewBatch([]types.Type{types.Long, types.String}, n)
	b.Reset(0)
	for i := range n {
		b.Cols[0].Append(int64(from + i))
		b.Cols[1].Append("row with a text that is not inline")
	}
	b.N = n
	return b
}

func TestRowsAreKeptWhereverTheyFit(t *testing.T) {
	for _, limit := range []int64{0, 3 << 20, 1} {
		budget := mem.NewBudget("test", limit)
		r := cache.NewRows(budget, t.TempDir())
		w := r.Create("k", types.NewSchema(types.F("a", types.Long), types.F("b", types.String)))
		const rows = 100_000
		for i := 0; i < rows; i += 1000 {
			require.NoError(t, w.Write(numbers(i, 1000)))
		}
		require.Nil(t, r.Get("k"), "rows must not show before commit")
		h, err := w.Commit()
		require.NoError(t, err)
		require.Equal(t, int64(rows), h.Rows)
		require.Equal(t, limit != 0, h.Disk > 0, "limit %d", limit)

		next := int64(0)
		for i := range r.Get("k").Len() {
			b, err := h.Load(i)
			require.NoError(t, err)
			for _, x := range batch.Values[int64](b.Cols[0]) {
				require.Equal(t, next, x)
				next++
			}
		}
		require.Equal(t, int64(rows), next)
		r.Drop("k")
		require.Zero(t, budget.Used())
		require.Nil(t, r.Get("k"))
	}
}
