package exec

import (
	"slices"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// aggChunkRows is the size of a piece of a partition: 64 partitions' open
// pieces stay small, and a piece is a batch of the merge.
const aggChunkRows = 2048

// aggChunk is key rows of one partition with, for each, either the partial
// states or the raw arguments of all functions.
type aggChunk struct {
	keys []uint64
	n    int
	vals []*batch.Vector
}

// aggPart is one thread's part of one partition.
type aggPart struct{ states, raw []*aggChunk }

// aggParts is one thread's partitions.
type aggParts struct {
	lay    *keyLayout
	states []types.Type
	raw    []types.Type
	part   [partitions]aggPart
	// arena holds the long strings of all chunks' keys. Emptied tables give
	// their buffers to it; raw rows' strings are copied.
	arena *batch.Vector
	again interner
	bytes int64 // of closed chunks
	level int
	// scratch: row numbers by partition
	first [partitions + 1]int32
	order []int32
}

// size is the memory that was booked for the part.
func (p *aggPart) size() int64 {
	n := int64(0)
	for _, list := range [][]*aggChunk{p.states, p.raw} {
		for _, c := range list {
			n += c.size()
		}
	}
	return n
}

// split orders the rows of keys by partition: p's are order[first[p]:first[p+1]].
func (a *aggParts) split(keys []uint64, n int) {
	w := a.lay.words
	var count [partitions + 1]int32
	for i := range n {
		count[levelPartition(keys[i*w], a.level)+1]++
	}
	for p := range partitions {
		count[p+1] += count[p]
	}
	a.first = count
	if cap(a.order) < n {
		a.order = make([]int32, max(n, batch.Rows))
	}
	a.order = a.order[:n]
	for i := range n {
		p := levelPartition(keys[i*w], a.level)
		a.order[count[p]] = int32(i)
		count[p]++
	}
}

// add scatters key rows and their columns, copying long strings.
func (a *aggParts) add(in *keyRows, vals []*batch.Vector, raw bool) {
	if in.long {
		a.lay.adopt(in.rows, in.bufs, a.arena, &a.again)
	}
	a.scatter(in, vals, raw)
}

// addTable scatters a table's groups. The table loses its arena to the parts.
func (a *aggParts) addTable(t *keyTable, in *keyRows, vals []*batch.Vector) {
	if t.arena != nil && len(t.arena.Bufs) > 0 {
		a.lay.moveViews(in.rows, len(a.arena.Bufs))
		a.arena.Bufs = append(a.arena.Bufs, t.arena.Bufs...)
		t.arena = nil
	}
	a.scatter(in, vals, false)
}

func (a *aggParts) scatter(in *keyRows, vals []*batch.Vector, raw bool) {
	a.split(in.rows, in.n)
	for p := range partitions {
		idx := a.order[a.first[p]:a.first[p+1]]
		for len(idx) > 0 {
			c := a.open(p, raw)
			k := min(len(idx), aggChunkRows-c.n)
			a.append(c, in, idx[:k])
			for i, v := range c.vals {
				v.AppendGather(vals[i], idx[:k])
			}
			c.n += k
			idx = idx[k:]
		}
	}
}

// open returns a chunk of partition p with room.
func (a *aggParts) open(p int, raw bool) *aggChunk {
	list, ts := &a.part[p].states, a.states
	if raw {
		list, ts = &a.part[p].raw, a.raw
	}
	room := 0 // the first chunk of a partition grows from nothing: it may stay small
	if k := len(*list); k > 0 && (*list)[k-1].n < aggChunkRows {
		return (*list)[k-1]
	} else if k > 0 {
		a.bytes += (*list)[k-1].size()
		room = aggChunkRows
	}
	c := &aggChunk{keys: make([]uint64, 0, room*a.lay.words)}
	for _, t := range ts {
		c.vals = append(c.vals, batch.New(t, room))
	}
	*list = append(*list, c)
	return c
}

func (c *aggChunk) size() int64 {
	n := int64(cap(c.keys)) * 8
	for _, v := range c.vals {
		n += v.Bytes()
	}
	return n
}

// append copies key rows idx.
func (a *aggParts) append(c *aggChunk, in *keyRows, idx []int32) {
	w := a.lay.words
	c.keys = slices.Grow(c.keys, len(idx)*w)
	if w == 2 {
		for _, i := range idx {
			c.keys = append(c.keys, in.rows[2*i], in.rows[2*i+1])
		}
	} else {
		for _, i := range idx {
			c.keys = append(c.keys, in.rows[int(i)*w:int(i)*w+w]...)
		}
	}
}

// moveViews adds base to the buffer numbers of long strings.
func (l *keyLayout) moveViews(rows []uint64, base int) {
	if base == 0 {
		return
	}
	for k := range l.cols {
		c := &l.cols[k]
		if c.phys != types.PhysView {
			continue
		}
		for at := c.at; at < len(rows); at += l.words {
			if x := (batch.View{A: rows[at]}); x.Len() > batch.InlineLen {
				rows[at+1] += uint64(base)
			}
		}
	}
}

// adopt copies the long strings of rows into arena and points the rows there.
func (l *keyLayout) adopt(rows []uint64, bufs [][][]byte, arena *batch.Vector, again *interner) {
	for k := range l.cols {
		c := &l.cols[k]
		if c.phys != types.PhysView {
			continue
		}
		for at := c.at; at < len(rows); at += l.words {
			x := batch.View{A: rows[at], B: rows[at+1]}
			if x.Len() > batch.InlineLen {
				rows[at+1] = again.view(arena, x.Bytes(bufs[k])).B
			}
		}
	}
}

// size is the memory held, open chunks at their full size.
func (a *aggParts) size() int64 {
	n := a.bytes
	if a.arena != nil {
		n += a.arena.Bytes()
	}
	for p := range a.part {
		n += openSize(a.part[p].states) + openSize(a.part[p].raw)
	}
	return n
}

func openSize(list []*aggChunk) int64 {
	if len(list) == 0 {
		return 0
	}
	return list[len(list)-1].size()
}

// rowsOf shows a chunk as the input of a lookup.
func (c *aggChunk) rowsOf(a *aggParts, into *keyRows) *keyRows {
	into.lay, into.rows, into.n = a.lay, c.keys, c.n
	into.borrow(a.arena)
	return into
}

// borrow makes all keys' long strings lie in one arena.
func (r *keyRows) borrow(arena *batch.Vector) {
	r.long = arena != nil && len(arena.Bufs) > 0
	for k := range r.bufs {
		r.bufs[k] = nil
		if arena != nil {
			r.bufs[k] = arena.Bufs
		}
	}
}
