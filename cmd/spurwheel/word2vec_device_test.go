package main

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/gpu"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/mllib/word2vec/train"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// listed is a corpus in memory, whose blocks have two sentences each.
type listed [][]int32

func (l listed) Open(_ context.Context, _, shard, shards int) (train.Sentences, error) {
	var part listed
	for i, s := range l {
		if i%shards == shard {
			part = append(part, s)
		}
	}
	return &listedPart{part}, nil
}

type listedPart struct{ left listed }

func (p *listedPart) Next(context.Context) (train.Block, error) {
	var b train.Block
	for range min(2, len(p.left)) {
		b.Tokens = append(b.Tokens, p.left[0]...)
		b.Ends = append(b.Ends, int32(len(b.Tokens)))
		p.left = p.left[1:]
	}
	if len(b.Ends) == 0 {
		return b, io.EOF
	}
	return b, nil
}

func (*listedPart) Close() error { return nil }

func TestCorpusOfDevicesSkipsWords(t *testing.T) {
	all := listed{{0, 1, 2}, {3}, {4, 5}, {6, 7, 8}, {9}}
	for skip := range int64(11) {
		s, err := gpuCorpus{all}.Open(t.Context(), 0, skip)
		require.NoError(t, err)
		var tokens []int32
		for {
			part, ends, err := s.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			require.EqualValues(t, len(part), ends[len(ends)-1])
			require.Positive(t, ends[0])
			tokens = append(tokens, part...)
		}
		require.Len(t, tokens, int(10-skip))
		for i, id := range tokens {
			require.EqualValues(t, int(skip)+i, id)
		}
	}
	s, err := gpuCorpus{all}.Open(t.Context(), 0, 11)
	require.NoError(t, err)
	_, _, err = s.Next(t.Context())
	require.True(t, errs.Is(err, errs.Invalid), "%v", err)
}

func TestRowsWithoutPadding(t *testing.T) {
	w := &train.Weights{Dim: 2, Stride: 4}
	rows := []float32{1, 2, 0, 0, 3, 4, 0, 0}
	flat := packed(rows, w)
	require.Equal(t, []float32{1, 2, 3, 4}, flat)
	unpack(rows, []float32{5, 6, 7, 8}, w)
	require.Equal(t, []float32{5, 6, 0, 0, 7, 8, 0, 0}, rows)
}

// breaking is a device that fails at its first call.
type breaking struct {
	err   error
	calls int
}

func (*breaking) Name() string { return "gpu" }

func (b *breaking) Train(context.Context, train.Config, *vocab.Vocabulary, train.Corpus, *train.Weights, train.Position, train.Watch) (train.Position, error) {
	b.calls++
	return train.Position{Epoch: 1}, b.err
}

func TestDeviceBreaks(t *testing.T) {
	v, err := vocab.New([]string{"a", "b", "c", "d"}, []int64{4, 3, 2, 1})
	require.NoError(t, err)
	corpus := listed{{0, 1, 2}, {3, 0, 1, 0}, {0, 1, 2}}
	cfg := train.Default()
	cfg.Dim, cfg.Sample, cfg.Threads = 4, 0, 2
	for _, c := range []struct {
		kind  errs.Kind
		takes bool
	}{{errs.Lost, true}, {errs.Unavailable, true}, {errs.Exhausted, true}, {errs.NotSupported, true}, {errs.Invalid, false}, {errs.Canceled, false}} {
		w, err := train.New(cfg, v)
		require.NoError(t, err)
		broken := &breaking{err: errs.Errorf(c.kind, "", "the device")}
		var notices []string
		d := &fallingBack{Device: broken, notice: func(s string) { notices = append(notices, s) }}
		at, err := d.Train(t.Context(), cfg, v, corpus, w, train.Position{Epoch: 2, Shards: []int64{3}}, nil)
		if c.takes {
			require.NoError(t, err)
			require.Equal(t, cfg.Epochs, at.Epoch)
			require.Equal(t, []string{"training on the CPU from epoch 3 on: the device"}, notices)
			_, err = d.Train(t.Context(), cfg, v, corpus, w, at, nil)
			require.NoError(t, err)
		} else {
			require.Equal(t, c.kind, errs.KindOf(err))
			require.Empty(t, notices)
		}
		require.Equal(t, 1, broken.calls)
		require.NoError(t, w.Close())
	}
}

func TestWhatDevicesHaveNoKernelFor(t *testing.T) {
	for want, change := range map[string]func(*train.Config){
		"CBOW is not trained":                  func(c *train.Config) { c.Architecture = train.CBOW },
		"hierarchical softmax is not trained":  func(c *train.Config) { c.Output = train.HierarchicalSoftmax },
		"bf16 storage is not trained":          func(c *train.Config) { c.Storage = train.BFloat16 },
		"a draw of negative examples per pair": func(c *train.Config) { c.SharedNegatives = false },
	} {
		cfg := train.Default()
		change(&cfg)
		_, _, err := chooseDevice(t.Context(), deviceGPU, gpu.Config{}, &cfg, nil)
		require.True(t, errs.Is(err, errs.NotSupported))
		require.ErrorContains(t, err, want)
		var notice string
		d, done, err := chooseDevice(t.Context(), deviceAuto, gpu.Config{}, &cfg, func(s string) { notice = s })
		require.NoError(t, err)
		require.Equal(t, "cpu", d.Name())
		require.Contains(t, notice, want)
		require.NoError(t, done())
	}
}
