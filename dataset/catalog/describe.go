package catalog

import (
	"context"
	"slices"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// TableInfo is a line of SHOW TABLES and of spark.catalog.listTables. Database
// is empty for a session's temporary views.
type TableInfo struct {
	Name      string
	Database  string
	Comment   string
	Kind      string // MANAGED, EXTERNAL, VIEW, TEMPORARY
	Temporary bool
}

// Kinds of relations, as Spark names them.
const (
	KindManaged   = "MANAGED"
	KindExternal  = "EXTERNAL"
	KindView      = "VIEW"
	KindTemporary = "TEMPORARY"
)

// Kind tells what a stored relation is.
func (m *TableMeta) Kind() string {
	switch {
	case m.IsView():
		return KindView
	case m.External:
		return KindExternal
	}
	return KindManaged
}

// Tables lists the tables and views of a database ("": the current one) and
// the session's temporary views, by name.
func (c *Catalog) Tables(ctx context.Context, database, pattern string) ([]TableInfo, error) {
	if database == "" {
		database = c.CurrentDatabase()
	}
	database = lower(database)
	var out []TableInfo
	if database == GlobalTemp {
		for _, v := range c.globalViews(pattern) {
			out = append(out, TableInfo{Name: v.base(), Database: GlobalTemp, Comment: v.Comment, Kind: KindTemporary, Temporary: true})
		}
	} else {
		var err error
		if out, err = c.storedTables(ctx, database, pattern); err != nil {
			return nil, err
		}
	}
	for _, v := range c.tempViews(pattern) {
		out = append(out, TableInfo{Name: v.base(), Comment: v.Comment, Kind: KindTemporary, Temporary: true})
	}
	return out, nil
}

func (c *Catalog) storedTables(ctx context.Context, database, pattern string) ([]TableInfo, error) {
	if _, err := c.Database(ctx, database); err != nil {
		return nil, err
	}
	names, err := c.listMeta(ctx, c.tablesPrefix(database))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(names, strings.Compare)
	var out []TableInfo
	for _, n := range names {
		if !Matches(pattern, n) {
			continue
		}
		m, err := c.Table(ctx, []string{database, n})
		if err != nil {
			return nil, err
		}
		if m == nil { // dropped meanwhile
			continue
		}
		out = append(out, TableInfo{Name: m.Name, Database: m.Database, Comment: m.Comment, Kind: m.Kind()})
	}
	return out, nil
}

// Views lists the views among Tables.
func (c *Catalog) Views(ctx context.Context, database, pattern string) ([]TableInfo, error) {
	all, err := c.Tables(ctx, database, pattern)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(t TableInfo) bool { return t.Kind != KindView && !t.Temporary }), nil
}

// Description is what DESCRIBE tells of a relation. Meta is nil for views of
// the session and files by path.
type Description struct {
	Name        []string
	Schema      types.Schema
	PartitionBy []string
	Kind        string
	Meta        *TableMeta
	View        *View
}

// Describe tells a relation's columns. Views by text have no schema here: the
// caller analyses them.
func (c *Catalog) Describe(ctx context.Context, parts []string) (*Description, error) {
	rel, err := c.Relation(ctx, parts, nil)
	if err != nil {
		return nil, err
	}
	if rel == nil {
		return nil, notFound("TABLE_OR_VIEW_NOT_FOUND", "42P01", "There is no table or view "+quoted(parts...)+".", "relationName", quoted(parts...))
	}
	d := &Description{Name: rel.Name, View: rel.View}
	if d.Meta, err = c.metaOf(ctx, parts, rel); err != nil {
		return nil, err
	}
	switch {
	case rel.View != nil:
		d.Schema, d.Kind = rel.View.Schema, KindTemporary
		if d.Meta != nil {
			d.Kind = KindView
		}
		return d, nil
	case d.Meta != nil:
		d.Kind = d.Meta.Kind()
	default:
		d.Kind = KindExternal
	}
	d.Schema = rel.Source.Schema()
	for _, f := range d.Schema.Fields[d.Schema.Len()-rel.Source.PartitionColumns():] {
		d.PartitionBy = append(d.PartitionBy, f.Name)
	}
	return d, nil
}

func (c *Catalog) metaOf(ctx context.Context, parts []string, rel *Relation) (*TableMeta, error) {
	if c.tempView(parts) != nil || len(rel.Name) < 3 {
		return nil, nil
	}
	return c.Table(ctx, parts)
}

// Partitions lists a table's partitions as key=value/key=value, in order.
func (c *Catalog) Partitions(ctx context.Context, parts []string) ([]string, error) {
	rel, err := c.Relation(ctx, parts, nil)
	if err != nil {
		return nil, err
	}
	if rel == nil {
		return nil, notFound("TABLE_OR_VIEW_NOT_FOUND", "42P01", "There is no table "+quoted(parts...)+".", "relationName", quoted(parts...))
	}
	t, ok := rel.Source.(*FileTable)
	if !ok || t.partitions == 0 {
		return nil, errs.Cond(errs.Analysis, "INVALID_PARTITION_OPERATION.PARTITION_SCHEMA_IS_EMPTY", "42601",
			quoted(parts...)+" has no partition columns.", "name", quoted(parts...))
	}
	seen := map[string]bool{}
	var out []string
	for _, f := range t.files {
		if p := strings.Join(f.folder, "/"); !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out, nil
}
