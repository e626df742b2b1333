package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/session"
)

// heldBy is what a node holds of queries: nothing, once they are over.
type heldBy struct {
	Budget, Pool int64
	Files        []string // spilled rows and stored stages that have names
	Open         int      // files, beyond those open before; spill files lose their names at once
}

func held(t *testing.T, n *node, data string, openBefore int) heldBy {
	t.Helper()
	h := heldBy{Budget: n.budget.Used(), Pool: n.pool.Outstanding(), Open: openFiles() - openBefore}
	err := filepath.WalkDir(data, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			h.Files = append(h.Files, path)
		}
		return nil // folders come and go while tasks end
	})
	require.NoError(t, err)
	return h
}

// openFiles counts the descriptors of files on disk, where the system tells.
func openFiles() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	n := 0
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "/dev/") {
			n++
		}
	}
	return n
}

// leave is a way to be done with a query.
type leave struct {
	name string
	end  func(t *testing.T, n *node, r *session.Result, cancel context.CancelFunc)
}

func leaves() []leave {
	first := func(t *testing.T, r *session.Result) {
		t.Helper()
		_, err := r.Next(t.Context())
		require.NoError(t, err)
	}
	return []leave{
		{"read to the end", func(t *testing.T, _ *node, r *session.Result, _ context.CancelFunc) {
			t.Helper()
			require.NoError(t, readAll(t, r))
		}},
		{"closed unread", func(*testing.T, *node, *session.Result, context.CancelFunc) {}},
		{"closed after a batch", func(t *testing.T, _ *node, r *session.Result, _ context.CancelFunc) {
			t.Helper()
			first(t, r)
		}},
		{"canceled unread", func(t *testing.T, _ *node, r *session.Result, cancel context.CancelFunc) {
			t.Helper()
			cancel()
			require.Error(t, readAll(t, r))
		}},
		{"canceled after a batch", func(t *testing.T, _ *node, r *session.Result, cancel context.CancelFunc) {
			t.Helper()
			first(t, r)
			cancel()
		}},
		{"canceled while it computes", func(t *testing.T, n *node, r *session.Result, cancel context.CancelFunc) {
			t.Helper()
			over := make(chan error, 1)
			go func() { over <- readAll(t, r) }()
			require.Eventually(t, func() bool { return n.budget.Used() > 0 || len(over) > 0 }, 10*time.Second, time.Millisecond)
			cancel()
			t.Log("it ended with ", <-over) // nil if the query was faster
		}},
	}
}

func readAll(t *testing.T, r *session.Result) error {
	t.Helper()
	for {
		if _, err := r.Next(t.Context()); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func leakQueries() []string {
	return []string{
		"select * from fact",
		"select id, upper(s) from fact where g > 3 limit 10",
		"select id % 5000, count(*), max(cast(id as string)) from range(50000) group by 1",
		"select id, cast(id as string) s from range(50000) order by id % 977, id",
		"select a.id, b.id from range(30000) a join range(30000) b on a.id = b.id + 1",
		"select id, sum(id) over (partition by id % 100 order by id) from range(30000)",
		"select s, count(distinct k) from fact group by s union all select name, k from dim",
	}
}

// TestNothingIsLeft: whatever becomes of a query, what it held comes back.
func TestNothingIsLeft(t *testing.T) {
	folder := t.TempDir()
	t.Run("input", func(t *testing.T) { writeTables(t, folder) })
	for name, settings := range map[string]config.Config{
		"memory":  {Threads: 2},
		"disk":    {Threads: 2, Testing: config.Testing{SpillBeyond: 64 << 10}},
		"workers": {Threads: 1, Workers: 2},
	} {
		t.Run(name, func(t *testing.T) {
			settings.Data = t.TempDir()
			n, s := overTables(t, settings, folder)
			check := watch(t, n, s, settings.Data)
			for _, q := range leakQueries() {
				for _, l := range leaves() {
					ctx, cancel := context.WithCancel(t.Context())
					r, err := begin(ctx, s, q)
					require.NoError(t, err)
					l.end(t, n, r, cancel)
					require.NoError(t, r.Close())
					cancel()
					check(l.name + ": " + q)
				}
			}
		})
	}
}

// TestNothingIsLeftOfFailures: the same for queries that fail on the way.
func TestNothingIsLeftOfFailures(t *testing.T) {
	folder := t.TempDir()
	t.Run("input", func(t *testing.T) { writeTables(t, folder) })
	target := filepath.Join(folder, "target")
	settings := config.Config{Threads: 2, Memory: config.MinMemory, Data: t.TempDir()}
	n, s := overTables(t, settings, folder)
	check := watch(t, n, s, settings.Data)
	for query, want := range map[string]string{
		"select nothing from fact":                                                           "UNRESOLVED_COLUMN",
		"select 1 / (id - 1000) from fact":                                                   "DIVIDE_BY_ZERO",
		"select sum(cast(s as int)) from fact":                                               "CAST_INVALID_INPUT",
		"select k, sum(1 / (id - 1100)) from fact group by k order by 2":                     "DIVIDE_BY_ZERO",
		"select * from fact f join dim d on f.k = d.k where assert_true(f.id < 700) is null": "USER_RAISED_EXCEPTION",
		"select id, sum(1 / (id - 40000)) over (partition by id % 7) from range(50000)":      "DIVIDE_BY_ZERO",
		"select collect_list(repeat(cast(id as string), 200)) from range(200000)":            "memory budget",
		"insert into csv.`" + target + "` select id, 1 / (id - 49000) from range(50000)":     "DIVIDE_BY_ZERO",
		"insert into parquet.`" + target + "` select id, 1 / (id - 49000) from range(50000)": "DIVIDE_BY_ZERO",
	} {
		_, _, err := answer(t.Context(), s, query)
		require.ErrorContains(t, err, want, query)
		require.NotEqual(t, errs.Internal, errs.KindOf(err), query)
		check(query)
	}
	require.Empty(t, filesBelow(target), "a failed write leaves nothing")
}

func filesBelow(folder string) (out []string) {
	_ = filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			out = append(out, path)
		}
		return nil
	})
	return out
}

// overTables runs a node with the tables as views.
func overTables(t *testing.T, settings config.Config, folder string) (*node, *session.Session) {
	t.Helper()
	n := startNode(t, settings)
	s := openSession(t, n)
	for _, table := range []string{"fact", "dim"} {
		_, _, err := answer(t.Context(), s, "create temporary view "+table+" as select * from parquet.`"+filepath.Join(folder, table)+"`")
		require.NoError(t, err)
	}
	return n, s
}

// watch notes what runs and is open, after a first query, and returns what checks that it is the same again.
func watch(t *testing.T, n *node, s *session.Session, data string) (check func(what string)) {
	t.Helper()
	_, _, err := answer(t.Context(), s, "select k, count(*) from fact group by k")
	require.NoError(t, err)
	// Connections between workers stay open for the next query.
	connections := goleak.IgnoreAnyFunction("github.com/spurwheel/spurwheel/worker/shuffle.(*Store).serveConn")
	running, open := goleak.IgnoreCurrent(), openFiles()
	return func(what string) {
		t.Helper()
		var last heldBy
		over := func() bool {
			last = held(t, n, data, open)
			return last.Budget == 0 && last.Pool == 0 && last.Open <= 0 && len(last.Files) == 0
		}
		// Tasks of other threads end a little after their query.
		require.Eventually(t, over, 10*time.Second, time.Millisecond, "%s: %+v", what, &last)
		require.NoError(t, goleak.Find(running, connections), what)
	}
}
