package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// subquery resolves a query inside an expression; its references to columns of
// the enclosing query become OuterRefs.
func (r *run) subquery(ctx context.Context, s *plan.Subquery, v *env) (plan.Expr, error) {
	n := s.Plan
	if n == nil {
		if n = v.sc.ref(s.PlanID); n == nil {
			return nil, errs.Cond(errs.Analysis, "CANNOT_RESOLVE_DATAFRAME_COLUMN", "42704", "The plan of a subquery is missing.", "name", "subquery")
		}
	}
	out := *s
	var err error
	if out.Values, err = r.exprs(ctx, s.Values, v); err != nil {
		return nil, err
	}
	if out.Plan, err = r.node(ctx, n, &scope{parent: v.sc, outer: v}); err != nil {
		return nil, err
	}
	if err := checkCorrelation(out.Plan); err != nil {
		return nil, at(err, s.At)
	}
	switch s.Kind {
	case plan.ScalarSubquery:
		if k := len(out.Plan.Output()); k != 1 {
			return nil, at(errs.Cond(errs.Analysis, "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN", "42823",
				"A scalar subquery must have one column, not "+itoa(k)+".", "number", itoa(k)), s.At)
		}
	case plan.InSubquery:
		return r.inSubquery(&out)
	case plan.TableArg:
		return nil, at(errs.Unsupported("table arguments of functions"), s.At)
	default:
	}
	return &out, nil
}

// inSubquery brings the values and the query's columns to common types.
func (r *run) inSubquery(s *plan.Subquery) (plan.Expr, error) {
	cols := s.Plan.Output()
	if len(s.Values) == 1 && len(cols) > 1 && s.Values[0].Type().Kind == types.KindStruct {
		s.Values = structValues(s.Values[0])
	}
	if len(cols) != len(s.Values) {
		return nil, at(errs.Cond(errs.Analysis, "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH", "42K09",
			"The left side of IN has "+itoa(len(s.Values))+" values, the query has "+itoa(len(cols))+" columns.",
			"sqlExpr", toSQL(s), "leftLength", itoa(len(s.Values)), "rightLength", itoa(len(cols)),
			"leftColumns", "", "rightColumns", ""), s.At)
	}
	list := make([]plan.Expr, len(cols))
	changed := false
	for i, c := range cols {
		t, ok := function.CommonType(r.Env.Ansi, s.Values[i].Type(), c.Typ)
		if !ok {
			return nil, at(errs.Cond(errs.Analysis, "DATATYPE_MISMATCH.IN_SUBQUERY_DATA_TYPE_MISMATCH", "42K09",
				"The left side of IN is of type "+toSQLType(s.Values[i].Type())+", the query's column of "+toSQLType(c.Typ)+".",
				"sqlExpr", toSQL(s), "mismatchedColumns", c.Name, "leftType", toSQLType(s.Values[i].Type()), "rightType", toSQLType(c.Typ)), s.At)
		}
		s.Values[i] = r.castTo(s.Values[i], t)
		list[i] = c
		if !c.Typ.Equal(t) {
			list[i], changed = r.alias(r.castTo(c, t), c.Name), true
		}
	}
	if changed {
		s.Plan = &plan.Project{List: list, Child: s.Plan}
	}
	return s, nil
}

// structValues takes a struct on the left side of IN apart.
func structValues(e plan.Expr) []plan.Expr {
	t := e.Type()
	out := make([]plan.Expr, len(t.Fields))
	for i, f := range t.Fields {
		out[i] = &plan.GetField{Child: e, Index: i, Name: f.Name}
	}
	return out
}

// checkCorrelation tests that only operators that can be taken apart from
// their outer query refer to it.
func checkCorrelation(n plan.Node) error {
	var bad plan.Expr
	plan.Walk(n, func(x plan.Node) bool {
		switch x.(type) {
		case *plan.Project, *plan.Filter, *plan.Join, *plan.Generate, *plan.Shared:
			return bad == nil
		}
		for _, e := range x.Exprs() {
			if hasOuter(e) && bad == nil {
				bad = e
			}
		}
		return bad == nil
	})
	if bad == nil {
		return nil
	}
	return errs.Cond(errs.Analysis, "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.CORRELATED_REFERENCE", "0A000",
		"Only WHERE and the select list of a subquery can refer to the enclosing query, unlike "+toSQL(bad)+".", "sqlExprs", toSQL(bad))
}

func hasOuter(e plan.Expr) bool {
	found := false
	plan.WalkExpr(e, func(x plan.Expr) bool {
		if _, ok := x.(*plan.OuterRef); ok {
			found = true
		}
		return !found
	})
	return found
}
