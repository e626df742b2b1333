package parquet

// pageMeta is what the page index tells of one data page.
type pageMeta struct {
	off   int64 // in the file; until the chunk is written: in its data pages
	size  int64 // with its header
	row   int64 // first row in the row group
	nulls int64
	lo    []byte // nil: only nulls, or not known
	hi    []byte
	empty bool // only nulls
}

// chunkMeta is one column chunk that was written.
type chunkMeta struct {
	start     int64
	meta      []byte // its encoded ColumnMetaData
	pages     []pageMeta
	columnIdx fileRange
	offsetIdx fileRange
}

// groupMeta is one row group that was written.
type groupMeta struct {
	chunks      []chunkMeta
	start, rows int64
	raw, packed int64
}

// statCodes adds the entries that the page's codes refer to, each once.
func (l *leafWriter) statCodes() {
	if need := (l.dict.n + 63) / 64; cap(l.seen) < need {
		l.seen = make([]uint64, need)
	} else {
		l.seen = l.seen[:need]
		clear(l.seen)
	}
	for _, c := range l.codes {
		if bit := uint64(1) << (uint(c) & 63); l.seen[c>>6]&bit == 0 {
			l.seen[c>>6] |= bit
			if l.dict.byBytes {
				l.stat.bytes(l.dict.value(c))
			} else {
				l.stat.key(l.dict.keys[c])
			}
		}
	}
}

// endPage records the page just appended to out, which began at from there.
func (l *leafWriter) endPage(from, entries, rows int) {
	lo, hi := l.stat.encoded()
	p := pageMeta{
		off: int64(from), size: int64(len(l.out) - from), row: l.rows, nulls: l.nulls - l.nullsBefore,
		lo: lo, hi: hi, empty: l.nulls-l.nullsBefore == int64(entries),
	}
	l.pages = append(l.pages, p)
	l.total.merge(&l.stat)
	l.stat.reset()
	l.rows += int64(rows)
	l.nullsBefore = l.nulls
}

// merge widens s by another stretch of the same column.
func (s *stat) merge(o *stat) {
	s.lost = s.lost || o.lost
	if !o.any || s.lost {
		return
	}
	switch s.leaf.phys {
	case pFloat, pDouble:
		s.float(o.minF)
		s.float(o.maxF)
	case pByteArray, pFixed:
		s.bytes(o.minVal)
		s.bytes(o.maxVal)
	default:
		s.key(o.minKey)
		s.key(o.maxKey)
	}
}

// pageIndexes writes the index of all row groups behind their data.
func (w *writer) pageIndexes() error {
	for g := range w.groups {
		for i := range w.groups[g].chunks {
			c := &w.groups[g].chunks[i]
			e := &encoder{}
			if !c.columnIndex(e) {
				continue
			}
			c.columnIdx = fileRange{w.pos, int32(len(e.b))}
			if err := w.emit(e.b); err != nil {
				return err
			}
		}
	}
	for g := range w.groups {
		for i := range w.groups[g].chunks {
			c := &w.groups[g].chunks[i]
			e := &encoder{}
			c.offsetIndex(e)
			c.offsetIdx = fileRange{w.pos, int32(len(e.b))}
			if err := w.emit(e.b); err != nil {
				return err
			}
		}
	}
	return nil
}

// columnIndex needs bounds of every page that has values.
func (c *chunkMeta) columnIndex(e *encoder) bool {
	for i := range c.pages {
		if !c.pages[i].empty && c.pages[i].lo == nil {
			return false
		}
	}
	e.element(func() {
		e.list(1, tTrue, len(c.pages))
		for i := range c.pages {
			if c.pages[i].empty {
				e.b = append(e.b, tTrue)
			} else {
				e.b = append(e.b, tFalse)
			}
		}
		e.list(2, tBinary, len(c.pages))
		for i := range c.pages {
			e.bytes(c.pages[i].lo)
		}
		e.list(3, tBinary, len(c.pages))
		for i := range c.pages {
			e.bytes(c.pages[i].hi)
		}
		e.i32(4, 0) // in no order
		e.list(5, tI64, len(c.pages))
		for i := range c.pages {
			e.zigzag(c.pages[i].nulls)
		}
	})
	return true
}

func (c *chunkMeta) offsetIndex(e *encoder) {
	e.element(func() {
		e.list(1, tStruct, len(c.pages))
		for i := range c.pages {
			p := &c.pages[i]
			e.element(func() {
				e.i64(1, p.off)
				e.i32(2, int(p.size))
				e.i64(3, p.row)
			})
		}
	})
}

// write puts a row group into the footer.
func (g *groupMeta) write(e *encoder) {
	e.element(func() {
		e.list(1, tStruct, len(g.chunks))
		for i := range g.chunks {
			g.chunks[i].write(e)
		}
		e.i64(2, g.raw)
		e.i64(3, g.rows)
		e.i64(5, g.start)
		e.i64(6, g.packed)
	})
}

func (c *chunkMeta) write(e *encoder) {
	e.element(func() {
		e.i64(2, c.start)
		e.field(3, tStruct)
		e.b = append(e.b, c.meta...)
		e.i64(4, c.offsetIdx.off)
		e.i32(5, int(c.offsetIdx.len))
		if c.columnIdx.len > 0 {
			e.i64(6, c.columnIdx.off)
			e.i32(7, int(c.columnIdx.len))
		}
	})
}
