// Package vocab holds the words of a corpus with their counts and what trainers derive from counts: the draw of negative
// examples, sub-sampling and the Huffman tree. It reads no file and trains nothing.
package vocab

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/zeebo/xxh3"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// MaxWords is how many words a vocabulary holds at most: ids are int32, and rows are counted in them.
const MaxWords = math.MaxInt32 - 1

// Vocabulary is the words that are trained, by falling count and then by word, so that ids do not depend on how the counting
// was split. A word's id is its index. It does not change once built and is safe for concurrent use.
type Vocabulary struct {
	Words  []string
	Counts []int64
	// Total is the number of occurrences of all Words: the raw words of one epoch.
	Total int64
	index *table // values are id+1
}

// New makes a vocabulary of words that stand in the order of their ids, and of their counts. Words are neither empty nor
// repeated and counts are positive; what breaks that is refused. counts nil stands for unknown ones (a model without them):
// they are made up, falling by one from the number of words, as gensim does.
func New(words []string, counts []int64) (*Vocabulary, error) {
	const op = "vocab.New"
	if len(words) > MaxWords {
		return nil, errs.Errorf(errs.Invalid, op, "%d words; a vocabulary holds %d at most", len(words), MaxWords)
	}
	if counts == nil {
		counts = make([]int64, len(words))
		for i := range counts {
			counts[i] = int64(len(words) - i)
		}
	}
	if len(counts) != len(words) {
		return nil, errs.Errorf(errs.Internal, op, "%d words with %d counts", len(words), len(counts))
	}
	v := &Vocabulary{Words: words, Counts: counts, index: newTable(len(words))}
	for i, w := range words {
		if w == "" || len(w) > MaxWordBytes {
			return nil, errs.Errorf(errs.Invalid, op, "word %d has %d bytes; want 1 to %d", i+1, len(w), MaxWordBytes)
		}
		s := v.index.slot(bytesOf(w))
		if s.value != 0 {
			return nil, errs.Errorf(errs.Invalid, op, "word %d, %s, stands a second time", i+1, strconv.Quote(w))
		}
		if counts[i] <= 0 {
			return nil, errs.Errorf(errs.Invalid, op, "word %d, %s, has the count %d", i+1, strconv.Quote(w), counts[i])
		}
		s.value = uint64(i) + 1
		v.Total += counts[i]
	}
	return v, nil
}

// ID returns the id of word.
func (v *Vocabulary) ID(word string) (int32, bool) {
	id := v.index.find(bytesOf(word))
	return int32(id) - 1, id != 0
}

// Len is the number of words.
func (v *Vocabulary) Len() int { return len(v.Words) }

// Hash names the content: equal vocabularies, and in practice only they, have equal hashes. It is kept in files.
func (v *Vocabulary) Hash() uint64 {
	h := xxh3.New()
	var head [12]byte
	for i, w := range v.Words {
		binary.LittleEndian.PutUint64(head[:], uint64(v.Counts[i]))
		binary.LittleEndian.PutUint32(head[8:], uint32(len(w)))
		_, _ = h.Write(head[:])
		_, _ = h.WriteString(w)
	}
	return h.Sum64()
}
