package s3

import (
	"context"
	"encoding/json"
	"errors"
	"sort"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// cleanupTime bounds what is done for an upload after its query is over: a store
// that answers slower than this keeps the parts until its own rules remove them.
const cleanupTime = 30 * time.Second

var (
	_ vfs.Preparer = (*writer)(nil)
	_ vfs.Finisher = (*FS)(nil)
	_ vfs.Sweeper  = (*FS)(nil)
)

// token is an upload whose parts are all there, as vfs.Pending carries it. One
// without upload stands for an empty object, which the protocol cannot upload
// in parts.
type token struct {
	Upload string   `json:"upload,omitempty"`
	ETags  []string `json:"etags,omitempty"` // of parts 1, 2, …
}

func (t token) encode() (string, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return "", errs.E(errs.Internal, "s3.Prepare", err)
	}
	return string(b), nil
}

func decodeToken(p vfs.Pending) (t token, err error) {
	if err := json.Unmarshal([]byte(p.Token), &t); err != nil || (t.Upload == "") != (len(t.ETags) == 0) || len(t.ETags) == 0 && p.Size != 0 {
		return t, errs.Errorf(errs.Invalid, "s3", "%s: the token names no pending upload", p.Path)
	}
	return t, nil
}

// Prepare uploads what is left, also of small objects, and leaves the upload open.
func (w *writer) Prepare(ctx context.Context) (vfs.Pending, error) {
	if w.done {
		return vfs.Pending{}, errs.Errorf(errs.Internal, "s3.Prepare", "%s: writer has ended already", w.place.path)
	}
	t, err := w.uploaded(ctx)
	if err != nil {
		_ = w.Abort(ctx) // err says what matters
		return vfs.Pending{}, err
	}
	text, err := t.encode()
	if err != nil {
		return vfs.Pending{}, errors.Join(err, w.Abort(ctx))
	}
	w.done = true
	return vfs.Pending{Path: w.place.path, Token: text, Size: w.size}, nil
}

// uploaded sends the last part and waits for all of them.
func (w *writer) uploaded(ctx context.Context) (token, error) {
	if len(w.buf) > 0 {
		if err := w.flush(ctx); err != nil {
			return token{}, err
		}
	}
	w.wg.Wait()
	if err := w.failure(); err != nil {
		return token{}, err
	}
	parts := w.mu.finished // all uploads have ended
	sort.Slice(parts, func(i, j int) bool { return parts[i].PartNumber < parts[j].PartNumber })
	t := token{Upload: w.upload}
	for _, p := range parts {
		t.ETags = append(t.ETags, p.ETag)
	}
	return t, nil
}

// Finish completes an upload. One that is gone was finished before if the
// object is there with its size: names are never used twice.
func (f *FS) Finish(ctx context.Context, p vfs.Pending) (vfs.FileRef, error) {
	at, c, t, err := f.pending(p)
	if err != nil {
		return vfs.FileRef{}, err
	}
	u, err := complete(ctx, c, at, t)
	if err == nil {
		return vfs.FileRef{Path: p.Path, Version: etag(u.ETag), Size: p.Size}, nil
	}
	if !errs.Is(err, errs.NotFound) {
		return vfs.FileRef{}, err
	}
	o, serr := c.StatObject(ctx, at.bucket, at.key, minio.StatObjectOptions{})
	if serr != nil || o.Size != p.Size {
		return vfs.FileRef{}, errs.Errorf(errs.NotFound, "s3.Finish", "%s: the upload is gone", p.Path)
	}
	return info(p.Path, &o).FileRef, nil
}

func complete(ctx context.Context, c *minio.Core, at place, t token) (minio.UploadInfo, error) {
	if t.Upload == "" {
		u, err := put(ctx, c, at, nil)
		return u, wrap("s3.Finish", at, err)
	}
	parts := make([]minio.CompletePart, len(t.ETags))
	for i, e := range t.ETags {
		parts[i] = minio.CompletePart{PartNumber: i + 1, ETag: e}
	}
	u, err := c.CompleteMultipartUpload(ctx, at.bucket, at.key, t.Upload, parts, minio.PutObjectOptions{})
	return u, wrap("s3.Finish", at, err)
}

// Discard drops the parts of an upload that is not finished.
func (f *FS) Discard(ctx context.Context, p vfs.Pending) error {
	at, c, t, err := f.pending(p)
	if err != nil || t.Upload == "" {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	return drop(ctx, c, at, t.Upload)
}

func (f *FS) pending(p vfs.Pending) (place, *minio.Core, token, error) {
	t, err := decodeToken(p)
	if err != nil {
		return place{}, nil, t, err
	}
	at, c, err := f.locate(p.Path)
	return at, c, t, err
}

// drop aborts an upload; one that is gone is no error.
func drop(ctx context.Context, c *minio.Core, at place, upload string) error {
	err := wrap("s3.Abort", at, c.AbortMultipartUpload(ctx, at.bucket, at.key, upload))
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	return err
}

// Sweep drops the open uploads below folder whose names hold mark: what
// attempts left that died before they could say what they had begun.
func (f *FS) Sweep(ctx context.Context, folder, mark string) error {
	at, c, err := f.locate(folder)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	return sweep(ctx, c, at, at.dir(), func(key string) bool { return strings.Contains(key[len(at.dir()):], mark) })
}

// sweep drops the open uploads of keys that start with prefix and match.
func sweep(ctx context.Context, c *minio.Core, at place, prefix string, match func(key string) bool) error {
	var out error
	for u := range c.ListIncompleteUploads(ctx, at.bucket, prefix, true) {
		if u.Err != nil {
			return errors.Join(out, wrap("s3.Sweep", at, u.Err))
		}
		if strings.HasPrefix(u.Key, prefix) && match(u.Key) {
			out = errors.Join(out, drop(ctx, c, place{at.root() + u.Key, at.bucket, u.Key}, u.UploadID))
		}
	}
	return out
}
