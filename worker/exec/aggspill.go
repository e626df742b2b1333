package exec

import (
	"context"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// aggFiles is one thread's spilled partitions: key columns with states, or
// with raw arguments.
type aggFiles struct {
	file   *spillFile
	states [partitions][]segment
	raw    [partitions][]segment
}

// write stores all chunks of p and forgets them.
func (f *aggFiles) write(p *aggParts) error {
	for i := range p.part {
		part := &p.part[i]
		for _, c := range part.states {
			if err := f.writeChunk(p, c, &f.states[i]); err != nil {
				return err
			}
		}
		for _, c := range part.raw {
			if err := f.writeChunk(p, c, &f.raw[i]); err != nil {
				return err
			}
		}
		*part = aggPart{}
	}
	p.bytes = 0
	return nil
}

func (f *aggFiles) writeChunk(a *aggParts, c *aggChunk, to *[]segment) error {
	b := &batch.Batch{N: c.n}
	var bufs [][]byte
	if a.arena != nil {
		bufs = a.arena.Bufs
	}
	for k, col := range a.lay.cols {
		v := batch.New(col.typ, 0)
		a.lay.decodeKeys(c.keys, 0, c.n, k, bufs, v)
		b.Cols = append(b.Cols, v)
	}
	b.Cols = append(b.Cols, c.vals...)
	s, err := f.file.write(b)
	*to = append(*to, s)
	return err
}

// spillAll moves everything the thread holds to disk.
func (l *aggLocal) spillAll() error {
	if l.table == nil { // one group, which nothing divides
		return l.held.must(l.size())
	}
	if err := l.empty(); err != nil {
		return err
	}
	if l.parts != nil {
		if l.files == nil {
			f, err := l.sink.spill.create()
			if err != nil {
				return err
			}
			l.files = &aggFiles{file: f}
		}
		if err := l.files.write(l.parts); err != nil {
			return err
		}
		l.parts = nil
	}
	err := l.shrink()
	l.held.force(l.size())
	return err
}

// shrink frees the storage that accumulators and the table keep for reuse.
func (l *aggLocal) shrink() (err error) {
	l.table = newKeyTable(l.sink.lay)
	l.dir = directMap{off: l.dir.off}
	l.states = nil
	l.funcs, err = l.sink.funcs()
	return err
}

// aggWork is one partition to merge: what threads hold in memory, and blocks.
type aggWork struct {
	level       int // of the partitioning that made it
	part        int
	parts       []*aggParts
	states, raw []segment
}

// work collects partition p of all threads.
func (s *aggSink) work(p int) *aggWork {
	w := &aggWork{part: p}
	for _, l := range s.mu.locals {
		if l.files != nil {
			w.states, w.raw = append(w.states, l.files.states[p]...), append(w.raw, l.files.raw[p]...)
		}
		if l.parts != nil {
			w.parts = append(w.parts, l.parts)
		}
	}
	return w
}

// each visits the work's rows: key rows, columns, and whether these are raw.
func (w *aggWork) each(ctx context.Context, s *aggSink, in *keyRows, f func(in *keyRows, vals []*batch.Vector, raw bool) error) error {
	for _, a := range w.parts {
		p := &a.part[w.part]
		for _, c := range p.raw {
			if err := f(c.rowsOf(a, in), c.vals, true); err != nil {
				return err
			}
		}
		for _, c := range p.states {
			if err := f(c.rowsOf(a, in), c.vals, false); err != nil {
				return err
			}
		}
		s.held.shrink(p.size())
		*p = aggPart{}
	}
	if err := w.eachSegment(ctx, s, w.raw, s.rawTypes(), true, f); err != nil {
		return err
	}
	return w.eachSegment(ctx, s, w.states, s.stateTypes(), false, f)
}

func (w *aggWork) eachSegment(ctx context.Context, s *aggSink, list []segment, vals []types.Type, raw bool, f func(in *keyRows, vals []*batch.Vector, raw bool) error) error {
	if len(list) == 0 {
		return nil
	}
	k := len(s.lay.cols)
	src := &segments{types: append(exprTypes(s.keys), vals...), list: list}
	in := newKeyRows(s.lay)
	for range list {
		b, err := src.Next(ctx)
		if err != nil {
			return err
		}
		in.encode(b.Cols[:k], b.N)
		if err := f(in, b.Cols[k:], raw); err != nil {
			return err
		}
	}
	return nil
}

// mergeWork merges a partition into l's table. If that does not fit the
// budget, l spills it into smaller partitions, which are returned instead.
func (l *aggLocal) mergeWork(ctx context.Context, w *aggWork, in *keyRows) ([]*aggWork, error) {
	l.level = w.level + 1
	l.files, l.parts = nil, nil
	l.forget()
	err := w.each(ctx, l.sink, in, func(in *keyRows, vals []*batch.Vector, raw bool) error {
		if l.files != nil {
			return l.scatter(in, vals, raw)
		}
		if err := l.mergeVals(in, vals, raw); err != nil {
			return err
		}
		if w.level >= maxSpillLevel || l.sink.spill.dir == "" {
			l.held.force(l.size())
			return nil
		}
		return l.book()
	})
	if err != nil || l.files == nil {
		return nil, err
	}
	if err := l.spillAll(); err != nil {
		return nil, err
	}
	var out []*aggWork
	for p := range partitions {
		if len(l.files.states[p])+len(l.files.raw[p]) > 0 {
			out = append(out, &aggWork{level: l.level, states: l.files.states[p], raw: l.files.raw[p]})
		}
	}
	l.forget()
	return out, nil
}

// scatter moves rows to the smaller partitions.
func (l *aggLocal) scatter(in *keyRows, vals []*batch.Vector, raw bool) error {
	l.openParts()
	l.parts.add(in, vals, raw)
	return l.book()
}

// mergeVals merges rows of states or raw arguments.
func (l *aggLocal) mergeVals(in *keyRows, vals []*batch.Vector, raw bool) error {
	if cap(l.groups) < in.n {
		l.groups = make([]int32, max(in.n, aggChunkRows))
	}
	groups := l.groups[:in.n]
	l.table.lookup(in, groups)
	l.growFuncs()
	for _, f := range l.funcs {
		var err error
		if raw {
			err = f.updateRaw(vals, groups, in.n)
		} else {
			err = f.merge(vals, groups, in.n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
