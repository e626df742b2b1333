package exec

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// valuesSource hands out batches in memory.
type valuesSource struct {
	batches []*batch.Batch
	rows    int // most rows in a batch passed on
	next    atomic.Int64
}

func (v *valuesSource) Width(want int) int      { return min(want, len(v.batches)) }
func (v *valuesSource) Stream() (Stream, error) { return &valuesStream{src: v}, nil }

type valuesStream struct {
	src *valuesSource
	cur *batch.Batch
	seq int64
	at  int
	out batch.Batch
}

func (s *valuesStream) Next(context.Context) (*batch.Batch, error) {
	for s.cur == nil || s.at >= s.cur.N {
		i := s.src.next.Add(1) - 1
		if i >= int64(len(s.src.batches)) {
			return nil, io.EOF
		}
		s.cur, s.at, s.seq = s.src.batches[i], 0, i
	}
	n := min(s.src.rows, s.cur.N-s.at)
	sliceBatch(&s.out, s.cur, s.at, n)
	s.out.Seq = s.seq
	s.at += n
	return &s.out, nil
}

func (s *valuesStream) Close() error { return nil }

// rangeMorsel is the number of values in a morsel of a range.
const rangeMorsel = 1 << 16

// rangeSource makes start, start+step, ... before end.
type rangeSource struct {
	start, step int64
	count       uint64
	rows        int
	next        atomic.Int64
}

func newRange(start, end, step int64, rows int) *rangeSource {
	return &rangeSource{start: start, step: step, count: rangeCount(start, end, step), rows: rows}
}

// rangeCount counts the values; the span is taken modulo 2^64, which is exact for int64 ends.
func rangeCount(start, end, step int64) uint64 {
	switch {
	case step > 0 && start < end:
		return (uint64(end)-uint64(start)-1)/uint64(step) + 1
	case step < 0 && start > end:
		return (uint64(start)-uint64(end)-1)/(-uint64(step)) + 1
	}
	return 0
}

func (r *rangeSource) Width(want int) int {
	return int(min(uint64(want), (r.count+rangeMorsel-1)/rangeMorsel))
}

func (r *rangeSource) Stream() (Stream, error) {
	return &rangeStream{src: r, out: *batch.NewBatch([]types.Type{types.Long}, r.rows)}, nil
}

type rangeStream struct {
	src     *rangeSource
	at, end uint64
	out     batch.Batch
}

func (s *rangeStream) Next(context.Context) (*batch.Batch, error) {
	if s.at >= s.end {
		m := s.src.next.Add(1) - 1
		s.at = uint64(m) * rangeMorsel
		s.end = min(s.at+rangeMorsel, s.src.count)
		if s.at >= s.src.count {
			return nil, io.EOF
		}
		s.out.Seq = m
	}
	n := int(min(uint64(s.src.rows), s.end-s.at))
	s.out.Reset(n)
	v := s.src.start + int64(s.at)*s.src.step
	out := batch.Values[int64](s.out.Cols[0])
	for i := range out {
		out[i] = v
		v += s.src.step
	}
	s.at += uint64(n)
	return &s.out, nil
}

func (s *rangeStream) Close() error { return nil }
