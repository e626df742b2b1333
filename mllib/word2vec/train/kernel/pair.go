package kernel

import "unsafe"

// Pair is one input row against six output rows. Per lane d:
//
//	g[d] = (Label[d] - sigmoid(C·row[d])) · Alpha[d]      0 where |C·row[d]| >= 6
//	EOut = EIn + Σ g[d]·row[d]                            with the rows as they were
//	row[d] += g[d]·C                                      one after the other, so that a row may come twice
//
// EIn and EOut may be C itself: then the input row is updated in place. An unused lane repeats any row with Alpha 0.
// The assembly knows the order of the fields.
type Pair struct {
	C, EIn, EOut *float32
	Base         *float32
	Rows         *[Lanes]int64 // offsets of the rows from Base, in components
	Stride       int
	Label        [8]float32
	Alpha        [8]float32
	Dots         [8]float32 // out: C·row[d], for an estimate of the loss
}

func row(base *float32, offset int64, n int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(base), offset*4)), n)
}

func pairPortable(p *Pair) {
	n := p.Stride
	c, ein, eout := row(p.C, 0, n), row(p.EIn, 0, n), row(p.EOut, 0, n)
	var t [Lanes][]float32
	var g [Lanes]float32
	for d := range t {
		t[d] = row(p.Base, p.Rows[d], n)
		p.Dots[d] = dot(c, t[d])
		g[d] = gradient(p.Dots[d], p.Label[d], p.Alpha[d])
	}
	updateSix(c, ein, eout, &t, &g)
}

func updateSix(c, ein, eout []float32, t *[Lanes][]float32, g *[Lanes]float32) {
	n := len(c)
	ein, eout = ein[:n], eout[:n]
	t0, t1, t2, t3, t4, t5 := t[0][:n], t[1][:n], t[2][:n], t[3][:n], t[4][:n], t[5][:n]
	for i, v := range c {
		e := ein[i] + g[0]*t0[i]
		t0[i] += g[0] * v
		e += g[1] * t1[i]
		t1[i] += g[1] * v
		e += g[2] * t2[i]
		t2[i] += g[2] * v
		e += g[3] * t3[i]
		t3[i] += g[3] * v
		e += g[4] * t4[i]
		t4[i] += g[4] * v
		e += g[5] * t5[i]
		t5[i] += g[5] * v
		eout[i] = e
	}
}

// dot sums in four chains: a single one would wait for each addition.
func dot(a, b []float32) float32 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float32
	for i := 0; i+3 < len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	return (s0 + s1) + (s2 + s3)
}

// gradient is the step along a row for a prediction of dot where label was right. The comparison is written so that a NaN is
// skipped too.
func gradient(dot, label, alpha float32) float32 {
	if !(dot > -maxDot && dot < maxDot) {
		return 0
	}
	return (label - Sigmoid(dot)) * alpha
}
