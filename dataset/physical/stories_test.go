package physical_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/analyze"
	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/optimize"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// table has columns k (one for each row), g (few values) and s, and a split for
// each 1,000 rows.
type table struct {
	name string
	rows int64
}

var columns = types.NewSchema(types.F("k", types.Int), types.F("g", types.Int), types.F("s", types.String))

func (t table) Name() string          { return t.name }
func (t table) Schema() types.Schema  { return columns }
func (t table) Files() []string       { return nil }
func (t table) PartitionColumns() int { return 0 }
func (t table) Splits(context.Context, catalog.ScanRequest) ([]format.Split, error) {
	return make([]format.Split, max(1, t.rows/1000)), nil
}

func (t table) Stats(context.Context) (catalog.Stats, error) {
	return catalog.Stats{Rows: t.rows, Columns: []format.ColumnStats{{Distinct: t.rows}, {Distinct: 10}, {Distinct: t.rows}}}, nil
}

// tables are named by their rows: t100 has 100.
type tables struct{}

func (tables) Relation(_ context.Context, parts []string, _ map[string]string) (*catalog.Relation, error) {
	t := table{name: parts[len(parts)-1]}
	if _, err := fmt.Sscanf(t.name, "t%d", &t.rows); err != nil {
		return nil, err
	}
	return &catalog.Relation{Name: parts, Source: t}, nil
}

func (tables) Source(context.Context, *plan.DataSource) (plan.Source, error) {
	return nil, errs.Errorf(errs.NotFound, "test", "no files here")
}

func (tables) SearchPath() []string { return []string{"spark_catalog", "default"} }

func planned(text string) (physical.Node, error) {
	ctx := context.Background()
	options := sql.Options{Ansi: true, Zone: time.UTC}
	n, err := sql.ParseStatement(text, options)
	if err != nil {
		return nil, err
	}
	reg, ids := function.Standard(), analyze.Counter()
	env := &function.Env{Ansi: true, ZoneID: "UTC", Zone: time.UTC, Now: time.Unix(0, 0)}
	a := analyze.New(analyze.Config{Registry: reg, Catalog: tables{}, Env: env, NextID: ids, Parser: analyze.SQL{Options: options}})
	if n, err = a.Analyze(ctx, n); err != nil {
		return nil, err
	}
	if n, err = optimize.New(optimize.Config{Registry: reg, Env: env, NextID: ids}).Optimize(ctx, n); err != nil {
		return nil, err
	}
	p := &physical.Planner{Registry: reg, Estimate: optimize.NewEstimator(ctx)}
	return p.Plan(ctx, n)
}

func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			n, err := planned(d.Input)
			if err != nil {
				return "error: " + err.Error() + "\n"
			}
			if d.Cmd == "plan" {
				return physical.Tree(n)
			}
			require.Equal(t, "stages", d.Cmd)
			out := ""
			for _, st := range physical.Cut(n, 3) {
				out += fmt.Sprintf("stage %d: %d tasks, exchange %d to %d\n%s", st.ID, st.Tasks, st.Output.Kind, st.Output.Parts, physical.Tree(st.Root))
			}
			return out
		})
	})
}
