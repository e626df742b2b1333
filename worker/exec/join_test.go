package exec

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

var joinKinds = []plan.JoinType{plan.JoinInner, plan.JoinLeft, plan.JoinRight, plan.JoinFull, plan.JoinSemi, plan.JoinAnti, plan.JoinExistence}

// testCompiler understands columns, and one condition: long column a < long column b.
type lessThan struct{ a, b int }

func (l lessThan) Select(b *batch.Batch, sel []int32) ([]int32, error) {
	if sel == nil {
		for i := range b.N {
			sel = append(sel, int32(i))
		}
	}
	var out []int32
	for _, i := range sel {
		x, y := b.Cols[l.a].Get(int(i)), b.Cols[l.b].Get(int(i))
		if x != nil && y != nil && x.(int64) < y.(int64) {
			out = append(out, i)
		}
	}
	return out, nil
}

type testCompiler struct{ lessThan }

func (c testCompiler) Expr(e plan.Expr) (evaluator, error) {
	return nil, errors.New("no expression " + e.String())
}
func (c testCompiler) Cond(plan.Expr) (selector, error) { return c.lessThan, nil }

// joinReference joins row by row.
func joinReference(kind plan.JoinType, l, r testTable, match func(a, b []any) bool) [][]any {
	var out [][]any
	nulls := func(n int) []any { return make([]any, n) }
	cat := func(a, b []any) []any { return append(append([]any(nil), a...), b...) }
	hitR := make([]bool, len(r.rows))
	for _, a := range l.rows {
		hit := false
		for j, b := range r.rows {
			if !match(a, b) {
				continue
			}
			hit, hitR[j] = true, true
			if kind <= plan.JoinFull {
				out = append(out, cat(a, b))
			}
		}
		switch {
		case kind == plan.JoinExistence:
			out = append(out, cat(a, []any{hit}))
		case kind == plan.JoinSemi && hit, kind == plan.JoinAnti && !hit:
			out = append(out, a)
		case (kind == plan.JoinLeft || kind == plan.JoinFull) && !hit:
			out = append(out, cat(a, nulls(r.schema.Len())))
		}
	}
	for j, b := range r.rows {
		if (kind == plan.JoinRight || kind == plan.JoinFull) && !hitR[j] {
			out = append(out, cat(nulls(l.schema.Len()), b))
		}
	}
	return out
}

func joinOut(kind plan.JoinType, l, r testTable) types.Schema {
	fs := append([]types.Field(nil), l.schema.Fields...)
	switch kind {
	case plan.JoinSemi, plan.JoinAnti, plan.JoinNullAnti:
	case plan.JoinExistence:
		fs = append(fs, types.F("mark", types.Bool))
	default:
		fs = append(fs, r.schema.Fields...)
	}
	return types.NewSchema(fs...)
}

func TestHashJoinEqualsReference(t *testing.T) {
	cases := []struct {
		name   string
		l, r   testTable
		keys   []int
		safe   bool
		filter bool
	}{
		{name: "dense int", l: randomTable(1, 300, 60), r: randomTable(2, 200, 80), keys: []int{0}},
		{name: "sparse long", l: randomTable(1, 300, 60), r: randomTable(2, 200, 80), keys: []int{1}},
		{name: "string", l: randomTable(3, 300, 40), r: randomTable(4, 100, 80), keys: []int{2}},
		{name: "several", l: randomTable(5, 300, 5), r: randomTable(6, 300, 5), keys: []int{0, 2, 4}},
		{name: "null safe", l: randomTable(5, 200, 5), r: randomTable(6, 200, 5), keys: []int{0, 3}, safe: true},
		{name: "residual", l: randomTable(7, 300, 20), r: randomTable(8, 200, 20), keys: []int{0}, filter: true},
		{name: "empty build", l: randomTable(7, 50, 20), r: testTable{schema: randomTable(1, 0, 1).schema}, keys: []int{0}},
		{name: "empty probe", l: testTable{schema: randomTable(1, 0, 1).schema}, r: randomTable(7, 50, 20), keys: []int{0}},
	}
	for _, c := range cases {
		match := func(a, b []any) bool {
			for _, k := range c.keys {
				if a[k] != b[k] || a[k] == nil && !c.safe {
					return false
				}
			}
			return !c.filter || a[1] != nil && b[1] != nil && a[1].(int64) < b[1].(int64)
		}
		for _, kind := range joinKinds {
			want := joinReference(kind, c.l, c.r, match)
			for _, buildLeft := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d/left=%v", c.name, kind, buildLeft), func(t *testing.T) {
					for _, s := range shapes {
						n := &physical.HashJoin{Type: kind, Left: c.l.values(s), Right: c.r.values(s), BuildLeft: buildLeft, Out: joinOut(kind, c.l, c.r)}
						for _, k := range c.keys {
							n.LeftKeys, n.RightKeys = append(n.LeftKeys, col(c.l, k)), append(n.RightKeys, col(c.r, k))
							n.NullSafe = append(n.NullSafe, c.safe)
						}
						d := testDeps(t, s)
						if c.filter {
							n.Residual = plan.LitBool(true)
							d.testCompiler = testCompiler{lessThan{1, c.l.schema.Len() + 1}}
						}
						require.Equal(t, texts(want, true), texts(collect(t, n, d), true), "%s", s)
					}
				})
			}
		}
	}
}

// NOT IN: a null on either side makes the answer unknown, unless the right side is empty.
func TestNullAwareAntiJoin(t *testing.T) {
	schema := types.NewSchema(types.F("k", types.Int))
	table := func(xs ...any) testTable {
		tt := testTable{schema: schema}
		for _, x := range xs {
			tt.rows = append(tt.rows, []any{x})
		}
		return tt
	}
	left := table(int32(1), nil, int32(2), int32(3))
	for _, c := range []struct {
		name  string
		right testTable
		want  [][]any
	}{
		{"no nulls", table(int32(2)), [][]any{{int32(1)}, {int32(3)}}},
		{"null on the right", table(int32(2), nil), nil},
		{"only null on the right", table(nil), nil},
		{"empty right", table(), [][]any{{int32(1)}, {nil}, {int32(2)}, {int32(3)}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			check(t, false, c.want, func(s shape) physical.Node {
				return &physical.HashJoin{
					Type: plan.JoinNullAnti, Left: left.values(s), Right: c.right.values(s),
					LeftKeys: []plan.Expr{col(left, 0)}, RightKeys: []plan.Expr{col(left, 0)}, NullSafe: []bool{false}, Out: schema,
				}
			})
		})
	}
}

func TestSingleJoinRefusesSecondMatch(t *testing.T) {
	l, r := randomTable(1, 50, 10), testTable{schema: randomTable(1, 0, 1).schema}
	for i := range 10 {
		r.rows = append(r.rows, []any{int32(i), int64(i), "x", 1.0, true})
	}
	node := func(s shape) *physical.HashJoin {
		return &physical.HashJoin{
			Type: plan.JoinSingle, Left: l.values(s), Right: r.values(s),
			LeftKeys: []plan.Expr{col(l, 0)}, RightKeys: []plan.Expr{col(r, 0)}, NullSafe: []bool{false}, Out: joinOut(plan.JoinLeft, l, r),
		}
	}
	match := func(a, b []any) bool { return a[0] != nil && a[0] == b[0] }
	check(t, false, joinReference(plan.JoinLeft, l, r, match), func(s shape) physical.Node { return node(s) })
	r.rows = append(r.rows, r.rows...)
	_, err := collectErr(node(shapes[0]), testDeps(t, shapes[0]))
	var c *errs.Condition
	require.ErrorAs(t, err, &c)
	require.Equal(t, "SCALAR_SUBQUERY_TOO_MANY_ROWS", c.Class)
}

// The probe side's order survives a join whatever the number of threads.
func TestJoinKeepsProbeOrder(t *testing.T) {
	l, r := randomTable(1, 900, 60), randomTable(2, 60, 60)
	match := func(a, b []any) bool { return a[0] != nil && a[0] == b[0] }
	want := joinReference(plan.JoinLeft, l, r, match)
	check(t, true, want, func(s shape) physical.Node {
		build := r.values(shape{input: 100, dict: s.dict}) // one batch: duplicates keep their order
		return &physical.HashJoin{
			Type: plan.JoinLeft, Left: l.values(s), Right: build,
			LeftKeys: []plan.Expr{col(l, 0)}, RightKeys: []plan.Expr{col(r, 0)}, NullSafe: []bool{false}, Out: joinOut(plan.JoinLeft, l, r),
		}
	})
}
