package main

import (
	"context"
	"fmt"

	"github.com/spurwheel/spurwheel/gpu"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/mllib/word2vec"
	"github.com/spurwheel/spurwheel/mllib/word2vec/model"
	"github.com/spurwheel/spurwheel/mllib/word2vec/train"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// What --device takes.
const (
	deviceAuto = "auto"
	deviceCPU  = "cpu"
	deviceGPU  = "gpu"
)

// chooseDevice finds the device to train on; done ends it. "auto" takes a GPU that is there and can do what is asked, and says
// why it does not; "gpu" refuses instead.
func chooseDevice(
	ctx context.Context, name string, where gpu.Config, cfg *train.Config, notice func(string),
) (d word2vec.Device, done func() error, err error) {
	nothing := func() error { return nil }
	switch name {
	case deviceCPU:
		return word2vec.CPU{}, nothing, nil
	case deviceAuto, deviceGPU:
	default:
		return nil, nil, errs.Errorf(errs.Invalid, "", "--device %q: want auto, cpu or gpu", name)
	}
	d, done, err = openGPU(ctx, where, cfg)
	switch {
	case name == deviceGPU:
		return d, done, err
	case err == nil:
		return &fallingBack{Device: d, notice: notice}, done, nil
	}
	notice("training on the CPU: " + err.Error())
	return word2vec.CPU{}, nothing, nil
}

// fallingBack is a device whose work the CPU takes over when it breaks.
type fallingBack struct {
	word2vec.Device
	notice func(string)
	broken bool
}

// Name is that of the device that works.
func (f *fallingBack) Name() string {
	if f.broken {
		return word2vec.CPU{}.Name()
	}
	return f.Device.Name()
}

// Train goes on at the beginning of the epoch under way when the device breaks: a device that fails leaves the weights as they
// were given to it.
func (f *fallingBack) Train(
	ctx context.Context, cfg train.Config, v *vocab.Vocabulary, c train.Corpus, w *train.Weights, from train.Position, watch train.Watch,
) (train.Position, error) {
	if !f.broken {
		at, err := f.Device.Train(ctx, cfg, v, c, w, from, watch)
		switch errs.KindOf(err) {
		case errs.NotSupported, errs.Exhausted, errs.Lost, errs.Unavailable, errs.Internal:
		default:
			return at, err
		}
		f.broken = true
		f.notice(fmt.Sprintf("training on the CPU from epoch %d on: %v", from.Epoch+1, err))
		from = train.Position{Epoch: from.Epoch}
	}
	return word2vec.CPU{}.Train(ctx, cfg, v, c, w, from, watch)
}

// chooseScorer finds what scores words by the million; nil is the CPU. "auto" is silent about a GPU that is not there: the answer
// is the same.
func chooseScorer(ctx context.Context, name string, where gpu.Config) (s model.Scorer, done func() error, err error) {
	nothing := func() error { return nil }
	switch name {
	case deviceCPU:
		return nil, nothing, nil
	case deviceAuto, deviceGPU:
	default:
		return nil, nil, errs.Errorf(errs.Invalid, "", "--device %q: want auto, cpu or gpu", name)
	}
	h, err := openHelper(ctx, where)
	switch {
	case err == nil:
		return h, func() error { h.Close(); return nil }, nil
	case name == deviceGPU:
		return nil, nil, err
	}
	return nil, nothing, nil
}
