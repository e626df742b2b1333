package train

import (
	"unsafe"

	"github.com/spurwheel/spurwheel/mllib/word2vec/train/kernel"
)

// prepare makes the worker's buffers and chooses what train does.
func (w *worker) prepare() {
	c, stride := &w.cfg, w.w.Stride
	targets := c.Negative + 1
	if c.Output == HierarchicalSoftmax {
		targets = max(1, w.tree.Depth())
		w.train = w.skipGramTree
	} else {
		w.queue = newQueue(c.Negative)
		w.negatives = kernel.Draw{Table: &w.alias[0], Slots: uint64(len(w.alias)), Stride: uint64(stride)}
		w.train = w.skipGram
	}
	switch {
	case c.Architecture == CBOW && c.Output == HierarchicalSoftmax:
		w.train = w.cbowTree
	case c.Architecture == CBOW:
		w.train = w.cbow
	case c.Shares():
		w.train = w.windows
	}
	w.groups = make([]kernel.Pair, (targets+kernel.Lanes-1)/kernel.Lanes)
	w.rows = make([]int64, len(w.groups)*kernel.Lanes)
	w.prepareStorage()
	in, out := w.w.halves()
	w.outStage, w.inStage = newStaging(max(2*lineSet, len(w.rows)), stride, out), newStaging(2*c.Window, stride, in)
	w.ask = make([]int64, max(lineSet, c.Negative))
	w.hidden, w.step = alignedRows(1, stride), alignedRows(1, stride)
	w.prepareKernels(stride)
}

func (w *worker) prepareStorage() {
	if w.half = w.cfg.Storage == BFloat16; w.half {
		return
	}
	w.inBytes, w.outBytes = (*byte)(unsafe.Pointer(&w.w.In[0])), (*byte)(unsafe.Pointer(&w.w.Out[0]))
}

func (w *worker) prepareKernels(stride int) {
	in, out := w.inStage.rows, w.outStage.rows
	if !w.half {
		in, out = w.w.In, w.w.Out
	}
	for g := range w.groups {
		w.groups[g] = kernel.Pair{Base: &out[0], Stride: stride}
	}
	w.groups[0].Label[0] = 1
	w.double = kernel.Double{Base: &out[0], Stride: stride}
	w.pairs = len(w.groups) == 1
	w.window = kernel.Window{In: &in[0], Base: &out[0], Stride: stride, Steps: &alignedRows(2*w.cfg.Window, kernel.Align)[0]}
}

// aim points the groups at output rows, one group after the other; their number is a multiple of kernel.Lanes. settle must
// follow when the rows have been trained.
func (w *worker) aim(rows []int64) {
	if w.half {
		rows = w.outStage.load(w, rows)
	}
	for g := range w.groups[:len(rows)/kernel.Lanes] {
		w.groups[g].Rows = (*[kernel.Lanes]int64)(rows[g*kernel.Lanes:])
	}
}

func (w *worker) settle() {
	if w.half {
		w.outStage.store(w)
	}
}

// learn trains one input row against the first n groups.
func (w *worker) learn(input int64, n int) {
	if w.half {
		w.one[0] = input
		c := w.inStage.row(w.inStage.load(w, w.one[:])[0])
		w.score(c, c, n)
		w.inStage.store(w)
		return
	}
	c := &w.w.In[input]
	w.score(c, c, n)
}

// score trains the first n groups with the input row c, and leaves in to what there was plus the steps of c. With several groups
// c keeps its value until the last, as the formulas ask.
func (w *worker) score(c, to *float32, n int) {
	from := to
	for g := range w.groups[:n] {
		p := &w.groups[g]
		p.C, p.EIn, p.EOut = c, from, &w.step[0]
		if g == n-1 {
			p.EOut = to
		}
		w.set.Pair(p)
		from = p.EOut
	}
}

func (w *worker) prefetch(in bool, rows []int64) {
	if len(rows) == 0 {
		return
	}
	base, stage := w.outBytes, &w.outStage
	if in {
		base, stage = w.inBytes, &w.inStage
	}
	if w.half {
		stage.of.prefetch(w, rows, w.ask)
		return
	}
	const size = int(unsafe.Sizeof(float32(0)))
	w.set.Prefetch(base, &rows[0], len(rows), size, w.w.Stride*size)
}

// estimate adds the loss of what the first n groups have just scored.
func (w *worker) estimate(n int) {
	for g := range w.groups[:n] {
		p := &w.groups[g]
		w.loss.sum += pairLoss(&p.Dots, &p.Label, &p.Alpha)
	}
	w.loss.pairs++
}
