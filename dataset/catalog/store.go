package catalog

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/spurwheel/spurwheel/connectors/mux"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// What is known of databases and tables is one JSON file each, hidden in the
// warehouse beside the data: <warehouse>/_databases/<name>.json and
// <warehouse>/<db>.db/_tables/<name>.json. They are outside of the tables'
// folders, so that overwriting a table's files does not touch them.

const (
	databasesFolder = "_databases"
	tablesFolder    = "_tables"
	metaSuffix      = ".json"
	// maxMeta bounds a metadata file; a schema of 10,000 columns takes 1 MB.
	maxMeta = 16 << 20
)

func (c *Catalog) databaseFile(name string) string {
	return mux.Join(c.cfg.Warehouse, databasesFolder+"/"+url.PathEscape(name)+metaSuffix)
}

func (c *Catalog) tablesPrefix(database string) string {
	return mux.Join(c.databaseFolder(database), tablesFolder)
}

func (c *Catalog) tableFile(n tableName) string {
	return mux.Join(c.tablesPrefix(n.database), url.PathEscape(n.table)+metaSuffix)
}

// databaseFolder holds a database's managed tables, if it has no location of its own.
func (c *Catalog) databaseFolder(name string) string {
	return mux.Join(c.cfg.Warehouse, url.PathEscape(name)+".db")
}

// load reads a metadata file; false if there is none.
func (c *Catalog) load(ctx context.Context, path string, into any) (bool, error) {
	info, err := c.cfg.FS.Stat(ctx, path)
	if errs.Is(err, errs.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if info.Size > maxMeta {
		return false, errs.Errorf(errs.Corrupt, "catalog.load", "%s has %d bytes, more than any metadata", path, info.Size)
	}
	b, err := vfs.ReadAll(ctx, c.cfg.FS, info.FileRef)
	if errs.Is(err, errs.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return false, errs.Errorf(errs.Corrupt, "catalog.load", "%s: %w", path, err)
	}
	return true, nil
}

func (c *Catalog) save(ctx context.Context, path string, from any) error {
	b, err := json.MarshalIndent(from, "", "  ")
	if err != nil {
		return errs.E(errs.Internal, "catalog.save", err)
	}
	w, err := c.cfg.FS.Create(ctx, path)
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		return errs.E(errs.KindOf(err), "catalog.save", joinAbort(err, w.Abort(ctx)))
	}
	_, err = w.Commit(ctx)
	return err
}

// joinAbort keeps the first error: an abort after it has nothing to add.
func joinAbort(err, _ error) error { return err }

// listMeta lists the names of the metadata files in a folder.
func (c *Catalog) listMeta(ctx context.Context, folder string) ([]string, error) {
	var out []string
	for info, err := range c.cfg.FS.List(ctx, folder) {
		if err != nil {
			return nil, err
		}
		base, ok := strings.CutSuffix(mux.Base(info.Path), metaSuffix)
		if name, err := url.PathUnescape(base); ok && err == nil {
			out = append(out, name)
		}
	}
	return out, nil
}
