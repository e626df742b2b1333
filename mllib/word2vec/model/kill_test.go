package model

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/vfs"
)

// killing ends its own process, without any chance to clean up, at step number left of a save.
type killing struct {
	vfs.FS
	left *int
}

func (k killing) step() {
	if *k.left--; *k.left < 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func (k killing) Create(ctx context.Context, path string) (vfs.Writer, error) {
	k.step()
	w, err := k.FS.Create(ctx, path)
	return killingWriter{w, k}, err
}

type killingWriter struct {
	vfs.Writer
	k killing
}

func (w killingWriter) Write(p []byte) (int, error) {
	w.k.step()
	n, err := w.Writer.Write(p)
	w.k.step()
	return n, err
}

// Commit is taken apart into its two steps on a local disk: bytes made durable, then the name.
func (w killingWriter) Commit(ctx context.Context) (vfs.FileRef, error) {
	w.k.step()
	p, err := w.Writer.(vfs.Preparer).Prepare(ctx)
	if err != nil {
		return vfs.FileRef{}, err
	}
	w.k.step()
	ref, err := w.k.FS.(vfs.Finisher).Finish(ctx, p)
	w.k.step()
	return ref, err
}

const (
	envSave  = "SPURWHEEL_TEST_SAVE"
	envSteps = "SPURWHEEL_TEST_STEPS"
)

// TestSaveInChild is the child of TestKillInSave.
func TestSaveInChild(t *testing.T) {
	path := os.Getenv(envSave)
	if path == "" {
		t.Skip("run by TestKillInSave")
	}
	steps, err := strconv.Atoi(os.Getenv(envSteps))
	require.NoError(t, err)
	f := files()
	f.FS = killing{f.FS, &steps}
	require.NoError(t, f.Save(t.Context(), random(t, 2000, 64, 2), path, FormatOf(path)))
}

// TestKillInSave kills a save at each of its steps: what is at the path afterwards is the old model or the new one, whole.
func TestKillInSave(t *testing.T) {
	before, after := random(t, 1000, 64, 1), random(t, 2000, 64, 2)
	for _, name := range []string{"m.txt", "m.bin", "m.parquet"} {
		path := t.TempDir() + "/" + name
		olds, news := 0, 0
		for steps := 0; ; steps++ {
			require.NoError(t, files().Save(t.Context(), before, path, FormatOf(path)))
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSaveInChild$")
			child.Env = append(os.Environ(), envSave+"="+path, envSteps+"="+strconv.Itoa(steps))
			err := child.Run()
			got, loadErr := files().Load(t.Context(), path)
			require.NoError(t, loadErr, "killed at step %d", steps)
			if got.Vocabulary.Len() == before.Vocabulary.Len() {
				require.Equal(t, before.Vectors, got.Vectors)
				olds++
			} else {
				require.Equal(t, after.Vectors, got.Vectors)
				news++
			}
			if err == nil {
				break // it came through
			}
		}
		require.Greater(t, olds, 5, name)
		require.GreaterOrEqual(t, news, 2, name)
	}
}

// TestNoRoom saves to a disk that is full from some byte on: nothing may be left.
func TestNoRoom(t *testing.T) {
	for _, name := range []string{"m.txt", "m.bin", "m.parquet"} {
		dir := t.TempDir()
		f := files()
		f.FS = full{f.FS}
		err := f.Save(t.Context(), random(t, 2000, 64, 2), dir+"/"+name, FormatOf(name))
		require.ErrorIs(t, err, syscall.ENOSPC)
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left)
	}
}

type full struct{ vfs.FS }

func (f full) Create(ctx context.Context, path string) (vfs.Writer, error) {
	w, err := f.FS.Create(ctx, path)
	return &fullWriter{Writer: w}, err
}

type fullWriter struct {
	vfs.Writer
	n int
}

func (w *fullWriter) Write(p []byte) (int, error) {
	if w.n += len(p); w.n > 100_000 {
		return 0, syscall.ENOSPC
	}
	return w.Writer.Write(p)
}
