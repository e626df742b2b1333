package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// The domain of a lateral join through joins, set operations and limits.

// join pushes the domain into the sides that use it; where one side decides
// which rows there are, into that one always.
func (d *domain) join(ctx context.Context, j *plan.Join) (plan.Node, []*plan.Column, error) {
	c := *j
	var left, right []*plan.Column
	var err error
	toLeft, toRight := sidesOfDomain(j)
	if toLeft {
		if c.Left, left, err = d.push(ctx, j.Left); err != nil {
			return nil, nil, err
		}
	}
	if toRight {
		if c.Right, right, err = d.push(ctx, j.Right); err != nil {
			return nil, nil, err
		}
	}
	cols := left
	if left == nil || j.Type == plan.JoinRight {
		cols = right
	}
	if c.Cond != nil {
		c.Cond = replaceOuter([]plan.Expr{c.Cond}, d.by(cols))[0]
	}
	if left != nil && right != nil {
		same, err := d.same(ctx, left, right)
		if err != nil {
			return nil, nil, err
		}
		c.Cond = plan.And(c.Cond, same)
	}
	if c.Type == plan.JoinCross && c.Cond != nil {
		c.Type = plan.JoinInner
	}
	list := columnList(j.Output())
	if j.Type == plan.JoinFull {
		return d.fullJoin(ctx, &c, list, left, right)
	}
	return &plan.Project{List: append(list, columnList(cols)...), Child: &c}, cols, nil
}

// sidesOfDomain tells which sides of a join the domain goes to.
func sidesOfDomain(j *plan.Join) (left, right bool) {
	left, right = len(outerColumns(j.Left)) > 0, len(outerColumns(j.Right)) > 0
	switch j.Type {
	case plan.JoinInner, plan.JoinCross:
		return left || j.Cond != nil && hasOuter(j.Cond) && !right, right
	case plan.JoinRight:
		return left, true
	case plan.JoinFull:
		return true, true
	default:
		return true, right
	}
}

// fullJoin takes the domain's columns from the side that has the row.
func (d *domain) fullJoin(ctx context.Context, j *plan.Join, list []plan.Expr, left, right []*plan.Column) (plan.Node, []*plan.Column, error) {
	cols := make([]*plan.Column, len(left))
	for i, l := range left {
		e, err := d.expr(ctx, plan.Fn("coalesce", l.WithNullable(true), right[i].WithNullable(true)), d.rewriteEnv(false))
		if err != nil {
			return nil, nil, err
		}
		a := d.alias(e, l.Name)
		list, cols[i] = append(list, a), a.Column()
	}
	return &plan.Project{List: list, Child: j}, cols, nil
}

func (d *domain) union(ctx context.Context, u *plan.Union) (plan.Node, []*plan.Column, error) {
	out := &plan.Union{Columns: append([]*plan.Column{}, u.Columns...)}
	var made []*plan.Column
	for i, in := range u.Inputs {
		n, cols, err := d.push(ctx, in)
		if err != nil {
			return nil, nil, err
		}
		out.Inputs = append(out.Inputs, d.ordered(n, in, cols))
		if i == 0 {
			for _, c := range cols {
				f := d.freshColumn(c)
				f.Null = true
				made = append(made, f)
			}
			out.Columns = append(out.Columns, made...)
		}
	}
	return out, made, nil
}

// ordered puts the columns of an input first and the domain's after them.
func (d *domain) ordered(n, in plan.Node, cols []*plan.Column) plan.Node {
	return &plan.Project{List: append(columnList(in.Output()), columnList(cols)...), Child: n}
}

func (d *domain) setOp(ctx context.Context, s *plan.SetOp) (plan.Node, []*plan.Column, error) {
	left, cols, err := d.push(ctx, s.Left)
	if err != nil {
		return nil, nil, err
	}
	right, rcols, err := d.push(ctx, s.Right)
	if err != nil {
		return nil, nil, err
	}
	c := *s
	c.Left, c.Right = d.ordered(left, s.Left, cols), d.ordered(right, s.Right, rcols)
	return &c, cols, nil
}

// limit numbers the rows of each row of the domain, in the order of a sort
// below, and keeps those between the bounds.
func (d *domain) limit(ctx context.Context, n plan.Node) (plan.Node, []*plan.Column, error) {
	limit, offset := int64(-1), int64(0)
	below := n
	if l, ok := below.(*plan.Limit); ok {
		limit, _ = d.constLong(l.N)
		below = l.Child
	}
	if o, ok := below.(*plan.OffsetRows); ok {
		offset, _ = d.constLong(o.N)
		below = o.Child
	}
	child, cols, err := d.push(ctx, below)
	if err != nil {
		return nil, nil, err
	}
	var order []plan.SortOrder
	if s, ok := child.(*plan.Sort); ok {
		order = s.Orders
	} else {
		for _, c := range cols {
			order = append(order, plan.SortOrder{Child: c})
		}
	}
	w := &plan.Window{Func: &plan.Call{Name: "row_number", Typ: types.Int}, Partition: columnList(cols), Order: order}
	a := d.alias(w, "row_number()")
	cond := plan.Expr(plan.Fn(">", a.Column(), plan.LitLong(offset)))
	if limit >= 0 {
		cond = plan.Fn("and", cond, plan.Fn("<=", a.Column(), plan.LitLong(offset+limit)))
	}
	if cond, err = d.expr(ctx, cond, d.rewriteEnv(false)); err != nil {
		return nil, nil, err
	}
	numbered := &plan.WindowNode{List: []plan.Expr{a}, Partition: columnList(cols), Order: order, Child: child}
	kept := &plan.Filter{Cond: cond, Child: numbered}
	return &plan.Project{List: columnList(child.Output()), Child: kept}, cols, nil
}
