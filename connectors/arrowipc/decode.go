package arrowipc

import (
	"encoding/binary"
	"math"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Limits bound what a stream may make of the reader's memory.
type Limits struct {
	// Bytes is the most that decompressed buffers and decoded values may take;
	// 0 is 64 times the input and 64 MiB: bits become bytes, dictionary codes
	// words, and zeros compress well, but no honest stream does all at once.
	Bytes int64
	// Rows is the number of rows of each batch made; 0 is batch.Rows.
	Rows int
}

const (
	defaultFactor = 64
	defaultBase   = 64 << 20
	// costOfVector is what headers of a vector and its batch take, about.
	costOfVector = 512
	// maxRows bounds columns without bytes, whose length nothing else bounds.
	maxRows = math.MaxInt32
)

// Decode reads a whole stream. The batches refer to data, which must not change
// while they live. A broken stream is an errs.Invalid error, a type that has no
// counterpart errs.NotSupported, one that would take too much errs.Exhausted.
func Decode(data []byte, lim Limits) (types.Schema, []*batch.Batch, error) {
	if lim.Bytes == 0 {
		lim.Bytes = defaultFactor*int64(len(data)) + defaultBase
	}
	if lim.Rows == 0 {
		lim.Rows = batch.Rows
	}
	d := &decoder{rest: data, left: lim.Bytes, rows: lim.Rows, dicts: map[int64]*batch.Vector{}}
	defer d.close()
	for {
		more, err := d.message()
		if err != nil {
			return types.Schema{}, nil, err
		}
		if !more {
			break
		}
	}
	if d.fields == nil {
		return types.Schema{}, nil, corrupt("it has no schema")
	}
	return d.schema, d.out, nil
}

// decoder holds the state of one stream.
type decoder struct {
	rest   []byte
	left   int64 // bytes that may still be allocated
	rows   int
	fields []*field
	schema types.Schema
	owners map[int64]*field // by dictionary id
	dicts  map[int64]*batch.Vector
	out    []*batch.Batch
	unzstd zstdReader
}

func (d *decoder) close() { d.unzstd.close() }

// charge books n bytes about to be allocated.
func (d *decoder) charge(n int64) error {
	if n < 0 || n > d.left {
		return errs.Errorf(errs.Exhausted, "arrowipc.Decode", "the stream would take more memory than its size allows")
	}
	d.left -= n
	return nil
}

// message reads the next message; false at the end of the stream.
func (d *decoder) message() (bool, error) {
	meta, err := d.prefix()
	if meta == nil || err != nil {
		return false, err
	}
	t, buf := rootTable(meta)
	kind := t.byte(slotMessageHeaderType)
	header, ok := t.table(slotMessageHeader)
	body, err := d.body(t.long(slotMessageBodyLength))
	if err != nil {
		return false, err
	}
	if err := buf.err(); err != nil {
		return false, err
	}
	switch {
	case !ok:
		return false, corrupt("a message without header")
	case kind == headerSchema:
		return true, d.readSchema(header)
	case d.fields == nil:
		return false, corrupt("data before the schema")
	case kind == headerDictionary:
		return true, d.readDictionary(header, body)
	case kind == headerBatch:
		return true, d.readBatch(header, body)
	}
	return false, corrupt("the message kind %d", kind)
}

// prefix takes the length and metadata of a message off the stream; nil at the end.
func (d *decoder) prefix() ([]byte, error) {
	if len(d.rest) == 0 {
		return nil, nil
	}
	if len(d.rest) >= 4 && binary.LittleEndian.Uint32(d.rest) == continuation {
		d.rest = d.rest[4:]
	}
	if len(d.rest) < 4 {
		return nil, corrupt("it ends inside a message")
	}
	n := binary.LittleEndian.Uint32(d.rest)
	d.rest = d.rest[4:]
	if n == 0 {
		return nil, nil
	}
	if uint64(n) > uint64(len(d.rest)) {
		return nil, corrupt("a message of %d bytes where %d are left", n, len(d.rest))
	}
	meta := d.rest[:n]
	d.rest = d.rest[n:]
	return meta, nil
}

func (d *decoder) body(n int64) ([]byte, error) {
	if n < 0 || n > int64(len(d.rest)) {
		return nil, corrupt("a body of %d bytes where %d are left", n, len(d.rest))
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b, nil
}

func (d *decoder) readSchema(t table) error {
	if d.fields != nil {
		return corrupt("two schemas")
	}
	r := &schemaReader{}
	fields, err := r.read(t)
	if err != nil {
		return err
	}
	if err := t.buf.err(); err != nil {
		return err
	}
	d.owners = map[int64]*field{}
	for _, f := range fields {
		if err := d.own(f); err != nil {
			return err
		}
	}
	d.fields, d.schema = fields, types.Schema{Fields: fieldsOf(fields)}
	if d.fields == nil {
		d.fields = []*field{}
	}
	return nil
}

// own notes which field's values a dictionary holds.
func (d *decoder) own(f *field) error {
	if f.dict != nil {
		if f.typ.Phys().Width() == 0 {
			return unsupported("dictionary of " + f.typ.String())
		}
		if o, ok := d.owners[*f.dict]; ok && !o.typ.Equal(f.typ) {
			return corrupt("dictionary %d has two types", *f.dict)
		}
		d.owners[*f.dict] = f
	}
	for _, c := range f.children {
		if err := d.own(c); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) readDictionary(t table, body []byte) error {
	id := t.long(slotDictID)
	f, ok := d.owners[id]
	if !ok {
		return corrupt("dictionary %d belongs to no column", id)
	}
	if t.bool(slotDictDelta) {
		return unsupported("delta dictionary")
	}
	data, ok := t.table(slotDictData)
	if !ok {
		return corrupt("dictionary %d has no data", id)
	}
	values := *f
	values.dict = nil
	r, err := d.reader(data, body)
	if err != nil {
		return err
	}
	a, err := r.array(&values, 0)
	if err != nil {
		return err
	}
	if err := r.end(a.n); err != nil {
		return err
	}
	v := batch.New(f.typ, 0)
	if err := a.fill(v, 0, a.n); err != nil {
		return err
	}
	d.dicts[id] = v
	return nil
}

func (d *decoder) readBatch(t table, body []byte) error {
	r, err := d.reader(t, body)
	if err != nil {
		return err
	}
	arrays := make([]*array, len(d.fields))
	for i, f := range d.fields {
		if arrays[i], err = r.array(f, 0); err != nil {
			return err
		}
		if arrays[i].n != r.length {
			return corrupt("column %q has %d of %d rows", f.name, arrays[i].n, r.length)
		}
	}
	if err := r.end(r.length); err != nil {
		return err
	}
	for from := 0; from < r.length; from += d.rows {
		n := min(d.rows, r.length-from)
		if err := d.charge(costOfVector * int64(1+len(arrays))); err != nil {
			return err
		}
		b := &batch.Batch{N: n, Seq: int64(len(d.out))}
		for _, a := range arrays {
			v := batch.New(a.f.typ, 0)
			if err := a.fillColumn(v, from, n); err != nil {
				return err
			}
			b.Cols = append(b.Cols, v)
		}
		d.out = append(d.out, b)
	}
	return nil
}
