//go:build race

package kernel

import "sync"

// Guard is the one lock that the kernels of a Set take when the race detector runs: it knows nothing of assembly and would
// report the portable kernels, whose races are meant.
type Guard struct{ mu sync.Mutex }

// Lock keeps kernels out.
func (g *Guard) Lock() { g.mu.Lock() }

// Unlock lets them in.
func (g *Guard) Unlock() { g.mu.Unlock() }

// sets is the portable kernels under one lock.
func sets() []*Set {
	s, p := &Set{Name: "portable"}, portable()
	s.Pair = func(a *Pair) { s.Lock(); p.Pair(a); s.Unlock() }
	s.Double = func(a *Double) { s.Lock(); p.Double(a); s.Unlock() }
	s.Window = func(a *Window) { s.Lock(); p.Window(a); s.Unlock() }
	s.Sum = func(dst, base *float32, offsets *int64, n, stride int, scale float32) {
		s.Lock()
		p.Sum(dst, base, offsets, n, stride, scale)
		s.Unlock()
	}
	s.Add = func(base *float32, offsets *int64, n int, src *float32, stride int) {
		s.Lock()
		p.Add(base, offsets, n, src, stride)
		s.Unlock()
	}
	s.Widen = func(dst *float32, base *uint16, offsets *int64, n, stride int) {
		s.Lock()
		p.Widen(dst, base, offsets, n, stride)
		s.Unlock()
	}
	s.Narrow = func(base *uint16, offsets *int64, n int, src *float32, stride int, noise *[16]uint32) {
		s.Lock()
		p.Narrow(base, offsets, n, src, stride, noise)
		s.Unlock()
	}
	s.Prefetch = p.Prefetch
	s.Draw = p.Draw
	return []*Set{s}
}
