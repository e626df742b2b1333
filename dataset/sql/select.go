package sql

import (
	"slices"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// selectQuery takes SELECT ... FROM ... WHERE ... GROUP BY ... HAVING ...
// WINDOW. A from read before SELECT is given.
func (p *parser) selectQuery(from plan.Node) plan.Node {
	if !p.enter() {
		p.leave()
		return &plan.OneRow{}
	}
	defer p.leave()
	p.pushWindows()
	defer p.popWindows(true)
	p.expectKw(kwSelect)
	hints := p.hints()
	if p.atKw(kwTransform) && p.peek(1).kind == tokLParen && p.transformAt() {
		p.unsupported(p.pos, "SELECT TRANSFORM")
	}
	distinct := p.quantifier()
	list := p.selectList()
	n := from
	if n == nil {
		n = &plan.OneRow{}
		if p.atKw(kwFrom) {
			n = p.fromClause()
		}
	} else {
		n = p.lateralViews(n)
	}
	n = p.selectRest(n, list)
	if distinct {
		n = &plan.Distinct{Child: n}
	}
	if p.atKw(kwWindow) && p.isIdentifier(p.peek(1)) {
		p.windowClause()
	}
	return hinted(n, hints)
}

// hinted puts hints around n, the first one outermost.
func hinted(n plan.Node, hints []*plan.Hint) plan.Node {
	for _, h := range slices.Backward(hints) {
		h.Child = n
		n = h
	}
	return n
}

// transformAt tells TRANSFORM(...) USING 'script' from the function transform.
func (p *parser) transformAt() bool {
	after := int(p.peek(1).match) + 1
	return after < p.end && (p.tokens[after].kw == kwUsing || p.tokens[after].kw == kwRow)
}

// quantifier takes DISTINCT or ALL before a select list.
func (p *parser) quantifier() bool {
	next := p.peek(1)
	if p.atKw(kwDistinct) && next.kind != tokComma && next.kind != tokDot {
		p.advance()
		return true
	}
	if p.atKw(kwAll) && !p.endOfItem(next) {
		p.advance()
	}
	return false
}

// endOfItem tells whether t ends an item of a select list, so that the word
// before it is a column and no keyword.
func (p *parser) endOfItem(t *token) bool {
	return t.kind == tokComma || t.kind == tokDot || t.kind == tokEOF || t.kw == kwFrom || t.kind == tokRParen
}

func (p *parser) selectList() []plan.Expr {
	p.windows.selectList = true
	list := []plan.Expr{p.namedExpr()}
	for p.accept(tokComma) {
		list = append(list, p.namedExpr())
	}
	p.windows.selectList = false
	return list
}

// selectRest takes WHERE, GROUP BY and HAVING and puts the list on top.
func (p *parser) selectRest(n plan.Node, list []plan.Expr) plan.Node {
	if p.acceptKw(kwWhere) {
		n = &plan.Filter{Cond: p.expr(), Child: n}
	}
	var agg *plan.Aggregate
	if p.atKw(kwGroup) && p.peekKw(1, kwBy) {
		p.pos += 2
		agg = p.groupBy()
		agg.List, agg.Child = list, n
		n = agg
	}
	if !p.atKw(kwHaving) {
		if agg == nil {
			n = &plan.Project{List: list, Child: n}
		}
		return n
	}
	p.advance()
	if agg == nil { // HAVING alone makes one group of all rows
		n = &plan.Aggregate{List: list, Child: n}
	}
	return &plan.Filter{Cond: p.expr(), Child: n, Having: true}
}

// groupBy takes the keys after GROUP BY.
func (p *parser) groupBy() *plan.Aggregate {
	a := &plan.Aggregate{}
	if p.atKw(kwAll) && !p.continuesExpr(p.peek(1)) {
		p.advance()
		a.Grouping = plan.GroupAll
		return a
	}
	start := p.pos
	items := []groupItem{p.groupItem()}
	for p.accept(tokComma) {
		items = append(items, p.groupItem())
	}
	p.trailingGrouping(start, items, a)
	return a
}

// groupItem is a key, or ROLLUP, CUBE or GROUPING SETS of several.
type groupItem struct {
	kind plan.Grouping // GroupPlain, GroupRollup, GroupCube, GroupSets
	keys [][]plan.Expr // of plain: one list with one key
	subs []groupItem   // of GROUPING SETS: its members
}

func (p *parser) groupItem() groupItem {
	switch {
	case p.atKw(kwRollup) && p.peek(1).kind == tokLParen:
		return groupItem{kind: plan.GroupRollup, keys: p.groupKeyLists()}
	case p.atKw(kwCube) && p.peek(1).kind == tokLParen:
		return groupItem{kind: plan.GroupCube, keys: p.groupKeyLists()}
	case p.atKws(kwGrouping, kwSets):
		p.pos += 2
		return p.groupingSets()
	case p.at(tokLParen) && p.peek(1).kind == tokRParen:
		p.pos += 2
		return groupItem{kind: plan.GroupSets, subs: []groupItem{{keys: [][]plan.Expr{nil}}}}
	}
	return groupItem{keys: [][]plan.Expr{{p.expr()}}}
}

// groupKeyLists takes ROLLUP or CUBE ((a, b), c): each member is a list of keys.
func (p *parser) groupKeyLists() [][]plan.Expr {
	start, name := p.pos, keywordNames[p.tok().kw]
	p.advance()
	p.expect(tokLParen, "'('")
	var out [][]plan.Expr
	for p.err == nil && !p.at(tokRParen) {
		keys := p.groupKeys()
		if len(keys) == 0 {
			p.invalid(start, "_LEGACY_ERROR_TEMP_0051", "", "A member of "+name+" must not be empty.", "element", name)
		}
		out = append(out, keys)
		if !p.accept(tokComma) {
			break
		}
	}
	p.expect(tokRParen, "')'")
	return out
}

// groupKeys takes a key, or (keys), which may be none.
func (p *parser) groupKeys() []plan.Expr {
	if p.at(tokLParen) && p.peek(1).kind == tokRParen {
		p.pos += 2
		return []plan.Expr{}
	}
	e := p.expr()
	if f, ok := e.(*plan.Func); ok && isRow(f) && p.tokens[p.pos-1].kind == tokRParen {
		return f.Args
	}
	return []plan.Expr{e}
}

func (p *parser) groupingSets() groupItem {
	p.expect(tokLParen, "'('")
	item := groupItem{kind: plan.GroupSets}
	for p.err == nil {
		if p.atAnyKw(kwRollup, kwCube) && p.peek(1).kind == tokLParen || p.atKws(kwGrouping, kwSets) {
			item.subs = append(item.subs, p.groupItem())
		} else {
			item.subs = append(item.subs, groupItem{keys: [][]plan.Expr{p.groupKeys()}})
		}
		if !p.accept(tokComma) {
			break
		}
	}
	p.expect(tokRParen, "')'")
	return item
}

// trailingGrouping takes WITH ROLLUP, WITH CUBE or GROUPING SETS after the
// keys, and turns the items into an aggregate's grouping.
func (p *parser) trailingGrouping(start int, items []groupItem, a *plan.Aggregate) {
	plain := true
	for _, it := range items {
		plain = plain && it.kind == plan.GroupPlain
		if it.kind == plan.GroupPlain {
			a.GroupBy = append(a.GroupBy, it.keys[0]...)
		}
	}
	switch {
	case p.acceptKws(kwWith, kwRollup):
		a.Grouping = plan.GroupRollup
	case p.acceptKws(kwWith, kwCube):
		a.Grouping = plan.GroupCube
	case p.atKws(kwGrouping, kwSets):
		p.pos += 2
		keys := a.GroupBy
		p.combine(start, []groupItem{p.groupingSets()}, a)
		for _, e := range a.GroupBy { // keys that no set has are null in all groups
			if !containsExpr(keys, e) {
				keys = append(keys, e)
			}
		}
		a.GroupBy = keys
		return
	case plain:
		return
	default:
		p.combine(start, items, a)
		return
	}
	if !plain {
		p.unsupported(start, "GROUP BY with both grouping analytics and WITH ROLLUP or CUBE")
	}
}

// combine gives the grouping of items of which at least one is no plain key.
// A lone ROLLUP or CUBE of single keys stays one; all else becomes sets.
func (p *parser) combine(start int, items []groupItem, a *plan.Aggregate) {
	if it := items[0]; len(items) == 1 && it.kind != plan.GroupSets && singles1(it.keys) && it.count() <= maxGroupingSets {
		a.Grouping = it.kind
		a.GroupBy = flatten(it.keys)
		return
	}
	sets := [][]plan.Expr{nil}
	for _, it := range items {
		if len(sets)*it.count() > maxGroupingSets {
			p.invalid(start, "GROUPING_SIZE_LIMIT_EXCEEDED", "54000", "There are more grouping sets than are allowed.",
				"maxSize", itoa(maxGroupingSets))
			return
		}
		sets = product(sets, it.expand())
	}
	a.Grouping = plan.GroupSets
	a.Sets = sets
	a.GroupBy = nil
	for _, s := range sets {
		for _, e := range s {
			if !containsExpr(a.GroupBy, e) {
				a.GroupBy = append(a.GroupBy, e)
			}
		}
	}
}

// maxGroupingSets bounds what ROLLUP and CUBE expand to: a cube of 12 keys.
const maxGroupingSets = 4096
