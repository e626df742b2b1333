package exec

import (
	"fmt"
	"slices"
	"testing"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// windowTable: partition, order key with ties and nulls, unique id, value.
func windowTable(n int) testTable {
	src := randomTable(21, n, 40)
	tt := testTable{schema: types.NewSchema(types.F("p", types.String), types.F("o", types.Long), types.F("id", types.Int), types.F("v", types.Long))}
	for i, r := range src.rows {
		o := r[1]
		if o != nil {
			o = o.(int64) / 1_000_003
		}
		p := words[0]
		if i%3 != 0 {
			p = words[i%len(words)]
		}
		var v any
		if r[0] != nil {
			v = int64(r[0].(int32))
		}
		tt.rows = append(tt.rows, []any{p, o, int32(i), v})
	}
	return tt
}

// frameRef lists the rows of row i's frame by the definition.
type frameRef func(part [][]any, i int) [][]any

func rowsFrame(lo, hi int) frameRef {
	return func(part [][]any, i int) [][]any {
		from, to := max(0, i+lo), min(len(part), i+hi+1)
		if from >= to {
			return nil
		}
		return part[from:to]
	}
}

// rangeFrame keeps rows whose key lies within [key+lo, key+hi]; with desc the
// distance counts downwards.
func rangeFrame(lo, hi int64, desc bool) frameRef {
	return func(part [][]any, i int) (out [][]any) {
		for _, r := range part {
			a, b := r[1], part[i][1]
			if a == nil || b == nil {
				if a == nil && b == nil {
					out = append(out, r)
				}
				continue
			}
			d := a.(int64) - b.(int64)
			if desc {
				d = -d
			}
			if d >= lo && d <= hi {
				out = append(out, r)
			}
		}
		return out
	}
}

func sumOf(rows [][]any) any {
	var s any
	for _, r := range rows {
		if r[3] != nil {
			s = orZero[int64](s) + r[3].(int64)
		}
	}
	return s
}

func bound(n int64) plan.FrameBound {
	return plan.FrameBound{Kind: plan.Offset, Value: plan.LitLong(n)}
}

var (
	unboundedLo = plan.FrameBound{Kind: plan.UnboundedPreceding}
	unboundedHi = plan.FrameBound{Kind: plan.UnboundedFollowing}
	current     = plan.FrameBound{Kind: plan.CurrentRow}
)

func TestWindowFramesEqualReference(t *testing.T) {
	const far = 1 << 30
	for _, c := range []struct {
		name  string
		frame plan.Frame
		ref   frameRef
		desc  bool
		one   bool // one order key only
	}{
		{"whole", plan.Frame{Kind: plan.FrameRows, Lo: unboundedLo, Hi: unboundedHi}, rowsFrame(-far, far), false, false},
		{"running", plan.Frame{Kind: plan.FrameRows, Lo: unboundedLo, Hi: current}, rowsFrame(-far, 0), false, false},
		{"rest", plan.Frame{Kind: plan.FrameRows, Lo: current, Hi: unboundedHi}, rowsFrame(0, far), true, false},
		{"short", plan.Frame{Kind: plan.FrameRows, Lo: bound(-2), Hi: bound(1)}, rowsFrame(-2, 1), false, false},
		{"before", plan.Frame{Kind: plan.FrameRows, Lo: bound(-5), Hi: bound(-3)}, rowsFrame(-5, -3), false, false},
		{"long", plan.Frame{Kind: plan.FrameRows, Lo: bound(-60), Hi: bound(70)}, rowsFrame(-60, 70), false, false},
		{"range", plan.Frame{Kind: plan.FrameRange, Lo: bound(-3), Hi: bound(4)}, rangeFrame(-3, 4, false), false, true},
		{"range down", plan.Frame{Kind: plan.FrameRange, Lo: bound(-3), Hi: bound(4)}, rangeFrame(-3, 4, true), true, true},
		{"peers", plan.Frame{Kind: plan.FrameRange, Lo: current, Hi: current}, rangeFrame(0, 0, false), false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			tt := windowTable(1500)
			want := windowReference(tt, c.desc, func(part [][]any, i int) []any {
				f := c.ref(part, i)
				return []any{sumOf(f), int64(len(f))}
			})
			check(t, false, want, func(s shape) physical.Node {
				return windowNode(tt, s, c.desc, c.one, []types.Type{types.Long, types.Long},
					physical.WindowFunc{Func: &plan.Agg{Name: "sum", Args: []plan.Expr{col(tt, 3)}, Typ: types.Long, Null: true}, Frame: c.frame},
					physical.WindowFunc{Func: &plan.Agg{Name: "count", Args: []plan.Expr{plan.LitInt(1)}, Typ: types.Long}, Frame: c.frame})
			})
		})
	}
}

// windowReference computes f for each row of each sorted partition.
func windowReference(tt testTable, desc bool, f func(part [][]any, i int) []any) [][]any {
	parts := map[any][][]any{}
	for _, r := range sortReference(tt.rows, []sortKey{{col: 1, desc: desc, nullsFirst: !desc}, {col: 2}}) {
		parts[r[0]] = append(parts[r[0]], r)
	}
	var out [][]any
	for _, p := range parts {
		for i, r := range p {
			out = append(out, append(slices.Clone(r), f(p, i)...))
		}
	}
	return out
}

func windowNode(tt testTable, s shape, desc, one bool, out []types.Type, funcs ...physical.WindowFunc) *physical.Window {
	n := &physical.Window{
		Partition: []plan.Expr{col(tt, 0)}, Child: tt.values(s), Funcs: funcs,
		Order: []physical.SortKey{{Expr: col(tt, 1), Desc: desc, NullsFirst: !desc}},
	}
	if !one {
		n.Order = append(n.Order, physical.SortKey{Expr: col(tt, 2), NullsFirst: true})
	}
	fs := slices.Clone(tt.schema.Fields)
	for i, ty := range out {
		fs = append(fs, types.F(fmt.Sprint("w", i), ty))
	}
	n.Out = types.NewSchema(fs...)
	return n
}

func TestWindowRanksEqualReference(t *testing.T) {
	tt := windowTable(1200)
	call := func(name string, ty types.Type, args ...plan.Expr) physical.WindowFunc {
		return physical.WindowFunc{Func: &plan.Call{Name: name, Args: args, Typ: ty, Null: true}}
	}
	ints := []types.Type{types.Int, types.Int, types.Int, types.Double, types.Double, types.Int}
	want := windowReference(tt, false, func(part [][]any, i int) []any {
		first, end, dense := i, i+1, 1
		for first > 0 && part[first-1][1] == part[i][1] {
			first--
		}
		for end < len(part) && part[end][1] == part[i][1] {
			end++
		}
		for j := 1; j <= i; j++ {
			dense += btoi(part[j][1] != part[j-1][1])
		}
		pct := 0.0
		if len(part) > 1 {
			pct = float64(first) / float64(len(part)-1)
		}
		return []any{int32(first + 1), int32(dense), pct, float64(end) / float64(len(part))}
	})
	check(t, false, want, func(s shape) physical.Node {
		return windowNode(tt, s, false, true, ints[1:5], call("rank", types.Int), call("dense_rank", types.Int), call("percent_rank", types.Double), call("cume_dist", types.Double))
	})
}

func TestWindowPositionsEqualReference(t *testing.T) {
	tt := windowTable(1200)
	frame := plan.Frame{Kind: plan.FrameRows, Lo: bound(-2), Hi: bound(2)}
	call := func(name, text string, ty types.Type, args ...plan.Expr) physical.WindowFunc {
		return physical.WindowFunc{Func: &plan.Call{Name: name, Args: args, Typ: ty, Null: true, Text: text}, Frame: frame}
	}
	pick := func(part [][]any, i int, otherwise any) any {
		if i < 0 || i >= len(part) {
			return otherwise
		}
		return part[i][3]
	}
	want := windowReference(tt, false, func(part [][]any, i int) []any {
		f := rowsFrame(-2, 2)(part, i)
		var lagIgnoring any
		for j, left := i-1, 2; j >= 0 && left > 0; j-- {
			if part[j][3] != nil {
				if left--; left == 0 {
					lagIgnoring = part[j][3]
				}
			}
		}
		return []any{
			int32(i + 1), int32(ntile(int64(len(part)), 7, int64(i))), pick(part, i-1, nil), pick(part, i+3, int64(-9)), lagIgnoring,
			pick(f, 1, nil), f[0][3], f[len(f)-1][3],
		}
	})
	out := []types.Type{types.Int, types.Int, types.Long, types.Long, types.Long, types.Long, types.Long, types.Long}
	check(t, false, want, func(s shape) physical.Node {
		v := col(tt, 3)
		return windowNode(tt, s, false, false, out,
			call("row_number", "", types.Int), call("ntile", "", types.Int, plan.LitInt(7)), call("lag", "", types.Long, v),
			call("lead", "", types.Long, v, plan.LitInt(3), plan.LitLong(-9)), call("lag", "ignore nulls", types.Long, v, plan.LitInt(2)),
			call("nth_value", "", types.Long, v, plan.LitInt(2)),
			physical.WindowFunc{Func: &plan.Agg{Name: "first", Args: []plan.Expr{v}, Typ: types.Long, Null: true}, Frame: frame},
			physical.WindowFunc{Func: &plan.Agg{Name: "last", Args: []plan.Expr{v}, Typ: types.Long, Null: true}, Frame: frame})
	})
}

func TestNtileSizes(t *testing.T) {
	for n := int64(1); n < 30; n++ {
		for k := int64(1); k < 12; k++ {
			last := int64(0)
			for i := range n {
				b := ntile(n, k, i)
				if b != last && b != last+1 || b > k {
					t.Fatalf("ntile(%d of %d, row %d) = %d after %d", k, n, i, b, last)
				}
				last = b
			}
		}
	}
}
