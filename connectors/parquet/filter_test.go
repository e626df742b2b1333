package parquet_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// keep makes a filter of a condition on boxed values.
func keep(column int, cond func(any) bool) format.Filter {
	return format.Filter{Column: column, New: func() (format.Select, error) {
		return func(v *batch.Vector, sel []int32) ([]int32, error) {
			out := sel[:0]
			for _, i := range sel {
				if cond(v.Get(int(i))) {
					out = append(out, i)
				}
			}
			return out, nil
		}, nil
	}}
}

func hash(x any, mod int) bool {
	switch x := x.(type) {
	case nil:
		return mod%2 == 0
	case int32:
		return int(x)%mod == 0
	case int64:
		return int(x)%mod == 0
	case string:
		return len(x)%mod == 0
	case bool:
		return x
	case float64:
		return x > 0
	case []any:
		return len(x)%mod == 0
	}
	return true
}

// TestFiltersKeepTheRightRows filters on random columns and compares with the
// same conditions over all rows.
func TestFiltersKeepTheRightRows(t *testing.T) {
	b := newBench()
	r := rand.New(rand.NewPCG(3, 9))
	for _, nulls := range []int{0, 3} {
		schema, cols := table(11, 9000, nulls)
		ref := b.write(t, t.TempDir()+"/f.parquet", schema, cols, 3000, format.Options{"parquet.block.size": "300000"})
		for range 25 {
			req := format.ReadRequest{Rows: []int{0, 100, 4096, 10000}[r.IntN(4)]}
			conds := map[int][]func(any) bool{}
			perm := r.Perm(len(schema.Fields))
			req.Columns = perm[:1+r.IntN(6)]
			for range 1 + r.IntN(4) {
				k, mod := r.IntN(len(req.Columns)), []int{1, 2, 3, 17, 1000}[r.IntN(5)]
				cond := func(x any) bool { return hash(x, mod) }
				conds[k] = append(conds[k], cond)
				req.Filters = append(req.Filters, keep(k, cond))
			}
			got, err := b.read(t, ref, schema, req)
			require.NoError(t, err)
			want := make([][]any, len(req.Columns))
			for i := range cols[0] {
				ok := true
				for k, cs := range conds {
					for _, c := range cs {
						ok = ok && c(cols[req.Columns[k]][i])
					}
				}
				for k, c := range req.Columns {
					if ok {
						want[k] = append(want[k], cols[c][i])
					}
				}
			}
			require.Equal(t, want, got, "columns %v", req.Columns)
		}
	}
}

// calls counts what New and Select of a filter were asked for.
func counting(f format.Filter, calls *int) format.Filter {
	inner := f.New
	f.New = func() (format.Select, error) {
		s, err := inner()
		return func(v *batch.Vector, sel []int32) ([]int32, error) { *calls++; return s(v, sel) }, err
	}
	return f
}

func TestStatisticsSkipRowGroups(t *testing.T) {
	b := newBench()
	schema := types.NewSchema(types.F("a", types.Int), types.F("s", types.String), types.F("n", types.Long), types.F("d", types.Double))
	cols := make([][]any, 3)
	for i := range 40000 {
		cols[0] = append(cols[0], int32(i))
		cols[1] = append(cols[1], string(rune('a'+i/2000)))
		cols[2] = append(cols[2], nil)
	}
	ref := b.write(t, t.TempDir()+"/f.parquet", types.NewSchema(schema.Fields[:3]...), cols, 1000, format.Options{"parquet.block.size": "4000"})
	plan, err := b.f.Plan(t.Context(), b.fs, ref, schema, nil)
	require.NoError(t, err)
	require.Len(t, plan.Splits, 1, "small row groups go together")
	for _, tc := range []struct {
		name string
		f    format.Filter
		rows int
		most int // windows looked at
	}{
		{"range", format.Filter{Column: 0, Min: int32(35000), MinOpen: true}, 4999, 6},
		{"at most", format.Filter{Column: 0, Max: int32(5)}, 6, 2},
		{"in", format.Filter{Column: 0, In: []any{int32(7), int32(39999), int32(-1)}}, 2, 4},
		{"text", format.Filter{Column: 1, Min: "c", Max: "c"}, 2000, 4},
		{"nothing", format.Filter{Column: 0, Min: int32(40000)}, 0, 0},
		{"null rejecting", format.Filter{Column: 2, RejectsNull: true}, 0, 0},
		{"missing column", format.Filter{Column: 3, RejectsNull: true}, 0, 0},
	} {
		calls := 0
		f := tc.f
		f.New = keep(0, func(x any) bool { return pass(f, x) }).New
		f.RejectsNull = true
		out, err := b.read(t, ref, schema, format.ReadRequest{Filters: []format.Filter{counting(f, &calls)}})
		require.NoError(t, err)
		require.Len(t, out[0], tc.rows, tc.name)
		require.LessOrEqual(t, calls, tc.most, tc.name)
	}
}

// TestPageStatisticsSkipPages filters a sorted column within one row group.
func TestPageStatisticsSkipPages(t *testing.T) {
	b := newBench()
	schema := types.NewSchema(types.F("a", types.Int), types.F("s", types.String), types.F("l", types.Array(types.Int, true)))
	cols := make([][]any, 3)
	const n = 200000
	for i := range n {
		cols[0] = append(cols[0], int32(i))
		cols[1] = append(cols[1], string(rune('a'+i%26)))
		cols[2] = append(cols[2], []any{int32(i), int32(-i)})
	}
	ref := b.write(t, t.TempDir()+"/f.parquet", schema, cols, 4096, nil)
	for _, lo := range []int32{0, 100000, n - 10, n} {
		calls := 0
		f := format.Filter{Column: 1, Min: lo, Max: lo + 9, RejectsNull: true}
		f.New = keep(0, func(x any) bool { return pass(f, x) }).New
		got, err := b.read(t, ref, schema, format.ReadRequest{Columns: []int{2, 0, 1}, Filters: []format.Filter{counting(f, &calls)}})
		require.NoError(t, err)
		if lo == n {
			require.Empty(t, got[0])
			require.Zero(t, calls)
			continue
		}
		require.LessOrEqual(t, calls, 20, "one page of many")
		require.Equal(t, cols[2][lo:lo+10], got[0])
		require.Equal(t, cols[0][lo:lo+10], got[1])
		require.Equal(t, cols[1][lo:lo+10], got[2])
	}
}

func pass(f format.Filter, x any) bool {
	switch x := x.(type) {
	case int32:
		if slices.Contains(f.In, any(x)) {
			return true
		}
		return len(f.In) == 0 && (f.Min == nil || x >= f.Min.(int32) && (!f.MinOpen || x > f.Min.(int32))) && (f.Max == nil || x <= f.Max.(int32))
	case string:
		return x >= f.Min.(string) && x <= f.Max.(string)
	}
	return false
}

type late struct{ f atomic.Pointer[format.Filter] }

func (l *late) Current() *format.Filter { return l.f.Load() }

func TestDynamicFilterTakesEffectDuringTheScan(t *testing.T) {
	b := newBench()
	schema, cols := table(5, 20000, 0)
	ref := b.write(t, t.TempDir()+"/f.parquet", schema, cols, 5000, nil)
	plan, err := b.f.Plan(t.Context(), b.fs, ref, schema, nil)
	require.NoError(t, err)
	var dyn late
	r, err := b.f.Open(t.Context(), b.fs, plan.Splits[0], format.ReadRequest{Columns: []int{5, 16}, Dynamic: []format.Dynamic{&dyn}, Rows: 1000})
	require.NoError(t, err)
	defer r.Close()
	first, err := r.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1000, first.N)
	f := keep(0, func(x any) bool { return x.(int32) >= 19990 })
	f.Column = 0
	dyn.f.Store(&f)
	second, err := r.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, 10, second.N)
	require.Equal(t, int32(19990), second.Cols[0].Get(0))
	require.Equal(t, cols[16][19999], second.Cols[1].Get(9))
	_, err = r.Next(t.Context())
	require.ErrorIs(t, err, io.EOF)
}

func TestBudgetIsKept(t *testing.T) {
	b := newBench()
	schema, cols := table(5, 20000, 0)
	ref := b.write(t, t.TempDir()+"/f.parquet", schema, cols, 5000, nil)
	plan, err := b.f.Plan(t.Context(), b.fs, ref, schema, nil)
	require.NoError(t, err)
	small := mem.NewBudget("small", 100<<10)
	out := make([][]any, 1)
	err = b.readSplit(t.Context(), plan.Splits[0], format.ReadRequest{Columns: []int{16}, Budget: small}, out)
	require.True(t, errs.Is(err, errs.Exhausted), "%v", err)
	require.Zero(t, small.Used())
}

func TestWideningAndMismatch(t *testing.T) {
	b := newBench()
	file := types.NewSchema(types.F("i", types.Int), types.F("f", types.Float), types.F("d", types.Decimal(9, 2)), types.F("s", types.Struct(types.F("a", types.Int))))
	ref := b.write(t, t.TempDir()+"/f.parquet", file, [][]any{{int32(-3), nil}, {float32(1.5), nil}, {int64(-150), nil}, {[]any{int32(1)}, nil}}, 10, nil)
	want := types.NewSchema(types.F("I", types.Long), types.F("f", types.Double), types.F("d", types.Decimal(38, 4)), types.F("none", types.Binary),
		types.F("s", types.Struct(types.F("b", types.String), types.F("a", types.Long))))
	got, err := b.read(t, ref, want, format.ReadRequest{})
	require.NoError(t, err)
	require.Equal(t, [][]any{{int64(-3), nil}, {1.5, nil}, {batch.Int128{Lo: 15000}.Neg(), nil}, {nil, nil}, {[]any{nil, int64(1)}, nil}}, got)
	for name, typ := range map[string]types.Type{"i": types.String, "f": types.Float, "d": types.Decimal(9, 1), "s": types.Int} {
		_, err := b.read(t, ref, types.NewSchema(types.F(name, typ)), format.ReadRequest{})
		if name == "f" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, "PARQUET_COLUMN_DATA_TYPE_MISMATCH", name)
		c, ok := errors.AsType[*errs.Condition](err)
		require.True(t, ok)
		require.Equal(t, name, c.Params["column"])
		require.Equal(t, ref.Path, c.Params["path"])
	}
}

func TestVersionIsPinnedThroughTheScan(t *testing.T) {
	b := newBench()
	schema := types.NewSchema(types.F("i", types.Int))
	path := t.TempDir() + "/f.parquet"
	old := b.write(t, path, schema, [][]any{{int32(1)}}, 1, nil)
	b.write(t, path, schema, [][]any{{int32(2)}}, 1, nil)
	_, err := b.f.Infer(t.Context(), b.fs, []vfs.FileRef{old}, nil)
	require.True(t, errs.Is(err, errs.Conflict), "%v", err)
}
