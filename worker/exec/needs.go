package exec

import (
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
)

// columnSet is a set of column positions; nil means all.
type columnSet []bool

// needs finds, for each join and generator, which of its output columns anybody above reads,
// so that the others are not gathered. A node that is not listed is read whole.
type needs map[physical.Node]columnSet

func neededColumns(root physical.Node) needs {
	out := needs{}
	out.visit(root, nil)
	return out
}

// with is a copy of s with the columns that the expressions read.
func with(s columnSet, n int, es ...plan.Expr) columnSet {
	if s == nil {
		return nil
	}
	out := make(columnSet, n)
	copy(out, s)
	for _, e := range es {
		if e == nil {
			continue
		}
		plan.WalkExpr(e, func(x plan.Expr) bool {
			if b, ok := x.(*plan.Bound); ok && b.Index < n {
				out[b.Index] = true
			}
			return true
		})
	}
	return out
}

// only is the columns that the expressions read.
func only(n int, es ...plan.Expr) columnSet { return with(columnSet{}, n, es...) }

func (o needs) visit(n physical.Node, need columnSet) {
	switch n := n.(type) {
	case *physical.Project:
		o.visit(n.Child, only(n.Child.Schema().Len(), n.Exprs...))
	case *physical.Filter:
		o.visit(n.Child, with(need, n.Child.Schema().Len(), n.Cond))
	case *physical.Limit:
		o.visit(n.Child, need)
	case *physical.CollectMetrics:
		es := make([]plan.Expr, len(n.Aggs))
		for i, a := range n.Aggs {
			es[i] = a
		}
		o.visit(n.Child, with(need, n.Child.Schema().Len(), es...))
	case *physical.Aggregate:
		o.aggregate(n)
	case *physical.HashJoin:
		o[n] = need
		o.join(n.Type, n.Left, n.Right, need, n.LeftKeys, n.RightKeys, n.Residual)
	case *physical.Generate:
		o[n] = need
		o.generate(n, need)
	case *physical.NestedLoop:
		o[n] = need
		o.join(n.Type, n.Left, n.Right, need, nil, nil, n.Cond)
	default:
		for _, c := range n.Children() {
			o.visit(c, nil)
		}
	}
}

// generate's output is its child's columns, then what it makes.
func (o needs) generate(n *physical.Generate, need columnSet) {
	k := n.Child.Schema().Len()
	if need != nil {
		need = need[:min(k, len(need))]
	}
	o.visit(n.Child, with(need, k, n.Gen.Args...))
}

func (o needs) aggregate(n *physical.Aggregate) {
	if n.Mode == physical.AggFinal {
		o.visit(n.Child, nil)
		return
	}
	es := append([]plan.Expr(nil), n.Keys...)
	for _, a := range n.Aggs {
		es = append(es, a)
	}
	o.visit(n.Child, only(n.Child.Schema().Len(), es...))
}

func (o needs) join(kind plan.JoinType, left, right physical.Node, need columnSet, lk, rk []plan.Expr, residual plan.Expr) {
	l, r := left.Schema().Len(), right.Schema().Len()
	if need == nil {
		o.visit(left, nil)
		o.visit(right, nil)
		return
	}
	both := make(columnSet, l+r)
	copy(both, need)
	if oneSided(kind) { // the output is the left columns, and perhaps a mark
		clear(both[l:])
	}
	both = with(both, l+r, residual)
	o.visit(left, with(both[:l], l, lk...))
	o.visit(right, with(both[l:], r, rk...))
}

// oneSided joins deliver left columns only.
func oneSided(kind plan.JoinType) bool {
	switch kind {
	case plan.JoinSemi, plan.JoinAnti, plan.JoinNullAnti, plan.JoinExistence:
		return true
	default:
	}
	return false
}

// setNeeds splits a join's needed output into what its probe and build columns
// must be gathered for; the residual reads them too.
func (j *joinSpec) setNeeds(need columnSet, left int) {
	if need == nil {
		return
	}
	n := len(j.build) + len(j.probe)
	both := make(columnSet, n)
	copy(both, need)
	if oneSided(j.kind) {
		clear(both[left:])
	}
	both = with(both, n, j.residual)
	j.needProbe, j.needBuild = both[:left], both[left:]
	if j.buildLeft {
		j.needProbe, j.needBuild = j.needBuild, j.needProbe
	}
}

// has tells whether column i is in the set.
func (s columnSet) has(i int) bool { return s == nil || s[i] }
