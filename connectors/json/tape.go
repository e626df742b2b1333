package json

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// tokens of a record, as a tape: a value's parts follow it directly, and next
// is the position behind them. Syntax is checked once, here; what reads the
// tape cannot meet a malformed text.
type token struct {
	kind tokenKind
	esc  bool // a string with escapes
	off  uint32
	end  uint32
	next int32
}

type tokenKind uint8

const (
	nullToken tokenKind = iota
	trueToken
	falseToken
	intToken
	floatToken
	nameToken // NaN, Infinity and the like
	stringToken
	arrayToken
	objectToken // key, value, key, value, …
)

// maxDepth bounds values in values; Jackson's default is the same.
const maxDepth = 1000

// tape reads values of one block.
type tape struct {
	b    []byte
	i    int
	toks []token
	opt  *options
}

func (t *tape) space() {
	if t.i < len(t.b) && t.b[t.i] > ' ' && t.b[t.i] != '/' {
		return
	}
	t.blanks()
}

func (t *tape) blanks() {
	for t.i < len(t.b) {
		switch t.b[t.i] {
		case ' ', '\t', '\n', '\r':
			t.i++
		case '/':
			if !t.opt.comments || !t.comment() {
				return
			}
		default:
			return
		}
	}
}

func (t *tape) comment() bool {
	rest := t.b[t.i:]
	switch {
	case bytes.HasPrefix(rest, []byte("//")):
		k := bytes.IndexByte(rest, '\n')
		if k < 0 {
			k = len(rest)
		}
		t.i += k
		return true
	case bytes.HasPrefix(rest, []byte("/*")):
		k := bytes.Index(rest[2:], []byte("*/"))
		if k < 0 {
			return false
		}
		t.i += k + 4
		return true
	}
	return false
}

// value reads one value and appends its tokens.
func (t *tape) value(depth int) bool {
	t.space()
	if t.i >= len(t.b) || depth > maxDepth {
		return false
	}
	switch c := t.b[t.i]; {
	case c == '{':
		return t.object(depth)
	case c == '[':
		return t.array(depth)
	case c == '"' || c == '\'' && t.opt.singleQuotes:
		return t.str(c)
	case c == '-' || c >= '0' && c <= '9':
		return t.number()
	}
	return t.word()
}

func (t *tape) open(kind tokenKind) int {
	t.toks = append(t.toks, token{kind: kind, off: uint32(t.i)})
	t.i++
	return len(t.toks) - 1
}

func (t *tape) closeAt(at int) bool {
	t.i++
	t.toks[at].end, t.toks[at].next = uint32(t.i), int32(len(t.toks))
	return true
}

func (t *tape) array(depth int) bool {
	at := t.open(arrayToken)
	for first := true; ; first = false {
		t.space()
		if t.i >= len(t.b) {
			return false
		}
		if t.b[t.i] == ']' && first {
			return t.closeAt(at)
		}
		if !t.value(depth + 1) {
			return false
		}
		t.space()
		if t.i >= len(t.b) {
			return false
		}
		switch t.b[t.i] {
		case ',':
			t.i++
		case ']':
			return t.closeAt(at)
		default:
			return false
		}
	}
}

func (t *tape) object(depth int) bool {
	at := t.open(objectToken)
	for first := true; ; first = false {
		t.space()
		if t.i >= len(t.b) {
			return false
		}
		if t.b[t.i] == '}' && first {
			return t.closeAt(at)
		}
		if !t.key() {
			return false
		}
		t.space()
		if t.i >= len(t.b) || t.b[t.i] != ':' {
			return false
		}
		t.i++
		if !t.value(depth + 1) {
			return false
		}
		t.space()
		if t.i >= len(t.b) {
			return false
		}
		switch t.b[t.i] {
		case ',':
			t.i++
		case '}':
			return t.closeAt(at)
		default:
			return false
		}
	}
}

func (t *tape) key() bool {
	c := t.b[t.i]
	if c == '"' || c == '\'' && t.opt.singleQuotes {
		return t.str(c)
	}
	if !t.opt.unquotedNames {
		return false
	}
	from := t.i
	for t.i < len(t.b) && (t.b[t.i] == '_' || t.b[t.i] == '$' || t.b[t.i]|32 >= 'a' && t.b[t.i]|32 <= 'z' || t.b[t.i] >= '0' && t.b[t.i] <= '9' || t.b[t.i] >= 0x80) {
		t.i++
	}
	t.leaf(stringToken, from, t.i)
	return t.i > from
}

func (t *tape) leaf(kind tokenKind, from, to int) {
	t.toks = append(t.toks, token{kind: kind, off: uint32(from), end: uint32(to), next: int32(len(t.toks) + 1)})
}

// str reads a string; the token is what lies between the quotes.
func (t *tape) str(quote byte) bool {
	t.i++
	from, esc := t.i, false
	for t.i < len(t.b) {
		if quote == '"' {
			if t.i = ordinary(t.b, t.i); t.i == len(t.b) {
				return false
			}
		}
		switch c := t.b[t.i]; {
		case c == quote:
			t.leaf(stringToken, from, t.i)
			t.toks[len(t.toks)-1].esc = esc
			t.i++
			return true
		case c == '\\':
			esc = true
			if !t.escape() {
				return false
			}
		case c < ' ' && !t.opt.controlChars:
			return false
		default:
			t.i++
		}
	}
	return false
}

// ordinary passes over bytes that are neither quote nor backslash nor control
// characters, eight at a time: the lowest bit set by each test is right.
func ordinary(b []byte, i int) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		q, e := w^(ones*'"'), w^(ones*'\\')
		if m := ((q-ones)&^q | (e-ones)&^e | (w-ones*' ')&^w) & high; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
		i++
	}
	return i
}

func (t *tape) escape() bool {
	if t.i+1 >= len(t.b) {
		return false
	}
	switch t.b[t.i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
	case 'u':
		if t.i+6 > len(t.b) {
			return false
		}
		for _, c := range t.b[t.i+2 : t.i+6] {
			if hexValue(c) < 0 {
				return false
			}
		}
		t.i += 6
		return true
	case '\'':
		if !t.opt.singleQuotes && !t.opt.anyEscape {
			return false
		}
	default:
		if !t.opt.anyEscape {
			return false
		}
	}
	t.i += 2
	return true
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|32 >= 'a' && c|32 <= 'f':
		return int(c|32-'a') + 10
	}
	return -1
}

func (t *tape) digits() int {
	from := t.i
	for t.i < len(t.b) && t.b[t.i] >= '0' && t.b[t.i] <= '9' {
		t.i++
	}
	return t.i - from
}

func (t *tape) number() bool {
	from, kind := t.i, intToken
	if t.b[t.i] == '-' {
		t.i++
		if bytes.HasPrefix(t.b[t.i:], []byte("I")) {
			t.i = from
			return t.word()
		}
	}
	first := t.i
	n := t.digits()
	if n == 0 || n > 1 && t.b[first] == '0' && !t.opt.leadingZeros {
		return false
	}
	if t.i < len(t.b) && t.b[t.i] == '.' {
		t.i++
		kind = floatToken
		if t.digits() == 0 {
			return false
		}
	}
	if t.i < len(t.b) && t.b[t.i]|32 == 'e' {
		t.i++
		kind = floatToken
		if t.i < len(t.b) && (t.b[t.i] == '+' || t.b[t.i] == '-') {
			t.i++
		}
		if t.digits() == 0 {
			return false
		}
	}
	t.leaf(kind, from, t.i)
	return t.delimited()
}

// delimited tells whether a bare value ends where it should.
func (t *tape) delimited() bool {
	if t.i >= len(t.b) {
		return true
	}
	switch t.b[t.i] {
	case ' ', '\t', '\n', '\r', ',', ']', '}', '/':
		return true
	}
	return false
}

func (t *tape) word() bool {
	from := t.i
	for t.i < len(t.b) && !t.delimited() {
		t.i++
	}
	switch w := string(t.b[from:t.i]); w {
	case "null":
		t.leaf(nullToken, from, t.i)
	case "true":
		t.leaf(trueToken, from, t.i)
	case "false":
		t.leaf(falseToken, from, t.i)
	case "NaN", "Infinity", "-Infinity", "+Infinity", "INF", "-INF", "+INF":
		t.leaf(nameToken, from, t.i)
		return t.opt.nonNumeric
	default:
		return false
	}
	return true
}
