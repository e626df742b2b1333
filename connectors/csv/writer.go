package csv

import (
	"bytes"
	"context"
	"math"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/format/lines"
	"github.com/spurwheel/spurwheel/connectors/format/scalar"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// writer renders batches row by row.
type writer struct {
	out     vfs.Writer
	comp    lines.Writer
	opt     options
	values  scalar.Writer
	schema  types.Schema
	buf     []byte
	cell    []byte
	flat    []*batch.Vector
	started bool
}

// Create starts a file.
func (f Format) Create(ctx context.Context, fs vfs.FS, path string, schema types.Schema, opt format.Options) (format.Writer, error) {
	o, err := parseOptions(opt)
	if err != nil {
		return nil, err
	}
	for _, field := range schema.Fields {
		if err := supported(field); err != nil {
			return nil, err
		}
	}
	w := &writer{opt: o, schema: schema}
	times, err := scalar.NewTemporal(opt, opt["sessiontimezone"], f.now())
	if err != nil {
		return nil, err
	}
	w.values = scalar.Writer{Times: times}
	for _, t := range schema.Types() {
		w.flat = append(w.flat, batch.New(t, 0))
	}
	if w.out, err = fs.Create(ctx, path); err != nil {
		return nil, err
	}
	if w.comp, err = lines.Compress(w.out, opt); err != nil {
		_ = w.out.Abort(ctx) // err says more
		return nil, err
	}
	return w, nil
}

func (w *writer) Write(ctx context.Context, b *batch.Batch) error {
	if err := ctx.Err(); err != nil {
		return errs.E(errs.Canceled, "csv.Write", err)
	}
	w.buf = w.buf[:0]
	w.header()
	cols := make([]*batch.Vector, len(b.Cols))
	for i, c := range b.Cols {
		cols[i] = c.Flatten(w.flat[i])
	}
	for row := range b.N {
		for i, c := range cols {
			if i > 0 {
				w.buf = append(w.buf, w.opt.sep...)
			}
			w.value(c, row)
		}
		w.endLine()
	}
	_, err := w.comp.Write(w.buf)
	return err
}

func (w *writer) endLine() {
	if w.opt.lineSep != nil {
		w.buf = append(w.buf, w.opt.lineSep...)
		return
	}
	w.buf = append(w.buf, '\n')
}

func (w *writer) header() {
	if w.started || !w.opt.header {
		w.started = true
		return
	}
	w.started = true
	for i, f := range w.schema.Fields {
		if i > 0 {
			w.buf = append(w.buf, w.opt.sep...)
		}
		w.text([]byte(f.Name))
	}
	w.endLine()
}

func (w *writer) value(c *batch.Vector, row int) {
	switch {
	case !c.Valid(row):
		w.buf = append(w.buf, w.opt.nullOut...)
	case c.Phys() == types.PhysView:
		w.text(c.Str(row))
	case c.Type.IsFractional():
		w.float(c, row)
	default:
		w.cell = w.values.Append(w.cell[:0], c, row)
		w.text(w.cell)
	}
}

func (w *writer) float(c *batch.Vector, row int) {
	var f float64
	if c.Type.Kind == types.KindFloat {
		f = float64(batch.Values[float32](c)[row])
	} else {
		f = batch.Values[float64](c)[row]
	}
	switch {
	case math.IsNaN(f):
		w.text([]byte(w.opt.nan))
	case math.IsInf(f, 1):
		w.text([]byte(w.opt.posInf))
	case math.IsInf(f, -1):
		w.text([]byte(w.opt.negInf))
	default:
		w.cell = w.values.Append(w.cell[:0], c, row)
		w.text(w.cell)
	}
}

// text writes a value, in quotes if it would be read as something else without.
func (w *writer) text(b []byte) {
	if w.opt.trimLeftOut {
		b = bytes.TrimLeft(b, " \t")
	}
	if w.opt.trimRightOut {
		b = bytes.TrimRight(b, " \t")
	}
	if len(b) == 0 {
		w.buf = append(w.buf, w.opt.emptyOut...)
		return
	}
	q := w.opt.quote
	if q == 0 || !w.opt.quoteAll && !w.special(b) {
		w.buf = append(w.buf, b...)
		return
	}
	w.buf = append(w.buf, q)
	for _, c := range b {
		if w.opt.escape != 0 && (c == q || c == w.opt.escape) {
			w.buf = append(w.buf, w.opt.escape)
		}
		w.buf = append(w.buf, c)
	}
	w.buf = append(w.buf, q)
}

func (w *writer) special(b []byte) bool {
	return bytes.Contains(b, w.opt.sep) || bytes.IndexByte(b, '\n') >= 0 || bytes.IndexByte(b, '\r') >= 0 ||
		w.opt.escapeQuotes && bytes.IndexByte(b, w.opt.quote) >= 0 || b[0] == w.opt.quote ||
		w.opt.comment != 0 && b[0] == w.opt.comment || w.opt.lineSep != nil && bytes.Contains(b, w.opt.lineSep)
}

func (w *writer) Commit(ctx context.Context) (vfs.FileRef, error) {
	w.buf = w.buf[:0]
	w.header() // a file without rows still names its columns
	_, err := w.comp.Write(w.buf)
	if err == nil {
		err = w.comp.Close()
	}
	if err != nil {
		_ = w.out.Abort(ctx) // err says more
		return vfs.FileRef{}, err
	}
	return w.out.Commit(ctx)
}

func (w *writer) Abort(ctx context.Context) error { return w.out.Abort(ctx) }
