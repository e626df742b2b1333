package sql

import (
	"strconv"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// fromClause takes FROM relations LATERAL VIEW ... PIVOT ... Joins after a
// comma have everything before it on their left, as in Spark.
func (p *parser) fromClause() plan.Node {
	p.expectKw(kwFrom)
	n := p.relation()
	for p.accept(tokComma) {
		lateral := p.lateralWord()
		n = p.joins(&plan.Join{Type: plan.JoinInner, Left: n, Right: p.relationPrimary(), Lateral: lateral})
	}
	start := p.pos
	n = p.lateralViews(n)
	if p.pos > start && p.atAnyKw(kwPivot, kwUnpivot) && p.peek(1).kind == tokLParen {
		p.invalid(start, "NOT_ALLOWED_IN_FROM.LATERAL_WITH_PIVOT", "42601", "LATERAL VIEW goes not together with PIVOT.")
	}
	return n
}

// lateralWord takes LATERAL before a relation.
func (p *parser) lateralWord() bool {
	if p.atKw(kwLateral) && !p.peekKw(1, kwView) {
		p.advance()
		return true
	}
	return false
}

// relation takes a primary relation with the joins after it.
func (p *parser) relation() plan.Node {
	if !p.enter() {
		p.leave()
		return &plan.OneRow{}
	}
	defer p.leave()
	if p.lateralWord() {
		return p.joins(&plan.Join{Type: plan.JoinInner, Left: &plan.OneRow{}, Right: p.relationPrimary(), Lateral: true})
	}
	return p.joins(p.relationPrimary())
}

// joins takes the joins and pivots that follow a relation.
func (p *parser) joins(n plan.Node) plan.Node {
	for p.err == nil {
		next := p.join(n)
		if next == nil {
			next = p.pivot(n)
		}
		if next == nil {
			break
		}
		n = next
	}
	return n
}

// joinType takes the words before JOIN; false if no join begins here.
func (p *parser) joinType() (t plan.JoinType, natural, ok bool) {
	i := 0
	if p.peekKw(0, kwNatural) {
		natural, i = true, 1
	}
	switch p.peek(i).kw {
	case kwJoin:
		t = plan.JoinInner
	case kwInner:
		t, i = plan.JoinInner, i+1
	case kwCross:
		t, i = plan.JoinCross, i+1
	case kwLeft:
		t, i = plan.JoinLeft, i+1
		switch p.peek(i).kw {
		case kwSemi:
			t, i = plan.JoinSemi, i+1
		case kwAnti:
			t, i = plan.JoinAnti, i+1
		case kwOuter:
			i++
		default:
		}
	case kwRight, kwFull:
		t = plan.JoinRight
		if p.peek(i).kw == kwFull {
			t = plan.JoinFull
		}
		if i++; p.peekKw(i, kwOuter) {
			i++
		}
	case kwSemi:
		t, i = plan.JoinSemi, i+1
	case kwAnti:
		t, i = plan.JoinAnti, i+1
	default:
		return 0, false, false
	}
	if !p.peekKw(i, kwJoin) {
		return 0, false, false
	}
	p.pos += i + 1
	return t, natural, true
}

// join takes a join onto left; nil if there is none.
func (p *parser) join(left plan.Node) plan.Node {
	t, natural, ok := p.joinType()
	if !ok {
		return nil
	}
	start := p.pos
	j := &plan.Join{Type: t, Left: left, Natural: natural}
	j.Lateral = p.acceptKw(kwLateral)
	j.Right = p.relationPrimary()
	switch {
	case natural && j.Lateral:
		p.invalid(start, "INCOMPATIBLE_JOIN_TYPES", "42613", "A LATERAL join cannot be NATURAL.", "joinType1", "LATERAL", "joinType2", "NATURAL")
	case natural:
	case j.Lateral && p.atKw(kwUsing):
		p.invalid(start, "UNSUPPORTED_FEATURE.LATERAL_JOIN_USING", "0A000", "A LATERAL join takes ON, not USING.")
	case p.acceptKw(kwOn):
		j.Cond = p.expr()
	case p.atKw(kwUsing) && p.peek(1).kind == tokLParen:
		p.advance()
		j.Using = p.identifierList()
	}
	return j
}

// relationPrimary takes one relation with its sample, pivots and alias.
func (p *parser) relationPrimary() plan.Node {
	switch t := p.tok(); {
	case t.kind == tokLParen:
		return p.relationParens()
	case t.kw == kwValues && p.queryStart(p.pos):
		return p.inlineTable()
	case t.kw == kwTable && p.peek(1).kind == tokLParen:
		p.pos += 2
		n := p.tableFunction()
		p.expect(tokRParen, "')'")
		return p.relationSuffix(n)
	case t.kw == kwStream && p.isIdentifier(p.peek(1)) && !p.endOfRelation(p.peek(1)):
		p.unsupported(p.pos, "STREAM tables")
	case p.tableFunctionAt():
		return p.relationSuffix(p.tableFunction())
	}
	return p.relationSuffix(p.tableName())
}

func (p *parser) endOfRelation(t *token) bool {
	return clauseKeyword(t.kw) || strictKeywords[t.kw]
}

// relationParens takes (query) or (relation).
func (p *parser) relationParens() plan.Node {
	if p.queryAt(p.pos) {
		return p.relationSuffix(p.parenQuery())
	}
	p.advance()
	n := p.relation()
	p.expect(tokRParen, "')'")
	return p.relationSuffix(n)
}

// relationSuffix takes TABLESAMPLE and an alias.
func (p *parser) relationSuffix(n plan.Node) plan.Node {
	if p.atKw(kwTablesample) && p.peek(1).kind == tokLParen {
		n = p.sample(n)
	}
	return p.alias(n)
}

// alias takes [AS] name [(columns)].
func (p *parser) alias(n plan.Node) plan.Node {
	switch t := p.tok(); {
	case t.kw == kwAs:
		if p.peek(1).kind == tokLParen { // AS (a, b): the alias is the word itself
			break
		}
		p.advance()
		if !p.isIdentifier(p.tok()) || strictKeywords[p.tok().kw] {
			p.syntax("an alias")
			return n
		}
	case p.isAliasIdentifier(t):
	default:
		return n
	}
	s := &plan.SubqueryAlias{Name: []string{p.plainIdentifier()}, Child: n}
	if p.at(tokLParen) {
		s.Columns = p.identifierList()
	}
	return s
}

// tableName takes a table's name without an alias.
func (p *parser) tableName() *plan.Table {
	start := p.pos
	t := &plan.Table{Parts: p.multipart()}
	t.At = p.from(start)
	switch {
	case p.atKw(kwWith) && p.peek(1).kind == tokLParen:
		p.advance()
		t.Options = p.options()
	case p.timeTravelAt():
		p.unsupported(start, "time travel (VERSION AS OF, TIMESTAMP AS OF)")
	}
	return t
}

func (p *parser) timeTravelAt() bool {
	i := 0
	if p.peekKw(0, kwFor) {
		i = 1
	}
	switch p.peek(i).kw {
	case kwVersion, kwTimestamp, kwSystemVersion, kwSystemTime:
		return p.peekKw(i+1, kwAs) && p.peekKw(i+2, kwOf)
	default:
		return false
	}
}

// tableFunctionAt tells whether a name followed by a parenthesis is next.
func (p *parser) tableFunctionAt() bool {
	if !p.isIdentifier(p.tok()) || p.tok().kind == tokEOF {
		return false
	}
	i := 1
	for p.peek(i).kind == tokDot && p.isIdentifier(p.peek(i+1)) {
		i += 2
		if p.peekKw(i-1, kwIdentifier) && p.peek(i).kind == tokLParen && p.isString(p.peek(i+1)) {
			i += 3 // IDENTIFIER('part')
		}
	}
	if p.peek(i).kind != tokLParen {
		return false
	}
	if !p.atKw(kwIdentifier) || i != 1 {
		return true
	}
	after := int(p.peek(1).match) + 1 // IDENTIFIER('f')(...)
	return after < p.end && p.tokens[after].kind == tokLParen
}

// tableFunction takes a call that makes a relation.
func (p *parser) tableFunction() plan.Node {
	start := p.pos
	f := &plan.TableFunction{Name: p.multipart()}
	call := &plan.Func{}
	p.expect(tokLParen, "'('")
	if !p.accept(tokRParen) {
		p.arguments(call)
		p.expect(tokRParen, "')' or ','")
	}
	f.Args = call.Args
	f.At = p.from(start)
	return f
}

// inlineTable takes VALUES (1, 2), (3, 4) [alias].
func (p *parser) inlineTable() plan.Node {
	start := p.pos
	p.expectKw(kwValues)
	v := &plan.Values{}
	for p.err == nil {
		v.Rows = append(v.Rows, inlineRow(p.rowExpr()))
		if !p.accept(tokComma) {
			break
		}
	}
	if p.err != nil {
		return v
	}
	v.At = p.from(start)
	for i := range v.Rows[0] {
		v.Names = append(v.Names, "col"+strconv.Itoa(i+1))
	}
	for _, r := range v.Rows {
		if len(r) != len(v.Names) {
			p.unevenRows(start, len(v.Names), len(r))
			return v
		}
	}
	n := p.relationSuffix(v)
	if s, ok := n.(*plan.SubqueryAlias); ok && s.Child == plan.Node(v) && len(s.Columns) > 0 {
		if len(s.Columns) != len(v.Names) {
			p.unevenRows(start, len(s.Columns), len(v.Names))
			return n
		}
		v.Names, s.Columns = s.Columns, nil
	}
	return n
}

func (p *parser) unevenRows(start, want, got int) {
	p.invalid(start, "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH", "42000",
		"The rows of VALUES and the names of their columns differ in number.", "expectedNumCols", itoa(want), "actualNumCols", itoa(got), "rowIndex", "0")
}

// rowExpr takes a row: an expression with an alias after AS only, since a
// bare word after the rows is the table's alias.
func (p *parser) rowExpr() plan.Expr {
	e := p.expr()
	if p.atKw(kwAs) && p.isIdentifier(p.peek(1)) && p.peek(2).kind == tokComma {
		p.pos += 2
	}
	return e
}

func inlineRow(e plan.Expr) []plan.Expr {
	f, ok := e.(*plan.Func)
	if !ok || !isRow(f) {
		return []plan.Expr{e}
	}
	for i, a := range f.Args {
		f.Args[i] = unalias(a)
	}
	return f.Args
}
