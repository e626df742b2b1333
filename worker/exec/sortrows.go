package exec

import (
	"cmp"
	"context"
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/spurwheel/spurwheel/internal/batch"
)

// sortRows orders a relation: positions in order. Entries of a packed prefix
// are scattered by their top varying bits, each bucket is sorted by radix
// passes on one thread, and runs of equal prefixes are ordered by comparing
// the keys that the prefix does not decide. Equal rows keep their order.
func sortRows(ctx context.Context, rel *relation, keys []sortKey, threads int) ([]int32, error) {
	s := &rowSorter{rel: rel, keys: keys, pack: planPacking(keys, rel)}
	n := int(rel.rows)
	s.a, s.b = make([]sortEntry, n), make([]sortEntry, n)
	if err := s.fill(ctx, threads); err != nil {
		return nil, err
	}
	buckets := s.scatter()
	var next atomic.Int64
	err := runThreads(ctx, max(1, min(threads, len(buckets)-1)), func(ctx context.Context, _ int) error {
		for {
			i := int(next.Add(1) - 1)
			if i >= len(buckets)-1 {
				return nil
			}
			s.bucket(int(buckets[i]), int(buckets[i+1]))
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	})
	if err != nil {
		return nil, err
	}
	out := make([]int32, n)
	for i := range s.a {
		out[i] = s.a[i].row
	}
	return out, nil
}

type rowSorter struct {
	rel  *relation
	keys []sortKey
	pack packing
	a, b []sortEntry // a holds the result of each step
	vary uint64      // bits in which prefixes differ
}

// fill makes the entries in row order.
func (s *rowSorter) fill(ctx context.Context, threads int) error {
	starts := make([]int, len(s.rel.chunks)+1)
	for i, c := range s.rel.chunks {
		starts[i+1] = starts[i] + c.N
	}
	var next atomic.Int64
	return runThreads(ctx, max(1, min(threads, len(s.rel.chunks))), func(ctx context.Context, _ int) error {
		var scratch []uint64
		for {
			i := int(next.Add(1) - 1)
			if i >= len(s.rel.chunks) {
				return ctx.Err()
			}
			s.pack.entries(s.rel, i, s.a[starts[i]:starts[i+1]], &scratch)
		}
	})
}

// scatterBits is the width of the first radix pass: 1,024 buckets of a large
// input fit the second-level cache each.
const scatterBits = 10

// scatterFrom is the number of rows from which the first pass pays.
const scatterFrom = 1 << 14

// scatter distributes entries by their top varying bits and returns the
// buckets' bounds.
func (s *rowSorter) scatter() []int32 {
	or, and := uint64(0), ^uint64(0)
	for i := range s.a {
		or, and = or|s.a[i].prefix, and&s.a[i].prefix
	}
	if len(s.a) == 0 {
		or, and = 0, 0
	}
	s.vary = or &^ and
	top := bits.Len64(s.vary)
	if len(s.a) < scatterFrom || top == 0 {
		return []int32{0, int32(len(s.a))}
	}
	shift := uint(max(top-scatterBits, 0))
	mask := uint64(1)<<scatterBits - 1
	var starts [1<<scatterBits + 1]int32
	for i := range s.a {
		starts[s.a[i].prefix>>shift&mask+1]++
	}
	for i := range 1 << scatterBits {
		starts[i+1] += starts[i]
	}
	at := starts
	for _, e := range s.a {
		d := e.prefix >> shift & mask
		s.b[at[d]] = e
		at[d]++
	}
	s.a, s.b = s.b, s.a
	s.vary &= 1<<shift - 1
	return starts[:]
}

// radixFrom is the number of rows from which radix passes beat comparisons.
const radixFrom = 256

// bucket sorts entries [from, to).
func (s *rowSorter) bucket(from, to int) {
	a, b := s.a[from:to], s.b[from:to]
	if len(a) < 2 {
		return
	}
	if len(a) < radixFrom {
		slices.SortFunc(a, s.compare)
		return
	}
	src, dst := a, b
	for shift := uint(0); shift < 64; shift += 8 {
		if s.vary>>shift&0xff != 0 && radixPass(src, dst, shift) {
			src, dst = dst, src
		}
	}
	if &src[0] != &a[0] {
		copy(a, src)
	}
	if s.pack.exact < len(s.keys) {
		s.ties(a)
	}
}

// radixPass distributes by one byte, unless all entries share it.
func radixPass(src, dst []sortEntry, shift uint) bool {
	var at [256]int32
	for i := range src {
		at[uint8(src[i].prefix>>shift)]++
	}
	if at[uint8(src[0].prefix>>shift)] == int32(len(src)) {
		return false
	}
	sum := int32(0)
	for d, c := range at {
		at[d] = sum
		sum += c
	}
	for _, e := range src {
		d := uint8(e.prefix >> shift)
		dst[at[d]] = e
		at[d]++
	}
	return true
}

// ties orders runs of equal prefixes.
func (s *rowSorter) ties(a []sortEntry) {
	for i := 0; i < len(a); {
		j := i + 1
		for j < len(a) && a[j].prefix == a[i].prefix {
			j++
		}
		if j-i > 1 {
			slices.SortFunc(a[i:j], s.compare)
		}
		i = j
	}
}

// compare orders two entries completely; the position decides at last.
func (s *rowSorter) compare(x, y sortEntry) int {
	if x.prefix != y.prefix {
		return cmp.Compare(x.prefix, y.prefix)
	}
	for _, k := range s.keys[s.pack.exact:] {
		col := s.rel.cols[k.col]
		if c := compareKey(k, col.Parts[x.row>>batch.ChunkShift], int(x.row&(batch.ChunkRows-1)),
			col.Parts[y.row>>batch.ChunkShift], int(y.row&(batch.ChunkRows-1))); c != 0 {
			return c
		}
	}
	return cmp.Compare(x.row, y.row)
}

// compareKey orders two values of a key as the ordering asks.
func compareKey(k sortKey, a *batch.Vector, i int, b *batch.Vector, j int) int {
	va, vb := a.Valid(i), b.Valid(j)
	switch {
	case va && vb:
		c := batch.CompareAt(a, i, b, j)
		if k.desc {
			return -c
		}
		return c
	case va == vb:
		return 0
	case va == k.nullsFirst:
		return 1
	}
	return -1
}
