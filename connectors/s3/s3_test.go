package s3_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/s3"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

func none(string) string { return "" }

func newFS(t testing.TB, url string) *s3.FS {
	fs := s3.New(new(mem.Pool), s3.Keys{
		"fs.s3a.endpoint": url, "fs.s3a.access.key": "key", "spark.hadoop.fs.s3a.secret.key": "secret", "fs.s3a.path.style.access": "true",
	}, none)
	t.Cleanup(fs.Close)
	return fs
}

func write(t testing.TB, fs vfs.FS, path string, content string) vfs.FileRef {
	t.Helper()
	w, err := fs.Create(context.Background(), path)
	require.NoError(t, err)
	for len(content) > 0 {
		n := min(len(content), 1<<20)
		_, err = w.Write([]byte(content[:n]))
		require.NoError(t, err)
		content = content[n:]
	}
	ref, err := w.Commit(context.Background())
	require.NoError(t, err)
	return ref
}

func list(t testing.TB, fs vfs.FS, prefix string) []string {
	t.Helper()
	out := []string{}
	for i, err := range fs.List(context.Background(), prefix) {
		require.NoError(t, err)
		require.NotEmpty(t, i.Version)
		out = append(out, i.Path)
	}
	return out
}

// conformance holds for any store; base is a folder in it.
func conformance(t *testing.T, fs vfs.FS, base string) {
	ctx := t.Context()
	large := strings.Repeat("0123456789abcdef", 20<<20/16+3)
	small := write(t, fs, base+"/t/x.txt", "hello, store")
	write(t, fs, base+"/t/empty", "")
	big := write(t, fs, base+"/t/big", large)
	for _, k := range []string{"a", "b", "c", "d", "e"} {
		write(t, fs, base+"/t/sub/"+k, k)
	}
	write(t, fs, base+"/t2/other", "x")

	require.Equal(t, []string{base + "/t/big", base + "/t/empty", base + "/t/sub/a", base + "/t/sub/b", base + "/t/sub/c", base + "/t/sub/d", base + "/t/sub/e", base + "/t/x.txt"}, list(t, fs, base+"/t"))
	require.Equal(t, []string{base + "/t/x.txt"}, list(t, fs, base+"/t/x.txt"))
	require.Empty(t, list(t, fs, base+"/nothing"))
	for _, err := range fs.List(ctx, base+"/t") {
		require.NoError(t, err)
		break // the listing ends with its taker
	}

	i, err := fs.Stat(ctx, base+"/t/big")
	require.NoError(t, err)
	require.Equal(t, big, i.FileRef)
	i, err = fs.Stat(ctx, base+"/t")
	require.NoError(t, err)
	require.True(t, i.IsDir)
	_, err = fs.Stat(ctx, base+"/nothing")
	require.True(t, errs.Is(err, errs.NotFound), "%v", err)

	f, err := fs.Open(ctx, big)
	require.NoError(t, err)
	n := int64(len(large))
	ranges := []vfs.Range{{Off: n - 5, Len: 5}, {Off: 3, Len: 4}, {Off: 0, Len: 0}, {Off: 1 << 20, Len: 17 << 20}, {Off: 5, Len: 9}}
	p, err := f.ReadRanges(ctx, ranges, vfs.HintDefault)
	require.NoError(t, err)
	for k, r := range ranges {
		require.Equal(t, large[r.Off:r.Off+r.Len], string(p.Bytes(k)))
	}
	p.Release()
	_, err = f.ReadRanges(ctx, []vfs.Range{{Off: n, Len: 1}}, vfs.HintDefault)
	require.True(t, errs.Is(err, errs.Invalid), "%v", err)

	f, err = fs.Open(ctx, small)
	require.NoError(t, err)
	write(t, fs, base+"/t/x.txt", "HELLO, store")
	_, err = f.ReadRanges(ctx, []vfs.Range{{Off: 0, Len: 5}}, vfs.HintDefault)
	require.True(t, errs.Is(err, errs.Conflict), "changed object: %v", err)
	b, err := vfs.ReadAll(ctx, fs, vfs.FileRef{Path: base + "/t/x.txt"})
	require.NoError(t, err)
	require.Equal(t, "HELLO, store", string(b))

	w, err := fs.Create(ctx, base+"/t/never")
	require.NoError(t, err)
	_, err = w.Write([]byte(large))
	require.NoError(t, err)
	_, err = fs.Stat(ctx, base+"/t/never")
	require.True(t, errs.Is(err, errs.NotFound), "%v", err)
	require.NoError(t, w.Abort(ctx))
	require.NoError(t, w.Abort(ctx))
	require.NoError(t, fs.Remove(ctx, base+"/t/x.txt"))
	require.NoError(t, fs.Remove(ctx, base+"/t/x.txt"))
	_, err = fs.Open(ctx, vfs.FileRef{Path: base + "/t/x.txt"})
	require.True(t, errs.Is(err, errs.NotFound), "%v", err)
}

func TestConformanceOfFake(t *testing.T) {
	_, url := newFake(t)
	conformance(t, newFS(t, url), "s3a://bucket")
}

func TestRequestsAreFew(t *testing.T) {
	f, url := newFake(t)
	fs := newFS(t, url)
	f.put("x", strings.Repeat("x", 3<<20))
	i, err := fs.Stat(t.Context(), "s3://bucket/x")
	require.NoError(t, err)
	f.count("")
	file, err := fs.Open(t.Context(), i.FileRef)
	require.NoError(t, err)
	p, err := file.ReadRanges(t.Context(), []vfs.Range{{Off: 0, Len: 10}, {Off: 1000, Len: 10}, {Off: 2 << 20, Len: 10}}, vfs.HintDefault)
	require.NoError(t, err)
	p.Release()
	require.Equal(t, 2, f.count(""), "near ranges go together, a pinned version needs no HEAD")
}

func TestPassingFailuresAreRetried(t *testing.T) {
	f, url := newFake(t)
	fs := newFS(t, url)
	content := strings.Repeat("0123456789", 20)
	f.put("x", content)
	i, err := fs.Stat(t.Context(), "s3://bucket/x")
	require.NoError(t, err)
	file, err := fs.Open(t.Context(), i.FileRef)
	require.NoError(t, err)
	var left atomic.Int32
	left.Store(2)
	f.failWith(func(r *http.Request) (int, string, bool) {
		return 0, "", r.Method == http.MethodGet && left.Add(-1) >= 0
	})
	p, err := file.ReadRanges(t.Context(), []vfs.Range{{Off: 2, Len: 100}}, vfs.HintDefault)
	require.NoError(t, err)
	require.Equal(t, content[2:102], string(p.Bytes(0)))
	p.Release()
}

func TestErrorsNameWhatToCheck(t *testing.T) {
	f, url := newFake(t)
	fs := newFS(t, url)
	for _, tc := range []struct {
		path, code string
		status     int
		kind       errs.Kind
		say        string
	}{
		{"s3a://bucket/k", "AccessDenied", 403, errs.Permission, "the key k of the bucket bucket"},
		{"s3a://bucket/k", "InvalidAccessKeyId", 403, errs.Permission, "fs.s3a.access.key"},
		{"s3a://bucket/k", "XAdminUserNotFound", 404, errs.Permission, "fs.s3a.access.key"},
		{"s3a://bucket/k", "NoSuchVersion", 404, errs.NotFound, "s3a://bucket/k"},
		{"s3a://bucket/k", "SignatureDoesNotMatch", 403, errs.Permission, "fs.s3a.secret.key"},
		{"s3a://nobucket/k", "", 0, errs.Invalid, "no bucket named nobucket"},
		{"s3a://bucket/k", "NoSuchKey", 404, errs.NotFound, "s3a://bucket/k"},
	} {
		f.failWith(func(*http.Request) (int, string, bool) { return tc.status, tc.code, false })
		file, err := fs.Open(t.Context(), vfs.FileRef{Path: tc.path, Version: "e", Size: 5})
		require.NoError(t, err)
		_, err = file.ReadRanges(t.Context(), []vfs.Range{{Off: 0, Len: 5}}, vfs.HintDefault)
		require.Equal(t, tc.kind, errs.KindOf(err), "%v", err)
		require.ErrorContains(t, err, tc.say)
	}
	for _, path := range []string{"plain", "s3a:///k"} {
		_, err := fs.Stat(t.Context(), path)
		require.True(t, errs.Is(err, errs.Invalid), "%s: %v", path, err)
	}
	_, err := s3.New(new(mem.Pool), s3.Keys{"fs.s3a.endpoint": "ftp://x"}, none).Stat(t.Context(), "s3a://bucket/k")
	require.ErrorContains(t, err, "fs.s3a.endpoint")
}

func TestCancelStopsAtOnce(t *testing.T) {
	f, url := newFake(t)
	fs := newFS(t, url)
	f.failWith(func(*http.Request) (int, string, bool) { return 0, "", true })
	ctx, cancel := context.WithCancel(t.Context())
	file, err := fs.Open(ctx, vfs.FileRef{Path: "s3://bucket/k", Version: "e", Size: 5})
	require.NoError(t, err)
	cancel()
	_, err = file.ReadRanges(ctx, []vfs.Range{{Off: 0, Len: 5}}, vfs.HintDefault)
	require.True(t, errs.Is(err, errs.Canceled), "%v", err)
}

func TestFailedUploadLeavesNothing(t *testing.T) {
	f, url := newFake(t)
	fs := newFS(t, url)
	f.failWith(func(r *http.Request) (int, string, bool) {
		if r.URL.Query().Get("partNumber") == "2" {
			return 403, "AccessDenied", false
		}
		return 0, "", false
	})
	w, err := fs.Create(t.Context(), "s3://bucket/k")
	require.NoError(t, err)
	_, err = w.Write(make([]byte, 17<<20))
	if err == nil {
		_, err = w.Commit(t.Context())
	}
	require.True(t, errs.Is(err, errs.Permission), "%v", err)
	require.NoError(t, w.Abort(t.Context()))
	_, ok := f.get("k")
	require.False(t, ok)
	require.Equal(t, 1, f.count("DELETE"), "the upload was aborted")
}
