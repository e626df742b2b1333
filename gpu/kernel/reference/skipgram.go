// Package reference is the device kernels as plain loops, for tests: what a kernel computes, with none of how. One sentence is
// trained after the other, so it is what a kernel with one warp must agree with up to rounding.
package reference

import (
	"math"
	"math/bits"
)

// Train is the input of a training, and its weights.
type Train struct {
	Dim, Window, Negative    int
	Group                    int // output rows that the kernel holds at a time
	Alpha, MinAlpha, PerWord float64
	Seen                     int64
	KeySample, KeyDraw       uint32
	Keep, Aliases            []uint32
	CapIn, CapOut            []float32
	In, Out                  []float32 // words x Dim
	ContextFrom, ContextTo   int
	TargetFrom, TargetTo     int
	Trained                  int64 // words left after sub-sampling
}

// Random is the kernels' generator: Philox2x32 with seven rounds.
func Random(key, low, high uint32) (first, second uint32) {
	for range 7 {
		hi, lo := bits.Mul32(low, 0xD256D193)
		low, high = hi^high^key, lo
		key += 0x9E3779B9
	}
	return low, high
}

func mulHigh(a, b uint32) uint32 {
	hi, _ := bits.Mul32(a, b)
	return hi
}

// Sentences trains the sentences of a block, the first of which has a number in its epoch.
func (t *Train) Sentences(tokens, ends []uint32, first uint32) {
	from := uint32(0)
	for i, end := range ends {
		t.sentence(tokens[from:end], first+uint32(i))
		from = end
	}
}

// sentence is a sentence under way.
type sentence struct {
	*Train
	words    []uint32
	number   uint32
	alpha    float64
	now, was map[int][]float32 // of the positions in the window: the row, and as it was read
	coming   []float32
	admitted int
}

func (t *Train) sentence(tokens []uint32, number uint32) {
	s := &sentence{Train: t, number: number, now: map[int][]float32{}, was: map[int][]float32{}}
	s.alpha = max(t.MinAlpha, t.Alpha-(t.Alpha-t.MinAlpha)*float64(t.Seen)*t.PerWord)
	t.Seen += int64(len(tokens))
	for i, w := range tokens {
		if r, _ := Random(t.KeySample, uint32(i), number); r <= t.Keep[w] {
			s.words = append(s.words, w)
		}
	}
	t.Trained += int64(len(s.words))
	s.fetch(0)
	for centre := range s.words {
		for s.admitted < len(s.words) && s.admitted <= centre+t.Window {
			s.admit()
		}
		s.word(centre)
	}
	slots := 2*t.Window + 1
	for slot := range min(slots, s.admitted) {
		for at := range s.now {
			if at%slots == slot {
				s.retire(at)
			}
		}
	}
}

func (s *sentence) isContext(word uint32) bool {
	return int(word) >= s.ContextFrom && int(word) < s.ContextTo
}

func row(m []float32, word uint32, dim int) []float32 { return m[int(word)*dim:][:dim] }

func (s *sentence) fetch(position int) {
	if position < len(s.words) {
		s.coming = append([]float32(nil), row(s.In, s.words[position], s.Dim)...)
	}
}

func (s *sentence) admit() {
	if slots := 2*s.Window + 1; s.admitted >= slots {
		s.retire(s.admitted - slots)
	}
	s.now[s.admitted] = s.coming
	s.was[s.admitted] = append([]float32(nil), s.coming...)
	s.admitted++
	s.fetch(s.admitted)
}

func (s *sentence) retire(position int) {
	word := s.words[position]
	if s.isContext(word) {
		to := row(s.In, word, s.Dim)
		for i := range to {
			to[i] += (s.now[position][i] - s.was[position][i]) * s.CapIn[word]
		}
	}
	delete(s.now, position)
	delete(s.was, position)
}

func (s *sentence) word(centre int) {
	word := s.words[centre]
	if int(word) < s.TargetFrom || int(word) >= s.TargetTo {
		return
	}
	reach, examples := s.draw(centre)
	examples[0] = word
	for first := 0; first <= s.Negative; first += s.Group {
		s.targets(centre, reach, examples, first, min(first+s.Group, s.Negative+1))
	}
}

func (s *sentence) draw(centre int) (reach int, examples []uint32) {
	const lanes = 32
	examples = make([]uint32, s.Negative+1)
	words := uint32(s.TargetTo - s.TargetFrom)
	for lane := range examples {
		a, b := Random(s.KeyDraw, uint32(centre*lanes+lane), s.number)
		if lane == 0 {
			reach = int(mulHigh(a, uint32(s.Window))) + 1
			continue
		}
		slot := mulHigh(a, words)
		if b > s.Aliases[2*slot] {
			slot = s.Aliases[2*slot+1]
		}
		examples[lane] = slot + uint32(s.TargetFrom)
	}
	return reach, examples
}

func (s *sentence) targets(centre, reach int, examples []uint32, first, end int) {
	rows, deltas := make([][]float32, end), make([][]float32, end)
	for k := first; k < end; k++ {
		rows[k] = append([]float32(nil), row(s.Out, examples[k], s.Dim)...)
		deltas[k] = make([]float32, s.Dim)
	}
	for at := max(0, centre-reach); at <= min(centre+reach, s.admitted-1); at++ {
		if at == centre || !s.isContext(s.words[at]) {
			continue
		}
		old := append([]float32(nil), s.now[at]...)
		for k := first; k < end; k++ {
			if k > 0 && examples[k] == examples[0] {
				continue
			}
			label := 0.0
			if k == 0 {
				label = 1
			}
			step := float32((label - sigmoid(dot(old, rows[k]))) * s.alpha)
			for i := range old {
				s.now[at][i] += step * rows[k][i]
				deltas[k][i] += step * old[i]
			}
		}
	}
	for k := first; k < end; k++ {
		to := row(s.Out, examples[k], s.Dim)
		for i := range to {
			to[i] += deltas[k][i] * s.CapOut[examples[k]]
		}
	}
}

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
