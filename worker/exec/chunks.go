package exec

import (
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// chunkWriter is one thread's growing part of a materialised relation: flat
// copies in chunks of batch.ChunkRows rows.
type chunkWriter struct {
	types []types.Type
	full  []*batch.Batch
	last  *batch.Batch
	bytes int64 // of full chunks
}

// append copies all rows of b.
func (w *chunkWriter) append(cols []*batch.Vector, n int) {
	for from := 0; from < n; {
		if w.last == nil {
			w.last = batch.NewBatch(w.types, 0)
		}
		k := min(n-from, batch.ChunkRows-w.last.N)
		for i, c := range w.last.Cols {
			c.AppendRange(cols[i], from, k)
		}
		w.last.N += k
		from += k
		if w.last.N == batch.ChunkRows {
			w.seal()
		}
	}
}

func (w *chunkWriter) seal() {
	if w.last == nil {
		return
	}
	w.bytes += w.last.Bytes()
	w.full = append(w.full, w.last)
	w.last = nil
}

// size is the bytes held.
func (w *chunkWriter) size() int64 {
	if w.last == nil {
		return w.bytes
	}
	return w.bytes + w.last.Bytes()
}

// take gives up all chunks.
func (w *chunkWriter) take() []*batch.Batch {
	w.seal()
	out := w.full
	w.full, w.bytes = nil, 0
	return out
}

// relation is materialised rows, addressed by position: chunk<<ChunkShift | row.
type relation struct {
	types  []types.Type
	chunks []*batch.Batch
	cols   []*batch.Chunked
	rows   int64
}

func newRelation(ts []types.Type, chunks []*batch.Batch) *relation {
	r := &relation{types: ts, chunks: chunks}
	for i, t := range ts {
		parts := make([]*batch.Vector, len(chunks))
		for k, c := range chunks {
			parts[k] = c.Cols[i]
		}
		r.cols = append(r.cols, batch.NewChunked(t, parts))
	}
	for _, c := range chunks {
		r.rows += int64(c.N)
	}
	return r
}

// gather makes out[i] column i at the positions; out may be the first columns only.
func (r *relation) gather(out []*batch.Vector, at []int32) {
	for i, v := range out {
		v.GatherChunks(r.cols[i], at)
	}
}
