package shuffle

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/s2"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
)

// output is one task's rows by partition. While the task runs its threads
// append; afterwards it does not change.
type output struct {
	dir     string
	budget  *mem.Budget
	newFile func(dir string) (spillFile, error)
	task    identity // of all blocks; the part is each one's own
	parts   []part
	open    []pending
	done    *pb.Output // what the finished output is told as

	broken atomic.Pointer[error] // of the disk, told to whoever asks again

	// of the store, under its lock
	readers   int
	discarded bool

	mu struct {
		sync.Mutex
		held int64 // booked bytes
		file spillFile
		end  int64
	}
}

// part is a finished partition.
type part struct {
	blocks      []block
	rows, bytes int64
}

// block is a header and a payload: in memory, or at a place of the file.
type block struct {
	mem  []byte
	off  int64
	size int
}

func (s *Store) newOutput(id *pb.TaskID, parts int) *output {
	return &output{
		dir: s.cfg.Dir, budget: s.cfg.Budget, newFile: s.newFile, task: identityOf(id, 0, s.cfg.Epoch),
		parts: make([]part, parts), open: make([]pending, parts),
	}
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
		want := min(b.N-from, blockRows-w.rows.N)
		n := b.Fit(from, want, blockBytes-w.rows.Bytes())
		w.rows.AppendCopy(b, from, n)
		from += n
		if w.rows.N == blockRows || n < want || w.rows.Bytes() >= blockBytes {
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
	data, err := batch.AppendBlock(make([]byte, headerLen, headerLen+roughly(w.rows)), w.rows)
	if err != nil {
		return err
	}
	at := &o.parts[p]
	h := header{identity: o.task, kind: kindBlock, seq: uint32(len(at.blocks)), rows: uint32(w.rows.N)}
	h.part = int32(p)
	if err := h.close(data); err != nil {
		return err
	}
	b, err := o.keep(&h, data)
	if err != nil {
		return err
	}
	at.blocks, at.rows, at.bytes = append(at.blocks, b), at.rows+int64(w.rows.N), at.bytes+int64(h.raw)
	w.rows.Reset(0)
	return nil
}

// roughly is the length of rows as a block, so that it is not copied while it grows.
func roughly(rows *batch.Batch) int { return int(rows.Bytes()) + 64*(1+len(rows.Cols)) }

// close fills in what the payload behind the header's place says.
func (h *header) close(data []byte) error {
	payload := data[headerLen:]
	if len(payload) > maxFrame {
		return errs.Errorf(errs.Exhausted, "shuffle.Write", "a block of %d bytes is over 512 MiB: use smaller batches", len(payload))
	}
	if h.codec == codecRaw {
		h.raw = uint32(len(payload))
	}
	h.stored, h.sum = uint32(len(payload)), payloadSum(h.codec, payload)
	h.put(data)
	return nil
}

// keep stores a block in memory, or in the file when the budget is used up.
func (o *output) keep(h *header, data []byte) (block, error) {
	err := o.budget.Grow(int64(cap(data)))
	if err == nil {
		o.mu.Lock()
		o.mu.held += int64(cap(data))
		o.mu.Unlock()
		return block{mem: data, size: len(data)}, nil
	}
	if !errs.Is(err, errs.Exhausted) || o.dir == "" {
		return block{}, err
	}
	packed, err := h.compress(data)
	if err != nil {
		return block{}, err
	}
	return o.toFile(packed)
}

// compress gives the block in the form that files hold.
func (h *header) compress(data []byte) ([]byte, error) {
	raw := data[headerLen:]
	most := s2.MaxEncodedLen(len(raw))
	if most < 0 {
		return data, nil
	}
	out := make([]byte, headerLen+most)
	n := len(s2.Encode(out[headerLen:], raw))
	if n >= len(raw) {
		return data, nil
	}
	h.codec = codecS2
	out = out[:headerLen+n]
	return out, h.close(out)
}

// toFile reserves a place under the lock and writes outside it.
func (o *output) toFile(data []byte) (block, error) {
	f, off, err := o.reserve(int64(len(data)))
	if err == nil {
		_, err = f.WriteAt(data, off)
	}
	if err != nil {
		return block{}, onDisk("shuffle.Write", err)
	}
	return block{off: off, size: len(data)}, nil
}

// reserve makes the file at the first call.
func (o *output) reserve(n int64) (spillFile, int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.mu.file == nil {
		f, err := o.newFile(o.dir)
		if err != nil {
			return nil, 0, err
		}
		o.mu.file = f
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

// file is where blocks without memory lie.
func (o *output) file() spillFile {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mu.file
}

// load reads a block of the file into buf, which has its size.
func (o *output) load(b block, buf []byte) error {
	_, err := o.file().ReadAt(buf, b.off)
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) { // not the end of the rows
		err = io.ErrUnexpectedEOF
	}
	return &fault{reason: ReasonDisk, err: errs.E(errs.Unavailable, "shuffle.Read", &DiskError{Err: err})}
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
		return onDisk("shuffle.drop", f.Close())
	}
	return nil
}
