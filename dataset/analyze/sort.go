package analyze

import (
	"context"
	"slices"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// sort resolves ORDER BY: positions, names of the output, columns below it,
// and aggregate functions over an aggregate.
func (r *run) sort(ctx context.Context, n *plan.Sort, sc *scope) (plan.Node, error) {
	child, err := r.node(ctx, n.Child, sc)
	if err != nil {
		return nil, err
	}
	v := r.envOf(sc, child)
	v.deep = true
	agg, rebuild := r.aggregateBelow(child)
	v.agg = agg
	orders, err := r.orders(ctx, n, v)
	if err != nil {
		return nil, err
	}
	if agg != nil {
		t := &taker{run: r, agg: *agg}
		for i := range orders {
			if orders[i].Child, err = t.take(orders[i].Child); err != nil {
				return nil, err
			}
		}
		if v.grown = len(t.agg.List) > len(agg.List); v.grown {
			v.inputs[0] = rebuild(&t.agg)
		}
	}
	if err := r.checkOrders(orders); err != nil {
		return nil, err
	}
	r.windowsBelow(orders, v)
	return r.trimmed(v, &plan.Sort{Orders: orders, Global: n.Global, Child: v.inputs[0]}), nil
}

func (r *run) orders(ctx context.Context, n *plan.Sort, v *env) ([]plan.SortOrder, error) {
	if all, _ := r.match(v.cols, []string{"all"}); n.All && len(all) == 0 {
		out := make([]plan.SortOrder, len(v.cols))
		for i, c := range v.cols {
			if len(n.Orders) > 0 {
				out[i] = n.Orders[0]
			}
			out[i].Child = c
		}
		return out, nil
	}
	var out []plan.SortOrder
	for _, o := range n.Orders {
		if n.All { // a column of that name
			o.Child = &plan.Attr{Parts: []string{"all"}}
		}
		es, err := r.expandStars([]plan.Expr{o.Child}, v)
		if err != nil {
			return nil, err
		}
		for _, e := range es {
			if e, err = r.order(ctx, e, v); err != nil {
				return nil, err
			}
			out = append(out, plan.SortOrder{Child: e, Desc: o.Desc, Nulls: o.Nulls})
		}
	}
	return out, nil
}

// order resolves a key: an integer is a position in the output.
func (r *run) order(ctx context.Context, e plan.Expr, v *env) (plan.Expr, error) {
	l, ok := e.(*plan.Literal)
	if !ok || l.Typ.Kind != types.KindInt || l.Value == nil {
		return r.expr(ctx, e, v)
	}
	i := int(l.Value.(int32))
	if i < 1 || i > len(v.cols) {
		return nil, at(errs.Cond(errs.Analysis, "ORDER_BY_POS_OUT_OF_RANGE", "42805",
			"ORDER BY position "+itoa(i)+" is not in the select list of "+itoa(len(v.cols))+" items.", "index", itoa(i), "size", itoa(len(v.cols))), l.At)
	}
	return v.cols[i-1], nil
}

func (r *run) checkOrders(orders []plan.SortOrder) error {
	for _, o := range orders {
		t := o.Child.Type()
		switch {
		case hasAggregate(o.Child):
			return errs.Cond(errs.Analysis, "MISSING_GROUP_BY", "42803", "The aggregate function in "+toSQL(o.Child)+" needs a GROUP BY.")
		case !t.IsOrderable():
			return errs.Cond(errs.Analysis, "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", "42K09",
				"Values of type "+toSQLType(t)+" have no order.", "sqlExpr", toSQL(o), "functionName", "`sortorder`", "dataType", toSQLType(t))
		}
	}
	return nil
}

// windowsBelow computes window functions of sort keys below the sort.
func (r *run) windowsBelow(orders []plan.SortOrder, v *env) {
	var extra []plan.Expr
	for i, o := range orders {
		if hasWindow(o.Child) {
			a := r.alias(o.Child, plan.SQLName(o.Child))
			extra = append(extra, a)
			orders[i].Child = a.Column()
		}
	}
	if len(extra) > 0 {
		list := append(columnList(v.inputs[0].Output()), extra...)
		v.inputs[0], v.grown = &plan.Project{List: list, Child: v.inputs[0]}, true
	}
}

// repartition resolves the keys of a distribution.
func (r *run) repartition(ctx context.Context, n *plan.Repartition, sc *scope) (plan.Node, error) {
	child, err := r.node(ctx, n.Child, sc)
	if err != nil {
		return nil, err
	}
	v := r.envOf(sc, child)
	v.deep = true
	by, err := r.exprs(ctx, n.By, v)
	if err != nil {
		return nil, err
	}
	out := *n
	out.By, out.Child = slices.Clip(by), v.inputs[0]
	return r.trimmed(v, &out), nil
}
