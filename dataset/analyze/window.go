package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// window resolves a function over a window.
func (r *run) window(ctx context.Context, w *plan.Window, v *env) (plan.Expr, error) {
	if w.Ref != "" {
		return nil, at(errs.Cond(errs.Analysis, "MISSING_WINDOW_SPECIFICATION", "42P20",
			"There is no window "+types.Quote(w.Ref)+" in the WINDOW clause.", "windowName", w.Ref, "docroot", docRoot), w.At)
	}
	inner := v.with(func(v *env) { v.inWin, v.names = false, false })
	out := &plan.Window{Frame: w.Frame, At: w.At}
	var err error
	if out.Partition, err = r.exprs(ctx, w.Partition, inner); err != nil {
		return nil, err
	}
	for _, o := range w.Order {
		c, err := r.expr(ctx, o.Child, inner)
		if err != nil {
			return nil, err
		}
		out.Order = append(out.Order, plan.SortOrder{Child: c, Desc: o.Desc, Nulls: o.Nulls})
	}
	if err := r.frame(ctx, &out.Frame, inner); err != nil {
		return nil, err
	}
	if out.Func, err = r.windowFunc(ctx, w.Func, v); err != nil {
		return nil, at(err, w.At)
	}
	return out, at(r.checkWindow(out), w.At)
}

// docRoot is a parameter of Spark's conditions; clients show it as it is.
const docRoot = "https://spark.apache.org/docs/latest"

func (r *run) windowFunc(ctx context.Context, f plan.Expr, v *env) (plan.Expr, error) {
	fn, ok := f.(*plan.Func)
	if !ok {
		return nil, noWindowFunction(f)
	}
	e, err := r.expr(ctx, fn, v.with(func(v *env) { v.inWin = true }))
	if err != nil {
		return nil, err
	}
	switch e := e.(type) {
	case *plan.Agg:
		if e.Distinct {
			return nil, errs.Cond(errs.Analysis, "DISTINCT_WINDOW_FUNCTION_UNSUPPORTED", "0A000",
				"DISTINCT is not supported over windows.", "windowExpr", toSQL(e))
		}
		return e, nil
	case *plan.Call:
		if ent := r.Registry.Lookup(e.Name); ent != nil && ent.Kind == function.Window {
			if fn.IgnoreNulls != nil && *fn.IgnoreNulls {
				e.Text = ignoreNulls
			}
			return e, nil
		}
	}
	return nil, noWindowFunction(e)
}

// ignoreNulls is the Text of lead, lag and nth_value calls with IGNORE NULLS.
const ignoreNulls = "ignore nulls"

func noWindowFunction(e plan.Expr) error {
	return errs.Cond(errs.Analysis, "UNSUPPORTED_EXPR_FOR_WINDOW", "42P20",
		toSQL(e)+" cannot be used over a window.", "sqlExpr", toSQL(e))
}

// frame resolves the offsets of a frame.
func (r *run) frame(ctx context.Context, f *plan.Frame, v *env) error {
	for _, b := range []*plan.FrameBound{&f.Lo, &f.Hi} {
		if b.Value == nil {
			continue
		}
		e, err := r.expr(ctx, b.Value, v)
		if err != nil {
			return err
		}
		b.Value = e
	}
	return nil
}

func (r *run) checkWindow(w *plan.Window) error {
	if c, ok := w.Func.(*plan.Call); ok && len(w.Order) == 0 {
		return errs.Cond(errs.Analysis, "_LEGACY_ERROR_TEMP_1037", "", "Window function "+plan.SQLName(c)+" needs an ORDER BY in its window.",
			"wf", plan.SQLName(c))
	}
	if a, ok := w.Func.(*plan.Agg); ok && wantsWholePartition(a) && (len(w.Order) > 0 || w.Frame.Kind != plan.FrameDefault) {
		return errs.Cond(errs.Analysis, "INVALID_WINDOW_SPEC_FOR_AGGREGATION_FUNC", "42601",
			"The function "+plan.SQLName(a)+" has an order of its own: its window can have neither ORDER BY nor a frame.", "aggFunc", a.Name)
	}
	for _, o := range w.Order {
		if !o.Child.Type().IsOrderable() {
			return errs.Cond(errs.Analysis, "EXPRESSION_TYPE_IS_NOT_ORDERABLE", "42822",
				toSQL(o.Child)+" is of type "+toSQLType(o.Child.Type())+", which has no order.", "expr", toSQL(o.Child), "exprType", toSQLType(o.Child.Type()))
		}
	}
	return r.checkFrame(w)
}

// wantsWholePartition tells aggregate functions that order their rows themselves.
func wantsWholePartition(a *plan.Agg) bool {
	switch a.Name {
	case "median", "percentile_cont", "percentile_disc":
		return true
	}
	return false
}

func (r *run) checkFrame(w *plan.Window) error {
	f := &w.Frame
	offset := f.Lo.Kind == plan.Offset || f.Hi.Kind == plan.Offset
	if f.Kind == plan.FrameDefault || !offset {
		return nil
	}
	if f.Kind == plan.FrameRange && len(w.Order) != 1 {
		sub := "RANGE_FRAME_WITHOUT_ORDER"
		if len(w.Order) > 1 {
			sub = "RANGE_FRAME_MULTI_ORDER"
		}
		return errs.Cond(errs.Analysis, "DATATYPE_MISMATCH."+sub, "42K09",
			"A RANGE frame with offsets needs exactly one ORDER BY expression.", "sqlExpr", toSQL(w))
	}
	for _, b := range []*plan.FrameBound{&f.Lo, &f.Hi} {
		if b.Kind != plan.Offset {
			continue
		}
		if !function.IsFoldable(b.Value) {
			return errs.Cond(errs.Analysis, "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WITHOUT_FOLDABLE", "42K09",
				"A frame's offset must be a constant, not "+toSQL(b.Value)+".", "sqlExpr", toSQL(w), "location", "frame", "expression", toSQL(b.Value))
		}
		want := types.Int
		if f.Kind == plan.FrameRange {
			want = rangeOffset(w.Order[0].Child.Type(), b.Value.Type())
		}
		if !function.ImplicitCast(r.Env.Ansi, b.Value.Type(), want) {
			return errs.Cond(errs.Analysis, "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE", "42K09",
				"A frame's offset of type "+toSQLType(b.Value.Type())+" does not go with "+toSQLType(want)+".",
				"sqlExpr", toSQL(w), "location", "frame", "exprType", toSQLType(b.Value.Type()), "expectedType", toSQLType(want))
		}
		b.Value = r.castTo(b.Value, want)
	}
	return nil
}

// rangeOffset is the type of an offset over an ordering of type t.
func rangeOffset(t, offset types.Type) types.Type {
	switch t.Kind {
	case types.KindDate:
		if offset.Kind == types.KindYearMonthInterval || offset.Kind == types.KindDayTimeInterval {
			return offset
		}
		return types.Int
	case types.KindTimestamp, types.KindTimestampNTZ:
		return offset
	default:
	}
	return t
}
