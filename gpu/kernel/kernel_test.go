package kernel_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/gpu/kernel"
	"github.com/spurwheel/spurwheel/gpu/kernel/interp"
	"github.com/spurwheel/spurwheel/gpu/kernel/reference"
	"github.com/spurwheel/spurwheel/gpu/table"
)

var images = []struct{ major, minor int }{{7, 0}, {9, 0}}

func TestImageOfEveryDevice(t *testing.T) {
	for _, tt := range []struct {
		major, minor int
		name         string
	}{{7, 0, "sm_70"}, {8, 6, "sm_70"}, {9, 0, "sm_90"}, {10, 0, "sm_90"}, {6, 1, ""}} {
		name, ptx, err := kernel.Image(tt.major, tt.minor)
		require.Equal(t, tt.name == "", err != nil)
		require.Equal(t, tt.name, name)
		require.Equal(t, err == nil, strings.Contains(ptx, ".target "+name))
	}
}

// encode is an argument as the driver copies it.
func encode(t *testing.T, args any) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, binary.Write(&b, binary.LittleEndian, args))
	return b.Bytes()
}

// The embedded PTX itself trains a few sentences as plain loops do, on one warp.
func TestEmbeddedTrainingAgainstPlainLoops(t *testing.T) {
	for _, image := range images {
		for _, tt := range []struct{ dim, window, negative, parts int }{{40, 3, 5, 1}, {128, 2, 7, 2}, {300, 1, 2, 1}, {400, 2, 5, 1}} {
			t.Run(fmt.Sprintf("sm_%d%d %+v", image.major, image.minor, tt), func(t *testing.T) {
				checkTraining(t, image.major, image.minor, tt.dim, tt.window, tt.negative, tt.parts)
			})
		}
	}
}

func checkTraining(t *testing.T, major, minor, dim, window, negative, parts int) {
	name, ptx, err := kernel.Image(major, minor)
	require.NoError(t, err)
	quads := kernel.Quads(dim)
	k, err := interp.Parse(ptx, kernel.SkipGram(quads))
	require.NoError(t, err, name)

	const words = 30
	random := rand.New(rand.NewPCG(1, 2))
	counts, tokens, ends := make([]uint64, words), []uint32(nil), []uint32(nil)
	for range 2 {
		for range 5 + random.IntN(20) {
			w := uint32(random.IntN(words))
			counts[w]++
			tokens = append(tokens, w)
		}
		ends = append(ends, uint32(len(tokens)))
	}
	half := words / parts
	r := reference.Train{
		Dim: dim, Window: window, Negative: negative, Group: kernel.Group(quads), Alpha: 0.1, MinAlpha: 0.01, PerWord: 0.001, Seen: 100,
		KeySample: 5, KeyDraw: 6, Keep: table.Keep(counts, 0.01), In: rows(random, words, dim), Out: rows(random, words, dim),
		ContextTo: half, TargetFrom: words - half, TargetTo: words,
	}
	r.Aliases = table.Aliases(counts[r.TargetFrom:])
	r.CapIn, r.CapOut = table.Caps(counts, table.Training{Window: window, Negative: negative, Sample: 0.01, Concurrency: 2, Cap: 0.3})

	m := interp.NewMemory(0)
	in, out := interp.Alloc(m, spread(r.In, dim, quads)...), interp.Alloc(m, spread(r.Out, dim, quads)...)
	next, seen, trained := interp.Alloc(m, uint32(0)), interp.Alloc(m, uint64(r.Seen)), interp.Alloc(m, uint64(0))
	loss := interp.Alloc(m, float32(0), 0)
	shared := kernel.SkipGramShared(quads, window)
	args := kernel.SkipGramArgs{
		Tokens: interp.Alloc(m, tokens...), Ends: interp.Alloc(m, ends...), In: in, Out: out, Keep: interp.Alloc(m, r.Keep...),
		Aliases: interp.Alloc(m, r.Aliases...), CapIn: interp.Alloc(m, r.CapIn...), CapOut: interp.Alloc(m, r.CapOut...),
		NextSentence: next, WordsSeen: seen, WordsTrained: trained, Loss: loss, Sentences: uint32(len(ends)), FirstSentence: 77,
		Window: uint32(window), Negative: uint32(negative), KeySample: r.KeySample, KeyDraw: r.KeyDraw, Alpha: float32(r.Alpha),
		MinAlpha: float32(r.MinAlpha), PerWord: float32(r.PerWord), ContextTo: uint32(r.ContextTo),
		TargetFrom: uint32(r.TargetFrom), TargetTo: uint32(r.TargetTo), SharedFloats: uint32(shared),
	}
	require.NoError(t, k.Run(&interp.Launch{Blocks: 1, Threads: kernel.WarpLanes, SharedBytes: 4 * shared, Param: encode(t, args), Global: m}))

	r.Sentences(tokens, ends, 77)
	gotIn, gotOut, gotTrained := make([]float32, words*quads*kernel.QuadFloats), make([]float32, words*quads*kernel.QuadFloats), make([]uint64, 1)
	require.NoError(t, interp.Read(m, in, gotIn))
	require.NoError(t, interp.Read(m, out, gotOut))
	require.NoError(t, interp.Read(m, trained, gotTrained))
	require.EqualValues(t, r.Trained, gotTrained[0])
	require.Less(t, r.Trained, int64(len(tokens)), "some words are sub-sampled")
	require.Less(t, furthest(spread(r.In, dim, quads), gotIn), 1e-6, "input rows")
	require.Less(t, furthest(spread(r.Out, dim, quads), gotOut), 1e-6, "output rows")
}

func rows(random *rand.Rand, n, dim int) []float32 {
	out := make([]float32, n*dim)
	for i := range out {
		out[i] = (random.Float32() - 0.5) / 4
	}
	return out
}

// spread pads rows to whole quads.
func spread(m []float32, dim, quads int) []float32 {
	out := make([]float32, len(m)/dim*quads*kernel.QuadFloats)
	for i := range len(m) / dim {
		copy(out[i*quads*kernel.QuadFloats:], m[i*dim:][:dim])
	}
	return out
}

func furthest(a, b []float32) float64 {
	most := 0.0
	for i := range a {
		if d := math.Abs(float64(a[i] - b[i])); d > most || math.IsNaN(d) {
			most = d
		}
	}
	return most
}

func TestEmbeddedScoresAgainstPlainLoops(t *testing.T) {
	const queries, columns, depth, top = 40, 70, 64, 5
	for _, image := range images {
		t.Run(fmt.Sprintf("sm_%d%d", image.major, image.minor), func(t *testing.T) {
			name, ptx, err := kernel.Image(image.major, image.minor)
			require.NoError(t, err)
			random := rand.New(rand.NewPCG(3, 4))
			a, b, term := rows(random, 64, depth), rows(random, 96, depth), rows(random, columns, 1)
			m := interp.NewMemory(0)
			scores := interp.Alloc(m, make([]float32, queries*columns)...)
			best, ids := interp.Alloc(m, make([]float32, queries*top)...), interp.Alloc(m, make([]uint32, queries*top)...)
			product := kernel.ScoresArgs{
				A: interp.Alloc(m, a...), B: interp.Alloc(m, b...), Term: interp.Alloc(m, term...), C: scores,
				Rows: queries, Columns: columns, Depth: depth, Stride: columns, Factor: 2, SharedFloats: kernel.ScoresShared,
			}
			keep := kernel.BestArgs{
				Scores: scores, Best: best, IDs: ids, Rows: queries, Columns: columns, Stride: columns, FirstID: 1000, Top: top, Fresh: 1, SharedFloats: 2 * top,
			}
			runKernel(t, ptx, kernel.Scores(name), encode(t, product), 4*kernel.ScoresShared, m)
			runKernel(t, ptx, kernel.BestScores, encode(t, keep), 8*top, m)
			got, kept, keptIDs := make([]float32, queries*columns), make([]float32, queries*top), make([]uint32, queries*top)
			require.NoError(t, interp.Read(m, scores, got))
			require.NoError(t, interp.Read(m, best, kept))
			require.NoError(t, interp.Read(m, ids, keptIDs))
			for q := range queries {
				for c := range columns {
					want := float64(term[c])
					for i := range depth {
						want += 2 * float64(a[q*depth+i]) * float64(b[c*depth+i])
					}
					require.InDelta(t, want, got[q*columns+c], 1e-6)
				}
				order := slices.Clone(got[q*columns:][:columns])
				slices.SortFunc(order, func(a, b float32) int { return int(math.Copysign(1, float64(b-a))) })
				mine := slices.Clone(kept[q*top:][:top])
				for i, id := range keptIDs[q*top:][:top] {
					require.InDelta(t, got[q*columns+int(id)-1000], mine[i], 0)
				}
				slices.Sort(mine)
				slices.Reverse(mine)
				require.Equal(t, order[:top], mine)
			}
		})
	}
}

func runKernel(t *testing.T, ptx, name string, param []byte, sharedBytes int, m *interp.Memory) {
	t.Helper()
	k, err := interp.Parse(ptx, name)
	require.NoError(t, err)
	const warps = 2
	require.NoError(t, k.Run(&interp.Launch{Blocks: 2, Threads: warps * kernel.WarpLanes, SharedBytes: warps * sharedBytes, Param: param, Global: m}))
}
