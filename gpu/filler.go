package gpu

import (
	"context"

	"github.com/spurwheel/spurwheel/gpu/wire"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// longestSentence is what one warp trains alone; longer sentences are cut, or the other warps would wait for it.
const longestSentence = 1000

// filler cuts an epoch into blocks. It keeps what did not fit into a block for the next one.
type filler struct {
	*training
	sentences    Sentences
	tokens, ends []int32 // the last batch
	sentence, at int     // the first sentence of it that is not all handed over, and its first such word
	done         bool
}

// fill writes sentences into the first free slot until it is full or the epoch has ended. A block without tokens is the end.
func (f *filler) fill(ctx context.Context) (wire.Block, error) {
	b := wire.Block{Slot: f.free[0]}
	slot := f.request.Slots[b.Slot]
	tokens, ends := wire.Slice[uint32](f.memory, slot.Tokens), wire.Slice[uint32](f.memory, slot.Ends)
	for !f.done {
		if f.sentence == len(f.ends) {
			if err := f.read(ctx); err != nil {
				return b, err
			}
			continue
		}
		left := int(f.ends[f.sentence]) - f.at
		n := min(left, longestSentence, len(tokens))
		if n > len(tokens)-b.Tokens {
			break
		}
		for i, w := range f.tokens[f.at : f.at+n] {
			tokens[b.Tokens+i] = uint32(w) // ids outside of the vocabulary, negative ones too, are refused by the helper
		}
		f.at += n
		if n > 0 {
			b.Tokens += n
			ends[b.Sentences] = uint32(b.Tokens)
			b.Sentences++
		}
		if n == left {
			f.sentence++
		}
	}
	return b, nil
}

func (f *filler) read(ctx context.Context) error {
	var err error
	f.sentence, f.at = 0, 0
	f.tokens, f.ends, err = f.sentences.Next(ctx)
	if isEnd(err) {
		f.ends, f.done = nil, true
		return nil
	}
	last := int32(0)
	for _, e := range f.ends {
		if e < last || int(e) > len(f.tokens) {
			return errs.Errorf(errs.Internal, "gpu.TrainSkipGram", "a sentence ends at %d of %d words, the one before it at %d", e, len(f.tokens), last)
		}
		last = e
	}
	return err
}
