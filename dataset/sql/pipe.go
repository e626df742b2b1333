package sql

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// pipeOperator takes |> and the operator after it, applied to n.
func (p *parser) pipeOperator(n plan.Node) plan.Node {
	p.advance()
	start, t := p.pos, p.tok()
	switch t.kw {
	case kwSelect:
		return p.pipeSelect(n)
	case kwExtend:
		p.advance()
		return &plan.Project{List: append([]plan.Expr{&plan.Star{At: p.from(start)}}, p.pipeItems()...), Child: n, Pipe: "EXTEND"}
	case kwSet:
		p.advance()
		return p.pipeSet(n)
	case kwDrop:
		p.advance()
		s := &plan.Star{Except: [][]string{{p.plainIdentifier()}}}
		for p.accept(tokComma) {
			s.Except = append(s.Except, []string{p.plainIdentifier()})
		}
		s.At = p.from(start)
		return &plan.Project{List: []plan.Expr{s}, Child: n}
	case kwAs:
		p.advance()
		return &plan.SubqueryAlias{Name: []string{p.plainIdentifier()}, Child: n}
	case kwWhere:
		p.advance()
		f := &plan.Filter{Cond: p.expr(), Child: n}
		if p.atKw(kwWindow) {
			p.invalid(start, "NOT_ALLOWED_IN_PIPE_OPERATOR_WHERE.WINDOW_CLAUSE", "42601", "The operator |> WHERE takes no WINDOW clause.")
		}
		return f
	case kwPivot, kwUnpivot:
		if out := p.pivot(n); out != nil {
			return out
		}
	case kwTablesample:
		return p.sample(n)
	case kwAggregate:
		p.advance()
		return p.pipeAggregate(start, n)
	case kwUnion, kwExcept, kwMinus, kwIntersect:
		return p.setOperation(n, true)
	case kwOrder, kwSort, kwCluster, kwDistribute, kwLimit, kwOffset:
		return p.pipeOrganisation(start, n)
	default:
	}
	if out := p.join(n); out != nil {
		return out
	}
	p.syntax("a pipe operator such as SELECT, WHERE, AGGREGATE, JOIN or ORDER BY")
	return n
}

// pipeSelect takes SELECT [DISTINCT] list [WINDOW ...].
func (p *parser) pipeSelect(n plan.Node) plan.Node {
	p.pushWindows()
	defer p.popWindows(true)
	p.advance()
	hints := p.hints()
	distinct := p.quantifier()
	var out plan.Node = &plan.Project{List: p.selectList(), Child: n, Pipe: "SELECT"}
	if distinct {
		out = &plan.Distinct{Child: out}
	}
	if p.atKw(kwWindow) && p.isIdentifier(p.peek(1)) {
		p.windowClause()
	}
	return hinted(out, hints)
}

// pipeItems takes expressions with aliases, and a WINDOW clause for them.
func (p *parser) pipeItems() []plan.Expr {
	p.pushWindows()
	defer p.popWindows(true)
	items := []plan.Expr{p.namedExpr()}
	for p.accept(tokComma) {
		items = append(items, p.namedExpr())
	}
	if p.atKw(kwWindow) && p.isIdentifier(p.peek(1)) {
		p.windowClause()
	}
	return items
}

// pipeSet takes name = value, ... Later values see the columns as set before.
func (p *parser) pipeSet(n plan.Node) plan.Node {
	p.pushWindows()
	defer p.popWindows(true)
	for p.err == nil {
		start := p.pos
		names := p.multipart()
		if len(names) > 1 {
			p.notAllowed(start, "SQL pipe syntax |> SET operator with multi-part assignment key (only single-part keys are allowed)")
		}
		p.expect(tokEq, "'='")
		n = &plan.WithColumns{List: []plan.Expr{&plan.Alias{Child: p.expr(), Name: names[0]}}, Child: n}
		if !p.accept(tokComma) {
			break
		}
	}
	if p.atKw(kwWindow) && p.isIdentifier(p.peek(1)) {
		p.windowClause()
	}
	return n
}

// pipeAggregate takes [aggregates] [GROUP BY keys]; the keys come first in the output.
func (p *parser) pipeAggregate(start int, n plan.Node) plan.Node {
	a := &plan.Aggregate{Child: n, Pipe: true}
	defer func() { p.pipeAggregates(start, a.List) }()
	if !p.atKws(kwGroup, kwBy) && !p.at(tokEOF) && !p.at(tokPipeTo) && !p.at(tokRParen) && !p.at(tokSemicolon) {
		a.List = p.pipeItems()
	}
	if !p.acceptKws(kwGroup, kwBy) {
		if len(a.List) == 0 {
			p.notAllowed(start, "The AGGREGATE clause requires a list of aggregate expressions or a list of grouping expressions, or both")
		}
		return a
	}
	if p.atAnyKw(kwRollup, kwCube) && p.peek(1).kind == tokLParen || p.atKws(kwGrouping, kwSets) || p.atKw(kwAll) {
		p.pipeGap(start, "grouping analytics")
		return a
	}
	keys := []plan.Expr{p.namedExpr()}
	for p.accept(tokComma) {
		keys = append(keys, p.namedExpr())
	}
	for i, k := range keys {
		if l, ok := k.(*plan.Literal); ok && l.Typ.Kind == types.KindInt { // a column of the input
			keys[i] = &plan.Position{N: int(l.Value.(int32)), At: l.At}
		}
		a.GroupBy = append(a.GroupBy, unalias(keys[i]))
	}
	a.List = append(keys, a.List...)
	if p.atKw(kwWith) || p.atKws(kwSets) {
		p.pipeGap(start, "grouping analytics")
	}
	return a
}

// pipeAggregates refuses what Spark's operator does not take.
func (p *parser) pipeAggregates(start int, list []plan.Expr) {
	for _, e := range list {
		plan.WalkExpr(e, func(e plan.Expr) bool {
			switch e := e.(type) {
			case *plan.Window:
				p.pipeGap(start, "window functions")
			case *plan.Func:
				if name := lower(e.FullName()); name == "grouping" || name == "grouping_id" {
					p.pipeGap(start, name)
				}
			}
			return p.err == nil
		})
	}
}

func (p *parser) pipeGap(start int, what string) {
	p.invalid(start, "UNSUPPORTED_FEATURE.PIPE_OPERATOR_AGGREGATE_UNSUPPORTED_CASE", "0A000",
		"The operator |> AGGREGATE does not take "+what+".", "case", what)
}

// pipeOrganisation takes exactly one of ORDER BY, LIMIT and their like.
func (p *parser) pipeOrganisation(start int, n plan.Node) plan.Node {
	var out plan.Node
	switch p.tok().kw {
	case kwOrder:
		p.advance()
		p.expectKw(kwBy)
		out = p.orderBy(n)
		if p.atAnyKw(kwSort, kwCluster, kwDistribute) {
			p.invalid(start, "UNSUPPORTED_FEATURE.COMBINATION_QUERY_RESULT_CLAUSES", "0A000",
				"A pipe operator takes one of ORDER BY, SORT BY, CLUSTER BY and DISTRIBUTE BY; put |> before the next.")
		}
	case kwLimit, kwOffset:
		return p.bounds(n)
	default:
		out = p.partitioning(n)
	}
	if p.atAnyKw(kwLimit, kwOffset) && p.peek(1).kind != tokEOF {
		p.invalid(start, "MULTIPLE_QUERY_RESULT_CLAUSES_WITH_PIPE_OPERATORS", "42000",
			"A pipe operator takes one of ORDER BY, SORT BY, CLUSTER BY, DISTRIBUTE BY and LIMIT; put |> before the next.",
			"clause1", "ORDER BY", "clause2", p.textOf(p.tok()))
	}
	return out
}
