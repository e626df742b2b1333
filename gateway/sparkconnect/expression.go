package sparkconnect

import (
	"strings"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/errs"
)

func (t *translator) exprs(es []*pb.Expression) ([]plan.Expr, error) {
	out := make([]plan.Expr, 0, len(es))
	for _, e := range es {
		x, err := t.expr(e)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// optionalExpr is nil for an absent expression.
func (t *translator) optionalExpr(e *pb.Expression) (plan.Expr, error) {
	if e == nil {
		return nil, nil
	}
	return t.expr(e)
}

// expr translates any expression.
func (t *translator) expr(e *pb.Expression) (plan.Expr, error) {
	if err := t.enter(); err != nil {
		return nil, err
	}
	defer t.leave()
	out, err := t.exprKind(e)
	return out, at(err, e.GetCommon().GetOrigin())
}

func (t *translator) exprKind(e *pb.Expression) (plan.Expr, error) {
	origin := originOf(e.GetCommon().GetOrigin())
	switch k := e.GetExprType().(type) {
	case *pb.Expression_Literal_:
		l, err := literalFrom(k.Literal)
		if err != nil {
			return nil, err
		}
		l.At = origin
		return l, nil
	case *pb.Expression_UnresolvedAttribute_:
		parts, err := splitName(k.UnresolvedAttribute.GetUnparsedIdentifier())
		return &plan.Attr{
			Parts: parts, PlanID: k.UnresolvedAttribute.GetPlanId(),
			Metadata: k.UnresolvedAttribute.GetIsMetadataColumn(), At: origin,
		}, err
	case *pb.Expression_UnresolvedFunction_:
		return t.function(k.UnresolvedFunction, origin)
	case *pb.Expression_ExpressionString_:
		return sql.ParseExpr(k.ExpressionString.GetExpression(), t.sql)
	case *pb.Expression_UnresolvedStar_:
		return star(k.UnresolvedStar, origin)
	case *pb.Expression_UnresolvedRegex_:
		return regexColumns(k.UnresolvedRegex, origin)
	case *pb.Expression_Alias_:
		return t.alias(k.Alias)
	case *pb.Expression_Cast_:
		return t.cast(k.Cast, origin)
	case *pb.Expression_SortOrder_:
		return t.sortOrder(k.SortOrder)
	case *pb.Expression_Window_:
		return t.window(k.Window, origin)
	}
	return t.exprRare(e, origin)
}

func (t *translator) exprRare(e *pb.Expression, origin *errs.Origin) (plan.Expr, error) {
	switch k := e.GetExprType().(type) {
	case *pb.Expression_LambdaFunction_:
		return t.lambda(k.LambdaFunction)
	case *pb.Expression_UnresolvedNamedLambdaVariable_:
		return &plan.Attr{Parts: k.UnresolvedNamedLambdaVariable.GetNameParts(), At: origin}, nil
	case *pb.Expression_UnresolvedExtractValue_:
		child, err := t.expr(k.UnresolvedExtractValue.GetChild())
		if err != nil {
			return nil, err
		}
		key, err := t.expr(k.UnresolvedExtractValue.GetExtraction())
		return &plan.Extract{Child: child, Key: key, At: origin}, err
	case *pb.Expression_UpdateFields_:
		child, err := t.expr(k.UpdateFields.GetStructExpression())
		if err != nil {
			return nil, err
		}
		value, err := t.optionalExpr(k.UpdateFields.GetValueExpression())
		return &plan.UpdateField{Child: child, Path: k.UpdateFields.GetFieldName(), Value: value}, err
	case *pb.Expression_CallFunction:
		name, err := sql.ParseIdentifier(k.CallFunction.GetFunctionName())
		if err != nil {
			return nil, err
		}
		args, err := t.exprs(k.CallFunction.GetArguments())
		return &plan.Func{Name: name, Args: args, At: origin}, err
	case *pb.Expression_NamedArgumentExpression:
		v, err := t.expr(k.NamedArgumentExpression.GetValue())
		return &plan.NamedArg{Name: k.NamedArgumentExpression.GetKey(), Value: v}, err
	case *pb.Expression_SubqueryExpression:
		return t.subquery(k.SubqueryExpression, origin)
	case *pb.Expression_CommonInlineUserDefinedFunction:
		return nil, unsupportedUDF(k.CommonInlineUserDefinedFunction)
	case *pb.Expression_MergeAction:
		return nil, errs.Unsupported("MERGE INTO")
	case *pb.Expression_TypedAggregateExpression:
		return nil, errs.Unsupported("typed aggregates of the Scala API")
	case *pb.Expression_DirectShufflePartitionId:
		return nil, errs.Unsupported("repartitionById")
	case *pb.Expression_Extension:
		return nil, errs.Unsupported("expression extension " + k.Extension.GetTypeUrl())
	}
	return nil, invalidPlan("an expression is missing or of unknown kind")
}

func unsupportedUDF(f *pb.CommonInlineUserDefinedFunction) error {
	what := "user-defined functions"
	switch f.GetFunction().(type) {
	case *pb.CommonInlineUserDefinedFunction_PythonUdf:
		what = "Python user-defined functions"
	case *pb.CommonInlineUserDefinedFunction_ScalarScalaUdf:
		what = "Scala user-defined functions"
	case *pb.CommonInlineUserDefinedFunction_JavaUdf:
		what = "Java user-defined functions"
	}
	return errs.Unsupported(what + " (" + f.GetFunctionName() + ")")
}

func (t *translator) function(f *pb.Expression_UnresolvedFunction, origin *errs.Origin) (plan.Expr, error) {
	name := []string{f.GetFunctionName()}
	if f.GetIsUserDefinedFunction() {
		parts, err := sql.ParseIdentifier(f.GetFunctionName())
		if err != nil {
			return nil, err
		}
		name = parts
	}
	args, err := t.exprs(f.GetArguments())
	if err != nil {
		return nil, err
	}
	return &plan.Func{Name: name, Args: args, Distinct: f.GetIsDistinct(), UserDefined: f.GetIsUserDefinedFunction(), At: origin}, nil
}

func star(s *pb.Expression_UnresolvedStar, origin *errs.Origin) (plan.Expr, error) {
	out := &plan.Star{PlanID: s.GetPlanId(), At: origin}
	if target := s.GetUnparsedTarget(); target != "" {
		name, ok := strings.CutSuffix(target, ".*")
		if !ok {
			return nil, invalidPlan("the target of a star does not end with .*")
		}
		parts, err := splitName(name)
		if err != nil {
			return nil, err
		}
		out.Qualifier = parts
	}
	return out, nil
}

// regexColumns is a pattern if it stands in backticks, else a name.
func regexColumns(r *pb.Expression_UnresolvedRegex, origin *errs.Origin) (plan.Expr, error) {
	name := r.GetColName()
	if len(name) > 2 && name[0] == '`' && name[len(name)-1] == '`' {
		return &plan.RegexColumns{Pattern: name[1 : len(name)-1], PlanID: r.GetPlanId()}, nil
	}
	parts, err := splitName(name)
	return &plan.Attr{Parts: parts, PlanID: r.GetPlanId(), At: origin}, err
}

func (t *translator) alias(a *pb.Expression_Alias) (plan.Expr, error) {
	child, err := t.expr(a.GetExpr())
	if err != nil {
		return nil, err
	}
	if a.Metadata != nil && len(a.GetName()) != 1 {
		return nil, invalidPlan("an alias of several names has metadata")
	}
	out := &plan.Alias{Child: child, Metadata: a.GetMetadata()}
	switch names := a.GetName(); len(names) {
	case 0:
		return nil, invalidPlan("an alias has no name")
	case 1:
		out.Name = names[0]
	default:
		out.Names = names
	}
	return out, nil
}

func (t *translator) cast(c *pb.Expression_Cast, origin *errs.Origin) (plan.Expr, error) {
	child, err := t.expr(c.GetExpr())
	if err != nil {
		return nil, err
	}
	out := &plan.Cast{Child: child, Mode: plan.CastSession, At: origin}
	switch k := c.GetCastToType().(type) {
	case *pb.Expression_Cast_Type:
		out.To, err = typeFrom(k.Type)
	case *pb.Expression_Cast_TypeStr:
		out.To, err = sql.ParseType(k.TypeStr)
	default:
		err = invalidPlan("a cast has no type")
	}
	switch c.GetEvalMode() {
	case pb.Expression_Cast_EVAL_MODE_LEGACY:
		out.Mode = plan.CastLegacy
	case pb.Expression_Cast_EVAL_MODE_ANSI:
		out.Mode = plan.CastAnsi
	case pb.Expression_Cast_EVAL_MODE_TRY:
		out.Mode = plan.CastTry
	default: // as the session says
	}
	return out, err
}

func (t *translator) sortOrder(s *pb.Expression_SortOrder) (plan.SortOrder, error) {
	child, err := t.expr(s.GetChild())
	out := plan.SortOrder{Child: child, Desc: s.GetDirection() == pb.Expression_SortOrder_SORT_DIRECTION_DESCENDING}
	switch s.GetNullOrdering() {
	case pb.Expression_SortOrder_SORT_NULLS_FIRST:
		out.Nulls = plan.NullsFirst
	case pb.Expression_SortOrder_SORT_NULLS_LAST:
		out.Nulls = plan.NullsLast
	default: // by the direction
	}
	return out, err
}

func (t *translator) sortOrders(ss []*pb.Expression_SortOrder) ([]plan.SortOrder, error) {
	out := make([]plan.SortOrder, 0, len(ss))
	for _, s := range ss {
		o, err := t.sortOrder(s)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

func (t *translator) lambda(l *pb.Expression_LambdaFunction) (plan.Expr, error) {
	out := &plan.Lambda{}
	for _, a := range l.GetArguments() {
		if len(a.GetNameParts()) != 1 {
			return nil, invalidPlan("a lambda's parameter has a qualified name")
		}
		out.Params = append(out.Params, &plan.LambdaVar{Name: a.GetNameParts()[0]})
	}
	var err error
	out.Body, err = t.expr(l.GetFunction())
	return out, err
}

func (t *translator) subquery(s *pb.SubqueryExpression, origin *errs.Origin) (plan.Expr, error) {
	out := &plan.Subquery{PlanID: s.GetPlanId(), At: origin}
	switch s.GetSubqueryType() {
	case pb.SubqueryExpression_SUBQUERY_TYPE_SCALAR:
		out.Kind = plan.ScalarSubquery
	case pb.SubqueryExpression_SUBQUERY_TYPE_EXISTS:
		out.Kind = plan.ExistsSubquery
	case pb.SubqueryExpression_SUBQUERY_TYPE_IN:
		out.Kind = plan.InSubquery
		values, err := t.exprs(s.GetInSubqueryValues())
		if err != nil {
			return nil, err
		}
		out.Values = values
	case pb.SubqueryExpression_SUBQUERY_TYPE_TABLE_ARG:
		return nil, errs.Unsupported("table arguments of functions")
	default:
		return nil, invalidPlan("a subquery of unknown kind")
	}
	return out, nil
}
