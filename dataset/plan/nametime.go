package plan

import "github.com/spurwheel/spurwheel/internal/types"

// temporal names + and - with a date or timestamp and an interval or number,
// which Spark replaces by functions whose text differs.
func (n namer) temporal(op string, a, b Expr) (string, bool) {
	if op != "+" && op != "-" || !a.Resolved() || !b.Resolved() {
		return "", false
	}
	if op == "+" && (shifts(written(a)) && !shifts(written(b)) || written(b).Kind == types.KindDate) {
		a, b = b, a
	}
	t, by := written(a), written(b)
	switch {
	case t.Kind == types.KindDate && by.Kind == types.KindDayTimeInterval && by.Scale == types.FieldDay:
		days := "extractansiintervaldays(" + n.name(b) + ")"
		if op == "-" {
			days = "(- " + days + ")"
		}
		return "date_add(" + n.name(a) + ", " + days + ")", true
	case t.Kind == types.KindDate && (by.IsIntegral() || by.Kind == types.KindNull):
		f := "date_add("
		if op == "-" {
			f = "date_sub("
		}
		return f + n.name(a) + ", " + n.name(b) + ")", true
	case shifts(by) && (moment(t) || t.Kind == types.KindString && by.Kind != types.KindYearMonthInterval):
		return n.name(a) + " " + op + " " + n.name(b), true
	}
	return "", false
}

// written is the type of what the user wrote: casts nobody wrote do not count.
func written(e Expr) types.Type {
	if c, ok := e.(*Cast); ok && c.Implicit {
		return written(c.Child)
	}
	return e.Type()
}

func shifts(t types.Type) bool { return t.IsInterval() || t.Kind == types.KindCalendarInterval }

func moment(t types.Type) bool {
	return t.Kind == types.KindDate || t.Kind == types.KindTimestamp || t.Kind == types.KindTimestampNTZ
}
