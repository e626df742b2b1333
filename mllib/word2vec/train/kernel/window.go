package kernel

import "unsafe"

// Window is the input rows of one window against six output rows that they share. The scores are taken from the state before
// the window; then
//
//	g[m][d]  = (Label[d] - sigmoid(c[m]·row[d])) · Alpha[d]      0 where |c[m]·row[d]| >= 6
//	c[m]    += Σ g[m][d]·row[d]        with the rows as they were, one input after the other
//	row[d]  += Σ g[m][d]·c[m]          with the inputs as they were, one row after the other
//
// so that an input or a row may come twice. An unused lane repeats any row with Alpha 0. The assembly knows the order of the
// fields.
type Window struct {
	In     *float32
	Inputs *int64 // Count offsets of input rows from In, in components
	Count  int
	Base   *float32
	Rows   *[Lanes]int64
	Stride int
	Steps  *float32 // scratch, 8 for each input row
	Label  [8]float32
	Alpha  [8]float32
	Dots   [8]float32 // out: the scores of the first input row
}

func windowPortable(w *Window) {
	n := w.Stride
	inputs := unsafe.Slice(w.Inputs, w.Count)
	steps := unsafe.Slice(w.Steps, 8*w.Count)
	var t, delta [Lanes][]float32
	var space [Lanes][Align]float32
	for d := range t {
		t[d] = row(w.Base, w.Rows[d], n)
		delta[d] = space[d][:]
	}
	for m, offset := range inputs {
		w.score(row(w.In, offset, n), &t, steps[8*m:8*m+8], m == 0)
	}
	for i := 0; i < n; i += Align {
		clear(space[:])
		for m, offset := range inputs {
			windowColumn(row(w.In, offset, n)[i:i+Align], i, &t, &space, steps[8*m:8*m+8])
		}
		for d := range t {
			for k, v := range delta[d] {
				t[d][i+k] += v
			}
		}
	}
}

func (w *Window) score(c []float32, t *[Lanes][]float32, steps []float32, first bool) {
	for d := range t {
		f := dot(c, t[d])
		if first {
			w.Dots[d] = f
		}
		steps[d] = gradient(f, w.Label[d], w.Alpha[d])
	}
}

// windowColumn moves one input's components [at, at+Align) and collects what the rows will get.
func windowColumn(c []float32, at int, t *[Lanes][]float32, delta *[Lanes][Align]float32, g []float32) {
	for k, v := range c {
		e := v
		for d := range t {
			e += g[d] * t[d][at+k]
			delta[d][k] += g[d] * v
		}
		c[k] = e
	}
}
