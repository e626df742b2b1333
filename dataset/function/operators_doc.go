package function

// operatorExamples document the operators and conditionals, whose tables hold
// no examples: SQL and what it gives.
var operatorExamples = map[string][2]string{
	"and": {"SELECT true and false", "false"}, "or": {"SELECT true or false", "true"}, "not": {"SELECT not true", "false"},
	"isnull": {"SELECT isnull(1)", "false"}, "isnotnull": {"SELECT isnotnull(1)", "true"}, "isnan": {"SELECT isnan(cast('NaN' as double))", "true"},
	"=": {"SELECT 2 = 2", "true"}, "!=": {"SELECT 1 != 2", "true"}, "<": {"SELECT 1 < 2", "true"}, "<=": {"SELECT 2 <= 2", "true"}, ">": {"SELECT 2 > 1", "true"}, ">=": {"SELECT 2 >= 1", "true"},
	"<=>": {"SELECT NULL <=> NULL", "true"}, "equal_null": {"SELECT equal_null(3, 3)", "true"},
	"+": {"SELECT 1 + 2", "3"}, "-": {"SELECT 2 - 1", "1"}, "*": {"SELECT 2 * 3", "6"}, "/": {"SELECT 3 / 2", "1.5"}, "div": {"SELECT 3 div 2", "1"}, "%": {"SELECT 2 % 1.8", "0.2"}, "pmod": {"SELECT pmod(-10, 3)", "2"},
	"try_add": {"SELECT try_add(2147483647, 1)", "NULL"}, "try_subtract": {"SELECT try_subtract(2, 1)", "1"}, "try_multiply": {"SELECT try_multiply(2, 3)", "6"}, "try_divide": {"SELECT try_divide(1, 0)", "NULL"}, "try_mod": {"SELECT try_mod(1, 0)", "NULL"},
	"negative": {"SELECT negative(1)", "-1"}, "positive": {"SELECT positive(1)", "1"}, "abs": {"SELECT abs(-1)", "1"},
	"&": {"SELECT 3 & 5", "1"}, "|": {"SELECT 3 | 5", "7"}, "^": {"SELECT 3 ^ 5", "6"}, "~": {"SELECT ~ 0", "-1"}, "shiftleft": {"SELECT shiftleft(2, 1)", "4"}, "shiftright": {"SELECT shiftright(4, 1)", "2"},
	"shiftrightunsigned": {"SELECT shiftrightunsigned(4, 1)", "2"}, "bit_count": {"SELECT bit_count(7)", "3"}, "bit_get": {"SELECT bit_get(11, 0)", "1"},
	"coalesce": {"SELECT coalesce(NULL, 1, NULL)", "1"}, "nvl": {"SELECT nvl(NULL, 2)", "2"}, "nvl2": {"SELECT nvl2(NULL, 2, 1)", "1"}, "if": {"SELECT if(1 < 2, 'a', 'b')", "a"}, "when": {"SELECT CASE WHEN 1 > 0 THEN 1 ELSE 2.0 END", "1.0"},
	"nullif": {"SELECT nullif(2, 2)", "NULL"}, "nullifzero": {"SELECT nullifzero(0)", "NULL"}, "zeroifnull": {"SELECT zeroifnull(NULL)", "0"}, "nanvl": {"SELECT nanvl(cast('NaN' as double), 123)", "123.0"}, "between": {"SELECT 2 BETWEEN 1 AND 3", "true"},
	"in": {"SELECT 1 in (1, 2, 3)", "true"}, "greatest": {"SELECT greatest(10, 9, 2, 4, 3)", "10"}, "least": {"SELECT least(10, 9, 2, 4, 3)", "2"},
}

// withExamples fills in the examples that entries lack.
func withExamples(lists ...[]*Entry) []*Entry {
	var out []*Entry
	for _, list := range lists {
		for _, e := range list {
			if x, ok := operatorExamples[e.Name]; ok && e.Example == "" {
				e.Example, e.Result = x[0], x[1]
			}
			out = append(out, e)
		}
	}
	return out
}
