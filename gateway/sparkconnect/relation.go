package sparkconnect

import (
	"strings"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// relation translates a relation and keeps the client's id of it: columns say
// by it which data frame they came from.
func (t *translator) relation(r *pb.Relation) (plan.Node, error) {
	if err := t.enter(); err != nil {
		return nil, err
	}
	defer t.leave()
	if r.GetRelType() == nil {
		return nil, invalidPlan("a relation is missing")
	}
	n, err := t.relationKind(r)
	if err != nil {
		return nil, at(err, r.GetCommon().GetOrigin())
	}
	if c := r.GetCommon(); c == nil || c.PlanId == nil {
		return n, nil
	}
	if _, command := n.(plan.Command); command {
		return n, nil
	}
	return &plan.Tagged{PlanID: r.GetCommon().GetPlanId(), Child: n}, nil
}

// relationKind is the first of a few switches by theme; each passes on what it does not know.
func (t *translator) relationKind(r *pb.Relation) (plan.Node, error) {
	switch k := r.GetRelType().(type) {
	case *pb.Relation_Read:
		return readRelation(k.Read)
	case *pb.Relation_Project:
		return t.project(k.Project)
	case *pb.Relation_Filter:
		return t.filter(k.Filter)
	case *pb.Relation_Join:
		return t.join(k.Join)
	case *pb.Relation_SetOp:
		return t.setOp(k.SetOp)
	case *pb.Relation_Sort:
		return t.sort(k.Sort)
	case *pb.Relation_Limit:
		child, err := t.relation(k.Limit.GetInput())
		return &plan.Limit{N: plan.LitInt(k.Limit.GetLimit()), Child: child}, err
	case *pb.Relation_Offset:
		child, err := t.relation(k.Offset.GetInput())
		return &plan.OffsetRows{N: plan.LitInt(k.Offset.GetOffset()), Child: child}, err
	case *pb.Relation_Tail:
		child, err := t.relation(k.Tail.GetInput())
		return &plan.Tail{N: plan.LitInt(k.Tail.GetLimit()), Child: child}, err
	case *pb.Relation_Aggregate:
		return t.aggregate(k.Aggregate)
	case *pb.Relation_Sql:
		return t.sqlRelation(k.Sql)
	case *pb.Relation_Range:
		return rangeRelation(k.Range), nil
	case *pb.Relation_SubqueryAlias:
		child, err := t.relation(k.SubqueryAlias.GetInput())
		name := append(append([]string{}, k.SubqueryAlias.GetQualifier()...), k.SubqueryAlias.GetAlias())
		return &plan.SubqueryAlias{Name: name, Child: child}, err
	case *pb.Relation_WithRelations:
		return t.withRelations(k.WithRelations)
	case *pb.Relation_Catalog:
		return catalogRelation(k.Catalog)
	}
	return t.relationColumns(r)
}

// unsupportedRelation names what is not there.
func unsupportedRelation(r *pb.Relation) error {
	switch k := r.GetRelType().(type) {
	case *pb.Relation_MapPartitions:
		return unsupportedUDF(k.MapPartitions.GetFunc())
	case *pb.Relation_GroupMap:
		return unsupportedUDF(k.GroupMap.GetFunc())
	case *pb.Relation_CoGroupMap:
		return unsupportedUDF(k.CoGroupMap.GetFunc())
	case *pb.Relation_ApplyInPandasWithState:
		return unsupportedUDF(k.ApplyInPandasWithState.GetFunc())
	case *pb.Relation_CommonInlineUserDefinedTableFunction:
		return errs.Unsupported("Python user-defined table functions (" + k.CommonInlineUserDefinedTableFunction.GetFunctionName() + ")")
	case *pb.Relation_CommonInlineUserDefinedDataSource:
		return errs.Unsupported("Python data sources (" + k.CommonInlineUserDefinedDataSource.GetName() + ")")
	case *pb.Relation_AsOfJoin:
		return errs.Unsupported("as-of join")
	case *pb.Relation_RelationChanges:
		return errs.Unsupported("reading the changes of a table")
	case *pb.Relation_NearestByJoin:
		return errs.Unsupported("nearest-by join")
	case *pb.Relation_Zip:
		return errs.Unsupported("zip of data frames")
	case *pb.Relation_MlRelation:
		return errs.Unsupported("machine learning over Spark Connect")
	case *pb.Relation_Extension:
		return errs.Unsupported("relation extension " + k.Extension.GetTypeUrl())
	}
	return errs.Unsupported("relation " + strings.TrimPrefix(typeName(r.GetRelType()), "Relation_"))
}

func (t *translator) project(p *pb.Project) (plan.Node, error) {
	var child plan.Node = &plan.OneRow{}
	if p.GetInput() != nil {
		var err error
		if child, err = t.relation(p.GetInput()); err != nil {
			return nil, err
		}
	}
	list, err := t.exprs(p.GetExpressions())
	return &plan.Project{List: list, Child: child}, err
}

func (t *translator) filter(f *pb.Filter) (plan.Node, error) {
	child, err := t.relation(f.GetInput())
	if err != nil {
		return nil, err
	}
	cond, err := t.expr(f.GetCondition())
	return &plan.Filter{Cond: cond, Child: child}, err
}

func (t *translator) sort(s *pb.Sort) (plan.Node, error) {
	child, err := t.relation(s.GetInput())
	if err != nil {
		return nil, err
	}
	orders, err := t.sortOrders(s.GetOrder())
	return &plan.Sort{Orders: orders, Global: s.GetIsGlobal(), Child: child}, err
}

var joinTypes = map[pb.Join_JoinType]plan.JoinType{
	pb.Join_JOIN_TYPE_INNER: plan.JoinInner, pb.Join_JOIN_TYPE_FULL_OUTER: plan.JoinFull,
	pb.Join_JOIN_TYPE_LEFT_OUTER: plan.JoinLeft, pb.Join_JOIN_TYPE_RIGHT_OUTER: plan.JoinRight,
	pb.Join_JOIN_TYPE_LEFT_ANTI: plan.JoinAnti, pb.Join_JOIN_TYPE_LEFT_SEMI: plan.JoinSemi,
	pb.Join_JOIN_TYPE_CROSS: plan.JoinCross,
}

func (t *translator) join(j *pb.Join) (plan.Node, error) {
	typ, ok := joinTypes[j.GetJoinType()]
	if !ok {
		return nil, invalidPlan("a join of unknown type")
	}
	if j.GetJoinCondition() != nil && len(j.GetUsingColumns()) > 0 {
		return nil, invalidPlan("a join has a condition and USING columns")
	}
	l, r, err := t.two(j.GetLeft(), j.GetRight())
	if err != nil {
		return nil, err
	}
	cond, err := t.optionalExpr(j.GetJoinCondition())
	return &plan.Join{Type: typ, Left: l, Right: r, Cond: cond, Using: j.GetUsingColumns()}, err
}

func (t *translator) two(a, b *pb.Relation) (plan.Node, plan.Node, error) {
	l, err := t.relation(a)
	if err != nil {
		return nil, nil, err
	}
	r, err := t.relation(b)
	return l, r, err
}

func (t *translator) lateralJoin(j *pb.LateralJoin) (plan.Node, error) {
	typ, ok := joinTypes[j.GetJoinType()]
	if !ok {
		return nil, invalidPlan("a join of unknown type")
	}
	l, r, err := t.two(j.GetLeft(), j.GetRight())
	if err != nil {
		return nil, err
	}
	cond, err := t.optionalExpr(j.GetJoinCondition())
	return &plan.Join{Type: typ, Left: l, Right: r, Cond: cond, Lateral: true}, err
}

func (t *translator) setOp(s *pb.SetOperation) (plan.Node, error) {
	out := &plan.SetOp{All: s.GetIsAll(), ByName: s.GetByName(), AllowMissing: s.GetAllowMissingColumns()}
	switch s.GetSetOpType() {
	case pb.SetOperation_SET_OP_TYPE_UNION:
		out.Kind = plan.SetUnion
	case pb.SetOperation_SET_OP_TYPE_INTERSECT:
		out.Kind = plan.SetIntersect
	case pb.SetOperation_SET_OP_TYPE_EXCEPT:
		out.Kind = plan.SetExcept
	default:
		return nil, invalidPlan("a set operation of unknown kind")
	}
	var err error
	out.Left, out.Right, err = t.two(s.GetLeftInput(), s.GetRightInput())
	return out, err
}

func (t *translator) aggregate(a *pb.Aggregate) (plan.Node, error) {
	child, err := t.relation(a.GetInput())
	if err != nil {
		return nil, err
	}
	keys, err := t.exprs(a.GetGroupingExpressions())
	if err != nil {
		return nil, err
	}
	list, err := t.exprs(a.GetAggregateExpressions())
	if err != nil {
		return nil, err
	}
	out := &plan.Aggregate{GroupBy: keys, List: list, Child: child, ImplicitKeys: true}
	switch a.GetGroupType() {
	case pb.Aggregate_GROUP_TYPE_GROUPBY:
	case pb.Aggregate_GROUP_TYPE_ROLLUP:
		out.Grouping = plan.GroupRollup
	case pb.Aggregate_GROUP_TYPE_CUBE:
		out.Grouping = plan.GroupCube
	case pb.Aggregate_GROUP_TYPE_GROUPING_SETS:
		out.Grouping, out.Sets = plan.GroupSets, [][]plan.Expr{}
		for _, s := range a.GetGroupingSets() {
			set, err := t.exprs(s.GetGroupingSet())
			if err != nil {
				return nil, err
			}
			out.Sets = append(out.Sets, set)
		}
	case pb.Aggregate_GROUP_TYPE_PIVOT:
		return t.pivot(a, out)
	default:
		return nil, invalidPlan("an aggregation of unknown kind")
	}
	return out, nil
}

func (t *translator) pivot(a *pb.Aggregate, agg *plan.Aggregate) (plan.Node, error) {
	column, err := t.expr(a.GetPivot().GetCol())
	if err != nil {
		return nil, err
	}
	out := &plan.Pivot{GroupBy: agg.GroupBy, Column: []plan.Expr{column}, Aggs: agg.List, Child: agg.Child}
	for _, v := range a.GetPivot().GetValues() {
		l, err := literalFrom(v)
		if err != nil {
			return nil, err
		}
		out.Values = append(out.Values, l)
	}
	return out, nil
}
