package train

import "unsafe"

// bfloat16 weights keep the rows that are changed most in float32. Rounding at random loses no small step on average, but each
// adds noise of the size of the last bit, which late in a training is many steps: a row that changes 100,000 times in an epoch
// ends as noise of a tenth of its length. And the rows of the head, which are most of what a text touches, need no staging.
const (
	// headShare of the rows are in the head at most, so that the memory stays near one half: 9/16.
	headShare = 8
	// headMost is about what a second-level cache holds.
	headMost = 4096
)

// span is a run of rows as offsets in components.
type span struct{ first, size int64 }

func (s span) has(offset int64) bool { return uint64(offset-s.first) < uint64(s.size) }

// headOf is the most frequent words, which come first, of n rows, or, if they are inner nodes of a tree, those next to the root,
// which come last.
func headOf(n, stride int, nodes bool) span {
	rows := min(headMost, n/headShare)
	s := span{size: int64(rows) * int64(stride)}
	if nodes {
		s.first = int64(n-rows) * int64(stride)
	}
	return s
}

// half is one of the two matrices of bfloat16 weights: the head's rows are in head, the others in tail at their offsets.
type half struct {
	span
	head []float32
	tail []uint16
}

func (w *Weights) halves() (in, out half) {
	return half{w.inHead, w.In, w.In16}, half{w.outHead, w.Out, w.Out16}
}

// put writes a component of an untrained row.
func (h half) put(offset int64, x float32) {
	if h.has(offset) {
		h.head[offset-h.first] = x
	} else {
		h.tail[offset] = narrow(x)
	}
}

func (h half) row(offset int64, dst []float32) {
	if h.has(offset) {
		copy(dst, h.head[offset-h.first:])
		return
	}
	for i := range dst {
		dst[i] = widen(h.tail[offset+int64(i)])
	}
}

// prefetch asks for rows of both kinds. ask is as long as rows.
func (h half) prefetch(w *worker, rows, ask []int64) {
	tail, head := 0, len(rows)
	for _, offset := range rows {
		if h.has(offset) {
			head--
			ask[head] = offset - h.first
		} else {
			ask[tail] = offset
			tail++
		}
	}
	const narrowSize, wideSize = 2, 4
	if tail > 0 {
		w.set.Prefetch((*byte)(unsafe.Pointer(&h.tail[0])), &ask[0], tail, narrowSize, w.w.Stride*narrowSize)
	}
	if head < len(rows) {
		w.set.Prefetch((*byte)(unsafe.Pointer(&h.head[0])), &ask[head], len(rows)-head, wideSize, w.w.Stride*wideSize)
	}
}
