package analyze

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

func TestTPC(t *testing.T) {
	dir := os.Getenv("SPURWHEEL_TPC_TEXTS")
	if dir == "" {
		t.Skip("SPURWHEEL_TPC_TEXTS names no folder of query texts")
	}
	for _, family := range []string{"tpch", "tpcds"} {
		w := newWorld()
		schema, err := os.ReadFile(filepath.Join(dir, family+".schema"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(strings.TrimSpace(string(schema)), "\n") {
			name, ddl, _ := strings.Cut(line, " ")
			if err := w.addTable(name, ddl); err != nil {
				t.Fatal(err)
			}
		}
		files, _ := filepath.Glob(filepath.Join(dir, family+"*.sql"))
		for _, f := range files {
			t.Run(filepath.Base(f), func(t *testing.T) {
				text, _ := os.ReadFile(f)
				n, err := w.run(string(text))
				if err != nil {
					t.Fatal(describe(err))
				}
				if os.Getenv("SHOW") != "" {
					t.Log("\n" + normalized(plan.Tree(n)))
				}
			})
		}
	}
}
