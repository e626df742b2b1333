package analyze

import (
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// TestStories runs testdata: `table` defines tables, `analyze` prints the
// resolved plan of a statement and its schema, or the error.
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		w := newWorld()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "table":
				for line := range strings.SplitSeq(strings.TrimSpace(d.Input), "\n") {
					name, ddl, _ := strings.Cut(line, " ")
					require.NoError(t, w.addTable(name, ddl))
				}
				return ""
			case "ansi":
				w.env.Ansi = d.Input == "on"
				return ""
			case "analyze":
				n, err := w.run(d.Input)
				if err != nil {
					return describe(err)
				}
				return normalized(plan.Tree(n))
			case "schema":
				n, err := w.run(d.Input)
				if err != nil {
					return describe(err)
				}
				return plan.SchemaOf(n).Tree(0)
			}
			t.Fatalf("no command %s", d.Cmd)
			return ""
		})
	})
}
