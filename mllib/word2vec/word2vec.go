// Package word2vec goes from a corpus to a model: it counts, encodes, trains on a device, keeps checkpoints and tells how it
// goes. It knows no command line and no store of its own, and no device but the CPU.
package word2vec

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/mllib/word2vec/corpus"
	"github.com/spurwheel/spurwheel/mllib/word2vec/model"
	"github.com/spurwheel/spurwheel/mllib/word2vec/train"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// Device trains. Train has the contract of train.Train: it goes on from a position, and when ctx ends it returns soon, with how
// far it came and with w in the state of that position.
type Device interface {
	Name() string
	Train(
		ctx context.Context, cfg train.Config, v *vocab.Vocabulary, c train.Corpus, w *train.Weights, from train.Position, watch train.Watch,
	) (train.Position, error)
}

// CPU is the device that is always there.
type CPU struct{}

// Name is "cpu".
func (CPU) Name() string { return "cpu" }

// Train trains on cfg.Threads threads.
func (CPU) Train(
	ctx context.Context, cfg train.Config, v *vocab.Vocabulary, c train.Corpus, w *train.Weights, from train.Position, watch train.Watch,
) (train.Position, error) {
	return train.Train(ctx, cfg, v, c, w, from, watch)
}

const (
	// DefaultMinCount is gensim's and word2vec's.
	DefaultMinCount = 5
	// DefaultMemory is for those who do not say.
	DefaultMemory = 4 << 30
	// vocabularyShare of the memory may be taken by counting, before the weights are there.
	vocabularyShare = 2
	// corpusShare of the memory may be taken by encoded sentences.
	corpusShare = 8
)

// Options say what is trained and how. Only Train must be given.
type Options struct {
	Train       train.Config
	MinCount    int64  // words seen less often are left out; 0: DefaultMinCount
	MaxWords    int    // of the vocabulary; 0: all
	MaxSentence int    // longer ones are cut; 0: corpus.DefaultSentence
	Memory      int64  // budget in bytes; 0: DefaultMemory
	Folder      string // of temporary files; "": the system's
	Device      Device // nil: the CPU
	// Checkpoints nil keeps none.
	Checkpoints *Checkpoints
	// Admit is asked about the vocabulary before anything is trained: whether the words can be written, say.
	Admit func(*vocab.Vocabulary) error
	// Notice is told what a user should know: words dropped, where a training goes on.
	Notice func(string)
	// Watch is told how it goes, about once a second. It must not block.
	Watch func(Report)
}

// Report is how a training goes.
type Report struct {
	train.Progress
	Elapsed   time.Duration // of training in this call
	PerSecond float64       // raw words, in this call
	Left      time.Duration // at this rate; 0 if unknown
}

// Summary is what a training came to.
type Summary struct {
	Counted   vocab.Counted
	Words     int64 // raw words of an epoch
	Sentences int64
	Count     time.Duration // of the vocabulary pass
	Encode    time.Duration
	Train     time.Duration
	Consumed  int64 // raw words of this call, over all epochs
	Trained   int64 // those of them that sub-sampling left
}

// Fit trains a model of a corpus. If ctx ends it, its error is errs.Canceled, and there is a checkpoint to go on from where
// checkpoints are kept.
func Fit(ctx context.Context, source *corpus.Source, opt Options) (*model.Model, Summary, error) {
	opt = opt.filled()
	f := fit{opt: opt}
	if err := opt.Train.Check(); err != nil {
		return nil, f.sum, err
	}
	if err := opt.Checkpoints.admit(ctx); err != nil {
		return nil, f.sum, err
	}
	if err := f.count(ctx, source); err != nil {
		return nil, f.sum, err
	}
	began := time.Now()
	sentences, err := source.Encode(ctx, f.v, corpus.Options{
		Threads: opt.Train.Threads, MaxSentence: opt.MaxSentence, Folder: opt.Folder,
		Memory: min(corpus.DefaultMemory, opt.Memory/corpusShare),
	})
	if err != nil {
		return nil, f.sum, err
	}
	f.sum.Encode, f.sum.Words, f.sum.Sentences = time.Since(began), sentences.Words(), sentences.Sentences()
	err = f.train(ctx, sentences)
	if closed := sentences.Close(); err == nil {
		err = closed
	}
	if f.w != nil {
		defer f.w.Close()
	}
	if err != nil {
		return nil, f.sum, err
	}
	debug.FreeOSMemory()
	m, err := modelOf(f.v, f.w)
	return m, f.sum, err
}

func (o Options) filled() Options {
	if o.MinCount == 0 {
		o.MinCount = DefaultMinCount
	}
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	if o.Device == nil {
		o.Device = CPU{}
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	if o.Train.Memory == nil {
		o.Train.Memory = mem.NewBudget("word2vec", o.Memory)
	}
	return o
}

// fit is one call of Fit.
type fit struct {
	opt Options
	sum Summary
	v   *vocab.Vocabulary
	w   *train.Weights
}

func (f *fit) count(ctx context.Context, source *corpus.Source) error {
	began := time.Now()
	counter, err := source.Count(ctx, f.opt.Train.Threads, f.opt.Memory/vocabularyShare)
	if err != nil {
		return err
	}
	if f.v, f.sum.Counted, err = counter.Vocabulary(f.opt.MinCount, f.opt.MaxWords); err != nil {
		return err
	}
	// What a phase leaves behind is as large as what the next one needs: two collections in a training keep the peak down by a third.
	debug.FreeOSMemory()
	f.sum.Count = time.Since(began)
	if n := f.sum.Counted.TooLong; n > 0 {
		f.opt.Notice(fmt.Sprintf("left %d words of more than %d bytes out", n, vocab.MaxWordBytes))
	}
	if n := f.sum.Counted.Pruned; n > 0 {
		f.opt.Notice(fmt.Sprintf("the vocabulary outgrew its memory: %d times a rare word was dropped, counts may lack up to %d (more --memory keeps all)",
			n, f.sum.Counted.PrunedTo))
	}
	if f.opt.Admit != nil {
		return f.opt.Admit(f.v)
	}
	return nil
}

// train makes or restores weights and trains them, from checkpoint to checkpoint.
func (f *fit) train(ctx context.Context, c *corpus.Corpus) (err error) {
	if f.w, err = train.New(f.opt.Train, f.v); err != nil {
		return err
	}
	point := checkpoint{cfg: settingsOf(f.opt), vocabulary: f.v.Hash(), corpus: c.Hash(), w: f.w}
	if err := f.opt.Checkpoints.restore(ctx, &point, f.opt.Notice); err != nil {
		return err
	}
	clock := stopwatch{began: time.Now(), watch: f.opt.Watch}
	clock.from = wordsAt(point.at, f.v.Total)
	for ended := false; !ended && err == nil; {
		point.at, ended, err = f.leg(ctx, c, point.at, &clock)
		if err == nil || errs.Is(err, errs.Canceled) {
			// An interrupted training is what checkpoints are for: the one that is due must be written in spite of ctx.
			if e := f.opt.Checkpoints.save(context.WithoutCancel(ctx), &point); e != nil {
				return e
			}
		}
	}
	f.sum.Train, f.sum.Consumed, f.sum.Trained = time.Since(clock.began), wordsAt(point.at, f.v.Total)-clock.from, clock.trained
	return err
}

// leg trains until the next checkpoint is due. It tells whether the training is done.
func (f *fit) leg(ctx context.Context, c train.Corpus, from train.Position, clock *stopwatch) (at train.Position, ended bool, err error) {
	part, stop := ctx, context.CancelFunc(func() {})
	if every := f.opt.Checkpoints.every(); every > 0 {
		part, stop = context.WithTimeout(ctx, every)
	}
	defer stop()
	at, err = f.opt.Device.Train(part, f.opt.Train, f.v, c, f.w, from, clock.report)
	clock.trained, clock.leg = clock.trained+clock.leg, 0
	switch {
	case err == nil:
		return at, true, nil
	case ctx.Err() != nil:
		return at, false, errs.E(errs.Canceled, "", fmt.Errorf("interrupted: %w", context.Cause(ctx)))
	case part.Err() != nil && (errs.Is(err, errs.Deadline) || errs.Is(err, errs.Canceled)):
		return at, false, nil
	}
	return at, false, err
}

// wordsAt is how many raw words a position has behind it.
func wordsAt(at train.Position, epoch int64) int64 {
	n := int64(at.Epoch) * epoch
	for _, s := range at.Shards {
		n += s
	}
	return n
}

// stopwatch turns progress into reports.
type stopwatch struct {
	began time.Time
	from  int64 // words done before this call
	watch func(Report)
	// trained words are those of the legs that have ended, leg's of the one under way.
	trained, leg int64
}

func (s *stopwatch) report(p train.Progress) {
	s.leg = p.Trained
	if s.watch == nil {
		return
	}
	p.Trained += s.trained
	r := Report{Progress: p, Elapsed: time.Since(s.began)}
	if done := p.Words - s.from; done > 0 && r.Elapsed > 0 {
		r.PerSecond = float64(done) / r.Elapsed.Seconds()
		r.Left = time.Duration(float64(p.Total-p.Words) / r.PerSecond * float64(time.Second))
	}
	s.watch(r)
}

func modelOf(v *vocab.Vocabulary, w *train.Weights) (*model.Model, error) {
	vectors := make([]float32, w.Words*w.Dim)
	for i := range w.Words {
		w.Row(i, vectors[i*w.Dim:(i+1)*w.Dim])
	}
	return model.New(v, w.Dim, vectors)
}
