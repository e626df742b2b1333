package s3_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/s3"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// prepare leaves a file pending.
func prepare(t testing.TB, fs vfs.FS, path, content string) (vfs.Pending, error) {
	t.Helper()
	w, err := fs.Create(t.Context(), path)
	require.NoError(t, err)
	if _, err = w.Write([]byte(content)); err != nil {
		require.NoError(t, w.Abort(t.Context()))
		return vfs.Pending{}, err
	}
	return w.(vfs.Preparer).Prepare(t.Context())
}

// pendingConformance holds for any store that finishes files later.
func pendingConformance(t *testing.T, fs *s3.FS, base string) {
	ctx := t.Context()
	for name, content := range map[string]string{"empty": "", "small": "hello", "large": strings.Repeat("0123456789abcdef", 17<<16)} {
		path := base + "/p/" + name
		p, err := prepare(t, fs, path, content)
		require.NoError(t, err)
		require.Equal(t, int64(len(content)), p.Size)
		require.Empty(t, list(t, fs, base+"/p"), "nothing is visible before the end")
		for range 2 { // the second call finds the work done
			ref, err := fs.Finish(ctx, p)
			require.NoError(t, err)
			i, err := fs.Stat(ctx, path)
			require.NoError(t, err)
			require.Equal(t, i.FileRef, ref)
		}
		require.NoError(t, fs.Discard(ctx, p))
		got, err := vfs.ReadAll(ctx, fs, vfs.FileRef{Path: path})
		require.NoError(t, err)
		require.Equal(t, content, string(got), name)
		require.NoError(t, fs.Remove(ctx, path))

		q, err := prepare(t, fs, path, content)
		require.NoError(t, err)
		for range 2 {
			require.NoError(t, fs.Discard(ctx, q))
		}
		if content != "" {
			_, err = fs.Finish(ctx, q)
			require.True(t, errs.Is(err, errs.NotFound), "%v", err)
		}
		require.Empty(t, list(t, fs, base+"/p"))
	}
	_, err := fs.Finish(ctx, vfs.Pending{Path: base + "/p/x", Token: "{}", Size: 3})
	require.True(t, errs.Is(err, errs.Invalid), "%v", err)
}

func TestPendingFilesOfFake(t *testing.T) {
	f, url := newFake(t)
	pendingConformance(t, newFS(t, url), "s3a://bucket")
	require.Zero(t, f.open())
}

func TestSweepDropsOnlyWhatOneJobLeft(t *testing.T) {
	f, url := newFake(t)
	fs := newFS(t, url)
	for _, path := range []string{"t/part-0-job1-0.parquet", "t/k=1/part-1-job1-0.parquet", "t/part-0-job2-0.parquet", "t-job1/part-0.parquet"} {
		_, err := prepare(t, fs, "s3a://bucket/"+path, "x")
		require.NoError(t, err)
	}
	require.NoError(t, fs.Sweep(t.Context(), "s3a://bucket/t", "job1"))
	require.Equal(t, 2, f.open(), "another job's and another folder's stay")
}

// TestEveryFailingRequest fails the n-th request of a write for each n: either
// the object is whole, or it is not there and no upload stays open.
func TestEveryFailingRequest(t *testing.T) {
	const fails = 403 // is not tried again by the client
	content := strings.Repeat("0123456789abcdef", 9<<16+1)
	for n := 0; ; n++ {
		f, url := newFake(t)
		fs := newFS(t, url)
		seen := 0
		f.failWith(func(*http.Request) (int, string, bool) {
			seen++
			if seen-1 == n {
				return fails, "AccessDenied", false
			}
			return 0, "", false
		})
		p, err := prepare(t, fs, "s3a://bucket/k", content)
		if err == nil {
			if _, err = fs.Finish(t.Context(), p); err != nil {
				require.NoError(t, fs.Discard(t.Context(), p))
			}
		}
		got, there := f.get("k")
		require.Equal(t, err == nil, there, "request %d: %v", n, err)
		require.Zero(t, f.open(), "request %d leaves an upload open", n)
		if err == nil {
			require.Equal(t, content, got)
			require.GreaterOrEqual(t, n, 4, "begin, two parts, complete")
			return
		}
	}
}

// TestFinishGoesOnWhereItWasCut loses the answer of each request of a Finish:
// another process finishes the same file again, and changes nothing more.
func TestFinishGoesOnWhereItWasCut(t *testing.T) {
	for name, content := range map[string]string{"empty": "", "small": "hello", "large": strings.Repeat("0123456789abcdef", 17<<16)} {
		f, url := newFake(t)
		p, err := prepare(t, newFS(t, url), "s3a://bucket/k", content)
		require.NoError(t, err)
		f.Lose(func(*http.Request) bool { return true })
		_, err = newFS(t, url).Finish(t.Context(), p)
		require.Error(t, err, name)
		f.Lose(nil)
		ref, err := newFS(t, url).Finish(t.Context(), p)
		require.NoError(t, err, name)
		require.EqualValues(t, len(content), ref.Size)
		got, _ := f.get("k")
		require.Equal(t, content, got)
		require.Zero(t, f.open())

		f.put("k", content+"x") // somebody else's
		if content != "" {
			_, err = newFS(t, url).Finish(t.Context(), p)
			require.True(t, errs.Is(err, errs.NotFound), "%v", err)
		}
	}
}

// The store began an upload and its answer got lost: the key finds it again.
func TestUploadBegunWithoutAnswerIsDropped(t *testing.T) {
	f, url := newFake(t)
	fs := newFS(t, url)
	_, err := prepare(t, fs, "s3a://bucket/k", "x") // stands for the upload whose name never arrived
	require.NoError(t, err)
	failed := false
	f.failWith(func(r *http.Request) (int, string, bool) {
		if r.Method == http.MethodPost && !failed {
			failed = true
			return 403, "AccessDenied", false
		}
		return 0, "", false
	})
	_, err = prepare(t, fs, "s3a://bucket/k", "x")
	require.Error(t, err)
	require.Zero(t, f.open())
}

func TestStoresKeepSettingsApart(t *testing.T) {
	_, url := newFake(t)
	stores := s3.NewStores(new(mem.Pool), s3.Keys{"fs.s3a.endpoint": url, "fs.s3a.access.key": "a", "fs.s3a.secret.key": "s"}, none)
	t.Cleanup(stores.Close)
	base := stores.With(nil)
	require.Same(t, base, stores.With(s3.Keys{"spark.sql.ansi.enabled": "true", "fs.gs.x": "1"}))
	one := stores.With(s3.Keys{"spark.hadoop.fs.s3a.access.key": "b"})
	require.NotSame(t, base, one)
	require.Same(t, one, stores.With(s3.Keys{"fs.s3a.access.key": "b"}))
	for i := range 100 {
		stores.With(s3.Keys{"fs.s3a.access.key": fmt.Sprint(i)})
	}
	require.NotSame(t, one, stores.With(s3.Keys{"fs.s3a.access.key": "b"}), "the oldest were dropped")
	write(t, one, "s3a://bucket/x", "x") // and go on working
}
