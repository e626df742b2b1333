package function

import (
	"strconv"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// constructors are the functions that make arrays, maps and structs.
func constructors() []*Entry {
	fromArrays := func(ts []types.Type) types.Type { return types.Map(*ts[0].Elem, *ts[1].Elem, ts[1].Nullable) }
	return append(
		fnEntries(
			"array_funcs",
			fnSpec{"array", 0, -1, arrayRule, newArray, doc{"An array of values.", "SELECT array(1, 2, 3)", "[1,2,3]"}, withNulls()},
			fnSpec{"sequence", 2, 3, sequenceRule, newSequence, doc{"The numbers, dates or timestamps from one to another by a step.", "SELECT sequence(1, 5)", "[1,2,3,4,5]"}, fnMore{}},
			fnSpec{"array_repeat", 2, 2, repeatRule, lists(arrayRepeat), doc{"An element several times.", "SELECT array_repeat('123', 2)", "[123,123]"}, withNulls()},
		),
		append(fnEntries(
			"struct_funcs",
			fnSpec{"named_struct", 0, -1, namedStructRule, newNamedStruct(2), doc{"A struct of names and values in turn.", "SELECT named_struct('a', 1, 'b', 2)", "{1,2}"}, withNulls()},
			fnSpec{"struct", 0, -1, structRule, newNamedStruct(1), doc{"A struct of values.", "SELECT struct(1, 2, 3)", "{1,2,3}"}, withNulls()},
		), fnEntries(
			"map_funcs",
			fnSpec{"map", 0, -1, mapRule, newMap, doc{"A map of keys and values in turn.", "SELECT map(1.0, '2', 3.0, '4')", "{1.0:2,3.0:4}"}, withNulls()},
			fnSpec{"map_from_arrays", 2, 2, Derived(fromArrays, WantArray, WantArray), mapRows(mapFromArrays), doc{"A map of an array of keys and one of values.", "SELECT map_from_arrays(array(1.0, 3.0), array('2', '4'))", "{1.0:2,3.0:4}"}, fnMore{}},
			fnSpec{"map_from_entries", 1, 1, entriesRule, mapRows(mapFromEntries), doc{"A map of an array of entries.", "SELECT map_from_entries(array(struct(1, 'a'), struct(2, 'b')))", "{1:a,2:b}"}, fnMore{}},
			fnSpec{"map_concat", 0, -1, SameTypeArgs("map_concat", nil), mapRows(mapConcat), doc{"One map of several.", "SELECT map_concat(map(1, 'a', 2, 'b'), map(3, 'c'))", "{1:a,2:b,3:c}"}, fnMore{}},
		)...)...,
	)
}

func repeatRule(env *Env, args []plan.Expr) (Typing, error) {
	ts, err := CoerceArgs(env, args, WantAny, WantInt)
	if err != nil {
		return Typing{}, err
	}
	return Typing{Args: ts, Result: types.Array(ts[0], args[0].Nullable()), Nullable: args[1].Nullable()}, nil
}

func entriesRule(_ *Env, args []plan.Expr) (Typing, error) {
	t := args[0].Type()
	if t.Kind != types.KindArray || t.Elem.Kind != types.KindStruct || len(t.Elem.Fields) != 2 {
		return Typing{}, mismatch("MAP_FROM_ENTRIES_WRONG_TYPE", "the argument has to be an array of structs of two fields.", "functionName", "`map_from_entries`", "childExpr", quoted(plan.SQLName(args[0])), "childType", quoted(t.SQL()))
	}
	k, v := t.Elem.Fields[0], t.Elem.Fields[1]
	return Typing{Args: TypesOf(args), Result: types.Map(k.Type, v.Type, v.Nullable), Nullable: args[0].Nullable() || t.Nullable}, nil
}

// elementRule types functions of an array and something of its element's type:
// both become the common type.
func elementRule(name string, result func(arr types.Type, arg plan.Expr) types.Type) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		t := args[0].Type()
		if t.Kind == types.KindNull {
			t = types.Array(types.Null, true)
		}
		if t.Kind != types.KindArray {
			return Typing{}, UnexpectedType(args, 0, "ARRAY")
		}
		e, ok := CommonNoString(env.Ansi, *t.Elem, args[1].Type())
		if !ok {
			return Typing{}, diffElements(name, t, args[1].Type())
		}
		ts := TypesOf(args)
		ts[0], ts[1] = types.Array(e, t.Nullable), e
		return Typing{Args: ts, Result: result(ts[0], args[1]), Nullable: nullableAfter(args[:2], ts[:2])}, nil
	}
}

func diffElements(name string, arr, elem types.Type) error {
	return mismatch("ARRAY_FUNCTION_DIFF_TYPES", "an array and an element of its type are needed, not "+arr.SQL()+" and "+elem.SQL()+".",
		"functionName", types.Quote(name), "dataType", "\"ARRAY\"", "leftType", quoted(arr.SQL()), "rightType", quoted(elem.SQL()))
}

// twoArrays types functions of two arrays of a common type.
func twoArrays(name string, result func(a, b types.Type) types.Type) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		for i, a := range args {
			if k := a.Type().Kind; k != types.KindArray && k != types.KindNull {
				return Typing{}, UnexpectedType(args, i, "ARRAY")
			}
		}
		t, ok := CommonNoString(env.Ansi, args[0].Type(), args[1].Type())
		if !ok || t.Kind != types.KindArray {
			return Typing{}, mismatch("BINARY_ARRAY_DIFF_TYPES", "two arrays of one type are needed.", "functionName", types.Quote(name), "arrayType", "\"ARRAY\"", "leftType", quoted(args[0].Type().SQL()), "rightType", quoted(args[1].Type().SQL()))
		}
		var ts [2]types.Type
		for i, a := range args {
			ts[i] = t
			ts[i].Nullable = a.Type().Nullable
		}
		return Typing{Args: ts[:], Result: result(ts[0], ts[1]), Nullable: AnyNullable(args)}, nil
	}
}

func fixedType(t types.Type) func(types.Type, plan.Expr) types.Type {
	return func(types.Type, plan.Expr) types.Type { return t }
}

// arrays are the functions of arrays.
func arrays() []*Entry {
	same := Same(0, WantArray)
	noNulls := Derived(func(ts []types.Type) types.Type { return types.Array(*ts[0].Elem, false) }, WantArray)
	more := elementRule("array_append", func(a types.Type, _ plan.Expr) types.Type { return types.Array(*a.Elem, true) })
	appendRule := func(env *Env, args []plan.Expr) (Typing, error) {
		t, err := more(env, args)
		t.Nullable = args[0].Nullable()
		return t, err
	}
	element := func(ts []types.Type) types.Type { return elemOf(ts[0]) }
	joinWant := Exactly(types.Array(types.String, true))
	return fnEntries(
		"array_funcs",
		fnSpec{"array_append", 2, 2, appendRule, addElement(false), doc{"The array with an element at its end.", "SELECT array_append(array('b', 'd', 'c', 'a'), 'd')", "[b,d,c,a,d]"}, withNulls()},
		fnSpec{"array_prepend", 2, 2, appendRule, addElement(true), doc{"The array with an element at its beginning.", "SELECT array_prepend(array('b', 'd', 'c', 'a'), 'd')", "[d,b,d,c,a]"}, withNulls()},
		fnSpec{"array_insert", 3, 3, insertRule, newArrayInsert, doc{"The array with an element at a position.", "SELECT array_insert(array(1, 2, 3, 4), 5, 5)", "[1,2,3,4,5]"}, withNulls()},
		fnSpec{"array_remove", 2, 2, elementRule("array_remove", func(a types.Type, _ plan.Expr) types.Type { return a }), pickRows(arrayRemove), doc{"The array without the elements equal to one.", "SELECT array_remove(array(1, 2, 3, null, 3), 3)", "[1,2,NULL]"}, fnMore{}},
		fnSpec{"array_compact", 1, 1, noNulls, pickRows(arrayCompact), doc{"The array without its nulls.", "SELECT array_compact(array(1, 2, 3, null))", "[1,2,3]"}, fnMore{}},
		fnSpec{"array_contains", 2, 2, containsRule, rows(arrayContains), doc{"Whether the array has an element.", "SELECT array_contains(array(1, 2, 3), 2)", "true"}, fnMore{}},
		fnSpec{"array_position", 2, 2, elementRule("array_position", fixedType(types.Long)), rows(arrayPosition), doc{"The first position of an element from 1, 0 if it is not there.", "SELECT array_position(array(312, 773, 708, 708), 708)", "3"}, fnMore{}},
		fnSpec{"array_distinct", 1, 1, same, newArrayDistinct, doc{"The array without duplicates.", "SELECT array_distinct(array(1, 2, 3, null, 3))", "[1,2,3,NULL]"}, fnMore{}},
		fnSpec{"array_except", 2, 2, twoArrays("array_except", func(a, _ types.Type) types.Type { return a }), newSetOp(false), doc{"The distinct elements of the first array that are not in the second.", "SELECT array_except(array(1, 2, 3), array(1, 3, 5))", "[2]"}, fnMore{}},
		fnSpec{"array_intersect", 2, 2, twoArrays("array_intersect", func(a, b types.Type) types.Type { return types.Array(*a.Elem, a.Nullable && b.Nullable) }), newSetOp(true), doc{"The distinct elements of both arrays.", "SELECT array_intersect(array(1, 2, 3), array(1, 3, 5))", "[1,3]"}, fnMore{}},
		fnSpec{"array_union", 2, 2, twoArrays("array_union", func(a, b types.Type) types.Type { return types.Array(*a.Elem, a.Nullable || b.Nullable) }), newArrayUnion, doc{"The distinct elements of either array.", "SELECT array_union(array(1, 2, 3), array(1, 3, 5))", "[1,2,3,5]"}, fnMore{}},
		fnSpec{"arrays_overlap", 2, 2, overlapRule, newArraysOverlap, doc{"Whether two arrays have an element in common.", "SELECT arrays_overlap(array(1, 2, 3), array(3, 4, 5))", "true"}, fnMore{}},
		fnSpec{"arrays_zip", 0, -1, zipArraysRule, newArraysZip, doc{"Structs of the elements at each position.", "SELECT arrays_zip(array(1, 2, 3), array(2, 3, 4))", "[{1,2},{2,3},{3,4}]"}, fnMore{}},
		fnSpec{"array_join", 2, 3, textRule(joinWant, WantString, WantString), rows(arrayJoin), doc{"The elements joined by a delimiter; nulls are left out, or replaced by the third argument.", "SELECT array_join(array('hello', null, 'world'), ' ', ',')", "hello , world"}, fnMore{}},
		fnSpec{"array_max", 1, 1, extremeRule, newArrayExtreme(true), doc{"The greatest element.", "SELECT array_max(array(1, 20, null, 3))", "20"}, fnMore{}},
		fnSpec{"array_min", 1, 1, extremeRule, newArrayExtreme(false), doc{"The least element.", "SELECT array_min(array(1, 20, null, 3))", "1"}, fnMore{}},
		fnSpec{"array_size", 1, 1, Fixed(types.Int, WantArray), newSize(false), doc{"Number of elements.", "SELECT array_size(array('b', 'd', 'c', 'a'))", "4"}, fnMore{}},
		fnSpec{"slice", 3, 3, Same(0, WantArray, WantInt, WantInt), pickRows(arraySlice), doc{"The elements from a position on, up to a number of them.", "SELECT slice(array(1, 2, 3, 4), 2, 2)", "[2,3]"}, fnMore{}},
		fnSpec{"sort_array", 1, 2, sortRule, newSortArray(false), doc{"The array in order, descending if the second argument is false.", "SELECT sort_array(array('b', 'd', null, 'c', 'a'), true)", "[NULL,a,b,c,d]"}, fnMore{}},
		fnSpec{"shuffle", 1, 2, same, pickRows(arrayShuffle), doc{"The array in random order.", "SELECT shuffle(array(1, 20, 3, 5))", ""}, fnMore{volatile: true}},
		fnSpec{"flatten", 1, 1, flattenRule, lists(flattenLists), doc{"The elements of the arrays in an array.", "SELECT flatten(array(array(1, 2), array(3, 4)))", "[1,2,3,4]"}, fnMore{}},
		fnSpec{"get", 2, 2, itemRule(itemGet), newItem(itemGet), doc{"The element at a position from 0, null if there is none.", "SELECT get(array(1, 2, 3), 0)", "1"}, fnMore{}},
		fnSpec{"array_first", 1, 1, MayNull(Derived(element, WantArray)), newFirst, doc{"The first element, null if there is none.", "SELECT array_first(array(1, 2))", "1"}, fnMore{}},
	)
}

func newFirst(*Env, *plan.Call) (Kernel, error) {
	c := &cells{}
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		c.load(args, out)
		idx := make([]int32, n)
		for i := range n {
			c.i, idx[i] = i, -1
			if c.null(0) {
				continue
			}
			if lo, hi := c.list(0); lo < hi {
				idx[i] = int32(lo)
			}
		}
		out.Gather(args[0].Children[0], idx)
		return nil
	}, nil
}

func insertRule(env *Env, args []plan.Expr) (Typing, error) {
	inner := []plan.Expr{args[0], args[2]}
	t, err := elementRule("array_insert", func(a types.Type, _ plan.Expr) types.Type { return types.Array(*a.Elem, true) })(env, inner)
	if err != nil {
		return Typing{}, err
	}
	pos, ok := WantInt.Coerce(env.Ansi, args[1].Type())
	if !ok {
		return Typing{}, UnexpectedType(args, 1, "INT")
	}
	t.Args = []types.Type{t.Args[0], pos, t.Args[1]}
	t.Nullable = args[0].Nullable() || args[1].Nullable()
	return t, nil
}

func containsRule(env *Env, args []plan.Expr) (Typing, error) {
	if args[1].Type().Kind == types.KindNull {
		return Typing{}, mismatch("NULL_TYPE", "null has no type.", "functionName", "`array_contains`")
	}
	t, err := elementRule("array_contains", fixedType(types.Bool))(env, args)
	t.Nullable = t.Nullable || args[0].Type().Nullable
	return t, err
}

func overlapRule(env *Env, args []plan.Expr) (Typing, error) {
	t, err := twoArrays("arrays_overlap", func(_, _ types.Type) types.Type { return types.Bool })(env, args)
	t.Nullable = t.Nullable || args[0].Type().Nullable || args[1].Type().Nullable
	return t, err
}

func extremeRule(_ *Env, args []plan.Expr) (Typing, error) {
	t := args[0].Type()
	if t.Kind != types.KindArray {
		return Typing{}, UnexpectedType(args, 0, "ARRAY")
	}
	if !t.Elem.IsOrderable() {
		return Typing{}, NotOrdered("array_max", *t.Elem)
	}
	return Typing{Args: TypesOf(args), Result: *t.Elem, Nullable: true}, nil
}

func sortRule(_ *Env, args []plan.Expr) (Typing, error) {
	t := args[0].Type()
	switch {
	case t.Kind != types.KindArray:
		return Typing{}, UnexpectedType(args, 0, "ARRAY")
	case !t.Elem.IsOrderable():
		return Typing{}, NotOrdered("sort_array", *t.Elem)
	case len(args) > 1 && args[1].Type().Kind != types.KindBool:
		return Typing{}, UnexpectedType(args, 1, "BOOLEAN")
	}
	return Typing{Args: TypesOf(args), Result: t, Nullable: AnyNullable(args)}, nil
}

func flattenRule(_ *Env, args []plan.Expr) (Typing, error) {
	t := args[0].Type()
	if t.Kind != types.KindArray || t.Elem.Kind != types.KindArray {
		return Typing{}, UnexpectedType(args, 0, "ARRAY\" of \"ARRAY")
	}
	return Typing{Args: TypesOf(args), Result: *t.Elem, Nullable: args[0].Nullable() || t.Nullable}, nil
}

func zipArraysRule(_ *Env, args []plan.Expr) (Typing, error) {
	fields, ts := make([]types.Field, len(args)), make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type()
		if ts[i].Kind == types.KindNull {
			ts[i] = types.Array(types.Null, true)
		}
		if ts[i].Kind != types.KindArray {
			return Typing{}, UnexpectedType(args, i, "ARRAY")
		}
		name := plan.SQLName(a)
		switch a.(type) {
		case *plan.Column, *plan.GetField, *plan.Alias:
		default:
			name = strconv.Itoa(i)
		}
		fields[i] = types.F(name, *ts[i].Elem)
	}
	return Typing{Args: ts, Result: types.Array(types.Struct(fields...), false), Nullable: AnyNullable(args)}, nil
}

// concatRule types concat: arrays, binaries or strings.
func concatRule(env *Env, args []plan.Expr) (Typing, error) {
	if len(args) == 0 {
		return Typing{Result: types.String}, nil
	}
	binary := true
	for _, a := range args {
		if a.Type().Kind == types.KindArray {
			return SameTypeArgs("concat", nil)(env, args)
		}
		binary = binary && a.Type().Kind == types.KindBinary
	}
	if binary {
		return Fixed(types.Binary, WantBinary)(env, args)
	}
	return textRule(WantString)(env, args)
}

func newConcat(env *Env, call *plan.Call) (Kernel, error) {
	if call.Typ.Kind == types.KindArray {
		return listKernel(concatLists), nil
	}
	return newConcatText(env, call)
}

// collections are the functions of several kinds of collections, and of maps.
func collections() []*Entry {
	keys := Derived(func(ts []types.Type) types.Type { return types.Array(*ts[0].Key, false) }, WantMap)
	vals := Derived(func(ts []types.Type) types.Type { return types.Array(*ts[0].Elem, true) }, WantMap)
	entries := Derived(func(ts []types.Type) types.Type {
		return types.Array(types.Struct(types.Field{Name: "key", Type: *ts[0].Key}, types.Field{Name: "value", Type: *ts[0].Elem, Nullable: ts[0].Nullable}), false)
	}, WantMap)
	return append(fnEntries(
		"collection_funcs",
		fnSpec{"concat", 0, -1, concatRule, newConcat, doc{"Strings, binaries or arrays one after the other.", "SELECT concat('Spark', 'SQL')", "SparkSQL"}, named("||")},
		fnSpec{"reverse", 1, 1, reverseRule, newReverse, doc{"A string or array in reverse order.", "SELECT reverse('Spark SQL')", "LQS krapS"}, fnMore{}},
		fnSpec{"size", 1, 1, sizeRule, func(env *Env, call *plan.Call) (Kernel, error) {
			return newSize(legacySize(env))(env, call)
		}, doc{"Number of elements of an array or entries of a map.", "SELECT size(array('b', 'd', 'c', 'a'))", "4"}, withNulls("cardinality")},
		fnSpec{"getitem", 2, 2, itemRule(itemZero), newItem(itemZero), doc{"array[position from 0] and map[key].", "SELECT array(1, 2, 3)[0]", "1"}, fnMore{}},
		fnSpec{"element_at", 2, 2, itemRule(itemOne), newItem(itemOne), doc{"The element at a position from 1, from the end if negative; the value of a key.", "SELECT element_at(array(1, 2, 3), 2)", "2"}, fnMore{}},
		fnSpec{"try_element_at", 2, 2, itemRule(itemTry), newItem(itemTry), doc{"Like element_at, null if there is none.", "SELECT try_element_at(array(1, 2, 3), 4)", "NULL"}, fnMore{}},
	), fnEntries(
		"map_funcs",
		fnSpec{"map_keys", 1, 1, keys, mapSide(0), doc{"The keys.", "SELECT map_keys(map(1, 'a', 2, 'b'))", "[1,2]"}, fnMore{}},
		fnSpec{"map_values", 1, 1, vals, mapSide(1), doc{"The values.", "SELECT map_values(map(1, 'a', 2, 'b'))", "[a,b]"}, fnMore{}},
		fnSpec{"map_entries", 1, 1, entries, lists(mapEntries), doc{"The entries as structs.", "SELECT map_entries(map(1, 'a', 2, 'b'))", "[{1,a},{2,b}]"}, fnMore{}},
		fnSpec{"map_contains_key", 2, 2, keyRule, rows(func(c *cells) error { c.setBool(findKey(c) >= 0); return nil }), doc{"Whether the map has a key.", "SELECT map_contains_key(map(1, 'a', 2, 'b'), 1)", "true"}, fnMore{}},
	)...)
}

func reverseRule(env *Env, args []plan.Expr) (Typing, error) {
	if args[0].Type().Kind == types.KindArray {
		return Same(0, WantArray)(env, args)
	}
	return textRule(WantString)(env, args)
}

func newReverse(env *Env, call *plan.Call) (Kernel, error) {
	if call.Typ.Kind == types.KindArray {
		return pickRows(arrayReverse)(env, call)
	}
	return textKernel(reverseText)(env, call)
}

// legacySize tells whether the size of null is -1: without ANSI, unless a setting says otherwise.
func legacySize(env *Env) bool {
	return !env.Ansi && env.Conf["spark.sql.legacy.sizeOfNull"] != "false"
}

func sizeRule(env *Env, args []plan.Expr) (Typing, error) {
	if k := args[0].Type().Kind; k != types.KindArray && k != types.KindMap {
		return Typing{}, UnexpectedType(args, 0, "ARRAY\" or \"MAP")
	}
	legacy := legacySize(env)
	return Typing{Args: TypesOf(args), Result: types.Int, Nullable: !legacy && args[0].Nullable()}, nil
}

func keyRule(env *Env, args []plan.Expr) (Typing, error) {
	t := args[0].Type()
	if t.Kind != types.KindMap {
		return Typing{}, UnexpectedType(args, 0, "MAP")
	}
	k, ok := CommonNoString(env.Ansi, *t.Key, args[1].Type())
	if !ok || args[1].Type().Kind == types.KindNull {
		return Typing{}, mismatch("MAP_FUNCTION_DIFF_TYPES", "the key has to be of the map's key type.", "functionName", "`map_contains_key`", "dataType", "\"MAP\"", "leftType", quoted(t.SQL()), "rightType", quoted(args[1].Type().SQL()))
	}
	return Typing{Args: []types.Type{types.Map(k, *t.Elem, t.Nullable), k}, Result: types.Bool, Nullable: true}, nil
}

// mapSide makes map_keys and map_values.
func mapSide(side int) maker {
	return lists(func(c *cells) error {
		lo, hi := c.list(0)
		c.out.vec.Children[0].AppendRange(c.vector(0).Children[side], lo, hi-lo)
		return nil
	})
}

func mapEntries(c *cells) error {
	lo, hi := c.list(0)
	s := c.out.vec.Children[0]
	at := s.Len()
	for k := range s.Children {
		s.Children[k].AppendRange(c.vector(0).Children[k], lo, hi-lo)
	}
	s.SetLen(at + hi - lo)
	return nil
}
