package decimal

import (
	"strconv"
)

// AppendPlain appends the unscaled value x of a scale as digits: "-0.05".
func AppendPlain(b []byte, x Int128, scale int) []byte {
	var buf [MaxDigits + 3]byte
	i := len(buf)
	a, digits := x.Abs(), 0
	for digits <= scale || a != (Int128{}) {
		if digits == scale && scale > 0 {
			i--
			buf[i] = '.'
		}
		var r uint64
		a, r = a.divSmall(10)
		i--
		buf[i] = byte('0' + r)
		digits++
	}
	if x.Hi < 0 {
		b = append(b, '-')
	}
	return append(b, buf[i:]...)
}

func (x Int128) divSmall(d uint64) (Int128, uint64) {
	hi := uint64(x.Hi) / d
	q, r := div128(uint64(x.Hi)%d, x.Lo, d)
	return Int128{q, int64(hi)}, r
}

// AppendJava appends the value as java.math.BigDecimal.toString does: with an
// exponent when the adjusted one is below -6.
func AppendJava(b []byte, x Int128, scale int) []byte {
	digits := AppendPlain(nil, x.Abs(), 0)
	exp := len(digits) - 1 - scale
	if exp >= -6 {
		return AppendPlain(b, x, scale)
	}
	if x.Hi < 0 {
		b = append(b, '-')
	}
	b = append(b, digits[0])
	if len(digits) > 1 {
		b = append(append(b, '.'), digits[1:]...)
	}
	return strconv.AppendInt(append(b, 'E'), int64(exp), 10)
}

// String is AppendPlain of a value and scale.
func String(x Int128, scale int) string { return string(AppendPlain(nil, x, scale)) }

// maxExponent bounds exponents in text: beyond it a number is 0 or too large
// whatever its digits are, as far as 38 digits go.
const maxExponent = 1 << 20

// Parse reads a decimal number ("-1.5e3") without surrounding blanks: an
// unscaled value rounded half up to scale digits of fraction. valid tells that the
// text is a number; fits that it has at most 38 digits.
func Parse(s string, scale int) (x Int128, valid, fits bool) {
	p, ok := scan(s)
	if !ok {
		return Int128{}, false, false
	}
	x, fits = p.at(scale)
	return x, true, fits
}

// number is the parsed text of a decimal.
type number struct {
	neg    bool
	digits []byte // without leading zeros
	scale  int    // digits * 10^-scale
}

// scan reads sign, digits, fraction and exponent.
func scan(s string) (number, bool) {
	var n number
	i := 0
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		n.neg = s[i] == '-'
		i++
	}
	seen, dot := false, false
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' && !dot {
			dot = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		seen = true
		if dot {
			n.scale++
		}
		if c != '0' || len(n.digits) > 0 {
			n.digits = append(n.digits, c)
		}
	}
	if !seen {
		return n, false
	}
	exp, ok := exponent(s[i:])
	n.scale -= exp
	return n, ok
}

// exponent reads "", "e5", "E+5", "e-5".
func exponent(s string) (int, bool) {
	if s == "" {
		return 0, true
	}
	if s[0] != 'e' && s[0] != 'E' || len(s) < 2 {
		return 0, false
	}
	i, neg := 1, false
	if s[i] == '+' || s[i] == '-' {
		neg = s[i] == '-'
		i++
	}
	if i == len(s) {
		return 0, false
	}
	v := 0
	for ; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		v = min(v*10+int(s[i]-'0'), maxExponent)
	}
	if neg {
		v = -v
	}
	return v, true
}

// at is the number's unscaled value at a scale.
func (n number) at(scale int) (Int128, bool) {
	if len(n.digits) == 0 {
		return Int128{}, true
	}
	drop := n.scale - scale // digits to cut off on the right; negative: zeros to add
	keep := len(n.digits) - drop
	if keep > MaxDigits {
		return Int128{}, false
	}
	if keep < 0 {
		return Int128{}, true
	}
	var x Int128
	for i := range keep {
		d := uint64(0)
		if i < len(n.digits) {
			d = uint64(n.digits[i] - '0')
		}
		x = x.mulSmall(10).Add(Int128{Lo: d})
	}
	if keep < len(n.digits) && n.digits[keep] >= '5' {
		x = x.Add(Int128{Lo: 1})
	}
	if n.neg {
		x = x.Neg()
	}
	return x, x.Fits(MaxDigits)
}

// Measure is the precision and scale that hold the number text s exactly, as
// the literal rule of SQL has it ("1.50" is 3,2; "1e3" is 4,0 ... ); ok false
// if s is no number.
func Measure(s string) (precision, scale int, ok bool) {
	n, ok := scan(s)
	if !ok {
		return 0, 0, false
	}
	p, sc := len(n.digits), n.scale
	if sc < 0 {
		p, sc = p-sc, 0
	}
	return max(p, sc, 1), sc, true
}
