// Package binaryfile reads files whole: path, modification time, length and
// content, one row a file. It knows nothing of what they hold.
package binaryfile

import (
	"context"
	"io"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// Name is the format's name in Spark, in lower case.
const Name = "binaryfile"

// maxContent is the longest value that a binary column can hold, as Spark's.
const maxContent = 1<<31 - 1

// Format is stateless.
type Format struct{}

var _ format.Format = Format{}

// New makes the format.
func New() Format { return Format{} }

// Name is "binaryfile".
func (Format) Name() string { return Name }

// Extension is never used: the format is not written.
func (Format) Extension(format.Options) string { return "" }

// Schema is the same for all files.
func schema() types.Schema {
	return types.NewSchema(types.F("path", types.String), types.F("modificationTime", types.Timestamp), types.F("length", types.Long), types.F("content", types.Binary))
}

// Infer is always the same.
func (Format) Infer(context.Context, vfs.FS, []vfs.FileRef, format.Options) (types.Schema, error) {
	return schema(), nil
}

// Plan is one split of one row.
func (Format) Plan(_ context.Context, _ vfs.FS, ref vfs.FileRef, s types.Schema, opt format.Options) (format.FilePlan, error) {
	return format.FilePlan{Rows: 1, Splits: []format.Split{{Format: Name, File: ref, Rows: 1, Bytes: ref.Size, Options: opt, Schema: s}}}, nil
}

// Open reads the file's row. The content is read only if it is asked for.
func (Format) Open(_ context.Context, fs vfs.FS, s format.Split, req format.ReadRequest) (batch.Reader, error) {
	r := &reader{fs: fs, split: s, req: req}
	for _, c := range req.Columns {
		r.schema.Fields = append(r.schema.Fields, s.Schema.Fields[c])
	}
	var err error
	r.filters, err = format.NewFilters(req)
	return r, err
}

// Create is refused, as in Spark.
func (Format) Create(context.Context, vfs.FS, string, types.Schema, format.Options) (format.Writer, error) {
	return nil, errs.E(errs.NotSupported, "binaryfile.Create", errs.Unsupported("writing the format binaryFile"))
}

type reader struct {
	fs      vfs.FS
	split   format.Split
	req     format.ReadRequest
	schema  types.Schema
	filters *format.Filters
	done    bool
	booked  int64
}

func (r *reader) Schema() types.Schema { return r.schema }

func (r *reader) Next(ctx context.Context) (*batch.Batch, error) {
	if r.done {
		return nil, io.EOF
	}
	r.done = true
	b := batch.NewBatch(r.schema.Types(), 1)
	b.Reset(0)
	b.N = 1
	for i, f := range r.schema.Fields {
		x, err := r.value(ctx, f.Name)
		if err != nil {
			return nil, err
		}
		b.Cols[i].Append(x)
	}
	b, err := r.filters.Apply(b)
	if err == nil && b.N == 0 {
		return nil, io.EOF
	}
	return b, err
}

func (r *reader) value(ctx context.Context, name string) (any, error) {
	switch schema().Index(name) {
	case 0:
		return r.split.File.Path, nil
	case 1:
		i, err := r.fs.Stat(ctx, r.split.File.Path)
		return i.ModTime.UnixMicro(), err
	case 2:
		return r.split.File.Size, nil
	case 3:
		return r.content(ctx)
	}
	return nil, nil
}

func (r *reader) content(ctx context.Context) (any, error) {
	size := r.split.File.Size
	if size > maxContent {
		return nil, errs.E(errs.Exhausted, "binaryfile.Read", errs.Cond(errs.Spark, "FAILED_READ_FILE.NO_HINT", "KD001",
			"The file "+r.split.File.Path+" is larger than a binary value can be.", "path", r.split.File.Path))
	}
	if r.req.Budget != nil {
		if err := r.req.Budget.Grow(2 * size); err != nil {
			return nil, err
		}
		r.booked += 2 * size
	}
	p, err := vfs.ReadAll(ctx, r.fs, r.split.File)
	if p == nil {
		p = []byte{}
	}
	return p, err
}

func (r *reader) Close() error {
	r.done = true
	if r.booked > 0 {
		r.req.Budget.Shrink(r.booked)
		r.booked = 0
	}
	return nil
}
