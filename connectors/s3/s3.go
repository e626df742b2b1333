// Package s3 is a vfs.FS over object stores that speak the S3 protocol (AWS,
// MinIO and others). Versions are ETags and reads are conditional on them;
// written objects appear when their upload is completed. It knows nothing of
// formats or tables.
package s3

import (
	"context"
	"iter"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

const (
	// maxClients bounds the buckets whose clients are kept.
	maxClients = 256
	// httpRetries are the client library's own, for requests without an answer.
	httpRetries = 4
	idleConns   = 64
	headerWait  = 60 * time.Second
	minBucket   = 3 // the protocol's shortest name
)

// FS is an object store. Paths are "s3://bucket/key" or "s3a://bucket/key".
type FS struct {
	pool *mem.Pool
	keys Keys
	env  func(string) string
	http *http.Transport
	// uploads holds a token for each part on its way.
	uploads chan struct{}
	mu      struct {
		sync.Mutex
		clients map[string]*minio.Core // by bucket
	}
}

// New makes a file system with the settings of keys and, where those are
// silent, of the environment. Read buffers come from pool.
func New(pool *mem.Pool, keys Keys, env func(string) string) *FS {
	return newFS(pool, keys, env, newTransport(), make(chan struct{}, uploads))
}

func newFS(pool *mem.Pool, keys Keys, env func(string) string, t *http.Transport, slots chan struct{}) *FS {
	f := &FS{pool: pool, keys: keys, env: env, http: t, uploads: slots}
	f.mu.clients = map[string]*minio.Core{}
	return f
}

func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost, t.MaxIdleConns, t.ResponseHeaderTimeout = idleConns, idleConns, headerWait
	t.DisableCompression = true // objects are bytes, whatever their headers say
	return t
}

// Close ends idle connections.
func (f *FS) Close() { f.http.CloseIdleConnections() }

// Caps tells that puts can be conditional and folders are only names.
func (*FS) Caps() vfs.Caps { return vfs.Caps{ConditionalPut: true} }

// place is a path taken apart.
type place struct{ path, bucket, key string }

func (p place) dir() string {
	if p.key == "" || strings.HasSuffix(p.key, "/") {
		return p.key
	}
	return p.key + "/"
}

// root is what keys are appended to for paths in p's form.
func (p place) root() string {
	scheme, _, _ := strings.Cut(p.path, "://")
	return scheme + "://" + p.bucket + "/"
}

func split(path string) (place, error) {
	_, rest, ok := strings.Cut(path, "://")
	bucket, key, _ := strings.Cut(rest, "/")
	if !ok || len(bucket) < minBucket {
		return place{}, errs.Errorf(errs.Invalid, "s3", "%q is no path of an object store: s3a://bucket/key is expected", path)
	}
	return place{path, bucket, key}, nil
}

// client finds or makes the client of a bucket.
func (f *FS) client(p place) (*minio.Core, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c, ok := f.mu.clients[p.bucket]; ok {
		return c, nil
	}
	cfg, err := f.keys.config(p.bucket, f.env)
	if err != nil {
		return nil, err
	}
	opt := &minio.Options{Secure: cfg.Secure, Region: cfg.Region, Transport: f.http, MaxRetries: httpRetries, BucketLookup: minio.BucketLookupAuto}
	if cfg.PathStyle {
		opt.BucketLookup = minio.BucketLookupPath
	}
	if !cfg.Anonymous && cfg.AccessKey != "" {
		opt.Creds = credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, cfg.SessionToken)
	}
	c, err := minio.NewCore(cfg.Endpoint, opt)
	if err != nil {
		return nil, errs.E(errs.Invalid, "s3.Open", err)
	}
	if len(f.mu.clients) >= maxClients {
		clear(f.mu.clients)
	}
	f.mu.clients[p.bucket] = c
	return c, nil
}

func (f *FS) locate(path string) (place, *minio.Core, error) {
	p, err := split(path)
	if err != nil {
		return p, nil, err
	}
	c, err := f.client(p)
	return p, c, err
}

func etag(s string) string { return strings.Trim(s, `"`) }

func info(path string, o *minio.ObjectInfo) vfs.Info {
	return vfs.Info{FileRef: vfs.FileRef{Path: path, Version: etag(o.ETag), Size: o.Size}, ModTime: o.LastModified}
}

// Stat describes an object, or a folder that objects are below of.
func (f *FS) Stat(ctx context.Context, path string) (vfs.Info, error) {
	p, c, err := f.locate(path)
	if err != nil {
		return vfs.Info{}, err
	}
	if p.key != "" && !strings.HasSuffix(p.key, "/") {
		o, err := c.StatObject(ctx, p.bucket, p.key, minio.StatObjectOptions{})
		if err == nil {
			return info(path, &o), nil
		}
		if err = wrap("s3.Stat", p, err); !errs.Is(err, errs.NotFound) {
			return vfs.Info{}, err
		}
	}
	for _, err := range f.below(ctx, c, p, 1) {
		if err != nil {
			return vfs.Info{}, err
		}
		return vfs.Info{FileRef: vfs.FileRef{Path: path}, IsDir: true}, nil
	}
	if p.key == "" {
		return vfs.Info{FileRef: vfs.FileRef{Path: path}, IsDir: true}, nil // an empty bucket
	}
	return vfs.Info{}, errs.Errorf(errs.NotFound, "s3.Stat", "%s: no such object or folder", path)
}

// below yields the objects under p as a folder, at most limit a request.
func (f *FS) below(ctx context.Context, c *minio.Core, p place, limit int) iter.Seq2[vfs.Info, error] {
	return func(yield func(vfs.Info, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // ends the client's listing if the taker stops early
		root := p.root()
		for o := range c.ListObjectsIter(ctx, p.bucket, minio.ListObjectsOptions{Prefix: p.dir(), Recursive: true, MaxKeys: limit}) {
			if o.Err != nil {
				yield(vfs.Info{}, wrap("s3.List", p, o.Err))
				return
			}
			if strings.HasSuffix(o.Key, "/") && o.Size == 0 && limit > 1 {
				continue // a folder's mark, made by consoles
			}
			if !yield(info(root+o.Key, &o), nil) {
				return
			}
		}
	}
}

// listPage is how many keys one request asks for: the protocol's most.
const listPage = 1000

// List yields the objects below prefix; a prefix that is an object yields it.
func (f *FS) List(ctx context.Context, prefix string) iter.Seq2[vfs.Info, error] {
	return func(yield func(vfs.Info, error) bool) {
		p, c, err := f.locate(prefix)
		if err != nil {
			yield(vfs.Info{}, err)
			return
		}
		found := false
		for i, err := range f.below(ctx, c, p, listPage) {
			found = true
			if !yield(i, err) || err != nil {
				return
			}
		}
		if found || p.key == "" || strings.HasSuffix(p.key, "/") {
			return
		}
		o, err := c.StatObject(ctx, p.bucket, p.key, minio.StatObjectOptions{})
		if err = wrap("s3.List", p, err); errs.Is(err, errs.NotFound) {
			return
		}
		yield(info(prefix, &o), err)
	}
}

// Remove deletes an object; a missing one is no error.
func (f *FS) Remove(ctx context.Context, path string) error {
	p, c, err := f.locate(path)
	if err != nil {
		return err
	}
	err = wrap("s3.Remove", p, c.RemoveObject(ctx, p.bucket, p.key, minio.RemoveObjectOptions{}))
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	return err
}
