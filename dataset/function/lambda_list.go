package function

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

func errComparatorNull() error {
	return errs.Cond(errs.Runtime, "COMPARATOR_RETURNS_NULL", "22004", "The comparator gave null for two elements.", "firstValue", "", "secondValue", "")
}

// higherSpec is a row of the table of functions with lambdas.
type higherSpec struct {
	name     string
	min, max int
	rule     Rule
	params   func(args []plan.Expr, i int) []types.Field
	make     func(*Env, *plan.Call, []LambdaKernel) (Kernel, error)
	doc      doc
	nulls    bool
	aliases  []string
}

// lambdas are the functions with lambda arguments.
func lambdas() []*Entry {
	specs := []higherSpec{
		{"transform", 2, 2, arrayTo(func(a plan.Expr, body plan.Expr) (types.Type, bool) {
			return types.Array(body.Type(), body.Nullable()), a.Nullable()
		}), elemAndIndex, overElements(transformUse), doc{"The result of a function for each element.", "SELECT transform(array(1, 2, 3), x -> x + 1)", "[2,3,4]"}, false, nil},
		{"filter", 2, 2, predicateOf(func(a plan.Expr, _ plan.Expr) (types.Type, bool) { return a.Type(), a.Nullable() }), elemAndIndex, overElements(filterUse), doc{"The elements for which a predicate is true.", "SELECT filter(array(1, 2, 3), x -> x % 2 == 1)", "[1,3]"}, false, nil},
		{"exists", 2, 2, predicateOf(anyNullable), elemOnly, overElements(anyUse(true)), doc{"Whether a predicate is true for some element.", "SELECT exists(array(1, 2, 3), x -> x % 2 == 0)", "true"}, false, nil},
		{"forall", 2, 2, predicateOf(anyNullable), elemOnly, overElements(anyUse(false)), doc{"Whether a predicate is true for all elements.", "SELECT forall(array(1, 2, 3), x -> x % 2 == 0)", "false"}, false, nil},
		{"aggregate", 3, 4, aggregateRule, aggregateParams, newAggregate, doc{"Folds an array into one value, with an optional last step.", "SELECT aggregate(array(1, 2, 3), 0, (acc, x) -> acc + x)", "6"}, true, []string{"reduce"}},
		{"zip_with", 3, 3, zipRule, zipParams, newZipWith, doc{"Merges two arrays element by element.", "SELECT zip_with(array(1, 2), array(3, 4), (x, y) -> x + y)", "[4,6]"}, false, nil},
		{"map_filter", 2, 2, predicateOf(func(a plan.Expr, _ plan.Expr) (types.Type, bool) { return a.Type(), a.Nullable() }), keyAndValue, overElements(filterUse), doc{"The entries for which a predicate is true.", "SELECT map_filter(map(1, 0, 2, 2, 3, -1), (k, v) -> k > v)", "{1:0,3:-1}"}, false, nil},
		{"transform_keys", 2, 2, arrayTo(func(a plan.Expr, body plan.Expr) (types.Type, bool) {
			t := a.Type()
			return types.Map(body.Type(), *t.Elem, t.Nullable), a.Nullable()
		}), keyAndValue, newTransformMap(0), doc{"The map with other keys.", "SELECT transform_keys(map(1, 1, 2, 2), (k, v) -> k + 1)", "{2:1,3:2}"}, false, nil},
		{"transform_values", 2, 2, arrayTo(func(a plan.Expr, body plan.Expr) (types.Type, bool) {
			t := a.Type()
			return types.Map(*t.Key, body.Type(), body.Nullable()), a.Nullable()
		}), keyAndValue, newTransformMap(1), doc{"The map with other values.", "SELECT transform_values(map(1, 1, 2, 2), (k, v) -> v + 1)", "{1:2,2:3}"}, false, nil},
		{"map_zip_with", 3, 3, mapZipRule, mapZipParams, newMapZipWith, doc{"Merges two maps key by key.", "SELECT map_zip_with(map(1, 'a'), map(1, 'x'), (k, v1, v2) -> concat(v1, v2))", "{1:ax}"}, false, nil},
		{"array_sort", 1, 2, sortByRule, sortParams, newArraySort, doc{"The array in order, nulls last, or by a comparator.", "SELECT array_sort(array(5, 6, 1))", "[1,5,6]"}, false, nil},
	}
	out := make([]*Entry, len(specs))
	for i, s := range specs {
		out[i] = &Entry{
			Name: s.name, Aliases: s.aliases, Kind: Scalar, Group: "lambda_funcs", MinArgs: s.min, MaxArgs: s.max, NullIn: !s.nulls,
			Type: s.rule, LambdaParams: s.params, HigherOrder: s.make, Usage: s.doc.usage, Example: s.doc.example, Result: s.doc.result,
		}
	}
	return out
}

// elemField is an array's element as a lambda's parameter.
func elemField(e plan.Expr) types.Field {
	t := e.Type()
	if t.Kind != types.KindArray {
		return types.F("x", types.Null)
	}
	return types.Field{Name: "x", Type: *t.Elem, Nullable: t.Nullable}
}

func elemOnly(args []plan.Expr, _ int) []types.Field { return []types.Field{elemField(args[0])} }

func elemAndIndex(args []plan.Expr, _ int) []types.Field {
	return []types.Field{elemField(args[0]), {Name: "i", Type: types.Int}}
}

func keyAndValue(args []plan.Expr, _ int) []types.Field {
	t := args[0].Type()
	if t.Kind != types.KindMap {
		return []types.Field{types.F("k", types.Null), types.F("v", types.Null)}
	}
	return []types.Field{{Name: "k", Type: *t.Key}, {Name: "v", Type: *t.Elem, Nullable: t.Nullable}}
}

// arrayTo types a function of a collection and a lambda.
func arrayTo(result func(a, body plan.Expr) (types.Type, bool)) Rule {
	return func(_ *Env, args []plan.Expr) (Typing, error) {
		t := args[0].Type()
		if t.Kind != types.KindArray && t.Kind != types.KindMap {
			return Typing{}, UnexpectedType(args, 0, "ARRAY")
		}
		out, null := result(args[0], bodyOf(args[1]))
		return Typing{Args: TypesOf(args), Result: out, Nullable: null}, nil
	}
}

func bodyOf(e plan.Expr) plan.Expr {
	if l, ok := e.(*plan.Lambda); ok {
		return l.Body
	}
	return e
}

// predicateOf is arrayTo for lambdas that give a boolean.
func predicateOf(result func(a, body plan.Expr) (types.Type, bool)) Rule {
	inner := arrayTo(result)
	return func(env *Env, args []plan.Expr) (Typing, error) {
		if t := bodyOf(args[1]).Type(); t.Kind != types.KindBool && t.Kind != types.KindNull {
			return Typing{}, UnexpectedType(args, 1, "BOOLEAN")
		}
		return inner(env, args)
	}
}

func anyNullable(a, body plan.Expr) (types.Type, bool) {
	return types.Bool, a.Nullable() || body.Nullable()
}

// aggregateRule types aggregate: merging must give the start's type.
func aggregateRule(_ *Env, args []plan.Expr) (Typing, error) {
	if args[0].Type().Kind != types.KindArray {
		return Typing{}, UnexpectedType(args, 0, "ARRAY")
	}
	acc, merged := args[1].Type(), bodyOf(args[2])
	if !acc.Equal(merged.Type()) {
		return Typing{}, UnexpectedType(args, 2, acc.SQL())
	}
	out, null := acc, args[1].Nullable() || merged.Nullable()
	if len(args) > 3 {
		out, null = bodyOf(args[3]).Type(), bodyOf(args[3]).Nullable()
	}
	return Typing{Args: TypesOf(args), Result: out, Nullable: args[0].Nullable() || null}, nil
}

func aggregateParams(args []plan.Expr, i int) []types.Field {
	acc := types.F("acc", args[1].Type())
	if i == 3 {
		return []types.Field{acc}
	}
	return []types.Field{acc, elemField(args[0])}
}

func zipRule(_ *Env, args []plan.Expr) (Typing, error) {
	for i := range 2 {
		if args[i].Type().Kind != types.KindArray {
			return Typing{}, UnexpectedType(args, i, "ARRAY")
		}
	}
	body := bodyOf(args[2])
	return Typing{Args: TypesOf(args), Result: types.Array(body.Type(), body.Nullable()), Nullable: args[0].Nullable() || args[1].Nullable()}, nil
}

func zipParams(args []plan.Expr, _ int) []types.Field {
	a, b := elemField(args[0]), elemField(args[1])
	a.Nullable, b.Nullable, b.Name = true, true, "y"
	return []types.Field{a, b}
}

func mapZipRule(_ *Env, args []plan.Expr) (Typing, error) {
	for i := range 2 {
		if args[i].Type().Kind != types.KindMap {
			return Typing{}, UnexpectedType(args, i, "MAP")
		}
	}
	a, b := args[0].Type(), args[1].Type()
	if !a.Key.Equal(*b.Key) {
		return Typing{}, mismatch("MAP_ZIP_WITH_DIFF_TYPES", "both maps need keys of one type.", "functionName", "`map_zip_with`", "leftType", quoted(a.Key.SQL()), "rightType", quoted(b.Key.SQL()))
	}
	body := bodyOf(args[2])
	return Typing{Args: TypesOf(args), Result: types.Map(*a.Key, body.Type(), body.Nullable()), Nullable: args[0].Nullable() || args[1].Nullable()}, nil
}

func mapZipParams(args []plan.Expr, _ int) []types.Field {
	a, b := keyAndValue(args, 0), keyAndValue(args[1:], 0)
	return []types.Field{a[0], types.F("v1", a[1].Type), types.F("v2", b[1].Type)}
}

func sortByRule(_ *Env, args []plan.Expr) (Typing, error) {
	t := args[0].Type()
	switch {
	case t.Kind != types.KindArray:
		return Typing{}, UnexpectedType(args, 0, "ARRAY")
	case len(args) == 1 && !t.Elem.IsOrderable():
		return Typing{}, NotOrdered("array_sort", *t.Elem)
	case len(args) == 2 && bodyOf(args[1]).Type().Kind != types.KindInt:
		return Typing{}, UnexpectedType(args, 1, "INT")
	}
	return Typing{Args: TypesOf(args), Result: t, Nullable: args[0].Nullable()}, nil
}

func sortParams(args []plan.Expr, _ int) []types.Field {
	a := elemField(args[0])
	return []types.Field{a, a}
}

func newArraySort(env *Env, call *plan.Call, lambdas []LambdaKernel) (Kernel, error) {
	if len(call.Args) == 1 {
		return newSortArray(true)(env, call)
	}
	return newSortBy(env, call, lambdas)
}
