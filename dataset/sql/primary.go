package sql

import (
	"slices"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// primary takes an operand with its suffixes.
func (p *parser) primary() plan.Expr {
	start := p.pos
	return p.suffixes(start, p.operand())
}

// suffixes takes [key], .field, ::type, :path and COLLATE after an operand.
func (p *parser) suffixes(start int, e plan.Expr) plan.Expr {
	for {
		switch t := p.tok(); {
		case t.kind == tokLBracket:
			p.advance()
			key := p.value(precComparison)
			p.expect(tokRBracket, "']'")
			e = &plan.Extract{Child: e, Key: key, At: p.from(start)}
		case t.kind == tokDot && p.peek(1).kind != tokStar:
			p.advance()
			e = p.field(start, e)
		case t.kind == tokDoubleColon:
			p.advance()
			to := p.dataType()
			e = &plan.Cast{Child: e, To: to, Mode: plan.CastSession, At: p.from(start)}
		case t.kind == tokColon && p.isIdentifier(p.peek(1)) && p.allowsPath(e):
			e = p.variantPath(start, e)
		case t.kw == kwCollate:
			p.advance()
			name := strings.Join(p.multipart(), ".")
			e = p.fn(start, "collate", e, plan.LitString(name))
		default:
			return e
		}
	}
}

// field takes the name after a dot: a further part of a column's name, or the
// member of a struct.
func (p *parser) field(start int, e plan.Expr) plan.Expr {
	name := p.identifier()
	if a, ok := e.(*plan.Attr); ok {
		parts := append(slices.Clip(a.Parts), name)
		return &plan.Attr{Parts: parts, At: p.from(start)}
	}
	return &plan.Extract{Child: e, Key: plan.LitString(name), At: p.from(start)}
}

// allowsPath tells whether a colon after e begins a path into a variant.
func (p *parser) allowsPath(e plan.Expr) bool {
	_, literal := e.(*plan.Literal)
	return !literal
}

// variantPath takes :a.b[0] and keeps it as text, as variant_get wants it.
func (p *parser) variantPath(start int, e plan.Expr) plan.Expr {
	p.advance()
	var path strings.Builder
	last := p.identifier()
	path.WriteString("$." + last)
	for {
		switch {
		case p.accept(tokDot):
			last = p.identifier()
			path.WriteString("." + last)
		case p.at(tokLBracket):
			from := p.pos
			p.advance()
			if !p.accept(tokInteger) && !p.accept(tokStar) {
				p.stringText()
			}
			p.expect(tokRBracket, "']'")
			path.WriteString(p.source(from))
		default:
			p.path = p.fn(start, "variant_get", e, plan.LitString(path.String()), plan.LitString("variant"))
			p.pathName = last
			return p.path
		}
	}
}

// operand takes the smallest expressions.
func (p *parser) operand() plan.Expr {
	start, t := p.pos, p.tok()
	switch {
	case t.kind == tokWord:
		return p.word()
	case isNumber(t):
		return p.number(start, false)
	case p.isString(t):
		s := p.stringText()
		return p.lit(start, types.String, s)
	case p.isIdentifier(t):
		return p.reference()
	}
	switch t.kind {
	case tokLParen:
		return p.parenthesised()
	case tokStar:
		p.advance()
		return p.star(start, nil)
	case tokQuestion, tokColon:
		return p.parameter()
	default:
	}
	p.syntax("an expression")
	return p.bad()
}

// star takes what follows a * in a select list or call.
func (p *parser) star(start int, qualifier []string) plan.Expr {
	var except [][]string
	if p.atKw(kwExcept) && p.peek(1).kind == tokLParen && !p.queryAt(p.pos+1) {
		p.pos += 2
		for p.err == nil {
			except = append(except, p.multipart())
			if !p.accept(tokComma) {
				break
			}
		}
		p.expect(tokRParen, "')'")
	}
	return &plan.Star{Qualifier: qualifier, Except: except, At: p.from(start)}
}

// parameter takes ? or :name.
func (p *parser) parameter() plan.Expr {
	start := p.pos
	if p.accept(tokQuestion) {
		n := p.params
		p.params++
		if p.opt.Positional == nil && p.opt.Named == nil {
			return &plan.Param{Pos: n, At: p.from(start)}
		}
		if n < len(p.opt.Positional) {
			return p.opt.Positional[n]
		}
		p.unbound(start, "_"+itoa(n))
		return p.bad()
	}
	p.advance()
	name := p.identifier()
	if p.opt.Positional == nil && p.opt.Named == nil {
		return &plan.Param{Name: name, At: p.from(start)}
	}
	if v, ok := p.opt.Named[name]; ok {
		return v
	}
	p.unbound(start, name)
	return p.bad()
}

func (p *parser) unbound(start int, name string) {
	p.invalid(start, "UNBOUND_SQL_PARAMETER", "42P02", "The parameter "+name+" has no value.", "name", name)
}

// parenthesised takes a subquery, a lambda's parameters, a row or an
// expression in parentheses.
func (p *parser) parenthesised() plan.Expr {
	start := p.pos
	if p.queryAt(start) {
		q := p.parenQuery()
		return &plan.Subquery{Kind: plan.ScalarSubquery, Plan: q, At: p.from(start)}
	}
	if closing := int(p.tok().match); closing < p.end && p.tokens[closing+1].kind == tokArrow {
		return p.lambda()
	}
	p.advance()
	first := p.namedExpr()
	if p.accept(tokRParen) {
		return unalias(first)
	}
	args := []plan.Expr{first}
	for p.accept(tokComma) {
		args = append(args, p.namedExpr())
	}
	p.expect(tokRParen, "')' or ','")
	return p.fn(start, rowFunction, args...)
}

// unalias drops the name in (expr AS name), which means nothing outside of a row.
func unalias(e plan.Expr) plan.Expr {
	if a, ok := e.(*plan.Alias); ok {
		return a.Child
	}
	return e
}

// lambda takes x -> body or (x, y) -> body.
func (p *parser) lambda() plan.Expr {
	var params []*plan.LambdaVar
	if p.at(tokLParen) {
		for _, name := range p.identifierList() {
			params = append(params, &plan.LambdaVar{Name: name})
		}
	} else {
		params = []*plan.LambdaVar{{Name: p.identifier()}}
	}
	p.expect(tokArrow, "'->'")
	return &plan.Lambda{Params: params, Body: p.expr()}
}

// reference takes a column's name, a call, a lambda or name.*.
func (p *parser) reference() plan.Expr {
	start := p.pos
	if p.peek(1).kind == tokArrow {
		return p.lambda()
	}
	if p.peek(1).kind == tokLParen && p.tok().kind == tokWord {
		return p.call(start, []string{p.identifier()})
	}
	quoted := p.tok().kind == tokBacktick
	parts := []string{p.identifier()}
	for p.at(tokDot) {
		if p.peek(1).kind == tokStar {
			p.pos += 2
			return p.star(start, parts)
		}
		p.advance()
		parts = append(parts, p.identifier())
	}
	switch {
	case p.at(tokLParen):
		return p.call(start, parts)
	case quoted && len(parts) == 1 && p.opt.QuotedRegexColumns && p.inSelectList():
		return &plan.RegexColumns{Pattern: parts[0]}
	}
	return &plan.Attr{Parts: parts, At: p.from(start)}
}

func (p *parser) inSelectList() bool { return p.windows != nil && p.windows.selectList }

// namedExpr takes an expression with an optional alias: a name, or names in
// parentheses for a generator's columns.
func (p *parser) namedExpr() plan.Expr {
	e := p.expr()
	if p.acceptKw(kwAs) {
		if p.at(tokLParen) {
			names := p.identifierList()
			return &plan.Alias{Child: e, Name: first(names), Names: names}
		}
		return &plan.Alias{Child: e, Name: p.plainIdentifier()}
	}
	t := p.tok()
	switch {
	case t.kind == tokLParen && p.generatorNames():
		names := p.identifierList()
		return &plan.Alias{Child: e, Name: first(names), Names: names}
	case p.isIdentifier(t) && !p.endsNamedExpr(t):
		return &plan.Alias{Child: e, Name: p.plainIdentifier()}
	case p.path != nil && e == plan.Expr(p.path):
		return &plan.Alias{Child: e, Name: p.pathName}
	}
	return e
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// generatorNames tells whether the parenthesis holds only names: the alias of a generator.
func (p *parser) generatorNames() bool {
	for i := p.pos + 1; i < int(p.tok().match); i++ {
		if t := &p.tokens[i]; t.kind != tokComma && !p.isIdentifier(t) {
			return false
		}
	}
	return p.pos > 0 && p.tokens[p.pos-1].kind == tokRParen
}

// endsNamedExpr tells whether a word after an expression begins the next
// clause. Join words are aliases here, as in Spark, unless the clause they
// begin is complete.
func (p *parser) endsNamedExpr(t *token) bool {
	if t.kind != tokWord || t.kw == noKeyword {
		return false
	}
	switch t.kw {
	case kwUnion, kwExcept, kwMinus, kwIntersect, kwLateral:
		return true
	default:
		return clauseKeyword(t.kw)
	}
}
