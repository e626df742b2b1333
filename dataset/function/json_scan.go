package function

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonKind is the kind of a JSON value.
type jsonKind uint8

const (
	jsonBad jsonKind = iota
	jsonNull
	jsonTrue
	jsonFalse
	jsonNumber
	jsonString
	jsonArray
	jsonObject
)

// maxJSONDepth bounds nesting, as Spark's parser does.
const maxJSONDepth = 1000

// jsonScan reads JSON text in place. Values are handed out as slices of it.
type jsonScan struct {
	s     []byte
	at    int
	depth int
	loose jsonLoose
}

// jsonLoose is what the parser tolerates beyond the standard.
type jsonLoose struct{ singleQuotes, unquotedNames, nonNumbers, leadingZeros, decimals bool }

func (j *jsonScan) blanks() {
	for j.at < len(j.s) {
		switch j.s[j.at] {
		case ' ', '\t', '\n', '\r':
			j.at++
		default:
			return
		}
	}
}

// peek is the kind of the value that comes next.
func (j *jsonScan) peek() jsonKind {
	j.blanks()
	if j.at >= len(j.s) {
		return jsonBad
	}
	switch c := j.s[j.at]; c {
	case '{':
		return jsonObject
	case '[':
		return jsonArray
	case '"':
		return jsonString
	case '\'':
		if j.loose.singleQuotes {
			return jsonString
		}
	case 't':
		return jsonTrue
	case 'f':
		return jsonFalse
	case 'n':
		return jsonNull
	case 'N', 'I', '+':
		if j.loose.nonNumbers {
			return jsonNumber
		}
	default:
		if c == '-' || c >= '0' && c <= '9' {
			return jsonNumber
		}
	}
	return jsonBad
}

// value skips one value and returns its text; ok is false if it is malformed.
func (j *jsonScan) value() (text []byte, kind jsonKind, ok bool) {
	kind = j.peek()
	from := j.at
	switch kind {
	case jsonTrue:
		ok = j.word("true")
	case jsonFalse:
		ok = j.word("false")
	case jsonNull:
		ok = j.word("null")
	case jsonNumber:
		ok = j.number()
	case jsonString:
		ok = j.str()
	case jsonArray:
		ok = j.elements(func() bool { _, _, ok := j.value(); return ok })
	case jsonObject:
		ok = j.members(func([]byte) bool { _, _, ok := j.value(); return ok })
	default:
	}
	return j.s[from:j.at], kind, ok
}

func (j *jsonScan) word(w string) bool {
	if !bytes.HasPrefix(j.s[j.at:], []byte(w)) {
		return false
	}
	j.at += len(w)
	return true
}

func (j *jsonScan) digits() int {
	n := 0
	for j.at < len(j.s) && j.s[j.at] >= '0' && j.s[j.at] <= '9' {
		j.at++
		n++
	}
	return n
}

func (j *jsonScan) number() bool {
	if j.loose.nonNumbers {
		for _, w := range [...]string{"NaN", "-Infinity", "+Infinity", "Infinity", "-INF", "+INF", "INF"} {
			if j.word(w) {
				return true
			}
		}
	}
	if j.s[j.at] == '-' {
		j.at++
	}
	zero := j.at < len(j.s) && j.s[j.at] == '0'
	if n := j.digits(); n == 0 || zero && n > 1 && !j.loose.leadingZeros {
		return false
	}
	if j.at < len(j.s) && j.s[j.at] == '.' {
		j.at++
		if j.digits() == 0 {
			return false
		}
	}
	if j.at < len(j.s) && j.s[j.at]|0x20 == 'e' {
		j.at++
		if j.at < len(j.s) && (j.s[j.at] == '+' || j.s[j.at] == '-') {
			j.at++
		}
		if j.digits() == 0 {
			return false
		}
	}
	return true
}

// str skips a string; control characters are refused.
func (j *jsonScan) str() bool {
	quote := j.s[j.at]
	for j.at++; j.at < len(j.s); j.at++ {
		switch c := j.s[j.at]; {
		case c == quote:
			j.at++
			return true
		case c == '\\':
			if j.at++; j.at >= len(j.s) {
				return false
			}
		case c < 0x20:
			return false
		}
	}
	return false
}

// name reads a member's name, decoded.
func (j *jsonScan) name() ([]byte, bool) {
	if k := j.peek(); k == jsonString {
		from := j.at
		if !j.str() {
			return nil, false
		}
		return unquoteJSON(nil, j.s[from:j.at])
	}
	if !j.loose.unquotedNames {
		return nil, false
	}
	from := j.at
	for j.at < len(j.s) && (isLetter(j.s[j.at]) || j.s[j.at] == '_' || j.s[j.at] >= '0' && j.s[j.at] <= '9') {
		j.at++
	}
	return j.s[from:j.at], j.at > from
}

// members reads an object, calling f before each member's value, which f reads.
func (j *jsonScan) members(f func(name []byte) bool) bool {
	return j.inside('}', func() bool {
		name, ok := j.name()
		if !ok {
			return false
		}
		j.blanks()
		if j.at >= len(j.s) || j.s[j.at] != ':' {
			return false
		}
		j.at++
		return f(name)
	})
}

// elements reads an array, calling f to read each element.
func (j *jsonScan) elements(f func() bool) bool { return j.inside(']', f) }

func (j *jsonScan) inside(end byte, f func() bool) bool {
	if j.depth++; j.depth > maxJSONDepth {
		return false
	}
	defer func() { j.depth-- }()
	j.at++
	j.blanks()
	if j.at < len(j.s) && j.s[j.at] == end {
		j.at++
		return true
	}
	for {
		j.blanks()
		if !f() {
			return false
		}
		j.blanks()
		if j.at >= len(j.s) {
			return false
		}
		j.at++
		switch j.s[j.at-1] {
		case end:
			return true
		case ',':
		default:
			return false
		}
	}
}

// unquoteJSON appends the text of a JSON string.
func unquoteJSON(dst, s []byte) ([]byte, bool) {
	s = s[1 : len(s)-1]
	for len(s) > 0 {
		k := bytes.IndexByte(s, '\\')
		if k < 0 {
			break
		}
		dst = append(dst, s[:k]...)
		s = s[k+1:]
		if len(s) == 0 {
			return dst, false
		}
		c := s[0]
		s = s[1:]
		switch c {
		case '"', '\\', '/', '\'':
			dst = append(dst, c)
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, n, ok := hexRune(s)
			if !ok {
				return dst, false
			}
			dst, s = utf8.AppendRune(dst, r), s[n:]
		default:
			return dst, false
		}
	}
	return append(dst, s...), true
}

// hexRune reads the digits after \u, and a second escape of a pair.
func hexRune(s []byte) (r rune, n int, ok bool) {
	unit := func(b []byte) (rune, bool) {
		if len(b) < 4 {
			return 0, false
		}
		v, err := strconv.ParseUint(string(b[:4]), 16, 16)
		return rune(v), err == nil
	}
	r, ok = unit(s)
	if !ok || !utf16.IsSurrogate(r) {
		return r, 4, ok
	}
	if len(s) >= 10 && s[4] == '\\' && s[5] == 'u' {
		if low, ok := unit(s[6:]); ok {
			if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
				return full, 10, true
			}
		}
	}
	return utf8.RuneError, 4, true
}

// quoteJSON appends s as a JSON string.
func quoteJSON(dst, s []byte) []byte {
	const digits = "0123456789ABCDEF"
	dst = append(dst, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= 0x20:
			dst = append(dst, c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\b':
			dst = append(dst, '\\', 'b')
		case c == '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	return append(dst, '"')
}

// compactJSON appends a valid value without blanks, its strings normalised.
func compactJSON(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		switch c := s[i]; c {
		case ' ', '\t', '\n', '\r':
			i++
		case '"':
			j := jsonScan{s: s, at: i}
			j.str()
			text, _ := unquoteJSON(nil, s[i:j.at])
			dst = quoteJSON(dst, text)
			i = j.at
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}
