package sql

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// FuzzParse feeds texts to every entry. None may panic, and what parses must
// have sane origins and a bounded depth, which plan's recursive passes rely on.
func FuzzParse(f *testing.F) {
	paths, _ := filepath.Glob("testdata/stories/*.txt")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for block := range strings.SplitSeq(string(text), "\n\n") {
			if _, rest, ok := strings.Cut(block, "\n"); ok {
				input, _, _ := strings.Cut(rest, "\n----")
				f.Add(input)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		opts := []Options{{}, {ReservedKeywords: true, DoubleQuotedIdentifiers: true, LegacySetOps: true, LegacyIntervals: true, QuotedRegexColumns: true}}
		for _, opt := range opts {
			if n, err := ParseStatement(text, opt); err == nil {
				checkTree(t, n, text)
			}
			if e, err := ParseExpr(text, opt); err == nil {
				checkExpr(t, e, text)
			}
			_, _ = ParseStatements(text, opt)
		}
		_, _ = ParseSchema(text)
		_, _ = ParseTypeJSON(text)
		_, _ = ParseIdentifier(text)
		if typ, err := ParseType(text); err == nil {
			if back, err := ParseTypeJSON(TypeJSON(typ)); err != nil || !back.Same(typ) {
				t.Errorf("type %s comes back as %s, %v", typ, back, err)
			}
		}
	})
}

func checkTree(t *testing.T, n plan.Node, text string) {
	plan.Walk(n, func(n plan.Node) bool {
		for _, e := range n.Exprs() {
			checkExpr(t, e, text)
		}
		return true
	})
}

func checkExpr(t *testing.T, e plan.Expr, text string) {
	plan.WalkExpr(e, func(e plan.Expr) bool {
		switch e := e.(type) {
		case nil:
			t.Errorf("nil expression in %q", text)
		case *plan.Attr:
			if e.At == nil || e.At.Line < 1 || e.At.Snippet() == "" {
				t.Errorf("column %v without a place in %q", e.Parts, text)
			}
		case *plan.Func:
			if e.At == nil || e.At.Start >= e.At.Stop || e.At.Stop > len(text) {
				t.Errorf("call of %v without a place in %q", e.Name, text)
			}
		case *plan.Subquery:
			checkTree(t, e.Plan, text)
		}
		return true
	})
}
