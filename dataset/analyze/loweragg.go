package analyze

import (
	"context"
	"slices"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// havingOf is the aggregate that a HAVING filter (or several) stands on.
func havingOf(f *plan.Filter) *plan.Aggregate {
	if !f.Having {
		return nil
	}
	switch c := untagged(f.Child).(type) {
	case *plan.Aggregate:
		return c
	case *plan.Filter:
		return havingOf(c)
	}
	return nil
}

func havingConds(f *plan.Filter) []plan.Expr {
	if c, ok := untagged(f.Child).(*plan.Filter); ok {
		return append(havingConds(c), f.Cond)
	}
	return []plan.Expr{f.Cond}
}

func untagged(n plan.Node) plan.Node {
	for {
		t, ok := n.(*plan.Tagged)
		if !ok {
			return n
		}
		n = t.Child
	}
}

// splitter takes an aggregate's list apart: the core aggregate computes keys
// and functions, a projection above it the expressions over them.
type splitter struct {
	*run
	grouped bool
	keys    []plan.Expr    // as they stand in GROUP BY
	keyCols []*plan.Column // their columns
	aggs    map[string]*plan.Column
	list    []plan.Expr // of the core aggregate, keys first
	own     map[plan.ID]bool
	named   map[string]*plan.Alias // functions that are list items by themselves
}

// lowerAggregate splits an aggregate and the HAVING above it.
func (r *run) lowerAggregate(ctx context.Context, agg *plan.Aggregate, having []plan.Expr) (plan.Node, error) {
	child, err := r.lower(ctx, agg.Child)
	if err != nil {
		return nil, err
	}
	list, err := r.lowerList(ctx, agg.List)
	if err != nil {
		return nil, err
	}
	s := &splitter{run: r, grouped: len(agg.GroupBy) > 0, aggs: map[string]*plan.Column{}, own: map[plan.ID]bool{}, named: map[string]*plan.Alias{}}
	if child, err = s.groupBy(ctx, agg, child); err != nil {
		return nil, err
	}
	byID := map[plan.ID]plan.Expr{}
	for _, e := range list {
		if a, ok := e.(*plan.Alias); ok {
			s.own[a.ID] = true
			byID[a.ID] = a.Child
			if f, ok := a.Child.(*plan.Agg); ok && s.named[plan.Key(f)] == nil {
				s.named[plan.Key(f)] = a
			}
		}
	}
	top := make([]plan.Expr, len(list))
	for i, e := range list {
		if top[i], err = s.item(e); err != nil {
			return nil, err
		}
	}
	var conds []plan.Expr
	for _, c := range having {
		if c, err = r.lowerExpr(ctx, c); err != nil {
			return nil, err
		}
		if c, err = s.split(substitute(c, byID)); err != nil {
			return nil, err
		}
		conds = append(conds, c)
	}
	core := &plan.Aggregate{GroupBy: columnList(s.keyCols), List: s.list, Child: child}
	var n plan.Node = core
	if len(conds) > 0 {
		n = &plan.Filter{Cond: plan.And(conds...), Child: n}
	}
	if sameColumns(top, n.Output()) {
		return n, nil
	}
	return r.projectChain(top, n)
}

func sameColumns(list []plan.Expr, out []*plan.Column) bool {
	if len(list) != len(out) {
		return false
	}
	for i, e := range list {
		if c, ok := e.(*plan.Column); !ok || c.ID != out[i].ID || c.Name != out[i].Name {
			return false
		}
	}
	return true
}

// groupBy makes every key a column of the aggregate's input.
func (s *splitter) groupBy(ctx context.Context, agg *plan.Aggregate, child plan.Node) (plan.Node, error) {
	var extra []plan.Expr
	for _, k := range agg.GroupBy {
		k, err := s.lowerExpr(ctx, k)
		if err != nil {
			return nil, err
		}
		if keyIndex(s.keys, k) >= 0 {
			continue
		}
		c, ok := k.(*plan.Column)
		if !ok {
			a := s.alias(k, plan.SQLName(k))
			extra = append(extra, a)
			c = a.Column()
		}
		s.keys, s.keyCols = append(s.keys, k), append(s.keyCols, c)
		s.list = append(s.list, c)
	}
	if len(extra) == 0 {
		return child, nil
	}
	return s.projectChain(append(columnList(child.Output()), extra...), child)
}

// item splits an item of the list; a function by itself keeps its name and identity.
func (s *splitter) item(e plan.Expr) (plan.Expr, error) {
	a, ok := e.(*plan.Alias)
	if !ok {
		c, err := s.split(e)
		if err != nil {
			return nil, err
		}
		if k, ok := c.(*plan.Column); ok {
			switch w, was := e.(*plan.Column); {
			case was && w.ID != k.ID:
				return &plan.Alias{Child: k, Name: w.Name, ID: w.ID, Metadata: w.Metadata}, nil
			case was:
				return w, nil // by the name the list gives it
			}
		}
		return c, nil
	}
	c, err := s.split(a.Child)
	if err != nil {
		return nil, err
	}
	if k, ok := c.(*plan.Column); ok && k.ID == a.ID {
		return k, nil
	}
	return a.WithChildren([]plan.Expr{c}), nil
}

// split expresses e by the core aggregate's columns.
func (s *splitter) split(e plan.Expr) (plan.Expr, error) {
	if i := keyIndex(s.keys, e); i >= 0 {
		return s.keyCols[i], nil
	}
	switch x := e.(type) {
	case *plan.Agg:
		return s.function(x)
	case *plan.Column:
		if s.own[x.ID] || s.made(x) {
			return x, nil
		}
		return nil, s.notGrouped(x)
	case *plan.Window:
		return s.window(x)
	case *plan.Subquery:
		if err := s.checkOuter(x); err != nil {
			return nil, err
		}
	}
	return s.children(e, e.Children())
}

// checkOuter tests that a correlated subquery refers to grouping columns only.
func (s *splitter) checkOuter(q *plan.Subquery) error {
	for _, c := range outerColumns(q.Plan) {
		if keyIndex(s.keys, c) < 0 {
			return errs.Cond(errs.Analysis, "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.CORRELATED_COLUMN_IS_NOT_ALLOWED_IN_PREDICATE", "0A000",
				"A subquery refers to "+sqlID([]string{c.Name})+", which is neither grouped nor aggregated.", "treeNode", c.Name)
		}
	}
	return nil
}

func (s *splitter) made(c *plan.Column) bool { return containsID(plan.ListOutput(s.list), c.ID) }

func (s *splitter) children(e plan.Expr, cs []plan.Expr) (plan.Expr, error) {
	if len(cs) == 0 {
		return e, nil
	}
	out := make([]plan.Expr, len(cs))
	for i, c := range cs {
		var err error
		if out[i], err = s.split(c); err != nil {
			return nil, err
		}
	}
	return e.WithChildren(out), nil
}

// window keeps the function that the window applies and splits its arguments.
func (s *splitter) window(w *plan.Window) (plan.Expr, error) {
	f, err := s.children(w.Func, w.Func.Children())
	if err != nil {
		return nil, err
	}
	cs := w.Children()
	out := make([]plan.Expr, len(cs))
	out[0] = f
	for i, c := range cs[1:] {
		if out[i+1], err = s.split(c); err != nil {
			return nil, err
		}
	}
	return w.WithChildren(out), nil
}

// function makes an aggregate function a column of the core aggregate.
func (s *splitter) function(f *plan.Agg) (plan.Expr, error) {
	k := plan.Key(f)
	if c := s.aggs[k]; c != nil {
		return c, nil
	}
	if slices.ContainsFunc(f.Children(), hasAggregate) {
		return nil, at(errs.Cond(errs.Analysis, "NESTED_AGGREGATE_FUNCTION", "42607",
			"An aggregate function cannot be an argument of another one: "+toSQL(f)+"."), f.At)
	}
	a := s.named[k]
	if a == nil {
		a = s.alias(f, plan.SQLName(f))
	}
	s.list = append(s.list, a)
	s.aggs[k] = a.Column()
	return a.Column(), nil
}

func (s *splitter) notGrouped(c *plan.Column) error {
	if !s.grouped {
		return errs.Cond(errs.Analysis, "MISSING_GROUP_BY", "42803",
			"The column "+sqlID([]string{c.Name})+" is beside aggregate functions without a GROUP BY.")
	}
	return errs.Cond(errs.Analysis, "MISSING_AGGREGATION", "42803",
		"The column "+toSQL(c)+" is neither grouped nor aggregated.", "expression", toSQL(c), "expressionAnyValue", "\"any_value("+plan.SQLName(c)+")\"")
}
