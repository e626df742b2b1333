package model

import "golang.org/x/sys/cpu"

//go:noescape
func dotsAVX512(dst, rows *float32, n, dim int, q *float32)

//go:noescape
func dotsAVX2(dst, rows *float32, n, dim int, q *float32)

func dotsBest(dst, rows, q []float32) {
	switch {
	case cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasBMI2:
		dotsAVX512(&dst[0], &rows[0], len(dst), len(q), &q[0])
	case cpu.X86.HasAVX2 && cpu.X86.HasFMA:
		dotsAVX2(&dst[0], &rows[0], len(dst), len(q), &q[0])
	default:
		dotsPortable(dst, rows, q)
	}
}
