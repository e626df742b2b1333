package batch_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// samples holds one vector of five rows, one null, for each layout.
func samples() []*batch.Vector {
	long := strings.Repeat("long value ", 4)
	st := types.Struct(types.F("a", types.Int), types.F("b", types.String))
	return []*batch.Vector{
		batch.Of(types.Bool, true, nil, false, true, true),
		batch.Of(types.Byte, int8(1), nil, int8(-3), int8(4), int8(5)),
		batch.Of(types.Short, int16(1), nil, int16(-3), int16(4), int16(5)),
		batch.Of(types.Int, int32(1), nil, int32(-3), int32(4), int32(5)),
		batch.Of(types.Long, int64(1), nil, int64(-3), int64(4), int64(5)),
		batch.Of(types.Double, 1.5, nil, -3.0, 4.0, 5.0),
		batch.Of(types.Decimal(38, 2), batch.Int128{Lo: 1, Hi: 2}, nil, batch.Int128{Hi: -1}, batch.Int128{}, batch.Int128{Lo: 9}),
		batch.Of(types.String, "a", nil, long, "twelve bytes", "thirteen byte"),
		batch.Of(types.Binary, []byte("a"), nil, []byte(long), []byte{}, []byte{0}),
		batch.Of(types.CalendarInterval, batch.Interval{Months: 1}, nil, batch.Interval{}, batch.Interval{Days: 2}, batch.Interval{Micros: 3}),
		batch.Of(types.Array(types.String, true), []any{"x", nil}, nil, []any{}, []any{long}, []any{"y"}),
		batch.Of(types.Map(types.String, types.Int, true), batch.MapValue{Keys: []any{"k"}, Values: []any{int32(1)}}, nil,
			batch.MapValue{Keys: []any{}, Values: []any{}}, batch.MapValue{Keys: []any{"p", long}, Values: []any{nil, int32(2)}},
			batch.MapValue{Keys: []any{"q"}, Values: []any{int32(3)}}),
		batch.Of(st, []any{int32(1), "x"}, nil, []any{nil, long}, []any{int32(4), nil}, []any{int32(5), "z"}),
	}
}

func boxes(v *batch.Vector) []any {
	out := make([]any, v.Len())
	for i := range out {
		out[i] = v.Get(i)
	}
	return out
}

func pick(all []any, idx []int32) []any {
	out := make([]any, len(idx))
	for i, x := range idx {
		if x >= 0 {
			out[i] = all[x]
		}
	}
	return out
}

func TestGatherKeepsValues(t *testing.T) {
	idx := []int32{4, 0, -1, 1, 2, 2, 3}
	for _, src := range samples() {
		want := pick(boxes(src), idx)
		got := batch.New(src.Type, 0)
		got.Gather(src, idx)
		require.Equal(t, want, boxes(got), "gather %s", src.Type)

		got.Reset(0)
		got.AppendGather(src, idx[:3])
		got.AppendGather(src, idx[3:])
		require.Equal(t, want, boxes(got), "append gather %s", src.Type)
	}
}

func TestAppendRangeKeepsValues(t *testing.T) {
	for _, src := range samples() {
		got := batch.New(src.Type, 0)
		got.Reset(0)
		for range 30 { // crosses bitmap words at odd positions
			got.AppendRange(src, 1, 3)
			got.AppendRange(src, 0, 2)
		}
		all := boxes(src)
		for k := range 30 {
			require.Equal(t, []any{all[1], all[2], all[3], all[0], all[1]}, boxes(got)[k*5:k*5+5], "%s", src.Type)
		}
		var s batch.Vector
		s.Slice(got, 7, 70)
		require.Equal(t, boxes(got)[7:77], boxes(&s), "slice of %s", src.Type)
	}
}

func TestEncodingsBehaveAlike(t *testing.T) {
	codes := []int32{1, 0, 0, 2}
	for _, src := range samples() {
		dict := batch.New(src.Type, 0)
		dict.Gather(src, []int32{0, 2, 3})
		d := batch.New(src.Type, 0)
		d.Reset(4)
		d.SetDict(codes, dict)
		d.SetNull(3)
		all := boxes(dict)
		want := []any{all[1], all[0], all[0], nil}
		require.Equal(t, want, boxes(d), "dict of %s", src.Type)
		require.Equal(t, want, boxes(d.Flatten(batch.New(src.Type, 0))), "flat dict of %s", src.Type)

		g := *batch.New(src.Type, 0)
		g.Gather(d, []int32{3, 0, -1})
		require.Equal(t, []any{nil, all[1], nil}, boxes(&g), "gathered dict of %s", src.Type)

		c := batch.NewConst(src.Type, src.Get(2), 3)
		require.Equal(t, []any{src.Get(2), src.Get(2), src.Get(2)}, boxes(c.Flatten(batch.New(src.Type, 0))))
		g.Reset(0)
		g.AppendRange(c, 0, 2)
		g.AppendGather(c, []int32{-1, 1})
		require.Equal(t, []any{src.Get(2), src.Get(2), nil, src.Get(2)}, boxes(&g))
	}
}

func TestReuseAfterReset(t *testing.T) {
	for _, src := range samples() {
		v := batch.New(src.Type, 0)
		for range 3 {
			v.Reset(0)
			v.AppendRange(src, 0, 5)
			require.Equal(t, boxes(src), boxes(v))
			require.Equal(t, 1, v.NullCount())
		}
	}
}

func TestViewsCompare(t *testing.T) {
	words := []any{"", "a", "ab", "abcd", "abcde", "abcdefghijkl", "abcdefghijklm", "abcdefghijkln", "b"}
	v := batch.Of(types.String, words...)
	s := batch.Values[batch.View](v)
	for i := range words {
		for j := range words {
			want := strings.Compare(words[i].(string), words[j].(string))
			require.Equal(t, want, batch.CompareViews(&s[i], v.Bufs, &s[j], v.Bufs), "%q %q", words[i], words[j])
			require.Equal(t, i == j, batch.EqualViews(&s[i], v.Bufs, &s[j], v.Bufs))
		}
	}
}
