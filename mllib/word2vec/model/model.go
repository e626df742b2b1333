// Package model is a trained set of word vectors: its files and its queries. It knows nothing of training.
package model

import (
	"math"
	"strconv"
	"sync"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// MaxDim bounds the components of a vector: far above any model, far below what a damaged header may claim.
const MaxDim = 1 << 16

// Model is words with their vectors. It does not change once built and is safe for concurrent use.
type Model struct {
	Vocabulary *vocab.Vocabulary
	Dim        int
	// Vectors is one row of Dim components per word, without gaps.
	Vectors []float32

	once    sync.Once
	inverse []float32 // 1/length of each vector, 0 for vectors without one
}

// New makes a model and checks that its parts fit and that all components are numbers.
func New(v *vocab.Vocabulary, dim int, vectors []float32) (*Model, error) {
	const op = "model.New"
	if dim < 1 || dim > MaxDim {
		return nil, errs.Errorf(errs.Invalid, op, "vectors of %d components; want 1 to %d", dim, MaxDim)
	}
	if len(vectors) != v.Len()*dim {
		return nil, errs.Errorf(errs.Invalid, op, "%d words of %d components with %d numbers", v.Len(), dim, len(vectors))
	}
	for i, x := range vectors {
		if x-x != 0 { // infinite or no number
			return nil, errs.Errorf(errs.Invalid, op, "component %d of word %s is %v", i%dim+1, strconv.Quote(v.Words[i/dim]), x)
		}
	}
	return &Model{Vocabulary: v, Dim: dim, Vectors: vectors}, nil
}

// Row is the vector of a word by its id. It must not be changed.
func (m *Model) Row(id int32) []float32 {
	return m.Vectors[int(id)*m.Dim : (int(id)+1)*m.Dim : (int(id)+1)*m.Dim]
}

// Vector is the vector of a word, which must not be changed; an unknown word is an errs.NotFound error.
func (m *Model) Vector(word string) ([]float32, error) {
	id, err := m.id(word)
	if err != nil {
		return nil, err
	}
	return m.Row(id), nil
}

func (m *Model) id(word string) (int32, error) {
	id, ok := m.Vocabulary.ID(word)
	if !ok {
		return 0, errs.Errorf(errs.NotFound, "", "the word %s is not in the model", strconv.Quote(word))
	}
	return id, nil
}

// inverses are 1/length of all vectors.
func (m *Model) inverses() []float32 {
	m.once.Do(func() {
		m.inverse = make([]float32, m.Vocabulary.Len())
		for i := range m.inverse {
			m.inverse[i] = inverse(m.Row(int32(i)))
		}
	})
	return m.inverse
}

func inverse(x []float32) float32 {
	sum := 0.0
	for _, c := range x {
		sum += float64(c) * float64(c)
	}
	if sum == 0 {
		return 0
	}
	return float32(1 / math.Sqrt(sum))
}
