package exec

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// compareBoxed orders boxed values as Spark does.
func compareBoxed(a, b any) int {
	switch x := a.(type) {
	case int32:
		return cmp.Compare(x, b.(int32))
	case int64:
		return cmp.Compare(x, b.(int64))
	case string:
		return cmp.Compare(x, b.(string))
	case float64:
		y := b.(float64)
		if math.IsNaN(x) || math.IsNaN(y) {
			return cmp.Compare(btoi(math.IsNaN(x)), btoi(math.IsNaN(y)))
		}
		return cmp.Compare(x, y)
	case bool:
		return cmp.Compare(btoi(x), btoi(b.(bool)))
	case batch.Int128:
		return x.Cmp(b.(batch.Int128))
	}
	panic(fmt.Sprintf("%T", a))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sortReference sorts stably.
func sortReference(rows [][]any, keys []sortKey) [][]any {
	out := slices.Clone(rows)
	slices.SortStableFunc(out, func(a, b []any) int {
		for _, k := range keys {
			x, y := a[k.col], b[k.col]
			var c int
			switch {
			case x == nil && y == nil:
				continue
			case x == nil || y == nil:
				c = 1
				if (x == nil) == k.nullsFirst {
					c = -1
				}
			default:
				c = compareBoxed(x, y)
				if k.desc {
					c = -c
				}
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return out
}

func sortNode(tt testTable, keys []sortKey, s shape) *physical.Sort {
	n := &physical.Sort{Limit: -1, Global: true, Child: tt.values(s)}
	for _, k := range keys {
		n.Keys = append(n.Keys, physical.SortKey{Expr: col(tt, k.col), Desc: k.desc, NullsFirst: k.nullsFirst})
	}
	return n
}

// keyColumns are the columns sorted by, since rows with equal keys come in any order.
func keyColumns(rows [][]any, keys []sortKey) [][]any {
	out := make([][]any, len(rows))
	for i, r := range rows {
		for _, k := range keys {
			x := r[k.col]
			if x == 0.0 {
				x = 0.0 // -0.0 is equal
			}
			out[i] = append(out[i], x)
		}
	}
	return out
}

var sortCases = [][]sortKey{
	{{col: 0}},
	{{col: 0, desc: true, nullsFirst: true}, {col: 2}},
	{{col: 1, nullsFirst: true}, {col: 0, desc: true}},
	{{col: 2}},
	{{col: 2, desc: true}, {col: 3, nullsFirst: true}, {col: 0}},
	{{col: 3, desc: true}, {col: 1}},
	{{col: 4}, {col: 4, desc: true}, {col: 2, nullsFirst: true}, {col: 1}},
}

func TestSortEqualsReference(t *testing.T) {
	for _, domain := range []int{3, 300, 1 << 30} {
		tt := randomTable(uint64(domain), 3000, domain)
		for i := range tt.rows {
			if i%50 == 0 {
				tt.rows[i][3] = []any{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1)}[i/50%4]
			}
		}
		for i, keys := range sortCases {
			t.Run(fmt.Sprintf("domain=%d/%d", domain, i), func(t *testing.T) {
				want := sortReference(tt.rows, keys)
				for _, s := range append(slices.Clone(shapes), spillShapes...) {
					got := collect(t, sortNode(tt, keys, s), testDeps(t, s))
					require.Equal(t, texts(keyColumns(want, keys), false), texts(keyColumns(got, keys), false), "%s", s)
					require.Equal(t, texts(want, true), texts(got, true), "%s", s)
				}
			})
		}
	}
}

// spillShapes are filled in by operators that can spill.
var spillShapes []shape

func TestTopEqualsReference(t *testing.T) {
	tt := randomTable(11, 100_000, 1<<20)
	keys := []sortKey{{col: 1, desc: true}, {col: 2}, {col: 0}}
	want := sortReference(tt.rows, keys)
	for _, lim := range []struct{ limit, offset int64 }{{0, 0}, {1, 0}, {10, 5}, {1000, 40_000}, {200_000, 99_000}} {
		for _, s := range []shape{{threads: 1, rows: 4096, input: 4096}, {threads: 2, rows: 100, input: 1000, dict: true}} {
			n := sortNode(tt, keys, s)
			n.Limit, n.Offset = lim.limit, lim.offset
			hi := min(int64(len(want)), lim.offset+lim.limit)
			w := want[min(lim.offset, hi):hi]
			require.Equal(t, texts(keyColumns(w, keys), false), texts(keyColumns(collect(t, n, testDeps(t, s)), keys), false), "%+v %s", lim, s)
		}
	}
}

// One part, stable: equal rows keep their order.
func TestSortIsStableWithinOneInput(t *testing.T) {
	tt := testTable{schema: types.NewSchema(types.F("k", types.Int), types.F("n", types.Long))}
	for i := range 5000 {
		tt.rows = append(tt.rows, []any{int32(i % 3), int64(i)})
	}
	keys := []sortKey{{col: 0, desc: true}}
	got := collect(t, sortNode(tt, keys, shape{threads: 2, rows: 4096, input: 10_000}), testDeps(t, shape{threads: 2}))
	require.Equal(t, texts(sortReference(tt.rows, keys), false), texts(got, false))
}

func TestSortWideDecimals(t *testing.T) {
	tt := testTable{schema: types.NewSchema(types.F("k", types.Decimal(38, 0)))}
	for i := range 3000 {
		x := batch.Int128{Lo: uint64(i*7919) << 40, Hi: int64(i%5) - 2}
		if i%2 == 0 {
			x = batch.Int128{Lo: uint64(int64(i - 1500)), Hi: int64(i-1500) >> 63}
		}
		tt.rows = append(tt.rows, []any{x})
	}
	for _, keys := range [][]sortKey{{{col: 0}}, {{col: 0, desc: true}}} {
		check(t, true, sortReference(tt.rows, keys), func(s shape) physical.Node { return sortNode(tt, keys, s) })
	}
}

func TestLimitAndTail(t *testing.T) {
	tt := randomTable(5, 1000, 1<<30)
	for _, c := range []struct {
		n, offset int64
		tail      bool
		want      [][]any
	}{
		{10, 0, false, tt.rows[:10]},
		{0, 0, false, nil},
		{10, 995, false, tt.rows[995:]},
		{-1, 990, false, tt.rows[990:]},
		{500, 250, false, tt.rows[250:750]},
		{7, 0, true, tt.rows[993:]},
		{0, 0, true, nil},
		{5000, 0, true, tt.rows},
	} {
		t.Run(fmt.Sprintf("%d,%d,%v", c.n, c.offset, c.tail), func(t *testing.T) {
			check(t, true, c.want, func(s shape) physical.Node {
				return &physical.Limit{N: c.n, Offset: c.offset, Tail: c.tail, Child: tt.values(s)}
			})
		})
	}
}

func TestRangeAndUnionKeepOrder(t *testing.T) {
	out := types.NewSchema(types.Field{Name: "id", Type: types.Long})
	for _, c := range []struct{ start, end, step int64 }{{0, 200_000, 1}, {10, -10, -3}, {5, 5, 1}, {math.MaxInt64 - 2, math.MaxInt64, 1}, {math.MinInt64, math.MaxInt64, math.MaxInt64}} {
		var want [][]any
		for i := c.start; c.step > 0 && i < c.end || c.step < 0 && i > c.end; {
			want = append(want, []any{i})
			next := i + c.step
			if (next > i) != (c.step > 0) { // ran over
				break
			}
			i = next
		}
		check(t, true, append(slices.Clone(want), want...), func(shape) physical.Node {
			r := func() physical.Node { return &physical.Range{Start: c.start, End: c.end, Step: c.step, Out: out} }
			return &physical.Union{Inputs: []physical.Node{r(), r()}, Out: out}
		})
	}
}
