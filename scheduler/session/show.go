package session

import (
	"context"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

func text(name string) types.Field { return types.Field{Name: name, Type: types.String} }
func flag(name string) types.Field { return types.Field{Name: name, Type: types.Bool} }

// showCommand answers SHOW.
func (q *query) showCommand(ctx context.Context, c *plan.Show) (*Result, error) {
	cat := q.s.catalog
	switch c.What {
	case "tables":
		list, err := cat.Tables(ctx, strings.Join(c.From, "."), c.Pattern)
		return relations("tableName", list, err)
	case "views":
		list, err := cat.Views(ctx, strings.Join(c.From, "."), c.Pattern)
		return relations("viewName", list, err)
	case "databases":
		list, err := cat.Databases(ctx, c.Pattern)
		var rows [][]any
		for _, d := range list {
			rows = append(rows, []any{d.Name})
		}
		return rowsOr(types.NewSchema(text("namespace")), rows, err)
	case "columns":
		d, err := q.describeRelation(ctx, c.From)
		if err != nil {
			return nil, err
		}
		return rowsResult(types.NewSchema(text("col_name")), column(d.Schema.Names())), nil
	case "functions":
		return rowsResult(types.NewSchema(text("function")), column(q.functionNames(c.Pattern))), nil
	case "catalogs":
		return rowsResult(types.NewSchema(text("catalog")), [][]any{{catalog.SparkCatalog}}), nil
	case "partitions":
		list, err := cat.Partitions(ctx, c.From)
		return rowsOr(types.NewSchema(text("partition")), column(list), err)
	case "tblproperties":
		return q.tableProperties(ctx, c)
	}
	return nil, errs.E(errs.NotSupported, "session.show", errs.Unsupported("SHOW "+strings.ToUpper(c.What)))
}

func rowsOr(s types.Schema, rows [][]any, err error) (*Result, error) {
	if err != nil {
		return nil, err
	}
	return rowsResult(s, rows), nil
}

func column(values []string) [][]any {
	var rows [][]any
	for _, v := range values {
		rows = append(rows, []any{v})
	}
	return rows
}

func relations(name string, list []catalog.TableInfo, err error) (*Result, error) {
	var rows [][]any
	for _, t := range list {
		rows = append(rows, []any{t.Database, t.Name, t.Temporary})
	}
	return rowsOr(types.NewSchema(text("namespace"), text(name), flag("isTemporary")), rows, err)
}

func (q *query) functionNames(pattern string) []string {
	var out []string
	for _, e := range q.s.m.cfg.Registry.Entries() {
		for _, n := range append([]string{e.Name}, e.Aliases...) {
			if catalog.Matches(pattern, n) {
				out = append(out, n)
			}
		}
	}
	sort.Strings(out)
	return out
}

func (q *query) tableProperties(ctx context.Context, c *plan.Show) (*Result, error) {
	m, err := q.s.catalog.Table(ctx, c.From)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, noTable(c.From)
	}
	var rows [][]any
	for k, v := range m.Properties {
		if c.Pattern == "" || c.Pattern == k {
			rows = append(rows, []any{k, v})
		}
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i][0].(string) < rows[j][0].(string) })
	return rowsResult(confSchema, rows), nil
}

func noTable(parts []string) error {
	quoted := make([]string, len(parts))
	for i, p := range parts {
		quoted[i] = types.Quote(p)
	}
	name := strings.Join(quoted, ".")
	return errs.Cond(errs.Analysis, "TABLE_OR_VIEW_NOT_FOUND", "42P01", "There is no table or view "+name+".", "relationName", name)
}

// describeRelation tells a relation's columns, analysing views by text.
func (q *query) describeRelation(ctx context.Context, parts []string) (*catalog.Description, error) {
	d, err := q.s.catalog.Describe(ctx, parts)
	if err != nil {
		return nil, err
	}
	if d.Schema.Len() == 0 || d.Meta != nil && strings.HasSuffix(d.Meta.ViewMode, "EVOLUTION") {
		resolved, err := q.analyzer.Analyze(ctx, &plan.Table{Parts: parts})
		if err != nil {
			return nil, err
		}
		d.Schema = plan.SchemaOf(resolved)
	}
	return d, nil
}

var describeSchema = types.NewSchema(text("col_name"), text("data_type"), types.F("comment", types.String))

// describe answers DESCRIBE.
func (q *query) describe(ctx context.Context, c *plan.DescribeRelation) (*Result, error) {
	switch c.What {
	case "query":
		resolved, err := q.analyzer.Analyze(ctx, c.Child)
		if err != nil {
			return nil, err
		}
		return rowsResult(describeSchema, columnRows(plan.SchemaOf(resolved))), nil
	case "function":
		return q.describeFunction(c)
	case "database":
		d, err := q.s.catalog.Database(ctx, last(c.Name))
		if err != nil {
			return nil, err
		}
		rows := [][]any{{"Catalog Name", catalog.SparkCatalog}, {"Namespace Name", d.Name}, {"Comment", d.Comment}, {"Location", d.Location}}
		return rowsResult(types.NewSchema(text("info_name"), text("info_value")), rows), nil
	}
	d, err := q.describeRelation(ctx, c.Name)
	if err != nil {
		return nil, err
	}
	if len(c.Column) > 0 {
		return describeColumn(d, c.Column, c.Extended)
	}
	rows := columnRows(d.Schema)
	if len(d.PartitionBy) > 0 {
		rows = append(rows, []any{"# Partition Information", "", ""}, []any{"# col_name", "data_type", "comment"})
		for _, p := range d.PartitionBy {
			if i := d.Schema.Index(p); i >= 0 {
				rows = append(rows, []any{p, d.Schema.Fields[i].Type.String(), nil})
			}
		}
	}
	if c.Extended {
		rows = append(rows, extendedRows(d)...)
	}
	return rowsResult(describeSchema, rows), nil
}

func columnRows(s types.Schema) [][]any {
	var rows [][]any
	for _, f := range s.Fields {
		rows = append(rows, []any{f.Name, f.Type.String(), nil})
	}
	return rows
}

// extendedRows is what DESCRIBE EXTENDED tells beside the columns, in Spark's order.
func extendedRows(d *catalog.Description) [][]any {
	rows := [][]any{{"", "", ""}, {"# Detailed Table Information", "", ""}}
	add := func(key, value string) { rows = append(rows, []any{key, value, ""}) }
	m := d.Meta
	if m == nil {
		return rows
	}
	add("Catalog", catalog.SparkCatalog)
	add("Database", m.Database)
	add("Table", m.Name)
	add("Created Time", m.Created.Format(time.UnixDate))
	add("Last Access", "UNKNOWN")
	add("Created By", "Spurwheel")
	add("Type", m.Kind())
	if !m.IsView() {
		add("Provider", m.Format)
	}
	if m.Comment != "" {
		add("Comment", m.Comment)
	}
	if m.IsView() {
		viewRows(d, add)
	}
	if len(m.Properties) > 0 {
		add("Table Properties", properties(m.Properties))
	}
	if m.IsView() {
		return rows
	}
	add("Location", m.Path)
	if len(d.PartitionBy) > 0 {
		add("Partition Provider", "Catalog")
	}
	return rows
}

func viewRows(d *catalog.Description, add func(key, value string)) {
	mode := d.Meta.ViewMode
	if mode == "" {
		mode = "COMPENSATION"
	}
	names := make([]string, d.Schema.Len())
	for i, f := range d.Schema.Fields {
		names[i] = types.Quote(f.Name)
	}
	add("View Text", d.Meta.ViewText)
	add("View Original Text", d.Meta.ViewText)
	add("View Schema Mode", mode)
	add("View Catalog and Namespace", catalog.SparkCatalog+"."+d.Meta.Database)
	add("View Query Output Columns", "["+strings.Join(names, ", ")+"]")
}

func properties(m map[string]string) string {
	parts := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, k+"="+m[k])
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func describeColumn(d *catalog.Description, col []string, extended bool) (*Result, error) {
	i := d.Schema.Index(last(col))
	if i < 0 {
		return nil, errs.Cond(errs.Analysis, "COLUMN_NOT_FOUND", "42703", "There is no column "+types.Quote(last(col))+".", "colName", types.Quote(last(col)))
	}
	f := d.Schema.Fields[i]
	rows := [][]any{{"col_name", f.Name}, {"data_type", f.Type.String()}, {"comment", "NULL"}}
	if extended { // statistics, of which there are none by column
		for _, k := range []string{"min", "max", "num_nulls", "distinct_count", "avg_col_len", "max_col_len", "histogram"} {
			rows = append(rows, []any{k, "NULL"})
		}
	}
	return rowsResult(types.NewSchema(text("info_name"), text("info_value")), rows), nil
}

func (q *query) describeFunction(c *plan.DescribeRelation) (*Result, error) {
	e := q.s.m.cfg.Registry.Lookup(last(c.Name))
	if e == nil {
		return nil, errs.Cond(errs.Analysis, "ROUTINE_NOT_FOUND", "42883", "There is no function "+types.Quote(last(c.Name))+".",
			"routineName", types.Quote(last(c.Name)))
	}
	lines := []string{"Function: " + e.Name, "Usage: " + usageOf(e)}
	if c.Extended {
		lines = append(lines, "Extended Usage:\n    Examples:\n      > SELECT "+e.Example+";\n       "+e.Result+"\n")
	}
	return rowsResult(types.NewSchema(text("function_desc")), column(lines)), nil
}

func usageOf(e *function.Entry) string {
	if e.Usage == "" {
		return "N/A."
	}
	return e.Usage
}
