package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spurwheel/spurwheel/gpu"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/mllib/word2vec"
	"github.com/spurwheel/spurwheel/mllib/word2vec/train"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// openGPU starts the helper process that owns the devices. Errors say why there is no device for this training.
func openGPU(ctx context.Context, where gpu.Config, cfg *train.Config) (word2vec.Device, func() error, error) {
	if err := trainsOnGPU(cfg); err != nil {
		return nil, nil, err
	}
	h, err := openHelper(ctx, where)
	if err != nil {
		return nil, nil, err
	}
	return gpuDevice{h}, func() error { h.Close(); return nil }, nil
}

// openHelper starts the helper process if it has a device that kernels are built for.
func openHelper(ctx context.Context, where gpu.Config) (*gpu.Helper, error) {
	if err := gpu.Probe(where); err != nil {
		return nil, err
	}
	h, err := gpu.Start(ctx, where)
	if err != nil {
		return nil, err
	}
	for _, d := range h.Devices() {
		if d.Kernels != "" {
			return h, nil
		}
	}
	h.Close()
	return nil, errs.Errorf(errs.NotSupported, "", "no GPU here is of a kind that has kernels")
}

// trainsOnGPU tells whether devices have a kernel for a training.
func trainsOnGPU(cfg *train.Config) error {
	refuse := func(what string) error {
		return errs.Errorf(errs.NotSupported, "", "%s is not trained on GPUs; skip-gram with negative examples in float32 is", what)
	}
	switch {
	case cfg.Architecture == train.CBOW:
		return refuse("CBOW")
	case cfg.Output == train.HierarchicalSoftmax:
		return refuse("hierarchical softmax")
	case cfg.Storage == train.BFloat16:
		return refuse("bf16 storage")
	case !cfg.Shares():
		return errs.Errorf(errs.NotSupported, "", "a draw of negative examples per pair is not trained on GPUs; --shared-negatives is")
	}
	return nil
}

// gpuDevice is the devices of a helper process as the trainer sees them.
type gpuDevice struct{ helper *gpu.Helper }

// Name tells checkpoints of devices from those of threads.
func (gpuDevice) Name() string { return "gpu" }

// Train copies the weights to rows without padding and back. Negative examples are shared by the neighbours of a word, always.
func (d gpuDevice) Train(
	ctx context.Context, cfg train.Config, v *vocab.Vocabulary, c train.Corpus, w *train.Weights, from train.Position, watch train.Watch,
) (train.Position, error) {
	rows := gpu.Weights{In: packed(w.In, w), Out: packed(w.Out, w)}
	counts := make([]uint64, v.Len())
	for i, n := range v.Counts {
		counts[i] = uint64(n)
	}
	call := gpu.SkipGram{
		Dim: cfg.Dim, Window: cfg.Window, Negative: cfg.Negative, Epochs: cfg.Epochs, Sample: cfg.Sample, Alpha: cfg.Alpha,
		MinAlpha: cfg.MinAlpha, Seed: cfg.Seed, Counts: counts, Tokens: v.Total, Sentences: sentencesOf(c, v.Total),
	}
	total := v.Total * int64(cfg.Epochs)
	at, err := d.helper.TrainSkipGram(ctx, call, gpuCorpus{c}, rows, gpuPosition(from), func(p gpu.Progress) {
		if watch != nil {
			done := int64(p.Epoch)*v.Total + p.Position.Words
			alpha := max(cfg.MinAlpha, cfg.Alpha-(cfg.Alpha-cfg.MinAlpha)*float64(done)/float64(total))
			watch(train.Progress{Position: cpuPosition(p.Position), Words: done, Total: total, Trained: p.Trained, Alpha: alpha, Loss: p.Loss})
		}
	})
	if err == nil || errs.Is(err, errs.Canceled) || errs.Is(err, errs.Deadline) {
		unpack(w.In, rows.In, w)
		unpack(w.Out, rows.Out, w)
	}
	return cpuPosition(at), err
}

func gpuPosition(p train.Position) gpu.Position {
	at := gpu.Position{Epoch: p.Epoch}
	for _, n := range p.Shards {
		at.Words += n
	}
	return at
}

func cpuPosition(p gpu.Position) train.Position {
	return train.Position{Epoch: p.Epoch, Shards: []int64{p.Words}}
}

// packed is padded rows without their padding.
func packed(rows []float32, w *train.Weights) []float32 {
	out := make([]float32, len(rows)/w.Stride*w.Dim)
	for i := range len(rows) / w.Stride {
		copy(out[i*w.Dim:(i+1)*w.Dim], rows[i*w.Stride:])
	}
	return out
}

func unpack(dst, rows []float32, w *train.Weights) {
	for i := range len(dst) / w.Stride {
		copy(dst[i*w.Stride:i*w.Stride+w.Dim], rows[i*w.Dim:])
	}
}

// usualSentence is how long sentences are taken to be where the corpus does not tell.
const usualSentence = 20

func sentencesOf(c train.Corpus, words int64) int64 {
	if s, ok := c.(interface{ Sentences() int64 }); ok {
		return s.Sentences()
	}
	return words/usualSentence + 1
}

// gpuCorpus reads a corpus as one part.
type gpuCorpus struct{ c train.Corpus }

// Open starts an epoch behind its first skip words.
func (g gpuCorpus) Open(ctx context.Context, epoch int, skip int64) (gpu.Sentences, error) {
	s, err := g.c.Open(ctx, epoch, 0, 1)
	return &gpuSentences{s: s, skip: skip}, err
}

type gpuSentences struct {
	s    train.Sentences
	skip int64
	ends []int32
}

// Next leaves out what is to be skipped, within a sentence too.
func (g *gpuSentences) Next(ctx context.Context) (tokens, ends []int32, err error) {
	for {
		b, err := g.s.Next(ctx)
		if errors.Is(err, io.EOF) && g.skip > 0 {
			return nil, nil, errs.E(errs.Invalid, "", fmt.Errorf("the corpus ends %d words before the place to go on from", g.skip))
		}
		if err != nil {
			return nil, nil, err
		}
		if g.skip >= int64(len(b.Tokens)) {
			g.skip -= int64(len(b.Tokens))
			continue
		}
		from := int32(g.skip)
		g.skip = 0
		if from == 0 {
			return b.Tokens, b.Ends, nil
		}
		g.ends = g.ends[:0]
		for _, end := range b.Ends {
			if end > from {
				g.ends = append(g.ends, end-from)
			}
		}
		return b.Tokens[from:], g.ends, nil
	}
}

// Close ends the part.
func (g *gpuSentences) Close() error { return g.s.Close() }
