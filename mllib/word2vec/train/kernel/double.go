package kernel

import "unsafe"

// Double is two input rows, one after the other, against the same positive row and five negative rows each: two Pairs of the
// same centre word. A pair alone waits for its own scores before it can move anything; two fill each other's gaps. The second
// score of the positive row takes the first pair's step into account, so the result is that of two Pairs, but for a negative
// row that both have drawn: its second score is that from before the first pair. The assembly knows the order of the fields.
type Double struct {
	A, B         *float32 // the input rows, updated in place; not the same row
	Base         *float32
	RowsA, RowsB *[8]int64 // offsets from Base in components: the positive row, five negative ones, and two places unused
	NextA, NextB *[8]int64 // two sets of the same form that come up later: their negative rows are asked for
	Stride       int
	Alpha        float32
	_            float32
	Dots         [16]float32 // out: the scores of A in 0..5, of B in 8..13
}

// A negative row that is the positive one is left out.
func doubleOf(pair func(*Pair), prefetch func(base *byte, offsets *int64, n, size, bytes int)) func(*Double) {
	return func(d *Double) {
		base := (*byte)(unsafe.Pointer(d.Base))
		prefetch(base, &d.NextA[1], Lanes-1, 4, 4*d.Stride)
		prefetch(base, &d.NextB[1], Lanes-1, 4, 4*d.Stride)
		p := Pair{Base: d.Base, Stride: d.Stride, Label: [8]float32{1}}
		for i, rows := range []*[8]int64{d.RowsA, d.RowsB} {
			p.C = d.A
			if i == 1 {
				p.C = d.B
			}
			p.EIn, p.EOut, p.Rows = p.C, p.C, (*[Lanes]int64)(rows[:])
			for k, row := range p.Rows {
				p.Alpha[k] = d.Alpha
				if k > 0 && row == rows[0] {
					p.Alpha[k] = 0
				}
			}
			pair(&p)
			copy(d.Dots[8*i:], p.Dots[:])
		}
	}
}
