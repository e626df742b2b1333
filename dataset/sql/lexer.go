package sql

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// keywordByName finds a keyword by its upper-case name. Never written after start.
var keywordByName = func() map[string]keyword {
	m := make(map[string]keyword, keywordCount)
	for k, name := range keywordNames {
		if name != "" {
			m[name] = keyword(k)
		}
	}
	return m
}()

const longestKeyword = 24

// findKeyword looks word up without regard to case and without allocating.
func findKeyword(word string) keyword {
	if len(word) > longestKeyword {
		return noKeyword
	}
	var buf [longestKeyword]byte
	for i := 0; i < len(word); i++ {
		c := word[i]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		buf[i] = c
	}
	return keywordByName[string(buf[:len(word)])]
}

// lexer cuts a text into tokens. All of them are made before parsing, because
// the grammar needs unbounded look-ahead at parentheses.
type lexer struct {
	text      string
	pos       int
	line      int32
	lineStart int // byte offset at which the column is 0
	colBase   int // code points before lineStart on this line; only for multi-byte text
	tokens    []token
	parens    []int32 // open parentheses
	inHint    bool
	tooMany   bool
	unclosed  int // offset of a comment without end, -1 none
}

// lex cuts text. The last token is tokEOF.
func lex(text string) *lexer {
	l := &lexer{text: text, line: 1, unclosed: -1, tokens: make([]token, 0, len(text)/5+8)}
	for l.next() {
		if len(l.tokens) > MaxTokens {
			l.tooMany = true
			break
		}
	}
	l.emit(tokEOF, l.pos)
	for _, open := range l.parens {
		l.tokens[open].match = int32(len(l.tokens) - 1)
	}
	return l
}

// emit appends the token from start to the current position.
func (l *lexer) emit(kind tokenKind, start int) {
	l.tokens = append(l.tokens, token{
		kind: kind, start: int32(start), end: int32(l.pos), line: l.line, col: int32(l.colBase + start - l.lineStart),
	})
}

// emitSpanning is emit for tokens that may hold newlines or multi-byte text:
// the position of what follows is counted anew.
func (l *lexer) emitSpanning(kind tokenKind, start int) {
	l.emit(kind, start)
	l.countLines(start, l.pos)
}

// countLines moves line and column over text[from:to].
func (l *lexer) countLines(from, to int) {
	s := l.text[from:to]
	if s == "" || s == " " {
		return
	}
	if n := strings.Count(s, "\n"); n > 0 {
		l.line += int32(n)
		l.lineStart, l.colBase = from+strings.LastIndexByte(s, '\n')+1, 0
		s = l.text[l.lineStart:to]
	}
	if extra := len(s) - utf8.RuneCountInString(s); extra > 0 {
		l.colBase -= extra
	}
}

// next makes the next token; false at the end of the text.
func (l *lexer) next() bool {
	l.skipBlanks()
	if l.pos >= len(l.text) {
		return false
	}
	start := l.pos
	c := l.text[start]
	switch {
	case isWordStart(c):
		l.word(start)
	case c >= '0' && c <= '9' || c == '.' && isDigit(l.at(1)):
		l.number(start)
	case c == '\'':
		l.quoted(start, start, tokString)
	case c == '"':
		l.quoted(start, start, tokQuoted)
	case c == '`':
		l.backtick(start)
	case c == '$' && l.dollarQuoted(start):
	default:
		l.operator(start, c)
	}
	return true
}

// at is the byte n after the current one, 0 beyond the end.
func (l *lexer) at(n int) byte {
	if l.pos+n < len(l.text) {
		return l.text[l.pos+n]
	}
	return 0
}

// skipBlanks passes white space and comments.
func (l *lexer) skipBlanks() {
	from := l.pos
	for l.pos < len(l.text) {
		c := l.text[l.pos]
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v':
			l.pos++
		case c == '-' && l.at(1) == '-':
			l.lineComment()
		case c == '/' && l.at(1) == '*' && (l.at(2) != '+' || !l.afterSelect()):
			if !l.blockComment() {
				l.countLines(from, l.pos)
				return
			}
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(l.text[l.pos:])
			if !unicode.IsSpace(r) && r != '\ufeff' {
				l.countLines(from, l.pos)
				return
			}
			l.pos += n
		default:
			l.countLines(from, l.pos)
			return
		}
	}
	l.countLines(from, l.pos)
}

// afterSelect tells whether the previous token lets a hint begin.
func (l *lexer) afterSelect() bool {
	if len(l.tokens) == 0 {
		return false
	}
	t := l.tokens[len(l.tokens)-1]
	return t.kw == kwSelect || t.kind == tokHintEnd
}

// lineComment passes -- to the end of the line; a backslash before the newline continues it.
func (l *lexer) lineComment() {
	for l.pos < len(l.text) {
		i := strings.IndexByte(l.text[l.pos:], '\n')
		if i < 0 {
			l.pos = len(l.text)
			return
		}
		l.pos += i + 1
		if i == 0 || l.text[l.pos-2] != '\\' {
			return
		}
	}
}

// blockComment passes a comment with the comments nested in it.
func (l *lexer) blockComment() bool {
	start, depth := l.pos, 0
	for l.pos < len(l.text) {
		i := strings.IndexAny(l.text[l.pos:], "/*")
		if i < 0 {
			break
		}
		l.pos += i
		switch {
		case l.text[l.pos] == '/' && l.at(1) == '*':
			depth++
			l.pos += 2
		case l.text[l.pos] == '*' && l.at(1) == '/':
			depth--
			l.pos += 2
			if depth == 0 {
				return true
			}
		default:
			l.pos++
		}
	}
	l.pos = len(l.text)
	l.unclosed = start
	return false
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWordStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}

func isASCIIWord(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isDigit(c)
}

// wordEnd is the end of the run of letters, digits and underscores at i.
func (l *lexer) wordEnd(i int) int {
	for i < len(l.text) {
		c := l.text[i]
		switch {
		case isASCIIWord(c):
			i++
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(l.text[i:])
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
				return i
			}
			i += n
		default:
			return i
		}
	}
	return i
}

// word makes an identifier, a keyword, or a raw string.
func (l *lexer) word(start int) {
	c := l.text[start]
	if (c == 'r' || c == 'R') && (l.at(1) == '\'' || l.at(1) == '"') {
		if i := strings.IndexByte(l.text[start+2:], l.at(1)); i >= 0 {
			l.pos = start + 2 + i + 1
			l.emitSpanning(tokRawString, start)
			return
		}
	}
	i := start
	for i < len(l.text) && isASCIIWord(l.text[i]) {
		i++
	}
	if i == len(l.text) || l.text[i] < utf8.RuneSelf {
		l.pos = i
		l.emit(tokWord, start)
		l.tokens[len(l.tokens)-1].kw = findKeyword(l.text[start:i])
		return
	}
	l.pos = l.wordEnd(start)
	if l.pos == start { // a character that is no letter
		_, n := utf8.DecodeRuneInString(l.text[start:])
		l.pos += n
		l.emitSpanning(tokIllegal, start)
		return
	}
	l.emitSpanning(tokWord, start)
}

// quoted makes a string: backslash escapes anything, a doubled quote is one.
func (l *lexer) quoted(start, open int, kind tokenKind) {
	q := l.text[open]
	for i := open + 1; i < len(l.text); i++ {
		switch l.text[i] {
		case '\\':
			i++
		case q:
			if i+1 < len(l.text) && l.text[i+1] == q {
				i++
				continue
			}
			l.pos = i + 1
			l.emitSpanning(kind, start)
			return
		}
	}
	l.pos = start + 1
	l.emit(tokIllegal, start)
}

func (l *lexer) backtick(start int) {
	for i := start + 1; i < len(l.text); i++ {
		if l.text[i] != '`' {
			continue
		}
		if i+1 < len(l.text) && l.text[i+1] == '`' {
			i++
			continue
		}
		l.pos = i + 1
		l.emitSpanning(tokBacktick, start)
		return
	}
	l.pos = start + 1
	l.emit(tokIllegal, start)
}

// dollarQuoted makes $tag$ ... $tag$; false if the dollar opens nothing.
func (l *lexer) dollarQuoted(start int) bool {
	i := l.wordEnd(start + 1)
	if i >= len(l.text) || l.text[i] != '$' {
		return false
	}
	tag := l.text[start : i+1]
	n := strings.Index(l.text[i+1:], tag)
	if n < 0 {
		return false
	}
	l.pos = i + 1 + n + len(tag)
	l.emitSpanning(tokDollar, start)
	return true
}
