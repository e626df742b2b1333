package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/cache"
	"github.com/spurwheel/spurwheel/connectors/csv"
	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/local"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/vfs"
	"github.com/spurwheel/spurwheel/scheduler/jobs"
	"github.com/spurwheel/spurwheel/scheduler/session"
)

// memoryLog is a journal that outlives managers.
type memoryLog struct {
	mu     sync.Mutex
	open   []session.SavedSession
	fails  func(what, key string) error
	lost   func() bool // whether a write that fails has happened
	writes int
}

func (l *memoryLog) asked(what, key string) error {
	if l.fails == nil {
		return nil
	}
	return l.fails(what, key)
}

func (l *memoryLog) find(id string) *session.SavedSession {
	for i := range l.open {
		if l.open[i].Session == id {
			return &l.open[i]
		}
	}
	return nil
}

func (l *memoryLog) Open(_ context.Context, o session.Opened) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.asked("open", ""); err != nil {
		return err
	}
	if l.find(o.Session) == nil {
		l.open = append(l.open, session.SavedSession{Opened: o})
	}
	return nil
}

func (l *memoryLog) Put(_ context.Context, id, key string, value []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.asked("put", key)
	if err != nil && (l.lost == nil || !l.lost()) {
		return err
	}
	l.writes++
	s := l.find(id)
	if s == nil {
		return errs.Errorf(errs.NotFound, "test", "no session %s", id)
	}
	s.Values = append(slices.DeleteFunc(s.Values, func(v session.Value) bool { return v.Key == key }), session.Value{Key: key, Value: value})
	return err
}

func (l *memoryLog) Delete(_ context.Context, id, key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.asked("delete", key)
	if err != nil && (l.lost == nil || !l.lost()) {
		return err
	}
	l.writes++
	if s := l.find(id); s != nil {
		s.Values = slices.DeleteFunc(s.Values, func(v session.Value) bool { return v.Key == key })
	}
	return err
}

func (l *memoryLog) Close(_ context.Context, id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = slices.DeleteFunc(l.open, func(s session.SavedSession) bool { return s.Session == id })
	return nil
}

// saved is what a new leader finds.
func (l *memoryLog) saved() []session.SavedSession {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]session.SavedSession, len(l.open))
	for i, s := range l.open {
		out[i] = session.SavedSession{Opened: s.Opened, Values: slices.Clone(s.Values)}
	}
	return out
}

func (l *memoryLog) keys() (out []string) {
	for _, s := range l.saved() {
		for _, v := range s.Values {
			out = append(out, v.Key)
		}
	}
	return out
}

// mask is a Sealer that anybody could break, but nobody reads by accident.
type mask struct{}

func (mask) Seal(b []byte) ([]byte, error) {
	out := make([]byte, len(b)+1)
	for i, c := range b {
		out[i+1] = c ^ 0x55
	}
	return out, nil
}

func (mask) Open(b []byte) ([]byte, error) {
	if len(b) == 0 || b[0] != 0 {
		return nil, errors.New("not sealed")
	}
	out, _ := mask{}.Seal(b[1:])
	return out[1:], nil
}

// leader is a manager with a journal. Its jobs are a world's, or give scripted rows.
type leader struct {
	*world
	next [][]any // rows of the next jobs
}

func (l *leader) Start(ctx context.Context, job jobs.Job) (jobs.Stream, error) {
	if len(l.next) == 0 {
		return l.world.Start(ctx, job)
	}
	s := &stream{schema: job.Plan.Schema(), err: io.EOF, out: batch.NewBatch(job.Plan.Schema().Types(), 1)}
	s.out.Reset(0)
	for i, v := range l.next[0] {
		s.out.Cols[i].Append(v)
	}
	s.out.N = 1
	l.next = l.next[1:]
	return s, nil
}

// lead starts a manager over what a journal and a warehouse hold.
func lead(t *testing.T, log *memoryLog, dir string, store vfs.FS, shared string) *leader {
	t.Helper()
	l := &leader{world: &world{fs: store}}
	own := t.TempDir() // of this process
	l.Manager = session.NewManager(session.Config{
		Registry: function.Standard(), Formats: map[string]format.Format{"csv": csv.New(time.Now)}, Stores: func(map[string]string) vfs.FS { return store },
		Warehouse: dir + "/warehouse", Blobs: filepath.Join(own, "blobs"), ZoneID: "UTC", Version: "4.1.4",
		Conf: map[string]string{"spark.sql.sources.default": "csv"}, Clock: clock.Real{}, Jobs: l,
		Rows: cache.NewRows(mem.NewBudget("test", 1<<20), filepath.Join(own, "rows")), Threads: 3,
		Journal: log, Sealer: mask{}, SharedBlobs: shared,
	})
	problems, err := l.Restore(t.Context(), log.saved(), translate)
	require.NoError(t, err)
	require.Empty(t, problems)
	t.Cleanup(func() { require.NoError(t, l.CloseAll()) })
	return l
}

// translate reads sources, which are SQL here.
func translate(_ context.Context, s *session.Session, source []byte) (plan.Node, error) {
	return sql.ParseStatement(string(source), s.ParseOptions())
}

func newStore() vfs.FS { return local.New(&mem.Pool{}) }

// begin keeps an operation and runs it.
func begin(t *testing.T, s *session.Session, op, text string) ([][]any, error) {
	t.Helper()
	require.NoError(t, s.Keep(t.Context(), "operation/"+op, []byte(text)))
	n, err := sql.ParseStatement(text, s.ParseOptions())
	require.NoError(t, err, text)
	r, err := s.Execute(t.Context(), session.Request{OperationID: op, Plan: n, Source: []byte(text)})
	if err != nil {
		return nil, err
	}
	var out [][]any
	for {
		b, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return out, r.Close()
		}
		require.NoError(t, err)
		out = append(out, []any{b.Cols[0].Get(0)})
	}
}

// finished runs an operation that its client lets go of.
func finished(t *testing.T, s *session.Session, op, text string) {
	t.Helper()
	_, err := begin(t, s, op, text)
	require.NoError(t, err, text)
	require.NoError(t, s.Drop(t.Context(), "operation/"+op))
}

func TestASessionIsRestoredWithAllItHad(t *testing.T) {
	log, dir, store := &memoryLog{}, t.TempDir(), newStore()
	a := lead(t, log, dir, store, "")
	s := a.open(t, "s")
	must(t, s, "set spark.sql.ansi.enabled = false")
	must(t, s, "set spark.hadoop.fs.s3a.secret.key = hunter2")
	must(t, s, "set gone = 1")
	must(t, s, "reset gone")
	finished(t, s, "o1", "create database d")
	must(t, s, "use d")
	finished(t, s, "o2", "create temporary view below as select 1 x")
	finished(t, s, "o3", "create temporary view above as select x from below")
	finished(t, s, "o4", "create or replace temporary view below as select 2 y")
	finished(t, s, "o5", "create global temporary view g as select y as gy from below")
	finished(t, s, "o6", "create temporary view dropped as select 1 z")
	finished(t, s, "o7", "drop view dropped")
	a.next = [][]any{{int32(7)}}
	finished(t, s, "o8", "declare variable v int default 7")
	finished(t, s, "o9", "create temporary view uses as select v as w")
	a.next = [][]any{{int32(8)}}
	finished(t, s, "o10", "set variable v = 8")
	require.NoError(t, s.Blobs().Put(t.Context(), "cache/abc", strings.NewReader("rows")))
	require.NoError(t, s.Keep(t.Context(), "remote/r", []byte("plan")))
	for _, v := range log.saved()[1].Values {
		require.NotContains(t, string(v.Value), "hunter2", "values are sealed")
	}

	for range 2 { // a leader after a leader
		b := lead(t, log, dir, store, "")
		require.Equal(t, 1, b.Len())
		r := b.open(t, "s")
		require.Equal(t, s.ServerID(), r.ServerID())
		require.Equal(t, s.Conf().All(), r.Conf().All())
		require.Equal(t, "d", r.Catalog().CurrentDatabase())
		require.Equal(t, []string{"x"}, columns(t, r, "select * from above"), "as it was then")
		require.Equal(t, []string{"y"}, columns(t, r, "select * from below"))
		require.Equal(t, []string{"gy"}, columns(t, b.open(t, "other"), "select * from global_temp.g"))
		require.NoError(t, b.Close(t.Context(), session.Key{User: "u", ID: "other"}))
		_, err := run(t, r, "select * from dropped")
		require.ErrorContains(t, err, "TABLE_OR_VIEW_NOT_FOUND")
		require.Equal(t, columns(t, s, "select v + 0"), columns(t, r, "select v + 0"))
		require.Contains(t, columns(t, r, "select v + 0")[0], "=8)")
		require.Contains(t, plan.Tree(r.Catalog().TempView("uses").Plan), "Project [7 AS w#", "as it was then")
		data, err := r.Blobs().Get(t.Context(), "cache/abc")
		require.NoError(t, err)
		require.Equal(t, "rows", string(data))
		require.Equal(t, []session.Value{{Key: "remote/r", Value: []byte("plan")}}, r.Kept())
		require.Empty(t, b.jobs, "nothing runs")
	}
	require.NoError(t, a.Close(t.Context(), session.Key{User: "u", ID: "s"}))
	require.Equal(t, 1, lead(t, log, dir, store, "").Len()+1, "a closed session does not come back")
	require.Equal(t, []string{"view/g"}, log.keys(), "global views outlive it")
}

func TestViewsAreRestoredUnderTheSettingsOfThen(t *testing.T) {
	log, dir, store := &memoryLog{}, t.TempDir(), newStore()
	s := lead(t, log, dir, store, "").open(t, "s")
	must(t, s, "set spark.sql.ansi.enabled = true")
	must(t, s, "set spark.sql.ansi.doubleQuotedIdentifiers = true")
	finished(t, s, "o1", `create temporary view v as select 1 as "a b"`)
	must(t, s, "set spark.sql.ansi.doubleQuotedIdentifiers = false")
	r := lead(t, log, dir, store, "").open(t, "s")
	require.Equal(t, []string{"a b"}, columns(t, r, "select * from v"))
	v, _ := r.Conf().Get("spark.sql.ansi.doubleQuotedIdentifiers")
	require.Equal(t, "false", v)
}

func TestAChainOfViewsOverItself(t *testing.T) {
	log, dir, store := &memoryLog{}, t.TempDir(), newStore()
	s := lead(t, log, dir, store, "").open(t, "s")
	finished(t, s, "o0", "create temporary view v as select 0 c0")
	for i := 1; i < 10; i++ {
		finished(t, s, fmt.Sprint("o", i), fmt.Sprintf("create or replace temporary view v as select *, %d c%d from v", i, i))
	}
	require.Equal(t, []string{"view/v"}, log.keys())
	r := lead(t, log, dir, store, "").open(t, "s")
	require.Equal(t, columns(t, s, "select * from v"), columns(t, r, "select * from v"))
	require.Len(t, columns(t, r, "select * from v"), 10)
}

func TestAClonedSessionIsRestored(t *testing.T) {
	log, dir, store := &memoryLog{}, t.TempDir(), newStore()
	a := lead(t, log, dir, store, "")
	s := a.open(t, "s")
	must(t, s, "set my.key = 1")
	finished(t, s, "o1", "create temporary view v as select 1 x")
	_, err := a.Clone(t.Context(), session.Key{User: "u", ID: "s"}, session.Key{User: "u", ID: "c"})
	require.NoError(t, err)
	require.NoError(t, a.Close(t.Context(), session.Key{User: "u", ID: "s"}))
	c := lead(t, log, dir, store, "").open(t, "c")
	require.Equal(t, []string{"x"}, columns(t, c, "select * from v"))
	v, _ := c.Conf().Get("my.key")
	require.Equal(t, "1", v)
}

// What the journal refuses has not happened.
func TestNothingIsAcknowledgedThatIsNotKept(t *testing.T) {
	log := &memoryLog{}
	a := lead(t, log, t.TempDir(), newStore(), "")
	s := a.open(t, "s")
	finished(t, s, "o1", "create temporary view v as select 1 x")
	must(t, s, "set my.key = 1")
	refusal := errs.Errorf(errs.Exhausted, "test", "the log is full")
	log.fails = func(string, string) error { return refusal }
	for _, text := range []string{
		"create temporary view w as select 1 y", "create or replace temporary view v as select 2 z", "drop view v", "set my.key = 2", "reset my.key",
		"use default", "create global temporary view g as select 1 y",
	} {
		_, err := run(t, s, text)
		require.ErrorIs(t, err, refusal, text)
	}
	require.ErrorIs(t, s.Blobs().Put(t.Context(), "x", strings.NewReader("x")), refusal)
	has, err := s.Blobs().Has(t.Context(), "x")
	require.NoError(t, err)
	require.False(t, has)
	_, err = a.Open(t.Context(), session.Key{User: "u", ID: "new"})
	require.ErrorIs(t, err, refusal)
	require.Equal(t, []string{"x"}, columns(t, s, "select * from v"))
	_, err = run(t, s, "select * from w")
	require.ErrorContains(t, err, "TABLE_OR_VIEW_NOT_FOUND")
	v, _ := s.Conf().Get("my.key")
	require.Equal(t, "1", v)
	log.fails = nil
	n := log.writes
	must(t, s, "set my.key = 1")
	require.Equal(t, n, log.writes, "what does not change is not written")
}

func TestLargeArtifacts(t *testing.T) {
	large := strings.Repeat("x", session.MaxKept)
	log := &memoryLog{}
	s := lead(t, log, t.TempDir(), newStore(), "").open(t, "s")
	err := s.Blobs().Put(t.Context(), "cache/l", strings.NewReader(large))
	require.ErrorContains(t, err, "SESSION_STATE_TOO_LARGE")
	require.True(t, errs.Is(err, errs.Exhausted))

	log, shared := &memoryLog{}, filepath.Join(t.TempDir(), "blobs")
	s = lead(t, log, t.TempDir(), newStore(), shared).open(t, "s")
	require.NoError(t, s.Blobs().Put(t.Context(), "cache/l", strings.NewReader(large)))
	require.Len(t, filesIn(t, shared), 1)
	require.Less(t, len(log.saved()[1].Values[0].Value), 1000)
	next := lead(t, log, t.TempDir(), newStore(), shared)
	r := next.open(t, "s")
	data, err := r.Blobs().Get(t.Context(), "cache/l")
	require.NoError(t, err)
	require.Equal(t, large, string(data))
	require.NoError(t, next.Close(t.Context(), session.Key{User: "u", ID: "s"}))
	require.Empty(t, filesIn(t, shared))
}

// TestCommandsHappenOnce stops a leader after each write to its log; the next
// one runs the operation again.
func TestCommandsHappenOnce(t *testing.T) {
	for text, check := range map[string]func(t *testing.T, s *session.Session){
		"create temporary view v as select 1 x": func(t *testing.T, s *session.Session) {
			require.Equal(t, []string{"x"}, columns(t, s, "select * from v"))
		},
		"create global temporary view v as select 1 x": func(t *testing.T, s *session.Session) {
			require.Equal(t, []string{"x"}, columns(t, s, "select * from global_temp.v"))
		},
		"create table t (x int) using csv": func(t *testing.T, s *session.Session) {
			require.Equal(t, []string{"x"}, columns(t, s, "select * from t"))
		},
		"create database d":                                func(t *testing.T, s *session.Session) { must(t, s, "use d") },
		"drop view old":                                    func(t *testing.T, s *session.Session) { require.Nil(t, s.Catalog().TempView("old")) },
		"set variable n = n + 1":                           func(t *testing.T, s *session.Session) { require.Contains(t, columns(t, s, "select n + 0")[0], "=8)") },
		"set variable (n, m) = (select 8, 9)":              func(t *testing.T, s *session.Session) { require.Contains(t, columns(t, s, "select n + 0")[0], "=8)") },
		"declare variable k int default 8":                 func(t *testing.T, s *session.Session) { require.Contains(t, columns(t, s, "select k + 0")[0], "=8)") },
		"drop temporary variable n":                        func(*testing.T, *session.Session) {},
		"create table c using csv as select 1 x":           nil,
		"create or replace temporary view old as select 3": nil,
	} {
		t.Run(text, func(t *testing.T) {
			for stop := 0; ; stop++ {
				log, dir, store := &memoryLog{}, t.TempDir(), newStore()
				a := lead(t, log, dir, store, "")
				s := a.open(t, "s")
				finished(t, s, "before", "create temporary view old as select 1 x")
				a.next = [][]any{{int32(7)}, {int32(7)}}
				finished(t, s, "before2", "declare variable n int default 7")
				finished(t, s, "before3", "declare variable m int default 7")
				a.next = nil
				if strings.Contains(text, "variable") {
					a.next = computed(t, s, text)
				}
				require.NoError(t, s.Keep(t.Context(), "operation/op", []byte(text)))
				left := stop
				log.fails = func(string, string) error {
					if left--; left < 0 {
						return errs.Errorf(errs.Unavailable, "test", "the leader is dead")
					}
					return nil
				}
				_, first := beginAgain(t, s, text)
				log.fails = nil

				b := lead(t, log, dir, store, "")
				r := b.open(t, "s")
				if strings.Contains(text, "variable") {
					b.next = computed(t, r, text)
				}
				for range 2 {
					_, err := beginAgain(t, r, text)
					require.NoError(t, err, "stopped after %d writes", stop)
					if check != nil {
						check(t, r)
					}
				}
				require.NoError(t, r.Drop(t.Context(), "operation/op"))
				require.NotContains(t, log.keys(), "effect/op")
				if first == nil {
					require.Greater(t, stop, 1)
					return
				}
			}
		})
	}
}

// computed is the row that a statement about variables gives now.
func computed(t *testing.T, s *session.Session, text string) [][]any {
	t.Helper()
	n := int32(7)
	if strings.Contains(text, "drop") {
		return nil
	}
	if strings.Contains(columns(t, s, "select n + 0")[0], "=8)") {
		n = 8
	}
	switch {
	case strings.Contains(text, "m)"):
		return [][]any{{n + 1, n + 2}}
	case strings.Contains(text, "default"):
		return [][]any{{int32(8)}}
	}
	return [][]any{{n + 1}}
}

// beginAgain runs an operation that is kept already.
func beginAgain(t *testing.T, s *session.Session, text string) (*session.Result, error) {
	t.Helper()
	n, err := sql.ParseStatement(text, s.ParseOptions())
	require.NoError(t, err, text)
	r, err := s.Execute(t.Context(), session.Request{OperationID: "op", Plan: n, Source: []byte(text)})
	if err != nil {
		return nil, err
	}
	return r, r.Close()
}

func TestWhatAnOperationDidIsForgottenWithIt(t *testing.T) {
	log, dir, store := &memoryLog{}, t.TempDir(), newStore()
	s := lead(t, log, dir, store, "").open(t, "s")
	_, err := begin(t, s, "op", "create database d")
	require.NoError(t, err)
	log.fails = func(what, key string) error {
		if what == "delete" && key == "effect/op" {
			return errs.Errorf(errs.Unavailable, "test", "the leader is dead")
		}
		return nil
	}
	require.Error(t, s.Drop(t.Context(), "operation/op"))
	log.fails = nil
	require.Equal(t, []string{"effect/op"}, log.keys())
	lead(t, log, dir, store, "")
	require.Empty(t, log.keys())
}
