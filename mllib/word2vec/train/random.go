package train

// random is splitmix64: one addition and two multiplications a number, and any seed is as good as another, so that a generator
// can be made from a position in the corpus. Not safe for concurrent use.
type random uint64

const golden = 0x9e3779b97f4a7c15

func (r *random) next() uint64 {
	*r += golden
	return mix(uint64(*r))
}

// below returns a number in [0, n), n < 2³².
func (r *random) below(n uint64) int { return int((r.next() >> 32) * n >> 32) }

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// seeded makes the generator of a place: the same arguments, the same numbers, and nearby places have nothing in common.
func seeded(seed uint64, place ...uint64) random {
	z := mix(seed + golden)
	for _, p := range place {
		z = mix(z ^ mix(p+golden))
	}
	return random(z)
}
