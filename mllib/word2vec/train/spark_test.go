package train

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// TestSparkFigures is the Word2Vec case of PySpark's own tests: two equal documents, three components, seed 42, one iteration in
// one partition, and the two cosines that Spark asserts.
func TestSparkFigures(t *testing.T) {
	const a, b, c = 0, 1, 2
	var sentence []int32
	for range 100 {
		sentence = append(sentence, a, b)
	}
	for range 10 {
		sentence = append(sentence, a, c)
	}
	v := &vocab.Vocabulary{Words: []string{"a", "b", "c"}, Counts: []int64{220, 200, 20}, Total: 440}
	cfg := sparkConfig()
	cfg.Dim, cfg.Seed, cfg.Epochs = 3, 42, 1
	w := newWeights(t, cfg, v)
	_, err := Train(t.Context(), cfg, v, text{sentence, sentence}, w, Position{}, nil)
	require.NoError(t, err)
	require.InDelta(t, -0.0240128, cosine(w, a, b), 1e-4)
	require.InDelta(t, -0.1935515, cosine(w, a, c), 1e-4)
}

func TestSparkRandom(t *testing.T) {
	r := newSparkRandom(42)
	for range 1000 {
		f := r.nextFloat()
		require.True(t, f >= 0 && f < 1)
	}
	for _, bound := range []int32{1, 5, 8, 1 << 30, math.MaxInt32} {
		for range 1000 {
			n := r.nextInt(bound)
			require.True(t, n >= 0 && n < bound, "%d of %d", n, bound)
		}
	}
}

func sparkConfig() Config {
	cfg := Default()
	cfg.Output, cfg.SparkOrder, cfg.Sample = HierarchicalSoftmax, true, 0
	return cfg
}

func cosine(w *Weights, a, b int) float64 {
	x, y := make([]float32, w.Dim), make([]float32, w.Dim)
	w.Row(a, x)
	w.Row(b, y)
	var xy, xx, yy float64
	for i := range x {
		xy += float64(x[i]) * float64(y[i])
		xx += float64(x[i]) * float64(x[i])
		yy += float64(y[i]) * float64(y[i])
	}
	return xy / math.Sqrt(xx*yy)
}
