package exec

import (
	"context"
	"io"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// sortRun is sorted rows on disk.
type sortRun []segment

// mergeWidth is how many runs are merged at once: each holds one block.
const mergeWidth = 64

// toRun sorts what the thread holds and writes it out.
func (l *sortLocal) toRun(ctx context.Context) error {
	s := l.sink
	chunks := l.w.take()
	if len(chunks) == 0 {
		return nil
	}
	if l.file == nil {
		var err error
		if l.file, err = s.spill.create(); err != nil {
			return err
		}
	}
	rel := newRelation(l.w.types, chunks)
	order, err := sortRows(ctx, rel, s.ord.keys, 1)
	if err != nil {
		return err
	}
	if s.keep >= 0 {
		order = order[:min(int64(len(order)), s.keep)]
	}
	var run sortRun
	out := batch.NewBatch(l.w.types, 0)
	rows := blockRows(chunks)
	for from := 0; from < len(order); from += rows {
		at := order[from:min(from+rows, len(order))]
		rel.gather(out.Cols, at)
		out.N = len(at)
		sg, err := l.file.write(out)
		if err != nil {
			return err
		}
		run = append(run, sg)
	}
	l.runs, l.rows = append(l.runs, run), 0
	l.held.force(0)
	return nil
}

// blockRows is how many rows of a run go into a block.
func blockRows(chunks []*batch.Batch) int {
	rows, bytes := int64(1), int64(0)
	for _, c := range chunks {
		rows, bytes = rows+int64(c.N), bytes+c.Bytes()
	}
	return int(max(1, min(batch.Rows, spillBlock/max(bytes/rows, 1))))
}

// narrow merges runs until few enough are left to be merged while reading.
func (s *sortSink) narrow(ctx context.Context) error {
	for len(s.runs) > mergeWidth {
		file, err := s.spill.create()
		if err != nil {
			return err
		}
		in := s.merge(s.runs[:mergeWidth], batch.Rows)
		var run sortRun
		for {
			b, err := in.Next(ctx)
			if atEnd(err) {
				break
			}
			if err != nil {
				return err
			}
			sg, err := file.write(b)
			if err != nil {
				return err
			}
			run = append(run, sg)
		}
		s.runs = append(s.runs[mergeWidth:], run)
	}
	return nil
}

// merge reads runs as one sorted stream of all stored columns.
func (s *sortSink) merge(runs []sortRun, rows int) Stream {
	ts := s.ord.types()
	m := &mergeStream{keys: s.ord.keys, rows: rows, out: batch.NewBatch(ts, 0)}
	for _, r := range runs {
		m.runs = append(m.runs, &runCursor{in: segments{types: ts, list: r}})
	}
	return m
}

// runCursor is a place in a run.
type runCursor struct {
	in    segments
	cur   *batch.Batch
	at    int
	width int64 // of cur's rows, in bytes
}

// advance moves to the next row; cur is nil at the end.
func (c *runCursor) advance(ctx context.Context) error {
	c.at++
	for c.cur == nil || c.at >= c.cur.N {
		b, err := c.in.Next(ctx)
		if atEnd(err) {
			c.cur = nil
			return nil
		}
		if err != nil {
			return err
		}
		c.cur, c.at, c.width = b, 0, b.Bytes()/int64(max(b.N, 1))
	}
	return nil
}

// mergeStream merges sorted runs with a heap of their first rows.
type mergeStream struct {
	keys    []sortKey
	rows    int
	runs    []*runCursor // those that have a row, as a heap
	started bool
	out     *batch.Batch
	size    int64 // of out, about
	seq     int64
}

func (m *mergeStream) Next(ctx context.Context) (*batch.Batch, error) {
	if !m.started {
		if err := m.start(ctx); err != nil {
			return nil, err
		}
	}
	if len(m.runs) == 0 {
		return nil, io.EOF
	}
	m.out.Reset(0)
	m.size = 0
	for m.out.N < m.rows && len(m.runs) > 0 && m.size < 4*spillBlock {
		if err := m.take(ctx); err != nil {
			return nil, err
		}
	}
	m.out.Seq = m.seq
	m.seq++
	return m.out, nil
}

func (m *mergeStream) start(ctx context.Context) error {
	m.started = true
	all := m.runs
	m.runs = nil
	for _, c := range all {
		if err := c.advance(ctx); err != nil {
			return err
		}
		if c.cur != nil {
			m.runs = append(m.runs, c)
		}
	}
	for i := len(m.runs)/2 - 1; i >= 0; i-- {
		m.sink(i)
	}
	return nil
}

// take moves a stretch of the first run's rows: those not after the first rows
// of all others.
func (m *mergeStream) take(ctx context.Context) error {
	c := m.runs[0]
	from, n := c.at, 1
	next := m.second()
	for m.out.N+n < m.rows && from+n < c.cur.N && (next == nil || m.compareAt(c, from+n, next, next.at) <= 0) {
		n++
	}
	m.out.AppendCopy(c.cur, from, n)
	m.size += int64(n) * c.width
	c.at += n - 1
	if err := c.advance(ctx); err != nil {
		return err
	}
	if c.cur == nil {
		k := len(m.runs) - 1
		m.runs[0] = m.runs[k]
		m.runs = m.runs[:k]
	}
	if len(m.runs) > 0 {
		m.sink(0)
	}
	return nil
}

// second is the run with the least row but the first run's.
func (m *mergeStream) second() *runCursor {
	switch len(m.runs) {
	case 1:
		return nil
	case 2:
		return m.runs[1]
	}
	if m.less(m.runs[2], m.runs[1]) {
		return m.runs[2]
	}
	return m.runs[1]
}

func (m *mergeStream) compareAt(a *runCursor, i int, b *runCursor, j int) int {
	for _, k := range m.keys {
		if c := compareKey(k, a.cur.Cols[k.col], i, b.cur.Cols[k.col], j); c != 0 {
			return c
		}
	}
	return 0
}

func (m *mergeStream) less(a, b *runCursor) bool { return m.compareAt(a, a.at, b, b.at) < 0 }

// sink restores the heap below i.
func (m *mergeStream) sink(i int) {
	for {
		k := 2*i + 1
		if k >= len(m.runs) {
			return
		}
		if k+1 < len(m.runs) && m.less(m.runs[k+1], m.runs[k]) {
			k++
		}
		if !m.less(m.runs[k], m.runs[i]) {
			return
		}
		m.runs[i], m.runs[k] = m.runs[k], m.runs[i]
		i = k
	}
}

func (m *mergeStream) Close() error { return nil }

// firstColumns passes the input's columns on without the stored keys.
type firstColumns struct {
	in  Stream
	n   int
	out batch.Batch
}

func (f *firstColumns) Next(ctx context.Context) (*batch.Batch, error) {
	b, err := f.in.Next(ctx)
	if err != nil {
		return nil, err
	}
	f.out = batch.Batch{Cols: b.Cols[:f.n], N: b.N, Seq: b.Seq}
	return &f.out, nil
}

func (f *firstColumns) Close() error { return f.in.Close() }

// spilledStream is the sorted rows [offset, keep) from disk.
func (s *sortSink) spilledStream(out []types.Type, rows int, offset int64) Stream {
	left := int64(-1)
	if s.keep >= 0 {
		left = max(0, s.keep-offset)
	}
	return &limit{in: &firstColumns{in: s.merge(s.runs, rows), n: len(out)}, left: left, skip: offset}
}
