package vocab

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAliasShares adds up what the table gives each word: exactly its share of count^0.75.
func TestAliasShares(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 2, 3, 100, 5000} {
		counts := make([]int64, n)
		var sum float64
		for i := range counts {
			counts[i] = 1 + int64(1e6/float64(i+1)) + r.Int64N(5)
			sum += math.Pow(float64(counts[i]), 0.75)
		}
		table := NewAlias(counts)
		require.Len(t, table, n)
		share := make([]float64, n)
		for i, slot := range table {
			own := float64(uint32(slot)) / (1 << 32)
			share[i] += own / float64(n)
			share[slot>>32] += (1 - own) / float64(n)
		}
		for i := range share {
			require.InDelta(t, math.Pow(float64(counts[i]), 0.75)/sum, share[i], 1e-8)
		}
	}
}

func TestAliasDraw(t *testing.T) {
	table := Alias{1<<32 | 1<<31, 1<<32 | math.MaxUint32, 0<<32 | 10}
	for _, c := range []struct {
		slot, below uint64
		want        int32
	}{
		{0, 0, 0},
		{0, 1<<31 - 1, 0},
		{0, 1 << 31, 1},
		{1, math.MaxUint32, 1},
		{2, 9, 2},
		{2, 10, 0},
		{2, math.MaxUint32, 0},
	} {
		random := (c.slot<<32/3+1<<30)<<32 | c.below
		require.Equal(t, c.want, table.Draw(random), "%+v", c)
	}
}

func TestKeep(t *testing.T) {
	counts := []int64{900_000, 99_000, 1000, 0}
	keep := Keep(counts, 1_000_000, 1e-3)
	share := func(i int) float64 { return float64(keep[i]) / math.MaxUint32 }
	require.InDelta(t, (math.Sqrt(900)+1)/900, share(0), 1e-6)
	require.InDelta(t, (math.Sqrt(99)+1)/99, share(1), 1e-6)
	require.Equal(t, uint32(math.MaxUint32), keep[2], "at the threshold nothing is left out")
	require.Equal(t, uint32(math.MaxUint32), keep[3])
	for _, k := range Keep(counts, 1_000_000, 0) {
		require.Equal(t, uint32(math.MaxUint32), k)
	}
}
