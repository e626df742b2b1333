package table

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func zipf(n int) []uint64 {
	counts := make([]uint64, n)
	for i := range counts {
		counts[i] = uint64(1e6 / (float64(i) + 2.7))
	}
	return counts
}

func TestAliasesDrawByPower(t *testing.T) {
	for _, counts := range [][]uint64{{5}, {1, 1, 1}, {0, 7}, {0, 0}, zipf(1000)} {
		aliases := Aliases(counts)
		n := float64(len(counts))
		drawn, total := make([]float64, len(counts)), 0.0
		for i, c := range counts {
			own := (float64(aliases[2*i]) + 1) / (1 << 32)
			drawn[i] += own / n
			drawn[aliases[2*i+1]] += (1 - own) / n
			total += math.Pow(float64(c), 0.75)
		}
		for i, c := range counts {
			want := 1 / n
			if total > 0 {
				want = math.Pow(float64(c), 0.75) / total
			}
			require.InDelta(t, want, drawn[i], 1e-8, "%d of %d words", i, len(counts))
		}
	}
}

func TestKeepIsWord2vecs(t *testing.T) {
	counts := []uint64{900_000, 99_900, 100, 0}
	keep := Keep(counts, 1e-3)
	for i, c := range counts[:3] {
		f := float64(c) / 1e6
		want := min(1, math.Sqrt(1e-3/f)+1e-3/f)
		require.InDelta(t, want, float64(keep[i])/(1<<32), 1e-8)
	}
	require.Equal(t, []uint32{math.MaxUint32, math.MaxUint32}, Keep([]uint64{5, 7}, 0), "no sub-sampling")
}

func TestCapsScaleFrequentRowsOnly(t *testing.T) {
	counts := zipf(50_000)
	training := Training{Window: 5, Negative: 5, Sample: 1e-3, Concurrency: 1056, Cap: 64}
	in, out := Caps(counts, training)
	require.Less(t, in[0], float32(0.2), "the most frequent word in %d sentences at a time", training.Concurrency)
	require.InDelta(t, 1, in[len(in)-1], 0)
	require.Less(t, out[0], float32(1))
	for i := 1; i < len(in); i++ {
		require.GreaterOrEqual(t, in[i], in[i-1], "a rarer word is not scaled more")
	}
	training.Cap = -1
	in, out = Caps(counts, training)
	require.InDelta(t, 1, in[0]*out[0], 0, "no cap")
	training.Cap, training.Concurrency = 64, 1
	in, _ = Caps(counts, training)
	require.InDelta(t, 1, in[0], 0, "one sentence at a time overwrites nobody")
}
