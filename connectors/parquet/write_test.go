package parquet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/local"
	"github.com/spurwheel/spurwheel/connectors/parquet"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// bench is a format over local files, with a pool of its own.
type bench struct {
	fs *local.FS
	f  *parquet.Format
}

func newBench() bench {
	pool := new(mem.Pool)
	return bench{local.New(pool), parquet.New(pool)}
}

// write stores columns of boxed rows in batches of step rows.
func (b bench) write(t testing.TB, path string, schema types.Schema, cols [][]any, step int, opt format.Options) vfs.FileRef {
	t.Helper()
	w, err := b.f.Create(context.Background(), b.fs, path, schema, opt)
	require.NoError(t, err)
	n := len(cols[0])
	for at := 0; at < n; at += step {
		out := batch.NewBatch(schema.Types(), 0)
		out.Reset(0)
		for i, c := range cols {
			for _, x := range c[at:min(at+step, n)] {
				out.Cols[i].Append(x)
			}
		}
		out.N = min(step, n-at)
		require.NoError(t, w.Write(context.Background(), out))
	}
	ref, err := w.Commit(context.Background())
	require.NoError(t, err)
	return ref
}

// read collects all splits' columns as boxed rows.
func (b bench) read(t testing.TB, ref vfs.FileRef, schema types.Schema, req format.ReadRequest) ([][]any, error) {
	t.Helper()
	ctx := context.Background()
	plan, err := b.f.Plan(ctx, b.fs, ref, schema, nil)
	if err != nil {
		return nil, err
	}
	if req.Columns == nil {
		for i := range schema.Fields {
			req.Columns = append(req.Columns, i)
		}
	}
	out := make([][]any, len(req.Columns))
	budget := mem.NewBudget("test", 0)
	req.Budget = budget
	for _, s := range plan.Splits {
		if err := b.readSplit(ctx, s, req, out); err != nil {
			return nil, err
		}
	}
	require.Zero(t, budget.Used(), "budget after close")
	return out, nil
}

func (b bench) readSplit(ctx context.Context, s format.Split, req format.ReadRequest, out [][]any) error {
	r, err := b.f.Open(ctx, b.fs, s, req)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		got, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return r.Close()
		}
		if err != nil {
			return err
		}
		for i, c := range got.Cols {
			if c.Len() != got.N {
				return fmt.Errorf("column %d has %d rows in a batch of %d", i, c.Len(), got.N)
			}
			for k := range got.N {
				out[i] = append(out[i], c.Get(k))
			}
		}
	}
}

type column struct {
	name string
	typ  types.Type
	gen  func(r *rand.Rand, i int) any
}

// allTypes has a column of each type that files can hold, in several value distributions.
func allTypes() []column {
	text := func(r *rand.Rand, n int) string {
		b := make([]byte, r.IntN(n))
		for i := range b {
			b[i] = 'a' + byte(r.IntN(26))
		}
		return string(b)
	}
	return []column{
		{"bool", types.Bool, func(r *rand.Rand, _ int) any { return r.IntN(2) == 0 }},
		{"byte", types.Byte, func(r *rand.Rand, _ int) any { return int8(r.Int()) }},
		{"short", types.Short, func(r *rand.Rand, _ int) any { return int16(r.Int()) }},
		{"int_few", types.Int, func(r *rand.Rand, _ int) any { return int32(r.IntN(7) - 3) }},
		{"int_many", types.Int, func(r *rand.Rand, _ int) any { return int32(r.Uint32()) }},
		{"int_sorted", types.Int, func(_ *rand.Rand, i int) any { return int32(i) }},
		{"long_few", types.Long, func(r *rand.Rand, _ int) any { return int64(r.IntN(300)) << 40 }},
		{"long_many", types.Long, func(r *rand.Rand, _ int) any { return int64(r.Uint64()) }},
		{"long_same", types.Long, func(*rand.Rand, int) any { return int64(42) }},
		{"float", types.Float, func(r *rand.Rand, _ int) any { return r.Float32() - 0.5 }},
		{"double", types.Double, func(r *rand.Rand, _ int) any { return r.NormFloat64() }},
		{"dec9", types.Decimal(9, 2), func(r *rand.Rand, _ int) any { return int64(r.IntN(1e9)) - 5e8 }},
		{"dec18", types.Decimal(18, 4), func(r *rand.Rand, _ int) any { return r.Int64N(1e18) - 5e17 }},
		{"dec38", types.Decimal(38, 10), func(r *rand.Rand, _ int) any {
			return batch.Int128{Lo: r.Uint64(), Hi: r.Int64N(1<<61) - 1<<60}
		}},
		{"dec20", types.Decimal(20, 0), func(r *rand.Rand, _ int) any { return batch.Int128{Lo: uint64(r.Int64()), Hi: 0}.Neg() }},
		{"str_few", types.String, func(r *rand.Rand, _ int) any {
			return []string{"", "a", "twelve bytes", "more than twelve bytes"}[r.IntN(4)]
		}},
		{"str_many", types.String, func(r *rand.Rand, _ int) any { return text(r, 40) }},
		{"binary", types.Binary, func(r *rand.Rand, _ int) any { return []byte(text(r, 20)) }},
		{"date", types.Date, func(r *rand.Rand, _ int) any { return int32(r.IntN(40000) - 10000) }},
		{"ts", types.Timestamp, func(r *rand.Rand, _ int) any { return r.Int64N(2e15) - 1e15 }},
		{"ntz", types.TimestampNTZ, func(r *rand.Rand, _ int) any { return r.Int64N(2e15) - 1e15 }},
		{"months", types.YearMonth, func(r *rand.Rand, _ int) any { return int32(r.IntN(100)) }},
		{"days", types.DayTime, func(r *rand.Rand, _ int) any { return r.Int64() }},
		{"intervals", types.Array(types.DayTime, true), func(r *rand.Rand, _ int) any { return list(r, func() any { return r.Int64() }) }},
		{"time", types.Time, func(r *rand.Rand, _ int) any { return r.Int64N(86400e6) * 1000 }},
		{"list", types.Array(types.Int, true), func(r *rand.Rand, _ int) any { return list(r, func() any { return int32(r.IntN(100)) }) }},
		{"strings", types.Array(types.String, true), func(r *rand.Rand, _ int) any { return list(r, func() any { return text(r, 30) }) }},
		{"map", types.Map(types.String, types.Double, true), func(r *rand.Rand, i int) any {
			m := batch.MapValue{Keys: []any{}, Values: []any{}}
			for k := range r.IntN(3) {
				m.Keys = append(m.Keys, fmt.Sprint("key ", k))
				m.Values = append(m.Values, maybe(r, r.Float64()))
			}
			return m
		}},
		{"struct", types.Struct(types.F("a", types.Int), types.F("b", types.Struct(types.F("c", types.String)))), func(r *rand.Rand, _ int) any {
			return []any{maybe(r, int32(r.IntN(9))), maybe(r, []any{maybe(r, text(r, 20))})}
		}},
		{
			"deep", types.Array(types.Struct(types.F("x", types.Array(types.Long, true)), types.F("m", types.Map(types.Int, types.Array(types.String, true), true))), true),
			func(r *rand.Rand, _ int) any {
				return list(r, func() any {
					m := batch.MapValue{Keys: []any{int32(1)}, Values: []any{maybe(r, list(r, func() any { return text(r, 5) }))}}
					return []any{maybe(r, list(r, func() any { return r.Int64() })), maybe(r, m)}
				})
			},
		},
	}
}

func maybe(r *rand.Rand, x any) any {
	if r.IntN(5) == 0 {
		return nil
	}
	return x
}

func list(r *rand.Rand, elem func() any) any {
	out := []any{}
	for range r.IntN(4) {
		out = append(out, maybe(r, elem()))
	}
	return out
}

// table makes n rows; every nulls-th value is null, 0: none.
func table(seed uint64, n, nulls int) (types.Schema, [][]any) {
	var s types.Schema
	var cols [][]any
	for k, c := range allTypes() {
		r := rand.New(rand.NewPCG(seed, uint64(k)))
		s.Fields = append(s.Fields, types.F(c.name, c.typ))
		col := make([]any, n)
		for i := range col {
			if x := c.gen(r, i); nulls == 0 || r.IntN(nulls) > 0 {
				col[i] = x
			}
		}
		cols = append(cols, col)
	}
	return s, cols
}

func TestRoundTrip(t *testing.T) {
	b := newBench()
	for _, tc := range []struct {
		rows, nulls, step int
		opt               format.Options
	}{
		{1, 0, 1, nil},
		{1, 1, 1, nil},
		{3000, 0, 1000, format.Options{"compression": "none"}},
		{3000, 3, 777, format.Options{"compression": "zstd"}},
		{2000, 2, 4096, format.Options{"compression": "gzip"}},
		{2000, 1, 100, format.Options{"compression": "lz4_raw"}},
		{5000, 4, 4096, format.Options{"parquet.block.size": "100000"}},
		{33000, 0, 4096, nil},
	} {
		name := fmt.Sprintf("%d rows nulls %d %v", tc.rows, tc.nulls, tc.opt)
		schema, cols := table(7, tc.rows, tc.nulls)
		ref := b.write(t, t.TempDir()+"/f.parquet", schema, cols, tc.step, tc.opt)
		got, err := b.f.Infer(t.Context(), b.fs, []vfs.FileRef{ref}, nil)
		require.NoError(t, err, name)
		require.Equal(t, schema.DDL(), got.DDL(), name)
		for _, rows := range []int{0, 1, 700} {
			if rows != 0 && tc.rows > 2000 {
				continue
			}
			out, err := b.read(t, ref, schema, format.ReadRequest{Rows: rows})
			require.NoError(t, err, name)
			for i := range cols {
				require.Equal(t, cols[i], out[i], "%s: column %s", name, schema.Fields[i].Name)
			}
		}
	}
}

func TestSparkSchemaIsKept(t *testing.T) {
	b := newBench()
	schema := types.NewSchema(types.Field{Name: `odd "name"`, Type: types.Varchar(5), Nullable: true, Metadata: `{"comment":"x"}`})
	ref := b.write(t, t.TempDir()+"/f.parquet", schema, [][]any{{"a"}}, 1, nil)
	got, err := b.f.Infer(t.Context(), b.fs, []vfs.FileRef{ref}, nil)
	require.NoError(t, err)
	require.Equal(t, schema.Fields[0].Metadata, got.Fields[0].Metadata)
	ref = b.write(t, t.TempDir()+"/f.parquet", schema, [][]any{{"a"}}, 1, format.Options{parquet.MetadataKey: "not JSON"})
	got, err = b.f.Infer(t.Context(), b.fs, []vfs.FileRef{ref}, nil)
	require.NoError(t, err)
	require.Equal(t, "`odd \"name\"` STRING", got.DDL())
}

func TestNoRows(t *testing.T) {
	b := newBench()
	schema := types.NewSchema(types.F("a", types.Int))
	ref := b.write(t, t.TempDir()+"/f.parquet", schema, [][]any{{}}, 1, nil)
	out, err := b.read(t, ref, schema, format.ReadRequest{})
	require.NoError(t, err)
	require.Empty(t, out[0])
}

func TestUnwritableTypes(t *testing.T) {
	b := newBench()
	for _, typ := range []types.Type{types.Null, types.CalendarInterval, types.Array(types.Null, true), types.Struct()} {
		_, err := b.f.Create(t.Context(), b.fs, t.TempDir()+"/f", types.NewSchema(types.F("c", typ)), nil)
		require.ErrorContains(t, err, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE")
	}
	_, err := b.f.Create(t.Context(), b.fs, t.TempDir()+"/f", types.NewSchema(types.F("c", types.Int)), format.Options{"compression": "rar"})
	require.ErrorContains(t, err, "rar")
}

func TestStatistics(t *testing.T) {
	b := newBench()
	schema := types.NewSchema(types.F("i", types.Int), types.F("s", types.String), types.F("d", types.Double), types.F("x", types.Decimal(30, 2)),
		types.F("long", types.String), types.F("missing", types.Long))
	wide := func(n int64) batch.Int128 { return batch.Int128{Lo: uint64(n), Hi: n >> 63} }
	ref := b.write(t, t.TempDir()+"/f.parquet", types.NewSchema(schema.Fields[:5]...), [][]any{
		{int32(3), nil, int32(-5)},
		{"b", "", nil},
		{math.NaN(), 0.0, -1.5},
		{wide(7), wide(-1), wide(-300)},
		{strings.Repeat("x", 1000), "y", "z"},
	}, 2, nil)
	plan, err := b.f.Plan(t.Context(), b.fs, ref, schema, nil)
	require.NoError(t, err)
	require.EqualValues(t, 3, plan.Rows)
	for i, want := range []format.ColumnStats{
		{Min: int32(-5), Max: int32(3), Nulls: 1, Distinct: 2},
		{Min: "", Max: "b", Nulls: 1, Distinct: 2},
		{Min: -1.5, Max: 0.0, Distinct: 3},
		{Min: wide(-300), Max: wide(7), Distinct: 3},
		{Distinct: 3},
		{Nulls: 3},
	} {
		got := plan.Stats[i]
		got.Bytes = 0
		require.Equal(t, want, got, schema.Fields[i].Name)
	}
}
