package parquet

import (
	"context"
	"encoding/binary"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// finishGroup writes the chunks of the current row group.
func (w *writer) finishGroup() error {
	if w.rows == 0 {
		return nil
	}
	g := groupMeta{start: w.pos, rows: w.rows}
	for _, l := range w.leaves {
		c, err := l.chunk()
		if err != nil {
			return err
		}
		g.chunks = append(g.chunks, c)
		g.raw += l.raw
	}
	g.packed = w.pos - g.start
	w.groups = append(w.groups, g)
	w.total += w.rows
	w.rows = 0
	for _, l := range w.leaves {
		l.reset()
	}
	return nil
}

// chunk writes the leaf's pages, the dictionary first, and describes them.
func (l *leafWriter) chunk() (chunkMeta, error) {
	if err := l.finishPage(); err != nil {
		return chunkMeta{}, err
	}
	c := chunkMeta{start: l.w.pos, pages: l.pages}
	dictAt := int64(-1)
	if l.dictPage {
		if err := l.writeDictionary(); err != nil {
			return c, err
		}
		dictAt = c.start
	}
	dataAt := l.w.pos
	for i := range c.pages {
		c.pages[i].off += dataAt
	}
	if err := l.w.emit(l.out); err != nil {
		return c, err
	}
	e := &encoder{}
	e.element(func() { l.describe(e, dataAt, dictAt, l.w.pos-c.start) })
	c.meta = e.b
	return c, nil
}

func (l *leafWriter) writeDictionary() error {
	data := l.out
	l.out = nil
	err := l.page(l.dict.page(l.scratch[:0], l.width), func(e *encoder) {
		e.structure(7, func() {
			e.i32(1, l.dict.n)
			e.i32(2, encPlain)
		})
	}, pageDict)
	if err == nil {
		err = l.w.emit(l.out)
	}
	l.out = data
	return err
}

func (l *leafWriter) describe(e *encoder, dataAt, dictAt, size int64) {
	e.i32(1, l.phys)
	encodings := []int{encRLE}
	if l.plainOut || l.dictPage {
		encodings = append(encodings, encPlain)
	}
	if l.dictPage {
		encodings = append(encodings, encRLEDict)
	}
	e.list(2, tI32, len(encodings))
	for _, x := range encodings {
		e.zigzag(int64(x))
	}
	e.list(3, tBinary, len(l.path))
	for _, p := range l.path {
		e.bytes([]byte(p))
	}
	e.i32(4, l.w.comp.codec)
	e.i64(5, l.values)
	e.i64(6, l.raw)
	e.i64(7, size)
	e.i64(9, dataAt)
	if dictAt >= 0 {
		e.i64(11, dictAt)
	}
	l.total.write(e, 12, l.nulls)
}

// footer writes the file's metadata.
func (w *writer) footer() error {
	e := &encoder{}
	elements := 1
	for _, c := range w.cols {
		elements += c.count()
	}
	e.element(func() {
		e.i32(1, 1)
		e.list(2, tStruct, elements)
		w.writeSchema(e)
		e.i64(3, w.total)
		e.list(4, tStruct, len(w.groups))
		for i := range w.groups {
			w.groups[i].write(e)
		}
		w.keyValues(e)
		e.string(6, createdBy)
		e.list(7, tStruct, len(w.leaves))
		for range w.leaves {
			e.element(func() { e.structure(1, func() {}) })
		}
	})
	n := len(e.b)
	e.b = binary.LittleEndian.AppendUint32(e.b, uint32(n))
	return w.emit(append(e.b, magic...))
}

func (w *writer) writeSchema(e *encoder) {
	group(e, "spark_schema", -1, len(w.cols), lNone)
	for _, c := range w.cols {
		c.schema(e, nil)
	}
}

func (w *writer) keyValues(e *encoder) {
	kv := [][2]string{{versionKey, sparkVersion}, {MetadataKey, w.spark}}
	e.list(5, tStruct, len(kv))
	for _, p := range kv {
		e.element(func() {
			e.string(1, p[0])
			e.string(2, p[1])
		})
	}
}

// Commit finishes the file and makes it visible.
func (w *writer) Commit(ctx context.Context) (vfs.FileRef, error) {
	if w.done {
		return vfs.FileRef{}, errs.Errorf(errs.Internal, "parquet.Commit", "writer has ended already")
	}
	w.done = true
	err := w.finishGroup()
	if err == nil {
		err = w.pageIndexes()
	}
	if err == nil {
		err = w.footer()
	}
	if err != nil {
		return vfs.FileRef{}, abort(ctx, w.out, err)
	}
	return w.out.Commit(ctx)
}

// Abort drops the file.
func (w *writer) Abort(ctx context.Context) error {
	w.done = true
	return w.out.Abort(ctx)
}
