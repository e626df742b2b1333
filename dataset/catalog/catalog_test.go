package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/local"
	"github.com/spurwheel/spurwheel/connectors/mux"
	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// tiny is a format whose files are {"rows", "min", "max"}: one column x BIGINT.
type tiny struct{}

type tinyFile struct{ Rows, Min, Max int64 }

func (tiny) Name() string                    { return "tiny" }
func (tiny) Extension(format.Options) string { return ".tiny" }
func (tiny) Infer(context.Context, vfs.FS, []vfs.FileRef, format.Options) (types.Schema, error) {
	return types.NewSchema(types.F("x", types.Long)), nil
}

func (f tiny) Plan(ctx context.Context, fs vfs.FS, ref vfs.FileRef, _ types.Schema, _ format.Options) (format.FilePlan, error) {
	b, err := vfs.ReadAll(ctx, fs, ref)
	if err != nil {
		return format.FilePlan{}, err
	}
	var t tinyFile
	if err := json.Unmarshal(b, &t); err != nil {
		return format.FilePlan{}, errs.E(errs.Corrupt, "tiny.Plan", err)
	}
	return format.FilePlan{
		Splits: []format.Split{{File: ref, Rows: t.Rows}}, Rows: t.Rows,
		Stats: []format.ColumnStats{{Min: t.Min, Max: t.Max, Distinct: t.Rows}},
	}, nil
}

func (tiny) Open(context.Context, vfs.FS, format.Split, format.ReadRequest) (batch.Reader, error) {
	return nil, errs.Unsupported("reading")
}

func (tiny) Create(context.Context, vfs.FS, string, types.Schema, format.Options) (format.Writer, error) {
	return nil, errs.Unsupported("writing")
}

func open(t *testing.T) (*catalog.Catalog, string) {
	dir := t.TempDir()
	fs := mux.New(map[string]vfs.FS{"file": local.New(new(mem.Pool))})
	return catalog.New(catalog.Config{
		FS: fs, Formats: map[string]format.Format{"tiny": tiny{}}, Registry: function.Standard(),
		Warehouse: filepath.Join(dir, "warehouse"), ParseSchema: sql.ParseSchema,
		Env: func() *function.Env { return &function.Env{Ansi: true, Zone: time.UTC, ZoneID: "UTC"} },
	}), dir
}

func write(t *testing.T, dir, path, content string) {
	t.Helper()
	full := filepath.Join(dir, path)
	require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
	require.NoError(t, os.WriteFile(full, []byte(content), 0o644))
}

func class(err error) string {
	c, ok := errors.AsType[*errs.Condition](err)
	if !ok {
		return ""
	}
	return c.Class
}

func TestViews(t *testing.T) {
	c, _ := open(t)
	ctx := t.Context()
	v := &catalog.View{Plan: &plan.OneRow{}, Resolved: true}
	require.NoError(t, c.CreateTempView("V", v, false))
	require.Equal(t, "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", class(c.CreateTempView("v", v, false)))
	require.NoError(t, c.CreateTempView("v", v, true))
	require.NoError(t, c.CreateGlobalTempView("g", v, false))

	other := c.Clone(local.New(&mem.Pool{}), nil)
	require.True(t, other.DropTempView("V"))
	require.False(t, other.DropTempView("v"))
	rel, err := c.Relation(ctx, []string{"v"}, nil)
	require.NoError(t, err)
	require.NotNil(t, rel.View, "the clone's views are its own")
	rel, err = other.Relation(ctx, []string{"global_temp", "G"}, nil)
	require.NoError(t, err)
	require.NotNil(t, rel.View)
	rel, err = other.Relation(ctx, []string{"v"}, nil)
	require.NoError(t, err)
	require.Nil(t, rel)

	list, err := c.Tables(ctx, "", "v*")
	require.NoError(t, err)
	require.Equal(t, []catalog.TableInfo{{Name: "v", Kind: catalog.KindTemporary, Temporary: true}}, list)
}

func TestDatabasesAndTables(t *testing.T) {
	c, dir := open(t)
	ctx := t.Context()
	require.Equal(t, "SCHEMA_NOT_FOUND", class(c.SetCurrentDatabase(ctx, "sales")))
	require.NoError(t, c.CreateDatabase(ctx, catalog.Database{Name: "Sales", Comment: "c"}, false))
	require.Equal(t, "SCHEMA_ALREADY_EXISTS", class(c.CreateDatabase(ctx, catalog.Database{Name: "sales"}, false)))
	require.NoError(t, c.CreateDatabase(ctx, catalog.Database{Name: "sales"}, true))
	require.NoError(t, c.SetCurrentDatabase(ctx, "SALES"))
	require.Equal(t, []string{"spark_catalog", "sales"}, c.SearchPath())

	m, err := c.CreateTable(ctx, []string{"T"}, catalog.TableMeta{Format: "tiny", SchemaText: "x BIGINT,p INT", PartitionBy: []string{"p"}}, false)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "warehouse", "sales.db", "t"), m.Path)
	_, err = c.CreateTable(ctx, []string{"sales", "t"}, catalog.TableMeta{}, false)
	require.Equal(t, "TABLE_OR_VIEW_ALREADY_EXISTS", class(err))

	rel, err := c.Relation(ctx, []string{"spark_catalog", "sales", "t"}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"spark_catalog", "sales", "t"}, rel.Name)
	require.Equal(t, "x BIGINT,p INT", rel.Source.Schema().DDL())
	require.Equal(t, 1, rel.Source.PartitionColumns())

	write(t, m.Path, "p=7/a.tiny", `{"rows":3,"min":1,"max":2}`)
	d, err := c.Describe(ctx, []string{"t"})
	require.NoError(t, err)
	require.Equal(t, []string{"p"}, d.PartitionBy)
	require.Equal(t, catalog.KindManaged, d.Kind)
	parts, err := c.Partitions(ctx, []string{"t"})
	require.NoError(t, err)
	require.Equal(t, []string{"p=7"}, parts)

	require.Equal(t, "SCHEMA_NOT_EMPTY", class(c.DropDatabase(ctx, "sales", false, false)))
	require.Equal(t, "WRONG_COMMAND_FOR_OBJECT_TYPE", class(c.DropTable(ctx, []string{"t"}, true, false)))
	require.NoError(t, c.DropTable(ctx, []string{"t"}, false, false))
	require.NoFileExists(t, filepath.Join(m.Path, "p=7/a.tiny"))
	require.Equal(t, "TABLE_OR_VIEW_NOT_FOUND", class(c.DropTable(ctx, []string{"t"}, false, false)))
	require.NoError(t, c.DropTable(ctx, []string{"t"}, false, true))
	require.NoError(t, c.DropDatabase(ctx, "sales", false, false))
	require.Equal(t, "default", c.CurrentDatabase())
	dbs, err := c.Databases(ctx, "")
	require.NoError(t, err)
	require.Len(t, dbs, 1)
}

func TestPartitionTypes(t *testing.T) {
	for _, tc := range []struct {
		values []string
		ddl    string
		boxed  any // of the first
	}{
		{[]string{"1", "2"}, "p INT", int32(1)},
		{[]string{"1", "3000000000"}, "p BIGINT", int64(1)},
		{[]string{"1", "2.5"}, "p DOUBLE", 1.0},
		{[]string{"3000000000", "2.5"}, "p STRING", "3000000000"},
		{[]string{"2020-01-02"}, "p DATE", int32(18263)},
		{[]string{"2020-01-02", "2020-01-02 03%3A04%3A05"}, "p TIMESTAMP", int64(1577923200000000)},
		{[]string{"a%2Fb", "1"}, "p STRING", "a/b"},
		{[]string{"__HIVE_DEFAULT_PARTITION__", "4"}, "p INT", nil},
		{[]string{"__HIVE_DEFAULT_PARTITION__"}, "p STRING", nil},
		{[]string{"1d"}, "p STRING", "1d"},
		{[]string{"01"}, "p INT", int32(1)},
	} {
		t.Run(tc.ddl+" "+tc.values[0], func(t *testing.T) {
			c, dir := open(t)
			for _, v := range tc.values {
				write(t, dir, "d/p="+v+"/f.tiny", `{"rows":1}`)
			}
			table, err := c.Files(t.Context(), &plan.DataSource{Format: "tiny", Paths: []string{dir + "/d"}})
			require.NoError(t, err)
			require.Equal(t, "x BIGINT,"+tc.ddl, table.Schema().DDL())
			splits, err := table.Splits(t.Context(), catalog.ScanRequest{})
			require.NoError(t, err)
			require.Len(t, splits, len(tc.values))
			found := false
			for _, s := range splits {
				found = found || s.Partitions[0] == tc.boxed
			}
			require.True(t, found, "%v", splits[0].Partitions)
		})
	}
}

func TestPruning(t *testing.T) {
	c, dir := open(t)
	for _, f := range []struct{ path, content string }{
		{"d/y=2020/m=1/a.tiny", `{"rows":10,"min":0,"max":9}`},
		{"d/y=2020/m=2/b.tiny", `{"rows":10,"min":10,"max":19}`},
		{"d/y=2021/m=1/c.tiny", `{"rows":10,"min":20,"max":29}`},
		{"d/_SUCCESS", ""},
		{"d/y=2020/.b.crc", "x"},
		{"d/_temporary/0/x.tiny", "x"},
	} {
		write(t, dir, f.path, f.content)
	}
	table, err := c.Files(t.Context(), &plan.DataSource{Format: "tiny", Paths: []string{"file:" + dir + "/d/"}})
	require.NoError(t, err)
	require.Equal(t, "x BIGINT,y INT,m INT", table.Schema().DDL())
	require.Len(t, table.Files(), 3)
	call := func(op string, a, b plan.Expr) plan.Expr {
		return &plan.Call{Name: op, Args: []plan.Expr{a, b}, Typ: types.Bool, Null: true}
	}
	x := &plan.Bound{Index: 0, Typ: types.Long, Null: true}
	y := &plan.Bound{Index: 1, Typ: types.Int, Null: true}
	for _, tc := range []struct {
		name  string
		preds []plan.Expr
		want  int
	}{
		{"none", nil, 3},
		{"partition", []plan.Expr{call("==", y, plan.LitInt(2020))}, 2},
		{"statistics", []plan.Expr{call(">", x, plan.LitLong(15))}, 2},
		{"literal first", []plan.Expr{call("<", plan.LitLong(25), x)}, 1},
		{"both", []plan.Expr{call("==", y, plan.LitInt(2020)), call(">=", x, plan.LitLong(10))}, 1},
		{"or", []plan.Expr{call("or", call("<", x, plan.LitLong(5)), call(">", x, plan.LitLong(28)))}, 2},
		{"mixed or prunes nothing", []plan.Expr{call("or", call("==", y, plan.LitInt(1)), call("==", x, plan.LitLong(5)))}, 1},
		{"nothing", []plan.Expr{call(">", y, plan.LitInt(3000))}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			splits, err := table.Splits(t.Context(), catalog.ScanRequest{Predicates: tc.preds})
			require.NoError(t, err)
			if tc.name == "mixed or prunes nothing" {
				require.Len(t, splits, 3)
				return
			}
			require.Len(t, splits, tc.want)
		})
	}
	st, err := table.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(30), st.Rows)
	require.Equal(t, int64(0), st.Columns[0].Min)
	require.Equal(t, int64(29), st.Columns[0].Max)
	require.Equal(t, int32(2020), st.Columns[1].Min)
	require.Equal(t, int64(2), st.Columns[2].Distinct)
}

func TestPaths(t *testing.T) {
	c, dir := open(t)
	ctx := t.Context()
	write(t, dir, "d/a=1/f.tiny", `{"rows":1}`)
	write(t, dir, "d/a=2/f.tiny", `{"rows":1}`)
	write(t, dir, "plain/f.tiny", `{"rows":1}`)
	write(t, dir, "plain/sub/g.tiny", `{"rows":1}`)
	read := func(options map[string]string, paths ...string) (catalog.Table, error) {
		for i := range paths {
			paths[i] = filepath.Join(dir, paths[i])
		}
		return c.Files(ctx, &plan.DataSource{Format: "tiny", Paths: paths, Options: options})
	}
	table, err := read(nil, "d/a=*")
	require.NoError(t, err)
	require.Equal(t, "x BIGINT", table.Schema().DDL(), "the folders are given, so they are no columns")
	table, err = read(map[string]string{"basePath": dir + "/d"}, "d/a=1")
	require.NoError(t, err)
	require.Equal(t, "x BIGINT,a INT", table.Schema().DDL())
	table, err = read(nil, "plain")
	require.NoError(t, err)
	require.Len(t, table.Files(), 1)
	table, err = read(map[string]string{"recursiveFileLookup": "true"}, "plain")
	require.NoError(t, err)
	require.Len(t, table.Files(), 2)
	table, err = read(map[string]string{"path": dir + "/plain/f.tiny"})
	require.NoError(t, err)
	require.Len(t, table.Files(), 1)

	_, err = read(nil, "absent")
	require.Equal(t, "PATH_NOT_FOUND", class(err))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "empty"), 0o755))
	_, err = read(nil, "empty")
	require.Equal(t, "UNABLE_TO_INFER_SCHEMA", class(err))
	_, err = c.Files(ctx, &plan.DataSource{Format: "nosuch", Paths: []string{dir}})
	require.Equal(t, "DATA_SOURCE_NOT_FOUND", class(err))
	write(t, dir, "d/b=1/f.tiny", `{"rows":1}`)
	_, err = read(nil, "d")
	require.Equal(t, "CONFLICTING_PARTITION_COLUMN_NAMES", class(err))
}

func TestPinned(t *testing.T) {
	c, dir := open(t)
	write(t, dir, "d/f.tiny", `{"rows":1}`)
	table, err := c.Files(t.Context(), &plan.DataSource{Format: "tiny", Paths: []string{dir + "/d"}})
	require.NoError(t, err)
	write(t, dir, "d/f.tiny", `{"rows":12345}`)
	write(t, dir, "d/g.tiny", `{"rows":1}`)
	_, err = table.Splits(t.Context(), catalog.ScanRequest{})
	require.True(t, errs.Is(err, errs.Conflict), "a changed file is found out: %v", err)
	require.Len(t, table.Files(), 1)
}

func TestMatches(t *testing.T) {
	for _, tc := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "x", true},
		{"*", "x", true},
		{"A*", "abc", true},
		{"*c", "abc", true},
		{"a*c", "ac", true},
		{"a*c", "ab", false},
		{"x|ab*", "abc", true},
		{"abc", "abcd", false},
		{"*b*c*", "xbycz", true},
		{"a*b*b", "ab", false},
	} {
		require.Equal(t, tc.want, catalog.Matches(tc.pattern, tc.name), "%s %s", tc.pattern, tc.name)
	}
}
