//go:build !amd64

package model

func dotsBest(dst, rows, q []float32) { dotsPortable(dst, rows, q) }
