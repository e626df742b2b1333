package batch_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

func TestSizeCountsWhatACopyTakes(t *testing.T) {
	long := strings.Repeat("x", 1000)
	flat := batch.Of(types.String, long, "short", nil, long)
	require.Equal(t, int64(2000+4*16), flat.Size(0, 4))
	require.Equal(t, int64(2*16), flat.Size(1, 2))

	repeated := batch.NewConst(types.String, long, 50)
	require.Equal(t, int64(50*1016), repeated.Size(0, 50), "each row of a constant has the value")

	dict := batch.New(types.String, 0)
	dict.SetDict([]int32{0, 1, 0, 0}, batch.Of(types.String, long, "short"))
	require.Equal(t, int64(3000+4*16), dict.Size(0, 4))

	list := batch.Of(types.Array(types.String, true), []any{long, long}, nil, []any{"a"})
	require.Equal(t, int64(2000+2*16+4), list.Size(0, 1))

	require.Equal(t, int64(80), batch.Of(types.Long, int64(1), int64(2)).Size(0, 2)*5)
}

func TestFitCutsByBytesAndNeverARow(t *testing.T) {
	long := strings.Repeat("x", 1000)
	b := &batch.Batch{N: 6, Cols: []*batch.Vector{batch.Of(types.String, "a", "a", long, long, "a", "a")}}
	require.Equal(t, 6, b.Fit(0, 6, 1<<20))
	require.LessOrEqual(t, b.Size(0, b.Fit(0, 6, 1200)), int64(1200))
	require.Equal(t, 1, b.Fit(2, 4, 10), "one row, though it does not fit")
	require.Equal(t, 2, b.Fit(4, 2, 100))
}
