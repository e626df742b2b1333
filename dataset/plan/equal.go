package plan

import (
	"fmt"
	"strings"
)

// Key is a text that two expressions share exactly when they compute the same
// value from the same columns: names of results, implicitness and origins do
// not count. Volatile functions compare equal too: callers look out for them.
func Key(e Expr) string {
	var b strings.Builder
	writeKey(&b, e)
	return b.String()
}

func writeKey(b *strings.Builder, e Expr) {
	switch e := e.(type) {
	case *Literal:
		fmt.Fprintf(b, "%T:%v:%s", e.Value, e.Value, e.Typ)
		return
	case *Column:
		fmt.Fprintf(b, "#%d", e.ID)
		return
	case *Bound:
		fmt.Fprintf(b, "@%d", e.Index)
		return
	case *Alias:
		writeKey(b, e.Child)
		return
	case *Call:
		b.WriteString(e.Name)
	case *Cast:
		fmt.Fprintf(b, "cast%d:%s", e.Mode, e.To)
	case *Agg:
		fmt.Fprintf(b, "agg:%s:%v:%v:%v:%d", e.Name, e.Distinct, e.IgnoreNulls, e.Filter != nil, len(e.Args))
		for _, o := range e.Order {
			fmt.Fprintf(b, ":%v%d", o.Desc, o.Nulls)
		}
	case *Case:
		fmt.Fprintf(b, "case%d", len(e.Whens))
	case SortOrder:
		fmt.Fprintf(b, "sort%v%v", e.Desc, e.NullsAreFirst())
	case *Window:
		fmt.Fprintf(b, "win%d:%d:%d:%d:%d", len(e.Partition), len(e.Order), e.Frame.Kind, e.Frame.Lo.Kind, e.Frame.Hi.Kind)
		for _, o := range e.Order {
			fmt.Fprintf(b, ":%v%v", o.Desc, o.NullsAreFirst())
		}
	case *GetField:
		fmt.Fprintf(b, "field%d", e.Index)
	case *LambdaVar:
		fmt.Fprintf(b, "$%d", e.ID)
		return
	case *Lambda:
		b.WriteString("lambda")
		for _, p := range e.Params {
			fmt.Fprintf(b, "$%d", p.ID)
		}
	case *In:
		b.WriteString("in")
	case *Subquery: // texts do not tell plans apart
		fmt.Fprintf(b, "subquery%d:%p", e.Kind, e.Plan)
	default:
		fmt.Fprintf(b, "%T:%s", e, e)
		return
	}
	b.WriteByte('(')
	for i, c := range e.Children() {
		if i > 0 {
			b.WriteByte(',')
		}
		writeKey(b, c)
	}
	b.WriteByte(')')
}

// Same tells whether two expressions have equal keys.
func Same(a, b Expr) bool { return Key(a) == Key(b) }
