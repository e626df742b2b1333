// Package parquet reads and writes Parquet files: decoding straight into
// vectors, dictionaries kept, filters first and the other columns only for
// rows that survive. Bytes from outside are checked before they are believed.
// It knows nothing of tables, partitions or expressions.
package parquet

import (
	"context"
	"math"
	"strings"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// Name is the format's name in Spark.
const Name = "parquet"

// Options that readers know, in lower case.
const (
	optBinaryAsString = "spark.sql.parquet.binaryasstring"
	optInferNTZ       = "spark.sql.parquet.int96asntz"
	optMergeSchema    = "mergeschema"
)

// Format is the file format. It keeps footers and buffers for its readers.
type Format struct {
	pool    *mem.Pool
	codecs  codecs
	footers footers
}

var _ format.Format = (*Format)(nil)

// New makes the format; page buffers come from pool.
func New(pool *mem.Pool) *Format { return &Format{pool: pool} }

// Name is "parquet".
func (*Format) Name() string { return Name }

// Extension is the ending of written files: ".snappy.parquet".
func (*Format) Extension(opt format.Options) string {
	c, err := codecOf(opt)
	if err != nil || c == codecNone {
		return ".parquet"
	}
	return "." + codecNames[c] + ".parquet"
}

func readOptionsOf(opt format.Options) readOptions {
	return readOptions{
		binaryAsString: strings.EqualFold(opt[optBinaryAsString], "true"),
		int96AsNTZ:     strings.EqualFold(opt[optInferNTZ], "true"),
	}
}

// Infer takes the schema of the first file, or with mergeSchema the union of all.
func (f *Format) Infer(ctx context.Context, fs vfs.FS, files []vfs.FileRef, opt format.Options) (types.Schema, error) {
	var out types.Schema
	for i, ref := range files {
		foot, err := f.open(ctx, fs, ref, opt)
		if err != nil {
			return types.Schema{}, err
		}
		s, err := foot.schema(ref.Path)
		if err != nil {
			return types.Schema{}, err
		}
		if i == 0 {
			out = s
		} else if out, err = mergeSchemas(out, s, ref.Path); err != nil {
			return types.Schema{}, err
		}
		if !strings.EqualFold(opt[optMergeSchema], "true") {
			break
		}
	}
	return out, nil
}

func (f *Format) open(ctx context.Context, fs vfs.FS, ref vfs.FileRef, opt format.Options) (*footer, error) {
	ro := readOptionsOf(opt)
	if foot := f.footers.get(footerKey{ref.Path, ref.Version, ro}); foot != nil {
		return foot, nil
	}
	file, err := fs.Open(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return f.footer(ctx, file, ro)
}

// schema is the file's own. Columns are nullable, as Spark reads them.
func (f *footer) schema(path string) (types.Schema, error) {
	out := types.Schema{}
	seen := map[string]bool{}
	for _, n := range f.tree.root.children {
		if seen[n.name] {
			return out, badFooter(path, "it has two columns named "+types.QuoteIfNeeded(n.name))
		}
		seen[n.name] = true
		if leaf := n.typeless(); leaf != nil {
			return out, unsupported(path, n.name, "a value stored as "+physNames[leaf.el.typ]+" with an annotation that does not fit it")
		}
		out.Fields = append(out.Fields, types.F(n.name, nullable(n.typ)))
	}
	return withSpark(out, f.meta.keyValues[MetadataKey]), nil
}

// typeless finds a leaf whose annotation contradicts its physical type.
func (n *node) typeless() *node {
	if n.kind == leafNode {
		if n.typ.Kind == types.KindNull {
			return n
		}
		return nil
	}
	for _, c := range n.children {
		if l := c.typeless(); l != nil {
			return l
		}
	}
	return nil
}

// nullable is t with all members nullable, as Spark makes data source columns.
func nullable(t types.Type) types.Type {
	switch t.Kind {
	case types.KindArray:
		return types.Array(nullable(*t.Elem), true)
	case types.KindMap:
		return types.Map(nullable(*t.Key), nullable(*t.Elem), true)
	case types.KindStruct:
		fields := make([]types.Field, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = types.Field{Name: f.Name, Type: nullable(f.Type), Nullable: true, Metadata: f.Metadata}
		}
		return types.Struct(fields...)
	default:
	}
	return t
}

// Row groups are joined to splits up to this size; larger ones stay alone.
const (
	smallRows  = 64 << 10
	smallBytes = 4 << 20
)

// Plan makes splits of row groups and the file's statistics.
func (f *Format) Plan(ctx context.Context, fs vfs.FS, ref vfs.FileRef, schema types.Schema, opt format.Options) (format.FilePlan, error) {
	foot, err := f.open(ctx, fs, ref, opt)
	if err != nil {
		return format.FilePlan{}, err
	}
	distinct, err := f.distinct(ctx, fs, ref, foot, footerKey{ref.Path, ref.Version, readOptionsOf(opt)})
	if err != nil {
		return format.FilePlan{}, err
	}
	plan := format.FilePlan{Rows: foot.meta.rows, Stats: foot.stats(schema, distinct)}
	for i := range foot.meta.groups {
		g := &foot.meta.groups[i]
		size := int64(0)
		for _, field := range schema.Fields {
			if n := foot.tree.root.find(field.Name); n != nil {
				size += n.bytes(g)
			}
		}
		// Small row groups go together: each split costs an open file.
		if k := len(plan.Splits) - 1; k >= 0 && plan.Splits[k].Rows+g.rows <= smallRows && plan.Splits[k].Bytes+size <= smallBytes {
			s := &plan.Splits[k]
			s.Hi, s.Rows, s.Bytes = int64(i)+1, s.Rows+g.rows, s.Bytes+size
			continue
		}
		plan.Splits = append(plan.Splits, format.Split{
			Format: Name, File: ref, Lo: int64(i), Hi: int64(i) + 1, Rows: g.rows, Bytes: size, Options: opt, Schema: schema,
		})
	}
	return plan, nil
}

func (n *node) bytes(g *rowGroup) (total int64) {
	for i := range n.leaves {
		total += max(g.columns[n.leaf+i].total, 0)
	}
	return total
}

// stats sums the row groups' statistics up; distinct are estimates by leaf.
func (f *footer) stats(schema types.Schema, distinct []int64) []format.ColumnStats {
	out := make([]format.ColumnStats, len(schema.Fields))
	for i, field := range schema.Fields {
		n := f.tree.root.find(field.Name)
		if n == nil {
			out[i] = format.ColumnStats{Nulls: f.meta.rows}
			continue
		}
		out[i] = format.ColumnStats{Nulls: -1}
		c, ok := conv{}, false
		if n.kind == leafNode {
			c, ok = bindLeaf(n, field.Type)
		}
		if ok {
			out[i] = f.columnStats(n, &c)
			if distinct != nil {
				out[i].Distinct = max(out[i].Distinct, distinct[n.leaf])
			}
			if d := domain(out[i].Min, out[i].Max); d > 0 {
				out[i].Distinct = min(out[i].Distinct, d)
			}
		}
		for k := range f.meta.groups {
			for l := range n.leaves {
				out[i].Bytes += max(f.meta.groups[k].columns[n.leaf+l].uncompressed, 0)
			}
		}
	}
	return out
}

// domain is how many whole numbers lie between two bounds, 0 if they are none.
func domain(lo, hi any) int64 {
	switch a := lo.(type) {
	case int32:
		if b, ok := hi.(int32); ok {
			return int64(b) - int64(a) + 1
		}
	case int64:
		if b, ok := hi.(int64); ok && (a >= 0 || b < math.MaxInt64+a) {
			return b - a + 1
		}
	}
	return 0
}

func (f *footer) columnStats(n *node, c *conv) format.ColumnStats {
	var s format.ColumnStats
	for i := range f.meta.groups {
		g := &f.meta.groups[i]
		if g.rows == 0 {
			continue
		}
		b := c.bounds(n, &g.columns[n.leaf].stats, g.rows)
		s.Distinct = max(s.Distinct, g.columns[n.leaf].stats.distinct)
		if b.nulls < 0 || s.Nulls < 0 {
			s.Nulls = -1
		} else {
			s.Nulls += b.nulls
		}
		if b.nulls == g.rows {
			continue // only nulls: no bounds are fine
		}
		if b.min == nil || b.max == nil {
			return format.ColumnStats{Nulls: s.Nulls, Distinct: s.Distinct}
		}
		if s.Min == nil || below(b.min, s.Min, false) {
			s.Min = b.min
		}
		if s.Max == nil || below(s.Max, b.max, false) {
			s.Max = b.max
		}
	}
	return s
}

// Open reads the row groups [s.Lo, s.Hi) of a file.
func (f *Format) Open(ctx context.Context, fs vfs.FS, s format.Split, req format.ReadRequest) (_ batch.Reader, err error) {
	file, err := fs.Open(ctx, s.File)
	if err != nil {
		return nil, err
	}
	r := &reader{format: f, file: file, req: req, rows: min(max(req.Rows, 0), maxRows)}
	defer func() {
		if err = r.settle(err, recover()); err != nil {
			file.Close()
		}
	}()
	if r.rows == 0 {
		r.rows = batch.Rows
	}
	if r.foot, err = f.footer(ctx, file, readOptionsOf(s.Options)); err != nil {
		return nil, err
	}
	r.at, r.end = int(s.Lo), int(s.Hi)
	if s.Hi == 0 {
		r.at, r.end = 0, len(r.foot.meta.groups)
	}
	if r.at < 0 || r.end > len(r.foot.meta.groups) || r.at > r.end {
		return nil, errs.Errorf(errs.Conflict, "parquet.Open", "%s has no row groups %d to %d", s.File.Path, s.Lo, s.Hi)
	}
	return r, r.prepare(s.Schema)
}

// prepare binds the requested columns and the filters.
func (r *reader) prepare(schema types.Schema) error {
	r.filters.dynamic = make([]*format.Filter, len(r.req.Dynamic))
	for _, k := range r.req.Columns {
		if k < 0 || k >= len(schema.Fields) {
			return errs.Errorf(errs.Internal, "parquet.Open", "column %d of %d asked for", k, len(schema.Fields))
		}
		field := schema.Fields[k]
		c, err := r.bind(field)
		if err != nil {
			return err
		}
		r.cols = append(r.cols, c)
		r.schema.Fields = append(r.schema.Fields, field)
	}
	r.out.Cols = make([]*batch.Vector, len(r.cols))
	r.fetched = make([]bool, len(r.cols))
	for i := range r.req.Filters {
		if err := r.addFilter(&r.req.Filters[i], -1); err != nil {
			return err
		}
	}
	return nil
}
