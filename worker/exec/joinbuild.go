package exec

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// joinSpec is an equi-join as its two operators see it.
type joinSpec struct {
	kind       plan.JoinType
	buildLeft  bool
	build      []types.Type // the build side's columns
	probe      []types.Type
	buildKeys  []plan.Expr
	probeKeys  []plan.Expr
	nullSafe   []bool
	residual   plan.Expr
	comp       compiler
	threads    int
	rows       int // of a batch
	held       *account
	publish    []publication
	lay        *keyLayout
	rejectNull bool      // some key never matches on nulls
	needProbe  columnSet // columns that somebody reads; others are nulls
	needBuild  columnSet
	spill      *spiller
	level      int // of partitioning on disk
}

// canSpill: without keys there is nothing to partition by.
func (j *joinSpec) canSpill() bool { return j.level <= maxSpillLevel && len(j.buildKeys) > 0 }

// keepsBuild tells whether build rows without a match are delivered.
func (j *joinSpec) keepsBuild() bool {
	switch j.kind {
	case plan.JoinFull:
		return true
	case plan.JoinLeft:
		return j.buildLeft
	case plan.JoinRight:
		return !j.buildLeft
	default:
	}
	return false
}

// keepsProbe tells whether probe rows without a match are delivered with nulls.
func (j *joinSpec) keepsProbe() bool {
	switch j.kind {
	case plan.JoinFull:
		return true
	case plan.JoinLeft:
		return !j.buildLeft
	case plan.JoinRight:
		return j.buildLeft
	default:
	}
	return j.kind == plan.JoinSingle
}

// marksBuild tells whether the output is made of build rows after the probe:
// a semi, anti or existence join whose left side is built.
func (j *joinSpec) marksBuild() bool {
	return j.buildLeft && (j.kind == plan.JoinSemi || j.kind == plan.JoinAnti || j.kind == plan.JoinExistence)
}

// joinTable is a finished build side. All probing threads read it; only the
// matched bits change, by atomic operations.
type joinTable struct {
	spec    *joinSpec
	rel     *relation
	chunks  []*joinChunk
	slots   []uint64 // salt (16 bits) over row+1; 0 empty
	mask    uint64
	dense   []int32 // by key - base: row+1; replaces slots when keys are dense
	base    int64
	ints    *intTable // of one integer key; replaces slots
	next    []int32   // next row of equal keys, +1; 0 ends
	chained atomic.Bool
	matched []uint32 // bits by row, if keepsBuild or marksBuild
	hasNull bool     // a key was null
	rows    int64
	total   int64 // rows of the whole build side, of which the table may be a partition
	extra   int64 // booked beside the rows
}

// joinChunk is rows of the build side with their key words.
type joinChunk struct {
	b    *batch.Batch
	keys []uint64
	bufs [][]byte
}

// joinBuild is the sink that makes a joinTable.
type joinBuild struct {
	spec *joinSpec
	mu   struct {
		sync.Mutex
		locals []*joinBuildLocal
	}
	spilled atomic.Bool // a thread ran out of memory: all rows go to disk
	grace   *graceJoin  // instead of a table
	table   *joinTable
}

func (s *joinBuild) Local() (Local, error) {
	evs, err := compileExprs(s.spec.comp, s.spec.buildKeys)
	if err != nil {
		return nil, err
	}
	l := &joinBuildLocal{
		sink: s, evs: evs, cols: make([]*batch.Vector, len(evs)), in: newKeyRows(s.spec.lay),
		w: chunkWriter{types: s.spec.build}, held: s.spec.held.part(),
	}
	l.pace.watch(evs)
	if s.spec.lay.views {
		l.arena = batch.New(types.Binary, 0)
	}
	return l, nil
}

type joinBuildLocal struct {
	sink  *joinBuild
	evs   []evaluator
	pace  pacer
	cols  []*batch.Vector
	in    *keyRows
	w     chunkWriter
	keys  []uint64 // of all rows
	arena *batch.Vector
	again interner
	null  bool
	held  *share
	sel   []int32
	some  *batch.Batch
	parts *rowParts // on disk
}

func (l *joinBuildLocal) Consume(_ context.Context, b *batch.Batch) error {
	return l.pace.each(b, l.consume)
}

func (l *joinBuildLocal) consume(b *batch.Batch) error {
	if err := evalAll(l.evs, b, l.cols); err != nil {
		return err
	}
	if l.sink.spec.rejectNull {
		if b = l.dropNulls(b); b.N == 0 {
			return nil
		}
	}
	l.in.encode(l.cols, b.N)
	if l.sink.spilled.Load() {
		if err := l.toDisk(); err != nil {
			return err
		}
		return l.parts.add(b.Cols, l.in, l.sink.spec.level)
	}
	at := len(l.keys)
	l.keys = append(l.keys, l.in.rows...)
	if l.in.long {
		l.sink.spec.lay.adopt(l.keys[at:], l.in.bufs, l.arena, &l.again)
	}
	l.w.append(b.Cols, b.N)
	if !l.sink.spec.canSpill() {
		return l.hold()
	}
	must, err := l.held.spills(l.size())
	if must {
		l.sink.spilled.Store(true)
		return l.toDisk()
	}
	return err
}

// hold books rows that have no key to part them by: what every such join has is
// granted, more than that only as far as it fits.
func (l *joinBuildLocal) hold() error {
	size := l.size()
	if size < leastSpill {
		l.held.force(size)
		return nil
	}
	return l.held.must(size)
}

func (l *joinBuildLocal) size() int64 {
	n := l.w.size() + int64(cap(l.keys))*8
	if l.arena != nil {
		n += l.arena.Bytes()
	}
	return n
}

// dropNulls removes rows that can match nothing, unless they are delivered
// anyway, and notes that there were some.
func (l *joinBuildLocal) dropNulls(b *batch.Batch) *batch.Batch {
	l.sel = validRows(l.sink.spec, l.cols, b.N, l.sel[:0])
	if len(l.sel) == b.N {
		return b
	}
	l.null = true
	if l.sink.spec.keepsBuild() || l.sink.spec.marksBuild() {
		return b
	}
	if l.some == nil {
		l.some = emptyLike(b)
		for _, k := range l.cols {
			l.some.Cols = append(l.some.Cols, batch.New(k.Type, 0))
		}
	}
	all := &batch.Batch{Cols: append(append([]*batch.Vector(nil), b.Cols...), l.cols...), N: b.N}
	gatherBatch(l.some, all, l.sel)
	copy(l.cols, l.some.Cols[len(b.Cols):])
	return &batch.Batch{Cols: l.some.Cols[:len(b.Cols)], N: len(l.sel), Seq: b.Seq}
}

// validRows lists the rows whose keys may match: no null in a key that is not
// null-safe.
func validRows(j *joinSpec, keys []*batch.Vector, n int, sel []int32) []int32 {
	clean := true
	for k, v := range keys {
		clean = clean && (j.nullSafe[k] || !v.HasNulls())
	}
	for i := range n {
		ok := true
		if !clean {
			for k, v := range keys {
				ok = ok && (j.nullSafe[k] || v.Valid(i))
			}
		}
		if ok {
			sel = append(sel, int32(i))
		}
	}
	return sel
}

func (l *joinBuildLocal) Combine(context.Context) error {
	s := l.sink
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.locals = append(s.mu.locals, l)
	return nil
}

// chunks gives the thread's rows up.
func (l *joinBuildLocal) chunks() []*joinChunk {
	w := l.sink.spec.lay.words
	var bufs [][]byte
	if l.arena != nil {
		bufs = l.arena.Bufs
	}
	var out []*joinChunk
	at := 0
	for _, b := range l.w.take() {
		out = append(out, &joinChunk{b: b, keys: l.keys[at : at+b.N*w], bufs: bufs})
		at += b.N * w
	}
	l.keys = nil
	return out
}

// maxBuildRows is what positions can address.
const maxBuildRows = math.MaxInt32 &^ (batch.ChunkRows - 1)

// Finalize makes the table from the threads' chunks.
func (s *joinBuild) Finalize(ctx context.Context) error {
	if s.spilled.Load() {
		return s.toDisk()
	}
	t := &joinTable{spec: s.spec}
	for _, l := range s.mu.locals {
		t.chunks, t.hasNull = append(t.chunks, l.chunks()...), t.hasNull || l.null
	}
	if len(t.chunks)<<batch.ChunkShift > maxBuildRows {
		return errs.Errorf(errs.Exhausted, "exec.Join", "build side of more than %d rows", maxBuildRows)
	}
	bs := make([]*batch.Batch, len(t.chunks))
	for i, c := range t.chunks {
		bs[i] = c.b
	}
	t.rel = newRelation(s.spec.build, bs)
	t.rows, t.total = t.rel.rows, t.rel.rows
	if err := t.fill(ctx); err != nil {
		return err
	}
	s.table = t
	for _, p := range s.spec.publish {
		p.set(t)
	}
	return nil
}

// fill inserts all rows, chunk by chunk on all threads. Slots are claimed by
// compare-and-swap; a row of equal keys goes before the chain's head.
func (t *joinTable) fill(ctx context.Context) error {
	positions := len(t.chunks) << batch.ChunkShift
	t.next = make([]int32, positions)
	if t.spec.keepsBuild() || t.spec.marksBuild() {
		t.matched = make([]uint32, (positions+31)/32)
	}
	t.chooseTable()
	t.extra = int64(len(t.next))*4 + int64(len(t.slots))*8 + int64(len(t.dense))*4
	if t.ints != nil {
		t.extra += int64(len(t.ints.slots)) * 16
	}
	t.spec.held.force(t.extra)
	var next atomic.Int64
	threads := min(t.spec.threads, len(t.chunks))
	if threads == 0 {
		return nil
	}
	return runThreads(ctx, threads, func(ctx context.Context, _ int) error {
		for {
			i := len(t.chunks) - int(next.Add(1))
			if i < 0 {
				return nil
			}
			t.insertChunk(i)
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	})
}

// chooseTable allocates the dense array if the only key is an integer of a
// small range, else slots for at most half load.
func (t *joinTable) chooseTable() {
	if lo, hi, ok := t.denseSpan(); ok {
		if span := uint64(hi) - uint64(lo); span < uint64(max(denseFree, denseLoad*t.rows)) {
			t.base, t.dense = lo, make([]int32, span+1)
			return
		}
	}
	if t.spec.lay.isInt() && !t.spec.nullSafe[0] {
		t.ints = newIntTable(t.rows)
		return
	}
	size := 64
	for int64(size) < 2*t.rows {
		size *= 2
	}
	t.slots, t.mask = make([]uint64, size), uint64(size-1)
}

// A dense array costs 4 bytes per value of the range, slots 16 to 32 per row;
// up to denseFree values the array is as good as free.
const (
	denseLoad = 4
	denseFree = 1 << 14
)

// denseSpan is the range of the only key, if it may index an array.
func (t *joinTable) denseSpan() (lo, hi int64, ok bool) {
	if len(t.spec.lay.cols) != 1 || t.spec.nullSafe[0] {
		return 0, 0, false
	}
	return t.keySpan(0)
}

// keySpan is the range of integer key k over rows where it is not null.
func (t *joinTable) keySpan(k int) (lo, hi int64, ok bool) {
	c := &t.spec.lay.cols[k]
	switch c.phys {
	case types.PhysBool, types.PhysInt8, types.PhysInt16, types.PhysInt32, types.PhysInt64:
	default:
		return 0, 0, false
	}
	lo, hi = math.MaxInt64, math.MinInt64
	w := t.spec.lay.words
	word, bit := t.spec.lay.nullAt(k)
	for _, ch := range t.chunks {
		for at := 0; at < len(ch.keys); at += w {
			if ch.keys[at+word]&bit == 0 {
				x := int64(ch.keys[at+c.at])
				lo, hi = min(lo, x), max(hi, x)
			}
		}
	}
	return lo, hi, lo <= hi
}

func (t *joinTable) insertChunk(i int) {
	w := t.spec.lay.words
	ch := t.chunks[i]
	for r := ch.b.N - 1; r >= 0; r-- {
		row := ch.keys[r*w : r*w+w]
		if t.spec.rejectNull && t.nullRow(row) {
			continue
		}
		at := int32(i<<batch.ChunkShift | r)
		switch {
		case t.dense != nil:
			t.insertDense(row[1], at)
		case t.ints != nil:
			if t.ints.insert(row[1], at, t.next) && !t.chained.Load() {
				t.chained.Store(true)
			}
		default:
			t.insertSlot(row, at)
		}
	}
}

// nullRow tells whether a key that does not match on nulls is null.
func (t *joinTable) nullRow(row []uint64) bool {
	if row[0]&(1<<nullBits-1) == 0 && len(t.spec.lay.cols) <= nullBits {
		return false
	}
	for k, safe := range t.spec.nullSafe {
		word, bit := t.spec.lay.nullAt(k)
		if !safe && row[word]&bit != 0 {
			return true
		}
	}
	return false
}

func (t *joinTable) insertDense(key uint64, row int32) {
	cell := &t.dense[int64(key)-t.base]
	for {
		head := atomic.LoadInt32(cell)
		t.next[row] = head
		if atomic.CompareAndSwapInt32(cell, head, row+1) {
			if head != 0 && !t.chained.Load() {
				t.chained.Store(true)
			}
			return
		}
	}
}

func (t *joinTable) insertSlot(row []uint64, at int32) {
	salt := row[0] >> saltShift << saltShift
	entry := salt | uint64(at+1)
	i := row[0] >> slotShift & t.mask
	for {
		s := atomic.LoadUint64(&t.slots[i])
		if s == 0 {
			if atomic.CompareAndSwapUint64(&t.slots[i], 0, entry) {
				return
			}
			continue
		}
		if s&^rowMask == salt {
			head := int32(s&rowMask) - 1
			if t.equalBuild(head, row, at) {
				t.next[at] = head + 1
				if atomic.CompareAndSwapUint64(&t.slots[i], s, entry) {
					if !t.chained.Load() {
						t.chained.Store(true)
					}
					return
				}
				continue
			}
		}
		i = (i + 1) & t.mask
	}
}

// rowMask is the row part of a slot.
const rowMask = 1<<saltShift - 1

// keyRow is the key words of a build row.
func (t *joinTable) keyRow(at int32) []uint64 {
	w := t.spec.lay.words
	r := int(at&(batch.ChunkRows-1)) * w
	return t.chunks[at>>batch.ChunkShift].keys[r : r+w]
}

// equalBuild compares two build rows' keys.
func (t *joinTable) equalBuild(head int32, row []uint64, at int32) bool {
	own := t.keyRow(head)
	if !t.spec.lay.views {
		return equalWords(own, row)
	}
	return equalKeys(t.spec.lay, own, t.chunks[head>>batch.ChunkShift].bufs, row, nil, t.chunks[at>>batch.ChunkShift].bufs)
}
