package exec

import (
	"context"
	"io"

	"github.com/spurwheel/spurwheel/internal/batch"
)

// limitStep passes n rows (-1: all) after skipping offset. It stands over a
// gather: one thread, rows in order.
func limitStep(n, offset int64) step {
	return func(in Stream) (Stream, error) {
		return &limit{in: in, left: n, skip: offset}, nil
	}
}

type limit struct {
	in         Stream
	left, skip int64
	out        batch.Batch
}

func (l *limit) Next(ctx context.Context) (*batch.Batch, error) {
	for {
		if l.left == 0 {
			return nil, io.EOF
		}
		b, err := l.in.Next(ctx)
		if err != nil {
			return nil, err
		}
		if int64(b.N) <= l.skip {
			l.skip -= int64(b.N)
			continue
		}
		from, n := int(l.skip), b.N-int(l.skip)
		if l.left >= 0 {
			n = int(min(int64(n), l.left))
			l.left -= int64(n)
		}
		l.skip = 0
		if n == b.N {
			return b, nil
		}
		sliceBatch(&l.out, b, from, n)
		return &l.out, nil
	}
}

func (l *limit) Close() error { return l.in.Close() }

// sliceBatch makes out show rows [from, from+n) of b.
func sliceBatch(out, b *batch.Batch, from, n int) {
	out.Cols = out.Cols[:0]
	for _, c := range b.Cols {
		v := new(batch.Vector)
		v.Slice(c, from, n)
		out.Cols = append(out.Cols, v)
	}
	out.N, out.Seq = n, b.Seq
}

// tailStep keeps the last n rows. It stands over a gather.
func tailStep(n int64) step {
	return func(in Stream) (Stream, error) { return &tail{in: in, n: int(n)}, nil }
}

type tail struct {
	in   Stream
	n    int
	held []*batch.Batch // at least the last n rows
	rows int
	done bool
}

func (t *tail) Next(ctx context.Context) (*batch.Batch, error) {
	if !t.done {
		if err := t.read(ctx); err != nil {
			return nil, err
		}
		t.done = true
	}
	if len(t.held) == 0 {
		return nil, io.EOF
	}
	b := t.held[0]
	t.held = t.held[1:]
	if extra := t.rows - t.n; extra > 0 {
		t.rows = t.n
		var out batch.Batch
		sliceBatch(&out, b, extra, b.N-extra)
		return &out, nil
	}
	return b, nil
}

func (t *tail) read(ctx context.Context) error {
	for {
		b, err := t.in.Next(ctx)
		if atEnd(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if b.N == 0 || t.n == 0 {
			continue
		}
		c := emptyLike(b)
		c.AppendCopy(b, 0, b.N)
		t.held, t.rows = append(t.held, c), t.rows+b.N
		for t.rows-t.held[0].N >= t.n {
			t.rows -= t.held[0].N
			t.held = t.held[1:]
		}
	}
}

func (t *tail) Close() error { return t.in.Close() }
