package regex

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is the shape of a syntax node.
type kind uint8

const (
	nodeEmpty   kind = iota
	nodeSet          // one character of set
	nodeCat          // subs in turn
	nodeAlt          // one of subs
	nodeRepeat       // sub, min to max times
	nodeGroup        // sub, captured as group n
	nodeAssert       // a condition on the position
	nodeBackref      // what group n matched
	nodeLook         // sub ahead or behind, without moving
	nodeAtomic       // sub, never reconsidered
)

// mode is how a repetition backtracks.
type mode uint8

const (
	greedy mode = iota
	lazy
	possessive
)

// unbounded is the max of a repetition without end.
const unbounded = -1

type node struct {
	kind     kind
	subs     []*node
	set      *charset
	min, max int
	mode     mode
	n        int // group
	what     assertion
	fold     bool
	neg      bool
	behind   bool
}

// flags are the inline options in force.
type flags struct{ fold, unicodeCase, multiline, dotAll, comments, unixLines bool }

// Limits of patterns from outside.
const (
	maxDepth  = 200  // nested groups
	maxRepeat = 1000 // copies that a counted repetition of a group makes
)

// parser reads a pattern.
type parser struct {
	src    string
	at     int
	flags  flags
	groups int
	names  map[string]int
	depth  int
}

// SyntaxError is a pattern that is none, or asks for what is not there.
type SyntaxError struct{ Message string }

func (e *SyntaxError) Error() string { return e.Message }

func (p *parser) fail(format string, args ...any) error {
	return &SyntaxError{fmt.Sprintf(format, args...) + " near index " + strconv.Itoa(p.at)}
}

func (p *parser) more() bool { return p.at < len(p.src) }

func (p *parser) peek() byte {
	if p.at < len(p.src) {
		return p.src[p.at]
	}
	return 0
}

func (p *parser) next() rune {
	r, n := utf8.DecodeRuneInString(p.src[p.at:])
	p.at += n
	return r
}

func (p *parser) skip(s string) bool {
	if strings.HasPrefix(p.src[p.at:], s) {
		p.at += len(s)
		return true
	}
	return false
}

// alternatives reads until ) or the end. Options set inside end with it.
func (p *parser) alternatives() (*node, error) {
	saved := p.flags
	defer func() { p.flags = saved }()
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("groups are nested too deep")
	}
	defer func() { p.depth-- }()
	var alts []*node
	for {
		n, err := p.sequence()
		if err != nil {
			return nil, err
		}
		alts = append(alts, n)
		if !p.skip("|") {
			break
		}
	}
	if len(alts) == 1 {
		return alts[0], nil
	}
	return &node{kind: nodeAlt, subs: alts}, nil
}

func (p *parser) sequence() (*node, error) {
	cat := &node{kind: nodeCat}
	for p.more() && p.peek() != '|' && p.peek() != ')' {
		if p.flags.comments && p.skipComment() {
			continue
		}
		n, err := p.atom()
		if err != nil {
			return nil, err
		}
		if n, err = p.repeated(n); err != nil {
			return nil, err
		}
		cat.subs = append(cat.subs, n)
	}
	return cat, nil
}

func (p *parser) skipComment() bool {
	switch c := p.peek(); {
	case c == ' ' || c >= '\t' && c <= '\r':
		p.at++
	case c == '#':
		for p.more() && p.peek() != '\n' {
			p.at++
		}
	default:
		return false
	}
	return true
}

func (p *parser) set(spans []span) *node { return &node{kind: nodeSet, set: newCharset(spans)} }

// char is the node of one character under the options in force.
func (p *parser) char(r rune) *node {
	s := []span{{r, r}}
	if p.flags.fold {
		s = folded(s, p.flags.unicodeCase)
	}
	return p.set(s)
}

func (p *parser) atom() (*node, error) {
	switch c := p.peek(); c {
	case '(':
		p.at++
		return p.group()
	case '[':
		p.at++
		spans, err := p.class()
		return p.set(spans), err
	case '.':
		p.at++
		switch {
		case p.flags.dotAll:
			return p.set(negated(nil)), nil
		case p.flags.unixLines:
			return p.set(negated([]span{{'\n', '\n'}})), nil
		}
		return p.set(negated(lineEnds)), nil
	case '^':
		p.at++
		return p.assert(beginText, beginLine), nil
	case '$':
		p.at++
		return p.assert(endTextOrLine, endLine), nil
	case '\\':
		p.at++
		return p.escape()
	case '*', '+', '?':
		return nil, p.fail("Dangling meta character '%c'", c)
	}
	return p.char(p.next()), nil
}

func (p *parser) assert(single, multi assertion) *node {
	if p.flags.multiline {
		single = multi
	}
	return &node{kind: nodeAssert, what: single}
}

// repeated reads the quantifiers after n.
func (p *parser) repeated(n *node) (*node, error) {
	for p.more() {
		lo, hi := 0, unbounded
		switch p.peek() {
		case '*':
			p.at++
		case '+':
			p.at++
			lo = 1
		case '?':
			p.at++
			hi = 1
		case '{':
			var err error
			if lo, hi, err = p.counts(); err != nil {
				return nil, err
			}
		default:
			return n, nil
		}
		m := greedy
		if p.skip("?") {
			m = lazy
		} else if p.skip("+") {
			m = possessive
		}
		n = &node{kind: nodeRepeat, subs: []*node{n}, min: lo, max: hi, mode: m}
	}
	return n, nil
}

func (p *parser) counts() (lo, hi int, err error) {
	end := strings.IndexByte(p.src[p.at:], '}')
	if end < 0 {
		return 0, 0, p.fail("Unclosed counted closure")
	}
	body := p.src[p.at+1 : p.at+end]
	from, to, comma := strings.Cut(body, ",")
	lo, err = strconv.Atoi(from)
	hi = lo
	if err == nil && comma {
		hi = unbounded
		if to != "" {
			hi, err = strconv.Atoi(to)
		}
	}
	if err != nil || lo < 0 || hi != unbounded && hi < lo {
		return 0, 0, p.fail("Illegal repetition range")
	}
	p.at += end + 1
	return lo, hi, nil
}

// group reads what follows an opening parenthesis.
func (p *parser) group() (*node, error) {
	n := &node{kind: nodeCat}
	saved, restore := p.flags, true
	switch {
	case p.skip("?:"):
	case p.skip("?="):
		n = &node{kind: nodeLook}
	case p.skip("?!"):
		n = &node{kind: nodeLook, neg: true}
	case p.skip("?<="):
		n = &node{kind: nodeLook, behind: true}
	case p.skip("?<!"):
		n = &node{kind: nodeLook, behind: true, neg: true}
	case p.skip("?>"):
		n = &node{kind: nodeAtomic}
	case p.skip("?<"):
		end := strings.IndexByte(p.src[p.at:], '>')
		if end <= 0 {
			return nil, p.fail("named capturing group is missing trailing '>'")
		}
		p.groups++
		p.names[p.src[p.at:p.at+end]] = p.groups
		p.at += end + 1
		n = &node{kind: nodeGroup, n: p.groups}
	case p.skip("?"):
		closed, err := p.options()
		if err != nil {
			return nil, err
		}
		if closed {
			return &node{kind: nodeEmpty}, nil
		}
	default:
		p.groups++
		n = &node{kind: nodeGroup, n: p.groups}
	}
	sub, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	if restore {
		p.flags = saved
	}
	if !p.skip(")") {
		return nil, p.fail("Unclosed group")
	}
	n.subs = []*node{sub}
	return n, nil
}

// options reads (?idmsux-idmsux) or the part before the colon of (?i:...).
func (p *parser) options() (closed bool, err error) {
	on := true
	for p.more() {
		switch c := p.next(); c {
		case '-':
			on = false
		case 'i':
			p.flags.fold = on
		case 'm':
			p.flags.multiline = on
		case 's':
			p.flags.dotAll = on
		case 'u', 'U':
			p.flags.unicodeCase = on
		case 'x':
			p.flags.comments = on
		case 'd':
			p.flags.unixLines = on
		case ')':
			return true, nil
		case ':':
			return false, nil
		default:
			return false, p.fail("Unknown inline modifier")
		}
	}
	return false, p.fail("Unclosed group")
}

// escape reads what follows a backslash outside a class.
func (p *parser) escape() (*node, error) {
	if !p.more() {
		return nil, p.fail("Unexpected internal error")
	}
	if a, ok := escapedAsserts[p.peek()]; ok {
		p.at++
		return &node{kind: nodeAssert, what: a}, nil
	}
	switch c := p.peek(); {
	case c >= '1' && c <= '9':
		return p.backref(), nil
	case c == 'k':
		p.at++
		end := strings.IndexByte(p.src[p.at:], '>')
		if p.peek() != '<' || end < 0 {
			return nil, p.fail("\\k is not followed by '<' for named capturing group")
		}
		n, ok := p.names[p.src[p.at+1:p.at+end]]
		if !ok {
			return nil, p.fail("named capturing group <%s> does not exist", p.src[p.at+1:p.at+end])
		}
		p.at += end + 1
		return &node{kind: nodeBackref, n: n, fold: p.flags.fold}, nil
	case c == 'Q':
		p.at++
		return p.quoted(), nil
	case c == 'R':
		p.at++
		crlf := &node{kind: nodeCat, subs: []*node{p.set([]span{{'\r', '\r'}}), p.set([]span{{'\n', '\n'}})}}
		return &node{kind: nodeAlt, subs: []*node{crlf, p.set(vertical)}}, nil
	}
	spans, single, err := p.escapedSet()
	if err != nil {
		return nil, err
	}
	if single && p.flags.fold {
		spans = folded(spans, p.flags.unicodeCase)
	}
	return p.set(spans), nil
}

// backref takes as many digits as name a group that is open or closed by now.
func (p *parser) backref() *node {
	n := int(p.peek() - '0')
	p.at++
	for p.more() && p.peek() >= '0' && p.peek() <= '9' && n*10+int(p.peek()-'0') <= p.groups {
		n = n*10 + int(p.peek()-'0')
		p.at++
	}
	return &node{kind: nodeBackref, n: n, fold: p.flags.fold}
}

func (p *parser) quoted() *node {
	cat := &node{kind: nodeCat}
	for p.more() && !p.skip("\\E") {
		cat.subs = append(cat.subs, p.char(p.next()))
	}
	return cat
}

var simpleEscapes = map[byte]rune{'t': '\t', 'n': '\n', 'r': '\r', 'f': '\f', 'a': 7, 'e': 27}

var classEscapes = map[byte][]span{
	'd': digits, 'D': negated(digits), 'w': wordChars, 'W': negated(wordChars), 's': spaceChars, 'S': negated(spaceChars),
	'h': horizontal, 'H': negated(horizontal), 'v': vertical, 'V': negated(vertical),
}

// escapedSet reads an escape that stands for characters; single is false for classes.
func (p *parser) escapedSet() (spans []span, single bool, err error) {
	c := p.peek()
	if s, ok := classEscapes[c]; ok {
		p.at++
		return s, false, nil
	}
	if r, ok := simpleEscapes[c]; ok {
		p.at++
		return []span{{r, r}}, true, nil
	}
	switch c {
	case 'p', 'P':
		p.at++
		spans, err = p.property(c == 'P')
		return spans, false, err
	case 'x', 'u', '0', 'c':
		p.at++
		r, err := p.coded(c)
		return []span{{r, r}}, true, err
	}
	r := p.next()
	if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
		return nil, false, p.fail("Illegal/unsupported escape sequence")
	}
	return []span{{r, r}}, true, nil
}

func (p *parser) property(neg bool) ([]span, error) {
	name := string(p.peek())
	if p.peek() == '{' {
		end := strings.IndexByte(p.src[p.at:], '}')
		if end < 0 {
			return nil, p.fail("Unclosed character family")
		}
		name = p.src[p.at+1 : p.at+end]
		p.at += end + 1
	} else if p.more() {
		p.at++
	}
	s, ok := property(name)
	if !ok {
		return nil, p.fail("Unknown character property name {%s}", name)
	}
	if neg {
		s = negated(s)
	}
	return s, nil
}

// coded reads the digits of \xhh, \x{h...}, \uhhhh, \0ooo and \cX.
func (p *parser) coded(c byte) (rune, error) {
	digits, base := 2, 16
	switch c {
	case 'c':
		return p.next() ^ 64, nil
	case 'u':
		digits = 4
	case '0':
		digits, base = 1, 8
		for digits < 3 && p.at+digits < len(p.src) && p.src[p.at+digits] >= '0' && p.src[p.at+digits] <= '7' {
			digits++
		}
	case 'x':
		if p.skip("{") {
			if digits = strings.IndexByte(p.src[p.at:], '}'); digits < 0 {
				return 0, p.fail("Unclosed hexadecimal escape sequence")
			}
		}
	}
	end := min(p.at+digits, len(p.src))
	v, err := strconv.ParseUint(p.src[p.at:end], base, 32)
	if err != nil || v > unicode.MaxRune {
		return 0, p.fail("Illegal escape sequence")
	}
	p.at = end
	if c == 'x' {
		p.skip("}")
	}
	return rune(v), nil
}

// class reads what follows an opening bracket, up to and with the closing one.
func (p *parser) class() ([]span, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("classes are nested too deep")
	}
	defer func() { p.depth-- }()
	neg := p.skip("^")
	var spans []span
	var and [][]span
	for first := true; ; first = false {
		if !p.more() {
			return nil, p.fail("Unclosed character class")
		}
		if p.peek() == ']' && !first {
			p.at++
			break
		}
		if p.skip("&&") {
			and = append(and, spans)
			spans = nil
			continue
		}
		if p.skip("[") {
			sub, err := p.class()
			if err != nil {
				return nil, err
			}
			spans = append(spans, sub...)
			continue
		}
		s, err := p.classRange()
		if err != nil {
			return nil, err
		}
		spans = append(spans, s...)
	}
	for _, a := range and {
		spans = intersected(spans, a)
	}
	if neg {
		spans = negated(spans)
	}
	return spans, nil
}

// classRange reads a character, an escape or a range of a class.
func (p *parser) classRange() ([]span, error) {
	s, single, err := p.classChar()
	if err != nil || !single {
		return s, err
	}
	if p.peek() == '-' && p.at+1 < len(p.src) && p.src[p.at+1] != ']' && p.src[p.at+1] != '[' {
		p.at++
		hi, single, err := p.classChar()
		if err != nil {
			return nil, err
		}
		if !single || hi[0].lo < s[0].lo {
			return nil, p.fail("Illegal character range")
		}
		s = []span{{s[0].lo, hi[0].lo}}
	}
	if p.flags.fold {
		s = folded(s, p.flags.unicodeCase)
	}
	return s, nil
}

func (p *parser) classChar() (spans []span, single bool, err error) {
	if !p.skip("\\") {
		r := p.next()
		return []span{{r, r}}, true, nil
	}
	if p.skip("Q") {
		for p.more() && !p.skip("\\E") {
			r := p.next()
			spans = append(spans, span{r, r})
		}
		return spans, false, nil
	}
	if !p.more() {
		return nil, false, p.fail("Unclosed character class")
	}
	return p.escapedSet()
}
