package sql

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Statement is one statement of a script and its place there. Origins inside
// the tree refer to the script's text.
type Statement struct {
	Node   plan.Node
	Text   string
	Origin errs.Origin
}

// ParseStatement reads one statement; a semicolon may end it.
func ParseStatement(text string, opt Options) (plan.Node, error) {
	p := newParser(text, opt)
	if p.err == nil && p.at(tokEOF) {
		return nil, emptyStatement()
	}
	n := p.statement()
	for p.err == nil && p.accept(tokSemicolon) {
		continue
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	return n, p.checkDepth(n, nil)
}

// ParseStatements reads statements with semicolons between them.
func ParseStatements(text string, opt Options) ([]Statement, error) {
	p := newParser(text, opt)
	var out []Statement
	for p.err == nil {
		for p.accept(tokSemicolon) {
			continue
		}
		if p.at(tokEOF) {
			break
		}
		start := p.pos
		n := p.statement()
		if p.err == nil && !p.at(tokEOF) && !p.at(tokSemicolon) {
			p.syntax("';' or the end of the text")
		}
		if p.err != nil {
			break
		}
		if err := p.checkDepth(n, nil); err != nil {
			return nil, err
		}
		out = append(out, Statement{Node: n, Text: p.source(start), Origin: *p.from(start)})
	}
	if p.err != nil {
		return nil, p.err
	}
	return out, nil
}

// ParseExpr reads an expression with an optional alias, as selectExpr takes it.
func ParseExpr(text string, opt Options) (plan.Expr, error) {
	p := newParser(text, opt)
	p.pushWindows()
	e := p.namedExpr()
	p.popWindows(false)
	if err := p.finish(); err != nil {
		return nil, err
	}
	return e, p.checkDepth(nil, e)
}

// statement takes one statement of any kind.
func (p *parser) statement() plan.Node {
	t := p.tok()
	switch {
	case t.kind == tokLParen, t.kw == kwSelect, t.kw == kwValues, t.kw == kwTable, t.kw == kwFrom, t.kw == kwWith, (t.kw == kwMap || t.kw == kwReduce) && p.peek(1).kind == tokWord:
		return p.query()
	}
	return p.command()
}
