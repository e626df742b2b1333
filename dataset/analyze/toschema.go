package analyze

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// toSchema is df.to(schema): columns by name, in the schema's order and types.
func (r *run) toSchema(n *plan.ToSchema, child plan.Node) (plan.Node, error) {
	out := child.Output()
	var list []plan.Expr
	for _, f := range n.Schema.Fields {
		found, _ := r.match(out, []string{f.Name})
		switch {
		case len(found) > 1:
			return nil, ambiguous([]string{f.Name}, found)
		case len(found) == 0 && !f.Nullable:
			return nil, unresolvedColumn([]string{f.Name}, out, nil)
		case len(found) == 0:
			list = append(list, r.alias(plan.LitNull(f.Type), f.Name))
			continue
		}
		c := found[0]
		if c.Null && !f.Nullable {
			return nil, errs.Cond(errs.Analysis, "NULLABLE_COLUMN_OR_FIELD", "42000",
				"The column "+types.Quote(f.Name)+" may be null, but must not.", "name", types.Quote(f.Name))
		}
		e, err := r.reconciled(c, f.Type, f.Name)
		if err != nil {
			return nil, err
		}
		a := r.alias(e, f.Name)
		if a.Metadata = f.Metadata; a.Metadata == "" {
			a.Metadata = c.Metadata
		}
		list = append(list, a)
	}
	return &plan.Project{List: list, Child: child}, nil
}

// reconciled brings e to type t: members of structs by name, others by store
// assignment.
func (r *run) reconciled(e plan.Expr, t types.Type, name string) (plan.Expr, error) {
	from := e.Type()
	if from.Same(t) {
		return e, nil
	}
	if from.Kind == types.KindStruct && t.Kind == types.KindStruct {
		return r.reconciledStruct(e, t, name)
	}
	if !storeAssignable(from, t) {
		return nil, errs.Cond(errs.Analysis, "INVALID_COLUMN_OR_FIELD_DATA_TYPE", "42000",
			types.Quote(name)+" is of type "+toSQLType(from)+" where "+toSQLType(t)+" is due.",
			"name", types.Quote(name), "type", toSQLType(from), "expectedType", toSQLType(t))
	}
	return &plan.Cast{Child: e, To: t, Mode: plan.CastAnsi, Implicit: true}, nil
}

func (r *run) reconciledStruct(e plan.Expr, t types.Type, name string) (plan.Expr, error) {
	var args []plan.Expr
	for _, f := range t.Fields {
		m, err := r.field(e, f.Name)
		switch {
		case err != nil && f.Nullable:
			m = plan.LitNull(f.Type)
		case err != nil:
			return nil, err
		}
		if m, err = r.reconciled(m, f.Type, name+"."+f.Name); err != nil {
			return nil, err
		}
		args = append(args, plan.LitString(f.Name), m)
	}
	s := namedStruct(args)
	if !e.Nullable() {
		return s, nil
	}
	isNull := &plan.Call{Name: "isnull", Args: []plan.Expr{e}, Typ: types.Bool}
	return &plan.Case{Whens: []plan.When{{Cond: isNull, Then: plan.LitNull(s.Typ)}}, Else: s, FromIf: true}, nil
}

// storeAssignable tells whether ANSI store assignment takes a value of type
// from into a column of type to.
func storeAssignable(from, to types.Type) bool {
	switch {
	case from.Equal(to) || from.Kind == types.KindNull:
		return true
	case from.IsNumeric() && to.IsNumeric():
		return true
	case to.Kind == types.KindString:
		return from.IsAtomic() && from.Kind != types.KindBinary || from.Kind == types.KindString
	case from.Kind == types.KindDate || from.Kind == types.KindTimestamp || from.Kind == types.KindTimestampNTZ:
		return to.Kind == types.KindDate || to.Kind == types.KindTimestamp || to.Kind == types.KindTimestampNTZ
	case from.IsInterval():
		return from.Kind == to.Kind
	case from.Kind != to.Kind:
		return false
	case from.Kind == types.KindArray:
		return (to.Nullable || !from.Nullable) && storeAssignable(*from.Elem, *to.Elem)
	case from.Kind == types.KindMap:
		return (to.Nullable || !from.Nullable) && storeAssignable(*from.Key, *to.Key) && storeAssignable(*from.Elem, *to.Elem)
	case from.Kind == types.KindStruct:
		return storeAssignableStruct(from, to)
	}
	return from.Kind == types.KindTime
}

func storeAssignableStruct(from, to types.Type) bool {
	if len(from.Fields) != len(to.Fields) {
		return false
	}
	for i, f := range from.Fields {
		if f.Nullable && !to.Fields[i].Nullable || !storeAssignable(f.Type, to.Fields[i].Type) {
			return false
		}
	}
	return true
}
