package sql

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// predicate takes a value and at most one of BETWEEN, IN, LIKE, IS ... after it.
func (p *parser) predicate() plan.Expr {
	start := p.pos
	if p.atKw(kwExists) && p.peek(1).kind == tokLParen && p.queryAt(p.pos+1) {
		p.advance()
		return &plan.Subquery{Kind: plan.ExistsSubquery, Plan: p.parenQuery(), At: p.from(start)}
	}
	e := p.value(precComparison)
	if p.tok().kind != tokWord && p.tok().kind != tokBang {
		return e
	}
	if p.acceptKw(kwIs) {
		return p.isPredicate(start, e)
	}
	negated := false
	if (p.atKw(kwNot) || p.at(tokBang)) && predicateWord(p.peek(1).kw) {
		p.infixNot()
		negated = true
	}
	r := p.wordPredicate(start, e)
	if negated {
		return p.fn(start, "not", r)
	}
	return r
}

// infixNot takes NOT inside a predicate; ! there is a habit that Spark gave up.
func (p *parser) infixNot() {
	if p.at(tokBang) && !p.opt.InfixBang {
		p.invalid(p.pos, "SYNTAX_DISCONTINUED.BANG_EQUALS_NOT", "42601", "Write NOT instead of ! before IN, LIKE and BETWEEN and after IS.", "clause", "!")
	}
	p.advance()
}

func predicateWord(k keyword) bool {
	switch k {
	case kwBetween, kwIn, kwLike, kwIlike, kwRlike, kwRegexp:
		return true
	default:
		return false
	}
}

func (p *parser) wordPredicate(start int, e plan.Expr) plan.Expr {
	switch p.tok().kw {
	case kwBetween:
		p.advance()
		lo := p.value(precComparison)
		p.expectKw(kwAnd)
		hi := p.value(precComparison)
		return p.fn(start, "between", e, lo, hi)
	case kwIn:
		p.advance()
		return p.in(start, e)
	case kwRlike, kwRegexp:
		p.advance()
		return p.fn(start, "rlike", e, p.value(precComparison))
	case kwLike:
		p.advance()
		return p.like(start, "like", e)
	case kwIlike:
		p.advance()
		return p.like(start, "ilike", e)
	default:
		return e
	}
}

// isPredicate takes what follows IS.
func (p *parser) isPredicate(start int, e plan.Expr) plan.Expr {
	negated := p.atKw(kwNot) || p.at(tokBang)
	if negated {
		p.infixNot()
	}
	var r plan.Expr
	switch {
	case p.acceptKw(kwNull):
		if negated {
			return p.fn(start, "isnotnull", e)
		}
		return p.fn(start, "isnull", e)
	case p.acceptKw(kwTrue):
		r = p.fn(start, "<=>", e, plan.LitBool(true))
	case p.acceptKw(kwFalse):
		r = p.fn(start, "<=>", e, plan.LitBool(false))
	case p.acceptKw(kwUnknown):
		// The comparison makes the operand a boolean, which a bare isnull would not.
		r = p.fn(start, "isnull", p.fn(start, "==", e, plan.LitBool(true)))
	case p.acceptKws(kwDistinct, kwFrom):
		same := p.fn(start, "<=>", e, p.value(precComparison))
		if negated {
			return same
		}
		return p.fn(start, "not", same)
	default:
		p.syntax("NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM")
		return e
	}
	if negated {
		return p.fn(start, "not", r)
	}
	return r
}

// in takes the list or query after IN.
func (p *parser) in(start int, e plan.Expr) plan.Expr {
	if !p.at(tokLParen) {
		p.syntax("'('")
		return e
	}
	if p.queryAt(p.pos) {
		q := p.parenQuery()
		return &plan.Subquery{Kind: plan.InSubquery, Plan: q, Values: rowValues(e), At: p.from(start)}
	}
	p.advance()
	list := p.exprList()
	p.expect(tokRParen, "')'")
	return &plan.In{Child: e, List: list}
}

// rowValues are the members of (a, b), or e alone.
func rowValues(e plan.Expr) []plan.Expr {
	if f, ok := e.(*plan.Func); ok && isRow(f) {
		return f.Args
	}
	return []plan.Expr{e}
}

// exprList takes expressions between commas.
func (p *parser) exprList() []plan.Expr {
	list := []plan.Expr{p.expr()}
	for p.accept(tokComma) {
		list = append(list, p.expr())
	}
	return list
}

// like takes what follows LIKE or ILIKE: a pattern, or patterns with ANY, SOME or ALL.
func (p *parser) like(start int, name string, e plan.Expr) plan.Expr {
	if p.atAnyKw(kwAny, kwSome, kwAll) && p.peek(1).kind == tokLParen {
		return p.likeSeveral(start, name, e)
	}
	pattern := p.value(precComparison)
	if !p.acceptKw(kwEscape) {
		return p.fn(start, name, e, pattern)
	}
	at := p.pos
	escape := p.stringText()
	if p.err == nil && len([]rune(escape)) != 1 {
		p.invalid(at, "INVALID_ESC", "42604", "The escape must be a single character, not '"+escape+"'.",
			"invalidEscape", `"`+escape+`"`)
	}
	return p.fn(start, name, e, pattern, plan.LitString(escape))
}

// likeSeveral expands LIKE ANY and ALL. NOT is outside of the whole: NOT LIKE
// ANY means that some pattern does not match, so the sense of the join turns.
func (p *parser) likeSeveral(start int, name string, e plan.Expr) plan.Expr {
	negated := p.pos >= 2 && p.tokens[p.pos-2].kw == kwNot || p.pos >= 2 && p.tokens[p.pos-2].kind == tokBang
	join := "or"
	if p.atKw(kwAll) != negated {
		join = "and"
	}
	at := p.pos
	p.pos += 2
	if p.at(tokRParen) {
		p.invalid(at, "_LEGACY_ERROR_TEMP_0064", "", "A list of patterns must not be empty.", "msg", "Expected something between '(' and ')'.")
		return e
	}
	list := p.exprList()
	p.expect(tokRParen, "')'")
	if name == "like" && allText(list) { // a function of its own, in name and plan
		several := "likeany"
		if join == "and" {
			several = "likeall"
		}
		return p.fn(start, several, append([]plan.Expr{e}, list...)...)
	}
	for i, pattern := range list {
		list[i] = p.fn(start, name, e, pattern)
	}
	return balance(list, func(l, r plan.Expr) plan.Expr { return p.fn(start, join, l, r) })
}

// allText tells whether all are string literals.
func allText(list []plan.Expr) bool {
	for _, e := range list {
		if l, ok := e.(*plan.Literal); !ok || l.Typ.Kind != types.KindString {
			return false
		}
	}
	return true
}

// isRow tells whether f was written as (a, b) or struct(a, b).
func isRow(f *plan.Func) bool {
	return len(f.Name) == 1 && f.Name[0] == rowFunction && f.Filter == nil && !f.Distinct
}

// rowFunction makes the struct that a row constructor means.
const rowFunction = "struct"
