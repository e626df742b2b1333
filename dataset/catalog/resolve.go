package catalog

import (
	"context"
	"slices"
	"strings"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/mux"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// resolver finds the files of a data source, once, and makes a table of them.
type resolver struct {
	*Catalog
	name        []string
	schema      types.Schema // given by the user or the warehouse; empty: inferred
	partitionBy []string     // of a warehouse table
	emptyOK     bool
}

// Options of all file sources, in lower case.
const (
	optPath      = "path"
	optBasePath  = "basepath"
	optRecursive = "recursivefilelookup"
	optGlob      = "pathglobfilter"
)

func (r *resolver) resolve(ctx context.Context, ds *plan.DataSource) (*FileTable, error) {
	name := formatName(ds.Format)
	f := r.cfg.Formats[name]
	if f == nil {
		return nil, unknownFormat(ds.Format)
	}
	opt := format.Options{}
	for k, v := range ds.Options {
		opt[lower(k)] = v
	}
	paths := ds.Paths
	if p, ok := opt[optPath]; ok {
		paths = append(slices.Clone(paths), p)
	}
	delete(opt, optPath)
	files, err := r.list(ctx, paths, opt)
	if err != nil {
		return nil, err
	}
	parts, err := partitionsOf(files, r.cfg.Env(), r.inferTypes())
	if err != nil {
		return nil, err
	}
	t := &FileTable{fs: r.cfg.FS, format: f, options: opt, registry: r.cfg.Registry, env: r.cfg.Env(), files: files}
	t.name = tableText(r.name, name, paths)
	return t, r.setSchema(ctx, t, parts)
}

// formatName is a format's short name: of org.apache.spark.sql.parquet, parquet.
func formatName(s string) string {
	if s == "" {
		return DefaultFormat
	}
	s = lower(s)
	s = strings.TrimSuffix(s, ".defaultsource")
	if i := strings.LastIndexByte(s, '.'); i >= 0 {
		s = s[i+1:]
	}
	return s
}

func tableText(name []string, format string, paths []string) string {
	if name != nil {
		return strings.Join(name, ".")
	}
	return format + " " + strings.Join(paths, ",")
}

// dataFile is one file of a table.
type dataFile struct {
	ref    vfs.FileRef
	folder []string // the key=value folders above it
	values []any    // of the table's partition columns
}

// maxFiles bounds the files of one table: a reference takes about 200 bytes.
const maxFiles = 4 << 20

// list expands paths to the files that are there now, at their versions.
func (r *resolver) list(ctx context.Context, paths []string, opt format.Options) ([]*dataFile, error) {
	var out []*dataFile
	for _, p := range paths {
		found, err := mux.Expand(ctx, r.cfg.FS, p)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 && !r.emptyOK {
			return nil, notFound("PATH_NOT_FOUND", "42K03", "There is nothing at the path "+p+".", "path", p)
		}
		for _, info := range found {
			files, err := r.below(ctx, info, opt)
			if err != nil {
				return nil, err
			}
			if out = append(out, files...); len(out) > maxFiles {
				return nil, errs.Errorf(errs.Exhausted, "catalog.list", "%s has more than %d files", p, maxFiles)
			}
		}
	}
	return out, nil
}

// below lists the visible files of a folder, or the one file.
func (r *resolver) below(ctx context.Context, info vfs.Info, opt format.Options) ([]*dataFile, error) {
	if !info.IsDir {
		return []*dataFile{{ref: info.FileRef, folder: foldersOf(relative(opt[optBasePath], info.Path))}}, nil
	}
	base := info.Path
	if b := opt[optBasePath]; b != "" {
		base = mux.Clean(b)
	}
	var out []*dataFile
	for file, err := range r.cfg.FS.List(ctx, info.Path) {
		if err != nil {
			return nil, err
		}
		inside := relative(info.Path, file.Path)
		if file.IsDir || mux.Hidden(inside) || !globMatches(opt[optGlob], mux.Base(file.Path)) {
			continue
		}
		rel := relative(base, file.Path)
		folders := foldersOf(rel)
		switch {
		case strings.EqualFold(opt[optRecursive], "true"):
			folders = nil
		case folders == nil && strings.Contains(inside, "/"):
			continue // a folder that is no partition is not looked into
		}
		out = append(out, &dataFile{ref: file.FileRef, folder: folders})
	}
	return out, nil
}

// relative is path below base; "" if it is not below, or there is no base.
func relative(base, path string) string {
	if base == "" {
		return ""
	}
	rel, ok := strings.CutPrefix(path, strings.TrimSuffix(mux.Clean(base), "/")+"/")
	if !ok {
		return mux.Base(path)
	}
	return rel
}

// foldersOf is the key=value folders of a relative path, nil if it has none or
// others between them.
func foldersOf(rel string) []string {
	parts := strings.Split(rel, "/")
	parts = parts[:len(parts)-1]
	for _, p := range parts {
		if k, _, ok := strings.Cut(p, "="); !ok || k == "" {
			return nil
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return parts
}

// globMatches serves pathGlobFilter: * and ? over a file's name.
func globMatches(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	ok, err := pathMatch(pattern, name)
	return err == nil && ok
}

func (r *resolver) inferTypes() bool {
	return !strings.EqualFold(r.cfg.Env().Conf["spark.sql.sources.partitionColumnTypeInference.enabled"], "false")
}

// setSchema fixes the table's columns: the files' first, then the partitions'.
func (r *resolver) setSchema(ctx context.Context, t *FileTable, parts partitions) error {
	data := r.schema
	if len(data.Fields) == 0 {
		if len(t.files) == 0 {
			return errs.Cond(errs.Analysis, "UNABLE_TO_INFER_SCHEMA", "42KD9",
				"There are no files to infer a schema for "+t.format.Name()+" from; give a schema.", "format", t.format.Name())
		}
		refs := make([]vfs.FileRef, len(t.files))
		for i, f := range t.files {
			refs[i] = f.ref
		}
		var err error
		if data, err = t.format.Infer(ctx, r.cfg.FS, refs, t.options); err != nil {
			return err
		}
	}
	if err := parts.follow(data, r.partitionBy, r.cfg.Env()); err != nil {
		return err
	}
	var fields []types.Field
	for _, f := range data.Fields {
		if parts.index(f.Name) < 0 {
			fields = append(fields, types.Field{Name: f.Name, Type: f.Type, Nullable: true, Metadata: f.Metadata})
		}
	}
	t.data = types.Schema{Fields: fields}
	t.schema = types.Schema{Fields: append(slices.Clone(fields), parts.fields...)}
	t.partitions = len(parts.fields)
	return parts.assign(t.files)
}
