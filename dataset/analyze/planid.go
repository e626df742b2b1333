package analyze

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Columns of data frames: a client says which relation, by plan id, a name
// belongs to. The relation is looked for in the resolved inputs; the shallowest
// one wins, and two at the same depth (a self-join) are ambiguous.

type hit struct {
	expr  plan.Expr
	depth int
}

func hitExpr(h *hit) plan.Expr {
	if h == nil {
		return nil
	}
	return h.expr
}

// fromPlan resolves a name with a plan id.
func (r *run) fromPlan(a *plan.Attr, v *env) (plan.Expr, error) {
	if a.PlanID == 0 {
		return nil, nil
	}
	h, matched, err := r.bestHit(a, v.inputs, 0)
	if err != nil {
		return nil, err
	}
	if !matched && !r.knownOutside(a, v) {
		return nil, noDataFrame(a)
	}
	return hitExpr(h), nil
}

// knownOutside tells whether an enclosing query has the relation.
func (r *run) knownOutside(a *plan.Attr, v *env) bool {
	for out := v.sc.outerEnv(); out != nil; out = out.sc.outerEnv() {
		if _, matched, _ := r.bestHit(a, out.inputs, 0); matched {
			return true
		}
	}
	return false
}

func noDataFrame(a *plan.Attr) error {
	return errs.Cond(errs.Analysis, "CANNOT_RESOLVE_DATAFRAME_COLUMN", "42704",
		"The column "+sqlID(a.Parts)+" belongs to a data frame that is not an input of this operation.",
		"name", sqlID(a.Parts))
}

// bestHit is the shallowest hit among nodes; matched tells whether the relation
// was seen at all.
func (r *run) bestHit(a *plan.Attr, nodes []plan.Node, depth int) (best *hit, matched bool, err error) {
	for _, n := range nodes {
		h, m, err := r.planHit(a, n, depth)
		if err != nil {
			return nil, false, err
		}
		matched = matched || m
		switch {
		case h == nil || best != nil && best.depth < h.depth:
		case best != nil && best.depth == h.depth:
			return nil, true, errs.Cond(errs.Analysis, "AMBIGUOUS_COLUMN_REFERENCE", "42702",
				"The column "+sqlID(a.Parts)+" is on both sides of a join of a data frame with itself; give the sides aliases.",
				"name", sqlID(a.Parts))
		default:
			best = h
		}
	}
	return best, matched, nil
}

// planHit looks for the relation at n and below.
func (r *run) planHit(a *plan.Attr, n plan.Node, depth int) (*hit, bool, error) {
	if a.PlanID == 0 {
		return nil, false, nil
	}
	var h *hit
	var matched bool
	t, tagged := n.(*plan.Tagged)
	switch {
	case tagged && t.PlanID == a.PlanID:
		e, err := r.byName(n.Output(), a.Parts)
		if err != nil {
			return nil, true, err
		}
		if e != nil {
			h = &hit{e, depth}
		}
		matched = true
	case tagged:
		return r.planHit(a, t.Child, depth)
	default:
		var err error
		if h, matched, err = r.bestHit(a, inputsOf(n), depth+1); err != nil {
			return nil, false, err
		}
	}
	if h != nil && !outputs(n, h.expr) {
		h = nil
	}
	return h, matched, nil
}

// inputsOf are the children in which relations are looked for: a union has
// columns of its own.
func inputsOf(n plan.Node) []plan.Node {
	if _, ok := n.(*plan.Union); ok {
		return nil
	}
	return n.Children()
}

// outputs tells whether n's output has all columns of e.
func outputs(n plan.Node, e plan.Expr) bool {
	out := n.Output()
	for _, c := range columnsOf(e) {
		if !containsID(out, c.ID) {
			return false
		}
	}
	return true
}

// tagged finds the relation of a plan id at or below one of the nodes.
func taggedNode(id int64, nodes []plan.Node) plan.Node {
	for _, n := range nodes {
		if t, ok := n.(*plan.Tagged); ok && t.PlanID == id {
			return t
		}
		if f := taggedNode(id, inputsOf(n)); f != nil {
			return f
		}
	}
	return nil
}
