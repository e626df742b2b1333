package batch

import (
	"slices"
	"unsafe"

	"github.com/spurwheel/spurwheel/internal/types"
)

// ChunkRows is the number of rows in each part of a chunked column but a
// thread's last: large enough that parts are few, small enough that one costs
// little when a query keeps only some rows. A position in a chunked column is
// part<<ChunkShift | row.
const (
	ChunkShift = 14
	ChunkRows  = 1 << ChunkShift
)

// Chunked is a column in parts that can be gathered from by position. Parts
// are flat and do not change any more. Safe for concurrent reads.
type Chunked struct {
	Type  types.Type
	Parts []*Vector
	bases []unsafe.Pointer // first slot of each part
	bufs  [][]byte         // of all parts' long strings
	nulls bool
}

// NewChunked ties parts together. Long strings of the parts are renumbered to
// one list of buffers, so parts must not be in use elsewhere.
func NewChunked(t types.Type, parts []*Vector) *Chunked {
	c := &Chunked{Type: t, Parts: parts}
	for _, p := range parts {
		c.bases = append(c.bases, unsafe.Pointer(unsafe.SliceData(p.data)))
		c.nulls = c.nulls || p.valid != nil
	}
	if t.Phys() == types.PhysView {
		c.shareBufs()
	}
	return c
}

// shareBufs gives all parts the list of all parts' buffers.
func (c *Chunked) shareBufs() {
	for _, p := range c.Parts {
		base := uint64(len(c.bufs))
		c.bufs = append(c.bufs, p.Bufs...)
		if base == 0 || len(p.Bufs) == 0 {
			continue
		}
		for i, x := range slotsOf[View](p)[:p.n] {
			if x.Len() > InlineLen {
				slotsOf[View](p)[i].B = x.B + base
			}
		}
	}
	for _, p := range c.Parts {
		p.Bufs, p.tail = slices.Clip(c.bufs), 0
	}
}

// Gather makes v the rows at the positions, sharing bytes with the column. A
// negative position gives a null.
func (v *Vector) GatherChunks(c *Chunked, at []int32) {
	if len(c.Parts) == 0 {
		v.Reset(0)
		v.AppendNulls(len(at))
		return
	}
	if len(c.Parts) == 1 {
		v.Gather(c.Parts[0], at)
		return
	}
	v.Reset(len(at))
	switch types.PhysOf(&c.Type) {
	case types.PhysNull:
	case types.PhysBool, types.PhysInt8:
		gatherChunks(slotsOf[uint8](v), c.bases, at)
	case types.PhysInt16:
		gatherChunks(slotsOf[int16](v), c.bases, at)
	case types.PhysInt32, types.PhysFloat32:
		gatherChunks(slotsOf[int32](v), c.bases, at)
	case types.PhysInt64, types.PhysFloat64:
		gatherChunks(slotsOf[int64](v), c.bases, at)
	case types.PhysInt128, types.PhysInterval:
		gatherChunks(slotsOf[Int128](v), c.bases, at)
	case types.PhysView:
		gatherChunks(slotsOf[View](v), c.bases, at)
		v.Bufs, v.tail = slices.Clip(c.bufs), 0
	default:
		v.gatherNestedChunks(c, at)
		return
	}
	v.gatherChunkNulls(c, at)
}

func gatherChunks[T any](dst []T, bases []unsafe.Pointer, at []int32) {
	var z T
	dst = dst[:len(at)]
	for i, x := range at {
		x = max(x, 0)
		dst[i] = *(*T)(unsafe.Add(bases[x>>ChunkShift], uintptr(x&(ChunkRows-1))*unsafe.Sizeof(z)))
	}
}

func (v *Vector) gatherChunkNulls(c *Chunked, at []int32) {
	for i, x := range at {
		if x < 0 || c.nulls && !c.Parts[x>>ChunkShift].Valid(int(x&(ChunkRows-1))) {
			v.SetNull(i)
		}
	}
}

func (v *Vector) gatherNestedChunks(c *Chunked, at []int32) {
	v.Reset(0)
	for _, x := range at {
		if x < 0 {
			v.AppendNulls(1)
			continue
		}
		v.AppendRange(c.Parts[x>>ChunkShift], int(x&(ChunkRows-1)), 1)
	}
}
