package exec

import (
	"context"
	"sync"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/internal/batch"
)

// Observation is what a fragment has of an observation: a block of one row, the
// functions' partial states.
type Observation struct {
	ID    int64
	State []byte
}

// observer aggregates, without keys, the rows that pass. Threads add to states
// of their own; what a thread leaves is merged into one.
type observer struct {
	id   int64
	sink *aggSink
	mu   struct {
		sync.Mutex
		merged *aggLocal
		open   map[*watch]struct{}
	}
}

func (b *builder) observe(n *physical.CollectMetrics) (*pipe, error) {
	in, err := b.node(n.Child)
	if err != nil {
		return nil, err
	}
	// no child: the functions take rows, whatever makes them
	agg := &physical.Aggregate{Mode: physical.AggPartial, Aggs: n.Aggs}
	sink, err := newAggSink(agg, b.deps.Registry, b.deps.Env, b.comp, b.account(), b.cur.spill)
	if err != nil {
		return nil, err
	}
	o := &observer{id: n.ID, sink: sink}
	o.mu.open = map[*watch]struct{}{}
	b.watched = append(b.watched, o)
	return in.then(o.watch), nil
}

// watch is the step of one thread.
func (o *observer) watch(in Stream) (Stream, error) {
	l, err := o.sink.Local()
	if err != nil {
		return nil, err
	}
	w := &watch{in: in, of: o}
	w.mu.local = l.(*aggLocal)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mu.open[w] = struct{}{}
	return w, nil
}

// watch passes rows on and shows them to its state.
type watch struct {
	in Stream
	of *observer
	mu struct {
		sync.Mutex // a limit above may end the fragment while this thread still reads
		local      *aggLocal
	}
}

func (w *watch) Next(ctx context.Context) (*batch.Batch, error) {
	b, err := w.in.Next(ctx)
	if err != nil || b.N == 0 {
		return b, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mu.local == nil { // reported already
		return b, nil
	}
	return b, w.mu.local.Consume(ctx, b)
}

func (w *watch) Close() error {
	w.of.mu.Lock()
	err := w.of.settleLocked(w)
	w.of.mu.Unlock()
	if cerr := w.in.Close(); err == nil {
		err = cerr
	}
	return err
}

// settleLocked merges a thread's state, once.
func (o *observer) settleLocked(w *watch) error {
	delete(o.mu.open, w)
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.mu.local
	w.mu.local = nil
	switch {
	case l == nil:
		return nil
	case o.mu.merged == nil:
		o.mu.merged = l
		return nil
	}
	if err := o.mu.merged.absorb(l); err != nil {
		return err
	}
	l.held.force(0)
	return o.mu.merged.book()
}

// state is the merged state of all rows that passed so far; later ones do not count.
func (o *observer) state() ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for w := range o.mu.open {
		if err := o.settleLocked(w); err != nil {
			return nil, err
		}
	}
	l := o.mu.merged
	if l == nil { // nothing ran
		fresh, err := o.sink.Local()
		if err != nil {
			return nil, err
		}
		l = fresh.(*aggLocal)
	}
	out := batch.NewBatch(o.sink.stateTypes(), 0)
	if err := l.deliver(0, 1, out); err != nil {
		return nil, err
	}
	out.N = 1
	return batch.AppendBlock(nil, out)
}

// Observed gives the observations of the rows that have passed. Asked for when
// the rows have come to their end.
func (r *Run) Observed() (out []Observation, err error) {
	err = guard(func() error {
		for _, o := range r.b.watched {
			state, err := o.state()
			if err != nil {
				return err
			}
			out = append(out, Observation{ID: o.id, State: state})
		}
		return nil
	})
	return out, err
}
