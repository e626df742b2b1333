package local

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// maxDepth bounds folders in folders: deeper ones are a loop of links.
const maxDepth = 128

// List yields the regular files below prefix, ordered by their whole path as
// an object store orders keys; pending files are not there yet. A prefix that is
// a file yields that file.
func (*FS) List(ctx context.Context, prefix string) iter.Seq2[vfs.Info, error] {
	return func(yield func(vfs.Info, error) bool) {
		scheme, root := cut(prefix)
		fi, err := os.Stat(root)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return
		case err != nil:
			yield(vfs.Info{}, wrap("local.List", err))
		case !fi.IsDir():
			yield(info(prefix, fi), nil)
		default:
			w := walker{ctx: ctx, scheme: scheme, yield: yield}
			w.folder(filepath.Clean(root), 0)
		}
	}
}

// walker lives for one listing, which is why it may hold the context.
type walker struct {
	ctx    context.Context //nolint:containedctx // the walker lives for one call
	scheme string
	yield  func(vfs.Info, error) bool
}

func (w *walker) fail(err error) bool {
	w.yield(vfs.Info{}, err)
	return false
}

func (w *walker) folder(path string, depth int) bool {
	if err := w.ctx.Err(); err != nil {
		return w.fail(errs.E(errs.Canceled, "local.List", err))
	}
	if depth > maxDepth {
		return w.fail(errs.Errorf(errs.Invalid, "local.List", "%s: folders nested more than %d deep", path, maxDepth))
	}
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true // removed since its parent was read
	}
	if err != nil {
		return w.fail(wrap("local.List", err))
	}
	for _, c := range children(path, entries) {
		if c.info.IsDir() {
			if !w.folder(strings.TrimSuffix(c.path, "/"), depth+1) {
				return false
			}
		} else if c.info.Mode().IsRegular() && !w.yield(info(w.scheme+c.path, c.info), nil) {
			return false
		}
	}
	return true
}

type child struct {
	path string // folders end in "/" so that they sort as their content does
	info fs.FileInfo
}

func children(path string, entries []fs.DirEntry) []child {
	out := make([]child, 0, len(entries))
	for _, e := range entries {
		if isPending(e.Name()) {
			continue
		}
		p := filepath.Join(path, e.Name())
		fi, err := os.Stat(p)
		if err != nil {
			continue // vanished, or a dangling link: no file
		}
		if fi.IsDir() {
			p += "/"
		}
		out = append(out, child{p, fi})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].path < out[j].path })
	return out
}
