package json_test

import (
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/format/recorded"
	"github.com/spurwheel/spurwheel/connectors/json"
	"github.com/spurwheel/spurwheel/connectors/local"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

func newFormat() json.Format { return json.New(func() time.Time { return time.Unix(0, 0) }) }

func file(t testing.TB, fs vfs.FS, content string) vfs.FileRef {
	t.Helper()
	path := t.TempDir() + "/f.json"
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	i, err := fs.Stat(context.Background(), path)
	require.NoError(t, err)
	return i.FileRef
}

func rows(t testing.TB, fs vfs.FS, s format.Split, n int) ([]string, error) {
	t.Helper()
	budget := mem.NewBudget("test", 0)
	req := format.ReadRequest{Rows: n, Budget: budget}
	for i := range s.Schema.Fields {
		req.Columns = append(req.Columns, i)
	}
	r, err := newFormat().Open(context.Background(), fs, s, req)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := []string{}
	for {
		b, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			require.NoError(t, r.Close())
			require.Zero(t, budget.Used())
			return out, nil
		}
		if err != nil {
			return out, err
		}
		for i := range b.N {
			parts := make([]string, len(b.Cols))
			for k, c := range b.Cols {
				if parts[k] = fmt.Sprint(c.Get(i)); c.Get(i) == nil {
					parts[k] = "~"
				}
			}
			out = append(out, strings.Join(parts, "|"))
		}
	}
}

func schemaOf(fields ...any) types.Schema {
	var s types.Schema
	for i := 0; i < len(fields); i += 2 {
		s.Fields = append(s.Fields, types.F(fields[i].(string), fields[i+1].(types.Type)))
	}
	return s
}

func TestRead(t *testing.T) {
	fs := local.New(new(mem.Pool))
	ab := schemaOf("a", types.Long, "b", types.String)
	deep := schemaOf("s", types.Struct(types.F("x", types.Int), types.F("y", types.Array(types.Double, true))), "m", types.Map(types.String, types.Int, true),
		"l", types.Array(types.Struct(types.F("k", types.String)), true))
	for _, tc := range []struct {
		name, content string
		schema        types.Schema
		opt           format.Options
		want          []string
	}{
		{"plain", `{"a":1,"b":"x"}` + "\r\n\n" + ` { "b" : "y" , "a" : -2 } `, ab, nil, []string{"1|x", "-2|y"}},
		{"missing, null, unknown, doubled", `{"c":[1,{"d":2}],"a":null}` + "\n" + `{"a":1,"a":2}`, ab, nil, []string{"~|~", "2|~"}},
		{
			"strings of anything", `{"b":1.50}` + "\n" + `{"b":{"x": [1, "q\"\u0041"], "y": true}}` + "\n" + `{"b":false}`, ab, nil,
			[]string{"~|1.50", `~|{"x": [1, "q\"\u0041"], "y": true}`, "~|false"},
		},
		{"escapes", `{"b":"a\n\t\"\\\/\u00e9\ud83d\ude00 long enough to be outside"}`, ab, nil, []string{"~|a\n\t\"\\/é😀 long enough to be outside"}},
		{
			"bad records", "{\"a\":1\n[1,2]\nnull\n{\"a\":\"x\",\"b\":\"y\"}\n{\"a\":1.5}\n{\"a\":3}", schemaOf("a", types.Long, "b", types.String, "_corrupt_record", types.String), nil,
			[]string{"~|~|{\"a\":1", "~|~|[1,2]", "~|~|null", "~|y|{\"a\":\"x\",\"b\":\"y\"}", "~|~|{\"a\":1.5}", "3|~|~"},
		},
		{"dropped", "x\n{\"a\":1}\n{\"a\":true}", ab, format.Options{"mode": "DROPMALFORMED"}, []string{"1|~"}},
		{"array of objects", `[{"a":1},{"a":2},null]`, ab, nil, []string{"1|~", "2|~"}},
		{
			"nested", `{"s":{"y":[1,2.5,null],"x":7},"m":{"p":1,"q":null},"l":[{"k":"v"},null,{}]}` + "\n{}\n" + `{"s":[],"m":{},"l":[]}`, deep, nil,
			[]string{"[7 [1 2.5 <nil>]]|{[p q] [1 <nil>]}|[[v] <nil> [<nil>]]", "~|~|~", "~|{[] []}|[]"},
		},
		{
			"values that do not fit inside of others", `{"s":{"y":[1,"z"],"x":"q"},"m":{"p":"x"},"l":[{"k":1},5]}` + "\n" + `{"s":{"y":[2],"x":3}}`, deep, nil,
			[]string{"[<nil> <nil>]|~|~", "[3 [2]]|~|~"},
		},
		{"multi line", "{\"a\":\n1}", ab, format.Options{"multiline": "true"}, []string{"1|~"}},
		{"multi line array", "[{\"a\":\n1},\n{\"a\":2}]", ab, format.Options{"multiline": "true"}, []string{"1|~", "2|~"}},
		{
			"lenient", `{a:1, 'b': 'it''s' }` + "\n" + `{'b':'x', /* c */ "a":007}`, ab,
			format.Options{"allowunquotedfieldnames": "true", "allowcomments": "true", "allownumericleadingzeros": "true"},
			[]string{"~|~", "7|x"},
		},
		{
			"types", `{"f":1.5,"d":12.345,"dt":"2024-01-02","ts":"2024-01-02T03:04:05Z","t2":10,"b":true,"bin":"aGk=","n":"NaN","i":300}`,
			schemaOf("f", types.Float, "d", types.Decimal(10, 2), "dt", types.Date, "ts", types.Timestamp, "t2", types.Timestamp, "b", types.Bool, "bin", types.Binary, "n", types.Double, "i", types.Byte),
			nil,
			[]string{"1.5|1235|19724|1704164645000000|10000000|true|[104 105]|NaN|~"},
		},
	} {
		ref := file(t, fs, tc.content)
		for _, n := range []int{0, 1} {
			got, err := rows(t, fs, format.Split{File: ref, Schema: tc.schema, Options: tc.opt}, n)
			require.NoError(t, err, tc.name)
			require.Equal(t, tc.want, got, tc.name)
		}
	}
}

func TestFailFast(t *testing.T) {
	fs := local.New(new(mem.Pool))
	s := format.Split{File: file(t, fs, "{\"a\":1}\n{oops"), Schema: schemaOf("a", types.Long), Options: format.Options{"mode": "failfast"}}
	_, err := rows(t, fs, s, 0)
	c, ok := errors.AsType[*errs.Condition](err)
	require.True(t, ok)
	require.Equal(t, "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", c.Class)
	require.Equal(t, "{oops", c.Params["badRecord"])
	require.Contains(t, c.Message, s.File.Path)
	_, err = newFormat().Infer(t.Context(), fs, []vfs.FileRef{s.File}, s.Options)
	require.ErrorContains(t, err, "MALFORMED_RECORD_DETECTED_IN_SCHEMA_INFERENCE")
}

// TestAsSpark replays what Spark 4.1 answered.
func TestAsSpark(t *testing.T) { recorded.Run(t, newFormat(), "testdata/spark-4.1.json") }

func TestInfer(t *testing.T) {
	fs := local.New(new(mem.Pool))
	for _, tc := range []struct {
		content string
		opt     format.Options
		want    string
	}{
		{`{"b":1,"a":"x"}`, nil, "a STRING,b BIGINT"},
		{"{\"a\":1}\n{\"a\":1.5}\n{\"a\":null}", nil, "a DOUBLE"},
		{"{\"a\":1}\n{\"a\":\"x\"}", nil, "a STRING"},
		{`{"a":99999999999999999999,"n":null,"e":"","l":[],"s":{}}`, nil, "a DECIMAL(20,0),e STRING,l ARRAY<STRING>,n STRING"},
		{`{"n":null,"e":[],"a":1}`, format.Options{"dropfieldifallnull": "true"}, "a BIGINT"},
		{"{\"s\":{\"y\":1}}\n{\"s\":{\"x\":[1,2.5]}}", nil, "s STRUCT<x: ARRAY<DOUBLE>, y: BIGINT>"},
		{"{\"a\":1}\nbroken", nil, "_corrupt_record STRING,a BIGINT"},
		{`{"a":1,"b":true,"c":1.5}`, format.Options{"primitivesasstring": "true"}, "a STRING,b STRING,c STRING"},
		{`{"a":1.25,"b":1e3}`, format.Options{"prefersdecimal": "true"}, "a DECIMAL(3,2),b DOUBLE"},
		{`{"a":"2024-01-02T03:04:05"}`, format.Options{"infertimestamp": "true"}, "a TIMESTAMP"},
		{"[{\"a\":1},\n{\"b\":2}]", format.Options{"multiline": "true"}, "a BIGINT,b BIGINT"},
	} {
		got, err := newFormat().Infer(t.Context(), fs, []vfs.FileRef{file(t, fs, tc.content)}, tc.opt)
		require.NoError(t, err)
		require.Equal(t, tc.want, got.DDL(), tc.content)
	}
}

func TestWriteThenRead(t *testing.T) {
	fs := local.New(new(mem.Pool))
	schema := schemaOf("i", types.Int, "s", types.String, "d", types.Double, "ts", types.Timestamp,
		"n", types.Struct(types.F("l", types.Array(types.Long, true)), types.F("m", types.Map(types.String, types.Bool, true))))
	b := &batch.Batch{N: 2, Cols: []*batch.Vector{
		batch.Of(types.Int, int32(1), nil),
		batch.Of(types.String, "a\"\\\n\x01é", nil),
		batch.Of(types.Double, 1e300, -0.5),
		batch.Of(types.Timestamp, int64(1704164645123000), nil),
		batch.Of(schema.Fields[4].Type, []any{[]any{int64(1), nil}, batch.MapValue{Keys: []any{"k"}, Values: []any{true}}}, nil),
	}}
	for _, opt := range []format.Options{nil, {"ignorenullfields": "false", "compression": "zstd"}} {
		path := t.TempDir() + "/f" + newFormat().Extension(opt)
		w, err := newFormat().Create(t.Context(), fs, path, schema, opt)
		require.NoError(t, err)
		require.NoError(t, w.Write(t.Context(), b))
		ref, err := w.Commit(t.Context())
		require.NoError(t, err)
		got, err := rows(t, fs, format.Split{File: ref, Schema: schema}, 0)
		require.NoError(t, err)
		require.Equal(t, []string{"1|a\"\\\n\x01é|1e+300|1704164645123000|[[1 <nil>] {[k] [true]}]", "~|~|-0.5|~|~"}, got)
		if opt == nil {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			//nolint:testifylint // the bytes matter, not only what they mean
			require.Equal(t, `{"i":1,"s":"a\"\\\n\u0001é","d":1.0E300,"ts":"2024-01-02T03:04:05.123Z","n":{"l":[1,null],"m":{"k":true}}}`+"\n"+`{"d":-0.5}`+"\n", string(text))
		}
	}
}

func TestDeepNestingIsNoStackOverflow(t *testing.T) {
	fs := local.New(new(mem.Pool))
	content := strings.Repeat("[", 1e6) + "\n" + `{"a":` + strings.Repeat(`{"a":`, 1e5)
	got, err := rows(t, fs, format.Split{File: file(t, fs, content), Schema: schemaOf("a", types.Long)}, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"~", "~"}, got)
}

func FuzzRead(f *testing.F) {
	f.Add(`{"a":1,"b":["x\u0041"],"c":{"d":1.5}}`)
	f.Add("[{\"a\":1},null]\n{'a':NaN}")
	fs := local.New(new(mem.Pool))
	schema := schemaOf("a", types.Long, "b", types.Array(types.String, true), "c", types.Struct(types.F("d", types.Double)), "_corrupt_record", types.String)
	f.Fuzz(func(t *testing.T, content string) {
		s := format.Split{File: file(t, fs, content), Schema: schema}
		got, err := rows(t, fs, s, 2)
		require.NoError(t, err, "permissive mode takes anything")
		if line := strings.TrimSpace(content); strings.HasPrefix(line, "{") && !strings.ContainsAny(line, "\r\n") && stdjson.Valid([]byte(line)) {
			require.Len(t, got, 1)
		}
		_, err = newFormat().Infer(t.Context(), fs, []vfs.FileRef{s.File}, nil)
		require.NoError(t, err)
	})
}
