package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/eval"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// values resolves an inline table: rows of constants become a local relation,
// others a union of one-row projections.
func (r *run) values(ctx context.Context, n *plan.Values, sc *scope) (plan.Node, error) {
	rows := make([][]plan.Expr, len(n.Rows))
	v := r.envOf(sc, &plan.OneRow{})
	for i, row := range n.Rows {
		var err error
		if rows[i], err = r.exprs(ctx, unnamed(row), v); err != nil {
			return nil, at(err, n.At)
		}
		if len(rows[i]) != len(n.Rows[0]) {
			return nil, at(errs.Cond(errs.Analysis, "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH", "42000",
				"Row "+itoa(i)+" of VALUES has "+itoa(len(row))+" columns where the first has "+itoa(len(n.Rows[0]))+".",
				"expectedNumCols", itoa(len(n.Rows[0])), "actualNumCols", itoa(len(row)), "rowIndex", itoa(i)), n.At)
		}
	}
	cols, err := r.valuesColumns(rows, n)
	if err != nil {
		return nil, at(err, n.At)
	}
	for _, row := range rows {
		for j := range row {
			row[j] = r.castTo(row[j], cols[j].Typ)
		}
	}
	if l := r.constantRows(rows, cols); l != nil {
		return l, nil
	}
	if err := r.failingValue(rows); err != nil {
		return nil, at(err, n.At)
	}
	u := &plan.Union{Columns: cols}
	for _, row := range rows {
		list := make([]plan.Expr, len(row))
		for j, e := range row {
			list[j] = r.alias(e, cols[j].Name)
		}
		u.Inputs = append(u.Inputs, &plan.Project{List: list, Child: &plan.OneRow{}})
	}
	if len(u.Inputs) == 1 {
		return u.Inputs[0], nil
	}
	return u, nil
}

func unnamed(row []plan.Expr) []plan.Expr {
	out := make([]plan.Expr, len(row))
	for i, e := range row {
		if a, ok := e.(*plan.Alias); ok {
			e = a.Child
		}
		out[i] = e
	}
	return out
}

func (r *run) valuesColumns(rows [][]plan.Expr, n *plan.Values) ([]*plan.Column, error) {
	cols := make([]*plan.Column, len(rows[0]))
	for j := range cols {
		ts := make([]types.Type, len(rows))
		null := false
		for i, row := range rows {
			if hasAggregate(row[j]) || hasWindow(row[j]) {
				return nil, errs.Cond(errs.Analysis, "INVALID_INLINE_TABLE.CANNOT_EVALUATE_EXPRESSION_IN_INLINE_TABLE", "42000",
					"The expression "+toSQL(row[j])+" cannot stand in VALUES.", "expr", toSQL(row[j]))
			}
			ts[i] = row[j].Type()
			null = null || row[j].Nullable()
		}
		t, ok := function.CommonTypeOf(r.Env.Ansi, ts)
		if !ok {
			return nil, errs.Cond(errs.Analysis, "INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE", "42000",
				"The rows of VALUES have no common type for column "+itoa(j+1)+".", "colName", types.Quote(valuesName(n, j)))
		}
		cols[j] = &plan.Column{Name: valuesName(n, j), ID: r.NextID(), Typ: t, Null: null}
	}
	return cols, nil
}

func valuesName(n *plan.Values, j int) string {
	if j < len(n.Names) {
		return n.Names[j]
	}
	return "col" + itoa(j+1)
}

// constantRows makes a local relation if every value is constant. One that
// fails is left to the query, which reports it.
func (r *run) constantRows(rows [][]plan.Expr, cols []*plan.Column) plan.Node {
	b := batch.NewBatch(plan.SchemaOfColumns(cols).Types(), len(rows))
	b.Reset(0)
	for _, row := range rows {
		for j, e := range row {
			l := r.folded(e)
			if l == nil {
				return nil
			}
			b.Cols[j].Append(l.Value)
		}
	}
	b.N = len(rows)
	return &plan.Local{Columns: cols, Data: []*batch.Batch{b}}
}

// failingValue is the error of the first constant that cannot be computed.
func (r *run) failingValue(rows [][]plan.Expr) error {
	for _, row := range rows {
		for _, e := range row {
			if r.folded(e) != nil || !function.IsFoldable(e) || r.volatile(e) {
				continue
			}
			x, err := r.lowerExpr(context.Background(), e)
			if err != nil {
				return err
			}
			p, err := eval.Compile(r.Env, r.Registry, x)
			if err != nil {
				continue // left to the query
			}
			if _, err = p.Eval(&batch.Batch{N: 1}); err != nil {
				c := errs.Cond(errs.Analysis, "INVALID_INLINE_TABLE.FAILED_SQL_EXPRESSION_EVALUATION", "42000",
					"The value "+toSQL(e)+" of VALUES cannot be computed: "+err.Error(), "sqlExpr", toSQL(e))
				c.Cause = err
				return c
			}
		}
	}
	return nil
}
