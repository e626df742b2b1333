package train

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// hotTraining is two threads over 1,000 words whose counts fall with their rank, as in text.
func hotTraining(t *testing.T) (*training, *Weights) {
	t.Helper()
	v := &vocab.Vocabulary{}
	for i := range 1000 {
		n := int64(1_000_000 / (i + 1))
		v.Words, v.Counts, v.Total = append(v.Words, string(rune('a'+i))), append(v.Counts, n), v.Total+n
	}
	cfg := Default()
	cfg.Threads, cfg.Dim, cfg.SharedNegatives = 2, 16, false
	w, err := New(cfg, v)
	require.NoError(t, err)
	tr, err := newTraining(cfg, v, nil, w, Position{})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, tr.close())
		require.NoError(t, w.Close())
	})
	return tr, w
}

// Frequent words' rows are each thread's own, drawn or aimed at, and the others are shared.
func TestHotRowsAreOfTheThread(t *testing.T) {
	tr, w := hotTraining(t)
	for _, worker := range tr.workers {
		own := worker.copied.offset
		require.Equal(t, own+3*int64(w.Stride), worker.output(3))
		require.Equal(t, 128*int64(w.Stride), worker.output(128))
		rows := []int64{0, 127 * int64(w.Stride), 128 * int64(w.Stride)}
		worker.own(rows)
		require.Equal(t, []int64{own, own + 127*int64(w.Stride), 128 * int64(w.Stride)}, rows)
	}
	require.NotEqual(t, tr.workers[0].copied.offset, tr.workers[1].copied.offset)
}

// What threads learn apart comes together: in full where they take few steps between merges, else averaged.
func TestMergesOfHotRows(t *testing.T) {
	tr, w := hotTraining(t)
	shares := tr.hot.shares
	require.InDelta(t, 0.5, shares[0], 0, "the most frequent word is averaged over two threads")
	require.InDelta(t, 1, shares[127], 0, "a rarer one adds up")
	rare := 127 * w.Stride
	for _, worker := range tr.workers {
		worker.copied.rows[0] += 2
		worker.copied.rows[rare] += 2
		tr.hot.merge(worker.copied, w)
	}
	require.Equal(t, []float32{2, 4}, []float32{w.Out[0], w.Out[rare]})
	tr.hot.merge(tr.workers[0].copied, w)
	require.InDelta(t, 2, tr.workers[0].copied.rows[0], 0, "and goes back to both")
	require.Equal(t, []float32{2, 4}, []float32{w.Out[0], w.Out[rare]}, "nothing is added twice")
}
