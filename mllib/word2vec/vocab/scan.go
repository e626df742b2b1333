package vocab

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Blocks of words come in two forms. Text: words end at ASCII blanks and control characters, sentences at \n. List: each word
// ends at WordEnd and each sentence at SentenceEnd, bytes that no UTF-8 holds, so that words may hold blanks. Either block ends
// with one of its separators.
const (
	WordEnd     = 0xff
	SentenceEnd = 0xfe
)

// Fault is what is no text in a block: where it stands, and what is wrong, in words that follow "is" or "has".
type Fault struct {
	Offset int
	What   string
}

// What can be wrong with text.
const (
	faultNull = "a null byte: binary data, no text"
	faultUTF8 = "a word that is not UTF-8"
)

const (
	highs   = 0x8080808080808080
	belowSp = 0x2121212121212121 // one above the largest separator
)

// load reads eight bytes at b[i:]; at the end of b zeros follow, which are separators.
func load(b []byte, i int) uint64 {
	if len(b)-i >= 8 {
		return binary.LittleEndian.Uint64(b[i:])
	}
	return prefixOf(b[i:])
}

// span measures the word that starts at b[i]: its length, 0 if a separator is there, and its first eight bytes.
// Eight bytes are looked at together: a byte below 0x21 borrows into its high bit when 0x21 is taken from it, and the lowest
// such bit is right even though borrows falsify the ones above it.
func span(b []byte, i int) (prefix uint64, n int) {
	x := load(b, i)
	if m := (x - belowSp) & ^x & highs; m != 0 {
		k := bits.TrailingZeros64(m) >> 3
		return x & (1<<(8*k) - 1), k
	}
	for n = 8; i+n < len(b); n += 8 {
		y := load(b, i+n)
		if m := (y - belowSp) & ^y & highs; m != 0 {
			return x, n + bits.TrailingZeros64(m)>>3
		}
	}
	return x, len(b) - i
}

// Encoded is sentences as ids, as Encode leaves them; words outside of the vocabulary are left out, and sentences of none.
type Encoded struct {
	Tokens []int32
	Ends   []int32
	from   int // where the sentence under way began
}

// Reset empties e and keeps its memory.
func (e *Encoded) Reset() { e.Tokens, e.Ends, e.from = e.Tokens[:0], e.Ends[:0], 0 }

func (e *Encoded) end() {
	if n := len(e.Tokens); n > e.from {
		e.Ends = append(e.Ends, int32(n))
		e.from = n
	}
}

func (e *Encoded) put(value uint64, most int) {
	if value == 0 {
		return
	}
	e.Tokens = append(e.Tokens, int32(value)-1)
	if len(e.Tokens)-e.from == most {
		e.end()
	}
}

// EncodeText appends the sentences of a text block to e, none longer than most words. The block's end ends a sentence.
func (v *Vocabulary) EncodeText(e *Encoded, b []byte, most int) {
	t := v.index
	for i := 0; i < len(b); {
		prefix, n := span(b, i)
		switch {
		case n == 0:
		case n <= 8:
			e.put(t.short(prefix, n).value, most)
		case n <= MaxWordBytes:
			w := b[i : i+n]
			e.put(t.long(w, hashLong(w)).value, most)
		}
		if i += n; i < len(b) {
			if b[i] == '\n' {
				e.end()
			}
			i++
		}
	}
	e.end()
}

// EncodeList appends the sentences of a list block to e, none longer than most words. The block's end ends a sentence.
func (v *Vocabulary) EncodeList(e *Encoded, b []byte, most int) {
	from := 0
	for i, c := range b {
		switch c {
		case WordEnd:
			if n := i - from; n > 0 && n <= MaxWordBytes {
				e.put(v.index.find(b[from:i]), most)
			}
			from = i + 1
		case SentenceEnd:
			e.end()
			from = i + 1
		}
	}
	e.end()
}

// valid tells whether w may be a word.
func valid(w []byte) bool {
	if len(w) <= 8 {
		if p := prefixOf(w); p&highs == 0 {
			return true
		}
	}
	return utf8.Valid(w)
}
