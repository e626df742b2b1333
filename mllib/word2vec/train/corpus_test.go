package train

import (
	"context"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// text is a corpus in memory; sentence i belongs to part i modulo the parts.
type text [][]int32

// perBlock is small, so that tests see many blocks.
const perBlock = 7

func (c text) Open(_ context.Context, _, shard, shards int) (Sentences, error) {
	var part [][]int32
	for i := shard; i < len(c); i += shards {
		part = append(part, c[i])
	}
	return &textPart{part: part}, nil
}

type textPart struct {
	part  [][]int32
	block Block
}

func (p *textPart) Next(ctx context.Context) (Block, error) {
	if len(p.part) == 0 {
		return Block{}, io.EOF
	}
	p.block.Tokens, p.block.Ends = p.block.Tokens[:0], p.block.Ends[:0]
	n := min(perBlock, len(p.part))
	for _, s := range p.part[:n] {
		p.block.Tokens = append(p.block.Tokens, s...)
		p.block.Ends = append(p.block.Ends, int32(len(p.block.Tokens)))
	}
	p.part = p.part[n:]
	return p.block, nil
}

func (p *textPart) Close() error { return nil }

func (c text) words() (n int64) {
	for _, s := range c {
		n += int64(len(s))
	}
	return n
}

// The planted corpus: every sentence stays with the words of one topic, and every topic has words of its own, the first ones
// more frequent.
const (
	topics     = 8
	topicWords = 12
)

func topicOf(id int32) int { return int(id) % topics }

func planted(seed uint64, sentences int) (text, *vocab.Vocabulary) {
	if raced {
		sentences = sentences/4 + 50
	}
	r := rand.New(rand.NewPCG(seed, 3))
	v := &vocab.Vocabulary{Words: make([]string, topics*topicWords), Counts: make([]int64, topics*topicWords)}
	c := make(text, sentences)
	for i := range c {
		topic := r.IntN(topics)
		s := make([]int32, 3+r.IntN(25))
		for k := range s {
			rank := min(r.IntN(topicWords), r.IntN(topicWords))
			s[k] = int32(rank*topics + topic)
			v.Counts[s[k]]++
		}
		c[i] = s
	}
	for i := range v.Words {
		v.Words[i] = string(rune('a'+i/topics)) + string(rune('A'+i%topics))
	}
	v.Total = c.words()
	return c, v
}

func newWeights(t testing.TB, cfg Config, v *vocab.Vocabulary) *Weights {
	t.Helper()
	w, err := New(cfg, v)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

// trained is the vectors after a whole training.
func trained(t testing.TB, cfg Config, v *vocab.Vocabulary, c Corpus) *Weights {
	t.Helper()
	w := newWeights(t, cfg, v)
	at, err := Train(t.Context(), cfg, v, c, w, Position{}, nil)
	require.NoError(t, err)
	require.Equal(t, cfg.Epochs, at.Epoch)
	return w
}
