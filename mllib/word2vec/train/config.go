// Package train is the word2vec trainer for CPUs: skip-gram and CBOW with negative sampling or hierarchical softmax, on many
// threads without locks. It takes sentences of word ids and leaves weights; it knows no file, no text and no device.
package train

import "github.com/spurwheel/spurwheel/internal/mem"

// Architecture says what is predicted from what.
type Architecture uint8

// The architectures of Mikolov et al., "Efficient Estimation of Word Representations in Vector Space", 2013.
const (
	SkipGram Architecture = iota // a word's neighbours from the word
	CBOW                         // a word from the mean of its neighbours
)

// Output says how the prediction is scored.
type Output uint8

// The output layers of Mikolov et al., "Distributed Representations of Words and Phrases and their Compositionality", 2013.
const (
	NegativeSampling Output = iota
	HierarchicalSoftmax
)

// Storage is the type of the weights in memory; arithmetic is float32 always.
type Storage uint8

// Float32 is exact; BFloat16 halves the memory for vocabularies beyond the cache.
const (
	Float32 Storage = iota
	BFloat16
)

// Config is how to train. The zero value is not valid; see Default.
type Config struct {
	Dim      int // components of a vector
	Window   int // largest distance of a neighbour, in words; the distance used is drawn from 1..Window
	Negative int // negative examples per positive one
	Epochs   int
	Threads  int
	// Sample is the frequency above which occurrences of a word are left out at random; 0 keeps all.
	Sample float64
	// Alpha falls linearly with the words seen from its start to MinAlpha.
	Alpha, MinAlpha float64
	// Seed fixes every draw; with one thread the result is the same in every run.
	Seed         uint64
	Architecture Architecture
	Output       Output
	Storage      Storage
	// SharedNegatives draws one set of negative examples per centre word, which all pairs of its window take, instead of one per
	// pair. It is for skip-gram with negative sampling: CBOW makes one prediction per window, and a tree has no examples to draw.
	SharedNegatives bool
	// SparkOrder takes Spark MLlib's random generator, initial weights and order of updates (hierarchical softmax, one thread).
	SparkOrder bool
	// Kernel forces the instruction set: "", "avx512", "avx2" or "portable"; "" is the best this machine has.
	Kernel string
	// Memory is charged with the weights; nil charges nobody.
	Memory *mem.Budget
}

// Default is what gensim's users expect: 100 components, window 5, 5 negatives, 5 epochs, sample 1e-3. Negative examples are
// shared, which is as good as gensim's draw per pair and much faster.
func Default() Config {
	return Config{
		Dim: 100, Window: 5, Negative: 5, Epochs: 5, Threads: 1, Sample: 1e-3, Alpha: 0.025, MinAlpha: 0.0001, Seed: 1,
		SharedNegatives: true,
	}
}

// Shares tells whether c trains with shared negative examples.
func (c Config) Shares() bool {
	return c.SharedNegatives && c.Architecture == SkipGram && c.Output == NegativeSampling
}
