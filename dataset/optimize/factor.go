package optimize

import "github.com/spurwheel/spurwheel/dataset/plan"

// splitOr lists the disjuncts of a condition.
func splitOr(e plan.Expr) []plan.Expr {
	if c, ok := call(e, "or"); ok {
		return append(splitOr(c.Args[0]), splitOr(c.Args[1])...)
	}
	return []plan.Expr{e}
}

// or joins conditions; nil for none.
func or(es ...plan.Expr) plan.Expr {
	var out plan.Expr
	for _, e := range es {
		if out == nil {
			out = e
			continue
		}
		out = &plan.Call{Name: "or", Args: []plan.Expr{out, e}, Typ: e.Type(), Null: out.Nullable() || e.Nullable()}
	}
	return out
}

// factor takes out what all branches share: (a and b) or (a and c) is a and (b or c).
func factor(e plan.Expr) plan.Expr {
	c, ok := call(e, "or")
	if !ok {
		return e
	}
	branches := splitOr(c)
	shared := sharedConjuncts(branches)
	if len(shared) == 0 {
		return e
	}
	var common, rest []plan.Expr
	always := false
	for i, b := range branches {
		var left []plan.Expr
		for _, c := range plan.SplitAnd(b) {
			switch {
			case !shared[plan.Key(c)]:
				left = append(left, c)
			case i == 0:
				common = append(common, c)
			}
		}
		if r := plan.And(left...); r != nil {
			rest = append(rest, r)
		} else {
			always = true
		}
	}
	if always {
		return plan.And(common...)
	}
	return plan.And(append(common, or(rest...))...)
}

// sharedConjuncts are the keys of the conjuncts that stand in all branches.
func sharedConjuncts(branches []plan.Expr) map[string]bool {
	shared := map[string]bool{}
	for i, b := range branches {
		keys := map[string]bool{}
		for _, c := range plan.SplitAnd(b) {
			if k := plan.Key(c); i == 0 || shared[k] {
				keys[k] = true
			}
		}
		shared = keys
	}
	return shared
}
