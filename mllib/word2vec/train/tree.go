package train

import "github.com/spurwheel/spurwheel/mllib/word2vec/train/kernel"

// skipGramTree trains every pair with the path of the word through the Huffman tree in place of negative examples.
func (w *worker) skipGramTree() {
	stride := int64(w.w.Stride)
	for pos, word := range w.sentence {
		from, to := w.reach(pos)
		w.ahead(pos)
		groups := w.descend(word)
		if groups == 0 {
			continue
		}
		sampled := w.sampled()
		w.aim(w.path)
		for c := from; c < to; c++ {
			if c == pos {
				continue
			}
			w.learn(int64(w.sentence[c])*stride, groups)
			if sampled {
				w.estimate(groups)
				sampled = false
			}
		}
		w.settle()
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
		w.path[i] = w.node(points[i])
		p.Alpha[d], p.Label[d] = w.alpha, float32(1-codes[i])
	}
	return groups
}

// node is the offset of an inner node's row, or of the thread's copy of it.
func (w *worker) node(point int32) int64 {
	if w.hot != nil && int(point) >= w.hot.first {
		return w.copied.offset + int64(int(point)-w.hot.first)*int64(w.w.Stride)
	}
	return int64(point) * int64(w.w.Stride)
}
