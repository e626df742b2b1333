package analyze

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// Which subqueries need a domain, and that none keeps an outer reference that
// the optimiser does not know.
func TestHardSubqueries(t *testing.T) {
	for _, tc := range []struct {
		query string
		hard  bool
	}{
		{"SELECT * FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.a = t.a)", false},
		{"SELECT * FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.a > t.a ORDER BY c)", false},
		{"SELECT * FROM t WHERE a > (SELECT avg(c) FROM u WHERE u.a = t.a)", false},
		{"SELECT * FROM t WHERE a > (SELECT avg(c) FROM u WHERE u.a = t.a AND n = 1 OR u.a = t.a AND n = 2)", false},
		{"SELECT * FROM t WHERE a > (SELECT avg(c) FROM u WHERE u.a > t.a)", true},
		{"SELECT * FROM t WHERE a > (SELECT sum(x) FROM (SELECT count(*) AS x FROM u WHERE u.a = t.a))", true},
		{"SELECT * FROM t WHERE a = (SELECT n FROM u WHERE u.a = t.a ORDER BY c LIMIT 1)", true},
		{"SELECT * FROM t WHERE a IN (SELECT n FROM u WHERE u.a = t.a UNION ALL SELECT a FROM u)", true},
		{"SELECT t.a + (SELECT n + t.a FROM u LIMIT 1) FROM t", true},
		{"SELECT * FROM t WHERE a > (SELECT avg(c) FROM u WHERE u.a = t.a OR u.n = 1)", true},
		{"SELECT * FROM t JOIN u ON EXISTS (SELECT 1 FROM u v WHERE v.n <> t.a GROUP BY v.c HAVING max(v.n) > 4)", true},
		{"SELECT * FROM t WHERE EXISTS (SELECT t.a + 1 FROM u WHERE u.a = t.a)", false},
		{"SELECT * FROM t WHERE a NOT IN (SELECT t.a + 1 FROM u WHERE u.a = t.a)", true},
		{"SELECT * FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.a = t.a AND t.a IN (SELECT n FROM u))", true},
	} {
		n, err := framesWorld(t).run(tc.query)
		require.NoError(t, err, tc.query)
		shared := false
		plan.Walk(n, func(x plan.Node) bool {
			_, ok := x.(*plan.Shared)
			shared = shared || ok
			return true
		})
		require.Equal(t, tc.hard, shared, "%s\n%s", tc.query, plan.Tree(n))
	}
}

// A join's condition may have subqueries that read one side.
func TestJoinSubqueries(t *testing.T) {
	w := framesWorld(t)
	n, err := w.run("SELECT * FROM t LEFT JOIN u ON t.a = u.a AND EXISTS (SELECT 1 FROM u v WHERE v.n = u.n)")
	require.NoError(t, err)
	plan.Walk(n, func(x plan.Node) bool {
		if j, ok := x.(*plan.Join); ok {
			require.False(t, hasSubquery(j.Cond))
		}
		return true
	})
	_, err = w.run("SELECT * FROM t LEFT JOIN u ON EXISTS (SELECT 1 FROM u v WHERE v.n = u.n AND v.a = t.a)")
	require.True(t, hasClass(err, "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.UNSUPPORTED_CORRELATED_EXPRESSION_IN_JOIN_CONDITION"), "%v", err)
}

// A copy of a correlated plan refers to the same columns of its enclosing
// query, and a lateral join inside it can be taken apart.
func TestCorrelatedCopies(t *testing.T) {
	for _, query := range []string{
		"SELECT (WITH d AS (SELECT n FROM u WHERE u.a = t.a) SELECT count(*) FROM d x, d y) FROM t",
		"SELECT * FROM t WHERE EXISTS (SELECT 1 FROM (SELECT n FROM u WHERE u.a = t.a) v, LATERAL (SELECT max(c) FROM u WHERE u.n < v.n))",
		"SELECT * FROM t WHERE a IN (SELECT c FROM u WHERE u.a = t.a AND n < (SELECT max(v.n) FROM u v WHERE v.a < u.a))",
		"SELECT (SELECT count(n) FROM u JOIN (SELECT c AS k FROM u WHERE u.a = t.a) v WHERE k NOT IN (SELECT sum(c) FROM u w WHERE w.n = v.k OR w.n = u.n)) FROM t",
	} {
		n, err := framesWorld(t).run(query)
		require.NoError(t, err, query)
		plan.Walk(n, func(x plan.Node) bool {
			known := map[plan.ID]bool{}
			for _, c := range x.Children() {
				for _, o := range c.Output() {
					known[o.ID] = true
				}
			}
			for _, e := range x.Exprs() {
				plan.WalkExpr(e, func(y plan.Expr) bool {
					if s, ok := y.(*plan.Subquery); ok {
						for _, c := range freeColumns(s.Plan) {
							require.True(t, known[c.ID], "%s: %s of %s", query, c, plan.Tree(s.Plan))
						}
					}
					return true
				})
			}
			return true
		})
	}
}

// What makes a query recursive, and what its parts may be.
func TestRecursiveQueries(t *testing.T) {
	for _, tc := range []struct{ query, class string }{
		{"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r", ""},
		{"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL (WITH r AS (SELECT 1 AS n) SELECT n FROM r)) SELECT * FROM r", ""},
		{"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT a FROM t WHERE a IN (SELECT n FROM r)) SELECT * FROM r", ""},
		{"WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT n + 1 FROM r) SELECT * FROM r", "UNION_NOT_SUPPORTED_IN_RECURSIVE_CTE"},
		{"WITH RECURSIVE r(n) AS (SELECT n FROM r UNION ALL SELECT 1) SELECT * FROM r", "INVALID_RECURSIVE_CTE"},
		{"WITH RECURSIVE r(n) AS (WITH x AS (SELECT n FROM r) SELECT 1 UNION ALL SELECT n FROM x) SELECT * FROM r", "INVALID_RECURSIVE_CTE"},
		{"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1L FROM r) SELECT * FROM r", "CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE"},
		{"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n FROM t LEFT JOIN r ON a = n) SELECT * FROM r", "INVALID_RECURSIVE_REFERENCE.PLACE"},
		{"SELECT (WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + t.a FROM r) SELECT max(n) FROM r) FROM t", "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.ACCESSING_OUTER_QUERY_COLUMN_IS_NOT_ALLOWED"},
	} {
		_, err := framesWorld(t).run(tc.query)
		if tc.class == "" {
			require.NoError(t, err, tc.query)
			continue
		}
		require.True(t, hasClass(err, tc.class), "%s: %v", tc.query, err)
	}
}

// No outer reference is left of a lateral join.
func TestLateral(t *testing.T) {
	for _, query := range []string{
		"SELECT * FROM t, LATERAL (SELECT t.a + 1 AS x)",
		"SELECT * FROM t, LATERAL (SELECT c FROM u WHERE u.a = t.a ORDER BY c LIMIT 2)",
		"SELECT * FROM t LEFT JOIN LATERAL (SELECT count(*) AS k, max(c) FROM u WHERE u.a = t.a) ON k > 0",
		"SELECT * FROM t, LATERAL (SELECT n FROM u WHERE u.a = t.a UNION SELECT n FROM u WHERE u.a = t.a + 1)",
		"SELECT * FROM t, LATERAL (SELECT n FROM u WHERE u.a = t.a LIMIT 1) x, LATERAL (SELECT x.n + c FROM u LIMIT 1) y",
		"SELECT * FROM t, LATERAL (SELECT v.n FROM u LEFT JOIN u v ON v.n = t.a)",
		"SELECT * FROM t, LATERAL (SELECT n, sum(c) OVER (ORDER BY n) FROM u WHERE u.a = t.a) l, LATERAL (SELECT l.n + t.a AS z)",
		"SELECT * FROM t, LATERAL (WITH d AS (SELECT n FROM u WHERE u.a = t.a) SELECT x.n FROM d x, d y)",
		"SELECT * FROM t, LATERAL (SELECT v.n FROM u RIGHT JOIN u v ON v.n = t.a)",
		"SELECT * FROM t, LATERAL (SELECT v.n FROM u FULL JOIN (SELECT n FROM u WHERE a > t.a) v ON v.n = u.n)",
	} {
		n, err := framesWorld(t).run(query)
		require.NoError(t, err, query)
		width := map[int64]int{}
		plan.Walk(n, func(x plan.Node) bool {
			if s, ok := x.(*plan.Shared); ok {
				require.Len(t, s.Child.Output(), len(s.Columns))
				require.Contains(t, []int{0, len(s.Columns)}, width[s.ID], "one number, two plans:\n%s", plan.Tree(n))
				width[s.ID] = len(s.Columns)
			}
			require.False(t, correlatedExprs(x.Exprs()...), "%s\n%s", query, plan.Tree(n))
			if j, ok := x.(*plan.Join); ok {
				require.False(t, j.Lateral)
			}
			return true
		})
	}
}
