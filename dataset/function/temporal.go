package function

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Arithmetic with dates, timestamps and intervals: which operators exist, and
// the types of their sides and results.

var dayInterval = types.Type{Kind: types.KindDayTimeInterval, Precision: types.FieldDay, Scale: types.FieldDay}

// temporalType types an operator with a date, time or interval side; ok false
// without an error leaves it to the rule of numbers.
func temporalType(op arith, args []plan.Expr) (Typing, bool, error) {
	a, b := args[0].Type(), args[1].Type()
	if !isTemporal(a) && !isTemporal(b) {
		return Typing{}, false, nil
	}
	var ts []types.Type
	var out types.Type
	ok := false
	switch op {
	case opAdd:
		ts, out, ok = plusTypes(a, b)
		if !ok {
			if ts, out, ok = plusTypes(b, a); ok {
				ts[0], ts[1] = ts[1], ts[0]
			}
		}
	case opSub:
		ts, out, ok = minusTypes(a, b)
	case opMul:
		ts, out, ok = timesTypes(a, b)
		if !ok {
			if ts, out, ok = timesTypes(b, a); ok {
				ts[0], ts[1] = ts[1], ts[0]
			}
		}
	case opDiv:
		ts, out, ok = timesTypes(a, b)
	case opIDiv:
		if out, ok = sameIntervals(a, b); ok && out.IsInterval() {
			ts, out = []types.Type{out, out}, types.Long
		} else {
			ok = false
		}
	default:
	}
	if !ok {
		return Typing{}, false, temporalError(op, args)
	}
	null := nullableAfter(args, ts) || op >= opDiv && a.Kind == types.KindCalendarInterval || op == opIDiv
	return Typing{Args: ts, Result: out, Nullable: null}, true, nil
}

// temporalError is the error where Spark has chosen a function of dates, which
// then does not take the other side.
func temporalError(op arith, args []plan.Expr) error {
	a, b := args[0].Type(), args[1].Type()
	long := func(t types.Type) bool {
		return t.Kind == types.KindDayTimeInterval || t.Kind == types.KindCalendarInterval
	}
	switch {
	case op == opAdd && long(a):
		return UnexpectedType(args, 1, WantAnyTime.Name)
	case op <= opSub && long(b):
		return UnexpectedType(args, 0, WantAnyTime.Name)
	case op == opSub && isTimestamp(a):
		return UnexpectedType(args, 1, WantAnyTime.Name)
	case op == opSub && isTimestamp(b):
		return UnexpectedType(args, 0, WantAnyTime.Name)
	case op == opSub && b.Kind == types.KindDate:
		return UnexpectedType(args, 0, "DATE")
	case op <= opSub && a.Kind == types.KindDate && !isDatetime(b):
		return UnexpectedType(args, 1, "(INT OR SMALLINT OR TINYINT)")
	case op == opAdd && b.Kind == types.KindDate && !isDatetime(a):
		return UnexpectedType(args, 0, "(INT OR SMALLINT OR TINYINT)")
	}
	return nil
}

func isTemporal(t types.Type) bool {
	return isDatetime(t) || isIntervalOrCalendar(t) || t.Kind == types.KindTime
}

func isIntervalOrCalendar(t types.Type) bool {
	return t.IsInterval() || t.Kind == types.KindCalendarInterval
}

// sameIntervals is the interval type of two sides, one of which may be null.
func sameIntervals(a, b types.Type) (types.Type, bool) {
	switch {
	case !isIntervalOrCalendar(a) && !isIntervalOrCalendar(b):
		return a, false
	case a.Kind == types.KindNull:
		return b, true
	case b.Kind == types.KindNull:
		return a, true
	case a.Kind != b.Kind:
		return a, false
	case a.Kind == types.KindCalendarInterval:
		return a, true
	}
	return widerFields(a, b), true
}

// plusTypes is a + b and, for the date on the left, half of a - b.
func plusTypes(a, b types.Type) ([]types.Type, types.Type, bool) {
	if t, ok := sameIntervals(a, b); ok {
		return []types.Type{t, t}, t, true
	}
	switch {
	case a.Kind == types.KindDate && b.Kind == types.KindDayTimeInterval && b.Scale > types.FieldDay:
		return []types.Type{types.Timestamp, b}, types.Timestamp, true
	case isDatetime(a) && isIntervalOrCalendar(b):
		return []types.Type{a, b}, a, true
	case a.Kind == types.KindTime && b.Kind == types.KindDayTimeInterval:
		return []types.Type{a, b}, a, true
	case a.Kind == types.KindString && isIntervalOrCalendar(b) && b.Kind != types.KindYearMonthInterval:
		return []types.Type{types.Timestamp, b}, types.String, true
	case a.Kind == types.KindDate && (b.IsIntegral() && b.Kind != types.KindLong || b.Kind == types.KindNull):
		return []types.Type{a, types.Int}, a, true
	}
	return nil, a, false
}

func minusTypes(a, b types.Type) ([]types.Type, types.Type, bool) {
	switch {
	case a.Kind == types.KindTime && b.Kind == types.KindTime:
		t := widerFields(a, b)
		return []types.Type{t, t}, types.Type{Kind: types.KindDayTimeInterval, Precision: types.FieldHour, Scale: types.FieldSeconds}, true
	case isTimestamp(a) && textOrDatetime(b) || isTimestamp(b) && textOrDatetime(a):
		t := types.Timestamp
		if a.Kind != types.KindTimestamp && b.Kind != types.KindTimestamp {
			t = types.TimestampNTZ
		}
		return []types.Type{t, t}, types.DayTime, true
	case b.Kind == types.KindDate && textOrDatetime(a):
		return []types.Type{types.Date, types.Date}, dayInterval, true
	case a.Kind == types.KindDate && b.Kind == types.KindString:
		return []types.Type{types.Date, types.Date}, dayInterval, true
	}
	return plusTypes(a, b)
}

func textOrDatetime(t types.Type) bool {
	return isDatetime(t) || t.Kind == types.KindString || t.Kind == types.KindNull
}

// timesTypes is interval * number and interval / number.
func timesTypes(a, b types.Type) ([]types.Type, types.Type, bool) {
	if !isIntervalOrCalendar(a) {
		return nil, a, false
	}
	num := b
	switch {
	case a.Kind == types.KindCalendarInterval && (b.IsNumeric() || b.Kind == types.KindString || b.Kind == types.KindNull):
		num = types.Double
	case b.IsIntegral() || b.Kind == types.KindNull:
		num = types.Long
	case b.IsFractional() || b.Kind == types.KindString:
		num = types.Double
	case b.Kind != types.KindDecimal:
		return nil, a, false
	}
	out := a
	switch a.Kind {
	case types.KindYearMonthInterval:
		out = types.YearMonth
	case types.KindDayTimeInterval:
		out = types.DayTime
	default:
	}
	return []types.Type{a, num}, out, true
}
