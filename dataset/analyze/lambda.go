package analyze

import (
	"context"
	"slices"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// lambdas resolves the lambdas among a call's arguments, into out. Earlier
// arguments, lambdas too, are known to LambdaParams: aggregate's second lambda
// takes what the first one makes.
func (r *run) lambdas(ctx context.Context, ent *function.Entry, list, out []plan.Expr, v *env) error {
	for i, a := range list {
		l, ok := a.(*plan.Lambda)
		if !ok {
			continue
		}
		if ent.LambdaParams == nil {
			return errs.Cond(errs.Analysis, "INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION", "42K0D",
				types.Quote(ent.Name)+" takes no lambda function.", "class", ent.Name)
		}
		fields := ent.LambdaParams(out, i)
		bound, err := r.lambda(ctx, l, fields, v)
		if err != nil {
			return err
		}
		out[i] = bound
	}
	return nil
}

func (r *run) lambda(ctx context.Context, l *plan.Lambda, fields []types.Field, v *env) (plan.Expr, error) {
	if len(l.Params) > len(fields) {
		return nil, errs.Cond(errs.Analysis, "INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH", "42K0D",
			"The lambda function has "+itoa(len(l.Params))+" parameters where "+itoa(len(fields))+" are due.",
			"expectedNumArgs", itoa(len(fields)), "actualNumArgs", itoa(len(l.Params)))
	}
	params := make([]*plan.LambdaVar, len(l.Params))
	for i, p := range l.Params {
		for _, q := range params[:i] {
			if r.sameName(q.Name, p.Name) {
				return nil, errs.Cond(errs.Analysis, "INVALID_LAMBDA_FUNCTION_CALL.DUPLICATE_ARG_NAMES", "42K0D",
					"Two parameters of a lambda function are called "+types.Quote(p.Name)+".", "args", types.Quote(p.Name), "caseSensitiveConfig", "\"spark.sql.caseSensitive\"")
			}
		}
		params[i] = &plan.LambdaVar{Name: p.Name, ID: r.NextID(), Typ: fields[i].Type, Null: fields[i].Nullable}
	}
	body, err := r.expr(ctx, l.Body, v.with(func(v *env) {
		v.lambdas = append(slices.Clip(v.lambdas), params...)
		v.names = false
	}))
	if err != nil {
		return nil, err
	}
	return &plan.Lambda{Params: params, Body: body}, nil
}
