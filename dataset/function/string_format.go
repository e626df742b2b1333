package function

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// plainNumber is argument k as digits with exactly d of fraction, rounded half even.
func plainNumber(c *cells, k, d int) string {
	v := c.vector(k)
	switch v.Type.Kind {
	case types.KindFloat:
		return strconv.FormatFloat(float64(batch.Values[float32](v)[c.slot(k)]), 'f', d, 64)
	case types.KindDouble:
		return strconv.FormatFloat(c.real(k), 'f', d, 64)
	case types.KindDecimal:
		return halfEven(c.decimal(k), int(v.Type.Scale), d)
	default:
	}
	s := strconv.FormatInt(integerAt(v, c.slot(k)), 10)
	if d > 0 {
		s += "." + strings.Repeat("0", d)
	}
	return s
}

// integerAt is slot i of an integral vector.
func integerAt(v *batch.Vector, i int) int64 {
	switch v.Phys() {
	case types.PhysInt8:
		return int64(batch.Values[int8](v)[i])
	case types.PhysInt16:
		return int64(batch.Values[int16](v)[i])
	case types.PhysInt32:
		return int64(batch.Values[int32](v)[i])
	default:
	}
	return batch.Values[int64](v)[i]
}

// halfEven is a decimal with d digits of fraction.
func halfEven(x batch.Int128, scale, d int) string {
	if d >= scale {
		s := decimal.String(x, scale)
		if d > scale {
			if scale == 0 {
				s += "."
			}
			s += strings.Repeat("0", d-scale)
		}
		return s
	}
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale-d)), nil)
	q, r := new(big.Int).QuoRem(bigOf(x), ten, new(big.Int))
	twice := new(big.Int).Lsh(new(big.Int).Abs(r), 1)
	if c := twice.Cmp(ten); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(int64(x.Sign())))
	}
	z, _ := int128Of(q)
	s := decimal.String(z, d)
	if x.Sign() < 0 && z.Sign() == 0 {
		s = "-" + s
	}
	return s
}

// grouped puts commas between thousands of a plain number.
func grouped(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, frac, dot := strings.Cut(s, ".")
	var b strings.Builder
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	if dot {
		b.WriteString("." + frac)
	}
	return sign + b.String()
}

// notFinite is the text of NaN and the infinities in number formats.
func notFinite(c *cells, k int) (string, bool) {
	v := c.vector(k)
	x := 0.0
	switch v.Type.Kind {
	case types.KindFloat:
		x = float64(batch.Values[float32](v)[c.slot(k)])
	case types.KindDouble:
		x = c.real(k)
	default:
	}
	switch {
	case math.IsNaN(x):
		return "NaN", true
	case math.IsInf(x, 1):
		return "∞", true
	case math.IsInf(x, -1):
		return "-∞", true
	}
	return "", false
}

// formatNumber is format_number(number, digits or pattern).
func formatNumber(c *cells) error {
	if s, special := notFinite(c, 0); special {
		c.setText(s)
		return nil
	}
	if c.vector(1).Type.Kind != types.KindString {
		d := c.int(1)
		if d < 0 {
			c.setNull()
			return nil
		}
		c.setText(grouped(plainNumber(c, 0, d)))
		return nil
	}
	c.setText(patternNumber(c, string(c.str(1))))
	return nil
}

// patternNumber formats by a DecimalFormat pattern: #, 0, comma and point with literal text around.
func patternNumber(c *cells, pattern string) string {
	if pattern == "" {
		return grouped(plainNumber(c, 0, 0))
	}
	pattern, _, _ = strings.Cut(pattern, ";")
	first := strings.IndexAny(pattern, "#0.,")
	if first < 0 {
		return pattern
	}
	last := strings.LastIndexAny(pattern, "#0.,") + 1
	body := pattern[first:last]
	whole, frac, _ := strings.Cut(body, ".")
	s := plainNumber(c, 0, len(frac))
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	w, f, _ := strings.Cut(s, ".")
	least := strings.Count(frac, "0")
	for len(f) > least && strings.HasSuffix(f, "0") {
		f = f[:len(f)-1]
	}
	w = strings.TrimLeft(w, "0")
	if digits := strings.Count(whole, "0"); len(w) < digits {
		w = strings.Repeat("0", digits-len(w)) + w
	}
	if comma := strings.LastIndexByte(whole, ','); comma >= 0 {
		w = groupBy(w, len(whole)-comma-1)
	}
	out := pattern[:first] + w
	if f != "" {
		out += "." + f
	}
	if w == "" && f == "" {
		out += "0"
	}
	if neg {
		out = "-" + out
	}
	return out + pattern[last:]
}

func groupBy(w string, n int) string {
	if n <= 0 {
		return w
	}
	var parts []string
	for len(w) > n {
		parts = append([]string{w[len(w)-n:]}, parts...)
		w = w[:len(w)-n]
	}
	return strings.Join(append([]string{w}, parts...), ",")
}

// newFormatString is printf with java.util.Formatter's directives.
func newFormatString(*Env, *plan.Call) (Kernel, error) {
	return rowKernel(func(c *cells) error {
		if c.null(0) {
			c.setNull()
			return nil
		}
		out, err := javaFormat(string(c.str(0)), c)
		c.setText(out)
		return err
	}), nil
}

// javaFormat reads directives %[index$][flags][width][.precision]conversion.
func javaFormat(format string, c *cells) (string, error) {
	var b strings.Builder
	next := 1
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		j := i + 1
		for j < len(format) && strings.IndexByte("0123456789$-#+ ,(.<", format[j]) >= 0 {
			j++
		}
		if j == len(format) {
			return "", errFormat(format[i:])
		}
		spec, conv := format[i+1:j], format[j]
		i = j
		if conv == '%' || conv == 'n' {
			b.WriteString(map[byte]string{'%': "%", 'n': "\n"}[conv])
			continue
		}
		arg := next
		if k := strings.IndexByte(spec, '$'); k > 0 {
			arg, _ = strconv.Atoi(spec[:k])
			if spec = spec[k+1:]; arg == 0 {
				return "", errParam("ZERO_INDEX", "format_string", "strfmt", "the first argument is %1$, not %0$.")
			}
		} else {
			next++
		}
		if arg < 1 || arg >= len(c.args) {
			return "", errFormat("%" + spec + string(conv))
		}
		s, ok := formatOne(spec, conv, c, arg)
		if !ok {
			return "", errFormat("%" + spec + string(conv))
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func errFormat(spec string) error {
	return errParam("PATTERN", "format_string", "strfmt", "the directive '"+spec+"' does not fit its argument.", "value", "'"+spec+"'")
}

// formatOne formats argument k.
func formatOne(spec string, conv byte, c *cells, k int) (string, bool) {
	comma := strings.Contains(spec, ",")
	goSpec := "%" + strings.ReplaceAll(spec, ",", "")
	if c.null(k) {
		return fmt.Sprintf(widthOnly(spec)+"s", "null"), true
	}
	v := c.vector(k)
	x := v.Get(c.i)
	switch conv {
	case 's', 'S':
		s := fmt.Sprintf(goSpec+"s", displayText(x, v.Type))
		if conv == 'S' {
			s = strings.ToUpper(s)
		}
		return s, true
	case 'b', 'B':
		b, isBool := x.(bool)
		return fmt.Sprintf(goSpec+"s", strconv.FormatBool(b || !isBool)), true
	case 'c':
		if !v.Type.IsIntegral() {
			return "", false
		}
		return fmt.Sprintf(goSpec+"c", rune(integerAt(v, c.slot(k)))), true
	case 'd', 'x', 'X', 'o':
		if !v.Type.IsIntegral() {
			return "", false
		}
		n := integerAt(v, c.slot(k))
		if conv == 'd' && comma {
			return fmt.Sprintf(widthOnly(spec)+"s", grouped(strconv.FormatInt(n, 10))), true
		}
		if conv != 'd' && n < 0 {
			return fmt.Sprintf(goSpec+string(conv), uint64(n)&(1<<(8*v.Phys().Width())-1)), true
		}
		return fmt.Sprintf(goSpec+string(conv), n), true
	case 'f', 'e', 'E', 'g', 'G', 'a':
		return formatReal(spec, conv, x, v.Type, comma)
	}
	return "", false
}

func formatReal(spec string, conv byte, x any, t types.Type, comma bool) (string, bool) {
	f, ok := realOf(x, t)
	if !ok || t.IsIntegral() {
		return "", false
	}
	if strings.IndexByte(spec, '.') < 0 {
		spec += ".6"
	}
	if comma {
		plain := fmt.Sprintf("%."+spec[strings.IndexByte(spec, '.')+1:]+"f", f)
		return fmt.Sprintf(widthOnly(spec)+"s", grouped(plain)), true
	}
	return fmt.Sprintf("%"+spec+string(conv), f), true
}

// widthOnly keeps the minus flag and the width.
func widthOnly(spec string) string {
	spec, _, _ = strings.Cut(spec, ".")
	out := "%"
	if strings.Contains(spec, "-") {
		out += "-"
	}
	return out + strings.TrimLeft(spec, "-#+ ,(0")
}

// displayText is a boxed value as Java's toString shows it.
func displayText(x any, t types.Type) string {
	switch v := x.(type) {
	case float64:
		return string(decimal.AppendDouble(nil, v))
	case float32:
		return string(decimal.AppendFloat(nil, v))
	case batch.Int128:
		return string(decimal.AppendJava(nil, v, int(t.Scale)))
	case int64:
		if t.Kind == types.KindDecimal {
			return string(decimal.AppendJava(nil, decimal.FromInt64(v), int(t.Scale)))
		}
	}
	return fmt.Sprint(x)
}
