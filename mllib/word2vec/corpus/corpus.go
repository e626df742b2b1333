package corpus

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sort"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/mllib/word2vec/train"
)

// Corpus is encoded sentences. It implements train.Corpus: any number of parts of it are read at the same time. Close ends it.
type Corpus struct {
	store            store
	marks            []mark // where blocks begin, ascending
	words, sentences int64
	longest          int
	hash             uint64
}

var _ train.Corpus = (*Corpus)(nil)

// mark is a place where a sentence begins, with the words before it.
type mark struct{ off, words int64 }

func (c *Corpus) add(b *block) error {
	if b.words == 0 {
		return nil
	}
	c.marks = append(c.marks, mark{c.store.size, c.words})
	c.words += b.words
	c.sentences += b.sentences
	return c.store.write(b.out)
}

// Words is the number of words of the vocabulary in the corpus, and Sentences that of sentences with any.
func (c *Corpus) Words() int64 { return c.words }

// Sentences is the number of sentences that hold a word of the vocabulary.
func (c *Corpus) Sentences() int64 { return c.sentences }

// Hash names the content: corpora of the same ids in the same sentences, and in practice only they, have equal hashes.
func (c *Corpus) Hash() uint64 { return c.hash }

// InMemory tells whether no file is in use.
func (c *Corpus) InMemory() bool { return c.store.file == nil }

// Close gives memory and the file back. No part may be in use.
func (c *Corpus) Close() error { return c.store.close() }

// Open starts part shard of shards. Parts are cut by words, at the sentence that holds the first word of a part or follows it.
func (c *Corpus) Open(_ context.Context, _, shard, shards int) (train.Sentences, error) {
	if shards < 1 || shard < 0 || shard >= shards {
		return nil, errs.Errorf(errs.Internal, "corpus.Open", "part %d of %d", shard, shards)
	}
	lo, hi := c.words*int64(shard)/int64(shards), c.words*int64(shard+1)/int64(shards)
	k := sort.Search(len(c.marks), func(i int) bool { return c.marks[i].words > lo }) - 1
	s := &sentences{c: c, end: hi}
	if k >= 0 {
		s.off, s.word = c.marks[k].off, c.marks[k].words
	}
	for s.word < lo { // whole sentences before the part
		if err := s.sentence(); err != nil {
			if errors.Is(err, io.EOF) {
				break
			}
			return nil, err
		}
		s.tokens = s.tokens[:0]
	}
	return s, nil
}

const (
	// blockWords is what a trainer gets at once: some milliseconds of work.
	blockWords = 4096
	readBytes  = 32 << 10
)

// sentences decodes one part.
type sentences struct {
	c      *Corpus
	off    int64 // of the next byte to read
	word   int64 // words before the next sentence
	end    int64 // sentences that begin at or after this word are not ours
	buf    []byte
	at     int
	tokens []int32
	ends   []int32
}

// Next decodes whole sentences. It takes microseconds and leaves the context to the trainer, which stops at places of its choice.
func (s *sentences) Next(context.Context) (train.Block, error) {
	s.tokens, s.ends = s.tokens[:0], s.ends[:0]
	for len(s.tokens) < blockWords && s.word < s.end {
		if err := s.sentence(); err != nil {
			if errors.Is(err, io.EOF) {
				break
			}
			return train.Block{}, err
		}
		s.ends = append(s.ends, int32(len(s.tokens)))
	}
	if len(s.ends) == 0 {
		return train.Block{}, io.EOF
	}
	return train.Block{Tokens: s.tokens, Ends: s.ends}, nil
}

// Close does nothing: the corpus owns all.
func (s *sentences) Close() error { return nil }

// sentence appends the next sentence to the tokens.
func (s *sentences) sentence() error {
	before := len(s.tokens)
	for {
		if len(s.buf)-s.at < binary.MaxVarintLen32 {
			if err := s.refill(); err != nil {
				return err
			}
		}
		x := uint32(s.buf[s.at])
		s.at++
		switch {
		case x == 0:
			s.word += int64(len(s.tokens) - before)
			return nil
		case x >= 0x80:
			v, n := binary.Uvarint(s.buf[s.at-1:])
			if n <= 0 {
				return errs.Errorf(errs.Corrupt, "corpus", "the encoded sentences are damaged at byte %d", s.off-int64(len(s.buf)-s.at))
			}
			s.at += n - 1
			x = uint32(v)
		}
		s.tokens = append(s.tokens, int32(x-1))
	}
}

// refill reads on; at the end of the corpus it leaves what is there, and reports io.EOF when that is nothing.
func (s *sentences) refill() error {
	if s.buf == nil {
		s.buf = make([]byte, 0, readBytes)
	}
	left := copy(s.buf[:cap(s.buf)], s.buf[s.at:])
	s.at = 0
	n := int(min(int64(readBytes-left), s.c.store.size-s.off))
	if n == 0 {
		s.buf = s.buf[:left]
		if left == 0 {
			return io.EOF
		}
		return nil
	}
	s.buf = s.buf[:left+n]
	if err := s.c.store.readAt(s.buf[left:], s.off); err != nil {
		return err
	}
	s.off += int64(n)
	return nil
}
