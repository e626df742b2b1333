package parquet

import (
	"context"

	"github.com/spurwheel/spurwheel/internal/batch"
)

// column is one output column of a row group. Rows are read window by window:
// each window is either skipped, decoded and appended, or decoded for filters
// and then kept in part.
type column interface {
	// begin starts a batch; what the last one gave is invalid now.
	begin()
	// skip passes over n rows, lazily.
	skip(n int)
	// window decodes the next rows, n of them, for filters: all (sel nil) or sel.
	window(ctx context.Context, n int, sel []int32) (*batch.Vector, error)
	// keep appends rows idx of the last window's vector (nil: all) to the batch.
	keep(idx []int32)
	// append decodes the next n rows and appends all (sel nil) or sel.
	append(ctx context.Context, n int, sel []int32) error
	// vector is the batch's column.
	vector() *batch.Vector
	// chunks lists what must be fetched before the first window or append.
	chunks() []*chunk
	close()
}

// flatColumn is a primitive column at the top level.
type flatColumn struct {
	leafReader
	out, win *sink
	valid    []uint64 // of the rows being read
	dense    []int32  // positions among the values of selected rows
	rowsOf   []int32  // scratch: selected rows' validity positions
}

func newFlatColumn(r *reader, n *node, c conv) *flatColumn {
	f := &flatColumn{leafReader: leafReader{node: n, conv: c}}
	f.r = r
	// Numbers are wanted flat by the operators above; strings keep their
	// dictionary. Filters are happy with either.
	f.out = newSink(&f.conv, c.to.Phys().Width() == 16 && (c.op == opView || c.op == opUUID))
	f.win = newSink(&f.conv, true)
	return f
}

func (f *flatColumn) begin() {
	f.leafReader.begin()
	f.out.begin()
	f.win.begin()
}

func (f *flatColumn) skip(n int)            { f.lag += n }
func (f *flatColumn) chunks() []*chunk      { return []*chunk{&f.chunk} }
func (f *flatColumn) vector() *batch.Vector { return f.out.vector(&f.leafReader) }

func (f *flatColumn) window(ctx context.Context, n int, sel []int32) (*batch.Vector, error) {
	f.win.begin()
	if err := f.read(ctx, f.win, n, sel); err != nil {
		return nil, err
	}
	return f.win.vector(&f.leafReader), nil
}

func (f *flatColumn) keep(idx []int32) {
	if f.win.dict != nil {
		f.win.vec.Enc = batch.Flat // back to building: codes live in the sink
	}
	if idx == nil && f.out.n == 0 && (f.win.dict == nil || f.out.likeDict) {
		f.win.likeDict, f.out.likeDict = f.out.likeDict, f.win.likeDict
		f.win, f.out = f.out, f.win
		return
	}
	if idx == nil {
		idx = f.r.iota(f.win.n)
	}
	f.out.take(&f.leafReader, f.win, idx)
}

func (f *flatColumn) append(ctx context.Context, n int, sel []int32) error {
	return f.read(ctx, f.out, n, sel)
}

// read decodes the next n rows page by page.
func (f *flatColumn) read(ctx context.Context, s *sink, n int, sel []int32) error {
	base := int32(0)
	all := sel == nil
	for n > 0 {
		if !all && len(sel) == 0 {
			f.skip(n)
			return nil
		}
		if f.left == 0 || f.lag > 0 || !f.loaded {
			if err := f.settle(ctx); err != nil {
				return err
			}
		}
		k := min(n, f.left)
		part := sel
		if !all {
			end := base + int32(k)
			i := len(sel)
			if sel[i-1] >= end {
				i = lowerBound(sel, end)
			}
			part, sel = sel[:i], sel[i:]
		}
		if err := f.readPage(s, k, part, base, all); err != nil {
			return err
		}
		f.left -= k
		n -= k
		base += int32(k)
	}
	return nil
}

// lowerBound is the number of entries below x.
func lowerBound(sel []int32, x int32) int {
	lo, hi := 0, len(sel)
	for lo < hi {
		if mid := (lo + hi) / 2; sel[mid] < x {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// readPage reads k rows of the current page.
func (f *flatColumn) readPage(s *sink, k int, sel []int32, base int32, all bool) error {
	if f.noNulls {
		if !all && len(sel) == 0 {
			return f.vals.skip(&f.leafReader, k)
		}
		return f.take(s, k, sel, base, all)
	}
	if need := (k + 63) / 64; cap(f.valid) < need {
		f.valid = make([]uint64, need)
	}
	f.valid = f.valid[:(k+63)/64]
	clear(f.valid)
	present, err := f.defs.bits(f.valid, 0, k)
	if err != nil {
		return err
	}
	switch {
	case present == k:
		return f.take(s, k, sel, base, all)
	case all:
		at := s.n
		if err := f.take(s, present, nil, 0, true); err != nil {
			return err
		}
		s.more(k - present)
		s.spread(at, k, f.valid, 0, present)
		return nil
	}
	return f.readSome(s, present, sel, base)
}

// readSome reads selected rows of a stretch with nulls: the ranks of those that
// are present select among the values.
func (f *flatColumn) readSome(s *sink, present int, sel []int32, base int32) error {
	f.dense = f.dense[:0]
	rank, at := int32(0), int32(0)
	picked := f.rowsOf[:0]
	for i, x := range sel {
		for x -= base; at < x; at++ {
			rank += int32(f.valid[at>>6] >> (uint(at) & 63) & 1)
		}
		if bitSet(f.valid, int(x)) {
			f.dense = append(f.dense, rank)
			picked = append(picked, int32(i))
		}
	}
	f.rowsOf = picked
	start := s.n
	if err := f.take(s, present, f.dense, 0, false); err != nil {
		return err
	}
	s.more(len(sel) - len(f.dense))
	for i := range f.valid {
		f.valid[i] = 0
	}
	for _, i := range picked {
		f.valid[i>>6] |= 1 << (uint(i) & 63)
	}
	s.spread(start, len(sel), f.valid, 0, len(f.dense))
	return nil
}

// more appends n rows whose values spread writes.
func (s *sink) more(n int) {
	s.n += n
	s.vec.SetLen(s.n)
	if s.dict == nil {
		return
	}
	for len(s.codes) < s.n {
		s.codes = append(s.codes, 0)
	}
}

// nullColumn stands for a column that the file does not have.
type nullColumn struct {
	r   *reader
	vec *batch.Vector
	win *batch.Vector
	n   int
}

func (c *nullColumn) begin()           { c.n = 0 }
func (c *nullColumn) skip(int)         {}
func (c *nullColumn) chunks() []*chunk { return nil }
func (c *nullColumn) close()           {}

func nulls(v *batch.Vector, n int) *batch.Vector {
	v.Reset(1)
	v.Reset(0)
	v.AppendNulls(1)
	v.SetConst(n)
	return v
}

func (c *nullColumn) window(_ context.Context, n int, sel []int32) (*batch.Vector, error) {
	if sel != nil {
		n = len(sel)
	}
	c.win.Reset(0) // flat: filters need not know of constants
	c.win.AppendNulls(n)
	return c.win, nil
}

func (c *nullColumn) keep(idx []int32) {
	if idx == nil {
		c.n += c.win.Len()
	}
	c.n += len(idx)
}

func (c *nullColumn) append(_ context.Context, n int, sel []int32) error {
	if sel != nil {
		n = len(sel)
	}
	c.n += n
	return nil
}

func (c *nullColumn) vector() *batch.Vector { return nulls(c.vec, c.n) }
