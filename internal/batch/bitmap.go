package batch

import "math/bits"

// CountBits counts set bits among the first n.
func CountBits(m []uint64, n int) int {
	c := 0
	for _, w := range m[:n>>6] {
		c += bits.OnesCount64(w)
	}
	if r := uint(n) & 63; r != 0 {
		c += bits.OnesCount64(m[n>>6] & (1<<r - 1))
	}
	return c
}

// copyBits copies n bits from src at so to dst at do.
func copyBits(dst []uint64, do int, src []uint64, so, n int) {
	if do&63 == 0 && so&63 == 0 {
		full := n >> 6
		copy(dst[do>>6:], src[so>>6:so>>6+full])
		do, so, n = do+full<<6, so+full<<6, n&63
	}
	for n > 0 {
		step := min(n, 64-max(do&63, so&63))
		mask := ^uint64(0) >> uint(64-step)
		w := src[so>>6] >> uint(so&63) & mask
		dst[do>>6] = dst[do>>6]&^(mask<<uint(do&63)) | w<<uint(do&63)
		do, so, n = do+step, so+step, n-step
	}
}
