package parquet

import (
	"context"
	"io"

	"github.com/spurwheel/spurwheel/internal/vfs"
)

// nextGroup opens the next row group that statistics do not rule out.
func (r *reader) nextGroup(ctx context.Context) error {
	if r.open {
		r.endGroup()
	}
	for ; r.at < r.end; r.at++ {
		g := &r.foot.meta.groups[r.at]
		if g.rows == 0 {
			continue
		}
		if err := r.poll(); err != nil {
			return err
		}
		if r.filters.rulesOut(r, g) {
			continue
		}
		r.at++
		return r.openGroup(ctx, g)
	}
	return io.EOF
}

func (r *reader) openGroup(ctx context.Context, g *rowGroup) error {
	r.group, r.open, r.row, r.window = g, true, 0, r.windowOf(g)
	total := int64(0)
	for i, c := range r.cols {
		for _, l := range leafNodes(c) {
			n, err := l.start(g, r.foot.size)
			if err != nil {
				return locate(err, r.path(), r.schema.Fields[i].Name)
			}
			total += n
		}
		r.fetched[i] = false
	}
	most := r.fetchLimit()
	for _, c := range r.cols {
		for _, k := range c.chunks() {
			k.step = k.end - k.pos
			if total > most {
				k.step = min(k.step, max(minSegment, int64(float64(k.step)*float64(most)/float64(total))))
			}
		}
	}
	for _, c := range r.cols {
		if n, ok := c.(*nestedColumn); ok {
			n.lag = 0
		}
		c.begin()
	}
	spans, err := r.pageSpans(ctx, g)
	r.spans = spans
	return err
}

// fetchLimit is fetchBytes, or less where that is much of the budget: each
// thread reads a row group of its own.
func (r *reader) fetchLimit() int64 {
	if r.req.Budget == nil || r.req.Budget.Limit() <= 0 {
		return fetchBytes
	}
	return min(fetchBytes, r.req.Budget.Limit()/fetchShare)
}

// windowOf is how many rows of a group are decoded at a time: fewer where the
// footer says that they are wide. What it says wrongly costs speed or memory only.
func (r *reader) windowOf(g *rowGroup) int {
	var bytes int64
	for _, c := range r.cols {
		for _, l := range leafNodes(c) {
			bytes += min(max(g.columns[l.node.leaf].uncompressed, 0), maxChunkClaim)
		}
	}
	return int(min(max(windowBytes/max(bytes/g.rows, 1), 1), int64(r.rows)))
}

// start points the leaf at its chunk in g and returns the chunk's size.
func (l *leafReader) start(g *rowGroup, size int64) (int64, error) {
	m := &g.columns[l.node.leaf]
	if m.otherFile {
		return 0, &lacking{"data in another file"}
	}
	if m.encrypted {
		return 0, &lacking{"encrypted data"}
	}
	off, end, err := m.span(size)
	if err != nil {
		return 0, err
	}
	if l.node.rep == 0 && m.values != g.rows || m.values < g.rows {
		return 0, damaged("it has %d values in a row group of %d rows", m.values, g.rows)
	}
	l.meta, l.pos, l.end = m, off, end
	l.loaded, l.unread, l.left, l.lag, l.seen = false, false, 0, 0, 0
	l.dict, l.hasDict = nil, false
	return end - off, nil
}

// readIndex reads a part of the page index.
func (r *reader) readIndex(ctx context.Context, at fileRange) ([]byte, error) {
	if at.len <= 0 || at.off < 0 || at.off > r.foot.size-int64(at.len) {
		return nil, damaged("its page index lies outside of the file")
	}
	p, err := r.file.ReadRanges(ctx, []vfs.Range{{Off: at.off, Len: int64(at.len)}}, vfs.HintMeta)
	if err != nil {
		return nil, err
	}
	defer p.Release()
	return append([]byte(nil), p.Bytes(0)...), nil
}
