package analyze

import (
	"context"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Members of structs, arrays and maps: a.b, a['b'], a[0].

// getItem is the registry's function for a[key] on arrays and maps.
const getItem = "getitem"

// extract resolves child[key] and child.key.
func (r *run) extract(ctx context.Context, e *plan.Extract, v *env) (plan.Expr, error) {
	child, err := r.expr(ctx, e.Child, v)
	if err != nil {
		return nil, err
	}
	key, err := r.expr(ctx, e.Key, v)
	if err != nil {
		return nil, err
	}
	out, err := r.extractOf(ctx, child, key)
	return out, at(err, e.At)
}

func (r *run) extractOf(ctx context.Context, child, key plan.Expr) (plan.Expr, error) {
	t := child.Type()
	name, isName := "", false
	if l, ok := key.(*plan.Literal); ok && l.Typ.Kind == types.KindString && l.Value != nil {
		name, isName = l.Value.(string), true
	}
	switch {
	case t.Kind == types.KindStruct && isName:
		return r.field(child, name)
	case t.Kind == types.KindArray && isName && t.Elem.Kind == types.KindStruct:
		return r.fieldOfEach(child, name)
	case t.Kind == types.KindStruct:
		return nil, errs.Cond(errs.Analysis, "INVALID_EXTRACT_FIELD_TYPE", "42000",
			"A field's name must be a constant string, not "+toSQL(key)+".", "extraction", toSQL(key))
	case t.Kind == types.KindArray || t.Kind == types.KindMap || t.Kind == types.KindVariant:
		return r.item(ctx, child, key)
	}
	return nil, errs.Cond(errs.Analysis, "INVALID_EXTRACT_BASE_FIELD_TYPE", "42000",
		"Only structs, maps and arrays have members; "+toSQL(child)+" is of type "+toSQLType(t)+".",
		"base", toSQL(child), "other", toSQLType(t))
}

// member is e.name, for name parts after a column.
func (r *run) member(e plan.Expr, name string) (plan.Expr, error) {
	return r.extractOf(context.Background(), e, plan.LitString(name))
}

// field is a struct's member by name.
func (r *run) field(e plan.Expr, name string) (plan.Expr, error) {
	i, err := r.fieldIndex(e.Type(), name)
	if err != nil {
		return nil, err
	}
	return &plan.GetField{Child: e, Index: i, Name: e.Type().Fields[i].Name}, nil
}

func (r *run) fieldIndex(t types.Type, name string) (int, error) {
	at, n := -1, 0
	names := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		names[i] = types.Quote(f.Name)
		if r.sameName(f.Name, name) {
			if n++; at < 0 {
				at = i
			}
		}
	}
	list := strings.Join(names, ", ")
	switch n {
	case 0:
		return 0, errs.Cond(errs.Analysis, "FIELD_NOT_FOUND", "42704",
			"The struct has no field "+types.Quote(name)+", but "+list+".", "fieldName", types.Quote(name), "fields", list)
	case 1:
		return at, nil
	}
	return 0, errs.Cond(errs.Analysis, "AMBIGUOUS_REFERENCE_TO_FIELDS", "42000",
		"The struct has several fields "+types.Quote(name)+".", "field", types.Quote(name), "count", itoa(n))
}

// fieldOfEach takes a field of each struct of an array.
func (r *run) fieldOfEach(e plan.Expr, name string) (plan.Expr, error) {
	t := e.Type()
	p := &plan.LambdaVar{Name: "x", ID: r.NextID(), Typ: *t.Elem, Null: t.Nullable}
	body, err := r.field(p, name)
	if err != nil {
		return nil, err
	}
	f := body.(*plan.GetField)
	return &plan.Call{
		Name: "transform", Args: []plan.Expr{e, &plan.Lambda{Params: []*plan.LambdaVar{p}, Body: body}},
		Typ: types.Array(body.Type(), body.Nullable()), Null: e.Nullable(), Ansi: r.Env.Ansi, Text: fieldOfEachText + f.Name,
	}, nil
}

// fieldOfEachText marks the transform that stands for array.field, for names.
const fieldOfEachText = "get_array_struct_fields:"

// item is an array's element or a map's value.
func (r *run) item(ctx context.Context, child, key plan.Expr) (plan.Expr, error) {
	if ent := r.Registry.Lookup(getItem); ent != nil {
		return r.applied(ctx, ent, &plan.Func{Name: []string{getItem}}, []plan.Expr{child, key})
	}
	t := child.Type()
	c := &plan.Call{Name: getItem, Args: []plan.Expr{child, key}, Typ: *t.Elem, Null: true, Ansi: r.Env.Ansi}
	want := function.WantIntegral
	if t.Kind == types.KindMap {
		want = function.Exactly(*t.Key)
	}
	kt, ok := want.Coerce(r.Env.Ansi, key.Type())
	if !ok {
		return nil, function.WithCall(function.UnexpectedType(c.Args, 1, want.Name), plan.SQLName(c))
	}
	c.Args[1] = r.castTo(key, kt)
	return c, nil
}

// updateField resolves withField and dropFields to the struct of new members.
func (r *run) updateField(ctx context.Context, e *plan.UpdateField, v *env) (plan.Expr, error) {
	child, err := r.expr(ctx, e.Child, v)
	if err != nil {
		return nil, err
	}
	var value plan.Expr
	if e.Value != nil {
		if value, err = r.expr(ctx, e.Value, v); err != nil {
			return nil, err
		}
	}
	return r.updated(child, strings.Split(e.Path, "."), value)
}

// updated sets (value not nil) or drops the field at path of a struct.
func (r *run) updated(e plan.Expr, path []string, value plan.Expr) (plan.Expr, error) {
	t := e.Type()
	if t.Kind != types.KindStruct {
		return nil, function.WithCall(function.UnexpectedType([]plan.Expr{e}, 0, "STRUCT"), plan.SQLName(e))
	}
	var args []plan.Expr
	seen := false
	for i, f := range t.Fields {
		var m plan.Expr = &plan.GetField{Child: e, Index: i, Name: f.Name}
		name := f.Name
		if r.sameName(f.Name, path[0]) {
			seen = true
			if len(path) > 1 {
				var err error
				if m, err = r.updated(m, path[1:], value); err != nil {
					return nil, err
				}
			} else if m, name = value, path[0]; m == nil {
				continue
			}
		}
		args = append(args, plan.LitString(name), m)
	}
	if !seen && len(path) > 1 {
		_, err := r.fieldIndex(t, path[0])
		return nil, err
	}
	if !seen && value != nil {
		args = append(args, plan.LitString(path[0]), value)
	}
	if len(args) == 0 {
		return nil, errs.Cond(errs.Analysis, "DATATYPE_MISMATCH.CANNOT_DROP_ALL_FIELDS", "42K09",
			"A struct must keep at least one field.", "sqlExpr", toSQL(e))
	}
	s := namedStruct(args)
	if !e.Nullable() {
		return s, nil
	}
	isNull := &plan.Call{Name: "isnull", Args: []plan.Expr{e}, Typ: types.Bool}
	return &plan.Case{Whens: []plan.When{{Cond: isNull, Then: plan.LitNull(s.Typ)}}, Else: s, FromIf: true}, nil
}

// namedStruct builds a struct of names and values in turn.
func namedStruct(args []plan.Expr) *plan.Call {
	var fs []types.Field
	for i := 0; i+1 < len(args); i += 2 {
		fs = append(fs, types.Field{Name: args[i].(*plan.Literal).Value.(string), Type: args[i+1].Type(), Nullable: args[i+1].Nullable()})
	}
	return &plan.Call{Name: "named_struct", Args: args, Typ: types.Struct(fs...)}
}
