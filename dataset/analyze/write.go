package analyze

import (
	"context"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// write resolves what is written. An INSERT's columns are brought to the
// table's types by ANSI store assignment.
func (r *run) write(ctx context.Context, w *plan.Write, child plan.Node) (plan.Node, error) {
	out := *w
	out.Child = child
	if !w.Insert {
		return &out, duplicateColumns(r, child.Output())
	}
	rel, err := r.Catalog.Relation(ctx, w.Table, nil)
	if err != nil {
		return nil, err
	}
	if rel == nil {
		return nil, noRelation(w.Table, nil)
	}
	if rel.View != nil {
		return nil, errs.Cond(errs.Analysis, "UNSUPPORTED_INSERT.RDD_BASED", "42809",
			"A view cannot be written to: "+sqlID(w.Table)+".", "relationId", sqlID(w.Table))
	}
	out.Child, err = r.insertColumns(w, rel.Source.Schema(), child)
	return &out, err
}

func duplicateColumns(r *run, cols []*plan.Column) error {
	for i, c := range cols {
		for _, d := range cols[:i] {
			if r.sameName(c.Name, d.Name) {
				return columnExists(lower(c.Name))
			}
		}
	}
	return nil
}

// insertColumns puts the query's columns in the table's order and types.
// Columns that are not given are null; static partition values are literals.
func (r *run) insertColumns(w *plan.Write, schema types.Schema, child plan.Node) (plan.Node, error) {
	in := child.Output()
	given := map[int]plan.Expr{}
	for name, value := range w.Partition {
		if value == nil {
			continue
		}
		i := schema.Index(name)
		if i < 0 {
			return nil, unresolvedColumn([]string{name}, r.columnsOf(schema), nil)
		}
		l, err := r.expr(context.Background(), value, r.envOf(nil))
		if err != nil {
			return nil, err
		}
		given[i] = l
	}
	targets, err := r.insertTargets(w, schema, in, given)
	if err != nil {
		return nil, err
	}
	for k, i := range targets {
		given[i] = in[k]
	}
	list := make([]plan.Expr, schema.Len())
	for i, f := range schema.Fields {
		e := given[i]
		if e == nil {
			e = plan.LitNull(f.Type)
		}
		if !storeAssignable(e.Type(), f.Type) {
			return nil, errs.Cond(errs.Analysis, "INCOMPATIBLE_DATA_FOR_TABLE.CANNOT_SAFELY_CAST", "KD000",
				"Values of type "+toSQLType(e.Type())+" cannot be written to the column "+types.Quote(f.Name)+" of type "+toSQLType(f.Type)+".",
				"tableName", sqlID(w.Table), "colName", types.Quote(f.Name), "srcType", toSQLType(e.Type()), "targetType", toSQLType(f.Type))
		}
		if !e.Type().Equal(f.Type) {
			e = &plan.Cast{Child: e, To: f.Type, Mode: plan.CastAnsi, Implicit: true}
		}
		list[i] = r.alias(e, f.Name)
	}
	return &plan.Project{List: list, Child: child}, nil
}

// insertTargets is the position in the table of each of the query's columns.
func (r *run) insertTargets(w *plan.Write, schema types.Schema, in []*plan.Column, static map[int]plan.Expr) ([]int, error) {
	names := w.Columns
	if w.ByName {
		for _, c := range in {
			names = append(names, c.Name)
		}
	}
	var out []int
	if len(names) > 0 {
		for _, name := range names {
			i := schema.Index(name)
			if i < 0 {
				return nil, unresolvedColumn([]string{name}, r.columnsOf(schema), nil)
			}
			out = append(out, i)
		}
	} else {
		for i := range schema.Fields {
			if static[i] == nil {
				out = append(out, i)
			}
		}
	}
	if len(out) == len(in) {
		return out, nil
	}
	sub := "NOT_ENOUGH_DATA_COLUMNS"
	if len(in) > len(out) {
		sub = "TOO_MANY_DATA_COLUMNS"
	}
	return nil, errs.Cond(errs.Analysis, "INSERT_COLUMN_ARITY_MISMATCH."+sub, "21S01",
		"The query gives "+itoa(len(in))+" columns where "+sqlID(w.Table)+" takes "+itoa(len(out))+".",
		"tableName", sqlID(w.Table), "tableColumns", quotedNames(schema), "dataColumns", quotedNames(plan.SchemaOfColumns(in)))
}

func quotedNames(s types.Schema) string {
	var out strings.Builder
	for i, n := range s.Names() {
		if i > 0 {
			out.WriteString(", ")
		}
		out.WriteString(types.Quote(n))
	}
	return out.String()
}
