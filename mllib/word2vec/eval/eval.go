// Package eval measures a model by what people say: word pairs with scores, and analogies. It knows no training and no files.
package eval

import (
	"strings"

	"github.com/spurwheel/spurwheel/mllib/word2vec/model"
)

// Coverage is how much of a test a model's words cover.
type Coverage struct {
	Used    int // pairs or questions scored
	Unknown int // left out because the model lacks a word of them
}

// finder looks words up as they stand or, if they are not there, in lower case: tests write "Athens", corpora often "athens".
type finder struct{ m *model.Model }

func (f finder) id(word string) (int32, bool) {
	if id, ok := f.m.Vocabulary.ID(word); ok {
		return id, true
	}
	return f.m.Vocabulary.ID(strings.ToLower(word))
}
