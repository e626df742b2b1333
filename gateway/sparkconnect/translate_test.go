package sparkconnect

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

func translate(r *pb.Relation) (plan.Node, error) {
	t := &translator{
		blob:   func(string) ([]byte, error) { return nil, errs.Errorf(errs.NotFound, "test", "no blob") },
		remote: func(id string) (plan.Node, error) { return &plan.Table{Parts: []string{id}}, nil },
	}
	return t.relation(r)
}

func col(name string) *pb.Expression {
	return &pb.Expression{ExprType: &pb.Expression_UnresolvedAttribute_{UnresolvedAttribute: &pb.Expression_UnresolvedAttribute{UnparsedIdentifier: name}}}
}

func lit(i int32) *pb.Expression_Literal {
	return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_Integer{Integer: i}}
}

func table(name string) *pb.Relation {
	return &pb.Relation{RelType: &pb.Relation_Read{Read: &pb.Read{ReadType: &pb.Read_NamedTable_{NamedTable: &pb.Read_NamedTable{UnparsedIdentifier: name}}}}}
}

func tagged(r *pb.Relation, id int64) *pb.Relation {
	r.Common = &pb.RelationCommon{PlanId: &id}
	return r
}

type relationCase struct {
	rel  *pb.Relation
	want plan.Node
}

func relationCases() map[string]relationCase {
	in := &plan.Table{Parts: []string{"a", "t"}}
	return map[string]relationCase{
		"table": {table("a.t"), in},
		"tag":   {tagged(table("a.t"), 7), &plan.Tagged{PlanID: 7, Child: in}},
		"drop na, any": {
			&pb.Relation{RelType: &pb.Relation_DropNa{DropNa: &pb.NADrop{Input: table("a.t"), Cols: []string{"x"}}}},
			&plan.DropNulls{Columns: []string{"x"}, MinNonNull: -1, Child: in},
		},
		"drop na, two": {
			&pb.Relation{RelType: &pb.Relation_DropNa{DropNa: &pb.NADrop{Input: table("a.t"), MinNonNulls: new(int32(2))}}},
			&plan.DropNulls{MinNonNull: 2, Child: in},
		},
		"limit": {
			&pb.Relation{RelType: &pb.Relation_Limit{Limit: &pb.Limit{Input: table("a.t"), Limit: 3}}},
			&plan.Limit{N: plan.LitInt(3), Child: in},
		},
		"left join": {
			&pb.Relation{RelType: &pb.Relation_Join{Join: &pb.Join{Left: table("a.t"), Right: table("a.t"), JoinType: pb.Join_JOIN_TYPE_LEFT_OUTER, UsingColumns: []string{"k"}}}},
			&plan.Join{Type: plan.JoinLeft, Left: in, Right: in, Using: []string{"k"}},
		},
		"lateral join": {
			&pb.Relation{RelType: &pb.Relation_LateralJoin{LateralJoin: &pb.LateralJoin{Left: table("a.t"), Right: table("a.t"), JoinType: pb.Join_JOIN_TYPE_INNER}}},
			&plan.Join{Type: plan.JoinInner, Left: in, Right: in, Lateral: true},
		},
		"rollup": {
			&pb.Relation{RelType: &pb.Relation_Aggregate{Aggregate: &pb.Aggregate{Input: table("a.t"), GroupType: pb.Aggregate_GROUP_TYPE_ROLLUP, GroupingExpressions: []*pb.Expression{col("k")}}}},
			&plan.Aggregate{GroupBy: []plan.Expr{&plan.Attr{Parts: []string{"k"}}}, Grouping: plan.GroupRollup, List: []plan.Expr{}, Child: in, ImplicitKeys: true},
		},
		"pivot": {
			&pb.Relation{RelType: &pb.Relation_Aggregate{Aggregate: &pb.Aggregate{
				Input: table("a.t"), GroupType: pb.Aggregate_GROUP_TYPE_PIVOT, Pivot: &pb.Aggregate_Pivot{Col: col("p"), Values: []*pb.Expression_Literal{lit(1)}},
			}}},
			&plan.Pivot{GroupBy: []plan.Expr{}, Column: []plan.Expr{&plan.Attr{Parts: []string{"p"}}}, Values: []plan.Expr{plan.LitInt(1)}, Aggs: []plan.Expr{}, Child: in},
		},
		"project without input": {
			&pb.Relation{RelType: &pb.Relation_Project{Project: &pb.Project{}}},
			&plan.Project{List: []plan.Expr{}, Child: &plan.OneRow{}},
		},
		"union by name": {
			&pb.Relation{RelType: &pb.Relation_SetOp{SetOp: &pb.SetOperation{
				LeftInput: table("a.t"), RightInput: table("a.t"), SetOpType: pb.SetOperation_SET_OP_TYPE_UNION, IsAll: new(true), ByName: new(true),
			}}},
			&plan.SetOp{Kind: plan.SetUnion, All: true, ByName: true, Left: in, Right: in},
		},
		"renames of older clients": {
			&pb.Relation{RelType: &pb.Relation_WithColumnsRenamed{WithColumnsRenamed: &pb.WithColumnsRenamed{Input: table("a.t"), RenameColumnsMap: map[string]string{"b": "y", "a": "x"}}}},
			&plan.RenameColumns{From: []string{"a", "b"}, To: []string{"x", "y"}, Child: in},
		},
		"checkpoint": {
			&pb.Relation{RelType: &pb.Relation_CachedRemoteRelation{CachedRemoteRelation: &pb.CachedRemoteRelation{RelationId: "r"}}},
			&plan.Table{Parts: []string{"r"}},
		},
		"catalog": {
			&pb.Relation{RelType: &pb.Relation_Catalog{Catalog: &pb.Catalog{CatType: &pb.Catalog_ListTables{ListTables: &pb.ListTables{Pattern: new("x*")}}}}},
			&plan.CatalogCall{Op: "listTables", Args: arguments{"pattern": "x*"}},
		},
		"with relations": {
			&pb.Relation{RelType: &pb.Relation_WithRelations{WithRelations: &pb.WithRelations{Root: table("a.t"), References: []*pb.Relation{tagged(table("b"), 3)}}}},
			&plan.WithRelations{Refs: []plan.Node{&plan.Tagged{PlanID: 3, Child: &plan.Table{Parts: []string{"b"}}}}, Child: in},
		},
	}
}

func TestRelations(t *testing.T) {
	for name, c := range relationCases() {
		t.Run(name, func(t *testing.T) {
			n, err := translate(c.rel)
			require.NoError(t, err)
			require.Equal(t, c.want, n)
		})
	}
}

func TestReferencesReachIntoCommands(t *testing.T) {
	n, err := translate(&pb.Relation{RelType: &pb.Relation_WithRelations{WithRelations: &pb.WithRelations{
		Root: sqlOf("CREATE TEMP VIEW v AS SELECT * FROM d"), References: []*pb.Relation{table("d")},
	}}})
	require.NoError(t, err)
	require.IsType(t, &plan.WithRelations{}, n.(*plan.CreateView).Child)
}

func TestUnsupportedIsNamed(t *testing.T) {
	udf := &pb.CommonInlineUserDefinedFunction{FunctionName: "f", Function: &pb.CommonInlineUserDefinedFunction_PythonUdf{PythonUdf: &pb.PythonUDF{}}}
	for want, r := range map[string]*pb.Relation{
		"Python user-defined functions (f)":    {RelType: &pb.Relation_MapPartitions{MapPartitions: &pb.MapPartitions{Func: udf}}},
		"as-of join":                           {RelType: &pb.Relation_AsOfJoin{AsOfJoin: &pb.AsOfJoin{}}},
		"machine learning over Spark Connect":  {RelType: &pb.Relation_MlRelation{MlRelation: &pb.MlRelation{}}},
		"streaming reads":                      {RelType: &pb.Relation_Read{Read: &pb.Read{IsStreaming: true}}},
		"Python user-defined table functions ": {RelType: &pb.Relation_CommonInlineUserDefinedTableFunction{CommonInlineUserDefinedTableFunction: &pb.CommonInlineUserDefinedTableFunction{}}},
	} {
		_, err := translate(r)
		c, ok := errsCondition(err)
		require.True(t, ok)
		require.Equal(t, "UNSUPPORTED_FEATURE", c.Class)
		require.Contains(t, c.Params["feature"], strings.TrimSpace(want))
	}
}

// TestNothingPanics gives every kind of relation and expression without its
// members: a typed error, or a node, but no crash.
func TestNothingPanics(t *testing.T) {
	fields := (&pb.Relation{}).ProtoReflect().Descriptor().Oneofs().ByName("rel_type").Fields()
	for i := range fields.Len() {
		r := &pb.Relation{}
		f := fields.Get(i)
		r.ProtoReflect().Set(f, r.ProtoReflect().NewField(f))
		require.NotPanics(t, func() { _, _ = translate(r) }, f.Name())
	}
	fields = (&pb.Expression{}).ProtoReflect().Descriptor().Oneofs().ByName("expr_type").Fields()
	for i := range fields.Len() {
		e := &pb.Expression{}
		f := fields.Get(i)
		e.ProtoReflect().Set(f, e.ProtoReflect().NewField(f))
		require.NotPanics(t, func() { _, _ = (&translator{}).expr(e) }, f.Name())
	}
	fields = (&pb.Expression_Literal{}).ProtoReflect().Descriptor().Oneofs().ByName("literal_type").Fields()
	for i := range fields.Len() {
		l := &pb.Expression_Literal{}
		f := fields.Get(i)
		l.ProtoReflect().Set(f, l.ProtoReflect().NewField(f))
		require.NotPanics(t, func() { _, _ = literalFrom(l) }, f.Name())
	}
	w := newWorld(t, Options{})
	fields = (&pb.Command{}).ProtoReflect().Descriptor().Oneofs().ByName("command_type").Fields()
	for i := range fields.Len() {
		c := &pb.Command{}
		f := fields.Get(i)
		c.ProtoReflect().Set(f, c.ProtoReflect().NewField(f))
		if _, err := w.run(commandPlan(c)); err != nil {
			require.NotEqual(t, "INTERNAL_ERROR", conditionOf(t, err), f.Name())
		}
	}
	fields = (&pb.AnalyzePlanRequest{}).ProtoReflect().Descriptor().Oneofs().ByName("analyze").Fields()
	for i := range fields.Len() {
		a := &pb.AnalyzePlanRequest{SessionId: w.id, UserContext: user()}
		f := fields.Get(i)
		a.ProtoReflect().Set(f, a.ProtoReflect().NewField(f))
		if _, err := w.client.AnalyzePlan(t.Context(), a); err != nil {
			require.NotEqual(t, "INTERNAL_ERROR", conditionOf(t, err), f.Name())
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string][]string{
		"a": {"a"}, "a.b": {"a", "b"}, "`a.b`.c": {"a.b", "c"}, "`a``b`": {"a`b"}, "a b-c": {"a b-c"}, "": {""},
	} {
		got, err := splitName(name)
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
	for _, bad := range []string{"a.", ".a", "a..b", "`a", "`a`b", "a`b`"} {
		_, err := splitName(bad)
		require.Error(t, err, bad)
	}
}

func TestLiterals(t *testing.T) {
	dec := func(v string, p, s int32) *pb.Expression_Literal {
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_Decimal_{Decimal: &pb.Expression_Literal_Decimal{Value: v, Precision: &p, Scale: &s}}}
	}
	strs := func(vs ...string) *pb.Expression_Literal {
		a := &pb.Expression_Literal_Array{}
		for _, v := range vs {
			a.Elements = append(a.Elements, &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_String_{String_: v}})
		}
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_Array_{Array: a}}
	}
	for name, c := range map[string]struct {
		l    *pb.Expression_Literal
		want any
		typ  types.Type
	}{
		"decimal of a client":  {dec("1.23", 10, 0), int64(123), types.Decimal(10, 2)},
		"decimal, exponent":    {dec("1E+3", 10, 0), int64(1000), types.Decimal(10, 0)},
		"decimal, small":       {dec("-0.001", 10, 0), int64(-1), types.Decimal(10, 3)},
		"decimal, wide":        {dec("123456789012345678901", 10, 0), batch.Int128{Lo: 12776324570088369205, Hi: 6}, types.Decimal(21, 0)},
		"array":                {strs("a", "b"), []any{"a", "b"}, types.Array(types.String, false)},
		"interval of 4 fields": {&pb.Expression_Literal{LiteralType: &pb.Expression_Literal_DayTimeInterval{DayTimeInterval: 5}}, int64(5), types.DayTime},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := literalFrom(c.l)
			require.NoError(t, err)
			require.Equal(t, c.want, l.Value)
			require.True(t, l.Typ.Same(c.typ), "%s", l.Typ)
			back, err := literalFrom(literalTo(l.Value, l.Typ))
			require.NoError(t, err)
			require.Equal(t, l, back)
		})
	}
	for _, bad := range []string{"", "x", "1/3", "0x10", "1e99999999", strings.Repeat("9", 39)} {
		_, err := literalFrom(dec(bad, 10, 0))
		require.Error(t, err, bad)
	}
	// A declared element type that the elements do not have must not reach the kernels.
	l := strs("a")
	l.GetArray().ElementType = typeTo(types.Long)
	_, err := literalFrom(l)
	require.Error(t, err)
}

func TestTypesRoundTrip(t *testing.T) {
	udt := types.Type{Kind: types.KindUDT, Elem: new(types.Array(types.Double, false)), UDT: &types.UDT{PythonClass: "a.B"}}
	for _, want := range []types.Type{
		types.Null, types.Bool, types.Byte, types.Short, types.Int, types.Long, types.Float, types.Double, types.Decimal(38, 9), types.String,
		types.Char(3), types.Varchar(4), types.Binary, types.Date, types.Timestamp, types.TimestampNTZ, types.Time, types.YearMonth, types.DayTime,
		types.CalendarInterval, types.Variant, types.Array(types.Int, true), types.Map(types.String, types.Long, false),
		types.Struct(types.Field{Name: "a", Type: types.Int, Metadata: `{"k":1}`}, types.F("b", udt)), udt,
	} {
		got, err := typeFrom(typeTo(want))
		require.NoError(t, err)
		require.True(t, want.Same(got), "%s", want)
	}
	deep := types.Int
	for range types.MaxTypeDepth + 2 {
		deep = types.Array(deep, true)
	}
	_, err := typeFrom(typeTo(deep))
	require.Error(t, err)
	_, err = typeFrom(&pb.DataType{Kind: &pb.DataType_Decimal_{Decimal: &pb.DataType_Decimal{Precision: new(int32(math.MaxInt32))}}})
	require.Error(t, err)
}
