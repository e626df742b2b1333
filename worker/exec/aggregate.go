package exec

import (
	"context"
	"sync"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// maxLocalGroups is where a thread's table stops growing and is emptied into
// partitions: its slots and rows then still fit the second-level cache.
const maxLocalGroups = 16 << 10

// maxMergedGroups is up to where the threads' small tables are merged by one
// thread at the end; beyond it they are partitioned and merged in parallel.
const maxMergedGroups = 64 << 10

// aggSink groups rows by keys: threads pre-aggregate into small tables, empty
// them into 64 partitions when they overflow, and stop pre-aggregating when
// that does not reduce; the source of the next pipeline (aggSource) merges
// partition by partition.
type aggSink struct {
	mode  physical.AggMode
	keys  []plan.Expr
	lay   *keyLayout
	defs  []*aggDef
	comp  compiler
	env   *function.Env
	held  *account
	spill *spiller
	mu    struct {
		sync.Mutex
		locals []*aggLocal
	}
	merged *aggLocal // everything, when it was little
}

func newAggSink(n *physical.Aggregate, reg *function.Registry, env *function.Env, c compiler, held *account, sp *spiller) (*aggSink, error) {
	var made []*plan.Agg
	if inner, ok := n.Child.(*physical.Aggregate); ok && inner.Mode == physical.AggPartial {
		made = inner.Aggs
	}
	defs, err := defineAggs(reg, n.Aggs, n.Merge, made)
	if err != nil {
		return nil, err
	}
	return &aggSink{mode: n.Mode, keys: n.Keys, lay: newKeyLayout(exprTypes(n.Keys)), defs: defs, comp: c, env: env, held: held, spill: sp}, nil
}

func (s *aggSink) stateTypes() []types.Type {
	var out []types.Type
	for _, d := range s.defs {
		out = append(out, d.states...)
	}
	return out
}

// rawTypes are the types of the arguments that raw rows keep.
func (s *aggSink) rawTypes() []types.Type {
	var out []types.Type
	for _, d := range s.defs {
		for _, a := range d.args {
			if _, lit := a.(*plan.Literal); !lit {
				out = append(out, a.Type())
			}
		}
	}
	return out
}

// funcs makes a thread's accumulators.
func (s *aggSink) funcs() ([]*aggFunc, error) {
	var out []*aggFunc
	for _, d := range s.defs {
		var f *aggFunc
		var err error
		if s.mode == physical.AggFinal { // the arguments belong to another stage's rows
			f, err = newStateFunc(s.env, d)
		} else {
			f, err = newAggFunc(s.comp, s.env, d)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// newStateFunc makes an instance that only merges.
func newStateFunc(env *function.Env, d *aggDef) (*aggFunc, error) {
	acc, err := d.entry.Accumulator(env, d.call)
	if err != nil {
		return nil, err
	}
	return &aggFunc{def: d, acc: acc}, nil
}

func (s *aggSink) Local() (Local, error) {
	fs, err := s.funcs()
	if err != nil {
		return nil, err
	}
	l := &aggLocal{sink: s, funcs: fs, held: s.held.part()}
	for _, f := range fs {
		l.pace.watch(f.evs)
	}
	if len(s.keys) == 0 {
		for _, f := range fs {
			f.acc.Grow(1)
		}
		return l, nil
	}
	if s.mode == physical.AggFinal {
		for i := range s.keys {
			l.evs = append(l.evs, column(i))
		}
	} else if l.evs, err = compileExprs(s.comp, s.keys); err != nil {
		return nil, err
	}
	l.pace.watch(l.evs)
	l.cols = make([]*batch.Vector, len(s.keys))
	l.in, l.table = newKeyRows(s.lay), newKeyTable(s.lay)
	return l, nil
}

// Finalize merges the threads' tables if they are small.
func (s *aggSink) Finalize(ctx context.Context) error {
	total, split := 0, false
	for _, l := range s.mu.locals {
		if l.table != nil {
			total += l.table.n
		}
		split = split || l.parts != nil || l.files != nil
	}
	if split || total > maxMergedGroups {
		for _, l := range s.mu.locals {
			if err := l.settle(); err != nil {
				return err
			}
		}
		return nil
	}
	s.merged = s.mu.locals[0]
	for _, l := range s.mu.locals[1:] {
		if err := s.merged.absorb(l); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// settle leaves a thread's groups in its partitions alone.
func (l *aggLocal) settle() error {
	if err := l.empty(); err != nil {
		return err
	}
	if err := l.shrink(); err != nil {
		return err
	}
	l.held.force(l.size())
	return nil
}

// aggLocal is one thread's aggregation.
type aggLocal struct {
	sink  *aggSink
	evs   []evaluator
	pace  pacer
	cols  []*batch.Vector
	funcs []*aggFunc
	in    *keyRows
	table *keyTable // nil without keys
	dir   directMap
	parts *aggParts
	files *aggFiles
	level int // of partitioning: 0, and more when a partition is split again
	held  *share
	// rowsIn and rowsOut decide whether pre-aggregation pays.
	rowsIn, rowsOut int64
	bypass          bool
	groups          []int32
	states          []*batch.Vector
	raw             []*batch.Vector
}

func (l *aggLocal) Consume(_ context.Context, b *batch.Batch) error {
	return l.pace.each(b, l.consume)
}

func (l *aggLocal) consume(b *batch.Batch) error {
	if l.table == nil {
		if err := l.add(b, nil); err != nil {
			return err
		}
		return l.book()
	}
	if err := evalAll(l.evs, b, l.cols); err != nil {
		return err
	}
	if l.bypass {
		l.in.encode(l.cols, b.N)
		return l.scatterRaw(b)
	}
	l.rowsIn += int64(b.N)
	if cap(l.groups) < b.N {
		l.groups = make([]int32, max(b.N, batch.Rows))
	}
	groups := l.groups[:b.N]
	hit, usable := l.dir.lookup(l.cols, b.N, groups)
	if !hit {
		l.in.encode(l.cols, b.N)
		l.table.lookup(l.in, groups)
		if usable {
			l.dir.learn(groups)
		}
		l.growFuncs()
	}
	if err := l.add(b, groups); err != nil {
		return err
	}
	return l.bound()
}

func (l *aggLocal) growFuncs() {
	for _, f := range l.funcs {
		f.acc.Grow(l.table.n)
	}
}

// add updates the accumulators.
func (l *aggLocal) add(b *batch.Batch, groups []int32) error {
	for _, f := range l.funcs {
		var err error
		if l.sink.mode == physical.AggFinal {
			err = f.merge(b.Cols[len(l.sink.keys):], groups, b.N)
		} else {
			err = f.update(b, groups)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bound empties the table when it is large and books the memory.
func (l *aggLocal) bound() error {
	if l.table.n > maxLocalGroups {
		l.rowsOut += int64(l.table.n)
		if err := l.empty(); err != nil {
			return err
		}
		l.bypass = l.rowsOut*2 > l.rowsIn && l.canBypass()
	}
	return l.book()
}

// book tells the account what is held, and spills if that is refused.
func (l *aggLocal) book() error {
	must, err := l.held.spills(l.size())
	if must {
		return l.spillAll()
	}
	return err
}

// canBypass: raw rows keep arguments, which are evaluated only for rows that a
// FILTER lets through; and states of AggFinal are scattered as they are.
func (l *aggLocal) canBypass() bool {
	for _, f := range l.funcs {
		if f.filter != nil {
			return false
		}
	}
	return true
}

func (l *aggLocal) size() int64 {
	n := int64(0)
	if l.table != nil {
		n += l.table.size()
	}
	for _, f := range l.funcs {
		n += f.acc.Bytes()
	}
	if l.parts != nil {
		n += l.parts.size()
	}
	return n
}

// empty moves the table's groups to the partitions.
func (l *aggLocal) empty() error {
	if l.table == nil || l.table.n == 0 {
		return nil
	}
	states, err := l.stateColumns()
	if err != nil {
		return err
	}
	l.openParts()
	in := &keyRows{lay: l.sink.lay, rows: l.table.rows, n: l.table.n, bufs: make([][][]byte, len(l.sink.keys))}
	l.parts.addTable(l.table, in, states)
	l.forget()
	return nil
}

// forget clears the table and everything that refers to its groups.
func (l *aggLocal) forget() {
	l.table.reset()
	l.dir = directMap{off: l.dir.off}
	for _, f := range l.funcs {
		f.acc.Reset()
	}
}

func (l *aggLocal) openParts() {
	if l.parts == nil {
		l.parts = &aggParts{lay: l.sink.lay, states: l.sink.stateTypes(), raw: l.sink.rawTypes(), level: l.level}
		if l.sink.lay.views {
			l.parts.arena = batch.New(types.Binary, 0)
		}
	}
}

// stateColumns writes all groups' states.
func (l *aggLocal) stateColumns() ([]*batch.Vector, error) {
	n := 1
	if l.table != nil {
		n = l.table.n
	}
	if l.states == nil {
		for _, t := range l.sink.stateTypes() {
			l.states = append(l.states, batch.New(t, 0))
		}
	}
	for _, v := range l.states {
		v.Reset(0)
	}
	for _, f := range l.funcs {
		if err := f.acc.State(0, n, l.states[f.def.at:f.def.at+len(f.def.states)]); err != nil {
			return nil, err
		}
	}
	return l.states, nil
}

// scatterRaw moves a batch to the partitions without aggregating it.
func (l *aggLocal) scatterRaw(b *batch.Batch) error {
	l.openParts()
	if l.sink.mode == physical.AggFinal {
		l.parts.add(l.in, b.Cols[len(l.sink.keys):], false)
		return l.book()
	}
	l.raw = l.raw[:0]
	for _, f := range l.funcs {
		if err := f.eval(b); err != nil {
			return err
		}
		for i, ev := range f.evs {
			if ev != nil {
				l.raw = append(l.raw, f.args[i])
			}
		}
	}
	l.parts.add(l.in, l.raw, true)
	return l.book()
}

func (l *aggLocal) Combine(context.Context) error {
	s := l.sink
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.locals = append(s.mu.locals, l)
	return nil
}

// absorb merges another thread's groups, which never overflowed.
func (l *aggLocal) absorb(o *aggLocal) error {
	states, err := o.stateColumns()
	if err != nil {
		return err
	}
	if l.table == nil {
		for _, f := range l.funcs {
			if err := f.merge(states, nil, 1); err != nil {
				return err
			}
		}
		return nil
	}
	in := &keyRows{lay: l.sink.lay, rows: o.table.rows, n: o.table.n, bufs: make([][][]byte, len(l.sink.keys))}
	in.borrow(o.table.arena)
	return l.mergeRows(in, states)
}

// mergeRows merges key rows with states.
func (l *aggLocal) mergeRows(in *keyRows, states []*batch.Vector) error {
	groups := make([]int32, in.n)
	l.table.lookup(in, groups)
	l.growFuncs()
	for _, f := range l.funcs {
		if err := f.merge(states, groups, in.n); err != nil {
			return err
		}
	}
	return nil
}
