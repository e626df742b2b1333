package main

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/gpu"
	"github.com/spurwheel/spurwheel/gpu/kernel"
	"github.com/spurwheel/spurwheel/gpu/kernel/reference"
	"github.com/spurwheel/spurwheel/gpu/table"
)

// One sentence at a time, a kernel agrees with plain loops: the random numbers, the windows and the order of updates are the
// same, so what differs is rounding.
func TestTrainingAgainstPlainLoops(t *testing.T) {
	h := start(t, helperConfig(t))
	for _, tt := range []struct{ dim, window, negative int }{{24, 5, 5}, {128, 2, 1}, {200, 5, 5}, {300, 3, 7}, {512, 1, 12}, {100, 8, 31}} {
		t.Run(fmt.Sprintf("%+v", tt), func(t *testing.T) {
			p := plant(20, 5)
			s := p.settings(tt.dim)
			s.Window, s.Negative, s.Concurrency, s.Sample, s.Cap, s.Epochs = tt.window, tt.negative, 1, 0.002, 0.5, 2
			w := startWeights(len(p.counts), tt.dim)
			want := startWeights(len(p.counts), tt.dim)
			var last gpu.Progress
			_, err := h.TrainSkipGram(t.Context(), s, p, w, gpu.Position{}, func(p gpu.Progress) { last = p })
			require.NoError(t, err)
			trained := trainReference(s, p, want)
			require.Equal(t, trained, last.Trained)
			require.Less(t, trained, last.Words, "some words are sub-sampled")
			require.Less(t, distance(want.In, w.In), 2e-5, "input rows")
			require.Less(t, distance(want.Out, w.Out), 2e-5, "output rows")
		})
	}
}

func trainReference(s gpu.SkipGram, p *planted, w gpu.Weights) int64 {
	words := len(p.counts)
	r := reference.Train{
		Dim: s.Dim, Window: s.Window, Negative: s.Negative, Group: kernel.Group(kernel.Quads(s.Dim)), Alpha: s.Alpha, MinAlpha: s.MinAlpha,
		PerWord: 1 / (float64(s.Tokens) * float64(s.Epochs)), Keep: table.Keep(p.counts, s.Sample), Aliases: table.Aliases(p.counts),
		In: w.In, Out: w.Out, ContextTo: words, TargetTo: words,
	}
	r.CapIn, r.CapOut = table.Caps(p.counts, table.Training{Window: s.Window, Negative: s.Negative, Sample: s.Sample, Concurrency: s.Concurrency, Cap: s.Cap})
	tokens, ends := make([]uint32, len(p.tokens)), make([]uint32, len(p.ends))
	for i, w := range p.tokens {
		tokens[i] = uint32(w)
	}
	for i, e := range p.ends {
		ends[i] = uint32(e)
	}
	for epoch := range s.Epochs {
		r.KeySample, r.KeyDraw = table.Keys(s.Seed, epoch)
		r.Sentences(tokens, ends, 0)
	}
	return r.Trained
}

// distance is the greatest difference.
func distance(a, b []float32) float64 {
	most := 0.0
	for i := range a {
		most = max(most, math.Abs(float64(a[i]-b[i])))
	}
	return most
}
