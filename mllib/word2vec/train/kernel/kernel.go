// Package kernel is the arithmetic of word2vec: scalar products of one row with six others, their gradients, and the updates.
// It holds the only unsynchronised accesses to memory shared by threads (Hogwild): the rows of the weights are read and written
// without locks or atomics, an update of another thread may be lost, and training bears that by design. In builds with the race
// detector every kernel is the portable one and takes a lock; see Guard. It knows no words, no sentences and no options.
package kernel

import (
	"strconv"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
)

const (
	// Lanes is how many rows a Pair or Window scores at a time: one positive and five negative examples, the default of every
	// word2vec. Six accumulators hide the latency of a fused multiply-add, and the tables below still fit the registers.
	Lanes = 6
	// Align is the granularity of a row in components: one 512-bit register, one cache line.
	Align = 16
	// maxDot is where a prediction counts as learnt: beyond it the pair is skipped, as in gensim.
	maxDot = 6
)

// Set is one implementation of the kernels. All work on rows of stride components, a multiple of Align.
type Set struct {
	Guard
	Name string
	// Pair scores and updates six output rows against one input row.
	Pair func(p *Pair)
	// Double is two pairs of one centre word.
	Double func(d *Double)
	// Draw draws the negative rows of a set.
	Draw func(d *Draw, set *[8]int64)
	// Window does the same for all input rows of one window at once, from the state before it.
	Window func(w *Window)
	// Sum writes the sum of the n rows at base+offsets, times scale, to dst.
	Sum func(dst, base *float32, offsets *int64, n, stride int, scale float32)
	// Add adds src to the n rows at base+offsets, one after the other.
	Add func(base *float32, offsets *int64, n int, src *float32, stride int)
	// Widen writes the n bfloat16 rows at base+offsets to consecutive float32 rows.
	Widen func(dst *float32, base *uint16, offsets *int64, n, stride int)
	// Narrow is the way back, rounded at random in proportion, so that the small updates of a late training are not lost:
	// noise is 16 generators that it advances.
	Narrow func(base *uint16, offsets *int64, n int, src *float32, stride int, noise *[16]uint32)
	// Prefetch asks for n rows of bytes bytes each, at base plus offsets of size bytes each.
	Prefetch func(base *byte, offsets *int64, n int, size, bytes int)
}

// Best returns the fastest set that this machine runs.
func Best() *Set { return sets()[0] }

// For returns the set called name; "" is the best.
func For(name string) (*Set, error) {
	if name == "" {
		return Best(), nil
	}
	for _, s := range sets() {
		if s.Name == name {
			return s, nil
		}
	}
	return nil, errs.Errorf(errs.Invalid, "kernel.For", "no kernel %s on this machine; it has: %s", strconv.Quote(name), names())
}

func names() string {
	var all []string
	for _, s := range sets() {
		all = append(all, s.Name)
	}
	return strings.Join(all, ", ")
}

// Sets returns what this machine runs, the fastest first.
func Sets() []*Set { return sets() }

func portable() *Set {
	return &Set{
		Name: "portable", Pair: pairPortable, Double: doubleOf(pairPortable, prefetchNothing), Draw: drawPortable,
		Window: windowPortable, Sum: sumPortable, Add: addPortable,
		Widen: widenPortable, Narrow: narrowPortable, Prefetch: prefetchNothing,
	}
}
