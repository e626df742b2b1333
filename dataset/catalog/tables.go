package catalog

import (
	"context"
	"net/url"
	"time"

	"github.com/spurwheel/spurwheel/connectors/mux"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// TableMeta is what is known of a table or of a view that outlives sessions.
type TableMeta struct {
	Name        string            `json:"name"`
	Database    string            `json:"database"`
	Format      string            `json:"format,omitempty"`
	SchemaText  string            `json:"schema,omitempty"` // DDL, partition columns last
	PartitionBy []string          `json:"partitionBy,omitempty"`
	Path        string            `json:"path,omitempty"`
	External    bool              `json:"external,omitempty"`
	Options     map[string]string `json:"options,omitempty"`
	Properties  map[string]string `json:"properties,omitempty"`
	Comment     string            `json:"comment,omitempty"`
	ViewText    string            `json:"viewText,omitempty"`
	ViewColumns []string          `json:"viewColumns,omitempty"`
	ViewMode    string            `json:"viewMode,omitempty"` // WITH SCHEMA of a view
	Created     time.Time         `json:"created"`
	Owner       string            `json:"owner,omitempty"`
}

// IsView tells a view from a table.
func (m *TableMeta) IsView() bool { return m.ViewText != "" }

// FullName is the name by which columns are qualified.
func (m *TableMeta) FullName() []string { return []string{SparkCatalog, m.Database, m.Name} }

// Schema reads the table's schema.
func (c *Catalog) Schema(m *TableMeta) (types.Schema, error) {
	if m.SchemaText == "" {
		return types.Schema{}, nil
	}
	s, err := c.cfg.ParseSchema(m.SchemaText)
	if err != nil {
		return types.Schema{}, errs.Errorf(errs.Corrupt, "catalog.Schema", "the schema of %s: %w", quoted(m.FullName()...), err)
	}
	return s, nil
}

// Table finds a stored table or view by its name's parts; nil if there is none.
func (c *Catalog) Table(ctx context.Context, parts []string) (*TableMeta, error) {
	n, ok := c.nameOf(parts)
	if !ok {
		return nil, nil
	}
	m := &TableMeta{}
	found, err := c.load(ctx, c.tableFile(n), m)
	if err != nil || !found {
		return nil, err
	}
	return m, nil
}

// TableExists tells whether a name is a temporary view, a table or a view.
func (c *Catalog) TableExists(ctx context.Context, parts []string) (bool, error) {
	if c.tempView(parts) != nil {
		return true, nil
	}
	m, err := c.Table(ctx, parts)
	return m != nil, err
}

// TableLocation is the folder a managed table of this name has.
func (c *Catalog) TableLocation(ctx context.Context, parts []string) (string, error) {
	n, ok := c.nameOf(parts)
	if !ok {
		return "", missingCatalog(parts)
	}
	d, err := c.Database(ctx, n.database)
	if err != nil {
		return "", err
	}
	folder := c.databaseFolder(n.database)
	if n.database != DefaultDatabase && d.Location != "" {
		folder = d.Location
	}
	return mux.Join(folder, url.PathEscape(n.table)), nil
}

func missingCatalog(parts []string) error {
	return notFound("CATALOG_NOT_FOUND", "42P08", "There is no catalog "+quoted(parts[0])+".", "catalogName", quoted(parts[0]), "config", "spark.sql.catalog."+parts[0])
}

// CreateTable stores what is known of a table or view; its Name and Database
// are set from parts, its Path if it has none. An existing one is an error
// unless replace.
func (c *Catalog) CreateTable(ctx context.Context, parts []string, m TableMeta, replace bool) (*TableMeta, error) {
	n, ok := c.nameOf(parts)
	if !ok {
		return nil, missingCatalog(parts)
	}
	if _, err := c.Database(ctx, n.database); err != nil {
		return nil, err
	}
	if !replace {
		old, err := c.Table(ctx, parts)
		if err != nil {
			return nil, err
		}
		if old != nil {
			return nil, exists("TABLE_OR_VIEW_ALREADY_EXISTS", "42P07",
				"There is a table or view "+quoted(n.parts()...)+" already.", "relationName", quoted(n.parts()...))
		}
	}
	m.Name, m.Database = n.table, n.database
	if m.Path == "" && !m.IsView() {
		var err error
		if m.Path, err = c.TableLocation(ctx, parts); err != nil {
			return nil, err
		}
	}
	return &m, c.save(ctx, c.tableFile(n), m)
}

// DropTable removes a table or view, and a managed table's files.
func (c *Catalog) DropTable(ctx context.Context, parts []string, view, ifExists bool) error {
	m, err := c.Table(ctx, parts)
	if err != nil || m == nil && ifExists {
		return err
	}
	n, _ := c.nameOf(parts)
	if m == nil {
		return notFound("TABLE_OR_VIEW_NOT_FOUND", "42P01", "There is no table or view "+quoted(parts...)+".", "relationName", quoted(parts...))
	}
	if m.IsView() != view {
		what := [2]string{"DROP VIEW", "DROP TABLE"}
		i := 1
		if m.IsView() {
			i = 0
		}
		return errs.Cond(errs.Analysis, "WRONG_COMMAND_FOR_OBJECT_TYPE", "42809", quoted(n.parts()...)+" is dropped by "+what[i]+".",
			"operation", what[1-i], "requiredType", "", "objectName", n.database+"."+n.table, "foundType", "", "alternative", what[i])
	}
	return c.dropTable(ctx, n)
}

func (c *Catalog) dropTable(ctx context.Context, n tableName) error {
	m := &TableMeta{}
	found, err := c.load(ctx, c.tableFile(n), m)
	if err != nil || !found {
		return err
	}
	if err := c.cfg.FS.Remove(ctx, c.tableFile(n)); err != nil {
		return err
	}
	if m.External || m.IsView() || m.Path == "" {
		return nil
	}
	return c.RemoveAll(ctx, m.Path)
}

// RemoveAll removes the files below a folder, hidden ones too.
func (c *Catalog) RemoveAll(ctx context.Context, folder string) error {
	var paths []string
	for info, err := range c.cfg.FS.List(ctx, folder) {
		if err != nil {
			return err
		}
		paths = append(paths, info.Path)
	}
	for _, p := range paths {
		if err := c.cfg.FS.Remove(ctx, p); err != nil {
			return err
		}
	}
	return nil
}
