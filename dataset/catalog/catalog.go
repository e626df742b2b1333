package catalog

import (
	"context"
	"maps"
	"strings"
	"sync"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// Names that Spark gives.
const (
	SparkCatalog    = "spark_catalog"
	DefaultDatabase = "default"
	GlobalTemp      = "global_temp"
	DefaultFormat   = "parquet"
)

// Config is what a catalog works with.
type Config struct {
	FS        vfs.FS
	Formats   map[string]format.Format // by lower-case name
	Registry  *function.Registry       // to evaluate predicates over partition values
	Warehouse string                   // folder of managed tables and of what is known of all tables
	// ParseSchema reads DDL or JSON.
	ParseSchema func(text string) (types.Schema, error)
	// Shared is what all sessions of a server share; nil makes one.
	Shared *Shared
	// Env is the session's environment at the moment of the call: the time
	// zone of partition values, the default format.
	Env func() *function.Env
}

// Shared holds the global temporary views.
type Shared struct {
	mu struct {
		sync.Mutex
		views map[string]*View
	}
}

// NewShared makes an empty one.
func NewShared() *Shared {
	s := &Shared{}
	s.mu.views = map[string]*View{}
	return s
}

// Catalog is a session's: temporary views and the current database are its
// own, databases and tables are those of the warehouse. Safe for concurrent use.
type Catalog struct {
	cfg Config

	mu struct {
		sync.Mutex
		views    map[string]*View // by lower-case name
		database string
	}
}

// New makes a catalog in the default database.
func New(cfg Config) *Catalog {
	if cfg.Shared == nil {
		cfg.Shared = NewShared()
	}
	if cfg.Env == nil {
		cfg.Env = func() *function.Env { return &function.Env{} }
	}
	c := &Catalog{cfg: cfg}
	c.mu.views = map[string]*View{}
	c.mu.database = DefaultDatabase
	return c
}

// Clone makes a catalog with copies of the session's own state, for a session
// with another storage and environment.
func (c *Catalog) Clone(fs vfs.FS, env func() *function.Env) *Catalog {
	cfg := c.cfg
	cfg.FS, cfg.Env = fs, env
	d := New(cfg)
	c.mu.Lock()
	defer c.mu.Unlock()
	d.mu.views = maps.Clone(c.mu.views)
	d.mu.database = c.mu.database
	return d
}

// CurrentDatabase is where names without database are looked for.
func (c *Catalog) CurrentDatabase() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.database
}

// SetCurrentDatabase changes it; the database must exist.
func (c *Catalog) SetCurrentDatabase(ctx context.Context, name string) error {
	if _, err := c.Database(ctx, name); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.database = lower(name)
	return nil
}

// SearchPath names the catalog and database in force.
func (c *Catalog) SearchPath() []string { return []string{SparkCatalog, c.CurrentDatabase()} }

func lower(s string) string { return strings.ToLower(s) }

// tableName is a full name of the one catalog there is.
type tableName struct{ database, table string }

func (n tableName) parts() []string { return []string{SparkCatalog, n.database, n.table} }

// nameOf completes a name's parts; false if it is in another catalog.
func (c *Catalog) nameOf(parts []string) (tableName, bool) {
	switch len(parts) {
	case 1:
		return tableName{c.CurrentDatabase(), lower(parts[0])}, true
	case 2:
		return tableName{lower(parts[0]), lower(parts[1])}, true
	case 3:
		return tableName{lower(parts[1]), lower(parts[2])}, lower(parts[0]) == SparkCatalog
	}
	return tableName{}, false
}

// quoted is a name for messages: `a`.`b`.
func quoted(parts ...string) string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = types.Quote(p)
	}
	return strings.Join(out, ".")
}

func notFound(class, state, message string, kv ...string) error {
	e := errs.Cond(errs.Analysis, class, state, message, kv...)
	e.Kind = errs.NotFound
	return e
}

func exists(class, state, message string, kv ...string) error {
	e := errs.Cond(errs.Analysis, class, state, message, kv...)
	e.Kind = errs.Exists
	return e
}
