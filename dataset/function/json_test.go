package function

import (
	stdjson "encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// schemaEnv is an Env that knows the schemas of these tests.
func schemaEnv(t *testing.T) *Env {
	env := laEnv(t)
	env.ParseSchema = func(text string) (types.Schema, error) {
		s, ok := map[string]types.Schema{
			"a INT, b DOUBLE": types.NewSchema(types.F("a", types.Int), types.F("b", types.Double)),
			"time Timestamp":  types.NewSchema(types.F("time", types.Timestamp)),
			"array<int>":      types.NewSchema(types.F("value", types.Array(types.Int, true))),
			"nested": types.NewSchema(types.F("s", types.Struct(types.F("x", types.String), types.F("d", types.Decimal(5, 2)))), types.F("l", types.Array(types.Date, true)),
				types.F("_corrupt_record", types.String)),
		}[text]
		if !ok {
			return s, fmt.Errorf("no schema %s", text)
		}
		return s, nil
	}
	return env
}

func opts(kv ...any) *plan.Literal { return mapOf(types.String, types.String, kv...) }

func TestJSON(t *testing.T) {
	pair := func(vals ...any) *plan.Literal {
		return plan.Lit(types.Struct(types.F("a", types.Int), types.F("b", types.String)), vals)
	}
	stamp := plan.Lit(types.Struct(types.F("time", types.Timestamp)), []any{utc("2015-08-26 07:00:00").Value})
	checkCases(t, New(jsons(), csvs()), schemaEnv(t), []fnCase{
		{"get_json_object", []any{`[{"a":"b"},{"a":"c"}]`, "$[0].a"}, "b"},
		{"get_json_object", []any{`{"a":{"b": [1, 2]}}`, "$.a"}, `{"b":[1,2]}`},
		{"get_json_object", []any{`{"a":1}`, "$.b"}, nil},
		{"get_json_object", []any{`{"a":null}`, "$.a"}, nil},
		{"get_json_object", []any{`[{"a":"b"},{"a":"c"}]`, "$[*].a"}, `["b","c"]`},
		{"get_json_object", []any{`{"a.b":"é\n"}`, "$['a.b']"}, "é\n"},
		{"get_json_object", []any{`{"a":`, "$.a"}, nil},
		{"get_json_object", []any{`{}`, "a"}, nil},
		{"get_json_object", []any{`{"a":1.50}`, "$.a"}, "1.50"},
		{"json_array_length", []any{`[1,2,3,{"f1":1,"f2":[5,6]},4]`}, 5},
		{"json_array_length", []any{"[1,2"}, nil},
		{"json_object_keys", []any{`{"f1":"abc","f2":{"f3":"a"}}`}, list("f1", "f2")},
		{"json_object_keys", []any{"[1]"}, nil},
		{"schema_of_json", []any{`[{"col":0}]`}, "ARRAY<STRUCT<col: BIGINT>>"},
		{"schema_of_json", []any{`{"b":1.5,"a":[1,"x",null]}`}, "STRUCT<a: ARRAY<STRING>, b: DOUBLE>"},
		{"from_json", []any{`{"a":1, "b":0.8}`, "a INT, b DOUBLE"}, list(1, 0.8)},
		{"from_json", []any{`{"a":1.5, "b":"x"}`, "a INT, b DOUBLE"}, list(nil, nil)},
		{"from_json", []any{`{"a":1`, "a INT, b DOUBLE"}, list(nil, nil)},
		{"from_json", []any{nil, "a INT, b DOUBLE"}, nil},
		{"from_json", []any{`{"a":1`, "a INT, b DOUBLE", opts("mode", "FAILFAST")}, errClass("MALFORMED_RECORD_IN_PARSING")},
		{"from_json", []any{"[1, 2, null]", "array<int>"}, list(1, 2, nil)},
		{"from_json", []any{`{"a":"NaN"}`, "a INT, b DOUBLE"}, list(nil, nil)},
		{"from_json", []any{`{"time":"26/08/2015"}`, "time Timestamp", opts("timestampFormat", "dd/MM/yyyy")}, list(utc("2015-08-26 07:00:00").Value)},
		{"from_json", []any{`{"s":{"x":{"y":1},"d":1.5},"l":["2020-01-01","x"]}`, "nested"}, list(list(`{"y":1}`, int64(150)), nil, nil)},
		{"from_json", []any{`nope`, "nested"}, list(nil, nil, "nope")},
		{"to_json", []any{pair(int32(1), "x\"y")}, `{"a":1,"b":"x\"y"}`},
		{"to_json", []any{pair(nil, "x")}, `{"b":"x"}`},
		{"to_json", []any{pair(nil, "x"), opts("ignoreNullFields", "false")}, `{"a":null,"b":"x"}`},
		{"to_json", []any{mapOf(types.Int, types.String, 1, "a")}, `{"1":"a"}`},
		{"to_json", []any{stamp}, `{"time":"2015-08-26T00:00:00.000-07:00"}`},
		{"to_json", []any{stamp, opts("timestampFormat", "dd/MM/yyyy")}, `{"time":"26/08/2015"}`},
		{"from_csv", []any{"1, 0.8", "a INT, b DOUBLE"}, list(1, 0.8)},
		{"from_csv", []any{"x,1", "a INT, b DOUBLE"}, list(nil, 1.0)},
		{"to_csv", []any{pair(int32(1), `a,"b`)}, `1,"a,\"b"`},
		{"to_csv", []any{stamp, opts("timestampFormat", "dd/MM/yyyy")}, "26/08/2015"},
		{"schema_of_csv", []any{"1,abc"}, "STRUCT<_c0: INT, _c1: STRING>"},
	})
	require.Equal(t, "1 2 <0 1 2 <1 ", generate(t, "json_tuple", 2, litOf(`{"a":1, "b":"2"}`), litOf("a"), litOf("b")))
	require.Equal(t, "<nil> <0 ", generate(t, "json_tuple", 1, litOf("[1]"), litOf("a")))
}

// FuzzJSON: the scanner accepts what the standard library accepts, and
// compaction keeps the value.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,null,true],"b":"x\u00e9\n"}`, `[`, `"\ud83d\ude00"`, `-0`, `01`, `{"a":1,}`, `[[[]]]`, `"a`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		j := jsonScan{s: []byte(s)}
		text, _, ok := j.value()
		j.blanks()
		if !stdjson.Valid([]byte(s)) {
			return
		}
		require.True(t, ok && j.at == len(s), "%q", s)
		var a, b any
		if stdjson.Unmarshal(text, &a) != nil {
			return // a number beyond what the library holds
		}
		require.NoError(t, stdjson.Unmarshal(compactJSON(nil, text), &b))
		require.Equal(t, a, b)
		inferJSON(&jsonScan{s: []byte(s)})
		r := &jsonReader{opts: &textOptions{set: map[string]string{}, env: utcEnv()}}
		out := batch.New(types.Struct(types.F("a", types.Array(types.Double, true))), 0)
		require.NoError(t, r.record([]byte(s), out))
		require.Equal(t, 1, out.Len())
	})
}
