package session

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/mux"
	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// target is where a write goes.
type target struct {
	path        string
	format      string
	partitionBy []string
	options     map[string]string
	mode        plan.SaveMode
	create      *catalog.TableMeta // to be stored after the commit
	name        []string
}

// write stores a query's rows. Files become visible after all of them are
// written; a failed write leaves nothing.
func (q *query) write(ctx context.Context, c *plan.Write) (*Result, error) {
	if q.effect != nil && q.effect.Refused != "" {
		return nil, errors.Join(q.effect.refusal(), q.drop(ctx, q.effect))
	}
	if q.effect != nil && q.effect.Manifest != nil { // what is left of it cannot fail for its plan
		return nothing(), q.finish(ctx, *q.effect.Manifest)
	}
	c, err := q.firstInsert(ctx, c)
	if err != nil {
		return nil, err
	}
	t, skip, err := q.target(ctx, c)
	if err != nil || skip {
		return nothing(), err
	}
	if t.path != "" {
		t.path = mux.Clean(t.path) // "x/" and "x" are the same folder, but not to stores that know only names
	}
	resolved, err := q.analyzer.Analyze(ctx, c)
	if err != nil {
		return nil, err
	}
	w := *resolved.(*plan.Write)
	schema := plan.SchemaOf(w.Child)
	if err := checkWritable(schema, t.partitionBy); err != nil {
		return nil, err
	}
	w.Path, w.Format, w.PartitionBy, w.Options = t.path, t.format, t.partitionBy, t.options
	old, err := q.existing(ctx, t.path)
	if err != nil {
		return nil, err
	}
	if len(old) > 0 && t.mode == plan.SaveError {
		return nil, errs.Cond(errs.Analysis, "PATH_ALREADY_EXISTS", "42K04",
			"There is data at "+t.path+" already: choose mode append or overwrite, or another path.", "outputPath", t.path)
	}
	if len(old) > 0 && t.mode == plan.SaveIgnore {
		return nothing(), nil
	}
	pending, err := q.writeFiles(ctx, &w)
	if err != nil {
		return nil, err
	}
	if t.mode != plan.SaveOverwrite {
		old = nil
	}
	if t.create != nil {
		t.create.SchemaText = tableDDL(schema, t.partitionBy)
	}
	m := manifest{Path: t.path, Pending: pending, Old: old, Table: t.create, Name: t.name, Replace: t.mode == plan.SaveOverwrite}
	return nothing(), q.commit(ctx, m)
}

// target decides where rows go and tells whether there is nothing to do.
func (q *query) target(ctx context.Context, c *plan.Write) (*target, bool, error) {
	if len(c.Table) == 0 {
		return &target{path: c.Path, format: q.formatOf(c.Format), partitionBy: c.PartitionBy, options: c.Options, mode: c.Mode}, false, nil
	}
	if f := q.pathFormat(c.Table); f != nil { // INSERT INTO parquet.`path`
		return &target{path: c.Table[1], format: f.Name(), partitionBy: c.PartitionBy, options: c.Options, mode: c.Mode}, false, nil
	}
	m, err := q.s.catalog.Table(ctx, c.Table)
	if err != nil {
		return nil, false, err
	}
	switch {
	case m == nil && c.Insert:
		return nil, false, noTable(c.Table)
	case m == nil:
		t, err := q.newTable(ctx, c)
		return t, false, err
	case m.IsView():
		return nil, false, errs.Cond(errs.Analysis, "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE", "42809",
			types.Quote(m.Name)+" is a view: rows cannot be written to it.", "viewName", types.Quote(m.Name), "operation", "INSERT")
	case !c.Insert && (c.IfNotExists || c.Mode == plan.SaveIgnore):
		return nil, true, nil
	case !c.Insert && c.Mode == plan.SaveError:
		name := types.Quote(catalog.SparkCatalog) + "." + types.Quote(m.Database) + "." + types.Quote(m.Name)
		return nil, false, errs.Cond(errs.Analysis, "TABLE_OR_VIEW_ALREADY_EXISTS", "42P07", "There is a table "+name+" already.", "relationName", name)
	case !c.Insert && c.Mode == plan.SaveOverwrite:
		t, err := q.newTable(ctx, c)
		return t, false, err
	}
	return &target{path: m.Path, format: m.Format, partitionBy: m.PartitionBy, options: m.Options, mode: c.Mode}, false, nil
}

// pathFormat is the format of a name that stands for a path: parquet.`/x`.
func (q *query) pathFormat(name []string) format.Format {
	if len(name) != 2 {
		return nil
	}
	return q.s.m.cfg.Formats[strings.ToLower(name[0])]
}

// firstInsert makes an INSERT into a path without files a plain write: there is
// no schema yet that its rows could be brought to. One that names columns or
// partitions needs the schema and stays what it is.
func (q *query) firstInsert(ctx context.Context, c *plan.Write) (*plan.Write, error) {
	if !c.Insert || q.pathFormat(c.Table) == nil || len(c.Columns) > 0 || c.ByName || len(c.Partition) > 0 {
		return c, nil
	}
	path := mux.Clean(c.Table[1])
	files, err := q.existing(ctx, path)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if rel, ok := strings.CutPrefix(f, strings.TrimSuffix(path, "/")+"/"); !ok || !mux.Hidden(rel) {
			return c, nil
		}
	}
	first := *c
	first.Insert = false
	return &first, nil
}

func (q *query) newTable(ctx context.Context, c *plan.Write) (*target, error) {
	path := c.Path
	if path == "" {
		path = c.Options["path"]
	}
	m := &catalog.TableMeta{
		Format: q.formatOf(c.Format), PartitionBy: c.PartitionBy, Path: path, External: path != "", Options: c.Options,
		Properties: c.Properties, Comment: c.Comment, Created: q.env.Now, Owner: q.s.user,
	}
	if path == "" {
		var err error
		if path, err = q.s.catalog.TableLocation(ctx, c.Table); err != nil {
			return nil, err
		}
		m.Path = path
	}
	mode := c.Mode
	if mode != plan.SaveAppend { // files without a table are leftovers
		mode = plan.SaveOverwrite
	}
	return &target{path: path, format: m.Format, partitionBy: c.PartitionBy, options: c.Options, mode: mode, create: m, name: c.Table}, nil
}

// tableDDL is the schema with partition columns last.
func tableDDL(s types.Schema, partitionBy []string) string {
	var data, parts []types.Field
	isPart := map[int]bool{}
	for _, p := range partitionBy {
		if i := s.Index(p); i >= 0 {
			isPart[i] = true
			parts = append(parts, s.Fields[i])
		}
	}
	for i, f := range s.Fields {
		f.Nullable = true
		if !isPart[i] {
			data = append(data, f)
		}
	}
	return types.Schema{Fields: append(data, parts...)}.DDL()
}

// checkWritable refuses schemas that no file could hold.
func checkWritable(s types.Schema, partitionBy []string) error {
	seen := map[string]bool{}
	for _, f := range s.Fields {
		k := strings.ToLower(f.Name)
		if seen[k] {
			return errs.Cond(errs.Analysis, "COLUMN_ALREADY_EXISTS", "42711", "The column "+types.Quote(k)+" is there twice.", "columnName", types.Quote(k))
		}
		seen[k] = true
	}
	for _, p := range partitionBy {
		if !seen[strings.ToLower(p)] {
			return errs.Cond(errs.Analysis, "COLUMN_NOT_FOUND", "42703", "The partition column "+types.Quote(p)+" is not in the data.", "colName", types.Quote(p))
		}
	}
	if len(s.Fields) == 0 || len(partitionBy) == len(s.Fields) {
		return errs.Cond(errs.Analysis, "ALL_PARTITION_COLUMNS_NOT_ALLOWED", "KD005", "All columns are partition columns: at least one must be left for the files.")
	}
	return nil
}

// existing lists the files below a path.
func (q *query) existing(ctx context.Context, path string) ([]string, error) {
	var out []string
	for info, err := range q.s.fs.List(ctx, path) {
		if errs.Is(err, errs.NotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if !info.IsDir {
			out = append(out, info.Path)
		}
	}
	return out, nil
}

// writeFiles runs the query into pending files.
func (q *query) writeFiles(ctx context.Context, w *plan.Write) (pending []vfs.Pending, err error) {
	cached, err := q.useCached(ctx, w.Child)
	if err != nil {
		return nil, err
	}
	w.Child = cached
	node, err := q.optimizedPhysical(ctx, w, types.Schema{})
	if err != nil {
		return nil, err
	}
	stream, err := q.start(ctx, node)
	if err != nil {
		return nil, err
	}
	rows, err := collect(ctx, stream, -1)
	if cerr := stream.Close(); err == nil {
		err = cerr
	}
	for _, r := range rows {
		pending = append(pending, vfs.Pending{Path: r[1].(string), Token: r[2].(string), Size: r[4].(int64)})
	}
	if err != nil {
		return nil, errors.Join(err, q.undo(ctx, w.Path, pending))
	}
	return pending, nil
}

// jobName is a name for a query that no client named.
func jobName() string { return uuid.NewString() }
