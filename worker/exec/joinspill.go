package exec

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/spurwheel/spurwheel/internal/batch"
)

// graceJoin is a join whose build side did not fit: both sides lie on disk in
// 64 partitions by key, and each partition is joined by itself, which may
// partition again.
type graceJoin struct {
	build   [partitions][]segment
	hasNull bool
	total   int64 // build rows
	mu      struct {
		sync.Mutex
		probe [partitions][]segment
	}
}

// toDisk moves what the thread holds to its partitions.
func (l *joinBuildLocal) toDisk() error {
	j := l.sink.spec
	if l.parts == nil {
		var err error
		if l.parts, err = newRowParts(j.build, j.spill); err != nil {
			return err
		}
	}
	if len(l.keys) == 0 {
		return nil
	}
	keys := &keyRows{lay: j.lay}
	for _, c := range l.chunks() {
		keys.rows, keys.n = c.keys, c.b.N
		if err := l.parts.add(c.b.Cols, keys, j.level); err != nil {
			return err
		}
	}
	if l.arena != nil {
		l.arena = batch.New(l.arena.Type, 0)
	}
	l.held.force(0)
	return nil
}

// toDisk ends the build with all rows on disk.
func (s *joinBuild) toDisk() error {
	g := &graceJoin{}
	for _, l := range s.mu.locals {
		if err := l.toDisk(); err != nil {
			return err
		}
		if err := l.parts.finish(); err != nil {
			return err
		}
		g.hasNull = g.hasNull || l.null
		for p, segs := range l.parts.segs {
			g.build[p] = append(g.build[p], segs...)
			for _, sg := range segs {
				g.total += int64(sg.rows)
			}
		}
	}
	s.grace = g
	return nil
}

// toDisk partitions the thread's probe rows. The thread that ends last joins
// the partitions, on as many threads as the join has.
func (p *joinProbe) toDisk(ctx context.Context) error {
	if p.ended {
		return io.EOF
	}
	var err error
	if p.parts, err = newRowParts(p.spec.probe, p.spec.spill); err != nil {
		return err
	}
	for {
		b, err := p.in.Next(ctx)
		if atEnd(err) {
			break
		}
		if err != nil {
			return err
		}
		if b.N == 0 {
			continue
		}
		if err := evalAll(p.evs, b, p.cols); err != nil {
			return err
		}
		p.keys.encode(p.cols, b.N)
		if err := p.parts.add(b.Cols, p.keys, p.spec.level); err != nil {
			return err
		}
	}
	if err := p.parts.finish(); err != nil {
		return err
	}
	p.ended = true
	g := p.build.grace
	g.mu.Lock()
	for i, segs := range p.parts.segs {
		g.mu.probe[i] = append(g.mu.probe[i], segs...)
	}
	g.mu.Unlock()
	if p.probing.Add(-1) == 0 {
		src := &graceSource{spec: p.spec, join: g}
		p.rest, err = (&gather{in: &pipe{source: src}, threads: p.spec.threads}).Stream()
	}
	return err
}

// graceSource joins partitions, each a morsel.
type graceSource struct {
	spec *joinSpec
	join *graceJoin
	next atomic.Int64
}

func (s *graceSource) Width(want int) int      { return min(want, partitions) }
func (s *graceSource) Stream() (Stream, error) { return &graceStream{src: s}, nil }

type graceStream struct {
	src   *graceSource
	build *joinBuild
	cur   Stream // the partition's probe
	out   batch.Batch
}

func (s *graceStream) Next(ctx context.Context) (*batch.Batch, error) {
	for {
		if s.cur == nil {
			if err := s.open(ctx); err != nil {
				return nil, err
			}
			continue
		}
		b, err := s.cur.Next(ctx)
		if atEnd(err) {
			if err := s.Close(); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		s.out = *b
		s.out.Seq = leftoverSeq
		return &s.out, nil
	}
}

// open builds the next partition and starts its probe.
func (s *graceStream) open(ctx context.Context) error {
	i := s.src.next.Add(1) - 1
	if i >= partitions {
		return io.EOF
	}
	spec := *s.src.spec
	spec.level, spec.threads, spec.publish = spec.level+1, 1, nil
	g := s.src.join
	probe := g.mu.probe[i]
	if len(probe) == 0 && !spec.keepsBuild() && !spec.marksBuild() {
		return nil
	}
	s.build = &joinBuild{spec: &spec}
	rows := &pipeline{in: &pipe{source: one(&segments{types: spec.build, list: g.build[i]})}, sink: s.build}
	if err := rows.run(ctx, 1); err != nil {
		return err
	}
	if t := s.build.table; t != nil {
		t.hasNull, t.total = g.hasNull, g.total
	} else {
		s.build.grace.hasNull, s.build.grace.total = g.hasNull, g.total
	}
	var err error
	s.cur, err = joinProbeStep(s.build, new(atomic.Int32))(&segments{types: spec.probe, list: probe})
	return err
}

// Close gives the partition's memory back.
func (s *graceStream) Close() error {
	if s.build != nil {
		s.build.release()
		s.build = nil
	}
	if s.cur == nil {
		return nil
	}
	err := s.cur.Close()
	s.cur = nil
	return err
}

// release gives back what a finished build has booked.
func (s *joinBuild) release() {
	for _, l := range s.mu.locals {
		l.held.force(0)
	}
	if s.table != nil {
		s.spec.held.shrink(s.table.extra)
	}
}

// oneSource is a source of one stream.
type oneSource struct{ s Stream }

func one(s Stream) *oneSource { return &oneSource{s} }

func (o *oneSource) Width(int) int           { return 1 }
func (o *oneSource) Stream() (Stream, error) { return o.s, nil }
