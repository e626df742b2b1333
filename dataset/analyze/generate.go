package analyze

import (
	"context"
	"slices"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Functions that make rows: in select lists, LATERAL VIEW and FROM.

// withGenerator takes a generator out of a resolved list, into a Generate.
func (r *run) withGenerator(n plan.Node) (plan.Node, error) {
	list := n.Exprs()
	if a, ok := n.(*plan.Aggregate); ok {
		list = a.List
	}
	at, err := r.generatorAt(list)
	if err != nil || at < 0 {
		return n, err
	}
	switch n := n.(type) {
	case *plan.Project:
		return r.generateIn(n.List, at, n.Child)
	case *plan.Aggregate:
		return r.generateOver(n, at)
	}
	return n, nil
}

// generatorAt is the position of the list's only generator, -1 if it has none.
func (r *run) generatorAt(list []plan.Expr) (int, error) {
	pos, count := -1, 0
	for i, e := range list {
		if r.isGenerator(bare(e)) {
			pos = i
			count++
			if slices.ContainsFunc(bare(e).Children(), r.hasGenerator) {
				return -1, generatorError("NESTED_IN_EXPRESSIONS", "A row-making function cannot be inside another expression: "+toSQL(e)+".", "expression", toSQL(bare(e)))
			}
		} else if r.hasGenerator(e) {
			return -1, generatorError("NESTED_IN_EXPRESSIONS", "A row-making function cannot be inside another expression: "+toSQL(bare(e))+".", "expression", toSQL(bare(e)))
		} else if a, ok := e.(*plan.Alias); ok && len(a.Names) > 0 {
			return -1, errs.Cond(errs.Analysis, "MULTI_ALIAS_WITHOUT_GENERATOR", "42K0E",
				"Several names are given to "+toSQL(a.Child)+", which makes no rows.", "expr", toSQL(a.Child), "names", strings.Join(a.Names, ", "))
		}
	}
	if count > 1 {
		return -1, generatorError("MULTI_GENERATOR", "A select list can have one row-making function, not "+itoa(count)+".", "num", itoa(count), "generators", "")
	}
	return pos, nil
}

func generatorError(sub, message string, kv ...string) error {
	return errs.Cond(errs.Analysis, "UNSUPPORTED_GENERATOR."+sub, "42K0E", message, kv...)
}

// generateIn makes list's generator a Generate over child and a projection.
func (r *run) generateIn(list []plan.Expr, at int, child plan.Node) (plan.Node, error) {
	var names []string
	if a, ok := list[at].(*plan.Alias); ok && (len(a.Names) > 0 || !r.autoNamedGenerator(a)) {
		if names = a.Names; len(names) == 0 {
			names = []string{a.Name}
		}
	}
	g, err := r.generateNode(bare(list[at]).(*plan.Call), names, false, "", child)
	if err != nil {
		return nil, err
	}
	out := append([]plan.Expr{}, list[:at]...)
	out = append(out, columnList(g.Columns)...)
	out = append(out, list[at+1:]...)
	return &plan.Project{List: out, Child: g}, nil
}

// autoNamedGenerator tells whether an alias was made by the analyser.
func (r *run) autoNamedGenerator(a *plan.Alias) bool {
	return a.Name == plan.SQLNameIn(a.Child, r.Env.Zone)
}

// generateOver computes an aggregate first, then the generator over its columns.
func (r *run) generateOver(n *plan.Aggregate, at int) (plan.Node, error) {
	gen := bare(n.List[at]).(*plan.Call)
	inner := *n
	inner.List = nil
	for i, e := range n.List {
		if i != at {
			inner.List = append(inner.List, e)
		}
	}
	args := make([]plan.Expr, len(gen.Args))
	for i, a := range gen.Args {
		al := r.alias(a, "_gen_input_"+itoa(i))
		inner.List = append(inner.List, al)
		args[i] = al.Column()
	}
	list := make([]plan.Expr, 0, len(n.List))
	for i, e := range n.List {
		switch {
		case i != at:
			list = append(list, plan.ListOutput([]plan.Expr{e})[0])
		default:
			list = append(list, replaceGenerator(e, gen.WithChildren(args)))
		}
	}
	return r.generateIn(list, at, &inner)
}

func replaceGenerator(e, gen plan.Expr) plan.Expr {
	a, ok := e.(*plan.Alias)
	if !ok {
		return gen
	}
	return a.WithChildren([]plan.Expr{gen})
}

const outerSuffix = "_outer"

// generateNode makes the operator; names replace those of the function.
func (r *run) generateNode(gen *plan.Call, names []string, outer bool, qualifier string, child plan.Node) (*plan.Generate, error) {
	if base, ok := strings.CutSuffix(gen.Name, outerSuffix); ok && r.Registry.Lookup(base) != nil {
		c := *gen
		c.Name, outer = base, true
		gen = &c
	}
	fields := gen.Typ.Fields
	if len(names) > 0 && len(names) != len(fields) {
		return nil, errs.Cond(errs.Analysis, "UDTF_ALIAS_NUMBER_MISMATCH", "42802",
			toSQL(gen)+" makes "+itoa(len(fields))+" columns, but "+itoa(len(names))+" names are given.",
			"aliasesSize", itoa(len(names)), "aliasesNames", strings.Join(names, ","), "outputSize", itoa(len(fields)))
	}
	g := &plan.Generate{Gen: gen, Outer: outer, Qualifier: qualifier, Child: child}
	for i, f := range fields {
		c := &plan.Column{Name: f.Name, ID: r.NextID(), Typ: f.Type, Null: f.Nullable || outer, Metadata: f.Metadata}
		if len(names) > 0 {
			c.Name = names[i]
		}
		if qualifier != "" {
			c.Qualifier = []string{qualifier}
		}
		g.Columns = append(g.Columns, c)
	}
	return g, nil
}

// generate resolves LATERAL VIEW.
func (r *run) generate(ctx context.Context, n *plan.Generate, sc *scope) (plan.Node, error) {
	child, err := r.node(ctx, n.Child, sc)
	if err != nil {
		return nil, err
	}
	v := r.envOf(sc, child)
	e, err := r.expr(ctx, n.Gen, v)
	if err != nil {
		return nil, err
	}
	if !r.isGenerator(e) {
		return nil, errs.Cond(errs.Analysis, "UNSUPPORTED_GENERATOR.NOT_GENERATOR", "42K0E",
			toSQL(e)+" makes no rows and cannot stand in LATERAL VIEW.", "functionName", toSQL(e), "classCanonicalName", "")
	}
	if slices.ContainsFunc(e.Children(), r.hasGenerator) {
		return nil, generatorError("NESTED_IN_EXPRESSIONS", "A row-making function cannot be inside another expression: "+toSQL(e)+".", "expression", toSQL(e))
	}
	g, err := r.generateNode(e.(*plan.Call), n.Names, n.Outer, n.Qualifier, v.inputs[0])
	if err != nil {
		return nil, err
	}
	return g, nil
}

// tableFunction resolves a function in FROM.
func (r *run) tableFunction(ctx context.Context, n *plan.TableFunction, sc *scope) (plan.Node, error) {
	name, ok := builtinName(n.Name)
	if ok && name == "range" {
		return r.rangeFunction(ctx, n, sc)
	}
	ent := r.Registry.Lookup(name)
	if !ok || ent == nil || ent.Kind != function.Generator {
		return nil, at(errs.Cond(errs.Analysis, "UNRESOLVABLE_TABLE_VALUED_FUNCTION", "42883",
			"There is no table-valued function "+sqlID(n.Name)+".", "name", sqlID(n.Name)), n.At)
	}
	for _, a := range n.Args {
		if r.writtenGenerator(a) {
			return nil, at(generatorError("NESTED_IN_EXPRESSIONS", "A row-making function cannot be inside another one: "+toSQL(a)+".", "expression", toSQL(a)), n.At)
		}
	}
	v := r.envOf(sc, &plan.OneRow{})
	e, err := r.expr(ctx, &plan.Func{Name: n.Name, Args: n.Args, At: n.At}, v)
	if err != nil {
		return nil, err
	}
	g, err := r.generateNode(e.(*plan.Call), nil, false, "", &plan.OneRow{})
	if err != nil {
		return nil, at(err, n.At)
	}
	return g, nil
}

// rangeFunction is range(end) or range(start, end[, step[, parts]]).
func (r *run) rangeFunction(ctx context.Context, n *plan.TableFunction, sc *scope) (plan.Node, error) {
	if len(n.Args) == 0 || len(n.Args) > 4 {
		return nil, at(function.WrongArgs("range", "[1, 2, 3, 4]", len(n.Args)), n.At)
	}
	vals := make([]int64, len(n.Args))
	for i, a := range n.Args {
		e, err := r.expr(ctx, a, r.envOf(sc, &plan.OneRow{}))
		if err != nil {
			return nil, err
		}
		c := e
		if !e.Type().IsIntegral() && function.ImplicitCast(r.Env.Ansi, e.Type(), types.Long) {
			c = r.castTo(e, types.Long)
		}
		x, ok := r.constLong(c)
		if !ok {
			return nil, at(errs.Cond(errs.Analysis, "UNEXPECTED_INPUT_TYPE", "42K09",
				"The "+function.Ordinal(i)+" parameter of `range` must be a constant of type \"BIGINT\", not "+toSQL(e)+".",
				"functionName", "`range`", "paramIndex", function.Ordinal(i), "requiredType", "\"BIGINT\"", "inputSql", toSQL(e), "inputType", toSQLType(e.Type())), n.At)
		}
		vals[i] = x
	}
	out := &plan.Range{Start: 0, Step: 1, Column: &plan.Column{Name: "id", ID: r.NextID(), Typ: types.Long}}
	if len(vals) == 1 {
		out.End = vals[0]
		return out, nil
	}
	out.Start, out.End = vals[0], vals[1]
	if len(vals) > 2 {
		out.Step = vals[2]
	}
	if len(vals) > 3 {
		out.Parts = int(vals[3])
	}
	if out.Step == 0 {
		return nil, at(errs.Cond(errs.Analysis, "FAILED_FUNCTION_CALL", "38000", "The step of `range` must not be 0.", "funcName", "`range`"), n.At)
	}
	return out, nil
}

// writtenGenerator tells whether an unresolved expression calls a generator.
func (r *run) writtenGenerator(e plan.Expr) bool {
	found := false
	plan.WalkExpr(e, func(x plan.Expr) bool {
		if f, ok := x.(*plan.Func); ok {
			name, builtin := builtinName(f.Name)
			ent := r.Registry.Lookup(name)
			found = found || builtin && ent != nil && ent.Kind == function.Generator
		}
		return !found
	})
	return found
}
