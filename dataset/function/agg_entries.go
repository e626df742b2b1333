package function

import (
	"math"
	"strconv"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// AggInputs lists what an aggregate is typed by and what its accumulator is
// given: the arguments, then the WITHIN GROUP keys.
func AggInputs(a *plan.Agg) []plan.Expr {
	out := append([]plan.Expr{}, a.Args...)
	for _, o := range a.Order {
		out = append(out, o.Child)
	}
	return out
}

// doc is what a function's documentation says of it.
type doc struct{ usage, example, result string }

// aggSpec is a row of the tables of aggregates.
type aggSpec struct {
	name    string
	aliases []string
	min     int
	max     int
	rule    Rule
	states  func(a *plan.Agg) []types.Type
	make    func(env *Env, a *plan.Agg) (Accumulator, error)
	doc     doc
}

func aggEntries(specs ...aggSpec) []*Entry {
	out := make([]*Entry, len(specs))
	for i, s := range specs {
		out[i] = &Entry{
			Name: s.name, Aliases: s.aliases, Kind: Aggregate, Group: "agg_funcs", MinArgs: s.min, MaxArgs: s.max, Type: s.rule,
			StateTypes: s.states, Accumulator: s.make, Usage: s.doc.usage, Example: s.doc.example, Result: s.doc.result,
		}
	}
	return out
}

// states are fixed state columns.
func states(ts ...types.Type) func(*plan.Agg) []types.Type {
	return func(*plan.Agg) []types.Type { return ts }
}

// ownState is one column of the result's type.
func ownState(a *plan.Agg) []types.Type { return []types.Type{a.Typ} }

// made is a constructor that needs nothing.
func made(f func() Accumulator) func(*Env, *plan.Agg) (Accumulator, error) {
	return func(*Env, *plan.Agg) (Accumulator, error) { return f(), nil }
}

// argType is the type of an aggregate's i-th input.
func argType(a *plan.Agg, i int) types.Type { return AggInputs(a)[i].Type() }

// wantAnsiInterval accepts year-month and day-time intervals.
var wantAnsiInterval = Family("ANSI INTERVAL", types.Null, types.Type.IsInterval)

// wantSummable is what sum, avg and percentile take.
var wantSummable = OneOf(WantNumeric, wantAnsiInterval)

// sumDigits is the number of digits a decimal sum has over its argument's.
const sumDigits = 10

func sumType(ts []types.Type) types.Type {
	switch t := ts[0]; {
	case t.Kind == types.KindDecimal:
		return types.Decimal(min(int(t.Precision)+sumDigits, types.MaxPrecision), int(t.Scale))
	case t.IsIntegral():
		return types.Long
	case t.IsInterval():
		return t
	default:
		return widestInterval(t)
	}
}

// widestInterval is the whole range of an interval's fields, DOUBLE for what is no interval.
func widestInterval(t types.Type) types.Type {
	switch t.Kind {
	case types.KindYearMonthInterval:
		return types.YearMonth
	case types.KindDayTimeInterval:
		return types.DayTime
	default:
	}
	return types.Double
}

// avgDigits is the scale that a decimal mean has over its argument's.
const avgDigits = 4

func avgType(ts []types.Type) types.Type {
	t := ts[0]
	if t.Kind != types.KindDecimal {
		return widestInterval(t)
	}
	return types.Decimal(min(int(t.Precision)+avgDigits, types.MaxPrecision), min(int(t.Scale)+avgDigits, types.MaxPrecision))
}

// sumOverflow is the error of a sum beyond its type.
func sumOverflow(what, try string) func() error {
	return func() error {
		return errs.Cond(errs.Arithmetic, "ARITHMETIC_OVERFLOW", "22003",
			"The result of a "+what+" sum is out of range; use "+try+" to get null instead.",
			"message", what+" overflow", "alternative", " Use '"+try+"' to tolerate overflow and return NULL instead.",
			"config", "\"spark.sql.ansi.enabled\"")
	}
}

// decimalOverflow is the error of a decimal sum beyond its type.
func decimalOverflow(t types.Type) func() error {
	return func() error {
		return errs.Cond(errs.Arithmetic, "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "22003",
			"The sum does not fit "+t.SQL()+".",
			"value", "", "precision", strconv.Itoa(int(t.Precision)), "scale", strconv.Itoa(int(t.Scale)), "config", "\"spark.sql.ansi.enabled\"")
	}
}

func errNegativeFrequency(c int64) error {
	return errs.Cond(errs.Runtime, "INVALID_PARAMETER_VALUE.NEGATIVE_FREQUENCY", "22023",
		"A frequency must not be negative, but is "+strconv.FormatInt(c, 10)+".", "frequency", strconv.FormatInt(c, 10))
}

// sumMode is what overflow does: errors under ANSI, else what plain says.
func sumMode(a *plan.Agg, try bool, plain overflowMode) overflowMode {
	switch {
	case try:
		return overflowNull
	case a.Ansi:
		return overflowFails
	}
	return plain
}

// newSum makes sum and try_sum.
func newSum(try bool) func(*Env, *plan.Agg) (Accumulator, error) {
	return func(_ *Env, a *plan.Agg) (Accumulator, error) {
		t := argType(a, 0)
		mode := sumMode(a, try, overflowWraps)
		switch t.Kind {
		case types.KindByte:
			return sumOf[int8](mode), nil
		case types.KindShort:
			return sumOf[int16](mode), nil
		case types.KindInt:
			return sumOf[int32](mode), nil
		case types.KindLong:
			return sumOf[int64](mode), nil
		case types.KindFloat:
			return &sumDouble[float32]{}, nil
		case types.KindDouble:
			return &sumDouble[float64]{}, nil
		case types.KindDecimal:
			return newSumDecimal(t, a.Typ, sumMode(a, try, overflowNull)), nil
		case types.KindYearMonthInterval:
			s := sumOf[int32](sumMode(a, try, overflowFails))
			s.fail = sumOverflow("integer", "try_sum")
			return &sumMonths{*s}, nil
		default:
		}
		return sumOf[int64](sumMode(a, try, overflowFails)), nil
	}
}

func sumOf[T int8 | int16 | int32 | int64](mode overflowMode) *sumLong[T] {
	return &sumLong[T]{mode: mode, fail: sumOverflow("long", "try_sum")}
}

// newSumDecimal adds in 64 bits if the sum's type is that small.
func newSumDecimal(arg, sum types.Type, mode overflowMode) Accumulator {
	if sum.Phys() == types.PhysInt64 {
		s := sumOf[int64](mode)
		s.limit, s.fail = decimal.Pow10Long(int(sum.Precision))-1, decimalOverflow(sum)
		if mode == overflowWraps {
			s.mode = overflowNull
		}
		return s
	}
	return newSumWide(int(sum.Precision), int(arg.Precision), arg.Phys() == types.PhysInt128, mode, decimalOverflow(sum))
}

// sumStates are those of sumLong, sumDouble and sumWide.
func sumStates(a *plan.Agg) []types.Type {
	switch {
	case a.Typ.Kind == types.KindDouble:
		return []types.Type{types.Double}
	case a.Typ.Phys() == types.PhysInt128:
		return []types.Type{types.Decimal(types.MaxPrecision, int(a.Typ.Scale)), types.Bool}
	}
	return []types.Type{types.Long, types.Bool}
}

// newAvg makes avg and try_avg.
func newAvg(try bool) func(*Env, *plan.Agg) (Accumulator, error) {
	return func(_ *Env, a *plan.Agg) (Accumulator, error) {
		t := argType(a, 0)
		switch t.Kind {
		case types.KindByte:
			return &avgDouble[int8]{}, nil
		case types.KindShort:
			return &avgDouble[int16]{}, nil
		case types.KindInt:
			return &avgDouble[int32]{}, nil
		case types.KindLong:
			return &avgDouble[int64]{}, nil
		case types.KindFloat:
			return &avgDouble[float32]{}, nil
		case types.KindDouble:
			return &avgDouble[float64]{}, nil
		case types.KindDecimal:
			return newAvgDecimal(t, a.Typ, sumMode(a, try, overflowNull)), nil
		case types.KindYearMonthInterval:
			s := &avgInterval[int32]{sum: *sumOf[int32](sumMode(a, try, overflowFails))}
			s.sum.limit, s.sum.fail = math.MaxInt32, sumOverflow("integer", "try_avg")
			return s, nil
		default:
		}
		return &avgInterval[int64]{sum: *sumOf[int64](sumMode(a, try, overflowFails))}, nil
	}
}

func newAvgDecimal(arg, result types.Type, mode overflowMode) Accumulator {
	sum := sumType([]types.Type{arg})
	return &avgDecimal{
		sum:   newSumWide(int(sum.Precision), int(arg.Precision), arg.Phys() == types.PhysInt128, mode, decimalOverflow(sum)),
		extra: int(result.Scale - arg.Scale), precision: int(result.Precision),
	}
}

func avgStates(a *plan.Agg) []types.Type {
	switch {
	case a.Typ.Kind == types.KindDecimal:
		return []types.Type{types.Decimal(types.MaxPrecision, int(argType(a, 0).Scale)), types.Bool, types.Long}
	case a.Typ.IsInterval():
		return []types.Type{types.Long, types.Bool, types.Long}
	}
	return []types.Type{types.Double, types.Long}
}

// newBits makes a bitwise aggregate.
func newBits(op bitOp) func(*Env, *plan.Agg) (Accumulator, error) {
	return func(_ *Env, a *plan.Agg) (Accumulator, error) {
		switch a.Typ.Kind {
		case types.KindByte:
			return &bitAgg[int8]{op: op}, nil
		case types.KindShort:
			return &bitAgg[int16]{op: op}, nil
		case types.KindInt:
			return &bitAgg[int32]{op: op}, nil
		default:
		}
		return &bitAgg[int64]{op: op}, nil
	}
}

// moments makes an aggregate of one column's moments.
func moments(stat momentStat, of int) func(*Env, *plan.Agg) (Accumulator, error) {
	return made(func() Accumulator { return &momentAgg{stat: stat, of: of} })
}

// pairs makes an aggregate of two columns' joint moments.
func pairs(stat pairStat, swapped bool) func(*Env, *plan.Agg) (Accumulator, error) {
	return made(func() Accumulator { return &pairAgg{stat: stat, swapped: swapped} })
}

// doubles are n state columns.
func doubles(n int) func(*plan.Agg) []types.Type {
	ts := make([]types.Type, n)
	for i := range ts {
		ts[i] = types.Double
	}
	return states(ts...)
}

const momentColumns = 5

// regrAvg is regr_avgx and regr_avgy: the mean of one argument over rows that have both.
type regrAvg struct {
	avgDouble[float64]
	of int
}

func (a *regrAvg) Update(groups []int32, args []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	rows := a.present(n, args...)
	vals := batch.Values[float64](a.flat(0, args[a.of]))
	for _, r := range rows {
		a.sums[groups[r]] += vals[r]
		a.counts[groups[r]]++
	}
	return nil
}
