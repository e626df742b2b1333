package train

import (
	"sync"
	"unsafe"
)

// hottest is how many inner nodes of the tree have a copy per thread: seven levels. Every pair of every thread changes the root,
// every other pair one of its children: without copies their cache lines travel between the cores all the time, and two threads
// are no faster than one.
const hottest = 127

// hotEvery is after how many raw words a thread merges its copies. A copy has then seen dozens of updates and more, about as
// many as it takes to forget where it started; so copies are averaged, while adding their steps would overshoot.
const hotEvery = 1000

// hotRows are the copies of the rows next to the root. The weights' own rows of these nodes change only in merges.
type hotRows struct {
	first int // the lowest node with a copy; all up to the root have one
	mu    sync.Mutex
}

// newHotRows returns nil where there is nothing to gain.
func newHotRows(t *training) *hotRows {
	if t.tree == nil || t.cfg.Threads == 1 || t.cfg.Storage != Float32 {
		return nil
	}
	return &hotRows{first: max(0, t.tree.Inner-hottest)}
}

// hotCopy is one thread's copy.
type hotCopy struct {
	block  []byte
	rows   []float32
	seen   []float32 // rows after the last merge
	offset int64     // of rows from the weights' output rows, in components
	merged int64     // words of the epoch at the last merge
}

func (h *hotRows) copyFor(w *Weights) (*hotCopy, error) {
	shared := w.Out[h.first*w.Stride:]
	block, err := mapRows(int64(len(shared)) * 4)
	if err != nil {
		return nil, err
	}
	c := &hotCopy{block: block, rows: cast[float32](block), seen: make([]float32, len(shared))}
	c.offset = int64(uintptr(unsafe.Pointer(&c.rows[0]))-uintptr(unsafe.Pointer(&w.Out[0]))) / 4
	copy(c.rows, shared)
	copy(c.seen, shared)
	return c, nil
}

// merge takes the copy's share of what it has learnt into the weights and goes on from there.
func (h *hotRows) merge(c *hotCopy, w *Weights, threads int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	shared := w.Out[h.first*w.Stride:]
	share := 1 / float32(threads)
	seen, rows := c.seen[:len(shared)], c.rows[:len(shared)]
	for i, x := range shared {
		x += (rows[i] - seen[i]) * share
		shared[i], seen[i], rows[i] = x, x, x
	}
}

// mergeHot merges when it is time.
func (w *worker) mergeHot() {
	if w.hot != nil && w.words-w.copied.merged >= hotEvery {
		w.copied.merged = w.words
		w.hot.merge(w.copied, w.w, len(w.shards))
	}
}
