package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

const (
	// fetchBytes is how much of a row group is in memory at once; larger ones
	// come in segments of proportional size.
	fetchBytes = 16 << 20
	fetchShare = 16 // of a small budget: the part that is fetched at once
	minSegment = 256 << 10
	// minRows is what filters must leave before a batch is handed on: smaller
	// batches cost the operators above more than collecting does.
	minRows = 1024
	maxRows = 1 << 16
	// windowBytes is about what one window's values may take.
	windowBytes = 16 << 20
	// maxChunkClaim keeps a sum of sizes that a footer claims from overflowing.
	maxChunkClaim = 1 << 45
	bookStep      = 64 << 10 // budget is asked in steps, not per page
)

// reader delivers the row groups [at, end) of one file.
type reader struct {
	format *Format
	file   vfs.File
	foot   *footer
	schema types.Schema
	req    format.ReadRequest
	rows   int
	window int // rows at a time in the present group; at most rows

	at, end int
	group   *rowGroup
	spans   []span // rows of the group still to be read
	row     int64  // next row of the group
	cols    []column
	open    bool
	fetched []bool
	more    []vfs.Pages // bytes of the group's columns, read together
	kept    [][]byte    // dictionaries of the group
	out     batch.Batch
	filters filters
	all     []int32 // 0, 1, 2, …

	booked, used int64 // bytes asked of the budget; in use
	groupBytes   int64 // part of used until the row group ends
	closed       bool
	failed       error
}

// span is a half-open range of rows.
type span struct{ lo, hi int64 }

func (r *reader) path() string { return r.file.Ref().Path }

func (r *reader) Schema() types.Schema { return r.schema }

// book accounts n bytes until the row group ends.
func (r *reader) book(n int64) error {
	err := r.grow(n)
	if err == nil {
		r.groupBytes += n
	}
	return err
}

func (r *reader) grow(n int64) error {
	// Nothing is charged that was not granted, so that close gives back as much.
	r.used += n
	if r.used <= r.booked || r.req.Budget == nil {
		return nil
	}
	step := (r.used - r.booked + bookStep - 1) / bookStep * bookStep
	if err := r.req.Budget.Grow(step); err != nil {
		r.used -= n
		return err
	}
	r.booked += step
	return nil
}

// alloc takes a pooled block of n bytes.
func (r *reader) alloc(n int) ([]byte, error) {
	if n > maxPageBytes {
		return nil, damaged("a page needs %d bytes of memory", n)
	}
	b := r.format.pool.Get(n)
	if err := r.grow(int64(cap(b))); err != nil {
		r.format.pool.Put(b)
		return nil, err
	}
	return b, nil
}

func (r *reader) free(b []byte) {
	r.used -= int64(cap(b))
	r.format.pool.Put(b)
}

// keep holds a block until the row group ends.
func (r *reader) keep(b []byte) { r.kept = append(r.kept, b) }

// iota is 0, 1, …, n-1.
func (r *reader) iota(n int) []int32 {
	if have := len(r.all); have < n {
		r.all = append(r.all, make([]int32, max(n, r.rows)-have)...)
		for i := range r.all {
			r.all[i] = int32(i)
		}
	}
	return r.all[:n:n]
}

// Next delivers the next batch.
func (r *reader) Next(ctx context.Context) (b *batch.Batch, err error) {
	if r.failed != nil {
		return nil, r.failed
	}
	if r.closed {
		return nil, errs.Errorf(errs.Internal, "parquet.Next", "reader is closed")
	}
	// A panic of decoding code becomes an error: bytes from outside must never
	// take the process down.
	defer func() { err = r.settle(err, recover()) }()
	return r.next(ctx)
}

// settle is what a call ends with, after a panic with p if that is not nil.
func (r *reader) settle(err error, p any) error {
	if p != nil {
		err = corrupt(r.path(), "", fmt.Sprintf("decoding failed (%v)", p))
	}
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	r.failed = locate(err, r.path(), "")
	return r.failed
}

func (r *reader) next(ctx context.Context) (*batch.Batch, error) {
	for _, c := range r.cols {
		c.begin()
	}
	n := 0
	for n == 0 || n < min(r.window, minRows) {
		if len(r.spans) == 0 {
			if n > 0 {
				break
			}
			if err := r.nextGroup(ctx); err != nil {
				return nil, err
			}
			continue
		}
		k, err := r.step(ctx, r.window-n)
		if err != nil {
			return nil, err
		}
		n += k
	}
	r.out.N = n
	for i, c := range r.cols {
		r.out.Cols[i] = c.vector()
	}
	return &r.out, nil
}

// step reads one window of at most room rows and returns how many were appended.
func (r *reader) step(ctx context.Context, room int) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, errs.E(errs.Canceled, "parquet.Next", err)
	}
	s := &r.spans[0]
	if gap := s.lo - r.row; gap > 0 {
		for _, c := range r.cols {
			c.skip(int(gap))
		}
		r.row = s.lo
	}
	n := int(min(int64(room), int64(r.window), s.hi-s.lo))
	s.lo += int64(n)
	r.row += int64(n)
	if s.lo >= s.hi {
		r.spans = r.spans[1:]
	}
	if err := r.poll(); err != nil {
		return 0, err
	}
	if len(r.filters.by) == 0 {
		return n, r.appendAll(ctx, n)
	}
	return r.filtered(ctx, n)
}

func (r *reader) appendAll(ctx context.Context, n int) error {
	if err := r.fetch(ctx, nil); err != nil {
		return err
	}
	for i, c := range r.cols {
		if err := c.append(ctx, n, nil); err != nil {
			return locate(err, r.path(), r.schema.Fields[i].Name)
		}
	}
	return nil
}

// fetch reads the bytes of the columns listed (nil: all) that were not read
// yet, in one request.
func (r *reader) fetch(ctx context.Context, only []int) error {
	if only != nil && r.restIsSmall(only) {
		only = nil
	}
	var chunks []*chunk
	for i, c := range r.cols {
		if r.fetched[i] || only != nil && !slices.Contains(only, i) {
			continue
		}
		r.fetched[i] = true
		chunks = append(chunks, c.chunks()...)
	}
	if len(chunks) == 0 {
		return nil
	}
	ranges := make([]vfs.Range, len(chunks))
	total := int64(0)
	for i, c := range chunks {
		ranges[i] = vfs.Range{Off: c.pos, Len: min(c.step, c.end-c.pos)}
		total += ranges[i].Len
	}
	if err := r.book(total); err != nil {
		return err
	}
	p, err := r.file.ReadRanges(ctx, ranges, vfs.HintDefault)
	if err != nil {
		return err
	}
	r.more = append(r.more, p)
	for i, c := range chunks {
		c.adopt(p.Bytes(i))
	}
	return nil
}

// restIsSmall tells whether the columns that filters do not look at are worth
// less than the request that would bring them later.
func (r *reader) restIsSmall(only []int) bool {
	far, ok := r.file.(vfs.Distant)
	if !ok {
		return false
	}
	left := far.RequestBytes()
	for i, c := range r.cols {
		if r.fetched[i] || slices.Contains(only, i) {
			continue
		}
		for _, k := range c.chunks() {
			left -= min(k.step, k.end-k.pos)
		}
	}
	return left >= 0
}

// endGroup gives back what the row group held. The last batch is over.
func (r *reader) endGroup() {
	for _, c := range r.cols {
		c.close()
	}
	for _, p := range r.more {
		p.Release()
	}
	for _, b := range r.kept {
		r.free(b)
	}
	r.used -= r.groupBytes
	r.groupBytes, r.more, r.kept, r.open = 0, r.more[:0], r.kept[:0], false
	r.shrink()
}

// shrink returns budget beyond what is in use.
func (r *reader) shrink() {
	if free := r.booked - r.used; r.req.Budget != nil && free > 0 {
		r.req.Budget.Shrink(free)
		r.booked -= free
	}
}

// Close gives everything back.
func (r *reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	if r.open {
		r.endGroup()
	}
	r.used = 0
	r.shrink()
	return r.file.Close()
}

var _ batch.Reader = (*reader)(nil)
