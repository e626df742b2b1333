package sql

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// bad stands for an expression after an error.
func (p *parser) bad() plan.Expr { return plan.LitNull(types.Null) }

// fn makes a call whose text begins at token index start.
func (p *parser) fn(start int, name string, args ...plan.Expr) *plan.Func {
	return &plan.Func{Name: []string{name}, Args: args, At: p.from(start)}
}

// expr takes a boolean expression: the lowest precedence, OR.
func (p *parser) expr() plan.Expr {
	if !p.enter() {
		p.leave()
		return p.bad()
	}
	defer p.leave()
	return p.logical(kwOr, "or", (*parser).conjunction)
}

func (p *parser) conjunction() plan.Expr { return p.logical(kwAnd, "and", (*parser).negation) }

// logical takes a chain of AND or OR. Long chains become balanced trees, so
// that generated conditions of thousands of terms stay shallow.
func (p *parser) logical(word keyword, name string, term func(*parser) plan.Expr) plan.Expr {
	start := p.pos
	first := term(p)
	if !p.atKw(word) {
		return first
	}
	terms := []plan.Expr{first}
	for p.acceptKw(word) {
		terms = append(terms, term(p))
	}
	return balance(terms, func(l, r plan.Expr) plan.Expr { return p.fn(start, name, l, r) })
}

// balance folds terms, in order, into a tree of least depth; up to the size
// where depth matters it is the left-deep tree that people read in plans.
func balance(terms []plan.Expr, join func(l, r plan.Expr) plan.Expr) plan.Expr {
	const leftDeep = 16
	if len(terms) <= leftDeep {
		e := terms[0]
		for _, t := range terms[1:] {
			e = join(e, t)
		}
		return e
	}
	mid := len(terms) / 2
	return join(balance(terms[:mid], join), balance(terms[mid:], join))
}

// negation takes NOT and what binds closer.
func (p *parser) negation() plan.Expr {
	start := p.pos
	if !p.atKw(kwNot) && !p.at(tokBang) {
		return p.predicate()
	}
	if !p.enter() {
		p.leave()
		return p.bad()
	}
	defer p.leave()
	p.advance()
	e := p.negation()
	return p.fn(start, "not", e)
}

// Precedence of binary operators on values; higher binds closer.
const (
	precComparison = iota + 1
	precBitOr
	precBitXor
	precBitAnd
	precShift
	precAdd
	precMultiply
)

// binaryOperator is the operator at the current token: its function's name,
// precedence (0 none) and length in tokens.
func (p *parser) binaryOperator() (name string, prec, length int) {
	t := p.tok()
	switch t.kind {
	case tokEq:
		return "==", precComparison, 1
	case tokNullSafeEq:
		return "<=>", precComparison, 1
	case tokNotEq:
		return "!=", precComparison, 1
	case tokLess:
		return "<", precComparison, 1
	case tokLessEq:
		return "<=", precComparison, 1
	case tokGreater:
		return p.greaterOrShift(t)
	case tokGreaterEq:
		return ">=", precComparison, 1
	case tokPipe:
		return "|", precBitOr, 1
	case tokCaret:
		return "^", precBitXor, 1
	case tokAmp:
		return "&", precBitAnd, 1
	case tokShiftLeft:
		return "<<", precShift, 1
	case tokPlus:
		return "+", precAdd, 1
	case tokMinus:
		return "-", precAdd, 1
	case tokConcat:
		return "concat", precAdd, 1
	case tokStar:
		return "*", precMultiply, 1
	case tokSlash:
		return "/", precMultiply, 1
	case tokPercent:
		return "%", precMultiply, 1
	case tokWord:
		if t.kw == kwDiv {
			return "div", precMultiply, 1
		}
	default:
	}
	return "", 0, 0
}

// greaterOrShift tells > from >> and >>>, which are not tokens because types
// end with several >.
func (p *parser) greaterOrShift(t *token) (name string, prec, length int) {
	adjacent := func(n int) bool {
		u := p.peek(n)
		return u.kind == tokGreater && u.start == t.start+int32(n)
	}
	switch {
	case adjacent(1) && adjacent(2):
		return ">>>", precShift, 3
	case adjacent(1):
		return ">>", precShift, 2
	}
	return ">", precComparison, 1
}

// value takes a value expression whose operators bind at least as close as
// minimum: no predicates, no logic.
func (p *parser) value(minimum int) plan.Expr {
	start := p.pos
	left := p.unary()
	for {
		name, prec, length := p.binaryOperator()
		if prec == 0 || prec < minimum {
			return left
		}
		p.pos += length
		right := p.value(prec + 1)
		if name == "!=" {
			left = p.fn(start, "not", p.fn(start, "==", left, right))
			continue
		}
		left = p.fn(start, name, left, right)
	}
}

// unary takes signs and ~. A minus before a number is the number's own.
func (p *parser) unary() plan.Expr {
	start := p.pos
	var name string
	switch p.tok().kind {
	case tokMinus:
		if isNumber(p.peek(1)) {
			p.advance()
			return p.suffixes(start, p.number(start, true))
		}
		name = "unary -"
	case tokPlus:
		name = "positive"
	case tokTilde:
		name = "~"
	default:
		return p.primary()
	}
	if !p.enter() {
		p.leave()
		return p.bad()
	}
	defer p.leave()
	p.advance()
	return p.fn(start, name, p.unary())
}
