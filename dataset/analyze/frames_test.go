package analyze

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// tag marks a relation as a client's data frame.
func tag(id int64, n plan.Node) plan.Node { return &plan.Tagged{PlanID: id, Child: n} }

func attr(id int64, parts ...string) *plan.Attr { return &plan.Attr{Parts: parts, PlanID: id} }

func (w *world) frame(t *testing.T, n plan.Node) (plan.Node, error) {
	t.Helper()
	return w.analyzer().Analyze(t.Context(), n)
}

func framesWorld(t *testing.T) *world {
	w := newWorld()
	require.NoError(t, w.addTable("t", "a INT, b STRING"))
	require.NoError(t, w.addTable("u", "a INT, c DOUBLE, n INT NOT NULL"))
	return w
}

func read(name string) plan.Node { return &plan.Table{Parts: []string{name}} }

func TestPlanIDs(t *testing.T) {
	df := tag(1, read("t"))
	other := tag(2, read("u"))
	join := func(l, r plan.Node, cond plan.Expr) plan.Node {
		return tag(9, &plan.Join{Type: plan.JoinInner, Left: l, Right: r, Cond: cond})
	}
	eq := func(a, b plan.Expr) plan.Expr { return plan.Fn("==", a, b) }
	for _, tc := range []struct {
		name string
		plan plan.Node
		want string // columns, or an error class
	}{
		{"two frames", &plan.Project{List: []plan.Expr{attr(1, "a"), attr(2, "a")}, Child: join(df, other, eq(attr(1, "a"), attr(2, "a")))}, "a,a"},
		{"self-join is ambiguous", join(df, df, eq(attr(1, "a"), attr(1, "a"))), "AMBIGUOUS_COLUMN_REFERENCE"},
		{
			"derived side is told apart",
			join(df, tag(3, &plan.Project{List: []plan.Expr{&plan.Alias{Child: attr(1, "a"), Name: "x"}}, Child: df}), eq(attr(1, "a"), attr(3, "x"))), "a,b,x",
		},
		{
			"the shallower side wins",
			join(df, tag(3, &plan.Filter{Cond: plan.Fn(">", attr(1, "a"), plan.LitInt(1)), Child: df}), eq(attr(1, "a"), attr(3, "a"))), "a,b,a,b",
		},
		{"not an input", &plan.Project{List: []plan.Expr{attr(2, "a")}, Child: df}, "CANNOT_RESOLVE_DATAFRAME_COLUMN"},
		{"no such column", &plan.Project{List: []plan.Expr{attr(1, "zz")}, Child: df}, "UNRESOLVED_COLUMN.WITH_SUGGESTION"},
		{
			"filter over a column that select dropped",
			&plan.Filter{Cond: eq(attr(1, "b"), plan.LitString("x")), Child: tag(3, &plan.Project{List: []plan.Expr{attr(1, "a")}, Child: df})}, "a",
		},
		{
			"sort below two selects",
			&plan.Sort{Global: true, Orders: []plan.SortOrder{{Child: attr(1, "b")}}, Child: tag(4, &plan.Project{
				List: []plan.Expr{attr(0, "a")}, Child: tag(3, &plan.Project{List: []plan.Expr{attr(1, "a")}, Child: df}),
			})}, "a",
		},
		{"columns by pattern", &plan.Project{List: []plan.Expr{&plan.RegexColumns{Pattern: "`(A)?+.+`", PlanID: 2}}, Child: other}, "c,n"},
		{"star of a frame", &plan.Project{List: []plan.Expr{&plan.Star{PlanID: 2}}, Child: join(df, other, nil)}, "a,c,n"},
		{"using", &plan.Join{Type: plan.JoinLeft, Left: df, Right: other, Using: []string{"a"}}, "a,b,c,n"},
		{"union has columns of its own", &plan.Filter{Cond: eq(attr(1, "a"), plan.LitInt(1)), Child: tag(5, &plan.SetOp{All: true, Left: df, Right: df})}, "CANNOT_RESOLVE_DATAFRAME_COLUMN"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n, err := framesWorld(t).frame(t, tc.plan)
			if err != nil {
				require.True(t, hasClass(err, tc.want), "%v", err)
				return
			}
			require.Equal(t, tc.want, namesOf(n))
		})
	}
}

func namesOf(n plan.Node) string {
	s := ""
	for i, c := range n.Output() {
		if i > 0 {
			s += ","
		}
		s += c.Name
	}
	return s
}

func TestFrameOperations(t *testing.T) {
	df := func() plan.Node { return tag(1, read("u")) }
	lit := plan.LitInt
	for _, tc := range []struct {
		name string
		plan plan.Node
		want string // schema, or an error class
	}{
		{"withColumns", &plan.WithColumns{List: []plan.Expr{&plan.Alias{Child: lit(1), Name: "A"}, &plan.Alias{Child: attr(1, "c"), Name: "z"}}, Child: df()}, "A INT NOT NULL,c DOUBLE,n INT NOT NULL,z DOUBLE"},
		{"withColumns twice", &plan.WithColumns{List: []plan.Expr{&plan.Alias{Child: lit(1), Name: "x"}, &plan.Alias{Child: lit(1), Name: "X"}}, Child: df()}, "COLUMN_ALREADY_EXISTS"},
		{"rename", &plan.RenameColumns{From: []string{"C", "q"}, To: []string{"d", "r"}, Child: df()}, "a INT,d DOUBLE,n INT NOT NULL"},
		{"drop", &plan.DropColumns{Names: []string{"A", "zz"}, Columns: []plan.Expr{attr(1, "n"), attr(0, "nope")}, Child: df()}, "c DOUBLE"},
		{"toDF", &plan.RenameAll{Names: []string{"x", "y", "z"}, Child: df()}, "x INT,y DOUBLE,z INT NOT NULL"},
		{"toDF of other length", &plan.RenameAll{Names: []string{"x"}, Child: df()}, "ASSIGNMENT_ARITY_MISMATCH"},
		{"to", &plan.ToSchema{Schema: types.NewSchema(types.F("n", types.Long), types.F("new", types.String)), Child: df()}, "n BIGINT NOT NULL,new STRING"},
		{"to not null", &plan.ToSchema{Schema: types.NewSchema(types.Field{Name: "a", Type: types.Int}), Child: df()}, "NULLABLE_COLUMN_OR_FIELD"},
		{"fillna", &plan.FillNulls{Values: []*plan.Literal{lit(0)}, Child: df()}, "a INT NOT NULL,c DOUBLE NOT NULL,n INT NOT NULL"},
		{"fillna absent", &plan.FillNulls{Columns: []string{"q"}, Values: []*plan.Literal{lit(0)}, Child: df()}, "UNRESOLVED_COLUMN.WITH_SUGGESTION"},
		{"dropna", &plan.DropNulls{MinNonNull: 2, Child: df()}, "a INT,c DOUBLE,n INT NOT NULL"},
		{"replace", &plan.ReplaceValues{Old: []*plan.Literal{lit(1)}, New: []*plan.Literal{lit(2)}, Child: df()}, "a INT,c DOUBLE,n INT NOT NULL"},
		{"dropDuplicates", &plan.Deduplicate{Columns: []string{"a"}, Child: df()}, "a INT,c DOUBLE,n INT"},
		{"describe", &plan.Describe{Child: df()}, "summary STRING,a STRING,c STRING,n STRING"},
		{"summary", &plan.Summary{Statistics: []string{"count", "33%"}, Child: df()}, "summary STRING,a STRING,c STRING,n STRING"},
		{"corr", &plan.Stat{Name: "corr", Columns: []string{"a", "c"}, Child: df()}, "corr DOUBLE NOT NULL"},
		{"quantiles", &plan.Stat{Name: "approxQuantile", Columns: []string{"a"}, Probabilities: []float64{0.5}, Child: df()}, "approx_quantile ARRAY<ARRAY<DOUBLE>> NOT NULL"},
		{"unpivot", &plan.Unpivot{IDs: []plan.Expr{attr(1, "n")}, VariableName: "k", ValueNames: []string{"v"}, Child: df()}, "n INT NOT NULL,k STRING NOT NULL,v DOUBLE"},
		{"groupBy keys first", &plan.Aggregate{GroupBy: []plan.Expr{attr(1, "a")}, List: []plan.Expr{plan.Fn("sum", attr(1, "n"))}, ImplicitKeys: true, Child: df()}, "a INT,`sum(n)` BIGINT"},
		{"tail", &plan.Tail{N: lit(3), Child: df()}, "a INT,c DOUBLE,n INT NOT NULL"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n, err := framesWorld(t).frame(t, tc.plan)
			if err != nil {
				require.True(t, hasClass(err, tc.want), "%v", err)
				return
			}
			require.Equal(t, tc.want, plan.SchemaOf(n).DDL())
		})
	}
}

// Data-dependent operations ask for rows through the callback.
func TestRowsCallback(t *testing.T) {
	w := framesWorld(t)
	cfg := w.analyzer().Config
	var ran plan.Node
	cfg.Rows = func(_ context.Context, n plan.Node, _ int) ([][]any, error) {
		ran = n
		return [][]any{{"x"}, {nil}}, nil
	}
	p := &plan.Pivot{GroupBy: []plan.Expr{attr(1, "a")}, Column: []plan.Expr{attr(1, "b")}, Aggs: []plan.Expr{plan.Fn("count", plan.LitInt(1))}, Child: tag(1, read("t"))}
	n, err := New(cfg).Analyze(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, "a INT,x BIGINT,null BIGINT", plan.SchemaOf(n).DDL())
	require.Equal(t, "Sort [v0#1 ASC NULLS FIRST], true\n+- Distinct\n   +- Project [b#2 AS v0#1]\n      +- Scan t [a#3, b#2]\n", normalized(plan.Tree(ran)))
}

// A nesting beyond the limit is an error, not a crash.
func TestDepth(t *testing.T) {
	w := framesWorld(t)
	var e plan.Expr = plan.LitInt(1)
	for range 10 * plan.MaxDepth {
		e = plan.Fn("+", e, plan.LitInt(1))
	}
	_, err := w.frame(t, &plan.Project{List: []plan.Expr{e}, Child: read("t")})
	require.True(t, hasClass(err, "FAILED_TO_PARSE_TOO_COMPLEX"), "%v", err)
	n := read("t")
	for range 10 * plan.MaxDepth {
		n = tag(1, n)
	}
	_, err = w.frame(t, n)
	require.True(t, hasClass(err, "FAILED_TO_PARSE_TOO_COMPLEX"), "%v", err)
}

func TestViews(t *testing.T) {
	w := framesWorld(t)
	_, err := w.run("CREATE TEMPORARY VIEW v(x, y) AS SELECT a, b FROM t WHERE a > 1")
	require.NoError(t, err)
	n, err := w.run("SELECT l.x, r.y FROM v l JOIN v r ON l.x = r.x")
	require.NoError(t, err)
	seen := map[plan.ID]bool{}
	plan.Walk(n, func(x plan.Node) bool {
		if s, ok := x.(*plan.Scan); ok {
			for _, c := range s.Columns {
				require.False(t, seen[c.ID], "each use of a view has columns of its own")
				seen[c.ID] = true
			}
		}
		return true
	})
	require.Len(t, seen, 4)
}
