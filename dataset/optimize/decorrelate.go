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

// exprs replaces every subquery in es by a column that a join with child makes.
func (d decorrelate) exprs(ctx context.Context, child plan.Node, es []plan.Expr) (plan.Node, []plan.Expr, error) {
	seen := map[string]plan.Expr{}
	out := make([]plan.Expr, len(es))
	for i, e := range es {
		r, err := plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) {
			sub, ok := x.(*plan.Subquery)
			if !ok {
				return x, nil
			}
			key := plan.Tree(sub.Plan) + plan.Key(sub)
			if c, ok := seen[key]; ok {
				return c, nil
			}
			n, c, err := d.column(ctx, child, sub)
			if err != nil {
				return nil, err
			}
			child, seen[key] = n, c
			return c, nil
		})
		if err != nil {
			return nil, nil, err
		}
		out[i] = r
	}
	return child, out, nil
}

// column joins one subquery to child and gives the expression of its value.
func (d decorrelate) column(ctx context.Context, child plan.Node, sub *plan.Subquery) (plan.Node, plan.Expr, error) {
	if sub.Kind == plan.ScalarSubquery {
		return d.scalar(ctx, child, sub)
	}
	p, err := d.predicate(ctx, child, sub)
	if err != nil {
		return nil, nil, err
	}
	mark := &plan.Column{Name: "exists", ID: d.NextID(), Typ: types.Bool}
	j := &plan.Join{Type: plan.JoinExistence, Left: child, Right: p.right, Cond: p.cond(), Mark: mark}
	if sub.Kind == plan.ExistsSubquery || !p.nullable {
		return j, mark, nil
	}
	if len(sub.Values) > 1 {
		return d.threeValuedRow(ctx, j, mark, sub)
	}
	return d.threeValued(ctx, j, mark, sub)
}

// threeValuedRow gives IN of several values its null: no match, but a row that
// would match if its nulls, or those on the left, were the right values.
func (d decorrelate) threeValuedRow(ctx context.Context, j *plan.Join, mark *plan.Column, sub *plan.Subquery) (plan.Node, plan.Expr, error) {
	p, err := d.predicate(ctx, j, sub)
	if err != nil {
		return nil, nil, err
	}
	some := &plan.Column{Name: "exists", ID: d.NextID(), Typ: types.Bool}
	conds := append([]plan.Expr{maybe(p.same)}, p.preds...)
	k := &plan.Join{Type: plan.JoinExistence, Left: j, Right: p.right, Cond: plan.And(conds...), Mark: some}
	return k, orUnknown(mark, some), nil
}

// orUnknown is true with mark, else null with unknown, else false.
func orUnknown(mark, unknown plan.Expr) plan.Expr {
	return &plan.Case{
		Whens: []plan.When{{Cond: mark, Then: plan.LitBool(true)}, {Cond: unknown, Then: plan.LitNull(types.Bool)}},
		Else:  plan.LitBool(false),
	}
}

// threeValued gives IN its null: no match, but the left side or some value of
// the subquery is null (and the subquery is not empty).
func (d decorrelate) threeValued(ctx context.Context, j *plan.Join, mark *plan.Column, sub *plan.Subquery) (plan.Node, plan.Expr, error) {
	exists := &plan.Subquery{Kind: plan.ExistsSubquery, Plan: sub.Plan}
	n, some, err := d.column(ctx, j, exists)
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
			m, some, err := d.column(ctx, n, &plan.Subquery{Kind: plan.ExistsSubquery, Plan: only})
			if err != nil {
				return nil, nil, err
			}
			n, nulls = m, append(nulls, some)
		}
	}
	unknown := nulls[0]
	for _, x := range nulls[1:] {
		unknown = &plan.Call{Name: "or", Args: []plan.Expr{unknown, x}, Typ: types.Bool}
	}
	return n, orUnknown(mark, unknown), nil
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
