package train

import (
	"context"
	"math"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Spark's order of updates: MLlib's Word2Vec with one partition, number for number as far as the order of additions inside a
// scalar product allows. One generator draws the window of every word, also of those that a resumed training skips; a sentence
// is cut into pieces of a thousand words; the learning rate changes between pieces; scores come through a table of 1,000 steps,
// and beyond ±6 nothing is learnt.
const (
	sparkPiece     = 1000
	sparkRate      = 10_000 // words after which the learning rate changes
	sparkLowest    = 1e-4   // of the first learning rate
	sigmoidSteps   = 1000
	sigmoidMax     = 6
	sigmoidPerUnit = float64(sigmoidSteps/sigmoidMax) / 2 // 83, as integers divide
)

// initSpark draws all vectors from one generator, one component after the other.
func (w *Weights) initSpark(seed int64) {
	r := newSparkRandom(seed)
	for id := range w.Words {
		for i := range w.Dim {
			w.In[id*w.Stride+i] = (r.nextFloat() - 0.5) / float32(w.Dim)
		}
	}
}

// sparkOrder is the state of one epoch in Spark's order.
type sparkOrder struct {
	*worker
	random   sparkRandom
	rate     float64
	words    int64 // consumed of the epoch
	rated    int64 // words when the rate changed last
	skip     int64 // words that were trained before
	sigmoids [sigmoidSteps]float32
	step     []float32
}

func newSparkOrder(w *worker) *sparkOrder {
	s := &sparkOrder{worker: w, step: make([]float32, w.cfg.Dim)}
	for i := range s.sigmoids {
		e := math.Exp((2*float64(i)/sigmoidSteps - 1) * sigmoidMax)
		s.sigmoids[i] = float32(e / (e + 1))
	}
	return s
}

// run trains an epoch from where it is.
func (s *sparkOrder) run(ctx context.Context, sentences Sentences, epoch int) error {
	iteration := int64(epoch) + 1
	s.random = newSparkRandom(int64(s.cfg.Seed) ^ 1<<16 ^ (-iteration-1)<<8)
	s.words, s.rated, s.skip = 0, 0, s.shards[0].words.Load()
	s.rate = s.cfg.Alpha // anew in every iteration
	for {
		block, err := sentences.Next(ctx)
		if ended(err) {
			return nil
		}
		if err != nil {
			return errs.E(errs.KindOf(err), "train.Train", err)
		}
		if err := s.runBlock(ctx, block, epoch); err != nil {
			return err
		}
	}
}

func (s *sparkOrder) runBlock(ctx context.Context, block Block, epoch int) error {
	var start int32
	for _, end := range block.Ends {
		sentence := block.Tokens[start:end]
		start = end
		for len(sentence) > 0 {
			piece := sentence[:min(len(sentence), sparkPiece)]
			sentence = sentence[len(piece):]
			if err := s.runPiece(ctx, piece, epoch); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sparkOrder) runPiece(ctx context.Context, piece []int32, epoch int) error {
	if err := s.known(piece); err != nil {
		return err
	}
	if s.words-s.rated > sparkRate {
		s.rated = s.words
		done := float64(s.words) + float64(int64(epoch)*s.v.Total)
		all := float64(int64(s.cfg.Epochs)*s.v.Total + 1)
		s.rate = max(s.cfg.Alpha*(1-done/all), s.cfg.Alpha*sparkLowest)
	}
	s.words += int64(len(piece))
	trained := s.words > s.skip
	for pos := range piece {
		narrower := int(s.random.nextInt(int32(s.cfg.Window)))
		if trained {
			s.runWindow(piece, pos, narrower)
		}
	}
	if !trained {
		return nil
	}
	s.trained += int64(len(piece))
	s.worker.words = s.words
	s.endBatch()
	return errs.E(errs.Canceled, "train.Train", ctx.Err())
}

func (s *sparkOrder) runWindow(piece []int32, pos, narrower int) {
	sampled := s.sampled()
	distance := s.cfg.Window - narrower
	for c := max(0, pos-distance); c < min(len(piece), pos+distance+1); c++ {
		if c != pos {
			s.runPair(piece[c], piece[pos], sampled)
			sampled = false
		}
	}
}

func (s *sparkOrder) runPair(input, word int32, sampled bool) {
	s.set.Lock()
	defer s.set.Unlock()
	dim, stride := s.cfg.Dim, s.w.Stride
	in := s.w.In[int(input)*stride:][:dim]
	clear(s.step)
	points, codes := s.tree.Path(word)
	for i, point := range points {
		out := s.w.Out[int(point)*stride:][:dim]
		var f float32
		for k, x := range in {
			f += x * out[k]
		}
		if sampled {
			s.loss.sum += math.Log1p(math.Exp(float64(f) * float64(2*int(codes[i])-1)))
		}
		if !(f > -sigmoidMax && f < sigmoidMax) {
			continue
		}
		right := float32(1 - int(codes[i]))
		g := float32(float64(right-s.sigmoids[int((float64(f)+sigmoidMax)*sigmoidPerUnit)]) * s.rate)
		for k, x := range in {
			s.step[k] += g * out[k]
			out[k] += g * x
		}
	}
	for k, e := range s.step {
		in[k] += e
	}
	if sampled {
		s.loss.pairs++
	}
}
