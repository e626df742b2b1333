package vocab

import "math"

// negativePower flattens the counts for the draw of negative examples: frequent words come less often than in the text.
// It is word2vec's and gensim's constant.
const negativePower = 0.75

// Slot is one slot of an alias table: the slot's own word below the threshold, the other one from it on.
type Slot struct {
	Threshold uint32
	Other     int32
}

// Alias draws words with a probability that grows with their counts, in constant time and with one access to memory
// (Walker's method). Eight bytes a word: the table of 50,000 words stays in a second-level cache, which the cumulative tables
// of other trainers do not. Safe for concurrent use.
type Alias []Slot

// NewAlias makes the table for the draw of negative examples.
func NewAlias(counts []int64) Alias {
	share := make([]float64, len(counts))
	var sum float64
	for i, c := range counts {
		share[i] = math.Pow(float64(c), negativePower)
		sum += share[i]
	}
	for i := range share {
		share[i] *= float64(len(counts)) / sum
	}
	return fill(share)
}

// Draw maps 64 random bits to a word: the upper half picks the slot, the lower half decides inside it.
func (a Alias) Draw(random uint64) int32 {
	i := (random >> 32) * uint64(len(a)) >> 32
	slot := a[i]
	// Without a branch, which would be mispredicted every other time: all ones where the slot's own word is drawn.
	own := int32((int64(uint32(random)) - int64(slot.Threshold)) >> 63)
	return slot.Other ^ (slot.Other^int32(i))&own
}

// fill pairs slots with less than their share (of 1) with slots that have more, until all are full.
func fill(share []float64) Alias {
	table := make(Alias, len(share))
	var poor, rich []int32
	for i, s := range share {
		table[i] = Slot{Threshold: math.MaxUint32, Other: int32(i)}
		if s < 1 {
			poor = append(poor, int32(i))
		} else {
			rich = append(rich, int32(i))
		}
	}
	for len(poor) > 0 && len(rich) > 0 {
		p, r := poor[len(poor)-1], rich[len(rich)-1]
		poor = poor[:len(poor)-1]
		table[p] = Slot{Threshold: uint32(share[p] * (1 << 32)), Other: r}
		if share[r] -= 1 - share[p]; share[r] < 1 {
			rich = rich[:len(rich)-1]
			poor = append(poor, r)
		}
	}
	return table
}
