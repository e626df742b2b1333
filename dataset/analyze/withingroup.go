package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// inverseDistribution tells the functions whose input is WITHIN GROUP's key.
func inverseDistribution(name string) bool {
	return name == "mode" || name == "percentile_cont" || name == "percentile_disc"
}

func orderKeys(orders []plan.SortOrder) []plan.Expr {
	out := make([]plan.Expr, len(orders))
	for i, o := range orders {
		out[i] = o.Child
	}
	return out
}

// withinGroup resolves WITHIN GROUP (ORDER BY ...) and checks where it may be.
func (r *run) withinGroup(ctx context.Context, ent *function.Entry, f *plan.Func, v *env) ([]plan.SortOrder, error) {
	inverse := inverseDistribution(ent.Name)
	name := types.Quote(ent.Name)
	fail := func(sub, message string, kv ...string) error {
		return errs.Cond(errs.Analysis, "INVALID_WITHIN_GROUP_EXPRESSION."+sub, "42K0K", message, append([]string{"funcName", name}, kv...)...)
	}
	switch {
	case len(f.Order) == 0 && inverse && (ent.Name != "mode" || len(f.Args) == 0):
		return nil, fail("WITHIN_GROUP_MISSING", name+" needs WITHIN GROUP (ORDER BY ...).")
	case len(f.Order) == 0:
		return nil, nil
	case ent.Kind != function.Aggregate || !inverse && ent.Name != "listagg":
		return nil, errs.Cond(errs.Analysis, "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX", "42000",
			name+" does not take WITHIN GROUP.", "prettyName", name, "syntax", "\"WITHIN GROUP (ORDER BY ...)\"")
	case f.Distinct && inverse:
		return nil, fail("DISTINCT_UNSUPPORTED", name+" does not take DISTINCT with WITHIN GROUP.")
	case inverse && (len(f.Order) != 1 || ent.Name == "mode" && len(f.Args) > 0):
		return nil, fail("WRONG_NUM_ORDERINGS", name+" takes one ordering in WITHIN GROUP, not "+itoa(len(f.Order))+".",
			"expectedNum", "1", "actualNum", itoa(len(f.Order)))
	}
	inner := v.with(func(v *env) { v.inAgg, v.inWin = v.inAgg || !v.inWin, false })
	var out []plan.SortOrder
	for _, o := range f.Order {
		c, err := r.expr(ctx, o.Child, inner)
		if err != nil {
			return nil, err
		}
		out = append(out, plan.SortOrder{Child: c, Desc: o.Desc, Nulls: o.Nulls})
	}
	return out, nil
}
