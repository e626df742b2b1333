package session_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/s3"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/testkit/fakes3"
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
func visible(t *testing.T, store vfs.FS, dir string) (names []string) {
	for info, err := range store.List(t.Context(), dir) {
		require.NoError(t, err)
		if name := path.Base(info.Path); !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// place is storage with a folder of its own, and what it holds that no reader sees.
type place struct {
	store vfs.FS
	dir   string
	open  func() int
}

func localPlace(t *testing.T) place {
	return place{newStore(), t.TempDir(), func() int { return 0 }}
}

func s3Place(t *testing.T) place {
	f := fakes3.New()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	fs := s3.New(new(mem.Pool), s3.Keys{
		"fs.s3a.endpoint": server.URL, "fs.s3a.access.key": "key", "fs.s3a.secret.key": "secret", "fs.s3a.path.style.access": "true",
	}, func(string) string { return "" })
	t.Cleanup(fs.Close)
	return place{fs, "s3a://bucket", f.Open}
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

// cutWrite is how a write is cut, and who goes on with it.
type cutWrite struct {
	name              string
	kept, table, lost bool // run again; a table made of a query; the answer of the last write is lost
}

// TestAWriteEndsOnceWhereverItIsCut pulls the plug at every write to storage or
// log; the next leader runs the operation again, or ends it if nobody does.
func TestAWriteEndsOnceWhereverItIsCut(t *testing.T) {
	for _, c := range []cutWrite{
		{"run again", true, false, false},
		{"run again, answer lost", true, false, true},
		{"a table, run again", true, true, false},
		{"a table, run again, answer lost", true, true, true},
		{"abandoned", false, false, false},
		{"abandoned, answer lost", false, false, true},
	} {
		for name, where := range map[string]func(*testing.T) place{"local": localPlace, "s3": s3Place} {
			t.Run(name+" "+c.name, func(t *testing.T) {
				seen := map[string]bool{}
				for cut := 1; ; cut++ {
					files, over := c.run(t, where(t), cut)
					seen[files] = true
					if over {
						require.Greater(t, cut, 6)
						require.True(t, c.kept || c.lost || len(seen) == 2)
						break
					}
				}
			})
		}
	}
}

const (
	oldFiles = "_SUCCESS firsta firstb"
	newFiles = "_SUCCESS seconda secondb"
)

// run overwrites a folder and cuts that; over says that nothing was left to cut.
func (c cutWrite) run(t *testing.T, at place, cut int) (files string, over bool) {
	t.Helper()
	log, out, p := &memoryLog{}, at.dir+"/out", &plug{left: 1 << 30}
	s := lead(t, log, at.dir, plugged{at.store, p}, "").open(t, "s")
	require.NoError(t, overwrite(t, s, "first", out, false))
	require.Equal(t, oldFiles, strings.Join(visible(t, at.store, out), " "))
	if c.kept {
		require.NoError(t, s.Keep(t.Context(), "operation/second", []byte("x")))
	}
	p.left, p.lost = cut, c.lost
	log.fails = func(string, string) error { return p.use(func() error { return nil }) }
	log.lost = func() bool { return c.lost && p.left == 0 }
	err := overwrite(t, s, "second", out, c.table)
	if over = !p.out(); over {
		require.NoError(t, err)
	}
	log.fails, log.lost = nil, nil

	next := lead(t, log, at.dir, at.store, "")
	if s = next.open(t, "s"); c.kept {
		for range 2 {
			require.NoError(t, overwrite(t, s, "second", out, c.table), "cut at %d", cut)
		}
		require.NoError(t, s.Drop(t.Context(), "operation/second"))
	}
	files = strings.Join(visible(t, at.store, out), " ")
	if c.kept || files != oldFiles {
		require.Equal(t, newFiles, files, "cut at %d", cut)
		require.Zero(t, at.open(), "no upload stays open")
	}
	require.Empty(t, log.keys())
	if c.table {
		require.Equal(t, []string{"x"}, columns(t, s, "select * from made"))
	}
	return files, over
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
		require.Equal(t, []string{"_SUCCESS", "opa", "opb"}, visible(t, newStore(), out))
	}
}

// A leader that was stopped, or that goes, leaves the files of what it ran to
// the next one; one whose client wants no more drops them.
func TestOnlyWhoLeadsDropsFiles(t *testing.T) {
	gone := errs.Errorf(errs.Unavailable, "test", "the server leads no more")
	for name, c := range map[string]struct {
		cause   error // of the end of the operation
		refuses error // by the log
		left    int
	}{
		"stopped for a while": {cause: errors.New("cancelled"), refuses: gone, left: 2},
		"goes":                {cause: gone, left: 2},
		"cancelled":           {cause: errors.New("cancelled"), left: 0},
	} {
		t.Run(name, func(t *testing.T) {
			log, dir := &memoryLog{}, t.TempDir()
			a := lead(t, log, dir, newStore(), "")
			s := a.open(t, "s")
			require.NoError(t, s.Keep(t.Context(), "operation/op", []byte("x")))
			ctx, cancel := context.WithCancelCause(t.Context())
			a.fails = errs.Errorf(errs.Canceled, "test", "the job was cancelled")
			a.ends = func() {
				cancel(c.cause)
				if c.refuses != nil {
					log.fails = func(string, string) error { return c.refuses }
				}
			}
			child, err := sql.ParseStatement("select 1 x", s.ParseOptions())
			require.NoError(t, err)
			out := filepath.Join(dir, "out")
			_, err = s.Execute(ctx, session.Request{OperationID: "op", Plan: &plan.Write{Path: out, Format: "csv", Mode: plan.SaveOverwrite, Child: child}})
			require.Error(t, err)
			require.Len(t, filesIn(t, out), c.left)
		})
	}
}

// refusing is storage that will not show one file, ever.
type refusing struct {
	vfs.FS
	name string
}

func (s refusing) Finish(ctx context.Context, p vfs.Pending) (vfs.FileRef, error) {
	if path.Base(p.Path) == s.name {
		return vfs.FileRef{}, errs.Errorf(errs.Permission, "test", "no right to finish %s", s.name)
	}
	return s.FS.(vfs.Finisher).Finish(ctx, p)
}

func (s refusing) Discard(ctx context.Context, p vfs.Pending) error {
	return s.FS.(vfs.Finisher).Discard(ctx, p)
}

func (s refusing) Sweep(ctx context.Context, folder, mark string) error {
	return s.FS.(vfs.Sweeper).Sweep(ctx, folder, mark)
}

// A storage that refuses one of the files for good gets none of them, whoever
// goes on after the decision.
func TestAWriteThatItsStorageRefusesIsDropped(t *testing.T) {
	for _, kept := range []bool{true, false} {
		log, dir := &memoryLog{}, t.TempDir()
		s := lead(t, log, dir, refusing{newStore(), "opb"}, "").open(t, "s")
		out := filepath.Join(dir, "out")
		if kept {
			require.NoError(t, s.Keep(t.Context(), "operation/op", []byte("x")))
		}
		require.ErrorContains(t, overwrite(t, s, "op", out, false), "no right to finish opb")
		require.Empty(t, filesIn(t, out))
		b := lead(t, log, dir, newStore(), "")
		if kept {
			require.ErrorContains(t, overwrite(t, b.open(t, "s"), "op", out, false), "no right to finish opb", "the answer stays")
			require.Empty(t, b.jobs)
		}
		require.Empty(t, filesIn(t, out))
	}
}
