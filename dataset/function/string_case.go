package function

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
)

// textKernel is the kernel of functions from a string to a string.
func textKernel(f func(dst, s []byte) []byte) maker {
	return rows(func(c *cells) error {
		c.buf = f(c.buf[:0], c.str(0))
		c.setStr(c.buf)
		return nil
	})
}

// newUpper and newLower change ASCII in place of a copy, byte by byte. The rest
// goes by Unicode's full mappings, as in Spark: one letter may become two.
func newUpper(*Env, *plan.Call) (Kernel, error) {
	return caseKernel('a', 'z', cases.Upper(language.Und).Bytes), nil
}

func newLower(*Env, *plan.Call) (Kernel, error) {
	return caseKernel('A', 'Z', cases.Lower(language.Und).Bytes), nil
}

// caseKernel flips letters from lo to hi; slow is for what is not ASCII.
func caseKernel(lo, hi byte, slow func([]byte) []byte) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		in, dst, nulls := StrsOf(args[0]), batch.Values[batch.View](out), out.HasNulls()
		for i := range n {
			if nulls && !out.Valid(i) {
				continue
			}
			s := in.At(i)
			if !isASCII(s) {
				dst[i] = out.Intern(slow(s))
				continue
			}
			room := out.Room(max(len(s), 1))
			at := len(*room)
			b := append(*room, s...)
			flipCase(b[at:], lo, hi)
			*room = b
			dst[i] = out.TailView(len(s))
			if len(s) <= batch.InlineLen {
				*room = b[:at]
			}
		}
		return nil
	}
}

// flipCase changes the case of ASCII letters from lo to hi, eight bytes at a
// time: adding to the low seven bits carries into the top bit from lo on, and
// from hi+1 on.
func flipCase(b []byte, lo, hi byte) {
	from, above := uint64(0x80-lo)*wordOnes, uint64(0x7F-hi)*wordOnes
	for len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		in := (w + from) ^ (w + above)
		binary.LittleEndian.PutUint64(b, w^in&wordTops>>2)
		b = b[8:]
	}
	for k, c := range b {
		if c >= lo && c <= hi {
			b[k] = c ^ 0x20
		}
	}
}

// initcap makes the first letter of each word upper case and the rest lower.
func initcap(dst, s []byte) []byte {
	first := true
	for _, r := range string(s) {
		if first {
			r = unicode.ToTitle(r)
		} else {
			r = unicode.ToLower(r)
		}
		first = r == ' '
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// leadSize is the length of the character that a byte begins, as Spark counts
// it: whatever follows belongs to it, valid or not.
func leadSize(b byte) int {
	switch {
	case b >= 0xC2 && b <= 0xDF:
		return 2
	case b >= 0xE0 && b <= 0xEF:
		return 3
	case b >= 0xF0 && b <= 0xF4:
		return 4
	}
	return 1
}

// reverseText reverses the characters.
func reverseText(dst, s []byte) []byte {
	at := len(dst)
	dst = append(dst, s...)
	to := len(dst)
	for i := 0; i < len(s); {
		n := min(leadSize(s[i]), len(s)-i)
		to -= n
		copy(dst[to:], s[i:i+n])
		i += n
	}
	return dst[:at+len(s)]
}

// soundexCodes are the digits of the letters A to Z; '7' keeps the code before it.
const soundexCodes = "01230127022455012623017202"

// soundex is the American Soundex code; what does not start with a letter stays as it is.
func soundex(dst, s []byte) []byte {
	if len(s) == 0 || !isLetter(s[0]) {
		return append(dst, s...)
	}
	code := []byte{s[0] &^ 0x20, '0', '0', '0'}
	last := soundexCodes[code[0]-'A']
	k := 1
	for _, c := range s[1:] {
		if k == len(code) {
			break
		}
		if !isLetter(c) {
			last = '0'
			continue
		}
		d := soundexCodes[(c&^0x20)-'A']
		if d == '7' {
			continue
		}
		if d != '0' && d != last {
			code[k] = d
			k++
		}
		last = d
	}
	return append(dst, code...)
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// maskText replaces letters and digits; a nil replacement leaves them.
func maskText(c *cells) error {
	if c.null(0) {
		c.setNull()
		return nil
	}
	repl := [4][]byte{[]byte("X"), []byte("x"), []byte("n"), nil}
	for k := 1; k < len(c.args); k++ {
		repl[k-1] = nil
		if !c.null(k) {
			repl[k-1] = c.str(k)
		}
	}
	c.buf = c.buf[:0]
	for _, r := range string(c.str(0)) {
		kind := 3
		switch {
		case unicode.IsUpper(r):
			kind = 0
		case unicode.IsLower(r):
			kind = 1
		case unicode.IsDigit(r):
			kind = 2
		}
		if repl[kind] != nil {
			c.buf = append(c.buf, repl[kind]...)
		} else {
			c.buf = utf8.AppendRune(c.buf, r)
		}
	}
	c.setStr(c.buf)
	return nil
}

// quoteText puts a string into single quotes, with backslashes before quotes and backslashes.
func quoteText(dst, s []byte) []byte {
	dst = append(dst, '\'')
	for _, c := range s {
		if c == '\'' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '\'')
}

// luhn tells whether digits pass the Luhn check.
func luhn(s []byte) bool {
	sum := 0
	for k := range s {
		c := s[len(s)-1-k]
		if c < '0' || c > '9' {
			return false
		}
		d := int(c - '0')
		if k%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return len(s) > 0 && sum%10 == 0
}
