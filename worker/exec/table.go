package exec

import (
	"bytes"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// keyTable gives each distinct key row a number from 0. Slots hold the salt
// (top 16 bits of the hash) over number+1, 0 is empty; linear probing, at most
// half full, growth by four from the hash kept in the rows. It holds no pointers.
type keyTable struct {
	lay   *keyLayout
	slots []uint64
	mask  uint64
	rows  []uint64
	n     int
	arena *batch.Vector // bytes of long strings, which the rows' views locate
	again interner
}

// firstSlots is the size of a new table: 32 KiB, in the first-level cache.
const firstSlots = 4096

func newKeyTable(l *keyLayout) *keyTable {
	t := &keyTable{lay: l, slots: make([]uint64, firstSlots), mask: firstSlots - 1}
	if l.views {
		t.arena = batch.New(types.Binary, 0)
	}
	return t
}

// reset forgets all rows. Views handed out before stay valid if arenas were
// taken (see takeArena).
func (t *keyTable) reset() {
	clear(t.slots)
	t.rows, t.n = t.rows[:0], 0
	if t.lay.views {
		t.arena = batch.New(types.Binary, 0)
	}
}

// size is the memory held.
func (t *keyTable) size() int64 {
	n := int64(cap(t.slots)+cap(t.rows)) * 8
	if t.arena != nil {
		n += t.arena.Bytes()
	}
	return n
}

func (t *keyTable) bufs() [][]byte {
	if t.arena == nil {
		return nil
	}
	return t.arena.Bufs
}

// reserve makes room for n more rows, so that lookup never grows.
func (t *keyTable) reserve(n int) {
	size := len(t.slots)
	for size < 2*(t.n+n) {
		size *= 4
	}
	if need := (t.n + n) * t.lay.words; need > cap(t.rows) {
		rows := make([]uint64, len(t.rows), max(need, 2*cap(t.rows)))
		copy(rows, t.rows)
		t.rows = rows
	}
	if size == len(t.slots) {
		return
	}
	t.slots, t.mask = make([]uint64, size), uint64(size-1)
	for i := range t.n {
		h := t.rows[i*t.lay.words]
		at := h >> slotShift & t.mask
		for t.slots[at] != 0 {
			at = (at + 1) & t.mask
		}
		t.slots[at] = h>>saltShift<<saltShift | uint64(i+1)
	}
}

// lookup sets groups[i] to the number of in's row i, adding unseen rows.
func (t *keyTable) lookup(in *keyRows, groups []int32) {
	t.reserve(in.n)
	switch {
	case in.long:
		t.lookupLong(in, groups)
	case t.lay.words == 2:
		t.lookup2(in.rows, groups)
	default:
		t.lookupWords(in.rows, in.n, groups)
	}
}

// lookup2 is lookup of one key word.
func (t *keyTable) lookup2(rows []uint64, groups []int32) {
	slots, mask, n := t.slots, t.mask, t.n
	own := t.rows[:cap(t.rows)]
	for i := 0; i < len(rows)/2; i++ {
		h, k := rows[2*i], rows[2*i+1]
		at := h >> slotShift & mask
		for {
			s := slots[at&uint64(len(slots)-1)]
			if s == 0 {
				own[2*n], own[2*n+1] = h, k
				n++
				slots[at] = h>>saltShift<<saltShift | uint64(n)
				groups[i] = int32(n - 1)
				break
			}
			if s>>saltShift == h>>saltShift {
				g := int(s&(1<<saltShift-1)) - 1
				if own[2*g+1] == k && own[2*g] == h {
					groups[i] = int32(g)
					break
				}
			}
			at = (at + 1) & mask
		}
	}
	t.n, t.rows = n, own[:2*n]
}

// lookupWords is lookup of rows whose words alone decide.
func (t *keyTable) lookupWords(rows []uint64, count int, groups []int32) {
	w := t.lay.words
	own := t.rows[:cap(t.rows)]
	for i := range count {
		row := rows[i*w : i*w+w]
		at := row[0] >> slotShift & t.mask
		for {
			s := t.slots[at]
			if s == 0 {
				copy(own[t.n*w:], row)
				t.n++
				t.slots[at] = row[0]>>saltShift<<saltShift | uint64(t.n)
				groups[i] = int32(t.n - 1)
				break
			}
			if s>>saltShift == row[0]>>saltShift {
				g := int(s&(1<<saltShift-1)) - 1
				if equalWords(own[g*w:g*w+w], row) {
					groups[i] = int32(g)
					break
				}
			}
			at = (at + 1) & t.mask
		}
	}
	t.rows = own[:t.n*w]
}

func equalWords(a, b []uint64) bool {
	b = b[:len(a)]
	for i, x := range a {
		if x != b[i] {
			return false
		}
	}
	return true
}

// lookupLong is lookup of rows with long strings among them.
func (t *keyTable) lookupLong(in *keyRows, groups []int32) {
	w := t.lay.words
	for i := range in.n {
		row := in.rows[i*w : i*w+w]
		at := row[0] >> slotShift & t.mask
		for {
			s := t.slots[at]
			if s == 0 {
				t.addLong(in, row)
				t.slots[at] = row[0]>>saltShift<<saltShift | uint64(t.n)
				groups[i] = int32(t.n - 1)
				break
			}
			if s>>saltShift == row[0]>>saltShift {
				g := int(s&(1<<saltShift-1)) - 1
				if equalKeys(t.lay, t.rows[g*w:g*w+w], t.bufs(), row, in.bufs, nil) {
					groups[i] = int32(g)
					break
				}
			}
			at = (at + 1) & t.mask
		}
	}
}

// addLong appends a row, copying long strings to the arena.
func (t *keyTable) addLong(in *keyRows, row []uint64) {
	at := len(t.rows)
	t.rows = append(t.rows, row...)
	t.n++
	for k := range t.lay.cols {
		c := &t.lay.cols[k]
		x := batch.View{A: row[c.at]}
		if c.phys != types.PhysView || x.Len() <= batch.InlineLen {
			continue
		}
		x.B = row[c.at+1]
		t.rows[at+c.at+1] = t.again.view(t.arena, x.Bytes(in.bufs[k])).B
	}
}

// equalKeys compares two rows of one layout. a's long strings lie in abufs;
// b's lie by key in bkeys, or if that is nil in bbufs.
func equalKeys(l *keyLayout, a []uint64, abufs [][]byte, b []uint64, bkeys [][][]byte, bbufs [][]byte) bool {
	if a[0] != b[0] {
		return false
	}
	for k := range l.cols {
		c := &l.cols[k]
		if a[c.at] != b[c.at] {
			return false
		}
		if c.width == 1 {
			continue
		}
		x, y := batch.View{A: a[c.at], B: a[c.at+1]}, batch.View{A: b[c.at], B: b[c.at+1]}
		if c.phys != types.PhysView || x.Len() <= batch.InlineLen {
			if x.B != y.B {
				return false
			}
			continue
		}
		other := bbufs
		if bkeys != nil {
			other = bkeys[k]
		}
		if !bytes.Equal(x.Bytes(abufs), y.Bytes(other)) {
			return false
		}
	}
	tail := l.words - max(0, (len(l.cols)-nullBits+63)/64)
	return equalWords(a[tail:], b[tail:])
}
