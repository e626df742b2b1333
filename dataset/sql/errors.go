package sql

import (
	"github.com/spurwheel/spurwheel/internal/errs"
)

// longestNear bounds the piece of text that a syntax error repeats.
const longestNear = 120

// near is how a syntax error names a token.
func (p *parser) near(t *token) string {
	if t.kind == tokEOF {
		return "end of input"
	}
	s := p.textOf(t)
	if len(s) > longestNear {
		s = s[:longestNear]
	}
	return "'" + s + "'"
}

// syntax reports the current token where want was expected.
func (p *parser) syntax(want string) { p.syntaxAt(p.tok(), want) }

func (p *parser) syntaxAt(t *token, want string) {
	near := p.near(t)
	message := "Syntax error at or near " + near
	if want != "" {
		message += ": expected " + want
	}
	c := errs.Cond(errs.Parse, "PARSE_SYNTAX_ERROR", "42601", message+".", "error", near, "hint", "")
	c.Origin = p.originAt(t)
	p.fail(c)
}

// invalid reports a condition about the text from token index start on.
func (p *parser) invalid(start int, class, state, message string, kv ...string) {
	if p.err != nil {
		return
	}
	c := errs.Cond(errs.Parse, class, state, message, kv...)
	c.Origin = *p.from(start)
	p.fail(c)
}

// unsupported reports valid text whose feature is not there.
func (p *parser) unsupported(start int, feature string) {
	if p.err != nil {
		return
	}
	c := errs.Unsupported(feature)
	c.Origin = *p.from(start)
	p.fail(c)
}

// notAllowed is Spark's condition without a name for statements it refuses.
func (p *parser) notAllowed(start int, what string) {
	p.invalid(start, "_LEGACY_ERROR_TEMP_0035", "", "Operation not allowed: "+what+".", "message", what)
}

// duplicateClause reports a clause given twice.
func (p *parser) duplicateClause(start int, clause string) {
	p.invalid(start, "DUPLICATE_CLAUSES", "42614", "The clause "+clause+" occurs more than once; keep one of them.", "clauseName", clause)
}
