package catalog

import (
	"context"
	"slices"

	"github.com/spurwheel/spurwheel/connectors/mux"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Database is what is known of a database.
type Database struct {
	Name       string            `json:"name"`
	Comment    string            `json:"comment,omitempty"`
	Location   string            `json:"location,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
}

// Database finds a database by name.
func (c *Catalog) Database(ctx context.Context, name string) (*Database, error) {
	d := &Database{}
	ok, err := c.load(ctx, c.databaseFile(lower(name)), d)
	switch {
	case err != nil:
		return nil, err
	case ok:
		return d, nil
	case lower(name) == DefaultDatabase:
		return &Database{Name: DefaultDatabase, Comment: "default database", Location: c.cfg.Warehouse}, nil
	}
	return nil, notFound("SCHEMA_NOT_FOUND", "42704", "There is no database "+quoted(SparkCatalog, name)+".", "schemaName", quoted(SparkCatalog, name))
}

// DatabaseExists tells whether there is a database of the name.
func (c *Catalog) DatabaseExists(ctx context.Context, name string) (bool, error) {
	_, err := c.Database(ctx, name)
	if errs.Is(err, errs.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// CreateDatabase defines a database. An existing one is an error unless orNot.
func (c *Catalog) CreateDatabase(ctx context.Context, d Database, orNot bool) error {
	d.Name = lower(d.Name)
	ok, err := c.DatabaseExists(ctx, d.Name)
	if err != nil || ok && orNot {
		return err
	}
	if ok || d.Name == GlobalTemp {
		return exists("SCHEMA_ALREADY_EXISTS", "42P06", "There is a database "+quoted(d.Name)+" already.", "schemaName", quoted(d.Name))
	}
	if d.Location == "" {
		d.Location = c.databaseFolder(d.Name)
	}
	return c.save(ctx, c.databaseFile(d.Name), d)
}

// DropDatabase removes a database, with its tables if cascade.
func (c *Catalog) DropDatabase(ctx context.Context, name string, ifExists, cascade bool) error {
	name = lower(name)
	ok, err := c.DatabaseExists(ctx, name)
	switch {
	case err != nil || !ok && ifExists:
		return err
	case !ok:
		_, err := c.Database(ctx, name)
		return err
	case name == DefaultDatabase:
		return errs.Cond(errs.Analysis, "UNSUPPORTED_FEATURE.DROP_DATABASE", "0A000", "The default database cannot be dropped.", "database", quoted(SparkCatalog, name))
	}
	tables, err := c.listMeta(ctx, c.tablesPrefix(name))
	if err != nil {
		return err
	}
	if len(tables) > 0 && !cascade {
		return errs.Cond(errs.Analysis, "SCHEMA_NOT_EMPTY", "2BP01", "The database "+quoted(name)+" has tables; drop them first, or use CASCADE.", "schemaName", quoted(name))
	}
	for _, t := range tables {
		if err := c.dropTable(ctx, tableName{name, t}); err != nil {
			return err
		}
	}
	if c.CurrentDatabase() == name {
		c.mu.Lock()
		c.mu.database = DefaultDatabase
		c.mu.Unlock()
	}
	return c.cfg.FS.Remove(ctx, c.databaseFile(name))
}

// Databases lists the databases whose name matches a pattern, by name.
func (c *Catalog) Databases(ctx context.Context, pattern string) ([]Database, error) {
	names, err := c.listMeta(ctx, mux.Join(c.cfg.Warehouse, databasesFolder))
	if err != nil {
		return nil, err
	}
	if !slices.Contains(names, DefaultDatabase) {
		names = append(names, DefaultDatabase)
	}
	slices.Sort(names)
	var out []Database
	for _, n := range names {
		if !Matches(pattern, n) {
			continue
		}
		d, err := c.Database(ctx, n)
		if errs.Is(err, errs.NotFound) { // dropped meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, *d)
	}
	return out, nil
}
