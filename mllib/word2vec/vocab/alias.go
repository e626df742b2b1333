package vocab

import "math"

// negativePower flattens the counts for the draw of negative examples: frequent words come less often than in the text.
// It is word2vec's and gensim's constant.
const negativePower = 0.75

// Alias draws words with a probability that grows with their counts, in constant time and with one access to memory
// (Walker's method). Eight bytes a word: the table of 50,000 words stays in a second-level cache, which the cumulative tables
// of other trainers do not. The lower half of a slot is a threshold: below it the slot's own word is meant, from it on the word
// of the upper half. Safe for concurrent use.
type Alias []uint64

// NewAlias makes the table for the draw of negative examples.
func NewAlias(counts []int64) Alias {
	share := NegativeShares(counts)
	for i := range share {
		share[i] *= float64(len(counts))
	}
	return fill(share)
}

// NegativeShares returns how likely each word is to be drawn as a negative example; the sum is 1.
func NegativeShares(counts []int64) []float64 {
	share := make([]float64, len(counts))
	var sum float64
	for i, c := range counts {
		share[i] = math.Pow(float64(c), negativePower)
		sum += share[i]
	}
	for i := range share {
		share[i] /= sum
	}
	return share
}

// Draw maps 64 random bits to a word: the upper half picks the slot, the lower half decides inside it.
func (a Alias) Draw(random uint64) int32 {
	i := (random >> 32) * uint64(len(a)) >> 32
	slot := a[i]
	// Without a branch, which would be mispredicted every other time: all ones where the slot's own word is drawn.
	own := uint64((int64(uint32(random)) - int64(uint32(slot))) >> 63)
	return int32(slot>>32 ^ (slot>>32^i)&own)
}

// fill pairs slots with less than their share (of 1) with slots that have more, until all are full.
func fill(share []float64) Alias {
	table := make(Alias, len(share))
	var poor, rich []int32
	for i, s := range share {
		table[i] = uint64(i)<<32 | math.MaxUint32
		if s < 1 {
			poor = append(poor, int32(i))
		} else {
			rich = append(rich, int32(i))
		}
	}
	for len(poor) > 0 && len(rich) > 0 {
		p, r := poor[len(poor)-1], rich[len(rich)-1]
		poor = poor[:len(poor)-1]
		table[p] = uint64(r)<<32 | uint64(uint32(share[p]*(1<<32)))
		if share[r] -= 1 - share[p]; share[r] < 1 {
			rich = rich[:len(rich)-1]
			poor = append(poor, r)
		}
	}
	return table
}
