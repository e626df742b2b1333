package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/spurwheel/spurwheel/connectors/local"
	"github.com/spurwheel/spurwheel/gpu"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/mllib/word2vec/corpus"
	"github.com/spurwheel/spurwheel/mllib/word2vec/eval"
	"github.com/spurwheel/spurwheel/mllib/word2vec/model"
	"github.com/spurwheel/spurwheel/mllib/word2vec/train"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// books is a corpus in memory, with the tests of its words.
type books struct {
	words        *vocab.Vocabulary
	tokens, ends []int32
	counts       []uint64
	pairs        map[string][]eval.Pair
	questions    []eval.Question
}

// pairFiles are the tests of similarity, by the names of the columns of the table.
var pairFiles = map[string]string{"MEN": "EN-MEN-TR-3k.txt", "WS-353": "EN-WS-353-ALL.txt", "SimLex": "EN-SIMLEX-999.txt"}

const (
	minCount      = 5
	countingBytes = 1 << 30
)

// readBooks reads the corpus of a folder, of which limit sentences; 0 is all.
func readBooks(ctx context.Context, folder, name string, limit int) (*books, error) {
	fs := local.New(new(mem.Pool))
	path, err := filepath.Abs(filepath.Join(folder, name))
	if err != nil {
		return nil, err
	}
	source, err := corpus.Find(ctx, fs, nil, []string{path}, "")
	if err != nil {
		return nil, err
	}
	counter, err := source.Count(ctx, 0, countingBytes)
	if err != nil {
		return nil, err
	}
	b := &books{pairs: map[string][]eval.Pair{}}
	if b.words, _, err = counter.Vocabulary(minCount, 0); err != nil {
		return nil, err
	}
	encoded, err := source.Encode(ctx, b.words, corpus.Options{Memory: countingBytes})
	if err != nil {
		return nil, err
	}
	defer encoded.Close()
	if err := b.load(ctx, encoded, limit); err != nil {
		return nil, err
	}
	return b, b.readTests(folder)
}

func (b *books) load(ctx context.Context, c train.Corpus, limit int) error {
	sentences, err := c.Open(ctx, 0, 0, 1)
	if err != nil {
		return err
	}
	defer sentences.Close()
	for limit == 0 || len(b.ends) < limit {
		block, err := sentences.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		first := int32(len(b.tokens))
		b.tokens = append(b.tokens, block.Tokens...)
		for _, e := range block.Ends {
			b.ends = append(b.ends, first+e)
		}
	}
	if limit > 0 && len(b.ends) > limit {
		b.ends = b.ends[:limit]
		b.tokens = b.tokens[:b.ends[limit-1]]
	}
	b.counts = make([]uint64, b.words.Len())
	for _, t := range b.tokens {
		b.counts[t]++
	}
	return nil
}

func (b *books) readTests(folder string) error {
	for name, file := range pairFiles {
		f, err := os.Open(filepath.Join(folder, file))
		if err != nil {
			return err
		}
		b.pairs[name], err = eval.ReadPairs(f, file)
		_ = f.Close()
		if err != nil {
			return err
		}
	}
	f, err := os.Open(filepath.Join(folder, "questions-words.txt"))
	if err != nil {
		return err
	}
	defer f.Close()
	b.questions, err = eval.ReadQuestions(f, f.Name())
	return err
}

// Open is gpu.Corpus; every epoch is the same.
func (b *books) Open(context.Context, int, int64) (gpu.Sentences, error) {
	return &whole{books: b}, nil
}

// whole hands the corpus over in one batch.
type whole struct {
	*books
	done bool
}

func (w *whole) Next(context.Context) (tokens, ends []int32, err error) {
	if w.done {
		return nil, nil, io.EOF
	}
	w.done = true
	return w.tokens, w.ends, nil
}

func (*whole) Close() error { return nil }

// Quality is what a model knows.
type Quality struct {
	MEN       float64 `json:"men"`
	WS353     float64 `json:"ws353"`
	SimLex    float64 `json:"simlex"`
	Semantic  float64 `json:"semantic_percent"`
	Syntactic float64 `json:"syntactic_percent"`
}

func (b *books) score(ctx context.Context, in []float32, dim int) (Quality, error) {
	m, err := model.New(b.words, dim, in)
	if err != nil {
		return Quality{}, err
	}
	answers, err := eval.Answer(ctx, m, b.questions, eval.DefaultFrequent)
	return Quality{
		MEN:      eval.Similarities(m, b.pairs["MEN"]).Spearman,
		WS353:    eval.Similarities(m, b.pairs["WS-353"]).Spearman,
		SimLex:   eval.Similarities(m, b.pairs["SimLex"]).Spearman,
		Semantic: answers.Semantic.Percent(), Syntactic: answers.Syntactic.Percent(),
	}, err
}
