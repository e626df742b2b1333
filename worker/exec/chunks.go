package exec

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

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

// collectSink materialises a pipeline's rows.
type collectSink struct {
	types []types.Type
	held  *account
	mu    struct {
		sync.Mutex
		chunks []*batch.Batch
	}
	rel *relation
}

func (s *collectSink) Local() (Local, error) {
	return &collectLocal{sink: s, w: chunkWriter{types: s.types}, held: s.held.part()}, nil
}

func (s *collectSink) Finalize(context.Context) error {
	s.rel = newRelation(s.types, s.mu.chunks)
	return nil
}

type collectLocal struct {
	sink *collectSink
	w    chunkWriter
	held *share
}

func (l *collectLocal) Consume(_ context.Context, b *batch.Batch) error {
	l.w.append(b.Cols, b.N)
	return l.held.set(l.w.size())
}

func (l *collectLocal) Combine(context.Context) error {
	l.sink.mu.Lock()
	defer l.sink.mu.Unlock()
	l.sink.mu.chunks = append(l.sink.mu.chunks, l.w.take()...)
	return nil
}

// relationSource reads a materialised relation, possibly at several places at
// once: each source has its own cursor.
type relationSource struct {
	rel  func() *relation
	rows int
	next atomic.Int64
}

func (r *relationSource) Width(want int) int      { return min(want, len(r.rel().chunks)) }
func (r *relationSource) Stream() (Stream, error) { return &relationStream{src: r}, nil }

type relationStream struct {
	src *relationSource
	cur *batch.Batch
	seq int64
	at  int
	out batch.Batch
}

func (s *relationStream) Next(context.Context) (*batch.Batch, error) {
	for s.cur == nil || s.at >= s.cur.N {
		i := s.src.next.Add(1) - 1
		if i >= int64(len(s.src.rel().chunks)) {
			return nil, io.EOF
		}
		s.cur, s.at, s.seq = s.src.rel().chunks[i], 0, i
	}
	n := min(s.src.rows, s.cur.N-s.at)
	sliceBatch(&s.out, s.cur, s.at, n)
	s.out.Seq = s.seq
	s.at += n
	return &s.out, nil
}

func (s *relationStream) Close() error { return nil }
