package shuffle

import "github.com/spurwheel/spurwheel/internal/mem"

// Buffer is memory for one block at a time, used again for the next: fresh
// memory costs more than the bytes' way through a socket. It is what a reader
// has in flight. The zero value books nothing.
type Buffer struct {
	budget *mem.Budget
	booked int64
	b      []byte
}

const (
	// bufferStep is what sizes are rounded up to, so that blocks that differ a
	// little share a buffer.
	bufferStep = 64 << 10
	// freeBuffer is what a reader holds without asking: a block is seldom
	// larger, and a reader that is refused cannot spill.
	freeBuffer = 4 << 20
)

// Grow gives n bytes of any content at an 8-byte boundary, borrowed until the
// next call. Blocks of unusual size count in the budget: errs.Exhausted.
func (b *Buffer) Grow(n int) ([]byte, error) {
	if cap(b.b) >= n {
		return b.b[:n], nil
	}
	size := (n + bufferStep - 1) &^ (bufferStep - 1)
	b.b = nil // the old one goes before the new one comes
	b.Free()
	if size > freeBuffer {
		if err := b.budget.Grow(int64(size)); err != nil {
			return nil, err
		}
		b.booked = int64(size)
	}
	b.b = mem.Aligned(size)
	return b.b[:n], nil
}

// Free gives back what is booked; the bytes are not used any more.
func (b *Buffer) Free() {
	b.budget.Shrink(b.booked)
	b.b, b.booked = nil, 0
}
