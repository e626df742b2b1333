package parquet

import (
	"encoding/binary"
	"math/bits"
)

var (
	errDeltaShort = &damage{"delta-encoded data ends too early"}
	errDeltaBad   = &damage{"delta-encoded data is malformed"}
)

// maxDeltaBlock bounds the block size a header may declare.
const maxDeltaBlock = 1 << 20

// deltas decodes DELTA_BINARY_PACKED: count values into emit order in out,
// which must hold them. It returns the bytes behind the data.
func deltas(src []byte, out []int64) (rest []byte, err error) {
	r := varints{src}
	block, minis, count, first := r.uvarint(), r.uvarint(), r.uvarint(), r.varint()
	if r.b == nil {
		return nil, errDeltaShort
	}
	if count != uint64(len(out)) {
		return nil, damaged("delta-encoded data holds %d values instead of %d", count, len(out))
	}
	if block == 0 || block > maxDeltaBlock || minis == 0 || minis > block || block%minis != 0 || block/minis%8 != 0 {
		return nil, errDeltaBad
	}
	if len(out) == 0 {
		return r.b, nil
	}
	out[0] = first
	d := deltaBlocks{per: int(block / minis), minis: int(minis), last: first, out: out[1:]}
	src = r.b
	for len(d.out) > 0 {
		if src, err = d.block(src); err != nil {
			return nil, err
		}
	}
	return src, nil
}

type deltaBlocks struct {
	per, minis int
	last       int64
	out        []int64
}

func (d *deltaBlocks) block(src []byte) ([]byte, error) {
	r := varints{src}
	least := r.varint()
	if r.b == nil || len(r.b) < d.minis {
		return nil, errDeltaShort
	}
	widths, src := r.b[:d.minis], r.b[d.minis:]
	for _, w := range widths {
		if len(d.out) == 0 {
			break // widths of unused miniblocks are arbitrary
		}
		if w > 64 {
			return nil, errDeltaBad
		}
		n := min(d.per, len(d.out))
		size := d.per * int(w) / 8
		if need := (n*int(w) + 7) / 8; need > len(src) {
			return nil, errDeltaShort
		}
		d.mini(src, uint(w), least, n)
		src = src[min(size, len(src)):]
	}
	return src, nil
}

func (d *deltaBlocks) mini(src []byte, width uint, least int64, n int) {
	last, mask := d.last, ^uint64(0)>>(64-width)
	if width == 0 {
		mask = 0
	}
	for i := range d.out[:n] {
		at := uint(i) * width
		w := load64(src, int(at>>3)) >> (at & 7)
		if at&7+width > 64 {
			w |= uint64(src[at>>3+8]) << (64 - at&7)
		}
		last += least + int64(w&mask)
		d.out[i] = last
	}
	d.last, d.out = last, d.out[n:]
}

// varints reads numbers off the front of b; b becomes nil at the first that is cut off.
type varints struct{ b []byte }

func (v *varints) uvarint() uint64 {
	x, n := binary.Uvarint(v.b)
	if n <= 0 {
		v.b = nil
		return 0
	}
	v.b = v.b[n:]
	if v.b == nil {
		v.b = []byte{}
	}
	return x
}

func (v *varints) varint() int64 {
	x := v.uvarint()
	return int64(x>>1) ^ -int64(x&1)
}

// unsplit undoes BYTE_STREAM_SPLIT: the k-th bytes of all values lie together.
func unsplit(dst, src []byte, n, w int) {
	for k := range w {
		stream := src[k*n : k*n+n]
		for i, b := range stream {
			dst[i*w+k] = b
		}
	}
}

// bitWidth is the number of bits that hold all levels up to n.
func bitWidth(n int) uint { return uint(bits.Len(uint(n))) }
