package analyze

import (
	"context"
	"slices"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Untangling brings subqueries into shapes that the optimiser takes apart:
// correlation that sits below limits, set operations or inner aggregates is
// turned into equalities at the subquery's top by a domain of its outer
// columns; subqueries in conditions of outer joins move to the side they read.

func (r *run) untangle(ctx context.Context, n plan.Node) (plan.Node, error) {
	return plan.TransformUp(n, func(n plan.Node) (plan.Node, error) {
		switch x := n.(type) {
		case *plan.Filter:
			n = r.notIn(x)
		case *plan.Join:
			return r.untangleJoin(ctx, x)
		}
		if len(n.Children()) != 1 {
			return n, nil
		}
		return r.domains(ctx, n)
	})
}

// untangleJoin handles the subqueries of a join's condition: an inner join
// filters by them, other joins know their values before.
func (r *run) untangleJoin(ctx context.Context, j *plan.Join) (plan.Node, error) {
	if j.Cond == nil || !hasSubquery(j.Cond) {
		return j, nil
	}
	if j.Type != plan.JoinInner && j.Type != plan.JoinCross {
		return r.joinSubqueries(ctx, j)
	}
	var plain, subs plan.Expr
	for _, c := range plan.SplitAnd(j.Cond) {
		if hasSubquery(c) {
			subs = plan.And(subs, c)
		} else {
			plain = plan.And(plain, c)
		}
	}
	c := *j
	c.Cond = plain
	return r.domains(ctx, r.notIn(&plan.Filter{Cond: subs, Child: &c}))
}

// domains rewrites the hard subqueries among n's expressions. n's input is
// then read twice, so it is shared. Where the input refers to an enclosing
// query itself, that one is taken apart first: it is hard because of this one.
func (r *run) domains(ctx context.Context, n plan.Node) (plan.Node, error) {
	child := n.Children()[0]
	if !hardAmong(n.Exprs()) || len(freeColumns(child)) > 0 {
		return n, nil
	}
	var d *domain
	out := make([]plan.Expr, 0, len(n.Exprs()))
	for _, e := range n.Exprs() {
		e, err := plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) {
			s, ok := x.(*plan.Subquery)
			if !ok || !hard(s) {
				return x, nil
			}
			if d == nil {
				d = r.newDomain(child)
			}
			return d.subquery(ctx, s)
		})
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	if d == nil {
		return n, nil
	}
	return n.WithChildren([]plan.Node{d.itself(child)}).WithExprs(out), nil
}

// subquery computes a subquery for the whole domain and picks the outer row's part.
func (d *domain) subquery(ctx context.Context, s *plan.Subquery) (plan.Expr, error) {
	one := *d
	one.outer = distinctColumns(outerColumns(s.Plan))
	for _, c := range one.outer {
		if !containsID(d.left, c.ID) {
			return s, nil // of a query further out: left as it is
		}
	}
	n, cols, err := one.push(ctx, s.Plan)
	if err != nil {
		return nil, err
	}
	var conds []plan.Expr
	for i, o := range one.outer {
		eq, err := d.expr(ctx, plan.Fn("<=>", cols[i], &plan.OuterRef{Column: o}), d.rewriteEnv(false))
		if err != nil {
			return nil, err
		}
		conds = append(conds, eq)
	}
	if n, err = d.untangle(ctx, n); err != nil {
		return nil, err
	}
	c := *s
	c.Plan = &plan.Project{List: columnList(s.Plan.Output()), Child: &plan.Filter{Cond: plan.And(conds...), Child: n}}
	return &c, nil
}

// shape is what a plan's correlation looks like from above.
type shape struct {
	hard  bool // the optimiser cannot pull it up
	equal bool // only equalities with outer expressions have been met
}

// hard tells whether a correlated subquery needs a domain.
func hard(s *plan.Subquery) bool {
	n := s.Plan
	exists := s.Kind == plan.ExistsSubquery
	for exists {
		if x, ok := n.(*plan.Sort); ok {
			n = x.Child
			continue
		}
		break
	}
	if len(outerColumns(n)) == 0 {
		return false
	}
	top := n
	for { // a scalar aggregate right at the top is the optimiser's own
		if p, ok := top.(*plan.Project); ok && !correlatedExprs(p.List...) && !hardAmong(p.List) {
			top = p.Child
			continue
		}
		break
	}
	if a, ok := top.(*plan.Aggregate); ok && s.Kind == plan.ScalarSubquery && len(a.GroupBy) == 0 {
		if correlatedExprs(a.Exprs()...) || hardAmong(a.Exprs()) {
			return true
		}
		sh := shapeOf(a.Child, false)
		return sh.hard || !sh.equal
	}
	return shapeOf(n, exists).hard
}

func correlatedExprs(es ...plan.Expr) bool {
	return slices.ContainsFunc(es, hasOuter)
}

func shapeOf(n plan.Node, exists bool) shape {
	if len(outerColumns(n)) == 0 {
		return shape{equal: true}
	}
	bad := shape{hard: true}
	cs := n.Children()
	if anyOuterValues(n.Exprs()) || hardAmong(n.Exprs()) {
		return bad
	}
	exists = exists && !readsOuterColumn(n)
	switch x := n.(type) {
	case *plan.Filter:
		sh := shapeOf(x.Child, exists)
		for _, c := range factored(x.Cond) {
			sh.equal = sh.equal && (!hasOuter(c) || outerEquality(c))
		}
		return sh
	case *plan.Project:
		if correlatedExprs(x.List...) && !exists {
			return bad
		}
		return shapeOf(x.Child, exists)
	case *plan.Aggregate:
		sh := shapeOf(x.Child, false)
		if correlatedExprs(x.Exprs()...) || !sh.equal || len(x.GroupBy) == 0 {
			return bad
		}
		return sh
	case *plan.Distinct, *plan.Sort, *plan.Hint, *plan.Repartition:
		if correlatedExprs(n.Exprs()...) {
			return bad
		}
		return shapeOf(cs[0], exists)
	case *plan.Join:
		return joinShape(x, exists)
	}
	return bad
}

// anyOuterValues finds subqueries, IN mostly, that compare an outer reference
// with their rows: the optimiser's join for them cannot hold it.
func anyOuterValues(es []plan.Expr) bool {
	found := false
	for _, e := range es {
		plan.WalkExpr(e, func(x plan.Expr) bool {
			if s, ok := x.(*plan.Subquery); ok {
				found = found || correlatedExprs(s.Values...)
			}
			return !found
		})
	}
	return found
}

func hardAmong(es []plan.Expr) bool {
	found := false
	for _, e := range es {
		plan.WalkExpr(e, func(x plan.Expr) bool {
			s, ok := x.(*plan.Subquery)
			found = found || ok && hard(s)
			return !found
		})
	}
	return found
}

// readsOuterColumn tells whether n's expressions use a column that a projection
// below makes of outer references: EXISTS cannot leave that column out.
func readsOuterColumn(n plan.Node) bool {
	used := map[plan.ID]bool{}
	for _, e := range n.Exprs() {
		for _, c := range columnsOf(e) {
			used[c.ID] = true
		}
	}
	found := false
	for _, child := range n.Children() {
		plan.Walk(child, func(x plan.Node) bool {
			if p, ok := x.(*plan.Project); ok {
				for _, e := range p.List {
					a, ok := e.(*plan.Alias)
					found = found || ok && used[a.ID] && hasOuter(a.Child)
				}
			}
			return !found
		})
	}
	return found
}

func joinShape(j *plan.Join, exists bool) shape {
	l, r := shapeOf(j.Left, exists), shapeOf(j.Right, exists)
	inner := j.Type == plan.JoinInner || j.Type == plan.JoinCross
	right := len(outerColumns(j.Right)) > 0
	cond := j.Cond != nil && hasOuter(j.Cond)
	if !inner && (right || cond || j.Type == plan.JoinRight || j.Type == plan.JoinFull) {
		return shape{hard: true}
	}
	out := shape{hard: l.hard || r.hard, equal: l.equal && r.equal}
	for _, c := range plan.SplitAnd(j.Cond) {
		out.equal = out.equal && (!hasOuter(c) || outerEquality(c))
	}
	return out
}

// factored lists a condition's conjuncts, with those that all branches of an
// OR have in common taken out of it, as the optimiser does first.
func factored(cond plan.Expr) []plan.Expr {
	var out []plan.Expr
	for _, c := range plan.SplitAnd(cond) {
		terms := disjuncts(c)
		if len(terms) == 1 {
			out = append(out, c)
			continue
		}
		var shared []plan.Expr
		for _, x := range plan.SplitAnd(terms[0]) {
			common := true
			for _, t := range terms[1:] {
				common = common && keyIndex(plan.SplitAnd(t), x) >= 0
			}
			if common {
				shared = append(shared, x)
			}
		}
		out = append(out, shared...)
		if rest := orWithout(terms, shared); rest != nil {
			out = append(out, rest)
		}
	}
	return out
}

// orWithout is the OR of terms without the conjuncts that all of them have;
// nil if a term has no others, which makes the OR true.
func orWithout(terms, shared []plan.Expr) plan.Expr {
	var out plan.Expr
	for _, t := range terms {
		var rest plan.Expr
		for _, x := range plan.SplitAnd(t) {
			if keyIndex(shared, x) < 0 {
				rest = plan.And(rest, x)
			}
		}
		switch {
		case rest == nil:
			return nil
		case out == nil:
			out = rest
		default:
			out = &plan.Call{Name: "or", Args: []plan.Expr{out, rest}, Typ: types.Bool, Null: true}
		}
	}
	return out
}

func disjuncts(e plan.Expr) []plan.Expr {
	if c, ok := e.(*plan.Call); ok && c.Name == "or" {
		return append(disjuncts(c.Args[0]), disjuncts(c.Args[1])...)
	}
	return []plan.Expr{e}
}

// outerEquality recognises an inner expression that equals an outer one.
func outerEquality(e plan.Expr) bool {
	c, ok := e.(*plan.Call)
	if !ok || c.Name != "==" && c.Name != "=" && c.Name != "<=>" {
		return false
	}
	for i, a := range c.Args {
		if !hasOuter(a) && hasOuter(c.Args[1-i]) && len(plan.References(c.Args[1-i])) == 0 {
			return true
		}
	}
	return false
}

// notIn rewrites conjuncts NOT IN over correlated queries: no row may be equal
// or, since that would be unknown, null.
func (r *run) notIn(f *plan.Filter) *plan.Filter {
	changed := false
	conds := plan.SplitAnd(f.Cond)
	for i, c := range conds {
		not, ok := c.(*plan.Call)
		if !ok || not.Name != "not" {
			continue
		}
		s, ok := not.Args[0].(*plan.Subquery)
		if !ok || s.Kind != plan.InSubquery || !s.Nullable() || len(outerColumns(s.Plan)) == 0 {
			continue
		}
		if e := r.mayEqual(s); e != nil {
			exists := &plan.Subquery{Kind: plan.ExistsSubquery, Plan: &plan.Filter{Cond: e, Child: s.Plan}, At: s.At}
			conds[i] = &plan.Call{Name: "not", Args: []plan.Expr{exists}, Typ: types.Bool}
			changed = true
		}
	}
	if !changed {
		return f
	}
	return &plan.Filter{Cond: plan.And(conds...), Child: f.Child, Having: f.Having}
}

// mayEqual is true unless the values of IN surely differ from the query's; nil
// if it cannot be written.
func (r *run) mayEqual(s *plan.Subquery) plan.Expr {
	var same plan.Expr
	for i, c := range s.Plan.Output() {
		v := outerRefs(s.Values[i])
		if hasSubquery(v) || hasOuter(s.Values[i]) {
			return nil
		}
		eq := plan.Expr(plan.Fn("==", v, c))
		if same != nil {
			eq = plan.Fn("and", same, eq)
		}
		same = eq
	}
	e, err := r.expr(context.Background(), plan.Fn("coalesce", same, plan.LitBool(true)), r.rewriteEnv(false))
	if err != nil {
		return nil
	}
	return e
}

// joinSubqueries computes the subqueries of an outer, semi or anti join's
// condition as columns of the side whose columns they read.
func (r *run) joinSubqueries(ctx context.Context, j *plan.Join) (plan.Node, error) {
	sides := [2][]plan.Expr{}
	cond, err := plan.TransformExpr(j.Cond, func(x plan.Expr) (plan.Expr, error) {
		s, ok := x.(*plan.Subquery)
		if !ok {
			return x, nil
		}
		used := append(outerColumns(s.Plan), columnsOf(s)...)
		for i, side := range j.Children() {
			if coversAll(side.Output(), used) {
				a := r.alias(s, "subquery")
				sides[i] = append(sides[i], a)
				return a.Column(), nil
			}
		}
		return nil, errs.Cond(errs.Analysis, "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.UNSUPPORTED_CORRELATED_EXPRESSION_IN_JOIN_CONDITION", "0A000",
			"A subquery in a join's condition can refer to one side only.", "subqueryExpression", toSQL(s))
	})
	if err != nil {
		return nil, err
	}
	out := *j
	out.Cond = cond
	for i, side := range j.Children() {
		if len(sides[i]) == 0 {
			continue
		}
		p, err := r.domains(ctx, &plan.Project{List: append(columnList(side.Output()), sides[i]...), Child: side})
		if err != nil {
			return nil, err
		}
		if i == 0 {
			out.Left = p
		} else {
			out.Right = p
		}
	}
	return &plan.Project{List: columnList(j.Output()), Child: &out}, nil
}

func coversAll(have, want []*plan.Column) bool {
	for _, c := range want {
		if !containsID(have, c.ID) {
			return false
		}
	}
	return true
}

func hasSubquery(e plan.Expr) bool {
	found := false
	plan.WalkExpr(e, func(x plan.Expr) bool {
		if _, ok := x.(*plan.Subquery); ok {
			found = true
		}
		return !found
	})
	return found
}
