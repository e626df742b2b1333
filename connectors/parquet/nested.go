package parquet

import (
	"context"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// levels are the definition and repetition levels of a nested column: of the
// current page whole, and of the rows being read.
type levels struct {
	on       bool // the column is nested
	def, rep []uint8
	at       int
}

// decode reads a page's levels and counts the values present.
func (v *levels) decode(l *leafReader, rep, def []byte, n int) (int, error) {
	v.at = 0
	block, err := l.own(2 * n)
	if err != nil {
		return 0, err
	}
	v.def, v.rep = block[:n:n], block[n:2*n]
	if err := expandLevels(l, v.rep, rep, l.node.rep); err != nil {
		return 0, err
	}
	if err := expandLevels(l, v.def, def, l.node.def); err != nil {
		return 0, err
	}
	present := 0
	for _, d := range v.def {
		if int(d) == l.node.def {
			present++
		}
	}
	return present, nil
}

func expandLevels(l *leafReader, out []uint8, src []byte, highest int) error {
	if highest == 0 {
		clear(out)
		return nil
	}
	var h hybrid
	if err := h.reset(src, bitWidth(highest)); err != nil {
		return err
	}
	codes := l.ints(batch.Rows)
	for at := 0; at < len(out); at += batch.Rows {
		part := out[at:min(at+batch.Rows, len(out))]
		if err := h.next(codes[:len(part)]); err != nil {
			return err
		}
		for i, c := range codes[:len(part)] {
			if int(c) > highest || c < 0 {
				return damaged("level %d where %d is the highest", c, highest)
			}
			part[i] = uint8(c)
		}
	}
	return nil
}

// nestedLeaf is a leaf of a nested column: levels and present values of the
// rows read last.
type nestedLeaf struct {
	leafReader
	def, rep []uint8
	vals     *sink
}

// read decodes the next n records; emit false passes over them.
func (f *nestedLeaf) read(ctx context.Context, n int, emit bool) error {
	f.def, f.rep = f.def[:0], f.rep[:0]
	f.vals.begin()
	started := false
	for {
		if f.left == 0 {
			if done, err := f.turn(ctx, n, started); done || err != nil {
				return err
			}
		}
		if !f.loaded {
			if err := f.load(ctx); err != nil {
				return err
			}
			if f.levels.rep[0] != 0 && !started {
				return damaged("a page starts within a row that has no beginning")
			}
		}
		k, present, rows := f.records(n)
		if rows > 0 {
			started = true
		}
		n -= rows
		if err := f.consume(k, present, emit); err != nil {
			return err
		}
		if f.left > 0 {
			return nil // stopped before a row's beginning: all n are complete
		}
	}
}

// turn goes to the next page with values; done tells that there is none and
// none is needed.
func (f *nestedLeaf) turn(ctx context.Context, n int, started bool) (done bool, err error) {
	for f.left == 0 {
		if n == 0 && (!started || f.node.rep == 0 || f.seen >= f.meta.values) {
			return true, nil
		}
		if err := f.page(ctx); err != nil {
			return false, err
		}
	}
	return false, nil
}

// records finds how many entries of the page belong to the n rows still
// wanted, and to the row that is open.
func (f *nestedLeaf) records(n int) (k, present, rows int) {
	rep, def := f.levels.rep[f.levels.at:], f.levels.def[f.levels.at:]
	for i, r := range rep {
		if r == 0 {
			if rows == n {
				return i, present, rows
			}
			rows++
		}
		if int(def[i]) == f.node.def {
			present++
		}
	}
	return len(rep), present, rows
}

func (f *nestedLeaf) consume(k, present int, emit bool) error {
	at := f.levels.at
	f.levels.at += k
	f.left -= k
	if !emit {
		return f.leafReader.vals.skip(&f.leafReader, present)
	}
	f.def = append(f.def, f.levels.def[at:at+k]...)
	f.rep = append(f.rep, f.levels.rep[at:at+k]...)
	if present == 0 {
		return nil
	}
	return f.take(f.vals, present, nil, 0, true)
}

// shape is a nested output type bound to the file's nodes.
type shape struct {
	typ      types.Type
	node     *node // nil: not in the file
	leaf     *nestedLeaf
	levels   *nestedLeaf // the leaf whose levels tell this node's structure
	children []*shape
	vec      *batch.Vector
	blank    []*batch.Vector // vec's own children: built ones take their places
	rows     []int32         // scratch
}

// nestedColumn is a struct, list or map column, or a primitive repeated one.
type nestedColumn struct {
	r        *reader
	leaves   []*nestedLeaf
	shape    *shape
	out, win *batch.Vector
	lag      int
}

func (c *nestedColumn) begin() {
	for _, l := range c.leaves {
		l.begin()
	}
	c.out.Reset(0)
}

func (c *nestedColumn) skip(n int) { c.lag += n }

func (c *nestedColumn) chunks() []*chunk {
	out := make([]*chunk, len(c.leaves))
	for i, l := range c.leaves {
		out[i] = &l.chunk
	}
	return out
}

func (c *nestedColumn) close() {
	for _, l := range c.leaves {
		l.close()
	}
}

// rows decodes the next n rows into the shape's vectors, which share bytes
// with the pages.
func (c *nestedColumn) rows(ctx context.Context, n int) (*batch.Vector, error) {
	for _, l := range c.leaves {
		if c.lag > 0 {
			if err := l.read(ctx, c.lag, false); err != nil {
				return nil, locate(err, c.r.path(), l.name)
			}
		}
		if err := l.read(ctx, n, true); err != nil {
			return nil, locate(err, c.r.path(), l.name)
		}
	}
	c.lag = 0
	v, err := c.shape.build(0, 0)
	if err == nil && v.Len() != n {
		err = damaged("levels tell of %d rows instead of %d", v.Len(), n)
	}
	return v, err
}

func (c *nestedColumn) window(ctx context.Context, n int, sel []int32) (*batch.Vector, error) {
	v, err := c.rows(ctx, n)
	if err != nil || sel == nil {
		c.win = v
		return v, err
	}
	w := batch.New(v.Type, 0)
	w.Gather(v, sel)
	c.win = w
	return w, nil
}

func (c *nestedColumn) keep(idx []int32) {
	if idx == nil {
		c.out.AppendRange(c.win, 0, c.win.Len())
		return
	}
	c.out.AppendGather(c.win, idx)
}

func (c *nestedColumn) append(ctx context.Context, n int, sel []int32) error {
	v, err := c.rows(ctx, n)
	if err != nil {
		return err
	}
	c.win = v
	c.keep(sel)
	return nil
}

func (c *nestedColumn) vector() *batch.Vector { return c.out }

// build makes the vector of all slots of this node: entries with repetition
// level at most slotRep and definition level at least slotDef.
func (s *shape) build(slotRep, slotDef int) (*batch.Vector, error) {
	v := s.vec
	copy(v.Children, s.blank)
	if s.node == nil {
		v.Reset(0)
		v.AppendNulls(s.count(slotRep, slotDef))
		return v, nil
	}
	if s.node.kind == leafNode {
		return s.buildLeaf(slotRep, slotDef)
	}
	v.Reset(s.count(slotRep, slotDef))
	s.validity(v, slotRep, slotDef)
	if s.node.kind == structNode {
		for i, c := range s.children {
			child, err := c.build(slotRep, slotDef)
			if err != nil {
				return nil, err
			}
			if child.Len() != v.Len() {
				return nil, damaged("members of %s differ in their number of rows", s.node.name)
			}
			v.Children[i] = child
		}
		return v, nil
	}
	return v, s.buildList(v, slotRep, slotDef)
}

func (s *shape) buildList(v *batch.Vector, slotRep, slotDef int) error {
	v.Offsets = v.Offsets[:0]
	elems := int32(0)
	def, rep := s.levels.def, s.levels.rep
	for i := range def {
		if int(rep[i]) <= slotRep && int(def[i]) >= slotDef {
			v.Offsets = append(v.Offsets, elems)
		}
		if int(rep[i]) <= s.node.slotRep && int(def[i]) >= s.node.slotDef {
			elems++
		}
	}
	v.Offsets = append(v.Offsets, elems)
	for i, c := range s.children {
		child, err := c.build(s.node.slotRep, s.node.slotDef)
		if err != nil {
			return err
		}
		if child.Len() != int(elems) {
			return damaged("members of %s differ in their number of elements", s.node.name)
		}
		v.Children[i] = child
	}
	return nil
}

func (s *shape) count(slotRep, slotDef int) int {
	n := 0
	for i, d := range s.levels.def {
		if int(s.levels.rep[i]) <= slotRep && int(d) >= slotDef {
			n++
		}
	}
	return n
}

func (s *shape) validity(v *batch.Vector, slotRep, slotDef int) {
	if s.node.def <= slotDef {
		return
	}
	k := 0
	for i, d := range s.levels.def {
		if int(s.levels.rep[i]) <= slotRep && int(d) >= slotDef {
			if int(d) < s.node.def {
				v.SetNull(k)
			}
			k++
		}
	}
}

func (s *shape) buildLeaf(slotRep, slotDef int) (*batch.Vector, error) {
	values := s.leaf.vals.vector(&s.leaf.leafReader)
	n := s.count(slotRep, slotDef)
	if n == values.Len() {
		return values, nil
	}
	s.rows = s.rows[:0]
	next := int32(0)
	for i, d := range s.leaf.def {
		if int(s.leaf.rep[i]) > slotRep || int(d) < slotDef {
			continue
		}
		if int(d) < s.node.def {
			s.rows = append(s.rows, -1)
			continue
		}
		s.rows = append(s.rows, next)
		next++
	}
	if int(next) != values.Len() {
		return nil, damaged("levels tell of %d values instead of %d", next, values.Len())
	}
	s.vec.Gather(values, s.rows)
	return s.vec, nil
}
