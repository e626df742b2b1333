package session

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/spurwheel/spurwheel/dataset/analyze"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// maxVariables bounds the variables of a session; scripts have a handful.
const maxVariables = 10_000

// variables are a session's SQL variables. They are safe for concurrent use.
type variables struct {
	mu struct {
		sync.RWMutex
		byName map[string]variable // by lower-case name
	}
}

type variable struct {
	typ   types.Type
	value any
	def   plan.Expr // nil for null
	text  string    // of def
}

func newVariables() *variables {
	v := &variables{}
	v.mu.byName = map[string]variable{}
	return v
}

func (v *variables) clone() *variables {
	c := newVariables()
	v.mu.RLock()
	defer v.mu.RUnlock()
	maps.Copy(c.mu.byName, v.mu.byName)
	return c
}

func (v *variables) get(name string) (variable, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	x, ok := v.mu.byName[strings.ToLower(name)]
	return x, ok
}

// literal is a variable's value for the analyser, nil if there is no such
// variable. Names of columns show it as Spark does.
func (v *variables) literal(name string) *plan.Literal {
	x, ok := v.get(name)
	if !ok {
		return nil
	}
	l := plan.Lit(x.typ, x.value)
	text := "CAST(NULL AS " + x.typ.SQL() + ")"
	if x.value != nil {
		text = plan.LiteralSQL(x.typ, x.value, nil)
	}
	l.Shown = "variablereference(system.session." + strings.ToLower(name) + "=" + text + ")"
	return l
}

// put stores variables together.
func (v *variables) put(names []string, values []variable, replace bool) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, n := range names {
		if _, ok := v.mu.byName[strings.ToLower(n)]; ok && !replace {
			return errs.Cond(errs.Analysis, "VARIABLE_ALREADY_EXISTS", "42723",
				"There is a variable "+variableID(n)+" already: use DECLARE OR REPLACE.", "variableName", variableID(n))
		}
	}
	if len(v.mu.byName)+len(names) > maxVariables {
		return errs.Errorf(errs.Exhausted, "session.DeclareVariable", "more than %d variables in a session", maxVariables)
	}
	for i, n := range names {
		v.mu.byName[strings.ToLower(n)] = values[i]
	}
	return nil
}

func (v *variables) drop(name string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := strings.ToLower(name)
	_, ok := v.mu.byName[key]
	delete(v.mu.byName, key)
	return ok
}

func variableID(name string) string {
	return "`system`.`session`." + types.Quote(strings.ToLower(name))
}

// variableNamed is the plain name of a variable, or an error for names that
// cannot be one's.
func variableNamed(parts []string) (string, error) {
	name, rest, _ := analyze.VariableName(parts)
	if len(rest) == 0 {
		return name, nil
	}
	return "", unresolvedVariable(parts)
}

func unresolvedVariable(parts []string) error {
	quoted := make([]string, len(parts))
	for i, p := range parts {
		quoted[i] = types.Quote(p)
	}
	id := strings.Join(quoted, ".")
	return errs.Cond(errs.Analysis, "UNRESOLVED_VARIABLE", "42883", "There is no variable "+id+" in `system`.`session`.",
		"variableName", id, "searchPath", "`system`.`session`")
}

// declareVariable makes variables of one type and default.
func (q *query) declareVariable(ctx context.Context, c *plan.DeclareVariable) error {
	names := make([]string, len(c.Names))
	for i, n := range c.Names {
		var err error
		if names[i], err = variableNamed(n); err != nil {
			return err
		}
	}
	if c.Default != nil && hasSubquery(c.Default) {
		return errs.Cond(errs.Analysis, "INVALID_DEFAULT_VALUE.SUBQUERY_EXPRESSION", "42623",
			"The default of a variable cannot have a subquery: "+c.DefaultText+".", "statement", "DECLARE VARIABLE",
			"colName", variableID(names[0]), "defaultValue", c.DefaultText)
	}
	v := variable{typ: c.Type, def: c.Default, text: c.DefaultText}
	if c.Default != nil {
		var want []types.Type
		if c.Typed {
			want = []types.Type{c.Type}
		}
		row, ts, err := q.oneRow(ctx, &plan.Project{List: aliased([]plan.Expr{c.Default}), Child: &plan.OneRow{}}, want)
		if err != nil {
			return err
		}
		v.typ, v.value = ts[0], row[0]
	}
	values := make([]variable, len(names))
	for i := range values {
		values[i] = v
	}
	return q.putVariables(ctx, names, values, c.Replace)
}

func hasSubquery(e plan.Expr) bool {
	found := false
	plan.WalkExpr(e, func(x plan.Expr) bool {
		if _, ok := x.(*plan.Subquery); ok {
			found = true
		}
		return !found
	})
	return found
}

// aliased gives expressions names that cannot meet others.
func aliased(es []plan.Expr) []plan.Expr {
	out := make([]plan.Expr, len(es))
	for i, e := range es {
		out[i] = &plan.Alias{Child: e, Name: fmt.Sprintf("__value_%d", i)}
	}
	return out
}

// setVariable assigns values that are computed together, before any is assigned.
func (q *query) setVariable(ctx context.Context, c *plan.SetVariable) error {
	names, values, err := q.targets(c)
	if err != nil {
		return err
	}
	n := c.Child
	if n == nil {
		es := make([]plan.Expr, len(c.Values))
		for i, e := range c.Values {
			if e == nil {
				e = values[i].def
			}
			if e == nil {
				e = plan.LitNull(values[i].typ)
			}
			es[i] = e
		}
		n = &plan.Project{List: aliased(es), Child: &plan.OneRow{}}
	}
	want := make([]types.Type, len(values))
	for i, v := range values {
		want[i] = v.typ
	}
	row, _, err := q.oneRow(ctx, n, want)
	if err != nil {
		return err
	}
	for i := range values {
		values[i].value = row[i]
	}
	return q.putVariables(ctx, names, values, true)
}

// targets finds the variables that a statement assigns.
func (q *query) targets(c *plan.SetVariable) ([]string, []variable, error) {
	names, values := make([]string, len(c.Names)), make([]variable, len(c.Names))
	seen := map[string]bool{}
	for i, parts := range c.Names {
		name, err := variableNamed(parts)
		if err != nil {
			return nil, nil, err
		}
		v, ok := q.s.vars.get(name)
		if !ok {
			return nil, nil, unresolvedVariable(parts)
		}
		if key := strings.ToLower(name); seen[key] {
			return nil, nil, errs.Cond(errs.Analysis, "DUPLICATE_ASSIGNMENTS", "42701", "The variable "+types.Quote(name)+" is assigned twice.",
				"nameList", types.Quote(name))
		}
		seen[strings.ToLower(name)] = true
		names[i], values[i] = name, v
	}
	return names, values, nil
}

// oneRow computes the only row of a plan, nulls if there is none, its columns
// cast to the wanted types if there are such.
func (q *query) oneRow(ctx context.Context, n plan.Node, want []types.Type) ([]any, []types.Type, error) {
	resolved, err := q.analyzer.Analyze(ctx, n)
	if err != nil {
		return nil, nil, err
	}
	out := resolved.Output()
	ts := make([]types.Type, len(out))
	for i, c := range out {
		ts[i] = c.Typ
	}
	if want != nil {
		if len(want) != len(out) {
			return nil, nil, errs.Cond(errs.Analysis, "ASSIGNMENT_ARITY_MISMATCH", "42802",
				fmt.Sprintf("%d values are assigned to %d variables.", len(out), len(want)),
				"numTarget", fmt.Sprint(len(want)), "numExpr", fmt.Sprint(len(out)))
		}
		if resolved, err = q.castRow(ctx, resolved, want); err != nil {
			return nil, nil, err
		}
		ts = want
	}
	rows, err := q.rows(ctx, resolved, 2)
	switch {
	case err != nil:
		return nil, nil, err
	case len(rows) > 1:
		return nil, nil, errs.Cond(errs.Runtime, "ROW_SUBQUERY_TOO_MANY_ROWS", "21000", "The query assigned to variables gives more than one row.")
	case len(rows) == 0:
		return make([]any, len(out)), ts, nil
	}
	return rows[0], ts, nil
}

// castRow casts a resolved plan's columns as assignments do: what does not fit
// is an error, whatever the session says about ANSI.
func (q *query) castRow(ctx context.Context, n plan.Node, want []types.Type) (plan.Node, error) {
	list := make([]plan.Expr, len(want))
	for i, c := range n.Output() {
		var e plan.Expr = c
		if !c.Typ.Equal(want[i]) {
			var err error
			if e, err = q.analyzer.ResolveExpr(ctx, &plan.Cast{Child: c, To: want[i], Mode: plan.CastAnsi, Implicit: true}, n.Output()); err != nil {
				return nil, err
			}
		}
		list[i] = &plan.Alias{Child: e, Name: c.Name, ID: q.s.nextID()}
	}
	return &plan.Project{List: list, Child: n}, nil
}

func (q *query) dropVariable(ctx context.Context, c *plan.DropVariable) error {
	name, err := variableNamed(c.Name)
	if err != nil {
		return err
	}
	there, err := q.takeVariable(ctx, name)
	if err != nil || there || c.IfExists || q.again {
		return err
	}
	return errs.Cond(errs.Analysis, "VARIABLE_NOT_FOUND", "42883", "There is no variable "+variableID(name)+".", "variableName", variableID(name))
}

// notVariable refuses SET of a name that is a variable's: SET is for settings.
func (q *query) notVariable(key string) error {
	name, err := variableNamed(strings.Split(key, "."))
	if err != nil {
		return nil
	}
	if _, ok := q.s.vars.get(name); !ok {
		return nil
	}
	return errs.Cond(errs.Analysis, "UNSUPPORTED_FEATURE.SET_VARIABLE_USING_SET", "0A000",
		types.Quote(key)+" is a variable: assign it by SET VARIABLE.", "variableName", types.Quote(key))
}
