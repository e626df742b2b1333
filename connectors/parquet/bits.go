package parquet

import (
	"encoding/binary"
	"math/bits"
)

// copyPacked ors n bits of src from bit position from into dst at at and
// counts the ones.
func copyPacked(dst []uint64, at int, src []byte, from, n int) (ones int) {
	for n > 0 {
		k := min(n, 64-at&63, 57) // a load at any bit position gives 57 bits at least
		w := load64(src, from>>3) >> uint(from&7) & (1<<uint(k) - 1)
		dst[at>>6] |= w << uint(at&63)
		ones += bits.OnesCount64(w)
		at += k
		from += k
		n -= k
	}
	return ones
}

// load64 reads 8 bytes at i, as zeros beyond the end.
func load64(src []byte, i int) uint64 {
	if i+8 <= len(src) {
		return binary.LittleEndian.Uint64(src[i:])
	}
	var w [8]byte
	if i < len(src) {
		copy(w[:], src[i:])
	}
	return binary.LittleEndian.Uint64(w[:])
}

func bitSet(m []uint64, i int) bool { return m[i>>6]>>(uint(i)&63)&1 != 0 }
