package sql

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// printer writes trees completely, unlike plan.Tree: every field that is not
// zero, so that a story shows all that a text became.
type printer struct {
	b          strings.Builder
	subqueries []plan.Node
}

func printNode(n plan.Node) string {
	p := &printer{}
	p.node(n, 0)
	return p.b.String()
}

func printExpr(e plan.Expr) string {
	p := &printer{}
	p.b.WriteString(p.expr(e) + "\n")
	p.pending(0, 0)
	return p.b.String()
}

func (p *printer) node(n plan.Node, depth int) {
	v, first := reflect.ValueOf(n).Elem(), len(p.subqueries)
	p.b.WriteString(strings.Repeat("  ", depth) + v.Type().Name())
	var children []plan.Node
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Name == "At" || f.Anonymous || v.Field(i).IsZero() || f.Name == "Seed" && v.Field(i).Int() < 1000 {
			continue
		}
		if c, ok := reflect.TypeAssert[plan.Node](v.Field(i)); ok {
			children = append(children, c)
			continue
		}
		if ctes, ok := reflect.TypeAssert[[]plan.CTE](v.Field(i)); ok {
			for _, c := range ctes {
				p.b.WriteString(" " + c.Name + p.list("", c.Columns))
				children = append(children, c.Plan)
			}
			continue
		}
		p.b.WriteString(" " + p.field(f.Name, v.Field(i)))
	}
	p.b.WriteString("\n")
	p.pending(first, depth)
	for _, c := range children {
		p.node(c, depth+1)
	}
}

// pending prints the subqueries that the line above holds.
func (p *printer) pending(first, depth int) {
	for i, last := first, len(p.subqueries); i < last; i++ {
		fmt.Fprintf(&p.b, "%s($%d)\n", strings.Repeat("  ", depth+1), i+1)
		p.node(p.subqueries[i], depth+2)
	}
}

func (p *printer) field(name string, v reflect.Value) string {
	if v.Kind() == reflect.Bool {
		return name
	}
	return name + "=" + p.value(v)
}

func (p *printer) value(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case plan.Expr:
		return p.expr(x)
	case string:
		return fmt.Sprintf("%q", x)
	case *string:
		return fmt.Sprintf("%q", *x)
	case types.Type:
		return x.SQL()
	}
	switch v.Kind() {
	case reflect.Slice:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = p.value(v.Index(i))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Map:
		parts := make([]string, 0, v.Len())
		for _, k := range v.MapKeys() {
			e := v.MapIndex(k)
			text := "nil"
			if !e.IsZero() || e.Kind() == reflect.String {
				text = p.value(e)
			}
			parts = append(parts, k.String()+": "+text)
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		return fmt.Sprint(v.Interface())
	}
}

func (p *printer) list(sep string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return sep + "(" + strings.Join(names, ", ") + ")"
}

func (p *printer) exprs(es []plan.Expr) string {
	parts := make([]string, len(es))
	for i, e := range es {
		parts[i] = p.expr(e)
	}
	return strings.Join(parts, ", ")
}

func (p *printer) orders(os []plan.SortOrder) string {
	parts := make([]string, len(os))
	for i, o := range os {
		parts[i] = p.expr(o)
	}
	return strings.Join(parts, ", ")
}

func (p *printer) expr(e plan.Expr) string {
	switch e := e.(type) {
	case *plan.Literal:
		return p.literal(e)
	case *plan.Attr:
		parts := make([]string, len(e.Parts))
		for i, s := range e.Parts {
			parts[i] = types.QuoteIfNeeded(s)
		}
		return strings.Join(parts, ".")
	case *plan.Star:
		s := strings.Join(append(slices.Clone(e.Qualifier), "*"), ".")
		if e.Except != nil {
			s += fmt.Sprint(" EXCEPT ", e.Except)
		}
		return s
	case *plan.Func:
		return p.call(e)
	case *plan.Alias:
		return p.expr(e.Child) + " AS " + e.Name + p.list(" ", e.Names)
	case *plan.Cast:
		return fmt.Sprintf("cast%d(%s as %s)", e.Mode, p.expr(e.Child), e.To.SQL())
	case *plan.Case:
		s := "CASE"
		for _, w := range e.Whens {
			s += " WHEN " + p.expr(w.Cond) + " THEN " + p.expr(w.Then)
		}
		if e.Else != nil {
			s += " ELSE " + p.expr(e.Else)
		}
		return s + " END"
	case *plan.In:
		return p.expr(e.Child) + " IN (" + p.exprs(e.List) + ")"
	case *plan.Extract:
		return p.expr(e.Child) + "[" + p.expr(e.Key) + "]"
	}
	return p.rare(e)
}

func (p *printer) rare(e plan.Expr) string {
	switch e := e.(type) {
	case *plan.Lambda:
		names := make([]string, len(e.Params))
		for i, v := range e.Params {
			names[i] = v.Name
		}
		return "(" + strings.Join(names, ", ") + ") -> " + p.expr(e.Body)
	case *plan.Subquery:
		p.subqueries = append(p.subqueries, e.Plan)
		kind := [...]string{"scalar", "exists", "in", "table"}[e.Kind]
		return fmt.Sprintf("%s(%s$%d)", kind, p.exprs(e.Values), len(p.subqueries))
	case *plan.Window:
		return p.window(e)
	case *plan.NamedArg:
		return e.Name + " => " + p.expr(e.Value)
	case plan.SortOrder:
		s := p.expr(e.Child)
		if e.Desc {
			s += " DESC"
		}
		return s + [...]string{"", " NULLS FIRST", " NULLS LAST"}[e.Nulls]
	case *plan.Param:
		return fmt.Sprintf("param(%s%d)", e.Name, e.Pos)
	case *plan.RegexColumns:
		return "regex(" + e.Pattern + ")"
	}
	return fmt.Sprintf("%T", e)
}

func (p *printer) call(e *plan.Func) string {
	s := strings.Join(e.Name, ".") + "("
	if e.Distinct {
		s += "DISTINCT "
	}
	s += p.exprs(e.Args) + ")"
	if e.Order != nil {
		s += " WITHIN (" + p.orders(e.Order) + ")"
	}
	if e.Filter != nil {
		s += " FILTER (" + p.expr(e.Filter) + ")"
	}
	if e.IgnoreNulls != nil {
		s += fmt.Sprintf(" IGNORE NULLS %t", *e.IgnoreNulls)
	}
	return s
}

func (p *printer) window(e *plan.Window) string {
	s := p.expr(e.Func) + " OVER (" + e.Ref
	if e.Partition != nil {
		s += "BY " + p.exprs(e.Partition)
	}
	if e.Order != nil {
		s += " ORDER " + p.orders(e.Order)
	}
	if e.Frame.Kind != plan.FrameDefault {
		s += fmt.Sprintf(" %s %s TO %s", [...]string{"", "ROWS", "RANGE"}[e.Frame.Kind], p.bound(e.Frame.Lo), p.bound(e.Frame.Hi))
	}
	return s + ")"
}

func (p *printer) bound(b plan.FrameBound) string {
	if b.Kind == plan.Offset {
		return p.expr(b.Value)
	}
	return b.String()
}

func (p *printer) literal(l *plan.Literal) string {
	switch v := l.Value.(type) {
	case nil:
		return "NULL"
	case string:
		return fmt.Sprintf("%q", v)
	case int32:
		if l.Typ.Kind == types.KindInt {
			return fmt.Sprint(v)
		}
	case bool:
		return fmt.Sprint(v)
	}
	return fmt.Sprintf("%v:%s", l.Value, l.Typ.SQL())
}
