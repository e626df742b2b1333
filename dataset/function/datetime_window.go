package function

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// WindowEdge is the function that the analyser makes window() of.
const WindowEdge = "time_window_edge"

// timeWindows are the functions of windows of time. window() and
// session_window() are operators, which the analyser puts below.
func timeWindows() []*Entry {
	last := rewriteSpec(datetimeGroup, "window_time", 1, 1, windowTime, doc{
		"The time that stands for a window of time: its last microsecond.",
		"SELECT window_time(named_struct('start', TIMESTAMP'2021-01-01 00:00:00', 'end', TIMESTAMP'2021-01-01 00:05:00'))", "2021-01-01 00:04:59.999999",
	})
	return append(fnEntries(datetimeGroup,
		fnSpec{
			WindowEdge, 4, 4, Derived(func(ts []types.Type) types.Type { return ts[0] }, WantAnyTime, WantLong, WantLong, WantLong), rows(windowEdge),
			doc{
				"The start of the window of time that begins last before a timestamp, windows beginning every so many microseconds from a start, plus an offset.",
				"SELECT time_window_edge(TIMESTAMP'2021-01-01 00:07:00', 300000000, 0, 0)", "2021-01-01 00:05:00",
			},
			fnMore{},
		},
	), last)
}

func windowEdge(c *cells) error {
	t, slide, from, offset := c.long(0), c.long(1), c.long(2), c.long(3)
	if slide <= 0 {
		return DatetimeOverflow("window")
	}
	past := (t - from) % slide
	if past < 0 {
		past += slide
	}
	c.setLong(t - past + offset)
	return nil
}

func windowTime(_ *Env, args []plan.Expr) (plan.Expr, error) {
	t := args[0].Type()
	if t.Kind != types.KindStruct || len(t.Fields) != 2 || t.Fields[1].Name != "end" || !isTimestamp(t.Fields[1].Type) {
		return nil, UnexpectedType(args, 0, "STRUCT<start: TIMESTAMP, end: TIMESTAMP>")
	}
	end := &plan.GetField{Child: args[0], Index: 1, Name: "end"}
	return plan.Fn(WindowEdge, end, plan.LitLong(1), plan.LitLong(0), plan.LitLong(-1)), nil
}
