package analyze

import (
	"context"
	"slices"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// env is what the names in an expression can mean where it stands. Copies
// share the ground they stand on.
type env struct {
	*ground
	lambdas []*plan.LambdaVar // innermost last
	inAgg   bool              // inside an aggregate function's arguments
	inWin   bool              // directly below a window expression
	names   bool              // keep aliases: the caller reads argument names
	rewrite bool              // parts of the expression may be resolved already
}

// ground is the operator's side of an environment.
type ground struct {
	sc      *scope
	inputs  []plan.Node
	cols    []*plan.Column // visible columns of the inputs
	lateral []*plan.Alias  // earlier aliases of the same list
	// deep: columns that the input projected away may be used and are then
	// added to its output (ORDER BY, WHERE over a data frame's select).
	deep  bool
	grown bool // an input got columns beyond cols
	// agg is the aggregate below a HAVING or ORDER BY, whose functions and
	// grouping expressions the expression may use; having looks there first.
	agg    *plan.Aggregate
	having bool
}

// envOf makes an environment over resolved inputs.
func (r *run) envOf(sc *scope, inputs ...plan.Node) *env {
	g := &ground{sc: sc, inputs: inputs}
	for _, n := range inputs {
		g.cols = append(g.cols, n.Output()...)
	}
	return &env{ground: g}
}

func (v *env) with(f func(*env)) *env {
	c := *v
	f(&c)
	return &c
}

// attr resolves a column name.
func (r *run) attr(ctx context.Context, a *plan.Attr, v *env) (plan.Expr, error) {
	if e, err := r.lambdaVar(a, v); e != nil || err != nil {
		return e, err
	}
	for _, find := range []func(*plan.Attr, *env) (plan.Expr, error){
		r.fromPlan, r.fromAggregate, r.fromInputs, r.fromHidden, r.fromBelow, r.fromLateral, r.fromOuter,
	} {
		if e, err := find(a, v); e != nil || err != nil {
			return e, at(err, a.At)
		}
	}
	if f := niladic(a); f != nil && (f.Name[0] == virtualGroupingID || r.Registry.Lookup(f.Name[0]) != nil) {
		return r.expr(ctx, f, v)
	}
	if e, err := r.fromVariable(a, v); e != nil || err != nil {
		return e, at(err, a.At)
	}
	cols := v.cols
	if len(cols) == 0 && v.agg != nil {
		cols = v.agg.Child.Output()
	}
	return nil, unresolvedColumn(a.Parts, cols, a.At)
}

func (r *run) lambdaVar(a *plan.Attr, v *env) (plan.Expr, error) {
	for _, p := range slices.Backward(v.lambdas) {

		if !r.sameName(p.Name, a.Parts[0]) {
			continue
		}
		var e plan.Expr = p
		for _, f := range a.Parts[1:] {
			var err error
			if e, err = r.member(e, f); err != nil {
				return nil, at(err, a.At)
			}
		}
		return e, nil
	}
	return nil, nil
}

func (r *run) fromInputs(a *plan.Attr, v *env) (plan.Expr, error) { return r.byName(v.cols, a.Parts) }

// fromAggregate serves expressions above an aggregate: arguments of aggregate
// functions are the aggregate's input; HAVING sees grouping columns before the
// select list's aliases.
func (r *run) fromAggregate(a *plan.Attr, v *env) (plan.Expr, error) {
	if v.agg == nil || !v.inAgg && !v.having {
		return nil, nil
	}
	e, err := r.byName(r.aggInput(v.agg), a.Parts)
	if e == nil || err != nil {
		return nil, err
	}
	if v.inAgg || keyIndex(r.aggKeys(v.agg), e) >= 0 {
		return e, nil
	}
	return nil, nil
}

// fromBelow finds columns that the inputs do not output.
func (r *run) fromBelow(a *plan.Attr, v *env) (plan.Expr, error) {
	if v.agg != nil {
		// Checked when the expression is taken over by the aggregate.
		return r.byName(r.aggInput(v.agg), a.Parts)
	}
	if !v.deep {
		return nil, nil
	}
	for i, n := range v.inputs {
		e, err := r.search(a, n)
		if err != nil {
			return nil, err
		}
		if e != nil && r.expose(v, i, e) {
			return e, nil
		}
	}
	return nil, nil
}

// fromHidden finds the other side's key columns of USING joins, which must be qualified.
func (r *run) fromHidden(a *plan.Attr, v *env) (plan.Expr, error) {
	if len(a.Parts) < 2 {
		return nil, nil
	}
	for i, n := range v.inputs {
		e, err := r.byName(r.hiddenOf(n), a.Parts)
		if err != nil {
			return nil, err
		}
		if e != nil && r.expose(v, i, e) {
			return e, nil
		}
	}
	return nil, nil
}

// fromLateral finds an earlier alias of the same select list.
func (r *run) fromLateral(a *plan.Attr, v *env) (plan.Expr, error) {
	var cols []*plan.Column
	for _, al := range v.lateral {
		cols = append(cols, al.Column())
	}
	return r.byName(cols, a.Parts[:min(1, len(a.Parts))])
}

// fromOuter finds a column of the enclosing query.
func (r *run) fromOuter(a *plan.Attr, v *env) (plan.Expr, error) {
	out := v.sc.outerEnv()
	if out == nil {
		return nil, nil
	}
	for _, find := range []func(*plan.Attr, *env) (plan.Expr, error){r.fromPlan, r.fromAggregate, r.fromInputs, r.fromHidden} {
		e, err := find(a, out)
		if err != nil {
			return nil, err
		}
		if e != nil {
			return outerRefs(e), nil
		}
	}
	return nil, nil
}

// outerRefs marks the columns of e as the enclosing query's.
func outerRefs(e plan.Expr) plan.Expr {
	out, _ := plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) {
		if c, ok := x.(*plan.Column); ok {
			return &plan.OuterRef{Column: c}, nil
		}
		return x, nil
	})
	return out
}

// virtualGroupingID is Hive's name of grouping_id().
const virtualGroupingID = "grouping__id"

// niladic makes a call of names that are functions without parentheses.
func niladic(a *plan.Attr) *plan.Func {
	if len(a.Parts) != 1 {
		return nil
	}
	name := strings.ToLower(a.Parts[0])
	switch name {
	case "current_date", "current_timestamp", "current_user", "current_catalog", "current_database", "current_schema",
		"current_time", "user", "session_user", "localtimestamp", virtualGroupingID:
		return &plan.Func{Name: []string{name}, At: a.At}
	}
	return nil
}

// rewriteEnv is for expressions made here, over parts that are resolved.
func (r *run) rewriteEnv(win bool) *env {
	return r.envOf(nil).with(func(v *env) { v.rewrite, v.inWin = true, win })
}
