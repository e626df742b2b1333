package optimize

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// pruneColumns removes what nobody above uses: scan columns, projected
// expressions, aggregates, window functions.
type pruneColumns struct {
	Config
	seen func(o *occurrence, want idSet) // told of every occurrence, may be nil
}

func (pruneColumns) Name() string { return "PruneColumns" }

func (p pruneColumns) Apply(_ context.Context, n plan.Node) (plan.Node, error) {
	want := idSet{}
	want.addColumns(n.Output())
	out := p.prune(n, want)
	if cmd, ok := n.(*plan.Write); ok {
		c := *cmd
		want.addColumns(cmd.Child.Output())
		c.Child = keepOrder(p.prune(cmd.Child, want), cmd.Child.Output())
		return &c, nil
	}
	return keepOrder(out, n.Output()), nil
}

// keepOrder restores the columns that a consumer by position expects.
func keepOrder(n plan.Node, cols []*plan.Column) plan.Node {
	have := n.Output()
	if len(have) == len(cols) {
		same := true
		for i := range cols {
			same = same && have[i].ID == cols[i].ID
		}
		if same {
			return n
		}
	}
	return projectTo(n, cols)
}

type idSet map[plan.ID]bool

func (s idSet) addColumns(cs []*plan.Column) {
	for _, c := range cs {
		s[c.ID] = true
	}
}

func (s idSet) addExprs(es ...plan.Expr) {
	for _, e := range es {
		if e != nil {
			for id := range plan.References(e) {
				s[id] = true
			}
		}
	}
}

func (s idSet) with(es ...plan.Expr) idSet {
	out := make(idSet, len(s))
	for id := range s {
		out[id] = true
	}
	out.addExprs(es...)
	return out
}

// prune returns n giving at least the wanted columns, perhaps in another order
// or with others beside them.
func (p pruneColumns) prune(n plan.Node, want idSet) plan.Node {
	switch n := n.(type) {
	case *plan.Scan:
		return p.scan(n, want)
	case *occurrence:
		if p.seen != nil {
			p.seen(n, want)
		}
		return n
	case *plan.Project:
		list := p.list(n.List, want)
		below := idSet{}
		below.addExprs(list...)
		return &plan.Project{List: list, Child: p.prune(n.Child, below)}
	case *plan.Aggregate:
		return p.aggregate(n, want)
	case *plan.Join:
		return p.join(n, want)
	case *plan.WindowNode:
		return p.window(n, want)
	case *plan.Generate:
		out := *n
		below := want.with(n.Gen)
		out.Child = p.narrow(p.prune(n.Child, below), below)
		return &out
	case *plan.Filter, *plan.Sort, *plan.Limit, *plan.OffsetRows, *plan.Tail, *plan.Sample, *plan.Repartition, *plan.Hint, *plan.SubqueryAlias, *plan.Tagged, *plan.CollectMetrics:
		return n.WithChildren([]plan.Node{p.prune(n.Children()[0], want.with(n.Exprs()...))})
	case *plan.Union:
		return p.union(n, want)
	case *plan.Expand:
		return p.expand(n, want)
	}
	return p.all(n)
}

// all prunes below a node that uses every column of its children.
func (p pruneColumns) all(n plan.Node) plan.Node {
	cs := n.Children()
	if len(cs) == 0 {
		return n
	}
	out := make([]plan.Node, len(cs))
	for i, c := range cs {
		want := idSet{}
		want.addColumns(c.Output())
		out[i] = keepOrder(p.prune(c, want), c.Output())
	}
	return n.WithChildren(out)
}

// narrow drops columns of n beyond the wanted ones, if any are worth a projection.
func (p pruneColumns) narrow(n plan.Node, want idSet) plan.Node {
	have := n.Output()
	var keep []*plan.Column
	for _, c := range have {
		if want[c.ID] {
			keep = append(keep, c)
		}
	}
	if len(keep) == len(have) || len(keep) == 0 {
		return n
	}
	return projectTo(n, keep)
}

func (p pruneColumns) scan(n *plan.Scan, want idSet) plan.Node {
	var keep []*plan.Column
	for _, c := range n.Columns {
		if want[c.ID] {
			keep = append(keep, c)
		}
	}
	if len(keep) == len(n.Columns) {
		return n
	}
	out := *n
	out.Columns = keep
	return &out
}

func (p pruneColumns) list(list []plan.Expr, want idSet) []plan.Expr {
	out := make([]plan.Expr, 0, len(list))
	for _, e := range list {
		if want[idOf(e)] {
			out = append(out, e)
		}
	}
	return out
}

func (p pruneColumns) aggregate(n *plan.Aggregate, want idSet) plan.Node {
	out := *n
	out.List = p.list(n.List, want)
	below := idSet{}
	below.addExprs(out.GroupBy...)
	below.addExprs(out.List...)
	out.Child = p.narrow(p.prune(n.Child, below), below)
	return &out
}

func (p pruneColumns) join(n *plan.Join, want idSet) plan.Node {
	out := *n
	below := want.with(n.Cond)
	out.Left = p.narrow(p.prune(n.Left, below), below)
	out.Right = p.narrow(p.prune(n.Right, below), below)
	return &out
}

func (p pruneColumns) window(n *plan.WindowNode, want idSet) plan.Node {
	list := p.list(n.List, want)
	if len(list) == 0 {
		return p.prune(n.Child, want)
	}
	out := *n
	out.List = list
	below := want.with(out.Exprs()...)
	out.Child = p.narrow(p.prune(n.Child, below), below)
	return &out
}

// union prunes all inputs alike, by position.
func (p pruneColumns) union(n *plan.Union, want idSet) plan.Node {
	var at []int
	for i, c := range n.Columns {
		if want[c.ID] {
			at = append(at, i)
		}
	}
	out := &plan.Union{Columns: []*plan.Column{}}
	for _, i := range at {
		out.Columns = append(out.Columns, n.Columns[i])
	}
	for _, in := range n.Inputs {
		cols := make([]*plan.Column, len(at))
		below := idSet{}
		for k, i := range at {
			cols[k] = in.Output()[i]
		}
		below.addColumns(cols)
		out.Inputs = append(out.Inputs, keepOrder(p.prune(in, below), cols))
	}
	return out
}

func (p pruneColumns) expand(n *plan.Expand, want idSet) plan.Node {
	out := &plan.Expand{Projections: make([][]plan.Expr, len(n.Projections))}
	below := idSet{}
	for i, c := range n.Columns {
		if !want[c.ID] {
			continue
		}
		out.Columns = append(out.Columns, c)
		for k := range n.Projections {
			out.Projections[k] = append(out.Projections[k], n.Projections[k][i])
			below.addExprs(n.Projections[k][i])
		}
	}
	if len(out.Columns) == 0 {
		return p.all(n)
	}
	out.Child = p.prune(n.Child, below)
	return out
}
