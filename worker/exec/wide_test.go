package exec

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// wideBatch is rows of long texts that share their bytes.
func wideBatch(rows, width int) *batch.Batch {
	return &batch.Batch{N: rows, Cols: []*batch.Vector{
		batch.NewConst(types.String, strings.Repeat("w", width), rows),
		batch.NewConst(types.Long, int64(7), rows),
	}}
}

// TestThreadsRunAheadByBytes counts what a thread hands over before it must
// wait for the reader.
func TestThreadsRunAheadByBytes(t *testing.T) {
	stopped, cancel := context.WithCancel(t.Context())
	cancel() // who would wait gives up instead
	for _, width := range []int{0, 20, 200, 100_000, 4_000_000} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			f, b := newFeed(2), wideBatch(4096, width)
			require.ErrorIs(t, f.copyAll(stopped, &repeated{b: b}), context.Canceled)
			close(f.out)
			var rows, bytes int64
			for c := range f.out {
				rows, bytes = rows+int64(c.N), bytes+c.Size(0, c.N)
			}
			require.Positive(t, rows)
			require.LessOrEqual(t, bytes, int64(max(gatherBytes/2, 2*width)))
		})
	}
}

// repeated gives one batch for ever.
type repeated struct{ b *batch.Batch }

func (r *repeated) Next(context.Context) (*batch.Batch, error) { return r.b, nil }
func (r *repeated) Close() error                               { return nil }

// TestFewSurvivorsOfLongRowsAreNotCopied: what a filter holds back to make
// batches larger is bounded by bytes, and the rows are all there in order.
func TestFewSurvivorsOfLongRowsAreNotCopied(t *testing.T) {
	in := &numbered{batches: 40, rows: 300, width: 5000}
	cond := &plan.Call{Name: "=", Typ: types.Bool, Args: []plan.Expr{
		&plan.Call{Name: "%", Typ: types.Long, Args: []plan.Expr{&plan.Bound{Index: 0, Typ: types.Long}, plan.Lit(types.Long, int64(3))}}, plan.Lit(types.Long, int64(0)),
	}}
	deps := testDeps(t, shapes[0])
	s, err := filterStep(deps.compiler(), cond)(in)
	require.NoError(t, err)
	f, next := s.(*filter), int64(0)
	for {
		b, err := f.Next(t.Context())
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		for _, x := range batch.Values[int64](b.Cols[0]) {
			require.Equal(t, next, x)
			next += 3
		}
		if f.kept != nil {
			require.LessOrEqual(t, f.kept.Size(0, f.kept.N), int64(minBatchBytes))
		}
	}
	require.Equal(t, int64(40*300), next)
}

// numbered gives rows of ascending numbers beside a text.
type numbered struct{ batches, rows, width, at int }

func (s *numbered) Next(context.Context) (*batch.Batch, error) {
	if s.at == s.batches {
		return nil, io.EOF
	}
	b := &batch.Batch{N: s.rows, Cols: []*batch.Vector{batch.New(types.Long, s.rows), batch.NewConst(types.String, strings.Repeat("x", s.width), s.rows)}}
	b.Cols[0].Reset(s.rows)
	for i := range s.rows {
		batch.Values[int64](b.Cols[0])[i] = int64(s.at*s.rows + i)
	}
	if s.width /= 2; s.width == 0 {
		s.width = 5000
	}
	s.at++
	return b, nil
}

func (s *numbered) Close() error { return nil }

// TestGeneratorsGatherWhatIsRead: the text that words are cut from does not
// come with every word.
func TestGeneratorsGatherWhatIsRead(t *testing.T) {
	tt := testTable{
		schema: types.NewSchema(types.F("line", types.String), types.F("n", types.Long)),
		rows:   [][]any{{"a b c", int64(1)}, {"", int64(2)}, {"d e", int64(3)}},
	}
	want := [][]any{{int64(1), "a"}, {int64(1), "b"}, {int64(1), "c"}, {int64(2), ""}, {int64(3), "d"}, {int64(3), "e"}}
	check(t, false, want, func(s shape) physical.Node {
		split := &plan.Call{Name: "split", Typ: types.Array(types.String, false), Args: []plan.Expr{col(tt, 0), plan.Lit(types.String, " "), plan.LitInt(-1)}}
		g := &physical.Generate{Child: tt.values(s), Gen: &plan.Call{Name: "explode", Args: []plan.Expr{split}}}
		g.Out = types.NewSchema(tt.schema.Fields[0], tt.schema.Fields[1], types.F("word", types.String))
		p := &physical.Project{Child: g, Out: types.NewSchema(tt.schema.Fields[1], types.F("word", types.String))}
		p.Exprs = []plan.Expr{&plan.Bound{Index: 1, Typ: types.Long}, &plan.Bound{Index: 2, Typ: types.String}}
		return p
	})
}
