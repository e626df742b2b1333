package sql

// number makes a numeric literal, or the identifier that begins with digits
// (2020_sales). A number with a point that runs into a word is cut before the
// point, so that db.1st and 1.x read as names.
func (l *lexer) number(start int) {
	i := start
	for i < len(l.text) && isDigit(l.text[i]) {
		i++
	}
	kind, hasPoint, whole := tokInteger, false, i
	if i < len(l.text) && l.text[i] == '.' {
		hasPoint, kind = true, tokDecimal
		for i++; i < len(l.text) && isDigit(l.text[i]); {
			i++
		}
	}
	end, k := l.numberTail(i, kind)
	if l.wordEnd(end) == end {
		l.pos = end
		l.emit(k, start)
		return
	}
	switch {
	case !hasPoint:
		l.pos = l.wordEnd(start)
		l.emitSpanning(tokWord, start)
	case whole > start:
		l.pos = whole
		l.emit(tokInteger, start)
	default:
		l.pos = start + 1
		l.emit(tokDot, start)
	}
}

// numberTail takes exponent and type suffix after the digits that end at i.
func (l *lexer) numberTail(i int, kind tokenKind) (int, tokenKind) {
	if i < len(l.text) && l.text[i]|0x20 == 'e' {
		j := i + 1
		if j < len(l.text) && (l.text[j] == '+' || l.text[j] == '-') {
			j++
		}
		if j < len(l.text) && isDigit(l.text[j]) {
			for j < len(l.text) && isDigit(l.text[j]) {
				j++
			}
			i, kind = j, tokExponent
		}
	}
	if i >= len(l.text) {
		return i, kind
	}
	switch c := l.text[i] | 0x20; {
	case c == 'b' && i+1 < len(l.text) && l.text[i+1]|0x20 == 'd':
		return i + 2, tokBigDecimal
	case c == 'd':
		return i + 1, tokDouble
	case c == 'f':
		return i + 1, tokFloat
	case kind != tokInteger:
	case c == 'l':
		return i + 1, tokLong
	case c == 's':
		return i + 1, tokShort
	case c == 'y':
		return i + 1, tokByte
	}
	return i, kind
}

// operators are the tokens of more than one character, longest first where
// one begins another.
var operators = []struct {
	text string
	kind tokenKind
}{
	{"<=>", tokNullSafeEq},
	{"::", tokDoubleColon},
	{"==", tokEq},
	{"<>", tokNotEq},
	{"!=", tokNotEq},
	{"<=", tokLessEq},
	{"!>", tokLessEq},
	{">=", tokGreaterEq},
	{"!<", tokGreaterEq},
	{"<<", tokShiftLeft},
	{"||", tokConcat},
	{"|>", tokPipeTo},
	{"->", tokArrow},
	{"=>", tokFatArrow},
	{"/*+", tokHint},
	{"*/", tokHintEnd},
}

// singles are the tokens of one character.
var singles = [128]tokenKind{
	'(': tokLParen, ')': tokRParen, '[': tokLBracket, ']': tokRBracket, ',': tokComma, '.': tokDot,
	';': tokSemicolon, ':': tokColon, '=': tokEq, '<': tokLess, '>': tokGreater, '+': tokPlus, '-': tokMinus,
	'*': tokStar, '/': tokSlash, '%': tokPercent, '~': tokTilde, '&': tokAmp, '|': tokPipe, '^': tokCaret,
	'?': tokQuestion, '!': tokBang,
}

// startsLonger tells whether operators of several characters begin with c.
func startsLonger(c byte) bool {
	switch c {
	case '<', ':', '=', '!', '>', '|', '-', '/', '*':
		return true
	}
	return false
}

func (l *lexer) operator(start int, c byte) {
	kind := tokIllegal
	if c < 128 && singles[c] != tokEOF {
		kind = singles[c]
	}
	l.pos = start + 1
	for i := range operators {
		if !startsLonger(c) {
			break
		}
		op := &operators[i]
		if op.text[0] == c && len(l.text)-start >= len(op.text) && l.text[start:start+len(op.text)] == op.text {
			if !l.wantsOperator(op.kind) {
				continue
			}
			kind, l.pos = op.kind, start+len(op.text)
			break
		}
	}
	l.emit(kind, start)
	l.track(kind)
}

// wantsOperator keeps hints to their place: elsewhere "*/" is a star and a slash.
func (l *lexer) wantsOperator(kind tokenKind) bool {
	switch kind {
	case tokHint:
		l.inHint = true
	case tokHintEnd:
		if !l.inHint {
			return false
		}
		l.inHint = false
	default:
	}
	return true
}

// track matches parentheses.
func (l *lexer) track(kind tokenKind) {
	at := int32(len(l.tokens) - 1)
	switch kind {
	case tokLParen:
		l.parens = append(l.parens, at)
	case tokRParen:
		if n := len(l.parens); n > 0 {
			l.tokens[l.parens[n-1]].match = at
			l.parens = l.parens[:n-1]
		}
	default:
	}
}
