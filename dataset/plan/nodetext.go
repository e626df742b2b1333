package plan

import (
	"fmt"
	"strings"
)

// One-line texts of nodes.

func (n *Table) String() string         { return "'UnresolvedRelation [" + strings.Join(n.Parts, ", ") + "]" }
func (n *DataSource) String() string    { return "DataSource" }
func (n *TableFunction) String() string { return "TableFunction" }
func (n *Scan) String() string          { return "Scan " + n.Source.Name() + columnList(n.Columns) }
func (n *Local) String() string         { return "LocalRelation" + columnList(n.Columns) }
func (n *Range) String() string {
	return fmt.Sprintf("Range (%d, %d, step=%d)", n.Start, n.End, n.Step)
}
func (n *Values) String() string  { return "Values" }
func (n *OneRow) String() string  { return "OneRowRelation" }
func (n *Project) String() string { return "Project [" + join(n.List) + "]" }
func (n *Filter) String() string  { return "Filter " + n.Cond.String() }
func (n *Aggregate) String() string {
	return "Aggregate [" + join(n.GroupBy) + "], [" + join(n.List) + "]"
}
func (n *Pivot) String() string       { return "Pivot" }
func (n *Unpivot) String() string     { return "Unpivot" }
func (n *Sort) String() string        { return "Sort [" + orderList(n.Orders) + "], " + fmt.Sprint(n.Global) }
func (n *Limit) String() string       { return "Limit " + n.N.String() }
func (n *OffsetRows) String() string  { return "Offset " + n.N.String() }
func (n *Tail) String() string        { return "Tail " + n.N.String() }
func (n *Distinct) String() string    { return "Distinct" }
func (n *Deduplicate) String() string { return "Deduplicate [" + strings.Join(n.Columns, ", ") + "]" }

func (n *Sample) String() string {
	return fmt.Sprintf("Sample %g, %g, %v, %d", n.Lower, n.Upper, n.WithReplacement, n.Seed)
}
func (n *SubqueryAlias) String() string { return "SubqueryAlias " + strings.Join(n.Name, ".") }
func (n *Tagged) String() string        { return "Tagged" }
func (n *With) String() string          { return "With" }
func (n *WithRelations) String() string { return "WithRelations" }
func (n *WindowNode) String() string {
	return "Window [" + join(n.List) + "], [" + join(n.Partition) + "], [" + orderList(n.Order) + "]"
}

func (n *Generate) String() string {
	return "Generate " + n.Gen.String() + ", " + fmt.Sprint(n.Outer) + columnList(n.Columns)
}

func (n *Expand) String() string {
	return fmt.Sprintf("Expand %d", len(n.Projections)) + columnList(n.Columns)
}

func (n *Repartition) String() string    { return fmt.Sprintf("Repartition %d, %v", n.N, n.Shuffle) }
func (n *Hint) String() string           { return "Hint" }
func (n *Shared) String() string         { return fmt.Sprintf("Shared %d", n.ID) + columnList(n.Columns) }
func (n *WithColumns) String() string    { return "WithColumns" }
func (n *RenameColumns) String() string  { return "RenameColumns" }
func (n *DropColumns) String() string    { return "DropColumns" }
func (n *RenameAll) String() string      { return "RenameAll" }
func (n *ToSchema) String() string       { return "ToSchema" }
func (n *FillNulls) String() string      { return "FillNulls" }
func (n *DropNulls) String() string      { return "DropNulls" }
func (n *ReplaceValues) String() string  { return "ReplaceValues" }
func (n *Describe) String() string       { return "Describe" }
func (n *Summary) String() string        { return "Summary" }
func (n *Stat) String() string           { return "Stat" }
func (n *ShowString) String() string     { return "ShowString" }
func (n *CollectMetrics) String() string { return "CollectMetrics" }
func (n *Transpose) String() string      { return "Transpose" }
func (n *Cached) String() string         { return "InMemoryRelation " + n.Key }
func (n *Join) String() string           { return n.describe() }
func (n *SetOp) String() string {
	return [...]string{"Union", "Intersect", "Except"}[n.Kind] + map[bool]string{true: " All", false: ""}[n.All]
}
func (n *Union) String() string            { return "Union" }
func (n *CreateView) String() string       { return "CreateView" }
func (n *Write) String() string            { return "Write" }
func (n *CreateTable) String() string      { return "CreateTable" }
func (n *DropRelation) String() string     { return "DropRelation" }
func (n *SetConf) String() string          { return "SetConf" }
func (n *ResetConf) String() string        { return "ResetConf" }
func (n *Use) String() string              { return "Use" }
func (n *Namespace) String() string        { return "Namespace" }
func (n *Show) String() string             { return "Show" }
func (n *DescribeRelation) String() string { return "DescribeRelation" }
func (n *Explain) String() string          { return "Explain" }
func (n *CacheTable) String() string       { return "CacheTable" }
func (n *UncacheTable) String() string     { return "UncacheTable" }
func (n *ClearCache) String() string       { return "ClearCache" }
func (n *Refresh) String() string          { return "Refresh" }
func (n *CatalogCall) String() string      { return "CatalogCall" }

func (n *Join) describe() string {
	names := [...]string{"Inner", "LeftOuter", "RightOuter", "FullOuter", "LeftSemi", "LeftAnti", "Cross", "Existence", "LeftSingle", "NullAwareAnti"}
	s := "Join " + names[n.Type]
	if n.Cond != nil {
		s += ", " + n.Cond.String()
	}
	return s
}

func columnList(cs []*Column) string {
	parts := make([]string, len(cs))
	for i, c := range cs {
		parts[i] = c.String()
	}
	return " [" + strings.Join(parts, ", ") + "]"
}

func orderList(os []SortOrder) string {
	parts := make([]string, len(os))
	for i, o := range os {
		parts[i] = o.String()
	}
	return strings.Join(parts, ", ")
}
