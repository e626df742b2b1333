package train

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/mllib/word2vec/train/kernel"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// reportEvery is how often a watcher hears of a training.
const reportEvery = time.Second

// Train trains w, made by New or filled from a checkpoint, from a position on (the zero Position is the start) to the end of the
// last epoch. It returns how far it came, with an error too: a later call with that position goes on there. With one thread the
// result is a function of the arguments, and a training that ctx interrupted and that was resumed ends with the same weights.
// watch may be nil.
func Train(
	ctx context.Context, cfg Config, v *vocab.Vocabulary, corpus Corpus, w *Weights, from Position, watch Watch,
) (Position, error) {
	t, err := newTraining(cfg, v, corpus, w, from)
	if err != nil {
		return from, err
	}
	done := t.watch(watch)
	err = t.run(ctx)
	done()
	at := t.position()
	if watch != nil {
		watch(t.progress())
	}
	return at, errors.Join(err, t.close())
}

// training is one call of Train.
type training struct {
	cfg    Config
	v      *vocab.Vocabulary
	corpus Corpus
	w      *Weights
	set    *kernel.Set
	keep   []uint32
	alias  vocab.Alias
	tree   *vocab.Tree
	hot    *hotRows
	// batch is the number of raw words after which a thread tells the others how far it is and looks at the context.
	batch   int
	workers []*worker

	// turn keeps the counters' readers away while an epoch ends.
	turn   sync.RWMutex
	epoch  atomic.Int64
	shards []shardCount
}

// shardCount is a counter alone on two cache lines (processors fetch them in pairs): each is written by another thread.
type shardCount struct {
	words atomic.Int64 // raw words of the epoch under way
	_     [120]byte
}

func newTraining(cfg Config, v *vocab.Vocabulary, corpus Corpus, w *Weights, from Position) (*training, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if err := checkVocabulary(v); err != nil {
		return nil, err
	}
	if err := w.checkFor(cfg, v); err != nil {
		return nil, err
	}
	set := w.set
	if set == nil || cfg.Kernel != "" && cfg.Kernel != set.Name {
		var err error
		if set, err = kernel.For(cfg.Kernel); err != nil {
			return nil, badOption("kernel", cfg.Kernel, "%v", err)
		}
	}
	t := &training{
		cfg: cfg, v: v, corpus: corpus, w: w, set: set, keep: vocab.Keep(v.Counts, v.Total, cfg.Sample),
		shards: make([]shardCount, cfg.Threads), batch: batchWords(cfg),
	}
	if cfg.Output == HierarchicalSoftmax {
		t.tree = vocab.NewTree(v.Counts)
	} else {
		t.alias = vocab.NewAlias(v.Counts)
	}
	if err := t.seek(from); err != nil {
		return nil, err
	}
	t.hot = newHotRows(t)
	for shard := range cfg.Threads {
		w, err := newWorker(t, shard)
		if err != nil {
			return nil, errors.Join(err, t.close())
		}
		t.workers = append(t.workers, w)
	}
	return t, nil
}

// close gives back what the threads took outside of the heap.
func (t *training) close() error {
	var failed error
	for _, w := range t.workers {
		if w.copied != nil {
			failed = errors.Join(failed, unmapRows(w.copied.block))
		}
	}
	return failed
}

func (t *training) seek(from Position) error {
	if len(from.Shards) != 0 && len(from.Shards) != t.cfg.Threads {
		return badOption("threads", t.cfg.Threads, "the training to resume ran with %d", len(from.Shards))
	}
	if from.Epoch < 0 || from.Epoch > t.cfg.Epochs {
		return badOption("epochs", t.cfg.Epochs, "the training to resume is in epoch %d", from.Epoch)
	}
	t.epoch.Store(int64(from.Epoch))
	for i, n := range from.Shards {
		if n < 0 || n > t.v.Total {
			return errs.Errorf(errs.Invalid, "train.Train", "position of shard %d is %d words; the corpus has %d", i, n, t.v.Total)
		}
		t.shards[i].words.Store(n)
	}
	return nil
}

// A batch is 10,000 words, as gensim's, or so many fewer that a slow kernel needs less than about a tenth of a second for it, the
// time within which a training notices that it is cancelled: 10,000 words at window 5, 6 rows and 100 components are 36 million
// multiplications, some 60 ms of the portable kernel.
const (
	longestBatch  = 10_000
	shortestBatch = 16
	batchWork     = 36_000_000
	pathRows      = 18 // the mean depth of a tree over 10⁵ words of text
)

func batchWords(cfg Config) int {
	rows := cfg.Negative + 1
	if cfg.Output == HierarchicalSoftmax {
		rows = pathRows
	}
	pairs := cfg.Window + 1
	if cfg.Architecture == CBOW {
		pairs = 1
	}
	return max(shortestBatch, min(longestBatch, batchWork/(pairs*rows*cfg.Dim)))
}

func (t *training) run(ctx context.Context) error {
	for epoch := int(t.epoch.Load()); epoch < t.cfg.Epochs; epoch++ {
		if err := t.runEpoch(ctx, epoch); err != nil {
			return err
		}
		t.endEpoch(epoch)
	}
	if !t.w.sound() {
		return errs.Errorf(errs.Invalid, "train.Train", "the training has diverged: alpha %g is too high for this corpus", t.cfg.Alpha)
	}
	return nil
}

func (t *training) endEpoch(epoch int) {
	t.turn.Lock()
	defer t.turn.Unlock()
	for i := range t.shards {
		t.shards[i].words.Store(0)
	}
	t.epoch.Store(int64(epoch) + 1)
}

func (t *training) runEpoch(ctx context.Context, epoch int) error {
	threads, ctx := errgroup.WithContext(ctx)
	for _, w := range t.workers {
		threads.Go(func() error { return w.runShard(ctx, epoch) })
	}
	return threads.Wait()
}

// words is how many raw words are done in all epochs.
func (t *training) words() int64 {
	t.turn.RLock()
	defer t.turn.RUnlock()
	n := t.epoch.Load() * t.v.Total
	for i := range t.shards {
		n += t.shards[i].words.Load()
	}
	return n
}

// alpha falls with the words done, as gensim's does.
func (t *training) alpha() float32 {
	done := float64(t.words()) / (float64(t.v.Total) * float64(t.cfg.Epochs))
	return float32(max(t.cfg.MinAlpha, t.cfg.Alpha-(t.cfg.Alpha-t.cfg.MinAlpha)*done))
}

func (t *training) position() Position {
	t.turn.RLock()
	defer t.turn.RUnlock()
	p := Position{Epoch: int(t.epoch.Load()), Shards: make([]int64, len(t.shards))}
	for i := range t.shards {
		p.Shards[i] = t.shards[i].words.Load()
	}
	return p
}

// progress is told by one goroutine at a time: it takes the losses since the last call.
func (t *training) progress() Progress {
	p := Progress{Position: t.position(), Words: t.words(), Total: t.v.Total * int64(t.cfg.Epochs), Alpha: float64(t.alpha())}
	var loss tally
	for _, w := range t.workers {
		trained, l := w.told.take()
		p.Trained += trained
		loss.add(l)
	}
	p.Loss = loss.mean()
	return p
}

// watch starts the reports; the function it returns ends them.
func (t *training) watch(watch Watch) (done func()) {
	if watch == nil {
		return func() {}
	}
	var ended sync.WaitGroup
	stop := make(chan struct{})
	ended.Go(func() {
		tick := time.NewTicker(reportEvery)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				watch(t.progress())
			}
		}
	})
	return func() {
		close(stop)
		ended.Wait()
	}
}

func ended(err error) bool { return errors.Is(err, io.EOF) }
