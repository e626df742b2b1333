package exec

import (
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// aggDef is one aggregate function of a plan, shared by all threads.
type aggDef struct {
	call   *plan.Agg
	entry  *function.Entry
	states []types.Type
	args   []plan.Expr // of the call, then its WITHIN GROUP keys
	at     int         // first state column, counted over all functions
	raw    int         // first kept argument column, counted over all functions
	merge  bool        // the arguments are partial states of call
}

// defineAggs looks the functions up. Where merge says so, a function's
// arguments are columns of partial states of the function in made.
func defineAggs(reg *function.Registry, calls []*plan.Agg, merge []bool, made []*plan.Agg) ([]*aggDef, error) {
	var out []*aggDef
	at, raw := 0, 0
	for i, c := range calls {
		e := reg.Lookup(c.Name)
		if e == nil || e.Accumulator == nil {
			return nil, errs.Unsupported("aggregate function " + c.Name)
		}
		d := &aggDef{call: c, entry: e, at: at, raw: raw, args: function.AggInputs(c)}
		if i < len(merge) && merge[i] {
			d.merge, d.args = true, c.Args
			if len(made) > 0 {
				d.call, made = made[0], made[1:]
			}
		}
		d.states = e.StateTypes(d.call)
		for _, a := range d.args {
			if _, lit := a.(*plan.Literal); !lit {
				raw++
			}
		}
		at += len(d.states)
		out = append(out, d)
	}
	return out, nil
}

// aggFunc is one thread's instance of an aggregate function: its argument
// expressions and the accumulator.
type aggFunc struct {
	def    *aggDef
	acc    function.Accumulator
	evs    []evaluator // nil for literals
	consts []*batch.Vector
	filter selector
	// scratch
	args   []*batch.Vector
	flat   flats
	picked []*batch.Vector
	groups []int32
	state  []*batch.Vector
}

func newAggFunc(c compiler, env *function.Env, d *aggDef) (*aggFunc, error) {
	acc, err := d.entry.Accumulator(env, d.call)
	if err != nil {
		return nil, err
	}
	f := &aggFunc{def: d, acc: acc, args: make([]*batch.Vector, len(d.args))}
	if d.call.Filter != nil && !d.merge {
		if f.filter, err = c.Cond(d.call.Filter); err != nil {
			return nil, err
		}
	}
	f.evs, f.consts = make([]evaluator, len(d.args)), make([]*batch.Vector, len(d.args))
	for i, a := range d.args {
		if lit, ok := a.(*plan.Literal); ok {
			f.consts[i] = batch.NewConst(lit.Typ, lit.Value, 1)
			continue
		}
		if f.evs[i], err = compileExpr(c, a); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// eval computes the arguments, flat or constant.
func (f *aggFunc) eval(b *batch.Batch) error {
	for i, ev := range f.evs {
		if ev == nil {
			f.consts[i].SetConst(b.N)
			f.args[i] = f.consts[i]
			continue
		}
		v, err := ev.Eval(b)
		if err != nil {
			return err
		}
		f.args[i] = f.flat.of(i, v)
	}
	return nil
}

// add gives the accumulator the evaluated arguments.
func (f *aggFunc) add(groups []int32, n int) error {
	if f.def.merge {
		for i, v := range f.args {
			f.args[i] = f.flat.flat(i, v)
		}
		return f.acc.Merge(groups, f.args, n)
	}
	return f.acc.Update(groups, f.args, n)
}

// update adds a batch's rows to their groups (nil: all to group 0).
func (f *aggFunc) update(b *batch.Batch, groups []int32) error {
	if f.filter == nil {
		if err := f.eval(b); err != nil {
			return err
		}
		return f.add(groups, b.N)
	}
	sel, err := f.filter.Select(b, nil)
	if err != nil || len(sel) == 0 {
		return err
	}
	return f.updateSome(b, groups, sel)
}

// updateSome is update of the rows that the FILTER clause lets through: the
// others never reach the argument expressions.
func (f *aggFunc) updateSome(b *batch.Batch, groups, sel []int32) error {
	if len(sel) < b.N {
		for len(f.picked) < len(b.Cols) {
			f.picked = append(f.picked, batch.New(b.Cols[len(f.picked)].Type, 0))
		}
		out := &batch.Batch{Cols: f.picked[:len(b.Cols)]}
		gatherBatch(out, b, sel)
		b = out
		if groups != nil {
			f.groups = f.groups[:0]
			for _, i := range sel {
				f.groups = append(f.groups, groups[i])
			}
			groups = f.groups
		}
	}
	if err := f.eval(b); err != nil {
		return err
	}
	return f.add(groups, b.N)
}

// updateRaw adds rows whose arguments were kept as columns vals.
func (f *aggFunc) updateRaw(vals []*batch.Vector, groups []int32, n int) error {
	at := f.def.raw
	for i, ev := range f.evs {
		if ev == nil {
			f.consts[i].SetConst(n)
			f.args[i] = f.consts[i]
			continue
		}
		f.args[i] = vals[at]
		at++
	}
	return f.add(groups, n)
}

// merge adds partial states, which are columns [def.at, ...) of states.
func (f *aggFunc) merge(states []*batch.Vector, groups []int32, n int) error {
	f.state = f.state[:0]
	for i := range f.def.states {
		f.state = append(f.state, f.flat.flat(i, states[f.def.at+i]))
	}
	return f.acc.Merge(groups, f.state, n)
}
