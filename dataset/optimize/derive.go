package optimize

import "github.com/spurwheel/spurwheel/dataset/plan"

// derive finds what each side of a join must satisfy for a disjunction over
// both to be true: (a = 1 and b = 2) or (a = 2 and b = 1) gives a in (1, 2) on
// the left and b in (2, 1) on the right. The disjunction stays.
func (s *sides) derive() {
	for _, e := range s.on {
		if c, ok := call(e, "or"); ok {
			branches := splitOr(c)
			s.toLeft = append(s.toLeft, sidePart(branches, s.left)...)
			s.toRight = append(s.toRight, sidePart(branches, s.right)...)
		}
	}
}

// sidePart is the disjunction of what the branches say of cols alone, none if
// one of them says nothing.
func sidePart(branches []plan.Expr, cols []*plan.Column) []plan.Expr {
	parts := make([]plan.Expr, 0, len(branches))
	for _, b := range branches {
		var own []plan.Expr
		for _, c := range plan.SplitAnd(b) {
			if within(c, cols) && len(plan.References(c)) > 0 {
				own = append(own, c)
			}
		}
		if len(own) == 0 {
			return nil
		}
		parts = append(parts, plan.And(own...))
	}
	return []plan.Expr{gatherIn(factor(or(unique(parts)...)))}
}
