package exec

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/s2"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// maxSpillFiles bounds the files of an operator. Partitioning anew asks for up
// to 64² of them, more than a process may have open; those beyond share the
// files of the first, which are enough for as many threads to write at once.
const maxSpillFiles = 16

// spiller makes the files of one operator's spilled rows. A file loses its
// name at once, so that nothing is left when the process dies.
type spiller struct {
	dir     string
	written atomic.Int64
	mu      struct {
		sync.Mutex
		files []*diskFile
		made  int // spill files, by any number of writers
	}
}

// diskFile is a file that several writers append to.
type diskFile struct {
	*os.File
	end atomic.Int64
}

// spillFile is a writer's blocks, appended by one goroutine at a time and read
// at any place by many.
type spillFile struct {
	of  *spiller
	f   *diskFile
	raw []byte // scratch of the writer
	buf []byte
}

// segment is a block in a file, compressed. The block checks itself (crc32c).
type segment struct {
	file *spillFile
	off  int64
	size int
	rows int
}

var errNoSpillDir = errors.New("no folder for spill files is configured")

func (s *spiller) create() (*spillFile, error) {
	if s.dir == "" {
		return nil, errs.E(errs.Exhausted, "exec.spill", errNoSpillDir)
	}
	s.mu.Lock()
	s.mu.made++
	if s.mu.made > maxSpillFiles && len(s.mu.files) > 0 {
		f := s.mu.files[s.mu.made%len(s.mu.files)]
		s.mu.Unlock()
		return &spillFile{of: s, f: f}, nil
	}
	s.mu.Unlock()
	f, err := os.CreateTemp(s.dir, "spill-*")
	if err != nil {
		return nil, errs.E(errs.Unavailable, "exec.spill", err)
	}
	shared := &diskFile{File: f}
	s.mu.Lock()
	s.mu.files = append(s.mu.files, shared)
	s.mu.Unlock()
	if err := os.Remove(f.Name()); err != nil {
		return nil, errs.E(errs.Unavailable, "exec.spill", err)
	}
	return &spillFile{of: s, f: shared}, nil
}

// close frees the disk space.
func (s *spiller) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, f := range s.mu.files {
		err = errors.Join(err, f.Close())
	}
	s.mu.files = nil
	return err
}

// write appends a batch.
func (f *spillFile) write(b *batch.Batch) (segment, error) {
	var err error
	if f.raw, err = batch.AppendBlock(f.raw[:0], b); err != nil {
		return segment{}, err
	}
	f.buf = s2.Encode(f.buf[:cap(f.buf)], f.raw)
	n := int64(len(f.buf))
	at := f.f.end.Add(n) - n
	if _, err := f.f.WriteAt(f.buf, at); err != nil {
		return segment{}, errs.E(errs.Unavailable, "exec.spill", err)
	}
	s := segment{file: f, off: at, size: len(f.buf), rows: b.N}
	f.of.written.Add(n)
	return s, nil
}

// spillBlock is about the size of a block before compression: it is read back
// whole, and a merge holds one of each of its runs.
const spillBlock = 1 << 20

// writeCut appends a batch in blocks, more of them where its rows are wide.
func (f *spillFile) writeCut(b *batch.Batch, keep func(segment)) error {
	var piece batch.Batch
	for from := 0; from < b.N; {
		n := b.Fit(from, b.N-from, 4*spillBlock)
		sliceBatch(&piece, b, from, n)
		s, err := f.write(&piece)
		if err != nil {
			return err
		}
		keep(s)
		from += n
	}
	return nil
}

// read brings a block back. buf is scratch that may be reused by the next read;
// the batch has its own memory.
func (s segment) read(ts []types.Type, buf *[]byte) (*batch.Batch, error) {
	if cap(*buf) < s.size {
		*buf = make([]byte, s.size)
	}
	b := (*buf)[:s.size]
	if _, err := s.file.f.ReadAt(b, s.off); err != nil {
		if errors.Is(err, io.EOF) { // not the end of the rows
			err = io.ErrUnexpectedEOF
		}
		return nil, errs.E(errs.Unavailable, "exec.spill", err)
	}
	raw, err := s2.Decode(nil, b)
	if err != nil {
		return nil, errs.E(errs.Corrupt, "exec.spill", err)
	}
	return batch.DecodeBlock(ts, raw)
}

// segments is a Stream over spilled blocks.
type segments struct {
	types []types.Type
	list  []segment
	at    int
	buf   []byte
}

func (s *segments) Next(ctx context.Context) (*batch.Batch, error) {
	if s.at == len(s.list) {
		return nil, io.EOF
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b, err := s.list[s.at].read(s.types, &s.buf)
	s.at++
	return b, err
}

func (s *segments) Close() error { return nil }

// maxSpillLevel is how often rows are partitioned anew when a partition is
// still too large: 64³ parts. What does not fit then has few distinct keys,
// which no partitioning separates, and is held beyond the budget.
const maxSpillLevel = 2

// levelPartition is the partition of a key's hash word at a level.
func levelPartition(word0 uint64, level int) int {
	return int(word0>>(saltShift-partitionBits*(level+1))) & (partitions - 1)
}

// rowParts partitions rows into a spill file.
type rowParts struct {
	types []types.Type
	file  *spillFile
	bufs  [partitions]*batch.Batch
	segs  [partitions][]segment
	num   []int32
	split splitter
}

// spillRows and spillBytes are the size of a partition's buffer before it is
// written: rows may be wide, and there are 64 buffers a thread.
const (
	spillRows  = 1024
	spillBytes = 256 << 10
)

func newRowParts(ts []types.Type, s *spiller) (*rowParts, error) {
	f, err := s.create()
	return &rowParts{types: ts, file: f}, err
}

// add spreads rows by the hash words of their keys.
func (r *rowParts) add(cols []*batch.Vector, keys *keyRows, level int) error {
	w := keys.lay.words
	r.num = r.num[:0]
	for i := range keys.n {
		r.num = append(r.num, int32(levelPartition(keys.rows[i*w], level)))
	}
	r.split.split(r.num, partitions)
	for p := range partitions {
		idx := r.split.of(p)
		if len(idx) == 0 {
			continue
		}
		b := r.bufs[p]
		if b == nil {
			b = batch.NewBatch(r.types, 0)
			r.bufs[p] = b
		}
		for i, v := range b.Cols {
			v.AppendGather(cols[i], idx)
		}
		b.N += len(idx)
		if b.N >= spillRows || b.Bytes() >= spillBytes {
			if err := r.flush(p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *rowParts) flush(p int) error {
	b := r.bufs[p]
	if b == nil || b.N == 0 {
		return nil
	}
	s, err := r.file.write(b)
	if err != nil {
		return err
	}
	r.segs[p] = append(r.segs[p], s)
	b.Reset(0)
	return nil
}

func (r *rowParts) finish() error {
	for p := range partitions {
		if err := r.flush(p); err != nil {
			return err
		}
		r.bufs[p] = nil
	}
	return nil
}
