package local_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/local"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

func TestPendingFilesAreFinishedOrDiscardedLater(t *testing.T) {
	fs := local.New(&mem.Pool{})
	path := filepath.Join(t.TempDir(), "a", "part-0")
	prepare := func() vfs.Pending {
		w, err := fs.Create(t.Context(), path)
		require.NoError(t, err)
		_, err = w.Write([]byte("hello"))
		require.NoError(t, err)
		p, err := w.(vfs.Preparer).Prepare(t.Context())
		require.NoError(t, err)
		return p
	}
	p := prepare()
	require.NoFileExists(t, path)
	for range 2 { // the second call finds the work done
		ref, err := fs.Finish(t.Context(), p)
		require.NoError(t, err)
		require.EqualValues(t, 5, ref.Size)
	}
	require.NoError(t, fs.Discard(t.Context(), p))
	require.FileExists(t, path)

	q := prepare()
	require.NoError(t, fs.Discard(t.Context(), q))
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1)

	q = prepare()
	require.NoError(t, fs.Sweep(t.Context(), filepath.Dir(filepath.Dir(path)), "another-job"))
	_, tmp := filepath.Split(q.Token)
	require.FileExists(t, filepath.Join(filepath.Dir(path), tmp))
	for info, err := range fs.List(t.Context(), filepath.Dir(path)) {
		require.NoError(t, err)
		require.NotContains(t, info.Path, tmp, "a pending file is not there yet")
	}
	require.NoError(t, fs.Sweep(t.Context(), filepath.Dir(filepath.Dir(path)), "part-0"))
	require.NoFileExists(t, filepath.Join(filepath.Dir(path), tmp))
	require.FileExists(t, path, "finished files stay")
	require.NoError(t, fs.Sweep(t.Context(), "/no/such/folder", "x"))

	q.Token = "../part-0"
	_, err = fs.Finish(t.Context(), q)
	require.Error(t, err)
}
