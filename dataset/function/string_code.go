package function

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// toBase64 encodes in lines of any length.
func toBase64(dst, s []byte) []byte { return base64.StdEncoding.AppendEncode(dst, s) }

// fromBase64 ignores line breaks; other foreign characters are an error.
func fromBase64(dst, s []byte) ([]byte, bool) {
	clean := strings.TrimRight(strings.NewReplacer("\n", "", "\r", "", " ", "", "\t", "").Replace(string(s)), "=")
	out, err := base64.RawStdEncoding.AppendDecode(dst, []byte(clean))
	return out, err == nil
}

// strictBase64 is fromBase64 for text whose padding is complete and last.
func strictBase64(dst, s []byte) ([]byte, bool) {
	n, pads := 0, 0
	for _, c := range s {
		switch {
		case c == '=':
			pads++
		case pads > 0:
			return dst, false
		case c != ' ' && c != '\n' && c != '\r' && c != '\t':
			n++
		}
	}
	if pads > 2 || pads > 0 && (n+pads)%4 != 0 || n%4 == 1 {
		return dst, false
	}
	return fromBase64(dst, s)
}

// toBinaryRule wants a constant format that exists.
func toBinaryRule(try bool) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		t, err := MayNull(Fixed(types.Binary, WantString))(env, args)
		if err != nil || len(args) < 2 {
			return t, err
		}
		if !IsFoldable(args[1]) {
			return t, NonFoldable(args, 1, "fmt", "STRING")
		}
		format, null, ok := constText(args[1])
		if x, isNum := constReal(args[1]); isNum {
			format, ok, null = []byte(strconv.FormatFloat(x, 'g', -1, 64)), true, false
		}
		known := slices.Contains([]string{"hex", "base64", "utf-8", "utf8"}, strings.ToLower(string(format)))
		if ok && !null && !known && !try {
			return t, InvalidArg("fmt", "case-insensitive \"hex\", \"base64\", \"utf-8\", or \"utf8\"", "'"+string(format)+"'")
		}
		if known && !try && !strings.EqualFold(string(format), "hex") {
			t.Nullable = AnyNullable(args) // only unhex is never sure of a value
		}
		return t, nil
	}
}

// unhexText reads pairs of hexadecimal digits, the first one perhaps alone.
func unhexText(dst, s []byte) ([]byte, bool) {
	text := s
	if len(s)%2 == 1 {
		text = append([]byte("0"), s...)
	}
	out, err := hex.AppendDecode(dst, text)
	return out, err == nil
}

// binaryKernel is the kernel of functions that decode text, with an error or
// null (try) for what is none.
func binaryKernel(decode func(dst, s []byte) ([]byte, bool), fn, format string, null bool) maker {
	return rows(func(c *cells) error {
		out, ok := decode(c.buf[:0], c.str(0))
		switch {
		case ok:
			c.buf = out
			c.setStr(out)
		case null:
			c.setNull()
		default:
			return errConversion(string(c.str(0)), fn, format)
		}
		return nil
	})
}

func errConversion(s, fn, format string) error {
	return errs.Cond(errs.IllegalArg, "CONVERSION_INVALID_INPUT", "22018", "The text '"+s+"' is no "+format+".",
		"str", "'"+s+"'", "fmt", "'"+format+"'", "targetType", "\"BINARY\"", "suggestion", types.Quote("try_"+fn))
}

// hexUpper is hex of bytes.
func hexUpper(dst, s []byte) []byte {
	const digits = "0123456789ABCDEF"
	for _, c := range s {
		dst = append(dst, digits[c>>4], digits[c&15])
	}
	return dst
}

// charset converts between UTF-8 and a named encoding.
type charset struct {
	encode func(dst, s []byte) ([]byte, bool)
	decode func(dst, s []byte) ([]byte, bool)
}

func charsetOf(name string) (charset, bool) {
	switch strings.ToUpper(name) {
	case "UTF-8", "UTF8":
		return charset{
			func(dst, s []byte) ([]byte, bool) { return append(dst, s...), true },
			func(dst, s []byte) ([]byte, bool) { return append(dst, s...), utf8.Valid(s) },
		}, true
	case "US-ASCII":
		return latin(utf8.RuneSelf), true
	case "ISO-8859-1":
		return latin(256), true
	case "UTF-16BE":
		return charset{utf16Encode(true, false), utf16Decode(true)}, true
	case "UTF-16LE":
		return charset{utf16Encode(false, false), utf16Decode(false)}, true
	case "UTF-16":
		return charset{utf16Encode(true, true), utf16Decode(true)}, true
	case "UTF-32":
		return charset{utf32Encode, utf32Decode}, true
	}
	return charset{}, false
}

// latin is one byte a character below limit.
func latin(limit rune) charset {
	return charset{
		func(dst, s []byte) ([]byte, bool) {
			for _, r := range string(s) {
				if r >= limit {
					return dst, false
				}
				dst = append(dst, byte(r))
			}
			return dst, true
		},
		func(dst, s []byte) ([]byte, bool) {
			for _, b := range s {
				if rune(b) >= limit {
					return dst, false
				}
				dst = utf8.AppendRune(dst, rune(b))
			}
			return dst, true
		},
	}
}

func utf16Encode(big, mark bool) func(dst, s []byte) ([]byte, bool) {
	put := func(dst []byte, u uint16) []byte {
		if big {
			return append(dst, byte(u>>8), byte(u))
		}
		return append(dst, byte(u), byte(u>>8))
	}
	return func(dst, s []byte) ([]byte, bool) {
		if mark && len(s) > 0 {
			dst = put(dst, 0xFEFF)
		}
		for _, u := range utf16.Encode([]rune(string(s))) {
			dst = put(dst, u)
		}
		return dst, true
	}
}

func utf16Decode(big bool) func(dst, s []byte) ([]byte, bool) {
	return func(dst, s []byte) ([]byte, bool) {
		if len(s)%2 != 0 {
			return dst, false
		}
		be := big
		units := make([]uint16, 0, len(s)/2)
		for i := 0; i < len(s); i += 2 {
			u := uint16(s[i])<<8 | uint16(s[i+1])
			if !be {
				u = u>>8 | u<<8
			}
			if i == 0 && (u == 0xFEFF || u == 0xFFFE) {
				be = be == (u == 0xFEFF)
				continue
			}
			units = append(units, u)
		}
		return append(dst, string(utf16.Decode(units))...), true
	}
}

func utf32Encode(dst, s []byte) ([]byte, bool) {
	for _, r := range string(s) {
		dst = append(dst, byte(r>>24), byte(r>>16), byte(r>>8), byte(r))
	}
	return dst, true
}

func utf32Decode(dst, s []byte) ([]byte, bool) {
	for ; len(s) >= 4; s = s[4:] {
		dst = utf8.AppendRune(dst, rune(s[0])<<24|rune(s[1])<<16|rune(s[2])<<8|rune(s[3]))
	}
	return dst, len(s) == 0
}

// transcode makes encode and decode.
func transcode(name string, encode bool) maker {
	return func(env *Env, _ *plan.Call) (Kernel, error) {
		lenient := env.Conf["spark.sql.legacy.codingErrorAction"] == "true"
		return rowKernel(func(c *cells) error { return transcodeRow(c, name, encode, lenient) }), nil
	}
}

// transcodeRow converts one value; lenient puts marks in the place of what the
// charset lacks, byte by byte or character by character.
func transcodeRow(c *cells, name string, encode, lenient bool) error {
	cs, ok := charsetOf(string(c.str(1)))
	if !ok {
		return errParam("CHARSET", name, "charset", "it has to be one of UTF-8, US-ASCII, ISO-8859-1, UTF-16, UTF-16BE, UTF-16LE, UTF-32.",
			"charset", string(c.str(1)), "charsets", "iso-8859-1, us-ascii, utf-16, utf-16be, utf-16le, utf-32, utf-8")
	}
	f := cs.decode
	if encode {
		f = cs.encode
	}
	out, ok := f(c.buf[:0], c.str(0))
	if !ok && lenient {
		out, ok = marked(f, c.str(0), encode), true
	}
	if !ok {
		return errs.Cond(errs.Runtime, "MALFORMED_CHARACTER_CODING", "22000", "In "+name+", the value is not of the charset "+string(c.str(1))+".",
			"function", types.Quote(name), "charset", string(c.str(1)))
	}
	c.buf = out
	c.setStr(out)
	return nil
}

// marked converts piece by piece, with a mark for each that has no code.
func marked(f func(dst, s []byte) ([]byte, bool), s []byte, encode bool) []byte {
	var out []byte
	for len(s) > 0 {
		n := 1
		if encode {
			_, n = utf8.DecodeRune(s)
		}
		next, ok := f(out, s[:n])
		switch {
		case ok:
			out = next
		case encode:
			out = append(out, '?')
		default:
			out = utf8.AppendRune(out, utf8.RuneError)
		}
		s = s[n:]
	}
	return out
}

// toBinary is to_binary(text[, format]) and try_to_binary.
func toBinary(try bool) maker {
	return func(env *Env, call *plan.Call) (Kernel, error) {
		format, _ := constString(call.Args, 1, "hex")
		decode := unhexText
		switch strings.ToLower(format) {
		case "hex":
		case "base64":
			decode = strictBase64
		case "utf-8", "utf8":
			decode = func(dst, s []byte) ([]byte, bool) { return append(dst, s...), true }
		default:
			if !try {
				return nil, errParam("BINARY_FORMAT", "to_binary", "fmt", "'"+format+"' is none of hex, base64, utf-8.", "invalidFormat", "'"+format+"'")
			}
			decode = func(dst, _ []byte) ([]byte, bool) { return dst, false }
		}
		return binaryKernel(decode, "to_binary", strings.ToUpper(format), try)(env, call)
	}
}

// validUTF8 makes the family of UTF-8 checks.
func validUTF8(onError func(c *cells, s []byte) error) maker {
	return rows(func(c *cells) error {
		s := c.str(0)
		if utf8.Valid(s) {
			c.setStr(s)
			return nil
		}
		return onError(c, s)
	})
}

func errInvalidUTF8(_ *cells, s []byte) error {
	text := string(hexUpper(nil, s))
	return errs.Cond(errs.IllegalArg, "INVALID_UTF8_STRING", "22029", "The bytes "+text+" are not UTF-8.", "str", text)
}
