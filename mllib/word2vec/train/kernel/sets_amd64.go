//go:build !race

package kernel

import "golang.org/x/sys/cpu"

// sets is what this machine runs, the fastest first.
func sets() []*Set {
	var all []*Set
	x := &cpu.X86
	if x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL {
		all = append(all, &Set{
			Name: "avx512", Pair: pairAVX512, Double: doubleAVX512, Draw: drawAVX512, Window: windowAVX512, Sum: sumAVX512, Add: addAVX512,
			Widen: widenAVX512, Narrow: narrowAVX512, Prefetch: prefetch,
		})
	}
	if x.HasAVX2 && x.HasFMA {
		all = append(all, &Set{
			Name: "avx2", Pair: pairAVX2, Double: doubleOf(pairAVX2, prefetch), Draw: drawPortable, Window: windowAVX2, Sum: sumAVX2, Add: addAVX2,
			Widen: widenAVX2, Narrow: narrowAVX2, Prefetch: prefetch,
		})
	}
	return append(all, portable())
}

//go:noescape
func pairAVX512(p *Pair)

//go:noescape
func doubleAVX512(d *Double)

//go:noescape
func drawAVX512(d *Draw, set *[8]int64)

//go:noescape
func windowAVX512(w *Window)

//go:noescape
func sumAVX512(dst, base *float32, offsets *int64, n, stride int, scale float32)

//go:noescape
func addAVX512(base *float32, offsets *int64, n int, src *float32, stride int)

//go:noescape
func widenAVX512(dst *float32, base *uint16, offsets *int64, n, stride int)

//go:noescape
func narrowAVX512(base *uint16, offsets *int64, n int, src *float32, stride int, noise *[16]uint32)

//go:noescape
func pairAVX2(p *Pair)

//go:noescape
func windowAVX2(w *Window)

//go:noescape
func sumAVX2(dst, base *float32, offsets *int64, n, stride int, scale float32)

//go:noescape
func addAVX2(base *float32, offsets *int64, n int, src *float32, stride int)

//go:noescape
func widenAVX2(dst *float32, base *uint16, offsets *int64, n, stride int)

//go:noescape
func narrowAVX2(base *uint16, offsets *int64, n int, src *float32, stride int, noise *[16]uint32)

//go:noescape
func prefetch(base *byte, offsets *int64, n, size, bytes int)
