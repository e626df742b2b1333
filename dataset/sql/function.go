package sql

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
)

// call takes the arguments and clauses of a function whose name is consumed.
func (p *parser) call(start int, name []string) plan.Expr {
	f := &plan.Func{Name: name}
	p.expect(tokLParen, "'('")
	if !p.accept(tokRParen) {
		p.arguments(f)
		p.expect(tokRParen, "')' or ','")
	}
	return p.callClauses(start, f)
}

// arguments takes the list inside a call's parentheses.
func (p *parser) arguments(f *plan.Func) {
	if next := p.peek(1); p.atKw(kwDistinct) && next.kind != tokComma && next.kind != tokRParen && next.kind != tokDot {
		p.advance()
		f.Distinct = true
	} else if p.atKw(kwAll) && next.kind != tokComma && next.kind != tokRParen && next.kind != tokDot {
		p.advance()
	}
	for p.err == nil {
		f.Args = append(f.Args, p.argument())
		if !p.accept(tokComma) {
			break
		}
	}
	if b, ok := p.nullsOption(); ok {
		f.IgnoreNulls = &b
	}
}

// argument takes an argument: name => value, TABLE(...), or an expression.
func (p *parser) argument() plan.Expr {
	if p.peek(1).kind == tokFatArrow && p.isIdentifier(p.tok()) {
		name := p.identifier()
		p.advance()
		return &plan.NamedArg{Name: name, Value: p.argumentValue()}
	}
	return p.argumentValue()
}

func (p *parser) argumentValue() plan.Expr {
	if p.atKw(kwTable) && (p.peek(1).kind == tokLParen || p.isIdentifier(p.peek(1))) {
		return p.tableArgument()
	}
	return p.namedArgument()
}

// namedArgument takes an expression; an alias is dropped as Spark does for
// functions that do not look at names.
func (p *parser) namedArgument() plan.Expr {
	e := p.expr()
	if p.atKw(kwAs) {
		p.advance()
		return &plan.Alias{Child: e, Name: p.plainIdentifier()}
	}
	return e
}

// tableArgument takes TABLE(query), TABLE(name) or TABLE name.
func (p *parser) tableArgument() plan.Expr {
	start := p.pos
	p.advance()
	s := &plan.Subquery{Kind: plan.TableArg}
	switch {
	case p.at(tokLParen) && p.queryAt(p.pos):
		s.Plan = p.parenQuery()
	case p.at(tokLParen):
		p.advance()
		s.Plan = p.tableName()
		p.expect(tokRParen, "')'")
	default:
		s.Plan = p.tableName()
	}
	s.At = p.from(start)
	if p.atAnyKw(kwPartition, kwDistribute, kwOrder, kwSort) || p.atKws(kwWith, kwSingle) {
		p.unsupported(start, "PARTITION BY and ORDER BY of a table argument")
	}
	return s
}

// callClauses takes WITHIN GROUP, FILTER, IGNORE NULLS and OVER after a call.
func (p *parser) callClauses(start int, f *plan.Func) plan.Expr {
	if p.acceptKws(kwWithin, kwGroup) {
		p.expect(tokLParen, "'('")
		p.expectKw(kwOrder, kwBy)
		f.Order = p.sortItems()
		p.expect(tokRParen, "')'")
	}
	if p.atKw(kwFilter) && p.peek(1).kind == tokLParen {
		p.advance()
		if p.peekKw(1, kwWhere) {
			p.pos += 2
			f.Filter = p.expr()
			p.expect(tokRParen, "')'")
		} else {
			p.syntax("(WHERE")
		}
	}
	if b, ok := p.nullsOption(); ok {
		f.IgnoreNulls = &b
	}
	f.At = p.from(start)
	if p.atKw(kwOver) && p.overAt() {
		return p.over(start, f)
	}
	return f
}

// nullsOption takes IGNORE NULLS or RESPECT NULLS.
func (p *parser) nullsOption() (ignore, ok bool) {
	switch {
	case p.acceptKws(kwIgnore, kwNulls):
		return true, true
	case p.acceptKws(kwRespect, kwNulls):
		return false, true
	}
	return false, false
}

// cast takes CAST(value AS type); the current token is the word.
func (p *parser) cast(start int, mode plan.CastMode) plan.Expr {
	p.pos += 2
	e := p.expr()
	p.expectKw(kwAs)
	to := p.dataType()
	p.expect(tokRParen, "')'")
	return &plan.Cast{Child: e, To: to, Mode: mode, At: p.from(start)}
}

// extract takes EXTRACT(field FROM source).
func (p *parser) extract(start int) plan.Expr {
	if !p.isIdentifier(p.peek(2)) && !p.isString(p.peek(2)) || !p.peekKw(3, kwFrom) {
		return nil
	}
	p.pos += 2
	var field string
	if p.isString(p.tok()) {
		field = p.stringText()
	} else {
		field = p.identifier()
	}
	p.expectKw(kwFrom)
	source := p.value(precComparison)
	p.expect(tokRParen, "')'")
	return p.fn(start, "extract", plan.LitString(field), source)
}

// substring takes SUBSTRING(text FROM position FOR length) and the form with commas.
func (p *parser) substring(start int) plan.Expr {
	name := lower(p.textOf(p.tok()))
	p.pos += 2
	if p.at(tokRParen) {
		p.pos -= 2
		return nil
	}
	args := []plan.Expr{p.argument()}
	switch {
	case p.acceptKw(kwFrom):
		name = "substring" // however it is written
		args = append(args, p.value(precComparison))
		if p.acceptKw(kwFor) {
			args = append(args, p.value(precComparison))
		}
	default:
		for p.accept(tokComma) {
			args = append(args, p.argument())
		}
	}
	p.expect(tokRParen, "')'")
	return p.callClauses(start, p.fn(start, name, args...))
}

// trim takes TRIM([BOTH|LEADING|TRAILING] [characters] FROM text). As functions,
// the characters come first.
func (p *parser) trim(start int) plan.Expr {
	p.pos += 2
	name, special := "trim", true
	next := p.peek(1)
	switch {
	case next.kind == tokComma || next.kind == tokRParen || next.kind == tokDot:
		special = false
	case p.acceptKw(kwBoth):
	case p.acceptKw(kwLeading):
		name = "ltrim"
	case p.acceptKw(kwTrailing):
		name = "rtrim"
	default:
		special = false
	}
	if special && p.acceptKw(kwFrom) {
		e := p.value(precComparison)
		p.expect(tokRParen, "')'")
		return p.fn(start, name, e)
	}
	if p.at(tokRParen) {
		p.advance()
		return p.fn(start, name)
	}
	args := []plan.Expr{p.argument()}
	if p.acceptKw(kwFrom) {
		args = append(args, p.value(precComparison))
	} else if special {
		p.syntax("FROM")
	}
	for p.accept(tokComma) {
		args = append(args, p.argument())
	}
	p.expect(tokRParen, "')'")
	return p.callClauses(start, p.fn(start, name, args...))
}

// position takes POSITION(part IN text); nil for the form with commas.
func (p *parser) position(start int) plan.Expr {
	p.pos += 2
	if p.at(tokRParen) {
		p.pos -= 2
		return nil
	}
	part := p.argumentNoIn()
	args, name := []plan.Expr{part}, "position"
	if p.acceptKw(kwIn) {
		name = "locate"
		args = append(args, p.value(precComparison))
	} else {
		for p.accept(tokComma) {
			args = append(args, p.argument())
		}
	}
	p.expect(tokRParen, "')'")
	return p.callClauses(start, p.fn(start, name, args...))
}

// argumentNoIn is argument for where IN is no predicate.
func (p *parser) argumentNoIn() plan.Expr {
	if p.peek(1).kind == tokFatArrow {
		return p.argument()
	}
	return p.value(precComparison)
}

// overlay takes OVERLAY(text PLACING other FROM position FOR length).
func (p *parser) overlay(start int) plan.Expr {
	p.pos += 2
	if p.at(tokRParen) {
		p.pos -= 2
		return nil
	}
	args := []plan.Expr{p.argument()}
	if p.acceptKw(kwPlacing) {
		args = append(args, p.value(precComparison))
		p.expectKw(kwFrom)
		args = append(args, p.value(precComparison))
		if p.acceptKw(kwFor) {
			args = append(args, p.value(precComparison))
		}
	}
	for p.accept(tokComma) {
		args = append(args, p.argument())
	}
	p.expect(tokRParen, "')'")
	return p.callClauses(start, p.fn(start, "overlay", args...))
}

// unitCall takes DATEADD(unit, n, time) and DATEDIFF(unit, from, to); nil for
// the functions of two arguments, which have the same names.
func (p *parser) unitCall(start int, name string) plan.Expr {
	unit := p.peek(2)
	if p.peek(3).kind != tokComma || int(p.peek(1).match) >= len(p.tokens) || p.commas(p.pos+1) != 2 {
		return nil
	}
	switch {
	case unit.kind == tokWord && datetimeUnit(unit.kw):
	case p.isString(unit) && datetimeUnit(findKeyword(p.stringValue(unit))):
		p.invalid(start, "INVALID_PARAMETER_VALUE.DATETIME_UNIT", "22023",
			"The unit of "+name+" must be a word without quotes.", "functionName", name, "parameter", "unit", "invalidValue", p.textOf(unit))
		return p.bad()
	default:
		return nil
	}
	p.pos += 4
	args := []plan.Expr{plan.LitString(p.textOf(unit)), p.expr()}
	p.expect(tokComma, "','")
	args = append(args, p.expr())
	p.expect(tokRParen, "')'")
	return p.fn(start, name, args...)
}

// commas counts the commas directly inside the parenthesis at token index i.
func (p *parser) commas(i int) int {
	n, end := 0, int(p.tokens[i].match)
	for i++; i < end; i++ {
		switch p.tokens[i].kind {
		case tokLParen:
			i = int(p.tokens[i].match)
		case tokComma:
			n++
		default:
		}
	}
	return n
}

func datetimeUnit(k keyword) bool {
	switch k {
	case kwYear, kwQuarter, kwMonth, kwWeek, kwDay, kwDayofyear, kwHour, kwMinute, kwSecond, kwMillisecond, kwMicrosecond:
		return true
	default:
		return false
	}
}

// structCall takes STRUCT(a, b AS c).
func (p *parser) structCall(start int) plan.Expr {
	p.pos += 2
	var args []plan.Expr
	if !p.at(tokRParen) {
		args = append(args, p.namedExpr())
		for p.accept(tokComma) {
			args = append(args, p.namedExpr())
		}
	}
	p.expect(tokRParen, "')' or ','")
	return p.fn(start, rowFunction, args...)
}
