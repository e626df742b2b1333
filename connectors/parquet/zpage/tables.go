package zpage

import "math/bits"

// kind is one of the three codes that a sequence is made of.
type kind int

const (
	litLengths kind = iota
	offsets
	matchLengths
	kinds
)

const (
	maxLog     = 9
	maxSymbols = 53
)

// entry is one state of a decoding table: low byte the bits that lead to the
// next state, next byte the extra bits of the value, then 16 bits of the next
// state's base and 32 bits of the value's.
type entry uint64

// tables are the decoding tables in force, at fixed distances from each other.
type tables struct {
	lit   [1 << maxLog]entry
	match [1 << maxLog]entry
	off   [1 << 8]entry
	logs  [kinds]uint8
}

func (t *tables) of(k kind) []entry {
	switch k {
	case litLengths:
		return t.lit[:]
	case matchLengths:
		return t.match[:]
	default:
		return t.off[:]
	}
}

// limits of the codes: symbols and the log of the table's size.
func (k kind) limits() (symbols, log int) {
	switch k {
	case litLengths:
		return 36, 9
	case matchLengths:
		return 53, 9
	default:
		return 32, 8
	}
}

// Extra bits of the codes that have some: literal lengths from 16 on, match
// lengths from 32 on. Values follow each other without gap.
var (
	litExtra   = [...]uint8{1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	matchExtra = [...]uint8{1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
)

// codes are the value parts of each kind's symbols.
type codes [kinds][maxSymbols]entry

var values = valuesOf()

func valuesOf() *codes {
	var c codes
	series := func(k kind, from int, base uint64, extra []uint8) {
		for i := range from {
			c[k][i] = entry(base+uint64(i)) << 32
		}
		base += uint64(from)
		for i, n := range extra {
			c[k][from+i] = entry(n)<<8 | entry(base)<<32
			base += 1 << n
		}
	}
	series(litLengths, 16, 0, litExtra[:])
	series(matchLengths, 32, 3, matchExtra[:])
	for i := range 32 {
		c[offsets][i] = entry(i)<<8 | entry(1)<<(32+i)
	}
	return &c
}

// The distributions that every decoder knows.
var defaults = [kinds]struct {
	log  int
	norm []int16
}{
	litLengths: {6, []int16{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1}},
	offsets:    {5, []int16{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1}},
	matchLengths: {6, []int16{
		1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		-1, -1, -1, -1, -1, -1, -1,
	}},
}

// readTables takes the modes byte and the tables behind it.
func (d *Decoder) readTables(b []byte) ([]byte, error) {
	if len(b) == 0 || b[0]&3 != 0 {
		return nil, ErrCorrupt
	}
	modes := b[0]
	b = b[1:]
	for k, shift := range [kinds]int{6, 4, 2} {
		var err error
		if b, err = d.readTable(kind(k), modes>>shift&3, b); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (d *Decoder) readTable(k kind, mode uint8, b []byte) ([]byte, error) {
	symbols, most := k.limits()
	switch mode {
	case 0:
		d.build(k, defaults[k].norm, defaults[k].log)
	case 1:
		if len(b) == 0 || int(b[0]) >= symbols {
			return nil, ErrCorrupt
		}
		d.tabs.of(k)[0] = values[k][b[0]]
		d.tabs.logs[k] = 0
		b = b[1:]
	case 2:
		n, log, used, ok := readDistribution(b, d.norm[:symbols], most)
		if !ok {
			return nil, ErrCorrupt
		}
		d.build(k, d.norm[:n], log)
		b = b[used:]
	default:
		if !d.valid[k] {
			return nil, ErrCorrupt
		}
	}
	d.valid[k] = true
	return b, nil
}

// lowBits reads fields from the front, low bits first; beyond the end are zeros.
type lowBits struct {
	b  []byte
	at int
}

func (r *lowBits) peek() uint32 {
	var v uint32
	for i := range 4 {
		if k := r.at>>3 + i; k < len(r.b) {
			v |= uint32(r.b[k]) << (8 * i)
		}
	}
	return v >> (r.at & 7)
}

// readDistribution decodes how often each symbol occurs: shares of 1<<log, -1
// for less than one. used is the number of bytes it takes.
func readDistribution(b []byte, norm []int16, most int) (n, log, used int, ok bool) {
	r := lowBits{b: b}
	log = int(r.peek()&15) + 5
	r.at = 4
	if log > most {
		return 0, 0, 0, false
	}
	left := 1 << log // shares to give away
	for left > 0 {
		if n == len(norm) || r.at > 8*len(b) {
			return 0, 0, 0, false
		}
		// A number from 0 to left+1; the smallest of them save a bit.
		width := bits.Len(uint(left + 1))
		short := 1<<width - 1 - (left + 1)
		v := int(r.peek() & (1<<width - 1))
		if low := v & (1<<(width-1) - 1); low < short {
			v = low
			r.at += width - 1
		} else {
			if v >= 1<<(width-1) {
				v -= short
			}
			r.at += width
		}
		norm[n] = int16(v - 1)
		n++
		if v != 1 {
			left -= max(v-1, 1) // 0 stands for less than one share, which takes one
			continue
		}
		for again := 3; again == 3; {
			again = int(r.peek() & 3)
			r.at += 2
			if n+again > len(norm) || r.at > 8*len(b) {
				return 0, 0, 0, false
			}
			clear(norm[n : n+again])
			n += again
		}
	}
	used = (r.at + 7) >> 3
	return n, log, used, left == 0 && used <= len(b)
}

// build makes the table of a distribution over 1<<log states.
func (d *Decoder) build(k kind, norm []int16, log int) {
	size := 1 << log
	high := size - 1
	var next [maxSymbols]uint16
	for s, n := range norm {
		if n == -1 {
			d.order[high] = uint8(s)
			high--
			next[s] = 1
		} else {
			next[s] = uint16(n)
		}
	}
	at, step, mask := 0, size>>1+size>>3+3, size-1
	for s, n := range norm {
		for range n {
			d.order[at] = uint8(s)
			at = (at + step) & mask
			for at > high {
				at = (at + step) & mask
			}
		}
	}
	t, vals := d.tabs.of(k)[:size], &values[k]
	for i := range t {
		s := d.order[i]
		x := next[s]
		next[s]++
		width := log + 1 - bits.Len16(x)
		t[i] = vals[s] | entry(width) | entry(int(x)<<width-size)<<16
	}
	d.tabs.logs[k] = uint8(log)
}
