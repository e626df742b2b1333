package sql

import (
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// queryAt tells whether the parenthesis at token index i holds a query rather
// than an expression. ((SELECT 1) UNION ...) is a query, ((SELECT 1) + 1) is not.
func (p *parser) queryAt(i int) bool {
	inner := i
	for p.tokens[inner].kind == tokLParen {
		inner++
	}
	if inner >= p.end || !p.queryStart(inner) {
		return false
	}
	// From the inside out: each parenthesis around a query is one, too, if
	// what follows the query inside of it goes on as a query or ends.
	for open := inner - 2; open >= i; open-- {
		after := int(p.tokens[open+1].match) + 1
		if after > p.end || !p.queryGoesOn(after, int(p.tokens[open].match)) {
			return false
		}
	}
	return true
}

// queryStart tells whether a query begins at token index i.
func (p *parser) queryStart(i int) bool {
	t, next := &p.tokens[i], &p.tokens[min(i+1, p.end)]
	switch t.kw {
	case kwSelect:
		return next.kind != tokRParen && next.kind != tokComma && next.kind != tokDot
	case kwWith:
		third := &p.tokens[min(i+2, p.end)]
		return p.isIdentifier(next) && (third.kw == kwAs || third.kind == tokLParen || next.kw == kwRecursive)
	case kwFrom:
		return p.isIdentifier(next) || next.kind == tokLParen
	case kwTable:
		return p.isIdentifier(next)
	case kwValues:
		return next.kind == tokLParen || isNumber(next) || p.isString(next) || next.kind == tokMinus || next.kind == tokWord
	case kwMap, kwReduce:
		return next.kind == tokWord && next.kw != kwAs
	default:
		return false
	}
}

// queryGoesOn tells whether the token after a parenthesised query, inside the
// parenthesis that closes at token index closing, continues the query.
func (p *parser) queryGoesOn(after, closing int) bool {
	t := &p.tokens[after]
	if after == closing || t.kind == tokPipeTo {
		return true
	}
	switch t.kw {
	case kwUnion, kwIntersect, kwExcept, kwMinus, kwOrder, kwSort, kwCluster, kwDistribute, kwLimit, kwOffset, kwWindow:
		return true
	default:
		return false
	}
}

// parenQuery takes (query).
func (p *parser) parenQuery() plan.Node {
	p.expect(tokLParen, "'('")
	n := p.query()
	p.expect(tokRParen, "')'")
	return n
}

// query takes [WITH ...] term [ORDER BY ...] [LIMIT ...].
func (p *parser) query() plan.Node {
	if !p.enter() {
		p.leave()
		return &plan.OneRow{}
	}
	defer p.leave()
	outer := p.windows
	p.windows = &windowScope{outer: outer}
	defer func() { p.windows = outer }()
	var with *plan.With
	if p.atKw(kwWith) {
		with = p.with()
		if p.atKw(kwInsert) && p.depth == 1 {
			return p.insert(with)
		}
	}
	n := p.queryBody()
	p.windows.substitute()
	if with != nil {
		with.Child = n
		return with
	}
	return n
}

// queryBody is a query without its WITH.
func (p *parser) queryBody() plan.Node {
	n := p.queryTerm(setUnion)
	for p.err == nil {
		if p.at(tokPipeTo) {
			n = p.pipeOperator(n)
		} else if p.setOperator() != 0 {
			n = p.setOperation(n, false)
		} else {
			break
		}
	}
	return p.organisation(n)
}

// with takes WITH [RECURSIVE] name [(columns)] AS (query), ...
func (p *parser) with() *plan.With {
	p.advance()
	w := &plan.With{}
	if p.atKw(kwRecursive) && p.isIdentifier(p.peek(1)) && !p.peekKw(1, kwAs) {
		p.advance()
		w.Recursive = true
	}
	for p.err == nil {
		start := p.pos
		c := plan.CTE{Name: p.plainIdentifier()}
		if p.at(tokLParen) && !p.queryAt(p.pos) {
			c.Columns = p.identifierList()
		}
		c.MaxLevel = p.maxRecursionLevel()
		p.acceptKw(kwAs)
		c.Plan = p.parenQuery()
		for _, other := range w.CTEs {
			if strings.EqualFold(other.Name, c.Name) {
				p.invalid(start, "DUPLICATED_CTE_NAMES", "42602", "The name "+c.Name+" is given to two queries of WITH.",
					"duplicateNames", "`"+c.Name+"`")
			}
		}
		w.CTEs = append(w.CTEs, c)
		if !p.accept(tokComma) {
			break
		}
	}
	return w
}

// maxRecursionLevel takes [MAX RECURSION LEVEL n].
func (p *parser) maxRecursionLevel() *int64 {
	if !p.atKw(kwMax) || !p.peekKw(1, kwRecursion) {
		return nil
	}
	p.pos += 2
	p.expectKw(kwLevel)
	level := int64(p.smallInt())
	return &level
}

// Set operators by precedence.
const (
	setUnion     = 1 // UNION, EXCEPT, MINUS
	setIntersect = 2
)

// setOperator is the precedence of the set operator at the current token, 0 if none.
func (p *parser) setOperator() int {
	switch p.tok().kw {
	case kwUnion, kwExcept, kwMinus:
		return setUnion
	case kwIntersect:
		if p.opt.LegacySetOps {
			return setUnion
		}
		return setIntersect
	default:
		return 0
	}
}

// queryTerm takes query primaries joined by set operators of at least the
// given precedence.
func (p *parser) queryTerm(minimum int) plan.Node {
	left := p.queryPrimary()
	for {
		if prec := p.setOperator(); prec == 0 || prec < minimum {
			return left
		}
		left = p.setOperation(left, false)
	}
}

// setOperation takes an operator and its right side, which after a pipe is a
// single primary.
func (p *parser) setOperation(left plan.Node, piped bool) plan.Node {
	prec := p.setOperator()
	op := &plan.SetOp{Left: left}
	switch p.tok().kw {
	case kwUnion:
		op.Kind = plan.SetUnion
	case kwIntersect:
		op.Kind = plan.SetIntersect
	default:
		op.Kind = plan.SetExcept
	}
	p.advance()
	if op.All = p.acceptKw(kwAll); !op.All {
		p.acceptKw(kwDistinct)
	}
	if p.atKw(kwBy) && strings.EqualFold(p.textOf(p.peek(1)), "NAME") {
		p.pos += 2
		op.ByName = true
	}
	if piped {
		op.Right = p.queryPrimary()
	} else {
		op.Right = p.queryTerm(prec + 1)
	}
	return op
}

// queryPrimary takes SELECT, VALUES, TABLE, FROM ... SELECT, or (query).
func (p *parser) queryPrimary() plan.Node {
	switch t := p.tok(); {
	case t.kind == tokLParen:
		return p.parenQuery()
	case t.kw == kwSelect:
		return p.selectQuery(nil)
	case t.kw == kwFrom:
		return p.fromQuery()
	case t.kw == kwTable:
		p.advance()
		return p.tableName()
	case t.kw == kwValues:
		return p.inlineTable()
	case t.kw == kwMap || t.kw == kwReduce:
		p.unsupported(p.pos, "SELECT TRANSFORM")
	}
	p.syntax("a query")
	return &plan.OneRow{}
}

// fromQuery takes FROM relations SELECT ..., or FROM relations alone.
func (p *parser) fromQuery() plan.Node {
	from := p.fromClause()
	switch {
	case p.atKw(kwSelect):
		return p.selectQuery(from)
	case p.atAnyKw(kwMap, kwReduce):
		p.unsupported(p.pos, "SELECT TRANSFORM")
	case p.atKw(kwInsert):
		p.unsupported(p.pos, "SQL statement FROM ... INSERT")
	}
	return from
}

// organisation takes what orders and bounds a query's rows.
func (p *parser) organisation(n plan.Node) plan.Node {
	if p.acceptKw(kwOrder) {
		p.expectKw(kwBy)
		n = p.orderBy(n)
	}
	n = p.partitioning(n)
	if p.atKw(kwWindow) {
		p.windowClause()
	}
	return p.bounds(n)
}

// orderBy takes the keys, or ALL.
func (p *parser) orderBy(n plan.Node) plan.Node {
	if p.atKw(kwAll) && !p.continuesExpr(p.peek(1)) {
		p.advance()
		o := plan.SortOrder{Child: p.bad()}
		p.direction(&o)
		return &plan.Sort{Orders: []plan.SortOrder{o}, Global: true, All: true, Child: n}
	}
	return &plan.Sort{Orders: p.sortItems(), Global: true, Child: n}
}

// continuesExpr tells whether the word before t is an operand of an expression.
func (p *parser) continuesExpr(t *token) bool {
	switch t.kind {
	case tokEOF, tokRParen, tokSemicolon, tokWord, tokPipeTo:
		return false
	default:
		return true
	}
}

// partitioning takes CLUSTER BY, DISTRIBUTE BY and SORT BY.
func (p *parser) partitioning(n plan.Node) plan.Node {
	start := p.pos
	if p.acceptKws(kwCluster, kwBy) {
		keys := p.exprList()
		orders := make([]plan.SortOrder, len(keys))
		for i, k := range keys {
			orders[i] = plan.SortOrder{Child: k}
		}
		n = &plan.Sort{Orders: orders, Child: &plan.Repartition{Shuffle: true, By: keys, Child: n}}
		if p.atKws(kwSort, kwBy) || p.atKws(kwDistribute, kwBy) {
			p.invalid(start, "UNSUPPORTED_FEATURE.COMBINATION_QUERY_RESULT_CLAUSES", "0A000",
				"CLUSTER BY goes without DISTRIBUTE BY and SORT BY.")
		}
		return n
	}
	if p.acceptKws(kwDistribute, kwBy) {
		n = &plan.Repartition{Shuffle: true, By: p.exprList(), Child: n}
	}
	if p.acceptKws(kwSort, kwBy) {
		n = &plan.Sort{Orders: p.sortItems(), Child: n}
	}
	return n
}

// bounds takes LIMIT and OFFSET. The offset is skipped before the limit counts.
func (p *parser) bounds(n plan.Node) plan.Node {
	var limit, offset plan.Expr
	hasLimit := false
	if p.acceptKw(kwLimit) {
		hasLimit = true
		if !p.acceptKw(kwAll) {
			limit = p.expr()
		}
	}
	if p.acceptKw(kwOffset) {
		offset = p.expr()
		if !hasLimit && p.acceptKw(kwLimit) && !p.acceptKw(kwAll) {
			limit = p.expr()
		}
	}
	if offset != nil {
		n = &plan.OffsetRows{N: offset, Child: n}
	}
	if limit != nil {
		n = &plan.Limit{N: limit, Child: n}
	}
	return n
}
