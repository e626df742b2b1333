package analyze

import (
	"context"
	"slices"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// call resolves a function or operator by name.
func (r *run) call(ctx context.Context, f *plan.Func, v *env) (plan.Expr, error) {
	name, ok := builtinName(f.Name)
	if !ok {
		return nil, r.unresolvedRoutine(f)
	}
	if e, done, err := r.special(ctx, name, f, v); done || err != nil {
		return e, at(err, f.At)
	}
	ent := r.Registry.Lookup(name)
	if ent == nil {
		return nil, r.unresolvedRoutine(f)
	}
	if err := r.placed(ent, f, v); err != nil {
		return nil, at(err, f.At)
	}
	args, err := r.args(ctx, ent, f, v)
	if err != nil {
		return nil, at(err, f.At)
	}
	orders, err := r.withinGroup(ctx, ent, f, v)
	if err != nil {
		return nil, at(err, f.At)
	}
	e, err := r.applied(ctx, ent, f, args, orders...)
	if err != nil {
		return nil, at(err, f.At)
	}
	if a, ok := e.(*plan.Agg); ok {
		return r.aggregateParts(ctx, a, f, v)
	}
	if f.Distinct || f.Filter != nil {
		return nil, at(errs.Cond(errs.Analysis, "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX", "42000",
			types.Quote(name)+" is not an aggregate function and takes neither DISTINCT nor FILTER.",
			"prettyName", types.Quote(name), "syntax", "DISTINCT or FILTER"), f.At)
	}
	return e, nil
}

// builtinName is the name without the qualifier of built-in functions.
func builtinName(parts []string) (string, bool) {
	last := strings.ToLower(parts[len(parts)-1])
	switch len(parts) {
	case 1:
		return last, true
	case 2:
		q := strings.ToLower(parts[0])
		return last, q == "builtin" || q == "system"
	case 3:
		return last, strings.EqualFold(parts[0], "system") && strings.EqualFold(parts[1], "builtin")
	}
	return "", false
}

func (r *run) unresolvedRoutine(f *plan.Func) error {
	paths := []string{"`system`.`builtin`", "`system`.`session`", sqlID(r.Catalog.SearchPath())}
	list := "[" + strings.Join(paths, ", ") + "]"
	return at(errs.Cond(errs.Analysis, "UNRESOLVED_ROUTINE", "42883",
		"There is no function "+sqlID(f.Name)+" in "+list+".", "routineName", sqlID(f.Name), "searchPath", list), f.At)
}

// placed tests whether a function of this kind may stand where it does.
func (r *run) placed(ent *function.Entry, f *plan.Func, v *env) error {
	switch {
	case ent.Kind == function.Window && !v.inWin:
		return errs.Cond(errs.Analysis, "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE", "42601",
			"The window function "+f.FullName()+" needs an OVER clause.", "funcName", "\""+f.FullName()+"()\"")
	case ent.Kind == function.Aggregate && v.inAgg:
		return errs.Cond(errs.Analysis, "NESTED_AGGREGATE_FUNCTION", "42607",
			"An aggregate function cannot be an argument of another one.")
	}
	return nil
}

// args resolves a call's arguments: stars become columns, lambdas get the
// types of their parameters.
func (r *run) args(ctx context.Context, ent *function.Entry, f *plan.Func, v *env) ([]plan.Expr, error) {
	inner := v.with(func(v *env) {
		v.inAgg = v.inAgg || ent.Kind == function.Aggregate && !v.inWin
		v.inWin = false
		v.names = ent.Name == "struct"
	})
	list, err := r.expandArgs(f, v)
	if err != nil {
		return nil, err
	}
	if list, err = r.positional(ent, list); err != nil {
		return nil, err
	}
	if err := ent.CheckArity(len(list)); err != nil {
		return nil, err
	}
	out := make([]plan.Expr, len(list))
	for i, a := range list {
		if _, ok := a.(*plan.Lambda); ok {
			continue
		}
		if out[i], err = r.expr(ctx, a, inner); err != nil {
			return nil, err
		}
	}
	if err := r.lambdas(ctx, ent, list, out, inner); err != nil {
		return nil, err
	}
	return out, nil
}

// applied makes the resolved call of an entry to resolved arguments.
// The keys of an inverse distribution's WITHIN GROUP are typed as arguments
// that follow the others.
func (r *run) applied(ctx context.Context, ent *function.Entry, f *plan.Func, args []plan.Expr, orders ...plan.SortOrder) (plan.Expr, error) {
	text := ""
	if n := strings.ToLower(f.Name[len(f.Name)-1]); n != ent.Name {
		text = n
	}
	switch {
	case ent.Rewrite != nil:
		return r.rewritten(ctx, ent, f, args, text)
	case ent.Type == nil && ent.Columns != nil:
		return r.generator(ent, args, text, f.At)
	}
	inputs := args
	if inverseDistribution(ent.Name) {
		inputs = append(slices.Clip(args), orderKeys(orders)...)
	}
	t, err := ent.Type(r.Env, inputs)
	for i := 0; err != nil && i < len(inputs); i++ {
		if inputs[i] != nil && r.hasGenerator(inputs[i]) { // its rows have no type that would do
			return nil, generatorError("NESTED_IN_EXPRESSIONS", "A row-making function cannot be inside another expression: "+f.FullName()+".", "expression", f.FullName())
		}
	}
	if err != nil {
		shown := &plan.Call{Name: ent.Name, Args: args, Text: text}
		return nil, function.WithCall(err, plan.SQLNameIn(shown, r.Env.Zone))
	}
	cast := make([]plan.Expr, len(args))
	for i, a := range args {
		cast[i] = a
		if _, ok := a.(*plan.Lambda); !ok && i < len(t.Args) {
			cast[i] = r.castTo(a, t.Args[i])
		}
	}
	if ent.Kind == function.Aggregate {
		for i := range orders {
			if k := len(args) + i; len(inputs) > len(args) && k < len(t.Args) {
				orders[i].Child = r.castTo(orders[i].Child, t.Args[k])
			}
		}
		return &plan.Agg{Name: ent.Name, Args: cast, Order: orders, Typ: t.Result, Null: t.Nullable, Ansi: r.Env.Ansi, At: f.At, Text: text}, nil
	}
	return &plan.Call{Name: ent.Name, Args: cast, Typ: t.Result, Null: t.Nullable, Ansi: r.Env.Ansi, At: f.At, Text: text}, nil
}

// generator makes the call of a function that makes rows. Its type is the
// struct of its columns.
func (r *run) generator(ent *function.Entry, args []plan.Expr, text string, o *errs.Origin) (plan.Expr, error) {
	fields, err := ent.Columns(args)
	if err != nil {
		shown := &plan.Call{Name: ent.Name, Args: args, Text: text}
		return nil, function.WithCall(err, plan.SQLNameIn(shown, r.Env.Zone))
	}
	return &plan.Call{Name: ent.Name, Args: args, Typ: types.Struct(fields...), Null: true, Ansi: r.Env.Ansi, At: o, Text: text}, nil
}

// rewritten makes a call that stands for its rewrite: the call is kept until
// the end, because column names show what the user wrote.
func (r *run) rewritten(ctx context.Context, ent *function.Entry, f *plan.Func, args []plan.Expr, text string) (plan.Expr, error) {
	e, err := ent.Rewrite(r.Env, args)
	if err == nil {
		e, err = r.expr(ctx, e, r.rewriteEnv(ent.Kind == function.Window))
	}
	if err != nil {
		shown := &plan.Call{Name: ent.Name, Args: args, Text: text}
		return nil, function.WithCall(err, plan.SQLNameIn(shown, r.Env.Zone))
	}
	if ent.Name == "to_char" {
		return e, nil // Spark shows what it stands for
	}
	if ent.Kind == function.Aggregate {
		return &plan.Agg{Name: ent.Name, Args: args, Typ: e.Type(), Null: e.Nullable(), Ansi: r.Env.Ansi, At: f.At, Text: text}, nil
	}
	return &plan.Call{Name: ent.Name, Args: args, Typ: e.Type(), Null: e.Nullable(), Ansi: r.Env.Ansi, At: f.At, Text: text}, nil
}

// aggregateParts resolves DISTINCT, FILTER and IGNORE NULLS of an aggregate
// function.
func (r *run) aggregateParts(ctx context.Context, a *plan.Agg, f *plan.Func, v *env) (plan.Expr, error) {
	inner := v.with(func(v *env) { v.inAgg, v.inWin = true, false })
	if v.inWin {
		inner.inAgg = false
	}
	a.Distinct = f.Distinct
	a.IgnoreNulls = f.IgnoreNulls != nil && *f.IgnoreNulls
	if f.Filter != nil {
		c, err := r.expr(ctx, f.Filter, inner)
		if hasClass(err, "NESTED_AGGREGATE_FUNCTION") {
			err = at(errs.Cond(errs.Analysis, "INVALID_AGGREGATE_FILTER.CONTAINS_AGGREGATE", "42903",
				"The FILTER of an aggregate function cannot have another aggregate function."), f.At)
		}
		if err != nil {
			return nil, err
		}
		if k := c.Type().Kind; k != types.KindBool && k != types.KindNull {
			return nil, at(errs.Cond(errs.Analysis, "INVALID_AGGREGATE_FILTER.NOT_BOOLEAN", "42903",
				"The FILTER "+toSQL(c)+" is not a boolean.", "filterExpr", toSQL(c)), f.At)
		}
		a.Filter = r.castTo(c, types.Bool)
	}
	for _, arg := range a.Args {
		if a.Distinct && !isComparable(arg.Type()) {
			return nil, at(function.WithCall(function.NotOrdered(a.Name, arg.Type()), plan.SQLName(a)), f.At)
		}
	}
	return a, nil
}
