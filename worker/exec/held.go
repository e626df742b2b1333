package exec

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Held finds rows that the process keeps under a key: persisted plans.
type Held interface {
	Held(key string) (HeldRows, error)
}

// HeldRows is kept rows in blocks. Loaded batches are not written again. It is
// safe for concurrent use.
type HeldRows interface {
	Len() int
	Load(i int) (*batch.Batch, error)
}

func (b *builder) cacheRead(n *physical.CacheRead) (*pipe, error) {
	if b.deps.Held == nil {
		return nil, errs.Errorf(errs.Internal, "exec.Build", "no kept rows here for %s", n.Key)
	}
	rows, err := b.deps.Held.Held(n.Key)
	if err != nil {
		return nil, err
	}
	return &pipe{source: &heldSource{held: rows, rows: b.deps.BatchRows}}, nil
}

// heldSource hands out kept blocks as morsels.
type heldSource struct {
	held HeldRows
	rows int
	next atomic.Int64
}

func (h *heldSource) Width(want int) int      { return min(want, h.held.Len()) }
func (h *heldSource) Stream() (Stream, error) { return &heldStream{src: h}, nil }

type heldStream struct {
	src *heldSource
	cur *batch.Batch
	seq int64
	at  int
	out batch.Batch
}

func (s *heldStream) Next(context.Context) (*batch.Batch, error) {
	for s.cur == nil || s.at >= s.cur.N {
		i := s.src.next.Add(1) - 1
		if i >= int64(s.src.held.Len()) {
			return nil, io.EOF
		}
		b, err := s.src.held.Load(int(i))
		if err != nil {
			return nil, err
		}
		s.cur, s.at, s.seq = b, 0, i
	}
	n := min(s.src.rows, s.cur.N-s.at)
	sliceBatch(&s.out, s.cur, s.at, n)
	s.out.Seq = s.seq
	s.at += n
	return &s.out, nil
}

func (s *heldStream) Close() error { return nil }
