// Package vocab holds the words of a corpus with their counts and what trainers derive from counts: the draw of negative
// examples, sub-sampling and the Huffman tree. It reads no file and trains nothing.
package vocab

// Vocabulary is the words that are trained, by falling count and then by word, so that ids do not depend on how the counting
// was split. A word's id is its index. It does not change once built and is safe for concurrent use.
type Vocabulary struct {
	Words  []string
	Counts []int64
	// Total is the number of occurrences of all Words: the raw words of one epoch.
	Total int64
	index map[string]int32
}

// ID returns the id of word.
func (v *Vocabulary) ID(word string) (int32, bool) {
	id, ok := v.index[word]
	return id, ok
}

// Len is the number of words.
func (v *Vocabulary) Len() int { return len(v.Words) }
