package analyze

import (
	"context"
	"slices"
	"strconv"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Spark's defaults of spark.sql.cteRecursionLevelLimit and ...RowLimit.
const (
	recursionLevels = 100
	recursionRows   = 1_000_000
)

// refersTo tells whether an unresolved plan names a relation, unless a named
// query inside it has the same name.
func refersTo(n plan.Node, name string) bool {
	switch x := n.(type) {
	case *plan.Table:
		return len(x.Parts) == 1 && lower(x.Parts[0]) == lower(name)
	case *plan.With:
		for _, c := range x.CTEs {
			if refersTo(c.Plan, name) {
				return true
			}
			if lower(c.Name) == lower(name) {
				return false
			}
		}
		return refersTo(x.Child, name)
	}
	found := false
	for _, e := range n.Exprs() {
		plan.WalkExpr(e, func(y plan.Expr) bool {
			s, ok := y.(*plan.Subquery)
			found = found || ok && s.Plan != nil && refersTo(s.Plan, name)
			return !found
		})
	}
	for _, c := range n.Children() {
		found = found || c != nil && refersTo(c, name)
	}
	return found
}

// recursive resolves a query of WITH RECURSIVE that refers to itself: the
// anchor gives names and types, the step is resolved over rows of these.
func (r *run) recursive(ctx context.Context, c *cte) (plan.Node, error) {
	union, sc, err := r.recursiveParts(c)
	if err != nil {
		return nil, err
	}
	anchor, err := r.node(ctx, union.Left, sc)
	if err != nil {
		return nil, err
	}
	if len(c.def.Columns) > 0 {
		if anchor, err = r.renamedExactly(anchor, c.def.Columns); err != nil {
			return nil, err
		}
	}
	r.nshare++
	out := &plan.Recursive{ID: r.nshare, Anchor: anchor, MaxLevel: r.confLong("spark.sql.cteRecursionLevelLimit", recursionLevels)}
	out.MaxRows = r.confLong("spark.sql.cteRecursionRowLimit", recursionRows)
	if c.def.MaxLevel != nil {
		out.MaxLevel = *c.def.MaxLevel
	}
	if err := r.recursiveStep(ctx, c, out, union.Right, sc); err != nil {
		return nil, err
	}
	if len(freeColumns(out)) > 0 {
		return nil, errs.Cond(errs.Analysis, "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.ACCESSING_OUTER_QUERY_COLUMN_IS_NOT_ALLOWED", "0A000",
			"A recursive query cannot refer to columns of the enclosing query.", "treeNode", out.String())
	}
	return out, nil
}

// recursiveParts finds the UNION ALL of anchor and step, below named queries
// of the definition's own, and the scope it stands in.
func (r *run) recursiveParts(c *cte) (*plan.SetOp, *scope, error) {
	n, sc := c.def.Plan, c.scope
	for {
		w, ok := n.(*plan.With)
		if !ok {
			break
		}
		for _, d := range w.CTEs {
			if refersTo(d.Plan, c.def.Name) {
				return nil, nil, invalidRecursive(c)
			}
		}
		sc, n = r.withNames(w, sc), w.Child
	}
	u, ok := n.(*plan.SetOp)
	if !ok || u.Kind != plan.SetUnion || u.ByName || refersTo(u.Left, c.def.Name) {
		return nil, nil, invalidRecursive(c)
	}
	if !u.All {
		return nil, nil, errs.Cond(errs.Analysis, "UNION_NOT_SUPPORTED_IN_RECURSIVE_CTE", "42836",
			"A recursive query of WITH joins its two parts by UNION ALL, not by UNION.")
	}
	return u, sc, nil
}

func invalidRecursive(c *cte) error {
	return errs.Cond(errs.Analysis, "INVALID_RECURSIVE_CTE", "42836",
		"The recursive query "+c.def.Name+" must be a first part without reference to itself, UNION ALL, and a part that refers to it.")
}

// recursiveStep resolves the step. Where it makes nulls in columns that have
// none in the anchor, it is resolved again over such rows.
func (r *run) recursiveStep(ctx context.Context, c *cte, out *plan.Recursive, step plan.Node, sc *scope) error {
	rows := out.Anchor.Output()
	for nullable := false; ; nullable = true {
		ref := &plan.RecursiveRef{ID: out.ID}
		for _, o := range rows {
			f := r.freshColumn(o)
			f.Null = f.Null || nullable
			ref.Columns = append(ref.Columns, f)
		}
		self := &cte{def: c.def, scope: sc, ref: ref}
		n, err := r.node(ctx, step, &scope{parent: sc, ctes: map[string]*cte{lower(c.def.Name): self}})
		if err != nil {
			return err
		}
		if n, err = r.stepAs(n, rows); err != nil {
			return err
		}
		made := false
		out.Columns = nil
		for i, o := range ref.Columns {
			made = made || n.Output()[i].Null && !o.Null
			out.Columns = append(out.Columns, r.freshColumn(o))
		}
		if made {
			continue
		}
		if misplaced(n, out.ID) {
			return errs.Cond(errs.Analysis, "INVALID_RECURSIVE_REFERENCE.PLACE", "42836",
				"The query "+c.def.Name+" cannot refer to itself in an aggregate, a window, a sort or the optional side of a join.")
		}
		out.Step = n
		return nil
	}
}

// stepAs brings the step's columns to the anchor's types, which must hold them.
func (r *run) stepAs(n plan.Node, rows []*plan.Column) (plan.Node, error) {
	have := n.Output()
	if len(have) != len(rows) {
		return nil, errs.Cond(errs.Analysis, "NUM_COLUMNS_MISMATCH", "42826",
			"UNION needs inputs of as many columns: the first has "+itoa(len(rows))+", the second "+itoa(len(have))+".",
			"operator", "UNION", "firstNumColumns", itoa(len(rows)), "invalidOrdinalNum", "second", "invalidNumColumns", itoa(len(have)))
	}
	ts := make([]types.Type, len(rows))
	for i, o := range rows {
		ts[i] = o.Typ
		if !upCast(have[i].Typ, o.Typ) && !widensTo(have[i].Typ, o.Typ) {
			return nil, errs.Cond(errs.Analysis, "CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE", "42825",
				"The recursive part makes "+toSQLType(have[i].Typ)+" of the column "+types.Quote(o.Name)+", which is "+toSQLType(o.Typ)+".",
				"left", toSQLType(o.Typ), "right", toSQLType(have[i].Typ))
		}
	}
	return r.castColumns(n, ts), nil
}

// widensTo tells whether a decimal type holds every number of another type.
func widensTo(from, to types.Type) bool {
	if to.Kind != types.KindDecimal {
		return false
	}
	p, s := int(from.Precision), int(from.Scale)
	switch from.Kind {
	case types.KindByte:
		p, s = 3, 0
	case types.KindShort:
		p, s = 5, 0
	case types.KindInt:
		p, s = 10, 0
	case types.KindLong:
		p, s = 20, 0
	case types.KindDecimal:
	default:
		return false
	}
	return p-s <= int(to.Precision)-int(to.Scale) && s <= int(to.Scale)
}

// lastRows is an occurrence of a recursive query in its own step.
func (r *run) lastRows(c *cte) plan.Node {
	ref := &plan.RecursiveRef{ID: c.ref.ID}
	for _, o := range c.ref.Columns {
		ref.Columns = append(ref.Columns, r.freshColumn(o))
	}
	return &plan.SubqueryAlias{Name: []string{c.def.Name}, Child: ref}
}

// misplaced tells whether a reference to the recursive query stands where the
// rows that came last are not enough to know the answer.
func misplaced(n plan.Node, id int64) bool {
	if blocksRecursion(n, id) {
		return true
	}
	for _, c := range n.Children() {
		if misplaced(c, id) {
			return true
		}
	}
	found := false
	for _, e := range n.Exprs() {
		plan.WalkExpr(e, func(y plan.Expr) bool {
			s, ok := y.(*plan.Subquery)
			found = found || ok && misplaced(s.Plan, id)
			return !found
		})
	}
	return found
}

// blocksRecursion tells whether n itself cannot have the reference below it.
func blocksRecursion(n plan.Node, id int64) bool {
	switch x := n.(type) {
	case *plan.Join:
		switch x.Type {
		case plan.JoinLeft, plan.JoinSemi, plan.JoinAnti:
			return holdsRef(x.Right, id)
		case plan.JoinRight:
			return holdsRef(x.Left, id)
		case plan.JoinFull:
			return holdsRef(x, id)
		default:
		}
	case *plan.Aggregate, *plan.Sort, *plan.WindowNode:
		return holdsRef(n, id)
	case *plan.Project:
		return slices.ContainsFunc(x.List, hasWindow) && holdsRef(x.Child, id)
	}
	return false
}

func holdsRef(n plan.Node, id int64) bool {
	found := false
	walkAll(n, func(x plan.Node) {
		ref, ok := x.(*plan.RecursiveRef)
		found = found || ok && ref.ID == id
	})
	return found
}

// renamedExactly gives all columns of n the names of a list as long.
func (r *run) renamedExactly(n plan.Node, names []string) (plan.Node, error) {
	if k := len(n.Output()); k != len(names) {
		return nil, errs.Cond(errs.Analysis, "ASSIGNMENT_ARITY_MISMATCH", "42802",
			"There are "+itoa(len(names))+" column aliases for "+itoa(k)+" columns.", "numTarget", itoa(len(names)), "numExpr", itoa(k))
	}
	return r.renamedAll(n, names), nil
}

// confLong is a setting that is a whole number.
func (r *run) confLong(key string, def int64) int64 {
	if v, err := strconv.ParseInt(r.Env.Conf[key], 10, 64); err == nil {
		return v
	}
	return def
}
