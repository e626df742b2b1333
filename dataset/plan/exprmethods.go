package plan

import (
	"strings"

	"github.com/spurwheel/spurwheel/internal/types"
)

// Lit makes a literal of a boxed value.
func Lit(t types.Type, v any) *Literal { return &Literal{Value: v, Typ: t} }

// Common literals.
func LitString(s string) *Literal { return Lit(types.String, s) }
func LitInt(i int32) *Literal     { return Lit(types.Int, i) }
func LitLong(i int64) *Literal    { return Lit(types.Long, i) }
func LitBool(b bool) *Literal     { return Lit(types.Bool, b) }
func LitNull(t types.Type) *Literal {
	return Lit(t, nil)
}

// Fn makes an unresolved call.
func Fn(name string, args ...Expr) *Func { return &Func{Name: []string{name}, Args: args} }

// Name is the function's name as written.
func (f *Func) FullName() string {
	return strings.Join(f.Name, ".")
}

func allResolved(es ...Expr) bool {
	for _, e := range es {
		if e != nil && !e.Resolved() {
			return false
		}
	}
	return true
}

func exprsOfOrders(os []SortOrder) []Expr {
	out := make([]Expr, len(os))
	for i := range os {
		out[i] = os[i].Child
	}
	return out
}

func withOrderChildren(os []SortOrder, cs []Expr) []SortOrder {
	if len(os) == 0 {
		return nil
	}
	out := make([]SortOrder, len(os))
	copy(out, os)
	for i := range out {
		out[i].Child = cs[i]
	}
	return out
}

// optional returns e's place among children: none if nil.
func optional(e Expr) []Expr {
	if e == nil {
		return nil
	}
	return []Expr{e}
}

// cut takes n children off *cs.
func cut(cs *[]Expr, n int) []Expr {
	out := (*cs)[:n:n]
	*cs = (*cs)[n:]
	return out
}

// cutOptional takes a child off *cs if the old one was there.
func cutOptional(cs *[]Expr, old Expr) Expr {
	if old == nil {
		return nil
	}
	return cut(cs, 1)[0]
}

func (e *Literal) WithChildren([]Expr) Expr { return e }
func (e *Literal) Type() types.Type         { return e.Typ }
func (e *Literal) Nullable() bool           { return e.Value == nil }
func (e *Literal) Resolved() bool           { return true }

func (e *Column) WithChildren([]Expr) Expr { return e }
func (e *Column) Type() types.Type         { return e.Typ }
func (e *Column) Nullable() bool           { return e.Null }
func (e *Column) Resolved() bool           { return true }

// Field is the column as a schema field.
func (e *Column) Field() types.Field {
	return types.Field{Name: e.Name, Type: e.Typ, Nullable: e.Null, Metadata: e.Metadata}
}

// WithNullable is the column with another nullability.
func (e *Column) WithNullable(null bool) *Column {
	if e.Null == null {
		return e
	}
	c := *e
	c.Null = null
	return &c
}

func (e *Bound) WithChildren([]Expr) Expr { return e }
func (e *Bound) Type() types.Type         { return e.Typ }
func (e *Bound) Nullable() bool           { return e.Null }
func (e *Bound) Resolved() bool           { return true }

func (e *Alias) Children() []Expr { return []Expr{e.Child} }
func (e *Alias) WithChildren(c []Expr) Expr {
	n := *e
	n.Child = c[0]
	return &n
}
func (e *Alias) Type() types.Type { return e.Child.Type() }
func (e *Alias) Nullable() bool   { return e.Child.Nullable() }
func (e *Alias) Resolved() bool   { return e.ID != 0 && e.Child.Resolved() }

// Column is the reference to what the alias names.
func (e *Alias) Column() *Column {
	meta := e.Metadata
	if c, ok := e.Child.(*Column); ok && meta == "" {
		meta = c.Metadata
	}
	return &Column{Name: e.Name, ID: e.ID, Typ: e.Type(), Null: e.Nullable(), Qualifier: e.Qualifier, Metadata: meta}
}

func (e *Call) Children() []Expr { return e.Args }
func (e *Call) WithChildren(c []Expr) Expr {
	n := *e
	n.Args = c
	return &n
}
func (e *Call) Type() types.Type { return e.Typ }
func (e *Call) Nullable() bool   { return e.Null }
func (e *Call) Resolved() bool   { return allResolved(e.Args...) }

func (e *Cast) Children() []Expr { return []Expr{e.Child} }
func (e *Cast) WithChildren(c []Expr) Expr {
	n := *e
	n.Child = c[0]
	return &n
}
func (e *Cast) Type() types.Type { return e.To }

// Nullable: as in Spark, a cast counts as nullable where a conversion that must
// not raise errors could give null, also in ANSI mode.
func (e *Cast) Nullable() bool {
	return e.Mode == CastTry || e.Child.Nullable() || !SafeCast(e.Child.Type(), e.To)
}
func (e *Cast) Resolved() bool { return e.Mode != CastSession && e.Child.Resolved() }

// SafeCast tells whether a cast gives no null for values that are not null,
// as Spark's typing has it (narrowing integers wrap or fail, but give no null).
func SafeCast(from, to types.Type) bool {
	switch {
	case from.Kind == types.KindNull || from.Equal(to):
		return true
	case from.Kind == types.KindVariant:
		return false
	case from.Kind == types.KindString:
		return to.Kind == types.KindString || to.Kind == types.KindBinary
	case to.Kind == types.KindString:
		return true
	case from.Kind == types.KindTimestamp && to.IsIntegral() && to.Kind != types.KindLong:
		return false
	case from.IsFractional() && to.Kind == types.KindTimestamp:
		return false
	case to.Kind == types.KindDate:
		return from.Kind == types.KindTimestamp || from.Kind == types.KindTimestampNTZ
	case from.Kind == types.KindDate:
		return to.Kind == types.KindTimestamp || to.Kind == types.KindTimestampNTZ
	case to.Kind == types.KindCalendarInterval:
		return false
	case to.Kind == types.KindDecimal:
		return safeDecimal(from, to)
	}
	return !from.IsFractional() && from.Kind != types.KindDecimal || !to.IsIntegral()
}

func safeDecimal(from, to types.Type) bool {
	var p, s int
	switch from.Kind {
	case types.KindBool:
		p = 1
	case types.KindByte:
		p = 3
	case types.KindShort:
		p = 5
	case types.KindInt:
		p = 10
	case types.KindLong:
		p = 20
	case types.KindDecimal:
		p, s = int(from.Precision), int(from.Scale)
	default:
		return false
	}
	return int(to.Scale) >= s && int(to.Precision)-int(to.Scale) >= p-s
}

func (e *Case) Children() []Expr {
	out := make([]Expr, 0, 2*len(e.Whens)+1)
	for _, w := range e.Whens {
		out = append(out, w.Cond, w.Then)
	}
	return append(out, optional(e.Else)...)
}

func (e *Case) WithChildren(c []Expr) Expr {
	n := &Case{Whens: make([]When, len(e.Whens)), FromIf: e.FromIf}
	for i := range n.Whens {
		n.Whens[i] = When{c[2*i], c[2*i+1]}
	}
	if e.Else != nil {
		n.Else = c[len(c)-1]
	}
	return n
}
func (e *Case) Type() types.Type { return e.Whens[0].Then.Type() }
func (e *Case) Nullable() bool {
	always := false
	for _, w := range e.Whens {
		if w.Then.Nullable() {
			return true
		}
		l, ok := w.Cond.(*Literal)
		always = always || ok && l.Value == true
	}
	if always {
		return false
	}
	return e.Else == nil || e.Else.Nullable()
}
func (e *Case) Resolved() bool { return allResolved(e.Children()...) }

func (e *In) Children() []Expr { return append([]Expr{e.Child}, e.List...) }
func (e *In) WithChildren(c []Expr) Expr {
	return &In{Child: c[0], List: c[1:]}
}
func (e *In) Type() types.Type { return types.Bool }
func (e *In) Nullable() bool {
	for _, c := range e.Children() {
		if c.Nullable() {
			return true
		}
	}
	return false
}
func (e *In) Resolved() bool { return allResolved(e.Children()...) }

func (e *LambdaVar) WithChildren([]Expr) Expr { return e }
func (e *LambdaVar) Type() types.Type         { return e.Typ }
func (e *LambdaVar) Nullable() bool           { return e.Null }
func (e *LambdaVar) Resolved() bool           { return e.ID != 0 }

func (e *Lambda) Children() []Expr { return []Expr{e.Body} }
func (e *Lambda) WithChildren(c []Expr) Expr {
	return &Lambda{Params: e.Params, Body: c[0]}
}
func (e *Lambda) Type() types.Type { return e.Body.Type() }
func (e *Lambda) Nullable() bool   { return e.Body.Nullable() }
func (e *Lambda) Resolved() bool {
	for _, p := range e.Params {
		if !p.Resolved() {
			return false
		}
	}
	return e.Body.Resolved()
}

func (e *Agg) Children() []Expr {
	out := append([]Expr{}, e.Args...)
	out = append(out, optional(e.Filter)...)
	return append(out, exprsOfOrders(e.Order)...)
}

func (e *Agg) WithChildren(c []Expr) Expr {
	n := *e
	n.Args = cut(&c, len(e.Args))
	n.Filter = cutOptional(&c, e.Filter)
	n.Order = withOrderChildren(e.Order, c)
	return &n
}
func (e *Agg) Type() types.Type { return e.Typ }
func (e *Agg) Nullable() bool   { return e.Null }
func (e *Agg) Resolved() bool   { return allResolved(e.Children()...) }

func (e SortOrder) Children() []Expr { return []Expr{e.Child} }
func (e SortOrder) WithChildren(c []Expr) Expr {
	e.Child = c[0]
	return e
}
func (e SortOrder) Type() types.Type { return e.Child.Type() }
func (e SortOrder) Nullable() bool   { return e.Child.Nullable() }
func (e SortOrder) Resolved() bool   { return e.Child.Resolved() }

func (e *Window) Children() []Expr {
	out := append([]Expr{e.Func}, e.Partition...)
	out = append(out, exprsOfOrders(e.Order)...)
	out = append(out, optional(e.Frame.Lo.Value)...)
	return append(out, optional(e.Frame.Hi.Value)...)
}

func (e *Window) WithChildren(c []Expr) Expr {
	n := *e
	n.Func = cut(&c, 1)[0]
	n.Partition = cut(&c, len(e.Partition))
	n.Order = withOrderChildren(e.Order, cut(&c, len(e.Order)))
	n.Frame.Lo.Value = cutOptional(&c, e.Frame.Lo.Value)
	n.Frame.Hi.Value = cutOptional(&c, e.Frame.Hi.Value)
	return &n
}
func (e *Window) Type() types.Type { return e.Func.Type() }
func (e *Window) Nullable() bool   { return e.Func.Nullable() }
func (e *Window) Resolved() bool   { return e.Ref == "" && allResolved(e.Children()...) }

// Children of a subquery are its left-hand values only; its plan is reached by Plan.
func (e *Subquery) Children() []Expr { return e.Values }

func (e *Subquery) WithChildren(c []Expr) Expr {
	n := *e
	n.Values = c
	return &n
}

func (e *Subquery) Type() types.Type {
	if e.Kind != ScalarSubquery || e.Plan == nil {
		return types.Bool
	}
	if out := e.Plan.Output(); len(out) > 0 {
		return out[0].Typ
	}
	return types.Null
}

func (e *Subquery) Nullable() bool {
	if e.Kind != InSubquery {
		return e.Kind != ExistsSubquery
	}
	for _, v := range e.Values {
		if v.Nullable() {
			return true
		}
	}
	for _, c := range e.Plan.Output() {
		if c.Null {
			return true
		}
	}
	return false
}

func (e *Subquery) Resolved() bool {
	return e.Plan != nil && e.Plan.Output() != nil && allResolved(e.Values...)
}

func (e *OuterRef) WithChildren([]Expr) Expr { return e }
func (e *OuterRef) Type() types.Type         { return e.Column.Typ }
func (e *OuterRef) Nullable() bool           { return e.Column.Null }
func (e *OuterRef) Resolved() bool           { return true }

func (e *GetField) Children() []Expr { return []Expr{e.Child} }
func (e *GetField) WithChildren(c []Expr) Expr {
	n := *e
	n.Child = c[0]
	return &n
}
func (e *GetField) Type() types.Type { return e.Child.Type().Fields[e.Index].Type }
func (e *GetField) Nullable() bool {
	return e.Child.Nullable() || e.Child.Type().Fields[e.Index].Nullable
}
func (e *GetField) Resolved() bool { return e.Child.Resolved() }

func (e *Attr) WithChildren([]Expr) Expr         { return e }
func (e *Star) WithChildren([]Expr) Expr         { return e }
func (e *RegexColumns) WithChildren([]Expr) Expr { return e }
func (e *Text) WithChildren([]Expr) Expr         { return e }
func (e *Position) WithChildren([]Expr) Expr     { return e }
func (e *Param) WithChildren([]Expr) Expr        { return e }

func (f *Func) Children() []Expr {
	out := append([]Expr{}, f.Args...)
	out = append(out, optional(f.Filter)...)
	return append(out, exprsOfOrders(f.Order)...)
}

func (f *Func) WithChildren(c []Expr) Expr {
	n := *f
	n.Args = cut(&c, len(f.Args))
	n.Filter = cutOptional(&c, f.Filter)
	n.Order = withOrderChildren(f.Order, c)
	return &n
}

func (e *Extract) Children() []Expr { return []Expr{e.Child, e.Key} }
func (e *Extract) WithChildren(c []Expr) Expr {
	n := *e
	n.Child, n.Key = c[0], c[1]
	return &n
}

func (e *UpdateField) Children() []Expr { return append([]Expr{e.Child}, optional(e.Value)...) }
func (e *UpdateField) WithChildren(c []Expr) Expr {
	n := *e
	n.Child = c[0]
	if e.Value != nil {
		n.Value = c[1]
	}
	return &n
}

func (e *NamedArg) Children() []Expr { return []Expr{e.Value} }
func (e *NamedArg) WithChildren(c []Expr) Expr {
	return &NamedArg{Name: e.Name, Value: c[0]}
}
