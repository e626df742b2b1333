package analyze

import (
	"context"
	"math"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// df.na: fill, drop and replace.

// selected lists the named columns of out, all if none is named.
func (r *run) selected(out []*plan.Column, names []string) ([]*plan.Column, error) {
	if len(names) == 0 {
		return out, nil
	}
	var cols []*plan.Column
	for _, name := range names {
		found, _ := r.match(out, splitName(name))
		switch len(found) {
		case 0:
			return nil, unresolvedColumn([]string{name}, out, nil)
		case 1:
			cols = append(cols, found[0])
		default:
			return nil, ambiguous([]string{name}, found)
		}
	}
	return cols, nil
}

func splitName(name string) []string { return []string{name} }

// fillable tells whether a value of type v fills columns of type t.
func fillable(v, t types.Type) bool {
	switch {
	case v.IsNumeric():
		return t.IsNumeric()
	case v.Kind == types.KindString:
		return t.Kind == types.KindString
	}
	return v.Kind == types.KindBool && t.Kind == types.KindBool
}

func (r *run) fillNulls(ctx context.Context, n *plan.FillNulls, child plan.Node) (plan.Node, error) {
	out := child.Output()
	cols, err := r.selected(out, n.Columns)
	if err != nil {
		return nil, err
	}
	value := map[plan.ID]*plan.Literal{}
	for i, c := range cols {
		l := n.Values[0]
		if len(n.Values) > 1 {
			l = n.Values[i]
		}
		if fillable(l.Typ, c.Typ) {
			value[c.ID] = l
		}
	}
	list := make([]plan.Expr, len(out))
	for i, c := range out {
		list[i] = c
		if l := value[c.ID]; l != nil {
			e, err := r.filled(ctx, c, l)
			if err != nil {
				return nil, err
			}
			list[i] = r.alias(e, c.Name)
		}
	}
	return &plan.Project{List: list, Child: child}, nil
}

// filled is c or, where that is null or not a number, l.
func (r *run) filled(ctx context.Context, c *plan.Column, l *plan.Literal) (plan.Expr, error) {
	var value plan.Expr = c
	if c.Typ.IsFractional() {
		value = &plan.Case{Whens: []plan.When{{Cond: isNaN(c), Then: plan.LitNull(c.Typ)}}, Else: c}
	}
	lit := &plan.Cast{Child: l, To: c.Typ, Mode: plan.CastSession}
	return r.expr(ctx, plan.Fn("coalesce", value, lit), r.rewriteEnv(false))
}

// isNaN compares, since NaN equals itself.
func isNaN(c *plan.Column) plan.Expr {
	var nan any = math.NaN()
	if c.Typ.Kind == types.KindFloat {
		nan = float32(math.NaN())
	}
	return plan.Fn("<=>", c, plan.Lit(c.Typ, nan))
}

// dropNulls keeps rows with enough values that are neither null nor NaN.
func (r *run) dropNulls(ctx context.Context, n *plan.DropNulls, child plan.Node) (plan.Node, error) {
	cols, err := r.selected(child.Output(), n.Columns)
	if err != nil {
		return nil, err
	}
	var cond plan.Expr
	for _, c := range cols {
		present := plan.Expr(plan.Fn("isnotnull", c))
		if c.Typ.IsFractional() {
			present = plan.Fn("and", present, plan.Fn("not", isNaN(c)))
		}
		if n.MinNonNull >= 0 {
			present = &plan.Case{Whens: []plan.When{{Cond: present, Then: plan.LitInt(1)}}, Else: plan.LitInt(0)}
		}
		switch {
		case cond == nil:
			cond = present
		case n.MinNonNull < 0:
			cond = plan.Fn("and", cond, present)
		default:
			cond = plan.Fn("+", cond, present)
		}
	}
	if cond == nil {
		return child, nil
	}
	if n.MinNonNull >= 0 {
		cond = plan.Fn(">=", cond, plan.LitInt(int32(n.MinNonNull)))
	}
	e, err := r.expr(ctx, cond, r.rewriteEnv(false))
	if err != nil {
		return nil, err
	}
	return &plan.Filter{Cond: e, Child: child}, nil
}

// replaceValues maps values of columns of the values' kind.
func (r *run) replaceValues(ctx context.Context, n *plan.ReplaceValues, child plan.Node) (plan.Node, error) {
	out := child.Output()
	cols, err := r.selected(out, n.Columns)
	if err != nil {
		return nil, err
	}
	list := make([]plan.Expr, len(out))
	for i, c := range out {
		list[i] = c
		if !containsID(cols, c.ID) || !replaceable(n, c.Typ) {
			continue
		}
		k := &plan.Case{Else: c}
		for j, old := range n.Old {
			cond := plan.Expr(plan.Fn("==", c, &plan.Cast{Child: old, To: c.Typ, Mode: plan.CastSession}))
			if old.Value == nil {
				cond = plan.Fn("isnull", c)
			}
			k.Whens = append(k.Whens, plan.When{Cond: cond, Then: &plan.Cast{Child: n.New[j], To: c.Typ, Mode: plan.CastSession}})
		}
		e, err := r.expr(ctx, k, r.rewriteEnv(false))
		if err != nil {
			return nil, err
		}
		list[i] = r.alias(e, c.Name)
	}
	return &plan.Project{List: list, Child: child}, nil
}

// replaceable tells whether the values to be replaced are of t's kind.
func replaceable(n *plan.ReplaceValues, t types.Type) bool {
	for _, l := range append(append([]*plan.Literal{}, n.Old...), n.New...) {
		if l.Value != nil {
			return fillable(l.Typ, t)
		}
	}
	return false
}
