package optimize

import (
	"math"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// selectivity guesses the fraction of rows for which a condition is true.
// Ranges over one column are taken together: a < x and x < b is one interval.
func (r *relation) selectivity(e plan.Expr) float64 {
	s := 1.0
	spans := map[plan.ID]*span{}
	for _, c := range plan.SplitAnd(e) {
		if id, lo, hi, ok := rangeOf(c); ok && !math.IsNaN(r.column(id).lo) {
			if spans[id] == nil {
				spans[id] = &span{math.Inf(-1), math.Inf(1)}
			}
			spans[id].lo, spans[id].hi = max(spans[id].lo, lo), min(spans[id].hi, hi)
			continue
		}
		s *= r.one(c)
	}
	for id, sp := range spans {
		s *= sp.fraction(r.column(id))
	}
	return s
}

type span struct{ lo, hi float64 }

func (s *span) fraction(c column) float64 {
	width := c.hi - c.lo
	if width <= 0 {
		return 1
	}
	f := (min(s.hi, c.hi) - max(s.lo, c.lo)) / width
	return min(1, max(f, 1/max(c.distinct, 1)/10))
}

// rangeOf reads column <op> number as an interval.
func rangeOf(e plan.Expr) (id plan.ID, lo, hi float64, ok bool) {
	c, isCall := e.(*plan.Call)
	if !isCall || len(c.Args) != 2 {
		return 0, 0, 0, false
	}
	col, lit, name := plainColumn(c.Args[0]), literalNumber(c.Args[1]), c.Name
	if col == nil || math.IsNaN(lit) {
		col, lit = plainColumn(c.Args[1]), literalNumber(c.Args[0])
		name = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<="}[name]
	}
	if col == nil || math.IsNaN(lit) {
		return 0, 0, 0, false
	}
	switch name {
	case "<", "<=":
		return col.ID, math.Inf(-1), lit, true
	case ">", ">=":
		return col.ID, lit, math.Inf(1), true
	}
	return 0, 0, 0, false
}

func plainColumn(e plan.Expr) *plan.Column {
	switch e := e.(type) {
	case *plan.Column:
		return e
	case *plan.Cast:
		if e.To.IsNumeric() && e.Child.Type().IsNumeric() && e.To.Kind != types.KindDecimal {
			return plainColumn(e.Child)
		}
	}
	return nil
}

func literalNumber(e plan.Expr) float64 {
	if l, ok := e.(*plan.Literal); ok {
		if v, ok := number(l.Value); ok {
			return v
		}
	}
	return math.NaN()
}

// one guesses a single conjunct.
func (r *relation) one(e plan.Expr) float64 {
	switch e := e.(type) {
	case *plan.Literal:
		if e.Value == true {
			return 1
		}
		return 0
	case *plan.In:
		return min(1, float64(len(e.List))*r.equals(e.Child))
	case *plan.Call:
		return r.call(e)
	case *plan.Column:
		return 0.5
	}
	return guessOther
}

func (r *relation) call(e *plan.Call) float64 {
	switch e.Name {
	case "and":
		return r.selectivity(e)
	case "or":
		a, b := r.selectivity(e.Args[0]), r.selectivity(e.Args[1])
		return a + b - a*b
	case "not", "!":
		return max(0, 1-r.one(e.Args[0]))
	case "==", "=", "<=>":
		return r.equality(e.Args[0], e.Args[1])
	case "!=", "<>":
		return max(1-r.equality(e.Args[0], e.Args[1]), guessEqual)
	case "<", "<=", ">", ">=":
		for id := range plan.References(e) {
			if r.column(id).derived {
				return guessAggregate
			}
		}
		return guessRange
	case "isnull":
		return r.exprColumn(e.Args[0]).nulls
	case "isnotnull":
		return 1 - r.exprColumn(e.Args[0]).nulls
	case "like", "ilike":
		if l, ok := e.Args[1].(*plan.Literal); ok {
			if s, ok := l.Value.(string); ok && !strings.ContainsAny(s, "%_") {
				return r.equals(e.Args[0])
			}
		}
		return guessLike
	case "rlike", "contains", "startswith", "endswith":
		return guessLike
	}
	return guessOther
}

func (r *relation) equality(a, b plan.Expr) float64 {
	_, la := a.(*plan.Literal)
	_, lb := b.(*plan.Literal)
	switch {
	case lb:
		return r.equals(a)
	case la:
		return r.equals(b)
	}
	return 1 / max(r.exprColumn(a).distinct, r.exprColumn(b).distinct)
}

func (r *relation) equals(e plan.Expr) float64 {
	if len(plan.References(e)) == 0 {
		return guessEqual
	}
	return 1 / max(r.exprColumn(e).distinct, 1)
}

// bounded narrows the columns that a condition compares with constants.
func (r *relation) bounded(e plan.Expr) *relation {
	for _, c := range plan.SplitAnd(e) {
		of, values := members(c)
		if col, ok := of.(*plan.Column); ok {
			if known, ok := r.columns[col.ID]; ok {
				known.distinct = min(known.distinct, float64(len(values)))
				r.columns[col.ID] = known
			}
			continue
		}
		id, lo, hi, ok := rangeOf(c)
		known, have := r.columns[id]
		if !ok || !have || math.IsNaN(known.lo) {
			continue
		}
		known.lo, known.hi = max(known.lo, lo), min(known.hi, hi)
		if known.hi >= known.lo {
			r.columns[id] = known
		}
	}
	return r
}
