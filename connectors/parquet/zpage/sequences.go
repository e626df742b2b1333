package zpage

import (
	"encoding/binary"
	"math/bits"
)

// highBits reads fields from the back, high bits first.
type highBits struct {
	b    []byte
	left int // bits not read, negative after reading too far
}

// read takes the next n bits, at most 32.
func (r *highBits) read(n int) uint64 {
	r.left -= n
	if r.left < 0 {
		return 0
	}
	var v uint64
	if at := r.left >> 3; at+8 <= len(r.b) {
		v = binary.LittleEndian.Uint64(r.b[at:])
	} else {
		for i, x := range r.b[at:] {
			v |= uint64(x) << (8 * i)
		}
	}
	return v >> (r.left & 7) & (1<<n - 1)
}

// sequence is literals to copy and then a match.
type sequence struct{ lits, match, off uint64 }

// states are where the three codes stand.
type states [kinds]uint64

// sequences decodes and executes count sequences from the bits in b.
func (d *Decoder) sequences(b []byte, count, size int) error {
	if len(b) == 0 || b[len(b)-1] == 0 {
		return ErrCorrupt
	}
	r := highBits{b: b, left: 8*len(b) - 9 + bits.Len8(b[len(b)-1])}
	var s states
	for k := range s {
		s[k] = r.read(int(d.tabs.logs[k]))
	}
	for count > 0 {
		if done, err := d.fast(&r, &s, &count, size); done || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		q := d.next(&r, &s, count > 1)
		if r.left < 0 {
			return ErrCorrupt
		}
		if err := d.execute(&q, size); err != nil {
			return err
		}
		count--
	}
	if r.left != 0 {
		return ErrCorrupt
	}
	return nil
}

// next decodes one sequence; more says that states follow.
func (d *Decoder) next(r *highBits, s *states, more bool) sequence {
	lit, off, match := d.tabs.lit[s[litLengths]], d.tabs.off[s[offsets]], d.tabs.match[s[matchLengths]]
	value := func(e entry) uint64 { return uint64(e>>32) + r.read(int(e>>8&0xff)) }
	o := value(off)
	q := sequence{match: value(match), lits: value(lit)}
	if more {
		state := func(e entry) uint64 { return uint64(e>>16&0xffff) + r.read(int(e&0xff)) }
		s[litLengths] = state(lit)
		s[matchLengths] = state(match)
		s[offsets] = state(off)
	}
	q.off = d.offset(o, q.lits)
	return q
}

// offset resolves the codes 1 to 3, which stand for recent offsets: of a
// sequence without literals the second, third and one less than the first.
func (d *Decoder) offset(code, lits uint64) uint64 {
	which, off := code-1, code-3
	if lits == 0 {
		which++
	}
	if code <= 3 {
		off = [4]uint64{d.reps[0], d.reps[1], d.reps[2], d.reps[0] - 1}[which]
	}
	if which >= 2 {
		d.reps[2] = d.reps[1]
	}
	if which >= 1 {
		d.reps[1] = d.reps[0]
	}
	d.reps[0] = off
	return off
}

// execute copies with every bound checked.
func (d *Decoder) execute(q *sequence, size int) error {
	if q.lits > uint64(len(d.lits)) || q.lits+q.match > uint64(size-d.n) {
		return ErrCorrupt
	}
	d.n += copy(d.out[d.n:], d.lits[:q.lits])
	d.lits = d.lits[q.lits:]
	if q.off == 0 {
		return errOffsetZero
	}
	if q.off > uint64(d.n) {
		return ErrCorrupt
	}
	from := d.n - int(q.off)
	for left := int(q.match); left > 0; {
		k := copy(d.out[d.n:d.n+left], d.out[from:d.n])
		d.n += k
		left -= k
	}
	return nil
}
