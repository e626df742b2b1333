package plan

// Output of the core nodes. Nodes that the analyser replaces have none.

func (n *Table) Output() []*Column         { return nil }
func (n *DataSource) Output() []*Column    { return nil }
func (n *TableFunction) Output() []*Column { return nil }
func (n *Values) Output() []*Column        { return nil }
func (n *Pivot) Output() []*Column         { return nil }
func (n *Unpivot) Output() []*Column       { return nil }
func (n *Deduplicate) Output() []*Column   { return nil }
func (n *With) Output() []*Column          { return nil }
func (n *WithRelations) Output() []*Column { return nil }
func (n *WithColumns) Output() []*Column   { return nil }
func (n *RenameColumns) Output() []*Column { return nil }
func (n *DropColumns) Output() []*Column   { return nil }
func (n *RenameAll) Output() []*Column     { return nil }
func (n *ToSchema) Output() []*Column      { return nil }
func (n *FillNulls) Output() []*Column     { return nil }
func (n *DropNulls) Output() []*Column     { return nil }
func (n *ReplaceValues) Output() []*Column { return nil }
func (n *Describe) Output() []*Column      { return nil }
func (n *Summary) Output() []*Column       { return nil }
func (n *Stat) Output() []*Column          { return nil }
func (n *ShowString) Output() []*Column    { return nil }
func (n *Transpose) Output() []*Column     { return nil }
func (n *SetOp) Output() []*Column { // intersect and except, once their inputs agree
	l := n.Left.Output()
	if n.Kind != SetIntersect {
		if n.Kind == SetUnion {
			return nil
		}
		return l
	}
	r := n.Right.Output()
	if len(l) != len(r) {
		return nil
	}
	out := make([]*Column, len(l))
	for i, c := range l {
		out[i] = c.WithNullable(c.Null && r[i].Null)
	}
	return out
}

func (n *Scan) Output() []*Column   { return present(n.Columns) }
func (n *Local) Output() []*Column  { return present(n.Columns) }
func (n *Range) Output() []*Column  { return []*Column{n.Column} }
func (n *OneRow) Output() []*Column { return []*Column{} }
func (n *Union) Output() []*Column  { return n.Columns }
func (n *Expand) Output() []*Column { return n.Columns }
func (n *Shared) Output() []*Column { return n.Columns }

func (n *Filter) Output() []*Column         { return n.Child.Output() }
func (n *Sort) Output() []*Column           { return n.Child.Output() }
func (n *Limit) Output() []*Column          { return n.Child.Output() }
func (n *OffsetRows) Output() []*Column     { return n.Child.Output() }
func (n *Tail) Output() []*Column           { return n.Child.Output() }
func (n *Distinct) Output() []*Column       { return n.Child.Output() }
func (n *Sample) Output() []*Column         { return n.Child.Output() }
func (n *Tagged) Output() []*Column         { return n.Child.Output() }
func (n *Repartition) Output() []*Column    { return n.Child.Output() }
func (n *Hint) Output() []*Column           { return n.Child.Output() }
func (n *Cached) Output() []*Column         { return n.Child.Output() }
func (n *CollectMetrics) Output() []*Column { return n.Child.Output() }

// Output of an alias is the child's columns under the new qualifier.
func (n *SubqueryAlias) Output() []*Column {
	in := n.Child.Output()
	if in == nil || len(n.Columns) > 0 && len(n.Columns) != len(in) {
		return nil
	}
	out := make([]*Column, len(in))
	for i, c := range in {
		q := *c
		q.Qualifier = n.Name
		if len(n.Columns) > 0 {
			q.Name = n.Columns[i]
		}
		out[i] = &q
	}
	return out
}

// ListOutput is the columns that a list of named expressions makes, nil while
// one of them is unresolved.
func ListOutput(list []Expr) []*Column {
	out := make([]*Column, 0, len(list))
	for _, e := range list {
		if !e.Resolved() {
			return nil
		}
		switch e := e.(type) {
		case *Column:
			out = append(out, e)
		case *Alias:
			out = append(out, e.Column())
		default:
			return nil
		}
	}
	return out
}

func (n *Project) Output() []*Column   { return ListOutput(n.List) }
func (n *Aggregate) Output() []*Column { return ListOutput(n.List) }

// Output of a window node is the child's columns and the computed ones.
func (n *WindowNode) Output() []*Column { return appendOutput(n.Child.Output(), ListOutput(n.List)) }

// Output of generate is the child's columns and the generator's.
func (n *Generate) Output() []*Column { return appendOutput(n.Child.Output(), n.Columns) }

// Output of a join follows its type.
func (n *Join) Output() []*Column {
	l, r := n.Left.Output(), n.Right.Output()
	if l == nil || r == nil {
		return nil
	}
	switch n.Type {
	case JoinSemi, JoinAnti, JoinNullAnti:
		return l
	case JoinExistence:
		return appendOutput(l, []*Column{n.Mark})
	case JoinLeft, JoinSingle:
		return appendOutput(l, nullable(r))
	case JoinRight:
		return appendOutput(nullable(l), r)
	case JoinFull:
		return appendOutput(nullable(l), nullable(r))
	default:
		return appendOutput(l, r)
	}
}

func nullable(cs []*Column) []*Column {
	out := make([]*Column, len(cs))
	for i, c := range cs {
		out[i] = c.WithNullable(true)
	}
	return out
}

func appendOutput(a, b []*Column) []*Column {
	if a == nil || b == nil {
		return nil
	}
	out := make([]*Column, 0, len(a)+len(b))
	return append(append(out, a...), b...)
}

func present(cs []*Column) []*Column {
	if cs == nil {
		return []*Column{}
	}
	return cs
}
