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
// passes on one thread, and runs of equal prefixes are ordered by the packed
// codes of the next keys; only what codes cannot decide is compared. Equal rows
// keep their order.
func sortRows(ctx context.Context, rel *relation, keys []sortKey, threads int) ([]int32, error) {
	s := &rowSorter{rel: rel}
	s.plan(keys)
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
			s.sort(s.a[buckets[i]:buckets[i+1]], s.b[buckets[i]:buckets[i+1]], 0)
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
	rel   *relation
	packs []packing // of the first keys, of those that did not fit, ...
	rest  []sortKey // what no code decides
	a, b  []sortEntry
	vary  uint64 // bits in which the first prefixes differ within a bucket
	more  bool   // entries carry the second prefix
}

// plan packs keys until one is not decided by its code.
func (s *rowSorter) plan(keys []sortKey) {
	for len(keys) > 0 {
		p := planPacking(keys, s.rel)
		s.packs = append(s.packs, p)
		keys = keys[p.exact:]
		if last := p.codes[len(p.codes)-1]; !last.exact {
			break
		}
	}
	s.rest = keys
	s.more = len(s.packs) > 1 && s.packs[1].bits() <= 32
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
			out := s.a[starts[i]:starts[i+1]]
			for r := range out {
				out[r].row = int32(i<<batch.ChunkShift | r)
			}
			if s.more {
				s.packs[1].entries(s.rel, i, out, &scratch)
				for r := range out {
					out[r].more, out[r].prefix = uint32(out[r].prefix), 0
				}
			}
			if len(s.packs) > 0 {
				s.packs[0].entries(s.rel, i, out, &scratch)
			}
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
	s.vary = varying(s.a)
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

// varying is the bits in which the prefixes differ.
func varying(a []sortEntry) uint64 {
	if len(a) == 0 {
		return 0
	}
	or, and := uint64(0), ^uint64(0)
	for i := range a {
		or, and = or|a[i].prefix, and&a[i].prefix
	}
	return or &^ and
}

// From radixFrom rows radix passes beat comparisons; up to insertUpTo
// insertion beats both.
const (
	radixFrom  = 256
	insertUpTo = 24
)

// sort orders entries by their prefixes of a level, then runs of equal ones.
// b is scratch of the same length.
func (s *rowSorter) sort(a, b []sortEntry, level int) {
	switch {
	case len(a) < 2:
		return
	case len(a) <= insertUpTo:
		insert(a)
	case len(a) < radixFrom:
		slices.SortFunc(a, comparePrefix)
	default:
		vary := s.vary
		if level > 0 {
			vary = varying(a)
		}
		radixSort(a, b, vary)
	}
	if level+1 < len(s.packs) || len(s.rest) > 0 {
		s.ties(a, b, level)
	}
}

func comparePrefix(x, y sortEntry) int {
	if x.prefix != y.prefix {
		return cmp.Compare(x.prefix, y.prefix)
	}
	return cmp.Compare(x.row, y.row)
}

// insert sorts a few entries.
func insert(a []sortEntry) {
	for i := 1; i < len(a); i++ {
		e := a[i]
		k := i
		for k > 0 && (a[k-1].prefix > e.prefix || a[k-1].prefix == e.prefix && a[k-1].row > e.row) {
			a[k] = a[k-1]
			k--
		}
		a[k] = e
	}
}

// radixSort sorts by the bytes that vary, from the lowest.
func radixSort(a, b []sortEntry, vary uint64) {
	src, dst := a, b
	for shift := uint(0); shift < 64; shift += 8 {
		if vary>>shift&0xff != 0 && radixPass(src, dst, shift) {
			src, dst = dst, src
		}
	}
	if &src[0] != &a[0] {
		copy(a, src)
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

// ties orders runs of equal prefixes by the next keys.
func (s *rowSorter) ties(a, b []sortEntry, level int) {
	for i := 0; i < len(a); {
		j := i + 1
		for j < len(a) && a[j].prefix == a[i].prefix {
			j++
		}
		switch {
		case j-i < 2:
		case level+1 < len(s.packs):
			p := &s.packs[level+1]
			for k := i; k < j; k++ {
				if level == 0 && s.more {
					a[k].prefix = uint64(a[k].more)
				} else {
					a[k].prefix = p.prefix(s.rel, a[k].row)
				}
			}
			s.sort(a[i:j], b[i:j], level+1)
		default:
			slices.SortFunc(a[i:j], s.compareRest)
		}
		i = j
	}
}

// compareRest orders two entries by the keys that no code decides; the
// position decides at last.
func (s *rowSorter) compareRest(x, y sortEntry) int {
	for _, k := range s.rest {
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
