package sql

import (
	"math/big"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// intervalRange takes 'text' UNIT TO UNIT; nil if that is not next.
func (p *parser) intervalRange(start int) plan.Expr {
	i := 0
	if k := p.peek(0).kind; k == tokMinus || k == tokPlus {
		i = 1
	}
	if !p.isString(p.peek(i)) || !p.peekKw(i+2, kwTo) || !anyUnit(p.peek(i+1).kw) || !anyUnit(p.peek(i+3).kw) {
		return nil
	}
	text, _ := p.intervalValue()
	from, _ := unitOf(p.tok().kw)
	fromName := p.textOf(p.tok())
	p.pos += 2
	to, _ := unitOf(p.tok().kw)
	toName := p.textOf(p.tok())
	p.advance()
	if from.kind != to.kind || from.field >= to.field || from == unitWeek || to.micros < microsPerSecond && to.months == 0 {
		p.invalid(start, "INVALID_INTERVAL_FORMAT.UNSUPPORTED_FROM_TO_EXPRESSION", "22006",
			"There is no interval from "+fromName+" to "+toName+".", "input", text, "from", lower(fromName), "to", lower(toName))
		return p.bad()
	}
	if p.intervalContinues() {
		p.mixedRange(start)
		return p.bad()
	}
	v, ok, outside := rangeValue(text, from, to)
	switch {
	case outside != "":
		p.invalid(start, "_LEGACY_ERROR_TEMP_0063", "", "The interval "+text+" is out of range: "+outside+".", "msg", outside)
		return p.bad()
	case !ok:
		return p.unmatchedInterval(start, text, intervalOf(from.kind, from.field, to.field))
	case from.kind == types.KindYearMonthInterval && int64(int32(v)) != v:
		return p.invalidInterval(start, "INVALID_INTERVAL_FORMAT.INTERVAL_PARSING", text)
	case p.opt.LegacyIntervals && from.kind == types.KindYearMonthInterval:
		return p.lit(start, types.CalendarInterval, batch.Interval{Months: int32(v)})
	case p.opt.LegacyIntervals:
		return p.lit(start, types.CalendarInterval, batch.Interval{Days: int32(v / microsPerDay), Micros: v % microsPerDay})
	case from.kind == types.KindYearMonthInterval:
		return p.lit(start, intervalOf(from.kind, from.field, to.field), int32(v))
	}
	return p.lit(start, intervalOf(from.kind, from.field, to.field), v)
}

// unmatchedInterval reports a text that has not the form of its units.
func (p *parser) unmatchedInterval(start int, text string, t types.Type) plan.Expr {
	class, name, format := "INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING_WITH_NOTICE", "day-time", "`[+|-]d h:m:s.n`, from its first to its last unit"
	if t.Kind == types.KindYearMonthInterval {
		class, name, format = "INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING", "year-month", "`[+|-]y-m`"
	}
	p.invalid(start, class, "22006", "The text '"+text+"' is no valid "+t.String()+"; its form is "+format+".",
		"input", text, "intervalStr", name, "typeName", t.String(), "supportedFormat", format)
	return p.bad()
}

// rangeValue reads text such as 1-2, 3 04, 3 04:05:06.7 or 04:05 by its units.
// outside names the first field beyond its bounds.
func rangeValue(text string, from, to unit) (v int64, ok bool, outside string) {
	text = strings.TrimSpace(text)
	negative := strings.HasPrefix(text, "-")
	text = strings.TrimPrefix(strings.TrimPrefix(text, "-"), "+")
	if from.kind == types.KindYearMonthInterval {
		return yearMonth(text, negative)
	}
	units := []unit{unitDay, unitHour, unitMinute, unitSecond}[from.field : to.field+1]
	var sum big.Int
	for i, u := range units {
		var part string
		if part, text, ok = cutField(text, u, i == len(units)-1); !ok {
			return 0, false, ""
		}
		whole, frac, hasFrac := strings.Cut(part, ".")
		if !allDigits(whole) || whole == "" || hasFrac && (u != unitSecond || !allDigits(frac) || len(frac) > 9) {
			return 0, false, ""
		}
		n, _ := new(big.Int).SetString(whole, 10)
		if limit := fieldLimit(u, i); n.Cmp(big.NewInt(limit)) > 0 {
			name := [...]string{"day", "hour", "minute", "second"}[u.field]
			return 0, false, name + " " + whole + " outside range [0, " + big.NewInt(limit).String() + "]"
		}
		n.Mul(n, big.NewInt(u.micros))
		sum.Add(sum.Add(&sum, n), big.NewInt(int64(fraction(frac, 6))))
	}
	if negative {
		sum.Neg(&sum)
	}
	if !sum.IsInt64() {
		return 0, false, "the whole is beyond 64 bits of microseconds"
	}
	return sum.Int64(), true, ""
}

// cutField cuts the value of u off text: days end at a space, others at a colon.
func cutField(text string, u unit, last bool) (part, rest string, ok bool) {
	if last {
		return text, "", true
	}
	sep := ":"
	if u == unitDay {
		sep = " "
	}
	part, rest, ok = strings.Cut(text, sep)
	return part, strings.TrimLeft(rest, " "), ok
}

// fieldLimit is the largest value of a field: the first one counts freely.
func fieldLimit(u unit, index int) int64 {
	switch {
	case index == 0:
		return int64(1<<63-1) / u.micros
	case u == unitHour:
		return 23
	}
	return 59
}

func yearMonth(text string, negative bool) (v int64, ok bool, outside string) {
	years, months, ok := strings.Cut(text, "-")
	if !ok || !allDigits(years) || !allDigits(months) || years == "" || months == "" || len(years) > 10 || len(months) > 2 {
		return 0, false, ""
	}
	y, _ := new(big.Int).SetString(years, 10)
	m, _ := new(big.Int).SetString(months, 10)
	if m.Int64() > 11 {
		return 0, false, "month " + months + " outside range [0, 11]"
	}
	total := y.Int64()*12 + m.Int64()
	if negative {
		total = -total
	}
	return total, true, ""
}

// intervalText reads INTERVAL '1 day 2 hours', also with the word interval before.
func (p *parser) intervalText(start int, text string) plan.Expr {
	fields := strings.Fields(text)
	if len(fields) > 0 && strings.EqualFold(fields[0], "interval") {
		fields = fields[1:]
	}
	fields = joinSigns(fields)
	if len(fields) == 0 || len(fields)%2 != 0 {
		return p.invalidTyped(start, "INTERVAL", text)
	}
	s := &intervalSum{}
	for i := 0; i < len(fields); i += 2 {
		u, ok := unitOf(findKeyword(fields[i+1]))
		if !ok || !s.add(fields[i], u) {
			return p.invalidTyped(start, "INTERVAL", text)
		}
	}
	return p.intervalLiteral(start, s)
}

// joinSigns puts a sign that stands alone to the number after it.
func joinSigns(fields []string) []string {
	out := fields[:0:0]
	for i := 0; i < len(fields); i++ {
		f := fields[i]
		if (f == "-" || f == "+") && i+1 < len(fields) {
			i++
			f += fields[i]
		}
		out = append(out, f)
	}
	return out
}
