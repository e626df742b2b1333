package plan

import "strings"

// Names of calls: operators between their arguments, and the functions whose
// SQL text is not name(arguments).

var binaryNames = map[string]string{
	"+": "+", "-": "-", "*": "*", "/": "/", "%": "%", "=": "=", "==": "=", "<=>": "<=>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
	"and": "AND", "or": "OR", "&": "&", "|": "|", "^": "^", "div": "div", "<<": "<<", ">>": ">>", ">>>": ">>>",
}

// unequal are the spellings of not equal, which Spark reads as NOT (a = b).
func unequal(name string) bool { return name == "!=" || name == "<>" }

// shown is the name a call is shown under: the user's word for it, else its own.
func shown(name, text string) string {
	if text != "" {
		return strings.ToLower(text)
	}
	return name
}

func (n namer) fn(f *Func) string {
	name := f.FullName()
	if len(f.Name) == 1 {
		name = strings.ToLower(name)
	}
	var s string
	switch {
	case f.Distinct:
		s = name + "(DISTINCT " + n.list(f.Args) + ")"
	default:
		s = n.call(name, "", f.Args)
	}
	if len(f.Order) > 0 {
		s += " WITHIN GROUP (ORDER BY " + n.orders(f.Order) + ")"
	}
	if f.Filter != nil {
		s += " FILTER (WHERE " + n.name(f.Filter) + ")"
	}
	return s
}

func (n namer) call(own, text string, args []Expr) string {
	if text == "ignore nulls" { // a mark of window functions, not a name
		text = ""
	}
	name := shown(own, text)
	switch len(args) {
	case 1:
		if s, ok := n.unary(name, args[0]); ok {
			return s
		}
	case 2:
		if s, ok := n.binary(name, args); ok {
			return s
		}
	case 3:
		if s, ok := n.ternary(name, args); ok {
			return s
		}
	}
	switch name {
	case "struct":
		return "struct(" + n.structArgs(args) + ")"
	case "count":
		if len(args) == 1 {
			if _, star := args[0].(*Star); star {
				return "count(1)"
			}
		}
	case "when":
		return n.when(args)
	case "in":
		if len(args) > 0 {
			return "(" + n.name(args[0]) + " IN (" + n.list(args[1:]) + "))"
		}
	}
	name, parts := n.shape(name, args)
	return name + "(" + strings.Join(parts, ", ") + ")"
}

func (n namer) unary(name string, a Expr) (string, bool) {
	switch name {
	case "not", "!":
		if c, ok := a.(*Call); ok && c.Name == "likeall" {
			return "notlikeany(" + n.name(c.Args[0]) + ")", true
		}
		if c, ok := a.(*Call); ok && c.Name == "likeany" {
			return "notlikeall(" + n.name(c.Args[0]) + ")", true
		}
		return "(NOT " + n.name(a) + ")", true
	case "isnull":
		return "(" + n.name(a) + " IS NULL)", true
	case "isnotnull":
		return "(" + n.name(a) + " IS NOT NULL)", true
	case "~":
		return "~" + n.name(a), true
	case "unary -":
		return "(- " + n.name(a) + ")", true
	case "positive":
		return "(+ " + n.name(a) + ")", true
	}
	return "", false
}

func (n namer) binary(name string, args []Expr) (string, bool) {
	if s, ok := n.temporal(name, args[0], args[1]); ok {
		return s, true
	}
	if op, ok := binaryNames[name]; ok {
		l, r := args[0], args[1]
		if name == "*" && intervalRight(r) {
			l, r = r, l // Spark keeps the interval on the left
		}
		return "(" + n.name(l) + " " + op + " " + n.name(r) + ")", true
	}
	switch {
	case unequal(name):
		return "(NOT (" + n.name(args[0]) + " = " + n.name(args[1]) + "))", true
	case name == "like":
		return n.name(args[0]) + " LIKE " + n.name(args[1]), true
	case name == "rlike" || name == "regexp" || name == "regexp_like":
		return strings.ToUpper(name) + "(" + n.list(args) + ")", true
	case name == "||":
		return "concat(" + n.list(args) + ")", true
	case trimSides[name] != "":
		return "TRIM(" + trimSides[name] + " " + n.name(args[0]) + " FROM " + n.name(args[1]) + ")", true
	case name == "getitem":
		return n.name(args[0]) + "[" + n.name(args[1]) + "]", true
	case name == "extract" || name == "datepart":
		return name + "(" + n.name(args[0]) + " FROM " + n.name(args[1]) + ")", true
	}
	return "", false
}

// trimSides are the functions shown as TRIM(... FROM ...) with two arguments.
var trimSides = map[string]string{"trim": "BOTH", "ltrim": "LEADING", "rtrim": "TRAILING"}

// intervalRight tells whether r is an interval, as far as its type is known.
func intervalRight(r Expr) bool {
	return r.Resolved() && r.Type().IsInterval()
}

func (n namer) ternary(name string, args []Expr) (string, bool) {
	switch name {
	case "if":
		return "(IF(" + n.list(args) + "))", true
	case "like":
		return n.name(args[0]) + " LIKE " + n.name(args[1]) + " ESCAPE '" + n.name(args[2]) + "'", true
	}
	return "", false
}

// when is CASE WHEN as an unresolved call of conditions and values in turn.
func (n namer) when(args []Expr) string {
	var b strings.Builder
	b.WriteString("CASE")
	for len(args) >= 2 {
		b.WriteString(" WHEN " + n.name(args[0]) + " THEN " + n.name(args[1]))
		args = args[2:]
	}
	if len(args) == 1 {
		b.WriteString(" ELSE " + n.name(args[0]))
	}
	return b.String() + " END"
}

// structArgs shows named members as "value AS name".
func (n namer) structArgs(args []Expr) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = n.name(a)
		if al, ok := a.(*Alias); ok {
			parts[i] += " AS " + al.Name
		}
	}
	return strings.Join(parts, ", ")
}
