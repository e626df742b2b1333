package function

import (
	"strconv"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// maxSequence bounds the elements of one sequence, as Spark's arrays are.
const maxSequence = 1<<31 - 16

// sequenceRule types sequence(start, stop[, step]).
func sequenceRule(env *Env, args []plan.Expr) (Typing, error) {
	t, ok := CommonTypeOf(env.Ansi, TypesOf(args[:2]))
	temporal := t.Kind == types.KindDate || isTimestamp(t)
	if !ok || !t.IsIntegral() && !temporal {
		return Typing{}, mismatch("SEQUENCE_WRONG_INPUT_TYPES", "start and stop have to be integers, dates or timestamps of one type.",
			"functionName", "`sequence`", "startType", "(\"TIMESTAMP\" or \"TIMESTAMP_NTZ\" or \"DATE\")", "stepType", "", "otherStartType", "\"INTEGRAL\"")
	}
	ts := []types.Type{t, t}
	if len(args) == 3 {
		step := args[2].Type()
		switch {
		case !temporal:
			if !step.IsIntegral() && step.Kind != types.KindNull {
				return Typing{}, UnexpectedType(args, 2, "INTEGRAL")
			}
			if wide, ok := CommonTypeOf(env.Ansi, []types.Type{t, step}); ok {
				t, step = wide, wide
				ts[0], ts[1] = t, t
			}
		case !isIntervalOrCalendar(step):
			return Typing{}, UnexpectedType(args, 2, "INTERVAL")
		}
		ts = append(ts, step)
	}
	return Typing{Args: ts, Result: types.Array(t, false), Nullable: nullableAfter(args, ts)}, nil
}

func errSequence(start, stop, step string) error {
	return errs.Cond(errs.IllegalArg, "ILLEGAL_SEQUENCE_BOUNDARIES", "22023",
		"A sequence from "+start+" does not reach "+stop+" by "+step+".", "start", start, "stop", stop, "step", step)
}

// newSequence counts from start to stop, both included.
func newSequence(env *Env, call *plan.Call) (Kernel, error) {
	t := *call.Typ.Elem
	if t.IsIntegral() {
		return listKernel(sequenceInts), nil
	}
	z := zoneOf(env, t)
	return listKernel(func(c *cells) error { return sequenceTimes(c, z, t.Kind == types.KindDate) }), nil
}

func sequenceInts(c *cells) error {
	start, stop := integerAt(c.vector(0), c.slot(0)), integerAt(c.vector(1), c.slot(1))
	step := int64(1)
	if start > stop {
		step = -1
	}
	if len(c.args) > 2 {
		step = integerAt(c.vector(2), c.slot(2))
	}
	if step == 0 && start != stop || step > 0 && start > stop || step < 0 && start < stop {
		return errSequence(strconv.FormatInt(start, 10), strconv.FormatInt(stop, 10), strconv.FormatInt(step, 10))
	}
	n := int64(1)
	if step != 0 {
		n = (stop-start)/step + 1
	}
	if n > maxSequence || n < 0 {
		return errTextTooLong("sequence")
	}
	child := c.out.vec.Children[0]
	at := child.Len()
	child.SetLen(at + int(n))
	for k := range n {
		putInteger(child, at+int(k), start+k*step)
	}
	return nil
}

// putInteger writes slot i of an integral vector.
func putInteger(v *batch.Vector, i int, x int64) {
	switch v.Phys() {
	case types.PhysInt8:
		batch.Values[int8](v)[i] = int8(x)
	case types.PhysInt16:
		batch.Values[int16](v)[i] = int16(x)
	case types.PhysInt32:
		batch.Values[int32](v)[i] = int32(x)
	default:
		batch.Values[int64](v)[i] = x
	}
}

// sequenceTimes steps from the start each time, so that months keep their day.
func sequenceTimes(c *cells, z *calendar.Zone, date bool) error {
	start, stop := momentOf(c, 0, z, date), momentOf(c, 1, z, date)
	months, days, micros := 0, 1, int64(0)
	if len(c.args) > 2 {
		s := stepsOf(c.vector(2))
		months, days, micros = s.at(c.slot(2), 1)
	} else if start > stop {
		days = -1
	}
	forward := months > 0 || months == 0 && (days > 0 || days == 0 && micros > 0)
	if months == 0 && days == 0 && micros == 0 && start != stop || forward && start > stop || !forward && start < stop {
		return errSequence(strconv.FormatInt(start, 10), strconv.FormatInt(stop, 10), "the interval")
	}
	child := c.out.vec.Children[0]
	for k := 0; ; k++ {
		t, ok := z.Add(start, k*months, k*days, int64(k)*micros)
		if !ok || forward && t > stop || !forward && t < stop || k > maxSequence || k > 0 && t == start {
			return nil
		}
		if date {
			d, _ := calendar.Split(z.Local(t))
			appendSlots(child, []int32{int32(d)})
		} else {
			appendSlots(child, []int64{t})
		}
		if start == stop {
			return nil
		}
	}
}

func momentOf(c *cells, k int, z *calendar.Zone, date bool) int64 {
	if date {
		return z.UTC(int64(c.int(k)) * calendar.Day)
	}
	return c.long(k)
}
