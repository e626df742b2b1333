package sparkconnect

import (
	"math/rand/v2"
	"slices"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// relationColumns translates operations of data frames on their columns and rows.
func (t *translator) relationColumns(r *pb.Relation) (plan.Node, error) {
	switch k := r.GetRelType().(type) {
	case *pb.Relation_LocalRelation:
		return t.localRelation(k.LocalRelation)
	case *pb.Relation_CachedLocalRelation:
		return t.cachedLocal(k.CachedLocalRelation)
	case *pb.Relation_ChunkedCachedLocalRelation:
		return t.chunkedLocal(k.ChunkedCachedLocalRelation)
	case *pb.Relation_CachedRemoteRelation:
		return t.remote(k.CachedRemoteRelation.GetRelationId())
	case *pb.Relation_Sample:
		return t.sample(k.Sample)
	case *pb.Relation_Deduplicate:
		return t.deduplicate(k.Deduplicate)
	case *pb.Relation_Repartition:
		child, err := t.relation(k.Repartition.GetInput())
		return &plan.Repartition{N: int(k.Repartition.GetNumPartitions()), Shuffle: k.Repartition.GetShuffle(), Child: child}, err
	case *pb.Relation_RepartitionByExpression:
		return t.repartitionBy(k.RepartitionByExpression)
	case *pb.Relation_ToDf:
		child, err := t.relation(k.ToDf.GetInput())
		return &plan.RenameAll{Names: k.ToDf.GetColumnNames(), Child: child}, err
	case *pb.Relation_WithColumnsRenamed:
		return t.renamed(k.WithColumnsRenamed)
	case *pb.Relation_WithColumns:
		return t.withColumns(k.WithColumns)
	case *pb.Relation_Drop:
		return t.drop(k.Drop)
	case *pb.Relation_Hint:
		child, err := t.relation(k.Hint.GetInput())
		if err != nil {
			return nil, err
		}
		params, err := t.exprs(k.Hint.GetParameters())
		return &plan.Hint{Name: k.Hint.GetName(), Params: params, Child: child}, err
	case *pb.Relation_Unpivot:
		return t.unpivot(k.Unpivot)
	case *pb.Relation_ToSchema:
		return t.toSchema(k.ToSchema)
	case *pb.Relation_ShowString:
		s := k.ShowString
		child, err := t.relation(s.GetInput())
		return &plan.ShowString{Rows: int(s.GetNumRows()), Truncate: int(s.GetTruncate()), Vertical: s.GetVertical(), Child: child}, err
	case *pb.Relation_HtmlString:
		s := k.HtmlString
		child, err := t.relation(s.GetInput())
		return &plan.ShowString{Rows: int(s.GetNumRows()), Truncate: int(s.GetTruncate()), HTML: true, Child: child}, err
	}
	return t.relationRare(r)
}

// relationRare translates what few programs use.
func (t *translator) relationRare(r *pb.Relation) (plan.Node, error) {
	switch k := r.GetRelType().(type) {
	case *pb.Relation_CollectMetrics:
		child, err := t.relation(k.CollectMetrics.GetInput())
		if err != nil {
			return nil, err
		}
		list, err := t.exprs(k.CollectMetrics.GetMetrics())
		return &plan.CollectMetrics{Name: k.CollectMetrics.GetName(), List: list, Child: child}, err
	case *pb.Relation_Parse:
		return t.parse(k.Parse)
	case *pb.Relation_UnresolvedTableValuedFunction:
		f := k.UnresolvedTableValuedFunction
		args, err := t.exprs(f.GetArguments())
		return &plan.TableFunction{Name: []string{f.GetFunctionName()}, Args: args, At: originOf(r.GetCommon().GetOrigin())}, err
	case *pb.Relation_LateralJoin:
		return t.lateralJoin(k.LateralJoin)
	case *pb.Relation_Transpose:
		child, err := t.relation(k.Transpose.GetInput())
		if err != nil {
			return nil, err
		}
		index, err := t.exprs(k.Transpose.GetIndexColumns())
		return &plan.Transpose{Index: index, Child: child}, err
	case *pb.Relation_WithWatermark:
		// Without streams a watermark drops nothing: Spark removes it, too.
		return t.relation(k.WithWatermark.GetInput())
	}
	return t.relationStat(r)
}

func (t *translator) sample(s *pb.Sample) (plan.Node, error) {
	child, err := t.relation(s.GetInput())
	out := &plan.Sample{Lower: s.GetLowerBound(), Upper: s.GetUpperBound(), WithReplacement: s.GetWithReplacement(), Seed: s.GetSeed(), Child: child}
	if s.Seed == nil {
		out.Seed = rand.Int64()
	}
	return out, err
}

func (t *translator) deduplicate(d *pb.Deduplicate) (plan.Node, error) {
	if d.GetWithinWatermark() {
		return nil, errs.Unsupported("dropDuplicatesWithinWatermark")
	}
	if d.GetAllColumnsAsKeys() == (len(d.GetColumnNames()) > 0) {
		return nil, invalidPlan("a deduplication must name its columns, or say that all are keys")
	}
	child, err := t.relation(d.GetInput())
	return &plan.Deduplicate{Columns: d.GetColumnNames(), Child: child}, err
}

func (t *translator) repartitionBy(r *pb.RepartitionByExpression) (plan.Node, error) {
	child, err := t.relation(r.GetInput())
	if err != nil {
		return nil, err
	}
	by, err := t.exprs(r.GetPartitionExprs())
	return &plan.Repartition{N: int(r.GetNumPartitions()), Shuffle: true, By: by, Child: child}, err
}

func (t *translator) renamed(w *pb.WithColumnsRenamed) (plan.Node, error) {
	child, err := t.relation(w.GetInput())
	if err != nil {
		return nil, err
	}
	out := &plan.RenameColumns{Child: child}
	for _, r := range w.GetRenames() {
		out.From, out.To = append(out.From, r.GetColName()), append(out.To, r.GetNewColName())
	}
	if len(out.From) > 0 {
		return out, nil
	}
	for from := range w.GetRenameColumnsMap() { // of clients before 4.0
		out.From = append(out.From, from)
	}
	slices.Sort(out.From)
	for _, from := range out.From {
		out.To = append(out.To, w.GetRenameColumnsMap()[from])
	}
	return out, nil
}

func (t *translator) withColumns(w *pb.WithColumns) (plan.Node, error) {
	child, err := t.relation(w.GetInput())
	if err != nil {
		return nil, err
	}
	out := &plan.WithColumns{Child: child}
	for _, a := range w.GetAliases() {
		if len(a.GetName()) != 1 {
			return nil, invalidPlan("a column of withColumns must have one name")
		}
		e, err := t.alias(a)
		if err != nil {
			return nil, err
		}
		out.List = append(out.List, e)
	}
	return out, nil
}

func (t *translator) drop(d *pb.Drop) (plan.Node, error) {
	child, err := t.relation(d.GetInput())
	if err != nil {
		return nil, err
	}
	columns, err := t.exprs(d.GetColumns())
	return &plan.DropColumns{Columns: columns, Names: d.GetColumnNames(), Child: child}, err
}

func (t *translator) unpivot(u *pb.Unpivot) (plan.Node, error) {
	child, err := t.relation(u.GetInput())
	if err != nil {
		return nil, err
	}
	ids, err := t.exprs(u.GetIds())
	if err != nil {
		return nil, err
	}
	out := &plan.Unpivot{IDs: ids, VariableName: u.GetVariableColumnName(), ValueNames: []string{u.GetValueColumnName()}, IncludeNulls: true, Child: child}
	if u.GetValues() == nil {
		return out, nil
	}
	out.Values = [][]plan.Expr{}
	for _, v := range u.GetValues().GetValues() {
		e, err := t.expr(v)
		if err != nil {
			return nil, err
		}
		out.Values, out.Aliases = append(out.Values, []plan.Expr{e}), append(out.Aliases, "")
	}
	return out, nil
}

func (t *translator) toSchema(s *pb.ToSchema) (plan.Node, error) {
	typ, err := typeFrom(s.GetSchema())
	if err != nil {
		return nil, err
	}
	if typ.Kind != types.KindStruct {
		return nil, invalidPlan("the schema of a data frame must be a struct")
	}
	child, err := t.relation(s.GetInput())
	return &plan.ToSchema{Schema: types.Schema{Fields: typ.Fields}, Child: child}, err
}

// parse reads CSV or JSON from a column of strings: a struct of the declared
// fields, which is then spread.
func (t *translator) parse(p *pb.Parse) (plan.Node, error) {
	name := map[pb.Parse_ParseFormat]string{pb.Parse_PARSE_FORMAT_CSV: "from_csv", pb.Parse_PARSE_FORMAT_JSON: "from_json"}[p.GetFormat()]
	if name == "" {
		return nil, errs.Unsupported("parsing a data frame of strings as " + p.GetFormat().String())
	}
	if p.GetSchema() == nil {
		return nil, errs.Unsupported("inferring the schema of a data frame of strings")
	}
	child, err := t.relation(p.GetInput())
	if err != nil {
		return nil, err
	}
	typ, err := typeFrom(p.GetSchema())
	if err != nil {
		return nil, err
	}
	args := []plan.Expr{&plan.Star{}, plan.LitString(types.Schema{Fields: typ.Fields}.DDL())}
	if len(p.GetOptions()) > 0 {
		args = append(args, optionsMap(p.GetOptions()))
	}
	row := &plan.Alias{Name: "row", Child: &plan.Func{Name: []string{name}, Args: args}}
	return &plan.Project{
		List:  []plan.Expr{&plan.Star{Qualifier: []string{"row"}}},
		Child: &plan.Project{List: []plan.Expr{row}, Child: child},
	}, nil
}

// optionsMap is map('k', 'v', ...).
func optionsMap(options map[string]string) plan.Expr {
	out := &plan.Func{Name: []string{"map"}}
	for _, k := range sortedKeys(options) {
		out.Args = append(out.Args, plan.LitString(k), plan.LitString(options[k]))
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
