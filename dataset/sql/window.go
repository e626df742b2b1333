package sql

import (
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// windowScope collects the uses of named windows in a select until its WINDOW
// clause is read, which comes after them.
type windowScope struct {
	outer      *windowScope
	pending    []*plan.Window
	defined    map[string]*plan.Window // by lower-case name
	selectList bool                    // parsing the list itself
}

// pushWindows opens a scope.
func (p *parser) pushWindows() { p.windows = &windowScope{outer: p.windows} }

// popWindows closes the scope. Uses without a definition pass to the scope
// around it, if the caller says that it may define them.
func (p *parser) popWindows(toOuter bool) {
	s := p.windows
	p.windows = s.outer
	s.substitute()
	if toOuter && s.outer != nil {
		s.outer.pending = append(s.outer.pending, s.pending...)
		for name, def := range s.defined {
			s.outer.define(name, def)
		}
	}
}

func (s *windowScope) define(name string, w *plan.Window) {
	if s.defined == nil {
		s.defined = map[string]*plan.Window{}
	}
	s.defined[name] = w
}

// substitute puts definitions in place of names. Names that stay are the
// analyser's to report.
func (s *windowScope) substitute() {
	left := s.pending[:0]
	for _, w := range s.pending {
		def := s.defined[strings.ToLower(w.Ref)]
		if def == nil {
			left = append(left, w)
			continue
		}
		w.Partition, w.Order, w.Frame, w.Ref = def.Partition, def.Order, def.Frame, ""
	}
	s.pending = left
}

// overAt tells whether OVER is a clause: a parenthesis or a window's name follows.
func (p *parser) overAt() bool {
	next := p.peek(1)
	return next.kind == tokLParen || p.isIdentifier(next)
}

// over takes the OVER clause of a call.
func (p *parser) over(start int, f *plan.Func) plan.Expr {
	p.advance()
	w := p.windowSpec()
	w.Func = f
	w.At = p.from(start)
	if w.Ref != "" && p.windows != nil {
		p.windows.pending = append(p.windows.pending, w)
	}
	return w
}

// windowSpec takes a window's name, (name), or (PARTITION BY ... ORDER BY ... frame).
func (p *parser) windowSpec() *plan.Window {
	w := &plan.Window{}
	if !p.at(tokLParen) {
		w.Ref = p.plainIdentifier()
		return w
	}
	p.advance()
	if p.isIdentifier(p.tok()) && p.peek(1).kind == tokRParen {
		w.Ref = p.identifier()
		p.advance()
		return w
	}
	switch {
	case p.atKw(kwCluster) && p.peekKw(1, kwBy):
		p.pos += 2
		w.Partition = p.exprList()
	case p.atAnyKw(kwPartition, kwDistribute) && p.peekKw(1, kwBy):
		p.pos += 2
		w.Partition = p.exprList()
	}
	if p.atAnyKw(kwOrder, kwSort) && p.peekKw(1, kwBy) {
		p.pos += 2
		w.Order = p.sortItems()
	}
	if p.atAnyKw(kwRows, kwRange) {
		w.Frame = p.frame()
	}
	p.expect(tokRParen, "')', PARTITION BY, ORDER BY, ROWS or RANGE")
	return w
}

// frame takes ROWS or RANGE with one bound or BETWEEN two.
func (p *parser) frame() plan.Frame {
	f := plan.Frame{Kind: plan.FrameRows}
	if p.atKw(kwRange) {
		f.Kind = plan.FrameRange
	}
	p.advance()
	if p.acceptKw(kwBetween) {
		f.Lo = p.frameBound()
		p.expectKw(kwAnd)
		f.Hi = p.frameBound()
		return f
	}
	f.Lo = p.frameBound()
	f.Hi = plan.FrameBound{Kind: plan.CurrentRow}
	return f
}

func (p *parser) frameBound() plan.FrameBound {
	switch {
	case p.acceptKws(kwUnbounded, kwPreceding):
		return plan.FrameBound{Kind: plan.UnboundedPreceding}
	case p.acceptKws(kwUnbounded, kwFollowing):
		return plan.FrameBound{Kind: plan.UnboundedFollowing}
	case p.acceptKws(kwCurrent, kwRow):
		return plan.FrameBound{Kind: plan.CurrentRow}
	}
	start, preceding := p.pos, false
	e := p.expr()
	switch {
	case p.acceptKw(kwPreceding):
		e, preceding = p.negated(start, e), true
	case p.acceptKw(kwFollowing):
	default:
		p.syntax("PRECEDING or FOLLOWING")
	}
	if p.err == nil && !constant(e) {
		p.invalid(start, "_LEGACY_ERROR_TEMP_0064", "", "The bound of a window frame must be a literal.", "msg", "Frame bound value must be a literal.")
	}
	return plan.FrameBound{Kind: plan.Offset, Value: e, Preceding: preceding}
}

// constant tells whether e has no columns, calls by name or queries.
func constant(e plan.Expr) bool {
	ok := true
	plan.WalkExpr(e, func(e plan.Expr) bool {
		switch e := e.(type) {
		case *plan.Attr, *plan.Star, *plan.Subquery, *plan.RegexColumns:
			ok = false
		case *plan.Func:
			ok = ok && !isASCIIWord(e.Name[0][0]) || e.Name[0] == "negative" || e.Name[0] == "positive"
		}
		return ok
	})
	return ok
}

// negated is -e, folded for literals.
func (p *parser) negated(start int, e plan.Expr) plan.Expr {
	l, ok := e.(*plan.Literal)
	if !ok {
		return p.fn(start, "negative", e)
	}
	c := *l
	switch v := l.Value.(type) {
	case int8:
		c.Value = -v
	case int16:
		c.Value = -v
	case int32:
		c.Value = -v
	case int64:
		c.Value = -v
	case float32:
		c.Value = -v
	case float64:
		c.Value = -v
	default:
		return p.fn(start, "negative", e)
	}
	return &c
}

// windowClause takes WINDOW name AS (spec), ... after a select or its order.
func (p *parser) windowClause() {
	p.advance()
	for p.err == nil {
		start := p.pos
		name := strings.ToLower(p.plainIdentifier())
		p.expectKw(kwAs)
		w := p.windowSpec()
		if p.windows.defined[name] != nil {
			p.invalid(start, "INVALID_SQL_SYNTAX.REPETITIVE_WINDOW_DEFINITION", "42000", "The window "+name+" is defined twice.", "windowName", name)
		}
		if w.Ref != "" {
			def := p.windows.defined[strings.ToLower(w.Ref)]
			if def == nil {
				p.invalid(start, "INVALID_SQL_SYNTAX.INVALID_WINDOW_REFERENCE", "42000",
					"The window "+w.Ref+" is not defined.", "windowName", w.Ref)
				return
			}
			w = def
		}
		p.windows.define(name, w)
		if !p.accept(tokComma) {
			return
		}
	}
}

// sortItems takes the keys of ORDER BY.
func (p *parser) sortItems() []plan.SortOrder {
	orders := []plan.SortOrder{p.sortItem()}
	for p.accept(tokComma) {
		orders = append(orders, p.sortItem())
	}
	return orders
}

func (p *parser) sortItem() plan.SortOrder {
	o := plan.SortOrder{Child: p.expr()}
	p.direction(&o)
	return o
}

// direction takes [ASC|DESC] [NULLS FIRST|LAST].
func (p *parser) direction(o *plan.SortOrder) {
	if p.acceptKw(kwDesc) {
		o.Desc = true
	} else {
		p.acceptKw(kwAsc)
	}
	switch {
	case p.acceptKws(kwNulls, kwFirst):
		o.Nulls = plan.NullsFirst
	case p.acceptKws(kwNulls, kwLast):
		o.Nulls = plan.NullsLast
	}
}
