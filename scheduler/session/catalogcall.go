package session

import (
	"context"
	"errors"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Schemas of spark.catalog's answers, as PySpark reads them.
var (
	databaseSchema = types.NewSchema(text("name"), types.F("catalog", types.String), types.F("description", types.String), text("locationUri"))
	tableSchema    = types.NewSchema(text("name"), types.F("catalog", types.String), types.F("namespace", types.Array(types.String, true)),
		types.F("description", types.String), text("tableType"), flag("isTemporary"))
	functionSchema = types.NewSchema(text("name"), types.F("catalog", types.String), types.F("namespace", types.Array(types.String, true)),
		types.F("description", types.String), text("className"), flag("isTemporary"))
	columnSchema = types.NewSchema(text("name"), types.F("description", types.String), text("dataType"),
		flag("nullable"), flag("isPartition"), flag("isBucket"), flag("isCluster"))
	catalogSchema = types.NewSchema(text("name"), types.F("description", types.String))
)

// catalogCall answers an operation of spark.catalog.
func (q *query) catalogCall(ctx context.Context, c *plan.CatalogCall) (*Result, error) {
	for _, f := range []func(context.Context, *plan.CatalogCall) (*Result, error){q.catalogNames, q.catalogLists, q.catalogTests, q.catalogChanges} {
		if r, err := f(ctx, c); r != nil || err != nil {
			return r, err
		}
	}
	return nil, errs.E(errs.NotSupported, "session.catalog", errs.Unsupported("spark.catalog."+c.Op))
}

func arg(c *plan.CatalogCall, name string) string {
	s, _ := c.Args[name].(string)
	return s
}

// relationArg reads a relation's name with the database beside it, if given.
func relationArg(c *plan.CatalogCall, name string) ([]string, error) {
	parts, err := sql.ParseIdentifier(arg(c, name))
	if err != nil {
		return nil, err
	}
	if db := arg(c, "dbName"); db != "" && len(parts) == 1 {
		parts = append(strings.Split(db, "."), parts...)
	}
	return parts, nil
}

func one(t types.Type, v any) *Result {
	return rowsResult(types.NewSchema(types.Field{Name: "value", Type: t}), [][]any{{v}})
}

func (q *query) catalogNames(ctx context.Context, c *plan.CatalogCall) (*Result, error) {
	cat := q.s.catalog
	switch c.Op {
	case "currentDatabase":
		return one(types.String, cat.CurrentDatabase()), nil
	case "currentCatalog":
		return one(types.String, catalog.SparkCatalog), nil
	case "setCurrentDatabase":
		return nothing(), q.s.useDatabase(ctx, arg(c, "dbName"))
	case "setCurrentCatalog":
		return nothing(), useCatalog(arg(c, "catalogName"))
	case "getDatabase":
		d, err := cat.Database(ctx, last(strings.Split(arg(c, "dbName"), ".")))
		if err != nil {
			return nil, err
		}
		return rowsResult(databaseSchema, [][]any{databaseRow(*d)}), nil
	case "getTable":
		return q.getTable(ctx, c)
	case "getFunction":
		if e := q.s.m.cfg.Registry.Lookup(arg(c, "functionName")); e != nil {
			return rowsResult(functionSchema, [][]any{functionRow(e.Name, usageOf(e))}), nil
		}
		name := types.Quote(arg(c, "functionName"))
		return nil, errs.Cond(errs.Analysis, "UNRESOLVED_ROUTINE", "42883", "There is no function "+name+".", "routineName", name)
	}
	return nil, nil
}

func databaseRow(d catalog.Database) []any {
	return []any{d.Name, catalog.SparkCatalog, d.Comment, d.Location}
}

func functionRow(name, usage string) []any { return []any{name, nil, nil, usage, "builtin", true} }

func tableRow(t catalog.TableInfo) []any {
	if t.Temporary && t.Database == "" {
		return []any{t.Name, nil, []any{}, orNull(t.Comment), t.Kind, true}
	}
	return []any{t.Name, catalog.SparkCatalog, []any{t.Database}, orNull(t.Comment), t.Kind, t.Temporary}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (q *query) getTable(ctx context.Context, c *plan.CatalogCall) (*Result, error) {
	parts, err := relationArg(c, "tableName")
	if err != nil {
		return nil, err
	}
	d, err := q.s.catalog.Describe(ctx, parts)
	if err != nil {
		return nil, err
	}
	t := catalog.TableInfo{Name: last(parts), Kind: d.Kind, Temporary: d.Kind == catalog.KindTemporary}
	if m := d.Meta; m != nil {
		t.Name, t.Database, t.Comment = m.Name, m.Database, m.Comment
	}
	return rowsResult(tableSchema, [][]any{tableRow(t)}), nil
}

func (q *query) catalogLists(ctx context.Context, c *plan.CatalogCall) (*Result, error) {
	cat, pattern := q.s.catalog, arg(c, "pattern")
	switch c.Op {
	case "listDatabases":
		list, err := cat.Databases(ctx, pattern)
		var rows [][]any
		for _, d := range list {
			rows = append(rows, databaseRow(d))
		}
		return rowsOr(databaseSchema, rows, err)
	case "listTables", "listViews":
		f := cat.Tables
		if c.Op == "listViews" {
			f = cat.Views
		}
		list, err := f(ctx, last(strings.Split(arg(c, "dbName"), ".")), pattern)
		var rows [][]any
		for _, t := range list {
			rows = append(rows, tableRow(t))
		}
		return rowsOr(tableSchema, rows, err)
	case "listFunctions":
		var rows [][]any
		for _, n := range q.functionNames(pattern) {
			rows = append(rows, functionRow(n, usageOf(q.s.m.cfg.Registry.Lookup(n))))
		}
		return rowsResult(functionSchema, rows), nil
	case "listColumns":
		return q.listColumns(ctx, c)
	case "listCatalogs":
		return rowsResult(catalogSchema, [][]any{{catalog.SparkCatalog, nil}}), nil
	}
	return nil, nil
}

func (q *query) listColumns(ctx context.Context, c *plan.CatalogCall) (*Result, error) {
	parts, err := relationArg(c, "tableName")
	if err != nil {
		return nil, err
	}
	d, err := q.describeRelation(ctx, parts)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	for _, f := range d.Schema.Fields {
		part := false
		for _, p := range d.PartitionBy {
			part = part || strings.EqualFold(p, f.Name)
		}
		rows = append(rows, []any{f.Name, nil, f.Type.String(), f.Nullable, part, false, false})
	}
	return rowsResult(columnSchema, rows), nil
}

func (q *query) catalogTests(ctx context.Context, c *plan.CatalogCall) (*Result, error) {
	cat := q.s.catalog
	switch c.Op {
	case "databaseExists":
		ok, err := cat.DatabaseExists(ctx, last(strings.Split(arg(c, "dbName"), ".")))
		return boolOr(ok, err)
	case "tableExists":
		parts, err := relationArg(c, "tableName")
		if err != nil {
			return nil, err
		}
		ok, err := cat.TableExists(ctx, parts)
		return boolOr(ok, err)
	case "functionExists":
		return boolOr(q.s.m.cfg.Registry.Lookup(arg(c, "functionName")) != nil, nil)
	case "isCached":
		parts, err := relationArg(c, "tableName")
		if err != nil {
			return nil, err
		}
		level, err := q.s.Level(ctx, &plan.Table{Parts: parts})
		return boolOr(level != Level{}, err)
	}
	return nil, nil
}

func boolOr(v bool, err error) (*Result, error) {
	if err != nil {
		return nil, err
	}
	return one(types.Bool, v), nil
}

func (q *query) catalogChanges(ctx context.Context, c *plan.CatalogCall) (*Result, error) {
	switch c.Op {
	case "dropTempView":
		return boolOr(q.dropTemp(ctx, arg(c, "viewName"), false))
	case "dropGlobalTempView":
		return boolOr(q.dropTemp(ctx, arg(c, "viewName"), true))
	case "clearCache":
		q.s.storage.clear()
		return nothing(), nil
	case "refreshByPath":
		return nothing(), nil // files are listed for every query
	case "cacheTable", "uncacheTable", "refreshTable":
		return q.tableStorage(ctx, c)
	case "createTable", "createExternalTable":
		return q.createTableCall(ctx, c)
	case "dropTable", "dropView":
		name := "tableName"
		if c.Op == "dropView" {
			name = "viewName"
		}
		parts, err := relationArg(c, name)
		if err != nil {
			return nil, err
		}
		ifExists, _ := c.Args["ifExists"].(bool)
		return nothing(), q.own(q.dropRelation(ctx, &plan.DropRelation{Name: parts, View: c.Op == "dropView", IfExists: ifExists}))
	case "createDatabase", "dropDatabase":
		ifExists, _ := c.Args["ifExists"].(bool)
		ifNot, _ := c.Args["ifNotExists"].(bool)
		cascade, _ := c.Args["cascade"].(bool)
		return q.define(ctx, &plan.Namespace{Name: strings.Split(arg(c, "dbName"), "."), Drop: c.Op == "dropDatabase", IfExists: ifExists || ifNot, Cascade: cascade})
	}
	return nil, nil
}

func (q *query) tableStorage(ctx context.Context, c *plan.CatalogCall) (*Result, error) {
	parts, err := relationArg(c, "tableName")
	if err != nil {
		return nil, err
	}
	switch c.Op {
	case "cacheTable":
		return q.cacheTable(ctx, &plan.CacheTable{Name: parts, Lazy: true})
	case "uncacheTable":
		return nothing(), q.uncacheTable(ctx, parts, false)
	}
	return nothing(), q.refresh(ctx, &plan.Refresh{Table: parts})
}

// createTableCall makes a table and answers with its rows' relation.
func (q *query) createTableCall(ctx context.Context, c *plan.CatalogCall) (*Result, error) {
	parts, err := relationArg(c, "tableName")
	if err != nil {
		return nil, err
	}
	t := &plan.CreateTable{Name: parts, Format: arg(c, "source"), Path: arg(c, "path"), Comment: arg(c, "description")}
	t.Options, _ = c.Args["options"].(map[string]string)
	if s, ok := c.Args["schema"].(types.Schema); ok && s.Len() > 0 {
		t.SchemaText = s.DDL()
	}
	if err := q.own(q.createTable(ctx, t)); err != nil {
		return nil, err
	}
	r, err := q.query(ctx, &plan.Table{Parts: parts})
	if _, missing := errors.AsType[*errs.Condition](err); missing && t.Path == "" {
		return nothing(), nil
	}
	return r, err
}
