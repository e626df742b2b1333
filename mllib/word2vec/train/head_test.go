package train

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/mllib/word2vec/train/kernel"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// manyWords is a vocabulary of n words with falling counts.
func manyWords(n int) *vocab.Vocabulary {
	v := &vocab.Vocabulary{}
	for i := range n {
		count := int64(n * 10 / (i + 1))
		v.Words, v.Counts, v.Total = append(v.Words, string(rune(0x4e00+i))), append(v.Counts, count), v.Total+count
	}
	return v
}

func TestHeadOfWeights(t *testing.T) {
	v := manyWords(800)
	cfg := small()
	cfg.Storage = BFloat16
	w := newWeights(t, cfg, v)
	require.Len(t, w.In, 100*w.Stride, "one row in eight is float32")
	require.Equal(t, int64(800+800)*int64(w.Stride)*2*10/8, w.Bytes())
	require.True(t, w.inHead.has(0) && w.inHead.has(int64(100*w.Stride)-1))
	require.False(t, w.inHead.has(int64(100*w.Stride)) || w.inHead.has(-1))

	cfg.Storage = Float32
	exact, row, want := newWeights(t, cfg, v), make([]float32, cfg.Dim), make([]float32, cfg.Dim)
	for id := range v.Len() {
		w.Row(id, row)
		exact.Row(id, want)
		for i := range want {
			if id >= 100 {
				want[i] = widen(narrow(want[i]))
			}
		}
		require.Equal(t, want, row, "word %d", id)
	}
	require.Equal(t, span{first: (10_000 - 1250) * 16, size: 1250 * 16}, headOf(10_000, 16, true), "the root is the last node")
	require.Equal(t, span{size: headMost * 16}, headOf(1_000_000, 16, false))
}

// Both kinds of rows are staged, changed and written back, in any order and repeated.
func TestStagingOfBothKinds(t *testing.T) {
	for _, set := range kernel.Sets() {
		cfg := small()
		cfg.Storage, cfg.Kernel = BFloat16, set.Name
		v := manyWords(80)
		w := newWeights(t, cfg, v)
		tr, err := newTraining(cfg, v, nil, w, Position{})
		require.NoError(t, err)
		worker := tr.workers[0]
		ids := []int{9, 10, 9, 3, 79, 10, 0}
		var offsets []int64
		for _, id := range ids {
			offsets = append(offsets, int64(id*w.Stride))
		}
		before, after := make([]float32, cfg.Dim), make([]float32, cfg.Dim)
		stage := newStaging(len(ids), w.Stride, half{w.inHead, w.In, w.In16})
		local := slices.Clone(stage.load(worker, offsets))
		require.Equal(t, local[0], local[2])
		require.Equal(t, local[1], local[5])
		require.Len(t, stage.unique, 2, "rows 10 and 79 only")
		for i, id := range ids {
			w.Row(id, before)
			require.InDelta(t, before[0], *stage.row(local[i]), 0)
		}
		*stage.row(local[0])++
		*stage.row(local[1])++
		stage.store(worker)
		for id, moved := range map[int]float32{0: 0, 3: 0, 9: 1, 10: 1, 79: 0} {
			newWeights(t, cfg, v).Row(id, before)
			w.Row(id, after)
			require.InDelta(t, before[0]+moved, after[0], 1.0/128, "%s: word %d", set.Name, id)
			require.InDelta(t, before[1], after[1], 0)
		}
	}
}
