package function

import (
	"math/big"

	"github.com/spurwheel/spurwheel/internal/batch"
)

// Decimal operations whose steps do not fit 128 bits though the result may.
// They are rare: only operands near 38 digits with different scales get here.

func bigOf(x batch.Int128) *big.Int {
	z := new(big.Int).Lsh(big.NewInt(x.Hi), 64)
	return z.Add(z, new(big.Int).SetUint64(x.Lo))
}

func int128Of(z *big.Int) (batch.Int128, bool) {
	if z.BitLen() > 126 {
		return batch.Int128{}, false
	}
	var b [16]byte
	new(big.Int).Abs(z).FillBytes(b[:])
	var out batch.Int128
	for i := range 8 {
		out.Hi = out.Hi<<8 | int64(b[i])
		out.Lo = out.Lo<<8 | uint64(b[8+i])
	}
	if z.Sign() < 0 {
		out = out.Neg()
	}
	return out, true
}

func tenTo(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// exact is the operation's exact value as a quotient num / 10^scale, or for
// division num / den.
func (d *decimals) exact(x, y batch.Int128) (num, den *big.Int) {
	scale := max(d.sa, d.sb)
	p, q := bigOf(x), bigOf(y)
	p.Mul(p, tenTo(scale-d.sa))
	q.Mul(q, tenTo(scale-d.sb))
	den = tenTo(scale)
	switch d.op {
	case opAdd:
		return p.Add(p, q), den
	case opSub:
		return p.Sub(p, q), den
	case opMul:
		return new(big.Int).Mul(bigOf(x), bigOf(y)), tenTo(d.sa + d.sb)
	case opDiv:
		return p, q
	case opIDiv:
		return p.Quo(p, q), big.NewInt(1)
	default:
	}
	r := new(big.Int).Rem(p, q)
	if d.op == opPmod && r.Sign() < 0 {
		r.Rem(r.Add(r, q), q)
	}
	return r, den
}

// big is compute without limits in between.
func (d *decimals) big(x, y batch.Int128) (batch.Int128, bool) {
	num, den := d.exact(x, y)
	return int128Of(divHalfUp(num.Mul(num, tenTo(int(d.out.Scale))), den))
}

// divHalfUp is num/den rounded half away from zero.
func divHalfUp(num, den *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(num, den, new(big.Int))
	if r.Abs(r).Lsh(r, 1).CmpAbs(den) >= 0 {
		if num.Sign()*den.Sign() < 0 {
			return q.Sub(q, big.NewInt(1))
		}
		return q.Add(q, big.NewInt(1))
	}
	return q
}

// text is the operation's value for an error message.
func (d *decimals) text(x, y batch.Int128) string {
	num, den := d.exact(x, y)
	s := int(d.out.Scale)
	z := divHalfUp(num.Mul(num, tenTo(s)), den)
	neg := z.Sign() < 0
	digits := new(big.Int).Abs(z).String()
	for len(digits) <= s {
		digits = "0" + digits
	}
	if s > 0 {
		digits = digits[:len(digits)-s] + "." + digits[len(digits)-s:]
	}
	if neg {
		return "-" + digits
	}
	return digits
}
