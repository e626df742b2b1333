package physical

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// join plans an equi-join as a hash join, anything else as a nested loop.
func (p *Planner) join(ctx context.Context, n *plan.Join) (Node, error) {
	left, err := p.node(ctx, n.Left)
	if err != nil {
		return nil, err
	}
	right, err := p.node(ctx, n.Right)
	if err != nil {
		return nil, err
	}
	lc, rc := n.Left.Output(), n.Right.Output()
	keys, rest := equiKeys(plan.SplitAnd(n.Cond), lc, rc)
	both := append(append([]*plan.Column{}, lc...), rc...)
	out := plan.SchemaOf(n)
	if len(keys) == 0 {
		loop := &NestedLoop{Rows: p.rows(n), Type: n.Type, Left: left, Right: right, Out: out}
		if n.Cond != nil {
			if loop.Cond, err = Bind(n.Cond, both); err != nil {
				return nil, err
			}
		}
		return loop, nil
	}
	j := &HashJoin{Rows: p.rows(n), Type: n.Type, Left: left, Right: right, Out: out}
	if j.Type == plan.JoinCross {
		j.Type = plan.JoinInner
	}
	for _, k := range keys {
		l, err := Bind(k.left, lc)
		if err != nil {
			return nil, err
		}
		r, err := Bind(k.right, rc)
		if err != nil {
			return nil, err
		}
		j.LeftKeys, j.RightKeys, j.NullSafe = append(j.LeftKeys, l), append(j.RightKeys, r), append(j.NullSafe, k.nullSafe)
	}
	if cond := plan.And(rest...); cond != nil {
		if j.Residual, err = Bind(cond, both); err != nil {
			return nil, err
		}
	}
	j.BuildLeft = p.buildLeft(j, n)
	return j, nil
}

// equiKey is left = right (or <=>), one expression of each side's columns.
type equiKey struct {
	left, right plan.Expr
	nullSafe    bool
}

func equiKeys(conds []plan.Expr, left, right []*plan.Column) (keys []equiKey, rest []plan.Expr) {
	for _, c := range conds {
		call, ok := c.(*plan.Call)
		if !ok || len(call.Args) != 2 || call.Name != "==" && call.Name != "=" && call.Name != "<=>" {
			rest = append(rest, c)
			continue
		}
		a, b := call.Args[0], call.Args[1]
		switch {
		case uses(a, left, right) && uses(b, right, left):
			keys = append(keys, equiKey{a, b, call.Name == "<=>"})
		case uses(b, left, right) && uses(a, right, left):
			keys = append(keys, equiKey{b, a, call.Name == "<=>"})
		default:
			rest = append(rest, c)
		}
	}
	return keys, rest
}

// uses tells whether e has columns of own and none of other.
func uses(e plan.Expr, own, other []*plan.Column) bool {
	refs := plan.References(e)
	if len(refs) == 0 {
		return false
	}
	for _, c := range other {
		if _, ok := refs[c.ID]; ok {
			return false
		}
	}
	n := 0
	for _, c := range own {
		if _, ok := refs[c.ID]; ok {
			n++
		}
	}
	return n == len(refs)
}

// buildMargin is how much smaller the left side must be before a one-sided
// join builds it: marking matches in the table costs about as much again.
const buildMargin = 2

// buildLeft decides which side becomes the hash table.
func (p *Planner) buildLeft(j *HashJoin, n *plan.Join) bool {
	l, r := j.Left.Estimate(), j.Right.Estimate()
	switch n.Type {
	case plan.JoinInner, plan.JoinCross, plan.JoinFull:
		return l >= 0 && r >= 0 && l < r
	case plan.JoinRight:
		return l < 0 || r < 0 || r*buildMargin >= l
	case plan.JoinLeft, plan.JoinSemi, plan.JoinAnti:
		return l >= 0 && r >= 0 && l*buildMargin < r
	default: // the right side is looked up for each left row
		return false
	}
}

// runtimeFilters gives each hash join that drops probe rows without a match a
// filter on those keys that are plain columns of a scan below the probe side.
func (p *Planner) runtimeFilters(n Node) Node {
	cs := n.Children()
	for i, c := range cs {
		d := p.runtimeFilters(c)
		if d != c {
			cs = append([]Node{}, cs...)
			cs[i] = d
			n = n.WithChildren(cs)
			cs = n.Children()
		}
	}
	j, ok := n.(*HashJoin)
	if !ok || !dropsProbe(j) {
		return n
	}
	out := *j
	build, probe, keys := j.Right, j.Left, j.LeftKeys
	if j.BuildLeft {
		build, probe, keys = j.Left, j.Right, j.RightKeys
	}
	if whole(build) && float64(j.Estimate()) >= uselessFilter*float64(probe.Estimate()) {
		return n
	}
	for k, e := range keys {
		b, ok := e.(*plan.Bound)
		if !ok || j.NullSafe[k] {
			continue
		}
		p.filters++
		if d := consume(probe, b.Index, p.filters); d != probe {
			probe = d
			out.Publish = append(out.Publish, RuntimeFilter{ID: p.filters, Column: k})
		}
	}
	if j.BuildLeft {
		out.Right = probe
	} else {
		out.Left = probe
	}
	return &out
}

// uselessFilter is the part of the probe rows that must pass for a filter not to
// be worth its test.
const uselessFilter = 0.9

// whole tells whether a subplan keeps all rows of its tables, foreign keys
// assumed to have their partner: its keys rarely reject anything.
func whole(n Node) bool {
	switch n := n.(type) {
	case *Scan:
		return len(n.Filters) == 0
	case *Project, *Values, *Range, *Aggregate, *Shared, *Sort, *Window:
	case *HashJoin:
		if n.Type != plan.JoinInner && n.Type != plan.JoinLeft && n.Type != plan.JoinRight && n.Type != plan.JoinFull {
			return false
		}
	default:
		return false
	}
	for _, c := range n.Children() {
		if !whole(c) {
			return false
		}
	}
	return true
}

// dropsProbe tells whether probe rows without a match never reach the output.
func dropsProbe(j *HashJoin) bool {
	switch j.Type {
	case plan.JoinInner:
		return true
	case plan.JoinSemi, plan.JoinRight:
		return !j.BuildLeft || j.Type == plan.JoinSemi
	case plan.JoinLeft, plan.JoinAnti:
		return j.BuildLeft
	default:
		return false
	}
}

// consume finds the scan that column col of n comes from, through operators
// that neither change the value nor the meaning of dropping rows, and ties
// filter id to it. It returns n itself if there is none.
func consume(n Node, col int, id int64) Node {
	switch n := n.(type) {
	case *Scan:
		c := *n
		c.Runtime = append(append([]RuntimeFilter{}, n.Runtime...), RuntimeFilter{ID: id, Column: col})
		return &c
	case *Filter:
		if d := consume(n.Child, col, id); d != n.Child {
			return n.WithChildren([]Node{d})
		}
	case *Project:
		if b, ok := n.Exprs[col].(*plan.Bound); ok {
			if d := consume(n.Child, b.Index, id); d != n.Child {
				return n.WithChildren([]Node{d})
			}
		}
	case *Aggregate:
		if col < len(n.Keys) && n.Mode == AggComplete {
			if b, ok := n.Keys[col].(*plan.Bound); ok {
				if d := consume(n.Child, b.Index, id); d != n.Child {
					return n.WithChildren([]Node{d})
				}
			}
		}
	case *HashJoin:
		return consumeJoin(n, col, id)
	}
	return n
}

func consumeJoin(n *HashJoin, col int, id int64) Node {
	width := n.Left.Schema().Len()
	left := col < width
	switch n.Type {
	case plan.JoinInner:
	case plan.JoinLeft, plan.JoinSemi, plan.JoinAnti, plan.JoinExistence, plan.JoinSingle:
		if !left {
			return n
		}
	case plan.JoinRight:
		if left {
			return n
		}
	default:
		return n
	}
	if left {
		if d := consume(n.Left, col, id); d != n.Left {
			return n.WithChildren([]Node{d, n.Right})
		}
		return n
	}
	if d := consume(n.Right, col-width, id); d != n.Right {
		return n.WithChildren([]Node{n.Left, d})
	}
	return n
}
