package train

import "github.com/spurwheel/spurwheel/mllib/word2vec/train/kernel"

// queued is how many predictions ahead the negative examples are drawn. Their rows are asked for then, and four predictions
// later even a row from main memory has come.
const queued = 4

// lineSet is the size of a set of at most five negative examples: one cache line, which kernels take whole.
const lineSet = 8

// queue is a ring of sets of output rows, those of the next predictions and two places to draw into while the oldest two are in
// use. In a set, place 0 is for the positive example, and what is beyond the negative ones repeats it.
type queue struct {
	offsets []int64
	size    int // places of a set: lineSet or a multiple of kernel.Lanes
	drawn   int // negative examples of a set
	head    int // the oldest set
}

func newQueue(negative int) queue {
	size := (negative + kernel.Lanes) / kernel.Lanes * kernel.Lanes
	if size == kernel.Lanes {
		size = lineSet
	}
	return queue{offsets: alignedSets((queued + 2) * size), size: size, drawn: negative}
}

// at returns set k after the oldest; from queued on they are free.
func (q *queue) at(k int) []int64 {
	if k += q.head; k >= queued+2 {
		k -= queued + 2
	}
	return q.offsets[k*q.size : (k+1)*q.size]
}

func (q *queue) advance(n int) {
	if q.head += n; q.head >= queued+2 {
		q.head -= queued + 2
	}
}

// refill draws all sets anew.
func (w *worker) refill() {
	if w.tree != nil {
		return
	}
	w.queue.head = 0
	w.negatives.State = w.random.next()
	for k := range queued {
		w.drawAhead(w.queue.at(k))
	}
}

// next draws a set and drops the oldest one.
func (w *worker) next() {
	w.drawAhead(w.queue.at(queued))
	w.queue.advance(1)
}

func (w *worker) drawAhead(set []int64) {
	w.draw(set)
	w.prefetch(false, set[1:1+w.queue.drawn])
}

func (w *worker) draw(set []int64) {
	if len(set) == lineSet {
		w.set.Draw(&w.negatives, (*[lineSet]int64)(set))
	} else {
		r := random(w.negatives.State)
		for i := range set[:w.queue.drawn] {
			set[1+i] = int64(w.alias.Draw(r.next())) * int64(w.w.Stride)
		}
		w.negatives.State = uint64(r)
	}
	if w.hot != nil {
		w.own(set[1 : 1+w.queue.drawn])
	}
}

// complete makes centre the positive example of set.
func (w *worker) complete(set []int64, centre int64) {
	set[0] = centre
	for i := 1 + w.queue.drawn; i < len(set); i++ {
		set[i] = centre
	}
}

// oppose points the groups at set with centre as the positive example. A negative example that is the centre itself is left
// out, and so are the places that only fill up the last group.
func (w *worker) oppose(set []int64, centre int64) {
	w.complete(set, centre)
	w.aim(set[:len(w.groups)*kernel.Lanes])
	for g := range w.groups {
		p := &w.groups[g]
		for d, offset := range set[g*kernel.Lanes:][:kernel.Lanes] {
			p.Alpha[d] = w.alpha
			if offset == centre {
				p.Alpha[d] = 0
			}
		}
	}
	w.groups[0].Alpha[0] = w.alpha
}
