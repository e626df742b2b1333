package plan

func flatten(ls [][]Expr) []Expr {
	var out []Expr
	for _, l := range ls {
		out = append(out, l...)
	}
	return out
}

func unflatten(old [][]Expr, es *[]Expr) [][]Expr {
	if old == nil {
		return nil
	}
	out := make([][]Expr, len(old))
	for i := range old {
		out[i] = cut(es, len(old[i]))
	}
	return out
}

func (n *Join) Children() []Node { return []Node{n.Left, n.Right} }
func (n *Join) WithChildren(cs []Node) Node {
	c := *n
	c.Left, c.Right = cs[0], cs[1]
	return &c
}
func (n *Join) Exprs() []Expr { return optional(n.Cond) }
func (n *Join) WithExprs(es []Expr) Node {
	c := *n
	c.Cond = cutOptional(&es, n.Cond)
	return &c
}

func (n *SetOp) Children() []Node { return []Node{n.Left, n.Right} }
func (n *SetOp) WithChildren(cs []Node) Node {
	c := *n
	c.Left, c.Right = cs[0], cs[1]
	return &c
}
func (n *SetOp) Exprs() []Expr         { return nil }
func (n *SetOp) WithExprs([]Expr) Node { return n }

func (n *Union) Children() []Node { return n.Inputs }
func (n *Union) WithChildren(cs []Node) Node {
	return &Union{Inputs: cs, Columns: n.Columns}
}
func (n *Union) Exprs() []Expr         { return nil }
func (n *Union) WithExprs([]Expr) Node { return n }

func (n *With) Children() []Node {
	out := make([]Node, 0, len(n.CTEs)+1)
	for _, c := range n.CTEs {
		out = append(out, c.Plan)
	}
	return append(out, n.Child)
}

func (n *With) WithChildren(cs []Node) Node {
	c := &With{CTEs: append([]CTE{}, n.CTEs...), Recursive: n.Recursive, Child: cs[len(cs)-1]}
	for i := range c.CTEs {
		c.CTEs[i].Plan = cs[i]
	}
	return c
}
func (n *With) Exprs() []Expr         { return nil }
func (n *With) WithExprs([]Expr) Node { return n }

func (n *WithRelations) Children() []Node {
	return append(append([]Node{}, n.Refs...), n.Child)
}

func (n *WithRelations) WithChildren(cs []Node) Node {
	return &WithRelations{Refs: cs[:len(cs)-1], Child: cs[len(cs)-1]}
}
func (n *WithRelations) Exprs() []Expr         { return nil }
func (n *WithRelations) WithExprs([]Expr) Node { return n }
