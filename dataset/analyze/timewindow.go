package analyze

import (
	"strings"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// window(time, duration[, slide[, start]]) and session_window(time, gap) name a
// column of an operator put below the one they stand in: rows without a time
// go, and rows of several sliding windows are repeated.

const (
	timeWindowName    = "window"
	sessionWindowName = "session_window"
	// maxOverlap bounds the windows that a row belongs to, as it is repeated so often.
	maxOverlap = 10_000
)

// timeWindows replaces the window of time in an operator's expressions by a
// column, and makes that column below it.
func (r *run) timeWindows(n plan.Node) (plan.Node, error) {
	f, err := timeWindowIn(n.Exprs())
	if f == nil || err != nil {
		return n, at2(err, f)
	}
	name := strings.ToLower(f.Name[0])
	child := n.Children()[0]
	if name == timeWindowName {
		child, err = r.fixedWindows(f, child)
	} else {
		child, err = r.sessionWindows(f, n, child)
	}
	if err != nil {
		return nil, at(err, f.At)
	}
	column := &plan.Attr{Parts: []string{name}, At: f.At}
	out, err := plan.TransformExprs(n.WithChildren([]plan.Node{child}), func(e plan.Expr) (plan.Expr, error) {
		if f, ok := e.(*plan.Func); ok && isTimeWindow(f) {
			return column, nil
		}
		return e, nil
	})
	if err != nil {
		return nil, err
	}
	switch x := out.(type) {
	case *plan.Filter:
		return &plan.DropColumns{Names: []string{name}, Child: x}, nil
	case *plan.Project:
		return withoutNew(x, name), nil
	}
	return out, nil
}

// withoutNew makes stars mean the input without the new column.
func withoutNew(n *plan.Project, name string) plan.Node {
	list := make([]plan.Expr, len(n.List))
	for i, e := range n.List {
		list[i] = e
		if s, ok := e.(*plan.Star); ok && len(s.Qualifier) == 0 {
			c := *s
			c.Except = append(append([][]string{}, s.Except...), []string{name})
			list[i] = &c
		}
	}
	return &plan.Project{List: list, Child: n.Child}
}

func at2(err error, f *plan.Func) error {
	if f == nil {
		return err
	}
	return at(err, f.At)
}

func isTimeWindow(f *plan.Func) bool {
	return len(f.Name) == 1 && len(f.Args) > 1 && (strings.EqualFold(f.Name[0], timeWindowName) || strings.EqualFold(f.Name[0], sessionWindowName))
}

// timeWindowIn is the only window of time in some expressions, nil if there is none.
func timeWindowIn(es []plan.Expr) (*plan.Func, error) {
	var found *plan.Func
	var err error
	for _, e := range es {
		plan.WalkExpr(e, func(x plan.Expr) bool {
			f, ok := x.(*plan.Func)
			if !ok || !isTimeWindow(f) {
				return true
			}
			if found != nil && plan.Key(found) != plan.Key(f) {
				err = errs.Cond(errs.Analysis, "_LEGACY_ERROR_TEMP_1039", "", "Several windows of time in one operator are not supported.")
			}
			found = f
			return false
		})
	}
	return found, err
}

// fixedWindows adds the window that each row of child lies in, or one row for
// each if they overlap.
func (r *run) fixedWindows(f *plan.Func, child plan.Node) (plan.Node, error) {
	if len(f.Args) > 4 {
		return nil, errs.Cond(errs.Analysis, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605", "window takes 2, 3 or 4 arguments.",
			"functionName", "`window`", "expectedNum", "[2, 3, 4]", "actualNum", itoa(len(f.Args)), "docroot", docRoot)
	}
	var times [3]int64
	for i, a := range f.Args[1:] {
		v, err := r.duration(a)
		if err != nil {
			return nil, err
		}
		times[i] = v
	}
	length, slide, start := times[0], times[1], times[2]
	if len(f.Args) < 3 {
		slide = length
	}
	if err := checkWindowTimes(length, slide, start); err != nil {
		return nil, err
	}
	ts := f.Args[0]
	edge := func(offset int64) plan.Expr {
		return plan.Fn(function.WindowEdge, ts, plan.LitLong(slide), plan.LitLong(start), plan.LitLong(offset))
	}
	var windows []plan.Expr
	for back := int64(0); back < length; back += slide {
		windows = append(windows, windowStruct(edge(-back), edge(length-back)))
	}
	child = &plan.Filter{Cond: plan.Fn("isnotnull", ts), Child: child}
	if len(windows) == 1 {
		return withColumn(child, windows[0], timeWindowName), nil
	}
	out := plan.Node(&plan.Generate{Gen: plan.Fn("explode", plan.Fn("array", windows...)), Names: []string{timeWindowName}, Child: child})
	end := &plan.Attr{Parts: []string{timeWindowName, "end"}}
	return &plan.Filter{Cond: plan.Fn("<", ts, end), Child: out}, nil
}

func checkWindowTimes(length, slide, start int64) error {
	outOfRange := func(what string, v int64) error {
		return errs.Cond(errs.Analysis, "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "42K09",
			"The "+what+" of a window must be positive.", "exprName", what, "valueRange", "(0, 9223372036854775807]", "currentValue", itoa(int(v))+"L")
	}
	violated := func(left string, l int64, right string, w int64) error {
		return errs.Cond(errs.Analysis, "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION", "42K09",
			"The "+left+" of a window must not be beyond its "+right+".",
			"leftExprName", left, "leftExprValue", itoa(int(l))+"L", "constraint", "<=", "rightExprName", right, "rightExprValue", itoa(int(w))+"L")
	}
	switch {
	case length <= 0:
		return outOfRange("window_duration", length)
	case slide <= 0:
		return outOfRange("slide_duration", slide)
	case slide > length:
		return violated("slide_duration", slide, "window_duration", length)
	case start >= slide || -start >= slide:
		return violated("abs(start_time)", start, "slide_duration", slide)
	case length/slide > maxOverlap:
		return errs.Unsupported("rows in more than 10000 windows each")
	}
	return nil
}

// duration is the microseconds of a literal: a number or an interval's text.
func (r *run) duration(e plan.Expr) (int64, error) {
	l, ok := e.(*plan.Literal)
	if !ok {
		return 0, errs.Cond(errs.Analysis, "_LEGACY_ERROR_TEMP_1214", "", "The durations of a window of time must be literals: numbers or text.")
	}
	switch v := l.Value.(type) {
	case int32:
		return int64(v), nil
	case int64:
		if l.Typ.Kind == types.KindLong {
			return v, nil
		}
	case string:
		return r.intervalMicros(v)
	}
	return r.duration(nil)
}

func (r *run) intervalMicros(text string) (int64, error) {
	invalid := errs.Cond(errs.IllegalArg, "_LEGACY_ERROR_TEMP_3231", "", "The duration "+text+" is no interval shorter than a month.", "interval", text)
	if strings.ContainsAny(text, `'\`) {
		return 0, invalid
	}
	e, err := r.Parser.Expr("INTERVAL '" + text + "'")
	if err != nil {
		return 0, err
	}
	l, ok := e.(*plan.Literal)
	if !ok {
		return 0, invalid
	}
	switch v := l.Value.(type) {
	case int64:
		return v, nil
	case batch.Interval:
		if v.Months == 0 {
			return int64(v.Days)*24*3600*1_000_000 + v.Micros, nil
		}
	}
	return 0, invalid
}

func windowStruct(start, end plan.Expr) plan.Expr {
	return plan.Fn("named_struct", plan.LitString("start"), start, plan.LitString("end"), end)
}

// withColumn adds a column to all that child has.
func withColumn(child plan.Node, e plan.Expr, name string) plan.Node {
	return &plan.Project{List: []plan.Expr{&plan.Star{}, &plan.Alias{Child: e, Name: name}}, Child: child}
}

// Columns that session windows are computed in.
const (
	sessionStart  = "session window: start"
	sessionEnd    = "session window: end"
	sessionBefore = "session window: latest end before"
	sessionNumber = "session window: number"
)

// sessionWindows adds the session of each row of child: from its first row's
// time until no row has come for the gap. Sessions are those of the other keys
// of the grouping that n is; elsewhere each row is one.
func (r *run) sessionWindows(f *plan.Func, n, child plan.Node) (plan.Node, error) {
	if len(f.Args) != 2 {
		return nil, errs.Cond(errs.Analysis, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605", "session_window takes 2 arguments.",
			"functionName", "`session_window`", "expectedNum", "2", "actualNum", itoa(len(f.Args)), "docroot", docRoot)
	}
	end, err := r.sessionEnd(f)
	if err != nil {
		return nil, err
	}
	col := func(name string) plan.Expr { return &plan.Attr{Parts: []string{name}} }
	s, e := col(sessionStart), col(sessionEnd)
	ts := plan.Fn(function.WindowEdge, f.Args[0], plan.LitLong(1), plan.LitLong(0), plan.LitLong(0)) // text becomes a timestamp
	child = withColumn(withColumn(child, ts, sessionStart), end, sessionEnd)
	child = &plan.Filter{Cond: plan.Fn("<", s, e), Child: child}
	agg, ok := n.(*plan.Aggregate)
	if !ok {
		return withColumn(child, windowStruct(s, e), sessionWindowName), nil
	}
	keys := sessionKeys(agg)
	over := func(fn plan.Expr, last plan.FrameBound) plan.Expr {
		return &plan.Window{Func: fn, Partition: keys, Order: []plan.SortOrder{{Child: s}}, Frame: plan.Frame{Kind: plan.FrameRows, Hi: last}}
	}
	child = withColumn(child, over(plan.Fn("max", e), plan.FrameBound{Kind: plan.Offset, Value: plan.LitInt(-1)}), sessionBefore)
	first := plan.Fn("if", plan.Fn("coalesce", plan.Fn("<=", s, col(sessionBefore)), plan.LitBool(false)), plan.LitInt(0), plan.LitInt(1))
	child = withColumn(child, over(plan.Fn("sum", first), plan.FrameBound{Kind: plan.CurrentRow}), sessionNumber)
	within := append(append([]plan.Expr{}, keys...), col(sessionNumber))
	all := func(fn string, x plan.Expr) plan.Expr { return &plan.Window{Func: plan.Fn(fn, x), Partition: within} }
	return withColumn(child, windowStruct(all("min", s), all("max", e)), sessionWindowName), nil
}

// sessionEnd is the time until which a row keeps its session open.
func (r *run) sessionEnd(f *plan.Func) (plan.Expr, error) {
	if _, ok := f.Args[1].(*plan.Literal); !ok {
		start := &plan.Attr{Parts: []string{sessionStart}}
		return plan.Fn("+", start, &plan.Cast{Child: f.Args[1], To: types.CalendarInterval, Mode: plan.CastSession}), nil
	}
	gap, err := r.duration(f.Args[1])
	if err != nil {
		return nil, err
	}
	return plan.Fn(function.WindowEdge, f.Args[0], plan.LitLong(1), plan.LitLong(0), plan.LitLong(gap)), nil
}

// sessionKeys are the other keys of a grouping; positions mean its list's items.
func sessionKeys(n *plan.Aggregate) []plan.Expr {
	var out []plan.Expr
	for _, k := range n.GroupBy {
		k = bare(k)
		if l, ok := k.(*plan.Literal); ok {
			if i, ok := l.Value.(int32); ok && i > 0 && int(i) <= len(n.List) {
				k = bare(n.List[i-1])
			}
		}
		if f, ok := k.(*plan.Func); !ok || !isTimeWindow(f) {
			out = append(out, k)
		}
	}
	return out
}
