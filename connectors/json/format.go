// Package json reads and writes JSON records with Spark's options and parse
// modes: one a line, or one a file. Syntax is read once into a tape; columns
// are converted from it one at a time. It knows nothing of tables.
package json

import (
	"context"
	"time"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/format/lines"
	"github.com/spurwheel/spurwheel/connectors/format/scalar"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// Name is the format's name in Spark.
const Name = "json"

// Format is stateless.
type Format struct {
	now func() time.Time
}

var _ format.Format = Format{}

// New makes the format; now dates values that are a time of day only.
func New(now func() time.Time) Format { return Format{now} }

// Name is "json".
func (Format) Name() string { return Name }

// Extension is ".json", with the compression's ending.
func (Format) Extension(opt format.Options) string { return ".json" + lines.Ending(opt) }

// Plan cuts at byte positions, unless records may span lines.
func (Format) Plan(_ context.Context, _ vfs.FS, ref vfs.FileRef, schema types.Schema, opt format.Options) (format.FilePlan, error) {
	o, err := parseOptions(opt)
	if err != nil {
		return format.FilePlan{}, err
	}
	plan := format.FilePlan{Rows: -1, Splits: lines.Plan(Name, ref, o.multiLine || !lines.Splittable(o.lineSep, o.charset))}
	for i := range plan.Splits {
		plan.Splits[i].Options, plan.Splits[i].Schema = opt, schema
	}
	return plan, nil
}

// Open reads a split.
func (f Format) Open(ctx context.Context, fs vfs.FS, s format.Split, req format.ReadRequest) (batch.Reader, error) {
	o, err := parseOptions(s.Options)
	if err != nil {
		return nil, err
	}
	r := &reader{opt: o, rows: req.Rows, corrupt: -1}
	r.tape.opt = &r.opt
	if r.rows <= 0 {
		r.rows = batch.Rows
	}
	if r.times, err = scalar.NewTemporal(s.Options, req.ZoneID, f.now()); err != nil {
		return nil, err
	}
	for k, c := range req.Columns {
		field := s.Schema.Fields[c]
		if err := supported(field.Name, field.Type); err != nil {
			return nil, err
		}
		if field.Name == o.corrupt && field.Type.Kind == types.KindString {
			r.corrupt = k
		}
		r.schema.Fields = append(r.schema.Fields, field)
	}
	r.out = batch.NewBatch(r.schema.Types(), 0)
	if r.filters, err = format.NewFilters(req); err != nil {
		return nil, err
	}
	r.src, err = lines.Open(ctx, fs, s, lines.Options{Sep: o.lineSep, Charset: o.charset, Budget: req.Budget})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// supported refuses types that have no JSON form.
func supported(name string, t types.Type) error {
	switch t.Kind {
	case types.KindVariant, types.KindCalendarInterval, types.KindUDT:
		return errs.E(errs.NotSupported, "json", errs.Cond(errs.Analysis, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", "0A000",
			"JSON files cannot hold column "+types.QuoteIfNeeded(name)+" of type "+t.SQL()+".",
			"format", "JSON", "columnName", types.QuoteIfNeeded(name), "columnType", `"`+t.SQL()+`"`))
	default:
	}
	for _, m := range []*types.Type{t.Key, t.Elem} {
		if m != nil {
			if err := supported(name, *m); err != nil {
				return err
			}
		}
	}
	for _, f := range t.Fields {
		if err := supported(name, f.Type); err != nil {
			return err
		}
	}
	return nil
}
