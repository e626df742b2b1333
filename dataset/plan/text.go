package plan

import (
	"fmt"
	"strconv"
	"strings"
)

// Texts of expressions as Spark's plans show them, and of nodes in one line.

func join(es []Expr) string {
	parts := make([]string, len(es))
	for i, e := range es {
		parts[i] = e.String()
	}
	return strings.Join(parts, ", ")
}

func (e *Literal) String() string {
	if e.Value == nil {
		return "null"
	}
	return ValueText(e.Typ, e.Value, nil)
}
func (e *Column) String() string { return fmt.Sprintf("%s#%d", e.Name, e.ID) }
func (e *Bound) String() string  { return fmt.Sprintf("%s[%d]", e.Name, e.Index) }
func (e *Alias) String() string  { return fmt.Sprintf("%s AS %s#%d", e.Child, e.Name, e.ID) }

// Infix lists the operators printed between their arguments.
func infix(name string) bool {
	switch name {
	case "+", "-", "*", "/", "%", "=", "==", "<=>", "<", "<=", ">", ">=", "and", "or", "&", "|", "^", "div", "<>", "!=", "||":
		return true
	}
	return false
}

func (e *Call) String() string {
	switch {
	case len(e.Args) == 2 && infix(e.Name):
		op := e.Name
		switch op {
		case "==":
			op = "="
		case "and", "or":
			op = strings.ToUpper(op)
		}
		return "(" + e.Args[0].String() + " " + op + " " + e.Args[1].String() + ")"
	case e.Name == "not":
		return "NOT " + e.Args[0].String()
	}
	return e.Name + "(" + join(e.Args) + ")"
}

func (e *Cast) String() string {
	f := "cast"
	if e.Mode == CastTry {
		f = "try_cast"
	}
	return f + "(" + e.Child.String() + " as " + e.To.String() + ")"
}

func (e *Case) String() string {
	var b strings.Builder
	b.WriteString("CASE")
	for _, w := range e.Whens {
		b.WriteString(" WHEN " + w.Cond.String() + " THEN " + w.Then.String())
	}
	if e.Else != nil {
		b.WriteString(" ELSE " + e.Else.String())
	}
	return b.String() + " END"
}

func (e *In) String() string { return e.Child.String() + " IN (" + join(e.List) + ")" }
func (e *LambdaVar) String() string {
	return fmt.Sprintf("lambda %s#%d", e.Name, e.ID)
}

func (e *Lambda) String() string {
	ps := make([]string, len(e.Params))
	for i, p := range e.Params {
		ps[i] = p.String()
	}
	return "lambdafunction(" + e.Body.String() + ", " + strings.Join(ps, ", ") + ")"
}

func (e *Agg) String() string {
	args := join(e.Args)
	if e.Distinct {
		args = "distinct " + args
	}
	s := e.Name + "(" + args + ")"
	if e.Filter != nil {
		s += " FILTER (WHERE " + e.Filter.String() + ")"
	}
	return s
}

func (e SortOrder) String() string {
	s := e.Child.String() + " ASC NULLS "
	if e.Desc {
		s = e.Child.String() + " DESC NULLS "
	}
	if e.NullsAreFirst() {
		return s + "FIRST"
	}
	return s + "LAST"
}

func (b FrameBound) String() string {
	switch b.Kind {
	case UnboundedPreceding:
		return "UNBOUNDED PRECEDING"
	case UnboundedFollowing:
		return "UNBOUNDED FOLLOWING"
	case CurrentRow:
		return "CURRENT ROW"
	default:
		return b.Value.String()
	}
}

func (f Frame) String() string {
	kind := "ROWS"
	if f.Kind == FrameRange {
		kind = "RANGE"
	}
	if f.Kind == FrameDefault {
		return ""
	}
	return kind + " BETWEEN " + f.Lo.String() + " AND " + f.Hi.String()
}

func (e *Window) String() string {
	var parts []string
	if len(e.Partition) > 0 {
		parts = append(parts, "PARTITION BY "+join(e.Partition))
	}
	if len(e.Order) > 0 {
		os := make([]string, len(e.Order))
		for i, o := range e.Order {
			os[i] = o.String()
		}
		parts = append(parts, "ORDER BY "+strings.Join(os, ", "))
	}
	if f := e.Frame.String(); f != "" {
		parts = append(parts, f)
	}
	return e.Func.String() + " OVER (" + strings.Join(parts, " ") + ")"
}

func (e *Subquery) String() string {
	switch e.Kind {
	case ExistsSubquery:
		return "exists()"
	case InSubquery:
		return "(" + join(e.Values) + ") IN (subquery)"
	default:
		return "scalar-subquery()"
	}
}
func (e *OuterRef) String() string { return "outer(" + e.Column.String() + ")" }
func (e *GetField) String() string { return e.Child.String() + "." + e.Name }

func (e *Attr) String() string         { return "'" + strings.Join(e.Parts, ".") }
func (e *RegexColumns) String() string { return "'" + e.Pattern }
func (e *Text) String() string         { return "'" + e.SQL }
func (e *Position) String() string     { return strconv.Itoa(e.N) }
func (e *Func) String() string         { return "'" + e.FullName() + "(" + join(e.Children()) + ")" }
func (e *Extract) String() string      { return e.Child.String() + "[" + e.Key.String() + "]" }
func (e *UpdateField) String() string {
	return "update_fields(" + e.Child.String() + ", " + e.Path + ")"
}
func (e *NamedArg) String() string { return e.Name + " => " + e.Value.String() }
func (e *Star) String() string {
	if len(e.Qualifier) == 0 {
		return "*"
	}
	return strings.Join(e.Qualifier, ".") + ".*"
}

func (e *Param) String() string {
	if e.Name != "" {
		return ":" + e.Name
	}
	return "?"
}

// Tree prints a plan as an indented tree.
func Tree(n Node) string {
	var b strings.Builder
	writeTree(&b, n, "", "")
	return b.String()
}

func writeTree(b *strings.Builder, n Node, head, rest string) {
	b.WriteString(head + n.String() + "\n")
	cs := n.Children()
	for i, c := range cs {
		if i == len(cs)-1 {
			writeTree(b, c, rest+"+- ", rest+"   ")
		} else {
			writeTree(b, c, rest+":- ", rest+":  ")
		}
	}
}
