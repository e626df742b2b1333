package sql

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
)

// lateralViews takes LATERAL VIEW [OUTER] generator(...) [table] [AS columns] ...
func (p *parser) lateralViews(n plan.Node) plan.Node {
	for p.acceptKws(kwLateral, kwView) {
		g := &plan.Generate{Child: n}
		if p.atKw(kwOuter) && p.peek(1).kind != tokLParen && p.peek(1).kind != tokDot {
			p.advance()
			g.Outer = true
		}
		start := p.pos
		name := p.multipart()
		f := &plan.Func{Name: name}
		p.expect(tokLParen, "'('")
		if !p.accept(tokRParen) {
			p.arguments(f)
			p.expect(tokRParen, "')' or ','")
		}
		f.At = p.from(start)
		g.Gen = f
		if p.isAliasIdentifier(p.tok()) {
			g.Qualifier = p.plainIdentifier()
		}
		g.Names = p.viewColumns()
		n = g
	}
	return n
}

// viewColumns takes [AS] a, b after a lateral view. Without AS the first name
// must not begin the next clause.
func (p *parser) viewColumns() []string {
	if !p.acceptKw(kwAs) && !p.isAliasIdentifier(p.tok()) {
		return nil
	}
	names := []string{p.plainIdentifier()}
	for p.accept(tokComma) {
		names = append(names, p.plainIdentifier())
	}
	return names
}

// pivot takes PIVOT or UNPIVOT; nil if none is next.
func (p *parser) pivot(n plan.Node) plan.Node {
	start := p.pos
	var out plan.Node
	switch {
	case p.atKw(kwPivot) && p.peek(1).kind == tokLParen:
		out = p.pivotClause(n)
	case p.atKw(kwUnpivot) && (p.peek(1).kind == tokLParen || p.peekKw(2, kwNulls)):
		out = p.unpivotClause(n)
	default:
		return nil
	}
	out = p.alias(out)
	for _, other := range []keyword{kwPivot, kwUnpivot} {
		if p.atKw(other) && p.tokens[start].kw != other && p.peek(1).kind == tokLParen {
			p.invalid(start, "NOT_ALLOWED_IN_FROM.UNPIVOT_WITH_PIVOT", "42601", "UNPIVOT goes not together with PIVOT.")
		}
	}
	return out
}

// pivotClause takes PIVOT (aggregates FOR columns IN (values)).
func (p *parser) pivotClause(n plan.Node) plan.Node {
	p.pos += 2
	v := &plan.Pivot{Implicit: true, Child: n}
	for p.err == nil {
		v.Aggs = append(v.Aggs, p.namedExpr())
		if !p.accept(tokComma) {
			break
		}
	}
	p.expectKw(kwFor)
	if p.at(tokLParen) {
		v.Column = p.pivotColumns()
	} else {
		v.Column = []plan.Expr{p.column()}
	}
	p.expectKw(kwIn)
	p.expect(tokLParen, "'('")
	for p.err == nil {
		v.Values = append(v.Values, p.namedExpr())
		if !p.accept(tokComma) {
			break
		}
	}
	p.expect(tokRParen, "')'")
	p.expect(tokRParen, "')'")
	return v
}

func (p *parser) pivotColumns() []plan.Expr {
	p.advance()
	out := []plan.Expr{p.column()}
	for p.accept(tokComma) {
		out = append(out, p.column())
	}
	p.expect(tokRParen, "')'")
	return out
}

// column takes a column by name.
func (p *parser) column() plan.Expr {
	start := p.pos
	parts := p.multipart()
	return &plan.Attr{Parts: parts, At: p.from(start)}
}

// unpivotClause takes UNPIVOT [INCLUDE|EXCLUDE NULLS] (value FOR name IN (columns)).
func (p *parser) unpivotClause(n plan.Node) plan.Node {
	p.advance()
	u := &plan.Unpivot{ImplicitIDs: true, Child: n}
	if p.acceptKws(kwInclude, kwNulls) {
		u.IncludeNulls = true
	} else {
		p.acceptKws(kwExclude, kwNulls)
	}
	p.expect(tokLParen, "'('")
	several := p.at(tokLParen)
	if several {
		u.ValueNames = p.identifierList()
	} else {
		u.ValueNames = []string{p.plainIdentifier()}
	}
	p.expectKw(kwFor)
	u.VariableName = p.plainIdentifier()
	p.expectKw(kwIn)
	p.expect(tokLParen, "'('")
	for p.err == nil {
		p.unpivotColumn(u, several)
		if !p.accept(tokComma) {
			break
		}
	}
	p.expect(tokRParen, "')'")
	p.expect(tokRParen, "')'")
	return u
}

// unpivotColumn takes a column, or (columns) where there are several values, with an alias.
func (p *parser) unpivotColumn(u *plan.Unpivot, several bool) {
	if several {
		if !p.at(tokLParen) {
			p.syntax("'('")
			return
		}
		u.Values = append(u.Values, p.pivotColumns())
	} else {
		u.Values = append(u.Values, []plan.Expr{p.column()})
	}
	alias := ""
	if p.acceptKw(kwAs) || p.isIdentifier(p.tok()) {
		alias = p.plainIdentifier()
	}
	u.Aliases = append(u.Aliases, alias)
}

// hints takes /*+ NAME(parameters), NAME ... */ after SELECT.
func (p *parser) hints() []*plan.Hint {
	var out []*plan.Hint
	for p.accept(tokHint) {
		for p.err == nil && !p.at(tokHintEnd) {
			h := &plan.Hint{Name: p.identifier()}
			if p.accept(tokLParen) {
				for p.err == nil && !p.at(tokRParen) {
					h.Params = append(h.Params, p.value(precComparison))
					if !p.accept(tokComma) {
						break
					}
				}
				p.expect(tokRParen, "')'")
			}
			out = append(out, h)
			p.accept(tokComma)
		}
		p.expect(tokHintEnd, "'*/'")
	}
	return out
}
