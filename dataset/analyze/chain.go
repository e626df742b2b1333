package analyze

import "github.com/spurwheel/spurwheel/dataset/plan"

// projectChain projects a list whose items may refer to aliases of the list:
// those are computed below.
func (r *run) projectChain(list []plan.Expr, child plan.Node) (plan.Node, error) {
	own := map[plan.ID]bool{}
	for _, e := range list {
		if a, ok := e.(*plan.Alias); ok {
			own[a.ID] = true
		}
	}
	rest := list
	for {
		wanted := lateralRefs(rest, own)
		if len(wanted) == 0 {
			return r.projectWindows(rest, child), nil
		}
		inner := columnList(child.Output())
		next := make([]plan.Expr, len(rest))
		var moved []plan.ID
		for i, e := range rest {
			next[i] = e
			a, ok := e.(*plan.Alias)
			if !ok || !wanted[a.ID] || usesAny(a.Child, own) {
				continue
			}
			inner = append(inner, a)
			next[i] = a.Column()
			moved = append(moved, a.ID)
		}
		for _, id := range moved { // only now: items of one projection do not see each other
			delete(own, id)
		}
		if len(moved) == 0 { // cannot be: an item refers to earlier ones only
			return r.projectWindows(rest, child), nil
		}
		child = r.projectWindows(inner, child)
		rest = next
	}
}

// lateralRefs is which of own the items' expressions use.
func lateralRefs(list []plan.Expr, own map[plan.ID]bool) map[plan.ID]bool {
	out := map[plan.ID]bool{}
	for _, e := range list {
		for id := range plan.References(bare(e)) {
			if own[id] {
				out[id] = true
			}
		}
	}
	return out
}

func usesAny(e plan.Expr, own map[plan.ID]bool) bool {
	for id := range plan.References(e) {
		if own[id] {
			return true
		}
	}
	return false
}

// projectWindows computes the window functions of a list in window nodes, one
// for each partitioning and order, below the projection.
func (r *run) projectWindows(list []plan.Expr, child plan.Node) plan.Node {
	var groups []*plan.WindowNode
	byKey := map[string]*plan.WindowNode{}
	made := map[string]*plan.Column{}
	out := make([]plan.Expr, len(list))
	for i, e := range list {
		out[i], _ = plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) {
			w, ok := x.(*plan.Window)
			if !ok {
				return x, nil
			}
			if c := made[plan.Key(w)]; c != nil {
				return c, nil
			}
			a := r.alias(w, plan.SQLName(w))
			spec := plan.Key(&plan.Window{Func: plan.LitBool(true), Partition: w.Partition, Order: w.Order})
			g := byKey[spec]
			if g == nil {
				g = &plan.WindowNode{Partition: w.Partition, Order: w.Order}
				byKey[spec] = g
				groups = append(groups, g)
			}
			g.List = append(g.List, a)
			made[plan.Key(w)] = a.Column()
			return a.Column(), nil
		})
	}
	for _, g := range groups {
		g.Child = child
		child = g
	}
	return &plan.Project{List: out, Child: child}
}
