package plan

import (
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/internal/types"
)

// SQLName is the column name Spark makes for an expression without alias:
// "(a + 1)", "sum(a)", "CAST(a AS INT)". Strings are shown bare, casts that
// nobody wrote are hidden. Timestamps are shown in UTC: see SQLNameIn.
func SQLName(e Expr) string { return SQLNameIn(e, nil) }

// SQLNameIn is SQLName with timestamps shown in a time zone.
func SQLNameIn(e Expr, zone *time.Location) string { return namer{zone}.name(e) }

type namer struct{ zone *time.Location }

func (n namer) name(e Expr) string {
	switch e := e.(type) {
	case *Literal:
		return n.literal(e)
	case *Column:
		return e.Name
	case *Bound:
		return e.Name
	case *Alias:
		return n.name(e.Child)
	case *Call:
		return n.call(e.Name, e.Text, e.Args)
	case *Cast:
		return n.cast(e)
	case *Case:
		return n.caseName(e)
	case *In:
		return "(" + n.name(e.Child) + " IN (" + n.list(e.List) + "))"
	case *LambdaVar:
		return "namedlambdavariable()"
	case *Lambda:
		return n.lambda(e)
	case *Agg:
		return n.agg(e)
	case SortOrder:
		return n.order(e)
	case *Window:
		return n.window(e)
	case *Subquery:
		return n.subquery(e)
	case *OuterRef:
		return "outer(" + strings.Join(append(append([]string{}, e.Column.Qualifier...), e.Column.Name), ".") + ")"
	case *GetField:
		return n.name(e.Child) + "." + e.Name
	}
	return n.unresolved(e)
}

func (n namer) unresolved(e Expr) string {
	switch e := e.(type) {
	case *Attr:
		return strings.Join(e.Parts, ".")
	case *Func:
		return n.fn(e)
	case *Extract:
		return n.name(e.Child) + "[" + n.name(e.Key) + "]"
	case *UpdateField:
		return "update_fields(" + n.name(e.Child) + ")"
	case *NamedArg:
		return e.Name + " => " + n.name(e.Value)
	case *Text:
		return e.SQL
	}
	return e.String()
}

func (n namer) list(es []Expr) string {
	parts := make([]string, len(es))
	for i, e := range es {
		parts[i] = n.name(e)
	}
	return strings.Join(parts, ", ")
}

// literal shows strings and numbers bare; other types as SQL.
func (n namer) literal(e *Literal) string {
	if e.Shown != "" {
		return e.Shown
	}
	if e.Value == nil {
		return "NULL"
	}
	if e.Typ.Kind == types.KindString || e.Typ.IsNumeric() {
		return ValueText(e.Typ, e.Value, n.zone)
	}
	return LiteralSQL(e.Typ, e.Value, n.zone)
}

func (n namer) cast(e *Cast) string {
	if e.Implicit {
		return n.name(e.Child)
	}
	f := "CAST("
	if e.Mode == CastTry {
		f = "TRY_CAST("
	}
	return f + n.name(e.Child) + " AS " + e.To.SQL() + ")"
}

func (n namer) caseName(e *Case) string {
	if e.FromIf {
		return "(IF(" + n.name(e.Whens[0].Cond) + ", " + n.name(e.Whens[0].Then) + ", " + n.orNull(e.Else) + "))"
	}
	var b strings.Builder
	b.WriteString("CASE")
	for _, w := range e.Whens {
		b.WriteString(" WHEN " + n.name(w.Cond) + " THEN " + n.name(w.Then))
	}
	if e.Else != nil {
		b.WriteString(" ELSE " + n.name(e.Else))
	}
	return b.String() + " END"
}

func (n namer) orNull(e Expr) string {
	if e == nil {
		return "NULL"
	}
	return n.name(e)
}

func (n namer) lambda(e *Lambda) string {
	s := "lambdafunction(" + n.name(e.Body)
	return s + strings.Repeat(", namedlambdavariable()", len(e.Params)) + ")"
}

func (n namer) agg(e *Agg) string {
	name := e.Name
	if e.Text != "" {
		name = e.Text
	}
	switch {
	case e.Name == "mode" && len(e.Args) == 2 && isTrue(e.Args[1]):
		return "mode() WITHIN GROUP (ORDER BY " + n.name(e.Args[0]) + " DESC)"
	case name == "string_agg" && len(e.Order) > 0:
		name = "listagg"
	}
	name, parts := n.shape(name, e.Args)
	args := strings.Join(parts, ", ")
	if e.Distinct {
		args = "DISTINCT " + args
	}
	s := name + "(" + args + ")"
	if len(e.Order) > 0 {
		s += " WITHIN GROUP (ORDER BY " + n.within(e) + ")"
	}
	if e.Filter != nil {
		s += " FILTER (WHERE " + n.name(e.Filter) + ")"
	}
	return s
}

func isTrue(e Expr) bool {
	l, ok := e.(*Literal)
	return ok && l.Value == true
}

// within shows WITHIN GROUP's keys. Spark has its own way for inverse
// distributions, and turns mode's direction.
func (n namer) within(e *Agg) string {
	desc := e.Order[0].Desc
	switch e.Name {
	case "mode":
		desc = !desc
	case "percentile_cont", "percentile_disc":
	default:
		return n.orders(e.Order)
	}
	if desc {
		return n.name(e.Order[0].Child) + " DESC"
	}
	return n.name(e.Order[0].Child)
}

func (n namer) order(e SortOrder) string {
	s := n.name(e.Child) + " ASC NULLS "
	if e.Desc {
		s = n.name(e.Child) + " DESC NULLS "
	}
	if e.NullsAreFirst() {
		return s + "FIRST"
	}
	return s + "LAST"
}

func (n namer) orders(os []SortOrder) string {
	parts := make([]string, len(os))
	for i, o := range os {
		parts[i] = n.order(o)
	}
	return strings.Join(parts, ", ")
}

func (n namer) window(e *Window) string {
	var parts []string
	if len(e.Partition) > 0 {
		parts = append(parts, "PARTITION BY "+n.list(e.Partition))
	}
	if len(e.Order) > 0 {
		parts = append(parts, "ORDER BY "+n.orders(e.Order))
	}
	if f := n.frame(e); f != "" {
		parts = append(parts, f)
	}
	return n.name(e.Func) + " OVER (" + strings.Join(parts, " ") + ")"
}

// frame shows the default frame as what it stands for.
func (n namer) frame(e *Window) string {
	if s := n.ownFrame(e.Func); s != "" {
		return s
	}
	f := e.Frame
	if f.Kind == FrameDefault {
		hi := "UNBOUNDED FOLLOWING"
		kind := "ROWS"
		if len(e.Order) > 0 {
			hi, kind = "CURRENT ROW", "RANGE"
		}
		return kind + " BETWEEN UNBOUNDED PRECEDING AND " + hi
	}
	kind := "ROWS"
	if f.Kind == FrameRange {
		kind = "RANGE"
	}
	return kind + " BETWEEN " + n.bound(f.Lo) + " AND " + n.bound(f.Hi)
}

// rowsToCurrent is the frame of the functions that number rows.
const rowsToCurrent = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"

// ownFrame shows the frame of functions that have their own, whatever the
// window says; "" for others.
func (n namer) ownFrame(f Expr) string {
	c, ok := f.(*Call)
	if !ok {
		return ""
	}
	switch c.Name {
	case "row_number", "rank", "dense_rank", "percent_rank", "ntile":
		return rowsToCurrent
	case "cume_dist":
		return "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
	case "lag", "lead":
		by := "1"
		if len(c.Args) > 1 {
			by = n.name(c.Args[1])
		}
		if c.Name == "lag" {
			by = negated(by)
		}
		return "ROWS BETWEEN " + by + " FOLLOWING AND " + by + " FOLLOWING"
	}
	return ""
}

func negated(number string) string {
	if s, ok := strings.CutPrefix(number, "-"); ok {
		return s
	}
	return "-" + number
}

// bound shows the offset as written: SQL has n PRECEDING, data frames have -n.
func (n namer) bound(b FrameBound) string {
	if b.Kind != Offset {
		return b.String()
	}
	if b.Preceding {
		if c, ok := b.Value.(*Cast); ok && c.Implicit { // Spark no longer sees the negation
			return "(- " + n.positive(c.Child) + ") FOLLOWING"
		}
		return n.positive(b.Value) + " PRECEDING"
	}
	return n.name(b.Value) + " FOLLOWING"
}

// positive names what an offset n PRECEDING negates.
func (n namer) positive(e Expr) string {
	if c, ok := e.(*Call); ok && c.Name == "negative" {
		return n.name(c.Args[0])
	}
	return strings.TrimPrefix(n.name(e), "-")
}

func (n namer) subquery(e *Subquery) string {
	switch e.Kind {
	case ExistsSubquery:
		return "exists(" + outerNames(e.Plan) + ")"
	case InSubquery:
		if len(e.Values) == 1 {
			return "(" + n.name(e.Values[0]) + " IN (listquery()))"
		}
		return "(named_struct(" + n.list(e.Values) + ") IN (listquery()))"
	default:
	}
	return "scalarsubquery(" + outerNames(e.Plan) + ")"
}

// outerNames lists a resolved subquery's references to the enclosing query's
// columns, each as often as it occurs.
func outerNames(p Node) string {
	var names []string
	if p == nil {
		return ""
	}
	Walk(p, func(x Node) bool {
		for _, e := range x.Exprs() {
			WalkExpr(e, func(y Expr) bool {
				if o, ok := y.(*OuterRef); ok {
					names = append(names, o.Column.Name)
				}
				return true
			})
		}
		return true
	})
	return strings.Join(names, ", ")
}
