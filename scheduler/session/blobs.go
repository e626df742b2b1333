package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Blobs are a session's artifacts, as files in a folder of its own. Names come
// from clients and never become paths: a blob's file is named by their hash.
type Blobs struct {
	dir     string
	durable *durable // nil keeps nothing
	shared  sharedBlobs
}

func newBlobs(root string, key Key) *Blobs {
	return &Blobs{dir: filepath.Join(root, hashName(key.User+"\x00"+key.ID))}
}

func hashName(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

func (b *Blobs) path(name string) string { return filepath.Join(b.dir, hashName(name)) }

// Put stores what r gives under a name, or nothing if r fails.
func (b *Blobs) Put(ctx context.Context, name string, r io.Reader) error {
	return b.write(name, r, func(path string) error { return b.keep(ctx, name, path) })
}

// write stores what r gives unless keep refuses the file that it is in.
func (b *Blobs) write(name string, r io.Reader, keep func(path string) error) (err error) {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return errs.E(errs.Unavailable, "session.Put", err)
	}
	f, err := os.CreateTemp(b.dir, "put-*")
	if err != nil {
		return errs.E(errs.Unavailable, "session.Put", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = io.Copy(f, r)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil && keep != nil {
		err = keep(f.Name())
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), b.path(name))
}

// Has tells whether a blob is there.
func (b *Blobs) Has(_ context.Context, name string) (bool, error) {
	_, err := os.Stat(b.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Get reads a blob whole.
func (b *Blobs) Get(_ context.Context, name string) ([]byte, error) {
	data, err := os.ReadFile(b.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errs.Errorf(errs.NotFound, "session.Get", "artifact %q was not uploaded in this session", name)
	}
	return data, err
}

func (b *Blobs) removeAll() error { return os.RemoveAll(b.dir) }
