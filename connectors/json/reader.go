package json

import (
	"bytes"
	"context"
	"io"
	"math"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/format/lines"
	"github.com/spurwheel/spurwheel/connectors/format/scalar"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// shownRecord bounds how much of a bad record an error quotes.
const shownRecord = 200

// reader delivers the records of one split.
type reader struct {
	src     *lines.Reader
	opt     options
	times   *scalar.Temporal
	schema  types.Schema
	corrupt int // output column for bad records, -1: none
	rows    int
	out     *batch.Batch
	good    batch.Batch
	filters *format.Filters

	tape   tape
	pos    int
	loaded bool
	roots  []int32 // of each row: its object's token, -1: the record is bad
	spans  [][2]uint32
	bad    []bool
	side   []byte
	rowOf  []int32
	failed []int32 // values of the column in work that did not fit
}

func (r *reader) Schema() types.Schema { return r.schema }

func (r *reader) Close() error { return r.src.Close() }

func (r *reader) Next(ctx context.Context) (*batch.Batch, error) {
	for {
		if err := r.collect(ctx); err != nil {
			return nil, err
		}
		b, err := r.convert()
		if err != nil {
			return nil, err
		}
		if b, err = r.filters.Apply(b); err != nil || b.N > 0 {
			return b, err
		}
	}
}

// collect reads the next records' syntax.
func (r *reader) collect(ctx context.Context) error {
	r.tape.toks, r.side = r.tape.toks[:0], r.side[:0]
	r.roots, r.spans, r.bad = r.roots[:0], r.spans[:0], r.bad[:0]
	for len(r.roots) == 0 {
		if r.pos >= len(r.tape.b) {
			if err := r.load(ctx); err != nil {
				return err
			}
		}
		for r.pos < len(r.tape.b) && len(r.roots) < r.rows {
			r.record()
		}
	}
	return nil
}

func (r *reader) load(ctx context.Context) error {
	r.pos = 0
	if r.opt.multiLine {
		if r.loaded {
			return io.EOF
		}
		r.loaded = true
		all, err := r.src.All(ctx)
		if err == nil && len(all) > math.MaxUint32 {
			err = errs.Errorf(errs.Exhausted, "json.Read", "%s: a multi-line file is larger than 4 GiB", r.src.Path())
		}
		r.tape.b = bytes.TrimPrefix(all, []byte(mark))
		return err
	}
	block, at, err := r.src.Block(ctx)
	if at == 0 {
		block = bytes.TrimPrefix(block, []byte(mark))
	}
	r.tape.b = block
	return err
}

// mark is the byte order mark that some writers put first.
const mark = "\xef\xbb\xbf"

// record reads one line, or the whole file, into rows.
func (r *reader) record() {
	all := r.tape.b
	start, end := r.pos, len(all)
	r.pos = len(all)
	if !r.opt.multiLine {
		line, rest := lines.Next(all[start:], r.opt.lineSep)
		end, r.pos = start+len(line), len(all)-len(rest)
	}
	if len(bytes.TrimSpace(all[start:end])) == 0 {
		return
	}
	at := len(r.tape.toks)
	r.tape.i = start
	r.tape.b = all[:end]
	ok := r.tape.value(0)
	r.tape.b = all
	span := [2]uint32{uint32(start), uint32(end)}
	if ok && r.tape.toks[at].kind == arrayToken {
		r.elements(at, span)
		return
	}
	root := int32(at)
	if !ok || r.tape.toks[at].kind != objectToken {
		r.tape.toks = r.tape.toks[:at]
		root = -1
	}
	r.row(root, span)
}

func (r *reader) row(root int32, span [2]uint32) {
	r.roots, r.spans, r.bad = append(r.roots, root), append(r.spans, span), append(r.bad, root < 0)
}

// elements makes a row of each object of an array; one with other values is
// a bad record as a whole.
func (r *reader) elements(at int, span [2]uint32) {
	rows := len(r.roots)
	for i := int32(at) + 1; i < r.tape.toks[at].next; i = r.tape.toks[i].next {
		switch r.tape.toks[i].kind {
		case objectToken:
			r.row(i, span)
		case nullToken:
		default:
			r.roots, r.spans, r.bad = r.roots[:rows], r.spans[:rows], r.bad[:rows]
			r.row(-1, span)
			return
		}
	}
}

// convert turns the collected records into columns.
func (r *reader) convert() (*batch.Batch, error) {
	n := len(r.roots)
	r.out.N = n
	for len(r.rowOf) < n {
		r.rowOf = append(r.rowOf, int32(len(r.rowOf)))
	}
	cols := r.split(r.roots, r.schema.Fields)
	for k, v := range r.out.Cols {
		v.Reset(0)
		if k == r.corrupt {
			continue
		}
		r.failed = r.failed[:0]
		r.column(v, cols[k], r.rowOf[:n])
	}
	first := -1
	for i, bad := range r.bad {
		if bad {
			first = i
			break
		}
	}
	if first >= 0 && r.opt.mode == failFast {
		return nil, r.malformed(first)
	}
	if r.corrupt >= 0 {
		r.badRecords(r.out.Cols[r.corrupt])
	}
	// Views were made while the side buffer grew: they refer to it by number.
	for _, v := range r.out.Cols {
		r.buffers(v)
	}
	if first >= 0 && r.opt.mode == dropMalformed {
		return r.drop(), nil
	}
	return r.out, nil
}

// buffers gives string vectors at any depth the block and the side buffer.
func (r *reader) buffers(v *batch.Vector) {
	if v.Phys() == types.PhysView {
		v.Bufs = [][]byte{r.tape.b, r.side}
	}
	for _, c := range v.Children {
		r.buffers(c)
	}
}

func (r *reader) quote(row int) string {
	s := r.spans[row]
	return string(r.tape.b[s[0]:min(s[1], s[0]+shownRecord)])
}

func (r *reader) malformed(row int) error {
	record := r.quote(row)
	return errs.E(errs.Invalid, "json.Read", errs.Cond(errs.Spark, "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", "22023",
		"A record of "+r.src.Path()+" is no JSON object of the schema: "+record+". The mode is FAILFAST; PERMISSIVE reads what does not fit as null.",
		"badRecord", record, "failFastMode", "FAILFAST", "path", r.src.Path()))
}

func (r *reader) badRecords(v *batch.Vector) {
	v.Reset(len(r.bad))
	views := batch.Values[batch.View](v)
	for i, bad := range r.bad {
		views[i] = batch.View{}
		if !bad {
			v.SetNull(i)
			continue
		}
		s := r.spans[i]
		views[i] = batch.MakeView(bytes.TrimSpace(r.tape.b[s[0]:s[1]]), blockBuf, int(s[0])+leading(r.tape.b[s[0]:s[1]]))
	}
}

// leading is the number of blanks at the front.
func leading(b []byte) int { return len(b) - len(bytes.TrimLeft(b, " \t\r\n\v\f")) }

func (r *reader) drop() *batch.Batch {
	var sel []int32
	for i, bad := range r.bad {
		if !bad {
			sel = append(sel, int32(i))
		}
	}
	if r.good.Cols == nil {
		for _, c := range r.out.Cols {
			r.good.Cols = append(r.good.Cols, batch.New(c.Type, 0))
		}
	}
	for i, c := range r.out.Cols {
		r.good.Cols[i].Gather(c, sel)
	}
	r.good.N = len(sel)
	return &r.good
}
