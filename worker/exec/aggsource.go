package exec

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// aggSource delivers an aggregation: the merged table, or partition by
// partition, each a morsel that one thread merges alone.
type aggSource struct {
	sink *aggSink
	out  []types.Type
	rows int
	next atomic.Int64
}

func (a *aggSource) Width(want int) int {
	if a.sink.merged != nil {
		return 1
	}
	return min(want, partitions)
}

func (a *aggSource) Stream() (Stream, error) {
	return &aggStream{src: a, out: batch.NewBatch(a.out, 0)}, nil
}

type aggStream struct {
	src *aggSource
	cur *aggLocal // being delivered
	own *aggLocal // this thread's, reused for each partition
	at  int
	seq int64
	out *batch.Batch
	in  *keyRows
	// todo is partitions of the last morsel that was too large.
	todo []*aggWork
}

func (s *aggStream) Next(ctx context.Context) (*batch.Batch, error) {
	for s.cur == nil || s.at >= s.cur.count() {
		ok, err := s.advance(ctx)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, io.EOF
		}
	}
	n := min(s.src.rows, s.cur.count()-s.at)
	if err := s.cur.deliver(s.at, s.at+n, s.out); err != nil {
		return nil, err
	}
	s.out.N, s.out.Seq = n, s.seq
	s.at += n
	return s.out, nil
}

func (s *aggStream) Close() error {
	if s.own != nil {
		s.own.held.force(0)
	}
	return nil
}

// advance takes the next morsel.
func (s *aggStream) advance(ctx context.Context) (bool, error) {
	sink := s.src.sink
	p := int64(-1) // smaller partitions of the last morsel come first
	if len(s.todo) == 0 {
		p = s.src.next.Add(1) - 1
		s.seq = p
	}
	s.at = 0
	if sink.merged != nil {
		if s.cur = sink.merged; p != 0 {
			s.cur = nil // a stream may be asked again after its end
		}
		return p == 0, nil
	}
	if p >= partitions {
		return false, nil
	}
	if s.own == nil {
		l, err := sink.Local()
		if err != nil {
			return false, err
		}
		s.own = l.(*aggLocal)
		s.in = &keyRows{bufs: make([][][]byte, len(sink.keys))}
	}
	s.cur = s.own
	todo, err := s.own.mergeWork(ctx, s.work(p), s.in)
	s.todo = append(s.todo, todo...)
	return true, err
}

// work is the next smaller partition that was left, or partition p.
func (s *aggStream) work(p int64) *aggWork {
	if k := len(s.todo); p < 0 {
		w := s.todo[k-1]
		s.todo = s.todo[:k-1]
		return w
	}
	return s.src.sink.work(int(p))
}

// count is the number of groups.
func (l *aggLocal) count() int {
	if l.table == nil {
		return 1
	}
	return l.table.n
}

// deliver writes groups [from, to): keys, then results or states.
func (l *aggLocal) deliver(from, to int, out *batch.Batch) error {
	k := len(l.sink.keys)
	for i := range k {
		l.sink.lay.decodeKeys(l.table.rows, from, to, i, l.table.bufs(), out.Cols[i])
	}
	for _, c := range out.Cols[k:] {
		c.Reset(0)
	}
	for i, f := range l.funcs {
		var err error
		if l.sink.mode == physical.AggPartial {
			err = f.acc.State(from, to, out.Cols[k+f.def.at:k+f.def.at+len(f.def.states)])
		} else {
			err = f.acc.Result(from, to, out.Cols[k+i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}
