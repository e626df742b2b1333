package physical_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

func col(i int, t types.Type) *plan.Bound {
	return &plan.Bound{Index: i, Typ: t, Null: true, Name: "c"}
}

func scanOf(splits int) *physical.Scan {
	s := &physical.Scan{
		Rows: physical.Rows{N: 100}, Table: "t", Columns: []int{0, 2}, DataCols: 2,
		Out:     types.NewSchema(types.F("a", types.Long), types.F("p", types.Int)),
		Filters: []plan.Expr{&plan.Call{Name: ">", Args: []plan.Expr{col(0, types.Long), plan.LitLong(3)}, Typ: types.Bool}},
		Runtime: []physical.RuntimeFilter{{ID: 7, Column: 0}},
	}
	for i := range splits {
		s.Splits = append(s.Splits, format.Split{
			Format: "parquet", File: vfs.FileRef{Path: "/f", Version: "v", Size: 9}, Lo: int64(i), Hi: int64(i + 1), Rows: 50, Bytes: int64(10 * i),
			Options: format.Options{"k": "v"}, Schema: types.NewSchema(types.F("a", types.Long), types.F("b", types.String)), Partitions: []any{int32(4)},
		})
	}
	return s
}

// everyNode is a plan with every kind of node and most kinds of expression.
func everyNode() physical.Node {
	values := &physical.Values{Out: types.NewSchema(types.F("s", types.String)), Data: []*batch.Batch{
		{N: 2, Cols: []*batch.Vector{batch.Of(types.String, "x", nil)}},
	}}
	list := &plan.Literal{Typ: types.Array(types.Struct(types.F("d", types.Decimal(30, 2))), true), Value: []any{[]any{batch.Int128{Lo: 5, Hi: -1}}, nil}}
	lambda := &plan.Lambda{Params: []*plan.LambdaVar{{Name: "x", ID: 3, Typ: types.Int}}, Body: &plan.LambdaVar{Name: "x", ID: 3, Typ: types.Int}}
	var n physical.Node = scanOf(2)
	n = &physical.Filter{Rows: physical.Rows{N: 5}, Cond: &plan.In{Child: col(1, types.Int), List: []plan.Expr{plan.LitInt(1), plan.LitNull(types.Int)}}, Child: n}
	n = &physical.Project{Exprs: []plan.Expr{
		&plan.Cast{Child: col(0, types.Long), To: types.String, Mode: plan.CastTry, At: &errs.Origin{Line: 1, Text: "q"}},
		&plan.Case{Whens: []plan.When{{Cond: plan.LitBool(true), Then: col(1, types.Int)}}, Else: plan.LitInt(0)},
		&plan.GetField{Child: &plan.Call{Name: "get", Args: []plan.Expr{list, lambda}, Typ: types.Struct(types.F("d", types.Decimal(30, 2)))}, Name: "d"},
	}, Out: types.NewSchema(types.F("a", types.String), types.F("b", types.Int), types.F("c", types.Decimal(30, 2))), Child: n}
	agg := &plan.Agg{Name: "sum", Args: []plan.Expr{col(1, types.Int)}, Filter: plan.LitBool(true), Typ: types.Long, Order: []plan.SortOrder{{Child: col(0, types.String), Desc: true, Nulls: plan.NullsLast}}}
	n = &physical.Aggregate{Mode: physical.AggPartial, Merge: []bool{true}, Keys: []plan.Expr{col(0, types.String)}, Aggs: []*plan.Agg{agg}, Out: types.NewSchema(types.F("k", types.String), types.F("v", types.Long)), Child: n}
	n = &physical.HashJoin{Type: plan.JoinSemi, Left: n, Right: values, LeftKeys: []plan.Expr{col(0, types.String)}, RightKeys: []plan.Expr{col(0, types.String)}, NullSafe: []bool{true}, Residual: plan.LitBool(true), BuildLeft: true, Publish: []physical.RuntimeFilter{{ID: 7}}, Out: n.Schema()}
	n = &physical.NestedLoop{Type: plan.JoinLeft, Left: n, Right: &physical.CacheRead{Key: "k", Out: types.NewSchema(types.F("z", types.Int))}, Cond: plan.LitBool(true), Out: n.Schema()}
	n = &physical.Recursive{ID: 4, MaxLevel: -1, MaxRows: 5, Limit: 6, Anchor: n, Step: &physical.RecursiveRef{ID: 4, Out: n.Schema()}, Out: n.Schema()}
	n = &physical.Window{Partition: []plan.Expr{col(0, types.String)}, Order: []physical.SortKey{{Expr: col(1, types.Long), NullsFirst: true}}, Funcs: []physical.WindowFunc{{
		Func:  &plan.Call{Name: "rank", Typ: types.Int},
		Frame: plan.Frame{Kind: plan.FrameRows, Lo: plan.FrameBound{Kind: plan.Offset, Value: plan.LitInt(-1)}, Hi: plan.FrameBound{Kind: plan.CurrentRow}},
	}}, Out: n.Schema(), Child: n}
	n = &physical.Expand{Projections: [][]plan.Expr{{col(0, types.String)}, {plan.LitNull(types.String)}}, Out: types.NewSchema(types.F("k", types.String)), Child: n}
	n = &physical.Generate{Gen: &plan.Call{Name: "explode", Typ: types.Null}, Outer: true, Out: n.Schema(), Child: n}
	n = &physical.Union{Inputs: []physical.Node{n, &physical.StageInput{Stage: 2, Broadcast: true, Out: n.Schema()}}, Out: n.Schema()}
	n = &physical.Sample{Lower: 0.1, Upper: 0.4, WithReplacement: true, Seed: 3, Child: &physical.Shared{ID: 4, Child: n}}
	n = &physical.Sort{Keys: []physical.SortKey{{Expr: col(0, types.String), Desc: true}}, Limit: 10, Offset: 2, Global: true, Child: n}
	n = &physical.CollectMetrics{ID: 3, Aggs: []*plan.Agg{agg}, Child: n}
	n = &physical.Limit{N: 3, Offset: 1, Tail: true, Child: n}
	return &physical.Write{Format: "csv", Path: "/out", JobID: "j", PartitionBy: []int{0}, Options: format.Options{"sep": ";"}, Child: n}
}

func TestFragmentsSurviveTheWire(t *testing.T) {
	in := &physical.Fragment{
		Root: everyNode(), Env: physical.Env{Ansi: true, ZoneID: "UTC", NowMicros: 5, Conf: map[string]string{"a": "b"}},
		Output: physical.Exchange{Kind: physical.ExchangeHash, Keys: []plan.Expr{col(0, types.String)}, Parts: 4},
	}
	wire, err := physical.Encode(in)
	require.NoError(t, err)
	out, err := physical.Decode(wire)
	require.NoError(t, err)
	require.Equal(t, physical.Tree(in.Root), physical.Tree(out.Root))
	require.Equal(t, in.Env, out.Env)
	again, err := physical.Encode(out)
	require.NoError(t, err)
	back, err := physical.Decode(again)
	require.NoError(t, err)
	require.Equal(t, physical.Tree(out.Root), physical.Tree(back.Root))
}

func TestUnboundPlansDoNotTravel(t *testing.T) {
	_, err := physical.Encode(&physical.Fragment{Root: &physical.Filter{Cond: &plan.Column{Name: "a", ID: 1, Typ: types.Bool}, Child: scanOf(1)}})
	require.True(t, errs.Is(err, errs.Internal), "%v", err)
}

func FuzzDecode(f *testing.F) {
	wire, err := physical.Encode(&physical.Fragment{Root: everyNode()})
	require.NoError(f, err)
	f.Add(wire)
	f.Add(wire[:len(wire)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		frag, err := physical.Decode(b)
		if err == nil {
			physical.Tree(frag.Root)
		}
	})
}

func TestDealGivesEverySplitOnceInOrderAndEvenly(t *testing.T) {
	st := physical.Stage{Root: scanOf(7), Tasks: 3}
	next := int32(0)
	for _, task := range st.Deal()[0] {
		var bytes int32
		for _, s := range task {
			require.Equal(t, next, s)
			next++
			bytes += 10 * s
		}
		require.LessOrEqual(t, bytes, int32(90), "0 to 3, 4 and 5, 6: no runs are more even")
	}
	require.EqualValues(t, 7, next)
}
