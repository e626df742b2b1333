package sql

import (
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// stringValue is the value of a string literal's token.
func (p *parser) stringValue(t *token) string {
	s := p.textOf(t)
	switch t.kind {
	case tokRawString:
		return s[2 : len(s)-1]
	case tokDollar:
		tag := strings.IndexByte(s[1:], '$') + 2
		return s[tag : len(s)-tag]
	default:
		return unescape(s[1:len(s)-1], s[0], !p.opt.EscapedStrings)
	}
}

// unescape resolves backslashes, if asked to, and doubled quotes.
func unescape(s string, quote byte, backslashes bool) string {
	if strings.IndexByte(s, quote) < 0 && (!backslashes || strings.IndexByte(s, '\\') < 0) {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\\' && backslashes && i+1 < len(s):
			var n int
			out, n = appendEscape(out, s[i+1:])
			i += 1 + n
		case c == '\\' && i+1 < len(s): // kept, with what it hides from the lexer
			out = append(out, c, s[i+1])
			i += 2
		case c == quote && i+1 < len(s) && s[i+1] == quote:
			out = append(out, c)
			i += 2
		default:
			out = append(out, c)
			i++
		}
	}
	return string(out)
}

// appendEscape appends what stands after a backslash and tells its length.
func appendEscape(out []byte, s string) ([]byte, int) {
	if n := hexDigits(s); n > 0 {
		if v, err := strconv.ParseUint(s[1:1+n], 16, 32); err == nil {
			if v <= utf8.MaxRune {
				return utf8.AppendRune(out, rune(v)), 1 + n
			}
			return append(out, '?'), 1 + n
		}
	}
	if len(s) >= 3 && (s[0] == '0' || s[0] == '1') && isOctal(s[1]) && isOctal(s[2]) {
		return utf8.AppendRune(out, rune(s[0]-'0')<<6|rune(s[1]-'0')<<3|rune(s[2]-'0')), 3
	}
	switch s[0] {
	case '0':
		return append(out, 0), 1
	case 'b':
		return append(out, '\b'), 1
	case 'n':
		return append(out, '\n'), 1
	case 'r':
		return append(out, '\r'), 1
	case 't':
		return append(out, '\t'), 1
	case 'Z':
		return append(out, 26), 1
	case '%', '_': // LIKE unescapes these
		return append(out, '\\', s[0]), 1
	}
	return append(out, s[0]), 1
}

// hexDigits is 4 for uXXXX, 8 for UXXXXXXXX, else 0.
func hexDigits(s string) int {
	n := map[byte]int{'u': 4, 'U': 8}[s[0]]
	if n == 0 || len(s) < 1+n {
		return 0
	}
	for i := 1; i <= n; i++ {
		if c := s[i] | 0x20; !isDigit(s[i]) && (c < 'a' || c > 'f') {
			return 0
		}
	}
	return n
}

func isOctal(c byte) bool { return c >= '0' && c <= '7' }

// isNumber tells whether t is a numeric literal.
func isNumber(t *token) bool { return t.kind >= tokInteger && t.kind <= tokBigDecimal }

// number takes a numeric literal whose sign was consumed before.
func (p *parser) number(start int, negative bool) plan.Expr {
	t := p.tok()
	p.advance()
	text := p.textOf(t)
	switch t.kind {
	case tokInteger:
		return p.integer(start, text, negative)
	case tokDecimal:
		return p.decimal(start, text, negative)
	case tokExponent:
		return p.float(start, text, negative, 64)
	case tokDouble:
		return p.float(start, text[:len(text)-1], negative, 64)
	case tokFloat:
		return p.float(start, text[:len(text)-1], negative, 32)
	case tokBigDecimal:
		return p.decimal(start, text[:len(text)-2], negative)
	case tokLong:
		return p.sized(start, text, negative, types.Long, 64)
	case tokShort:
		return p.sized(start, text, negative, types.Short, 16)
	default:
		return p.sized(start, text, negative, types.Byte, 8)
	}
}

func (p *parser) lit(start int, t types.Type, v any) *plan.Literal {
	return &plan.Literal{Value: v, Typ: t, At: p.from(start)}
}

func signed(text string, negative bool) string {
	if negative {
		return "-" + text
	}
	return text
}

// integer is an INT, a BIGINT, or a DECIMAL where it does not fit.
func (p *parser) integer(start int, text string, negative bool) plan.Expr {
	v, err := strconv.ParseInt(signed(text, negative), 10, 64)
	switch {
	case err != nil:
		return p.decimal(start, text, negative)
	case v >= math.MinInt32 && v <= math.MaxInt32:
		return p.lit(start, types.Int, int32(v))
	}
	return p.lit(start, types.Long, v)
}

// sized is a literal with a suffix for its width.
func (p *parser) sized(start int, text string, negative bool, t types.Type, bits int) plan.Expr {
	text = signed(text[:len(text)-1], negative)
	v, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		limit := math.Ldexp(1, bits-1)
		p.outOfRange(start, text, t, -limit, limit-1)
		return p.bad()
	}
	switch bits {
	case 64:
		return p.lit(start, t, v)
	case 16:
		return p.lit(start, t, int16(v))
	}
	return p.lit(start, t, int8(v))
}

func (p *parser) outOfRange(start int, text string, t types.Type, lo, hi float64) {
	p.invalid(start, "INVALID_NUMERIC_LITERAL_RANGE", "22003", "The literal "+text+" does not fit "+t.SQL()+".",
		"rawStrippedQualifier", text, "minValue", strconv.FormatFloat(lo, 'g', -1, 64),
		"maxValue", strconv.FormatFloat(hi, 'g', -1, 64), "typeName", t.String())
}

func (p *parser) float(start int, text string, negative bool, bits int) plan.Expr {
	v, err := strconv.ParseFloat(signed(text, negative), bits)
	switch {
	case err != nil && bits == 32:
		p.outOfRange(start, text, types.Float, -math.MaxFloat32, math.MaxFloat32)
		return p.bad()
	case err != nil:
		p.outOfRange(start, text, types.Double, -math.MaxFloat64, math.MaxFloat64)
		return p.bad()
	case bits == 32:
		return p.lit(start, types.Float, float32(v))
	}
	return p.lit(start, types.Double, v)
}

// decimal has the precision and scale of its digits, leading zeros not counted.
func (p *parser) decimal(start int, text string, negative bool) plan.Expr {
	digits, scale, ok := decimalDigits(text)
	if !ok || len(digits) > types.MaxPrecision || scale > types.MaxPrecision {
		p.invalid(start, "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", "22003",
			"The literal has more than 38 digits.", "precision", strconv.Itoa(max(len(digits), scale)), "maxPrecision", "38")
		return p.bad()
	}
	t := types.Decimal(max(len(digits), scale, 1), scale)
	v, _ := new(big.Int).SetString("0"+digits, 10)
	if negative {
		v.Neg(v)
	}
	if t.Phys() == types.PhysInt64 {
		return p.lit(start, t, v.Int64())
	}
	return p.lit(start, t, int128(v))
}

// decimalDigits is the unscaled number, without leading zeros, and the scale
// of text such as 12.50 or 1.5e3.
func decimalDigits(text string) (digits string, scale int, ok bool) {
	exp := 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		e, err := strconv.Atoi(text[i+1:])
		if err != nil || e > types.MaxPrecision*2 || e < -types.MaxPrecision*2 {
			return "", 0, false
		}
		exp, text = e, text[:i]
	}
	whole, frac, _ := strings.Cut(text, ".")
	scale = len(frac) - exp
	digits = strings.TrimLeft(whole+frac, "0")
	if scale < 0 {
		if digits != "" {
			digits += strings.Repeat("0", -scale)
		}
		scale = 0
	}
	return digits, scale, true
}

func int128(v *big.Int) batch.Int128 {
	m := new(big.Int).SetUint64(math.MaxUint64)
	lo := new(big.Int).And(v, m) // two's complement of the low half
	hi := new(big.Int).Rsh(v, 64)
	return batch.Int128{Lo: lo.Uint64(), Hi: hi.Int64()}
}

// invalidTyped reports a typed literal whose text does not read as the type.
func (p *parser) invalidTyped(start int, name, value string) plan.Expr {
	p.invalid(start, "INVALID_TYPED_LITERAL", "42604", "The text '"+value+"' is no valid "+name+".",
		"valueType", `"`+name+`"`, "value", "'"+value+"'")
	return p.bad()
}

// typedLiteral takes DATE '...' and its like; the current token is the type's word.
func (p *parser) typedLiteral() plan.Expr {
	start := p.pos
	name := strings.ToUpper(p.textOf(p.tok()))
	p.advance()
	value := p.stringText()
	switch name {
	case "DATE":
		return p.dateLiteral(start, value)
	case "TIMESTAMP":
		return p.timestampLiteral(start, name, value, p.opt.TimestampNTZ)
	case "TIMESTAMP_LTZ":
		return p.timestampLiteral(start, name, value, false)
	case "TIMESTAMP_NTZ":
		return p.timestampLiteral(start, name, value, true)
	case "TIME":
		if v, ok := parseTime(strings.TrimSpace(value)); ok {
			return p.lit(start, types.Time, v)
		}
		return p.invalidTyped(start, name, value)
	case "X":
		if len(value)%2 == 1 {
			value = "0" + value
		}
		b, err := hex.DecodeString(value)
		if err != nil {
			return p.invalidTyped(start, name, value)
		}
		return p.lit(start, types.Binary, b)
	}
	p.invalid(start, "UNSUPPORTED_TYPED_LITERAL", "0A000", "There are no literals of the type "+name+".",
		"unsupportedType", `"`+name+`"`, "supportedTypes", `"DATE", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP", "TIME", "INTERVAL", "X"`)
	return p.bad()
}
