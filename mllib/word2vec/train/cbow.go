package train

// cbow trains the mean of a word's neighbours to predict the word; every neighbour then gets the whole step, as in gensim.
func (w *worker) cbow() {
	for pos, word := range w.sentence {
		inputs := w.neighbours(pos)
		if len(inputs) == 0 {
			continue
		}
		w.oppose(w.queue.at(0), w.output(word))
		w.learnMean(inputs, len(w.groups))
		w.settle()
		w.next()
		if w.sampled() {
			w.estimate(len(w.groups))
		}
	}
}

// cbowTree is cbow with the word's path through the tree.
func (w *worker) cbowTree() {
	for pos, word := range w.sentence {
		inputs := w.neighbours(pos)
		groups := w.descend(word)
		if len(inputs) == 0 || groups == 0 {
			continue
		}
		w.aim(w.path)
		w.learnMean(inputs, groups)
		w.settle()
		if w.sampled() {
			w.estimate(groups)
		}
	}
}

// neighbours draws the window around pos and returns the offsets of its input rows.
func (w *worker) neighbours(pos int) []int64 {
	from, to := w.reach(pos)
	w.ahead(pos)
	inputs := w.inputs[:0]
	for c := from; c < to; c++ {
		if c != pos {
			inputs = append(inputs, int64(w.sentence[c])*int64(w.w.Stride))
		}
	}
	return inputs
}

func (w *worker) learnMean(inputs []int64, groups int) {
	rows, stride := w.w.In, w.w.Stride
	if w.half {
		inputs = w.inStage.load(w, inputs)
		rows = w.inStage.rows
	}
	w.set.Sum(&w.hidden[0], &rows[0], &inputs[0], len(inputs), stride, 1/float32(len(inputs)))
	clear(w.step)
	w.score(&w.hidden[0], &w.step[0], groups)
	w.set.Add(&rows[0], &inputs[0], len(inputs), &w.step[0], stride)
	if w.half {
		w.inStage.store(w)
	}
}
