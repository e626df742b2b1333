package train

import "github.com/spurwheel/spurwheel/mllib/word2vec/train/kernel"

// skipGramTree trains all neighbours of a word against the word's path through the Huffman tree in place of negative examples:
// they share it, so a window goes through the kernel of shared negatives, one group of inner nodes after the other.
func (w *worker) skipGramTree() {
	for pos, word := range w.sentence {
		inputs := w.neighbours(pos)
		groups := w.descend(word)
		if len(inputs) == 0 || groups == 0 {
			continue
		}
		w.aim(w.path)
		w.learnWindow(inputs, groups)
		w.settle()
		if w.sampled() {
			w.estimate(groups)
		}
	}
}

// descend makes path the output rows of word's inner nodes, filled up to whole groups, sets the groups' labels, and returns how
// many groups there are.
func (w *worker) descend(word int32) int {
	points, codes := w.tree.Path(word)
	groups := (len(points) + kernel.Lanes - 1) / kernel.Lanes
	w.path = w.rows[:groups*kernel.Lanes]
	for i := range w.path {
		p, d := &w.groups[i/kernel.Lanes], i%kernel.Lanes
		if i >= len(points) {
			w.path[i], p.Alpha[d], p.Label[d] = w.path[0], 0, 0
			continue
		}
		w.path[i] = w.output(points[i])
		p.Alpha[d], p.Label[d] = w.alpha, float32(1-codes[i])
	}
	return groups
}
