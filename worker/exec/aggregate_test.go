package exec

import (
	"cmp"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// testAggs are count(*), count(l), sum(l), min(s), max(d).
func testAggs(tt testTable) []*plan.Agg {
	return []*plan.Agg{
		{Name: "count", Args: []plan.Expr{plan.LitInt(1)}, Typ: types.Long},
		{Name: "count", Args: []plan.Expr{col(tt, 1)}, Typ: types.Long},
		{Name: "sum", Args: []plan.Expr{col(tt, 1)}, Typ: types.Long, Null: true},
		{Name: "min", Args: []plan.Expr{col(tt, 2)}, Typ: types.String, Null: true},
		{Name: "max", Args: []plan.Expr{col(tt, 3)}, Typ: types.Double, Null: true},
	}
}

func aggSchema(keys []types.Field) types.Schema {
	return types.NewSchema(append(keys, types.F("c", types.Long), types.F("n", types.Long), types.F("s", types.Long), types.F("m", types.String), types.F("x", types.Double))...)
}

// aggReference groups row by row.
func aggReference(tt testTable, keys []int) [][]any {
	groups := map[string][]any{}
	var order []string
	for _, r := range tt.rows {
		var k []any
		for _, i := range keys {
			k = append(k, r[i])
		}
		name := fmt.Sprintf("%#v", k)
		g, ok := groups[name]
		if !ok {
			g = append(k, int64(0), int64(0), nil, nil, nil)
			order = append(order, name)
		}
		a := g[len(keys):]
		a[0] = a[0].(int64) + 1
		if r[1] != nil {
			a[1] = a[1].(int64) + 1
			a[2] = orZero[int64](a[2]) + r[1].(int64)
		}
		if r[2] != nil && (a[3] == nil || r[2].(string) < a[3].(string)) {
			a[3] = r[2]
		}
		if r[3] != nil && (a[4] == nil || cmp.Less(a[4].(float64), r[3].(float64))) {
			a[4] = r[3]
		}
		groups[name] = g
	}
	var out [][]any
	for _, name := range order {
		out = append(out, groups[name])
	}
	return out
}

func orZero[T any](x any) T {
	v, _ := x.(T)
	return v
}

func TestAggregateEqualsReference(t *testing.T) {
	for _, domain := range []int{1, 5, 400, 100_000} {
		tt := randomTable(uint64(domain), 6000, domain)
		for _, keys := range [][]int{{0}, {1}, {2}, {4}, {0, 2}, {4, 3}, {2, 1, 0, 3, 4}} {
			t.Run(fmt.Sprintf("domain=%d/keys=%v", domain, keys), func(t *testing.T) {
				check(t, false, aggReference(tt, keys), func(s shape) physical.Node {
					n := &physical.Aggregate{Aggs: testAggs(tt), Child: tt.values(s)}
					var fs []types.Field
					for _, k := range keys {
						n.Keys = append(n.Keys, col(tt, k))
						fs = append(fs, tt.schema.Fields[k])
					}
					n.Out = aggSchema(fs)
					return n
				})
			})
		}
	}
}

// Many groups overflow the local tables, and unique keys stop pre-aggregation.
func TestAggregatePartitionsAndBypasses(t *testing.T) {
	for _, domain := range []int{30_000, 10_000_000} {
		tt := randomTable(9, 90_000, domain)
		want := texts(aggReference(tt, []int{0, 2}), true)
		for _, s := range []shape{{threads: 1, rows: 4096, input: 4096}, {threads: 2, rows: 1000, input: 3000}} {
			n := &physical.Aggregate{
				Keys: []plan.Expr{col(tt, 0), col(tt, 2)}, Aggs: testAggs(tt), Child: tt.values(s),
				Out: aggSchema([]types.Field{tt.schema.Fields[0], tt.schema.Fields[2]}),
			}
			require.Equal(t, want, texts(collect(t, n, testDeps(t, s)), true), "%s", s)
		}
	}
}

func TestAggregateWithoutKeysGivesOneRow(t *testing.T) {
	tt := randomTable(3, 5000, 50)
	check(t, false, aggReference(tt, nil), func(s shape) physical.Node {
		return &physical.Aggregate{Aggs: testAggs(tt), Child: tt.values(s), Out: aggSchema(nil)}
	})
	empty := testTable{schema: tt.schema}
	check(t, false, [][]any{{int64(0), int64(0), nil, nil, nil}}, func(s shape) physical.Node {
		return &physical.Aggregate{Aggs: testAggs(tt), Child: empty.values(s), Out: aggSchema(nil)}
	})
	check(t, false, nil, func(s shape) physical.Node {
		return &physical.Aggregate{Keys: []plan.Expr{col(tt, 0)}, Aggs: testAggs(tt), Child: empty.values(s), Out: aggSchema(tt.schema.Fields[:1])}
	})
}

// Partial then final gives what complete gives.
func TestAggregateInTwoStages(t *testing.T) {
	tt := randomTable(4, 7000, 3000)
	for _, keys := range [][]int{{0, 2}, nil} {
		check(t, false, aggReference(tt, keys), func(s shape) physical.Node {
			part := &physical.Aggregate{Mode: physical.AggPartial, Aggs: testAggs(tt), Child: tt.values(s)}
			var fs []types.Field
			for _, k := range keys {
				part.Keys = append(part.Keys, col(tt, k))
				fs = append(fs, tt.schema.Fields[k])
			}
			reg := testDeps(t, s).Registry
			state := append([]types.Field(nil), fs...)
			for _, a := range part.Aggs {
				for _, st := range reg.Lookup(a.Name).StateTypes(a) {
					state = append(state, types.F("st", st))
				}
			}
			part.Out = types.NewSchema(state...)
			return &physical.Aggregate{Mode: physical.AggFinal, Keys: part.Keys, Aggs: part.Aggs, Child: part, Out: aggSchema(fs)}
		})
	}
}
