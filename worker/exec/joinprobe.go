package exec

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// joinProbeStep streams the probe side through a finished table. probing counts
// the threads still at it: the last one delivers the build rows that are left.
func joinProbeStep(build *joinBuild, probing *atomic.Int32) step {
	return func(in Stream) (Stream, error) {
		j := build.spec
		p := &joinProbe{in: in, build: build, spec: j, probing: probing, keys: newKeyRows(j.lay)}
		var err error
		if p.evs, err = compileExprs(j.comp, j.probeKeys); err != nil {
			return nil, err
		}
		p.cols = make([]*batch.Vector, len(p.evs))
		if j.residual != nil {
			if p.cond, err = j.comp.Cond(j.residual); err != nil {
				return nil, err
			}
		}
		p.out = newPairBatch(j)
		probing.Add(1)
		return p, nil
	}
}

// joinProbe is one thread's probe.
type joinProbe struct {
	in      Stream
	build   *joinBuild
	table   *joinTable
	spec    *joinSpec
	probing *atomic.Int32
	evs     []evaluator
	cols    []*batch.Vector
	keys    *keyRows
	ints    intProbe
	cond    selector
	cur     *batch.Batch // probe batch at work
	heads   []int32      // first build row of each probe row, -1 none
	row     int          // next probe row to pair
	chain   int32        // next build row of probe row `row`, -1: start at its head
	hit     bool         // probe row `row` has had a match
	pairs   pairs
	picked  pairs // those that pass the residual
	sel     []int32
	hits    []bool // semi, anti, existence with residual: by probe row
	out     *pairBatch
	rest    Stream // after the probe: build rows that are left, or all partitions of a spilled join
	parts   *rowParts
	ended   bool
}

// pairs are probe and build rows that belong together; build -1 stands for nulls.
type pairs struct{ probe, build []int32 }

func (p *pairs) reset() { p.probe, p.build = p.probe[:0], p.build[:0] }

func (p *pairs) add(probe, build int32) {
	p.probe, p.build = append(p.probe, probe), append(p.build, build)
}

func (p *joinProbe) Next(ctx context.Context) (*batch.Batch, error) {
	p.table = p.build.table
	for {
		if p.rest != nil {
			return p.rest.Next(ctx)
		}
		if p.build.grace != nil {
			if err := p.toDisk(ctx); err != nil {
				return nil, err
			}
			continue
		}
		if p.cur == nil {
			if err := p.pull(ctx); atEnd(err) {
				if p.rest == nil {
					return nil, io.EOF
				}
				continue
			} else if err != nil {
				return nil, err
			}
		}
		out, err := p.produce()
		if err != nil {
			return nil, err
		}
		if out != nil && out.N > 0 {
			return out, nil
		}
	}
}

// pull takes the next probe batch and looks its keys up.
func (p *joinProbe) pull(ctx context.Context) error {
	if p.ended {
		return io.EOF
	}
	b, err := p.in.Next(ctx)
	if atEnd(err) {
		p.ended = true
		if p.probing.Add(-1) == 0 && p.table.matched != nil {
			p.rest = newLeftover(p.table)
		}
		return io.EOF
	}
	if err != nil {
		return err
	}
	if b.N == 0 {
		return nil
	}
	if err := evalAll(p.evs, b, p.cols); err != nil {
		return err
	}
	p.cur, p.row, p.chain, p.hit = b, 0, -1, false
	p.find(b.N)
	return nil
}

// find sets heads.
func (p *joinProbe) find(n int) {
	if cap(p.heads) < n {
		p.heads = make([]int32, max(n, batch.Rows))
	}
	p.heads = p.heads[:n]
	t := p.table
	if t.rows == 0 {
		for i := range p.heads {
			p.heads[i] = -1
		}
		return
	}
	if t.dense != nil || t.ints != nil {
		p.findInt(n)
	} else {
		p.keys.encode(p.cols, n)
		t.find(p.keys, p.heads)
	}
	for k, v := range p.cols {
		if p.spec.nullSafe[k] || !v.HasNulls() {
			continue
		}
		for i := range p.heads {
			if !v.Valid(i) {
				p.heads[i] = -1
			}
		}
	}
}

// findInt looks a single integer key up by its value.
func (p *joinProbe) findInt(n int) {
	v := p.keys.flat.flat(0, p.cols[0])
	switch v.Phys() {
	case types.PhysBool, types.PhysInt8:
		findInt(p, slots[int8](v, n))
	case types.PhysInt16:
		findInt(p, slots[int16](v, n))
	case types.PhysInt32:
		findInt(p, slots[int32](v, n))
	default:
		findInt(p, slots[int64](v, n))
	}
}

func findInt[T int8 | int16 | int32 | int64](p *joinProbe, keys []T) {
	if p.table.dense != nil {
		findDense(p.table, keys, p.heads)
	} else {
		findInts(p.table.ints, &p.ints, keys, p.heads)
	}
}

func findDense[T int8 | int16 | int32 | int64](t *joinTable, keys []T, heads []int32) {
	dense, base := t.dense, t.base
	heads = heads[:len(keys)]
	for i, k := range keys {
		at := uint64(int64(k) - base)
		h := int32(-1)
		if at < uint64(len(dense)) {
			h = dense[at] - 1
		}
		heads[i] = h
	}
}

// find looks all rows up: first the slots of the whole batch, whose cache
// misses overlap, then the keys behind matching salts.
func (t *joinTable) find(in *keyRows, heads []int32) {
	w := in.lay.words
	entries := in.hashes[:in.n] // no longer needed
	for i := range entries {
		entries[i] = t.slots[in.rows[i*w]>>slotShift&t.mask]
	}
	for i, s := range entries {
		heads[i] = -1
		if s == 0 {
			continue
		}
		row := in.rows[i*w : i*w+w]
		salt := row[0] >> saltShift
		for at := row[0] >> slotShift & t.mask; s != 0; s = t.slots[at] {
			if s>>saltShift == salt && t.equalProbe(int32(s&rowMask)-1, row, in) {
				heads[i] = int32(s&rowMask) - 1
				break
			}
			at = (at + 1) & t.mask
		}
	}
}

func (t *joinTable) equalProbe(head int32, row []uint64, in *keyRows) bool {
	own := t.keyRow(head)
	if !in.long {
		return equalWords(own, row)
	}
	return equalKeys(in.lay, own, t.chunks[head>>batch.ChunkShift].bufs, row, in.bufs, nil)
}

// produce makes the next output batch of cur, nil or empty if there is none yet.
func (p *joinProbe) produce() (*batch.Batch, error) {
	switch {
	case p.spec.marksBuild():
		return nil, p.markAll()
	case p.spec.kind == plan.JoinSemi, p.spec.kind == plan.JoinAnti, p.spec.kind == plan.JoinExistence, p.spec.kind == plan.JoinNullAnti:
		return p.produceMarked()
	}
	return p.producePairs()
}

// nextPairs collects up to limit candidate pairs of cur. With outer, probe
// rows without any are paired with nulls.
func (p *joinProbe) nextPairs(limit int, outer bool) {
	p.pairs.reset()
	if !p.table.chained.Load() && p.row == 0 && limit >= p.cur.N {
		p.singlePairs(outer)
		return
	}
	for p.row < p.cur.N && len(p.pairs.probe) < limit {
		at := p.chain
		if at < 0 {
			at = p.heads[p.row]
		}
		if at < 0 {
			if outer {
				p.pairs.add(int32(p.row), -1)
			}
			p.row++
			continue
		}
		for at >= 0 && len(p.pairs.probe) < limit {
			p.pairs.add(int32(p.row), at)
			at = p.table.next[at] - 1
		}
		p.chain = at
		if at < 0 {
			p.row++
		}
	}
}

// singlePairs is nextPairs when every probe row has at most one partner.
func (p *joinProbe) singlePairs(outer bool) {
	n := p.cur.N
	p.row = n
	if outer {
		for i, h := range p.heads {
			p.pairs.add(int32(i), h)
		}
		return
	}
	if cap(p.pairs.probe) < n {
		p.pairs = pairs{make([]int32, n), make([]int32, n)}
	}
	probe, build := p.pairs.probe[:n], p.pairs.build[:n]
	k := 0
	for i, h := range p.heads {
		probe[k], build[k] = int32(i), h
		k += int(1 + h>>31)
	}
	p.pairs = pairs{probe[:k], build[:k]}
}

// producePairs is inner, outer and single joins.
func (p *joinProbe) producePairs() (*batch.Batch, error) {
	outer := p.spec.keepsProbe()
	if p.cond != nil {
		return p.produceFiltered(outer)
	}
	p.nextPairs(p.spec.rows, outer)
	if p.spec.kind == plan.JoinSingle && p.table.chained.Load() {
		if err := p.checkSingle(&p.pairs); err != nil {
			return nil, err
		}
	}
	if p.table.matched != nil {
		p.table.mark(p.pairs.build)
	}
	out := p.out.gather(p.cur, p.table.rel, &p.pairs)
	p.finish()
	return out, nil
}

// finish drops the probe batch once all its rows were paired. The batch stays
// borrowed by the output until the next pull.
func (p *joinProbe) finish() {
	if p.row >= p.cur.N && p.chain < 0 {
		p.cur = nil
	}
}

// produceFiltered applies the residual to candidate pairs and puts nulls where
// a probe row's last candidate has failed.
func (p *joinProbe) produceFiltered(outer bool) (*batch.Batch, error) {
	from := p.row
	p.nextPairs(p.spec.rows, false)
	sel, err := p.residual()
	if err != nil {
		return nil, err
	}
	p.picked.reset()
	at := from
	for _, i := range sel {
		row := int(p.pairs.probe[i])
		if outer {
			p.fillMissed(&at, row)
		}
		p.picked.add(p.pairs.probe[i], p.pairs.build[i])
		if p.spec.kind == plan.JoinSingle && p.hit {
			return nil, errTooManyRows()
		}
		p.hit = true
	}
	if outer {
		p.fillMissed(&at, p.row)
	}
	if p.table.matched != nil {
		p.table.mark(p.picked.build)
	}
	out := p.out.gather(p.cur, p.table.rel, &p.picked)
	p.finish()
	return out, nil
}

// fillMissed pairs the rows [at, row) that had no match with nulls; hit
// belongs to row at.
func (p *joinProbe) fillMissed(at *int, row int) {
	for ; *at < row; *at++ {
		if !p.hit {
			p.picked.add(int32(*at), -1)
		}
		p.hit = false
	}
}

// residual lists the candidate pairs that pass.
func (p *joinProbe) residual() ([]int32, error) {
	if len(p.pairs.probe) == 0 {
		return nil, nil
	}
	return p.cond.Select(p.out.gather(p.cur, p.table.rel, &p.pairs), nil)
}

// checkSingle finds probe rows with a second partner.
func (p *joinProbe) checkSingle(ps *pairs) error {
	for _, b := range ps.build {
		if b >= 0 && p.table.next[b] != 0 {
			return errTooManyRows()
		}
	}
	return nil
}

func errTooManyRows() error {
	return errs.Cond(errs.Spark, "SCALAR_SUBQUERY_TOO_MANY_ROWS", "21000",
		"A subquery that is used as a value gave more than one row.")
}

// mark notes that build rows have matched.
func (t *joinTable) mark(rows []int32) {
	for _, r := range rows {
		if r < 0 {
			continue
		}
		w, bit := &t.matched[r>>5], uint32(1)<<(uint(r)&31)
		if atomic.LoadUint32(w)&bit == 0 {
			atomic.OrUint32(w, bit)
		}
	}
}

// markAll notes all matches of cur.
func (p *joinProbe) markAll() error {
	for p.cur != nil {
		p.nextPairs(p.spec.rows, false)
		rows := p.pairs.build
		if p.cond != nil {
			sel, err := p.residual()
			if err != nil {
				return err
			}
			p.picked.reset()
			for _, i := range sel {
				p.picked.add(0, p.pairs.build[i])
			}
			rows = p.picked.build
		}
		p.table.mark(rows)
		p.finish()
	}
	return nil
}

// produceMarked is semi, anti and existence joins over a built right side.
func (p *joinProbe) produceMarked() (*batch.Batch, error) {
	b := p.cur
	if p.cond != nil {
		if err := p.findHits(); err != nil {
			return nil, err
		}
	}
	p.cur = nil
	if p.spec.kind == plan.JoinExistence {
		return p.out.withMark(b, func(i int) bool { return p.matches(i) }), nil
	}
	want := p.spec.kind == plan.JoinSemi
	p.sel = p.sel[:0]
	for i := range b.N {
		if p.matches(i) == want && (p.spec.kind != plan.JoinNullAnti || p.mayMiss(i)) {
			p.sel = append(p.sel, int32(i))
		}
	}
	if len(p.sel) == b.N {
		return b, nil
	}
	return p.out.some(b, p.sel), nil
}

func (p *joinProbe) matches(i int) bool {
	if p.cond != nil {
		return p.hits[i]
	}
	return p.heads[i] >= 0
}

// mayMiss is NOT IN's rule for a row without match: it passes only if nothing
// is unknown.
func (p *joinProbe) mayMiss(i int) bool {
	if p.table.total == 0 && !p.table.hasNull {
		return true
	}
	if p.table.hasNull {
		return false
	}
	for _, v := range p.cols {
		if !v.Valid(i) {
			return false
		}
	}
	return true
}

// findHits evaluates the residual over all candidates of cur.
func (p *joinProbe) findHits() error {
	if cap(p.hits) < p.cur.N {
		p.hits = make([]bool, max(p.cur.N, batch.Rows))
	}
	p.hits = p.hits[:p.cur.N]
	clear(p.hits)
	for p.row < p.cur.N {
		p.nextPairs(p.spec.rows, false)
		sel, err := p.residual()
		if err != nil {
			return err
		}
		for _, i := range sel {
			p.hits[p.pairs.probe[i]] = true
		}
	}
	return nil
}

func (p *joinProbe) Close() error {
	var err error
	if p.rest != nil {
		err = p.rest.Close()
	}
	return errors.Join(err, p.in.Close())
}
