package analyze

import (
	"context"
	"slices"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// maxTransposed bounds the rows of a transposed relation, as Spark.
const maxTransposed = 500

// transpose makes rows columns, named by the index column (the first, if none
// is given); the other columns become rows.
func (r *run) transpose(ctx context.Context, n *plan.Transpose, child plan.Node, sc *scope) (plan.Node, error) {
	cols := child.Output()
	if len(cols) == 0 {
		return child, nil
	}
	index := cols[0]
	if len(n.Index) > 0 {
		e, err := r.expr(ctx, n.Index[0], r.envOf(sc, child))
		if err != nil {
			return nil, err
		}
		c, ok := e.(*plan.Column)
		if !ok {
			return nil, errs.Cond(errs.Analysis, "TRANSPOSE_INVALID_INDEX_COLUMN", "42804",
				"The index of transpose must be a column, not "+toSQL(e)+".", "reason", "Index column must be an atomic attribute")
		}
		index = c
	}
	var rest []*plan.Column
	var ts []types.Type
	for _, c := range cols {
		if c.ID != index.ID {
			rest, ts = append(rest, c), append(ts, c.Typ)
		}
	}
	t, ok := function.CommonTypeOf(r.Env.Ansi, ts)
	if !ok {
		return nil, errs.Cond(errs.Analysis, "TRANSPOSE_NO_LEAST_COMMON_TYPE", "42K09",
			"The columns have no common type to be transposed to.", "dt1", toSQLType(ts[0]), "dt2", toSQLType(ts[len(ts)-1]))
	}
	list := []plan.Expr{r.alias(&plan.Cast{Child: index, To: types.String, Mode: plan.CastLegacy}, "key")}
	for _, c := range rest {
		list = append(list, r.alias(r.castTo(c, t), c.Name))
	}
	sorted := &plan.Sort{Orders: []plan.SortOrder{{Child: list[0].(*plan.Alias).Column()}}, Global: true, Child: &plan.Project{List: list, Child: child}}
	rows, err := r.rows(ctx, sorted, maxTransposed+1)
	if err != nil {
		return nil, err
	}
	if len(rows) > maxTransposed {
		return nil, errs.Cond(errs.Analysis, "TRANSPOSE_EXCEED_ROW_LIMIT", "54006",
			"There are more than "+itoa(maxTransposed)+" rows to transpose.", "maxValues", itoa(maxTransposed), "config", "spark.sql.transposeMaxValues")
	}
	rows = slices.DeleteFunc(rows, func(row []any) bool { return row[0] == nil })
	return r.transposed(rows, rest, t), nil
}

func (r *run) transposed(rows [][]any, rest []*plan.Column, t types.Type) plan.Node {
	out := &plan.Local{Columns: []*plan.Column{{Name: "key", ID: r.NextID(), Typ: types.String}}}
	for _, row := range rows {
		out.Columns = append(out.Columns, &plan.Column{Name: row[0].(string), ID: r.NextID(), Typ: t, Null: true})
	}
	b := batch.NewBatch(plan.SchemaOfColumns(out.Columns).Types(), len(rest))
	b.Reset(0)
	for i, c := range rest {
		b.Cols[0].Append(c.Name)
		for j, row := range rows {
			b.Cols[j+1].Append(row[i+1])
		}
	}
	b.N = len(rest)
	out.Data = []*batch.Batch{b}
	return out
}
