package train

import (
	"math"
	"unsafe"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/mllib/word2vec/train/kernel"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// Weights is the state of a training: one input row per word (its vector) and one output row per word (negative sampling) or
// per inner node of the Huffman tree (hierarchical softmax). A row takes Stride components, of which the first Dim count and
// the others are zero. In and Out are all rows, unless In16/Out16 (bfloat16) are there: then these are, and In and Out are the
// head, the rows that are kept in float32. The rows lie outside of Go's heap: Close gives them back, and nothing may use the
// slices after it.
type Weights struct {
	Words, OutRows int
	Dim, Stride    int
	In, Out        []float32
	In16, Out16    []uint16

	set    *kernel.Set
	memory *mem.Budget
	booked int64
	blocks [4][]byte
	// inHead and outHead are the rows of the head, in bfloat16 weights.
	inHead, outHead span
}

// New checks cfg and makes the weights of an untrained model: input rows drawn evenly from ±1/dim with the seed, as gensim does
// (Spark's numbers with SparkOrder), output rows zero.
func New(cfg Config, v *vocab.Vocabulary) (*Weights, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if err := checkVocabulary(v); err != nil {
		return nil, err
	}
	set, err := kernel.For(cfg.Kernel)
	if err != nil {
		return nil, badOption("kernel", cfg.Kernel, "%v", err)
	}
	w := &Weights{
		Words: v.Len(), OutRows: v.Len(), Dim: cfg.Dim,
		Stride: (cfg.Dim + kernel.Align - 1) / kernel.Align * kernel.Align,
		set:    set, memory: cfg.Memory,
	}
	if cfg.Output == HierarchicalSoftmax {
		w.OutRows--
	}
	if cfg.Storage == BFloat16 {
		w.inHead, w.outHead = headOf(w.Words, w.Stride, false), headOf(w.OutRows, w.Stride, cfg.Output == HierarchicalSoftmax)
	}
	if err := w.allocate(cfg.Storage); err != nil {
		return nil, err
	}
	if cfg.SparkOrder {
		w.initSpark(int64(cfg.Seed))
	} else {
		w.initUniform(cfg.Seed)
	}
	return w, nil
}

// Bytes is the size of the rows.
func (w *Weights) Bytes() int64 {
	size := int64(unsafe.Sizeof(float32(0)))
	if w.In16 != nil {
		size = int64(unsafe.Sizeof(uint16(0)))
	}
	head := (w.inHead.size + w.outHead.size) * int64(unsafe.Sizeof(float32(0)))
	return (int64(w.Words)+int64(w.OutRows))*int64(w.Stride)*size + head
}

// Close gives the memory back. A second call does nothing.
func (w *Weights) Close() error {
	blocks := w.blocks
	w.blocks, w.In, w.Out, w.In16, w.Out16 = [4][]byte{}, nil, nil, nil, nil
	if w.memory != nil {
		w.memory.Shrink(w.booked)
	}
	w.booked = 0
	var failed error
	for _, b := range blocks {
		if err := unmapRows(b); err != nil {
			failed = errs.E(errs.Internal, "train.Close", err)
		}
	}
	return failed
}

func (w *Weights) allocate(s Storage) error {
	const wide, narrow = int64(unsafe.Sizeof(float32(0))), int64(unsafe.Sizeof(uint16(0)))
	in, out := int64(w.Words)*int64(w.Stride), int64(w.OutRows)*int64(w.Stride)
	sizes := [len(w.blocks)]int64{in * wide, out * wide}
	if s == BFloat16 {
		sizes = [len(w.blocks)]int64{w.inHead.size * wide, w.outHead.size * wide, in * narrow, out * narrow}
	}
	if w.memory != nil {
		if err := w.memory.Grow(w.Bytes()); err != nil {
			return errs.E(errs.Exhausted, "train.New", err)
		}
		w.booked = w.Bytes()
	}
	for i, n := range sizes {
		if n == 0 {
			continue
		}
		b, err := mapRows(n)
		if err != nil {
			_ = w.Close()
			return errs.Errorf(errs.Exhausted, "train.New", "%d bytes for %d words of %d components: %w", w.Bytes(), w.Words, w.Dim, err)
		}
		w.blocks[i] = b
	}
	w.In, w.Out = cast[float32](w.blocks[0]), cast[float32](w.blocks[1])
	if s == BFloat16 {
		w.In16, w.Out16 = cast[uint16](w.blocks[2]), cast[uint16](w.blocks[3])
	}
	return nil
}

func cast[T any](b []byte) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(*new(T))))
}

// initUniform gives every row its own generator, so that a row does not depend on the number of words before it.
func (w *Weights) initUniform(seed uint64) {
	in, _ := w.halves()
	for id := range w.Words {
		r := seeded(seed, uint64(id))
		for i := range w.Dim {
			x := (float32(r.next()>>40)*(2.0/(1<<24)) - 1) / float32(w.Dim)
			if w.In16 != nil {
				in.put(int64(id*w.Stride+i), x)
			} else {
				w.In[id*w.Stride+i] = x
			}
		}
	}
}

// Row copies the vector of word id into dst, which holds Dim components.
func (w *Weights) Row(id int, dst []float32) {
	if w.set != nil {
		w.set.Lock()
		defer w.set.Unlock()
	}
	if w.In16 != nil {
		in, _ := w.halves()
		in.row(int64(id*w.Stride), dst[:w.Dim])
		return
	}
	copy(dst[:w.Dim], w.In[id*w.Stride:])
}

// checkFor tells whether the weights are of the shape that training cfg on v needs.
func (w *Weights) checkFor(cfg Config, v *vocab.Vocabulary) error {
	outRows := v.Len()
	if cfg.Output == HierarchicalSoftmax {
		outRows--
	}
	rows := func(n int) int { return n * w.Stride }
	have := len(w.In) == rows(w.Words) && len(w.Out) == rows(w.OutRows)
	if cfg.Storage == BFloat16 {
		have = len(w.In16) == rows(w.Words) && len(w.Out16) == rows(w.OutRows) &&
			int64(len(w.In)) == w.inHead.size && int64(len(w.Out)) == w.outHead.size
	}
	if !have || w.Words != v.Len() || w.OutRows != outRows || w.Dim != cfg.Dim || w.Stride%kernel.Align != 0 {
		return errs.Errorf(errs.Invalid, "train.Train", "the weights (%d words of %d components) are not those of this training (%d words of %d)",
			w.Words, w.Dim, v.Len(), cfg.Dim)
	}
	return nil
}

// diverged is a component that no training which learns comes near: vectors of text are of length 1 to 10. Where predictions
// beyond maxDot take no step, a training that fails stays at such numbers instead of going on to infinity.
const diverged = 1e6

// sound tells whether no row holds a NaN or a component without measure, on a sample of them. Output rows are looked at too: where
// they jump out of reach at once, no vector moves at all.
func (w *Weights) sound() bool {
	return soundRows(w.In, w.Stride, keep) && soundRows(w.Out, w.Stride, keep) &&
		soundRows(w.In16, w.Stride, widen) && soundRows(w.Out16, w.Stride, widen)
}

func keep(x float32) float32 { return x }

// sampledRows is about how many rows are looked at.
const sampledRows = 1000

func soundRows[T any](rows []T, stride int, value func(T) float32) bool {
	every := (1 + len(rows)/stride/sampledRows) * stride
	for at := 0; at < len(rows); at += every {
		for _, x := range rows[at : at+stride] {
			if !(math.Abs(float64(value(x))) < diverged) {
				return false
			}
		}
	}
	return true
}
