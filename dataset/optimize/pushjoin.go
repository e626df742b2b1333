package optimize

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// join distributes conjuncts over a join's sides and its condition.
func (p pushFilters) join(n *plan.Join, preds []plan.Expr) plan.Node {
	if anti, rest := antiJoin(n, preds); anti != plan.Node(n) {
		return p.push(anti, rest)
	}
	n = rejectNulls(n, preds)
	movable, fixed := p.splitVolatile(preds)
	on := plan.SplitAnd(n.Cond)
	l, r := n.Left.Output(), n.Right.Output()
	s := sides{left: l, right: r}
	switch n.Type {
	case plan.JoinInner, plan.JoinCross:
		s.spread(append(movable, on...), true, true)
		s.derive()
		s.infer()
	case plan.JoinLeft, plan.JoinSingle, plan.JoinExistence:
		s.spread(movable, true, false)
		s.spreadOn(on, false, true)
		s.inferRight()
	case plan.JoinRight:
		s.spread(movable, false, true)
		s.spreadOn(on, true, false)
	case plan.JoinSemi:
		s.spread(movable, true, false)
		s.spreadOn(on, true, true)
		s.derive()
		s.infer()
	case plan.JoinAnti:
		s.spread(movable, true, false)
		s.spreadOn(on, false, true)
		s.inferRight()
	default: // full, null-aware anti
		s.above, s.on = movable, on
		if n.Type == plan.JoinNullAnti {
			s.above = nil
			s.spread(movable, true, false)
		}
	}
	out := *n
	out.Left, out.Right = p.push(n.Left, unique(s.toLeft)), p.push(n.Right, unique(s.toRight))
	out.Cond = plan.And(unique(s.on)...)
	switch {
	case out.Type == plan.JoinCross && out.Cond != nil:
		out.Type = plan.JoinInner
	case out.Type == plan.JoinInner && out.Cond == nil:
		out.Type = plan.JoinCross
	}
	return filtered(&out, append(s.above, fixed...))
}

// sides sorts conjuncts by where they can go.
type sides struct {
	left, right                []*plan.Column
	toLeft, toRight, on, above []plan.Expr
}

// spread places filters over the join: to a side if allowed, into the condition
// if both sides allow it, else above.
func (s *sides) spread(preds []plan.Expr, left, right bool) {
	for _, e := range preds {
		switch {
		case left && within(e, s.left) && len(plan.References(e)) > 0:
			s.toLeft = append(s.toLeft, e)
		case right && within(e, s.right) && len(plan.References(e)) > 0:
			s.toRight = append(s.toRight, e)
		case left && right:
			s.on = append(s.on, e)
		default:
			s.above = append(s.above, e)
		}
	}
}

// spreadOn places the join's own conjuncts: to a side if allowed.
func (s *sides) spreadOn(on []plan.Expr, left, right bool) {
	for _, e := range on {
		switch {
		case left && within(e, s.left) && len(plan.References(e)) > 0:
			s.toLeft = append(s.toLeft, e)
		case right && within(e, s.right) && len(plan.References(e)) > 0:
			s.toRight = append(s.toRight, e)
		default:
			s.on = append(s.on, e)
		}
	}
}

// infer copies comparisons of one side with constants to the other along
// equalities: a = b and a = 1 gives b = 1.
func (s *sides) infer() {
	for _, e := range s.on {
		if a, b, ok := s.pair(e); ok {
			s.toRight = append(s.toRight, translate(s.toLeft, a, b)...)
			s.toLeft = append(s.toLeft, translate(s.toRight, b, a)...)
		}
	}
}

// inferRight does so for joins that keep all left rows: what the left rows
// satisfy, their matches do.
func (s *sides) inferRight() {
	for _, e := range s.on {
		if a, b, ok := s.pair(e); ok {
			s.toRight = append(s.toRight, translate(s.toLeft, a, b)...)
		}
	}
}

// pair reads left column = right column.
func (s *sides) pair(e plan.Expr) (l, r *plan.Column, ok bool) {
	a, b, ok := columnEquality(e)
	if !ok || !a.Typ.Equal(b.Typ) {
		return nil, nil, false
	}
	switch {
	case within(a, s.left) && within(b, s.right):
		return a, b, true
	case within(b, s.left) && within(a, s.right):
		return b, a, true
	}
	return nil, nil, false
}

// translate rewrites conjuncts that use only column from to use column to.
func translate(es []plan.Expr, from, to *plan.Column) []plan.Expr {
	var out []plan.Expr
	for _, e := range es {
		refs := plan.References(e)
		if _, ok := refs[from.ID]; ok && len(refs) == 1 {
			out = append(out, substituteAll(e, map[plan.ID]plan.Expr{from.ID: to}))
		}
	}
	return out
}

// rejectNulls narrows an outer join whose padded rows the conjuncts drop.
func rejectNulls(n *plan.Join, preds []plan.Expr) *plan.Join {
	var left, right bool // does some conjunct reject rows whose columns of that side are all null
	for _, e := range preds {
		left = left || strict(e, n.Left.Output())
		right = right || strict(e, n.Right.Output())
	}
	out := *n
	switch {
	case n.Type == plan.JoinLeft && right, n.Type == plan.JoinRight && left, n.Type == plan.JoinFull && left && right:
		out.Type = plan.JoinInner
	case n.Type == plan.JoinFull && left:
		out.Type = plan.JoinLeft
	case n.Type == plan.JoinFull && right:
		out.Type = plan.JoinRight
	default:
		return n
	}
	return &out
}

// strict tells whether e is surely not true when all of cols are null.
func strict(e plan.Expr, cols []*plan.Column) bool {
	switch e := e.(type) {
	case *plan.Call:
		switch e.Name {
		case "and":
			return strict(e.Args[0], cols) || strict(e.Args[1], cols)
		case "or":
			return strict(e.Args[0], cols) && strict(e.Args[1], cols)
		case "isnotnull":
			return nullOn(e.Args[0], cols)
		case "==", "=", "<", "<=", ">", ">=", "!=", "<>", "like", "rlike", "startswith", "endswith", "contains", "not":
			for _, a := range e.Args {
				if nullOn(a, cols) {
					return true
				}
			}
		}
	case *plan.In:
		return nullOn(e.Child, cols)
	case *plan.Literal:
		return e.Typ.Kind == types.KindBool && e.Value != true
	case *plan.Column:
		return nullOn(e, cols)
	}
	return false
}

// nullOn tells whether e is surely null when all of cols are.
func nullOn(e plan.Expr, cols []*plan.Column) bool {
	switch e := e.(type) {
	case *plan.Column:
		for _, c := range cols {
			if c.ID == e.ID {
				return true
			}
		}
	case *plan.Cast:
		return nullOn(e.Child, cols)
	case *plan.Call:
		switch e.Name {
		case "+", "-", "*", "/", "%", "negative", "substring", "substr", "upper", "lower", "trim", "year", "month", "abs",
			"==", "=", "<", "<=", ">", ">=", "!=", "<>", "like":
			for _, a := range e.Args {
				if nullOn(a, cols) {
					return true
				}
			}
		}
	}
	return false
}
