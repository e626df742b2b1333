package analyze

import (
	"context"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// join resolves both sides and the condition. The right side of a lateral join
// sees the left side's columns as an enclosing query's.
func (r *run) join(ctx context.Context, n *plan.Join, sc *scope) (plan.Node, error) {
	left, err := r.node(ctx, n.Left, sc)
	if err != nil {
		return nil, err
	}
	rsc := sc
	if n.Lateral {
		rsc = &scope{parent: sc, outer: r.envOf(sc, left)}
	}
	right, err := r.node(ctx, n.Right, rsc)
	if err != nil {
		return nil, err
	}
	out := &plan.Join{Type: n.Type, Left: left, Right: right, Lateral: n.Lateral, Strategy: n.Strategy}
	using := n.Using
	if n.Natural {
		using = r.commonNames(left, right)
	}
	if len(using) > 0 {
		return r.usingJoin(ctx, out, using)
	}
	if n.Cond == nil {
		return out, nil
	}
	v := r.envOf(sc, left, right)
	cond, err := r.expr(ctx, n.Cond, v)
	if err != nil {
		return nil, err
	}
	if out.Cond, err = r.joinCondition(cond); err != nil {
		return nil, err
	}
	out.Left, out.Right = v.inputs[0], v.inputs[1]
	if v.grown {
		v.cols = out.WithChildren([]plan.Node{left, right}).Output()
	}
	return r.trimmed(v, out), nil
}

func (r *run) joinCondition(cond plan.Expr) (plan.Expr, error) {
	switch cond.Type().Kind {
	case types.KindBool:
	case types.KindNull:
		cond = r.castTo(cond, types.Bool)
	default:
		return nil, errs.Cond(errs.Analysis, "JOIN_CONDITION_IS_NOT_BOOLEAN_TYPE", "42K0E",
			"The join condition "+toSQL(cond)+" is of type "+toSQLType(cond.Type())+", not boolean.",
			"joinCondition", toSQL(cond), "conditionType", toSQLType(cond.Type()))
	}
	if hasAggregate(cond) || hasWindow(cond) {
		return nil, errs.Cond(errs.Analysis, "UNSUPPORTED_EXPR_FOR_OPERATOR", "42K0E",
			"A join condition cannot have aggregate or window functions.", "invalidExprSqls", toSQL(cond))
	}
	return cond, nil
}

// commonNames are the names that both sides have: a natural join's keys.
func (r *run) commonNames(left, right plan.Node) []string {
	var out []string
	for _, l := range left.Output() {
		for _, c := range right.Output() {
			if r.sameName(l.Name, c.Name) {
				out = append(out, l.Name)
				break
			}
		}
	}
	return out
}

// usingJoin joins on columns of equal names, of which the output has one each;
// the others stay reachable by qualified names.
func (r *run) usingJoin(ctx context.Context, j *plan.Join, names []string) (plan.Node, error) {
	var conds []plan.Expr
	var lk, rk []*plan.Column
	for _, name := range names {
		l, err := r.usingColumn(j.Left, name, "left")
		if err != nil {
			return nil, err
		}
		c, err := r.usingColumn(j.Right, name, "right")
		if err != nil {
			return nil, err
		}
		eq, err := r.expr(ctx, plan.Fn("==", l, c), r.rewriteEnv(false))
		if err != nil {
			return nil, err
		}
		conds, lk, rk = append(conds, eq), append(lk, l), append(rk, c)
	}
	j.Cond = plan.And(conds...)
	return r.usingOutput(ctx, j, lk, rk)
}

func (r *run) usingOutput(ctx context.Context, j *plan.Join, lk, rk []*plan.Column) (plan.Node, error) {
	out := j.Output()
	find := func(c *plan.Column) *plan.Column {
		for _, o := range out {
			if o.ID == c.ID {
				return o
			}
		}
		return c
	}
	var list []plan.Expr
	var hidden []*plan.Column
	for i := range lk {
		switch j.Type {
		case plan.JoinRight:
			list, hidden = append(list, find(rk[i])), append(hidden, find(lk[i]))
		case plan.JoinFull:
			e, err := r.expr(ctx, plan.Fn("coalesce", find(lk[i]), find(rk[i])), r.rewriteEnv(false))
			if err != nil {
				return nil, err
			}
			list, hidden = append(list, r.alias(e, lk[i].Name)), append(hidden, find(lk[i]), find(rk[i]))
		default:
			list = append(list, find(lk[i]))
			if !leftOnly(j.Type) {
				hidden = append(hidden, find(rk[i]))
			}
		}
	}
	for _, o := range out {
		if !containsID(lk, o.ID) && !containsID(rk, o.ID) {
			list = append(list, o)
		}
	}
	p := &plan.Project{List: list, Child: j}
	r.hidden[p] = append(hidden, r.hiddenOf(j)...)
	return p, nil
}

func leftOnly(t plan.JoinType) bool { return t == plan.JoinSemi || t == plan.JoinAnti }

func (r *run) usingColumn(n plan.Node, name, side string) (*plan.Column, error) {
	found, _ := r.match(n.Output(), []string{name})
	switch len(found) {
	case 0:
		var list []string
		for _, c := range n.Output() {
			list = append(list, types.Quote(c.Name))
		}
		s := "[" + strings.Join(list, ", ") + "]"
		return nil, errs.Cond(errs.Analysis, "UNRESOLVED_USING_COLUMN_FOR_JOIN", "42703",
			"The "+side+" side of the join has no column "+types.Quote(name)+", but "+s+".",
			"colName", types.Quote(name), "side", side, "suggestion", s)
	case 1:
		return found[0], nil
	}
	return nil, ambiguous([]string{name}, found)
}
