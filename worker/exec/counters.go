package exec

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/internal/batch"
)

// OperatorStats are one operator's totals so far. IDs number the operators of
// a fragment from 1 in the order of the tree, parents first.
type OperatorStats struct {
	ID, Parent      int
	Name            string
	Kind            string // "join" of a HashJoin: what counters over queries are kept by
	RowsIn, RowsOut int64
	Bytes           int64 // read from storage, by scans
	Spilled         int64 // bytes written to disk
	Nanos           int64 // own work, over all threads
}

// counter is an operator's totals. Threads add once a batch.
type counter struct {
	id, parent int
	name, kind string
	rows       atomic.Int64
	bytes      atomic.Int64
	inclusive  atomic.Int64 // time of Next, with the operators below in the same pipeline
	sink       atomic.Int64 // time of Consume, Combine and Finalize
	spill      *spiller
	children   []*counter
	source     Source // of the operator's pipe
}

// counted builds a node's pipe with a counter around it.
func (b *builder) counted(n physical.Node, build func() (*pipe, error)) (*pipe, error) {
	c := &counter{id: len(b.counters) + 1, name: operatorName(n), kind: operatorKind(n), spill: &spiller{dir: b.deps.SpillDir}}
	parent := b.cur
	if parent != nil {
		c.parent = parent.id
		parent.children = append(parent.children, c)
	}
	b.counters = append(b.counters, c)
	b.cur = c
	p, err := build()
	b.cur = parent
	if err != nil {
		return nil, err
	}
	c.source = p.source
	return p.then(func(in Stream) (Stream, error) { return &countStream{in: in, c: c}, nil }), nil
}

// operatorName is the node's name in a plan's text.
func operatorName(n physical.Node) string {
	s := n.String()
	for i := range len(s) {
		if s[i] == ' ' {
			return s[:i]
		}
	}
	return s
}

// operatorKind is what kind of operator a node is.
func operatorKind(n physical.Node) string {
	switch n := n.(type) {
	case *physical.Aggregate:
		return "aggregate"
	case *physical.HashJoin:
		return "join"
	case *physical.NestedLoop:
		return "nested_loop_join"
	case *physical.Sort:
		if n.Limit >= 0 {
			return "top_n"
		}
		return "sort"
	case *physical.Recursive:
		return "recursive"
	case *physical.CacheRead:
		return "persisted"
	case *physical.Values:
		return "values"
	case *physical.StageInput:
		return "stage_input"
	}
	return strings.ToLower(operatorName(n))
}

// countStream counts what an operator delivers on one thread.
type countStream struct {
	in Stream
	c  *counter
}

func (s *countStream) Next(ctx context.Context) (*batch.Batch, error) {
	start := time.Now()
	b, err := s.in.Next(ctx)
	s.c.inclusive.Add(int64(time.Since(start)))
	if err == nil {
		s.c.rows.Add(int64(b.N))
	}
	return b, err
}

func (s *countStream) Close() error { return s.in.Close() }

// timed adds the time f takes to the operator's own.
func (c *counter) timed(f func() error) error {
	if c == nil {
		return f()
	}
	start := time.Now()
	err := f()
	c.sink.Add(int64(time.Since(start)))
	return err
}

// stats reads the counters.
func (c *counter) stats() OperatorStats {
	s := OperatorStats{
		ID: c.id, Parent: c.parent, Name: c.name, Kind: c.kind, RowsOut: c.rows.Load(), Bytes: c.bytes.Load(),
		Spilled: c.spill.written.Load(), Nanos: c.inclusive.Load() + c.sink.Load(),
	}
	_, union := c.source.(*unionSource)
	for _, k := range c.children {
		s.RowsIn += k.rows.Load()
		if k.source == c.source || union {
			s.Nanos -= k.inclusive.Load()
		}
	}
	s.Nanos = max(0, s.Nanos)
	return s
}

// Operators reads all operators' totals, also while the fragment runs.
func (r *Run) Operators() []OperatorStats {
	out := make([]OperatorStats, len(r.b.counters))
	for i, c := range r.b.counters {
		out[i] = c.stats()
	}
	return out
}

// ReadBytes is the size of the splits opened so far.
func (r *Run) ReadBytes() (n int64) {
	for _, c := range r.b.counters {
		n += c.bytes.Load()
	}
	return n
}

// SpilledBytes is what operators have written to disk so far.
func (r *Run) SpilledBytes() (n int64) {
	for _, c := range r.b.counters {
		n += c.spill.written.Load()
	}
	return n
}

// drain moves a stream's batches into a sink's part.
func drain(ctx context.Context, s Stream, l Local, c *counter) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := s.Next(ctx)
		if atEnd(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if b.N == 0 {
			continue
		}
		if err := c.timed(func() error { return l.Consume(ctx, b) }); err != nil {
			return err
		}
	}
}
