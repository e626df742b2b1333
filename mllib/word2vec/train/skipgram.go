package train

import "github.com/spurwheel/spurwheel/mllib/word2vec/train/kernel"

// skipGram trains every pair of a word and a neighbour with negative examples of its own: the neighbour's input row predicts the
// word (the direction of word2vec, gensim and Spark).
func (w *worker) skipGram() {
	for pos, word := range w.sentence {
		inputs := w.neighbours(pos)
		centre := w.output(word)
		if w.sampled() && len(inputs) > 0 {
			w.skipPair(inputs[0], centre)
			w.estimate(len(w.groups))
			inputs = inputs[1:]
		}
		for w.pairs && len(inputs) > 1 && inputs[0] != inputs[1] {
			w.skipDouble(inputs[0], inputs[1], centre)
			inputs = inputs[2:]
		}
		for _, input := range inputs {
			w.skipPair(input, centre)
		}
	}
}

func (w *worker) skipPair(input, centre int64) {
	w.oppose(w.queue.at(0), centre)
	w.learn(input, len(w.groups))
	w.settle()
	w.next()
}

// skipDouble trains two different inputs at once.
func (w *worker) skipDouble(a, b, centre int64) {
	k := &w.double
	first, second := w.queue.at(0), w.queue.at(1)
	w.complete(first, centre)
	w.complete(second, centre)
	third, fourth := w.queue.at(queued), w.queue.at(queued+1)
	w.draw(third)
	w.draw(fourth)
	k.Alpha = w.alpha
	if w.half {
		w.stageDouble(a, b, first, second)
		w.prefetch(false, third[1:1+w.queue.drawn])
		w.prefetch(false, fourth[1:1+w.queue.drawn])
	} else {
		k.A, k.B = &w.w.In[a], &w.w.In[b]
		k.RowsA, k.RowsB = (*[lineSet]int64)(first), (*[lineSet]int64)(second)
		k.NextA, k.NextB = (*[lineSet]int64)(third), (*[lineSet]int64)(fourth)
		w.set.Double(k)
	}
	w.queue.advance(2)
}

// stageDouble trains two inputs of bfloat16 weights. Rows that both sets have drawn are staged once.
func (w *worker) stageDouble(a, b int64, first, second []int64) {
	k := &w.double
	both := w.both[:copy(w.both[:], first)+copy(w.both[lineSet:], second)]
	for i := kernel.Lanes; i < lineSet; i++ { // places without a row
		both[i], both[lineSet+i] = first[0], first[0]
	}
	local := w.outStage.load(w, both)
	k.RowsA, k.RowsB = (*[lineSet]int64)(local[:lineSet]), (*[lineSet]int64)(local[lineSet:])
	k.NextA, k.NextB = k.RowsA, k.RowsB
	w.ends[0], w.ends[1] = a, b
	ends := w.inStage.load(w, w.ends[:])
	k.A, k.B = w.inStage.row(ends[0]), w.inStage.row(ends[1])
	w.set.Double(k)
	w.inStage.store(w)
	w.outStage.store(w)
}

// ahead asks for the rows that the next centre and the end of its window bring in.
func (w *worker) ahead(pos int) {
	stride := int64(w.w.Stride)
	if i := pos + w.cfg.Window; i < len(w.sentence) {
		w.one[0] = int64(w.sentence[i]) * stride
		w.prefetch(true, w.one[:])
	}
	if i := pos + 1; i < len(w.sentence) {
		w.one[0] = w.output(w.sentence[i])
		w.prefetch(false, w.one[:])
	}
}

// windows trains all neighbours of a word at once against one set of negative examples that they share. Each set serves several
// pairs, so the rows that a window touches are 5 + 1 + neighbours instead of 6 per neighbour; the quality is the same. More than
// five negative examples come in further groups, each scored after the one before it has been applied.
func (w *worker) windows() {
	for pos, word := range w.sentence {
		inputs := w.neighbours(pos)
		if len(inputs) == 0 {
			continue
		}
		w.oppose(w.queue.at(0), w.output(word))
		w.learnWindow(inputs, len(w.groups))
		w.settle()
		w.next()
		if w.sampled() {
			w.estimate(len(w.groups))
		}
	}
}

func (w *worker) learnWindow(inputs []int64, groups int) {
	if w.half {
		inputs = w.inStage.load(w, inputs)
		defer w.inStage.store(w)
	}
	k := &w.window
	k.Inputs, k.Count = &inputs[0], len(inputs)
	for g := range w.groups[:groups] {
		p := &w.groups[g]
		k.Rows, k.Label, k.Alpha = p.Rows, p.Label, p.Alpha
		w.set.Window(k)
		p.Dots = k.Dots
	}
}
