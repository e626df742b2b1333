package arrowipc

// growBits makes room for n bits after the first `have`, new words zero.
func growBits(m []uint64, have, n int) []uint64 {
	need := (have + n + 63) >> 6
	for len(m) < need {
		m = append(m, 0)
	}
	return m
}

// fillBits sets n bits from position at.
func fillBits(m []uint64, at, n int) []uint64 {
	for end := at + n; at < end; {
		step := min(end-at, 64-at&63)
		m[at>>6] |= ^uint64(0) >> uint(64-step) << uint(at&63)
		at += step
	}
	return m
}

// copyBits copies n bits from src at so to dst at do; dst's bits there are zero.
func copyBits(dst []uint64, do int, src []uint64, so, n int) {
	for n > 0 {
		step := min(n, 64-max(do&63, so&63))
		mask := ^uint64(0) >> uint(64-step)
		dst[do>>6] |= src[so>>6] >> uint(so&63) & mask << uint(do&63)
		do, so, n = do+step, so+step, n-step
	}
}

// grow extends b by n bytes of arbitrary content, geometrically.
func grow(b []byte, n int) []byte {
	if need := len(b) + n; need > cap(b) {
		nb := make([]byte, len(b), max(need, 2*cap(b)))
		copy(nb, b)
		b = nb
	}
	return b[:len(b)+n]
}
