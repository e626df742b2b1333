package train

import "github.com/spurwheel/spurwheel/mllib/word2vec/train/kernel"

// queued is how many predictions ahead the negative examples are drawn. Drawing asks for their rows, and four predictions later
// even a row from main memory has come.
const queued = 4

// queue holds the sets of output rows of the next predictions: in each, place 0 is for the positive example and what is beyond
// the negative ones fills up the last group.
type queue struct {
	offsets []int64
	size    int // places of one set, a multiple of kernel.Lanes
	drawn   int // negative examples of one set
	head    int // where the oldest set starts
}

// doubleSet is the size of a set that a kernel.Double takes: one cache line.
const doubleSet = 8

func newQueue(negative int) queue {
	size := (negative + kernel.Lanes) / kernel.Lanes * kernel.Lanes
	if size == kernel.Lanes {
		size = doubleSet
	}
	return queue{offsets: make([]int64, queued*size), size: size, drawn: negative}
}

// oldest returns the set drawn first.
func (q *queue) oldest() []int64 { return q.offsets[q.head : q.head+q.size] }

// second returns the set drawn after the oldest.
func (q *queue) second() []int64 {
	next := (q.head + q.size) % len(q.offsets)
	return q.offsets[next : next+q.size]
}

// refill draws all sets anew.
func (w *worker) refill() {
	w.queue.head = 0
	for range len(w.queue.offsets) / max(w.queue.size, 1) {
		w.replace(w.queue.oldest())
	}
}

// replace draws the negative examples of the oldest set anew, which makes it the newest.
func (w *worker) replace(set []int64) {
	negatives := set[1 : 1+w.queue.drawn]
	alias, stride, r := w.alias, int64(w.w.Stride), w.random
	for i := range negatives {
		negatives[i] = int64(alias.Draw(r.next())) * stride
	}
	w.random = r
	w.prefetch(false, negatives)
	if w.queue.head += w.queue.size; w.queue.head == len(w.queue.offsets) {
		w.queue.head = 0
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

// complete makes centre the positive example of set.
func (w *worker) complete(set []int64, centre int64) {
	set[0] = centre
	for i := 1 + w.queue.drawn; i < len(set); i++ {
		set[i] = centre
	}
}
