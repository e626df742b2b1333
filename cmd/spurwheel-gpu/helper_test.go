package main

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/gpu"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// testDriver names the CUDA driver library that tests run on: `make test-gpu` sets it to one without a device (gpu/kernel/twin/build.sh),
// bench/gpu/run.sh to the real one.
const testDriver = "SPURWHEEL_TEST_CUDA"

// helperConfig builds this program once per test binary run.
func helperConfig(t *testing.T) gpu.Config {
	t.Helper()
	library := os.Getenv(testDriver)
	if library == "" {
		t.Skip(testDriver + " is not set: `make test-gpu` builds the library, for which it needs clang++-19, clang++ or g++")
	}
	program := os.Getenv("SPURWHEEL_GPU_HELPER")
	if program == "" {
		program = filepath.Join(t.TempDir(), "spurwheel-gpu")
		out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
		require.NoError(t, err, string(out))
	}
	return gpu.Config{Helper: program, Driver: library}
}

func start(t *testing.T, c gpu.Config) *gpu.Helper {
	t.Helper()
	h, err := gpu.Start(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(h.Close)
	return h
}

// planted is a corpus with a structure to be found: words come in groups, and a sentence is of one group.
type planted struct {
	tokens, ends []int32
	counts       []uint64
}

const (
	groups    = 12
	groupSize = 10
)

func plant(sentences int, seed uint64) *planted {
	random := rand.New(rand.NewPCG(seed, 1))
	p := &planted{counts: make([]uint64, groups*groupSize)}
	for range sentences {
		group := random.IntN(groups)
		for range 8 + random.IntN(20) {
			w := int32(group + groups*random.IntN(groupSize))
			if random.IntN(10) == 0 {
				w = int32(random.IntN(len(p.counts)))
			}
			p.tokens = append(p.tokens, w)
			p.counts[w]++
		}
		p.ends = append(p.ends, int32(len(p.tokens)))
	}
	return p
}

func (p *planted) Open(_ context.Context, _ int, skip int64) (gpu.Sentences, error) {
	s := &plantedEpoch{planted: p}
	for skip > 0 && s.at < len(p.ends) && int64(p.ends[s.at]) <= skip {
		s.at++
	}
	return s, nil
}

type plantedEpoch struct {
	*planted
	at int
}

// Next hands over a hundred sentences.
func (s *plantedEpoch) Next(context.Context) (tokens, ends []int32, err error) {
	if s.at == len(s.ends) {
		return nil, nil, io.EOF
	}
	to := min(s.at+100, len(s.ends))
	first := int32(0)
	if s.at > 0 {
		first = s.ends[s.at-1]
	}
	for _, e := range s.ends[s.at:to] {
		ends = append(ends, e-first)
	}
	tokens = s.tokens[first:s.ends[to-1]]
	s.at = to
	return tokens, ends, nil
}

func (*plantedEpoch) Close() error { return nil }

func (p *planted) settings(dim int) gpu.SkipGram {
	return gpu.SkipGram{
		Dim: dim, Window: 5, Negative: 5, Epochs: 5, Sample: 0, Alpha: 0.05, MinAlpha: 0.0001, Seed: 1,
		Counts: p.counts, Tokens: int64(len(p.tokens)), Sentences: int64(len(p.ends)), Concurrency: 16, SlotTokens: 20_000,
	}
}

func startWeights(words, dim int) gpu.Weights {
	random := rand.New(rand.NewPCG(7, 7))
	w := gpu.Weights{In: make([]float32, words*dim), Out: make([]float32, words*dim)}
	for i := range w.In {
		w.In[i] = (random.Float32() - 0.5) / float32(dim)
	}
	return w
}

// purity is the share of words whose nearest other word is of the same group.
func purity(w gpu.Weights, dim int) float64 {
	words := len(w.In) / dim
	right := 0
	for a := range words {
		best, at := math.Inf(-1), -1
		for b := range words {
			if s := cosine(w.In[a*dim:][:dim], w.In[b*dim:][:dim]); a != b && s > best {
				best, at = s, b
			}
		}
		if at >= 0 && at%groups == a%groups {
			right++
		}
	}
	return float64(right) / float64(words)
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return ab / math.Sqrt(aa*bb)
}

func TestTrainingFindsPlantedGroups(t *testing.T) {
	c := helperConfig(t)
	for _, tt := range []struct {
		name string
		dim  int
		env  map[string]string
		set  func(*gpu.SkipGram)
	}{
		{name: "one device", dim: 24, set: func(*gpu.SkipGram) {}},
		{name: "stale reads", dim: 24, env: map[string]string{"SPURWHEEL_FAKE_STALE": "1"}, set: func(*gpu.SkipGram) {}},
		{name: "two quads, ten negatives", dim: 200, set: func(s *gpu.SkipGram) { s.Negative, s.Epochs = 10, 3 }},
		{name: "three devices", dim: 24, env: map[string]string{"SPURWHEEL_FAKE_DEVICES": "3"}, set: func(*gpu.SkipGram) {}},
		{name: "a corpus larger than the device", dim: 24, env: map[string]string{"SPURWHEEL_FAKE_MEMORY": "400000"}, set: func(s *gpu.SkipGram) { s.SlotTokens = 5000 }},
		{name: "older device", dim: 24, env: map[string]string{"SPURWHEEL_FAKE_CAPABILITY": "7.0"}, set: func(*gpu.SkipGram) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			p := plant(4000, 3)
			s := p.settings(tt.dim)
			tt.set(&s)
			h := start(t, c)
			w := startWeights(len(p.counts), tt.dim)
			var last gpu.Progress
			at, err := h.TrainSkipGram(t.Context(), s, p, w, gpu.Position{}, func(p gpu.Progress) { last = p })
			require.NoError(t, err)
			require.Equal(t, gpu.Position{Epoch: s.Epochs}, at)
			require.Equal(t, at, last.Position)
			require.Equal(t, s.Tokens*int64(s.Epochs), last.Words)
			require.Equal(t, last.Words, last.Trained, "nothing is sub-sampled")
			require.Greater(t, purity(w, tt.dim), 0.97)
			require.Equal(t, tt.env["SPURWHEEL_FAKE_MEMORY"] == "", last.Plan.Resident, "the corpus stays on the device if it fits")
			t.Logf("%+v", last)
		})
	}
}

func TestHelperIsFreeAfterTraining(t *testing.T) {
	h := start(t, helperConfig(t))
	free := h.Devices()[0].Free
	p := plant(500, 3)
	_, err := h.TrainSkipGram(t.Context(), p.settings(16), p, startWeights(len(p.counts), 16), gpu.Position{}, nil)
	require.NoError(t, err)
	devices, err := h.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, free, devices[0].Free, "device memory after a training")
}

func TestCancelledTrainingGoesOn(t *testing.T) {
	h := start(t, helperConfig(t))
	p := plant(3000, 3)
	s := p.settings(24)
	s.SlotTokens = 5000
	w := startWeights(len(p.counts), 24)
	ctx, cancel := context.WithCancel(t.Context())
	at, err := h.TrainSkipGram(ctx, s, p, w, gpu.Position{}, func(p gpu.Progress) {
		if p.Epoch == 1 && p.Words > 0 {
			cancel()
		}
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, at.Epoch)
	require.Positive(t, at.Words)
	at, err = h.TrainSkipGram(t.Context(), s, p, w, at, nil)
	require.NoError(t, err)
	require.Equal(t, s.Epochs, at.Epoch)
	require.Greater(t, purity(w, 24), 0.97)
}

func TestFaults(t *testing.T) {
	c := helperConfig(t)
	for _, tt := range []struct {
		name string
		env  map[string]string
		kind errs.Kind
		// alive tells whether the same helper must train afterwards
		alive bool
	}{
		{"no memory", map[string]string{"SPURWHEEL_FAKE_MEMORY": "100000"}, errs.Exhausted, false},
		{"memory runs out once", map[string]string{"SPURWHEEL_FAKE_FAIL": "cuMemAlloc_v2:5:2"}, errs.Exhausted, true},
		{"a lost device", map[string]string{"SPURWHEEL_FAKE_FAIL": "cuEventSynchronize:2:700:sticky"}, errs.Lost, false},
		{"a launch fails", map[string]string{"SPURWHEEL_FAKE_FAIL": "cuLaunchKernel:2:1"}, errs.Internal, true},
		{"PTX is refused", map[string]string{"SPURWHEEL_FAKE_FAIL": "cuModuleLoadDataEx:1:222"}, errs.NotSupported, true},
		{"an old device", map[string]string{"SPURWHEEL_FAKE_CAPABILITY": "6.1"}, errs.NotSupported, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			p := plant(2000, 3)
			w := startWeights(len(p.counts), 16)
			h := start(t, c)
			_, err := h.TrainSkipGram(t.Context(), p.settings(16), p, w, gpu.Position{}, nil)
			require.Error(t, err)
			require.Equal(t, tt.kind, errs.KindOf(err), "%v", err)
			t.Log(err)
			if tt.alive {
				_, err = h.TrainSkipGram(t.Context(), p.settings(16), p, w, gpu.Position{}, nil)
				require.NoError(t, err)
			}
		})
	}
}

func TestStartWithoutDriverOrDevice(t *testing.T) {
	c := helperConfig(t)
	t.Run("no driver", func(t *testing.T) {
		_, err := gpu.Start(t.Context(), gpu.Config{Helper: c.Helper, Driver: "/nonexistent/libcuda.so.1"})
		require.Equal(t, errs.NotSupported, errs.KindOf(err), "%v", err)
	})
	t.Run("no device", func(t *testing.T) {
		t.Setenv("SPURWHEEL_FAKE_DEVICES", "0")
		_, err := gpu.Start(t.Context(), c)
		require.Equal(t, errs.NotSupported, errs.KindOf(err), "%v", err)
	})
	t.Run("no helper", func(t *testing.T) {
		_, err := gpu.Start(t.Context(), gpu.Config{Helper: "/nonexistent/spurwheel-gpu"})
		require.Equal(t, errs.NotSupported, errs.KindOf(err), "%v", err)
	})
}

func TestKilledHelper(t *testing.T) {
	c := helperConfig(t)
	p := plant(3000, 3)
	s := p.settings(16)
	s.Epochs = 1000
	h := start(t, c)
	pid := h.Process()
	_, err := h.TrainSkipGram(t.Context(), s, p, startWeights(len(p.counts), 16), gpu.Position{}, func(at gpu.Progress) {
		if at.Epoch == 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	require.Equal(t, errs.Unavailable, errs.KindOf(err), "%v", err)
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH, "no zombie")

	again := start(t, c)
	s.Epochs = 5
	w := startWeights(len(p.counts), 16)
	_, err = again.TrainSkipGram(t.Context(), s, p, w, gpu.Position{}, nil)
	require.NoError(t, err)
	require.Greater(t, purity(w, 16), 0.97)
}

// A device that hangs does not hold its user: after a cancel and some patience the helper is killed.
func TestStuckHelperIsKilledAfterCancel(t *testing.T) {
	c := helperConfig(t)
	c.Patience = 50 * time.Millisecond
	p := plant(3000, 3)
	s := p.settings(16)
	s.Epochs = 1000
	h := start(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := h.TrainSkipGram(ctx, s, p, startWeights(len(p.counts), 16), gpu.Position{}, func(gpu.Progress) {
		_ = syscall.Kill(h.Process(), syscall.SIGSTOP)
		cancel()
	})
	require.Equal(t, errs.Unavailable, errs.KindOf(err), "%v", err)
	require.ErrorIs(t, syscall.Kill(h.Process(), 0), syscall.ESRCH, "no zombie")
}

func TestHelperEndsWithItsParent(t *testing.T) {
	c := helperConfig(t)
	h, err := gpu.Start(t.Context(), c)
	require.NoError(t, err)
	pid := h.Process()
	began := time.Now()
	h.Close()
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
	require.Less(t, time.Since(began), 4*time.Second, "it ended by itself")
}

func TestBadCorpus(t *testing.T) {
	h := start(t, helperConfig(t))
	p := plant(200, 3)
	p.tokens[17] = int32(len(p.counts))
	_, err := h.TrainSkipGram(t.Context(), p.settings(16), p, startWeights(len(p.counts), 16), gpu.Position{}, nil)
	require.Equal(t, errs.Invalid, errs.KindOf(err), "%v", err)

	p = plant(200, 3)
	failing := errors.New("the disk is gone")
	_, err = h.TrainSkipGram(t.Context(), p.settings(16), failingCorpus{failing}, startWeights(len(p.counts), 16), gpu.Position{}, nil)
	require.ErrorIs(t, err, failing)
	_, err = h.TrainSkipGram(t.Context(), p.settings(16), p, startWeights(len(p.counts), 16), gpu.Position{}, nil)
	require.NoError(t, err)
}

type failingCorpus struct{ err error }

func (f failingCorpus) Open(context.Context, int, int64) (gpu.Sentences, error) { return nil, f.err }
