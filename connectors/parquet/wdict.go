package parquet

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
)

// dictionary numbers distinct values: open addressing over positions, values
// of up to 8 bytes as words, longer ones one after another in buf.
type dictionary struct {
	byBytes bool
	slots   []int32 // position+1, 0: empty
	keys    []uint64
	hashes  []uint32
	offs    []int // n+1
	buf     []byte
	n       int
	seed    maphash.Seed
}

const dictSlots = 1 << 8

func newDictionary(byBytes bool) *dictionary {
	d := &dictionary{byBytes: byBytes, slots: make([]int32, dictSlots), seed: maphash.MakeSeed()}
	d.offs = append(d.offs, 0)
	return d
}

func (d *dictionary) reset() {
	d.slots = d.slots[:dictSlots]
	clear(d.slots)
	d.keys, d.hashes, d.offs, d.buf, d.n = d.keys[:0], d.hashes[:0], d.offs[:1], d.buf[:0], 0
}

// size is the dictionary page's size for values of width (0: with lengths).
func (d *dictionary) size(width int) int {
	if d.byBytes {
		if width == 0 {
			return len(d.buf) + 4*d.n
		}
		return len(d.buf)
	}
	return d.n * width
}

func (d *dictionary) value(code int32) []byte { return d.buf[d.offs[code]:d.offs[code+1]] }

func hashKey(k uint64) uint32 {
	hi, lo := bits.Mul64(k^0x9E3779B97F4A7C15, 0xE7037ED1A0B428DB)
	return uint32(hi^lo) ^ uint32((hi^lo)>>32)
}

func (d *dictionary) key(k uint64) (code int32, fresh bool) {
	mask := uint32(len(d.slots) - 1)
	h := hashKey(k)
	for i := h & mask; ; i = (i + 1) & mask {
		p := d.slots[i]
		if p == 0 {
			d.keys = append(d.keys, k)
			return d.insert(i, h), true
		}
		if d.keys[p-1] == k {
			return p - 1, false
		}
	}
}

func (d *dictionary) bytes(b []byte) (code int32, fresh bool) {
	mask := uint32(len(d.slots) - 1)
	h := uint32(maphash.Bytes(d.seed, b))
	for i := h & mask; ; i = (i + 1) & mask {
		p := d.slots[i]
		if p == 0 {
			d.buf = append(d.buf, b...)
			d.offs = append(d.offs, len(d.buf))
			return d.insert(i, h), true
		}
		if d.hashes[p-1] == h && bytes.Equal(d.value(p-1), b) {
			return p - 1, false
		}
	}
}

func (d *dictionary) insert(slot, h uint32) int32 {
	d.hashes = append(d.hashes, h)
	d.n++
	d.slots[slot] = int32(d.n)
	if d.n*2 > len(d.slots) {
		d.rehash()
	}
	return int32(d.n - 1)
}

func (d *dictionary) rehash() {
	n := len(d.slots) * 4
	if cap(d.slots) >= n {
		d.slots = d.slots[:n]
		clear(d.slots)
	} else {
		d.slots = make([]int32, n)
	}
	mask := uint32(n - 1)
	for p, h := range d.hashes {
		i := h & mask
		for d.slots[i] != 0 {
			i = (i + 1) & mask
		}
		d.slots[i] = int32(p + 1)
	}
}

// page appends the dictionary's values in PLAIN.
func (d *dictionary) page(dst []byte, width int) []byte {
	if !d.byBytes {
		for _, k := range d.keys {
			if width == 4 {
				dst = binary.LittleEndian.AppendUint32(dst, uint32(k))
			} else {
				dst = binary.LittleEndian.AppendUint64(dst, k)
			}
		}
		return dst
	}
	for i := range d.n {
		v := d.value(int32(i))
		if width == 0 {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(len(v)))
		}
		dst = append(dst, v...)
	}
	return dst
}
