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
	p := s.src.next.Add(1) - 1
	s.at, s.seq = 0, p
	if sink.merged != nil {
		s.cur = sink.merged
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
	s.own.forget()
	return true, s.merge(ctx, int(p))
}

// merge brings all threads' parts of partition p into the own table.
func (s *aggStream) merge(ctx context.Context, p int) error {
	for _, l := range s.src.sink.mu.locals {
		if l.files != nil {
			if err := l.files.read(ctx, p, s.mergeChunk); err != nil {
				return err
			}
		}
		if l.parts == nil {
			continue
		}
		part := &l.parts.part[p]
		for _, c := range part.raw {
			if err := s.mergeChunk(c, true); err != nil {
				return err
			}
		}
		for _, c := range part.states {
			if err := s.mergeChunk(c, false); err != nil {
				return err
			}
		}
		*part = aggPart{}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (s *aggStream) mergeChunk(c *aggChunk, raw bool) error {
	l := s.own
	if cap(l.groups) < c.n {
		l.groups = make([]int32, max(c.n, aggChunkRows))
	}
	groups := l.groups[:c.n]
	l.table.lookup(c.rowsOf(l.sink.lay, s.in), groups)
	l.growFuncs()
	for _, f := range l.funcs {
		var err error
		if raw {
			err = f.updateRaw(c.vals, groups, c.n)
		} else {
			err = f.merge(c.vals, groups, c.n)
		}
		if err != nil {
			return err
		}
	}
	l.held.force(l.size())
	return nil
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
