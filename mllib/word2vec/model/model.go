// Package model is a trained set of word vectors: its files and its queries. It knows nothing of training.
package model

import "github.com/spurwheel/spurwheel/mllib/word2vec/vocab"

// Model is words with their vectors. It does not change once built and is safe for concurrent use.
type Model struct {
	Vocabulary *vocab.Vocabulary
	Dim        int
	// Vectors is one row of Dim components per word, without gaps.
	Vectors []float32
}
