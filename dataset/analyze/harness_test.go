package analyze

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// world is a session in miniature: tables of given schemas and views by text.
type world struct {
	tables map[string]catalog.Table
	views  map[string]*catalog.View
	env    *function.Env
	next   func() plan.ID
}

func newWorld() *world {
	return &world{
		tables: map[string]catalog.Table{}, views: map[string]*catalog.View{}, next: Counter(),
		env: &function.Env{Ansi: true, ZoneID: "UTC", Zone: time.UTC, Now: time.Unix(0, 0), Catalog: "spark_catalog", Database: "default"},
	}
}

// table is a source that has a schema only.
type table struct {
	name   string
	schema types.Schema
}

func (t table) Name() string         { return t.name }
func (t table) Schema() types.Schema { return t.schema }
func (t table) Splits(context.Context, catalog.ScanRequest) ([]format.Split, error) {
	return nil, nil
}
func (t table) Stats(context.Context) (catalog.Stats, error) { return catalog.Stats{Rows: -1}, nil }
func (t table) Files() []string                              { return nil }
func (t table) PartitionColumns() int                        { return 0 }

func (w *world) Relation(_ context.Context, parts []string, _ map[string]string) (*catalog.Relation, error) {
	name := strings.ToLower(parts[len(parts)-1])
	if v := w.views[name]; v != nil && len(parts) == 1 {
		return &catalog.Relation{Name: []string{name}, View: v}, nil
	}
	if t := w.tables[name]; t != nil {
		return &catalog.Relation{Name: []string{"spark_catalog", "default", name}, Source: t}, nil
	}
	return nil, nil
}

func (w *world) Source(_ context.Context, ds *plan.DataSource) (plan.Source, error) {
	return nil, errs.Errorf(errs.NotFound, "test", "no %s", ds.Format)
}

func (w *world) SearchPath() []string { return []string{"spark_catalog", "default"} }

func (w *world) addTable(name, ddl string) error {
	s, err := sql.ParseSchema(ddl)
	w.tables[name] = table{name, s}
	return err
}

func (w *world) analyzer() *Analyzer {
	return New(Config{
		Registry: function.Standard(), Catalog: w, Env: w.env, NextID: w.next,
		Parser: SQL{sql.Options{Ansi: w.env.Ansi, Zone: w.env.Zone}},
	})
}

// run analyses a statement; views are kept.
func (w *world) run(text string) (plan.Node, error) {
	n, err := sql.ParseStatement(text, sql.Options{Ansi: w.env.Ansi, Zone: w.env.Zone})
	if err != nil {
		return nil, err
	}
	out, err := w.analyzer().Analyze(context.Background(), n)
	if err != nil {
		return nil, err
	}
	if t, ok := out.(*plan.CreateTable); ok {
		if err := w.addTable(strings.ToLower(t.Name[len(t.Name)-1]), t.SchemaText); err != nil {
			return nil, err
		}
	}
	if d, ok := out.(*plan.DropRelation); ok {
		name := strings.ToLower(d.Name[len(d.Name)-1])
		delete(w.views, name)
		delete(w.tables, name)
	}
	if c, ok := out.(*plan.Write); ok && !c.Insert && len(c.Table) > 0 {
		name := strings.ToLower(c.Table[len(c.Table)-1])
		s := plan.SchemaOf(c.Child)
		for i := range s.Fields {
			s.Fields[i].Nullable = true
		}
		w.tables[name] = table{name, s}
	}
	if v, ok := out.(*plan.CreateView); ok {
		w.views[strings.ToLower(v.Name[len(v.Name)-1])] = &catalog.View{Columns: v.Columns, Plan: v.Child, Resolved: true}
	}
	return out, nil
}

var idPattern = regexp.MustCompile(`#\d+`)

// normalized numbers a tree's ids in order of appearance.
func normalized(tree string) string {
	ids := map[string]string{}
	return idPattern.ReplaceAllStringFunc(tree, func(s string) string {
		if ids[s] == "" {
			ids[s] = fmt.Sprintf("#%d", len(ids)+1)
		}
		return ids[s]
	})
}

// describe is a condition's class, state and parameters in one line each.
func describe(err error) string {
	c, ok := errors.AsType[*errs.Condition](err)
	if !ok {
		return "error: " + err.Error() + "\n"
	}
	out := fmt.Sprintf("%s %s\n", c.Class, c.State)
	var keys []string
	for k := range c.Params {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		out += fmt.Sprintf("  %s: %s\n", k, c.Params[k])
	}
	if !c.Origin.IsZero() {
		out += fmt.Sprintf("  at line %d pos %d: %s\n", c.Origin.Line, c.Origin.Pos, c.Origin.Snippet())
	}
	return out
}
