package train

import (
	"math"
	"sync"

	"github.com/spurwheel/spurwheel/mllib/word2vec/train/kernel"
)

// tally sums the losses of pairs.
type tally struct {
	sum   float64
	pairs int64
}

func (t *tally) add(o tally) {
	t.sum += o.sum
	t.pairs += o.pairs
}

func (t *tally) mean() float64 {
	if t.pairs == 0 {
		return 0
	}
	return t.sum / float64(t.pairs)
}

// told is what a worker reports once per batch.
type told struct {
	mu struct {
		sync.Mutex
		trained int64 // words left after sub-sampling, since the start
		loss    tally // since the last take
	}
}

func (t *told) report(trained int64, loss tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.trained += trained
	t.mu.loss.add(loss)
}

func (t *told) take() (trained int64, loss tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	loss, t.mu.loss = t.mu.loss, tally{}
	return t.mu.trained, loss
}

// pairLoss is the negative log likelihood of what a kernel scored: lanes that it was told to leave out do not count.
func pairLoss(dots, label, alpha *[8]float32) float64 {
	var loss float64
	for d := range kernel.Lanes {
		if alpha[d] == 0 {
			continue
		}
		x := float64(dots[d])
		if label[d] == 0 {
			x = -x
		}
		loss += math.Log1p(math.Exp(-max(-maxLossDot, min(maxLossDot, x))))
	}
	return loss
}

// maxLossDot bounds the contribution of one outlier.
const maxLossDot = 30
