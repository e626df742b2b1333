package optimize

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/analyze"
	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// story is a session in miniature: tables with invented statistics.
type story struct {
	tables map[string]*table
	cfg    Config
}

type table struct {
	name   string
	schema types.Schema
	stats  catalog.Stats
}

func (t *table) Name() string          { return t.name }
func (t *table) Schema() types.Schema  { return t.schema }
func (t *table) Files() []string       { return nil }
func (t *table) PartitionColumns() int { return 0 }
func (t *table) Splits(context.Context, catalog.ScanRequest) ([]format.Split, error) {
	return nil, nil
}
func (t *table) Stats(context.Context) (catalog.Stats, error) { return t.stats, nil }

func newStory() *story {
	env := &function.Env{Ansi: true, ZoneID: "UTC", Zone: time.UTC, Now: time.Unix(0, 0)}
	return &story{tables: map[string]*table{}, cfg: Config{Registry: function.Standard(), Env: env, NextID: analyze.Counter()}}
}

func (s *story) Relation(_ context.Context, parts []string, _ map[string]string) (*catalog.Relation, error) {
	if t := s.tables[parts[len(parts)-1]]; t != nil {
		return &catalog.Relation{Name: parts, Source: t}, nil
	}
	return nil, nil
}

func (s *story) Source(context.Context, *plan.DataSource) (plan.Source, error) {
	return nil, errs.Errorf(errs.NotFound, "test", "no files here")
}

func (s *story) SearchPath() []string { return []string{"spark_catalog", "default"} }

// table reads lines of: name type [lo..hi] [distinct=n].
func (s *story) table(t *testing.T, name string, rows int64, lines string) {
	tab := &table{name: name, stats: catalog.Stats{Rows: rows}}
	for line := range strings.SplitSeq(strings.TrimSpace(lines), "\n") {
		words := strings.Fields(line)
		schema, err := sql.ParseSchema(words[0] + " " + words[1])
		require.NoError(t, err)
		tab.schema.Fields = append(tab.schema.Fields, schema.Fields[0])
		var c format.ColumnStats
		for _, w := range words[2:] {
			if lo, hi, ok := strings.Cut(w, ".."); ok {
				l, err := strconv.Atoi(lo)
				require.NoError(t, err)
				h, err := strconv.Atoi(hi)
				require.NoError(t, err)
				c.Min, c.Max = int32(l), int32(h)
			}
			if n, ok := strings.CutPrefix(w, "distinct="); ok {
				c.Distinct, err = strconv.ParseInt(n, 10, 64)
				require.NoError(t, err)
			}
		}
		tab.stats.Columns = append(tab.stats.Columns, c)
	}
	s.tables[name] = tab
}

func (s *story) analyze(text string) (plan.Node, error) {
	n, err := sql.ParseStatement(text, sql.Options{Ansi: true, Zone: time.UTC})
	if err != nil {
		return nil, err
	}
	s.cfg.NextID = analyze.Counter()
	a := analyze.New(analyze.Config{
		Registry: s.cfg.Registry, Catalog: s, Env: s.cfg.Env, NextID: s.cfg.NextID,
		Parser: analyze.SQL{Options: sql.Options{Ansi: true, Zone: time.UTC}},
	})
	return a.Analyze(context.Background(), n)
}

// rules are the standard ones up to and with the last of the given name; all if empty.
func (s *story) rules(t *testing.T, name string) []Rule {
	all := standardRules(s.cfg)
	if name == "" {
		return all
	}
	for i, r := range all {
		if r.Name() == name {
			return all[:i+1]
		}
	}
	t.Fatalf("no rule %s", name)
	return nil
}

func (s *story) optimize(t *testing.T, text, upTo string, only bool) (plan.Node, error) {
	n, err := s.analyze(text)
	if err != nil {
		return nil, err
	}
	rules := s.rules(t, upTo)
	if only {
		rules = rules[len(rules)-1:]
	}
	want := plan.SchemaOf(n)
	out, err := (&Optimizer{cfg: s.cfg, rules: rules}).Optimize(context.Background(), n)
	if err == nil {
		require.Equal(t, want.Types(), plan.SchemaOf(out).Types(), "the output's types changed")
	}
	return out, err
}

// expr shows an expression over table t after Simplify.
func (s *story) expr(t *testing.T, text string) string {
	n, err := s.optimize(t, "select "+text+" as x from t", "Simplify", true)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	return ids.ReplaceAllString(n.(*plan.Project).List[0].(*plan.Alias).Child.String(), "") + "\n"
}

var ids = regexp.MustCompile(`#\d+`)

func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := newStory()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "table":
				var rows int64 = -1
				d.MaybeScanArgs(t, "rows", &rows)
				s.table(t, d.CmdArgs[0].Key, rows, d.Input)
				return ""
			case "expr":
				out := ""
				for line := range strings.SplitSeq(d.Input, "\n") {
					out += s.expr(t, line)
				}
				return out
			case "rows":
				n, err := s.optimize(t, d.Input, "", false)
				require.NoError(t, err)
				return fmt.Sprintln(NewEstimator(context.Background()).Rows(n))
			case "plan":
				var rule string
				d.MaybeScanArgs(t, "rule", &rule)
				n, err := s.optimize(t, d.Input, rule, d.HasArg("only"))
				if err != nil {
					return "error: " + err.Error() + "\n"
				}
				return plan.Tree(n)
			}
			t.Fatalf("no directive %s", d.Cmd)
			return ""
		})
	})
}
