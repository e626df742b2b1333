package local

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// writeBuffer turns the small writes of text formats into few system calls.
const writeBuffer = 256 << 10

type writer struct {
	path, target string // as asked for; on the file system
	f            *os.File
	buf          *bufio.Writer
	done         bool
}

func newWriter(path, target string, f *os.File) *writer {
	return &writer{path: path, target: target, f: f, buf: bufio.NewWriterSize(f, writeBuffer)}
}

func (w *writer) Write(p []byte) (int, error) {
	n, err := w.buf.Write(p)
	return n, wrap("local.Write", err)
}

// Commit makes the bytes durable, then the name, then the folder's entry.
func (w *writer) Commit(ctx context.Context) (vfs.FileRef, error) {
	if w.done {
		return vfs.FileRef{}, errs.Errorf(errs.Internal, "local.Commit", "%s: writer has ended already", w.path)
	}
	fi, err := w.finish()
	if err != nil {
		return vfs.FileRef{}, errors.Join(wrap("local.Commit", err), w.Abort(ctx))
	}
	w.done = true
	if err := syncFolder(filepath.Dir(w.target)); err != nil {
		return vfs.FileRef{}, wrap("local.Commit", err)
	}
	return info(w.path, fi).FileRef, nil
}

func (w *writer) finish() (os.FileInfo, error) {
	if err := w.buf.Flush(); err != nil {
		return nil, err
	}
	// CreateTemp makes private files; outputs obey the usual rights (umask aside).
	if err := w.f.Chmod(0o644); err != nil {
		return nil, err
	}
	if err := w.f.Sync(); err != nil {
		return nil, err
	}
	fi, err := w.f.Stat()
	if err != nil {
		return nil, err
	}
	if err := w.f.Close(); err != nil {
		return nil, err
	}
	return fi, os.Rename(w.f.Name(), w.target)
}

// Abort removes the temporary file.
func (w *writer) Abort(context.Context) error {
	if w.done {
		return nil
	}
	w.done = true
	if err := w.f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return wrap("local.Abort", err)
	}
	if err := os.Remove(w.f.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return wrap("local.Abort", err)
	}
	return nil
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
