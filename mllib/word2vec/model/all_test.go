package model

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// slow is a Scorer in plain loops.
type slow struct{ calls int }

func (s *slow) Nearest(_ context.Context, queries, rows []float32, dim, top int) (ids []uint32, scores []float32, err error) {
	s.calls++
	all := make([]float32, len(rows)/dim)
	for q := 0; q < len(queries); q += dim {
		dotsPortable(all, rows, queries[q:q+dim])
		var best ranking
		for i, x := range all {
			best.offer(top, int32(i), x)
		}
		for _, n := range best.best {
			ids, scores = append(ids, uint32(n.ID)), append(scores, n.Cosine)
		}
	}
	return ids, scores, nil
}

type ranking = top

func TestEverybody(t *testing.T) {
	m := random(t, allAtOnce+300, 9, 4)
	var onCPU, byScorer [][]Neighbour
	require.NoError(t, m.Everybody(t.Context(), 3, nil, func(id int32, near []Neighbour) error {
		require.Len(t, onCPU, int(id))
		onCPU = append(onCPU, near)
		return nil
	}))
	s := &slow{}
	require.NoError(t, m.Everybody(t.Context(), 3, s, func(_ int32, near []Neighbour) error {
		byScorer = append(byScorer, near)
		return nil
	}))
	require.Equal(t, 2, s.calls)
	require.Len(t, onCPU, m.Vocabulary.Len())
	for id, near := range onCPU {
		require.Len(t, near, 3)
		for i, n := range near {
			require.NotEqualValues(t, id, n.ID)
			require.Equal(t, n.ID, byScorer[id][i].ID)
			require.InDelta(t, n.Cosine, byScorer[id][i].Cosine, 1e-5)
		}
	}
	one, err := m.Synonyms(m.Vocabulary.Words[77], 3)
	require.NoError(t, err)
	for i := range one {
		require.Equal(t, one[i].ID, onCPU[77][i].ID)
	}
	require.True(t, errs.Is(m.Everybody(t.Context(), 0, nil, nil), errs.Invalid))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.True(t, errs.Is(m.Everybody(ctx, 1, nil, nil), errs.Canceled))
}
