package arrowipc_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/arrowipc"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// everyType is a column of each type, and three values of each: one per row.
func everyType() (types.Schema, [][]any) {
	long := strings.Repeat("längere Zeichenkette ", 3)
	point := types.Struct(types.F("x", types.Int), types.F("s", types.String))
	cols := []struct {
		t  types.Type
		vs []any
	}{
		{types.Null, []any{nil, nil, nil}},
		{types.Bool, []any{true, nil, false}},
		{types.Byte, []any{int8(-1), nil, int8(127)}},
		{types.Short, []any{int16(-300), nil, int16(7)}},
		{types.Int, []any{int32(math.MinInt32), nil, int32(5)}},
		{types.Long, []any{int64(math.MaxInt64), nil, int64(-5)}},
		{types.Float, []any{float32(1.5), nil, float32(-2)}},
		{types.Double, []any{1.25, nil, -1e300}},
		{types.Decimal(10, 2), []any{int64(12345), nil, int64(-1)}},
		{types.Decimal(38, 10), []any{batch.Int128{Lo: 5, Hi: 7}, nil, batch.Int128{Lo: math.MaxUint64, Hi: -1}}},
		{types.String, []any{"short", nil, long}},
		{types.Binary, []any{[]byte{0, 1}, nil, []byte(long)}},
		{types.Date, []any{int32(-1), nil, int32(20000)}},
		{types.Timestamp, []any{int64(1), nil, int64(-1)}},
		{types.TimestampNTZ, []any{int64(1_700_000_000_000_000), nil, int64(0)}},
		{types.Time, []any{int64(86399_999999999), nil, int64(0)}},
		{types.YearMonth, []any{int32(14), nil, int32(-1)}},
		{types.DayTime, []any{int64(90_061_000_001), nil, int64(-1)}},
		{types.CalendarInterval, []any{batch.Interval{Months: 1, Days: -2, Micros: 3}, nil, batch.Interval{}}},
		{types.Array(types.String, true), []any{[]any{"a", nil, long}, nil, []any{}}},
		{types.Array(types.Array(types.Int, true), true), []any{[]any{[]any{int32(1)}, nil}, nil, []any{[]any{}, []any{int32(2), nil}}}},
		{types.Map(types.String, types.Double, true), []any{batch.MapValue{Keys: []any{"k", long}, Values: []any{1.0, nil}}, nil, batch.MapValue{Keys: []any{}, Values: []any{}}}},
		{point, []any{[]any{int32(1), "p"}, nil, []any{nil, long}}},
		{types.Variant, []any{[]any{[]byte{1}, []byte{2}}, nil, []any{[]byte{3}, []byte{4}}}},
	}
	var s types.Schema
	var vs [][]any
	for i, c := range cols {
		s.Fields = append(s.Fields, types.F(fmt.Sprintf("c%d", i), c.t))
		vs = append(vs, c.vs)
	}
	return s, vs
}

// batchOf repeats the rows of vs until there are n.
func batchOf(s types.Schema, vs [][]any, n int) *batch.Batch {
	b := batch.NewBatch(s.Types(), n)
	b.Reset(0)
	for i, c := range b.Cols {
		for k := range n {
			c.Append(vs[i][k%len(vs[i])])
		}
	}
	b.N = n
	return b
}

func rows(bs []*batch.Batch) [][]any {
	var out [][]any
	for _, b := range bs {
		for i := range b.N {
			row := make([]any, len(b.Cols))
			for k, c := range b.Cols {
				row[k] = c.Get(i)
			}
			out = append(out, row)
		}
	}
	return out
}

func decoded(t *testing.T, data []byte) (types.Schema, [][]any) {
	t.Helper()
	s, bs, err := arrowipc.Decode(data, arrowipc.Limits{Rows: 64})
	require.NoError(t, err)
	return s, rows(bs)
}

func TestOwnRoundTrip(t *testing.T) {
	s, vs := everyType()
	for _, n := range []int{0, 1, 3, 63, 64, 65, 1000} {
		for _, large := range []bool{false, true} {
			b := batchOf(s, vs, n)
			data, err := arrowipc.EncodeStream(s, b, arrowipc.Options{ZoneID: "Europe/Berlin", LargeVarTypes: large})
			require.NoError(t, err)
			got, values := decoded(t, data)
			require.True(t, s.Struct().Same(got.Struct()), "%s\n%s", s.DDL(), got.DDL())
			require.Equal(t, rows([]*batch.Batch{b}), values)
		}
	}
}

// reread passes a stream through arrow-go's reader and writer.
func reread(t *testing.T, data []byte, opts ...ipc.Option) (arrow.RecordBatch, []byte) {
	t.Helper()
	r, err := ipc.NewReader(bytes.NewReader(data))
	require.NoError(t, err)
	require.True(t, r.Next(), "%v", r.Err())
	rec := r.RecordBatch()
	rec.Retain()
	require.False(t, r.Next())
	var out bytes.Buffer
	w := ipc.NewWriter(&out, append(opts, ipc.WithSchema(rec.Schema()))...)
	require.NoError(t, w.Write(rec))
	require.NoError(t, w.Close())
	return rec, out.Bytes()
}

func TestArrowGoReadsAndWritesTheSame(t *testing.T) {
	s, vs := everyType()
	for name, opts := range map[string][]ipc.Option{"plain": nil, "lz4": {ipc.WithLZ4()}, "zstd": {ipc.WithZstd()}} {
		for _, large := range []bool{false, true} {
			t.Run(fmt.Sprint(name, large), func(t *testing.T) {
				b := batchOf(s, vs, 130)
				data, err := arrowipc.EncodeStream(s, b, arrowipc.Options{LargeVarTypes: large})
				require.NoError(t, err)
				rec, again := reread(t, data, opts...)
				require.EqualValues(t, 130, rec.NumRows())
				got, values := decoded(t, again)
				require.True(t, s.Struct().Same(got.Struct()))
				require.Equal(t, rows([]*batch.Batch{b}), values)
			})
		}
	}
}

func TestSchemaIsSparks(t *testing.T) {
	s, vs := everyType()
	s.Fields[4].Metadata = `{"k":1}`
	data, err := arrowipc.EncodeStream(s, batchOf(s, vs, 3), arrowipc.Options{ZoneID: "America/New_York"})
	require.NoError(t, err)
	rec, _ := reread(t, data)
	typ := func(i int) arrow.DataType { return rec.Schema().Field(i).Type }
	require.Equal(t, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "America/New_York"}, typ(13))
	require.Equal(t, &arrow.TimestampType{Unit: arrow.Microsecond}, typ(14))
	require.Equal(t, &arrow.Decimal128Type{Precision: 10, Scale: 2}, typ(8))
	require.Equal(t, arrow.FixedWidthTypes.Date32, typ(12))
	require.Equal(t, arrow.FixedWidthTypes.Time64ns, typ(15))
	require.Equal(t, arrow.FixedWidthTypes.MonthInterval, typ(16))
	require.Equal(t, arrow.FixedWidthTypes.Duration_us, typ(17))
	require.Equal(t, arrow.FixedWidthTypes.MonthDayNanoInterval, typ(18))
	require.Equal(t, "element", typ(19).(*arrow.ListType).ElemField().Name)
	m := typ(21).(*arrow.MapType)
	require.Equal(t, "entries", m.ElemField().Name)
	require.Equal(t, "key", m.KeyField().Name)
	require.False(t, m.KeyField().Nullable)
	v, ok := rec.Schema().Field(4).Metadata.GetValue("SPARK::metadata::json")
	require.True(t, ok)
	require.Equal(t, `{"k":1}`, v)
}

func TestEncodingsAndSlices(t *testing.T) {
	dict := batch.Of(types.String, "a", strings.Repeat("b", 40), "")
	d := batch.New(types.String, 0)
	d.Reset(5)
	d.SetDict([]int32{2, 1, 0, 1, 0}, dict)
	d.SetNull(2)
	k := batch.NewConst(types.Long, int64(7), 5)
	kn := batch.NewConst(types.Array(types.Int, true), nil, 5)
	nums := batch.New(types.Decimal(5, 1), 0)
	nums.Reset(5)
	nums.SetDict([]int32{0, 0, 1, 1, 0}, batch.Of(types.Decimal(5, 1), int64(10), int64(20)))
	s := types.NewSchema(types.F("d", types.String), types.F("k", types.Long), types.F("n", kn.Type), types.F("m", nums.Type))
	b := &batch.Batch{N: 5, Cols: []*batch.Vector{d, k, kn, nums}}
	want := rows([]*batch.Batch{b})

	e := arrowipc.NewEncoder(s, arrowipc.Options{})
	require.NoError(t, e.Append(b, 1, 3))
	require.NoError(t, e.Append(b, 0, 1))
	require.Equal(t, 4, e.Rows())
	_, got := decoded(t, e.Finish())
	require.Equal(t, [][]any{want[1], want[2], want[3], want[0]}, got)

	require.NoError(t, e.Append(b, 4, 1)) // and the encoder starts anew
	_, got = decoded(t, e.Finish())
	require.Equal(t, want[4:], got)
}

func TestNullSlotsCarryNoOldBytes(t *testing.T) {
	v := batch.New(types.Long, 4)
	v.Reset(4)
	for i := range 4 {
		batch.Values[int64](v)[i] = 0x5EC2E7_5EC2E7
	}
	v.SetNull(1)
	data, err := arrowipc.EncodeStream(types.NewSchema(types.F("a", types.Long)), &batch.Batch{N: 4, Cols: []*batch.Vector{v}}, arrowipc.Options{})
	require.NoError(t, err)
	require.Equal(t, 3, bytes.Count(data, []byte{0xE7, 0xC2, 0x5E, 0xE7, 0xC2, 0x5E}))
}

func TestRandomBatches(t *testing.T) {
	s, vs := everyType()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		n := rnd.IntN(200)
		b := batch.NewBatch(s.Types(), n)
		b.Reset(0)
		for i, c := range b.Cols {
			for range n {
				c.Append(vs[i][rnd.IntN(3)])
			}
		}
		b.N = n
		e := arrowipc.NewEncoder(s, arrowipc.Options{})
		for from := 0; from < n; {
			k := min(1+rnd.IntN(70), n-from)
			require.NoError(t, e.Append(b, from, k))
			from += k
		}
		_, again := reread(t, e.Finish())
		_, got := decoded(t, again)
		require.Equal(t, rows([]*batch.Batch{b}), got)
	}
}

// foreign builds one column with arrow-go and decodes it.
func foreign(t *testing.T, typ arrow.DataType, json string) (types.Type, []any, error) {
	t.Helper()
	arr, _, err := array.FromJSON(memory.DefaultAllocator, typ, strings.NewReader(json))
	require.NoError(t, err)
	schema := arrow.NewSchema([]arrow.Field{{Name: "c", Type: typ, Nullable: true}}, nil)
	rec := array.NewRecordBatch(schema, []arrow.Array{arr}, int64(arr.Len()))
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(schema))
	require.NoError(t, w.Write(rec))
	require.NoError(t, w.Close())
	s, bs, err := arrowipc.Decode(out.Bytes(), arrowipc.Limits{Rows: 2})
	if err != nil {
		return types.Type{}, nil, err
	}
	var vs []any
	for _, r := range rows(bs) {
		vs = append(vs, r[0])
	}
	return s.Fields[0].Type, vs, nil
}

func TestForeignTypes(t *testing.T) {
	long := strings.Repeat("x", 30)
	for _, c := range []struct {
		typ  arrow.DataType
		json string
		want types.Type
		vs   []any
	}{
		{arrow.PrimitiveTypes.Uint8, `[255,null]`, types.Short, []any{int16(255), nil}},
		{arrow.PrimitiveTypes.Uint16, `[65535,null]`, types.Int, []any{int32(65535), nil}},
		{arrow.PrimitiveTypes.Uint32, `[4294967295]`, types.Long, []any{int64(4294967295)}},
		{arrow.PrimitiveTypes.Uint64, `[18446744073709551615]`, types.Decimal(20, 0), []any{batch.Int128{Lo: math.MaxUint64}}},
		{arrow.FixedWidthTypes.Float16, `[1.5,-0.25,null]`, types.Float, []any{float32(1.5), float32(-0.25), nil}},
		{arrow.FixedWidthTypes.Date64, `["2020-01-01",null]`, types.Date, []any{int32(18262), nil}},
		{arrow.FixedWidthTypes.Time32s, `["00:00:01"]`, types.Time, []any{int64(1e9)}},
		{arrow.FixedWidthTypes.Timestamp_s, `[2,null]`, types.Timestamp, []any{int64(2e6), nil}},
		{&arrow.TimestampType{Unit: arrow.Nanosecond}, `["1969-12-31 23:59:59.999999999"]`, types.TimestampNTZ, []any{int64(-1)}},
		{&arrow.TimestampType{Unit: arrow.Millisecond}, `["1970-01-01 00:00:00.003"]`, types.TimestampNTZ, []any{int64(3000)}},
		{arrow.FixedWidthTypes.Duration_s, `["3s"]`, types.DayTime, []any{int64(3e6)}},
		{arrow.FixedWidthTypes.DayTimeInterval, `[{"days":2,"milliseconds":-3}]`, types.CalendarInterval, []any{batch.Interval{Days: 2, Micros: -3000}}},
		{&arrow.Decimal256Type{Precision: 20, Scale: 1}, `["-12.5",null]`, types.Decimal(20, 1), []any{batch.Int128{Lo: ^uint64(124), Hi: -1}, nil}},
		{&arrow.Decimal256Type{Precision: 5, Scale: 1}, `["12.5"]`, types.Decimal(5, 1), []any{int64(125)}},
		{arrow.BinaryTypes.StringView, `["ab",null,"` + long + `"]`, types.String, []any{"ab", nil, long}},
		{arrow.BinaryTypes.LargeString, `["ab",null]`, types.String, []any{"ab", nil}},
		{&arrow.FixedSizeBinaryType{ByteWidth: 2}, `["YWI=",null]`, types.Binary, []any{[]byte("ab"), nil}},
		{
			arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int8), `[[1,2],[3,null],[5,6]]`, types.Array(types.Byte, true),
			[]any{[]any{int8(1), int8(2)}, []any{int8(3), nil}, []any{int8(5), int8(6)}},
		},
		{arrow.LargeListOf(arrow.BinaryTypes.String), `[["a"],[],null]`, types.Array(types.String, true), []any{[]any{"a"}, []any{}, nil}},
		{
			&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, `["a",null,"` + long + `","a"]`,
			types.String,
			[]any{"a", nil, long, "a"},
		},
		{&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.PrimitiveTypes.Int64}, `[5,null,5]`, types.Long, []any{int64(5), nil, int64(5)}},
	} {
		t.Run(c.typ.String(), func(t *testing.T) {
			typ, vs, err := foreign(t, c.typ, c.json)
			require.NoError(t, err)
			require.True(t, typ.Equal(c.want), "%s", typ)
			require.Equal(t, c.vs, vs)
		})
	}
}
