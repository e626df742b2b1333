// Package local is a vfs.FS over POSIX paths: plain ones and file: URIs. A
// mounted network file system is one too. It knows nothing of formats, tables
// or hidden names.
package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// FS is the local file system. Paths are plain ("/a/b", or relative to the
// working directory) or URIs ("file:///a/b", "file:/a/b"); listings answer in
// the form of the question.
type FS struct {
	pool *mem.Pool
}

// New makes a file system whose read buffers come from pool.
func New(pool *mem.Pool) *FS { return &FS{pool: pool} }

// Caps tells that renames are atomic and folders exist by themselves.
func (*FS) Caps() vfs.Caps { return vfs.Caps{AtomicRename: true, RealFolders: true} }

// Path is the POSIX path that a path or file: URI names.
func Path(p string) string {
	_, p = cut(p)
	return p
}

// cut splits p into its URI prefix ("file://", "" for plain paths) and the POSIX path.
func cut(p string) (prefix, path string) {
	rest, ok := strings.CutPrefix(p, "file:")
	if !ok {
		return "", p
	}
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		rest = after
		if after, ok := strings.CutPrefix(rest, "localhost/"); ok {
			rest = "/" + after
		}
	}
	return "file://", rest
}

// version names the content of a file as far as POSIX tells it.
func version(fi fs.FileInfo) string {
	var ino uint64
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		ino = st.Ino
	}
	return fmt.Sprintf("%x-%x-%x", fi.Size(), fi.ModTime().UnixNano(), ino)
}

func info(path string, fi fs.FileInfo) vfs.Info {
	if fi.IsDir() {
		return vfs.Info{FileRef: vfs.FileRef{Path: path}, ModTime: fi.ModTime(), IsDir: true}
	}
	return vfs.Info{FileRef: vfs.FileRef{Path: path, Version: version(fi), Size: fi.Size()}, ModTime: fi.ModTime()}
}

// Stat describes a file or folder.
func (*FS) Stat(_ context.Context, path string) (vfs.Info, error) {
	fi, err := os.Stat(Path(path))
	if err != nil {
		return vfs.Info{}, wrap("local.Stat", err)
	}
	return info(path, fi), nil
}

// Remove deletes a file, or an empty folder.
func (*FS) Remove(_ context.Context, path string) error {
	err := os.Remove(Path(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return wrap("local.Remove", err)
}

// wrap gives an operating system error its kind.
func wrap(op string, err error) error {
	if _, ok := errors.AsType[*errs.Error](err); ok {
		return err // has its kind already
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return errs.E(errs.NotFound, op, err)
	case errors.Is(err, fs.ErrPermission):
		return errs.E(errs.Permission, op, err)
	case errors.Is(err, fs.ErrExist):
		return errs.E(errs.Exists, op, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return errs.E(errs.Exhausted, op, err)
	case errors.Is(err, syscall.ESTALE), errors.Is(err, syscall.EIO), errors.Is(err, syscall.ETIMEDOUT):
		return errs.E(errs.Unavailable, op, err) // network mounts answer so when the server is away
	}
	return errs.E(errs.Other, op, err)
}

// Create starts a file; its folders are made as needed.
func (*FS) Create(_ context.Context, path string) (vfs.Writer, error) {
	target := Path(path)
	if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
		return nil, wrap("local.Create", err)
	}
	// Hidden to table listings, and in the target's folder so that the rename stays inside one file system.
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*"+temporarySuffix)
	if err != nil {
		return nil, wrap("local.Create", err)
	}
	return newWriter(path, target, f), nil
}
