package session

import (
	"context"
	"iter"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// Settings of storage are Hadoop's, with or without Spark's prefix for them.
const (
	prefixHadoop  = "spark.hadoop."
	prefixStorage = "fs."
)

// storage is the session's own settings of storage; nil if there are none.
func (c *Conf) storage() map[string]string {
	var out map[string]string
	c.mu.RLock()
	defer c.mu.RUnlock()
	for k, v := range c.mu.values {
		if isStorage(k) {
			if out == nil {
				out = map[string]string{}
			}
			out[k] = v
		}
	}
	return out
}

// sessionFS is storage under the session's settings of the moment, so that
// views and tables found earlier follow them.
type sessionFS struct {
	conf   *Conf
	stores func(own map[string]string) vfs.FS
}

func (f *sessionFS) now() vfs.FS { return f.stores(f.conf.storage()) }

// Open pins a version.
func (f *sessionFS) Open(ctx context.Context, ref vfs.FileRef) (vfs.File, error) {
	return f.now().Open(ctx, ref)
}

// Create starts a file.
func (f *sessionFS) Create(ctx context.Context, path string) (vfs.Writer, error) {
	return f.now().Create(ctx, path)
}

// Stat describes a file or folder.
func (f *sessionFS) Stat(ctx context.Context, path string) (vfs.Info, error) {
	return f.now().Stat(ctx, path)
}

// List yields the files below prefix.
func (f *sessionFS) List(ctx context.Context, prefix string) iter.Seq2[vfs.Info, error] {
	return f.now().List(ctx, prefix)
}

// Remove deletes a file.
func (f *sessionFS) Remove(ctx context.Context, path string) error { return f.now().Remove(ctx, path) }

// Caps is what the storage can do.
func (f *sessionFS) Caps() vfs.Caps { return f.now().Caps() }

// Finish makes a pending file visible.
func (f *sessionFS) Finish(ctx context.Context, p vfs.Pending) (vfs.FileRef, error) {
	fin, ok := f.now().(vfs.Finisher)
	if !ok {
		return vfs.FileRef{}, errs.Errorf(errs.Internal, "session.Finish", "the storage cannot finish files")
	}
	return fin.Finish(ctx, p)
}

// Discard drops a pending file.
func (f *sessionFS) Discard(ctx context.Context, p vfs.Pending) error {
	if fin, ok := f.now().(vfs.Finisher); ok {
		return fin.Discard(ctx, p)
	}
	return nil
}

// Sweep drops what dead attempts left pending below a folder.
func (f *sessionFS) Sweep(ctx context.Context, folder, mark string) error {
	if s, ok := f.now().(vfs.Sweeper); ok {
		return s.Sweep(ctx, folder, mark)
	}
	return nil
}
