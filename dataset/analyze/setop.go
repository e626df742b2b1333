package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// setOp resolves UNION, INTERSECT and EXCEPT: columns are brought to common
// types by position, after BY NAME has put them in order.
func (r *run) setOp(ctx context.Context, n *plan.SetOp, sc *scope) (plan.Node, error) {
	left, err := r.node(ctx, n.Left, sc)
	if err != nil {
		return nil, err
	}
	right, err := r.node(ctx, n.Right, sc)
	if err != nil {
		return nil, err
	}
	if n.ByName {
		if left, right, err = r.byNames(left, right, n.AllowMissing); err != nil {
			return nil, err
		}
	}
	op := [...]string{"UNION", "INTERSECT", "EXCEPT"}[n.Kind]
	if n.All && n.Kind != plan.SetUnion {
		op += " ALL"
	}
	if left, right, err = r.widened(left, right, op); err != nil {
		return nil, err
	}
	if n.Kind != plan.SetUnion {
		if err := comparableColumns(left.Output()); err != nil {
			return nil, err
		}
		return &plan.SetOp{Kind: n.Kind, All: n.All, Left: left, Right: right}, nil
	}
	u := r.union(left, right)
	if n.All {
		return u, nil
	}
	if err := comparableColumns(u.Columns); err != nil {
		return nil, err
	}
	return &plan.Distinct{Child: u}, nil
}

// union concatenates inputs of equal types; flat, so that long chains stay shallow.
func (r *run) union(left, right plan.Node) *plan.Union {
	u := &plan.Union{}
	if l, ok := left.(*plan.Union); ok {
		u.Inputs = append(u.Inputs, l.Inputs...)
	} else {
		u.Inputs = append(u.Inputs, left)
	}
	u.Inputs = append(u.Inputs, right)
	ro := right.Output()
	for i, c := range left.Output() {
		f := r.freshColumn(c)
		f.Null = c.Null || ro[i].Null
		f.Typ = mergedNulls(c.Typ, ro[i].Typ)
		u.Columns = append(u.Columns, f)
	}
	return u
}

// mergedNulls is a type whose members may be null if they may in a or b.
func mergedNulls(a, b types.Type) types.Type {
	if t, ok := function.CommonNoString(true, a, b); ok && t.Equal(a) {
		return t
	}
	return a
}

// widened casts the columns of both sides to their common types.
func (r *run) widened(left, right plan.Node, op string) (plan.Node, plan.Node, error) {
	lo, ro := left.Output(), right.Output()
	if len(lo) != len(ro) {
		return nil, nil, errs.Cond(errs.Analysis, "NUM_COLUMNS_MISMATCH", "42826",
			op+" needs inputs of as many columns: the first has "+itoa(len(lo))+", the second "+itoa(len(ro))+".",
			"operator", op, "firstNumColumns", itoa(len(lo)), "invalidOrdinalNum", "second", "invalidNumColumns", itoa(len(ro)))
	}
	ts := make([]types.Type, len(lo))
	for i := range lo {
		t, ok := function.CommonType(r.Env.Ansi, lo[i].Typ, ro[i].Typ)
		if !ok {
			return nil, nil, errs.Cond(errs.Analysis, "INCOMPATIBLE_COLUMN_TYPE", "42825",
				op+" needs columns of compatible types: the "+function.Ordinal(i)+" column of the second input is "+toSQLType(ro[i].Typ)+", of the first "+toSQLType(lo[i].Typ)+".",
				"operator", op, "columnOrdinalNumber", function.Ordinal(i), "tableOrdinalNumber", "second",
				"dataType1", toSQLType(ro[i].Typ), "dataType2", toSQLType(lo[i].Typ), "hint", "")
		}
		ts[i] = t
	}
	return r.castColumns(left, ts), r.castColumns(right, ts), nil
}

// castColumns casts n's columns to types; n itself if nothing changes.
func (r *run) castColumns(n plan.Node, ts []types.Type) plan.Node {
	out := n.Output()
	list := make([]plan.Expr, len(out))
	changed := false
	for i, c := range out {
		list[i] = c
		if !c.Typ.Equal(ts[i]) {
			list[i], changed = r.alias(r.castTo(c, ts[i]), c.Name), true
		}
	}
	if !changed {
		return n
	}
	return &plan.Project{List: list, Child: n}
}

// byNames puts right's columns in the order of left's. Missing ones become
// null if that is allowed; left gets those that only right has.
func (r *run) byNames(left, right plan.Node, missing bool) (plan.Node, plan.Node, error) {
	lo, ro := left.Output(), right.Output()
	var llist, rlist []plan.Expr
	used := map[plan.ID]bool{}
	for _, l := range lo {
		llist = append(llist, l)
		found, _ := r.match(ro, []string{l.Name})
		switch {
		case len(found) > 0:
			used[found[0].ID] = true
			rlist = append(rlist, found[0])
		case missing:
			rlist = append(rlist, r.alias(plan.LitNull(l.Typ), l.Name))
		default:
			return nil, nil, errs.Cond(errs.Analysis, "_LEGACY_ERROR_TEMP_1201", "",
				"UNION BY NAME finds no column "+types.Quote(l.Name)+" in the second input.", "colName", l.Name)
		}
	}
	for _, c := range ro {
		if used[c.ID] {
			continue
		}
		if !missing {
			return nil, nil, errs.Cond(errs.Analysis, "NUM_COLUMNS_MISMATCH", "42826",
				"UNION BY NAME needs inputs of the same columns: the first has "+itoa(len(lo))+", the second "+itoa(len(ro))+".",
				"operator", "UNION", "firstNumColumns", itoa(len(lo)), "invalidOrdinalNum", "second", "invalidNumColumns", itoa(len(ro)))
		}
		llist = append(llist, r.alias(plan.LitNull(c.Typ), c.Name))
		rlist = append(rlist, c)
	}
	if len(llist) > len(lo) {
		left = &plan.Project{List: llist, Child: left}
	}
	return left, &plan.Project{List: rlist, Child: right}, nil
}
