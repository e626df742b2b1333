// Package sql turns Spark SQL text into the unresolved trees of package plan.
// It knows the grammar and nothing of catalogs, functions' meaning or types of
// columns.
package sql

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Options are the session's settings that change how text reads.
type Options struct {
	// DoubleQuotedIdentifiers makes "x" a name instead of a string.
	DoubleQuotedIdentifiers bool
	// Ansi is the session's ANSI mode; it makes DoubleQuotedIdentifiers and
	// ReservedKeywords effective, as in Spark, only where the caller sets those.
	Ansi bool
	// ReservedKeywords refuses the standard's reserved words as names.
	ReservedKeywords bool
	// EscapedStrings keeps backslashes in string literals as they are.
	EscapedStrings bool
	// QuotedRegexColumns makes `pattern` in a select list a pattern of column names.
	QuotedRegexColumns bool
	// LegacySetOps gives INTERSECT the precedence of UNION and EXCEPT.
	LegacySetOps bool
	// InfixBang allows ! for NOT before IN, LIKE and BETWEEN and after IS.
	InfixBang bool
	// TimestampNTZ makes TIMESTAMP, as type and literal, the one without zone.
	TimestampNTZ bool
	// LegacyIntervals makes interval literals calendar intervals.
	LegacyIntervals bool
	// Zone is the session's time zone. Without it, TIMESTAMP literals that
	// name no zone become casts of their text.
	Zone *time.Location
	// Named and Positional are the values of :name and ?. Where both are nil,
	// parameters stay plan.Param.
	Named      map[string]plan.Expr
	Positional []plan.Expr
}

// Limits of trees. The parser's own recursion is bound by plan.MaxDepth; chains
// such as a + b + c make deep trees without it, and later passes recurse over those.
const (
	maxNesting   = plan.MaxDepth
	maxTreeDepth = 8 * plan.MaxDepth
)

// parser holds the state of one text. After the first error it stands at the
// end of the text, so that every loop ends; results are then meaningless.
type parser struct {
	text    string
	opt     Options
	tokens  []token
	pos     int
	end     int // index of the token that ends this statement
	depth   int
	err     error
	origins []errs.Origin // slab
	params  int           // positional parameters seen
	windows *windowScope

	path     *plan.Func // the variant path parsed last, and
	pathName string     // the name that it has in a select list
}

// newParser lexes text.
func newParser(text string, opt Options) *parser {
	p := &parser{text: text, opt: opt}
	if len(text) > MaxText {
		p.text = ""
		p.tokens = []token{{kind: tokEOF, line: 1}}
		p.err = tooLarge(fmt.Sprintf("the text has %d bytes, the limit is %d", len(text), MaxText))
		return p
	}
	l := lex(text)
	p.tokens = l.tokens
	p.end = len(l.tokens) - 1
	switch {
	case l.tooMany:
		p.fail(tooLarge(fmt.Sprintf("the text has more than %d tokens", MaxTokens)))
	case l.unclosed >= 0:
		p.fail(unclosedComment(text, l))
	}
	return p
}

func tooLarge(what string) error {
	c := errs.Cond(errs.Parse, "FAILED_TO_PARSE_TOO_COMPLEX", "54001", "The statement is too large to parse: "+what+".")
	c.Kind = errs.Exhausted
	return c
}

func unclosedComment(text string, l *lexer) error {
	c := errs.Cond(errs.Parse, "UNCLOSED_BRACKETED_COMMENT", "42601", "A comment that begins with /* has no end; add */ after it.")
	c.Origin = errs.Origin{Line: 1 + strings.Count(text[:l.unclosed], "\n"), Start: l.unclosed, Stop: len(text), Text: text}
	c.Origin.Pos = l.unclosed - 1 - strings.LastIndexByte(text[:l.unclosed], '\n')
	return c
}

// fail records the first error and moves to the end.
func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = err
	}
	p.pos = p.end
	p.tokens[p.end].kind = tokEOF
}

// ---- looking at tokens ----

func (p *parser) tok() *token { return &p.tokens[p.pos] }

// peek is the token n after the current one, the last one beyond the end.
func (p *parser) peek(n int) *token {
	if p.pos+n >= p.end {
		return &p.tokens[p.end]
	}
	return &p.tokens[p.pos+n]
}

func (p *parser) at(k tokenKind) bool { return p.tokens[p.pos].kind == k }
func (p *parser) atKw(k keyword) bool { return p.tokens[p.pos].kw == k }
func (p *parser) peekKw(n int, k keyword) bool {
	return p.peek(n).kw == k
}

// atKws tells whether the next words are these keywords.
func (p *parser) atKws(ks ...keyword) bool {
	for i, k := range ks {
		if p.peek(i).kw != k {
			return false
		}
	}
	return true
}

// atAnyKw tells whether the next word is one of these keywords.
func (p *parser) atAnyKw(ks ...keyword) bool {
	t := p.tokens[p.pos].kw
	if t == noKeyword {
		return false
	}
	return slices.Contains(ks, t)
}

func (p *parser) textOf(t *token) string { return p.text[t.start:t.end] }

// ---- consuming tokens ----

func (p *parser) advance() {
	if p.pos < p.end {
		p.pos++
	}
}

func (p *parser) accept(k tokenKind) bool {
	if p.tokens[p.pos].kind != k {
		return false
	}
	p.advance()
	return true
}

func (p *parser) acceptKw(k keyword) bool {
	if p.tokens[p.pos].kw != k {
		return false
	}
	p.advance()
	return true
}

// acceptKws consumes the keywords if all of them are next.
func (p *parser) acceptKws(ks ...keyword) bool {
	if !p.atKws(ks...) {
		return false
	}
	p.pos += len(ks)
	return true
}

func (p *parser) expect(k tokenKind, what string) {
	if !p.accept(k) {
		p.syntax(what)
	}
}

func (p *parser) expectKw(ks ...keyword) {
	for _, k := range ks {
		if !p.acceptKw(k) {
			p.syntax(keywordNames[k])
			return
		}
	}
}

// ---- nesting ----

// enter counts a level of recursion; false, with an error set, at the limit.
// leave must follow in either case.
func (p *parser) enter() bool {
	p.depth++
	if p.depth > maxNesting {
		p.fail(tooDeep(p.originAt(p.tok())))
		return false
	}
	return true
}

func (p *parser) leave() { p.depth-- }

func tooDeep(o errs.Origin) error {
	c := errs.Cond(errs.Parse, "FAILED_TO_PARSE_TOO_COMPLEX", "54001",
		fmt.Sprintf("The statement is nested too deeply; the limit is %d levels.", maxNesting))
	c.Kind = errs.Exhausted
	c.Origin = o
	return c
}

// ---- places ----

// originAt is the place of one token.
func (p *parser) originAt(t *token) errs.Origin {
	return errs.Origin{Line: int(t.line), Pos: int(t.col), Start: int(t.start), Stop: int(t.end), Text: p.text}
}

// originSlab is how many origins are allocated at once; nearly every node has one.
const originSlab = 32

// from is the place from token index start to the last consumed token.
func (p *parser) from(start int) *errs.Origin {
	if len(p.origins) == 0 {
		p.origins = make([]errs.Origin, originSlab)
	}
	o := &p.origins[0]
	p.origins = p.origins[1:]
	t := &p.tokens[start]
	*o = errs.Origin{Line: int(t.line), Pos: int(t.col), Start: int(t.start), Stop: int(t.end), Text: p.text}
	if p.pos > start {
		o.Stop = int(p.tokens[p.pos-1].end)
	}
	return o
}

// source is the text from token index start to the last consumed token.
func (p *parser) source(start int) string {
	if p.pos <= start {
		return ""
	}
	return p.text[p.tokens[start].start:p.tokens[p.pos-1].end]
}
