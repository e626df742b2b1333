// Package text reads and writes files as one string column: a row is a line,
// or a whole file. It knows nothing of what the text says.
package text

import (
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/format/lines"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// Name is the format's name in Spark.
const Name = "text"

// Format is stateless.
type Format struct{}

var _ format.Format = Format{}

// New makes the format.
func New() Format { return Format{} }

// Name is "text".
func (Format) Name() string { return Name }

// Extension is ".txt", with the compression's ending.
func (Format) Extension(opt format.Options) string { return ".txt" + lines.Ending(opt) }

// Infer is always one column named value.
func (Format) Infer(context.Context, vfs.FS, []vfs.FileRef, format.Options) (types.Schema, error) {
	return types.NewSchema(types.F("value", types.String)), nil
}

func separator(opt format.Options) []byte {
	if s := opt["linesep"]; s != "" {
		return []byte(s)
	}
	return nil
}

func whole(opt format.Options) bool { return strings.EqualFold(opt["wholetext"], "true") }

// Plan cuts at byte positions.
func (Format) Plan(_ context.Context, _ vfs.FS, ref vfs.FileRef, schema types.Schema, opt format.Options) (format.FilePlan, error) {
	plan := format.FilePlan{Rows: -1, Splits: lines.Plan(Name, ref, whole(opt) || !lines.Splittable(separator(opt), opt["encoding"]))}
	if whole(opt) {
		plan.Rows = 1
		if ref.Size == 0 {
			plan.Splits = []format.Split{{Format: Name, File: ref, Rows: 1}}
		}
	}
	for i := range plan.Splits {
		plan.Splits[i].Options, plan.Splits[i].Schema = opt, schema
	}
	return plan, nil
}

// Open reads a split. Any string column asked for is the text.
func (Format) Open(ctx context.Context, fs vfs.FS, s format.Split, req format.ReadRequest) (batch.Reader, error) {
	opt := lines.Options{Sep: separator(s.Options), Charset: s.Options["encoding"], Budget: req.Budget}
	src, err := lines.Open(ctx, fs, s, opt)
	if err != nil {
		return nil, err
	}
	r := &reader{src: src, sep: opt.Sep, whole: whole(s.Options), rows: req.Rows}
	if r.rows <= 0 {
		r.rows = batch.Rows
	}
	for _, c := range req.Columns {
		r.schema.Fields = append(r.schema.Fields, s.Schema.Fields[c])
	}
	r.out = batch.NewBatch(r.schema.Types(), 0)
	if r.filters, err = format.NewFilters(req); err != nil {
		src.Close()
		return nil, err
	}
	return r, nil
}

type reader struct {
	src     *lines.Reader
	sep     []byte
	whole   bool
	rows    int
	schema  types.Schema
	out     *batch.Batch
	block   []byte
	views   []batch.View
	filters *format.Filters
}

func (r *reader) Schema() types.Schema { return r.schema }

func (r *reader) Close() error { return r.src.Close() }

// Next makes views of lines in the block: no byte is copied.
func (r *reader) Next(ctx context.Context) (*batch.Batch, error) {
	for {
		b, err := r.next(ctx)
		if err != nil {
			return nil, err
		}
		if b, err = r.filters.Apply(b); err != nil || b.N > 0 {
			return b, err
		}
	}
}

func (r *reader) next(ctx context.Context) (*batch.Batch, error) {
	if r.whole {
		return r.file(ctx)
	}
	if len(r.block) == 0 {
		block, _, err := r.src.Block(ctx)
		if err != nil {
			return nil, err
		}
		r.block = block
	}
	all, rest := r.block, r.block
	r.views = r.views[:0]
	for len(rest) > 0 && len(r.views) < r.rows {
		line, next := lines.Next(rest, r.sep)
		r.views = append(r.views, batch.MakeView(line, 0, len(all)-len(rest)))
		rest = next
	}
	r.block = rest
	return r.emit(all), nil
}

func (r *reader) emit(block []byte) *batch.Batch {
	r.out.Reset(len(r.views))
	for _, c := range r.out.Cols {
		if c.Phys() != types.PhysView {
			c.SetAllNull()
			continue
		}
		copy(batch.Values[batch.View](c), r.views)
		c.Bufs = [][]byte{block}
	}
	return r.out
}

func (r *reader) file(ctx context.Context) (*batch.Batch, error) {
	if r.views != nil {
		return nil, io.EOF
	}
	all, err := r.src.All(ctx)
	if err != nil {
		return nil, err
	}
	r.views = append(r.views, batch.MakeView(all, 0, 0))
	return r.emit(all), nil
}

// Create writes one string column, a line a row. Nulls are empty lines.
func (Format) Create(ctx context.Context, fs vfs.FS, path string, schema types.Schema, opt format.Options) (format.Writer, error) {
	if len(schema.Fields) != 1 {
		return nil, errs.E(errs.Invalid, "text.Create", errs.Cond(errs.Analysis, "_LEGACY_ERROR_TEMP_1290", "",
			"A text file holds exactly one column."))
	}
	if t := schema.Fields[0].Type; t.Kind != types.KindString {
		return nil, errs.E(errs.NotSupported, "text.Create", errs.Cond(errs.Analysis, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", "0A000",
			"Text files hold strings only, not column "+types.QuoteIfNeeded(schema.Fields[0].Name)+" of type "+t.SQL()+".",
			"format", "Text", "columnName", types.QuoteIfNeeded(schema.Fields[0].Name), "columnType", `"`+t.SQL()+`"`))
	}
	out, err := fs.Create(ctx, path)
	if err != nil {
		return nil, err
	}
	comp, err := lines.Compress(out, opt)
	if err != nil {
		_ = out.Abort(ctx) // err says more
		return nil, err
	}
	w := &writer{out: out, comp: comp, sep: separator(opt)}
	if w.sep == nil {
		w.sep = []byte{'\n'}
	}
	return w, nil
}

type writer struct {
	out  vfs.Writer
	comp lines.Writer
	sep  []byte
	buf  bytes.Buffer
}

func (w *writer) Write(ctx context.Context, b *batch.Batch) error {
	if err := ctx.Err(); err != nil {
		return errs.E(errs.Canceled, "text.Write", err)
	}
	w.buf.Reset()
	c := b.Cols[0]
	for i := range b.N {
		if c.Valid(i) {
			w.buf.Write(c.Str(i))
		}
		w.buf.Write(w.sep)
	}
	_, err := w.comp.Write(w.buf.Bytes())
	return err
}

func (w *writer) Commit(ctx context.Context) (vfs.FileRef, error) {
	if err := w.comp.Close(); err != nil {
		_ = w.out.Abort(ctx) // err says more
		return vfs.FileRef{}, err
	}
	return w.out.Commit(ctx)
}

func (w *writer) Abort(ctx context.Context) error { return w.out.Abort(ctx) }
