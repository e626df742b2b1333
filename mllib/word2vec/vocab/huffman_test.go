package vocab

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTreeOfThree(t *testing.T) {
	tree := NewTree([]int64{220, 200, 20})
	require.Equal(t, 2, tree.Inner)
	require.Equal(t, 2, tree.Depth())
	for word, want := range [][2][]int{{{1}, {1}}, {{1, 0}, {0, 1}}, {{1, 0}, {0, 0}}} {
		points, codes := tree.Path(int32(word))
		for i := range points {
			require.Equal(t, want[0][i], int(points[i]), "word %d", word)
			require.Equal(t, want[1][i], int(codes[i]), "word %d", word)
		}
		require.Len(t, points, len(want[0]))
	}
}

// TestTreeIsOptimal compares the cost with that of merging the two smallest again and again, and checks that the codes are
// those of a tree: no code is the beginning of another and all together fill it.
func TestTreeIsOptimal(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		counts := make([]int64, 1+r.IntN(200))
		for i := range counts {
			counts[i] = 1 + r.Int64N(1000)
		}
		slices.SortFunc(counts, func(a, b int64) int { return int(b - a) })
		tree := NewTree(counts)
		var cost int64
		var filled float64
		for word, count := range counts {
			points, codes := tree.Path(int32(word))
			require.Len(t, codes, len(points))
			cost += count * int64(len(points))
			filled += 1 / float64(uint64(1)<<len(points))
			for i, p := range points {
				require.Less(t, int(p), tree.Inner)
				if i == 0 {
					require.Equal(t, tree.Inner-1, int(p), "a path starts at the root")
				}
			}
		}
		require.Equal(t, bestCost(counts), cost)
		require.InDelta(t, 1, filled, 1e-9)
	}
}

func bestCost(counts []int64) (cost int64) {
	heap := slices.Clone(counts)
	for len(heap) > 1 {
		slices.Sort(heap)
		sum := heap[0] + heap[1]
		cost += sum
		heap = append(heap[2:], sum)
	}
	return cost
}
