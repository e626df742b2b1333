package vocab

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"unsafe"
)

// MaxWordBytes bounds one word. What is longer in a text is no word (encoded data, a file of another kind).
const MaxWordBytes = 1000

const (
	minSlots  = 1 << 10
	slotBytes = int64(unsafe.Sizeof(slot{}))
	// maxArena is what offsets of 32 bits reach, less one word.
	maxArena = math.MaxUint32 - MaxWordBytes
)

// slot is one entry of a table. Words of up to eight bytes, which most are, live in it whole and are compared as one number.
type slot struct {
	prefix uint64 // the first eight bytes, zeros behind shorter words
	value  uint64 // a count, or id+1
	off    uint32 // of the whole word in the arena, if it is longer than eight bytes
	n      uint16 // length; 0: free
	tag    uint16 // more bits of the hash, for longer words
}

// table maps words to numbers by open addressing. It keeps the bytes of the words in one arena, so that a hundred million
// look-ups allocate nothing and the collector sees two objects. Not for concurrent use while it changes.
type table struct {
	slots []slot // a power of two
	arena []byte
	used  int
}

func newTable(words int) *table {
	n := minSlots
	for n*3 < words*4 {
		n *= 2
	}
	return &table{slots: make([]slot, n)}
}

func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// Odd numbers with well-mixed bits, for the multiplications of hash.
const (
	mul1 = 0x9e3779b97f4a7c15
	mul2 = 0xd6e8feb86659fd93
)

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// prefixOf is the first eight bytes of w as a number, zeros behind a shorter word.
func prefixOf(w []byte) uint64 {
	if len(w) >= 8 {
		return binary.LittleEndian.Uint64(w)
	}
	var p uint64
	for _, c := range slices.Backward(w) {
		p = p<<8 | uint64(c)
	}
	return p
}

// hashLong hashes words of more than eight bytes; shorter ones are hashed by their prefix alone.
func hashLong(w []byte) uint64 {
	h := uint64(len(w)) * mul2
	for len(w) > 8 {
		h = mix(h^binary.LittleEndian.Uint64(w), mul1)
		w = w[8:]
	}
	return mix(h^prefixOf(w), mul2)
}

// find returns the value of w, 0 if it is not there.
func (t *table) find(w []byte) uint64 {
	if len(w) > 8 {
		s := t.long(w, hashLong(w))
		return s.value
	}
	return t.short(prefixOf(w), len(w)).value
}

// short finds the slot of a word of 1 to 8 bytes, or the free one where it belongs.
func (t *table) short(prefix uint64, n int) *slot {
	mask := uint64(len(t.slots) - 1)
	for i := mix(prefix, mul1) & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.prefix == prefix && int(s.n) == n || s.n == 0 {
			return s
		}
	}
}

// long finds the slot of a word of more than eight bytes with its hash, or the free one where it belongs.
func (t *table) long(w []byte, h uint64) *slot {
	mask := uint64(len(t.slots) - 1)
	tag := uint16(h >> 48)
	for i := h & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.n == 0 || int(s.n) == len(w) && s.tag == tag && string(t.arena[s.off:s.off+uint32(s.n)]) == string(w) {
			return s
		}
	}
}

// slot returns the slot of w, which it adds with the value 0 if it is new. The pointer is good until the next call.
func (t *table) slot(w []byte) *slot {
	if len(w) > 8 {
		h := hashLong(w)
		if s := t.long(w, h); s.n != 0 {
			return s
		}
		return t.addLong(w, h)
	}
	prefix := prefixOf(w)
	if s := t.short(prefix, len(w)); s.n != 0 {
		return s
	}
	return t.addShort(prefix, len(w))
}

func (t *table) addShort(prefix uint64, n int) *slot {
	t.room()
	s := t.short(prefix, n)
	*s = slot{prefix: prefix, n: uint16(n)}
	t.used++
	return s
}

func (t *table) addLong(w []byte, h uint64) *slot {
	t.room()
	s := t.long(w, h)
	*s = slot{prefix: prefixOf(w), n: uint16(len(w)), tag: uint16(h >> 48), off: uint32(len(t.arena))}
	t.arena = append(t.arena, w...)
	t.used++
	return s
}

// room grows the table before it is three quarters full.
func (t *table) room() {
	if (t.used+1)*4 > len(t.slots)*3 {
		t.rebuild(2*len(t.slots), 0)
	}
}

// rebuild makes a table of n slots of the words whose value is above least.
func (t *table) rebuild(n int, least uint64) {
	old := *t
	*t = table{slots: make([]slot, n)}
	if least == 0 {
		t.arena = old.arena
	}
	for i := range old.slots {
		s := &old.slots[i]
		if s.n == 0 || least > 0 && s.value <= least {
			continue
		}
		t.place(s, old.arena, least > 0)
	}
}

// place puts a slot of another table, whose word is known to be new, into t; copied words go to t's own arena.
func (t *table) place(s *slot, arena []byte, move bool) {
	t.used++
	if s.n <= 8 {
		*t.short(s.prefix, int(s.n)) = *s
		return
	}
	w := arena[s.off : s.off+uint32(s.n)]
	d := t.long(w, hashLong(w))
	off := s.off
	if move {
		off = uint32(len(t.arena))
		t.arena = append(t.arena, w...)
	}
	*d = *s
	d.off = off
}

// word appends the word of a slot to dst.
func (t *table) word(dst []byte, s *slot) []byte {
	if s.n > 8 {
		return append(dst, t.arena[s.off:s.off+uint32(s.n)]...)
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], s.prefix)
	return append(dst, b[:s.n]...)
}

// bytes is the memory t holds.
func (t *table) bytes() int64 { return int64(len(t.slots))*slotBytes + int64(cap(t.arena)) }
