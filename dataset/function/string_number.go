package function

import (
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// numberFormat is a compiled format of to_number and to_char: digits 0 and 9,
// one point (. or D), thousands (, or G), $, and a sign S, MI or PR.
type numberFormat struct {
	whole    string // digits and commas before the point
	frac     int    // digits after it
	point    bool
	currency bool
	sign     string // "S", "MI", "PR" or none
	leading  bool   // the sign stands in front
}

func errNumberFormat(format, why string) error {
	return badNumberFormat("UNEXPECTED_TOKEN", format, why)
}

func badNumberFormat(sub, format, why string) error {
	return errs.Cond(errs.Analysis, "INVALID_FORMAT."+sub, "42601", "The number format '"+format+"' is invalid: "+why, "format", "'"+format+"'")
}

// compileNumber reads a format.
func compileNumber(src string) (*numberFormat, error) {
	f := &numberFormat{}
	s := strings.ToUpper(src)
	for _, sign := range [...]string{"MI", "S"} {
		if strings.HasPrefix(s, sign) {
			f.sign, f.leading, s = sign, true, s[len(sign):]
			break
		}
	}
	if strings.HasPrefix(s, "$") {
		f.currency, s = true, s[1:]
	}
	for _, sign := range [...]string{"MI", "PR", "S"} {
		if f.sign == "" && strings.HasSuffix(s, sign) {
			f.sign, s = sign, strings.TrimSuffix(s, sign)
		}
	}
	s = strings.NewReplacer("D", ".", "G", ",").Replace(s)
	whole, frac, point := strings.Cut(s, ".")
	f.whole, f.frac, f.point = whole, len(frac), point
	switch {
	case strings.Contains(frac, ","):
		return nil, badNumberFormat("THOUSANDS_SEPS_MUST_BEFORE_DEC", src, "thousands separators have to come before the point.")
	case strings.HasPrefix(whole, ",") || strings.HasSuffix(whole, ",") || strings.Contains(whole, ",,"):
		return nil, badNumberFormat("CONT_THOUSANDS_SEPS", src, "a thousands separator needs digits on both sides.")
	case strings.Trim(whole, "09,") != "" || strings.Trim(frac, "09") != "":
		return nil, errNumberFormat(src, "it has characters that mean nothing there.")
	case f.digits() == 0:
		return nil, errNumberFormat(src, "it has no digits.")
	case f.digits() > types.MaxPrecision:
		return nil, errNumberFormat(src, "it has too many digits.")
	}
	return f, nil
}

func (f *numberFormat) wholeDigits() int { return len(f.whole) - strings.Count(f.whole, ",") }
func (f *numberFormat) digits() int      { return f.wholeDigits() + f.frac }

// parse reads a number; false if the text does not fit.
func (f *numberFormat) parse(s string) (batch.Int128, bool) {
	s = strings.TrimSpace(s)
	neg := false
	switch {
	case f.sign == "PR":
		if strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">") {
			neg, s = true, s[1:len(s)-1]
		}
	case f.sign != "" && f.leading && s != "" && (s[0] == '-' || s[0] == '+'):
		neg, s = s[0] == '-', s[1:]
	case f.sign != "" && !f.leading && s != "" && (s[len(s)-1] == '-' || s[len(s)-1] == '+'):
		neg, s = s[len(s)-1] == '-', s[:len(s)-1]
	}
	if f.currency {
		if !strings.HasPrefix(s, "$") {
			return batch.Int128{}, false
		}
		s = s[1:]
	}
	whole, frac, point := strings.Cut(s, ".")
	if point && !f.point || len(frac) > f.frac || strings.Trim(frac, "0123456789") != "" || !f.fitsWhole(whole) || whole+frac == "" {
		return batch.Int128{}, false
	}
	digits := strings.ReplaceAll(whole, ",", "") + frac + strings.Repeat("0", f.frac-len(frac))
	x, valid, fits := decimal.Parse(digits, 0)
	if neg {
		x = x.Neg()
	}
	return x, valid && fits
}

// fitsWhole matches digits and commas from the right; 0 wants a digit.
func (f *numberFormat) fitsWhole(s string) bool {
	k := len(s)
	for i := len(f.whole) - 1; i >= 0; i-- {
		if k == 0 {
			return !strings.Contains(f.whole[:i+1], "0")
		}
		k--
		if (f.whole[i] == ',') != (s[k] == ',') || s[k] != ',' && (s[k] < '0' || s[k] > '9') {
			return false
		}
	}
	return k == 0
}

// format prints an unscaled number of a scale.
func (f *numberFormat) format(x batch.Int128, scale int) string {
	rounded, ok := x.Rescale(scale, f.frac)
	text := decimal.String(rounded.Abs(), f.frac)
	whole, frac, _ := strings.Cut(text, ".")
	if whole == "0" && f.wholeDigits() < 1 {
		whole = ""
	}
	if !ok || len(whole) > f.wholeDigits() {
		hidden := strings.NewReplacer("0", "#", "9", "#").Replace(f.whole)
		if f.point {
			hidden += "." + strings.Repeat("#", f.frac)
		}
		return f.dress(hidden, x.Sign() < 0)
	}
	body := f.layout(whole)
	if f.point {
		body += "." + frac
	}
	return f.dress(body, x.Sign() < 0)
}

// layout puts digits into the format's places: a blank for a missing 9, 0 for a missing 0.
func (f *numberFormat) layout(whole string) string {
	out := []byte(f.whole)
	k := len(whole)
	zeros := strings.IndexByte(f.whole, '0')
	for i := len(out) - 1; i >= 0; i-- {
		switch {
		case out[i] == ',':
			if k == 0 && (zeros < 0 || i < zeros) {
				out[i] = ' '
			}
		case k > 0:
			k--
			out[i] = whole[k]
		case zeros >= 0 && i >= zeros:
			out[i] = '0'
		default:
			out[i] = ' '
		}
	}
	return string(out)
}

// dress adds the currency next to the first digit, and the sign.
func (f *numberFormat) dress(body string, neg bool) string {
	pad := len(body) - len(strings.TrimLeft(body, " "))
	lead, body := body[:pad], body[pad:]
	if f.currency {
		body = "$" + body
	}
	sign := "+"
	if neg {
		sign = "-"
	}
	switch {
	case f.sign == "PR" && neg:
		return lead + "<" + body + ">"
	case f.sign == "PR":
		return lead + body + "  "
	case f.sign == "MI" && !neg:
		sign = " "
	case f.sign == "": // a format without a sign shows none
		return lead + body
	}
	if f.leading {
		return lead + sign + body
	}
	return lead + body + sign
}

// toNumberRule types to_number: the format's digits.
func toNumberRule(try bool) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		t, err := textRule(WantString)(env, args)
		if err != nil {
			return t, err
		}
		format, null, ok := constText(args[1])
		switch {
		case !ok:
			return t, NonFoldable(args, 1, "format", "STRING")
		case null:
			t.Result, t.Nullable = types.Decimal(types.MaxPrecision, types.DefaultScale), true
			return t, nil
		}
		f, err := compileNumber(string(format))
		if err != nil {
			return t, err
		}
		t.Result, t.Nullable = types.Decimal(f.digits(), f.frac), t.Nullable || try
		return t, nil
	}
}

func newToNumber(try bool) maker {
	return func(_ *Env, call *plan.Call) (Kernel, error) {
		format, _, _ := constText(call.Args[1])
		f, err := compileNumber(string(format))
		if err != nil {
			return nil, err
		}
		return rowKernel(func(c *cells) error {
			x, ok := f.parse(string(c.str(0)))
			switch {
			case ok:
				c.setDecimal(x)
			case try:
				c.setNull()
			default:
				return errs.Cond(errs.IllegalArg, "INVALID_FORMAT.MISMATCH_INPUT", "42601", "The text '"+string(c.str(0))+"' does not fit the number format '"+string(format)+"'.",
					"inputType", "\"STRING\"", "input", string(c.str(0)), "format", string(format))
			}
			return nil
		}), nil
	}
}

// toCharRewrite picks the function of a value's type for to_char and to_varchar.
func toCharRewrite(_ *Env, args []plan.Expr) (plan.Expr, error) {
	t := args[0].Type()
	switch {
	case isDatetime(t):
		return plan.Fn("date_format", args...), nil
	case t.Kind != types.KindBinary:
		return plan.Fn("format_decimal", args...), nil
	}
	format, _, ok := constText(args[1])
	if !ok {
		return nil, NonFoldable(args, 1, "format", "STRING")
	}
	switch strings.ToLower(string(format)) {
	case "base64":
		return plan.Fn("base64", args[0]), nil
	case "hex":
		return plan.Fn("hex", args[0]), nil
	case "utf-8":
		return plan.Fn("decode_charset", args[0], plan.LitString("utf-8")), nil
	}
	return nil, errParam("BINARY_FORMAT", "to_char", "format", "'"+string(format)+"' is none of base64, hex, utf-8.", "invalidFormat", "'"+string(format)+"'")
}

func formatDecimalRule(env *Env, args []plan.Expr) (Typing, error) {
	t, err := textRule(WantDecimal, WantString)(env, args)
	if err != nil {
		return t, err
	}
	format, null, ok := constText(args[1])
	if !ok {
		return t, NonFoldable(args, 1, "format", "STRING")
	}
	if !null {
		_, err = compileNumber(string(format))
	}
	return t, err
}

func newFormatDecimal(_ *Env, call *plan.Call) (Kernel, error) {
	format, _, _ := constText(call.Args[1])
	f, err := compileNumber(string(format))
	if err != nil {
		return nil, err
	}
	scale := int(call.Args[0].Type().Scale)
	return rowKernel(func(c *cells) error { c.setText(f.format(c.decimal(0), scale)); return nil }), nil
}

// decodeRewrite is decode(bytes, charset), or decode(value, key, result, ...[, default]).
func decodeRewrite(_ *Env, args []plan.Expr) (plan.Expr, error) {
	if len(args) == 2 {
		return plan.Fn("decode_charset", args...), nil
	}
	c := &plan.Case{}
	rest := args[1:]
	for ; len(rest) >= 2; rest = rest[2:] {
		c.Whens = append(c.Whens, plan.When{Cond: plan.Fn("<=>", args[0], rest[0]), Then: rest[1]})
	}
	if len(rest) == 1 {
		c.Else = rest[0]
	}
	return c, nil
}

// numberStrings are the functions between numbers, codes and formatted text.
func numberStrings() []*Entry {
	toChar := doc{"A number, date or binary as text by a format.", "SELECT to_char(454, '999')", "454"}
	return append(fnEntries(
		stringGroup,
		fnSpec{"to_number", 2, 2, toNumberRule(false), newToNumber(false), doc{"The number of a text by a format.", "SELECT to_number('12,454', '99,999')", "12454"}, fnMore{}},
		fnSpec{"try_to_number", 2, 2, toNumberRule(true), newToNumber(true), doc{"Like to_number, null for what does not fit.", "SELECT try_to_number('$78.12', '$99.99')", "78.12"}, fnMore{}},
		fnSpec{"format_decimal", 2, 2, formatDecimalRule, newFormatDecimal, doc{"to_char of a number.", "SELECT format_decimal(78.12, '$99.99')", "$78.12"}, fnMore{}},
	), rewriteSpec(stringGroup, "to_char", 2, 2, toCharRewrite, toChar, "to_varchar"),
		rewriteSpec(stringGroup, "decode", 2, -1, decodeRewrite, doc{"String of bytes in a charset; or the result paired with the first key that equals the value.", "SELECT decode(encode('abc', 'utf-8'), 'utf-8')", "abc"}))
}
