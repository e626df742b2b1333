package main

import (
	"context"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/mllib/word2vec"
	"github.com/spurwheel/spurwheel/mllib/word2vec/train"
)

// What --device takes.
const (
	deviceAuto = "auto"
	deviceCPU  = "cpu"
	deviceGPU  = "gpu"
)

// chooseDevice finds the device to train on; done ends it. "auto" takes a GPU that is there and can do what is asked, and says
// why it does not; "gpu" refuses instead.
func chooseDevice(ctx context.Context, name string, cfg *train.Config, notice func(string)) (d word2vec.Device, done func() error, err error) {
	nothing := func() error { return nil }
	switch name {
	case deviceCPU:
		return word2vec.CPU{}, nothing, nil
	case deviceAuto, deviceGPU:
	default:
		return nil, nil, errs.Errorf(errs.Invalid, "", "--device %q: want auto, cpu or gpu", name)
	}
	d, done, err = openGPU(ctx, cfg)
	switch {
	case err == nil:
		return d, done, nil
	case name == deviceGPU:
		return nil, nil, err
	}
	notice("training on the CPU: " + err.Error())
	return word2vec.CPU{}, nothing, nil
}
