package optimize

import "github.com/spurwheel/spurwheel/dataset/plan"

// simplifyBoolean applies the laws of AND, OR and NOT that hold with nulls.
func simplifyBoolean(e plan.Expr) plan.Expr {
	if c, ok := call(e, "not", "!"); ok {
		return negate(c)
	}
	c, ok := call(e, "and", "or")
	if !ok {
		return e
	}
	neutral := c.Name == "and" // true changes nothing, false decides; for OR the other way round
	for i, a := range c.Args {
		v, null, lit := literalBool(a)
		switch {
		case !lit || null:
		case v == neutral:
			return c.Args[1-i]
		default:
			return a
		}
	}
	if plan.Same(c.Args[0], c.Args[1]) {
		return c.Args[0]
	}
	return e
}

// negate turns NOT of a comparison into the opposite comparison: with a null
// both are null, and order is total, NaN included.
func negate(n *plan.Call) plan.Expr {
	if v, null, ok := literalBool(n.Args[0]); ok {
		if null {
			return n.Args[0]
		}
		return plan.LitBool(!v)
	}
	c, ok := n.Args[0].(*plan.Call)
	if !ok {
		return n
	}
	switch c.Name {
	case "not", "!":
		return c.Args[0]
	case "isnull":
		return renameCall(c, "isnotnull")
	case "isnotnull":
		return renameCall(c, "isnull")
	}
	if op := opposite(c.Name); op != "" {
		return renameCall(c, op)
	}
	return n
}

func opposite(op string) string {
	switch op {
	case "<":
		return ">="
	case "<=":
		return ">"
	case ">":
		return "<="
	case ">=":
		return "<"
	case "==", "=":
		return "!="
	case "!=", "<>":
		return "=="
	}
	return ""
}

func renameCall(c *plan.Call, name string) *plan.Call {
	d := *c
	d.Name, d.Text = name, ""
	return &d
}

// simplifyCase drops branches that are never taken and those after one that
// always is.
func simplifyCase(e plan.Expr) plan.Expr {
	c, ok := e.(*plan.Case)
	if !ok {
		return e
	}
	out := &plan.Case{Else: c.Else, FromIf: c.FromIf}
	for _, w := range c.Whens {
		v, _, lit := literalBool(w.Cond)
		if lit && v {
			out.Else = w.Then
			break
		}
		if !lit {
			out.Whens = append(out.Whens, w)
		}
	}
	switch {
	case len(out.Whens) == 0 && out.Else == nil:
		return plan.LitNull(c.Type())
	case len(out.Whens) == 0:
		return out.Else
	case len(out.Whens) == len(c.Whens) && out.Else == c.Else:
		return e
	}
	return out
}
