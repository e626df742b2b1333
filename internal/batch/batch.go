package batch

import (
	"context"

	"github.com/spurwheel/spurwheel/internal/types"
)

// Batch is some rows of a relation. Ownership as of Vector: borrowed until the
// giver's next batch.
type Batch struct {
	Cols []*Vector
	N    int // rows; also right when there are no columns
	// Seq is the number of the source's morsel that the rows come from. Batches
	// of one thread carry ascending numbers; who delivers in order merges by it.
	Seq int64
}

// NewBatch makes an empty batch for a schema.
func NewBatch(ts []types.Type, capacity int) *Batch {
	b := &Batch{Cols: make([]*Vector, len(ts))}
	for i, t := range ts {
		b.Cols[i] = New(t, capacity)
	}
	return b
}

// Reset makes all columns flat with n rows.
func (b *Batch) Reset(n int) {
	b.N = n
	for _, c := range b.Cols {
		c.Reset(n)
	}
}

// AppendCopy appends rows [from, from+n) of src, copying all bytes.
func (b *Batch) AppendCopy(src *Batch, from, n int) {
	for i, c := range b.Cols {
		c.AppendRange(src.Cols[i], from, n)
	}
	b.N += n
}

// Bytes estimates the memory the batch refers to.
func (b *Batch) Bytes() int64 {
	var n int64
	for _, c := range b.Cols {
		n += c.Bytes()
	}
	return n
}

// Reader is a stream of batches. Not for concurrent use.
//
// Next returns io.EOF after the last batch; a batch is borrowed until the
// following Next or Close. After an error only Close may be called. Close is
// idempotent and waits for whatever the reader started.
type Reader interface {
	Schema() types.Schema
	Next(ctx context.Context) (*Batch, error)
	Close() error
}
