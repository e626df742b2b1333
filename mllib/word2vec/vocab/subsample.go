package vocab

import "math"

// Keep returns per word the probability that an occurrence is kept, times 2³²-1: an occurrence is left out when a 32-bit random
// number is larger. A word is thinned out when its share of total exceeds sample; sample 0 keeps everything. The formula is
// word2vec's and gensim's, which is not the one of the paper.
func Keep(counts []int64, total int64, sample float64) []uint32 {
	keep := make([]uint32, len(counts))
	threshold := sample * float64(total)
	for i, c := range counts {
		p := 1.0
		if sample > 0 && c > 0 {
			p = min(1, (math.Sqrt(float64(c)/threshold)+1)*threshold/float64(c))
		}
		keep[i] = uint32(p * math.MaxUint32)
	}
	return keep
}
