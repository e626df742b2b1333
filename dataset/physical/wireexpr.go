package physical

import (
	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/failure"
	"github.com/spurwheel/spurwheel/internal/types"
)

// encodeExpr puts a bound expression into its wire form. Expressions that the
// planner must have replaced (columns by identity, subqueries) are a bug.
func encodeExpr(e plan.Expr) *pb.Expr {
	switch e := e.(type) {
	case nil:
		return nil
	case *plan.Literal:
		return &pb.Expr{At: failure.EncodeOrigin(e.At), Kind: &pb.Expr_Literal{Literal: &pb.Literal{Type: EncodeType(e.Typ), Value: EncodeValue(e.Value)}}}
	case *plan.Bound:
		return &pb.Expr{Kind: &pb.Expr_Bound{Bound: &pb.Bound{Index: int32(e.Index), Type: EncodeType(e.Typ), Nullable: e.Null, Name: e.Name}}}
	case *plan.Call:
		return &pb.Expr{At: failure.EncodeOrigin(e.At), Kind: &pb.Expr_Call{Call: &pb.Call{
			Name: e.Name, Args: encodeExprs(e.Args), Type: EncodeType(e.Typ), Nullable: e.Null, Ansi: e.Ansi, Text: e.Text,
		}}}
	case *plan.Cast:
		return &pb.Expr{At: failure.EncodeOrigin(e.At), Kind: &pb.Expr_Cast{Cast: &pb.Cast{
			Child: encodeExpr(e.Child), To: EncodeType(e.To), Mode: uint32(e.Mode), Implicit: e.Implicit,
		}}}
	case *plan.Case:
		return &pb.Expr{Kind: &pb.Expr_Case{Case: encodeCase(e)}}
	case *plan.In:
		return &pb.Expr{Kind: &pb.Expr_In{In: &pb.In{Child: encodeExpr(e.Child), List: encodeExprs(e.List)}}}
	case *plan.LambdaVar:
		return &pb.Expr{Kind: &pb.Expr_LambdaVar{LambdaVar: encodeLambdaVar(e)}}
	case *plan.Lambda:
		return &pb.Expr{Kind: &pb.Expr_Lambda{Lambda: encodeLambda(e)}}
	case *plan.Agg:
		return &pb.Expr{At: failure.EncodeOrigin(e.At), Kind: &pb.Expr_Agg{Agg: encodeAgg(e)}}
	case *plan.GetField:
		return &pb.Expr{Kind: &pb.Expr_GetField{GetField: &pb.GetField{Child: encodeExpr(e.Child), Index: int32(e.Index), Name: e.Name}}}
	case *plan.Alias:
		return encodeExpr(e.Child)
	}
	panic(errs.Errorf(errs.Internal, "physical.Encode", "expression %T (%s) in a physical plan", e, e))
}

func encodeExprs[E plan.Expr](es []E) []*pb.Expr {
	out := make([]*pb.Expr, len(es))
	for i, e := range es {
		out[i] = encodeExpr(e)
	}
	return out
}

func encodeCase(e *plan.Case) *pb.Case {
	out := &pb.Case{FromIf: e.FromIf}
	for _, w := range e.Whens {
		out.Conds = append(out.Conds, encodeExpr(w.Cond))
		out.Thens = append(out.Thens, encodeExpr(w.Then))
	}
	if e.Else != nil {
		out.Otherwise = encodeExpr(e.Else)
	}
	return out
}

func encodeLambdaVar(e *plan.LambdaVar) *pb.LambdaVar {
	return &pb.LambdaVar{Name: e.Name, Id: int64(e.ID), Type: EncodeType(e.Typ), Nullable: e.Null}
}

func encodeLambda(e *plan.Lambda) *pb.Lambda {
	out := &pb.Lambda{Body: encodeExpr(e.Body)}
	for _, p := range e.Params {
		out.Params = append(out.Params, encodeLambdaVar(p))
	}
	return out
}

func encodeAgg(e *plan.Agg) *pb.Agg {
	out := &pb.Agg{
		Name: e.Name, Args: encodeExprs(e.Args), Distinct: e.Distinct, IgnoreNulls: e.IgnoreNulls,
		Type: EncodeType(e.Typ), Nullable: e.Null, Ansi: e.Ansi, Text: e.Text,
	}
	if e.Filter != nil {
		out.Filter = encodeExpr(e.Filter)
	}
	for _, o := range e.Order {
		out.Order = append(out.Order, &pb.SortKey{Expr: encodeExpr(o.Child), Desc: o.Desc, NullsFirst: o.NullsAreFirst()})
	}
	return out
}

func encodeSortKeys(ks []SortKey) []*pb.SortKey {
	var out []*pb.SortKey
	for _, k := range ks {
		out = append(out, &pb.SortKey{Expr: encodeExpr(k.Expr), Desc: k.Desc, NullsFirst: k.NullsFirst})
	}
	return out
}

// optExpr decodes an expression that may be absent.
func (d *decoder) optExpr(p *pb.Expr) plan.Expr {
	if p == nil {
		return nil
	}
	return d.expr(p)
}

func (d *decoder) expr(p *pb.Expr) plan.Expr {
	defer d.leave()
	if !d.enter() {
		return plan.LitNull(types.Null)
	}
	at := failure.DecodeOrigin(p.GetAt())
	switch k := p.GetKind().(type) {
	case *pb.Expr_Literal:
		t := d.typ(k.Literal.Type)
		return &plan.Literal{Typ: t, Value: d.value(k.Literal.Value, t), At: at}
	case *pb.Expr_Bound:
		return &plan.Bound{Index: int(k.Bound.Index), Typ: d.typ(k.Bound.Type), Null: k.Bound.Nullable, Name: k.Bound.Name}
	case *pb.Expr_Call:
		c := k.Call
		return &plan.Call{Name: c.Name, Args: d.exprs(c.Args), Typ: d.typ(c.Type), Null: c.Nullable, Ansi: c.Ansi, Text: c.Text, At: at}
	case *pb.Expr_Cast:
		return &plan.Cast{Child: d.expr(k.Cast.Child), To: d.typ(k.Cast.To), Mode: plan.CastMode(k.Cast.Mode), Implicit: k.Cast.Implicit, At: at}
	case *pb.Expr_Case:
		return d.caseExpr(k.Case)
	case *pb.Expr_In:
		return &plan.In{Child: d.expr(k.In.Child), List: d.exprs(k.In.List)}
	case *pb.Expr_LambdaVar:
		return d.lambdaVar(k.LambdaVar)
	case *pb.Expr_Lambda:
		return d.lambda(k.Lambda)
	case *pb.Expr_Agg:
		return d.agg(k.Agg, at)
	case *pb.Expr_GetField:
		return d.getField(k.GetField)
	}
	d.fail("expression of kind %T", p.GetKind())
	return plan.LitNull(types.Null)
}

func (d *decoder) exprs(ps []*pb.Expr) []plan.Expr {
	var out []plan.Expr
	for _, p := range ps {
		out = append(out, d.expr(p))
	}
	return out
}

func (d *decoder) caseExpr(p *pb.Case) plan.Expr {
	out := &plan.Case{FromIf: p.FromIf}
	if len(p.Conds) != len(p.Thens) || len(p.Conds) == 0 {
		d.fail("case with %d conditions and %d results", len(p.Conds), len(p.Thens))
		return plan.LitNull(types.Null)
	}
	for i := range p.Conds {
		out.Whens = append(out.Whens, plan.When{Cond: d.expr(p.Conds[i]), Then: d.expr(p.Thens[i])})
	}
	out.Else = d.optExpr(p.Otherwise)
	return out
}

func (d *decoder) lambdaVar(p *pb.LambdaVar) *plan.LambdaVar {
	return &plan.LambdaVar{Name: p.Name, ID: plan.ID(p.Id), Typ: d.typ(p.Type), Null: p.Nullable}
}

func (d *decoder) lambda(p *pb.Lambda) plan.Expr {
	out := &plan.Lambda{Body: d.expr(p.Body)}
	for _, v := range p.Params {
		out.Params = append(out.Params, d.lambdaVar(v))
	}
	return out
}

func (d *decoder) agg(p *pb.Agg, at *errs.Origin) *plan.Agg {
	out := &plan.Agg{
		Name: p.Name, Args: d.exprs(p.Args), Distinct: p.Distinct, Filter: d.optExpr(p.Filter), IgnoreNulls: p.IgnoreNulls,
		Typ: d.typ(p.Type), Null: p.Nullable, Ansi: p.Ansi, Text: p.Text, At: at,
	}
	for _, o := range p.Order {
		nulls := plan.NullsLast
		if o.NullsFirst {
			nulls = plan.NullsFirst
		}
		out.Order = append(out.Order, plan.SortOrder{Child: d.expr(o.Expr), Desc: o.Desc, Nulls: nulls})
	}
	return out
}

func (d *decoder) getField(p *pb.GetField) plan.Expr {
	child := d.expr(p.Child)
	if t := child.Type(); d.err == nil && (p.Index < 0 || int(p.Index) >= len(t.Fields)) {
		d.fail("field %d of %s", p.Index, t)
		return plan.LitNull(types.Null)
	}
	return &plan.GetField{Child: child, Index: int(p.Index), Name: p.Name}
}

func (d *decoder) sortKeys(ps []*pb.SortKey) []SortKey {
	var out []SortKey
	for _, p := range ps {
		out = append(out, SortKey{Expr: d.expr(p.Expr), Desc: p.Desc, NullsFirst: p.NullsFirst})
	}
	return out
}
