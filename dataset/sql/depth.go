package sql

import "github.com/spurwheel/spurwheel/dataset/plan"

// checkDepth bounds the depth of the tree. Chains of operators deepen it
// without nesting in the text; only texts with more tokens than the limit can
// pass it, so that others cost nothing. It does not recurse.
func (p *parser) checkDepth(n plan.Node, e plan.Expr) error {
	if len(p.tokens) <= maxTreeDepth {
		return nil
	}
	w := depthWalk{}
	w.node(n, 1)
	w.expr(e, 1)
	for len(w.stack) > 0 {
		at := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		if at.depth > maxTreeDepth {
			return tooDeep(p.originAt(&p.tokens[0]))
		}
		w.children(at)
	}
	return nil
}

type depthWalk struct{ stack []depthItem }

type depthItem struct {
	node  plan.Node
	expr  plan.Expr
	depth int
}

func (w *depthWalk) node(n plan.Node, depth int) {
	if n != nil {
		w.stack = append(w.stack, depthItem{node: n, depth: depth})
	}
}

func (w *depthWalk) expr(e plan.Expr, depth int) {
	if e != nil {
		w.stack = append(w.stack, depthItem{expr: e, depth: depth})
	}
}

func (w *depthWalk) children(at depthItem) {
	if at.node != nil {
		for _, c := range at.node.Children() {
			w.node(c, at.depth+1)
		}
		for _, e := range at.node.Exprs() {
			w.expr(e, at.depth+1)
		}
		return
	}
	if s, ok := at.expr.(*plan.Subquery); ok {
		w.node(s.Plan, at.depth+1)
	}
	for _, c := range at.expr.Children() {
		w.expr(c, at.depth+1)
	}
}
