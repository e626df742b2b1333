package shuffle

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/klauspost/compress/s2"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
)

// output is one task's rows by partition. While the task runs its threads
// append; afterwards it does not change.
type output struct {
	dir    string
	budget *mem.Budget
	parts  []part
	open   []pending

	// of the store, under its lock
	readers   int
	discarded bool

	mu struct {
		sync.Mutex
		held int64 // booked bytes
		file *os.File
		end  int64
	}
}

// part is a finished partition.
type part struct {
	blocks      []block
	rows, bytes int64
}

// block is an encoded batch: in memory as it is, or compressed in the file.
type block struct {
	mem  []byte
	off  int64
	size int
}

func newOutput(cfg Config, parts int) *output {
	return &output{dir: cfg.Dir, budget: cfg.Budget, parts: make([]part, parts), open: make([]pending, parts)}
}

// Write implements exec.Output.
func (o *output) Write(_ context.Context, p int, b *batch.Batch) error {
	if p < 0 || p >= len(o.open) {
		return errs.Errorf(errs.Internal, "shuffle.Write", "partition %d of %d", p, len(o.open))
	}
	w := &o.open[p]
	w.Lock()
	defer w.Unlock()
	for from := 0; from < b.N; {
		if w.rows == nil {
			w.rows = like(b)
		}
		n := min(b.N-from, blockRows-w.rows.N)
		w.rows.AppendCopy(b, from, n)
		from += n
		if w.rows.N == blockRows || w.rows.N&511 == 0 && w.rows.Bytes() >= blockBytes {
			if err := o.flush(p, w); err != nil {
				return err
			}
		}
	}
	return nil
}

func like(b *batch.Batch) *batch.Batch {
	c := &batch.Batch{Cols: make([]*batch.Vector, len(b.Cols))}
	for i, v := range b.Cols {
		c.Cols[i] = batch.New(v.Type, 0)
	}
	return c
}

// flush turns pending rows into a block. The partition is locked by the caller.
func (o *output) flush(p int, w *pending) error {
	if w.rows == nil || w.rows.N == 0 {
		return nil
	}
	raw, err := batch.AppendBlock(nil, w.rows)
	if err != nil {
		return err
	}
	b, err := o.keep(raw)
	if err != nil {
		return err
	}
	at := &o.parts[p]
	at.blocks, at.rows, at.bytes = append(at.blocks, b), at.rows+int64(w.rows.N), at.bytes+int64(len(raw))
	w.rows.Reset(0)
	return nil
}

// keep stores a block in memory, or in the file when the budget is used up.
func (o *output) keep(raw []byte) (block, error) {
	err := o.budget.Grow(int64(len(raw)))
	if err == nil {
		o.mu.Lock()
		o.mu.held += int64(len(raw))
		o.mu.Unlock()
		return block{mem: raw, size: len(raw)}, nil
	}
	if !errs.Is(err, errs.Exhausted) || o.dir == "" {
		return block{}, err
	}
	return o.toFile(s2.Encode(nil, raw))
}

// toFile reserves a place under the lock and writes outside it.
func (o *output) toFile(data []byte) (block, error) {
	f, off, err := o.reserve(int64(len(data)))
	if err != nil {
		return block{}, err
	}
	if _, err := f.WriteAt(data, off); err != nil {
		return block{}, errs.E(errs.Unavailable, "shuffle.Write", err)
	}
	return block{off: off, size: len(data)}, nil
}

// reserve makes the file at the first call. It loses its name at once, so that
// nothing is left when the process dies.
func (o *output) reserve(n int64) (*os.File, int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.mu.file == nil {
		f, err := os.CreateTemp(o.dir, "shuffle-*")
		if err != nil {
			return nil, 0, errs.E(errs.Unavailable, "shuffle.Write", err)
		}
		o.mu.file = f
		if err := os.Remove(f.Name()); err != nil {
			return nil, 0, errs.E(errs.Unavailable, "shuffle.Write", err)
		}
	}
	off := o.mu.end
	o.mu.end += n
	return o.mu.file, off, nil
}

// finish flushes all partitions.
func (o *output) finish() error {
	for p := range o.open {
		if err := o.flush(p, &o.open[p]); err != nil {
			return err
		}
	}
	o.open = nil
	return nil
}

// encoded is a block's bytes and whether they are compressed.
func (o *output) encoded(b block) (data []byte, packed bool, err error) {
	if b.mem != nil {
		return b.mem, false, nil
	}
	data = make([]byte, b.size)
	if _, err := o.mu.file.ReadAt(data, b.off); err != nil {
		if errors.Is(err, io.EOF) { // not the end of the rows
			err = io.ErrUnexpectedEOF
		}
		return nil, false, errs.E(errs.Lost, "shuffle.Read", err)
	}
	return data, true, nil
}

// drop frees memory and disk.
func (o *output) drop() error {
	o.mu.Lock()
	held, f := o.mu.held, o.mu.file
	o.mu.held, o.mu.file = 0, nil
	o.mu.Unlock()
	o.budget.Shrink(held)
	o.parts = nil
	if f != nil {
		return errs.E(errs.Unavailable, "shuffle.drop", f.Close())
	}
	return nil
}

// unpack decompresses a block from a file or a peer. Damage is errs.Lost: the
// rows exist nowhere else, and the task that made them must run again.
func unpack(data []byte, packed bool) ([]byte, error) {
	if !packed {
		return data, nil
	}
	n, err := s2.DecodedLen(data)
	if err == nil && n > maxFrame {
		err = errTooLarge
	}
	if err != nil {
		return nil, errs.E(errs.Lost, "shuffle.Read", err)
	}
	raw, err := s2.Decode(nil, data)
	return raw, errs.E(errs.Lost, "shuffle.Read", err)
}

// maxFrame is the largest block accepted from outside.
const maxFrame = 512 << 20

var errTooLarge = errors.New("a block is larger than 512 MiB")
