package csv_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/csv"
	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/format/recorded"
	"github.com/spurwheel/spurwheel/connectors/local"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

func newFormat() csv.Format { return csv.New(func() time.Time { return time.Unix(0, 0) }) }

func file(t testing.TB, fs vfs.FS, content string) vfs.FileRef {
	t.Helper()
	path := t.TempDir() + "/f.csv"
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	i, err := fs.Stat(context.Background(), path)
	require.NoError(t, err)
	return i.FileRef
}

// rows reads splits as text of rows: values by |, null as ~.
func rows(t testing.TB, fs vfs.FS, splits []format.Split, req format.ReadRequest) ([]string, error) {
	t.Helper()
	out := []string{}
	budget := mem.NewBudget("test", 0)
	for _, s := range splits {
		if req.Columns == nil {
			for i := range s.Schema.Fields {
				req.Columns = append(req.Columns, i)
			}
		}
		req.Budget = budget
		r, err := newFormat().Open(context.Background(), fs, s, req)
		if err != nil {
			return nil, err
		}
		for {
			b, err := r.Next(context.Background())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				r.Close()
				return out, err
			}
			for i := range b.N {
				out = append(out, row(b, i))
			}
		}
		require.NoError(t, r.Close())
	}
	require.Zero(t, budget.Used())
	return out, nil
}

func row(b *batch.Batch, i int) string {
	parts := make([]string, len(b.Cols))
	for k, c := range b.Cols {
		if parts[k] = fmt.Sprint(c.Get(i)); c.Get(i) == nil {
			parts[k] = "~"
		}
	}
	return strings.Join(parts, "|")
}

func schemaOf(fields ...any) types.Schema {
	var s types.Schema
	for i := 0; i < len(fields); i += 2 {
		s.Fields = append(s.Fields, types.F(fields[i].(string), fields[i+1].(types.Type)))
	}
	return s
}

func abc() types.Schema {
	return schemaOf("a", types.String, "b", types.String, "c", types.String)
}

func TestRead(t *testing.T) {
	fs := local.New(new(mem.Pool))
	ib := schemaOf("i", types.Int, "s", types.String)
	for _, tc := range []struct {
		name, content string
		schema        types.Schema
		opt           format.Options
		want          []string
	}{
		{"plain", "1,x\n2,y\n", ib, nil, []string{"1|x", "2|y"}},
		{"no newline at the end, crlf, empty lines", "1,x\r\n\r\n  \n2,y", ib, nil, []string{"1|x", "2|y"}},
		{"header", "i,s\n1,x\n", ib, format.Options{"header": "true"}, []string{"1|x"}},
		{"mark of byte order", "\xef\xbb\xbf1,x\n", ib, nil, []string{"1|x"}},
		{"nulls", ",\n1,\"\"\n", ib, nil, []string{"~|~", "1|~"}},
		{"null value", "NA,NA\n1,\n2,\"\"", ib, format.Options{"nullvalue": "NA"}, []string{"~|~", "1|~", "2|"}},
		{"empty value", "1,\"\"\n", ib, format.Options{"emptyvalue": "EMPTY", "nullvalue": "x"}, []string{"1|EMPTY"}},
		{"quotes", "\"a,b\",\"c\\\"d\",\"e\\\\f\"\n", abc(), nil, []string{`a,b|c"d|e\f`}},
		{"doubled quotes", "\"a\"\"b\",\"\"\"\",x\n", abc(), format.Options{"escape": "\""}, []string{`a"b|"|x`}},
		{"quote not escaped", "\"a\"b,c\",d,e\n", abc(), nil, []string{`"a"b|c"|d`}},
		{"quote never closed", "x,\"ab,c\n1,2,3\n", abc(), nil, []string{`x|ab,c|~`, "1|2|3"}},
		{"no quotes", "\"a\",b,c\n", abc(), format.Options{"quote": ""}, []string{`"a"|b|c`}},
		{"blanks", " a , b ,\" c \" \n", abc(), format.Options{"ignoreleadingwhitespace": "true", "ignoretrailingwhitespace": "true"}, []string{"a|b| c "}},
		{"separators", "a\tb\tc\n", abc(), format.Options{"sep": `\t`}, []string{"a|b|c"}},
		{"long separator", "a||b|x||c\n", abc(), format.Options{"delimiter": "||"}, []string{"a|b|x|c"}},
		{"comments", "#x\n1,#\n", ib, format.Options{"comment": "#"}, []string{"1|#"}},
		{"line separator", "1,a;2,b\n;", ib, format.Options{"linesep": ";"}, []string{"1|a", "2|b\n"}},
		{"too few and too many", "1\n2,x,y\n", ib, nil, []string{"1|~", "2|x"}},
		{"bad number", "x,y\n3,z\n", ib, nil, []string{"~|y", "3|z"}},
		{"dropped", "x,y\n3,z\n4\n", ib, format.Options{"mode": "dropmalformed"}, []string{"3|z"}},
		{"multi line", "1,\"a\nb\r\nc\"\n2,x\n\n3,\"y\"", ib, format.Options{"multiline": "true"}, []string{"1|a\nb\r\nc", "2|x", "3|y"}},
		{"charset", "1,caf\xe9\n", ib, format.Options{"encoding": "ISO-8859-1"}, []string{"1|café"}},
		{
			"corrupt records", "1,x\nbad,y\n2\n", schemaOf("i", types.Int, "s", types.String, "_corrupt_record", types.String), nil,
			[]string{"1|x|~", "~|y|bad,y", "2|~|2"},
		},
		{
			"types", "true,-1,1.50,NaN,-Inf,2024-01-02,2024-01-02 03:04:05,123456789012345678901.5\n",
			schemaOf("b", types.Bool, "l", types.Long, "d", types.Decimal(5, 1), "f", types.Float, "g", types.Double, "dt", types.Date, "ts", types.Timestamp, "w", types.Decimal(38, 1)),
			nil,
			[]string{"true|-1|15|NaN|-Inf|19724|1704164645000000|{17082781258626382359 66}"},
		},
		{
			"formats", "02.01.2024,2024/01/02 03h\n", schemaOf("dt", types.Date, "ts", types.Timestamp),
			format.Options{"dateformat": "dd.MM.yyyy", "timestampformat": "yyyy/MM/dd HH'h'", "timezone": "UTC"},
			[]string{"19724|1704164400000000"},
		},
	} {
		ref := file(t, fs, tc.content)
		plan, err := newFormat().Plan(t.Context(), fs, ref, tc.schema, tc.opt)
		require.NoError(t, err)
		for _, n := range []int{0, 1} {
			got, err := rows(t, fs, plan.Splits, format.ReadRequest{Rows: n})
			require.NoError(t, err, tc.name)
			require.Equal(t, tc.want, got, tc.name)
		}
	}
}

func TestColumnsAndSplits(t *testing.T) {
	fs := local.New(new(mem.Pool))
	var content strings.Builder
	var want []string
	for i := range 300000 {
		fmt.Fprintf(&content, "%d,name %d,%d.5\n", i, i%13, i)
		want = append(want, fmt.Sprintf("%d.5|%d", i, i))
	}
	ref := file(t, fs, content.String())
	schema := schemaOf("i", types.Int, "s", types.String, "d", types.Double)
	plan, err := newFormat().Plan(t.Context(), fs, ref, schema, nil)
	require.NoError(t, err)
	require.Greater(t, len(plan.Splits), 1)
	got, err := rows(t, fs, plan.Splits, format.ReadRequest{Columns: []int{2, 0}})
	require.NoError(t, err)
	require.Len(t, got, len(want))
	for i := range want {
		if strings.Replace(got[i], "e+05", "", 1) != want[i] && i < 99999 {
			require.Equal(t, want[i], got[i])
		}
	}
	none, err := rows(t, fs, plan.Splits, format.ReadRequest{Columns: []int{}})
	require.NoError(t, err)
	require.Len(t, none, len(want), "rows are counted without columns")
}

func TestFailFastNamesFileAndRecord(t *testing.T) {
	fs := local.New(new(mem.Pool))
	ref := file(t, fs, "1,x\nbad,y\n")
	s := format.Split{File: ref, Schema: schemaOf("i", types.Int, "s", types.String), Options: format.Options{"mode": "FAILFAST"}}
	_, err := rows(t, fs, []format.Split{s}, format.ReadRequest{})
	c, ok := errors.AsType[*errs.Condition](err)
	require.True(t, ok)
	require.Equal(t, "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", c.Class)
	require.Equal(t, "22023", c.State)
	require.Equal(t, "bad,y", c.Params["badRecord"])
	require.Contains(t, c.Message, ref.Path)
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
		{"a,b\n", nil, "_c0 STRING,_c1 STRING"},
		{"a,b\n1,2\n", format.Options{"header": "true"}, "a STRING,b STRING"},
		{"a,A,,x\n", format.Options{"header": "true"}, "a0 STRING,A1 STRING,_c2 STRING,x STRING"},
		{
			"1,1,1,x,,true,2024-01-02,2024-01-02 03:04:05,1\n2,3000000000,1.5,2,,false,2024-01-03,2024-01-02,99999999999999999999\n",
			format.Options{"inferschema": "true"},
			"_c0 INT,_c1 BIGINT,_c2 DOUBLE,_c3 STRING,_c4 STRING,_c5 BOOLEAN,_c6 DATE,_c7 TIMESTAMP,_c8 DECIMAL(20,0)",
		},
		{"1\n\ntrue\n", format.Options{"inferschema": "true"}, "_c0 STRING"},
		{"h\n\"1\n2\"\n", format.Options{"inferschema": "true", "header": "true", "multiline": "true"}, "h STRING"},
		{"", nil, ""},
	} {
		got, err := newFormat().Infer(t.Context(), fs, []vfs.FileRef{file(t, fs, tc.content)}, tc.opt)
		require.NoError(t, err)
		require.Equal(t, tc.want, got.DDL(), "%q", tc.content)
	}
}

func TestWriteThenRead(t *testing.T) {
	fs := local.New(new(mem.Pool))
	schema := schemaOf("i", types.Int, "s", types.String, "d", types.Double, "x", types.Decimal(10, 2), "dt", types.Date, "ts", types.Timestamp, "b", types.Bool)
	b := &batch.Batch{N: 4, Cols: []*batch.Vector{
		batch.Of(types.Int, int32(1), nil, int32(-3), int32(4)),
		batch.Of(types.String, "plain", "a,b", "say \"x\"\nnow\\", ""),
		batch.Of(types.Double, 1.0, 1e300, nil, -0.5),
		batch.Of(types.Decimal(10, 2), int64(150), int64(-1), nil, int64(0)),
		batch.Of(types.Date, int32(0), nil, int32(19724), int32(-1)),
		batch.Of(types.Timestamp, int64(0), int64(1704164645123000), nil, int64(1)),
		batch.Of(types.Bool, true, false, nil, true),
	}}
	for _, opt := range []format.Options{{"header": "true"}, {"compression": "gzip", "header": "true", "sep": ";"}} {
		path := t.TempDir() + "/f" + newFormat().Extension(opt)
		w, err := newFormat().Create(t.Context(), fs, path, schema, opt)
		require.NoError(t, err)
		require.NoError(t, w.Write(t.Context(), b))
		ref, err := w.Commit(t.Context())
		require.NoError(t, err)
		read := format.Options{"multiline": "true", "header": "true"}
		if opt["sep"] != "" {
			read["sep"] = opt["sep"]
		}
		got, err := rows(t, fs, []format.Split{{File: ref, Schema: schema, Options: read}}, format.ReadRequest{})
		require.NoError(t, err)
		require.Equal(t, []string{"1|plain|1|150|0|0|true", "~|a,b|1e+300|-1|~|1704164645123000|false", "-3|say \"x\"\nnow\\|~|~|19724|~|~", "4|~|-0.5|0|-1|0|true"}, got)
	}
	_, err := newFormat().Create(t.Context(), fs, t.TempDir()+"/x", schemaOf("a", types.Array(types.Int, true)), nil)
	require.ErrorContains(t, err, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE")
}

func TestBadOptions(t *testing.T) {
	for _, opt := range []format.Options{{"header": "maybe"}, {"quote": "ab"}, {"maxcolumns": "0"}, {"sep": ""}, {"samplingratio": "2"}} {
		_, err := newFormat().Plan(t.Context(), nil, vfs.FileRef{}, types.Schema{}, opt)
		require.ErrorContains(t, err, "INVALID_OPTIONS", opt)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("1,x\n2,\"a\\\"b\"\n", false, ",")
	f.Add("\"\n\",1,2\r\n#", true, ";")
	fs := local.New(new(mem.Pool))
	schema := schemaOf("i", types.Int, "s", types.String, "d", types.Decimal(20, 3), "ts", types.Timestamp, "_corrupt_record", types.String)
	f.Fuzz(func(t *testing.T, content string, multi bool, sep string) {
		opt := format.Options{"multiline": fmt.Sprint(multi), "sep": sep, "comment": "#", "ignoreleadingwhitespace": "true"}
		s := format.Split{File: file(t, fs, content), Schema: schema, Options: opt}
		all, err := rows(t, fs, []format.Split{s}, format.ReadRequest{Rows: 3})
		if err != nil {
			require.NotEqual(t, errs.Other, errs.KindOf(err))
			return
		}
		if n := int64(len(content)); !multi && n > 1 {
			a, b := s, s
			a.Hi, b.Lo, b.Hi = n/2, n/2, n
			halves, err := rows(t, fs, []format.Split{a, b}, format.ReadRequest{})
			require.NoError(t, err)
			require.Equal(t, all, halves)
		}
	})
}
