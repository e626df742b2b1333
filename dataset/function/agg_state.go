package function

import (
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// aggScratch is the reused memory of one accumulator's updates.
type aggScratch struct {
	zeros []int32
	rows  []int32
	flats []*batch.Vector
}

// groups is g, or n zeros: for aggregates whose work per row outweighs an index.
func (s *aggScratch) groups(g []int32, n int) []int32 {
	if g != nil {
		return g
	}
	if len(s.zeros) < n {
		s.zeros = make([]int32, max(n, batch.Rows))
	}
	return s.zeros[:n]
}

// flat is argument k as a flat vector.
func (s *aggScratch) flat(k int, v *batch.Vector) *batch.Vector {
	if v.Enc == batch.Flat {
		return v
	}
	for len(s.flats) <= k {
		s.flats = append(s.flats, nil)
	}
	if s.flats[k] == nil || !s.flats[k].Type.Equal(v.Type) {
		s.flats[k] = batch.New(v.Type, 0)
	}
	return v.Flatten(s.flats[k])
}

// present lists the rows in which no argument is null.
func (s *aggScratch) present(n int, args ...*batch.Vector) []int32 {
	s.rows = s.rows[:0]
	for i := range n {
		s.rows = append(s.rows, int32(i))
	}
	for _, a := range args {
		if !a.HasNulls() {
			continue
		}
		keep := s.rows[:0]
		for _, r := range s.rows {
			if a.Valid(int(r)) {
				keep = append(keep, r)
			}
		}
		s.rows = keep
	}
	return s.rows
}

// grown is s with length n; new members are zero.
func grown[T any](s []T, n int) []T {
	if n <= len(s) {
		return s
	}
	if n <= cap(s) {
		old := len(s)
		s = s[:n]
		clear(s[old:])
		return s
	}
	out := make([]T, n, max(n, 2*cap(s)))
	copy(out, s)
	return out
}

// appendSlots appends values to a flat vector and returns the first new row.
func appendSlots[T batch.Value](out *batch.Vector, vals []T) int {
	at := out.Len()
	out.SetLen(at + len(vals))
	copy(batch.Values[T](out)[at:], vals)
	return at
}

// appendSeen is appendSlots with nulls where nothing was seen.
func appendSeen[T batch.Value](out *batch.Vector, vals []T, seen []bool) {
	at := appendSlots(out, vals)
	for i, ok := range seen {
		if !ok {
			out.SetNull(at + i)
		}
	}
}

// bit tells whether bit i of m is set.
func bit(m []uint64, i int) bool { return m[i>>6]>>(uint(i)&63)&1 != 0 }

// keeper holds at most one row per group, of any type.
type keeper struct {
	vec   *batch.Vector // kept rows, and those replaced since the last compaction
	spare *batch.Vector
	at    []int32 // the group's row in vec, -1 if none
}

// keeperSlack is how many replaced rows a keeper tolerates beyond one per group:
// below it, compaction costs more than the memory it frees.
const keeperSlack = 4096

func newKeeper(t types.Type) keeper { return keeper{vec: batch.New(t, 0), spare: batch.New(t, 0)} }

func (k *keeper) grow(n int) {
	for len(k.at) < n {
		k.at = append(k.at, -1)
	}
}

// put makes row i of src the group's row.
func (k *keeper) put(g int32, src *batch.Vector, i int) {
	k.at[g] = int32(k.vec.Len())
	k.vec.AppendRange(src, i, 1)
}

// tidy drops replaced rows once they outnumber the live ones. Call it once per batch.
func (k *keeper) tidy() {
	if k.vec.Len() < 2*len(k.at)+keeperSlack {
		return
	}
	live := make([]int32, 0, len(k.at))
	for g, r := range k.at {
		if r >= 0 {
			k.at[g] = int32(len(live))
			live = append(live, r)
		}
	}
	k.spare.Reset(0)
	k.spare.AppendGather(k.vec, live)
	k.vec, k.spare = k.spare, k.vec
}

func (k *keeper) appendTo(out *batch.Vector, from, to int) { out.AppendGather(k.vec, k.at[from:to]) }

func (k *keeper) bytes() int64 { return k.vec.Bytes() + k.spare.Bytes() + int64(len(k.at))*4 }

func (k *keeper) reset() {
	k.vec.Reset(0)
	k.at = k.at[:0]
}

// bag holds any number of values per group in one arena: rows in order of
// arrival with the group of each, and an index by group made when it is asked for.
type bag struct {
	vec    *batch.Vector
	group  []int32
	n      int     // groups
	order  []int32 // rows of vec by group, stable
	starts []int32 // starts[g] is where group g begins in order
	fresh  bool    // order and starts are right
	rows   []int32 // scratch
	gs     []int32 // scratch
}

func newBag(t types.Type) bag { return bag{vec: batch.New(t, 0)} }

func (b *bag) grow(n int) {
	if n > b.n {
		b.n, b.fresh = n, false
	}
}

// add appends rows of src; row i belongs to groups[i].
func (b *bag) add(groups []int32, src *batch.Vector, rows []int32) {
	b.vec.AppendGather(src, rows)
	for _, r := range rows {
		b.group = append(b.group, groups[r])
	}
	b.fresh = false
}

// addLists appends the elements of array vector src.
func (b *bag) addLists(groups []int32, src *batch.Vector, n int) {
	b.rows, b.gs = b.rows[:0], b.gs[:0]
	for i := range n {
		if !src.Valid(i) {
			continue
		}
		for j := src.Offsets[i]; j < src.Offsets[i+1]; j++ {
			b.rows = append(b.rows, j)
			b.gs = append(b.gs, groups[i])
		}
	}
	b.vec.AppendGather(src.Children[0], b.rows)
	b.group = append(b.group, b.gs...)
	b.fresh = false
}

// index sorts the rows by group (counting sort).
func (b *bag) index() {
	if b.fresh {
		return
	}
	b.starts = append(b.starts[:0], make([]int32, b.n+1)...)
	for _, g := range b.group {
		b.starts[g+1]++
	}
	for g := range b.n {
		b.starts[g+1] += b.starts[g]
	}
	b.order = grown(b.order[:0], len(b.group))
	next := append([]int32(nil), b.starts...)
	for r, g := range b.group {
		b.order[next[g]] = int32(r)
		next[g]++
	}
	b.fresh = true
}

// of lists group g's rows in order of arrival; the slice may be reordered by the caller.
func (b *bag) of(g int) []int32 {
	b.index()
	return b.order[b.starts[g]:b.starts[g+1]]
}

// appendLists appends the values of groups [from, to) as array rows.
func (b *bag) appendLists(out *batch.Vector, from, to int) {
	b.index()
	for g := from; g < to; g++ {
		appendList(out, b.vec, b.order[b.starts[g]:b.starts[g+1]])
	}
}

// keep drops all rows but those listed, which must be ascending.
func (b *bag) keep(rows []int32) {
	nv := batch.New(b.vec.Type, len(rows))
	nv.AppendGather(b.vec, rows)
	for i, r := range rows {
		b.group[i] = b.group[r]
	}
	b.vec, b.group, b.fresh = nv, b.group[:len(rows)], false
}

func (b *bag) bytes() int64 {
	return b.vec.Bytes() + 4*int64(cap(b.group)+cap(b.order)+cap(b.starts))
}

func (b *bag) reset() {
	b.vec.Reset(0)
	b.group, b.n, b.fresh = b.group[:0], 0, false
}

// appendList appends one array row holding rows of src.
func appendList(out, src *batch.Vector, rows []int32) {
	out.Children[0].AppendGather(src, rows)
	closeList(out)
}

// closeList appends a row to an array or map vector that ends where its children end.
func closeList(out *batch.Vector) {
	at := out.Len()
	out.SetLen(at + 1)
	if len(out.Offsets) == 0 {
		out.Offsets = append(out.Offsets, 0)
	}
	out.Offsets = append(out.Offsets[:at+1], int32(out.Children[0].Len()))
}
