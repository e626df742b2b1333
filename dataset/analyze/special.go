package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Names that are no functions of the registry: clients send CASE and IN as
// calls, grouping functions depend on the operator, type names are casts.

// special resolves such a name; done is false if it is none.
func (r *run) special(ctx context.Context, name string, f *plan.Func, v *env) (e plan.Expr, done bool, err error) {
	switch name {
	case "when", "casewhen", "case":
		e, err = r.whenCall(ctx, f.Args, v)
	case "if":
		if len(f.Args) != 3 {
			return nil, true, function.WrongArgs(name, "3", len(f.Args))
		}
		e, err = r.caseWhen(ctx, &plan.Case{Whens: []plan.When{{Cond: f.Args[0], Then: f.Args[1]}}, Else: f.Args[2], FromIf: true}, v)
	case "in":
		if len(f.Args) == 0 {
			return nil, true, function.WrongArgs(name, "> 0", 0)
		}
		e, err = r.in(ctx, &plan.In{Child: f.Args[0], List: f.Args[1:]}, v)
	case "!=", "<>":
		e, err = r.call(ctx, plan.Fn("not", &plan.Func{Name: []string{"=="}, Args: f.Args, At: f.At}), v)
	case "grouping", "grouping_id", virtualGroupingID:
		e, err = r.groupingCall(ctx, name, f, v)
	case "struct":
		e, err = r.structCall(ctx, f, v)
	case "over", "expr":
		return nil, false, nil
	default:
		return r.castCall(ctx, name, f, v)
	}
	return e, true, err
}

func (r *run) whenCall(ctx context.Context, args []plan.Expr, v *env) (plan.Expr, error) {
	if len(args) < 2 {
		return nil, function.WrongArgs("when", "> 1", len(args))
	}
	c := &plan.Case{}
	for ; len(args) >= 2; args = args[2:] {
		c.Whens = append(c.Whens, plan.When{Cond: args[0], Then: args[1]})
	}
	if len(args) == 1 {
		c.Else = args[0]
	}
	return r.caseWhen(ctx, c, v)
}

// castNames are functions that cast to a type.
var castNames = map[string]types.Type{
	"boolean": types.Bool, "tinyint": types.Byte, "smallint": types.Short, "int": types.Int, "bigint": types.Long,
	"float": types.Float, "double": types.Double, "decimal": types.Decimal(10, 0), "date": types.Date,
	"timestamp": types.Timestamp, "binary": types.Binary, "string": types.String,
}

func (r *run) castCall(ctx context.Context, name string, f *plan.Func, v *env) (plan.Expr, bool, error) {
	t, ok := castNames[name]
	if !ok || r.Registry.Lookup(name) != nil {
		return nil, false, nil
	}
	if len(f.Args) != 1 {
		return nil, true, function.WrongArgs(name, "1", len(f.Args))
	}
	// Implicit: the names of columns do not show casts that are written as calls.
	e, err := r.cast(ctx, &plan.Cast{Child: f.Args[0], To: t, Mode: plan.CastSession, Implicit: true, At: f.At}, v)
	return e, true, err
}

// structCall makes a struct whose fields are named as its arguments are.
func (r *run) structCall(ctx context.Context, f *plan.Func, v *env) (plan.Expr, error) {
	list, err := r.expandArgs(f, v)
	if err != nil {
		return nil, err
	}
	args, err := r.exprs(ctx, list, v.with(func(v *env) { v.names, v.inWin = true, false }))
	if err != nil {
		return nil, err
	}
	fields := make([]types.Field, len(args))
	for i, a := range args {
		fields[i] = types.Field{Name: memberName(a, i), Type: a.Type(), Nullable: a.Nullable()}
	}
	return &plan.Call{Name: structName, Args: args, Typ: types.Struct(fields...), At: f.At}, nil
}

// structName is kept until the end for the sake of column names, then becomes named_struct.
const structName = "struct"

func memberName(e plan.Expr, i int) string {
	switch e := e.(type) {
	case *plan.Alias:
		return e.Name
	case *plan.Column:
		return e.Name
	case *plan.OuterRef:
		return e.Column.Name
	case *plan.LambdaVar:
		return e.Name
	case *plan.GetField:
		return e.Name
	}
	return "col" + itoa(i+1)
}

// groupingCall makes grouping(a) and grouping_id(...): they are resolved when
// the aggregate's grouping sets are known.
func (r *run) groupingCall(ctx context.Context, name string, f *plan.Func, v *env) (plan.Expr, error) {
	args, err := r.exprs(ctx, f.Args, v.with(func(v *env) { v.inAgg = true }))
	if err != nil {
		return nil, err
	}
	if name != "grouping" {
		return &plan.Call{Name: groupingID, Args: args, Typ: types.Long, At: f.At}, nil
	}
	if len(args) != 1 {
		return nil, function.WrongArgs(name, "1", len(args))
	}
	return &plan.Call{Name: name, Args: args, Typ: types.Byte, At: f.At}, nil
}

const groupingID = "grouping_id"

func isGroupingCall(e plan.Expr) bool {
	c, ok := e.(*plan.Call)
	return ok && (c.Name == "grouping" || c.Name == groupingID)
}

func groupingOutside(e plan.Expr) error {
	return errs.Cond(errs.Analysis, "UNSUPPORTED_GROUPING_EXPRESSION", "42K0E",
		toSQL(e)+" can only be used with GROUPING SETS, ROLLUP or CUBE.")
}
