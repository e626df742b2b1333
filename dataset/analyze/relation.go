package analyze

import (
	"context"
	"slices"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// maxViewDepth bounds views of views, as Spark's default.
const maxViewDepth = 100

// table resolves a relation by name: a named query, a client's plan, a view, a table.
func (r *run) table(ctx context.Context, n *plan.Table, sc *scope) (plan.Node, error) {
	if len(n.Parts) == 1 {
		if c := sc.cte(n.Parts[0]); c != nil {
			return r.occurrence(ctx, c, sc)
		}
		if p, in := sc.relation(n.Parts[0]); p != nil {
			return r.node(ctx, p, in)
		}
	}
	rel, err := r.Catalog.Relation(ctx, n.Parts, n.Options)
	if err != nil {
		return nil, at(err, n.At)
	}
	switch {
	case rel == nil && severalNamespaces(n.Parts):
		return nil, at(errs.Cond(errs.Analysis, "REQUIRES_SINGLE_PART_NAMESPACE", "42K05",
			"The catalog spark_catalog has databases only, not "+sqlID(n.Parts[:len(n.Parts)-1])+".",
			"sessionCatalog", catalog.SparkCatalog, "namespace", sqlID(n.Parts[:len(n.Parts)-1])), n.At)
	case rel == nil:
		return nil, noRelation(n.Parts, n.At)
	case rel.View != nil:
		return r.view(ctx, rel)
	}
	return &plan.SubqueryAlias{Name: rel.Name, Child: r.scan(rel.Source)}, nil
}

// severalNamespaces tells names with more than a database before the relation's.
func severalNamespaces(parts []string) bool {
	if strings.EqualFold(parts[0], catalog.SparkCatalog) {
		parts = parts[1:]
	}
	return len(parts) > 2
}

func noRelation(parts []string, o *errs.Origin) error {
	c := errs.Cond(errs.Analysis, "TABLE_OR_VIEW_NOT_FOUND", "42P01",
		"There is no table or view "+sqlID(parts)+".", "relationName", sqlID(parts))
	c.Kind = errs.NotFound
	return at(c, o)
}

func lower(s string) string { return strings.ToLower(s) }

// scan reads all columns of a source under new identities. CHAR and VARCHAR
// are strings in queries.
func (r *run) scan(src plan.Source) *plan.Scan {
	cols := r.columnsOf(src.Schema())
	for _, c := range cols {
		c.Typ = withoutLength(c.Typ)
	}
	return &plan.Scan{Source: src, Columns: cols}
}

func (r *run) columnsOf(s types.Schema) []*plan.Column {
	out := make([]*plan.Column, len(s.Fields))
	for i, f := range s.Fields {
		out[i] = &plan.Column{Name: f.Name, ID: r.NextID(), Typ: f.Type, Null: f.Nullable, Metadata: f.Metadata}
	}
	return out
}

func (r *run) view(ctx context.Context, rel *catalog.Relation) (plan.Node, error) {
	name := sqlID(rel.Name)
	if len(r.views) >= maxViewDepth {
		return nil, errs.Cond(errs.Analysis, "VIEW_EXCEED_MAX_NESTED_DEPTH", "54K00",
			"The view "+name+" is nested too deeply in other views.", "viewName", name, "maxNestedDepth", itoa(maxViewDepth))
	}
	if slices.Contains(r.views, name) {
		return nil, errs.Cond(errs.Analysis, "RECURSIVE_VIEW", "42K0H",
			"The view "+name+" refers to itself.", "viewIdent", name, "newPath", strings.Join(append(r.views, name), " -> "))
	}
	r.views = append(r.views, name)
	defer func() { r.views = r.views[:len(r.views)-1] }()
	n := rel.View.Plan
	if rel.View.Resolved {
		n = r.renewed(n)
	} else {
		var err error
		if n == nil {
			if n, err = r.Parser.Query(rel.View.Text); err != nil {
				return nil, err
			}
		}
		if n, err = r.node(ctx, n, nil); err != nil {
			return nil, err
		}
		if rel.View.Plan == nil {
			if n, err = r.viewColumns(n, rel.View); err != nil {
				return nil, err
			}
		}
	}
	if cols := rel.View.Columns; len(cols) > 0 && len(cols) == len(n.Output()) {
		n = r.renamedAll(n, cols)
	}
	return &plan.SubqueryAlias{Name: rel.Name, Child: n}, nil
}

func (r *run) dataSource(ctx context.Context, n *plan.DataSource) (plan.Node, error) {
	src, err := r.Catalog.Source(ctx, n)
	if err != nil {
		return nil, err
	}
	return r.scan(src), nil
}

func (r *run) local(n *plan.Local) plan.Node {
	cols := make([]*plan.Column, len(n.Columns))
	for i, c := range n.Columns {
		cols[i] = r.freshColumn(c)
	}
	return &plan.Local{Columns: cols, Data: n.Data}
}

func (r *run) rangeNode(n *plan.Range) plan.Node {
	c := *n
	c.Column = &plan.Column{Name: "id", ID: r.NextID(), Typ: types.Long}
	return &c
}

// subqueryAlias names a relation; a list of column names becomes a projection.
func (r *run) subqueryAlias(ctx context.Context, n *plan.SubqueryAlias, sc *scope) (plan.Node, error) {
	c, err := r.node(ctx, n.Child, sc)
	if err != nil {
		return nil, err
	}
	if len(n.Columns) > 0 {
		if f, ok := n.Child.(*plan.TableFunction); ok && len(n.Columns) != len(c.Output()) {
			return nil, at(errs.Cond(errs.Analysis, "NUM_TABLE_VALUE_ALIASES_MISMATCH", "42826",
				"There are "+itoa(len(n.Columns))+" column aliases for the "+itoa(len(c.Output()))+" columns of "+sqlID(f.Name)+".",
				"funcName", sqlID(f.Name), "aliasesNum", itoa(len(n.Columns)), "outColsNum", itoa(len(c.Output()))), f.At)
		}
		if c, err = r.renamedExactly(c, n.Columns); err != nil {
			return nil, err
		}
	}
	return &plan.SubqueryAlias{Name: n.Name, Child: c}, nil
}

// renamedAll gives all columns of n new names.
func (r *run) renamedAll(n plan.Node, names []string) plan.Node {
	out := n.Output()
	list := make([]plan.Expr, len(out))
	for i, c := range out {
		list[i] = r.alias(c, names[i])
	}
	return &plan.Project{List: list, Child: n}
}
