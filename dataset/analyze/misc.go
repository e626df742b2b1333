package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// limitNode resolves LIMIT, OFFSET and TAIL: a constant, non-negative integer.
func (r *run) limitNode(ctx context.Context, n, shape plan.Node, rows plan.Expr, name string, sc *scope) (plan.Node, error) {
	child, err := r.node(ctx, n.Children()[0], sc)
	if err != nil {
		return nil, err
	}
	e, err := r.expr(ctx, rows, r.envOf(nil, &plan.OneRow{}))
	if err != nil {
		return nil, unfoldableLimit(name, rows)
	}
	count, err := r.rowCount(e, name)
	if err != nil {
		return nil, err
	}
	return shape.WithChildren([]plan.Node{child}).WithExprs([]plan.Expr{count}), nil
}

func unfoldableLimit(name string, e plan.Expr) error {
	return limitError("IS_UNFOLDABLE", "The "+name+" "+toSQL(e)+" must be a constant.", name, e)
}

func limitError(sub, message, name string, e plan.Expr, kv ...string) error {
	return errs.Cond(errs.Analysis, "INVALID_LIMIT_LIKE_EXPRESSION."+sub, "42K0E", message, append([]string{"name", name, "expr", toSQL(e)}, kv...)...)
}

func (r *run) rowCount(e plan.Expr, name string) (plan.Expr, error) {
	if !function.IsFoldable(e) {
		return nil, unfoldableLimit(name, e)
	}
	if e.Type().Kind != types.KindInt && e.Type().Kind != types.KindShort && e.Type().Kind != types.KindByte && e.Type().Kind != types.KindLong {
		return nil, limitError("DATA_TYPE", "The "+name+" "+toSQL(e)+" must be an integer.", name, e, "dataType", toSQLType(e.Type()))
	}
	l := r.folded(e)
	if l == nil {
		return nil, unfoldableLimit(name, e)
	}
	x, ok := r.constLong(l)
	switch {
	case !ok:
		return nil, limitError("IS_NULL", "The "+name+" "+toSQL(e)+" must not be null.", name, e)
	case x < 0:
		return nil, limitError("IS_NEGATIVE", "The "+name+" "+toSQL(e)+" must not be negative.", name, e, "v", itoa(int(x)))
	}
	return plan.LitLong(x), nil
}

// constLong is the value of a constant integer.
func (r *run) constLong(e plan.Expr) (int64, bool) {
	v, ok := r.constant(e)
	if !ok {
		return 0, false
	}
	switch v := v.(type) {
	case int8:
		return int64(v), true
	case int16:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	}
	return 0, false
}

// sample resolves TABLESAMPLE; a number of rows is a limit.
func (r *run) sample(ctx context.Context, n *plan.Sample, sc *scope) (plan.Node, error) {
	if n.Rows != nil {
		return r.limitNode(ctx, n, &plan.Limit{}, n.Rows, "limit", sc)
	}
	return r.sameOver(ctx, n, sc)
}

// command resolves what a command is about.
func (r *run) command(ctx context.Context, n plan.Command, sc *scope) (plan.Node, error) {
	cs := n.Children()
	if len(cs) == 0 || cs[0] == nil {
		return n, nil
	}
	c, err := r.node(ctx, cs[0], sc)
	if err != nil {
		return nil, err
	}
	if w, ok := n.(*plan.Write); ok {
		return r.write(ctx, w, c)
	}
	return n.WithChildren([]plan.Node{c}), nil
}
