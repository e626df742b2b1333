package sql

import (
	"math"
	"math/big"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// intervalAt tells whether the word INTERVAL begins a literal.
func (p *parser) intervalAt() bool {
	i := 1
	if k := p.peek(i).kind; k == tokMinus || k == tokPlus {
		i++
	}
	t := p.peek(i)
	if p.isString(t) {
		return i == 1 || p.peek(i+1).kind == tokWord
	}
	return isNumber(t) && p.peek(i+1).kind == tokWord
}

// interval takes INTERVAL 'text', INTERVAL '1-2' YEAR TO MONTH, or INTERVAL 1
// DAY 2 HOURS.
func (p *parser) interval() plan.Expr {
	start := p.pos
	p.advance()
	if p.isString(p.tok()) {
		next := p.peek(1)
		if next.kind != tokWord || !anyUnit(next.kw) && !p.isString(p.peek(1)) {
			return p.intervalText(start, p.stringText())
		}
	}
	if e := p.intervalRange(start); e != nil {
		return e
	}
	return p.intervalUnits(start)
}

// anyUnit tells whether k is a unit of an interval, singular or plural.
func anyUnit(k keyword) bool {
	_, ok := unitOf(k)
	return ok
}

// unit is what one value of an interval counts.
type unit struct {
	kind   types.Kind
	field  int
	months int64
	micros int64 // per unit
}

var (
	unitYear   = unit{types.KindYearMonthInterval, types.FieldYear, 12, 0}
	unitMonth  = unit{types.KindYearMonthInterval, types.FieldMonth, 1, 0}
	unitWeek   = unit{types.KindDayTimeInterval, types.FieldDay, 0, 7 * microsPerDay}
	unitDay    = unit{types.KindDayTimeInterval, types.FieldDay, 0, microsPerDay}
	unitHour   = unit{types.KindDayTimeInterval, types.FieldHour, 0, microsPerHour}
	unitMinute = unit{types.KindDayTimeInterval, types.FieldMinute, 0, microsPerMinute}
	unitSecond = unit{types.KindDayTimeInterval, types.FieldSeconds, 0, microsPerSecond}
	unitMilli  = unit{types.KindDayTimeInterval, types.FieldSeconds, 0, 1000}
	unitMicro  = unit{types.KindDayTimeInterval, types.FieldSeconds, 0, 1}
)

func unitOf(k keyword) (unit, bool) {
	switch k {
	case kwYear, kwYears:
		return unitYear, true
	case kwMonth, kwMonths:
		return unitMonth, true
	case kwWeek, kwWeeks:
		return unitWeek, true
	case kwDay, kwDays:
		return unitDay, true
	case kwHour, kwHours:
		return unitHour, true
	case kwMinute, kwMinutes:
		return unitMinute, true
	case kwSecond, kwSeconds:
		return unitSecond, true
	case kwMillisecond, kwMilliseconds:
		return unitMilli, true
	case kwMicrosecond, kwMicroseconds:
		return unitMicro, true
	default:
		return unit{}, false
	}
}

// intervalSum adds values of units; big numbers so that only the result can overflow.
type intervalSum struct {
	months, micros big.Int // micros: without days
	days           big.Int
	lo, hi         int
	kind           types.Kind
	mixed          bool
	any            bool
}

func (s *intervalSum) field(u unit) {
	switch {
	case !s.any:
		s.kind, s.lo, s.hi, s.any = u.kind, u.field, u.field, true
	case s.kind != u.kind:
		s.mixed = true
	default:
		s.lo, s.hi = min(s.lo, u.field), max(s.hi, u.field)
	}
}

// add counts text, a number such as -12 or 1.5, of u. Only seconds have fractions.
func (s *intervalSum) add(text string, u unit) bool {
	text = strings.TrimSpace(text)
	negative := strings.HasPrefix(text, "-")
	text = strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(text, "-"), "+"), " \t\n")
	whole, frac, hasFrac := strings.Cut(text, ".")
	if hasFrac && (u != unitSecond || !allDigits(frac) || len(frac) > 9) || !allDigits(whole) || whole+frac == "" {
		return false
	}
	const longestNumber = 40
	if len(whole) > longestNumber {
		return false
	}
	v, _ := new(big.Int).SetString("0"+whole, 10)
	if u.kind == types.KindYearMonthInterval {
		v.Mul(v, big.NewInt(u.months))
		s.addSigned(&s.months, v, negative)
	} else {
		to := &s.micros
		switch u.field {
		case types.FieldDay:
			v.Mul(v, big.NewInt(u.micros/microsPerDay))
			to = &s.days
		default:
			v.Mul(v, big.NewInt(u.micros))
		}
		v.Add(v, big.NewInt(int64(fraction(frac, 6))))
		s.addSigned(to, v, negative)
	}
	s.field(u)
	return true
}

func (s *intervalSum) addSigned(to, v *big.Int, negative bool) {
	if negative {
		v.Neg(v)
	}
	to.Add(to, v)
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}

// literal is the sum as a literal of the interval type from its largest to its smallest unit.
func (p *parser) intervalLiteral(start int, s *intervalSum) plan.Expr {
	text := p.source(start)
	switch {
	case p.opt.LegacyIntervals:
		return p.calendarInterval(start, s)
	case s.mixed:
		p.invalid(start, "_LEGACY_ERROR_TEMP_0029", "", "An interval holds years and months or days and times, not both: "+text+".", "literal", text)
		return p.bad()
	case s.kind == types.KindYearMonthInterval:
		if !s.months.IsInt64() || s.months.Int64() > math.MaxInt32 || s.months.Int64() < math.MinInt32 {
			return p.invalidInterval(start, "INVALID_INTERVAL_FORMAT.ARITHMETIC_EXCEPTION", text)
		}
		return p.lit(start, intervalOf(s.kind, s.lo, s.hi), int32(s.months.Int64()))
	}
	total := new(big.Int).Mul(&s.days, big.NewInt(microsPerDay))
	if total.Add(total, &s.micros); !total.IsInt64() {
		p.invalid(start, "INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION", "22015", "The interval "+text+" is beyond 64 bits of microseconds.")
		return p.bad()
	}
	return p.lit(start, intervalOf(s.kind, s.lo, s.hi), total.Int64())
}

// calendarInterval is the sum as the type that keeps months, days and time apart.
func (p *parser) calendarInterval(start int, s *intervalSum) plan.Expr {
	fits := func(v *big.Int) bool { return v.IsInt64() && int64(int32(v.Int64())) == v.Int64() }
	if !fits(&s.months) || !fits(&s.days) || !s.micros.IsInt64() {
		return p.invalidInterval(start, "INVALID_INTERVAL_FORMAT.ARITHMETIC_EXCEPTION", p.source(start))
	}
	v := batch.Interval{Months: int32(s.months.Int64()), Days: int32(s.days.Int64()), Micros: s.micros.Int64()}
	return p.lit(start, types.CalendarInterval, v)
}

func (p *parser) invalidInterval(start int, class, text string) plan.Expr {
	p.invalid(start, class, "22006", "The text '"+text+"' is no valid interval.", "input", text)
	return p.bad()
}

// intervalUnits takes value unit pairs.
func (p *parser) intervalUnits(start int) plan.Expr {
	s := &intervalSum{}
	for p.err == nil {
		at := p.pos
		text, isText := p.intervalValue()
		u, ok := unitOf(p.tok().kw)
		if p.atAnyKw(kwNanosecond, kwNanoseconds) {
			name := p.textOf(p.tok())
			p.invalid(at, "INVALID_INTERVAL_FORMAT.INVALID_UNIT", "22006", "The smallest unit of an interval is a microsecond.", "input", text, "unit", name)
			return p.bad()
		}
		if !ok {
			p.syntax("a unit such as DAY or HOURS")
			return p.bad()
		}
		p.advance()
		if p.atKw(kwTo) && anyUnit(p.peek(1).kw) {
			p.mixedRange(at)
			return p.bad()
		}
		if p.err == nil && !s.add(text, u) {
			p.badIntervalValue(at, text, isText)
			return p.bad()
		}
		if !p.intervalContinues() {
			break
		}
	}
	return p.intervalLiteral(start, s)
}

func (p *parser) badIntervalValue(at int, text string, isText bool) {
	if isText {
		p.invalid(at, "_LEGACY_ERROR_TEMP_0026", "", "The value '"+text+"' before a unit is no number.", "value", text)
		return
	}
	p.invalidInterval(at, "INVALID_INTERVAL_FORMAT.INVALID_VALUE", text)
}

// mixedRange reports TO among value unit pairs.
func (p *parser) mixedRange(at int) {
	switch {
	case isNumber(&p.tokens[at]) && p.tokens[at-1].kw == kwInterval:
		p.invalid(at, "_LEGACY_ERROR_TEMP_0027", "", "The value of an interval from one unit to another must be a string.")
	default:
		p.invalid(at, "_LEGACY_ERROR_TEMP_0024", "", "An interval has one unit-to-unit part and nothing else.")
	}
}

// intervalContinues tells whether a further value unit pair follows.
func (p *parser) intervalContinues() bool {
	i := 0
	if k := p.peek(0).kind; k == tokMinus || k == tokPlus {
		i = 1
	}
	t := p.peek(i)
	return (isNumber(t) && i == 0 || isNumber(t) && anyUnit(p.peek(i+1).kw) || p.isString(t)) && anyUnit(p.peek(i+1).kw)
}

// intervalValue takes [+|-] number or string.
func (p *parser) intervalValue() (text string, isText bool) {
	sign := ""
	switch {
	case p.accept(tokMinus):
		sign = "-"
	case p.accept(tokPlus):
	}
	t := p.tok()
	switch {
	case p.isString(t):
		s := strings.TrimSpace(p.stringValue(t))
		p.advance()
		if sign == "-" {
			if rest, ok := strings.CutPrefix(s, "-"); ok {
				return rest, true
			}
		}
		return sign + s, true
	case t.kind == tokInteger || t.kind == tokDecimal:
		p.advance()
		return sign + p.textOf(t), false
	}
	p.syntax("a number or a string")
	return "", false
}
