package train

import (
	"context"
	"math"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/mllib/word2vec/train/kernel"
)

// worker trains one part of the corpus on one thread. Everything it writes besides the weights is its own; it is large enough
// that two workers share no cache line that both write often.
type worker struct {
	*training
	shard int

	random   random
	alpha    float32
	sentence []int32 // the words kept of the piece under way
	// train learns from sentence. It is chosen once.
	train func()

	groups    []kernel.Pair // the output rows of one prediction, kernel.Lanes in each
	rows      []int64       // what the groups of a tree's path point to
	path      []int64       // the used part of rows
	window    kernel.Window
	double    kernel.Double
	pairs     bool    // pairs are trained two at a time
	inputs    []int64 // offsets of the input rows of a window
	queue     queue
	negatives kernel.Draw // what fills the queue
	half      bool        // the weights are bfloat16
	ask       []int64     // rows to prefetch
	inStage   staging
	outStage  staging
	both      [2 * lineSet]int64 // two sets, to be staged at once
	ends      [2]int64           // two inputs
	hidden    []float32          // CBOW: the mean of the inputs
	step      []float32          // what an input row will move by, while groups follow
	one       [1]int64
	inBytes   *byte
	outBytes  *byte

	epoch   int
	words   int64 // raw words consumed of the epoch
	started int64 // the same at the start of the batch
	trained int64 // words kept in the batch
	loss    tally // of the batch
	centres uint32
	told    told
	spark   *sparkOrder
	copied  *hotCopy // with hot rows only
	_       [128]byte
}

// longestPiece is the longest sentence trained as one, gensim's and word2vec's limit.
const longestPiece = 10_000

func newWorker(t *training, shard int) (*worker, error) {
	w := &worker{training: t, shard: shard}
	w.sentence = make([]int32, 0, longestPiece)
	w.inputs = make([]int64, 2*t.cfg.Window)
	w.prepare()
	if t.cfg.SparkOrder {
		w.spark = newSparkOrder(w)
	}
	if t.hot != nil {
		var err error
		if w.copied, err = t.hot.copyFor(t.w); err != nil {
			return nil, errs.E(errs.Exhausted, "train.Train", err)
		}
	}
	return w, nil
}

// runShard trains the worker's part of an epoch from where it is.
func (w *worker) runShard(ctx context.Context, epoch int) error {
	sentences, err := w.corpus.Open(ctx, epoch, w.shard, len(w.shards))
	if err != nil {
		return errs.E(errs.KindOf(err), "train.Train", err)
	}
	if w.spark != nil {
		err = w.spark.run(ctx, sentences, epoch)
	} else {
		err = w.runSentences(ctx, sentences, epoch)
		w.endBatch()
	}
	if e := sentences.Close(); err == nil && e != nil {
		err = errs.E(errs.KindOf(e), "train.Train", e)
	}
	return err
}

func (w *worker) runSentences(ctx context.Context, sentences Sentences, epoch int) error {
	w.epoch, w.words = epoch, w.shards[w.shard].words.Load()
	if w.copied != nil {
		w.copied.merged = w.words
	}
	w.startBatch()
	skip := w.words
	for {
		block, err := sentences.Next(ctx)
		if ended(err) {
			return nil
		}
		if err != nil {
			return errs.E(errs.KindOf(err), "train.Train", err)
		}
		if skip, err = w.runBlock(ctx, block, skip); err != nil {
			return err
		}
	}
}

// runBlock trains the sentences of a block after the first skip words, and returns how many are still to be skipped.
func (w *worker) runBlock(ctx context.Context, block Block, skip int64) (int64, error) {
	var start int32
	for _, end := range block.Ends {
		sentence := block.Tokens[start:end]
		start = end
		if skip >= int64(len(sentence)) {
			skip -= int64(len(sentence))
			continue
		}
		sentence = sentence[skip:]
		skip = 0
		if err := w.runSentence(ctx, sentence); err != nil {
			return 0, err
		}
	}
	return skip, nil
}

// runSentence trains a sentence in pieces. Batches end between pieces, and only there is a training interrupted.
func (w *worker) runSentence(ctx context.Context, sentence []int32) error {
	longest := min(longestPiece, max(w.batch, 1000))
	for len(sentence) > 0 {
		piece := sentence[:min(len(sentence), longest)]
		sentence = sentence[len(piece):]
		if err := w.subsample(piece); err != nil {
			return err
		}
		w.train()
		w.mergeHot()
		w.trained += int64(len(w.sentence))
		if w.words += int64(len(piece)); w.words-w.started < int64(w.batch) {
			continue
		}
		w.endBatch()
		if err := ctx.Err(); err != nil {
			return errs.E(errs.Canceled, "train.Train", err)
		}
		w.startBatch()
	}
	return nil
}

// known refuses words that have no row: the kernels do not look.
func (w *worker) known(piece []int32) error {
	for _, id := range piece {
		if uint32(id) >= uint32(len(w.keep)) {
			return errs.Errorf(errs.Invalid, "train.Train", "the corpus has a word with id %d; the vocabulary has %d words", id, len(w.keep))
		}
	}
	return nil
}

func (w *worker) subsample(piece []int32) error {
	if err := w.known(piece); err != nil {
		return err
	}
	w.sentence = w.sentence[:0]
	for _, id := range piece {
		if p := w.keep[id]; p == math.MaxUint32 || uint32(w.random.next()>>32) <= p {
			w.sentence = append(w.sentence, id)
		}
	}
	return nil
}

// startBatch makes the generator anew from the place, which is what lets a training resume exactly.
func (w *worker) startBatch() {
	w.started = w.words
	w.random = seeded(w.cfg.Seed, uint64(w.epoch), uint64(w.shard), uint64(w.words))
	w.inStage.seed(&w.random)
	w.outStage.seed(&w.random)
	w.alpha, w.centres = w.training.alpha(), 0
	w.refill()
}

func (w *worker) endBatch() {
	if w.hot != nil {
		w.hot.merge(w.copied, w.w)
	}
	w.shards[w.shard].words.Store(w.words)
	w.told.report(w.trained, w.loss)
	w.trained, w.loss = 0, tally{}
}

// reach draws the window around pos and returns the neighbours' range; pos lies in it.
func (w *worker) reach(pos int) (from, to int) {
	distance := w.cfg.Window - w.random.below(uint64(w.cfg.Window))
	return max(0, pos-distance), min(len(w.sentence), pos+distance+1)
}

// lossEvery is the share of centres whose first prediction is looked at for the estimate of the loss.
const lossEvery = 64

// sampled tells for each centre whether it is one of them.
func (w *worker) sampled() bool {
	w.centres++
	return w.centres%lossEvery == 0
}
