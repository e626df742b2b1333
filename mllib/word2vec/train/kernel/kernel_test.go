package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// field is some rows of random numbers at a cache line.
func field(r *rand.Rand, rows, stride int, scale float64) []float32 {
	block := make([]float32, rows*stride+Align)
	skip := int(-uintptr(unsafe.Pointer(&block[0])) / 4 % Align)
	f := block[skip : skip+rows*stride]
	for i := range f {
		f[i] = float32(r.NormFloat64() * scale)
	}
	return f
}

func copied(f []float32, stride int) []float32 {
	g := field(rand.New(rand.NewPCG(0, 0)), len(f)/stride, stride, 0)
	copy(g, f)
	return g
}

func near(t *testing.T, want, have []float32, tolerance float64) {
	t.Helper()
	require.Len(t, have, len(want))
	for i := range want {
		if math.Abs(float64(want[i])-float64(have[i])) > tolerance*(1+math.Abs(float64(want[i]))) {
			require.Failf(t, "differs", "component %d: %v, want %v", i, have[i], want[i])
		}
	}
}

// every runs f for each set of this machine and random shapes.
func every(t *testing.T, f func(t *testing.T, s *Set, r *rand.Rand, stride int)) {
	for _, s := range Sets() {
		t.Run(s.Name, func(t *testing.T) {
			for seed := range uint64(40) {
				r := rand.New(rand.NewPCG(seed, 7))
				stride := Align * (1 + r.IntN(12))
				f(t, s, r, stride)
			}
		})
	}
}

// reference is the definition of a Pair in float64, one number after the other.
func reference(c, ein []float32, rows [][]float32, label, alpha *[8]float32) (eout []float32, moved [][]float32) {
	e := make([]float64, len(c))
	g := make([]float64, len(rows))
	for d, row := range rows {
		var f float64
		for i := range c {
			f += float64(c[i]) * float64(row[i])
		}
		if math.Abs(f) < maxDot {
			g[d] = (float64(label[d]) - 1/(1+math.Exp(-f))) * float64(alpha[d])
		}
	}
	for i := range e {
		e[i] = float64(ein[i])
	}
	for d, row := range rows {
		m := make([]float32, len(row))
		for i := range row {
			e[i] += g[d] * float64(row[i])
			m[i] = float32(float64(row[i]) + g[d]*float64(c[i]))
		}
		moved = append(moved, m)
	}
	for _, v := range e {
		eout = append(eout, float32(v))
	}
	return eout, moved
}

func TestPairAgainstDefinition(t *testing.T) {
	every(t, func(t *testing.T, s *Set, r *rand.Rand, stride int) {
		in, out := field(r, 3, stride, 0.4), field(r, 9, stride, 0.4)
		rows := [Lanes]int64{}
		for d, k := range r.Perm(9)[:Lanes] {
			rows[d] = int64(k * stride)
		}
		p := Pair{C: &in[0], EIn: &in[stride], EOut: &in[2*stride], Base: &out[0], Rows: &rows, Stride: stride}
		p.Label = [8]float32{1, 0, 1, 0, 0, 1}
		p.Alpha = [8]float32{.025, .025, .1, 0, .025, .5}
		var before [][]float32
		for _, at := range rows {
			before = append(before, append([]float32(nil), out[at:at+int64(stride)]...))
		}
		want, moved := reference(in[:stride], in[stride:2*stride], before, &p.Label, &p.Alpha)
		s.Pair(&p)
		near(t, want, in[2*stride:], 2e-5)
		for d, at := range rows {
			near(t, moved[d], out[at:at+int64(stride)], 2e-5)
			near(t, []float32{dot(in[:stride], before[d])}, p.Dots[d:d+1], 2e-5)
		}
	})
}

// lossOf is what a Pair goes down: the negative log likelihood of the labels.
func lossOf(c []float64, rows [][]float64, label *[8]float32) (loss float64) {
	for d, row := range rows {
		var f float64
		for i := range c {
			f += c[i] * row[i]
		}
		if label[d] == 0 {
			f = -f
		}
		loss += math.Log1p(math.Exp(-f))
	}
	return loss
}

// TestPairIsTheGradient compares the steps with differences of the loss.
func TestPairIsTheGradient(t *testing.T) {
	every(t, func(t *testing.T, s *Set, r *rand.Rand, stride int) {
		in, out := field(r, 2, stride, 0.2), field(r, Lanes, stride, 0.2)
		n := int64(stride)
		p := Pair{
			C: &in[0], EIn: &in[stride], EOut: &in[stride], Base: &out[0], Rows: &[Lanes]int64{0, n, 2 * n, 3 * n, 4 * n, 5 * n},
			Stride: stride, Label: [8]float32{1}, Alpha: [8]float32{1, 1, 1, 1, 1, 1},
		}
		clear(in[stride:])
		c, rows := wide(in[:stride]), make([][]float64, Lanes)
		for d := range rows {
			rows[d] = wide(out[d*stride : (d+1)*stride])
		}
		s.Pair(&p)
		slope := func(x *float64) float64 {
			const h = 1e-5
			at := *x
			*x = at + h
			up := lossOf(c, rows, &p.Label)
			*x = at - h
			down := lossOf(c, rows, &p.Label)
			*x = at
			return (up - down) / (2 * h)
		}
		for range 10 {
			i, d := r.IntN(stride), r.IntN(Lanes)
			require.InDelta(t, -slope(&c[i]), float64(in[stride+i]), 1e-4)
			require.InDelta(t, -slope(&rows[d][i]), float64(out[d*stride+i])-rows[d][i], 1e-4)
		}
	})
}

func wide(f []float32) []float64 {
	w := make([]float64, len(f))
	for i, x := range f {
		w[i] = float64(x)
	}
	return w
}

// TestPairInPlace has the input row updated where it lies, a row that comes twice, and scores beyond the limit.
func TestPairInPlace(t *testing.T) {
	every(t, func(t *testing.T, s *Set, r *rand.Rand, stride int) {
		scale := []float64{0.1, 1, 4}[r.IntN(3)]
		in, out := field(r, 1, stride, scale), field(r, 4, stride, scale)
		n := int64(stride)
		rows := [Lanes]int64{n, 0, 2 * n, n, 3 * n, 0}
		p := Pair{C: &in[0], EIn: &in[0], EOut: &in[0], Base: &out[0], Rows: &rows, Stride: stride}
		p.Label[0] = 1
		p.Alpha = [8]float32{.05, .05, .05, .05, .05, .05}
		in2, out2 := copied(in, stride), copied(out, stride)
		q := p
		q.C, q.EIn, q.EOut, q.Base = &in2[0], &in2[0], &in2[0], &out2[0]
		s.Pair(&p)
		pairPortable(&q)
		near(t, in2, in, 1e-4)
		near(t, out2, out, 1e-4)
	})
}

func TestPairSkipsNaN(t *testing.T) {
	every(t, func(t *testing.T, s *Set, r *rand.Rand, stride int) {
		in, out := field(r, 1, stride, 1), field(r, 6, stride, 1)
		in[3] = float32(math.NaN())
		before := copied(out, stride)
		n := int64(stride)
		p := Pair{C: &in[0], EIn: &in[0], EOut: &in[0], Base: &out[0], Rows: &[Lanes]int64{0, n, 2 * n, 3 * n, 4 * n, 5 * n}, Stride: stride}
		p.Alpha = [8]float32{1, 1, 1, 1, 1, 1}
		s.Pair(&p)
		for i := range out {
			if i%stride != 3 { // 0 · NaN is NaN
				require.Equal(t, math.Float32bits(before[i]), math.Float32bits(out[i]))
			}
		}
	})
}

// TestDouble is two Pairs, for rows that differ.
func TestDouble(t *testing.T) {
	every(t, func(t *testing.T, s *Set, r *rand.Rand, stride int) {
		scale := []float64{0.05, 0.3, 1}[r.IntN(3)]
		in, out := field(r, 2, stride, scale), field(r, 11, stride, scale)
		var a, b [8]int64
		order := r.Perm(11)
		for i := range Lanes {
			a[i], b[i] = int64(order[i]*stride), int64(order[(5+i)%11]*stride)
		}
		b[0] = a[0]
		if r.IntN(2) == 0 {
			a[1+r.IntN(5)], b[1+r.IntN(5)] = a[0], a[0] // negative rows that are the positive one
		}
		d := Double{A: &in[0], B: &in[stride], Base: &out[0], RowsA: &a, RowsB: &b, NextA: &a, NextB: &b, Stride: stride, Alpha: 0.1}
		in2, out2 := copied(in, stride), copied(out, stride)
		e := d
		e.A, e.B, e.Base = &in2[0], &in2[stride], &out2[0]
		s.Double(&d)
		doubleOf(pairPortable, prefetchNothing)(&e)
		near(t, in2, in, 1e-4)
		near(t, out2, out, 1e-4)
		near(t, e.Dots[:Lanes], d.Dots[:Lanes], 1e-4)
		for k := 1; k < Lanes; k++ {
			if b[k] != a[0] {
				near(t, e.Dots[8+k:9+k], d.Dots[8+k:9+k], 1e-4)
			}
		}
	})
}

// TestDraw has every set draw the same rows.
func TestDraw(t *testing.T) {
	every(t, func(t *testing.T, s *Set, r *rand.Rand, stride int) {
		table := make([]uint64, 2+r.IntN(1000))
		for i := range table {
			table[i] = uint64(r.IntN(len(table)))<<32 | uint64(r.Uint32())
		}
		d := Draw{Table: &table[0], Slots: uint64(len(table)), State: r.Uint64(), Stride: uint64(stride)}
		e := d
		for range 20 {
			var have, want [8]int64
			s.Draw(&d, &have)
			drawPortable(&e, &want)
			require.Equal(t, want[1:Lanes], have[1:Lanes])
			require.Equal(t, e.State, d.State)
			for _, row := range have[1:Lanes] {
				require.Zero(t, row%int64(stride))
				require.Less(t, row/int64(stride), int64(len(table)))
			}
		}
	})
}

func TestWindow(t *testing.T) {
	every(t, func(t *testing.T, s *Set, r *rand.Rand, stride int) {
		in, out := field(r, 8, stride, 0.3), field(r, 7, stride, 0.3)
		count := 1 + r.IntN(10)
		inputs := make([]int64, count)
		for i := range inputs {
			inputs[i] = int64(r.IntN(8) * stride)
		}
		rows := [Lanes]int64{}
		for d := range rows {
			rows[d] = int64(r.IntN(7) * stride)
		}
		steps := field(r, count, Align, 0)
		w := Window{
			In: &in[0], Inputs: &inputs[0], Count: count, Base: &out[0], Rows: &rows, Stride: stride, Steps: &steps[0],
			Label: [8]float32{1}, Alpha: [8]float32{.05, .05, 0, .05, .05, .05},
		}
		in2, out2, steps2 := copied(in, stride), copied(out, stride), field(r, count, Align, 0)
		v := w
		v.In, v.Base, v.Steps = &in2[0], &out2[0], &steps2[0]
		s.Window(&w)
		windowPortable(&v)
		near(t, in2, in, 1e-4)
		near(t, out2, out, 1e-4)
		near(t, v.Dots[:Lanes], w.Dots[:Lanes], 1e-4)
	})
}

// TestWindowOfOne is a Pair: with one input row there is nothing to share.
func TestWindowOfOne(t *testing.T) {
	every(t, func(t *testing.T, s *Set, r *rand.Rand, stride int) {
		in, out := field(r, 1, stride, 0.3), field(r, 6, stride, 0.3)
		n := int64(stride)
		rows := [Lanes]int64{0, n, 2 * n, 3 * n, 4 * n, 5 * n}
		in2, out2, steps := copied(in, stride), copied(out, stride), field(r, 1, Align, 0)
		alpha := [8]float32{.05, .05, .05, .05, .05, .05}
		s.Window(&Window{
			In: &in[0], Inputs: new(int64), Count: 1, Base: &out[0], Rows: &rows, Stride: stride, Steps: &steps[0],
			Label: [8]float32{1}, Alpha: alpha,
		})
		s.Pair(&Pair{
			C: &in2[0], EIn: &in2[0], EOut: &in2[0], Base: &out2[0], Rows: &rows, Stride: stride,
			Label: [8]float32{1}, Alpha: alpha,
		})
		near(t, in2, in, 1e-5)
		near(t, out2, out, 1e-5)
	})
}

func TestRows(t *testing.T) {
	every(t, func(t *testing.T, s *Set, r *rand.Rand, stride int) {
		rows := field(r, 5, stride, 1)
		n := int64(stride)
		offsets := []int64{3 * n, 0, 3 * n}
		dst, want := field(r, 1, stride, 1), field(r, 1, stride, 1)
		s.Sum(&dst[0], &rows[0], &offsets[0], len(offsets), stride, 0.5)
		sumPortable(&want[0], &rows[0], &offsets[0], len(offsets), stride, 0.5)
		near(t, want, dst, 1e-6)

		rows2 := copied(rows, stride)
		s.Add(&rows[0], &offsets[0], len(offsets), &dst[0], stride)
		addPortable(&rows2[0], &offsets[0], len(offsets), &dst[0], stride)
		require.Equal(t, rows2, rows)
	})
}

// TestHalves compares bits: the rounding noise has the same generators everywhere.
func TestHalves(t *testing.T) {
	every(t, func(t *testing.T, s *Set, r *rand.Rand, stride int) {
		const n = 4
		src := field(r, n, stride, 1)
		offsets := []int64{int64(2 * stride), 0, int64(3 * stride), int64(stride)}
		have, want := make([]uint16, n*stride), make([]uint16, n*stride)
		var noise, noise2 [16]uint32
		for i := range noise {
			noise[i] = r.Uint32()
		}
		noise2 = noise
		s.Narrow(&have[0], &offsets[0], n, &src[0], stride, &noise)
		narrowPortable(&want[0], &offsets[0], n, &src[0], stride, &noise2)
		require.Equal(t, want, have)
		require.Equal(t, noise2, noise)

		wide, wide2 := field(r, n, stride, 0), field(r, n, stride, 0)
		s.Widen(&wide[0], &have[0], &offsets[0], n, stride)
		widenPortable(&wide2[0], &have[0], &offsets[0], n, stride)
		require.Equal(t, wide2, wide)
		near(t, src, wide, 1.0/128)
	})
}

// TestNarrowKeepsSmallSteps adds steps far below the resolution of a bfloat16: on average they arrive.
func TestNarrowKeepsSmallSteps(t *testing.T) {
	every(t, func(t *testing.T, s *Set, r *rand.Rand, stride int) {
		row, wide := make([]uint16, stride), field(r, 1, stride, 0)
		for i := range row {
			row[i] = 0x3f80 // 1, where neighbours are 1/128 apart
		}
		var noise [16]uint32
		for i := range noise {
			noise[i] = r.Uint32()
		}
		const steps, step = 2000, 1.0 / 1024
		for range steps {
			s.Widen(&wide[0], &row[0], new(int64), 1, stride)
			for i := range wide {
				wide[i] += step
			}
			s.Narrow(&row[0], new(int64), 1, &wide[0], stride, &noise)
		}
		var sum float64
		for _, x := range wide {
			sum += float64(x)
		}
		require.InDelta(t, 1+steps*step, sum/float64(stride), 0.15)
	})
}

func TestSigmoid(t *testing.T) {
	for x := -20.0; x <= 20; x += 0.01 {
		require.InDelta(t, 1/(1+math.Exp(-x)), float64(Sigmoid(float32(x))), 2e-6, "at %v", x)
	}
}

func TestForNamesWhatThereIs(t *testing.T) {
	s, err := For("portable")
	require.NoError(t, err)
	require.Equal(t, "portable", s.Name)
	_, err = For("mmx")
	require.ErrorContains(t, err, `"mmx"`)
	require.ErrorContains(t, err, "portable")
	best, err := For("")
	require.NoError(t, err)
	require.Equal(t, Best().Name, best.Name)
}

func benchmarkField(stride int) (in, out []float32) {
	r := rand.New(rand.NewPCG(1, 1))
	return field(r, 16, stride, 0.1), field(r, 64, stride, 0.1)
}

// BenchmarkPair is the arithmetic alone: all rows lie in the first-level cache.
func BenchmarkPair(b *testing.B) {
	for _, s := range Sets() {
		for _, stride := range []int{64, 112, 304} {
			b.Run(fmt.Sprintf("%s/%d", s.Name, stride), func(b *testing.B) {
				in, out := benchmarkField(stride)
				n := int64(stride)
				sets := [4][Lanes]int64{}
				for i := range sets {
					for d := range sets[i] {
						sets[i][d] = int64(i*5+d) * n
					}
				}
				p := Pair{Base: &out[0], Stride: stride, Label: [8]float32{1}, Alpha: [8]float32{1e-6, 1e-6, 1e-6, 1e-6, 1e-6, 1e-6}}
				for i := 0; b.Loop(); i++ {
					c := &in[i%16*stride]
					p.C, p.EIn, p.EOut, p.Rows = c, c, c, &sets[i%4]
					s.Pair(&p)
				}
			})
		}
	}
}

func BenchmarkDouble(b *testing.B) {
	for _, s := range Sets() {
		b.Run(s.Name, func(b *testing.B) {
			const stride = 112
			in, out := benchmarkField(stride)
			sets := [4][8]int64{}
			for i := range sets {
				for k := 1; k < Lanes; k++ {
					sets[i][k] = int64(i*5+k) * stride
				}
			}
			d := Double{Base: &out[0], Stride: stride, Alpha: 1e-6}
			for i := 0; b.Loop(); i += 2 {
				d.A, d.B = &in[i%16*stride], &in[(i%16+1)*stride]
				d.RowsA, d.RowsB, d.NextA, d.NextB = &sets[i%4], &sets[i%4+1], &sets[i%4], &sets[i%4+1]
				s.Double(&d)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2, "ns/pair")
		})
	}
}

func BenchmarkWindow(b *testing.B) {
	for _, s := range Sets() {
		b.Run(s.Name, func(b *testing.B) {
			const stride, count = 112, 6
			in, out := benchmarkField(stride)
			n := int64(stride)
			inputs, steps := [count]int64{0, n, 2 * n, 3 * n, 4 * n, 5 * n}, field(rand.New(rand.NewPCG(1, 1)), count, Align, 0)
			w := Window{
				In: &in[0], Inputs: &inputs[0], Count: count, Base: &out[0], Rows: &inputs, Stride: stride, Steps: &steps[0],
				Label: [8]float32{1}, Alpha: [8]float32{1e-6, 1e-6, 1e-6, 1e-6, 1e-6, 1e-6},
			}
			for b.Loop() {
				s.Window(&w)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/count, "ns/pair")
		})
	}
}
