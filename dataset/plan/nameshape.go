package plan

import (
	"strings"

	"github.com/spurwheel/spurwheel/internal/types"
)

// How calls are written in column names where Spark does not show them as the
// user wrote them: names in capitals, names of the function behind an alias,
// default arguments added, arguments that are settings left out.

// capitals are shown in upper case if written by this name.
var capitals = words("acos acosh asin asinh atan atanh atan2 cbrt ceil cos cosh cot csc e exp expm1 floor hypot log log10 log1p log2 " +
	"pi power rank dense_rank percent_rank degrees radians sec signum sin sinh sqrt tan tanh")

func words(s string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		out[w] = true
	}
	return out
}

// behind are aliases that are shown as another function.
var behind = map[string]string{"dateadd": "date_add", "random": "rand", "current_database": "current_schema", "format_decimal": "to_char", "decode_charset": "decode"}

// fills are the arguments shown when a call leaves them out: all the
// parameters there are, and the defaults of the last ones.
type fill struct {
	params   int
	defaults []string
}

const (
	identity   = "lambdafunction(namedlambdavariable(), namedlambdavariable())"
	ascending  = "lambdafunction((IF(((namedlambdavariable() IS NULL) AND (namedlambdavariable() IS NULL)), 0, " + oneIsNull + ")), " + twoParams + ")"
	oneIsNull  = "(IF((namedlambdavariable() IS NULL), 1, (IF((namedlambdavariable() IS NULL), -1, " + bothValues + "))))"
	bothValues = "(IF((namedlambdavariable() < namedlambdavariable()), -1, (IF((namedlambdavariable() > namedlambdavariable()), 1, 0))))"
	twoParams  = "namedlambdavariable(), namedlambdavariable()"
	timeFormat = "yyyy-MM-dd HH:mm:ss"
	endless    = "2147483647"
)

var fills = map[string]fill{
	"make_interval":           {7, []string{"0", "0", "0", "0", "0", "0", "0.000000"}},
	"try_make_interval":       {7, []string{"0", "0", "0", "0", "0", "0", "0.000000"}},
	"make_dt_interval":        {4, []string{"0", "0", "0", "0.000000"}},
	"make_ym_interval":        {2, []string{"0", "0"}},
	"lpad":                    {3, []string{" "}},
	"rpad":                    {3, []string{" "}},
	"mask":                    {5, []string{"X", "x", "n", "NULL"}},
	"overlay":                 {4, []string{"-1"}},
	"regexp_instr":            {3, []string{"0"}},
	"regexp_replace":          {4, []string{"1"}},
	"regexp_extract":          {3, []string{"1"}},
	"regexp_extract_all":      {3, []string{"1"}},
	"sentences":               {3, []string{"", ""}},
	"substr":                  {3, []string{endless}},
	"substring":               {3, []string{endless}},
	"split":                   {3, []string{"-1"}},
	"replace":                 {3, []string{""}},
	"locate":                  {3, []string{"1"}},
	"position":                {3, []string{"1"}},
	"from_unixtime":           {2, []string{timeFormat}},
	"unix_timestamp":          {2, []string{"current_timestamp()", timeFormat}},
	"to_unix_timestamp":       {2, []string{timeFormat}},
	"str_to_map":              {3, []string{",", ":"}},
	"months_between":          {3, []string{"true"}},
	"lag":                     {3, []string{"1", "NULL"}},
	"lead":                    {3, []string{"1", "NULL"}},
	"ntile":                   {1, []string{"1"}},
	"round":                   {2, []string{"0"}},
	"bround":                  {2, []string{"0"}},
	"log":                     {2, nil},
	"aggregate":               {4, []string{identity}},
	"reduce":                  {4, []string{identity}},
	"array_sort":              {2, []string{ascending}},
	"sort_array":              {2, []string{"true"}},
	"aes_encrypt":             {6, []string{"GCM", "DEFAULT", "", ""}},
	"aes_decrypt":             {5, []string{"GCM", "DEFAULT", ""}},
	"try_aes_decrypt":         {5, []string{"GCM", "DEFAULT", ""}},
	"percentile":              {3, []string{"1"}},
	"percentile_approx":       {3, []string{"10000"}},
	"approx_percentile":       {3, []string{"10000"}},
	"listagg":                 {2, []string{"NULL"}},
	"string_agg":              {2, []string{"NULL"}},
	"hll_sketch_agg":          {2, []string{"12"}},
	"theta_sketch_agg":        {2, []string{"12"}},
	"approx_top_k":            {3, []string{"5", "10000"}},
	"approx_top_k_accumulate": {2, []string{"10000"}},
	"approx_top_k_estimate":   {2, []string{"5"}},
	"hll_union_agg":           {2, []string{"false"}},
	"hll_union":               {3, []string{"false"}},
	"theta_union":             {3, []string{"12"}},
}

// shownArgs is how many arguments are shown: the others are settings.
var shownArgs = map[string]int{
	"from_json": 1, "to_json": 1, "from_csv": 1, "to_csv": 1, "from_xml": 1, "to_xml": 1, "variant_get": 2, "try_variant_get": 2,
	"first": 1, "first_value": 1, "last": 1, "last_value": 1, "any_value": 1, "ilike": 2, "to_varchar": 2, "nth_value": 2, "mode": 1, "likeany": 1, "likeall": 1,
	"schema_of_json": 1, "schema_of_csv": 1, "schema_of_xml": 1,
}

// jsonStruct finds a struct that to_json shows without its fields' names.
func jsonStruct(name string, args []Expr) (*Call, bool) {
	if name != "to_json" || len(args) == 0 {
		return nil, false
	}
	c, ok := args[0].(*Call)
	return c, ok && c.Name == "struct"
}

func (n namer) bareStruct(c *Call) string {
	parts := make([]string, len(c.Args))
	for i, a := range c.Args {
		parts[i] = n.name(a)
	}
	return "struct(" + strings.Join(parts, ", ") + ")"
}

// firstCast finds a cast that functions which add to arrays do not show.
func firstCast(name string, args []Expr) (*Cast, bool) {
	switch name {
	case "array_append", "array_prepend", "array_insert":
	default:
		return nil, false
	}
	if len(args) == 0 {
		return nil, false
	}
	c, ok := args[0].(*Cast)
	return c, ok
}

// shape is the name and arguments of a call that has no form of its own.
func (n namer) shape(name string, args []Expr) (string, []string) {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = n.name(a)
	}
	if k, ok := shownArgs[name]; ok && len(parts) > k {
		parts = parts[:k]
	}
	if f, ok := fills[name]; ok {
		for missing := f.params - len(parts); missing > 0 && missing <= len(f.defaults); missing-- {
			parts = append(parts, f.defaults[len(f.defaults)-missing])
		}
	}
	if c, ok := jsonStruct(name, args); ok {
		parts[0] = n.bareStruct(c)
	}
	if c, ok := firstCast(name, args); ok {
		parts[0] = n.name(c.Child)
	}
	switch {
	case (name == "lpad" || name == "rpad") && len(args) == 2 && args[0].Resolved() && args[0].Type().Kind == types.KindBinary:
		parts[2] = "X'00'"
	case name == "log" && len(parts) == 1:
		return "LOG", append([]string{"E()"}, parts...)
	case name == "assert_true" && len(parts) == 1:
		parts = append(parts, "'"+parts[0]+"' is not true!")
	case capitals[name]:
		// The two-argument forms of rounding are functions of another name.
		if len(parts) < 2 || name != "ceil" && name != "floor" {
			name = strings.ToUpper(name)
		}
	case behind[name] != "":
		name = behind[name]
	case strings.HasSuffix(name, "make_timestamp_ltz") && len(parts) <= 3: // of a date and a time
		name = strings.TrimSuffix(name, "_ltz")
	}
	return name, parts
}
