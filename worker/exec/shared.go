package exec

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// collectSink materialises a pipeline's rows, in chunks in memory or, beyond
// the budget, in blocks on disk.
type collectSink struct {
	types []types.Type
	held  *account
	spill *spiller
	mu    struct {
		sync.Mutex
		items []item
	}
}

// item is a chunk in memory or a block on disk.
type item struct {
	chunk *batch.Batch
	block segment
}

func (s *collectSink) Local() (Local, error) {
	return &collectLocal{sink: s, w: chunkWriter{types: s.types}, held: s.held.part()}, nil
}

func (s *collectSink) Finalize(context.Context) error { return nil }

type collectLocal struct {
	sink  *collectSink
	w     chunkWriter
	held  *share
	file  *spillFile
	items []item
}

func (l *collectLocal) Consume(_ context.Context, b *batch.Batch) error {
	l.w.append(b.Cols, b.N)
	must, err := l.held.spills(l.w.size())
	if must {
		return l.toDisk()
	}
	return err
}

// toDisk writes what is held out.
func (l *collectLocal) toDisk() (err error) {
	if l.file == nil {
		if l.file, err = l.sink.spill.create(); err != nil {
			return err
		}
	}
	for _, c := range l.w.take() {
		if err := l.file.writeCut(c, func(sg segment) { l.items = append(l.items, item{block: sg}) }); err != nil {
			return err
		}
	}
	l.held.force(0)
	return nil
}

func (l *collectLocal) Combine(context.Context) error {
	for _, c := range l.w.take() {
		l.items = append(l.items, item{chunk: c})
	}
	l.sink.mu.Lock()
	defer l.sink.mu.Unlock()
	l.sink.mu.items = append(l.sink.mu.items, l.items...)
	return nil
}

// collectedSource reads materialised rows, possibly at several places at once:
// each place has its own source.
type collectedSource struct {
	of   *collectSink
	rows int
	next atomic.Int64
}

func (r *collectedSource) Width(want int) int      { return min(want, len(r.of.mu.items)) }
func (r *collectedSource) Stream() (Stream, error) { return &collectedStream{src: r}, nil }

type collectedStream struct {
	src *collectedSource
	cur *batch.Batch
	seq int64
	at  int
	buf []byte
	out batch.Batch
}

func (s *collectedStream) Next(context.Context) (*batch.Batch, error) {
	for s.cur == nil || s.at >= s.cur.N {
		i := s.src.next.Add(1) - 1
		if i >= int64(len(s.src.of.mu.items)) {
			return nil, io.EOF
		}
		it := s.src.of.mu.items[i]
		s.cur, s.at, s.seq = it.chunk, 0, i
		if it.chunk == nil {
			b, err := it.block.read(s.src.of.types, &s.buf)
			if err != nil {
				return nil, err
			}
			s.cur = b
		}
	}
	n := min(s.src.rows, s.cur.N-s.at)
	sliceBatch(&s.out, s.cur, s.at, n)
	s.out.Seq = s.seq
	s.at += n
	return &s.out, nil
}

func (s *collectedStream) Close() error { return nil }
