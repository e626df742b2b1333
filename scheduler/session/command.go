package session

import (
	"context"
	"errors"
	"sort"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// do runs a statement with effects and returns what it shows.
func (q *query) do(ctx context.Context, c plan.Command) (*Result, error) {
	switch c := c.(type) {
	case *plan.SetConf:
		return q.setConf(c)
	case *plan.ResetConf:
		return q.resetConf(c)
	case *plan.CreateView:
		return q.createView(ctx, c)
	case *plan.Write:
		return q.write(ctx, c)
	case *plan.Explain:
		text, err := q.explain(ctx, c.Child, c.Mode)
		if err != nil {
			return nil, err
		}
		return rowsResult(types.NewSchema(types.F("plan", types.String)), [][]any{{text}}), nil
	case *plan.Show:
		return q.showCommand(ctx, c)
	case *plan.DescribeRelation:
		return q.describe(ctx, c)
	case *plan.CatalogCall:
		return q.catalogCall(ctx, c)
	case *plan.CacheTable:
		return q.cacheTable(ctx, c)
	}
	return q.define(ctx, c)
}

// define runs the statements that only change the catalog.
func (q *query) define(ctx context.Context, c plan.Command) (*Result, error) {
	cat := q.s.catalog
	switch c := c.(type) {
	case *plan.CreateTable:
		return nothing(), q.own(q.createTable(ctx, c))
	case *plan.DropRelation:
		return nothing(), q.own(q.dropRelation(ctx, c))
	case *plan.Use:
		if c.Catalog {
			return nothing(), useCatalog(last(c.Name))
		}
		return nothing(), q.s.useDatabase(ctx, last(c.Name))
	case *plan.Namespace:
		if c.Drop {
			return nothing(), q.own(cat.DropDatabase(ctx, last(c.Name), c.IfExists, c.Cascade))
		}
		d := catalog.Database{Name: last(c.Name), Comment: c.Comment, Location: c.Location, Properties: c.Properties}
		return nothing(), q.own(cat.CreateDatabase(ctx, d, c.IfExists))
	case *plan.UncacheTable:
		return nothing(), q.uncacheTable(ctx, c.Name, c.IfExists)
	case *plan.ClearCache:
		q.s.storage.clear()
		return nothing(), nil
	case *plan.Refresh:
		return nothing(), q.refresh(ctx, c)
	case *plan.DeclareVariable:
		return nothing(), q.declareVariable(ctx, c)
	case *plan.SetVariable:
		return nothing(), q.setVariable(ctx, c)
	case *plan.DropVariable:
		return nothing(), q.dropVariable(ctx, c)
	}
	return nil, errs.E(errs.NotSupported, "session.command", errs.Unsupported("the statement "+c.String()))
}

// nothing is the result of statements that show none.
func nothing() *Result { return rowsResult(types.Schema{Fields: []types.Field{}}, nil) }

func last(parts []string) string { return parts[len(parts)-1] }

func useCatalog(name string) error {
	if strings.EqualFold(name, catalog.SparkCatalog) {
		return nil
	}
	return errs.Cond(errs.Analysis, "CATALOG_NOT_FOUND", "42P08", "There is no catalog "+types.Quote(name)+".",
		"catalogName", types.Quote(name), "config", "spark.sql.catalog."+name)
}

var confSchema = types.NewSchema(types.Field{Name: "key", Type: types.String}, types.Field{Name: "value", Type: types.String})

func (q *query) setConf(c *plan.SetConf) (*Result, error) {
	conf := q.s.conf
	switch {
	case c.Value != nil:
		if err := q.notVariable(c.Key); err != nil {
			return nil, err
		}
		if err := conf.Set(c.Key, *c.Value); err != nil {
			return nil, err
		}
		return rowsResult(confSchema, [][]any{{c.Key, redacted(c.Key, *c.Value)}}), nil
	case c.Key == "":
		var rows [][]any
		for k, v := range conf.All() {
			rows = append(rows, []any{k, redacted(k, v)})
		}
		sort.Slice(rows, func(i, j int) bool { return rows[i][0].(string) < rows[j][0].(string) })
		return rowsResult(confSchema, rows), nil
	}
	v, ok := conf.Get(c.Key)
	if !ok {
		v = q.s.m.defaultOf(c.Key)
	}
	return rowsResult(confSchema, [][]any{{c.Key, redacted(c.Key, v)}}), nil
}

// defaultOf is what SET shows of a key that is not set.
func (m *Manager) defaultOf(key string) string {
	if key == keyZone {
		return m.cfg.ZoneID
	}
	if v, ok := m.cfg.Defaults[key]; ok {
		return v
	}
	return "<undefined>"
}

func (q *query) resetConf(c *plan.ResetConf) (*Result, error) {
	if c.Key != "" {
		return nothing(), q.s.conf.Unset(c.Key)
	}
	for k := range q.s.conf.All() {
		if err := q.s.conf.Unset(k); err != nil {
			return nil, err
		}
	}
	return nothing(), nil
}

// createView stores a view. A temporary view keeps its analysed plan, so that
// later changes of names in it do not matter; other views keep their text.
func (q *query) createView(ctx context.Context, c *plan.CreateView) (*Result, error) {
	v, err := q.view(ctx, c)
	if err != nil {
		return nil, err
	}
	if c.Global || c.Temp {
		return nothing(), q.defineTemp(ctx, c, v)
	}
	cat := q.s.catalog
	if c.IfNotExists {
		if old, err := cat.Table(ctx, c.Name); err != nil || old != nil {
			return nothing(), err
		}
	}
	m := catalog.TableMeta{ViewText: c.Text, ViewColumns: c.Columns, ViewMode: c.SchemaMode, Comment: c.Comment, Properties: c.Properties, SchemaText: v.Schema.DDL(), Created: q.env.Now, Owner: q.s.user}
	_, err = cat.CreateTable(ctx, c.Name, m, c.Replace)
	return nothing(), q.own(err)
}

// view analyses a view's query.
func (q *query) view(ctx context.Context, c *plan.CreateView) (*catalog.View, error) {
	resolved, err := q.analyzer.Analyze(ctx, c)
	if err != nil {
		return nil, err
	}
	child := resolved.(*plan.CreateView).Child
	return &catalog.View{Name: c.Name, Text: c.Text, Columns: c.Columns, Comment: c.Comment, Plan: child, Resolved: true, Schema: plan.SchemaOf(child)}, nil
}

func (q *query) createTable(ctx context.Context, c *plan.CreateTable) error {
	cat := q.s.catalog
	if c.IfNotExists {
		if old, err := cat.Table(ctx, c.Name); err != nil || old != nil {
			return err
		}
	}
	m := catalog.TableMeta{
		Format: q.formatOf(c.Format), SchemaText: c.SchemaText, PartitionBy: c.PartitionBy, Path: c.Path, External: c.Path != "",
		Options: c.Options, Properties: c.Properties, Comment: c.Comment, Created: q.env.Now, Owner: q.s.user,
	}
	_, err := cat.CreateTable(ctx, c.Name, m, c.Replace)
	return err
}

func (q *query) formatOf(name string) string {
	if name == "" {
		name = q.s.conf.text(keyDefaultFormat, "parquet")
	}
	return strings.ToLower(name)
}

func (q *query) dropRelation(ctx context.Context, c *plan.DropRelation) error {
	cat := q.s.catalog
	global := len(c.Name) == 2 && strings.EqualFold(c.Name[0], catalog.GlobalTemp)
	if len(c.Name) == 1 || global {
		if dropped, err := q.dropTemp(ctx, last(c.Name), global); err != nil || dropped {
			return err
		}
	}
	return cat.DropTable(ctx, c.Name, c.View, c.IfExists)
}

// cacheTable persists a table or view by name, or a query under a name.
func (q *query) cacheTable(ctx context.Context, c *plan.CacheTable) (*Result, error) {
	if c.Child != nil {
		view := &plan.CreateView{Name: c.Name, Temp: true, Child: c.Child}
		if _, err := q.createView(ctx, view); err != nil {
			return nil, err
		}
	}
	n := &plan.Table{Parts: c.Name}
	if err := q.s.Persist(ctx, n, Level{Disk: true, Memory: true, Deserialized: true, Replication: 1}); err != nil {
		return nil, err
	}
	if c.Lazy {
		return nothing(), nil
	}
	resolved, err := q.analyzer.Analyze(ctx, n)
	if err != nil {
		return nil, err
	}
	_, err = q.useCached(ctx, resolved)
	return nothing(), err
}

func (q *query) uncacheTable(ctx context.Context, name []string, ifExists bool) error {
	err := q.s.Unpersist(ctx, &plan.Table{Parts: name})
	if c, ok := errors.AsType[*errs.Condition](err); ok && ifExists && c.Class == "TABLE_OR_VIEW_NOT_FOUND" {
		return nil
	}
	return err
}

// refresh forgets persisted rows of a table: files are listed for every query anyway.
func (q *query) refresh(ctx context.Context, c *plan.Refresh) error {
	if len(c.Table) == 0 {
		return nil
	}
	level, err := q.s.Level(ctx, &plan.Table{Parts: c.Table})
	if err != nil || level == (Level{}) {
		return err
	}
	if err := q.s.Unpersist(ctx, &plan.Table{Parts: c.Table}); err != nil {
		return err
	}
	return q.s.Persist(ctx, &plan.Table{Parts: c.Table}, level)
}
