package function

import (
	"math"
	"strconv"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// orderableArg types a function that gives one of its argument's values by order.
func orderableArg(name string) Rule {
	same := MayNull(Same(0, WantOrderable))
	return func(env *Env, args []plan.Expr) (Typing, error) {
		if t := args[0].Type(); !t.IsOrderable() {
			return Typing{}, NotOrdered(name, t)
		}
		return same(env, args)
	}
}

// basicAggs are the aggregates of every query.
func basicAggs() []*Entry {
	sum := MayNull(Derived(sumType, wantSummable))
	avg := MayNull(Derived(avgType, wantSummable))
	return aggEntries(
		aggSpec{
			"count", nil, 1, -1, NeverNull(Fixed(types.Long)), states(types.Long), made(func() Accumulator { return &countAgg{} }),
			doc{"Number of rows in which no argument is null; count(*) counts all rows.", "SELECT count(col) FROM VALUES (NULL), (5), (20) AS tab(col)", "2"},
		},
		aggSpec{
			"count_if", nil, 1, 1, NeverNull(Fixed(types.Long, WantBool)), states(types.Long), made(func() Accumulator { return &countIfAgg{} }),
			doc{"Number of rows for which the condition is true.", "SELECT count_if(col % 2 = 0) FROM VALUES (NULL), (0), (1), (2) AS tab(col)", "2"},
		},
		aggSpec{
			"sum", nil, 1, 1, sum, sumStates, newSum(false),
			doc{"Sum of the values that are not null; null if there is none.", "SELECT sum(col) FROM VALUES (5), (10), (15) AS tab(col)", "30"},
		},
		aggSpec{
			"try_sum", nil, 1, 1, sum, sumStates, newSum(true),
			doc{"Like sum, but null where the sum does not fit its type.", "SELECT try_sum(col) FROM VALUES (9223372036854775807L), (1L) AS tab(col)", "NULL"},
		},
		aggSpec{
			"avg",
			[]string{"mean"},
			1, 1, avg, avgStates, newAvg(false),
			doc{"Arithmetic mean of the values that are not null.", "SELECT avg(col) FROM VALUES (1), (2), (3) AS tab(col)", "2.0"},
		},
		aggSpec{
			"try_avg", nil, 1, 1, avg, avgStates, newAvg(true),
			doc{"Like avg, but null where the sum does not fit its type.", "SELECT try_avg(col) FROM VALUES (1), (2), (3) AS tab(col)", "2.0"},
		},
		aggSpec{
			"min", nil, 1, 1, orderableArg("min"), ownState, newExtremeOf(false),
			doc{"Least of the values that are not null.", "SELECT min(col) FROM VALUES (10), (-1), (20) AS tab(col)", "-1"},
		},
		aggSpec{
			"max", nil, 1, 1, orderableArg("max"), ownState, newExtremeOf(true),
			doc{"Greatest of the values that are not null.", "SELECT max(col) FROM VALUES (10), (50), (20) AS tab(col)", "50"},
		},
		aggSpec{
			"min_by", nil, 2, 2, byRule, byStates, newBy(false),
			doc{"The first argument in the row where the second is least.", "SELECT min_by(x, y) FROM VALUES ('a', 10), ('b', 50), ('c', 20) AS tab(x, y)", "a"},
		},
		aggSpec{
			"max_by", nil, 2, 2, byRule, byStates, newBy(true),
			doc{"The first argument in the row where the second is greatest.", "SELECT max_by(x, y) FROM VALUES ('a', 10), ('b', 50), ('c', 20) AS tab(x, y)", "b"},
		},
		aggSpec{
			"first",
			[]string{"first_value"},
			1, 2, pickRule, pickStates, newPickOf(false),
			doc{"Value of the first row, or of the first that is not null if the second argument is true.", "SELECT first(col) FROM VALUES (10), (5), (20) AS tab(col)", "10"},
		},
		aggSpec{
			"last",
			[]string{"last_value"},
			1, 2, pickRule, pickStates, newPickOf(true),
			doc{"Value of the last row, or of the last that is not null if the second argument is true.", "SELECT last(col) FROM VALUES (10), (5), (20) AS tab(col)", "20"},
		},
		aggSpec{
			"any_value", nil, 1, 2, pickRule, pickStates, newPickOf(false),
			doc{"Value of some row; of some that is not null if the second argument is true.", "SELECT any_value(col) FROM VALUES (10), (5), (20) AS tab(col)", "10"},
		},
	)
}

// logicAggs fold booleans and bits.
func logicAggs() []*Entry {
	return aggEntries(
		aggSpec{
			"bool_and",
			[]string{"every"},
			1, 1, MayNull(Fixed(types.Bool, WantBool)), ownState, newExtremeOf(false),
			doc{"True if all values are true; nulls do not count.", "SELECT bool_and(col) FROM VALUES (true), (false), (true) AS tab(col)", "false"},
		},
		aggSpec{
			"bool_or",
			[]string{"some", "any"},
			1, 1, MayNull(Fixed(types.Bool, WantBool)), ownState, newExtremeOf(true),
			doc{"True if any value is true; nulls do not count.", "SELECT bool_or(col) FROM VALUES (true), (false), (false) AS tab(col)", "true"},
		},
		aggSpec{
			"bit_and", nil, 1, 1, MayNull(Same(0, WantIntegral)), ownState, newBits(bitAnd),
			doc{"Bitwise AND of the values that are not null.", "SELECT bit_and(col) FROM VALUES (3), (5) AS tab(col)", "1"},
		},
		aggSpec{
			"bit_or", nil, 1, 1, MayNull(Same(0, WantIntegral)), ownState, newBits(bitOr),
			doc{"Bitwise OR of the values that are not null.", "SELECT bit_or(col) FROM VALUES (3), (5) AS tab(col)", "7"},
		},
		aggSpec{
			"bit_xor", nil, 1, 1, MayNull(Same(0, WantIntegral)), ownState, newBits(bitXor),
			doc{"Bitwise XOR of the values that are not null.", "SELECT bit_xor(col) FROM VALUES (3), (5) AS tab(col)", "6"},
		},
		groupingSpec("grouping", types.Byte, 1, 1, "1 if the column is rolled up in this row of ROLLUP, CUBE or GROUPING SETS, else 0."),
		groupingSpec("grouping_id", types.Long, 0, -1, "The grouping bits of the columns, the first one highest."),
	)
}

// groupingSpec is a function that the analyser replaces by a column.
func groupingSpec(name string, t types.Type, least, most int, usage string) aggSpec {
	misplaced := func(*Env, *plan.Agg) (Accumulator, error) {
		return nil, errs.Cond(errs.Analysis, "UNSUPPORTED_GROUPING_EXPRESSION", "42K0E",
			name+"() stands only beside ROLLUP, CUBE or GROUPING SETS.")
	}
	example := "SELECT name, " + name + "(name), sum(age) FROM VALUES (2, 'Alice'), (5, 'Bob') people(age, name) GROUP BY cube(name)"
	return aggSpec{name, nil, least, most, NeverNull(Fixed(t)), ownState, misplaced, doc{usage, example, "Alice, 0, 2; Bob, 0, 5; NULL, 1, 7"}}
}

func newExtremeOf(greatest bool) func(*Env, *plan.Agg) (Accumulator, error) {
	return func(_ *Env, a *plan.Agg) (Accumulator, error) { return newExtreme(a.Typ, greatest), nil }
}

var byRule = MayNull(Same(0, WantAny, WantOrderable))

func byStates(a *plan.Agg) []types.Type { return []types.Type{a.Typ, argType(a, 1)} }

func newBy(greatest bool) func(*Env, *plan.Agg) (Accumulator, error) {
	return func(_ *Env, a *plan.Agg) (Accumulator, error) { return newPickBy(a.Typ, argType(a, 1), greatest), nil }
}

var pickRule = MayNull(Same(0, WantAny, WantBool))

func pickStates(a *plan.Agg) []types.Type { return []types.Type{a.Typ, types.Bool} }

func newPickOf(last bool) func(*Env, *plan.Agg) (Accumulator, error) {
	return func(_ *Env, a *plan.Agg) (Accumulator, error) {
		ignore := a.IgnoreNulls || len(a.Args) > 1 && constBool(a.Args[1])
		return newPick(a.Typ, last, ignore), nil
	}
}

// statAggs are the statistical aggregates.
func statAggs() []*Entry {
	one := MayNull(Fixed(types.Double, WantDouble))
	three := doubles(momentColumns)
	list := []aggSpec{
		{
			"stddev",
			[]string{"stddev_samp", "std"},
			1, 1, one, three, moments(stddevSamp, 0),
			doc{"Standard deviation of a sample.", "SELECT stddev(col) FROM VALUES (1), (2), (3) AS tab(col)", "1.0"},
		},
		{
			"stddev_pop", nil, 1, 1, one, three, moments(stddevPop, 0),
			doc{"Standard deviation of a population.", "SELECT stddev_pop(col) FROM VALUES (1), (2), (3) AS tab(col)", "0.816496580927726"},
		},
		{
			"variance",
			[]string{"var_samp"},
			1, 1, one, three, moments(varSamp, 0),
			doc{"Variance of a sample.", "SELECT variance(col) FROM VALUES (1), (2), (3) AS tab(col)", "1.0"},
		},
		{
			"var_pop", nil, 1, 1, one, three, moments(varPop, 0),
			doc{"Variance of a population.", "SELECT var_pop(col) FROM VALUES (1), (2), (3) AS tab(col)", "0.6666666666666666"},
		},
		{
			"skewness", nil, 1, 1, one, three, moments(skewness, 0),
			doc{"Skewness of the values.", "SELECT skewness(col) FROM VALUES (-10), (-20), (100), (1000) AS tab(col)", "1.1135657469022011"},
		},
		{
			"kurtosis", nil, 1, 1, one, three, moments(kurtosis, 0),
			doc{"Excess kurtosis of the values.", "SELECT kurtosis(col) FROM VALUES (-10), (-20), (100), (1000) AS tab(col)", "-0.7014368047529609"},
		},
	}
	return aggEntries(append(list, pairAggs()...)...)
}

// pairAggs are the aggregates of two columns.
func pairAggs() []aggSpec {
	two := MayNull(Fixed(types.Double, WantDouble, WantDouble))
	cols := doubles(pairColumns)
	from := " FROM VALUES (1, 2), (2, 2), (2, 3), (2, 4) AS tab(y, x)"
	mean := func(of int) func(*Env, *plan.Agg) (Accumulator, error) {
		return made(func() Accumulator { return &regrAvg{of: of} })
	}
	return []aggSpec{
		{"covar_pop", nil, 2, 2, two, cols, pairs(covarPop, false), doc{"Covariance of a population.", "SELECT covar_pop(c1, c2) FROM VALUES (1, 1), (2, 2), (3, 3) AS tab(c1, c2)", "0.6666666666666666"}},
		{"covar_samp", nil, 2, 2, two, cols, pairs(covarSamp, false), doc{"Covariance of a sample.", "SELECT covar_samp(c1, c2) FROM VALUES (1, 1), (2, 2), (3, 3) AS tab(c1, c2)", "1.0"}},
		{"corr", nil, 2, 2, two, cols, pairs(corr, false), doc{"Pearson's correlation.", "SELECT corr(y, x) FROM VALUES (3, 2), (3, 3), (6, 4) AS tab(y, x)", "0.8660254037844387"}},
		{
			"regr_count", nil, 2, 2, NeverNull(Fixed(types.Long, WantDouble, WantDouble)), states(types.Long), made(func() Accumulator { return &countAgg{} }),
			doc{"Number of rows with both numbers.", "SELECT regr_count(y, x)" + from, "4"},
		},
		{"regr_avgx", nil, 2, 2, two, states(types.Double, types.Long), mean(1), doc{"Mean of the independent variable, the second argument.", "SELECT regr_avgx(y, x)" + from, "2.75"}},
		{"regr_avgy", nil, 2, 2, two, states(types.Double, types.Long), mean(0), doc{"Mean of the dependent variable, the first argument.", "SELECT regr_avgy(y, x)" + from, "1.75"}},
		{"regr_r2", nil, 2, 2, two, cols, pairs(regrR2, true), doc{"Coefficient of determination.", "SELECT regr_r2(y, x)" + from, "0.2727272727272727"}},
		{"regr_sxx", nil, 2, 2, two, doubles(momentColumns), moments(sumSquares, 1), doc{"Sum of squared deviations of x.", "SELECT regr_sxx(y, x)" + from, "2.75"}},
		{"regr_syy", nil, 2, 2, two, doubles(momentColumns), moments(sumSquares, 0), doc{"Sum of squared deviations of y.", "SELECT regr_syy(y, x)" + from, "0.75"}},
		{"regr_sxy", nil, 2, 2, two, cols, pairs(regrSXY, false), doc{"Sum of products of the deviations of x and y.", "SELECT regr_sxy(y, x)" + from, "0.7499999999999998"}},
		{"regr_slope", nil, 2, 2, two, cols, pairs(regrSlope, true), doc{"Slope of the least-squares line.", "SELECT regr_slope(y, x)" + from, "0.2727272727272727"}},
		{"regr_intercept", nil, 2, 2, two, cols, pairs(regrIntercept, true), doc{"Intercept of the least-squares line.", "SELECT regr_intercept(y, x)" + from, "1.0"}},
	}
}

// collectAggs are the aggregates that keep values.
func collectAggs() []*Entry {
	pct := " FROM VALUES (0), (1), (2), (10) AS tab(col)"
	return aggEntries(
		aggSpec{
			"collect_list",
			[]string{"array_agg"},
			1, 1, NeverNull(Derived(listOf, WantAny)), ownState, newCollectOf(false),
			doc{"Array of the values that are not null, in no particular order.", "SELECT collect_list(col) FROM VALUES (1), (2), (1) AS tab(col)", "[1,2,1]"},
		},
		aggSpec{
			"collect_set", nil, 1, 1, NeverNull(setRule), ownState, newCollectOf(true),
			doc{"Array of the distinct values that are not null.", "SELECT collect_set(col) FROM VALUES (1), (2), (1) AS tab(col)", "[1,2]"},
		},
		aggSpec{
			"listagg",
			[]string{"string_agg"},
			1, 2, listRule, listStates, newListOf,
			doc{"Concatenation of the values that are not null, with an optional delimiter between them.", "SELECT listagg(col, ', ') FROM VALUES ('a'), ('b'), ('c') AS tab(col)", "a, b, c"},
		},
		aggSpec{
			"mode", nil, 0, 2, modeRule, func(a *plan.Agg) []types.Type { return []types.Type{modeState(a.Typ)} }, newModeOf,
			doc{"The most frequent value.", "SELECT mode(col) FROM VALUES (0), (10), (10) AS tab(col)", "10"},
		},
		aggSpec{
			"median", nil, 1, 1, MayNull(Derived(func(ts []types.Type) types.Type { return widestInterval(ts[0]) }, wantDoubleOrInterval)), percentileStates,
			func(*Env, *plan.Agg) (Accumulator, error) { return newPercentile([]float64{0.5}, false, false), nil },
			doc{"The value in the middle, interpolated.", "SELECT median(col)" + pct, "1.5"},
		},
		aggSpec{
			"percentile", nil, 2, 3, percentileRule(0, 1), percentileStates, newPercentileOf,
			doc{"The exact percentile, interpolated; the third argument is each value's frequency.", "SELECT percentile(col, 0.3)" + pct, "0.8999999999999999"},
		},
		aggSpec{
			"percentile_cont", nil, 1, 1, percentileRule(1, 0), percentileStates, newWithinGroup(false),
			doc{"The exact percentile of the WITHIN GROUP order, interpolated.", "SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY col) FROM VALUES (0), (10) AS tab(col)", "2.5"},
		},
		aggSpec{
			"percentile_disc", nil, 1, 1, percentileRule(1, 0), percentileStates, newWithinGroup(true),
			doc{"The first value of the WITHIN GROUP order at or beyond the percentage.", "SELECT percentile_disc(0.25) WITHIN GROUP (ORDER BY col) FROM VALUES (0), (10) AS tab(col)", "0.0"},
		},
		aggSpec{
			"percentile_approx",
			[]string{"approx_percentile"},
			2, 3, rankRule, func(a *plan.Agg) []types.Type { return []types.Type{types.Array(argType(a, 0), false)} }, newRankOf,
			doc{"A value at the percentage's rank; the third argument is the accuracy.", "SELECT percentile_approx(col, 0.5, 100)" + pct, "1"},
		},
		aggSpec{
			"approx_count_distinct", nil, 1, 2, NeverNull(Fixed(types.Long, WantAny, WantDouble)), states(types.Binary), newDistinctOf,
			doc{"Estimate of the number of distinct values; the second argument is the relative standard deviation.", "SELECT approx_count_distinct(col) FROM VALUES (1), (1), (2), (2), (3) AS tab(col)", "3"},
		},
	)
}

func listOf(ts []types.Type) types.Type { return types.Array(ts[0], false) }

// setRule refuses maps, which have no equality.
func setRule(env *Env, args []plan.Expr) (Typing, error) {
	if hasMap(args[0].Type()) {
		return Typing{}, mismatch("UNSUPPORTED_INPUT_TYPE", "collect_set does not take maps.",
			"functionName", "`collect_set`", "dataType", "\"MAP\"")
	}
	return Derived(listOf, WantAny)(env, args)
}

func hasMap(t types.Type) bool {
	switch t.Kind {
	case types.KindMap:
		return true
	case types.KindArray:
		return hasMap(*t.Elem)
	case types.KindStruct:
		for _, f := range t.Fields {
			if hasMap(f.Type) {
				return true
			}
		}
	default:
	}
	return false
}

func newCollectOf(set bool) func(*Env, *plan.Agg) (Accumulator, error) {
	return func(_ *Env, a *plan.Agg) (Accumulator, error) { return newCollect(*a.Typ.Elem, set), nil }
}

// listRule leaves the WITHIN GROUP keys, which follow the delimiter, alone.
func listRule(env *Env, args []plan.Expr) (Typing, error) {
	t, err := MayNull(Same(0, WantStrOrBin, WantAny))(env, args)
	if err == nil && len(args) == 2 {
		if s, _, ok := constText(args[1]); ok && s == nil {
			t.Args[1] = t.Args[0]
		}
	}
	return t, err
}

func listStates(a *plan.Agg) []types.Type {
	return []types.Type{types.Array(listElem(a.Typ, a.Order), false)}
}

func newListOf(_ *Env, a *plan.Agg) (Accumulator, error) {
	var delim []byte
	if len(a.Args) > 1 {
		var ok bool
		if delim, _, ok = constText(a.Args[1]); !ok {
			return nil, NonFoldable(a.Args, 1, "delimiter", "STRING")
		}
	}
	return newListAgg(a.Typ, len(a.Args), delim, a.Order), nil
}

// modeRule wants its column as an argument or as the WITHIN GROUP key.
func modeRule(env *Env, args []plan.Expr) (Typing, error) {
	if len(args) == 0 {
		return Typing{}, errWithinGroup("mode")
	}
	if len(args) > 1 {
		v, ok := ConstValue(args[1])
		switch _, isBool := v.(bool); {
		case !ok:
			return Typing{}, nonFoldableArgument("mode", "deterministic", "BOOLEAN")
		case v == nil:
			return Typing{}, UnexpectedNull("deterministic")
		case !isBool:
			return Typing{}, errs.Cond(errs.Analysis, "UNEXPECTED_INPUT_TYPE", "42K09", "The second parameter of mode has to be a BOOLEAN.",
				"paramIndex", "second", "functionName", "`mode`", "requiredType", "\"BOOLEAN\"", "inputSql", quoted(plan.SQLName(args[1])), "inputType", quoted(args[1].Type().SQL()))
		}
	}
	return MayNull(Same(0, WantAny, WantBool))(env, args)
}

func errWithinGroup(name string) error {
	return errs.Cond(errs.Analysis, "INVALID_WITHIN_GROUP_EXPRESSION.WITHIN_GROUP_MISSING", "42K0K", name+" needs WITHIN GROUP (ORDER BY ...).", "funcName", types.Quote(name))
}

func newModeOf(_ *Env, a *plan.Agg) (Accumulator, error) {
	return newMode(a.Typ, len(a.Order) > 0 && a.Order[0].Desc), nil
}

var wantDoubleOrInterval = OneOf(WantDouble, wantAnsiInterval)

// percentileRule types percentiles of input col with the percentages in input at.
func percentileRule(col, at int) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		if len(args) < 2 {
			return Typing{}, errWithinGroup("percentile")
		}
		wants := []Want{WantAny, WantAny, WantLong}
		wants[col] = wantDoubleOrInterval
		ts, err := CoerceArgs(env, args, wants...)
		if err != nil {
			return Typing{}, err
		}
		array, err := checkPercentages(args, at)
		result := widestInterval(ts[col])
		if array {
			result = types.Array(result, false)
		}
		return Typing{Args: ts, Result: result, Nullable: true}, err
	}
}

// checkPercentages tests the constant percentages in args[i].
func checkPercentages(args []plan.Expr, i int) (array bool, err error) {
	if v, ok := ConstValue(args[i]); ok && v == nil {
		return false, UnexpectedNull("percentage(s)")
	}
	ps, array, ok := constReals(args[i])
	if !ok {
		return array, NonFoldable(args, i, "percentage", "DOUBLE")
	}
	for _, p := range ps {
		if !(p >= 0 && p <= 1) {
			return array, OutOfRange("percentage(s)", "[0.0, 1.0]", strconv.FormatFloat(p, 'g', -1, 64))
		}
	}
	return array, nil
}

func percentileStates(a *plan.Agg) []types.Type {
	if len(a.Args) == 3 {
		return []types.Type{types.Array(weightedType, false)}
	}
	return []types.Type{types.Array(types.Double, false)}
}

func newPercentileOf(_ *Env, a *plan.Agg) (Accumulator, error) {
	ps, array, _ := constReals(a.Args[1])
	acc := newPercentile(ps, array, len(a.Args) == 3)
	acc.freq = 2
	return acc, nil
}

func newWithinGroup(discrete bool) func(*Env, *plan.Agg) (Accumulator, error) {
	return func(_ *Env, a *plan.Agg) (Accumulator, error) {
		ps, array, _ := constReals(a.Args[0])
		acc := newPercentile(ps, array, false)
		acc.value0, acc.discrete = 1, discrete
		acc.reverse = len(a.Order) > 0 && a.Order[0].Desc
		return acc, nil
	}
}

var wantRankable = OneOf(WantNumeric, WantDate, WantAnyTime, wantAnsiInterval)

func rankRule(env *Env, args []plan.Expr) (Typing, error) {
	ts, err := CoerceArgs(env, args, wantRankable, WantAny, WantNumeric)
	if err != nil {
		return Typing{}, err
	}
	array, err := checkPercentages(args, 1)
	if err != nil {
		return Typing{}, err
	}
	if len(args) == 3 {
		n, ok := constReal(args[2])
		if !ok {
			return Typing{}, NonFoldable(args, 2, "accuracy", "INTEGRAL")
		}
		if n <= 0 || n > math.MaxInt32 {
			return Typing{}, OutOfRange("accuracy", "(0, 2147483647]", strconv.FormatFloat(n, 'g', -1, 64))
		}
	}
	result := ts[0]
	if array {
		result = types.Array(result, false)
	}
	return Typing{Args: ts, Result: result, Nullable: true}, nil
}

func newRankOf(_ *Env, a *plan.Agg) (Accumulator, error) {
	ps, array, _ := constReals(a.Args[1])
	return newRank(argType(a, 0), ps, array), nil
}

// defaultDeviation is approx_count_distinct's relative standard deviation.
const defaultDeviation = 0.05

func newDistinctOf(_ *Env, a *plan.Agg) (Accumulator, error) {
	rsd := defaultDeviation
	if len(a.Args) > 1 {
		var ok bool
		if rsd, ok = constReal(a.Args[1]); !ok {
			return nil, NonFoldable(a.Args, 1, "relativeSD", "DOUBLE")
		}
	}
	p := distinctBits(rsd)
	if p < minDistinctBits || p > maxDistinctBits {
		return nil, OutOfRange("relativeSD", "(0.0, 0.39]", strconv.FormatFloat(rsd, 'g', -1, 64))
	}
	return newDistinct(p), nil
}
