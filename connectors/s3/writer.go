package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"

	"github.com/minio/minio-go/v7"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

const (
	// partBytes is the first parts' size; it doubles every growEvery parts, so
	// that the protocol's 10,000 parts hold 5 TiB, the largest object.
	partBytes = 8 << 20
	growEvery = 1500
	// uploads is how many parts are on their way at once, of all files together: their bytes, 64 MiB
	// with the first size, lie beside the memory budget.
	uploads = 8
)

// Create starts an object. Small ones are put at Commit; larger ones are
// uploaded in parts that Commit completes.
func (f *FS) Create(ctx context.Context, path string) (vfs.Writer, error) {
	p, c, err := f.locate(path)
	if err != nil {
		return nil, err
	}
	if p.key == "" {
		return nil, errs.Errorf(errs.Invalid, "s3.Create", "%s names a bucket, not an object", path)
	}
	return &writer{ctx: ctx, core: c, place: p, slots: f.uploads, partSize: partBytes}, nil
}

type writer struct {
	ctx      context.Context //nolint:containedctx // io.Writer has no room for it: parts are uploaded while writing
	core     *minio.Core
	place    place
	buf      []byte
	partSize int
	size     int64
	upload   string
	unsure   bool // beginning the upload failed, which the store may see otherwise
	parts    int
	slots    chan struct{}
	wg       sync.WaitGroup
	done     bool
	mu       struct {
		sync.Mutex
		finished []minio.CompletePart
		err      error
	}
}

func (w *writer) Write(b []byte) (int, error) {
	if w.done {
		return 0, errs.Errorf(errs.Internal, "s3.Write", "%s: writer has ended already", w.place.path)
	}
	n := len(b)
	for len(b) > 0 {
		if w.buf == nil {
			w.buf = make([]byte, 0, 64<<10)
		}
		k := min(len(b), w.partSize-len(w.buf))
		w.buf = append(w.buf, b[:k]...)
		b = b[k:]
		if len(w.buf) == w.partSize {
			if err := w.flush(w.ctx); err != nil {
				return 0, err
			}
		}
	}
	w.size += int64(n)
	return n, nil
}

func (w *writer) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mu.err
}

// flush sends the buffer as the next part, in the background.
func (w *writer) flush(ctx context.Context) error {
	if err := w.failure(); err != nil {
		return err
	}
	if w.upload == "" {
		id, err := w.core.NewMultipartUpload(ctx, w.place.bucket, w.place.key, minio.PutObjectOptions{})
		if err != nil {
			w.unsure = true
			return wrap("s3.Write", w.place, err)
		}
		w.upload = id
	}
	w.parts++
	number, part := w.parts, w.buf
	w.buf = nil
	if w.parts%growEvery == 0 {
		w.partSize *= 2
	}
	select {
	case w.slots <- struct{}{}:
	case <-ctx.Done():
		return errs.E(errs.Canceled, "s3.Write", ctx.Err())
	}
	w.wg.Go(func() {
		defer func() { <-w.slots }()
		p, err := w.core.PutObjectPart(ctx, w.place.bucket, w.place.key, w.upload, number, bytes.NewReader(part), int64(len(part)), minio.PutObjectPartOptions{})
		w.mu.Lock()
		defer w.mu.Unlock()
		if err != nil && w.mu.err == nil {
			w.mu.err = wrap("s3.Write", w.place, err)
		}
		w.mu.finished = append(w.mu.finished, minio.CompletePart{PartNumber: number, ETag: p.ETag})
	})
	return nil
}

// Commit makes the object visible.
func (w *writer) Commit(ctx context.Context) (vfs.FileRef, error) {
	if w.done {
		return vfs.FileRef{}, errs.Errorf(errs.Internal, "s3.Commit", "%s: writer has ended already", w.place.path)
	}
	u, err := w.finish(ctx)
	if err != nil {
		// The upload's rest is removed in any case; err says what matters.
		_ = w.Abort(ctx)
		return vfs.FileRef{}, err
	}
	w.done = true
	return vfs.FileRef{Path: w.place.path, Version: etag(u.ETag), Size: w.size}, nil
}

func (w *writer) finish(ctx context.Context) (minio.UploadInfo, error) {
	if w.upload == "" {
		u, err := put(ctx, w.core, w.place, w.buf)
		return u, wrap("s3.Commit", w.place, err)
	}
	t, err := w.uploaded(ctx)
	if err != nil {
		return minio.UploadInfo{}, err
	}
	return complete(ctx, w.core, w.place, t)
}

// put writes a small object in one request. With the digest given, the body goes
// as it is: signed in chunks, an empty one would have no length, which stores refuse.
func put(ctx context.Context, c *minio.Core, at place, b []byte) (minio.UploadInfo, error) {
	digest := sha256.Sum256(b)
	return c.PutObject(ctx, at.bucket, at.key, bytes.NewReader(b), int64(len(b)), "", hex.EncodeToString(digest[:]), minio.PutObjectOptions{DisableContentSha256: true})
}

// Abort drops the parts that were uploaded, also when ctx has ended.
func (w *writer) Abort(ctx context.Context) error {
	if w.done {
		return nil
	}
	w.done, w.buf = true, nil
	w.wg.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	switch {
	case w.upload != "":
		return drop(ctx, w.core, w.place, w.upload)
	case w.unsure: // whether the store began one, whose name got lost
		return sweep(ctx, w.core, w.place, w.place.key, func(key string) bool { return key == w.place.key })
	}
	return nil
}
