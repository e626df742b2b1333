package session_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// maxFuzzed keeps a text small: what is tried is the road of a query, not how long it can be.
const maxFuzzed = 2000

// FuzzExplain sends queries down the whole road, from text to physical plan: an error of the user's, or a plan.
func FuzzExplain(f *testing.F) {
	w := newWorld(f)
	s := w.open(f, "fuzz")
	must(f, s, `create temporary view t as select id a, cast(id as string) s, id * 1.5 d, array(id) l, map(id, 1) m, named_struct('x', id) r, date'2020-01-01' dt from range(10)`)
	must(f, s, "create temporary view u as select id a, id % 3 b from range(5)")
	for _, q := range []string{
		"select a, count(*) over (partition by s order by d) from t where l[0] > 1",
		"select u.b, sum(d) from t join u using (a) group by rollup (u.b) having count(*) > 1 order by 2 desc limit 3",
		"select * from t where a in (select a from u where u.b = t.a) and exists (select 1 from u)",
		"select a, (select max(b) from u where u.a = t.a) from t",
		"select explode(l), r.x, m[1], transform(l, x -> x + 1) from t",
		"with c as (select * from u) select * from c union all select * from c except select 1, 2",
		"select * from (select a, s, d from t) pivot (sum(d) for s in ('1', '2'))",
		"select * from t, lateral (select b from u where u.a = t.a) limit all",
		"values (1, 'a'), (2, null)",
		"from t |> where a > 1 |> aggregate sum(d) group by s",
	} {
		f.Add(q)
	}
	stories, _ := filepath.Glob("../../dataset/optimize/testdata/*.txt")
	for _, path := range stories {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for block := range strings.SplitSeq(string(text), "\n\n") {
			if _, rest, ok := strings.Cut(block, "\n"); ok {
				query, _, _ := strings.Cut(rest, "\n----")
				f.Add(query)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := sql.ParseStatement(text, s.ParseOptions())
		if err != nil || len(text) > maxFuzzed || !isQuery(n) {
			return
		}
		if _, err := s.Explain(t.Context(), n, "extended"); err != nil {
			switch kind := errs.KindOf(err); kind {
			case errs.Internal, errs.Other:
				t.Errorf("%q: %v", text, err)
			default:
			}
		}
	})
}

// isQuery keeps statements with effects out, and files of the machine.
func isQuery(n plan.Node) bool {
	query := true
	plan.Walk(n, func(n plan.Node) bool {
		if _, ok := n.(plan.Command); ok {
			query = false
		}
		if t, ok := n.(*plan.Table); ok && len(t.Parts) > 1 {
			query = false
		}
		return query
	})
	return query
}
