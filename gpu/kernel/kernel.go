// Package kernel holds the device code: CUDA C++ sources beside this file, the PTX that clang made of them, and the layout of
// their arguments. It knows no driver; `make ptx` rebuilds the PTX and `make check-ptx` proves that it is current.
package kernel

import (
	_ "embed"
	"fmt"
)

//go:embed ptx/sm_70.ptx
var sm70 string

//go:embed ptx/sm_90.ptx
var sm90 string

// minMajor is Volta: the first devices whose lanes can be synchronised by name.
const minMajor = 7

// QuadFloats is what the lanes of a warp hold at four floats each; rows of weights are padded to whole quads.
const QuadFloats = 128

// WarpLanes is the number of threads that run as one.
const WarpLanes = 32

// Image returns the embedded code for a compute capability and its name.
func Image(major, minor int) (name, ptx string, err error) {
	switch {
	case major < minMajor:
		return "", "", fmt.Errorf("compute capability %d.%d is below %d.0", major, minor, minMajor)
	case major >= 9:
		return "sm_90", sm90, nil
	default:
		return "sm_70", sm70, nil
	}
}

// Quads is the number of quads in a row of dim components.
func Quads(dim int) int { return (dim + QuadFloats - 1) / QuadFloats }

// SkipGram is the name of the training kernel for rows of so many quads.
func SkipGram(quads int) string { return fmt.Sprintf("skipgram_q%d", quads) }

// Group is the number of output rows that the training kernel holds at a time.
func Group(quads int) int {
	if quads > 3 {
		return 4
	}
	return 6
}

// SkipGramArgs is struct SkipGramArgs of skipgram.cu. Pointers are addresses on the device.
type SkipGramArgs struct {
	Tokens, Ends             uint64
	In, Out                  uint64
	Keep, Aliases            uint64
	CapIn, CapOut            uint64
	NextSentence             uint64
	WordsSeen, WordsTrained  uint64
	Loss                     uint64
	Sentences, FirstSentence uint32
	Window, Negative         uint32
	KeySample, KeyDraw       uint32
	Alpha, MinAlpha, PerWord float32
	ContextFrom, ContextTo   uint32
	TargetFrom, TargetTo     uint32
	SharedFloats             uint32
}

// queueWords is the number of words that a warp of the training kernel sub-samples at a time.
const queueWords = WarpLanes

// SkipGramShared is the shared memory of one warp of the training kernel, in floats, a multiple of a quad's alignment.
func SkipGramShared(quads, window int) int {
	slots := 2*window + 1
	floats := slots*2*quads*QuadFloats + slots + queueWords
	return (floats + 3) / 4 * 4
}

// Scores is the name of the matrix product in the code of an image: with tensor cores where they take floats.
func Scores(image string) string {
	if image == "sm_90" {
		return "scores_mma"
	}
	return "scores_fma"
}

// BestScores is the name of the kernel that keeps the best scores of each row.
const BestScores = "best_scores"

// Tile is the number of rows, columns and depth that a matrix is padded to.
const Tile = 32

// ScoresShared is the shared memory of a warp of the matrix product, in floats: two tiles with padded rows.
const ScoresShared = 2 * Tile * 36

// ScoresArgs is struct ScoresArgs of scores.cu.
type ScoresArgs struct {
	A, B, Term, C        uint64
	Rows, Columns, Depth uint32
	Stride               uint32
	Factor               float32
	SharedFloats         uint32
}

// BestArgs is struct BestArgs of scores.cu.
type BestArgs struct {
	Scores, Best, IDs     uint64
	Rows, Columns, Stride uint32
	FirstID, Top, Fresh   uint32
	SharedFloats          uint32
	_                     uint32
}

// AddRows is the name of the kernel that measures additions to rows.
const AddRows = "add_rows"

// ReduceArgs is struct ReduceArgs of scores.cu.
type ReduceArgs struct {
	Rows, Aliases         uint64
	Words, Quads, PerWarp uint32
	SharedFloats          uint32
}
