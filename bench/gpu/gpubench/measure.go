package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spurwheel/spurwheel/gpu"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Run is one training.
type Run struct {
	Dim           int      `json:"dim"`
	Seed          uint64   `json:"seed"`
	Concurrency   int      `json:"concurrency"`
	Cap           float64  `json:"cap"` // below 0: none
	Devices       int      `json:"devices"`
	Kernels       string   `json:"kernels"`
	Resident      bool     `json:"resident"`
	Words         int64    `json:"words"`
	Trained       int64    `json:"trained"`
	Seconds       float64  `json:"seconds"`        // of the whole call
	DeviceSeconds float64  `json:"device_seconds"` // of kernels
	Loss          float64  `json:"loss"`
	MeanNorm      float64  `json:"mean_norm"` // of input rows; far above 2 is a collapse
	Quality       *Quality `json:"quality,omitempty"`
}

// perSecond is trained words by device time.
func (r Run) perSecond() float64 { return float64(r.Trained) / r.DeviceSeconds }

// bytesPerTrained is the weights that the algorithm moves for one trained word: a row in and five negatives and the word itself
// out, each read and added to, padded to whole quads.
func (r Run) bytesPerTrained() float64 {
	const rows, quad = 7, 512
	return rows * 2 * quad * math.Ceil(float64(r.Dim)/128)
}

const alpha, minAlpha = 0.025, 0.0001

func (b *bench) settings(dim, epochs int, seed uint64, s setting) gpu.SkipGram {
	return gpu.SkipGram{
		Dim: dim, Window: 5, Negative: 5, Epochs: epochs, Sample: 1e-3, Alpha: alpha, MinAlpha: minAlpha, Seed: seed,
		Counts: b.books.counts, Tokens: int64(len(b.books.tokens)), Sentences: int64(len(b.books.ends)),
		Concurrency: s.concurrency, Cap: s.cap,
	}
}

func (b *bench) train(ctx context.Context, s gpu.SkipGram) (Run, gpu.Weights, error) {
	w := startWeights(len(s.Counts), s.Dim, s.Seed)
	var last gpu.Progress
	began := time.Now()
	_, err := b.helper.TrainSkipGram(ctx, s, b.books, w, gpu.Position{}, func(p gpu.Progress) { last = p })
	r := Run{
		Dim: s.Dim, Seed: s.Seed, Concurrency: last.Plan.Concurrency, Cap: last.Plan.Cap, Devices: last.Plan.Devices,
		Kernels: last.Plan.Kernels, Resident: last.Plan.Resident, Words: last.Words, Trained: last.Trained,
		Seconds: time.Since(began).Seconds(), DeviceSeconds: last.DeviceSeconds, Loss: last.Loss, MeanNorm: meanNorm(w.In, s.Dim),
	}
	fmt.Fprintf(os.Stderr, "%.0f s: dim %d concurrency %d cap %g: %.2f M trained words/s, loss %.3f, norm %.2f\n",
		time.Since(b.began).Seconds(), r.Dim, r.Concurrency, r.Cap, r.perSecond()/1e6, r.Loss, r.MeanNorm)
	return r, w, err
}

// startWeights are those of word2vec: input rows drawn evenly from ±1/dim, output rows zero.
func startWeights(words, dim int, seed uint64) gpu.Weights {
	random := rand.New(rand.NewPCG(seed, 0))
	w := gpu.Weights{In: make([]float32, words*dim), Out: make([]float32, words*dim)}
	for i := range w.In {
		w.In[i] = (2*random.Float32() - 1) / float32(dim)
	}
	return w
}

func meanNorm(rows []float32, dim int) float64 {
	total := 0.0
	for i := 0; i < len(rows); i += dim {
		square := 0.0
		for _, x := range rows[i : i+dim] {
			square += float64(x) * float64(x)
		}
		total += math.Sqrt(square)
	}
	if mean := total / float64(len(rows)/dim); !math.IsNaN(mean) && !math.IsInf(mean, 0) {
		return mean
	}
	return -1 // a number that JSON can carry: the training has diverged
}

// speed trains the corpus again and again: a short run for every concurrency with and without cap, then a long one.
func (b *bench) speed(ctx context.Context) error {
	epochs := func(words int64) int { return int(max(1, (words+b.results.Words-1)/b.results.Words)) }
	for _, concurrency := range []int{264, 528, 1056, 2112} {
		for _, limit := range []float64{0, -1} {
			if b.late(fmt.Sprintf("speed at %d, cap %g", concurrency, limit)) {
				continue
			}
			r, _, err := b.train(ctx, b.settings(128, epochs(b.sweep), 1, setting{concurrency, limit}))
			if err != nil {
				return err
			}
			b.results.Speed = append(b.results.Speed, r)
		}
	}
	for _, dim := range []int{128, 300} {
		if b.late(fmt.Sprintf("the long run, dim %d", dim)) {
			continue
		}
		r, _, err := b.train(ctx, b.settings(dim, epochs(b.repeat), 1, setting{}))
		if err != nil {
			return err
		}
		b.results.Speed = append(b.results.Speed, r)
	}
	return nil
}

func (b *bench) quality(ctx context.Context) error {
	rows, err := parseRows(b.rows)
	if err != nil {
		return err
	}
	for _, row := range rows {
		for seed := b.firstSeed; seed < b.firstSeed+b.seeds; seed++ {
			if b.late(fmt.Sprintf("quality at %d, cap %g, seed %d", row.concurrency, row.cap, seed)) {
				continue
			}
			r, w, err := b.train(ctx, b.settings(100, b.epochs, uint64(seed), row))
			if err != nil {
				return err
			}
			if r.MeanNorm >= 0 {
				q, err := b.books.score(ctx, w.In, 100)
				if err != nil {
					return err
				}
				r.Quality = &q
				fmt.Fprintf(os.Stderr, "%+v\n", q)
			}
			b.results.Quality = append(b.results.Quality, r)
			debug.FreeOSMemory()
		}
	}
	return nil
}

// Kill is a helper killed in the middle of a training.
type Kill struct {
	Error     string  `json:"error"`
	Kind      string  `json:"kind"`
	Restarted bool    `json:"restarted"`
	Seconds   float64 `json:"seconds"`           // from the kill to the first report of a new helper
	FreeDelta int64   `json:"free_memory_delta"` // of the device, from before the first helper to after the second
}

func (b *bench) kill(ctx context.Context) error {
	free := b.results.Devices[0].Free
	s := b.settings(128, 1000, 1, setting{})
	s.SlotTokens = 1 << 20
	pid := b.helper.Process()
	var killed time.Time
	_, err := b.helper.TrainSkipGram(ctx, s, b.books, startWeights(len(s.Counts), s.Dim, 1), gpu.Position{}, func(gpu.Progress) {
		if killed.IsZero() {
			killed = time.Now()
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	if !errs.Is(err, errs.Unavailable) {
		return fmt.Errorf("the killed helper's error is of kind %v: %w", errs.KindOf(err), err)
	}
	b.results.Kill = &Kill{Error: err.Error(), Kind: errs.KindOf(err).String()}
	b.helper.Close()
	if b.helper, err = gpu.Start(ctx, b.config()); err != nil {
		return err
	}
	s.Epochs = 1
	_, err = b.helper.TrainSkipGram(ctx, s, b.books, startWeights(len(s.Counts), s.Dim, 1), gpu.Position{}, func(gpu.Progress) {
		if b.results.Kill.Seconds == 0 {
			b.results.Kill.Seconds = time.Since(killed).Seconds()
		}
	})
	if err != nil {
		return err
	}
	b.results.Kill.Restarted = true
	devices, err := b.helper.Info(ctx)
	if err == nil {
		b.results.Kill.FreeDelta = int64(devices[0].Free) - int64(free)
	}
	return err
}
