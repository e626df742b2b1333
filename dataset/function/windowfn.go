package function

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// windows are the functions that exist only over windows. Their entries type
// them; the executor computes them, for they see rows other than their own.
func windows() []*Entry {
	over := " OVER (PARTITION BY a ORDER BY b) FROM VALUES ('A1', 2), ('A1', 1), ('A2', 3), ('A1', 1) tab(a, b)"
	entry := func(name string, least, most int, rule Rule, usage, call string) *Entry {
		return &Entry{
			Name: name, Kind: Window, Group: "window_funcs", MinArgs: least, MaxArgs: most, Type: rule, Usage: usage,
			Example: "SELECT a, b, " + call + over, Builtin: true,
		}
	}
	whole, part := NeverNull(Fixed(types.Int)), NeverNull(Fixed(types.Double))
	return []*Entry{
		entry("row_number", 0, 0, whole, "Number of the row in its partition, from 1.", "row_number()"),
		entry("rank", 0, -1, whole, "One more than the number of rows that come before; equal rows share it.", "rank(b)"),
		entry("dense_rank", 0, -1, whole, "Like rank, without gaps.", "dense_rank(b)"),
		entry("percent_rank", 0, -1, part, "(rank - 1) / (rows of the partition - 1).", "percent_rank(b)"),
		entry("cume_dist", 0, 0, part, "The share of rows up to and equal to the row.", "cume_dist()"),
		entry("ntile", 0, 1, NeverNull(Fixed(types.Int, WantInt)), "The row's number among n groups as equal as can be.", "ntile(2)"),
		entry("lag", 1, 3, shiftRule, "The value some rows before, or a default.", "lag(b)"),
		entry("lead", 1, 3, shiftRule, "The value some rows later, or a default.", "lead(b)"),
		entry("nth_value", 2, 3, MayNull(Same(0, WantAny, WantInt, WantBool)), "The value of the n-th row of the frame.", "nth_value(b, 2)"),
	}
}

// shiftRule types lag and lead(value[, rows[, default]]).
func shiftRule(env *Env, args []plan.Expr) (Typing, error) {
	t := args[0].Type()
	ts := []types.Type{t}
	if len(args) > 1 {
		to, ok := WantInt.Coerce(env.Ansi, args[1].Type())
		if !ok {
			return Typing{}, UnexpectedType(args, 1, "INT")
		}
		ts = append(ts, to)
	}
	null := true
	if len(args) > 2 {
		common, ok := CommonType(env.Ansi, t, args[2].Type())
		if !ok || !common.Equal(t) && !ImplicitCast(env.Ansi, args[2].Type(), t) {
			return Typing{}, mismatch("TYPE_CHECK_FAILURE_WITH_HINT", "the default has to be of the value's type.", "msg", "", "hint", "")
		}
		ts = append(ts, t)
		null = args[0].Nullable() || args[2].Nullable()
	}
	return Typing{Args: ts, Result: t, Nullable: null}, nil
}
