package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/scheduler/session"
)

// startNode runs a whole engine until the test ends.
func startNode(t *testing.T, settings config.Config) *node {
	t.Helper()
	if settings.Data == "" {
		settings.Data = t.TempDir()
	}
	require.NoError(t, settings.Validate())
	n, err := newNode(settings, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close()) })
	return n
}

func openSession(t *testing.T, n *node) *session.Session {
	t.Helper()
	s, err := n.sessions.Open(t.Context(), session.Key{User: "test", ID: uuid.NewString()})
	require.NoError(t, err)
	return s
}

// begin starts a statement.
func begin(ctx context.Context, s *session.Session, text string) (*session.Result, error) {
	n, err := sql.ParseStatement(text, s.ParseOptions())
	if err != nil {
		return nil, err
	}
	return s.Execute(ctx, session.Request{OperationID: uuid.NewString(), Plan: n})
}

// answer runs a statement and gives its rows as text, and how much was spilled for it in this process.
func answer(ctx context.Context, s *session.Session, text string) (rows []string, spilled int64, err error) {
	r, err := begin(ctx, s, text)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			for _, o := range r.Operators() {
				spilled += o.Values["spilledBytes"]
			}
			return rows, spilled, nil
		}
		if err != nil {
			return nil, 0, err
		}
		for i := range b.N {
			var row strings.Builder
			for _, c := range b.Cols {
				fmt.Fprintf(&row, "%v|", c.Get(i))
			}
			rows = append(rows, row.String())
		}
	}
}

// digest of the rows, in their order if the query has one.
func digest(t *testing.T, s *session.Session, query string) (text string, spilled int64) {
	t.Helper()
	rows, spilled, err := answer(t.Context(), s, query)
	require.NoError(t, err, query)
	if !strings.Contains(query, "-- in order") {
		slices.Sort(rows)
	}
	return fmt.Sprintf("%d rows, %x", len(rows), sha256.Sum256([]byte(strings.Join(rows, "\n")))), spilled
}

// writeTables makes the input: fact in four files, so that two workers share it, and dim.
func writeTables(t *testing.T, folder string) {
	t.Helper()
	s := openSession(t, startNode(t, config.Config{Threads: 1}))
	for part := range 4 {
		_, _, err := answer(t.Context(), s, fmt.Sprintf(`insert into parquet.`+"`%s/fact`"+`
			select id, id %% 97 k, id * 7919 %% 11 g, concat('text number ', id * 31 %% 211) s, cast(id * 37 %% 10007 / 100 as decimal(12,2)) d,
				date'2020-01-01' + cast(id %% 365 as int) dt, nullif(id %% 5, 0) n, id / 8d f, array(id %% 3, id %% 4) a,
				named_struct('x', id %% 7, 'y', cast(id %% 6 as string)) st
			from range(%d, %d)`, folder, 300*part, 300*(part+1)))
		require.NoError(t, err)
	}
	_, _, err := answer(t.Context(), s, fmt.Sprintf(`insert into parquet.`+"`%s/dim`"+`
		select if(id %% 40 = 39, null, id) k, concat('name', id %% 50) name, id %% 4 region, cast(id * 1.5 as decimal(10,1)) w from range(120)`, folder))
	require.NoError(t, err)
}

// modeQueries cover every operator, each in the forms that batches, threads, spilling and stages can break.
// Floating point sums are of eighths: exact in any order.
func modeQueries() []string {
	return []string{
		`select * from fact`,
		`select id, s, d * 2, dt + interval 1 month, upper(s), n is null from fact where k between 3 and 60 and s like '%1%'`,
		`select count(*), sum(d), avg(d), min(s), max(dt), sum(f), count(n), count(distinct s) from fact`,
		`select g, count(*), sum(d), min(f), max(s), avg(n) from fact group by g`,
		`select id, count(*), max(s) from fact group by id`,
		`select s, count(distinct k), sum(distinct n), sum(d) filter (where g > 3) from fact group by s`,
		`select distinct k, g from fact`,
		`select g, n, grouping_id(), sum(d), count(*) from fact group by cube (g, n)`,
		`select g, k, sum(id) from fact group by rollup (g, k) having sum(id) > 100`,
		`select sort_array(collect_set(g)), percentile(f, 0.5), stddev(id) is not null from fact group by n`,
		`select f.id, d.name from fact f join dim d on f.k = d.k`,
		`select f.id, d.name from fact f left join dim d on f.k = d.k and d.region = 2`,
		`select f.id, d.name from fact f right join dim d on f.k = d.k and f.id < 50`,
		`select f.id, d.name from (select * from fact where id < 300) f full join dim d on f.k = d.k`,
		`select id from fact where k in (select k from dim where region = 1)`,
		`select id from fact where k not in (select k from dim where region = 1 and k is not null)`,
		`select id from fact f where exists (select 1 from dim d where d.k = f.k and d.w > f.g)`,
		`select a.id, b.id from fact a join fact b on a.k = b.k and a.id < b.id where a.g = 3`,
		`select d.k, e.k from dim d join dim e on d.k < e.k and e.region = 3`,
		`select count(*) from dim cross join dim`,
		`select id, (select max(w) from dim d where d.k = f.k) from fact f where id % 3 = 0`,
		`select * from fact order by d desc, id -- in order`,
		`select s, id, st from fact order by s, n nulls last, id desc limit 100 offset 7 -- in order`,
		`select id, row_number() over (partition by g order by d, id), rank() over (partition by g order by n), lag(s, 2) over (partition by g order by id) from fact`,
		`select id, sum(d) over (partition by k order by id rows between 3 preceding and 1 following), max(f) over (partition by g) from fact`,
		`select id, ntile(7) over (order by id), sum(n) over (order by id range between 10 preceding and current row), first_value(s) over (order by id) from fact`,
		`select id, x, st.y from fact lateral view explode(a) t as x`,
		`select g, posexplode(a) from fact where id < 500`,
		`select k from fact union select k from dim`,
		`select k, g from fact intersect all select k, region from dim`,
		`select k from fact except all select k from dim`,
		`select * from (select g, n, d from fact) pivot (sum(d) for n in (1, 2, 3))`,
		`with recent as (select k, sum(d) total from fact where dt >= '2020-06-01' group by k)
			select r.*, d.name from recent r join dim d using (k) where total > (select avg(total) from recent)`,
		`select k, max_by(s, id), min_by(s, id), sum(d) from fact group by k order by 4 desc, 1 limit 10 -- in order`,
		`select transform(a, x -> x + g), st.x, size(filter(a, x -> x > 1)) from fact`,
	}
}

type mode struct {
	batch, threads, workers int
	spill                   config.Size
}

func (m mode) String() string {
	return fmt.Sprintf("batch=%d,threads=%d,workers=%d,spill=%v", m.batch, m.threads, m.workers, m.spill > 0)
}

func modes() []mode {
	var out []mode
	for _, batch := range []int{0, 1, 7} {
		for _, threads := range []int{1, 2} {
			for _, spill := range []config.Size{0, 32 << 10} {
				for _, workers := range []int{1, 2} {
					out = append(out, mode{batch, threads, workers, spill})
				}
			}
		}
	}
	return out
}

// TestModes: what a query answers does not depend on how the engine cuts its work.
func TestModes(t *testing.T) {
	// Spilling the little there is makes much garbage on a small heap: the collector would take most of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(1000))
	t.Setenv("GOGC", "1000") // of the worker processes
	folder := t.TempDir()
	t.Run("input", func(t *testing.T) { writeTables(t, folder) })
	want := map[string]string{}
	for _, m := range modes() {
		t.Run(m.String(), func(t *testing.T) {
			n := startNode(t, config.Config{
				Threads: m.threads, Workers: m.workers, Memory: 1 << 30,
				Testing: config.Testing{BatchRows: m.batch, SpillBeyond: m.spill},
			})
			s := openSession(t, n)
			for _, table := range []string{"fact", "dim"} {
				_, _, err := answer(t.Context(), s, fmt.Sprintf("create temporary view %s as select * from parquet.`%s`", table, filepath.Join(folder, table)))
				require.NoError(t, err)
			}
			var spilled int64
			for _, q := range modeQueries() {
				got, bytes := digest(t, s, q)
				spilled += bytes
				if want[q] == "" {
					want[q] = got
					require.NotRegexp(t, `^0 rows`, got, q)
				}
				require.Equal(t, want[q], got, q)
			}
			if m.workers == 1 {
				require.Equal(t, m.spill > 0, spilled > 0, "%d bytes spilled", spilled)
			}
		})
	}
}

// inWorkerProcess runs this test binary as the worker process that a node started.
func inWorkerProcess() (status int, ok bool) {
	if len(os.Args) < 2 || os.Args[1] != "worker-process" {
		return 0, false
	}
	p := process{environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	return execute(context.Background(), p, os.Args[1:]), true
}
