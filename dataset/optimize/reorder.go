package optimize

import (
	"context"
	"math"
	"math/bits"
	"slices"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// reorderJoins finds the order of inner joins with the least intermediate rows:
// by dynamic programming over connected subsets (Moerkotte and Neumann 2006)
// up to dpLimit relations, greedily beyond.
type reorderJoins struct{ Config }

// dpLimit keeps the 3^n subsets of the search below some ten thousand.
const dpLimit = 10

func (reorderJoins) Name() string { return "ReorderJoins" }

func (o reorderJoins) Apply(ctx context.Context, n plan.Node) (plan.Node, error) {
	return o.node(NewEstimator(ctx), n), nil
}

func (o reorderJoins) node(e *Estimator, n plan.Node) plan.Node {
	if j, ok := n.(*plan.Join); ok && reorderable(j) {
		r := &region{}
		r.collect(n)
		for i, leaf := range r.leaves {
			r.leaves[i] = o.node(e, leaf)
		}
		if len(r.leaves) > 2 {
			return keepOrder(r.order(e), n.Output())
		}
	}
	cs := n.Children()
	var out []plan.Node
	for i, c := range cs {
		if d := o.node(e, c); d != c {
			if out == nil {
				out = append([]plan.Node{}, cs...)
			}
			out[i] = d
		}
	}
	if out == nil {
		return n
	}
	return n.WithChildren(out)
}

func reorderable(j *plan.Join) bool {
	return (j.Type == plan.JoinInner || j.Type == plan.JoinCross) && j.Strategy == "" && !j.Lateral
}

// region is a maximal tree of inner joins: its leaves and all conditions.
type region struct {
	leaves []plan.Node
	conds  []plan.Expr
	uses   []uint64  // leaves that each condition refers to
	class  []plan.ID // of equal columns that a condition belongs to, 0 none
}

func (r *region) collect(n plan.Node) {
	if j, ok := n.(*plan.Join); ok && reorderable(j) {
		r.collect(j.Left)
		r.collect(j.Right)
		r.conds = append(r.conds, plan.SplitAnd(j.Cond)...)
		return
	}
	if f, ok := n.(*plan.Filter); ok { // a filter over a join that pushdown could not place
		if j, ok := f.Child.(*plan.Join); ok && reorderable(j) {
			r.collect(j)
			r.conds = append(r.conds, plan.SplitAnd(f.Cond)...)
			return
		}
	}
	r.leaves = append(r.leaves, n)
}

// part is a joined subset of the leaves.
type part struct {
	set  uint64
	node plan.Node
	rel  *relation
	cost float64
}

func (r *region) order(e *Estimator) plan.Node {
	if len(r.leaves) > 64 {
		return r.asWritten()
	}
	r.closeEqualities()
	own := r.assign()
	parts := make([]*part, len(r.leaves))
	for i, leaf := range r.leaves {
		leaf = filtered(leaf, own[i])
		parts[i] = &part{set: 1 << i, node: leaf, rel: e.of(leaf)}
	}
	var best *part
	if len(parts) <= dpLimit {
		best = r.dynamic(parts)
	} else {
		best = r.greedy(parts)
	}
	var loose []plan.Expr // conditions without columns
	for i, c := range r.conds {
		if r.uses[i] == 0 {
			loose = append(loose, c)
		}
	}
	return filtered(best.node, loose)
}

// assign notes the leaves of each condition, and returns for each leaf the
// conditions that are its own: equalities that follow from those with others.
func (r *region) assign() [][]plan.Expr {
	owner := map[plan.ID]int{}
	for i, leaf := range r.leaves {
		for _, c := range leaf.Output() {
			owner[c.ID] = i
		}
	}
	own := make([][]plan.Expr, len(r.leaves))
	for _, c := range r.conds {
		var set uint64
		for id := range plan.References(c) {
			set |= 1 << owner[id]
		}
		r.uses = append(r.uses, set)
		if bits.OnesCount64(set) == 1 {
			i := bits.TrailingZeros64(set)
			own[i] = append(own[i], c)
		}
	}
	return own
}

func (r *region) asWritten() plan.Node {
	n := r.leaves[0]
	for _, leaf := range r.leaves[1:] {
		n = &plan.Join{Type: plan.JoinCross, Left: n, Right: leaf}
	}
	return filtered(n, r.conds)
}

// between lists the conditions that join a and b and are complete with them,
// each with its alternatives: one equality of a class is enough, as within each
// side its members are equal.
func (r *region) between(a, b uint64) [][]plan.Expr {
	var out [][]plan.Expr
	var done []plan.ID // class of each condition in out
	for i, u := range r.uses {
		if u&a == 0 || u&b == 0 || u&^(a|b) != 0 {
			continue
		}
		if k := slices.Index(done, r.class[i]); k >= 0 && r.class[i] != 0 {
			out[k] = append(out[k], r.conds[i])
			continue
		}
		out, done = append(out, []plan.Expr{r.conds[i]}), append(done, r.class[i])
	}
	return out
}

// choose takes one alternative of each condition: if possible those whose keys
// come from one table on each side, of which more is known.
func choose(alternatives [][]plan.Expr, a, b *part) []plan.Expr {
	out := make([]plan.Expr, len(alternatives))
	for i, alt := range alternatives {
		out[i] = alt[0]
	}
	if len(out) < 2 {
		return out
	}
	picked := make([]plan.Expr, len(out))
	for _, first := range alternatives[0] {
		l, r := basesOf(first, a, b)
		if l == nil || r == nil {
			continue
		}
		picked[0] = first
		for i, alt := range alternatives[1:] {
			picked[i+1] = nil
			for _, c := range alt {
				if cl, cr := basesOf(c, a, b); cl == l && cr == r {
					picked[i+1] = c
					break
				}
			}
		}
		if !slices.Contains(picked, nil) {
			return picked
		}
	}
	return out
}

// basesOf is the tables that the sides of a column equality come from.
func basesOf(e plan.Expr, a, b *part) (l, r *plan.Scan) {
	x, y, ok := columnEquality(e)
	if !ok {
		return nil, nil
	}
	if _, in := a.rel.columns[x.ID]; !in {
		x, y = y, x
	}
	return a.rel.column(x.ID).base, b.rel.column(y.ID).base
}

// join puts two parts together. Cost is the rows that all joins produce, plus a
// share for the rows that must be kept in the smaller side's table.
func (r *region) join(a, b *part, alternatives [][]plan.Expr) *part {
	conds := choose(alternatives, a, b)
	rel := joined(a.rel, b.rel, conds, a.node.Output(), b.node.Output())
	kind := plan.JoinInner
	if len(conds) == 0 {
		kind = plan.JoinCross
	}
	return &part{
		set: a.set | b.set, node: &plan.Join{Type: kind, Left: a.node, Right: b.node, Cond: plan.And(conds...)},
		rel: rel, cost: a.cost + b.cost + rel.rows + buildCost*min(a.rel.rows, b.rel.rows),
	}
}

// buildCost is what a row in a hash table costs beside one that streams.
const buildCost = 2

func (r *region) dynamic(leaves []*part) *part {
	n := len(leaves)
	best := make([]*part, 1<<n)
	for i, l := range leaves {
		best[1<<i] = l
	}
	full := uint64(1)<<n - 1
	for set := uint64(1); set <= full; set++ {
		if bits.OnesCount64(set) < 2 {
			continue
		}
		for a := (set - 1) & set; a > 0; a = (a - 1) & set {
			b := set &^ a
			if a < b || best[a] == nil || best[b] == nil {
				continue
			}
			conds := r.between(a, b)
			if !hasEquality(conds) { // comparing all pairs comes last
				continue
			}
			if p := r.join(best[a], best[b], conds); best[set] == nil || p.cost < best[set].cost {
				best[set] = p
			}
		}
	}
	if best[full] != nil {
		return best[full]
	}
	return r.greedy(components(best, full))
}

// hasEquality tells whether a condition can be looked up in a table.
func hasEquality(alternatives [][]plan.Expr) bool {
	for _, alt := range alternatives {
		if _, ok := call(alt[0], "=", "==", "<=>"); ok {
			return true
		}
	}
	return false
}

// components covers the leaves by the largest joined subsets that do not overlap.
func components(best []*part, full uint64) []*part {
	var out []*part
	left := full
	for left != 0 {
		var pick *part
		for set := left; set > 0; set = (set - 1) & left {
			if p := best[set]; p != nil && (pick == nil || bits.OnesCount64(set) > bits.OnesCount64(pick.set)) {
				pick = p
			}
		}
		out = append(out, pick)
		left &^= pick.set
	}
	return out
}

// greedy joins the pair with the fewest resulting rows until one part is left;
// pairs without a condition come last.
func (r *region) greedy(parts []*part) *part {
	parts = append([]*part{}, parts...)
	for len(parts) > 1 {
		bi, bj, best, bestCost := 0, 1, (*part)(nil), math.Inf(1)
		for i := range parts {
			for j := i + 1; j < len(parts); j++ {
				conds := r.between(parts[i].set, parts[j].set)
				p := r.join(parts[i], parts[j], conds)
				cost := p.rel.rows
				if !hasEquality(conds) {
					cost = cost*1e6 + 1e12
				}
				if best == nil || cost < bestCost {
					bi, bj, best, bestCost = i, j, p, cost
				}
			}
		}
		parts[bi] = best
		parts = append(parts[:bj], parts[bj+1:]...)
	}
	return parts[0]
}

// closeEqualities adds the equalities that follow from others: a = b and b = c
// let a and c be joined first.
func (r *region) closeEqualities() {
	cl := newClasses()
	have := map[string]bool{}
	for _, c := range r.conds {
		have[plan.Key(c)] = true
		if a, b, ok := columnEquality(c); ok {
			cl.union(a, b)
		}
	}
	closed := map[plan.ID]bool{} // in those one equality between two parts implies the others
	for _, m := range cl.members() {
		if len(m) > maxClass {
			continue
		}
		closed[cl.find(m[0].ID)] = true
		for i := range m {
			for j := i + 1; j < len(m); j++ {
				if !have[plan.Key(equal(m[i], m[j]))] && !have[plan.Key(equal(m[j], m[i]))] {
					r.conds = append(r.conds, equal(m[i], m[j]))
				}
			}
		}
	}
	r.class = make([]plan.ID, len(r.conds))
	for i, c := range r.conds {
		if a, _, ok := columnEquality(c); ok && closed[cl.find(a.ID)] {
			r.class[i] = cl.find(a.ID)
		}
	}
}

// maxClass bounds the pairs added for one class of equal columns.
const maxClass = 6

func columnEquality(e plan.Expr) (a, b *plan.Column, ok bool) {
	c, isCall := e.(*plan.Call)
	if !isCall || c.Name != "==" && c.Name != "=" {
		return nil, nil, false
	}
	a, aok := c.Args[0].(*plan.Column)
	b, bok := c.Args[1].(*plan.Column)
	return a, b, aok && bok
}

// classes is a union-find over columns, in order of first appearance.
type classes struct {
	parent map[plan.ID]plan.ID
	cols   []*plan.Column
}

func newClasses() *classes { return &classes{parent: map[plan.ID]plan.ID{}} }

func (c *classes) find(x plan.ID) plan.ID {
	for c.parent[x] != x {
		x = c.parent[x]
	}
	return x
}

func (c *classes) union(a, b *plan.Column) {
	for _, x := range []*plan.Column{a, b} {
		if _, ok := c.parent[x.ID]; !ok {
			c.parent[x.ID] = x.ID
			c.cols = append(c.cols, x)
		}
	}
	c.parent[c.find(b.ID)] = c.find(a.ID)
}

func (c *classes) members() [][]*plan.Column {
	at := map[plan.ID]int{}
	var out [][]*plan.Column
	for _, x := range c.cols {
		root := c.find(x.ID)
		i, ok := at[root]
		if !ok {
			i = len(out)
			at[root] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], x)
	}
	return out
}
