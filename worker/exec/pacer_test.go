package exec

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// TestExpressionsTakeFewerRowsWhereValuesGrow: batches behind a projection are
// bounded by bytes, and all rows are there in order.
func TestExpressionsTakeFewerRowsWhereValuesGrow(t *testing.T) {
	id := &plan.Bound{Index: 0, Typ: types.Long}
	text := &plan.Cast{Child: id, To: types.String, Mode: plan.CastLegacy}
	long := &plan.Call{Name: "repeat", Typ: types.String, Args: []plan.Expr{text, plan.LitInt(20_000)}}
	deps := testDeps(t, shapes[0])
	in := &physical.Range{Start: 0, End: 5_000, Step: 1, Out: types.NewSchema(types.F("id", types.Long))}
	out := types.NewSchema(in.Out.Fields[0], types.F("s", types.String))
	r, err := Build(&physical.Project{Child: in, Exprs: []plan.Expr{id, long}, Out: out}, deps)
	require.NoError(t, err)
	defer r.Close()
	next, batches := int64(0), 0
	for {
		b, err := r.Next(t.Context())
		if atEnd(err) {
			break
		}
		require.NoError(t, err)
		require.LessOrEqual(t, b.Size(0, b.N), int64(2*evalBytes))
		for i, x := range batch.Values[int64](b.Cols[0]) {
			require.Equal(t, next, x)
			require.Len(t, b.Cols[1].Str(i), 20_000*len(b.Cols[1].Str(i)[:digits(x)]))
			next++
		}
		batches++
	}
	require.Equal(t, int64(5_000), next)
	require.Greater(t, batches, 50)
}

func digits(x int64) int {
	n := 1
	for ; x >= 10; x /= 10 {
		n++
	}
	return n
}

// TestPacerFindsItsPace: pieces grow to the whole batch where values are small.
func TestPacerFindsItsPace(t *testing.T) {
	m := &fakeMeter{per: 10}
	p := &pacer{}
	p.watchOne(m)
	b, sizes := &batch.Batch{N: 4096}, []int(nil)
	for range 3 {
		require.NoError(t, p.each(b, func(piece *batch.Batch) error {
			sizes, m.rows = append(sizes, piece.N), int64(piece.N)
			return nil
		}))
	}
	require.Equal(t, []int{4, 32, 256, 2048, 1756, 4096, 4096}, sizes)
	m.per, sizes = 1<<20, nil
	for range 2 {
		require.NoError(t, p.each(&batch.Batch{N: 8}, func(piece *batch.Batch) error {
			sizes, m.rows = append(sizes, piece.N), int64(piece.N)
			return nil
		}))
	}
	require.Equal(t, []int{8, 4, 4}, sizes)
}

type fakeMeter struct{ per, rows int64 }

func (m *fakeMeter) Held() int64 { return m.per * m.rows }
func (m *fakeMeter) Grows() bool { return true }
