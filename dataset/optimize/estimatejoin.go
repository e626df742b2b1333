package optimize

import (
	"maps"
	"math"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// join guesses a join's rows from its condition.
func (e *Estimator) join(n *plan.Join) *relation {
	l, r := e.of(n.Left), e.of(n.Right)
	out := joined(l, r, plan.SplitAnd(n.Cond), n.Left.Output(), n.Right.Output())
	switch n.Type {
	case plan.JoinSemi:
		return l.scaled(semiFraction(l, r, n))
	case plan.JoinAnti, plan.JoinNullAnti:
		return l.scaled(max(1-semiFraction(l, r, n), 0.05))
	case plan.JoinExistence, plan.JoinSingle:
		out.rows = l.rows
	case plan.JoinLeft:
		out.rows = max(out.rows, l.rows)
		for id, c := range r.columns { // rows without a match
			c.nulls = min(1, c.nulls+1-semiFraction(l, r, n))
			out.columns[id] = c
		}
	case plan.JoinRight:
		out.rows = max(out.rows, r.rows)
	case plan.JoinFull:
		out.rows = max(out.rows, l.rows, r.rows)
	default: // inner
	}
	return out
}

// joined guesses an inner join. Several keys are rarely independent: each
// further one counts by the square root (exponential backoff).
func joined(l, r *relation, conds []plan.Expr, lc, rc []*plan.Column) *relation {
	out := &relation{rows: l.rows * r.rows, columns: make(map[plan.ID]column, len(l.columns)+len(r.columns))}
	maps.Copy(out.columns, l.columns)
	maps.Copy(out.columns, r.columns)
	var left, right []column
	for _, x := range conds {
		a, b, ok := equiSides(x, lc, rc)
		if !ok {
			out.rows *= out.one(x)
			continue
		}
		left, right = append(left, l.exprColumn(a)), append(right, r.exprColumn(b))
	}
	out.rows /= keyValues(left, right)
	return out
}

// keyValues guesses how many values the keys of a join have together. Keys of
// one table each have no more than the smaller table has rows: one of the
// tables holds them all. Other keys count by the square root each further one.
func keyValues(left, right []column) float64 {
	d, power := 1.0, 1.0
	for i := range left {
		d *= math.Pow(max(left[i].distinct, right[i].distinct, 1), power)
		power /= 2
	}
	if l, r := tableOf(left), tableOf(right); len(left) > 1 && l > 0 && r > 0 {
		product := 1.0
		for i := range left {
			product *= max(left[i].distinct, right[i].distinct, 1)
		}
		return min(product, l, r)
	}
	return d
}

// tableOf is the rows of the one table that all columns come from, 0 if none.
func tableOf(cs []column) float64 {
	for _, c := range cs {
		if c.base == nil || c.base != cs[0].base {
			return 0
		}
	}
	if len(cs) == 0 {
		return 0
	}
	return cs[0].of
}

// equiSides reads left = right over a join's sides.
func equiSides(e plan.Expr, lc, rc []*plan.Column) (l, r plan.Expr, ok bool) {
	c, isCall := e.(*plan.Call)
	if !isCall || len(c.Args) != 2 || c.Name != "==" && c.Name != "=" && c.Name != "<=>" {
		return nil, nil, false
	}
	a, b := c.Args[0], c.Args[1]
	if len(plan.References(a)) == 0 || len(plan.References(b)) == 0 {
		return nil, nil, false
	}
	switch {
	case within(a, lc) && within(b, rc):
		return a, b, true
	case within(b, lc) && within(a, rc):
		return b, a, true
	}
	return nil, nil, false
}

// semiFraction guesses the part of the left rows that have a match.
func semiFraction(l, r *relation, n *plan.Join) float64 {
	f := 1.0
	for _, x := range plan.SplitAnd(n.Cond) {
		if a, b, ok := equiSides(x, n.Left.Output(), n.Right.Output()); ok {
			f = min(f, r.exprColumn(b).distinct/max(l.exprColumn(a).distinct, 1))
		}
	}
	return min(f, 1)
}
