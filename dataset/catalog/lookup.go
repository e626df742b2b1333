package catalog

import (
	"context"
	"maps"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Relation finds what a name stands for: a temporary view, a global one, a
// table or view of the warehouse, or files by format and path (parquet.`/x`).
// It is nil if there is nothing of the name.
func (c *Catalog) Relation(ctx context.Context, parts []string, options map[string]string) (*Relation, error) {
	if v := c.tempView(parts); v != nil {
		return &Relation{Name: v.Name, View: v}, nil
	}
	m, err := c.Table(ctx, parts)
	if err != nil {
		return nil, err
	}
	if m != nil {
		return c.stored(ctx, m, options)
	}
	if len(parts) == 2 && c.cfg.Formats[lower(parts[0])] != nil {
		t, err := c.Files(ctx, &plan.DataSource{Format: parts[0], Paths: []string{parts[1]}, Options: options})
		if err != nil {
			return nil, err
		}
		return &Relation{Name: []string{parts[0], parts[1]}, Source: t}, nil
	}
	return nil, nil
}

// tempView finds a temporary view by name parts.
func (c *Catalog) tempView(parts []string) *View {
	switch {
	case len(parts) == 1:
		return c.TempView(parts[0])
	case len(parts) == 2 && lower(parts[0]) == GlobalTemp:
		return c.GlobalTempView(parts[1])
	}
	return nil
}

// stored opens a table or view of the warehouse.
func (c *Catalog) stored(ctx context.Context, m *TableMeta, options map[string]string) (*Relation, error) {
	if m.IsView() {
		schema, err := c.Schema(m)
		if err != nil {
			return nil, err
		}
		v := &View{Name: m.FullName(), Text: m.ViewText, Columns: m.ViewColumns, Comment: m.Comment, Mode: m.ViewMode, Schema: schema}
		return &Relation{Name: m.FullName(), View: v}, nil
	}
	schema, err := c.Schema(m)
	if err != nil {
		return nil, err
	}
	opts := maps.Clone(m.Options)
	if opts == nil {
		opts = map[string]string{}
	}
	maps.Copy(opts, options)
	r := &resolver{Catalog: c, name: m.FullName(), partitionBy: m.PartitionBy, emptyOK: true, schema: schema}
	t, err := r.resolve(ctx, &plan.DataSource{Format: m.Format, Paths: []string{m.Path}, Options: opts})
	if err != nil {
		return nil, err
	}
	return &Relation{Name: m.FullName(), Source: t}, nil
}

// Source resolves a format and paths to a table with pinned files.
func (c *Catalog) Source(ctx context.Context, ds *plan.DataSource) (plan.Source, error) {
	return c.Files(ctx, ds)
}

// Files is Source as a Table.
func (c *Catalog) Files(ctx context.Context, ds *plan.DataSource) (Table, error) {
	r := &resolver{Catalog: c}
	if ds.SchemaText != "" {
		s, err := c.cfg.ParseSchema(ds.SchemaText)
		if err != nil {
			return nil, err
		}
		r.schema = s
	}
	t, err := r.resolve(ctx, ds)
	if err != nil {
		return nil, err
	}
	return t, nil
}

func unknownFormat(name string) error {
	e := errs.Cond(errs.Analysis, "DATA_SOURCE_NOT_FOUND", "42K02", "There is no data source "+name+".", "provider", name)
	e.Kind = errs.NotFound
	return e
}
