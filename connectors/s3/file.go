package s3

import (
	"context"
	"errors"
	"io"
	"sort"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

const (
	// A request costs about as much as a megabyte of bytes: what is asked for later goes along if it is
	// smaller, and ranges are read together if less than half of that lies between them.
	requestBytes = 1 << 20
	maxGap       = requestBytes / 2
	// getBytes is the size of one request; larger reads go in parallel.
	getBytes   = 8 << 20
	parallel   = 8
	attempts   = 4
	firstPause = 50 * time.Millisecond
)

// Open pins a version. A reference that has both version and size needs no
// request: reads are conditional on the ETag.
func (f *FS) Open(ctx context.Context, ref vfs.FileRef) (vfs.File, error) {
	p, c, err := f.locate(ref.Path)
	if err != nil {
		return nil, err
	}
	if ref.Version == "" {
		o, err := c.StatObject(ctx, p.bucket, p.key, minio.StatObjectOptions{})
		if err != nil {
			return nil, wrap("s3.Open", p, err)
		}
		ref = info(ref.Path, &o).FileRef
	}
	return &file{fs: f, core: c, place: p, ref: ref}, nil
}

type file struct {
	fs    *FS
	core  *minio.Core
	place place
	ref   vfs.FileRef
}

func (f *file) Ref() vfs.FileRef { return f.ref }

func (f *file) Close() error { return nil }

// RequestBytes is what a request is worth.
func (f *file) RequestBytes() int64 { return requestBytes }

// request is one GET and where its bytes go.
type request struct {
	off int64
	buf []byte
}

// ReadRanges merges near ranges, splits large ones and reads them in parallel.
func (f *file) ReadRanges(ctx context.Context, ranges []vfs.Range, _ vfs.Hint) (vfs.Pages, error) {
	for _, r := range ranges {
		if r.Off < 0 || r.Len < 0 || r.Off > f.ref.Size-r.Len {
			return nil, errs.Errorf(errs.Invalid, "s3.ReadRanges", "%s: bytes %d+%d lie outside of the %d bytes of the object", f.ref.Path, r.Off, r.Len, f.ref.Size)
		}
	}
	p := &pages{pool: f.fs.pool, parts: make([][]byte, len(ranges))}
	var todo []request
	for _, s := range merge(ranges) {
		block := f.fs.pool.Get(int(s.hi - s.lo))
		p.blocks = append(p.blocks, block)
		for _, i := range s.members {
			at := ranges[i].Off - s.lo
			p.parts[i] = block[at : at+ranges[i].Len : at+ranges[i].Len]
		}
		for at := int64(0); at < s.hi-s.lo; at += getBytes {
			todo = append(todo, request{s.lo + at, block[at:min(at+getBytes, s.hi-s.lo)]})
		}
	}
	if err := f.getAll(ctx, todo); err != nil {
		p.Release()
		return nil, err
	}
	return p, nil
}

// stretch is a run of bytes read together and the ranges in it.
type stretch struct {
	lo, hi  int64
	members []int
}

func merge(ranges []vfs.Range) []stretch {
	order := make([]int, 0, len(ranges))
	for i, r := range ranges {
		if r.Len > 0 {
			order = append(order, i)
		}
	}
	sort.Slice(order, func(a, b int) bool { return ranges[order[a]].Off < ranges[order[b]].Off })
	var out []stretch
	for _, i := range order {
		r := ranges[i]
		if n := len(out); n > 0 && r.Off-out[n-1].hi <= maxGap {
			last := &out[n-1]
			last.hi, last.members = max(last.hi, r.Off+r.Len), append(last.members, i)
			continue
		}
		out = append(out, stretch{r.Off, r.Off + r.Len, []int{i}})
	}
	return out
}

// getAll runs the requests, at most parallel at once; the first error stops the rest.
func (f *file) getAll(ctx context.Context, todo []request) error {
	if len(todo) == 1 {
		return f.get(ctx, todo[0])
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	next := make(chan request)
	failed := make([]error, min(parallel, len(todo)))
	var wg sync.WaitGroup
	for i := range failed {
		wg.Go(func() {
			for r := range next {
				if failed[i] == nil {
					if failed[i] = f.get(ctx, r); failed[i] != nil {
						cancel()
					}
				}
			}
		})
	}
	for _, r := range todo {
		next <- r
	}
	close(next)
	wg.Wait()
	return firstCause(failed)
}

// firstCause prefers the error that made the others cancel.
func firstCause(list []error) error {
	var out error
	for _, err := range list {
		if err != nil && (out == nil || errs.Is(out, errs.Canceled)) {
			out = err
		}
	}
	return out
}

// get reads one range, again after failures that may pass.
func (f *file) get(ctx context.Context, r request) error {
	pause := firstPause
	for try := 1; ; try++ {
		err := f.once(ctx, r)
		if err == nil || try == attempts || !errs.Is(err, errs.Unavailable) {
			return err
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
		pause *= 2
	}
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return errs.E(errs.Canceled, "s3.ReadRanges", ctx.Err())
	}
}

func (f *file) once(ctx context.Context, r request) error {
	var opt minio.GetObjectOptions
	if err := opt.SetRange(r.off, r.off+int64(len(r.buf))-1); err != nil {
		return errs.E(errs.Internal, "s3.ReadRanges", err)
	}
	if f.ref.Version != "" {
		if err := opt.SetMatchETag(f.ref.Version); err != nil {
			return errs.E(errs.Internal, "s3.ReadRanges", err)
		}
	}
	body, o, _, err := f.core.GetObject(ctx, f.place.bucket, f.place.key, opt)
	if err != nil {
		return wrap("s3.ReadRanges", f.place, err)
	}
	defer body.Close()
	// Stores that ignore If-Match are caught by the ETag of the answer.
	if f.ref.Version != "" && o.ETag != "" && etag(o.ETag) != f.ref.Version {
		return errs.Errorf(errs.Conflict, "s3.ReadRanges", "%s changed after it was planned; run the query again", f.ref.Path)
	}
	if o.Size != int64(len(r.buf)) {
		return errs.Errorf(errs.Unavailable, "s3.ReadRanges", "%s: the store answers %d bytes where %d were asked for", f.ref.Path, o.Size, len(r.buf))
	}
	if _, err := io.ReadFull(body, r.buf); err != nil {
		if ctx.Err() != nil {
			return errs.E(errs.Canceled, "s3.ReadRanges", ctx.Err())
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return errs.Errorf(errs.Unavailable, "s3.ReadRanges", "%s: the answer broke off: %w", f.ref.Path, err)
	}
	return nil
}

type pages struct {
	pool   *mem.Pool
	blocks [][]byte
	parts  [][]byte
}

func (p *pages) Bytes(i int) []byte { return p.parts[i] }

func (p *pages) Release() {
	for _, b := range p.blocks {
		p.pool.Put(b)
	}
	p.blocks, p.parts = nil, nil
}
