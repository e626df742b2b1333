package session_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
	"github.com/spurwheel/spurwheel/scheduler/session"
)

// plug is pulled after some writes to storage or log: from then on nothing works.
type plug struct {
	mu   sync.Mutex
	left int
	// lost: the last write happens, and nobody learns of it.
	lost bool
}

var errPulled = errs.Errorf(errs.Other, "test", "the machine is off")

// use runs a write unless the plug is out.
func (p *plug) use(f func() error) error {
	p.mu.Lock()
	p.left--
	left := p.left
	p.mu.Unlock()
	if left > 0 || p.lost && left == 0 {
		if err := f(); err != nil || left > 0 {
			return err
		}
	}
	return errPulled
}

func (p *plug) out() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left <= 0
}

// plugged is storage that works as long as the plug is in.
type plugged struct {
	vfs.FS
	plug *plug
}

func (s plugged) Remove(ctx context.Context, path string) error {
	return s.plug.use(func() error { return s.FS.Remove(ctx, path) })
}

func (s plugged) Finish(ctx context.Context, p vfs.Pending) (ref vfs.FileRef, err error) {
	err = s.plug.use(func() error {
		ref, err = s.FS.(vfs.Finisher).Finish(ctx, p)
		return err
	})
	return ref, err
}

func (s plugged) Discard(ctx context.Context, p vfs.Pending) error {
	return s.plug.use(func() error { return s.FS.(vfs.Finisher).Discard(ctx, p) })
}

func (s plugged) Sweep(ctx context.Context, folder, mark string) error {
	return s.plug.use(func() error { return s.FS.(vfs.Sweeper).Sweep(ctx, folder, mark) })
}

func (s plugged) Create(ctx context.Context, path string) (vfs.Writer, error) {
	w, err := s.FS.Create(ctx, path)
	return pluggedWriter{w, s.plug}, err
}

type pluggedWriter struct {
	vfs.Writer
	plug *plug
}

func (w pluggedWriter) Commit(ctx context.Context) (ref vfs.FileRef, err error) {
	err = w.plug.use(func() error {
		ref, err = w.Writer.Commit(ctx)
		return err
	})
	return ref, err
}

func (w pluggedWriter) Prepare(ctx context.Context) (vfs.Pending, error) {
	return w.Writer.(vfs.Preparer).Prepare(ctx)
}

// visible are the files that readers of a folder see.
func visible(t *testing.T, dir string) []string {
	return slices.DeleteFunc(filesIn(t, dir), func(name string) bool { return strings.HasPrefix(name, ".") })
}

// overwrite runs df.write, or a table made of a query.
func overwrite(t *testing.T, s *session.Session, op, path string, table bool) error {
	t.Helper()
	child, err := sql.ParseStatement("select 1 x", s.ParseOptions())
	require.NoError(t, err)
	w := &plan.Write{Path: path, Format: "csv", Mode: plan.SaveOverwrite, Child: child}
	if table {
		w.Table, w.Mode = []string{"made"}, plan.SaveError
	}
	r, err := s.Execute(t.Context(), session.Request{OperationID: op, Plan: w})
	if err != nil {
		return err
	}
	return r.Close()
}

// TestAWriteEndsOnceWhereverItIsCut pulls the plug at every write to storage or
// log; the next leader runs the operation again, or ends it if nobody does.
func TestAWriteEndsOnceWhereverItIsCut(t *testing.T) {
	for _, c := range []struct {
		name              string
		kept, table, lost bool
	}{
		{"run again", true, false, false},
		{"run again, answer lost", true, false, true},
		{"a table, run again", true, true, false},
		{"a table, run again, answer lost", true, true, true},
		{"abandoned", false, false, false},
		{"abandoned, answer lost", false, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen := map[string]bool{}
			for cut := 1; ; cut++ {
				log, dir := &memoryLog{}, t.TempDir()
				out := filepath.Join(dir, "out")
				p := &plug{left: 1 << 30}
				a := lead(t, log, dir, plugged{newStore(), p}, "")
				s := a.open(t, "s")
				require.NoError(t, overwrite(t, s, "first", out, false))
				require.Equal(t, []string{"_SUCCESS", "firsta", "firstb"}, visible(t, out))
				if c.kept {
					require.NoError(t, s.Keep(t.Context(), "operation/second", []byte("x")))
				}
				p.mu.Lock()
				p.left, p.lost = cut, c.lost
				p.mu.Unlock()
				log.fails = func(string, string) error { return p.use(func() error { return nil }) }
				if c.lost {
					log.lost = func() bool { return p.lost && p.left == 0 }
				}
				err := overwrite(t, s, "second", out, c.table)
				over := !p.out()
				if over {
					require.NoError(t, err)
				}
				log.fails, log.lost = nil, nil

				b := lead(t, log, dir, newStore(), "")
				if c.kept {
					for range 2 {
						require.NoError(t, overwrite(t, b.open(t, "s"), "second", out, c.table), "cut at %d", cut)
					}
					require.Equal(t, []string{"_SUCCESS", "seconda", "secondb"}, visible(t, out), "cut at %d", cut)
					require.NoError(t, b.open(t, "s").Drop(t.Context(), "operation/second"))
				} else {
					got := strings.Join(visible(t, out), " ")
					require.Contains(t, []string{"_SUCCESS firsta firstb", "_SUCCESS seconda secondb"}, got, "cut at %d", cut)
					seen[got] = true
				}
				require.Empty(t, log.keys())
				if c.table {
					require.Equal(t, []string{"x"}, columns(t, b.open(t, "s"), "select * from made"))
				}
				if over {
					require.Greater(t, cut, 6)
					require.True(t, c.kept || c.lost || len(seen) == 2)
					break
				}
			}
		})
	}
}

// A write that cannot enter the log leaves nothing.
func TestAWriteThatIsRefusedLeavesNothing(t *testing.T) {
	log, dir := &memoryLog{}, t.TempDir()
	s := lead(t, log, dir, newStore(), "").open(t, "s")
	out := filepath.Join(dir, "out")
	log.fails = func(_, key string) error {
		if strings.HasPrefix(key, "effect/") {
			return errs.Errorf(errs.Exhausted, "test", "the log is full")
		}
		return nil
	}
	require.ErrorContains(t, overwrite(t, s, "op", out, false), "the log is full")
	require.Empty(t, filesIn(t, out))
}

// The log took the manifest and its answer was lost: the files stay for who goes on.
func TestAWriteWhoseCommitIsUnknownKeepsItsFiles(t *testing.T) {
	for _, kept := range []bool{true, false} {
		log, dir := &memoryLog{}, t.TempDir()
		s := lead(t, log, dir, newStore(), "").open(t, "s")
		out := filepath.Join(dir, "out")
		if kept {
			require.NoError(t, s.Keep(t.Context(), "operation/op", []byte("x")))
		}
		puts := 0
		log.fails = func(_, key string) error {
			if puts++; strings.HasPrefix(key, "effect/") && (!kept || puts > 1) {
				return errs.Errorf(errs.Unavailable, "test", "the leader leads no more")
			}
			return nil
		}
		log.lost = func() bool { return true }
		require.ErrorContains(t, overwrite(t, s, "op", out, false), "leads no more")
		log.fails, log.lost = nil, nil
		b := lead(t, log, dir, newStore(), "")
		if kept {
			require.NoError(t, overwrite(t, b.open(t, "s"), "op", out, false))
			require.Empty(t, b.jobs, "what was written is not written again")
		}
		require.Equal(t, []string{"_SUCCESS", "opa", "opb"}, visible(t, out))
	}
}
