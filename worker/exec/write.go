package exec

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// maxOpenFiles bounds the files one thread writes at once: each holds a row
// group's buffers. A thread that meets more folders closes them all and starts
// further files.
const maxOpenFiles = 64

// defaultPartition is the folder value of null and empty strings (Hive's).
const defaultPartition = "__HIVE_DEFAULT_PARTITION__"

// writeSink writes rows into files that stay pending, one set for each thread;
// its result is a row for each file.
type writeSink struct {
	node    *physical.Write
	deps    *Deps
	comp    compiler
	format  format.Format
	options format.Options
	data    []int // columns that go into files
	schema  types.Schema

	mu struct {
		sync.Mutex
		locals []*writeLocal
		files  []pendingFile
	}
	out []*batch.Batch
}

type pendingFile struct {
	folder string
	file   vfs.Pending
	rows   int64
}

func newWriteSink(n *physical.Write, d *Deps) (*writeSink, error) {
	f, err := d.Formats(n.Format)
	if err != nil {
		return nil, err
	}
	s := &writeSink{node: n, deps: d, comp: d.compiler(), format: f, options: withZone(n.Options, d.Env.ZoneID)}
	by := map[int]bool{}
	for _, i := range n.PartitionBy {
		by[i] = true
	}
	for i, field := range n.Child.Schema().Fields {
		if !by[i] {
			s.data = append(s.data, i)
			s.schema.Fields = append(s.schema.Fields, field)
		}
	}
	return s, nil
}

// withZone adds the session's time zone, in which text formats write timestamps
// where no option says otherwise.
func withZone(o format.Options, zone string) format.Options {
	out := format.Options{}
	for key, v := range o {
		if strings.EqualFold(key, "timezone") {
			key = "timezone"
		}
		out[key] = v
	}
	out["sessiontimezone"] = zone
	return out
}

// abort removes files that are open or pending unless they were delivered as
// the result. No thread writes any more.
func (s *writeSink) abort(ctx context.Context) error {
	fin, ok := s.deps.FS.(vfs.Finisher)
	if !ok || s.out != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, l := range s.mu.locals {
		for _, f := range l.open {
			err = errors.Join(err, f.w.Abort(ctx))
		}
		clear(l.open)
	}
	for _, f := range s.mu.files {
		err = errors.Join(err, fin.Discard(ctx, f.file))
	}
	s.mu.files = nil
	return err
}

// result is a row for each pending file, once the sink is final.
func (s *writeSink) result() []*batch.Batch { return s.out }

func (s *writeSink) Local() (Local, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &writeLocal{sink: s, number: len(s.mu.locals), open: map[string]*openFile{}, data: batch.Batch{Cols: make([]*batch.Vector, len(s.data))}}
	s.mu.locals = append(s.mu.locals, l)
	fields := s.node.Child.Schema().Fields
	for _, i := range s.node.PartitionBy {
		e, err := compileExpr(s.comp, &plan.Cast{Child: &plan.Bound{Index: i, Typ: fields[i].Type, Null: true}, To: types.String, Mode: plan.CastLegacy})
		if err != nil {
			return nil, err
		}
		l.keys = append(l.keys, e)
		l.names = append(l.names, escapePath(fields[i].Name))
	}
	return l, nil
}

func (s *writeSink) Finalize(context.Context) error {
	out := batch.NewBatch(physical.WriteSchema().Types(), len(s.mu.files))
	out.Reset(0)
	for _, f := range s.mu.files {
		for i, v := range []any{f.folder, f.file.Path, f.file.Token, f.rows, f.file.Size} {
			out.Cols[i].Append(v)
		}
	}
	out.N = len(s.mu.files)
	s.out = []*batch.Batch{out}
	return nil
}

// writeLocal is one thread's open files by folder.
type writeLocal struct {
	sink   *writeSink
	number int
	count  int
	keys   []evaluator
	names  []string
	open   map[string]*openFile
	data   batch.Batch
	picked *batch.Batch
	group  map[string]int
	rows   [][]int32
}

type openFile struct {
	folder string
	w      format.Writer
	fs     *pendingFS
	rows   int64
}

func (l *writeLocal) Consume(ctx context.Context, b *batch.Batch) error {
	for k, i := range l.sink.data {
		l.data.Cols[k] = b.Cols[i]
	}
	l.data.N = b.N
	if len(l.keys) == 0 {
		return l.put(ctx, "", &l.data)
	}
	folders, err := l.split(b)
	if err != nil {
		return err
	}
	if l.picked == nil {
		l.picked = batch.NewBatch(l.sink.schema.Types(), 0)
	}
	for folder, g := range folders {
		for k, c := range l.picked.Cols {
			c.Gather(l.data.Cols[k], l.rows[g])
		}
		l.picked.N = len(l.rows[g])
		if err := l.put(ctx, folder, l.picked); err != nil {
			return err
		}
	}
	return nil
}

// split groups a batch's rows by folder.
func (l *writeLocal) split(b *batch.Batch) (map[string]int, error) {
	cols := make([]*batch.Vector, len(l.keys))
	for i, e := range l.keys {
		v, err := e.Eval(b)
		if err != nil {
			return nil, err
		}
		cols[i] = v
	}
	l.group = map[string]int{}
	for i := range l.rows {
		l.rows[i] = l.rows[i][:0]
	}
	var name []byte
	for r := range b.N {
		name = name[:0]
		for i, c := range cols {
			value := defaultPartition
			if c.Valid(r) && len(c.Str(r)) > 0 {
				value = escapePath(string(c.Str(r)))
			}
			name = append(append(append(append(name, '/'), l.names[i]...), '='), value...)
		}
		g, ok := l.group[string(name)]
		if !ok {
			g = len(l.group)
			l.group[string(name)] = g
			if g == len(l.rows) {
				l.rows = append(l.rows, nil)
			}
		}
		l.rows[g] = append(l.rows[g], int32(r))
	}
	return l.group, nil
}

func (l *writeLocal) put(ctx context.Context, folder string, b *batch.Batch) error {
	f := l.open[folder]
	if f == nil {
		if len(l.open) >= maxOpenFiles {
			if err := l.closeFiles(ctx); err != nil {
				return err
			}
		}
		var err error
		if f, err = l.create(ctx, folder); err != nil {
			return err
		}
		l.open[folder] = f
	}
	f.rows += int64(b.N)
	return f.w.Write(ctx, b)
}

func (l *writeLocal) create(ctx context.Context, folder string) (*openFile, error) {
	s := l.sink
	fs := &pendingFS{FS: s.deps.FS}
	path := fmt.Sprintf("%s%s/part-%05d-%s-%d.c%03d%s", s.node.Path, folder, s.deps.Env.Partition, s.node.JobID, l.number, l.count, s.format.Extension(s.node.Options))
	l.count++
	w, err := s.format.Create(ctx, fs, path, s.schema, s.options)
	if err != nil {
		return nil, err
	}
	return &openFile{folder: folder, w: w, fs: fs}, nil
}

func (l *writeLocal) closeFiles(ctx context.Context) error {
	var err error
	for folder, f := range l.open {
		if err == nil {
			_, err = f.w.Commit(ctx)
		}
		if err != nil {
			err = errors.Join(err, f.w.Abort(ctx))
		} else {
			l.sink.mu.Lock()
			l.sink.mu.files = append(l.sink.mu.files, pendingFile{folder: f.folder, file: f.fs.pending, rows: f.rows})
			l.sink.mu.Unlock()
		}
		delete(l.open, folder)
	}
	return err
}

// Combine ends the thread's files. A thread without rows writes an empty file
// if it is the first, so that the schema is on record.
func (l *writeLocal) Combine(ctx context.Context) error {
	if l.number == 0 && l.count == 0 && len(l.keys) == 0 {
		f, err := l.create(ctx, "")
		if err != nil {
			return err
		}
		l.open[""] = f
	}
	return l.closeFiles(ctx)
}

// pendingFS makes a format's commit leave the file pending.
type pendingFS struct {
	vfs.FS
	pending vfs.Pending
}

func (p *pendingFS) Create(ctx context.Context, path string) (vfs.Writer, error) {
	w, err := p.FS.Create(ctx, path)
	if err != nil {
		return nil, err
	}
	prep, ok := w.(vfs.Preparer)
	if !ok {
		return nil, errors.Join(errs.E(errs.NotSupported, "exec.Write", errs.Unsupported("writing tables to "+path)), w.Abort(ctx))
	}
	return &pendingWriter{Writer: w, prep: prep, fs: p}, nil
}

type pendingWriter struct {
	vfs.Writer
	prep vfs.Preparer
	fs   *pendingFS
}

func (w *pendingWriter) Commit(ctx context.Context) (vfs.FileRef, error) {
	p, err := w.prep.Prepare(ctx)
	if err != nil {
		return vfs.FileRef{}, err
	}
	w.fs.pending = p
	return vfs.FileRef{Path: p.Path, Size: p.Size}, nil
}

// escapePath escapes what Hive's folder names cannot hold as %XX.
func escapePath(s string) string {
	const hex = "0123456789ABCDEF"
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c < 0x20 || c == 0x7f, c == '"' || c == '#' || c == '%' || c == '\'' || c == '*' || c == '/' || c == ':' || c == '=' || c == '?' ||
			c == '\\' || c == '{' || c == '[' || c == ']' || c == '^':
			out = append(out, '%', hex[c>>4], hex[c&15])
		default:
			out = append(out, c)
		}
	}
	return string(out)
}
