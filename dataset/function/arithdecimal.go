package function

import (
	"slices"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// decimals is one decimal operation: scales of the sides and the result's type.
type decimals struct {
	op     arith
	m      mode
	sa, sb int
	out    types.Type
	a, b   wideSlots
	la, lb []int64 // scratch
}

// decimalArith picks between 64-bit loops, which the types promise never to
// overflow, and 128-bit ones.
func decimalArith(op arith, a, b, out types.Type, m mode) Kernel {
	d := &decimals{op: op, m: m, sa: int(a.Scale), sb: int(b.Scale), out: out}
	narrow := out.Kind == types.KindDecimal && a.Phys() == types.PhysInt64 && b.Phys() == types.PhysInt64
	switch {
	case narrow && out.Phys() == types.PhysInt64 && op <= opMul:
		return d.narrow
	case narrow && op == opMul && int(out.Scale) == d.sa+d.sb:
		return d.narrowMul
	}
	return d.wide
}

// narrow is + - * where the result has at most 18 digits.
func (d *decimals) narrow(args []*batch.Vector, n int, out *batch.Vector) error {
	dst := batch.Values[int64](out)[:n]
	scale := max(d.sa, d.sb)
	fa, fb := decimal.Pow10Long(scale-d.sa), decimal.Pow10Long(scale-d.sb)
	if d.op == opMul || fa == 1 && fb == 1 {
		intLoop(d.op, args[0], args[1], dst)
		return nil
	}
	if d.op == opSub {
		fb = -fb
	}
	a, b := batch.Values[int64](args[0]), batch.Values[int64](args[1])
	switch {
	case len(a) < n:
		scaledSum(b, fb, a[0]*fa, dst)
	case len(b) < n:
		scaledSum(a, fa, b[0]*fb, dst)
	default:
		a, b = a[:n], b[:n]
		for i := range dst {
			dst[i] = a[i]*fa + b[i]*fb
		}
	}
	return nil
}

// scaledSum is a*f + c. If a is a constant too, so is the result.
func scaledSum(a []int64, f, c int64, dst []int64) {
	if len(a) < len(dst) {
		for i := range dst {
			dst[i] = a[0]*f + c
		}
		return
	}
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = a[i]*f + c
	}
}

// narrowMul is the exact 128-bit product of 64-bit values.
func (d *decimals) narrowMul(args []*batch.Vector, n int, out *batch.Vector) error {
	dst := batch.Values[batch.Int128](out)[:n]
	a, b := batch.Values[int64](args[0]), batch.Values[int64](args[1])
	if len(a) < len(b) {
		a, b = b, a
	}
	if len(b) < n || n == 1 { // a constant
		y := b[0]
		for i := range dst {
			dst[i] = decimal.MulLong(a[min(i, len(a)-1)], y)
		}
		return nil
	}
	a, b = a[:n], b[:n]
	for i := range dst {
		dst[i] = decimal.MulLong(a[i], b[i])
	}
	return nil
}

// wideSlots reads a decimal vector of either width as 128-bit values.
type wideSlots struct {
	slots Slots[batch.Int128]
	buf   []batch.Int128
}

func (w *wideSlots) load(v *batch.Vector) Slots[batch.Int128] {
	if v.Phys() == types.PhysInt128 {
		return SlotsOf[batch.Int128](v)
	}
	src := batch.Values[int64](v)
	if cap(w.buf) < len(src) {
		w.buf = make([]batch.Int128, len(src))
	}
	w.buf = w.buf[:len(src)]
	for i, x := range src {
		w.buf[i] = decimal.FromInt64(x)
	}
	w.slots = Slots[batch.Int128]{V: w.buf, mask: -1}
	if v.Enc == batch.Const {
		w.slots.mask = 0
	}
	return w.slots
}

// wide is any operation in 128 bits with every result checked.
func (d *decimals) wide(args []*batch.Vector, n int, out *batch.Vector) error {
	if d.mulLongs(args, n, out) {
		return nil
	}
	a, b := d.a.load(args[0]), d.b.load(args[1])
	for i := range n {
		if !out.Valid(i) {
			continue
		}
		x, y := a.At(i), b.At(i)
		if d.op >= opDiv && y == (batch.Int128{}) {
			if d.m == modeAnsi {
				return zeroDivisor(d.op)
			}
			out.SetNull(i)
			continue
		}
		z, ok := d.compute(x, y)
		if d.op == opIDiv {
			ok = ok && z.IsInt64()
		} else {
			ok = ok && z.Fits(int(d.out.Precision))
		}
		switch {
		case ok:
			storeDecimal(out, i, z)
		case d.m == modeAnsi:
			return d.overflow(x, y)
		default:
			out.SetNull(i)
		}
	}
	return nil
}

// mulLongs multiplies without a check where no product can be too large: into
// 38 digits, of values that are all in 64 bits.
func (d *decimals) mulLongs(args []*batch.Vector, n int, out *batch.Vector) bool {
	if d.op != opMul || int(d.out.Scale) != d.sa+d.sb || d.out.Precision != decimal.MaxDigits {
		return false
	}
	a, ok := longs(args[0], n, &d.la)
	if !ok {
		return false
	}
	b, ok := longs(args[1], n, &d.lb)
	if !ok {
		return false
	}
	dst := batch.Values[batch.Int128](out)[:n]
	a, b = a[:n], b[:n]
	for i := range dst {
		dst[i] = decimal.MulLong(a[i], b[i])
	}
	return true
}

// longs are the values of a flat decimal vector if all of them are in 64 bits.
func longs(v *batch.Vector, n int, scratch *[]int64) ([]int64, bool) {
	switch {
	case v.Enc != batch.Flat:
		return nil, false
	case v.Phys() == types.PhysInt64:
		return batch.Values[int64](v), true
	}
	*scratch = slices.Grow((*scratch)[:0], n)[:n]
	long, _ := longsOf(*scratch, batch.Values[batch.Int128](v)[:n])
	return *scratch, long
}

// storeDecimal writes an unscaled value into a slot of either width.
func storeDecimal(out *batch.Vector, i int, z batch.Int128) {
	if out.Phys() == types.PhysInt128 {
		batch.Values[batch.Int128](out)[i] = z
		return
	}
	batch.Values[int64](out)[i] = z.Int64()
}

// compute is the operation's value at the result's scale; ok false if it does
// not fit 38 digits.
func (d *decimals) compute(x, y batch.Int128) (batch.Int128, bool) {
	scale, to := max(d.sa, d.sb), int(d.out.Scale)
	switch d.op {
	case opMul:
		if to == d.sa+d.sb {
			return x.Mul(y)
		}
		if drop := d.sa + d.sb - to; drop <= decimal.MaxDigits {
			return decimal.MulDiv(x, y, decimal.Pow10(drop))
		}
		return d.big(x, y)
	case opDiv:
		if k := to - d.sa + d.sb; k >= 0 && k <= decimal.MaxDigits {
			return decimal.MulDiv(x, decimal.Pow10(k), y)
		}
		return d.big(x, y)
	default:
	}
	p, okp := x.Rescale(d.sa, scale)
	q, okq := y.Rescale(d.sb, scale)
	if !okp || !okq {
		return d.big(x, y)
	}
	switch d.op {
	case opAdd:
		return p.Add(q).Rescale(scale, to)
	case opSub:
		return p.Sub(q).Rescale(scale, to)
	case opIDiv:
		z, _ := p.QuoRem(q)
		return z, true
	default:
	}
	_, r := p.QuoRem(q)
	if d.op == opPmod && r.Sign() < 0 {
		_, r = r.Add(q).QuoRem(q)
	}
	return r.Rescale(scale, to)
}

// overflow is the error for a pair of values.
func (d *decimals) overflow(x, y batch.Int128) error {
	if d.op == opIDiv {
		return Overflow("long overflow", arithTry[d.op])
	}
	return DecimalOverflow(d.text(x, y), d.out)
}
