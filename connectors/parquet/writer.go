package parquet

import (
	"context"
	"strconv"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

const (
	// groupRows and groupBytes bound a row group, whichever comes first.
	groupRows  = 1 << 20
	groupBytes = 128 << 20
	// MetadataKey names the file's entry that holds the schema as Spark writes
	// it in JSON, and an option that replaces it.
	MetadataKey = "org.apache.spark.sql.parquet.row.metadata"
	versionKey  = "org.apache.spark.version"
	// sparkVersion is what files claim to be compatible with: readers choose
	// the calendar of dates by it.
	sparkVersion = "4.1.0"
	createdBy    = "spurwheel version 1.0.0 (build go)"
	optGroupSize = "parquet.block.size"
)

// writer collects row groups and writes them one by one.
type writer struct {
	out    vfs.Writer
	comp   *compressor
	spark  string // the schema in Spark's words
	cols   []*writeNode
	leaves []*leafWriter
	pos    int64
	rows   int64 // in the current group
	total  int64
	limit  int64 // bytes of a group
	groups []groupMeta
	all    []int32
	buf    []byte // scratch: a compressed page
	done   bool
}

// Create starts a file.
func (f *Format) Create(ctx context.Context, fs vfs.FS, path string, schema types.Schema, opt format.Options) (format.Writer, error) {
	codec, err := codecOf(opt)
	if err != nil {
		return nil, err
	}
	w := &writer{spark: opt[MetadataKey], limit: groupBytes}
	if w.spark == "" {
		w.spark = sparkJSON(schema)
	}
	if s, ok := opt[optGroupSize]; ok {
		if w.limit, err = strconv.ParseInt(s, 10, 64); err != nil || w.limit <= 0 {
			return nil, errs.Errorf(errs.Invalid, "parquet.Create", "option %s is %q: a number of bytes is expected", optGroupSize, s)
		}
	}
	if w.comp, err = newCompressor(codec); err != nil {
		return nil, errs.E(errs.Internal, "parquet.Create", err)
	}
	for _, field := range schema.Fields {
		n, err := newWriteNode(w, field.Name, field.Type, true, 0, 0)
		if err != nil {
			return nil, err
		}
		w.cols = append(w.cols, n)
	}
	w.writeSchema(&encoder{}) // tells the leaves their paths
	if w.out, err = fs.Create(ctx, path); err != nil {
		return nil, err
	}
	if err := w.emit([]byte(magic)); err != nil {
		return nil, abort(ctx, w.out, err)
	}
	return w, nil
}

func abort(ctx context.Context, w vfs.Writer, err error) error {
	_ = w.Abort(ctx) // err says more
	return err
}

func (w *writer) emit(b []byte) error {
	n, err := w.out.Write(b)
	w.pos += int64(n)
	return err
}

// Write appends a batch.
func (w *writer) Write(ctx context.Context, b *batch.Batch) error {
	if err := ctx.Err(); err != nil {
		return errs.E(errs.Canceled, "parquet.Write", err)
	}
	if len(b.Cols) != len(w.cols) {
		return errs.Errorf(errs.Internal, "parquet.Write", "batch of %d columns for a file of %d", len(b.Cols), len(w.cols))
	}
	size := int64(0)
	for i, c := range w.cols {
		c.write(b.Cols[i], b.N, w)
	}
	for _, l := range w.leaves {
		if l.full() {
			if err := l.finishPage(); err != nil {
				return err
			}
		}
		size += int64(len(l.out) + len(l.plain) + 4*len(l.codes))
	}
	w.rows += int64(b.N)
	if w.rows >= groupRows || size >= w.limit {
		return w.finishGroup()
	}
	return nil
}

func (w *writer) iota(n int) []int32 {
	for i := len(w.all); i < n; i++ {
		w.all = append(w.all, int32(i))
	}
	return w.all[:n:n]
}

// write shreds n rows of a top-level column.
func (n *writeNode) write(v *batch.Vector, rows int, w *writer) {
	if n.kind == leafNode {
		n.leaf.column(v, rows, n.tmp, w)
		return
	}
	n.bind(v)
	for i := range rows {
		n.row(i, 0, 0)
	}
	n.flush()
}

// column takes a primitive top-level column: levels in bulk.
func (l *leafWriter) column(v *batch.Vector, rows int, tmp *batch.Vector, w *writer) {
	if v.Enc == batch.Const || v.Enc == batch.Dict && l.phys != pByteArray {
		v = v.Flatten(tmp)
	}
	l.values += int64(rows)
	if !v.HasNulls() {
		for range rows {
			l.def = append(l.def, 1)
		}
		l.add(v, w.iota(rows))
		return
	}
	l.idx = l.idx[:0]
	for i := range rows {
		if v.Valid(i) {
			l.def = append(l.def, 1)
			l.idx = append(l.idx, int32(i))
		} else {
			l.def = append(l.def, 0)
		}
	}
	l.nulls += int64(rows - len(l.idx))
	l.add(v, l.idx)
}

// bind flattens v and its members for the walk by rows.
func (n *writeNode) bind(v *batch.Vector) {
	n.flat = v.Flatten(n.tmp)
	if n.leaf != nil {
		n.leaf.idx = n.leaf.idx[:0]
		return
	}
	for i, c := range n.children {
		c.bind(n.flat.Children[i])
	}
}

// row shreds row i, which begins at repetition level rep; its parent is
// present at definition level def.
func (n *writeNode) row(i, rep, def int) {
	if !n.flat.Valid(i) {
		n.absent(rep, def)
		return
	}
	switch n.kind {
	case leafNode:
		n.leaf.entry(n.def, rep)
		n.leaf.idx = append(n.leaf.idx, int32(i))
	case structNode:
		for _, c := range n.children {
			c.row(i, rep, n.def)
		}
	default:
		lo, hi := int(n.flat.Offsets[i]), int(n.flat.Offsets[i+1])
		if lo == hi {
			n.absent(rep, n.def)
			return
		}
		for _, c := range n.children {
			c.row(lo, rep, n.slotDef)
			for j := lo + 1; j < hi; j++ {
				c.row(j, n.slotRep, n.slotDef)
			}
		}
	}
}

// absent records that nothing below n exists from level def on.
func (n *writeNode) absent(rep, def int) {
	if n.leaf != nil {
		n.leaf.entry(def, rep)
		n.leaf.nulls++
		return
	}
	for _, c := range n.children {
		c.absent(rep, def)
	}
}

func (l *leafWriter) entry(def, rep int) {
	l.def = append(l.def, uint8(def))
	l.rep = append(l.rep, uint8(rep))
	l.values++
}

// flush hands over the values whose levels are recorded.
func (n *writeNode) flush() {
	if n.leaf != nil {
		n.leaf.add(n.flat, n.leaf.idx)
		return
	}
	for _, c := range n.children {
		c.flush()
	}
}

// finishPage encodes and compresses the page being filled.
func (l *leafWriter) finishPage() error {
	if len(l.def) == 0 && len(l.codes) == 0 && len(l.plain) == 0 {
		return nil
	}
	// A dictionary of nearly as many entries as values only adds indirection.
	if l.asDict && !l.dictPage && l.dict.n*3 > len(l.codes)*2 && l.dict.n > 64 {
		l.toPlain()
	}
	if l.asDict {
		l.statCodes()
	}
	body := l.scratch[:0]
	if l.maxRep > 0 {
		body = appendLevels(body, l.rep, l.maxRep)
	}
	body = appendLevels(body, l.def, l.maxDef)
	enc := encPlain
	if l.asDict {
		width := bitWidth(max(l.dict.n-1, 1))
		body = appendHybrid(append(body, byte(width)), l.codes, width)
		enc, l.dictPage = encRLEDict, true
	} else {
		body = append(body, l.plain...)
		l.plainOut = true
	}
	l.scratch = body
	entries, from := len(l.def), len(l.out)
	err := l.page(body, func(e *encoder) {
		e.structure(5, func() {
			e.i32(1, entries)
			e.i32(2, enc)
			e.i32(3, encRLE)
			e.i32(4, encRLE)
		})
	}, pageData)
	l.endPage(from, entries, l.pageRows())
	l.def, l.rep, l.codes, l.plain, l.bits = l.def[:0], l.rep[:0], l.codes[:0], l.plain[:0], 0
	return err
}

// pageRows counts the rows that begin in the page.
func (l *leafWriter) pageRows() int {
	if l.maxRep == 0 {
		return len(l.def)
	}
	n := 0
	for _, r := range l.rep {
		if r == 0 {
			n++
		}
	}
	return n
}

// page appends a page with its header to the chunk.
func (l *leafWriter) page(body []byte, describe func(*encoder), typ int) error {
	packed, err := l.w.comp.append(l.w.buf[:0], body)
	if err != nil {
		return errs.E(errs.Internal, "parquet.Write", err)
	}
	l.w.buf = packed
	e := encoder{b: l.out}
	at := len(l.out)
	e.element(func() {
		e.i32(1, typ)
		e.i32(2, len(body))
		e.i32(3, len(packed))
		describe(&e)
	})
	l.raw += int64(len(e.b) - at + len(body))
	l.out = append(e.b, packed...)
	return nil
}
