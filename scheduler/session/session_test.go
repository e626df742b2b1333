package session_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/spurwheel/spurwheel/cache"
	"github.com/spurwheel/spurwheel/connectors/csv"
	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/local"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
	"github.com/spurwheel/spurwheel/scheduler/jobs"
	"github.com/spurwheel/spurwheel/scheduler/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a manager whose jobs are the test's: it keeps them and, for a write, leaves two pending files.
type world struct {
	*session.Manager
	fs vfs.FS

	mu      sync.Mutex
	jobs    []jobs.Job
	fails   error  // how jobs end
	ends    func() // called when they do
	refused error  // what Start says
}

func newWorld(t testing.TB) *world {
	t.Helper()
	pool := &mem.Pool{}
	w := &world{fs: local.New(pool)}
	dir := t.TempDir()
	w.Manager = session.NewManager(session.Config{
		Registry: function.Standard(), Formats: map[string]format.Format{"csv": csv.New(time.Now)}, Stores: func(map[string]string) vfs.FS { return w.fs },
		Warehouse: filepath.Join(dir, "warehouse"), Blobs: filepath.Join(dir, "blobs"), ZoneID: "UTC", Version: "4.1.4",
		Conf: map[string]string{"spark.sql.sources.default": "csv"}, Clock: clock.Real{}, Jobs: w,
		Rows: cache.NewRows(mem.NewBudget("test", 1<<20), filepath.Join(dir, "rows")), Threads: 3,
	})
	t.Cleanup(func() { require.NoError(t, w.CloseAll()) })
	return w
}

func (w *world) open(t testing.TB, id string) *session.Session {
	t.Helper()
	s, err := w.Open(t.Context(), session.Key{User: "u", ID: id})
	require.NoError(t, err)
	return s
}

// Start takes a job; queries have no rows.
func (w *world) Start(ctx context.Context, job jobs.Job) (jobs.Stream, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refused != nil {
		return nil, w.refused
	}
	w.jobs = append(w.jobs, job)
	s := &stream{schema: job.Plan.Schema(), err: w.fails, ends: w.ends}
	if s.err == nil {
		s.err = io.EOF
	}
	write, ok := job.Plan.(*physical.Write)
	if !ok {
		return s, nil
	}
	s.out = batch.NewBatch(s.schema.Types(), 0)
	s.out.Reset(0)
	for _, name := range []string{"a", "b"} {
		p, err := pend(ctx, w.fs, write.Path+"/"+write.JobID+name)
		if err != nil {
			return nil, err
		}
		for i, v := range []any{"", p.Path, p.Token, int64(1), p.Size} {
			s.out.Cols[i].Append(v)
		}
		s.out.N++
	}
	return s, nil
}

func pend(ctx context.Context, store vfs.FS, path string) (vfs.Pending, error) {
	f, err := store.Create(ctx, path)
	if err != nil {
		return vfs.Pending{}, err
	}
	if _, err := f.Write([]byte("1\n")); err != nil {
		return vfs.Pending{}, err
	}
	return f.(vfs.Preparer).Prepare(ctx)
}

// last is the job that was started last.
func (w *world) last(t *testing.T) jobs.Job {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.NotEmpty(t, w.jobs)
	return w.jobs[len(w.jobs)-1]
}

type stream struct {
	schema types.Schema
	out    *batch.Batch
	err    error
	ends   func()
}

func (s *stream) Schema() types.Schema            { return s.schema }
func (s *stream) Close() error                    { return nil }
func (s *stream) Progress() []jobs.StageProgress  { return nil }
func (s *stream) Operators() []jobs.OperatorStats { return nil }
func (s *stream) Observed() []jobs.Observation    { return nil }

func (s *stream) Next(context.Context) (*batch.Batch, error) {
	if b := s.out; b != nil {
		s.out = nil
		return b, nil
	}
	if s.ends != nil {
		s.ends()
	}
	return nil, s.err
}

// run executes SQL and gives the rows of commands.
func run(t testing.TB, s *session.Session, text string) ([][]any, error) {
	t.Helper()
	n, err := sql.ParseStatement(text, s.ParseOptions())
	require.NoError(t, err, text)
	r, err := s.Execute(t.Context(), session.Request{OperationID: "op", Plan: n})
	if err != nil {
		return nil, err
	}
	var out [][]any
	for {
		b, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return out, r.Close()
		}
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		for i := range b.N {
			var row []any
			for _, c := range b.Cols {
				row = append(row, c.Get(i))
			}
			out = append(out, row)
		}
	}
}

func must(t testing.TB, s *session.Session, text string) [][]any {
	t.Helper()
	rows, err := run(t, s, text)
	require.NoError(t, err, text)
	return rows
}

func columns(t *testing.T, s *session.Session, query string) []string {
	t.Helper()
	n, err := sql.ParseStatement(query, s.ParseOptions())
	require.NoError(t, err)
	resolved, err := s.Analyze(t.Context(), n)
	require.NoError(t, err, query)
	var names []string
	for _, c := range resolved.Output() {
		names = append(names, c.Name)
	}
	return names
}

func TestViewsBelongToTheirSession(t *testing.T) {
	w := newWorld(t)
	a, b := w.open(t, "a"), w.open(t, "b")
	must(t, a, "create temporary view v as select 1 x")
	require.Equal(t, []string{"x"}, columns(t, a, "select * from V"))
	_, err := run(t, b, "select * from v")
	require.ErrorContains(t, err, "TABLE_OR_VIEW_NOT_FOUND")
	_, err = run(t, a, "create temporary view v as select 2 y")
	require.ErrorContains(t, err, "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS")
	must(t, a, "create or replace temporary view v as select 2 y")
	require.Equal(t, []string{"y"}, columns(t, a, "select * from v"))

	must(t, a, "create global temporary view g as select 1 shared")
	require.Equal(t, []string{"shared"}, columns(t, b, "select * from global_temp.g"))
	_, err = run(t, b, "select * from g")
	require.ErrorContains(t, err, "TABLE_OR_VIEW_NOT_FOUND")

	must(t, a, "create table v (z int) using csv")
	require.Equal(t, []string{"y"}, columns(t, a, "select * from v"), "a view hides a table")
	require.Equal(t, []string{"z"}, columns(t, a, "select * from default.v"))
	must(t, a, "drop view v")
	require.Equal(t, []string{"z"}, columns(t, a, "select * from v"))
}

func TestAViewKeepsWhatItMeant(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, "a")
	must(t, s, "create temporary view below as select 1 x")
	must(t, s, "create temporary view above as select * from below")
	must(t, s, "create or replace temporary view below as select 2 y")
	require.Equal(t, []string{"x"}, columns(t, s, "select * from above"))
}

func TestClonesGoTheirOwnWay(t *testing.T) {
	w := newWorld(t)
	a := w.open(t, "a")
	must(t, a, "create temporary view v as select 1 x")
	must(t, a, "set spark.sql.ansi.enabled = false")
	b, err := w.Clone(t.Context(), session.Key{User: "u", ID: "a"}, session.Key{User: "u", ID: "b"})
	require.NoError(t, err)
	require.NotEqual(t, a.ServerID(), b.ServerID())
	must(t, a, "set spark.sql.ansi.enabled = true")
	must(t, a, "drop view v")
	require.Equal(t, []string{"x"}, columns(t, b, "select * from v"))
	must(t, b, "select 1")
	require.False(t, w.last(t).Env.Ansi)

	_, err = w.Clone(t.Context(), session.Key{User: "u", ID: "none"}, session.Key{User: "u", ID: "c"})
	require.True(t, errs.Is(err, errs.NotFound), "%v", err)
	_, err = w.Clone(t.Context(), session.Key{User: "u", ID: "a"}, session.Key{User: "u", ID: "b"})
	require.True(t, errs.Is(err, errs.Exists), "%v", err)
}

func TestSessionsAreByUserToo(t *testing.T) {
	w := newWorld(t)
	a := w.open(t, "a")
	other, err := w.Open(t.Context(), session.Key{User: "other", ID: "a"})
	require.NoError(t, err)
	require.NotEqual(t, a.ServerID(), other.ServerID())
	require.Equal(t, a.ServerID(), w.open(t, "a").ServerID())
	require.NoError(t, w.Close(t.Context(), session.Key{User: "u", ID: "a"}))
	require.NotEqual(t, a.ServerID(), w.open(t, "a").ServerID(), "a closed session does not come back")
	require.Equal(t, 2, w.Len())
}

func TestSettingsReachTheJob(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, "a")
	must(t, s, "select 1")
	job := w.last(t)
	require.True(t, job.Env.Ansi)
	require.Equal(t, "UTC", job.Env.ZoneID)
	require.Equal(t, []any{"op", "u", 3}, []any{job.ID, job.User, job.Threads})
	must(t, s, "set spark.sql.ansi.enabled = false")
	must(t, s, "set spark.sql.session.timeZone = America/Los_Angeles")
	must(t, s, "set spark.hadoop.fs.s3a.secret.key = hidden")
	must(t, s, "select 1")
	job = w.last(t)
	require.False(t, job.Env.Ansi)
	require.Equal(t, "America/Los_Angeles", job.Env.ZoneID)
	require.Equal(t, map[string]string{"spark.hadoop.fs.s3a.secret.key": "hidden"}, job.Storage)
}

func TestSettings(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, "a")
	require.Equal(t, [][]any{{"my.key", "<undefined>"}}, must(t, s, "set my.key"))
	require.Equal(t, [][]any{{"my.key", "1"}}, must(t, s, "set my.key = 1"))
	require.Equal(t, [][]any{{"my.key", "1"}, {"spark.sql.sources.default", "csv"}}, must(t, s, "set"))
	must(t, s, "set spark.sql.sources.default = parquet")
	must(t, s, "reset my.key")
	require.Equal(t, [][]any{{"spark.sql.sources.default", "parquet"}}, must(t, s, "set"))
	must(t, s, "reset")
	require.Equal(t, [][]any{{"spark.sql.sources.default", "csv"}}, must(t, s, "set"), "the server's own value comes back")

	require.NotContains(t, must(t, s, "set spark.hadoop.fs.s3a.secret.key = hunter2")[0], "hunter2", "secrets are not shown")
	for statement, want := range map[string]string{
		"set spark.sql.session.timeZone = Mars/Base": "INVALID_CONF_VALUE.TIME_ZONE",
		"set spark.sql.ansi.enabled = maybe":         "INVALID_CONF_VALUE.TYPE_MISMATCH",
	} {
		_, err := run(t, s, statement)
		require.ErrorContains(t, err, want)
	}
}

func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, e.Name())
		}
		return nil
	})
	slices.Sort(names)
	return names
}

// writeTo runs df.write.
func writeTo(t *testing.T, s *session.Session, id, path string, mode plan.SaveMode) error {
	t.Helper()
	child, err := sql.ParseStatement("select 1 x", s.ParseOptions())
	require.NoError(t, err)
	r, err := s.Execute(t.Context(), session.Request{OperationID: id, Plan: &plan.Write{Path: path, Format: "csv", Mode: mode, Child: child}})
	if err != nil {
		return err
	}
	return r.Close()
}

func TestWritesAreCommittedByMode(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, "a")
	dir := filepath.Join(t.TempDir(), "out")
	require.NoError(t, writeTo(t, s, "first", dir, plan.SaveError))
	require.Equal(t, []string{"_SUCCESS", "firsta", "firstb"}, filesIn(t, dir))

	n := len(w.jobs)
	require.ErrorContains(t, writeTo(t, s, "second", dir, plan.SaveError), "PATH_ALREADY_EXISTS")
	require.NoError(t, writeTo(t, s, "third", dir, plan.SaveIgnore))
	require.Len(t, w.jobs, n, "no job is run for nothing")
	require.Equal(t, []string{"_SUCCESS", "firsta", "firstb"}, filesIn(t, dir))

	require.NoError(t, writeTo(t, s, "more", dir, plan.SaveAppend))
	require.Equal(t, []string{"_SUCCESS", "firsta", "firstb", "morea", "moreb"}, filesIn(t, dir))
	require.NoError(t, writeTo(t, s, "new", dir, plan.SaveOverwrite))
	require.Equal(t, []string{"_SUCCESS", "newa", "newb"}, filesIn(t, dir))
}

func TestAFailedWriteChangesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		fails, refused error
		store          func(vfs.FS) vfs.FS
	}{
		"the job fails":                 {fails: errs.Errorf(errs.Canceled, "test", "enough")},
		"the job does not start":        {refused: errs.Errorf(errs.Exhausted, "test", "no room")},
		"a file cannot be made visible": {store: func(f vfs.FS) vfs.FS { return brokenStore{FS: f, finish: "lateb"} }},
		"no file at all can be":         {store: func(f vfs.FS) vfs.FS { return brokenStore{FS: f, finish: "late"} }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.open(t, "a")
			dir := filepath.Join(t.TempDir(), "out")
			require.NoError(t, writeTo(t, s, "first", dir, plan.SaveError))
			before := filesIn(t, dir)
			w.fails, w.refused = c.fails, c.refused
			if c.store != nil {
				w.fs = c.store(w.fs)
			}
			for _, mode := range []plan.SaveMode{plan.SaveAppend, plan.SaveOverwrite} {
				require.Error(t, writeTo(t, s, "late", dir, mode))
				require.Equal(t, before, filesIn(t, dir), "neither new nor pending files, and all old ones")
			}
		})
	}
}

var errBroken = errors.New("the disk is full")

// brokenStore cannot finish files whose names contain a text.
type brokenStore struct {
	vfs.FS
	finish string
}

func (b brokenStore) Finish(ctx context.Context, p vfs.Pending) (vfs.FileRef, error) {
	if strings.Contains(p.Path, b.finish) {
		return vfs.FileRef{}, errs.E(errs.Unavailable, "test", errBroken)
	}
	return b.FS.(vfs.Finisher).Finish(ctx, p)
}

func (b brokenStore) Discard(ctx context.Context, p vfs.Pending) error {
	return b.FS.(vfs.Finisher).Discard(ctx, p)
}

func TestATableIsThereOnceItsRowsAre(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, "a")
	w.fails = errs.Errorf(errs.Lost, "test", "the worker is gone")
	_, err := run(t, s, "create table t using csv as select 1 x")
	require.True(t, errs.Is(err, errs.Lost), "%v", err)
	_, err = run(t, s, "select * from t")
	require.ErrorContains(t, err, "TABLE_OR_VIEW_NOT_FOUND")
	w.fails = nil
	must(t, s, "create table t using csv as select 1 x")
	require.Equal(t, []string{"x"}, columns(t, s, "select * from t"))
	_, err = run(t, s, "create table t using csv as select 2 y")
	require.ErrorContains(t, err, "TABLE_OR_VIEW_ALREADY_EXISTS")
	_, err = run(t, s, "insert into missing select 1")
	require.ErrorContains(t, err, "TABLE_OR_VIEW_NOT_FOUND")
}

func TestAJobThatFailsFailsTheQuery(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, "a")
	w.fails = errs.Cond(errs.Arithmetic, "DIVIDE_BY_ZERO", "22012", "Division by zero.")
	_, err := run(t, s, "select id from range(3)")
	require.ErrorContains(t, err, "DIVIDE_BY_ZERO")
	w.fails, w.refused = nil, errs.Errorf(errs.Canceled, "test", "enough")
	_, err = run(t, s, "select id from range(3)")
	require.True(t, errs.Is(err, errs.Canceled), "%v", err)
}

func TestAnErrorOfAnalysisStartsNoJob(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, "a")
	for query, want := range map[string]string{
		"select nothing":                      "UNRESOLVED_COLUMN",
		"select nofunction(1)":                "UNRESOLVED_ROUTINE",
		"select * from nowhere":               "TABLE_OR_VIEW_NOT_FOUND",
		"create temporary view v as select x": "UNRESOLVED_COLUMN",
		"explain select nothing":              "UNRESOLVED_COLUMN",
	} {
		_, err := run(t, s, query)
		require.ErrorContains(t, err, want, query)
	}
	require.Empty(t, w.jobs)
}

func TestArtifactsGoWithTheirSession(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, "a")
	ctx := t.Context()
	require.NoError(t, s.Blobs().Put(ctx, "../../escape", strings.NewReader("x")))
	got, err := s.Blobs().Get(ctx, "../../escape")
	require.NoError(t, err)
	require.Equal(t, "x", string(got))
	require.Error(t, s.Blobs().Put(ctx, "half", io.MultiReader(strings.NewReader("x"), brokenReader{})))
	has, err := s.Blobs().Has(ctx, "half")
	require.NoError(t, err)
	require.False(t, has, "half an upload is none")
	has, err = w.open(t, "b").Blobs().Has(ctx, "../../escape")
	require.NoError(t, err)
	require.False(t, has)
	require.NoError(t, w.Close(ctx, session.Key{User: "u", ID: "a"}))
	_, err = s.Blobs().Get(ctx, "../../escape")
	require.True(t, errs.Is(err, errs.NotFound), "%v", err)
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }
