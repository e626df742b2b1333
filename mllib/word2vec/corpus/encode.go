package corpus

import (
	"context"
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// Options say how sentences are encoded and kept.
type Options struct {
	Threads     int    // 0: as many as processors
	MaxSentence int    // words; longer sentences are cut. 0: DefaultSentence
	Memory      int64  // bytes of encoded sentences kept in memory; more go to a file. 0: DefaultMemory
	Folder      string // of that file; "": the system's for temporary files
}

const (
	// DefaultSentence is gensim's; Spark's is 1000.
	DefaultSentence = 10_000
	// DefaultMemory holds some 40 million words; beyond it, reading back costs less than a thousandth of training.
	DefaultMemory = 64 << 20
	maxSentence   = 1 << 24
)

// Encode turns the source into sentences of the vocabulary's ids.
func (s *Source) Encode(ctx context.Context, v *vocab.Vocabulary, opt Options) (_ *Corpus, err error) {
	if opt.MaxSentence == 0 {
		opt.MaxSentence = DefaultSentence
	}
	if opt.MaxSentence < 1 || opt.MaxSentence > maxSentence {
		return nil, errs.Errorf(errs.Invalid, "corpus", "sentences of %d words; want 1 to %d", opt.MaxSentence, maxSentence)
	}
	if opt.Memory == 0 {
		opt.Memory = DefaultMemory
	}
	workers := workersOf(opt.Threads)
	encoded := make([]vocab.Encoded, workers)
	c := &Corpus{longest: opt.MaxSentence, store: store{limit: opt.Memory, folder: opt.Folder}}
	defer func() {
		if err != nil {
			_ = c.Close()
		}
	}()
	hash := xxh3.New()
	err = s.each(ctx, workers, func(_ context.Context, w int, b *block) error {
		e := &encoded[w]
		e.Reset()
		if b.list {
			v.EncodeList(e, b.data, opt.MaxSentence)
		} else {
			v.EncodeText(e, b.data, opt.MaxSentence)
		}
		b.out = pack(b.out[:0], e)
		b.words, b.sentences = int64(len(e.Tokens)), int64(len(e.Ends))
		return nil
	}, func(b *block) error {
		_, _ = hash.Write(b.out)
		return c.add(b)
	})
	if err != nil {
		return nil, err
	}
	if c.words == 0 {
		return nil, errs.Errorf(errs.Invalid, "corpus", "the corpus holds no word of the vocabulary")
	}
	c.hash = hash.Sum64()
	return c, nil
}

// pack writes ids as base-128 numbers of id+1, a zero behind each sentence: ids are by falling frequency, so that text takes
// about one and a half bytes a word.
func pack(dst []byte, e *vocab.Encoded) []byte {
	at := int32(0)
	for _, end := range e.Ends {
		for _, id := range e.Tokens[at:end] {
			if id < 0x7f {
				dst = append(dst, byte(id+1))
				continue
			}
			dst = binary.AppendUvarint(dst, uint64(id)+1)
		}
		dst = append(dst, 0)
		at = end
	}
	return dst
}
