package function

import (
	"math"

	"github.com/spurwheel/spurwheel/internal/batch"
)

// momentStat picks a result of momentAgg.
type momentStat uint8

const (
	varPop momentStat = iota
	varSamp
	stddevPop
	stddevSamp
	skewness
	kurtosis
	sumSquares // of the deviations: regr_sxx and regr_syy
)

// moment is one group's count, mean and sums of powers of deviations.
type moment struct{ n, avg, m2, m3, m4 float64 }

// momentAgg keeps central moments by one-pass updates (Welford's method,
// extended by Pébay), so that no precision is lost to large means.
type momentAgg struct {
	stat   momentStat
	of     int // the argument measured; rows count only if all arguments are present
	states []moment
	aggScratch
}

func (a *momentAgg) Grow(n int) { a.states = grown(a.states, n) }

func (a *momentAgg) Update(groups []int32, args []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	rows := a.present(n, args...)
	vals := batch.Values[float64](a.flat(0, args[a.of]))
	if a.stat == skewness || a.stat == kurtosis {
		for _, r := range rows {
			a.states[groups[r]].add4(vals[r])
		}
		return nil
	}
	for _, r := range rows {
		a.states[groups[r]].add2(vals[r])
	}
	return nil
}

// add2 adds x to the first two moments.
func (s *moment) add2(x float64) {
	s.n++
	d := x - s.avg
	dn := d / s.n
	s.avg += dn
	s.m2 += d * (d - dn)
}

// add4 adds x to all four moments.
func (s *moment) add4(x float64) {
	s.n++
	d := x - s.avg
	dn := d / s.n
	s.avg += dn
	s.m2 += d * (d - dn)
	d2, dn2 := d*d, dn*dn
	s.m3 += -3*dn*s.m2 + d*(d2-dn2)
	s.m4 += -4*dn*s.m3 - 6*dn2*s.m2 + d*(d*d2-dn*dn2)
}

// merge adds the moments of other rows.
func (s *moment) merge(o moment) {
	n := s.n + o.n
	if o.n == 0 {
		return
	}
	d := o.avg - s.avg
	dn := d / n
	n1, n2 := s.n, o.n
	m2 := s.m2 + o.m2 + d*dn*n1*n2
	m3 := s.m3 + o.m3 + dn*dn*d*n1*n2*(n1-n2) + 3*dn*(n1*o.m2-n2*s.m2)
	m4 := s.m4 + o.m4 + dn*dn*dn*d*n1*n2*(n1*n1-n1*n2+n2*n2) +
		6*dn*dn*(n1*n1*o.m2+n2*n2*s.m2) + 4*dn*(n1*o.m3-n2*s.m3)
	*s = moment{n: n, avg: s.avg + dn*n2, m2: m2, m3: m3, m4: m4}
}

func (a *momentAgg) Merge(groups []int32, state []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	var cols [5][]float64
	for k := range cols {
		cols[k] = batch.Values[float64](a.flat(k, state[k]))
	}
	for i := range n {
		a.states[groups[i]].merge(moment{cols[0][i], cols[1][i], cols[2][i], cols[3][i], cols[4][i]})
	}
	return nil
}

func (a *momentAgg) State(from, to int, out []*batch.Vector) error {
	for _, s := range a.states[from:to] {
		for k, x := range [...]float64{s.n, s.avg, s.m2, s.m3, s.m4} {
			appendSlots(out[k], []float64{x})
		}
	}
	return nil
}

func (a *momentAgg) Result(from, to int, out *batch.Vector) error {
	for g := from; g < to; g++ {
		x, ok := a.states[g].result(a.stat)
		at := appendSlots(out, []float64{x})
		if !ok {
			out.SetNull(at)
		}
	}
	return nil
}

// result is false for null: no rows, one row of a sample, no deviation to divide by.
func (s *moment) result(stat momentStat) (float64, bool) {
	if s.n == 0 {
		return 0, false
	}
	switch stat {
	case varPop:
		return s.m2 / s.n, true
	case stddevPop:
		return math.Sqrt(s.m2 / s.n), true
	case varSamp:
		return s.m2 / (s.n - 1), s.n > 1
	case stddevSamp:
		return math.Sqrt(s.m2 / (s.n - 1)), s.n > 1
	case skewness:
		return math.Sqrt(s.n) * s.m3 / math.Sqrt(s.m2*s.m2*s.m2), s.m2 != 0
	case kurtosis:
		return s.n*s.m4/(s.m2*s.m2) - 3, s.m2 != 0
	default:
	}
	return s.m2, true
}

func (a *momentAgg) Bytes() int64 { return int64(cap(a.states)) * 40 }
func (a *momentAgg) Reset()       { a.states = a.states[:0] }

// pairStat picks a result of pairAgg.
type pairStat uint8

const (
	covarPop pairStat = iota
	covarSamp
	corr
	regrR2
	regrSXY
	regrSlope
	regrIntercept
)

// pair is one group's means, co-moment and second moments of x and y.
type pair struct{ n, xAvg, yAvg, ck, xMk, yMk, xM2 float64 }

// pairAgg keeps the joint moments of its two arguments.
type pairAgg struct {
	stat    pairStat
	swapped bool // y is the first argument
	states  []pair
	aggScratch
}

func (a *pairAgg) Grow(n int) { a.states = grown(a.states, n) }

func (a *pairAgg) Update(groups []int32, args []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	rows := a.present(n, args...)
	xs, ys := batch.Values[float64](a.flat(0, args[0])), batch.Values[float64](a.flat(1, args[1]))
	if a.swapped {
		xs, ys = ys, xs
	}
	for _, r := range rows {
		a.states[groups[r]].add(xs[r], ys[r])
	}
	return nil
}

func (s *pair) add(x, y float64) {
	s.n++
	dx, dy := x-s.xAvg, y-s.yAvg
	dxn := dx / s.n
	s.xAvg += dxn
	s.yAvg += dy / s.n
	s.ck += dx * (y - s.yAvg)
	s.xMk += dx * (x - s.xAvg)
	s.yMk += dy * (y - s.yAvg)
	s.xM2 += dx * (dx - dxn)
}

func (s *pair) merge(o pair) {
	if o.n == 0 {
		return
	}
	n := s.n + o.n
	dx, dy := o.xAvg-s.xAvg, o.yAvg-s.yAvg
	w := s.n * o.n / n
	*s = pair{
		n: n, xAvg: s.xAvg + dx/n*o.n, yAvg: s.yAvg + dy/n*o.n,
		ck: s.ck + o.ck + dx*dy*w, xMk: s.xMk + o.xMk + dx*dx*w, yMk: s.yMk + o.yMk + dy*dy*w, xM2: s.xM2 + o.xM2 + dx*dx*w,
	}
}

const pairColumns = 7

func (a *pairAgg) Merge(groups []int32, state []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	var c [pairColumns][]float64
	for k := range c {
		c[k] = batch.Values[float64](a.flat(k, state[k]))
	}
	for i := range n {
		a.states[groups[i]].merge(pair{c[0][i], c[1][i], c[2][i], c[3][i], c[4][i], c[5][i], c[6][i]})
	}
	return nil
}

func (a *pairAgg) State(from, to int, out []*batch.Vector) error {
	for _, s := range a.states[from:to] {
		for k, x := range [pairColumns]float64{s.n, s.xAvg, s.yAvg, s.ck, s.xMk, s.yMk, s.xM2} {
			appendSlots(out[k], []float64{x})
		}
	}
	return nil
}

func (a *pairAgg) Result(from, to int, out *batch.Vector) error {
	for g := from; g < to; g++ {
		x, ok := a.states[g].result(a.stat)
		at := appendSlots(out, []float64{x})
		if !ok {
			out.SetNull(at)
		}
	}
	return nil
}

func (s *pair) result(stat pairStat) (float64, bool) {
	if s.n == 0 {
		return 0, false
	}
	switch stat {
	case covarPop:
		return s.ck / s.n, true
	case covarSamp:
		return s.ck / (s.n - 1), s.n > 1
	case corr:
		return s.ck / math.Sqrt(s.xMk*s.yMk), s.n > 1
	case regrR2:
		if s.yMk == 0 {
			return 1, s.xMk != 0
		}
		c := s.ck / math.Sqrt(s.xMk*s.yMk)
		return c * c, s.xMk != 0
	case regrSXY:
		return s.ck, true
	case regrSlope:
		return s.ck / s.xM2, s.xM2 != 0
	default:
	}
	return s.yAvg - s.ck/s.xM2*s.xAvg, s.xM2 != 0
}

func (a *pairAgg) Bytes() int64 { return int64(cap(a.states)) * pairColumns * 8 }
func (a *pairAgg) Reset()       { a.states = a.states[:0] }
