package sql

import "github.com/spurwheel/spurwheel/dataset/plan"

// count is how many sets expand makes, or a number beyond every limit.
func (g groupItem) count() int {
	switch g.kind {
	case plan.GroupRollup:
		return len(g.keys) + 1
	case plan.GroupCube:
		return 1 << min(len(g.keys), 30)
	case plan.GroupSets:
		n := 0
		for _, s := range g.subs {
			n += s.count()
		}
		return n
	default:
		return 1
	}
}

// expand is the list of grouping sets that an item means.
func (g groupItem) expand() [][]plan.Expr {
	switch g.kind {
	case plan.GroupRollup:
		sets := make([][]plan.Expr, 0, len(g.keys)+1)
		for n := len(g.keys); n >= 0; n-- {
			sets = append(sets, flatten(g.keys[:n]))
		}
		return sets
	case plan.GroupCube:
		return cube(g.keys)
	case plan.GroupSets:
		var sets [][]plan.Expr
		for _, s := range g.subs {
			sets = append(sets, s.expand()...)
		}
		return sets
	default:
		return g.keys
	}
}

// cube is every subset of keys, larger ones that keep earlier keys first.
func cube(keys [][]plan.Expr) [][]plan.Expr {
	if len(keys) == 0 {
		return [][]plan.Expr{nil}
	}
	rest := cube(keys[1:])
	sets := make([][]plan.Expr, 0, 2*len(rest))
	for _, r := range rest {
		sets = append(sets, join(keys[0], r))
	}
	return append(sets, rest...)
}

// product is every union of a set of a and a set of b.
func product(a, b [][]plan.Expr) [][]plan.Expr {
	out := make([][]plan.Expr, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			out = append(out, join(x, y))
		}
	}
	return out
}

func join(a, b []plan.Expr) []plan.Expr {
	out := make([]plan.Expr, 0, len(a)+len(b))
	return append(append(out, a...), b...)
}

func flatten(lists [][]plan.Expr) []plan.Expr {
	var out []plan.Expr
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// singles1 tells whether every list has one member.
func singles1(lists [][]plan.Expr) bool {
	for _, l := range lists {
		if len(l) != 1 {
			return false
		}
	}
	return true
}

// containsExpr compares by text: grouping keys are written alike where they
// mean the same.
func containsExpr(list []plan.Expr, e plan.Expr) bool {
	s := e.String()
	for _, x := range list {
		if x == e || x.String() == s {
			return true
		}
	}
	return false
}
