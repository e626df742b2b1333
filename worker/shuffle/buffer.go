package shuffle

import "github.com/spurwheel/spurwheel/internal/mem"

// buffer is memory that is used again for the next block: a reader holds one
// block at a time, and fresh memory costs more than the bytes' way through a
// socket.
type buffer struct{ b []byte }

// bufferStep is what sizes are rounded up to, so that blocks that differ a
// little share a buffer.
const bufferStep = 64 << 10

// grow gives n bytes of any content at an 8-byte boundary.
func (b *buffer) grow(n int) []byte {
	if cap(b.b) < n {
		b.b = mem.Aligned((n + bufferStep - 1) &^ (bufferStep - 1))
	}
	return b.b[:n]
}
