package local

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// writeBuffer turns the small writes of text formats into few system calls.
const writeBuffer = 256 << 10

// temporarySuffix ends the names of pending files.
const temporarySuffix = ".tmp"

// isPending tells a file that was not finished by its name.
func isPending(name string) bool {
	return name[0] == '.' && strings.HasSuffix(name, temporarySuffix)
}

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
	p, err := w.Prepare(ctx)
	if err != nil {
		return vfs.FileRef{}, err
	}
	return (&FS{}).Finish(ctx, p)
}

// Prepare makes the bytes durable under the temporary name.
func (w *writer) Prepare(ctx context.Context) (vfs.Pending, error) {
	if w.done {
		return vfs.Pending{}, errs.Errorf(errs.Internal, "local.Prepare", "%s: writer has ended already", w.path)
	}
	fi, err := w.finish()
	if err != nil {
		return vfs.Pending{}, errors.Join(wrap("local.Prepare", err), w.Abort(ctx))
	}
	w.done = true
	return vfs.Pending{Path: w.path, Token: filepath.Base(w.f.Name()), Size: fi.Size()}, nil
}

// temporary is the file a pending one lies in, beside its target.
func temporary(p vfs.Pending) (target, tmp string, err error) {
	target = Path(p.Path)
	if p.Token == "" || p.Token != filepath.Base(p.Token) || p.Token[0] != '.' {
		return "", "", errs.Errorf(errs.Invalid, "local", "%q names no pending file", p.Token)
	}
	return target, filepath.Join(filepath.Dir(target), p.Token), nil
}

// Finish gives a pending file its name.
func (*FS) Finish(_ context.Context, p vfs.Pending) (vfs.FileRef, error) {
	target, tmp, err := temporary(p)
	if err != nil {
		return vfs.FileRef{}, err
	}
	if err := os.Rename(tmp, target); err != nil {
		fi, serr := os.Stat(target)
		if !errors.Is(err, os.ErrNotExist) || serr != nil || fi.Size() != p.Size {
			return vfs.FileRef{}, wrap("local.Finish", err)
		}
	}
	if err := syncFolder(filepath.Dir(target)); err != nil {
		return vfs.FileRef{}, wrap("local.Finish", err)
	}
	fi, err := os.Stat(target)
	if err != nil {
		return vfs.FileRef{}, wrap("local.Finish", err)
	}
	return info(p.Path, fi).FileRef, nil
}

// Discard removes a pending file.
func (*FS) Discard(_ context.Context, p vfs.Pending) error {
	_, tmp, err := temporary(p)
	if err != nil {
		return err
	}
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return wrap("local.Discard", err)
	}
	return nil
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
	return fi, w.f.Close()
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

// Sweep removes the pending files below folder whose names hold mark. What it
// cannot see or remove it passes over.
func (*FS) Sweep(ctx context.Context, folder, mark string) error {
	return filepath.WalkDir(Path(folder), func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return errs.E(errs.Canceled, "local.Sweep", ctx.Err())
		}
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // a folder that is gone has nothing to sweep
		}
		if name := d.Name(); isPending(name) && strings.Contains(name, mark) {
			_ = os.Remove(path) // somebody else's may be gone
		}
		return nil
	})
}
