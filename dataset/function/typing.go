package function

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Typing rules that tables of entries share. A rule of this file makes the
// result nullable if any argument is; MayNull makes it nullable always.

// Rule is the type of Entry.Type.
type Rule = func(env *Env, args []plan.Expr) (Typing, error)

// TypesOf lists the arguments' types.
func TypesOf(args []plan.Expr) []types.Type {
	out := make([]types.Type, len(args))
	for i, a := range args {
		out[i] = a.Type()
	}
	return out
}

// AnyNullable tells whether some argument may be null.
func AnyNullable(args []plan.Expr) bool {
	for _, a := range args {
		if a.Nullable() {
			return true
		}
	}
	return false
}

// CoerceArgs casts arguments to what the parameters want; the last want counts
// for all further arguments.
func CoerceArgs(env *Env, args []plan.Expr, wants ...Want) ([]types.Type, error) {
	out := make([]types.Type, len(args))
	for i, a := range args {
		if len(wants) == 0 {
			out[i] = a.Type()
			continue
		}
		w := wants[min(i, len(wants)-1)]
		t, ok := w.Coerce(env.Ansi, a.Type())
		if !ok {
			return nil, UnexpectedType(args, i, w.Name)
		}
		out[i] = t
	}
	return out, nil
}

// nullableAfter tells whether an argument is null for some row once cast.
func nullableAfter(args []plan.Expr, to []types.Type) bool {
	for i, a := range args {
		if a.Nullable() || mayNull(a.Type(), to[i]) {
			return true
		}
	}
	return false
}

// Fixed is the rule of a function with a fixed result type.
func Fixed(result types.Type, wants ...Want) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		ts, err := CoerceArgs(env, args, wants...)
		if err != nil {
			return Typing{}, err
		}
		return Typing{Args: ts, Result: result, Nullable: nullableAfter(args, ts)}, nil
	}
}

// Same is the rule of a function whose result has the type of its coerced argument at.
func Same(at int, wants ...Want) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		ts, err := CoerceArgs(env, args, wants...)
		if err != nil {
			return Typing{}, err
		}
		return Typing{Args: ts, Result: ts[at], Nullable: nullableAfter(args, ts)}, nil
	}
}

// Numeric1 is the rule of a function of one number that gives the same type.
var Numeric1 = Same(0, WantNumeric)

// Derived is the rule of a function whose result follows from the coerced argument types.
func Derived(result func(ts []types.Type) types.Type, wants ...Want) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		ts, err := CoerceArgs(env, args, wants...)
		if err != nil {
			return Typing{}, err
		}
		return Typing{Args: ts, Result: result(ts), Nullable: nullableAfter(args, ts)}, nil
	}
}

// MayNull makes a rule's result nullable whatever the arguments are.
func MayNull(r Rule) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		t, err := r(env, args)
		t.Nullable = true
		return t, err
	}
}

// NeverNull makes a rule's result not nullable.
func NeverNull(r Rule) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		t, err := r(env, args)
		t.Nullable = false
		return t, err
	}
}

// SameTypeArgs is the rule of a function name whose arguments must share a
// type, which is also the result's unless result is given.
func SameTypeArgs(name string, result func(t types.Type) types.Type) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		t, ok := CommonTypeOf(env.Ansi, TypesOf(args))
		if !ok {
			return Typing{}, DataDiffTypes(name, TypesOf(args))
		}
		ts := make([]types.Type, len(args))
		for i := range ts {
			ts[i] = t
		}
		out := t
		if result != nil {
			out = result(t)
		}
		return Typing{Args: ts, Result: out, Nullable: nullableAfter(args, ts)}, nil
	}
}

// ConstValue is the value of an argument that is a literal, perhaps under
// casts that leave the boxed value as it is.
func ConstValue(e plan.Expr) (any, bool) {
	switch e := e.(type) {
	case *plan.Literal:
		return e.Value, true
	case *plan.Cast:
		if l, ok := e.Child.(*plan.Literal); ok && (l.Value == nil || l.Typ.Phys() == e.To.Phys() && l.Typ.Kind == e.To.Kind) {
			return l.Value, true
		}
	case *plan.Alias:
		return ConstValue(e.Child)
	}
	return nil, false
}

// IsFoldable tells whether e has one value for all rows: literals under
// anything that reads no column.
func IsFoldable(e plan.Expr) bool {
	ok := true
	plan.WalkExpr(e, func(x plan.Expr) bool {
		switch x.(type) {
		case *plan.Column, *plan.Bound, *plan.Attr, *plan.Agg, *plan.Window, *plan.Subquery, *plan.OuterRef, *plan.LambdaVar:
			ok = false
		}
		return ok
	})
	return ok
}
