package sql

import (
	"strconv"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

func itoa(i int) string { return strconv.Itoa(i) }

// word takes an operand that begins with a word: a literal, a special form, a
// call or a column.
func (p *parser) word() plan.Expr {
	start, t := p.pos, p.tok()
	if t.kw != noKeyword {
		if e := p.keywordOperand(start, t.kw); e != nil {
			return e
		}
	}
	if p.isString(p.peek(1)) { // any word before a string names a type, if only to be refused
		return p.typedLiteral()
	}
	if !p.isIdentifier(t) || hardKeyword(t.kw) && !p.followsOperand(p.peek(1)) {
		p.syntax("an expression")
		return p.bad()
	}
	return p.reference()
}

// hardKeyword tells whether k, where an operand should be, almost surely means
// that the operand is missing.
func hardKeyword(k keyword) bool {
	switch k {
	case kwSelect, kwFrom, kwWhere, kwGroup, kwHaving, kwOrder, kwUnion, kwIntersect, kwAs, kwOn, kwJoin, kwUsing,
		kwAnd, kwOr, kwBy, kwThen, kwWhen, kwElse, kwEnd, kwInto, kwLimit, kwIn, kwBetween, kwLike, kwIs, kwDistinct:
		return true
	default:
		return false
	}
}

// followsOperand tells whether t goes on after a complete operand, so that a
// hard keyword before it is a name after all.
func (p *parser) followsOperand(t *token) bool {
	switch t.kind {
	case tokDot, tokComma, tokRParen, tokEq, tokNotEq, tokLess, tokLessEq, tokGreaterEq, tokEOF:
		return true
	case tokWord:
		return t.kw == kwFrom && p.tok().kw == kwEnd
	default:
		return t.kind == tokLParen && !p.queryAt(p.pos+1)
	}
}

// keywordOperand takes the special forms; nil where the word is a plain name.
func (p *parser) keywordOperand(start int, k keyword) plan.Expr {
	if p.peek(1).kind == tokLParen {
		return p.keywordCall(start, k)
	}
	switch k {
	case kwNull, kwTrue, kwFalse:
		if p.peek(1).kind == tokDot {
			return nil
		}
		p.advance()
		switch k {
		case kwTrue:
			return p.lit(start, types.Bool, true)
		case kwFalse:
			return p.lit(start, types.Bool, false)
		default:
		}
		return p.lit(start, types.Null, nil)
	case kwCase:
		if p.peek(1).kind != tokEOF && p.peek(1).kind != tokComma && p.peek(1).kind != tokDot {
			return p.caseWhen()
		}
	case kwInterval:
		if p.intervalAt() {
			return p.interval()
		}
	case kwCurrentDate, kwCurrentTime, kwCurrentTimestamp, kwLocaltimestamp, kwCurrentUser, kwSessionUser, kwUser:
		// Unless reserved they may be columns, such as user; the analyser looks for those first.
		if p.peek(1).kind == tokDot || !p.opt.ReservedKeywords {
			return nil
		}
		name := lower(p.textOf(p.tok()))
		p.advance()
		return p.fn(start, name)
	case kwNot: // an operand cannot be negated without parentheses, except in rows
		if p.peek(1).kind != tokDot {
			p.syntax("an expression")
			return p.bad()
		}
	default:
	}
	return nil
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// caseWhen takes CASE [value] WHEN ... THEN ... [ELSE ...] END.
func (p *parser) caseWhen() plan.Expr {
	p.advance()
	var operand plan.Expr
	if !p.atKw(kwWhen) {
		operand = p.expr()
	}
	c := &plan.Case{}
	for p.atKw(kwWhen) {
		start := p.pos
		p.advance()
		cond := p.expr()
		if operand != nil {
			cond = p.fn(start, "==", operand, cond)
		}
		p.expectKw(kwThen)
		c.Whens = append(c.Whens, plan.When{Cond: cond, Then: p.expr()})
	}
	if len(c.Whens) == 0 {
		p.syntax("WHEN")
		return p.bad()
	}
	if p.acceptKw(kwElse) {
		c.Else = p.expr()
	}
	p.expectKw(kwEnd)
	return c
}

// keywordCall takes the calls with a grammar of their own; nil for plain ones.
func (p *parser) keywordCall(start int, k keyword) plan.Expr {
	switch k {
	case kwCast:
		return p.cast(start, plan.CastSession)
	case kwTryCast:
		return p.cast(start, plan.CastTry)
	case kwExtract:
		return p.extract(start)
	case kwSubstr, kwSubstring:
		return p.substring(start)
	case kwTrim:
		return p.trim(start)
	case kwPosition:
		return p.position(start)
	case kwOverlay:
		return p.overlay(start)
	case kwTimestampadd, kwDateadd, kwDateAdd:
		return p.unitCall(start, "timestampadd")
	case kwTimestampdiff, kwDatediff, kwDateDiff, kwTimediff:
		return p.unitCall(start, "timestampdiff")
	case kwStruct:
		return p.structCall(start)
	case kwIdentifier:
		return p.identifierOperand(start)
	case kwInterval:
		if p.intervalAt() {
			return p.interval()
		}
	case kwCase:
		return p.caseWhen()
	case kwNot:
		p.syntax("an expression")
		return p.bad()
	case kwNull, kwTrue, kwFalse:
		p.advance()
		p.syntax("an operator")
		return p.bad()
	default:
	}
	if hardKeyword(k) && p.opt.ReservedKeywords {
		p.syntax("an expression")
		return p.bad()
	}
	return nil
}

// identifierOperand takes IDENTIFIER('name') as a column or a function's name.
func (p *parser) identifierOperand(start int) plan.Expr {
	parts := p.identifierClause()
	if p.at(tokLParen) {
		return p.call(start, parts)
	}
	return &plan.Attr{Parts: parts, At: p.from(start)}
}
