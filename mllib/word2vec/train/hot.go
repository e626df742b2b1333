package train

import (
	"math"
	"sync"
	"unsafe"

	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// Threads that change the same rows all the time pass their cache lines to and fro instead of computing: with the rows shared,
// two threads trained exact skip-gram at between a third and once the rate of one. So each thread has copies of the rows that are
// changed most, and merges them now and then.
const (
	// hottest is how many inner nodes of the tree are copied: seven levels. Every pair changes the root.
	hottest = 127
	// hottestDrawn is how many words' output rows are copied, the most frequent ones. Of those behind them another core's
	// cache has seldom changed the one wanted next.
	hottestDrawn = 128
)

const (
	// hotEvery is after how many raw words a thread merges its copies.
	hotEvery = 1000
	// bearable is how many steps that did not see each other a row takes in full; gradients of more than 32 to 128 add up to
	// more than any of them meant.
	bearable = 64
)

// hotRows are the rows that threads copy: those of nodes or words from first to before end. The weights' own change only in
// merges.
type hotRows struct {
	first, end int
	// shares are the parts of a copy's steps that a merge adds: all of them where few are made between merges, an average over
	// the threads where many are. A copy has then seen about as many as it takes to forget where it started.
	shares []float32
	mu     sync.Mutex
}

// newHotRows returns nil where there is nothing to gain.
func newHotRows(t *training) *hotRows {
	if t.cfg.Threads == 1 || t.cfg.Storage != Float32 {
		return nil
	}
	if t.tree != nil {
		h := &hotRows{first: max(0, t.tree.Inner-hottest), end: t.tree.Inner}
		for range h.end - h.first {
			h.shares = append(h.shares, 1/float32(t.cfg.Threads))
		}
		return h
	}
	h := &hotRows{end: min(hottestDrawn, t.v.Len())}
	for _, steps := range stepsOf(t, h.end) {
		share := bearable / (steps * float64(t.cfg.Threads))
		h.shares = append(h.shares, float32(max(1/float64(t.cfg.Threads), min(1, share))))
	}
	return h
}

// stepsOf estimates how often one thread changes the output rows of the first n words between merges.
func stepsOf(t *training, n int) []float64 {
	var kept float64
	for i, c := range t.v.Counts {
		kept += float64(c) * float64(t.keep[i]) / math.MaxUint32
	}
	pairs := 1.0 // of a word kept
	if t.cfg.Architecture == SkipGram && !t.cfg.Shares() {
		pairs = float64(t.cfg.Window + 1)
	}
	words := hotEvery * kept / float64(t.v.Total)
	steps, drawn := make([]float64, n), vocab.NegativeShares(t.v.Counts)
	for i, c := range t.v.Counts[:n] {
		positive := float64(c) * float64(t.keep[i]) / math.MaxUint32 / kept
		negative := float64(t.cfg.Negative) * drawn[i]
		steps[i] = words * pairs * (positive + negative)
	}
	return steps
}

// of is the weights' own rows.
func (h *hotRows) of(w *Weights) []float32 { return w.Out[h.first*w.Stride : h.end*w.Stride] }

// hotCopy is one thread's copy.
type hotCopy struct {
	block  []byte
	rows   []float32
	seen   []float32 // rows after the last merge
	offset int64     // what an offset of a row among the weights' output rows and that of its copy differ by
	merged int64     // words of the epoch at the last merge
}

func (h *hotRows) copyFor(w *Weights) (*hotCopy, error) {
	shared := h.of(w)
	block, err := mapRows(int64(len(shared)) * 4)
	if err != nil {
		return nil, err
	}
	c := &hotCopy{block: block, rows: cast[float32](block), seen: make([]float32, len(shared))}
	c.offset = int64(uintptr(unsafe.Pointer(&c.rows[0]))-uintptr(unsafe.Pointer(&shared[0]))) / 4
	copy(c.rows, shared)
	copy(c.seen, shared)
	return c, nil
}

// merge takes the copy's share of what it has learnt into the weights and goes on from there.
func (h *hotRows) merge(c *hotCopy, w *Weights) {
	h.mu.Lock()
	defer h.mu.Unlock()
	shared := h.of(w)
	for k, share := range h.shares {
		from, to := k*w.Stride, (k+1)*w.Stride
		seen, rows := c.seen[from:to], c.rows[from:to]
		for i, x := range shared[from:to] {
			x += (rows[i] - seen[i]) * share
			shared[from+i], seen[i], rows[i] = x, x, x
		}
	}
}

// mergeHot merges when it is time.
func (w *worker) mergeHot() {
	if w.hot != nil && w.words-w.copied.merged >= hotEvery {
		w.copied.merged = w.words
		w.hot.merge(w.copied, w.w)
	}
}

// output is the offset of the output row of a word or inner node, or of the thread's copy of it.
func (w *worker) output(id int32) int64 {
	offset := int64(id) * int64(w.w.Stride)
	if w.hot != nil && int(id) >= w.hot.first && int(id) < w.hot.end {
		offset += w.copied.offset
	}
	return offset
}

// own turns the rows drawn of words that have copies into the copies.
func (w *worker) own(rows []int64) {
	end, move := int64(w.hot.end)*int64(w.w.Stride), w.copied.offset
	for i, offset := range rows {
		if offset < end {
			offset += move
		}
		rows[i] = offset
	}
}
