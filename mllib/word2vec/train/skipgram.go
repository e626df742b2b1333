package train

// skipGram trains every pair of a word and a neighbour with negative examples of its own: the neighbour's input row predicts the
// word (the direction of word2vec, gensim and Spark).
func (w *worker) skipGram() {
	stride := int64(w.w.Stride)
	for pos, word := range w.sentence {
		from, to := w.reach(pos)
		w.ahead(pos)
		sampled := w.sampled()
		for c := from; c < to; c++ {
			if c == pos {
				continue
			}
			set := w.queue.oldest()
			w.oppose(set, int64(word)*stride)
			w.learn(int64(w.sentence[c])*stride, len(w.groups))
			w.settle()
			w.replace(set)
			if sampled {
				w.estimate(len(w.groups))
				sampled = false
			}
		}
	}
}

// ahead asks for the rows that the next centre and the end of its window bring in.
func (w *worker) ahead(pos int) {
	stride := int64(w.w.Stride)
	if i := pos + w.cfg.Window; i < len(w.sentence) {
		w.one[0] = int64(w.sentence[i]) * stride
		w.prefetch(true, w.one[:])
	}
	if i := pos + 1; i < len(w.sentence) {
		w.one[0] = int64(w.sentence[i]) * stride
		w.prefetch(false, w.one[:])
	}
}

// windows trains all neighbours of a word at once against one set of negative examples that they share. Each set serves several
// pairs, so the rows that a window touches are 5 + 1 + neighbours instead of 6 per neighbour; the quality is the same. More than
// five negative examples come in further groups, each scored after the one before it has been applied.
func (w *worker) windows() {
	stride := int64(w.w.Stride)
	for pos, word := range w.sentence {
		from, to := w.reach(pos)
		w.ahead(pos)
		sampled := w.sampled()
		inputs := w.inputs[:0]
		for c := from; c < to; c++ {
			if c != pos {
				inputs = append(inputs, int64(w.sentence[c])*stride)
			}
		}
		if len(inputs) == 0 {
			continue
		}
		set := w.queue.oldest()
		w.oppose(set, int64(word)*stride)
		w.learnWindow(inputs)
		w.settle()
		w.replace(set)
		if sampled {
			w.estimate(len(w.groups))
		}
	}
}

func (w *worker) learnWindow(inputs []int64) {
	if w.half {
		inputs = w.inStage.load(w, w.w.In16, inputs)
		defer w.inStage.store(w, w.w.In16)
	}
	k := &w.window
	k.Inputs, k.Count = &inputs[0], len(inputs)
	for g := range w.groups {
		p := &w.groups[g]
		k.Rows, k.Label, k.Alpha = p.Rows, p.Label, p.Alpha
		w.set.Window(k)
		p.Dots = k.Dots
	}
}
