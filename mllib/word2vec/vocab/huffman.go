package vocab

import (
	"math"
	"slices"
)

// Tree is the Huffman tree over a vocabulary: for each word the inner nodes from the root down to it, and at each of them the
// branch taken. The root has the highest number, Inner-1. Safe for concurrent use.
type Tree struct {
	// Inner is the number of inner nodes: one less than there are words.
	Inner  int
	ends   []int32 // word i's path is [ends[i], ends[i+1])
	points []int32
	codes  []uint8
}

// NewTree builds the tree with the ties of word2vec and Spark, which merge the two rarest of two queues and prefer the queue of
// inner nodes among equals. counts fall, as in a Vocabulary.
func NewTree(counts []int64) *Tree {
	n := len(counts)
	parent, branch := merge(counts)
	t := &Tree{Inner: max(n-1, 0), ends: make([]int32, 1, n+1)}
	for word := range counts {
		start := len(t.points)
		for b := word; b < 2*n-2; b = int(parent[b]) {
			t.points = append(t.points, parent[b]-int32(n))
			t.codes = append(t.codes, branch[b])
		}
		slices.Reverse(t.points[start:])
		slices.Reverse(t.codes[start:])
		t.ends = append(t.ends, int32(len(t.points)))
	}
	return t
}

// Path returns word's inner nodes from the root down and the branches (0 or 1) taken at them.
func (t *Tree) Path(word int32) (points []int32, codes []uint8) {
	a, b := t.ends[word], t.ends[word+1]
	return t.points[a:b], t.codes[a:b]
}

// merge joins the two rarest nodes again and again. Words are nodes 0..n-1 and inner nodes follow in order of their making.
func merge(counts []int64) (parent []int32, branch []uint8) {
	n := len(counts)
	weight := make([]int64, 2*n)
	copy(weight, counts)
	for i := n; i < 2*n; i++ {
		weight[i] = math.MaxInt64
	}
	parent, branch = make([]int32, 2*n), make([]uint8, 2*n)
	leaf, inner := n-1, n
	rarest := func() int {
		if leaf >= 0 && weight[leaf] < weight[inner] {
			leaf--
			return leaf + 1
		}
		inner++
		return inner - 1
	}
	for made := n; made < 2*n-1; made++ {
		a := rarest()
		b := rarest()
		weight[made] = weight[a] + weight[b]
		parent[a], parent[b] = int32(made), int32(made)
		branch[b] = 1
	}
	return parent, branch
}

// Depth is the length of the longest path.
func (t *Tree) Depth() int {
	var depth int32
	for i := 1; i < len(t.ends); i++ {
		depth = max(depth, t.ends[i]-t.ends[i-1])
	}
	return int(depth)
}
