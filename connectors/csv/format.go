// Package csv reads and writes separated values with Spark's options and
// parse modes: files cut at byte positions, fields found in one pass, columns
// converted one at a time. It knows nothing of tables.
package csv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
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
const Name = "csv"

// Format is stateless.
type Format struct {
	now func() time.Time
}

var _ format.Format = Format{}

// New makes the format; now dates values that are a time of day only.
func New(now func() time.Time) Format { return Format{now} }

// Name is "csv".
func (Format) Name() string { return Name }

// Extension is ".csv", with the compression's ending.
func (Format) Extension(opt format.Options) string { return ".csv" + lines.Ending(opt) }

// Plan cuts at byte positions, unless quotes may hold line ends.
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
	r := &reader{opt: o, rows: req.Rows, first: s.Lo == 0}
	r.tok = tokenizer{opt: &r.opt, multi: o.multiLine}
	if r.rows <= 0 {
		r.rows = batch.Rows
	}
	if r.times, err = scalar.NewTemporal(s.Options, req.ZoneID, f.now()); err != nil {
		return nil, err
	}
	if err := r.bind(s.Schema, req.Columns); err != nil {
		return nil, err
	}
	if r.filters, err = format.NewFilters(req); err != nil {
		return nil, err
	}
	r.src, err = lines.Open(ctx, fs, s, lines.Options{Sep: o.lineSep, Charset: o.charset, Budget: req.Budget})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// bind finds the field of each column: columns go by position, the one for
// corrupt records apart.
func (r *reader) bind(schema types.Schema, columns []int) error {
	corrupt := schema.Index(r.opt.corrupt)
	position := make([]int, len(schema.Fields))
	for i := range schema.Fields {
		if i == corrupt {
			position[i] = -1
			continue
		}
		position[i] = r.width
		r.width++
	}
	wantsCorrupt := false
	for _, c := range columns {
		f := schema.Fields[c]
		if c == corrupt && f.Type.Kind != types.KindString {
			return errs.E(errs.Invalid, "csv.Open", errs.Cond(errs.Analysis, "INVALID_CORRUPT_RECORD_TYPE", "42804",
				"The column for corrupt records must be a nullable string.", "columnName", types.Quote(f.Name), "actualType", `"`+f.Type.SQL()+`"`))
		}
		if err := supported(f); err != nil {
			return err
		}
		r.columns = append(r.columns, position[c])
		r.schema.Fields = append(r.schema.Fields, f)
		wantsCorrupt = wantsCorrupt || c == corrupt
	}
	// With columns left out, Spark's parser never sees how many fields there were.
	r.counted = wantsCorrupt || !r.opt.columnPruning || len(columns) >= r.width
	r.out = batch.NewBatch(r.schema.Types(), 0)
	return nil
}

func supported(f types.Field) error {
	switch f.Type.Kind {
	case types.KindBool, types.KindByte, types.KindShort, types.KindInt, types.KindLong, types.KindFloat, types.KindDouble, types.KindDecimal,
		types.KindString, types.KindDate, types.KindTimestamp, types.KindTimestampNTZ, types.KindYearMonthInterval, types.KindDayTimeInterval:
		return nil
	default:
	}
	return errs.E(errs.NotSupported, "csv", errs.Cond(errs.Analysis, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", "0A000",
		"CSV files cannot hold column "+types.QuoteIfNeeded(f.Name)+" of type "+f.Type.SQL()+".",
		"format", "CSV", "columnName", types.QuoteIfNeeded(f.Name), "columnType", `"`+f.Type.SQL()+`"`))
}

// Infer takes names from the first file's first record and, if asked, types
// from all records.
func (f Format) Infer(ctx context.Context, fs vfs.FS, files []vfs.FileRef, opt format.Options) (types.Schema, error) {
	o, err := parseOptions(opt)
	if err != nil {
		return types.Schema{}, err
	}
	in := &inference{opt: o}
	if in.times, err = scalar.NewTemporal(opt, "UTC", f.now()); err != nil {
		return types.Schema{}, err
	}
	for _, ref := range files {
		if ref.Size == 0 {
			continue
		}
		if err := in.file(ctx, fs, ref); err != nil {
			return types.Schema{}, err
		}
		if !o.infer && in.names != nil {
			break
		}
	}
	return in.schema(), nil
}

// file reads records one by one through the same tokenizer as queries do.
func (in *inference) file(ctx context.Context, fs vfs.FS, ref vfs.FileRef) error {
	src, err := lines.Open(ctx, fs, format.Split{File: ref}, lines.Options{Sep: in.opt.lineSep, Charset: in.opt.charset})
	if err != nil {
		return err
	}
	defer src.Close()
	in.first = true
	if in.opt.multiLine {
		all, err := src.All(ctx)
		if err != nil {
			return err
		}
		in.text(bytes.TrimPrefix(all, []byte("\xef\xbb\xbf")))
		return nil
	}
	for {
		block, at, err := src.Block(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if at == 0 {
			block = bytes.TrimPrefix(block, []byte("\xef\xbb\xbf"))
		}
		if done := in.lines(block); done {
			return nil
		}
	}
}

func (in *inference) lines(block []byte) (done bool) {
	tok := tokenizer{opt: &in.opt}
	for len(block) > 0 {
		var line []byte
		line, block = lines.Next(block, in.opt.lineSep)
		if len(bytes.TrimSpace(line)) == 0 || in.opt.comment != 0 && line[0] == in.opt.comment {
			continue
		}
		tok.reset()
		tok.record(line, 0)
		in.record(&tok, line)
		if !in.opt.infer {
			return true
		}
	}
	return false
}

func (in *inference) text(all []byte) {
	tok := tokenizer{opt: &in.opt, multi: true}
	for i := 0; i < len(all); {
		if all[i] == '\n' || all[i] == '\r' {
			i++
			continue
		}
		if in.opt.comment != 0 && all[i] == in.opt.comment {
			_, rest := lines.Next(all[i:], nil)
			i = len(all) - len(rest)
			continue
		}
		tok.reset()
		_, i = tok.record(all, i)
		in.record(&tok, all)
		if !in.opt.infer {
			return
		}
	}
}

// inference collects names and types.
type inference struct {
	opt   options
	times *scalar.Temporal
	names []string
	types []types.Type
	first bool // of the file
	rows  int
}

func (in *inference) record(tok *tokenizer, b []byte) {
	if in.first {
		in.first = false
		if in.names == nil {
			in.header(tok, b)
		}
		if in.opt.header {
			return
		}
	}
	if !in.opt.infer {
		return
	}
	in.rows++
	if in.opt.sampling < 1 && float64(in.rows%1000) >= in.opt.sampling*1000 {
		return
	}
	for i := range min(len(tok.fields), len(in.types)) {
		if v, null := tok.text(b, i); !null {
			in.types[i] = in.refine(in.types[i], v)
		}
	}
}

// text is a field's value for inference.
func (t *tokenizer) text(b []byte, i int) ([]byte, bool) {
	f := t.fields[i]
	v := b
	if f.side {
		v = t.side
	}
	v = v[f.off : f.off+f.n]
	return v, len(v) == 0 || bytes.Equal(v, t.opt.null)
}

// header makes names, distinct without regard to case as Spark does: empty
// ones get their position, doubled ones get it appended.
func (in *inference) header(tok *tokenizer, b []byte) {
	n := len(tok.fields)
	in.names, in.types = make([]string, n), make([]types.Type, n)
	count := map[string]int{}
	for i := range n {
		v, _ := tok.text(b, i)
		in.names[i] = string(v)
		count[strings.ToLower(in.names[i])]++
	}
	for i, name := range in.names {
		switch {
		case !in.opt.header || name == "" || name == string(in.opt.null):
			in.names[i] = fmt.Sprintf("_c%d", i)
		case count[strings.ToLower(name)] > 1:
			in.names[i] = fmt.Sprintf("%s%d", name, i)
		}
	}
}

func (in *inference) schema() types.Schema {
	var s types.Schema
	for i, name := range in.names {
		t := in.types[i]
		if !in.opt.infer || t.Kind == types.KindNull {
			t = types.String
		}
		s.Fields = append(s.Fields, types.F(name, t))
	}
	return s
}
