package optimize

import (
	"context"
	"slices"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// decorrelate turns subquery expressions into joins (Kim 1982, Galindo-Legaria
// and Joshi 2001): EXISTS and IN become semi, anti or existence joins, scalar
// subqueries become single or outer joins. Afterwards no Subquery and no
// OuterRef is left.
type decorrelate struct{ Config }

func (decorrelate) Name() string { return "Decorrelate" }

func (d decorrelate) Apply(ctx context.Context, n plan.Node) (plan.Node, error) {
	return plan.TransformUp(n, func(n plan.Node) (plan.Node, error) { return d.node(ctx, n) })
}

// node removes the subqueries among one operator's expressions.
func (d decorrelate) node(ctx context.Context, n plan.Node) (plan.Node, error) {
	if !hasSubquery(n.Exprs()...) {
		return n, nil
	}
	n, err := plan.TransformExprs(n, func(e plan.Expr) (plan.Expr, error) { return notInside(e), nil })
	if err != nil {
		return nil, err
	}
	switch n := n.(type) {
	case *plan.Filter:
		return d.filter(ctx, n)
	case *plan.Join:
		return d.join(ctx, n)
	}
	cs := n.Children()
	if len(cs) != 1 {
		return nil, unsupportedSubquery(n)
	}
	below, es, err := d.exprs(ctx, cs[0], n.Exprs())
	if err != nil {
		return nil, err
	}
	out := n.WithChildren([]plan.Node{below}).WithExprs(es)
	if len(out.Output()) != len(n.Output()) { // operators that pass their input on
		return projectTo(out, n.Output()), nil
	}
	return out, nil
}

func unsupportedSubquery(n plan.Node) error {
	return errs.Cond(errs.Analysis, "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.UNSUPPORTED_IN_EXISTS_SUBQUERY", "0A000",
		"A subquery cannot be used in "+n.String()+".", "treeNode", n.String())
}

// notInside moves a negation over AND, OR and NOT to the conditions in them
// where one is a subquery: NOT IN is not the negation of what IN gives here.
func notInside(e plan.Expr) plan.Expr {
	c, ok := e.(*plan.Call)
	if !ok || c.Name != "not" || !hasSubquery(c) {
		return e
	}
	return negated(c.Args[0])
}

func negated(e plan.Expr) plan.Expr {
	if c, ok := e.(*plan.Call); ok {
		switch c.Name {
		case "not":
			return c.Args[0]
		case "and", "or":
			d := *c
			d.Name = map[string]string{"and": "or", "or": "and"}[c.Name]
			d.Args = []plan.Expr{negated(c.Args[0]), negated(c.Args[1])}
			return &d
		}
	}
	return &plan.Call{Name: "not", Args: []plan.Expr{e}, Typ: types.Bool, Null: e.Nullable()}
}

func hasSubquery(es ...plan.Expr) bool {
	found := false
	for _, e := range es {
		plan.WalkExpr(e, func(x plan.Expr) bool {
			_, ok := x.(*plan.Subquery)
			found = found || ok
			return !found
		})
	}
	return found
}

// projectTo keeps just these columns.
func projectTo(n plan.Node, cols []*plan.Column) plan.Node {
	list := make([]plan.Expr, len(cols))
	for i, c := range cols {
		list[i] = c
	}
	return &plan.Project{List: list, Child: n}
}

// filter handles conjuncts that are themselves EXISTS or IN as semi and anti
// joins; subqueries deeper inside leave a column behind.
func (d decorrelate) filter(ctx context.Context, n *plan.Filter) (plan.Node, error) {
	child := n.Child
	var rest []plan.Expr
	for _, c := range plan.SplitAnd(n.Cond) {
		sub, negated := asPredicate(c)
		if sub == nil {
			rest = append(rest, c)
			continue
		}
		j, err := d.semi(ctx, child, sub, negated)
		if err != nil {
			return nil, err
		}
		child = j
	}
	below, es, err := d.exprs(ctx, child, rest)
	if err != nil {
		return nil, err
	}
	out := below
	if cond := plan.And(es...); cond != nil {
		out = &plan.Filter{Cond: cond, Child: below}
	}
	if len(out.Output()) != len(n.Output()) {
		out = projectTo(out, n.Output())
	}
	return out, nil
}

// asPredicate recognises [NOT] EXISTS and [NOT] IN.
func asPredicate(e plan.Expr) (sub *plan.Subquery, negated bool) {
	for {
		if c, ok := e.(*plan.Call); ok && (c.Name == "not" || c.Name == "!") {
			e, negated = c.Args[0], !negated
			continue
		}
		s, ok := e.(*plan.Subquery)
		if !ok || s.Kind != plan.ExistsSubquery && s.Kind != plan.InSubquery {
			return nil, false
		}
		return s, negated
	}
}

func (d decorrelate) semi(ctx context.Context, child plan.Node, sub *plan.Subquery, negated bool) (plan.Node, error) {
	p, err := d.predicate(ctx, child, sub)
	if err != nil {
		return nil, err
	}
	j := &plan.Join{Type: plan.JoinSemi, Left: child, Right: p.right, Cond: p.cond()}
	switch {
	case !negated:
	case !p.nullable:
		j.Type = plan.JoinAnti
	case len(p.preds) == 0:
		j.Type = plan.JoinNullAnti
	default: // that join's nulls are those of the values alone
		j.Type, j.Cond = plan.JoinAnti, plan.And(append([]plan.Expr{maybe(p.same)}, p.preds...)...)
	}
	return j, nil
}

// maybe is true where e is true or unknown.
func maybe(es []plan.Expr) plan.Expr {
	return &plan.Call{Name: "coalesce", Args: []plan.Expr{plan.And(es...), plan.LitBool(true)}, Typ: types.Bool}
}

// predicate is a subquery made the right side of a join: its plan without
// outer references, the equalities of IN, and the conditions pulled out.
type predicate struct {
	right    plan.Node
	same     []plan.Expr
	preds    []plan.Expr
	nullable bool // an equality may be unknown
}

func (p *predicate) cond() plan.Expr { return plan.And(append(slices.Clone(p.same), p.preds...)...) }

func (d decorrelate) predicate(ctx context.Context, left plan.Node, sub *plan.Subquery) (*predicate, error) {
	inner, err := d.Apply(ctx, sub.Plan)
	if err != nil {
		return nil, err
	}
	inner = d.fresh(left, inner)
	if sub.Kind == plan.ExistsSubquery {
		inner = dropOrder(inner)
	}
	values := inner.Output()
	up := &pullUp{decorrelate: d, exists: sub.Kind == plan.ExistsSubquery}
	out := &predicate{}
	if out.right, err = up.node(inner); err != nil {
		return nil, err
	}
	if sub.Kind == plan.InSubquery {
		for i, v := range sub.Values {
			out.nullable = out.nullable || v.Nullable() || values[i].Null
			out.same = append(out.same, equal(v, values[i]))
		}
	}
	for _, p := range up.preds {
		out.preds = append(out.preds, inward(p))
	}
	return out, nil
}

func equal(a, b plan.Expr) plan.Expr {
	return &plan.Call{Name: "=", Args: []plan.Expr{a, b}, Typ: types.Bool, Null: a.Nullable() || b.Nullable()}
}

// inward replaces outer references by the columns they mean: the predicate now
// stands where both sides are in scope.
func inward(e plan.Expr) plan.Expr {
	out, _ := plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) {
		if o, ok := x.(*plan.OuterRef); ok {
			return o.Column, nil
		}
		return x, nil
	})
	return out
}

// dropOrder removes what cannot matter to EXISTS at the top of a subquery.
func dropOrder(n plan.Node) plan.Node {
	for {
		switch x := n.(type) {
		case *plan.Sort:
			n = x.Child
		case *plan.Limit:
			l, ok := x.N.(*plan.Literal)
			if !ok || l.Value == int32(0) || l.Value == int64(0) {
				return n
			}
			n = x.Child
		default:
			return n
		}
	}
}

// exprs replaces every subquery in es by a column that a join with child makes:
// NOT IN with its negation first, since its nulls count otherwise than IN's.
func (d decorrelate) exprs(ctx context.Context, child plan.Node, es []plan.Expr) (plan.Node, []plan.Expr, error) {
	seen := map[string]plan.Expr{}
	out := es
	for _, negated := range []bool{true, false} {
		next := make([]plan.Expr, len(es))
		for i, e := range out {
			r, err := plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) {
				sub := wanted(x, negated)
				if sub == nil {
					return x, nil
				}
				key := plan.Tree(sub.Plan) + plan.Key(x)
				if c, ok := seen[key]; ok {
					return c, nil
				}
				n, c, err := d.column(ctx, child, sub, negated)
				if err != nil {
					return nil, err
				}
				child, seen[key] = n, c
				return c, nil
			})
			if err != nil {
				return nil, nil, err
			}
			next[i] = r
		}
		out = next
	}
	return child, out, nil
}

// wanted is the subquery of NOT IN if those are looked for, else any.
func wanted(e plan.Expr, negated bool) *plan.Subquery {
	if !negated {
		sub, _ := e.(*plan.Subquery)
		return sub
	}
	if c, ok := e.(*plan.Call); ok && (c.Name == "not" || c.Name == "!") {
		if sub, ok := c.Args[0].(*plan.Subquery); ok && sub.Kind == plan.InSubquery {
			return sub
		}
	}
	return nil
}

// column joins one subquery to child and gives the expression of its value, or
// of NOT IN's. As in Spark these are never null: IN is true where a row is
// equal, NOT IN where every row surely differs.
func (d decorrelate) column(ctx context.Context, child plan.Node, sub *plan.Subquery, negated bool) (plan.Node, plan.Expr, error) {
	if sub.Kind == plan.ScalarSubquery {
		return d.scalar(ctx, child, sub)
	}
	p, err := d.predicate(ctx, child, sub)
	if err != nil {
		return nil, nil, err
	}
	mark := &plan.Column{Name: "exists", ID: d.NextID(), Typ: types.Bool}
	j := &plan.Join{Type: plan.JoinExistence, Left: child, Right: p.right, Cond: p.cond(), Mark: mark}
	switch {
	case !negated:
		return j, mark, nil
	case !p.nullable:
		return j, neither(mark), nil
	case len(sub.Values) > 1:
		return d.notInRows(child, p)
	}
	return d.notIn(ctx, j, mark, sub)
}

// neither is true where none of some conditions is, which are not null.
func neither(conds ...plan.Expr) plan.Expr {
	for i, c := range conds {
		conds[i] = &plan.Call{Name: "not", Args: []plan.Expr{c}, Typ: types.Bool}
	}
	return plan.And(conds...)
}

// notInRows is NOT IN of several values: no row is equal, nor would be if its
// nulls, or those on the left, were the right values.
func (d decorrelate) notInRows(child plan.Node, p *predicate) (plan.Node, plan.Expr, error) {
	some := &plan.Column{Name: "exists", ID: d.NextID(), Typ: types.Bool}
	conds := append([]plan.Expr{maybe(p.same)}, p.preds...)
	return &plan.Join{Type: plan.JoinExistence, Left: child, Right: p.right, Cond: plan.And(conds...), Mark: some}, neither(some), nil
}

// notIn is NOT IN of one value: no row is equal, none is null, and the left
// side is not, unless the subquery is empty. Each test is a join by hash.
func (d decorrelate) notIn(ctx context.Context, j *plan.Join, mark *plan.Column, sub *plan.Subquery) (plan.Node, plan.Expr, error) {
	exists := &plan.Subquery{Kind: plan.ExistsSubquery, Plan: sub.Plan}
	n, some, err := d.column(ctx, j, exists, false)
	if err != nil {
		return nil, nil, err
	}
	var nulls []plan.Expr
	for i, c := range sub.Plan.Output() {
		if sub.Values[i].Nullable() {
			nulls = append(nulls, &plan.Call{Name: "and", Args: []plan.Expr{isNull(sub.Values[i]), some}, Typ: types.Bool})
		}
		if c.Null {
			only := &plan.Filter{Cond: isNull(c), Child: sub.Plan}
			m, some, err := d.column(ctx, n, &plan.Subquery{Kind: plan.ExistsSubquery, Plan: only}, false)
			if err != nil {
				return nil, nil, err
			}
			n, nulls = m, append(nulls, some)
		}
	}
	return n, neither(append(nulls, mark)...), nil
}

func isNull(e plan.Expr) plan.Expr {
	return &plan.Call{Name: "isnull", Args: []plan.Expr{e}, Typ: types.Bool}
}

// join handles subqueries in an inner join's condition by a filter above it.
func (d decorrelate) join(ctx context.Context, n *plan.Join) (plan.Node, error) {
	if n.Type != plan.JoinInner && n.Type != plan.JoinCross {
		return nil, unsupportedSubquery(n)
	}
	var plain, subs []plan.Expr
	for _, c := range plan.SplitAnd(n.Cond) {
		if hasSubquery(c) {
			subs = append(subs, c)
		} else {
			plain = append(plain, c)
		}
	}
	c := *n
	c.Cond = plan.And(plain...)
	return d.filter(ctx, &plan.Filter{Cond: plan.And(subs...), Child: &c})
}

// fresh gives inner new column identities where it shares some with left:
// the same table may stand inside and outside.
func (d decorrelate) fresh(left, inner plan.Node) plan.Node {
	have := map[plan.ID]bool{}
	for _, c := range left.Output() {
		have[c.ID] = true
	}
	var list []plan.Expr
	clash := false
	for _, c := range inner.Output() {
		if have[c.ID] {
			clash = true
			list = append(list, &plan.Alias{Child: c, Name: c.Name, ID: d.NextID(), Qualifier: c.Qualifier})
		} else {
			list = append(list, c)
		}
	}
	if !clash {
		return inner
	}
	return &plan.Project{List: list, Child: inner}
}
