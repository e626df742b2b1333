package sql

import (
	"strings"
	"unicode/utf8"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// isIdentifier tells whether t can be a name.
func (p *parser) isIdentifier(t *token) bool {
	switch t.kind {
	case tokWord:
		return t.kw == noKeyword || !p.opt.ReservedKeywords || !reservedKeywords[t.kw]
	case tokBacktick:
		return true
	case tokQuoted:
		return p.opt.DoubleQuotedIdentifiers
	default:
		return false
	}
}

// isAliasIdentifier is isIdentifier for an alias without AS of a relation.
func (p *parser) isAliasIdentifier(t *token) bool {
	return p.isIdentifier(t) && !strictKeywords[t.kw] && !clauseKeyword(t.kw)
}

// clauseKeyword tells whether k begins what may follow an expression or a
// relation, so that it is no alias without AS there. Spark's generated parser
// decides this by trying; these are the words where trying would almost always
// end with the clause.
func clauseKeyword(k keyword) bool {
	switch k {
	case kwFrom, kwWhere, kwGroup, kwHaving, kwOrder, kwSort, kwCluster, kwDistribute, kwLimit, kwOffset,
		kwWindow, kwPivot, kwUnpivot, kwTablesample, kwSelect, kwSet, kwInsert, kwAs, kwWhen, kwThen, kwElse, kwEnd,
		kwAnd, kwOr, kwIs, kwBetween, kwLike, kwIlike, kwRlike, kwRegexp, kwIn, kwNot, kwEscape, kwAsc, kwDesc, kwNulls,
		kwFor, kwWithin, kwDiv, kwCollate, kwValues, kwUsing, kwWith:
		return true
	default:
		return false
	}
}

// nameOf is the identifier's value of a token.
func (p *parser) nameOf(t *token) string {
	s := p.textOf(t)
	switch t.kind {
	case tokBacktick:
		s = s[1 : len(s)-1]
		if strings.IndexByte(s, '`') >= 0 {
			s = strings.ReplaceAll(s, "``", "`")
		}
	case tokQuoted:
		s = strings.ReplaceAll(s[1:len(s)-1], `""`, `"`)
	default:
	}
	return s
}

// identifier takes one name.
func (p *parser) identifier() string {
	t := p.tok()
	if !p.isIdentifier(t) {
		p.syntax("an identifier")
		return ""
	}
	if t.kw == kwIdentifier && p.identifierAt() {
		return p.quotedIdentifier()
	}
	p.advance()
	name := p.nameOf(t)
	if t.kind == tokWord && !isASCII(name) {
		p.mustQuote(p.pos-1, name)
	}
	return name
}

// identifierAt tells whether IDENTIFIER('text') is next, which names the same
// as the text itself.
func (p *parser) identifierAt() bool {
	return p.atKw(kwIdentifier) && p.peek(1).kind == tokLParen && p.isString(p.peek(2)) && p.peek(3).kind == tokRParen
}

// quotedIdentifier takes IDENTIFIER('text') where a name has one part.
func (p *parser) quotedIdentifier() string {
	start := p.pos
	parts := p.identifierClause()
	if len(parts) > 1 {
		p.invalid(start, "IDENTIFIER_TOO_MANY_NAME_PARTS", "42601", "The name must not have several parts here.",
			"identifier", "`"+strings.Join(parts, "`.`")+"`", "limit", "1")
	}
	return parts[0]
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// mustQuote reports a name that needs backticks.
func (p *parser) mustQuote(start int, name string) {
	p.invalid(start, "INVALID_IDENTIFIER", "42602", "The name "+name+" must be put in backticks: `"+name+
		"`; without them a name has letters from a to z, digits and underscores.", "ident", name)
}

// plainIdentifier is identifier for the places where people write a-b and mean
// `a-b`: they get told.
func (p *parser) plainIdentifier() string {
	start := p.pos
	name := p.identifier()
	if p.at(tokMinus) && p.isIdentifier(p.peek(1)) && p.tok().start == p.tokens[start].end {
		for p.at(tokMinus) && p.isIdentifier(p.peek(1)) {
			p.pos += 2
		}
		p.mustQuote(start, p.source(start))
	}
	return name
}

// multipart takes a name of dotted parts, or IDENTIFIER(text).
func (p *parser) multipart() []string {
	var parts []string
	if p.atKw(kwIdentifier) && p.peek(1).kind == tokLParen {
		parts = p.identifierClause()
	} else {
		parts = []string{p.plainIdentifier()}
	}
	for p.at(tokDot) {
		p.advance()
		parts = append(parts, p.plainIdentifier())
	}
	return parts
}

// identifierClause takes IDENTIFIER(constant text) and parses the text as a name.
func (p *parser) identifierClause() []string {
	start := p.pos
	p.pos += 2
	e := p.expr()
	p.expect(tokRParen, "')'")
	if p.err != nil {
		return []string{""}
	}
	text, ok := constantText(e)
	if !ok {
		class := "NOT_A_CONSTANT_STRING.NOT_CONSTANT"
		if l, ok := e.(*plan.Literal); ok && l.Value == nil {
			class = "NOT_A_CONSTANT_STRING.NULL"
		} else if ok {
			class = "NOT_A_CONSTANT_STRING.WRONG_TYPE"
		}
		p.invalid(start, class, "42601", "IDENTIFIER needs a text that is known before the query runs.",
			"name", "IDENTIFIER", "expr", e.String(), "dataType", `"`+e.Type().SQL()+`"`)
		return []string{""}
	}
	parts, err := ParseIdentifier(text)
	if err != nil {
		p.fail(err)
		return []string{""}
	}
	return parts
}

// constantText folds string literals and their concatenation.
func constantText(e plan.Expr) (string, bool) {
	switch e := e.(type) {
	case *plan.Literal:
		s, ok := e.Value.(string)
		return s, ok && e.Typ.Kind == types.KindString
	case *plan.Func:
		if e.FullName() != "concat" {
			return "", false
		}
		var b strings.Builder
		for _, a := range e.Args {
			s, ok := constantText(a)
			if !ok {
				return "", false
			}
			b.WriteString(s)
		}
		return b.String(), true
	}
	return "", false
}

// identifierList takes (a, b, c).
func (p *parser) identifierList() []string {
	p.expect(tokLParen, "'('")
	var names []string
	for p.err == nil {
		names = append(names, p.plainIdentifier())
		if !p.accept(tokComma) {
			break
		}
	}
	p.expect(tokRParen, "')'")
	return names
}

// stringText takes one or more string literals.
func (p *parser) stringText() string {
	if !p.isString(p.tok()) {
		p.syntax("a string literal")
		return ""
	}
	s := p.stringValue(p.tok())
	p.advance()
	if !p.isString(p.tok()) {
		return s
	}
	var b strings.Builder
	b.WriteString(s)
	for p.isString(p.tok()) {
		b.WriteString(p.stringValue(p.tok()))
		p.advance()
	}
	return b.String()
}

// isString tells whether t is a string literal.
func (p *parser) isString(t *token) bool {
	switch t.kind {
	case tokString, tokRawString, tokDollar:
		return true
	case tokQuoted:
		return !p.opt.DoubleQuotedIdentifiers
	default:
		return false
	}
}
