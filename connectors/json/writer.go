package json

import (
	"context"
	"encoding/base64"
	"math"
	"strconv"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/format/lines"
	"github.com/spurwheel/spurwheel/connectors/format/scalar"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// writer renders one object a line.
type writer struct {
	out    vfs.Writer
	comp   lines.Writer
	opt    options
	values scalar.Writer
	schema types.Schema
	flat   []*batch.Vector
	buf    []byte
}

// Create starts a file.
func (f Format) Create(ctx context.Context, fs vfs.FS, path string, schema types.Schema, opt format.Options) (format.Writer, error) {
	o, err := parseOptions(opt)
	if err != nil {
		return nil, err
	}
	w := &writer{opt: o, schema: schema}
	for _, field := range schema.Fields {
		if err := supported(field.Name, field.Type); err != nil {
			return nil, err
		}
		w.flat = append(w.flat, batch.New(field.Type, 0))
	}
	times, err := scalar.NewTemporal(opt, opt["sessiontimezone"], f.now())
	if err != nil {
		return nil, err
	}
	w.values = scalar.Writer{Times: times}
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
		return errs.E(errs.Canceled, "json.Write", err)
	}
	w.buf = w.buf[:0]
	cols := make([]*batch.Vector, len(b.Cols))
	for i, c := range b.Cols {
		cols[i] = flatten(c, w.flat[i])
	}
	for row := range b.N {
		w.object(w.schema.Fields, cols, row)
		if w.opt.lineSep != nil {
			w.buf = append(w.buf, w.opt.lineSep...)
		} else {
			w.buf = append(w.buf, '\n')
		}
	}
	_, err := w.comp.Write(w.buf)
	return err
}

// flatten makes c and its members flat.
func flatten(c, into *batch.Vector) *batch.Vector {
	f := c.Flatten(into)
	for _, m := range f.Children {
		if m.Enc != batch.Flat {
			into.Reset(0)
			into.AppendRange(f, 0, f.Len())
			return into
		}
	}
	return f
}

// object writes the members that are not null, or all if so asked.
func (w *writer) object(fields []types.Field, cols []*batch.Vector, row int) {
	w.buf = append(w.buf, '{')
	first := true
	for i, f := range fields {
		if w.opt.ignoreNulls && !cols[i].Valid(row) {
			continue
		}
		if !first {
			w.buf = append(w.buf, ',')
		}
		first = false
		w.buf = append(appendQuoted(w.buf, []byte(f.Name)), ':')
		w.value(cols[i], row)
	}
	w.buf = append(w.buf, '}')
}

func (w *writer) value(c *batch.Vector, i int) {
	if !c.Valid(i) {
		w.buf = append(w.buf, "null"...)
		return
	}
	switch t := c.Type; t.Kind {
	case types.KindString:
		w.buf = appendQuoted(w.buf, c.Str(i))
	case types.KindBinary:
		w.buf = append(base64.StdEncoding.AppendEncode(append(w.buf, '"'), c.Str(i)), '"')
	case types.KindStruct:
		w.object(t.Fields, c.Children, i)
	case types.KindArray:
		w.array(c, i)
	case types.KindMap:
		w.entries(c, i)
	case types.KindFloat, types.KindDouble:
		w.float(c, i)
	case types.KindDate, types.KindTimestamp, types.KindTimestampNTZ, types.KindTime, types.KindYearMonthInterval, types.KindDayTimeInterval:
		w.buf = append(w.values.Append(append(w.buf, '"'), c, i), '"')
	default:
		w.buf = w.values.Append(w.buf, c, i)
	}
}

func (w *writer) array(c *batch.Vector, i int) {
	w.buf = append(w.buf, '[')
	for j := c.Offsets[i]; j < c.Offsets[i+1]; j++ {
		if j > c.Offsets[i] {
			w.buf = append(w.buf, ',')
		}
		w.value(c.Children[0], int(j))
	}
	w.buf = append(w.buf, ']')
}

func (w *writer) entries(c *batch.Vector, i int) {
	w.buf = append(w.buf, '{')
	for j := c.Offsets[i]; j < c.Offsets[i+1]; j++ {
		if j > c.Offsets[i] {
			w.buf = append(w.buf, ',')
		}
		if k := c.Children[0]; k.Phys() == types.PhysView {
			w.buf = appendQuoted(w.buf, k.Str(int(j)))
		} else {
			w.buf = append(w.values.Append(append(w.buf, '"'), k, int(j)), '"')
		}
		w.buf = append(w.buf, ':')
		w.value(c.Children[1], int(j))
	}
	w.buf = append(w.buf, '}')
}

// float quotes what JSON has no number for.
func (w *writer) float(c *batch.Vector, i int) {
	var f float64
	if c.Type.Kind == types.KindFloat {
		f = float64(batch.Values[float32](c)[i])
	} else {
		f = batch.Values[float64](c)[i]
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		w.buf = append(w.values.Append(append(w.buf, '"'), c, i), '"')
		return
	}
	w.buf = w.values.Append(w.buf, c, i)
}

// appendQuoted writes a JSON string; bytes above ASCII stay as they are.
func appendQuoted(b, s []byte) []byte {
	b = append(b, '"')
	from := 0
	for i, c := range s {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		default:
			b = append(b, `\u00`...)
			if c < 16 {
				b = append(b, '0')
			}
			b = strconv.AppendUint(b, uint64(c), 16)
		}
	}
	return append(append(b, s[from:]...), '"')
}

// Commit makes the file visible.
func (w *writer) Commit(ctx context.Context) (vfs.FileRef, error) {
	if err := w.comp.Close(); err != nil {
		_ = w.out.Abort(ctx) // err says more
		return vfs.FileRef{}, err
	}
	return w.out.Commit(ctx)
}

// Abort drops the file.
func (w *writer) Abort(ctx context.Context) error { return w.out.Abort(ctx) }
