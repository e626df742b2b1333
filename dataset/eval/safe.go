package eval

import "github.com/spurwheel/spurwheel/dataset/plan"

// cheapCalls raise no errors and cost little: computing them for a row whose
// result is not needed is cheaper than leaving the row out.
var cheapCalls = map[string]bool{
	"=": true, "==": true, "<=>": true, "<": true, "<=": true, ">": true, ">=": true, "!=": true, "<>": true,
	"and": true, "or": true, "not": true, "isnull": true, "isnotnull": true, "isnan": true, "coalesce": true,
	"&": true, "|": true, "^": true, "~": true, "like": true, "startswith": true, "endswith": true, "contains": true,
}

// arithmetic raises errors in ANSI mode only.
var arithmetic = map[string]bool{"+": true, "-": true, "*": true, "negative": true, "abs": true}

// safe tells whether e may be computed for rows that do not need it.
func (c *compiler) safe(e plan.Expr) bool {
	switch e := e.(type) {
	case *plan.Literal, *plan.Bound, *plan.LambdaVar:
		return true
	case *plan.Alias, *plan.GetField, *plan.In:
	case *plan.Cast:
		if e.Mode == plan.CastAnsi && !exactCast(e) {
			return false
		}
	case *plan.Call:
		if cheap := cheapCalls[e.Name] || arithmetic[e.Name] && !e.Ansi; !cheap {
			return false
		}
	default:
		return false
	}
	for _, ch := range e.Children() {
		if !c.safe(ch) {
			return false
		}
	}
	return true
}

// exactCast tells whether a cast cannot fail: to a wider number or a string.
func exactCast(e *plan.Cast) bool {
	from, to := e.Child.Type(), e.To
	switch {
	case from.IsIntegral() && to.IsIntegral():
		return to.Kind >= from.Kind
	case from.IsNumeric() && to.IsFractional():
		return true
	}
	return plan.SafeCast(from, to) && !to.IsIntegral()
}
