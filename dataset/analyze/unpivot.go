package analyze

import (
	"context"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// unpivot makes a row of each group of value columns, beside the id columns.
func (r *run) unpivot(ctx context.Context, n *plan.Unpivot, sc *scope) (plan.Node, error) {
	child, err := r.node(ctx, n.Child, sc)
	if err != nil {
		return nil, err
	}
	v := r.envOf(sc, child)
	ids, groups, err := r.unpivotColumns(ctx, n, v)
	if err != nil {
		return nil, err
	}
	ts, err := r.unpivotTypes(groups, len(n.ValueNames))
	if err != nil {
		return nil, err
	}
	x := &plan.Expand{Child: child, Columns: append([]*plan.Column{}, ids...)}
	x.Columns = append(x.Columns, &plan.Column{Name: n.VariableName, ID: r.NextID(), Typ: types.String})
	var values []*plan.Column
	for i, name := range n.ValueNames {
		c := &plan.Column{Name: name, ID: r.NextID(), Typ: ts[i]}
		for _, g := range groups {
			c.Null = c.Null || g[i].Null
		}
		values = append(values, c)
	}
	x.Columns = append(x.Columns, values...)
	for k, g := range groups {
		row := append(columnList(ids), plan.LitString(unpivotName(n, k, g)))
		for i, c := range g {
			row = append(row, r.castTo(c, ts[i]))
		}
		x.Projections = append(x.Projections, row)
	}
	if n.IncludeNulls {
		return x, nil
	}
	return r.anyPresent(ctx, values, x)
}

// anyPresent keeps rows in which one of the values is not null.
func (r *run) anyPresent(ctx context.Context, values []*plan.Column, n plan.Node) (plan.Node, error) {
	var cond plan.Expr
	for _, c := range values {
		is := plan.Expr(plan.Fn("isnotnull", c))
		if cond != nil {
			is = plan.Fn("or", cond, is)
		}
		cond = is
	}
	e, err := r.expr(ctx, cond, r.rewriteEnv(false))
	if err != nil {
		return nil, err
	}
	return &plan.Filter{Cond: e, Child: n}, nil
}

func unpivotName(n *plan.Unpivot, k int, g []*plan.Column) string {
	if k < len(n.Aliases) && n.Aliases[k] != "" {
		return n.Aliases[k]
	}
	parts := make([]string, len(g))
	for i, c := range g {
		parts[i] = c.Name
	}
	return strings.Join(parts, "_")
}

// unpivotColumns resolves the ids and the groups of values; what is not given
// is all other columns.
func (r *run) unpivotColumns(ctx context.Context, n *plan.Unpivot, v *env) (ids []*plan.Column, groups [][]*plan.Column, err error) {
	if ids, err = r.plainColumns(ctx, n.IDs, v); err != nil {
		return nil, nil, err
	}
	taken := map[plan.ID]bool{}
	for _, g := range n.Values {
		cols, err := r.plainColumns(ctx, g, v)
		if err != nil {
			return nil, nil, err
		}
		if len(n.ValueNames) == 1 && len(cols) != 1 { // a star: each column by itself
			for _, c := range cols {
				groups = append(groups, []*plan.Column{c})
			}
		} else {
			groups = append(groups, cols)
		}
		for _, c := range cols {
			taken[c.ID] = true
		}
	}
	if n.ImplicitIDs {
		for _, c := range v.cols {
			if !taken[c.ID] {
				ids = append(ids, c)
			}
		}
	}
	if n.Values == nil {
		for _, c := range v.cols {
			if !containsID(ids, c.ID) {
				groups = append(groups, []*plan.Column{c})
			}
		}
	}
	if len(groups) == 0 {
		return nil, nil, errs.Cond(errs.Analysis, "UNPIVOT_REQUIRES_VALUE_COLUMNS", "42K0A", "There are no value columns to unpivot.")
	}
	return ids, groups, nil
}

func (r *run) plainColumns(ctx context.Context, in []plan.Expr, v *env) ([]*plan.Column, error) {
	in, err := r.expandStars(in, v)
	if err != nil {
		return nil, err
	}
	var out []*plan.Column
	for _, e := range in {
		x, err := r.expr(ctx, bare(e), v)
		if err != nil {
			return nil, err
		}
		c, ok := x.(*plan.Column)
		if !ok {
			return nil, errs.Cond(errs.Analysis, "UNPIVOT_REQUIRES_ATTRIBUTES", "42K0A",
				"Only columns can be unpivoted, not "+toSQL(x)+".", "given", "value", "empty", "id", "expressions", toSQL(x))
		}
		out = append(out, c)
	}
	return out, nil
}

// unpivotTypes are the common types of the groups' columns.
func (r *run) unpivotTypes(groups [][]*plan.Column, width int) ([]types.Type, error) {
	out := make([]types.Type, width)
	for i := range out {
		ts := make([]types.Type, len(groups))
		for k, g := range groups {
			if len(g) != width {
				return nil, errs.Cond(errs.Analysis, "UNPIVOT_VALUE_SIZE_MISMATCH", "428C4",
					"All groups of values must have "+itoa(width)+" columns.", "names", itoa(width))
			}
			ts[k] = g[i].Typ
		}
		t, ok := r.tightType(ts)
		if !ok {
			return nil, errs.Cond(errs.Analysis, "UNPIVOT_VALUE_DATA_TYPE_MISMATCH", "42K09",
				"The value columns have no common type.", "types", typeList(groups, i))
		}
		out[i] = t
	}
	return out, nil
}

// tightType is the common type without turning anything into strings.
func (r *run) tightType(ts []types.Type) (types.Type, bool) {
	out := types.Null
	for _, t := range ts {
		var ok bool
		if out, ok = function.CommonNoString(r.Env.Ansi, out, t); !ok {
			return types.Null, false
		}
	}
	return out, true
}

func typeList(groups [][]*plan.Column, i int) string {
	parts := make([]string, len(groups))
	for k, g := range groups {
		parts[k] = toSQLType(g[i].Typ) + " (" + types.Quote(g[i].Name) + ")"
	}
	return strings.Join(parts, ", ")
}
