// Package table computes what a skip-gram kernel reads beside its corpus and its weights: who survives sub-sampling, how
// negative examples are drawn, and how much of its gradients a row takes. It knows counts of words, not words, and no device.
package table

import "math"

// power flattens the frequencies of words for negative examples, as word2vec has it.
const power = 0.75

// Keep returns per word the 32-bit threshold of a random number up to which an occurrence stays in its sentence.
func Keep(counts []uint64, sample float64) []uint32 {
	total := sum(counts)
	keep := make([]uint32, len(counts))
	for i, c := range counts {
		keep[i] = threshold(keepProbability(float64(c), total, sample))
	}
	return keep
}

func keepProbability(count, total, sample float64) float64 {
	if sample <= 0 || count == 0 {
		return 1
	}
	limit := sample * total
	return min(1, (math.Sqrt(count/limit)+1)*limit/count)
}

func threshold(p float64) uint32 { return uint32(min(p*(1<<32), math.MaxUint32)) }

// Aliases returns Vose's alias table over count^0.75: per slot the 32-bit threshold up to which the slot's own word is drawn,
// and the word that is drawn above it.
func Aliases(counts []uint64) []uint32 {
	n := len(counts)
	weights := make([]float64, n)
	total := 0.0
	for i, c := range counts {
		weights[i] = math.Pow(float64(c), power)
		total += weights[i]
	}
	table := make([]uint32, 2*n)
	small, large := make([]uint32, 0, n), make([]uint32, 0, n)
	for i := range weights {
		if total == 0 {
			weights[i] = 1
		} else {
			weights[i] *= float64(n) / total
		}
		if weights[i] < 1 {
			small = append(small, uint32(i))
		} else {
			large = append(large, uint32(i))
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		table[2*s], table[2*s+1] = threshold(weights[s]), l
		weights[l] -= 1 - weights[s]
		if weights[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	for _, rest := range [][]uint32{small, large} { // 1 but for rounding
		for _, i := range rest {
			table[2*i], table[2*i+1] = math.MaxUint32, i
		}
	}
	return table
}

// Training is what the load of a row depends on.
type Training struct {
	Window, Negative int
	Sample           float64
	Concurrency      int     // sentences trained at the same time
	Cap              float64 // concurrent gradients that a row takes at full strength; below 0 is no cap
}

// Caps returns the factor of every addition to an input row and to an output row. A row that receives more than Cap gradients
// from sentences that do not see each other's is scaled down to Cap of them: without this, frequent words overshoot and training
// with more than about a thousand sentences at a time diverges.
func Caps(counts []uint64, t Training) (in, out []float32) {
	in, out = make([]float32, len(counts)), make([]float32, len(counts))
	total := sum(counts)
	var centres, negatives float64
	for _, c := range counts {
		centres += float64(c) * keepProbability(float64(c), total, t.Sample)
		negatives += math.Pow(float64(c), power)
	}
	neighbours := float64(t.Window + 1) // on average, both sides
	stays := float64(2*t.Window + 1)    // words that an input row stays in its ring
	s := float64(t.Concurrency)
	for i, c := range counts {
		p := float64(c) * keepProbability(float64(c), total, t.Sample) / max(centres, 1)
		pn := math.Pow(float64(c), power) / max(negatives, 1)
		in[i] = factor(t.Cap, s*neighbours*float64(t.Negative+1)*p*stays)
		out[i] = factor(t.Cap, s*neighbours*(p+float64(t.Negative)*pn))
	}
	return in, out
}

func factor(limit, load float64) float32 {
	if limit < 0 || load <= limit {
		return 1
	}
	return float32(limit / load)
}

func sum(counts []uint64) float64 {
	total := 0.0
	for _, c := range counts {
		total += float64(c)
	}
	return total
}

// Keys derives an epoch's keys of the kernel's random numbers from the seed, by splitmix64.
func Keys(seed uint64, epoch int) (sample, draw uint32) {
	x := seed + 0x9E3779B97F4A7C15*uint64(epoch+1)
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	x ^= x >> 31
	return uint32(x), uint32(x >> 32)
}
