package plan

// Children and expressions of the nodes that have at most one child.

func (n *Table) Children() []Node         { return nil }
func (n *Table) WithChildren([]Node) Node { return n }
func (n *Table) Exprs() []Expr            { return nil }
func (n *Table) WithExprs([]Expr) Node    { return n }

func (n *DataSource) Children() []Node         { return nil }
func (n *DataSource) WithChildren([]Node) Node { return n }
func (n *DataSource) Exprs() []Expr            { return nil }
func (n *DataSource) WithExprs([]Expr) Node    { return n }

func (n *TableFunction) Children() []Node         { return nil }
func (n *TableFunction) WithChildren([]Node) Node { return n }
func (n *TableFunction) Exprs() []Expr            { return n.Args }
func (n *TableFunction) WithExprs(es []Expr) Node {
	c := *n
	c.Args = cut(&es, len(n.Args))
	return &c
}

func (n *Scan) Children() []Node         { return nil }
func (n *Scan) WithChildren([]Node) Node { return n }
func (n *Scan) Exprs() []Expr            { return n.Filters }
func (n *Scan) WithExprs(es []Expr) Node {
	c := *n
	c.Filters = cut(&es, len(n.Filters))
	return &c
}

func (n *Local) Children() []Node         { return nil }
func (n *Local) WithChildren([]Node) Node { return n }
func (n *Local) Exprs() []Expr            { return nil }
func (n *Local) WithExprs([]Expr) Node    { return n }

func (n *Range) Children() []Node         { return nil }
func (n *Range) WithChildren([]Node) Node { return n }
func (n *Range) Exprs() []Expr            { return nil }
func (n *Range) WithExprs([]Expr) Node    { return n }

func (n *OneRow) Children() []Node         { return nil }
func (n *OneRow) WithChildren([]Node) Node { return n }
func (n *OneRow) Exprs() []Expr            { return nil }
func (n *OneRow) WithExprs([]Expr) Node    { return n }

func (n *Values) Children() []Node         { return nil }
func (n *Values) WithChildren([]Node) Node { return n }
func (n *Values) Exprs() []Expr {
	var out []Expr
	out = append(out, flatten(n.Rows)...)
	return out
}

func (n *Values) WithExprs(es []Expr) Node {
	c := *n
	c.Rows = unflatten(n.Rows, &es)
	return &c
}

func (n *Project) Children() []Node { return []Node{n.Child} }
func (n *Project) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Project) Exprs() []Expr { return n.List }
func (n *Project) WithExprs(es []Expr) Node {
	c := *n
	c.List = cut(&es, len(n.List))
	return &c
}

func (n *Filter) Children() []Node { return []Node{n.Child} }
func (n *Filter) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}

func (n *Filter) Exprs() []Expr {
	var out []Expr
	out = append(out, n.Cond)
	return out
}

func (n *Filter) WithExprs(es []Expr) Node {
	c := *n
	c.Cond = cut(&es, 1)[0]
	return &c
}

func (n *Sort) Children() []Node { return []Node{n.Child} }
func (n *Sort) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}

func (n *Sort) Exprs() []Expr {
	var out []Expr
	out = append(out, exprsOfOrders(n.Orders)...)
	return out
}

func (n *Sort) WithExprs(es []Expr) Node {
	c := *n
	c.Orders = withOrderChildren(n.Orders, cut(&es, len(n.Orders)))
	return &c
}

func (n *Limit) Children() []Node { return []Node{n.Child} }
func (n *Limit) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}

func (n *Limit) Exprs() []Expr {
	var out []Expr
	out = append(out, n.N)
	return out
}

func (n *Limit) WithExprs(es []Expr) Node {
	c := *n
	c.N = cut(&es, 1)[0]
	return &c
}

func (n *OffsetRows) Children() []Node { return []Node{n.Child} }
func (n *OffsetRows) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}

func (n *OffsetRows) Exprs() []Expr {
	var out []Expr
	out = append(out, n.N)
	return out
}

func (n *OffsetRows) WithExprs(es []Expr) Node {
	c := *n
	c.N = cut(&es, 1)[0]
	return &c
}

func (n *Tail) Children() []Node { return []Node{n.Child} }
func (n *Tail) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}

func (n *Tail) Exprs() []Expr {
	var out []Expr
	out = append(out, n.N)
	return out
}

func (n *Tail) WithExprs(es []Expr) Node {
	c := *n
	c.N = cut(&es, 1)[0]
	return &c
}

func (n *Distinct) Children() []Node { return []Node{n.Child} }
func (n *Distinct) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Distinct) Exprs() []Expr         { return nil }
func (n *Distinct) WithExprs([]Expr) Node { return n }

func (n *Deduplicate) Children() []Node { return []Node{n.Child} }
func (n *Deduplicate) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Deduplicate) Exprs() []Expr         { return nil }
func (n *Deduplicate) WithExprs([]Expr) Node { return n }

func (n *Sample) Children() []Node { return []Node{n.Child} }
func (n *Sample) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}

func (n *Sample) Exprs() []Expr {
	var out []Expr
	out = append(out, optional(n.Rows)...)
	return out
}

func (n *Sample) WithExprs(es []Expr) Node {
	c := *n
	c.Rows = cutOptional(&es, n.Rows)
	return &c
}

func (n *SubqueryAlias) Children() []Node { return []Node{n.Child} }
func (n *SubqueryAlias) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *SubqueryAlias) Exprs() []Expr         { return nil }
func (n *SubqueryAlias) WithExprs([]Expr) Node { return n }

func (n *Tagged) Children() []Node { return []Node{n.Child} }
func (n *Tagged) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Tagged) Exprs() []Expr         { return nil }
func (n *Tagged) WithExprs([]Expr) Node { return n }

func (n *Hint) Children() []Node { return []Node{n.Child} }
func (n *Hint) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Hint) Exprs() []Expr { return n.Params }
func (n *Hint) WithExprs(es []Expr) Node {
	c := *n
	c.Params = cut(&es, len(n.Params))
	return &c
}

func (n *Shared) Children() []Node { return []Node{n.Child} }
func (n *Shared) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Shared) Exprs() []Expr         { return nil }
func (n *Shared) WithExprs([]Expr) Node { return n }

func (n *WithColumns) Children() []Node { return []Node{n.Child} }
func (n *WithColumns) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *WithColumns) Exprs() []Expr { return n.List }
func (n *WithColumns) WithExprs(es []Expr) Node {
	c := *n
	c.List = cut(&es, len(n.List))
	return &c
}

func (n *RenameColumns) Children() []Node { return []Node{n.Child} }
func (n *RenameColumns) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *RenameColumns) Exprs() []Expr         { return nil }
func (n *RenameColumns) WithExprs([]Expr) Node { return n }

func (n *DropColumns) Children() []Node { return []Node{n.Child} }
func (n *DropColumns) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *DropColumns) Exprs() []Expr { return n.Columns }
func (n *DropColumns) WithExprs(es []Expr) Node {
	c := *n
	c.Columns = cut(&es, len(n.Columns))
	return &c
}

func (n *RenameAll) Children() []Node { return []Node{n.Child} }
func (n *RenameAll) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *RenameAll) Exprs() []Expr         { return nil }
func (n *RenameAll) WithExprs([]Expr) Node { return n }

func (n *ToSchema) Children() []Node { return []Node{n.Child} }
func (n *ToSchema) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *ToSchema) Exprs() []Expr         { return nil }
func (n *ToSchema) WithExprs([]Expr) Node { return n }

func (n *FillNulls) Children() []Node { return []Node{n.Child} }
func (n *FillNulls) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *FillNulls) Exprs() []Expr         { return nil }
func (n *FillNulls) WithExprs([]Expr) Node { return n }

func (n *DropNulls) Children() []Node { return []Node{n.Child} }
func (n *DropNulls) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *DropNulls) Exprs() []Expr         { return nil }
func (n *DropNulls) WithExprs([]Expr) Node { return n }

func (n *ReplaceValues) Children() []Node { return []Node{n.Child} }
func (n *ReplaceValues) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *ReplaceValues) Exprs() []Expr         { return nil }
func (n *ReplaceValues) WithExprs([]Expr) Node { return n }

func (n *Describe) Children() []Node { return []Node{n.Child} }
func (n *Describe) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Describe) Exprs() []Expr         { return nil }
func (n *Describe) WithExprs([]Expr) Node { return n }

func (n *Summary) Children() []Node { return []Node{n.Child} }
func (n *Summary) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Summary) Exprs() []Expr         { return nil }
func (n *Summary) WithExprs([]Expr) Node { return n }

func (n *Stat) Children() []Node { return []Node{n.Child} }
func (n *Stat) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}

func (n *Stat) Exprs() []Expr {
	var out []Expr
	out = append(out, optional(n.Column)...)
	return out
}

func (n *Stat) WithExprs(es []Expr) Node {
	c := *n
	c.Column = cutOptional(&es, n.Column)
	return &c
}

func (n *ShowString) Children() []Node { return []Node{n.Child} }
func (n *ShowString) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *ShowString) Exprs() []Expr         { return nil }
func (n *ShowString) WithExprs([]Expr) Node { return n }

func (n *CollectMetrics) Children() []Node { return []Node{n.Child} }
func (n *CollectMetrics) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *CollectMetrics) Exprs() []Expr { return n.List }
func (n *CollectMetrics) WithExprs(es []Expr) Node {
	c := *n
	c.List = cut(&es, len(n.List))
	return &c
}

func (n *Transpose) Children() []Node { return []Node{n.Child} }
func (n *Transpose) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Transpose) Exprs() []Expr { return n.Index }
func (n *Transpose) WithExprs(es []Expr) Node {
	c := *n
	c.Index = cut(&es, len(n.Index))
	return &c
}

func (n *Cached) Children() []Node { return []Node{n.Child} }
func (n *Cached) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Cached) Exprs() []Expr         { return nil }
func (n *Cached) WithExprs([]Expr) Node { return n }

func (n *Repartition) Children() []Node { return []Node{n.Child} }
func (n *Repartition) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Repartition) Exprs() []Expr { return n.By }
func (n *Repartition) WithExprs(es []Expr) Node {
	c := *n
	c.By = cut(&es, len(n.By))
	return &c
}

func (n *WindowNode) Children() []Node { return []Node{n.Child} }
func (n *WindowNode) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}

func (n *WindowNode) Exprs() []Expr {
	var out []Expr
	out = append(out, n.List...)
	out = append(out, n.Partition...)
	out = append(out, exprsOfOrders(n.Order)...)
	return out
}

func (n *WindowNode) WithExprs(es []Expr) Node {
	c := *n
	c.List = cut(&es, len(n.List))
	c.Partition = cut(&es, len(n.Partition))
	c.Order = withOrderChildren(n.Order, cut(&es, len(n.Order)))
	return &c
}

func (n *Generate) Children() []Node { return []Node{n.Child} }
func (n *Generate) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}

func (n *Generate) Exprs() []Expr {
	var out []Expr
	out = append(out, n.Gen)
	return out
}

func (n *Generate) WithExprs(es []Expr) Node {
	c := *n
	c.Gen = cut(&es, 1)[0]
	return &c
}

func (n *Aggregate) Children() []Node { return []Node{n.Child} }
func (n *Aggregate) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}

func (n *Aggregate) Exprs() []Expr {
	var out []Expr
	out = append(out, n.GroupBy...)
	out = append(out, n.List...)
	out = append(out, flatten(n.Sets)...)
	return out
}

func (n *Aggregate) WithExprs(es []Expr) Node {
	c := *n
	c.GroupBy = cut(&es, len(n.GroupBy))
	c.List = cut(&es, len(n.List))
	c.Sets = unflatten(n.Sets, &es)
	return &c
}

func (n *Pivot) Children() []Node { return []Node{n.Child} }
func (n *Pivot) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}

func (n *Pivot) Exprs() []Expr {
	var out []Expr
	out = append(out, n.GroupBy...)
	out = append(out, n.Column...)
	out = append(out, n.Values...)
	out = append(out, n.Aggs...)
	return out
}

func (n *Pivot) WithExprs(es []Expr) Node {
	c := *n
	c.GroupBy = cut(&es, len(n.GroupBy))
	c.Column = cut(&es, len(n.Column))
	c.Values = cut(&es, len(n.Values))
	c.Aggs = cut(&es, len(n.Aggs))
	return &c
}

func (n *Unpivot) Children() []Node { return []Node{n.Child} }
func (n *Unpivot) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}

func (n *Unpivot) Exprs() []Expr {
	var out []Expr
	out = append(out, n.IDs...)
	out = append(out, flatten(n.Values)...)
	return out
}

func (n *Unpivot) WithExprs(es []Expr) Node {
	c := *n
	c.IDs = cut(&es, len(n.IDs))
	c.Values = unflatten(n.Values, &es)
	return &c
}

func (n *Expand) Children() []Node { return []Node{n.Child} }
func (n *Expand) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}

func (n *Expand) Exprs() []Expr {
	var out []Expr
	out = append(out, flatten(n.Projections)...)
	return out
}

func (n *Expand) WithExprs(es []Expr) Node {
	c := *n
	c.Projections = unflatten(n.Projections, &es)
	return &c
}
