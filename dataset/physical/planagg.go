package physical

import (
	"context"
	"fmt"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// aggregate plans grouping: a hash aggregate over keys and distinct functions,
// then a projection that makes the list's expressions of its columns.
func (p *Planner) aggregate(ctx context.Context, n *plan.Aggregate) (Node, error) {
	child, err := p.node(ctx, n.Child)
	if err != nil {
		return nil, err
	}
	in := n.Child.Output()
	g := newGrouping(n)
	keys, err := bindAll(g.keys, in)
	if err != nil {
		return nil, err
	}
	aggs := make([]*plan.Agg, len(g.aggs))
	for i, a := range g.aggs {
		b, err := Bind(a, in)
		if err != nil {
			return nil, err
		}
		aggs[i] = b.(*plan.Agg)
	}
	node, err := p.group(child, keys, aggs, p.rows(n))
	if err != nil {
		return nil, err
	}
	list := make([]plan.Expr, len(n.List))
	for i, e := range n.List {
		if list[i], err = g.rewrite(e); err != nil {
			return nil, err
		}
	}
	out := plan.SchemaOf(n)
	if identity(list, node.Schema().Len()) {
		return withNames(node, out), nil
	}
	return &Project{Rows: p.rows(n), Exprs: list, Out: out, Child: node}, nil
}

// withNames gives an aggregate's or projection's columns their final names.
func withNames(n Node, out types.Schema) Node {
	switch n := n.(type) {
	case *Aggregate:
		c := *n
		c.Out = out
		return &c
	}
	return renamed(n, out)
}

// grouping holds the distinct keys and functions of an aggregate.
type grouping struct {
	keys  []plan.Expr
	aggs  []*plan.Agg
	keyAt map[string]int
	aggAt map[string]int
}

func newGrouping(n *plan.Aggregate) *grouping {
	g := &grouping{keyAt: map[string]int{}, aggAt: map[string]int{}}
	for _, e := range n.GroupBy {
		if k := plan.Key(e); !has(g.keyAt, k) {
			g.keyAt[k] = len(g.keys)
			g.keys = append(g.keys, e)
		}
	}
	for _, e := range n.List {
		plan.WalkExpr(e, func(x plan.Expr) bool {
			if has(g.keyAt, plan.Key(x)) {
				return false
			}
			a, ok := x.(*plan.Agg)
			if ok && !has(g.aggAt, plan.Key(a)) {
				g.aggAt[plan.Key(a)] = len(g.aggs)
				g.aggs = append(g.aggs, a)
			}
			return !ok
		})
	}
	return g
}

func has(m map[string]int, k string) bool { _, ok := m[k]; return ok }

// rewrite expresses a list entry by the aggregate's output columns.
func (g *grouping) rewrite(e plan.Expr) (plan.Expr, error) {
	if i, ok := g.keyAt[plan.Key(e)]; ok {
		return &plan.Bound{Index: i, Typ: e.Type(), Null: e.Nullable(), Name: nameOf(e)}, nil
	}
	switch e := e.(type) {
	case *plan.Agg:
		return &plan.Bound{Index: len(g.keys) + g.aggAt[plan.Key(e)], Typ: e.Typ, Null: e.Null, Name: e.Name}, nil
	case *plan.Alias:
		return g.rewrite(e.Child)
	case *plan.Column:
		return nil, errs.Errorf(errs.Internal, "physical.aggregate", "column %s is neither grouped nor aggregated", e)
	}
	cs := e.Children()
	out := make([]plan.Expr, len(cs))
	for i, c := range cs {
		r, err := g.rewrite(c)
		if err != nil {
			return nil, err
		}
		out[i] = r
	}
	if len(cs) == 0 {
		return e, nil
	}
	return e.WithChildren(out), nil
}

func nameOf(e plan.Expr) string {
	switch e := e.(type) {
	case *plan.Column:
		return e.Name
	case *plan.Alias:
		return e.Name
	case *plan.Bound:
		return e.Name
	}
	return "key"
}

// group aggregates bound keys and functions. Distinct functions become two
// aggregations: the inner one makes (keys, arguments) unique and keeps partial
// states of the functions that are not distinct.
func (p *Planner) group(child Node, keys []plan.Expr, aggs []*plan.Agg, rows Rows) (Node, error) {
	sets := distinctSets(aggs)
	switch len(sets) {
	case 0:
		return &Aggregate{Rows: rows, Keys: keys, Aggs: aggs, Out: aggSchema(keys, aggs), Child: child, states: p.states(aggs)}, nil
	case 1:
		return p.groupDistinct(child, keys, aggs, rows)
	}
	return p.groupSeveralDistinct(child, keys, aggs, sets, rows)
}

// distinctInsensitive functions give the same with and without DISTINCT.
func distinctInsensitive(a *plan.Agg) bool {
	switch a.Name {
	case "min", "max", "bool_and", "bool_or", "every", "some", "any", "bit_and", "bit_or", "collect_set", "approx_count_distinct":
		return true
	}
	return false
}

// distinctSets lists the argument sets of distinct functions in order of appearance.
func distinctSets(aggs []*plan.Agg) []string {
	var sets []string
	seen := map[string]bool{}
	for _, a := range aggs {
		if !a.Distinct || distinctInsensitive(a) {
			continue
		}
		if k := distinctKey(a); !seen[k] {
			seen[k] = true
			sets = append(sets, k)
		}
	}
	return sets
}

func distinctKey(a *plan.Agg) string {
	parts := make([]string, 0, len(a.Args)+1)
	for _, e := range a.Args {
		parts = append(parts, plan.Key(e))
	}
	if a.Filter != nil {
		parts = append(parts, "filter:"+plan.Key(a.Filter))
	}
	return strings.Join(parts, ";")
}

func isDistinct(a *plan.Agg) bool { return a.Distinct && !distinctInsensitive(a) }

func (p *Planner) groupDistinct(child Node, keys []plan.Expr, aggs []*plan.Agg, rows Rows) (Node, error) {
	inner := &Aggregate{Rows: Rows{-1}, Mode: AggComplete, Child: child}
	outer := &Aggregate{Rows: rows, Mode: AggComplete, Merge: make([]bool, len(aggs))}
	inner.Keys = append([]plan.Expr{}, keys...)
	for i, k := range keys {
		outer.Keys = append(outer.Keys, boundTo(k, i))
	}
	var args []plan.Expr // distinct arguments and their filter, one set for all
	for _, a := range aggs {
		if isDistinct(a) && args == nil {
			args = append(append(args, a.Args...), optionalExpr(a.Filter)...)
			inner.Keys = append(inner.Keys, args...)
		}
	}
	next := len(inner.Keys)
	for i, a := range aggs {
		c := *a
		if isDistinct(a) {
			c.Distinct, c.Args = false, nil
			for j, e := range a.Args {
				c.Args = append(c.Args, boundTo(e, len(keys)+j))
			}
			if a.Filter != nil {
				c.Filter = boundTo(a.Filter, len(keys)+len(a.Args))
			}
		} else {
			states, err := p.stateTypes(a)
			if err != nil {
				return nil, err
			}
			inner.Mode = AggPartial
			inner.Aggs = append(inner.Aggs, a)
			outer.Merge[i] = true
			c.Args, c.Filter, c.Distinct = nil, nil, false
			for _, t := range states {
				c.Args = append(c.Args, &plan.Bound{Index: next, Typ: t, Null: true, Name: "state"})
				next++
			}
		}
		outer.Aggs = append(outer.Aggs, &c)
	}
	var err error
	if inner.Out, err = p.partialSchema(inner.Keys, inner.Aggs); err != nil {
		return nil, err
	}
	outer.Child, outer.Out = inner, aggSchema(keys, aggs)
	return outer, nil
}

func optionalExpr(e plan.Expr) []plan.Expr {
	if e == nil {
		return nil
	}
	return []plan.Expr{e}
}

func boundTo(e plan.Expr, i int) *plan.Bound {
	return &plan.Bound{Index: i, Typ: e.Type(), Null: e.Nullable(), Name: nameOf(e)}
}

// groupSeveralDistinct computes each argument set on its own over the shared
// child and joins the results on the keys.
func (p *Planner) groupSeveralDistinct(child Node, keys []plan.Expr, aggs []*plan.Agg, sets []string, rows Rows) (Node, error) {
	p.filters++
	shared := &Shared{Rows: Rows{child.Estimate()}, ID: -p.filters, Child: child}
	place := make([]int, len(aggs)) // position of each function in the joined output
	var joined Node
	width := 0
	for s := range sets {
		var part []*plan.Agg
		for i, a := range aggs {
			if isDistinct(a) && distinctKey(a) == sets[s] || !isDistinct(a) && s == 0 {
				place[i] = width + len(keys) + len(part)
				part = append(part, a)
			}
		}
		node, err := p.group(shared, keys, part, rows)
		if err != nil {
			return nil, err
		}
		width += len(keys) + len(part)
		joined = joinOnKeys(joined, node, len(keys), rows)
	}
	out := &Project{Rows: rows, Out: aggSchema(keys, aggs), Child: joined}
	for i, k := range keys {
		out.Exprs = append(out.Exprs, boundTo(k, i))
	}
	for i, a := range aggs {
		out.Exprs = append(out.Exprs, &plan.Bound{Index: place[i], Typ: a.Typ, Null: a.Null, Name: a.Name})
	}
	return out, nil
}

func joinOnKeys(left, right Node, keys int, rows Rows) Node {
	if left == nil {
		return right
	}
	out := types.Schema{Fields: append(append([]types.Field{}, left.Schema().Fields...), right.Schema().Fields...)}
	if keys == 0 {
		return &NestedLoop{Rows: rows, Type: plan.JoinCross, Left: left, Right: right, Out: out}
	}
	j := &HashJoin{Rows: rows, Type: plan.JoinInner, Left: left, Right: right, Out: out}
	for i := range keys {
		l, r := left.Schema().Fields[i], right.Schema().Fields[i]
		j.LeftKeys = append(j.LeftKeys, &plan.Bound{Index: i, Typ: l.Type, Null: l.Nullable, Name: l.Name})
		j.RightKeys = append(j.RightKeys, &plan.Bound{Index: i, Typ: r.Type, Null: r.Nullable, Name: r.Name})
		j.NullSafe = append(j.NullSafe, true)
	}
	return j
}

func aggSchema(keys []plan.Expr, aggs []*plan.Agg) types.Schema {
	var s types.Schema
	for _, k := range keys {
		s.Fields = append(s.Fields, types.Field{Name: nameOf(k), Type: k.Type(), Nullable: k.Nullable()})
	}
	for _, a := range aggs {
		s.Fields = append(s.Fields, types.Field{Name: a.Name, Type: a.Typ, Nullable: a.Null})
	}
	return s
}

// partialSchema is keys, then every function's state columns.
func (p *Planner) partialSchema(keys []plan.Expr, aggs []*plan.Agg) (types.Schema, error) {
	s := aggSchema(keys, nil)
	for _, a := range aggs {
		states, err := p.stateTypes(a)
		if err != nil {
			return s, err
		}
		for i, t := range states {
			s.Fields = append(s.Fields, types.F(fmt.Sprintf("%s_state%d", a.Name, i), t))
		}
	}
	return s, nil
}

// states are the state types of functions that may group rows in any order and
// in steps; nil if some may not.
func (p *Planner) states(aggs []*plan.Agg) [][]types.Type {
	out := make([][]types.Type, len(aggs))
	for i, a := range aggs {
		t, err := p.stateTypes(a)
		if err != nil || len(a.Order) > 0 {
			return nil
		}
		out[i] = t
	}
	return out
}

func (p *Planner) stateTypes(a *plan.Agg) ([]types.Type, error) {
	e := p.Registry.Lookup(a.Name)
	if e == nil || e.StateTypes == nil {
		return nil, errs.Errorf(errs.Internal, "physical.stateTypes", "aggregate %s has no partial state", a.Name)
	}
	return e.StateTypes(a), nil
}

func (p *Planner) distinct(ctx context.Context, n *plan.Distinct) (Node, error) {
	child, err := p.node(ctx, n.Child)
	if err != nil {
		return nil, err
	}
	return distinctOf(child, p.rows(n)), nil
}

func distinctOf(child Node, rows Rows) Node {
	return &Aggregate{Rows: rows, Keys: allColumns(child), Out: child.Schema(), Child: child, states: [][]types.Type{}}
}

// allColumns refers to every column of a node.
func allColumns(n Node) []plan.Expr {
	var out []plan.Expr
	for i, f := range n.Schema().Fields {
		out = append(out, &plan.Bound{Index: i, Typ: f.Type, Null: f.Nullable, Name: f.Name})
	}
	return out
}
