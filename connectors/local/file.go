package local

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// Open pins a version. O_NONBLOCK keeps a named pipe from blocking us for ever.
func (l *FS) Open(_ context.Context, ref vfs.FileRef) (vfs.File, error) {
	f, err := os.OpenFile(Path(ref.Path), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) && ref.Version != "" {
		return nil, changed(ref.Path, "it was deleted")
	}
	if err != nil {
		return nil, wrap("local.Open", err)
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = errs.Errorf(errs.Invalid, "local.Open", "%s is not a regular file", ref.Path)
	}
	if err == nil && ref.Version != "" && ref.Version != version(fi) {
		err = changed(ref.Path, "size, modification time or inode differ")
	}
	if err != nil {
		f.Close()
		return nil, wrap("local.Open", err)
	}
	return &file{fs: l, f: f, ref: info(ref.Path, fi).FileRef}, nil
}

func changed(path, how string) error {
	return errs.Errorf(errs.Conflict, "local.Open", "%s changed after it was planned: %s; run the query again", path, how)
}

type file struct {
	fs     *FS
	f      *os.File
	ref    vfs.FileRef
	closed atomic.Bool
}

func (f *file) Ref() vfs.FileRef { return f.ref }

// ReadRanges reads into one pooled block, each range at an 8-byte boundary.
// The version is checked after the bytes were read, so what is returned is of
// the pinned version if it is returned at all.
func (f *file) ReadRanges(ctx context.Context, ranges []vfs.Range, _ vfs.Hint) (vfs.Pages, error) {
	total := 0
	for _, r := range ranges {
		if r.Off < 0 || r.Len < 0 || r.Off > f.ref.Size-r.Len {
			return nil, errs.Errorf(errs.Invalid, "local.ReadRanges", "%s: bytes %d+%d lie outside of the %d bytes of the file", f.ref.Path, r.Off, r.Len, f.ref.Size)
		}
		total += int(r.Len+7) &^ 7
	}
	p := &pages{pool: f.fs.pool, block: f.fs.pool.Get(total), parts: make([][]byte, len(ranges))}
	if err := f.fill(ctx, p, ranges); err != nil {
		p.Release()
		return nil, err
	}
	return p, nil
}

func (f *file) fill(ctx context.Context, p *pages, ranges []vfs.Range) error {
	at := 0
	for i, r := range ranges {
		if err := ctx.Err(); err != nil {
			return errs.E(errs.Canceled, "local.ReadRanges", err)
		}
		end := at + int(r.Len)
		p.parts[i] = p.block[at:end:end]
		at += int(r.Len+7) &^ 7
		if r.Len == 0 {
			continue
		}
		if _, err := f.f.ReadAt(p.parts[i], r.Off); errors.Is(err, io.EOF) {
			return changed(f.ref.Path, "it became shorter")
		} else if err != nil {
			return wrap("local.ReadRanges", err)
		}
	}
	return f.check()
}

func (f *file) check() error {
	fi, err := f.f.Stat()
	if err != nil {
		return wrap("local.ReadRanges", err)
	}
	if version(fi) != f.ref.Version {
		return changed(f.ref.Path, "size or modification time differ")
	}
	return nil
}

func (f *file) Close() error {
	if f.closed.Swap(true) {
		return nil
	}
	return wrap("local.Close", f.f.Close())
}

type pages struct {
	pool  *mem.Pool
	block []byte
	parts [][]byte
}

func (p *pages) Bytes(i int) []byte { return p.parts[i] }

func (p *pages) Release() {
	if p.block != nil {
		p.pool.Put(p.block)
		p.block, p.parts = nil, nil
	}
}
