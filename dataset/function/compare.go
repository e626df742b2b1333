package function

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// cmp is a comparison operator.
type cmp uint8

const (
	cmpEq cmp = iota
	cmpNe
	cmpLt
	cmpLe
	cmpGt
	cmpGe
)

var cmpNames = map[string]cmp{"=": cmpEq, "==": cmpEq, "!=": cmpNe, "<>": cmpNe, "<": cmpLt, "<=": cmpLe, ">": cmpGt, ">=": cmpGe}

// mirror is the operator with its sides exchanged.
func (c cmp) mirror() cmp {
	switch c {
	case cmpLt:
		return cmpGt
	case cmpLe:
		return cmpGe
	case cmpGt:
		return cmpLt
	case cmpGe:
		return cmpLe
	default:
	}
	return c
}

// passes tells whether an order of -1, 0 or 1 satisfies the operator.
func (c cmp) passes(order int) bool {
	switch c {
	case cmpEq:
		return order == 0
	case cmpNe:
		return order != 0
	case cmpLt:
		return order < 0
	case cmpLe:
		return order <= 0
	case cmpGt:
		return order > 0
	default:
	}
	return order >= 0
}

func comparisons() []*Entry {
	entry := func(name string, aliases ...string) *Entry {
		return &Entry{
			Name: name, Aliases: aliases, Group: "predicate_funcs", Since: "1.0.0", NullIn: true, MinArgs: 2, MaxArgs: 2,
			Usage: "expr1 " + name + " expr2: compares two values of one type; null if either is.", Type: comparisonType(name),
			Kernel: func(_ *Env, call *plan.Call) (Kernel, error) { return CompareKernel(name, call.Args[0].Type()) },
		}
	}
	return []*Entry{
		entry("=", "=="), entry("!=", "<>"), entry("<"), entry("<="), entry(">"), entry(">="),
		{
			Name: "<=>", Group: "predicate_funcs", Since: "1.1.0", MinArgs: 2, MaxArgs: 2,
			Usage: "expr1 <=> expr2: equality that is never null: two nulls are equal.", Type: NeverNull(comparisonType("<=>")),
			Kernel: func(_ *Env, call *plan.Call) (Kernel, error) { return nullSafeKernel(call.Args[0].Type()) },
		},
		{
			Name: "equal_null", Group: "misc_funcs", Since: "3.4.0", MinArgs: 2, MaxArgs: 2,
			Usage: "equal_null(expr1, expr2): equality that is never null: two nulls are equal.",
			Rewrite: func(_ *Env, args []plan.Expr) (plan.Expr, error) {
				return plan.Fn("<=>", args...), nil
			},
		},
	}
}

// comparisonType casts both sides to their common type and wants an order on it.
func comparisonType(name string) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		a, b := decimalNext(args[0], args[1]), decimalNext(args[1], args[0])
		t, ok := ComparisonType(env.Ansi, a, b)
		if !ok && !env.Ansi && boolAndNumber(a, b) {
			t, ok = numberOf(a, b), true
		}
		if !ok {
			return Typing{}, DiffTypes(a, b)
		}
		if !t.IsOrderable() {
			return Typing{}, NotOrdered(name, t)
		}
		ts := []types.Type{t, t}
		return Typing{Args: ts, Result: types.Bool, Nullable: nullableAfter(args, ts)}, nil
	}
}

func boolAndNumber(a, b types.Type) bool {
	return a.Kind == types.KindBool && b.IsNumeric() || b.Kind == types.KindBool && a.IsNumeric()
}

func numberOf(a, b types.Type) types.Type {
	if a.IsNumeric() {
		return a
	}
	return b
}

// CompareKernel is the kernel of a comparison operator over values of type t.
// Nulls are the caller's business, as for any NullIn function.
func CompareKernel(name string, t types.Type) (Kernel, error) {
	op, ok := cmpNames[name]
	if !ok {
		return nil, errs.Errorf(errs.Internal, "function.CompareKernel", "no comparison %s", name)
	}
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		a, b, op := args[0], args[1], op
		if a.Enc == batch.Const && b.Enc != batch.Const {
			a, b, op = b, a, op.mirror()
		}
		compareVectors(op, a, b, n, out)
		return nil
	}, nil
}

// compareVectors compares flat a with flat or constant b (or two constants).
func compareVectors(op cmp, a, b *batch.Vector, n int, out *batch.Vector) {
	dst := batch.Values[bool](out)[:n]
	switch a.Phys() {
	case types.PhysBool:
		compareColumns[uint8](op, a, b, dst)
	case types.PhysInt8:
		compareColumns[int8](op, a, b, dst)
	case types.PhysInt16:
		compareColumns[int16](op, a, b, dst)
	case types.PhysInt32:
		compareColumns[int32](op, a, b, dst)
	case types.PhysInt64:
		compareColumns[int64](op, a, b, dst)
	case types.PhysFloat32:
		compareFloats[float32](op, a, b, dst)
	case types.PhysFloat64:
		compareFloats[float64](op, a, b, dst)
	case types.PhysInt128:
		compareWide(op, a, b, dst)
	case types.PhysView:
		compareStrings(op, a, b, dst, out)
	case types.PhysNull:
		out.SetAllNull()
	default:
		compareAnything(op, a, b, dst, out)
	}
}

// nullSafeKernel is <=> over values of type t.
func nullSafeKernel(types.Type) (Kernel, error) {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		a, b := args[0], args[1]
		dst := batch.Values[bool](out)[:n]
		if a.ConstNull() || b.ConstNull() {
			for i := range dst {
				dst[i] = a.Valid(i) == b.Valid(i)
			}
			return nil
		}
		if a.Enc == batch.Const && b.Enc != batch.Const {
			a, b = b, a
		}
		out.AndValidity(flatValidity(a)) // so that null slots are not looked at
		out.AndValidity(flatValidity(b))
		compareVectors(cmpEq, a, b, n, out)
		if out.HasNulls() {
			out.SetValidity(nil)
			for i := range dst {
				if va, vb := a.Valid(i), b.Valid(i); !va || !vb {
					dst[i] = va == vb
				}
			}
		}
		return nil
	}, nil
}

// flatValidity is the row bitmap of a flat vector, nil of a constant.
func flatValidity(v *batch.Vector) []uint64 {
	if v.Enc == batch.Const {
		return nil
	}
	return v.Validity()
}
