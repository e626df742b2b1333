package parquet

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"strings"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// bounds are what statistics tell of some rows of a column, boxed as in batches.
type bounds struct {
	min, max any   // nil: unknown
	nulls    int64 // -1: unknown
	rows     int64
}

// bounds decodes statistics. Orders that are not that of the engine give nothing.
func (c *conv) bounds(n *node, s *statistics, rows int64) bounds {
	b := bounds{nulls: s.nulls, rows: rows}
	switch {
	case c.op == opUUID || c.op == opHalf || c.op == opInt96:
		return b
	case s.oldMinMax && (c.phys == pByteArray || c.phys == pFixed || n.el.logical.kind == lInteger && !n.el.logical.signed):
		return b // the deprecated fields were ordered as signed bytes
	}
	b.min, b.max = c.box(s.min), c.box(s.max)
	if isNaN(b.min) || isNaN(b.max) {
		b.min, b.max = nil, nil
	}
	return b
}

func isNaN(x any) bool {
	switch f := x.(type) {
	case float32:
		return f != f //nolint:gocritic // NaN
	case float64:
		return math.IsNaN(f)
	}
	return false
}

// box decodes one stored value, nil if it is not one.
func (c *conv) box(b []byte) any {
	if b == nil {
		return nil
	}
	if c.op == opView {
		if c.to.Kind == types.KindBinary {
			return append([]byte{}, b...)
		}
		return string(b)
	}
	if c.width > 0 && len(b) != c.width {
		return nil
	}
	v := batch.New(c.to, 1)
	v.SetLen(1)
	raw := mem8(max(len(b), 8))[:len(b)]
	copy(raw, b)
	var err error
	switch {
	case c.op == opSame:
		copy(slotBytes(v, 0, 1), raw)
	case c.width == 0:
		err = c.decimal(v, 0, raw)
	default:
		err = c.apply(v, 0, raw, 1)
	}
	if err != nil {
		return nil
	}
	return v.Get(0)
}

// compare orders two boxed values of one type; ok is false if they are not.
func compare(a, b any) (c int, ok bool) {
	switch x := a.(type) {
	case bool:
		y, ok := b.(bool)
		return cmp.Compare(b2i(x), b2i(y)), ok
	case int8:
		y, ok := b.(int8)
		return cmp.Compare(x, y), ok
	case int16:
		y, ok := b.(int16)
		return cmp.Compare(x, y), ok
	case int32:
		y, ok := b.(int32)
		return cmp.Compare(x, y), ok
	case int64:
		y, ok := b.(int64)
		return cmp.Compare(x, y), ok
	case float32:
		y, ok := b.(float32)
		return cmp.Compare(x, y), ok
	case float64:
		y, ok := b.(float64)
		return cmp.Compare(x, y), ok
	case string:
		y, ok := b.(string)
		return strings.Compare(x, y), ok
	case []byte:
		y, ok := b.([]byte)
		return bytes.Compare(x, y), ok
	case batch.Int128:
		y, ok := b.(batch.Int128)
		return x.Cmp(y), ok
	}
	return 0, false
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// below tells for sure that a < b, or a <= b if open.
func below(a, b any, open bool) bool {
	c, ok := compare(a, b)
	return ok && (c < 0 || open && c == 0)
}

// excludes tells for sure that no row within b passes f.
func (b *bounds) excludes(f *format.Filter) bool {
	if b.nulls == b.rows && b.rows > 0 {
		return f.RejectsNull
	}
	if !f.RejectsNull && b.nulls != 0 || b.min == nil || b.max == nil {
		return false
	}
	if f.Max != nil && !isNaN(f.Max) && below(f.Max, b.min, f.MaxOpen) {
		return true
	}
	// Statistics say nothing of NaN, which is above all numbers: without an
	// upper bound it would pass.
	hasNaN := false
	switch b.max.(type) {
	case float32, float64:
		hasNaN = true
	}
	if f.Min != nil && below(b.max, f.Min, f.MinOpen) && (!hasNaN || f.Max != nil && !isNaN(f.Max)) {
		return true
	}
	return len(f.In) > 0 && b.excludesAll(f.In, hasNaN)
}

func (b *bounds) excludesAll(in []any, floats bool) bool {
	for _, x := range in {
		if x == nil || floats && isNaN(x) || !below(x, b.min, false) && !below(b.max, x, false) {
			return false
		}
	}
	return true
}

// rulesOut tells whether statistics of the row group exclude all its rows.
func (f *filters) rulesOut(r *reader, g *rowGroup) bool {
	for i := range f.by {
		for _, p := range f.by[i].preds {
			switch c := r.cols[f.by[i].column].(type) {
			case *nullColumn:
				if p.filter.RejectsNull {
					return true
				}
			case *flatColumn:
				b := c.conv.bounds(c.node, &g.columns[c.node.leaf].stats, g.rows)
				if b.excludes(p.filter) {
					return true
				}
			}
		}
	}
	return false
}

// pageSpans are the rows of the group that page statistics leave.
func (r *reader) pageSpans(ctx context.Context, g *rowGroup) ([]span, error) {
	spans := []span{{0, g.rows}}
	for i := range r.filters.by {
		f := &r.filters.by[i]
		c, ok := r.cols[f.column].(*flatColumn)
		if !ok || c.meta.columnIdx.len <= 0 || c.meta.offsetIdx.len <= 0 || !f.prunes() {
			continue
		}
		out, err := r.excludedRows(ctx, c, f, g)
		if err != nil {
			return nil, locate(err, r.path(), c.name)
		}
		spans = subtract(spans, out)
	}
	return spans, nil
}

// prunes tells whether statistics can say anything about the predicates.
func (f *columnFilter) prunes() bool {
	for _, p := range f.preds {
		if p.filter.Min != nil || p.filter.Max != nil || len(p.filter.In) > 0 || p.filter.RejectsNull {
			return true
		}
	}
	return false
}

// excludedRows are those of pages that no row of can pass, ascending.
func (r *reader) excludedRows(ctx context.Context, c *flatColumn, f *columnFilter, g *rowGroup) ([]span, error) {
	ci, err := r.readIndex(ctx, c.meta.columnIdx)
	if err != nil {
		return nil, err
	}
	oi, err := r.readIndex(ctx, c.meta.offsetIdx)
	if err != nil {
		return nil, err
	}
	pages, starts, err := decodePageIndex(ci, oi)
	if err != nil {
		return nil, err
	}
	var out []span
	for i := range pages {
		end := g.rows
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		if starts[i] < 0 || starts[i] > end || end > g.rows {
			return nil, damaged("its page index is not in order")
		}
		b := c.conv.bounds(c.node, &pages[i], end-starts[i])
		for _, p := range f.preds {
			if b.excludes(p.filter) {
				out = append(out, span{starts[i], end})
				break
			}
		}
	}
	return out, nil
}

// subtract removes the ascending spans out from the ascending spans in.
func subtract(in, out []span) []span {
	var left []span
	for _, s := range in {
		for _, o := range out {
			if o.hi <= s.lo || o.lo >= s.hi {
				continue
			}
			if o.lo > s.lo {
				left = append(left, span{s.lo, o.lo})
			}
			s.lo = o.hi
		}
		if s.lo < s.hi {
			left = append(left, s)
		}
	}
	return left
}

// decodePageIndex reads a column chunk's page statistics and first rows.
func decodePageIndex(ci, oi []byte) (pages []statistics, starts []int64, err error) {
	var mins, maxs [][]byte
	var empty []bool
	var nulls []int64
	d := &decoder{b: ci}
	d.each(func(id int, typ byte) bool {
		switch id {
		case 1:
			return d.list(typ, nil, func(byte) { empty = append(empty, d.byte() == tTrue) })
		case 2:
			return d.list(typ, nil, func(elem byte) { mins = append(mins, d.element(elem)) })
		case 3:
			return d.list(typ, nil, func(elem byte) { maxs = append(maxs, d.element(elem)) })
		case 5:
			return d.list(typ, nil, func(byte) { nulls = append(nulls, d.varint()) })
		}
		return false
	})
	if d.err != nil {
		return nil, nil, damaged("its page statistics are malformed")
	}
	o := &decoder{b: oi}
	o.each(func(id int, typ byte) bool {
		return id == 1 && o.list(typ, nil, func(byte) { starts = append(starts, o.firstRow()) })
	})
	if o.err != nil || len(mins) != len(starts) || len(maxs) != len(starts) || len(empty) != len(starts) {
		return nil, nil, damaged("its page index is malformed")
	}
	pages = make([]statistics, len(starts))
	for i := range pages {
		pages[i] = statistics{min: mins[i], max: maxs[i], nulls: -1}
		if len(nulls) == len(pages) {
			pages[i].nulls = nulls[i]
		}
		if empty[i] {
			pages[i].min, pages[i].max = nil, nil
		}
	}
	return pages, starts, nil
}

func (d *decoder) element(elem byte) []byte {
	var b []byte
	if !d.bytes(elem, &b) {
		d.fail(errThriftBad)
	}
	return b
}

func (d *decoder) firstRow() int64 {
	row := int64(-1)
	d.each(func(id int, typ byte) bool { return id == 3 && d.int(typ, &row) })
	return row
}
