//go:build !linux

package train

import "unsafe"

const rowAlign = 64

// mapRows takes n zeroed bytes from the heap, aligned to a cache line.
func mapRows(n int64) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	b := make([]byte, n+rowAlign)
	skip := -uintptr(unsafe.Pointer(&b[0])) % rowAlign
	return b[skip:][:n:n], nil
}

func unmapRows([]byte) error { return nil }
