package zpage

import (
	"runtime"
	"unsafe"
)

// loop is what the assembler loop reads and leaves. Addresses are valid only
// during a call.
type loop struct {
	tabs    *tables // 0
	bits    uintptr // 8: end of the bits not yet in the container
	bitsLow uintptr // 16: below it the loop ends
	word    uint64  // 24: the container, next bits highest
	have    uint64  // 32: bits in the container
	out     uintptr // 40
	outSafe uintptr // 48: where a sequence may end at most
	outBase uintptr // 56
	lits    uintptr // 64
	litsEnd uintptr // 72
	reps    [3]uint64
	// 104: table positions
	lit, match, off uint64
	count           uint64   // 128: sequences to do
	q               sequence // 136: decoded and not executed
}

// What run returns.
const (
	loopEnd  = iota // count is 0 or bits are near their end
	loopHeld        // q is too near to an end of a buffer, or wrong
	loopWide        // the next sequence has too many bits
)

//go:noescape
func run(l *loop) uint64

func hasBMI2() bool

var bmi2 = hasBMI2()

// Fast tells whether this machine has the loop that makes the package worth
// its while; Decode works without it.
func Fast() bool { return bmi2 }

// minBits is how many bytes of bits the loop wants to find.
const minBits = 16

// fast does as many sequences as can be done without a check for the ends of
// buffers; done is false if there was none. The last is left to others: no
// states follow it.
func (d *Decoder) fast(r *highBits, s *states, count *int, size int) (done bool, err error) {
	if !bmi2 || *count < 2 || r.left < 8*minBits || size-d.n < 2*slack {
		return false, nil
	}
	l := &d.loop
	d.enter(r, s, l, *count-1, size)
	why := run(l)
	left := d.leave(r, s, l)
	done = left < *count-1 || why == loopHeld
	*count = left + 1
	if why == loopHeld {
		*count--
		err = d.execute(&l.q, size)
		if err == nil {
			err = d.slowly(r, s, count, size)
		}
	}
	return done, err
}

// slowly does the rest of a block, whose end is near.
func (d *Decoder) slowly(r *highBits, s *states, count *int, size int) error {
	for ; *count > 0; *count-- {
		q := d.next(r, s, *count > 1)
		if r.left < 0 {
			return ErrCorrupt
		}
		if err := d.execute(&q, size); err != nil {
			return err
		}
	}
	return nil
}

func (d *Decoder) enter(r *highBits, s *states, l *loop, count, size int) {
	base := uintptr(unsafe.Pointer(unsafe.SliceData(r.b)))
	end := (r.left + 7) >> 3
	over := end*8 - r.left // bits of the last byte that are used up
	l.tabs = &d.tabs
	l.word = le64(r.b[end-8:]) << over
	l.have = uint64(56 - over)
	l.bits, l.bitsLow = base+uintptr(end-7), base+8
	l.outBase = uintptr(unsafe.Pointer(unsafe.SliceData(d.out)))
	l.out = l.outBase + uintptr(d.n)
	l.outSafe = l.outBase + uintptr(max(min(size, len(d.out)-slack), d.n))
	l.lits = uintptr(unsafe.Pointer(unsafe.SliceData(d.lits)))
	l.litsEnd = l.lits + uintptr(len(d.lits))
	l.reps, l.lit, l.match, l.off, l.count = d.reps, s[litLengths], s[matchLengths], s[offsets], uint64(count)
}

// leave takes over where the loop stopped and returns what is left of its count.
func (d *Decoder) leave(r *highBits, s *states, l *loop) int {
	base := uintptr(unsafe.Pointer(unsafe.SliceData(r.b)))
	r.left = int(l.bits-base)*8 + int(l.have)
	d.n = int(l.out - l.outBase)
	d.lits = d.lits[l.lits-uintptr(unsafe.Pointer(unsafe.SliceData(d.lits))):]
	d.reps = l.reps
	s[litLengths], s[matchLengths], s[offsets] = l.lit, l.match, l.off
	runtime.KeepAlive(r.b)
	l.tabs = nil
	return int(l.count)
}

func le64(b []byte) uint64 {
	_ = b[7]
	return *(*uint64)(unsafe.Pointer(unsafe.SliceData(b)))
}
