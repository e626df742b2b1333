package optimize

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// simplifyIn drops repeated members and makes an equality of a single one.
func simplifyIn(e plan.Expr) plan.Expr {
	in, ok := e.(*plan.In)
	if !ok {
		return e
	}
	list := unique(in.List)
	switch {
	case len(list) == 1:
		return &plan.Call{Name: "=", Args: []plan.Expr{in.Child, list[0]}, Typ: types.Bool, Null: in.Nullable()}
	case len(list) < len(in.List):
		return &plan.In{Child: in.Child, List: list}
	}
	return e
}

// gatherIn makes one membership of equalities with literals: a = 1 or a = 2 is
// a in (1, 2).
func gatherIn(e plan.Expr) plan.Expr {
	c, ok := call(e, "or")
	if !ok {
		return e
	}
	var child plan.Expr
	var list []plan.Expr
	for _, b := range splitOr(c) {
		of, values := members(b)
		if of == nil || child != nil && !plan.Same(child, of) {
			return e
		}
		child, list = of, append(list, values...)
	}
	return &plan.In{Child: child, List: unique(list)}
}

// members reads x = literal or x in (literals).
func members(e plan.Expr) (plan.Expr, []plan.Expr) {
	if c, ok := call(e, "=", "=="); ok {
		if _, lit := c.Args[1].(*plan.Literal); lit {
			return c.Args[0], c.Args[1:2]
		}
		return nil, nil
	}
	in, ok := e.(*plan.In)
	if !ok {
		return nil, nil
	}
	for _, x := range in.List {
		if _, lit := x.(*plan.Literal); !lit {
			return nil, nil
		}
	}
	return in.Child, in.List
}
