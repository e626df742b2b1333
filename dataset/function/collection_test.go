package function

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

func TestStandardIsConsistent(t *testing.T) {
	for _, e := range Standard().Entries() {
		require.NotEmpty(t, e.Usage, e.Name)
		require.NotEmpty(t, e.Group, e.Name)
		n := 0
		for _, has := range []bool{e.Rewrite != nil, e.Kernel != nil, e.HigherOrder != nil, e.Accumulator != nil, e.Generate != nil, e.Builtin} {
			if has {
				n++
			}
		}
		require.Equal(t, 1, n, "%s has %d meanings", e.Name, n)
	}
}

func ints(xs ...any) *plan.Literal { return arr(types.Int, xs...) }

func mapOf(k, v types.Type, kv ...any) *plan.Literal {
	m := batch.MapValue{}
	for i := 0; i < len(kv); i += 2 {
		m.Keys, m.Values = append(m.Keys, litOf(kv[i]).Value), append(m.Values, litOf(kv[i+1]).Value)
	}
	return plan.Lit(types.Map(k, v, true), m)
}

func TestCollections(t *testing.T) {
	reg := Standard()
	months := plan.Lit(types.YearMonth, int32(1))
	nested := plan.Lit(types.Array(types.Array(types.Int, false), true), []any{[]any{int32(1), int32(2)}, []any{int32(3)}})
	checkCases(t, reg, utcEnv(), []fnCase{
		{"array", []any{1, 2, 3}, list(1, 2, 3)},
		{"array", []any{1, nil}, list(1, nil)},
		{"array_append", []any{ints(1), 2}, list(1, 2)},
		{"array_prepend", []any{ints(1, nil), nil}, list(nil, 1, nil)},
		{"array_insert", []any{ints(1, 2, 3, 4), 5, 5}, list(1, 2, 3, 4, 5)},
		{"array_insert", []any{ints(5, 3, 2, 1), -4, 4}, list(5, 4, 3, 2, 1)},
		{"array_insert", []any{ints(1), 4, 9}, list(1, nil, nil, 9)},
		{"array_insert", []any{ints(1), -3, 9}, list(9, nil, 1)},
		{"array_insert", []any{ints(1), 0, 9}, errClass("INVALID_INDEX_OF_ZERO")},
		{"array_remove", []any{ints(1, 2, 3, nil, 3), 3}, list(1, 2, nil)},
		{"array_compact", []any{ints(1, nil, 2)}, list(1, 2)},
		{"array_contains", []any{ints(1, 2, 3), 2}, true},
		{"array_contains", []any{ints(1, nil), 2}, nil},
		{"array_contains", []any{ints(1), 2}, false},
		{"array_position", []any{ints(312, 773, 708, 708), 708}, int64(3)},
		{"array_distinct", []any{ints(1, 2, 3, nil, 3, nil)}, list(1, 2, 3, nil)},
		{"array_except", []any{ints(1, 2, 3), ints(1, 3, 5)}, list(2)},
		{"array_intersect", []any{ints(1, 2, 3), ints(1, 3, 5)}, list(1, 3)},
		{"array_union", []any{ints(1, 2, 3), ints(1, 3, 5)}, list(1, 2, 3, 5)},
		{"arrays_overlap", []any{ints(1, 2, 3), ints(3, 4)}, true},
		{"arrays_overlap", []any{ints(1, nil), ints(3)}, nil},
		{"arrays_zip", []any{ints(1, 2), ints(2)}, list(list(1, 2), list(2, nil))},
		{"array_join", []any{arr(types.String, "hello", nil, "world"), " ", ","}, "hello , world"},
		{"array_max", []any{ints(1, 20, nil, 3)}, 20},
		{"array_min", []any{ints(1, 20, nil, 3)}, 1},
		{"array_max", []any{ints()}, nil},
		{"array_size", []any{ints(1, 2)}, 2},
		{"slice", []any{ints(1, 2, 3, 4), -2, 2}, list(3, 4)},
		{"slice", []any{ints(1, 2), 0, 2}, errClass("INVALID_PARAMETER_VALUE.START")},
		{"sort_array", []any{arr(types.String, "b", "d", nil, "c", "a"), false}, list("d", "c", "b", "a", nil)},
		{"sort_array", []any{ints(2, nil, 1)}, list(nil, 1, 2)},
		{"array_sort", []any{ints(2, nil, 1)}, list(1, 2, nil)},
		{"flatten", []any{nested}, list(1, 2, 3)},
		{"get", []any{ints(1, 2), 5}, nil},
		{"getitem", []any{ints(1, 2), 5}, errClass("INVALID_ARRAY_INDEX")},
		{"getitem", []any{mapOf(types.Int, types.String, 1, "a"), 1}, "a"},
		{"getitem", []any{mapOf(types.Int, types.String, 1, "a"), 2}, nil},
		{"element_at", []any{ints(1, 2, 3), -1}, 3},
		{"element_at", []any{ints(1, 2, 3), 5}, errClass("INVALID_ARRAY_INDEX_IN_ELEMENT_AT")},
		{"try_element_at", []any{ints(1), 3}, nil},
		{"try_element_at", []any{ints(1), 0}, errClass("INVALID_INDEX_OF_ZERO")},
		{"concat", []any{"a", "b"}, "ab"},
		{"concat", []any{ints(1), ints(2, nil)}, list(1, 2, nil)},
		{"reverse", []any{"Spark SQL"}, "LQS krapS"},
		{"reverse", []any{ints(2, 1)}, list(1, 2)},
		{"size", []any{ints(1, 2)}, 2},
		{"size", []any{plan.LitNull(types.Array(types.Int, true))}, nil},
		{"sequence", []any{1, 5}, list(1, 2, 3, 4, 5)},
		{"sequence", []any{5, 1, -2}, list(5, 3, 1)},
		{"sequence", []any{1, 5, -1}, errClass("ILLEGAL_SEQUENCE_BOUNDARIES")},
		{"sequence", []any{day("2018-01-31"), day("2018-03-31"), months}, list(day("2018-01-31").Value, day("2018-02-28").Value, day("2018-03-31").Value)},
	})
}

func TestMapsAndStructs(t *testing.T) {
	reg := Standard()
	checkCases(t, reg, utcEnv(), []fnCase{
		{"named_struct", []any{"a", 1, "b", "x"}, list(1, "x")},
		{"struct", []any{1, nil}, list(1, nil)},
		{"map_keys", []any{mapOf(types.Int, types.String, 1, "a", 2, "b")}, list(1, 2)},
		{"map_values", []any{mapOf(types.Int, types.String, 1, "a", 2, nil)}, list("a", nil)},
		{"map_entries", []any{mapOf(types.Int, types.String, 1, "a")}, list(list(1, "a"))},
		{"map_contains_key", []any{mapOf(types.Int, types.String, 1, "a"), 1}, true},
		{"map", []any{1, "a", 1, "b"}, errClass("DUPLICATED_MAP_KEY")},
		{"map", []any{nil, "a"}, errClass("NULL_MAP_KEY")},
		{"array_repeat", []any{"123", 2}, list("123", "123")},
		{"map", []any{1}, errClass("WRONG_NUM_ARGS")},
	})
	out, _, err := evalCall(reg, utcEnv(), "map", []*plan.Literal{litOf(1), litOf("a"), litOf(2), litOf(nil)}, batch.Const, 1)
	require.NoError(t, err)
	require.Equal(t, "{[1 2] [a <nil>]}", fmt.Sprint(out.Get(0)))
	env := utcEnv()
	env.Conf = map[string]string{mapDedupConf: "last_win"}
	out, _, err = evalCall(reg, env, "map", []*plan.Literal{litOf(1), litOf("a"), litOf(2), litOf("b"), litOf(1), litOf("c")}, batch.Flat, 2)
	require.NoError(t, err)
	require.Equal(t, "{[1 2] [c b]}", fmt.Sprint(out.Get(1)))
}

// generate runs a generator over literals repeated n times.
func generate(t *testing.T, name string, n int, lits ...*plan.Literal) string {
	e := Standard().Lookup(name)
	call := &plan.Call{Name: name}
	var args []plan.Expr
	var vecs []*batch.Vector
	for _, l := range lits {
		args = append(args, l)
		vecs = append(vecs, batch.NewConst(l.Typ, l.Value, n))
	}
	call.Args = args
	fields, err := e.Columns(args)
	require.NoError(t, err)
	g, err := e.Generate(utcEnv(), call)
	require.NoError(t, err)
	cols, from, err := g(vecs, n)
	require.NoError(t, err)
	require.Len(t, cols, len(fields))
	text := ""
	for r := range from {
		for _, c := range cols {
			text += fmt.Sprint(c.Get(r), " ")
		}
		text += fmt.Sprint("<", from[r], " ")
	}
	return text
}

func TestGenerators(t *testing.T) {
	require.Equal(t, "10 <0 20 <0 10 <1 20 <1 ", generate(t, "explode", 2, ints(10, 20)))
	require.Equal(t, "0 10 <0 1 20 <0 ", generate(t, "posexplode", 1, ints(10, 20)))
	require.Empty(t, generate(t, "explode", 2, ints()))
	require.Equal(t, "<nil> <nil> <0 ", generate(t, "posexplode_outer", 1, ints()))
	require.Equal(t, "1 a <0 ", generate(t, "explode", 1, mapOf(types.Int, types.String, 1, "a")))
	pair := types.Struct(types.F("a", types.Int), types.F("b", types.String))
	require.Equal(t, "1 x <0 <nil> <nil> <0 ", generate(t, "inline", 1, plan.Lit(types.Array(pair, true), []any{[]any{int32(1), "x"}, nil})))
	require.Equal(t, "1 2 <0 3 <nil> <0 ", generate(t, "stack", 1, litOf(2), litOf(1), litOf(2), litOf(3)))
}

// plusOne is a lambda body over ints: x + 1, null for 0.
func plusOne(params []*batch.Vector, _ []int32, m int) (*batch.Vector, error) {
	out := batch.New(types.Int, m)
	for i := range m {
		x := params[0].Get(i)
		if x == nil || x.(int32) == 0 {
			out.AppendNulls(1)
			continue
		}
		out.Append(x.(int32) + 1)
	}
	return out, nil
}

func sumOfTwo(params []*batch.Vector, _ []int32, m int) (*batch.Vector, error) {
	out := batch.New(types.Int, m)
	for i := range m {
		a, _ := params[0].Get(i).(int32)
		b, _ := params[1].Get(i).(int32)
		out.Append(a + b)
	}
	return out, nil
}

func isEven(params []*batch.Vector, _ []int32, m int) (*batch.Vector, error) {
	out := batch.New(types.Bool, m)
	for i := range m {
		if x := params[0].Get(i); x == nil {
			out.AppendNulls(1)
		} else {
			out.Append(x.(int32)%2 == 0)
		}
	}
	return out, nil
}

func TestLambdas(t *testing.T) {
	v := plan.LambdaVar{Name: "x", ID: 1, Typ: types.Int, Null: true}
	one := func(t types.Type) plan.Expr {
		return &plan.Lambda{Params: []*plan.LambdaVar{&v}, Body: &plan.Bound{Typ: t, Null: true}}
	}
	at := types.Array(types.Int, true)
	in := batch.Of(at, []any{int32(1), int32(2), nil}, nil, []any{}, []any{int32(4), int32(0)})
	start := batch.NewConst(types.Int, int32(10), 4)
	cases := []struct {
		name string
		args []plan.Expr
		vecs []*batch.Vector
		fns  []LambdaKernel
		want string
	}{
		{"transform", []plan.Expr{col(at), one(types.Int)}, []*batch.Vector{in}, []LambdaKernel{nil, plusOne}, "[[2 3 <nil>] <nil> [] [5 <nil>]]"},
		{"filter", []plan.Expr{col(at), one(types.Bool)}, []*batch.Vector{in}, []LambdaKernel{nil, isEven}, "[[2] <nil> [] [4 0]]"},
		{"exists", []plan.Expr{col(at), one(types.Bool)}, []*batch.Vector{in}, []LambdaKernel{nil, isEven}, "[true <nil> false true]"},
		{"forall", []plan.Expr{col(at), one(types.Bool)}, []*batch.Vector{in}, []LambdaKernel{nil, isEven}, "[false <nil> true true]"},
		{"aggregate", []plan.Expr{col(at), col(types.Int), one(types.Int)}, []*batch.Vector{in, start}, []LambdaKernel{nil, nil, sumOfTwo}, "[13 <nil> 10 14]"},
		{"zip_with", []plan.Expr{col(at), col(at), one(types.Int)}, []*batch.Vector{in, in}, []LambdaKernel{nil, nil, sumOfTwo}, "[[2 4 0] <nil> [] [8 0]]"},
	}
	for _, c := range cases {
		e := Standard().Lookup(c.name)
		typing, err := e.Type(utcEnv(), c.args)
		require.NoError(t, err, c.name)
		k, err := e.HigherOrder(utcEnv(), &plan.Call{Name: c.name, Args: c.args, Typ: typing.Result}, c.fns)
		require.NoError(t, err)
		out := batch.New(typing.Result, 0)
		for range 2 { // kernels are reused
			out.Reset(4)
			if e.NullIn {
				for _, v := range c.vecs {
					out.AndValidity(v.Validity())
				}
			}
			require.NoError(t, k(c.vecs, 4, out))
			var got []any
			for i := range 4 {
				got = append(got, out.Get(i))
			}
			require.Equal(t, c.want, fmt.Sprint(got), c.name)
		}
	}
}
