package regex

import (
	"sort"
	"unicode"
	"unicode/utf8"
)

// span is a range of characters, both ends included.
type span struct{ lo, hi rune }

// charset is a set of characters: ASCII by bitmap, the rest by sorted spans.
type charset struct {
	ascii [2]uint64
	spans []span // sorted, disjoint, all of them
}

func (c *charset) has(r rune) bool {
	if r < utf8.RuneSelf {
		return c.ascii[r>>6]>>(uint(r)&63)&1 != 0
	}
	k := sort.Search(len(c.spans), func(i int) bool { return c.spans[i].hi >= r })
	return k < len(c.spans) && c.spans[k].lo <= r
}

func (c *charset) hasByte(b byte) bool { return c.ascii[b>>6]>>(uint(b)&63)&1 != 0 }

// newCharset makes a set of spans in any order.
func newCharset(spans []span) *charset {
	c := &charset{spans: normalized(spans)}
	for _, s := range c.spans {
		for r := s.lo; r <= s.hi && r < utf8.RuneSelf; r++ {
			c.ascii[r>>6] |= 1 << (uint(r) & 63)
		}
	}
	return c
}

// normalized sorts spans and joins those that touch.
func normalized(spans []span) []span {
	s := append([]span(nil), spans...)
	sort.Slice(s, func(i, j int) bool { return s[i].lo < s[j].lo })
	out := s[:0]
	for _, x := range s {
		if n := len(out); n > 0 && x.lo <= out[n-1].hi+1 {
			out[n-1].hi = max(out[n-1].hi, x.hi)
			continue
		}
		out = append(out, x)
	}
	return out
}

// negated is all other characters.
func negated(spans []span) []span {
	var out []span
	next := rune(0)
	for _, s := range normalized(spans) {
		if s.lo > next {
			out = append(out, span{next, s.lo - 1})
		}
		next = s.hi + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, span{next, unicode.MaxRune})
	}
	return out
}

// intersected is what both have.
func intersected(a, b []span) []span {
	return negated(append(append([]span(nil), negated(a)...), negated(b)...))
}

// folded adds the other case of letters: of ASCII, or of all if full.
func folded(spans []span, full bool) []span {
	out := append([]span(nil), spans...)
	for _, s := range spans {
		hi := s.hi
		if !full {
			hi = min(hi, unicode.MaxASCII)
		}
		if hi-s.lo > foldLimit {
			continue // such ranges hold both cases
		}
		for r := s.lo; r <= hi; r++ {
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				if full || f <= unicode.MaxASCII {
					out = append(out, span{f, f})
				}
			}
		}
	}
	return out
}

// foldLimit is the longest range that is folded letter by letter.
const foldLimit = 10000

// The predefined classes.
var (
	digits     = []span{{'0', '9'}}
	wordChars  = []span{{'a', 'z'}, {'A', 'Z'}, {'0', '9'}, {'_', '_'}}
	spaceChars = []span{{'\t', '\r'}, {' ', ' '}}
	horizontal = []span{{' ', ' '}, {'\t', '\t'}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x180e, 0x180e}, {0x2000, 0x200a}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}}
	vertical   = []span{{'\n', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}}
	lineEnds   = []span{{'\n', '\n'}, {'\r', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}}
)

// posixClasses are Java's names for ASCII classes.
var posixClasses = map[string][]span{
	"Lower": {{'a', 'z'}}, "Upper": {{'A', 'Z'}}, "ASCII": {{0, 0x7f}}, "Alpha": {{'a', 'z'}, {'A', 'Z'}}, "Digit": digits,
	"Alnum": {{'a', 'z'}, {'A', 'Z'}, {'0', '9'}}, "Punct": {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}},
	"Graph": {{'!', '~'}}, "Print": {{' ', '~'}}, "Blank": {{' ', ' '}, {'\t', '\t'}}, "Cntrl": {{0, 0x1f}, {0x7f, 0x7f}},
	"XDigit": {{'0', '9'}, {'a', 'f'}, {'A', 'F'}}, "Space": spaceChars,
}

// javaClasses are names of properties that Go calls differently.
var javaClasses = map[string]*unicode.RangeTable{
	"javaLowerCase": unicode.Lower, "javaUpperCase": unicode.Upper, "javaWhitespace": unicode.White_Space, "Alphabetic": unicode.Letter,
	"Lowercase": unicode.Lower, "Uppercase": unicode.Upper, "White_Space": unicode.White_Space, "Punctuation": unicode.Punct,
	"Letter": unicode.Letter, "Ideographic": unicode.Ideographic, "Hex_Digit": unicode.Hex_Digit,
}

// property is the class of \p{name}.
func property(name string) ([]span, bool) {
	if s, ok := posixClasses[name]; ok {
		return s, true
	}
	short := name
	if len(name) > 2 && (name[:2] == "Is" || name[:2] == "In") {
		short = name[2:]
	}
	for _, t := range []map[string]*unicode.RangeTable{javaClasses, unicode.Categories, unicode.Scripts, unicode.Properties} {
		if r, ok := t[short]; ok {
			return spansOf(r), true
		}
		if r, ok := t[name]; ok {
			return spansOf(r), true
		}
	}
	return nil, false
}

func spansOf(t *unicode.RangeTable) []span {
	var out []span
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			out = append(out, span{lo, hi})
			return
		}
		for r := lo; r <= hi; r += stride {
			out = append(out, span{r, r})
		}
	}
	for _, r := range t.R16 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range t.R32 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	return out
}
