package sql

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// TestLimits: texts that nest or run on must end with a typed error, never
// with the end of the stack.
func TestLimits(t *testing.T) {
	const many = 200_000
	r := strings.Repeat
	for name, text := range map[string]string{
		"parentheses":      "SELECT " + r("(", many) + "1" + r(")", many),
		"open parentheses": "SELECT " + r("(", many),
		"subqueries":       r("SELECT * FROM (", many) + "SELECT 1" + r(")", many),
		"query parens":     r("(", many) + "SELECT 1" + r(")", many),
		"not":              "SELECT " + r("NOT ", many) + "a",
		"minus":            "SELECT " + r("- ", many) + "a",
		"brackets":         "SELECT " + r("a[", many) + "1" + r("]", many),
		"indexes":          "SELECT a" + r("[1]", many),
		"casts":            "SELECT a" + r("::int", many),
		"case":             "SELECT " + r("CASE WHEN ", many),
		"calls":            "SELECT " + r("f(", many) + r(")", many),
		"plus":             "SELECT 1" + r("+1", many),
		"unions":           "SELECT 1" + r(" UNION SELECT 1", many),
		"joins":            "SELECT 1 FROM t" + r(" JOIN t", many),
		"commas":           "SELECT 1 FROM t" + r(", t", many),
		"pipes":            "FROM t" + r(" |> WHERE a", many),
		"views":            "SELECT 1 FROM t" + r(" LATERAL VIEW e(a) x AS y", many),
		"lambdas":          "SELECT f(" + r("x -> ", many) + "1)",
		"with":             r("WITH a AS (", many) + "SELECT 1" + r(")", many),
		"explain":          r("EXPLAIN ", many) + "SELECT 1",
		"types":            "SELECT CAST(a AS " + r("ARRAY<", many) + "INT" + r(">", many) + ")",
		"set values":       "FROM t |> SET a = 1" + r(", a = 1", many),
		"rollup":           "SELECT 1 FROM t GROUP BY ROLLUP(a" + r(", a", many) + "), b",
		"cube":             "SELECT 1 FROM t GROUP BY CUBE(a" + r(", a", 40) + ")",
		"tokens":           "SELECT 1" + r(",1", MaxTokens),
		"text":             r(" ", MaxText) + "SELECT 1",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseStatement(text, Options{})
			c, ok := errors.AsType[*errs.Condition](err)
			require.True(t, ok, "%v", err)
			require.Contains(t, []string{"FAILED_TO_PARSE_TOO_COMPLEX", "GROUPING_SIZE_LIMIT_EXCEEDED", "PARSE_SYNTAX_ERROR"}, c.Class)
		})
	}
}

// TestGenerated: what programs write must pass: long conditions, lists and unions.
func TestGenerated(t *testing.T) {
	r := strings.Repeat
	for name, text := range map[string]string{
		"or":     "SELECT * FROM t WHERE a = 0" + r(" OR a = 1", 50_000),
		"and":    "SELECT * FROM t WHERE a = 0" + r(" AND a < 1", 50_000),
		"in":     "SELECT * FROM t WHERE a IN (0" + r(", 1", 200_000) + ")",
		"values": "INSERT INTO t VALUES (1, 'a', 2.5)" + r(", (1, 'a', 2.5)", 50_000),
		"case":   "SELECT CASE" + r(" WHEN a = 1 THEN 2", 20_000) + " END",
		"unions": "SELECT 1" + r(" UNION ALL SELECT 1", 2000),
		"sum":    "SELECT a" + r(" + a", 4000),
		"nested": "SELECT " + r("(", 300) + "1" + r(")", 300),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseStatement(text, Options{})
			require.NoError(t, err)
		})
	}
}

// TestOrigins: every reference knows its place, also behind multi-byte text.
func TestOrigins(t *testing.T) {
	text := "SELECT 'ü€😀', `colä`\n  , f(x) -- é\n, y.z FROM tab"
	n, err := ParseStatement(text, Options{})
	require.NoError(t, err)
	type place struct {
		line, pos int
		text      string
	}
	var got []place
	p := n.(*plan.Project)
	for _, e := range p.List {
		switch e := e.(type) {
		case *plan.Attr:
			got = append(got, place{e.At.Line, e.At.Pos, e.At.Snippet()})
		case *plan.Func:
			got = append(got, place{e.At.Line, e.At.Pos, e.At.Snippet()})
		}
	}
	tab := p.Child.(*plan.Table)
	got = append(got, place{tab.At.Line, tab.At.Pos, tab.At.Snippet()})
	require.Equal(t, []place{{1, 14, "`colä`"}, {2, 4, "f(x)"}, {3, 2, "y.z"}, {3, 11, "tab"}}, got)
}
