package sql

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// declare takes DECLARE [OR REPLACE] [VARIABLE] names [type] [DEFAULT value].
func (p *parser) declare() plan.Node {
	start := p.pos
	p.advance()
	d := &plan.DeclareVariable{Replace: p.acceptKws(kwOr, kwReplace), Type: types.Null}
	if p.atAnyKw(kwVariable, kwVar) && p.peek(1).kind != tokDot && p.peek(1).kind != tokEq {
		p.advance()
	}
	d.Names = [][]string{p.multipart()}
	for p.accept(tokComma) {
		d.Names = append(d.Names, p.multipart())
	}
	if p.at(tokEOF) || p.at(tokSemicolon) {
		p.invalid(start, "INVALID_SQL_SYNTAX.VARIABLE_TYPE_OR_DEFAULT_REQUIRED", "42000", "A variable needs a type or a default.")
		return d
	}
	if !p.atKw(kwDefault) && !p.at(tokEq) {
		d.Typed = true
		d.Type = p.dataType()
	}
	if p.acceptKw(kwDefault) || p.accept(tokEq) {
		start := p.pos
		d.Default = p.expr()
		d.DefaultText = p.source(start)
	}
	return d
}

// setVariable takes name = value, ... or (names) = (query).
func (p *parser) setVariable() plan.Node {
	s := &plan.SetVariable{}
	if p.accept(tokLParen) {
		s.Names = [][]string{p.multipart()}
		for p.accept(tokComma) {
			s.Names = append(s.Names, p.multipart())
		}
		p.expect(tokRParen, "')'")
		p.expect(tokEq, "'='")
		s.Child = p.parenQuery()
		return s
	}
	for p.err == nil {
		s.Names = append(s.Names, p.multipart())
		p.expect(tokEq, "'='")
		s.Values = append(s.Values, p.variableValue())
		if !p.accept(tokComma) {
			break
		}
	}
	return s
}

// variableValue takes an expression, or DEFAULT, which is nil.
func (p *parser) variableValue() plan.Expr {
	if next := p.peek(1); p.atKw(kwDefault) && (next.kind == tokComma || next.kind == tokEOF || next.kind == tokSemicolon) {
		p.advance()
		return nil
	}
	return p.expr()
}

// dropVariable takes DROP TEMPORARY VARIABLE [IF EXISTS] name.
func (p *parser) dropVariable() plan.Node {
	p.pos += 2
	exists := p.acceptKws(kwIf, kwExists)
	return &plan.DropVariable{Name: p.multipart(), IfExists: exists}
}
