package train

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/mllib/word2vec/train/kernel"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// mode is a way to train, with the learning rate that the small planted corpus needs.
type mode struct {
	name   string
	change func(*Config)
}

var modes = []mode{
	{"skip-gram", func(*Config) {}},
	{"pairs", func(c *Config) { c.SharedNegatives = false }},
	{"two negatives a pair", func(c *Config) { c.SharedNegatives, c.Negative = false, 2 }},
	{"eleven negatives a pair", func(c *Config) { c.SharedNegatives, c.Negative = false, 11 }},
	{"nine negatives", func(c *Config) { c.Negative = 9 }},
	{"cbow", func(c *Config) { c.Architecture = CBOW }},
	{"tree", func(c *Config) { c.Output = HierarchicalSoftmax }},
	{"cbow tree", func(c *Config) { c.Architecture, c.Output = CBOW, HierarchicalSoftmax }},
	{"bfloat16", func(c *Config) { c.Storage = BFloat16 }},
	{"pairs bfloat16", func(c *Config) { c.Storage, c.SharedNegatives = BFloat16, false }},
	{"cbow bfloat16", func(c *Config) { c.Storage, c.Architecture = BFloat16, CBOW }},
	{"tree bfloat16", func(c *Config) { c.Storage, c.Output = BFloat16, HierarchicalSoftmax }},
	{"cbow tree bfloat16", func(c *Config) { c.Storage, c.Architecture, c.Output = BFloat16, CBOW, HierarchicalSoftmax }},
	{"spark", func(c *Config) { c.Output, c.SparkOrder, c.Sample, c.Threads = HierarchicalSoftmax, true, 0, 1 }},
}

func small() Config {
	cfg := Default()
	cfg.Dim, cfg.Sample, cfg.Alpha, cfg.Epochs = 20, 0, 0.05, 8
	return cfg
}

func everyMode(t *testing.T, f func(t *testing.T, cfg Config)) {
	for i, m := range modes {
		if raced && i%5 != 0 {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			cfg := small()
			m.change(&cfg)
			f(t, cfg)
		})
	}
}

// purity is the share of words whose nearest word is of their topic; by chance it is one eighth.
func purity(w *Weights) float64 {
	right := 0
	for a := range w.Words {
		best, at := math.Inf(-1), 0
		for b := range w.Words {
			if s := cosine(w, a, b); a != b && s > best {
				best, at = s, b
			}
		}
		if topicOf(int32(a)) == topicOf(int32(at)) {
			right++
		}
	}
	return float64(right) / float64(w.Words)
}

// clean is the purity that every mode reaches: with so few words many windows draw their own topic's words as negative examples,
// which hurts most where a window shares them.
const clean = 0.8

func requireClean(t *testing.T, w *Weights) {
	t.Helper()
	require.True(t, w.sound())
	if !raced { // which leaves too little text
		require.Greater(t, purity(w), clean)
	}
}

func TestTrainFindsTopics(t *testing.T) {
	c, v := planted(1, 1500)
	everyMode(t, func(t *testing.T, cfg Config) {
		require.Less(t, purity(newWeights(t, cfg, v)), 0.4)
		requireClean(t, trained(t, cfg, v, c))
	})
}

func TestTrainOnThreads(t *testing.T) {
	c, v := planted(2, 1500)
	everyMode(t, func(t *testing.T, cfg Config) {
		if cfg.SparkOrder {
			return
		}
		cfg.Threads = 3
		requireClean(t, trained(t, cfg, v, c))
	})
}

func TestTrainOnEveryKernel(t *testing.T) {
	c, v := planted(3, 1500)
	for _, s := range kernel.Sets() {
		cfg := small()
		cfg.Kernel = s.Name
		requireClean(t, trained(t, cfg, v, c))
	}
}

func TestTrainIsDeterministicOnOneThread(t *testing.T) {
	c, v := planted(4, 300)
	everyMode(t, func(t *testing.T, cfg Config) {
		cfg.Epochs = 2
		if !cfg.SparkOrder {
			cfg.Sample = 0.05
		}
		one, two := trained(t, cfg, v, c), trained(t, cfg, v, c)
		require.True(t, same(one, two), "the same arguments, the same model")
		cfg.Seed++
		three := trained(t, cfg, v, c)
		require.False(t, same(one, three), "another seed, another model")
	})
}

func same(a, b *Weights) bool {
	return slices.Equal(a.In, b.In) && slices.Equal(a.Out, b.Out) && slices.Equal(a.In16, b.In16) && slices.Equal(a.Out16, b.Out16)
}

// interrupted cancels a training after so many blocks.
type interrupted struct {
	text
	after  *int
	cancel context.CancelFunc
}

type interruptedPart struct {
	Sentences
	c interrupted
}

func (c interrupted) Open(ctx context.Context, epoch, shard, shards int) (Sentences, error) {
	s, err := c.text.Open(ctx, epoch, shard, shards)
	return &interruptedPart{s, c}, err
}

func (p *interruptedPart) Next(ctx context.Context) (Block, error) {
	if *p.c.after--; *p.c.after == 0 {
		p.c.cancel()
	}
	return p.Sentences.Next(ctx)
}

// TestTrainResumes stops a training again and again, at places that fall anywhere into batches and epochs.
func TestTrainResumes(t *testing.T) {
	c, v := planted(5, 2500)
	for len(c[0]) < 25_000 { // a sentence longer than two batches
		c[0] = append(c[0], c[1]...)
	}
	v.Total = c.words()
	everyMode(t, func(t *testing.T, cfg Config) {
		cfg.Epochs, cfg.Sample = 2, 0
		whole := trained(t, cfg, v, c)
		w := newWeights(t, cfg, v)
		var at Position
		stops := 0
		for at.Epoch < cfg.Epochs {
			ctx, cancel := context.WithCancel(t.Context())
			blocks := 120 + 37*stops
			next, err := Train(ctx, cfg, v, interrupted{c, &blocks, cancel}, w, at, nil)
			cancel()
			if err != nil {
				require.True(t, errs.Is(err, errs.Canceled), err)
				require.NotEqual(t, at, next, "a training that is interrupted comes on")
				stops++
			}
			at = next
		}
		require.Positive(t, stops)
		require.True(t, same(whole, w), "as if nothing had happened")
	})
}

func TestTrainReports(t *testing.T) {
	c, v := planted(6, 1000)
	cfg := small()
	w := newWeights(t, cfg, v)
	var last Progress
	_, err := Train(t.Context(), cfg, v, c, w, Position{}, func(p Progress) { last = p })
	require.NoError(t, err)
	require.Equal(t, int64(cfg.Epochs)*v.Total, last.Words)
	require.Equal(t, last.Total, last.Words)
	require.Equal(t, last.Words, last.Trained, "nothing was left out")
	require.InDelta(t, cfg.MinAlpha, last.Alpha, 1e-6)
	require.Positive(t, last.Loss)
	require.Less(t, last.Loss, 6*math.Ln2, "better than even odds")
	require.Equal(t, cfg.Epochs, last.Position.Epoch)
}

func TestTrainSubsamples(t *testing.T) {
	c, v := planted(7, 2000)
	cfg := small()
	cfg.Sample, cfg.Epochs = 0.01, 1
	var want float64
	for i, keep := range vocab.Keep(v.Counts, v.Total, cfg.Sample) {
		want += float64(v.Counts[i]) * float64(keep) / math.MaxUint32
	}
	var last Progress
	_, err := Train(t.Context(), cfg, v, c, newWeights(t, cfg, v), Position{}, func(p Progress) { last = p })
	require.NoError(t, err)
	require.InEpsilon(t, want, float64(last.Trained), 0.02)
}

func TestConfigCheck(t *testing.T) {
	_, v := planted(1, 100)
	for _, c := range []struct {
		option string
		change func(*Config)
	}{
		{"dim", func(c *Config) { c.Dim = 0 }},
		{"dim", func(c *Config) { c.Dim = 1_000_000 }},
		{"window", func(c *Config) { c.Window = 0 }},
		{"window", func(c *Config) { c.Window = -1 }},
		{"epochs", func(c *Config) { c.Epochs = 0 }},
		{"threads", func(c *Config) { c.Threads = 0 }},
		{"threads", func(c *Config) { c.Threads = 1 << 20 }},
		{"negative", func(c *Config) { c.Negative = 0 }},
		{"sample", func(c *Config) { c.Sample = -1 }},
		{"sample", func(c *Config) { c.Sample = math.NaN() }},
		{"alpha", func(c *Config) { c.Alpha = 0 }},
		{"alpha", func(c *Config) { c.Alpha = math.Inf(1) }},
		{"alpha", func(c *Config) { c.Alpha = math.NaN() }},
		{"min-alpha", func(c *Config) { c.MinAlpha = 1 }},
		{"architecture", func(c *Config) { c.Architecture = 9 }},
		{"output", func(c *Config) { c.Output = 9 }},
		{"storage", func(c *Config) { c.Storage = 9 }},
		{"kernel", func(c *Config) { c.Kernel = "mmx" }},
		{"spark-order", func(c *Config) { c.SparkOrder = true }},
		{"threads", func(c *Config) { *c = sparkConfig(); c.Threads = 2 }},
		{"storage", func(c *Config) { *c = sparkConfig(); c.Storage = BFloat16 }},
		{"sample", func(c *Config) { *c = sparkConfig(); c.Sample = 1e-3 }},
	} {
		cfg := Default()
		c.change(&cfg)
		_, err := New(cfg, v)
		require.True(t, errs.Is(err, errs.Invalid), "%s: %v", c.option, err)
		var option *OptionError
		require.ErrorAs(t, err, &option)
		require.Equal(t, c.option, option.Option)
	}
}

// Shared negative examples are what a training has that does not say; where there is nothing to share it makes no difference.
func TestNegativesAreShared(t *testing.T) {
	c, v := planted(8, 200)
	for want, change := range map[bool]func(*Config){
		true:  func(c *Config) { c.Architecture = CBOW },
		false: func(*Config) {},
	} {
		cfg := small()
		cfg.Epochs = 1
		change(&cfg)
		require.Equal(t, !want, cfg.Shares())
		shared := trained(t, cfg, v, c)
		cfg.SharedNegatives = false
		require.False(t, cfg.Shares())
		require.Equal(t, want, same(shared, trained(t, cfg, v, c)))
	}
	tree := small()
	tree.Output = HierarchicalSoftmax
	require.False(t, tree.Shares())
	require.False(t, sparkConfig().Shares())
}

func TestVocabularyCheck(t *testing.T) {
	for want, v := range map[string]*vocab.Vocabulary{
		"empty":    {},
		`"alone"`:  {Words: []string{"alone"}, Counts: []int64{9}, Total: 9},
		"0 words;": {Words: []string{"a", "b"}, Counts: []int64{0, 0}},
	} {
		_, err := New(Default(), v)
		require.True(t, errs.Is(err, errs.Invalid), "%v", err)
		if want != "0 words;" {
			require.ErrorContains(t, err, want)
		}
	}
}

func TestTrainRefuses(t *testing.T) {
	c, v := planted(1, 100)
	cfg := small()
	w := newWeights(t, cfg, v)
	for name, f := range map[string]func() (Position, error){
		"other weights": func() (Position, error) {
			other := cfg
			other.Dim = 21
			return Train(t.Context(), other, v, c, w, Position{}, nil)
		},
		"tree on words": func() (Position, error) {
			other := cfg
			other.Output = HierarchicalSoftmax
			return Train(t.Context(), other, v, c, w, Position{}, nil)
		},
		"other threads": func() (Position, error) {
			return Train(t.Context(), cfg, v, c, w, Position{Shards: []int64{0, 0}}, nil)
		},
		"beyond the end": func() (Position, error) {
			return Train(t.Context(), cfg, v, c, w, Position{Epoch: 99}, nil)
		},
		"behind the corpus": func() (Position, error) {
			return Train(t.Context(), cfg, v, c, w, Position{Shards: []int64{v.Total + 1}}, nil)
		},
		"a word without a row": func() (Position, error) {
			return Train(t.Context(), cfg, v, text{{0, 1, int32(v.Len())}}, w, Position{}, nil)
		},
		"a negative word": func() (Position, error) {
			return Train(t.Context(), cfg, v, text{{0, -1}}, w, Position{}, nil)
		},
	} {
		_, err := f()
		require.True(t, errs.Is(err, errs.Invalid), "%s: %v", name, err)
	}
}

// TestTrainOddCorpora is what learns nothing but must not fail.
func TestTrainOddCorpora(t *testing.T) {
	_, v := planted(1, 100)
	everyMode(t, func(t *testing.T, cfg Config) {
		for _, c := range []text{{}, {{}}, {{1}}, {{}, {1}, {}}, {{1, 1, 1, 1}}, {{0, 1}}} {
			w := trained(t, cfg, v, c)
			require.True(t, w.sound())
		}
	})
}

func TestSmallestVocabulary(t *testing.T) {
	v := &vocab.Vocabulary{Words: []string{"a", "b"}, Counts: []int64{40, 20}, Total: 60}
	everyMode(t, func(t *testing.T, cfg Config) {
		cfg.Dim = 1
		w := trained(t, cfg, v, text{{0, 1, 0, 0, 1, 0}, {1, 0, 0}})
		require.True(t, w.sound())
	})
}

func TestTrainDiverges(t *testing.T) {
	c, v := planted(1, 500)
	cfg := small()
	cfg.Alpha = 1e30
	for _, cfg.SharedNegatives = range []bool{true, false} {
		w := newWeights(t, cfg, v)
		_, err := Train(t.Context(), cfg, v, c, w, Position{}, nil)
		require.ErrorContains(t, err, "alpha")
	}
}

func TestMemoryIsCharged(t *testing.T) {
	_, v := planted(1, 100)
	cfg := small()
	cfg.Memory = mem.NewBudget("test", 1<<20)
	w, err := New(cfg, v)
	require.NoError(t, err)
	require.Equal(t, w.Bytes(), cfg.Memory.Used())
	require.NoError(t, w.Close())
	require.NoError(t, w.Close())
	require.Zero(t, cfg.Memory.Used())

	cfg.Dim = 10_000
	_, err = New(cfg, v)
	require.True(t, errs.Is(err, errs.Exhausted), "%v", err)
	require.Zero(t, cfg.Memory.Used())
}

func TestRowsStayPadded(t *testing.T) {
	c, v := planted(1, 300)
	everyMode(t, func(t *testing.T, cfg Config) {
		w := trained(t, cfg, v, c)
		for id := range w.Words {
			for i := w.Dim; i < w.Stride; i++ {
				if w.In16 != nil && !w.inHead.has(int64(id*w.Stride)) {
					require.Zero(t, w.In16[id*w.Stride+i])
				} else {
					require.Zero(t, w.In[id*w.Stride+i])
				}
			}
		}
	})
}

func TestCancelBeforeTheStart(t *testing.T) {
	c, v := planted(1, 3000)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cfg := small()
	_, err := Train(ctx, cfg, v, c, newWeights(t, cfg, v), Position{}, nil)
	require.True(t, errs.Is(err, errs.Canceled), "%v", err)
}

// TestCancelEndsTheBatch counts words instead of time: what is trained after the cancellation is one batch at most.
func TestCancelEndsTheBatch(t *testing.T) {
	_, v := planted(1, 100)
	sentence := make([]int32, 300_000)
	for i := range sentence {
		sentence[i] = int32(i % v.Len())
	}
	v.Total = int64(len(sentence))
	everyMode(t, func(t *testing.T, cfg Config) {
		ctx, cancel := context.WithCancel(t.Context())
		blocks := 1
		at, err := Train(ctx, cfg, v, interrupted{text{sentence}, &blocks, cancel}, newWeights(t, cfg, v), Position{}, nil)
		require.True(t, errs.Is(err, errs.Canceled), "%v", err)
		require.Positive(t, at.Shards[0])
		require.LessOrEqual(t, at.Shards[0], int64(longestBatch))
	})
}

func TestBatchesAreBounded(t *testing.T) {
	require.Equal(t, longestBatch, batchWords(Default()))
	large := Default()
	large.Dim, large.Negative, large.Window = 1000, 50, 20
	require.Equal(t, batchWork/(21*51*1000), batchWords(large))
	large.Dim, large.Negative, large.Window = maxDim, maxNegative, maxWindow
	require.NoError(t, large.Check())
	require.Equal(t, shortestBatch, batchWords(large))
}

// BenchmarkTrain is whole trainings of a small corpus; the rate is that of raw words per second of one thread.
func BenchmarkTrain(b *testing.B) {
	c, v := planted(1, 20_000)
	for _, m := range modes {
		b.Run(m.name, func(b *testing.B) {
			cfg := Default()
			m.change(&cfg)
			cfg.Epochs = 1
			for b.Loop() {
				w := newWeights(b, cfg, v)
				_, err := Train(b.Context(), cfg, v, c, w, Position{}, nil)
				require.NoError(b, err)
			}
			b.ReportMetric(float64(v.Total)*float64(b.N)/b.Elapsed().Seconds(), "words/s")
		})
	}
}

func ExampleConfig_Check() {
	cfg := Default()
	cfg.Dim = 0
	fmt.Println(cfg.Check())
	// Output: train.Check: option dim = 0: must lie between 1 and 16384
}
