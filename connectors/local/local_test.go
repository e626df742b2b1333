package local_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/local"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

func write(t *testing.T, fs vfs.FS, path, content string) vfs.FileRef {
	t.Helper()
	w, err := fs.Create(t.Context(), path)
	require.NoError(t, err)
	_, err = w.Write([]byte(content))
	require.NoError(t, err)
	ref, err := w.Commit(t.Context())
	require.NoError(t, err)
	return ref
}

func list(t *testing.T, fs vfs.FS, prefix string) []string {
	t.Helper()
	var out []string
	for i, err := range fs.List(t.Context(), prefix) {
		require.NoError(t, err)
		out = append(out, i.Path)
	}
	return out
}

func TestWriteReadList(t *testing.T) {
	fs, dir := local.New(new(mem.Pool)), t.TempDir()
	for _, name := range []string{"t/b.x", "t/a/1", "t/a.b", "t/a/0", "u/c"} {
		write(t, fs, dir+"/"+name, "content of "+name)
	}
	require.Equal(t, []string{dir + "/t/a.b", dir + "/t/a/0", dir + "/t/a/1", dir + "/t/b.x"}, list(t, fs, dir+"/t"), "order of whole paths")
	require.Equal(t, []string{"file://" + dir + "/u/c"}, list(t, fs, "file:"+dir+"/u/"))
	require.Equal(t, []string{dir + "/u/c"}, list(t, fs, dir+"/u/c"), "a file lists itself")
	require.Empty(t, list(t, fs, dir+"/missing"))

	i, err := fs.Stat(t.Context(), "file://"+dir+"/t/b.x")
	require.NoError(t, err)
	f, err := fs.Open(t.Context(), i.FileRef)
	require.NoError(t, err)
	p, err := f.ReadRanges(t.Context(), []vfs.Range{{Off: 8, Len: 2}, {Off: 3, Len: 0}, {Off: 0, Len: 7}}, vfs.HintDefault)
	require.NoError(t, err)
	require.Equal(t, []string{"of", "", "content"}, []string{string(p.Bytes(0)), string(p.Bytes(1)), string(p.Bytes(2))})
	p.Release()
	_, err = f.ReadRanges(t.Context(), []vfs.Range{{Off: 1, Len: i.Size}}, vfs.HintDefault)
	require.True(t, errs.Is(err, errs.Invalid), "%v", err)
	require.NoError(t, f.Close())
	require.NoError(t, f.Close())
}

func TestVersionIsPinned(t *testing.T) {
	fs, dir := local.New(new(mem.Pool)), t.TempDir()
	path := filepath.Join(dir, "f")
	old := write(t, fs, path, "one")
	f, err := fs.Open(t.Context(), old)
	require.NoError(t, err)
	defer f.Close()

	replaced := write(t, fs, path, "two")
	require.NotEqual(t, old.Version, replaced.Version)
	_, err = fs.Open(t.Context(), old)
	require.True(t, errs.Is(err, errs.Conflict), "%v", err)
	p, err := f.ReadRanges(t.Context(), []vfs.Range{{Len: 3}}, vfs.HintDefault)
	require.NoError(t, err, "a replaced file is still readable where it was open")
	require.Equal(t, "one", string(p.Bytes(0)))
	p.Release()

	g, err := fs.Open(t.Context(), replaced)
	require.NoError(t, err)
	defer g.Close()
	require.NoError(t, os.WriteFile(path, []byte("2"), 0o600))
	_, err = g.ReadRanges(t.Context(), []vfs.Range{{Len: 3}}, vfs.HintDefault)
	require.True(t, errs.Is(err, errs.Conflict), "shorter: %v", err)
	require.NoError(t, os.WriteFile(path, []byte("TWO"), 0o600))
	require.NoError(t, os.Chtimes(path, time.Time{}, time.Unix(1, 0)))
	_, err = g.ReadRanges(t.Context(), []vfs.Range{{Len: 3}}, vfs.HintDefault)
	require.True(t, errs.Is(err, errs.Conflict), "other time: %v", err)

	require.NoError(t, fs.Remove(t.Context(), path))
	require.NoError(t, fs.Remove(t.Context(), path))
	_, err = fs.Open(t.Context(), replaced)
	require.True(t, errs.Is(err, errs.Conflict), "deleted: %v", err)
	_, err = fs.Open(t.Context(), vfs.FileRef{Path: path})
	require.True(t, errs.Is(err, errs.NotFound), "%v", err)
}

func TestNothingVisibleBeforeCommit(t *testing.T) {
	fs, dir := local.New(new(mem.Pool)), t.TempDir()
	w, err := fs.Create(t.Context(), dir+"/sub/f")
	require.NoError(t, err)
	_, err = w.Write([]byte("x"))
	require.NoError(t, err)
	_, err = fs.Stat(t.Context(), dir+"/sub/f")
	require.True(t, errs.Is(err, errs.NotFound))
	for _, p := range list(t, fs, dir) {
		require.Equal(t, byte('.'), filepath.Base(p)[0])
	}
	require.NoError(t, w.Abort(t.Context()))
	require.NoError(t, w.Abort(t.Context()))
	require.Empty(t, list(t, fs, dir))
}

func TestErrorsAreTyped(t *testing.T) {
	fs, dir := local.New(new(mem.Pool)), t.TempDir()
	_, err := fs.Open(t.Context(), vfs.FileRef{Path: dir})
	require.True(t, errs.Is(err, errs.Invalid), "folder: %v", err)
	write(t, fs, dir+"/f", "x")
	_, err = fs.Stat(t.Context(), dir+"/f/g")
	require.True(t, errs.Is(err, errs.NotFound), "%v", err)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range fs.List(ctx, dir) {
		require.True(t, errs.Is(err, errs.Canceled), "%v", err)
	}
	require.NoError(t, os.Symlink(dir, dir+"/loop"))
	var last error
	for _, err := range fs.List(t.Context(), dir) {
		last = err
	}
	_ = last // the kernel stops a loop of links by itself (ELOOP): the listing must only end
}
