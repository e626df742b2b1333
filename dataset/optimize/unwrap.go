package optimize

import (
	"reflect"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// unwrapCast frees columns in comparisons from casts to wider types, so that
// readers can compare what is stored: cast(a as bigint) < 5L is a < 5. It puts
// literals on the right.
func (c Config) unwrapCast(e plan.Expr) plan.Expr {
	if in, ok := e.(*plan.In); ok {
		return c.unwrapIn(in)
	}
	x, ok := call(e, "=", "==", "<=>", "!=", "<>", "<", "<=", ">", ">=")
	if !ok || len(x.Args) != 2 {
		return e
	}
	x = canonical(x)
	from, ok := widened(x.Args[0])
	if !ok {
		return x
	}
	if to, ok := widened(x.Args[1]); ok && to.Type().Equal(from.Type()) {
		return compared(x, x.Name, from, to)
	}
	lit, ok := x.Args[1].(*plan.Literal)
	if !ok || lit.Value == nil {
		return x
	}
	return c.unwrapLiteral(x, from, lit)
}

// canonical puts a literal on the right and uses one name for each comparison.
func canonical(x *plan.Call) *plan.Call {
	name := x.Name
	switch name {
	case "==":
		name = "="
	case "<>":
		name = "!="
	}
	_, l := x.Args[0].(*plan.Literal)
	_, r := x.Args[1].(*plan.Literal)
	if l && !r {
		return compared(x, plan.Mirrored(name), x.Args[1], x.Args[0])
	}
	if name != x.Name {
		return compared(x, name, x.Args[0], x.Args[1])
	}
	return x
}

func compared(x *plan.Call, name string, a, b plan.Expr) *plan.Call {
	out := *x
	out.Name, out.Args, out.Text = name, []plan.Expr{a, b}, ""
	return &out
}

// unwrapLiteral compares with the literal in the narrow type. If the literal is
// none of its values, its neighbour decides.
func (c Config) unwrapLiteral(x *plan.Call, from plan.Expr, lit *plan.Literal) plan.Expr {
	narrow, back := c.narrowed(lit, from.Type())
	if narrow == nil {
		return x
	}
	if reflect.DeepEqual(back.Value, lit.Value) {
		return compared(x, x.Name, from, narrow)
	}
	b, bok := number(back.Value)
	l, lok := number(lit.Value)
	if !bok || !lok || lit.Typ.IsFractional() {
		return x
	}
	op := x.Name
	switch {
	case b < l && (op == "<" || op == "<="):
		op = "<="
	case b < l && (op == ">" || op == ">="):
		op = ">"
	case b > l && (op == "<" || op == "<="):
		op = "<"
	case b > l && (op == ">" || op == ">="):
		op = ">="
	default:
		return x
	}
	return compared(x, op, from, narrow)
}

// narrowed casts a literal to a narrower type and back, nil if it does not fit.
func (c Config) narrowed(lit *plan.Literal, t types.Type) (narrow, back *plan.Literal) {
	n, ok := c.foldConstant(&plan.Cast{Child: lit, To: t, Mode: plan.CastTry}).(*plan.Literal)
	if !ok || n.Value == nil {
		return nil, nil
	}
	b, ok := c.foldConstant(&plan.Cast{Child: n, To: lit.Typ, Mode: plan.CastTry}).(*plan.Literal)
	if !ok || b.Value == nil {
		return nil, nil
	}
	return n, b
}

func (c Config) unwrapIn(in *plan.In) plan.Expr {
	from, ok := widened(in.Child)
	if !ok {
		return in
	}
	list := make([]plan.Expr, 0, len(in.List))
	for _, e := range in.List {
		lit, ok := e.(*plan.Literal)
		if !ok || lit.Value == nil {
			return in
		}
		narrow, back := c.narrowed(lit, from.Type())
		if narrow == nil || !reflect.DeepEqual(back.Value, lit.Value) {
			return in
		}
		list = append(list, narrow)
	}
	return &plan.In{Child: from, List: list}
}

// widened is the child of a cast that keeps every value apart and in order.
func widened(e plan.Expr) (plan.Expr, bool) {
	x, ok := e.(*plan.Cast)
	if !ok {
		return nil, false
	}
	from, to := x.Child.Type(), x.To
	switch {
	case from.IsIntegral() && to.IsIntegral():
		return x.Child, from.Phys().Width() < to.Phys().Width()
	case from.IsIntegral() && to.Kind == types.KindDouble:
		return x.Child, from.Kind != types.KindLong
	case (from.IsIntegral() || from.Kind == types.KindDecimal) && to.Kind == types.KindDecimal:
		return x.Child, plan.SafeCast(from, to)
	case from.Kind == types.KindFloat && to.Kind == types.KindDouble:
		return x.Child, true
	case from.Kind == types.KindDate && (to.Kind == types.KindTimestamp || to.Kind == types.KindTimestampNTZ):
		return x.Child, true
	}
	return nil, false
}
