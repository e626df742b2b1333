package physical

import (
	"context"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/optimize"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Estimator guesses a logical node's rows, -1 unknown. The optimiser's cost
// model is one.
type Estimator interface {
	Rows(n plan.Node) int64
}

// Planner turns optimised logical plans into physical ones. A Planner serves
// one query: the numbers of runtime filters and observations count up in it.
type Planner struct {
	Registry *function.Registry
	Estimate Estimator
	// JobID names written files.
	JobID string
	// Single reports whether a join side with these estimated bytes may be
	// copied to every worker; nil means never.
	filters int64
	shared  map[int64]Node // children of Shared nodes by ID
}

// Plan chooses algorithms and binds expressions. n's columns come out in order.
func (p *Planner) Plan(ctx context.Context, n plan.Node) (Node, error) {
	out, err := p.node(ctx, n)
	if err != nil {
		return nil, err
	}
	return p.runtimeFilters(out), nil
}

func (p *Planner) rows(n plan.Node) Rows {
	if p.Estimate == nil {
		return Rows{-1}
	}
	return Rows{p.Estimate.Rows(n)}
}

// Bind replaces columns by their positions in cols.
func Bind(e plan.Expr, cols []*plan.Column) (plan.Expr, error) {
	pos := make(map[plan.ID]int, len(cols))
	for i, c := range cols {
		pos[c.ID] = i
	}
	return bindBy(e, pos, cols)
}

func bindBy(e plan.Expr, pos map[plan.ID]int, cols []*plan.Column) (plan.Expr, error) {
	return plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) {
		switch x := x.(type) {
		case *plan.Column:
			i, ok := pos[x.ID]
			if !ok {
				return nil, errs.Errorf(errs.Internal, "physical.Bind", "column %s is not among the input %v", x, cols)
			}
			return &plan.Bound{Index: i, Typ: x.Typ, Null: cols[i].Null, Name: x.Name}, nil
		case *plan.Alias:
			return x.Child, nil
		case *plan.Subquery, *plan.OuterRef, *plan.Window:
			return nil, errs.E(errs.NotSupported, "physical.Bind", errs.Unsupported("this form of "+x.String()+" in this place"))
		}
		return x, nil
	})
}

func bindAll(es []plan.Expr, cols []*plan.Column) ([]plan.Expr, error) {
	pos := make(map[plan.ID]int, len(cols))
	for i, c := range cols {
		pos[c.ID] = i
	}
	out := make([]plan.Expr, len(es))
	for i, e := range es {
		b, err := bindBy(e, pos, cols)
		if err != nil {
			return nil, err
		}
		out[i] = b
	}
	return out, nil
}

func bindOrders(os []plan.SortOrder, cols []*plan.Column) ([]SortKey, error) {
	out := make([]SortKey, len(os))
	for i, o := range os {
		e, err := Bind(o.Child, cols)
		if err != nil {
			return nil, err
		}
		out[i] = SortKey{Expr: e, Desc: o.Desc, NullsFirst: o.NullsAreFirst()}
	}
	return out, nil
}

// node plans the common nodes; the rest is in rare.
func (p *Planner) node(ctx context.Context, n plan.Node) (Node, error) {
	switch n := n.(type) {
	case *plan.Scan:
		return p.scan(ctx, n, nil)
	case *plan.Filter:
		return p.filter(ctx, n)
	case *plan.Project:
		child, err := p.node(ctx, n.Child)
		if err != nil {
			return nil, err
		}
		return p.project(n.List, n.Output(), child, n.Child.Output())
	case *plan.Aggregate:
		return p.aggregate(ctx, n)
	case *plan.Join:
		return p.join(ctx, n)
	case *plan.Sort:
		return p.sort(ctx, n, -1, 0)
	case *plan.Limit:
		return p.limit(ctx, n)
	case *plan.Local:
		return &Values{Rows: localRows(n), Out: plan.SchemaOf(n), Data: n.Data}, nil
	case *plan.Union:
		return p.union(ctx, n)
	case *plan.WindowNode:
		return p.window(ctx, n)
	case *plan.SubqueryAlias:
		return p.node(ctx, n.Child)
	case *plan.Tagged:
		return p.node(ctx, n.Child)
	case *plan.Hint:
		return p.node(ctx, n.Child)
	case *plan.Repartition:
		return p.node(ctx, n.Child)
	case *plan.CollectMetrics:
		return p.observe(ctx, n)
	}
	return p.rare(ctx, n)
}

// sharedNode plans the common subtree once.
func (p *Planner) sharedNode(ctx context.Context, n *plan.Shared) (Node, error) {
	child := p.shared[n.ID]
	if child == nil {
		var err error
		if child, err = p.node(ctx, n.Child); err != nil {
			return nil, err
		}
		if p.shared == nil {
			p.shared = map[int64]Node{}
		}
		p.shared[n.ID] = child
	}
	return &Shared{Rows: p.rows(n), ID: n.ID, Child: child}, nil
}

func localRows(n *plan.Local) Rows {
	var rows int64
	for _, b := range n.Data {
		rows += int64(b.N)
	}
	return Rows{rows}
}

func (p *Planner) rare(ctx context.Context, n plan.Node) (Node, error) {
	switch n := n.(type) {
	case *plan.Range:
		return &Range{Rows: p.rows(n), Start: n.Start, End: n.End, Step: n.Step, Out: plan.SchemaOf(n)}, nil
	case *plan.OneRow:
		return &Project{Child: oneRow(), Exprs: []plan.Expr{}, Out: types.Schema{Fields: []types.Field{}}}, nil
	case *plan.OffsetRows:
		return p.offset(ctx, n)
	case *plan.Tail:
		return p.tail(ctx, n)
	case *plan.Distinct:
		return p.distinct(ctx, n)
	case *plan.SetOp:
		return p.setOp(ctx, n)
	case *plan.Sample:
		child, err := p.node(ctx, n.Child)
		if err != nil {
			return nil, err
		}
		return &Sample{Rows: p.rows(n), Lower: n.Lower, Upper: n.Upper, WithReplacement: n.WithReplacement, Seed: n.Seed, Child: child}, nil
	case *plan.Generate:
		return p.generate(ctx, n)
	case *plan.Expand:
		return p.expand(ctx, n)
	case *plan.Shared:
		return p.sharedNode(ctx, n)
	case *plan.Recursive:
		return p.recursive(ctx, n)
	case *plan.RecursiveRef:
		return &RecursiveRef{Rows: p.rows(n), ID: n.ID, Out: plan.SchemaOf(n)}, nil
	case *plan.Write:
		return p.write(ctx, n)
	}
	return nil, errs.E(errs.NotSupported, "physical.Plan", errs.Unsupported("the operator "+n.String()))
}

// oneRow is a single row; one dummy column keeps batches simple to reason about.
func oneRow() Node {
	return &Range{Rows: Rows{1}, End: 1, Step: 1, Out: types.NewSchema(types.Field{Name: "row", Type: types.Long})}
}

func (p *Planner) project(list []plan.Expr, outCols []*plan.Column, child Node, in []*plan.Column) (Node, error) {
	bound, err := bindAll(list, in)
	if err != nil {
		return nil, err
	}
	if identity(bound, len(in)) {
		return renamed(child, plan.SchemaOfColumns(outCols)), nil
	}
	if inner, ok := child.(*Project); ok && cheapProject(inner) {
		bound, child = compose(bound, inner), inner.Child
	}
	return &Project{Rows: Rows{child.Estimate()}, Exprs: bound, Out: plan.SchemaOfColumns(outCols), Child: child}, nil
}

// identity tells whether the expressions are the input columns in order.
func identity(es []plan.Expr, n int) bool {
	if len(es) != n {
		return false
	}
	for i, e := range es {
		if b, ok := e.(*plan.Bound); !ok || b.Index != i {
			return false
		}
	}
	return true
}

// renamed gives child's columns other names; only projections carry names that matter.
func renamed(child Node, out types.Schema) Node {
	if p, ok := child.(*Project); ok {
		c := *p
		c.Out = out
		return &c
	}
	if out.Equal(child.Schema()) {
		return child
	}
	es := make([]plan.Expr, out.Len())
	for i, f := range out.Fields {
		es[i] = &plan.Bound{Index: i, Typ: f.Type, Null: f.Nullable, Name: f.Name}
	}
	return &Project{Rows: Rows{child.Estimate()}, Exprs: es, Out: out, Child: child}
}

// Rename gives a plan's columns the names and nullability of a schema.
func Rename(n Node, out types.Schema) Node { return renamed(n, out) }

// cheapProject tells whether all expressions are plain columns, so that a
// projection above can read through it.
func cheapProject(p *Project) bool {
	for _, e := range p.Exprs {
		if _, ok := e.(*plan.Bound); !ok {
			return false
		}
	}
	return true
}

func compose(es []plan.Expr, inner *Project) []plan.Expr {
	out := make([]plan.Expr, len(es))
	for i, e := range es {
		out[i], _ = plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) {
			if b, ok := x.(*plan.Bound); ok {
				return inner.Exprs[b.Index], nil
			}
			return x, nil
		})
	}
	return out
}

func (p *Planner) filter(ctx context.Context, n *plan.Filter) (Node, error) {
	if scan, ok := n.Child.(*plan.Scan); ok {
		return p.scan(ctx, scan, n)
	}
	child, err := p.node(ctx, n.Child)
	if err != nil {
		return nil, err
	}
	cond, err := Bind(n.Cond, n.Child.Output())
	if err != nil {
		return nil, err
	}
	return &Filter{Rows: p.rows(n), Cond: cond, Child: child}, nil
}

// scan reads a table; a filter right above it moves in, so that the reader can
// skip data and decode late.
func (p *Planner) scan(ctx context.Context, n *plan.Scan, f *plan.Filter) (Node, error) {
	table, ok := n.Source.(catalog.Table)
	if !ok {
		return nil, errs.Errorf(errs.Internal, "physical.Plan", "source %s is no table", n.Source.Name())
	}
	out := &Scan{Rows: p.rows(n), Table: table.Name(), Out: plan.SchemaOf(n), DataCols: table.Schema().Len() - table.PartitionColumns()}
	full := table.Schema()
	file := -1 // position of the hidden column with the file's path
	for _, c := range n.Columns {
		if c.Name == optimize.FileColumn {
			file = table.PartitionColumns()
			out.Columns = append(out.Columns, full.Len())
			continue
		}
		i := full.Index(c.Name)
		if i < 0 {
			return nil, errs.Errorf(errs.Internal, "physical.Plan", "table %s has no column %s", table.Name(), c.Name)
		}
		out.Columns = append(out.Columns, i)
	}
	req := catalog.ScanRequest{Columns: tableColumns(out.Columns, full.Len())}
	if f != nil {
		out.Rows = p.rows(f)
		for _, c := range plan.SplitAnd(f.Cond) {
			b, err := Bind(c, n.Columns)
			if err != nil {
				return nil, err
			}
			out.Filters = append(out.Filters, b)
			req.Predicates = append(req.Predicates, toTable(b, out.Columns))
		}
	}
	if mem, ok := table.(catalog.InMemory); ok {
		return memScan(out, mem), nil
	}
	splits, err := table.Splits(ctx, req)
	if err != nil {
		return nil, err
	}
	if file >= 0 {
		splits = withFile(splits, file)
	}
	out.Splits = splits
	for _, s := range splits {
		out.TotalBytes += s.Bytes
	}
	return out, nil
}

// tableColumns drops the hidden column, which the table does not know.
func tableColumns(cols []int, width int) []int {
	var out []int
	for _, c := range cols {
		if c < width {
			out = append(out, c)
		}
	}
	return out
}

// withFile makes the path of each split's file one more partition value.
func withFile(splits []format.Split, at int) []format.Split {
	out := make([]format.Split, len(splits))
	for i, s := range splits {
		values := make([]any, at+1)
		copy(values, s.Partitions)
		values[at] = fileURI(s.File.Path)
		s.Partitions = values
		out[i] = s
	}
	return out
}

// fileURI is a path as Spark shows it: local ones as file:///...
func fileURI(path string) string {
	if len(path) > 0 && path[0] == '/' {
		return "file://" + path
	}
	return path
}

// toTable renumbers bound columns from scan output to table positions.
func toTable(e plan.Expr, columns []int) plan.Expr {
	out, _ := plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) {
		if b, ok := x.(*plan.Bound); ok {
			c := *b
			c.Index = columns[b.Index]
			return &c, nil
		}
		return x, nil
	})
	return out
}

// memScan reads rows that live in this process: by key if they have one, else
// as values; columns picked, filtered.
func memScan(s *Scan, t catalog.InMemory) Node {
	var n Node
	if key := t.Key(); key != "" {
		n = &CacheRead{Rows: s.Rows, Key: key, Out: t.Schema()}
	} else {
		n = &Values{Rows: s.Rows, Out: t.Schema(), Data: t.Batches()}
	}
	if len(s.Columns) != t.Schema().Len() || !sequential(s.Columns) {
		es := make([]plan.Expr, len(s.Columns))
		for i, c := range s.Columns {
			f := t.Schema().Fields[c]
			es[i] = &plan.Bound{Index: c, Typ: f.Type, Null: f.Nullable, Name: f.Name}
		}
		n = &Project{Rows: s.Rows, Exprs: es, Out: s.Out, Child: n}
	}
	if cond := plan.And(s.Filters...); cond != nil {
		n = &Filter{Rows: s.Rows, Cond: cond, Child: n}
	}
	return n
}

func sequential(xs []int) bool {
	for i, x := range xs {
		if i != x {
			return false
		}
	}
	return true
}

func (p *Planner) write(ctx context.Context, n *plan.Write) (Node, error) {
	child, err := p.node(ctx, n.Child)
	if err != nil {
		return nil, err
	}
	schema := plan.SchemaOf(n.Child)
	by := make([]int, 0, len(n.PartitionBy))
	for _, name := range n.PartitionBy {
		i := schema.Index(name)
		if i < 0 {
			return nil, errs.Cond(errs.Analysis, "COLUMN_NOT_FOUND", "42703", "The partition column "+types.Quote(name)+" is not in the data.", "colName", types.Quote(name))
		}
		by = append(by, i)
	}
	return &Write{Rows: Rows{-1}, Format: n.Format, Path: n.Path, JobID: p.JobID, PartitionBy: by, Options: format.Options(n.Options), Child: renamed(child, schema)}, nil
}
