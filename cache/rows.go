// Package cache keeps data near the computation. Rows holds the batches of
// persisted plans by key, in memory under a budget and on disk beyond it. It
// knows nothing of plans or of who reads.
package cache

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
)

// blockRows is how many rows are kept together: large enough that a block's
// header and checksum cost nothing, small enough to load from disk as a morsel.
const blockRows = 32 << 10

// blockBytes is where a block of wide rows ends.
const blockBytes = 8 << 20

// Rows is safe for concurrent use.
type Rows struct {
	budget *mem.Budget
	dir    string

	mu struct {
		sync.Mutex
		held map[string]*Held
		next int
	}
}

// NewRows makes an empty store; dir is created when it is first needed.
func NewRows(budget *mem.Budget, dir string) *Rows {
	r := &Rows{budget: budget.Child("persisted rows", 0), dir: dir}
	r.mu.held = map[string]*Held{}
	return r
}

// Held is the complete rows of one key. It is immutable and safe for concurrent use.
type Held struct {
	Schema types.Schema
	Rows   int64
	Memory int64 // bytes
	Disk   int64 // bytes
	types  []types.Type
	blocks []block
	file   *os.File
}

// block lies in memory, or on disk at off.
type block struct {
	data []byte
	off  int64
	size int
}

// Len is the number of blocks.
func (h *Held) Len() int { return len(h.blocks) }

// Load gives block i. The batch refers to memory that is not written again.
func (h *Held) Load(i int) (*batch.Batch, error) {
	b := h.blocks[i]
	if b.data == nil {
		b.data = mem.Aligned(b.size)
		if _, err := h.file.ReadAt(b.data, b.off); err != nil {
			return nil, errs.E(errs.Lost, "cache.Load", err)
		}
	}
	return batch.DecodeBlock(h.types, b.data)
}

// Get finds the rows of a key, nil if there are none.
func (r *Rows) Get(key string) *Held {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.held[key]
}

// Drop forgets a key. Readers that hold the rows keep them until they end.
func (r *Rows) Drop(key string) {
	r.mu.Lock()
	h := r.mu.held[key]
	delete(r.mu.held, key)
	r.mu.Unlock()
	if h != nil {
		h.release(r.budget)
	}
}

func (h *Held) release(b *mem.Budget) {
	b.Shrink(h.Memory)
	if h.file != nil {
		_ = os.Remove(h.file.Name())
		// The descriptor goes with the last reader: os.File has a finalizer.
	}
}

// Used is the memory and disk in use, in bytes.
func (r *Rows) Used() (memory, disk int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range r.mu.held {
		memory, disk = memory+h.Memory, disk+h.Disk
	}
	return memory, disk
}

// Writer collects the rows of one key. Exactly one of Commit and Abort ends it.
// Not for concurrent use.
type Writer struct {
	r    *Rows
	key  string
	h    *Held
	open *batch.Batch
}

// Create starts the rows of a key.
func (r *Rows) Create(key string, schema types.Schema) *Writer {
	h := &Held{Schema: schema, types: schema.Types()}
	return &Writer{r: r, key: key, h: h, open: batch.NewBatch(h.types, 0)}
}

// Write copies a batch.
func (w *Writer) Write(b *batch.Batch) error {
	for from := 0; from < b.N; {
		n := b.Fit(from, min(b.N-from, blockRows-w.open.N), blockBytes)
		w.open.AppendCopy(b, from, n)
		from += n
		if w.open.N == blockRows || w.open.Bytes() >= blockBytes {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *Writer) flush() error {
	if w.open.N == 0 {
		return nil
	}
	data, err := batch.AppendBlock(nil, w.open)
	if err != nil {
		return err
	}
	w.h.Rows += int64(w.open.N)
	w.open.Reset(0)
	b := block{data: data, size: len(data)}
	if w.r.budget.Grow(int64(len(data))) == nil {
		w.h.Memory += int64(len(data))
		w.h.blocks = append(w.h.blocks, b)
		return nil
	}
	if err := w.spill(&b); err != nil {
		return err
	}
	w.h.blocks = append(w.h.blocks, b)
	return nil
}

// spill puts a block on disk instead of memory.
func (w *Writer) spill(b *block) error {
	if w.h.file == nil {
		if err := os.MkdirAll(w.r.dir, 0o700); err != nil {
			return errs.E(errs.Exhausted, "cache.Write", err)
		}
		w.r.mu.Lock()
		w.r.mu.next++
		name := filepath.Join(w.r.dir, "rows-"+strconv.Itoa(w.r.mu.next))
		w.r.mu.Unlock()
		f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
		if err != nil {
			return errs.E(errs.Exhausted, "cache.Write", err)
		}
		w.h.file = f
	}
	if _, err := w.h.file.WriteAt(b.data, w.h.Disk); err != nil {
		return errs.E(errs.Exhausted, "cache.Write", err)
	}
	b.off, b.data = w.h.Disk, nil
	w.h.Disk += int64(b.size)
	return nil
}

// Commit makes the rows readable under the key, replacing older ones.
func (w *Writer) Commit() (*Held, error) {
	if err := w.flush(); err != nil {
		w.Abort()
		return nil, err
	}
	w.r.mu.Lock()
	old := w.r.mu.held[w.key]
	w.r.mu.held[w.key] = w.h
	w.r.mu.Unlock()
	if old != nil {
		old.release(w.r.budget)
	}
	return w.h, nil
}

// Abort drops what was written.
func (w *Writer) Abort() { w.h.release(w.r.budget) }
