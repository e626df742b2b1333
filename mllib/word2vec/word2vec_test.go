package word2vec_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/spurwheel/spurwheel/connectors/local"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/mllib/word2vec"
	"github.com/spurwheel/spurwheel/mllib/word2vec/corpus"
	"github.com/spurwheel/spurwheel/mllib/word2vec/model"
	"github.com/spurwheel/spurwheel/mllib/word2vec/train"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	topics        = 8
	wordsOfTopic  = 20
	topicSentence = 12
)

// less is how much of a corpus is left where the race detector makes training slow.
func less(sentences int) int {
	if raced {
		return sentences / 8
	}
	return sentences
}

// topical writes sentences whose words are of one topic each: a model must find the topics.
func topical(t testing.TB, sentences int, seed uint64) string {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 3))
	var text strings.Builder
	for range sentences {
		topic := r.IntN(topics)
		for range topicSentence {
			fmt.Fprintf(&text, "t%dw%d ", topic, r.IntN(wordsOfTopic))
		}
		text.WriteByte('\n')
	}
	return write(t, text.String())
}

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "corpus.txt")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func find(t testing.TB, path string) *corpus.Source {
	t.Helper()
	s, err := corpus.Find(t.Context(), local.New(new(mem.Pool)), nil, []string{path}, "")
	require.NoError(t, err)
	return s
}

func options() word2vec.Options {
	cfg := train.Default()
	cfg.Dim, cfg.Epochs, cfg.Sample, cfg.Alpha = 32, 3, 0, 0.05
	return word2vec.Options{Train: cfg}
}

func kept(dir string, resume bool) *word2vec.Checkpoints {
	return &word2vec.Checkpoints{FS: local.New(new(mem.Pool)), Folder: dir, Every: time.Hour, Resume: resume}
}

// purity is the share of each word's five nearest that are of its topic.
func purity(t testing.TB, m *model.Model) float64 {
	t.Helper()
	same, all := 0, 0
	for _, w := range m.Vocabulary.Words {
		near, err := m.Synonyms(w, 5)
		require.NoError(t, err)
		for _, n := range near {
			all++
			if strings.Split(n.Word, "w")[0] == strings.Split(w, "w")[0] {
				same++
			}
		}
	}
	return float64(same) / float64(all)
}

func TestFindsTopics(t *testing.T) {
	sentences := less(4000)
	path := topical(t, sentences, 1)
	for name, change := range map[string]func(*word2vec.Options){
		"skip-gram": func(*word2vec.Options) {},
		"threads":   func(o *word2vec.Options) { o.Train.Threads = 2 },
		"pairs":     func(o *word2vec.Options) { o.Train.SharedNegatives = false },
		"bf16":      func(o *word2vec.Options) { o.Train.Storage = train.BFloat16 },
		"hs":        func(o *word2vec.Options) { o.Train.Output = train.HierarchicalSoftmax },
		"cbow":      func(o *word2vec.Options) { o.Train.Architecture, o.Train.Epochs = train.CBOW, 8 },
		"file":      func(o *word2vec.Options) { o.Memory = 256 << 10 },
		"restarts": func(o *word2vec.Options) {
			o.Checkpoints = kept(t.TempDir(), false)
			o.Checkpoints.Every = 20 * time.Millisecond
		},
	} {
		t.Run(name, func(t *testing.T) {
			opt := options()
			change(&opt)
			var last word2vec.Report
			opt.Watch = func(r word2vec.Report) { last = r }
			m, sum, err := word2vec.Fit(t.Context(), find(t, path), opt)
			require.NoError(t, err)
			require.Equal(t, topics*wordsOfTopic, m.Vocabulary.Len())
			require.EqualValues(t, sentences*topicSentence, sum.Words)
			require.EqualValues(t, sentences, sum.Sentences)
			require.Equal(t, sum.Words*int64(opt.Train.Epochs), last.Words)
			require.Equal(t, last.Total, last.Words)
			require.True(t, raced || purity(t, m) > 0.95) // of so little text nothing is learnt
		})
	}
}

// Raw words and those that sub-sampling left are told apart, and add up over the legs between checkpoints.
func TestWordsConsumedAndTrained(t *testing.T) {
	path := topical(t, less(4000), 1)
	for _, every := range []time.Duration{0, 10 * time.Millisecond} {
		opt := options()
		opt.Train.Sample, opt.Train.Epochs = 0.001, 5
		if every > 0 {
			opt.Checkpoints = kept(t.TempDir(), false)
			opt.Checkpoints.Every = every
		}
		var last word2vec.Report
		opt.Watch = func(r word2vec.Report) { last = r }
		_, sum, err := word2vec.Fit(t.Context(), find(t, path), opt)
		require.NoError(t, err)
		require.Equal(t, 5*sum.Words, sum.Consumed)
		require.Less(t, sum.Trained, sum.Consumed*3/4)
		require.Greater(t, sum.Trained, sum.Consumed/3)
		require.Equal(t, sum.Trained, last.Trained)
	}
}

func TestSameSeedSameModel(t *testing.T) {
	path := topical(t, 300, 1)
	one, _, err := word2vec.Fit(t.Context(), find(t, path), options())
	require.NoError(t, err)
	two, _, err := word2vec.Fit(t.Context(), find(t, path), options())
	require.NoError(t, err)
	require.Equal(t, one.Vectors, two.Vectors)
	other := options()
	other.Train.Seed = 2
	three, _, err := word2vec.Fit(t.Context(), find(t, path), other)
	require.NoError(t, err)
	require.NotEqual(t, one.Vectors, three.Vectors)
}

// interrupting cancels when n blocks of the corpus were read.
type interrupting struct {
	word2vec.CPU
	left   atomic.Int64
	cancel context.CancelFunc
}

func (d *interrupting) Train(ctx context.Context, cfg train.Config, v *vocab.Vocabulary, c train.Corpus, w *train.Weights, from train.Position, watch train.Watch) (train.Position, error) {
	return d.CPU.Train(ctx, cfg, v, interruptingCorpus{c, d}, w, from, watch)
}

type interruptingCorpus struct {
	train.Corpus
	d *interrupting
}

func (c interruptingCorpus) Open(ctx context.Context, epoch, shard, shards int) (train.Sentences, error) {
	s, err := c.Corpus.Open(ctx, epoch, shard, shards)
	return interruptingSentences{s, c.d}, err
}

type interruptingSentences struct {
	train.Sentences
	d *interrupting
}

func (s interruptingSentences) Next(ctx context.Context) (train.Block, error) {
	if s.d.left.Add(-1) == 0 {
		s.d.cancel()
	}
	return s.Sentences.Next(ctx)
}

func TestInterruptAndResume(t *testing.T) {
	path := topical(t, 3000, 1)
	undisturbed, _, err := word2vec.Fit(t.Context(), find(t, path), options())
	require.NoError(t, err)

	dir := t.TempDir()
	for _, blocks := range []int64{3, 9, 2} {
		ctx, cancel := context.WithCancel(t.Context())
		device := &interrupting{cancel: cancel}
		device.left.Store(blocks)
		opt := options()
		opt.Device, opt.Checkpoints = device, kept(dir, true)
		_, _, err = word2vec.Fit(ctx, find(t, path), opt)
		require.True(t, errs.Is(err, errs.Canceled), "%v", err)
		cancel()
	}
	opt := options()
	opt.Checkpoints = kept(dir, true)
	var notices []string
	opt.Notice = func(s string) { notices = append(notices, s) }
	resumed, sum, err := word2vec.Fit(t.Context(), find(t, path), opt)
	require.NoError(t, err)
	require.Less(t, sum.Consumed, 3*sum.Words)
	require.Len(t, notices, 1)
	require.Contains(t, notices[0], "going on from the checkpoint in epoch")
	require.Equal(t, undisturbed.Vectors, resumed.Vectors) // one thread: to the bit
	require.Greater(t, purity(t, resumed), 0.95)

	// What is done stays done, and is not done again by accident.
	again, sum, err := word2vec.Fit(t.Context(), find(t, path), opt)
	require.NoError(t, err)
	require.Zero(t, sum.Consumed)
	require.Equal(t, undisturbed.Vectors, again.Vectors)
	opt.Checkpoints = kept(dir, false)
	_, _, err = word2vec.Fit(t.Context(), find(t, path), opt)
	require.True(t, errs.Is(err, errs.Exists))
	require.ErrorContains(t, err, "--resume")
	require.NoError(t, opt.Checkpoints.Remove(t.Context()))
	_, err = os.Stat(dir + "/word2vec.checkpoint")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestResumeRefuses(t *testing.T) {
	path, dir := topical(t, 300, 1), t.TempDir()
	opt := options()
	opt.Checkpoints = kept(dir, false)
	_, _, err := word2vec.Fit(t.Context(), find(t, path), opt)
	require.NoError(t, err)
	file := dir + "/word2vec.checkpoint"
	good, err := os.ReadFile(file)
	require.NoError(t, err)

	damage := func(at int) []byte {
		b := append([]byte(nil), good...)
		b[at] ^= 1
		return b
	}
	for name, c := range map[string]struct {
		change func(*word2vec.Options)
		path   string
		bytes  []byte
		kind   errs.Kind
		want   string
	}{
		"options":    {func(o *word2vec.Options) { o.Train.Window, o.Train.Alpha = 4, 0.04 }, path, good, errs.Invalid, "other options: alpha was 0.05 and is 0.04, window was 5 and is 4"},
		"threads":    {func(o *word2vec.Options) { o.Train.Threads = 2 }, path, good, errs.Invalid, "threads was 1 and is 2"},
		"vocabulary": {func(o *word2vec.Options) { o.MaxWords = 100 }, path, good, errs.Invalid, "it is of another vocabulary"},
		"corpus":     {func(o *word2vec.Options) { o.MaxSentence = 5 }, path, good, errs.Invalid, "it is of another corpus"},
		"other text": {nil, topical(t, 300, 2), good, errs.Invalid, "it is of another"},
		"empty":      {nil, path, nil, errs.Corrupt, "does not begin as a checkpoint"},
		"cut":        {nil, path, good[:len(good)-1], errs.Corrupt, "bytes; want"},
		"weights":    {nil, path, damage(len(good) / 2), errs.Corrupt, "its checksum does not fit"},
		"head":       {nil, path, damage(9), errs.Corrupt, "it is damaged"},
		"sum":        {nil, path, damage(len(good) - 1), errs.Corrupt, "its checksum does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(file, c.bytes, 0o600))
			opt := options()
			opt.Checkpoints = kept(dir, true)
			if c.change != nil {
				c.change(&opt)
			}
			_, _, err := word2vec.Fit(t.Context(), find(t, c.path), opt)
			require.Equal(t, c.kind, errs.KindOf(err), "%v", err)
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, file)
		})
	}
	opt = options()
	opt.Checkpoints = kept(t.TempDir(), true)
	var notice string
	opt.Notice = func(s string) { notice = s }
	_, _, err = word2vec.Fit(t.Context(), find(t, path), opt)
	require.NoError(t, err)
	require.Contains(t, notice, "starting from the beginning")
}

func TestBadCorporaAndOptions(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		change func(*word2vec.Options)
		want   string
	}{
		"empty":             {"", nil, "the corpus holds no word"},
		"one word":          {"word\n", nil, "stands in it 5 times or more (--min-count)"},
		"vocabulary of one": {strings.Repeat("word ", 100), nil, "one word only"},
		"dim 0":             {"a b\n", func(o *word2vec.Options) { o.Train.Dim = 0 }, "dim"},
		"dim 10⁶":           {"a b\n", func(o *word2vec.Options) { o.Train.Dim = 1_000_000 }, "dim"},
		"sentence":          {strings.Repeat("a b ", 100), func(o *word2vec.Options) { o.MaxSentence = -1 }, "sentences of -1 words"},
	} {
		t.Run(name, func(t *testing.T) {
			opt := options()
			if c.change != nil {
				c.change(&opt)
			}
			_, _, err := word2vec.Fit(t.Context(), find(t, write(t, c.text)), opt)
			require.True(t, errs.Is(err, errs.Invalid), "%v", err)
			require.ErrorContains(t, err, c.want)
		})
	}
	opt := options()
	opt.Memory, opt.Train.Dim = 1<<20, 10_000
	_, _, err := word2vec.Fit(t.Context(), find(t, topical(t, 300, 1)), opt)
	require.True(t, errs.Is(err, errs.Exhausted), "%v", err)
	require.ErrorContains(t, err, "--memory")
}

const envTrain = "SPURWHEEL_TEST_TRAIN"

// TestTrainInChild is the child of TestKillInTraining.
func TestTrainInChild(t *testing.T) {
	dir := os.Getenv(envTrain)
	if dir == "" {
		t.Skip("run by TestKillInTraining")
	}
	opt := options()
	opt.Checkpoints = kept(dir, true)
	opt.Checkpoints.Every = 5 * time.Millisecond
	_, _, err := word2vec.Fit(t.Context(), find(t, dir+"/corpus.txt"), opt)
	require.NoError(t, err)
}

// TestKillInTraining kills trainings that write checkpoints all the time: each next one must find a whole checkpoint, and the
// last one ends as one that was never disturbed.
func TestKillInTraining(t *testing.T) {
	path := topical(t, less(6000), 1)
	undisturbed, _, err := word2vec.Fit(t.Context(), find(t, path), options())
	require.NoError(t, err)
	dir := filepath.Dir(path)
	for kills := range 8 {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTrainInChild$")
		child.Env = append(os.Environ(), envTrain+"="+dir)
		require.NoError(t, child.Start())
		timer := time.AfterFunc(time.Duration(60+20*kills)*time.Millisecond, func() { _ = child.Process.Signal(syscall.SIGKILL) })
		_ = child.Wait()
		timer.Stop()
	}
	opt := options()
	opt.Checkpoints = kept(dir, true)
	resumed, _, err := word2vec.Fit(t.Context(), find(t, path), opt)
	require.NoError(t, err)
	require.Equal(t, undisturbed.Vectors, resumed.Vectors)
}
