package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// expr resolves an expression.
func (r *run) expr(ctx context.Context, e plan.Expr, v *env) (plan.Expr, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	defer r.leave()
	if v.rewrite && e.Resolved() {
		return e, nil
	}
	switch e := e.(type) {
	case *plan.Column, *plan.LambdaVar, *plan.OuterRef, *plan.Bound:
		return e, nil
	case *plan.Literal:
		return literal(e), nil
	case *plan.Attr:
		return r.attr(ctx, e, v)
	case *plan.Func:
		return r.call(ctx, e, v)
	case *plan.Alias:
		return r.nestedAlias(ctx, e, v)
	case *plan.Cast:
		return r.cast(ctx, e, v)
	case *plan.Case:
		return r.caseWhen(ctx, e, v)
	case *plan.In:
		return r.in(ctx, e, v)
	case *plan.Window:
		return r.window(ctx, e, v)
	case *plan.Subquery:
		return r.subquery(ctx, e, v)
	}
	return r.exprMore(ctx, e, v)
}

func (r *run) exprMore(ctx context.Context, e plan.Expr, v *env) (plan.Expr, error) {
	switch e := e.(type) {
	case *plan.Extract:
		return r.extract(ctx, e, v)
	case *plan.UpdateField:
		return r.updateField(ctx, e, v)
	case *plan.Text:
		p, err := r.Parser.Expr(e.SQL)
		if err != nil {
			return nil, err
		}
		return r.expr(ctx, p, v)
	case *plan.Position:
		if e.N < 1 || e.N > len(v.cols) {
			return nil, at(positionOutOfRange(e.N, len(v.cols)), e.At)
		}
		return v.cols[e.N-1], nil
	case *plan.Star:
		return nil, at(badStar(), e.At)
	case *plan.RegexColumns:
		return nil, badStar()
	case *plan.Param:
		return nil, unboundParam(e)
	case *plan.Lambda:
		return nil, errs.Cond(errs.Analysis, "INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION", "42K0D",
			"A lambda function may only be an argument of a higher-order function.")
	case *plan.NamedArg:
		return nil, errs.Cond(errs.Analysis, "NAMED_PARAMETERS_NOT_SUPPORTED", "4274K",
			"The argument "+types.Quote(e.Name)+" is named where names are not supported.", "functionName", types.Quote(e.Name))
	}
	return r.rebuilt(ctx, e, v)
}

// rebuilt resolves the children of an expression that is its own resolved form.
func (r *run) rebuilt(ctx context.Context, e plan.Expr, v *env) (plan.Expr, error) {
	cs, err := r.exprs(ctx, e.Children(), v)
	if err != nil || len(cs) == 0 {
		return e, err
	}
	return e.WithChildren(cs), nil
}

func (r *run) exprs(ctx context.Context, es []plan.Expr, v *env) ([]plan.Expr, error) {
	out := make([]plan.Expr, len(es))
	for i, e := range es {
		var err error
		if out[i], err = r.expr(ctx, e, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// literal drops what only literals as written have: a length of their own type.
func literal(e *plan.Literal) plan.Expr {
	if e.Typ.Kind == types.KindString && e.Typ.Length != 0 {
		return &plan.Literal{Value: e.Value, Typ: types.String, At: e.At}
	}
	return e
}

// nestedAlias drops a name inside an expression unless the caller reads it.
func (r *run) nestedAlias(ctx context.Context, e *plan.Alias, v *env) (plan.Expr, error) {
	c, err := r.expr(ctx, e.Child, v.with(func(v *env) { v.names = false }))
	if err != nil || !v.names || len(e.Names) > 0 {
		return c, err
	}
	return &plan.Alias{Child: c, Name: e.Name, ID: r.NextID(), Metadata: e.Metadata}, nil
}

func badStar() error {
	return errs.Cond(errs.Analysis, "INVALID_USAGE_OF_STAR_OR_REGEX", "42000",
		"A star or a column pattern cannot stand here.", "elem", "'*'", "prettyName", "expression")
}

func unboundParam(p *plan.Param) error {
	name := p.Name
	if name == "" {
		name = "_" + itoa(p.Pos)
	}
	return at(errs.Cond(errs.Analysis, "UNBOUND_SQL_PARAMETER", "42P02",
		"The parameter "+name+" has no value; give it with the query.", "name", name), p.At)
}

// caseWhen resolves CASE and brings its branches to one type.
func (r *run) caseWhen(ctx context.Context, e *plan.Case, v *env) (plan.Expr, error) {
	cs, err := r.exprs(ctx, e.Children(), v)
	if err != nil {
		return nil, err
	}
	c := e.WithChildren(cs).(*plan.Case)
	return r.coerceCase(c)
}

func (r *run) coerceCase(c *plan.Case) (plan.Expr, error) {
	var ts []types.Type
	for i, w := range c.Whens {
		if err := r.condition(&c.Whens[i].Cond, i); err != nil {
			return nil, function.WithCall(err, plan.SQLName(c))
		}
		ts = append(ts, w.Then.Type())
	}
	if c.Else != nil {
		ts = append(ts, c.Else.Type())
	}
	t, ok := function.CommonTypeOf(r.Env.Ansi, ts)
	if !ok {
		name := "casewhen"
		if c.FromIf {
			name = "if"
		}
		return nil, function.WithCall(function.DataDiffTypes(name, ts), plan.SQLName(c))
	}
	for i := range c.Whens {
		c.Whens[i].Then = r.castTo(c.Whens[i].Then, t)
	}
	if c.Else != nil {
		c.Else = r.castTo(c.Else, t)
	}
	return c, nil
}

// condition makes the i-th condition of a CASE boolean.
func (r *run) condition(e *plan.Expr, i int) error {
	switch (*e).Type().Kind {
	case types.KindBool:
	case types.KindNull:
		*e = r.castTo(*e, types.Bool)
	default:
		return function.UnexpectedType([]plan.Expr{*e}, 0, types.Bool.SQL())
	}
	_ = i
	return nil
}

// in resolves membership in a list and brings all members to one type.
func (r *run) in(ctx context.Context, e *plan.In, v *env) (plan.Expr, error) {
	cs, err := r.exprs(ctx, e.Children(), v)
	if err != nil {
		return nil, err
	}
	return r.coerceIn(cs)
}

func (r *run) coerceIn(cs []plan.Expr) (plan.Expr, error) {
	ts := function.TypesOf(cs)
	for i := range ts[1:] {
		ts[i+1] = namedAs(ts[i+1], ts[0])
	}
	t, ok := function.CommonTypeOf(r.Env.Ansi, ts)
	if !ok {
		err := function.DataDiffTypes("in", ts)
		return nil, function.WithCall(err, plan.SQLName(&plan.In{Child: cs[0], List: cs[1:]}))
	}
	if !isComparable(t) {
		err := function.NotOrdered("in", t)
		return nil, function.WithCall(err, plan.SQLName(&plan.In{Child: cs[0], List: cs[1:]}))
	}
	for i := range cs {
		cs[i] = r.castTo(cs[i], t)
	}
	return &plan.In{Child: cs[0], List: cs[1:]}, nil
}

// namedAs is struct type t with the field names of another: rows are compared
// by position.
func namedAs(t, other types.Type) types.Type {
	if t.Kind != types.KindStruct || other.Kind != types.KindStruct || len(t.Fields) != len(other.Fields) {
		return t
	}
	fs := make([]types.Field, len(t.Fields))
	for i, f := range t.Fields {
		fs[i] = types.Field{Name: other.Fields[i].Name, Type: namedAs(f.Type, other.Fields[i].Type), Nullable: f.Nullable, Metadata: f.Metadata}
	}
	return types.Struct(fs...)
}

// isComparable tells whether values of t can be tested for equality.
func isComparable(t types.Type) bool {
	switch t.Kind {
	case types.KindMap, types.KindVariant:
		return false
	case types.KindArray, types.KindUDT:
		return isComparable(*t.Elem)
	case types.KindStruct:
		for _, f := range t.Fields {
			if !isComparable(f.Type) {
				return false
			}
		}
	default:
	}
	return true
}
